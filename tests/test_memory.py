"""The weight of a memory: the best of those tried, in the unit of the model's scores."""

import numpy as np
import pytest
import torch

from mtmi_lite.interactions import evaluation_cases, from_columns
from mtmi_lite.lab.memory import FURTHER, weigh_memory
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import RandomRanking
from mtmi_lite.retrieval import index_items


class Scaled(RandomRanking):
    """Random scores, all of them so many times as large."""

    def __init__(self, num_items: int, scale: float) -> None:
        super().__init__(num_items, dim=8)
        self.vectors *= scale

    def users(self, batch):
        self.generator.manual_seed(1)
        return super().users(batch)


@pytest.fixture
def repeats():
    """60 users who buy the same five of 300 items over and over."""
    own = np.random.default_rng(0).integers(300, size=(60, 5))
    return from_columns(
        users=np.repeat(np.arange(60), 20), items=np.tile(own, 4).ravel(), times=np.tile(np.arange(20), 60)
    )


def weigh(log, scale: float):
    model = Scaled(log.num_items, scale)
    evaluation = evaluate(model, evaluation_cases(log, np.arange(60)))
    return weigh_memory(evaluation, index_items(model), log)


def test_where_all_are_repeats_the_memory_finds_them(repeats):
    memory, found = weigh(repeats, 1.0)
    assert found[0.0] < 0.5
    assert found[memory.weight] == max(found.values()) == 1


def test_weights_are_in_the_unit_of_the_scores(repeats):
    (one, found), (ten, found_ten) = weigh(repeats, 1.0), weigh(repeats, 10.0)
    assert ten.weight == pytest.approx(10 * one.weight)
    assert list(found.values()) == list(found_ten.values())


def test_the_best_is_the_first_of_equals_and_the_search_ends_soon_after(repeats):
    memory, found = weigh(repeats, 1.0)
    weights, recalls = list(found), list(found.values())
    assert memory.weight == weights[recalls.index(max(recalls))]
    assert len(weights) - weights.index(memory.weight) == FURTHER + 1
    assert weights == sorted(weights)


def test_what_does_not_repeat_is_not_remembered():
    items = np.concatenate([np.random.default_rng(user).permutation(300)[:20] for user in range(60)])
    log = from_columns(users=np.repeat(np.arange(60), 20), items=items, times=np.tile(np.arange(20), 60))
    memory, _ = weigh(log, 1.0)
    assert memory.weight == 0
    assert torch.equal(torch.from_numpy(memory.counts), torch.ones(60 * 16, dtype=torch.int64))
