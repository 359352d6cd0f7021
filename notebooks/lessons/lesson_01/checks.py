"""The checks of lesson 01."""

from math import log2

import numpy as np

from lessons.common.checks import Stopped, Wrong, exercise, number, plain
from mtmi_lite import metrics

RANKED = ["mug", "jug", "tea", "fan", "hat"]
SHOP = ["mug", "jug", "tea", "fan", "hat", "pan", "cup", "bag", "pin", "toy"]


def _some_lists(repeats):
    """Lists of a small shop, shorter and longer than k, with what is relevant: 50 of them, always the same."""
    generator = np.random.default_rng(0)
    for _ in range(50):
        num = int(generator.integers(1, len(SHOP) + 1))
        ranked = [str(product) for product in generator.choice(SHOP, num, replace=repeats)]
        relevant = generator.choice(SHOP, int(generator.integers(1, len(SHOP))), replace=False)
        yield ranked, {str(product) for product in relevant}, int(generator.integers(1, len(SHOP) + 3))


def _hits(ranked, relevant, k):
    """The list as the library reads it: k places, a product that stands twice counted at its first."""
    first = [product in relevant and product not in ranked[:place] for place, product in enumerate(ranked[:k])]
    return np.array([first + [False] * (k - len(first))]), np.array([len(relevant)])


@exercise
def recall_and_hit(answer):
    by_hand = [  # relevant, k
        ({"jug", "hat", "pan"}, 5),
        ({"jug", "hat", "pan"}, 4),
        ({"jug", "hat", "pan"}, 2),
        ({"jug", "hat", "pan"}, 1),
        ({"fan", "hat"}, 3),
        ({"mug", "jug", "tea", "cup"}, 2),
        ({"mug"}, 5),
    ]
    twice = [(["mug", "mug", "jug", "mug"], {"mug", "tea", "hat"}, 4), (["tea", "fan", "tea"], {"tea", "mug"}, 3)]
    for ranked, relevant, k in [(RANKED, *case) for case in by_hand] + twice + list(_some_lists(repeats=True)):
        given = plain(answer(list(ranked), set(relevant), k))
        if not isinstance(given, list) or len(given) != 2:
            raise Wrong(f"Return two numbers, (recall, hit); yours is {given!r}.")
        found, found_hit = number(given[0], "recall"), number(float(given[1]), "hit")
        hits, num_relevant = _hits(ranked, relevant, k)
        recall, hit = float(metrics.recall(hits, num_relevant)[0]), float(metrics.hit_rate(hits)[0])
        num, lines = int(hits.sum()), sum(product in relevant for product in ranked[:k])
        where = f"The first {k} of {ranked} for a customer with {sorted(relevant)}:"
        if (found, found_hit) == (hit, recall) != (recall, hit):
            raise Wrong(f"{where} your two numbers are right and swapped; recall comes first.")
        if abs(found_hit - hit) > 1e-9:
            if found_hit > 1:
                raise Wrong(f"{where} the hit rate of one list is 1 or 0, not the number of hits, {found_hit:g}.")
            if 0 < found_hit < 1:
                raise Wrong(f"{where} the hit rate of one list is 1 or 0, and you give {found_hit:.3g}.")
            if hit == 1:
                raise Wrong(f"{where} one hit is enough for a hit rate of 1; not all relevant items must be found.")
            raise Wrong(f"{where} there is no hit, so the hit rate is 0. Do you look at the first {k} places only?")
        if abs(found - recall) > 1e-9:
            if lines > num and abs(found - lines / len(relevant)) < 1e-9:
                raise Wrong(f"{where} you give {found:.3g}: a product that stands in the list twice counts once.")
            if abs(found - num / k) < 1e-9 and k > len(relevant):
                raise Wrong(f"{where} {found:.3g} is hits / k, the precision. Recall divides by the relevant items.")
            if abs(found - num) < 1e-9:
                raise Wrong(f"{where} recall is a fraction, not a count: divide by the number of relevant items.")
            if num and found == 1:
                raise Wrong(f"{where} recall 1 would mean that everything relevant was found. Count what was missed.")
            if abs(found - num / min(k, len(relevant))) < 1e-9:
                raise Wrong(
                    f"{where} do not cap the divisor at k: recall divides by all {len(relevant)} relevant items."
                )
            raise Wrong(
                f"{where} {num} of {len(relevant)} relevant items are found, so recall is {recall:.3g}, not "
                f"{found:.3g}. Look at the first k places, no more and no less."
            )
    return "Recall counts what was found of all that was wanted; a hit rate asks only for one."


