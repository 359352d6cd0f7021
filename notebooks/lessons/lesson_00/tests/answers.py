"""Lesson 00: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import itertools

import numpy as np
import torch

from lessons.common.maps import load_grid
from lessons.lesson_00.checks import reference_merge
from tools.notebooks import NOTEBOOKS

BANDS = {
    "recall_50": (0.235, 0.31, "training or the metric broke: Most Popular has 0.12, far too much repel 0.08"),
    "recall_50_over_popular": (0.09, 0.2, "the model hardly beats the best-sellers, or their list is wrong"),
    "recall_50_over_one_tower": (-0.005, 0.05, "several towers cost recall, or one tower was trained less"),
    "recall_50_over_ease": (-0.06, 0.0, "EASE is broken or reads less than the whole history, or the test leaks"),
    "median_overlap": (0.05, 0.5, "the towers bring the same products: copies have 0.87"),
    "least_credit": (0.05, 0.25, "a tower is dead, or the merge gives its hits to another"),
    "cosine": (0.4, 0.75, "the towers collapsed (copies have 0.99), or the repel is far too strong (0.14)"),
    "copies_cosine": (0.97, 1.0, "what should collapse does not: the weight ignores α, or the repel is on at β = 0"),
    "most_on_newest": (0.8, 1.0, "no tower looks at the newest purchase: the slots of the history have moved"),
    "two_turn": (0.6, 0.95, "an empty slot moves the others, or the attention is not the towers' own"),
}


def merged(lists, *, sort=True, key=lambda entry: -entry[1], better=lambda new, old: new > old, first_tower=0):
    """The solution of lesson 00's exercise 2, with places to go wrong."""
    best: dict[str, tuple[float, int]] = {}
    for tower, one_list in enumerate(lists, start=first_tower):
        for product, similarity in one_list:
            if product not in best or better(similarity, best[product][0]):
                best[product] = (similarity, tower)
    entries = [(product, *rest) for product, rest in best.items()]
    return sorted(entries, key=key) if sort else entries


def combined(lists, join):
    seen: dict[str, list[float]] = {}
    for product, similarity in itertools.chain(*lists):
        seen.setdefault(product, []).append(similarity)
    return sorted(((product, join(values), 0) for product, values in seen.items()), key=lambda entry: -entry[1])


def from_nothing(lists):
    """Starts each product's best at 0."""
    best: dict[str, tuple[float, int]] = {}
    for tower, one_list in enumerate(lists):
        for product, similarity in one_list:
            if similarity > best.get(product, (0.0, 0))[0]:
                best[product] = (similarity, tower)
    return sorted(((p, *rest) for p, rest in best.items()), key=lambda entry: -entry[1])


def from_zero(lists):
    """Starts each product's best at 0, and keeps that."""
    best = {product: (0.0, 0) for product, _ in itertools.chain(*lists)}
    for tower, one_list in enumerate(lists):
        for product, similarity in one_list:
            if similarity > best[product][0]:
                best[product] = (similarity, tower)
    return sorted(((p, *rest) for p, rest in best.items()), key=lambda entry: -entry[1])


def with_repeats(lists):
    return sorted(((p, s, t) for t, one in enumerate(lists) for p, s in one), key=lambda entry: -entry[1])


def by_sorting(lists):
    """Another way: sort all entries, then keep the first of each product."""
    entries = sorted(((-s, t, p) for t, one in enumerate(lists) for p, s in one))
    found: dict[str, tuple] = {}
    for s, t, p in entries:
        found.setdefault(p, (p, -s, t))
    return list(found.values())


def for_ever(lists):
    while True:
        lists = list(lists)


COSINES = np.full((4, 20), 0.995)
COSINES[0, [5, 11, 7]] = 0.957, 0.961, 0.97  # two of them are as good as one another
COSINES[1, 19], COSINES[2, 0], COSINES[2, 18], COSINES[3, 19], COSINES[3, 18] = 0.05, 0.66, 0.94, 0.70, 0.78
COSINES[3, 3] = 1.0
"""What `pictures.one_less` measures of a customer like the lesson's."""

