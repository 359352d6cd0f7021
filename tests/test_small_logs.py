"""A shop of 12 products and 20 customers: whatever asks for 50 items goes on with what there is."""

import warnings

import numpy as np
import pytest
import torch

from mtmi_lite.cells import Cell, run_cells
from mtmi_lite.experiments import Knobs, portray, recipe_at
from mtmi_lite.gap import measure_gap
from mtmi_lite.interactions import evaluation_cases, from_columns, split_users
from mtmi_lite.lessons import lesson_03, lesson_05, lesson_08, lesson_10
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MostPopular
from mtmi_lite.retrieval import index_items, merge, search_towers


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(0)
    items = np.concatenate([np.arange(12), rng.integers(12, size=188)])
    return from_columns(users=np.arange(200) % 20, items=items, times=np.arange(200))


@pytest.fixture(scope="module", params=[1, 3])
def found(log, request):
    split = split_users(log, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = (
            recipe_at(Knobs(num_towers=request.param, alpha=5.0, beta=0.3)).train(split, steps=5, progress=False).model
        )
    return model, evaluate(model, evaluation_cases(log, split.train))


def test_a_list_has_all_items_where_there_are_fewer(log, found):
    model, evaluation = found
    assert evaluation.ranking.items.shape[1] == 12
    assert evaluation.recall(50).tolist() == [1.0] * len(evaluation.cases)  # a list of everything misses nothing
    assert evaluation.recall(5).mean() < 1
    assert {"recall_20", "recall_50"} <= set(evaluation.summary())
    assert evaluation.tower_shares(50).sum() == pytest.approx(1)
    assert len(evaluation.recall_without(0, 50)) == len(evaluation.cases)
    lists = search_towers(index_items(model), evaluation.users, 50)
    assert lists.items.shape[2] == 12
    assert merge(lists, 50).items.shape[1] == min(50, lists.items[0].size)
    assert index_items(model).search(torch.eye(64)[:2], 50)[1].shape == (2, 12)
    assert evaluate(MostPopular(log, np.arange(20)), evaluation.cases).recall(50).mean() == 1
    gap = measure_gap(evaluation, model, rule="nearest", sharpness=0.0)
    assert gap.served.tolist() == [1.0] * len(evaluation.cases)
    assert portray(model, evaluation.cases).recall_50 == 1


def test_the_lessons_measure_a_small_shop(log, found):
    model, evaluation = found
    assert lesson_05.mean_vector_recall(evaluation, model).mean() == 1
    assert len(lesson_03.lost_without(evaluation)) == model.num_towers
    assert lesson_08.report(model, evaluation.cases, log).recall.mean() == 1
    customers = lesson_10.Customers(model, model, evaluation.cases, log) if model.num_towers == 1 else None
    for shows in lesson_10.SHOWS if customers else ():
        assert customers is not None
        assert "of 20, bought later" in customers.draw(customers.start | {"num": 20, "shows": shows}).layout.title.text


def test_cells_of_a_small_shop_are_measured(log, tmp_path):
    lesson_10.write_log(log, tmp_path / "log.csv")
    recipes = [None, recipe_at(Knobs(num_towers=2, alpha=5.0, beta=0.3))]
    cells = [Cell(log=str(tmp_path / "log.csv"), recipe=recipe, steps=5) for recipe in recipes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run_cells(cells, tmp_path / "cells")
    assert all(found[cell]["recall_50"].tolist() == [1.0, 1.0] for cell in cells)


def test_a_small_shop_is_learned(log):
    """Recall among 50 of 12 products is 1 before any training, and would choose the untrained model."""
    ahead = from_columns(users=log.users, items=(np.arange(200) % 20 + np.arange(200) // 20) % 12, times=log.times)
    split = split_users(ahead, seed=0)
    run = recipe_at(Knobs(num_towers=1, alpha=5.0, beta=0.3)).train(split, steps=250, progress=False)
    assert run.best_step > 0
    assert run.validation_recall[0] < 1


def test_a_training_that_never_beats_its_start_says_so(online_retail):
    split = split_users(online_retail, seed=0)
    recipe = recipe_at(Knobs(num_towers=2, alpha=5.0, beta=0.3), learning_rate=1000.0)
    with pytest.warns(UserWarning, match=r"no look at the validation users found more .*lower learning_rate") as caught:
        run = recipe.train(split, steps=5, progress=False)
    assert (run.best_step, len(caught)) == (0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert recipe_at(Knobs(num_towers=1, alpha=0, beta=0)).train(split, steps=20, progress=False).best_step == 20