def _gain(ranks):
    return sum(1 / log2(rank + 1) for rank in ranks)


@exercise
def ndcg_of_list(answer):
    by_hand = [  # relevant, k
        ({"jug", "hat", "pan"}, 5),
        ({"jug", "hat", "pan"}, 4),
        ({"mug", "jug", "cup", "pan", "bag"}, 2),
        ({"mug", "cup", "pan", "bag"}, 2),
        ({"mug"}, 5),
        ({"cup"}, 5),
        ({"jug", "hat", "pan", "cup", "bag", "pin", "toy"}, 8),
    ]
    from_0 = "log₂ 1 = 0, and a hit at rank 0 would count 1 / 0. Count ranks from 1: enumerate has `start`."
    for ranked, relevant, k in [(RANKED, *case) for case in by_hand] + list(_some_lists(repeats=False)):
        try:
            given = answer(list(ranked), set(relevant), k)
        except Stopped as stopped:
            if isinstance(stopped.error, ZeroDivisionError):
                raise Wrong(f"Your code divided by zero. {from_0}") from None
            raise
        hits, num_relevant = _hits(ranked, relevant, k)
        expected, ranks = float(metrics.ndcg(hits, num_relevant)[0]), [int(r) + 1 for r in np.flatnonzero(hits[0])]
        num, best = len(relevant), min(k, len(relevant))
        where = f"The first {k} of {ranked} for a customer with {sorted(relevant)}, hits at ranks {ranks}:"
        if isinstance(given, float | np.floating) and not np.isfinite(given):
            raise Wrong(f"{where} you give {given:g}. {from_0}")
        found = number(given, "NDCG")
        if abs(found - expected) < 1e-6:
            continue
        if ranks and found == 0:
            raise Wrong(f"{where} you give 0. {from_0}")
        _say_which_slip(where, found, ranks, k=k, num=num, length=len(ranked))
        if found > 1 + 1e-9:
            raise Wrong(
                f"{where} you give {found:.4f}, and no list is better than the ideal: is one logarithm of another base?"
            )
        raise Wrong(
            f"{where} it should be {_gain(ranks):.4f} / {_gain(range(1, best + 1)):.4f} = {expected:.4f}, not "
            f"{found:.4f}. Write out the two sums and compare."
        )
    return "Gain over the gain of the ideal. The base of the logarithm cancels, as long as both sums have the same one."


def _say_which_slip(where, found, ranks, *, k, num, length):
    """Raise for the usual slips that give just this number, if one does."""
    gain, best, later = _gain(ranks), min(k, num), [rank + 1 for rank in ranks]

    def over(num_best):
        return gain / max(_gain(range(1, num_best + 1)), 1e-12)

    slips = [
        (gain, f"{found:.4f} is the gain. Divide by the gain of the ideal list, so that 1 is the best."),
        (
            over(len(ranks)),
            f"your ideal has only the {len(ranks)} found. That is the literature's mistake: what was missed costs "
            f"nothing. The ideal list has {best} relevant items.",
        ),
        (over(num), f"your ideal list has {num} items, but only {k} fit. A perfect list must score 1."),
        (
            over(min(length, k, num)),
            f"your ideal list is as short as this one, {length} products. The ideal has {k} places, whatever the "
            f"list did with them, so {best} hits.",
        ),
        (over(k), f"your ideal list has {k} hits, but there are only {num} relevant items to put in it."),
        (len(ranks) / best, "you count hits without their rank: an early hit must be worth more than a late one."),
        (len(ranks) / num, "you count hits without their rank: an early hit must be worth more than a late one."),
        (
            _gain(range(1, len(ranks) + 1)) / _gain(range(1, best + 1)),
            "you number the hits 1, 2, …; the rank of a hit is its place in the list, misses counted.",
        ),
        (
            _gain(later) / _gain(range(2, best + 2)),
            "a hit at rank r counts 1 / log₂(r + 1) with ranks from 1: yours are one too large.",
        ),
        (
            _gain(later) / _gain(range(1, best + 1)),
            "a hit at rank r counts 1 / log₂(r + 1) with ranks from 1: yours are one too large.",
        ),
        (
            sum(1 / rank for rank in ranks) / sum(1 / rank for rank in range(1, best + 1)),
            "you discount by 1 / r; NDCG discounts by 1 / log₂(r + 1), which falls more slowly.",
        ),
        (
            _gain(ranks[:1]) / _gain(range(1, best + 1)),
            "you count the first hit only; every hit among the first k counts.",
        ),
    ]
    for value, message in slips:
        if ranks and abs(found - value) < 1e-6:
            raise Wrong(f"{where} {message}")


