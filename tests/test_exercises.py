"""Each exercise check lets the solution pass, and turns away the stub and plausible wrong answers, saying why."""

import dataclasses
import itertools

import numpy as np
import pytest

from checks import Wrong, lesson_00
from mtmi_lite.experiments import Knobs, load_grid
from tools import notebooks as pipeline

GRID = load_grid(pipeline.NOTEBOOKS / "results" / "00_grid.npz")[0]


def merged(lists, *, sort=True, key=lambda entry: -entry[1], better=lambda new, old: new > old, first_tower=0):
    """The solution of lesson 00's exercise 2, with places to go wrong."""
    best: dict[str, tuple[float, int]] = {}
    for tower, one_list in enumerate(lists, start=first_tower):
        for product, similarity in one_list:
            if product not in best or better(similarity, best[product][0]):
                best[product] = (similarity, tower)
    entries = [(product, *rest) for product, rest in best.items()]
    return sorted(entries, key=key) if sort else entries


def summed(lists):
    totals: dict[str, float] = {}
    for product, similarity in itertools.chain(*lists):
        totals[product] = totals.get(product, 0.0) + similarity
    return sorted(((product, total, 0) for product, total in totals.items()), key=lambda entry: -entry[1])


def with_repeats(lists):
    return sorted(((p, s, t) for t, one in enumerate(lists) for p, s in one), key=lambda entry: -entry[1])


def dice(left, right):
    return 2 * len(set(left) & set(right)) / (len(left) + len(right))


RIGHT = {
    "overlap": lambda left, right: len(set(left) & set(right)) / len(set(left) | set(right)),
    "merge_lists": merged,
    "copies": dict(num_towers=4, alpha=1.0, beta=0.0),
}
WRONG = {
    "overlap": {
        "a stub": (lambda left, right: ..., "Not written yet"),
        "a count": (lambda left, right: len(set(left) & set(right)), "at most 1"),
        "over the first list alone": (lambda left, right: len(set(left) & set(right)) / len(left), "either list"),
        "Dice's coefficient": (dice, "either list"),
        "by rank": (lambda left, right: float(np.mean(np.array(left) == right)), "Order does not"),
        "what differs": (lambda left, right: 1 - RIGHT["overlap"](left, right), "Equal lists overlap completely"),
        "text": (lambda left, right: "1/3", "a number from 0 to 1"),
        "an error": (lambda left, right: left / right, "stopped with TypeError"),
    },
    "merge_lists": {
        "a stub": (lambda lists: None, "Not written yet"),
        "repeats kept": (with_repeats, "stands twice"),
        "worst first": (lambda lists: merged(lists, key=lambda entry: entry[1]), "start with the most similar"),
        "list after list": (lambda lists: merged(lists, sort=False), "start with the most similar"),
        "the first similarity seen": (lambda lists: merged(lists, better=lambda new, old: False), "nearer to it"),
        "similarities added": (summed, "the sum of two"),
        "towers counted from 1": (lambda lists: merged(lists, first_tower=1), "counted from 0"),
        "the last tower among equals": (
            lambda lists: merged(lists, better=lambda new, old: new >= old),
            "equally near",
        ),
        "what both found": (lambda lists: [("mug", 0.875, 1)], "each product of both lists"),
        "the tower left out": (lambda lists: [entry[:2] for entry in merged(lists)], "list of (product"),
    },
    "copies": {
        "a stub": (None, "Not written yet"),
        "one tower": (dict(num_towers=1, alpha=1.0, beta=0.0), "has no copies"),
        "specialists": (dict(num_towers=4, alpha=8.0, beta=0.3), "still differ"),
        "repelled apart": (dict(num_towers=4, alpha=5.0, beta=1000.0), "still differ"),
        "no such position": (dict(num_towers=3, alpha=1.5, beta=0.0), "not a position of the sliders"),
        "a tuple": ((4, 1.0, 0.0), "Give a dictionary"),
    },
}
MORE = {"copies": (GRID,)}
CASES = [(name, case) for name, cases in WRONG.items() for case in cases]


@pytest.fixture
def grading(monkeypatch):
    monkeypatch.setenv("MTMI_GRADING", "1")


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_answer_passes(name, grading, capsys):
    getattr(lesson_00, name)(RIGHT[name], *MORE.get(name, ()))
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_wrong_answer_is_turned_away_with_a_reason(name, case, grading):
    answer, reason = WRONG[name][case]
    with pytest.raises(Wrong) as verdict:
        getattr(lesson_00, name)(answer, *MORE.get(name, ()))
    assert reason in str(verdict.value)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_outside_of_grading_a_check_lets_the_lesson_go_on(name, case, monkeypatch, capsys):
    monkeypatch.delenv("MTMI_GRADING", raising=False)
    getattr(lesson_00, name)(WRONG[name][case][0], *MORE.get(name, ()))
    assert capsys.readouterr().out.startswith("✗")


def test_copies_that_score_worse_than_one_tower_do_not_pass(grading):
    one = next(portrait for knobs, portrait in GRID.items() if knobs.num_towers == 1)
    worse = Knobs(num_towers=2, alpha=1.0, beta=0.0)
    better = dataclasses.replace(one, recall_50=1.0)
    grid = {Knobs(num_towers=1, alpha=0.0, beta=0.0): better, worse: GRID[worse]}
    with pytest.raises(Wrong, match="not above"):
        lesson_00.copies(dict(num_towers=2, alpha=1.0, beta=0.0), grid)


def test_the_first_lesson_names_what_is_missing_and_how_to_mend_it(monkeypatch):
    source = pipeline.read_source(pipeline.sources(["00"])[0])
    check = next(cell.source for cell in source.cells if cell.source.startswith("import importlib.util"))
    exec(check, {})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "faiss" else object())
    with pytest.raises(ImportError, match=r"missing: faiss\. .*`make lab`.*pip install -e"):
        exec(check, {})
