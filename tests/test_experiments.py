"""Settings, maps of user vectors, and the files that keep results."""

import json

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from mtmi_lite import experiments, files
from mtmi_lite.experiments import (
    Knobs,
    load_grid,
    pca_layout,
    portray,
    save_grid,
    train_knobs,
    umap_layout,
)
from mtmi_lite.files import save_arrays
from mtmi_lite.interactions import evaluation_cases, split_users
from mtmi_lite.metrics import evaluate, list_overlap, pairwise_cosine
from tests.test_panels import FOUR, PORTRAITS
from tools.notebooks import NOTEBOOKS


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


def test_a_write_that_is_interrupted_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "arrays.npz"
    save_arrays(path, kept=np.arange(3))

    def half_a_file(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(files.np, "savez_compressed", half_a_file)
    with pytest.raises(KeyboardInterrupt):
        save_arrays(path, kept=np.arange(4))
    assert np.load(path)["kept"].tolist() == [0, 1, 2]
    assert [file.name for file in tmp_path.iterdir()] == ["arrays.npz"]


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
