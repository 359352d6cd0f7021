"""Answers to the exercises of lesson 00 that need more than a row in `answers.py`."""

import dataclasses

import pytest

from lessons.common.checks import Wrong
from lessons.lesson_00 import checks
from lessons.lesson_00.tests import answers
from mtmi_lite.lab.recipes import recipe_at


def test_copies_that_score_worse_than_one_tower_do_not_pass(monkeypatch):
    monkeypatch.setenv("MTMI_GRADING", "1")
    [grid] = answers.MORE["copies"]
    one = next(portrait for recipe, portrait in grid.items() if recipe.num_towers == 1)
    worse = recipe_at(num_towers=2, alpha=1.0, beta=0.0)
    better = dataclasses.replace(one, recall_50=1.0)
    grid = {recipe_at(num_towers=1, alpha=0.0, beta=0.0): better, worse: grid[worse]}
    with pytest.raises(Wrong, match="not above"):
        checks.copies(dict(num_towers=2, alpha=1.0, beta=0.0), grid)
