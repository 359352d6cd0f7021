"""Lesson 01: bands, and answers to its exercises. See common/tests/test_lessons.py."""

from math import log, log2

BANDS = {
    "repeats": (0.30, 0.32, "repeats were dropped from the log (0), or another log is read (MovieLens has 0)"),
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
    "together_move": (-0.03, -0.003, "the cut did not move: 0"),
    "history_over_popular": (
        0.07,
        0.17,
        "the history reaches past the cut: 0.85, its first 20 instead of its last 0.31",
    ),
    "found_over_standard_ndcg_20": (2.5, 3.8, "the two kinds of NDCG are the same: 1"),
    "recent_over_all": (0.005, 0.017, "both rankings count the same rows: 0"),
    "half_width_94": (0.015, 0.03, "the interval is that of all customers: 0.004"),
    "width_ratio_over_root": (
        0.8,
        1.2,
        "widths do not follow the root: equal widths give 0.15, one over the number 6.6",
    ),
}


def recall_and_hit(ranked, relevant, k, *, over=lambda relevant, k, found: len(relevant)):
    """The solution of exercise 1, with a place to go wrong."""
    found = sum(product in relevant for product in ranked[:k])
    return found / max(over(relevant, k, found), 1), float(found > 0)


def hit_is(hit):
    def answer(ranked, relevant, k):
        found = sum(product in relevant for product in ranked[:k])
        return found / len(relevant), float(hit(found, relevant))

    return answer


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


def impossible(recall_20, hit_20, recall_50, hit_50):
    found = {
        "recall falls": recall_50 < recall_20,
        "hit rate falls": hit_50 < hit_20,
        "recall above hit rate at 20": recall_20 > hit_20,
        "recall above hit rate at 50": recall_50 > hit_50,
    }
    return [what for what, so in found.items() if so]


def strict(recall_20, hit_20, recall_50, hit_50):
    return [] if recall_50 > recall_20 and hit_50 > hit_20 else ["recall falls", "hit rate falls"]


def without(*forgotten):
    return lambda *numbers: [what for what in impossible(*numbers) if what not in forgotten]


def across(recall_20, hit_20, recall_50, hit_50):
    crossed = ["recall above hit rate at 20"] if recall_50 > hit_20 else []
    return sorted({*impossible(recall_20, hit_20, recall_50, hit_50), *crossed})


RIGHT = {"recall_and_hit": recall_and_hit, "ndcg_of_list": ndcg_of_list, "impossible": impossible}
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
        "ranks from 2": (lambda *a: ndcg_of_list(*a, first=2), "one too large"),
        "ranks from 0": (lambda *a: ndcg_of_list(*a, first=0), "Count ranks from 1"),
        "ranks from 0, in NumPy": (lambda *a: ndcg_of_list(*a, first=0, gain=gain_in_numpy), "you give 0"),
        "1 / rank": (lambda *a: ndcg_of_list(*a, gain=lambda rank: 1 / rank), "falls more slowly"),
        "ranks without weight": (lambda *a: ndcg_of_list(*a, gain=lambda rank: 1), "without their rank"),
        "two bases": (mixed_bases, "Write out the two sums"),
        "not cut": (lambda *a: ndcg_of_list(*a, cut=False), "Write out the two sums"),
        "text": (lambda *a: "high", "is a number"),
    },
    "impossible": {
        "a stub": (lambda *numbers: ..., "Not written yet"),
        "equality refused": (strict, "equal numbers are possible"),
        "recall must be below": (
            lambda a, b, c, d: impossible(a, b, c, d) + (["recall above hit rate at 20"] if a == b else []),
            "With one relevant item each",
        ),
        "hit rate forgotten": (without("hit rate falls"), "lose a customer's hit"),
        "recall forgotten": (without("recall falls"), "Recall cannot fall either"),
        "only at 50": (without("recall above hit rate at 20"), "At 20, recall is above"),
        "only at 20": (without("recall above hit rate at 50"), "At 50, recall is above"),
        "two lists compared": (across, "not the same list"),
        "the first only": (lambda *numbers: impossible(*numbers)[:1], "Several things"),
        "the wrong way round": (lambda a, b, c, d: impossible(c, d, a, b), "All of this is possible"),
        "a truth value": (lambda *numbers: bool(impossible(*numbers)), "Return a list of texts"),
        "own words": (lambda *numbers: ["wrong"], "Use the four texts"),
    },
}
