"""Answers to the exercises of lesson 00 that need more than a row in `answers.py`."""

import numpy as np
import pytest

from lessons.common.checks import Wrong
from lessons.lesson_00 import checks
from lessons.lesson_00.tests import answers


@pytest.fixture(autouse=True)
def grading(monkeypatch):
    monkeypatch.setenv("MTMI_GRADING", "1")


def test_purchases_counted_from_0_are_told_so_even_where_none_is_the_oldest():
    cosines = np.full((2, 5), 0.99)
    cosines[0, 4] = cosines[1, 2] = 0.5
    with pytest.raises(Wrong, match="from 0"):
        checks.purchases({1: 4, 2: 2}, cosines)
    checks.purchases({1: 5, 2: 3}, cosines)


def test_the_cases_of_merging_hold_what_goes_wrong():
    cases = list(checks.merge_cases())
    entries = [[(product, s, place) for place, one in enumerate(lists) for product, s in one] for lists in cases]
    assert any(not lists[0] for lists in cases)
    assert any(len(lists) == 4 for lists in cases)
    assert any(max(s for p, s, _ in one if p == product) < 0 for one in entries for product, _, _ in one)
    tied = [{(p, s) for p, s, _ in one} for one in entries]
    assert sum(len(pairs) < len(one) for pairs, one in zip(tied, entries, strict=True)) >= 5


def test_a_check_does_not_let_an_answer_change_its_cases():
    def empties(lists):
        found = answers.merged(lists)
        for one in lists:
            one.clear()
        return found

    checks.merge_lists(empties)
