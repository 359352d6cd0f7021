"""Maps and portraits, and the grid of them that lesson 00 opens."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from lessons.common.maps import SHOWN_USERS, load_grid, pca_layout, portray, save_grid, umap_layout
from lessons.common.tests.test_panels import FOUR, PORTRAITS
from mtmi_lite.interactions import evaluation_cases, split_users
from mtmi_lite.lab.recipes import ALPHAS, BETAS, KS, recipe_at
from mtmi_lite.metrics import evaluate, list_overlap, pairwise_cosine
from tools.notebooks import NOTEBOOKS, ROOT


def test_a_grid_comes_back_from_its_file(tmp_path):
    save_grid(tmp_path / "grid.npz", PORTRAITS, {"seed": 3})
    grid, about = load_grid(tmp_path / "grid.npz")
    assert list(grid) == list(PORTRAITS)
    assert about == {"seed": 3}
    for recipe, portrait in grid.items():
        assert portrait.recall_50 == PORTRAITS[recipe].recall_50
        np.testing.assert_allclose(portrait.pca, PORTRAITS[recipe].pca, rtol=1e-3)
        np.testing.assert_allclose(portrait.umap, PORTRAITS[recipe].umap, rtol=1e-3)
    assert np.isnan(next(iter(grid.values())).cosine)


def test_a_missing_grid_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path: .*none.npz does not exist; make it with"):
        load_grid(tmp_path / "none.npz")


def test_pca_is_that_of_scikit_learn_up_to_signs():
    points = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32) * np.arange(1, 7, dtype=np.float32)
    found, expected = pca_layout(points), PCA(2).fit_transform(points)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-3, atol=1e-3)
    assert (found.max(axis=0) >= -found.min(axis=0)).all()


def test_umap_gives_a_place_to_each_point_and_leaves_the_threads_of_torch_alone():
    threads = torch.get_num_threads()
    layout = umap_layout(np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32), seed=1)
    assert layout.shape == (30, 2)
    assert np.isfinite(layout).all()
    assert torch.get_num_threads() == threads
    with pytest.raises(ValueError, match="vectors: 4 points are too few for UMAP; give at least 5"):
        umap_layout(np.ones((4, 8), dtype=np.float32))


@pytest.mark.skipif(os.name != "posix", reason="Windows does not say in the environment where the home is")
def test_umap_is_imported_where_numba_can_write_neither_beside_it_nor_at_home(tmp_path):
    fake = tmp_path / "umap"  # the real one takes long to compile
    fake.mkdir()
    for module in ("umap_", "layouts", "spectral", "distances", "utils"):
        (fake / f"{module}.py").touch()
    (fake / "__init__.py").write_text("import numba\nkept = numba.njit(cache=True)(lambda x: x + 1)")
    (fake / "__pycache__").touch()  # a file, where numba wants to make a folder, stops root, too
    program = "import numba; from lessons.common.maps import _import_umap; umap = _import_umap(); "
    program += "print(umap.kept(1), umap.__file__, numba.config.CACHE_DIR, sep='\\n')"
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}{os.pathsep}{NOTEBOOKS}",
        "TMPDIR": str(tmp_path),
        "TEMP": str(tmp_path),
    }
    environment |= dict.fromkeys(("HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"), os.devnull)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    answer, umap, cache = done.stdout.split()
    assert answer == "2"
    assert Path(umap).parent == fake
    assert Path(cache).parent == tmp_path
    assert not Path(cache).exists()  # it ended with the process


def test_a_portrait_says_of_all_cases_what_the_metrics_say(online_retail):
    split = split_users(online_retail, seed=0)
    cases = evaluation_cases(online_retail, split.validation)
    run = FOUR.train(split, steps=20, progress=False)
    portrait = portray(run.model, cases)
    evaluation = evaluate(run.model, cases)
    assert portrait.recall_50 == evaluation.recall(50).mean()
    assert portrait.cosine == pytest.approx(pairwise_cosine(evaluation.users).mean())
    assert portrait.overlap == np.median(list_overlap(evaluation.lists, 20))
    assert portrait.pca.shape == portrait.umap.shape == (SHOWN_USERS, 4, 2)


def test_the_grid_of_lesson_00_covers_the_sliders_and_says_where_it_comes_from(online_retail):
    grid, about = load_grid(NOTEBOOKS / "results" / "00_grid.npz")
    expected = {recipe_at(num_towers=k, alpha=a, beta=b) for k in KS for a in ALPHAS for b in BETAS}
    assert set(grid) == expected
    assert about["data"] == {"online-retail": online_retail.checksum}
    assert {"command", "versions", "steps", "seed", "users"} <= set(about)
    json.dumps(about)
