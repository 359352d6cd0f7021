"""EASE and ItemKNN: the equations, another implementation, and the same treatment as any other model."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from mtmi_lite.baselines import ItemToItem, ease, item_knn, users_in_common
from mtmi_lite.interactions import batch_of, evaluation_cases, split_users
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MostPopular

EVERYONE = np.arange(20)


def table_of(log, users) -> np.ndarray:
    """Users × items, with a 1 for each item that a user has."""
    table = np.zeros((len(users), log.num_items))
    for row, user in enumerate(users):
        table[row, log.of(user)] = 1
    return table


def weights_of(model: ItemToItem) -> np.ndarray:
    return model.items(torch.arange(model.num_items)).numpy().T


@pytest.mark.parametrize("regularisation", [0.5, 20.0])
def test_ease_solves_the_normal_equations_and_no_item_speaks_for_itself(small_shop, regularisation):
    table = table_of(small_shop, EVERYONE)
    weights = weights_of(ease(small_shop, EVERYONE, regularisation=regularisation)).astype(np.float64)
    assert (np.diag(weights) == 0).all()
    # the gradient of the squared error is 0 wherever a weight is free
    gradient = table.T @ (table @ weights - table) + regularisation * weights
    np.fill_diagonal(gradient, 0)
    np.testing.assert_allclose(gradient, 0, atol=1e-4)


def test_item_knn_is_the_cosine_of_scikit_learn(small_shop):
    table = table_of(small_shop, EVERYONE)
    expected = cosine_similarity(table.T)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(weights_of(item_knn(small_shop, EVERYONE, shrinkage=0)), expected, rtol=1e-5)

    near = weights_of(item_knn(small_shop, EVERYONE, shrinkage=3, neighbours=4))
    sizes = np.linalg.norm(table, axis=0)
    shrunk = table.T @ table / (np.outer(sizes, sizes) + 3)
    np.fill_diagonal(shrunk, 0)
    for item in range(small_shop.num_items):
        fourth = np.sort(shrunk[:, item])[-4]
        kept = near[:, item] > 0
        assert kept.sum() == 4
        np.testing.assert_allclose(near[kept, item], shrunk[kept, item], rtol=1e-5)
        assert (shrunk[kept, item] >= fourth - 1e-6).all()


def test_an_item_that_no_training_user_has_is_unlike_all_others(small_shop):
    few = np.array([0, 1])
    missing = users_in_common(small_shop, few).diagonal() == 0
    assert missing.any()
    for model in (ease(small_shop, few), item_knn(small_shop, few)):
        assert (weights_of(model)[:, missing] == 0).all()
        assert (weights_of(model)[missing] == 0).all()


def test_scores_add_up_the_weights_of_the_items_in_the_history_each_once():
    weights = np.arange(16, dtype=np.float32).reshape(4, 4)
    users = ItemToItem(weights).users(batch_of([[3, 1, 3], [2]], num_items=4, history_length=5))
    scores = users.vectors[:, 0] @ ItemToItem(weights).items(torch.arange(4)).T
    np.testing.assert_allclose(scores, [weights[1] + weights[3], weights[2]])


def test_both_find_more_than_the_most_popular_items_do(online_retail):
    split = split_users(online_retail, seed=0)
    cases = evaluation_cases(online_retail, split.test)
    popular = evaluate(MostPopular(online_retail, split.train), cases).recall(50).mean()
    for make in (ease, item_knn):
        assert evaluate(make(online_retail, split.train), cases).recall(50).mean() > 1.5 * popular
