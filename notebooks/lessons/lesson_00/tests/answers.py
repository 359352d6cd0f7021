"""Lesson 00: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import itertools

import numpy as np

from lessons.common.maps import load_grid
from tools.notebooks import NOTEBOOKS

BANDS = {
    "recall_50": (0.235, 0.31, "training or the metric broke: Most Popular has 0.12, far too much repel 0.08"),
    "recall_50_over_popular": (2.0, 3.0, "the model hardly beats the best-sellers, or their count is wrong"),
    "recall_50_over_one_tower": (-0.005, 0.05, "several towers cost recall, or one tower was trained less"),
    "median_overlap": (0.05, 0.5, "the towers bring the same products: copies have 0.87"),
    "least_share": (0.05, 0.25, "a tower is dead, or the merge gives its hits to another"),
    "cosine": (0.4, 0.75, "the towers collapsed (copies have 0.99), or the repel is far too strong (0.14)"),
    "copies_cosine": (0.97, 1.0, "what should collapse does not: the share ignores α, or the repel is on at β = 0"),
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
MORE = {"copies": (load_grid(NOTEBOOKS / "results" / "00_grid.npz")[0],)}
