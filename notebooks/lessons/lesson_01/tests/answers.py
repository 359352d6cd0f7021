"""Lesson 01: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import csv
from math import log, log2
from statistics import NormalDist

import numpy as np
import torch

from tools.notebooks import NOTEBOOKS

BANDS = {
    "repeats": (0.30, 0.32, "repeats were dropped from the log (0), or another log is read (MovieLens has 0)"),
    "later": (0.3, 0.45, "dates are not compared: all later gives 1, none 0"),
    "begun": (0.55, 0.72, "baskets or the cut are lost: each purchase a basket gives 0, the cut inside a basket 0.97"),
    "leak_gain": (1.1, 1.65, "hidden baskets are whole (0.45), or hidden rows count as known (0)"),
    "popular_recall_50": (
        0.105,
        0.14,
        "counts of few customers (of 30: 0.093), the rarest products (0.003), chance (0.016)",
    ),
    "chance_recall_50_over_formula": (
        0.75,
        1.3,
        "the random list knows something (Most Popular: 7.4), or k / N is wrong",
    ),
    "ease_over_popular_50": (0.13, 0.21, "EASE learned nothing (0), or it sees what is relevant (0.6)"),
    "own_over_popular_20": (0.07, 0.13, "the history reaches past the cut: 0.85, or it is not read: 0"),
    "ease_move": (-0.055, -0.005, "the cut did not move: 0"),
    "found_over_standard_ndcg_20": (2.5, 3.8, "the two kinds of NDCG are the same: 1"),
    "recent_over_all": (0.005, 0.017, "both rankings count the same rows: 0"),
    "found_by_94": (0.08, 0.3, "an experiment sees all customers (1), or finds what is not there (0.025)"),
    "found_by_3000": (0.95, 1.0, "experiments do not grow with their customers (0.13)"),
}


def recall_and_hit(ranked, relevant, k, *, over=lambda relevant, k, found: len(relevant)):
    """The solution of exercise 1, with a place to go wrong."""
    found = len(set(ranked[:k]) & relevant)
    return found / max(over(relevant, k, found), 1), float(found > 0)


def hit_is(hit):
    def answer(ranked, relevant, k):
        found = len(set(ranked[:k]) & relevant)
        return found / len(relevant), float(hit(found, relevant))

    return answer


def with_repeats(ranked, relevant, k):
    found = sum(product in relevant for product in ranked[:k])
    return found / len(relevant), float(found > 0)


def ndcg_of_list(
    ranked, relevant, k, *, num_best=lambda relevant, k, found: min(k, len(relevant)), first=1, gain=None, cut=True
):
    """The solution of exercise 2, with places to go wrong."""
    gain = gain or (lambda rank: 1 / log2(rank + 1))
    ranked = ranked[:k] if cut else ranked
    gains = [gain(rank) for rank, product in enumerate(ranked, start=first) if product in relevant]
    ideal = sum(gain(rank) for rank in range(first, first + num_best(relevant, k, len(gains))))
    return sum(gains) / ideal if ideal else 0.0


def gain_in_numpy(rank):
    return float("inf") if rank == 0 else 1 / log2(rank + 1)


def mixed_bases(ranked, relevant, k):
    return ndcg_of_list(ranked, relevant, k) / log(2)


def ideal_of_the_length(ranked, relevant, k):
    return ndcg_of_list(ranked, relevant, k, num_best=lambda relevant, k, found: min(len(ranked), k, len(relevant)))


def hits_numbered(ranked, relevant, k):
    ranks = range(1, sum(product in relevant for product in ranked[:k]) + 1)
    return sum(1 / log2(rank + 1) for rank in ranks) / sum(
        1 / log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1)
    )


def first_hit(ranked, relevant, k):
    ranks = [rank for rank, product in enumerate(ranked[:k], start=1) if product in relevant][:1]
    return sum(1 / log2(rank + 1) for rank in ranks) / sum(
        1 / log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1)
    )


def in_numpy(ranked, relevant, k):
    hits = np.isin(np.array(ranked[:k]), list(relevant))
    gains = 1 / np.log2(np.arange(2, k + 2))
    return (hits * gains[: len(hits)]).sum() / np.sort(gains)[::-1][: len(relevant)].sum()


SIZES = [94, 200, 300, 400, 600, 800, 1000, 1200, 1500, 2000, 3000]
FOUND = np.array([1 - NormalDist().cdf(1.96 - 0.0844 * size**0.5) for size in SIZES])
"""What a test finds of a difference of 0.0844 standard deviations, as in the lesson: 80% with 1,102 customers."""


def third_table():
    with (NOTEBOOKS / "results" / "paper" / "table3.csv").open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    cells = [(*row[:2], model, value) for row in rows for model, value in zip(columns[2:], row[2:], strict=True)]
    return {(log_name, model, kind): float(value) for log_name, kind, model, value in cells}


MORE = {"customers_needed": (SIZES, FOUND), "impossible_rows": (third_table(),)}
ROWS = [("RetailRocket", "Que2Search"), ("RetailRocket", "MTMI-Q2S")]
NDCG_FALLS = [*ROWS, ("RetailRocket", "MTMI-GRU"), ("RetailRocket", "MTMI-DNN"), ("Gowalla", "MTMI-DNN")]

RIGHT = {
    "recall_and_hit": recall_and_hit,
    "ndcg_of_list": ndcg_of_list,
    "customers_needed": 1100,
    "impossible_rows": ROWS,
}
ALSO_RIGHT = {
    "recall_and_hit": [
        hit_is(lambda found, relevant: np.bool_(found > 0)),
        lambda *a: list(recall_and_hit(*a)),
        lambda *a: np.array(recall_and_hit(*a)),
        lambda *a: torch.tensor(recall_and_hit(*a), dtype=torch.float64),
        lambda ranked, relevant, k: (len(relevant & set(ranked[:k])) / len(relevant), bool(relevant & set(ranked[:k]))),
    ],
    "ndcg_of_list": [
        in_numpy,
        lambda *a: ndcg_of_list(*a, gain=lambda rank: 1 / log(rank + 1)),
        lambda *a: np.float32(ndcg_of_list(*a)),
        lambda *a: torch.tensor(ndcg_of_list(*a)),
    ],
    "customers_needed": [1102, 1050.0, np.int64(1200), torch.tensor(1100)],
    "impossible_rows": [
        tuple(ROWS),
        set(ROWS),
        [list(row) for row in ROWS],
        ROWS[::-1] + ROWS,
        ["RetailRocket Que2Search", "retailrocket mtmi-q2s"],
    ],
}
WRONG = {
    "recall_and_hit": {
        "a stub": (lambda ranked, relevant, k: ..., "Not written yet"),
        "precision": (lambda *a: recall_and_hit(*a, over=lambda relevant, k, found: k), "the precision"),
        "of the found": (lambda *a: recall_and_hit(*a, over=lambda relevant, k, found: found), "Count what was missed"),
        "capped at k": (
            lambda *a: recall_and_hit(*a, over=lambda relevant, k, found: min(k, len(relevant))),
            "do not cap",
        ),
        "a count": (lambda *a: recall_and_hit(*a, over=lambda relevant, k, found: 1), "not a count"),
        "the hits counted": (hit_is(lambda found, relevant: found), "not the number of hits"),
        "the recall twice": (hit_is(lambda found, relevant: found / len(relevant)), "is 1 or 0, and you give"),
        "all must be found": (hit_is(lambda found, relevant: found == len(relevant)), "one hit is enough"),
        "repeats counted": (with_repeats, "counts once"),
        "not cut": (lambda ranked, relevant, k: recall_and_hit(ranked, relevant, 5), "no more and no less"),
        "one place too few": (
            lambda ranked, relevant, k: recall_and_hit(ranked, relevant, k - 1),
            "no more and no less",
        ),
        "one place too many": (
            lambda ranked, relevant, k: recall_and_hit(ranked, relevant, k + 1),
            "no more and no less",
        ),
        "swapped": (lambda *a: recall_and_hit(*a)[::-1], "swapped"),
        "recall alone": (lambda *a: recall_and_hit(*a)[0], "two numbers"),
        "printed": (lambda *a: print(recall_and_hit(*a)), "should return it"),
    },
    "ndcg_of_list": {
        "a stub": (lambda ranked, relevant, k: ..., "Not written yet"),
        "the gain": (lambda *a: ndcg_of_list(*a, num_best=lambda relevant, k, found: 1), "Divide by the gain"),
        "ideal of the found": (
            lambda *a: ndcg_of_list(*a, num_best=lambda relevant, k, found: found),
            "only the 2 found",
        ),
        "ideal longer than the list": (
            lambda *a: ndcg_of_list(*a, num_best=lambda relevant, k, found: len(relevant)),
            "only 2 fit",
        ),
        "ideal of k hits": (
            lambda *a: ndcg_of_list(*a, num_best=lambda relevant, k, found: k),
            "only 3 relevant items",
        ),
        "ideal capped by the length of the ranking": (ideal_of_the_length, "as short as this one"),
        "hits numbered": (hits_numbered, "misses counted"),
        "the first hit only": (first_hit, "every hit among the first k counts"),
        "ranks from 2": (lambda *a: ndcg_of_list(*a, first=2), "one too large"),
        "ranks from 0": (lambda *a: ndcg_of_list(*a, first=0), "Count ranks from 1"),
        "ranks from 0, in NumPy": (lambda *a: ndcg_of_list(*a, first=0, gain=gain_in_numpy), "you give 0"),
        "not a number": (lambda *a: float("nan"), "you give nan"),
        "1 / rank": (lambda *a: ndcg_of_list(*a, gain=lambda rank: 1 / rank), "falls more slowly"),
        "ranks without weight": (lambda *a: ndcg_of_list(*a, gain=lambda rank: 1), "without their rank"),
        "two bases": (mixed_bases, "Write out the two sums"),
        "not cut": (lambda *a: ndcg_of_list(*a, cut=False), "Write out the two sums"),
        "text": (lambda *a: "high", "should be one number"),
        "another error": (lambda ranked, relevant, k: ranked[k + 100], "IndexError"),
    },
    "customers_needed": {
        "a stub": (None, "Not written yet"),
        "where half find it": (539, "as often as not"),
        "the smallest": (94, "too few"),
        "below the plot": (50, "The plot starts at 94"),
        "the largest": (3000, "more than you need"),
        "the fraction": (0.8, "not a fraction"),
        "a little too few": (800, "too few"),
        "text": ("1100", "should be one number"),
        "two numbers": ([1000, 1200], "should be one number"),
    },
    "impossible_rows": {
        "a stub": (None, "Not written yet"),
        "none": ([], "At least one row"),
        "falling NDCG too": (NDCG_FALLS, "and NDCG may"),
        "one of two": (ROWS[:1], "some are left"),
        "the other of two": (ROWS[1], "some are left"),
        "two lists compared": ([*ROWS, ("Books", "MTMI-GRU")], "Which two of these contradict"),
        "recall above another list's hit rate": ([*ROWS, ("RetailRocket", "GRU4Rec")], "Which two of these"),
        "models alone": (["Que2Search", "MTMI-Q2S"], "stands on each log"),
        "with the metric": ([("RetailRocket", "Que2Search", "HR@50")], "Give (log, model)"),
        "no such row": ([("MovieLens", "Pop")], "no row"),
        "a number": (2, "Give a list of pairs"),
    },
}