FOUR = dict(num_towers=4, alpha=1.0, beta=0.0)
APART = dict(num_towers=4, alpha=5.0, beta=0.3)
RIGHT = {
    "purchases": {1: 6, 2: 20, 3: 1, 4: 20},
    "merge_lists": merged,
    "same_score": dict(copies=FOUR, specialists=APART),
}
ALSO_RIGHT = {
    "purchases": [
        {1: 12, 2: 20, 3: 1, 4: 20},
        [6, 20, 1, 20],
        (6, 20, 1, 20),
        np.array([6, 20, 1, 20]),
        {np.int64(tower): np.int64(purchase) for tower, purchase in {1: 6, 2: 20, 3: 1, 4: 20}.items()},
    ],
    "merge_lists": [
        reference_merge,
        by_sorting,
        lambda lists: [list(entry) for entry in merged(lists)],
        lambda lists: tuple(merged(lists)),
        lambda lists: [(p, np.float64(s), np.int64(t)) for p, s, t in merged(lists)],
        lambda lists: [(p, torch.tensor(s), torch.tensor(t)) for p, s, t in merged(lists)],
        lambda lists: merged(lists, key=lambda entry: (-entry[1], entry[0])),
    ],
    "same_score": [
        [FOUR, APART],
        dict(copies=dict(num_towers=4, alpha=1, beta=0), specialists=APART),
        dict(copies=dict(num_towers=4, alpha=np.float64(2.0), beta=0.1), specialists=APART),
    ],
}
WRONG = {
    "purchases": {
        "a stub": (None, "Not written yet"),
        "a number": (20, "Give a dictionary"),
        "a tower left out": ({1: 6, 2: 20, 3: 1}, "has the towers [1, 2, 3]"),
        "towers from 0": ({0: 6, 1: 20, 2: 1, 3: 20}, "count towers from 0"),
        "purchases from 0": ({1: 5, 2: 19, 3: 0, 4: 19}, "numbered from 1"),
        "counted back from the newest": ({1: 15, 2: 1, 3: 20, 4: 1}, "count back from the newest"),
        "the most looked-at everywhere": ({1: 8, 2: 20, 3: 1, 4: 20}, "another purchase turns it farther"),
        "the second most": ({1: 6, 2: 20, 3: 1, 4: 19}, "0.78 with before, and another"),
        "what turns it least": ({1: 6, 2: 20, 3: 1, 4: 4}, "hardly moves"),
        "the newest everywhere": ({1: 20, 2: 20, 3: 20, 4: 20}, "hardly moves"),
        "cosines": ({1: 0.96, 2: 0.05, 3: 0.66, 4: 0.7}, "whole numbers"),
        "text": ({1: "newest", 2: 20, 3: 1, 4: 20}, "should be one number"),
    },
    "merge_lists": {
        "a stub": (lambda lists: None, "Not written yet"),
        "repeats kept": (with_repeats, "stands twice"),
        "worst first": (lambda lists: merged(lists, key=lambda entry: entry[1]), "start with the most similar"),
        "list after list": (lambda lists: merged(lists, sort=False), "start with the most similar"),
        "the first similarity seen": (lambda lists: merged(lists, better=lambda new, old: False), "the first one seen"),
        "the last similarity seen": (lambda lists: merged(lists, better=lambda new, old: True), "the last one seen"),
        "the smallest similarity": (lambda lists: merged(lists, better=lambda n, o: n < o), "and the smallest"),
        "similarities added": (lambda lists: combined(lists, sum), "their sum"),
        "similarities averaged": (lambda lists: combined(lists, np.mean), "keep the largest"),
        "negative products lost": (from_nothing, "negative; the best one so far must not start at 0"),
        "negative similarities lifted": (from_zero, "is negative: the best one so far must not start at 0"),
        "absolute similarities": (
            lambda lists: merged([[(p, abs(s)) for p, s in one] for one in lists]),
            "is negative: the best one",
        ),
        "towers counted from 1": (lambda lists: merged(lists, first_tower=1), "count towers from 1"),
        "the last tower among equals": (
            lambda lists: merged(lists, better=lambda new, old: new >= old),
            "are equally near",
        ),
        "always the first tower": (lambda lists: [(p, s, 0) for p, s, _ in merged(lists)], "whose list has this"),
        "what both found": (lambda lists: [("mug", 0.875, 1)], "each product of all the lists"),
        "the first ten only": (lambda lists: merged(lists)[:3], "each product of all the lists"),
        "the tower left out": (lambda lists: [entry[:2] for entry in merged(lists)], "list of (product"),
        "tower before similarity": (lambda lists: [(p, t, s) for p, s, t in merged(lists)], "the order asked for"),
        "similarity first": (lambda lists: [(s, p, t) for p, s, t in merged(lists)], "first entry of each is the"),
        "a dictionary": (lambda lists: {p: (s, t) for p, s, t in merged(lists)}, "of type dict"),
        "printed": (lambda lists: print(merged(lists)), "it should return it"),
        "a loop that never ends": (for_ever, "still running"),
    },
    "same_score": {
        "a stub": (None, "Not written yet"),
        "one place": (FOUR, "dict(copies="),
        "one tower": (dict(copies=dict(num_towers=1, alpha=1.0, beta=0.0), specialists=APART), "has no copies"),
        "the same place twice": (dict(copies=FOUR, specialists=FOUR), "should be 0.6 or less"),
        "the wrong way round": (dict(copies=APART, specialists=FOUR), "wrong way round"),
        "two kinds of specialists": (dict(copies=dict(FOUR, alpha=8.0), specialists=APART), "still differ"),
        "another K": (dict(copies=dict(FOUR, num_towers=8), specialists=APART), "same K for both"),
        "far too much repel": (dict(copies=FOUR, specialists=dict(APART, beta=1000.0)), "specialists reach"),
        "never trained": (
            dict(
                copies=dict(num_towers=2, alpha=1.0, beta=1000.0), specialists=dict(num_towers=2, alpha=5.0, beta=0.3)
            ),
            "copies reach",
        ),
        "scores apart": (dict(copies=FOUR, specialists=dict(FOUR, alpha=8.0, beta=0.3)), "differs by"),
        "no such position": (dict(copies=dict(FOUR, alpha=1.5), specialists=APART), "not a position of the sliders"),
        "text": (dict(copies=dict(FOUR, alpha="small"), specialists=APART), "should be one number"),
    },
}
MORE = {"purchases": (COSINES,), "same_score": (load_grid(NOTEBOOKS / "results" / "00_grid.npz")[0],)}
