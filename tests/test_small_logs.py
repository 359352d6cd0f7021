"""A shop of 12 products and 20 customers: whatever asks for 50 items goes on with what there is."""

import warnings

import numpy as np
import pytest
import torch

from mtmi_lite.interactions import from_columns, split_users
from mtmi_lite.lab.cells import Cell, run_cells
from mtmi_lite.lab.gap import measure_gap
from mtmi_lite.lab.recipes import Baseline, recipe_at
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MostPopular
from mtmi_lite.retrieval import index_items, merge, search_towers


def test_a_list_has_all_items_where_there_are_fewer(small_shop, small_shop_learned):
    model, evaluation = small_shop_learned
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
    assert evaluate(MostPopular(small_shop, np.arange(20)), evaluation.cases).recall(50).mean() == 1
    gap = measure_gap(evaluation, model, rule="nearest", sharpness=0.0)
    assert gap.served.tolist() == [1.0] * len(evaluation.cases)


def test_cells_of_a_small_shop_are_measured(small_shop, tmp_path):
    rows = zip(small_shop.users, small_shop.items, small_shop.times, strict=True)
    lines = ["user_id,item_id,timestamp", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    recipes = [Baseline(), recipe_at(num_towers=2, alpha=5.0, beta=0.3)]
    cells = [Cell(log=str(tmp_path / "log.csv"), recipe=recipe, steps=5) for recipe in recipes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = run_cells(cells, tmp_path / "cells")
    assert all(found[cell]["recall_50"].tolist() == [1.0, 1.0] for cell in cells)


def test_a_small_shop_is_learned(small_shop):
    """Recall among 50 of 12 products is 1 before any training, and would choose the untrained model."""
    items = (np.arange(200) % 20 + np.arange(200) // 20) % 12
    ahead = from_columns(users=small_shop.users, items=items, times=small_shop.times)
    split = split_users(ahead, seed=0)
    run = recipe_at(num_towers=1, alpha=5.0, beta=0.3).train(split, steps=250, progress=False)
    assert run.best_step > 0
    assert run.validation_recall[0] < 1


def test_a_training_that_never_beats_its_start_says_so(online_retail):
    split = split_users(online_retail, seed=0)
    recipe = recipe_at(num_towers=2, alpha=5.0, beta=0.3, learning_rate=1000.0)
    with pytest.warns(UserWarning, match=r"no look at the validation users found more .*lower learning_rate") as caught:
        run = recipe.train(split, steps=5, progress=False)
    assert (run.best_step, len(caught)) == (0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert recipe_at(num_towers=1, alpha=0, beta=0).train(split, steps=20, progress=False).best_step == 20
