"""Lesson 07: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np

BANDS = {
    "recall_50": (
        0.235,
        0.32,
        "training, the index or the merge broke: with lengths left in 0.228, with repeats 0.216",
    ),
    "agree": (1.0, 1.0, "the two merges differ: one that keeps the first similarity seen agrees for 0.5% of customers"),
    "distinct_of_50": (29.0, 39.0, "the towers bring the same products: copies give 14.7"),
    "quota_50": (-0.025, -0.003, "the quota keeps repeats (−0.063), or is the merge by similarity (0)"),
    "diverse_50": (-0.045, -0.002, "λ is ignored (0), or far too large (−0.073 at λ = 0.5)"),
    "kinds_gained": (1.0, 4.5, "λ is ignored (0), or far too large (13 at λ = 0.5)"),
    "careless_50": (-0.08, -0.015, "the index normalises after all (0), or copies (0.001)"),
    "ivf_found": (0.75, 0.95, "the index looks into one list only (0.36), or into all (1.0)"),
    "found_in_groups": (0.88, 0.98, "the made-up items lost their groups (0.24), or all lists are searched (1.0)"),
    "found_in_no_groups": (0.15, 0.35, "the made-up items lie in groups (0.94), or one list is searched (0.06)"),
}


def by_cosine(items, query, num):
    cosines = items @ query / np.linalg.norm(items, axis=1) / np.linalg.norm(query)
    return np.argsort(-cosines, kind="stable")[:num].tolist()


def turns(lists, num, *, repeats=False, lose_turn=False, until_shortest=False, first=0, whole_rounds=False):
    """The solution of lesson 07's exercise 2, with places to go wrong."""
    left, placed = [list(one) for one in lists], []
    while len(placed) < num and any(left):
        if until_shortest and not all(left):
            break
        for tower, one in enumerate(left):
            seen = {product for product, _ in placed}
            while one and one[0] in seen and not repeats:
                one.pop(0)
                if lose_turn:
                    break
            else:
                if one and (whole_rounds or len(placed) < num):
                    placed.append((one.pop(0), tower + first))
    return placed


def best_of_each(lists, num):
    placed = {}
    for tower, one in enumerate(lists):
        for product in one:
            placed.setdefault(product, tower)
    return list(placed.items())[:num]


def found_with(num_probes):
    """0.9 with one probe, 0.95 with six."""
    return min(1.0, 0.89 + num_probes / 100)


RIGHT = {"nearest_by_cosine": by_cosine, "take_turns": turns, "probes": 6}
WRONG = {
    "nearest_by_cosine": {
        "a stub": (lambda items, query, num: ..., "Not written yet"),
        "no normalisation": (lambda items, query, num: np.argsort(-(items @ query))[:num], "by inner product"),
        "an order turned round": (
            lambda items, query, num: np.argsort(items @ query / np.linalg.norm(items, axis=1))[::-1][:num],
            "puts ties the wrong way",
        ),
        "the distance between points": (
            lambda items, query, num: np.argsort(np.linalg.norm(items - query, axis=1))[:num],
            "instead of the angle",
        ),
        "the farthest": (lambda items, query, num: by_cosine(-items, query, num), "the farthest items"),
        "counted from 1": (lambda items, query, num: [i + 1 for i in by_cosine(items, query, num)], "count from 0"),
        "all of them": (lambda items, query, num: by_cosine(items, query, len(items)), "after `num`"),
        "similarities": (
            lambda items, query, num: np.sort(items @ query / np.linalg.norm(items, axis=1))[::-1][:num],
            "These are similarities",
        ),
        "one id": (lambda items, query, num: by_cosine(items, query, num)[0], "a list of item ids"),
        "an error": (lambda items, query, num: query @ items, "stopped with ValueError"),
    },
    "take_turns": {
        "a stub": (lambda lists, num: ..., "Not written yet"),
        "repeats kept": (lambda lists, num: turns(lists, num, repeats=True), "stands twice"),
        "a turn lost": (lambda lists, num: turns(lists, num, lose_turn=True), "does not lose its turn"),
        "until the shortest list ends": (
            lambda lists, num: turns(lists, num, until_shortest=True),
            "the others go on",
        ),
        "list after list": (best_of_each, "One product a turn"),
        "the last tower begins": (
            lambda lists, num: [(p, len(lists) - 1 - t) for p, t in turns(lists[::-1], num)],
            "Tower 0 begins",
        ),
        "towers counted from 1": (lambda lists, num: turns(lists, num, first=1), "count the towers from 0"),
        "whole rounds": (lambda lists, num: turns(lists, num, whole_rounds=True), "in the middle of a round"),
        "products alone": (
            lambda lists, num: [product for product, _ in turns(lists, num)],
            "list of (product, tower)",
        ),
    },
    "probes": {
        "a stub": (None, "Not written yet"),
        "too few": (5, "less than 0.95"),
        "too many": (16, "go on down"),
        "all": (256, "as long as the exact search"),
        "none": (0, "out of range"),
        "the part found": (0.95, "a part of items found"),
        "text": ("6", "a whole number of probes"),
    },
}
MORE = {"probes": (found_with,)}
