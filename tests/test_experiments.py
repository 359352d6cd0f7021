"""Settings, maps of user vectors, and the files that keep results."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from mtmi_lite import experiments
from mtmi_lite.datasets import planted_interests
from mtmi_lite.experiments import (
    MODELS,
    Knobs,
    Recipe,
    load_grid,
    pca_layout,
    portray,
    save_grid,
    train_knobs,
    umap_layout,
)
from mtmi_lite.interactions import evaluation_cases, features_of, split_users
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import evaluate, interests_found, list_overlap, paired_interval, pairwise_cosine
from mtmi_lite.towers import AttentionPooling
from tests.test_panels import FOUR, PORTRAITS
from tools.notebooks import NOTEBOOKS, ROOT


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(num_towers=0, alpha=1.0, beta=0.0), "num_towers: 0 is out of range; a panel shows 1 to 8"),
        (dict(num_towers=9, alpha=1.0, beta=0.0), "num_towers: 9 is out of range"),
        (dict(num_towers=2, alpha=-1.0, beta=0.0), "alpha: -1.0 is out of range"),
        (dict(num_towers=2, alpha=1.0, beta=float("nan")), "beta: nan is out of range"),
    ],
)
def test_knobs_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Knobs(**settings)


def test_a_grid_comes_back_from_its_file(tmp_path):
    save_grid(tmp_path / "grid.npz", PORTRAITS, {"seed": 3})
    grid, about = load_grid(tmp_path / "grid.npz")
    assert list(grid) == list(PORTRAITS)
    assert about == {"seed": 3}
    for knobs, portrait in grid.items():
        assert portrait.recall_50 == PORTRAITS[knobs].recall_50
        np.testing.assert_allclose(portrait.pca, PORTRAITS[knobs].pca, rtol=1e-3)
        np.testing.assert_allclose(portrait.umap, PORTRAITS[knobs].umap, rtol=1e-3)
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
    program = "import numba; from mtmi_lite.experiments import _import_umap; umap = _import_umap(); "
    program += "print(umap.kept(1), umap.__file__, numba.config.CACHE_DIR, sep='\\n')"
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "TMPDIR": str(tmp_path), "TEMP": str(tmp_path)}
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
    run = train_knobs(FOUR, split, steps=20, progress=False)
    portrait = portray(run.model, cases)
    evaluation = evaluate(run.model, cases)
    assert portrait.recall_50 == evaluation.recall(50).mean()
    assert portrait.cosine == pytest.approx(pairwise_cosine(evaluation.users).mean())
    assert portrait.overlap == np.median(list_overlap(evaluation.lists, 20))
    assert portrait.pca.shape == portrait.umap.shape == (experiments.SHOWN_USERS, 4, 2)


def test_the_grid_of_lesson_00_covers_the_sliders_and_says_where_it_comes_from(online_retail):
    grid, about = load_grid(NOTEBOOKS / "results" / "00_grid.npz")
    expected = {
        Knobs(num_towers=k, alpha=a, beta=b)
        for k in experiments.TOWERS
        for a in experiments.ALPHAS
        for b in experiments.BETAS
    }
    assert set(grid) == expected
    assert about["data"] == {"online-retail": online_retail.checksum}
    assert {"command", "versions", "steps", "seed", "users"} <= set(about)
    json.dumps(about)


def test_every_model_of_the_paper_trains_from_its_recipe_and_reads_features_when_told():
    world = planted_interests(num_interests=12, num_users=60, interests_per_user=2)
    interests = [[name.split(":")[0]] for name in world.log.item_names]
    log = dataclasses.replace(world.log, item_features=features_of(interests))
    split = split_users(log, seed=0)
    assert len(MODELS) == 11
    for recipe in MODELS.values():
        run = dataclasses.replace(recipe, dim=8, features=True).train(split, steps=2, progress=False)
        assert run.model.item_tower.features is not None
        assert run.model.similarity == recipe.similarity
        assert np.isfinite(run.curve["total"]).all()
    assert recipe.train(split, steps=1, progress=False).model.item_tower.features is None


def test_a_description_names_what_is_not_a_default():
    assert Recipe().describe() == {}
    assert MODELS["REMI"].describe() == {
        "tower": "SharedAttention",
        "similarity": "inner-product",
        "objective": {
            "name": "MultiTowerLoss",
            "share": "nearest",
            "beta": 0.0,
            "temperature": 1.0,
            "hardness": 1.0,
            "routing": 100.0,
        },
    }


def test_four_towers_find_the_planted_interests_that_one_cannot():
    """With 200 interests in 16 dimensions; the bounds lie well below seeds 0–2 (.40 to .42, found .68), well above one
    tower (.2, found .2) and above towers that collapsed."""
    world = planted_interests()
    four = Recipe(tower=AttentionPooling, dim=16, objective=MultiTowerLoss(beta=0.0), learning_rate=5e-3)
    split = split_users(world.log, seed=0)
    cases = evaluation_cases(world.log, split.test)
    one = dataclasses.replace(four, num_towers=1)
    evaluation, alone = (
        evaluate(recipe.train(split, steps=1200, progress=False).model, cases) for recipe in (four, one)
    )
    difference, low, _ = paired_interval(evaluation.recall(50), alone.recall(50), seed=0)
    interests = interests_found(evaluation.lists, world.item_interest, world.user_interests[evaluation.cases.users])
    assert evaluation.recall(50).mean() > 0.36
    assert difference > low > 0.12
    assert np.nanmean(pairwise_cosine(evaluation.users)) < 0.4
    assert evaluation.tower_shares(50).min() > 0.1
    assert interests.mean() > 0.6
