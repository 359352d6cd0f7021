"""The floor: three rankings for the same users as any model's."""

import numpy as np

from lessons.common.floors import floors
from mtmi_lite.data import datasets
from mtmi_lite.interactions import evaluation_cases, split_users


def test_the_floor_is_of_the_users_asked_for_and_knows_what_they_had():
    log = datasets.planted_interests(num_interests=20, num_users=120).log
    split = split_users(log, seed=0)
    found = floors(log, split, split.test)
    assert list(found) == ["Most Popular", "Own history", "EASE"]
    same = evaluation_cases(log, split.test)
    assert all(np.array_equal(one.cases.relevant, same.relevant) for one in found.values())
    for user, end, ranked in zip(same.users, same.cuts, found["Own history"].ranking.items, strict=True):
        had, counts = np.unique(log.items[log.offsets[user] : end], return_counts=True)
        assert set(ranked[: len(had)]) == set(had)
        assert counts[np.searchsorted(had, ranked[0])] == counts.max()