@exercise
def customers_needed(answer, sizes, found):
    """Is this about the least number of users with which 80% of the experiments find the difference?"""
    given = number(answer, "The number of customers")
    if 0 <= given <= 1:
        raise Wrong(f"Give a number of customers, not a fraction; yours is {given:g}.")
    if given < sizes[0]:
        raise Wrong(f"The plot starts at {sizes[0]} customers, where {found[0]:.0%} of the experiments find it.")
    if max(found) < 0.8:
        if given < sizes[-1]:
            raise Wrong(f"No size in the plot reaches 80%: with {sizes[-1]} customers it is {found[-1]:.0%}.")
        return "No size in the plot reaches 80%: this difference is very small, or none."
    part = float(np.interp(given, sizes, found))
    if 0.76 <= part <= 0.85:
        return (
            "If a difference has the mean m and varies by s from customer to customer, it takes about "
            "((1.96 + 0.84) · s / m)² customers; without the 0.84, half of the experiments would miss it."
        )
    seen = f"With {given:g} customers, about {part:.0%} of the experiments find the difference"
    if part > 0.85:
        raise Wrong(f"{seen}: more than you need. Give the least number with which about 80% find it.")
    if 0.4 <= part <= 0.6:
        raise Wrong(f"{seen}: you would miss it as often as not. That an interval *can* exclude 0 is not enough.")
    raise Wrong(f"{seen}: too few. Follow the dashed line at 80% to the curve.")


def _pairs(answer, third):
    """What was given, as (log, model) pairs of the table."""
    known = {(log_name.casefold(), model.casefold()): (log_name, model) for log_name, model, _ in third}
    models = {model for _, model in known}
    if isinstance(answer, str) or not hasattr(answer, "__iter__"):
        raise Wrong('Give a list of pairs, such as [("Books", "Pop")].')
    answer = list(answer)
    if len(answer) == 2 and tuple(str(part).strip().casefold() for part in answer) in known:
        answer = [tuple(answer)]  # one pair alone
    found = set()
    for one in answer:
        if isinstance(one, str) and one.strip().casefold() in models:
            raise Wrong(f"{one!r} stands on each log: say on which, as in (log, model).")
        parts = one.strip().split(" ", 1) if isinstance(one, str) else [str(part) for part in one]
        if len(parts) != 2:
            raise Wrong(f"Give (log, model) for each row; yours has {one!r}.")
        key = (parts[0].strip().casefold(), parts[-1].strip().casefold())
        if key not in known:
            raise Wrong(f"The table has no row {one!r}; its rows are such as {next(iter(known.values()))}.")
        found.add(known[key])
    return found


@exercise
def impossible_rows(answer, third):
    """Are these the rows of the table that cannot be averages over users of the same lists?"""
    rows = {key[:2] for key in third}
    kinds = list(dict.fromkeys(kind for *_, kind in third))  # recall, hit rate and NDCG at 20, then at 50
    found, falls, above = _pairs(answer, third), set(), set()
    for row in sorted(rows):
        recall_20, hit_20, ndcg_20, recall_50, hit_50, ndcg_50 = (third[*row, kind] for kind in kinds)
        if hit_50 < hit_20 or recall_50 < recall_20:
            falls.add(row)
        if recall_20 > hit_20 or recall_50 > hit_50:
            above.add(row)
        if row not in found or row in falls | above:
            continue
        shown = " ".join(row)
        if ndcg_50 < ndcg_20:
            raise Wrong(
                f"{shown}: its NDCG falls from {ndcg_20} to {ndcg_50}, and NDCG may. For a user with more than 20 "
                "relevant items, the ideal at 50 is larger than that at 20. Look at recall and hit rate."
            )
        if recall_50 > hit_20:
            raise Wrong(
                f"{shown}: recall@50, {recall_50}, is above the hit rate@20, {hit_20}. These are not the same list, "
                "so that can be."
            )
        raise Wrong(
            f"{shown}: recall {recall_20} and {recall_50}, hit rate {hit_20} and {hit_50}. Which two of these "
            "contradict each other? A recall below its hit rate, and numbers that rise or stay with k, are possible."
        )
    if not found:
        raise Wrong("At least one row is impossible. Does every hit rate rise, or stay, from 20 to 50?")
    if falls - found:
        raise Wrong(f"So far so good, {len(found)} found, but some are left: look for numbers that fall from 20 to 50.")
    if above - found:
        raise Wrong(f"So far so good, {len(found)} found, but some are left: compare recall with its hit rate.")
    return "A longer list cannot lose a hit, and a mean of fractions cannot exceed the mean of their ceilings."
