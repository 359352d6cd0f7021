"""The checks of lesson 01."""

from lessons.common.checks import Wrong, exercise

RANKED = ["mug", "jug", "tea", "fan", "hat"]


def _number(value, what):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Wrong(f"{what} is a number; yours is {value!r}.") from None


@exercise
def recall_and_hit(answer):
    cases = [  # relevant, k, recall, hit
        ({"jug", "hat", "pan"}, 5, 2 / 3, 1.0),
        ({"jug", "hat", "pan"}, 4, 1 / 3, 1.0),
        ({"jug", "hat", "pan"}, 2, 1 / 3, 1.0),
        ({"jug", "hat", "pan"}, 1, 0.0, 0.0),
        ({"fan", "hat"}, 3, 0.0, 0.0),
        ({"mug", "jug", "tea", "cup"}, 2, 1 / 2, 1.0),
        ({"mug"}, 5, 1.0, 1.0),
    ]
    for relevant, k, recall, hit in cases:
        given = answer(list(RANKED), set(relevant), k)
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise Wrong(f"Return two numbers, (recall, hit); yours is {given!r}.")
        found, found_hit = (_number(value, "Each of recall and hit") for value in given)
        number = sum(product in relevant for product in RANKED[:k])
        where = f"The first {k} of {RANKED} for a customer with {sorted(relevant)}:"
        if (found, found_hit) == (hit, recall) != (recall, hit):
            raise Wrong(f"{where} your two numbers are right and swapped; recall comes first.")
        if abs(found_hit - hit) > 1e-9:
            if found_hit > 1:
                raise Wrong(f"{where} the hit rate of one list is 1 or 0, not the number of hits, {found_hit:g}.")
            if 0 < found_hit < 1:
                raise Wrong(f"{where} the hit rate of one list is 1 or 0, and you give {found_hit:.3g}.")
            if hit == 1 and number:
                raise Wrong(f"{where} one hit is enough for a hit rate of 1; not all relevant items must be found.")
            raise Wrong(f"{where} there is no hit, so the hit rate is 0. Do you look at the first {k} places only?")
        if abs(found - recall) > 1e-9:
            if abs(found - number / k) < 1e-9 and k > len(relevant):
                raise Wrong(f"{where} {found:.3g} is hits / k, the precision. Recall divides by the relevant items.")
            if abs(found - number) < 1e-9:
                raise Wrong(f"{where} recall is a part, not a count: divide by the number of relevant items.")
            if number and found == 1:
                raise Wrong(f"{where} recall 1 would mean that everything relevant was found. Count what was missed.")
            if abs(found - number / min(k, len(relevant))) < 1e-9:
                raise Wrong(
                    f"{where} do not cap the divisor at k: recall divides by all {len(relevant)} relevant items."
                )
            raise Wrong(
                f"{where} {number} of {len(relevant)} relevant items are found, so recall is {recall:.3g}, not "
                f"{found:.3g}. Look at the first k places, no more and no less."
            )
    return "Recall counts what was found of all that was wanted; a hit rate asks only for one."


def _gain(ranks):
    from math import log2

    return sum(1 / log2(rank + 1) for rank in ranks)


@exercise
def ndcg_of_list(answer):
    cases = [  # relevant, k, ranks of the hits
        ({"jug", "hat", "pan"}, 5, [2, 5]),
        ({"jug", "hat", "pan"}, 4, [2]),
        ({"mug", "jug", "cup", "pan", "bag"}, 2, [1, 2]),
        ({"mug", "cup", "pan", "bag"}, 2, [1]),
        ({"mug"}, 5, [1]),
        ({"cup"}, 5, []),
    ]
    for relevant, k, ranks in cases:
        from_0 = "log₂ 1 = 0, and a hit at rank 0 would count 1 / 0. Count ranks from 1: enumerate has `start`."
        try:
            found = _number(answer(list(RANKED), set(relevant), k), "NDCG")
        except ZeroDivisionError:
            raise Wrong(f"Your code divided by zero. {from_0}") from None
        num = len(relevant)
        best = min(k, num)
        expected = _gain(ranks) / _gain(range(1, best + 1))
        if abs(found - expected) < 1e-9:
            continue
        where = f"The first {k} of {RANKED} for a customer with {sorted(relevant)}, hits at ranks {ranks}:"
        if not found < float("inf") or (ranks and found == 0):
            raise Wrong(f"{where} you give {found:g}. {from_0}")
        if abs(found - _gain(ranks)) < 1e-9:
            raise Wrong(
                f"{where} {found:.4f} is the gain. Divide by the gain of the ideal list, so that 1 is the best."
            )
        if ranks and abs(found - _gain(ranks) / _gain(range(1, len(ranks) + 1))) < 1e-9:
            raise Wrong(
                f"{where} your ideal has only the {len(ranks)} found. That is the literature's mistake: what was "
                f"missed costs nothing. The ideal list has {best} relevant items."
            )
        if abs(found - _gain(ranks) / _gain(range(1, num + 1))) < 1e-9:
            raise Wrong(f"{where} your ideal list has {num} items, but only {k} fit. A perfect list must score 1.")
        if abs(found - _gain(ranks) / _gain(range(1, k + 1))) < 1e-9:
            raise Wrong(f"{where} your ideal list has {k} hits, but there are only {num} relevant items to put in it.")
        if abs(found - len(ranks) / best) < 1e-9 or abs(found - len(ranks) / num) < 1e-9:
            raise Wrong(f"{where} you count hits without their rank: an early hit must be worth more than a late one.")
        later = [rank + 1 for rank in ranks]
        if abs(found - _gain(later) / _gain(range(2, best + 2))) < 1e-9 or (
            abs(found - _gain(later) / _gain(range(1, best + 1))) < 1e-9
        ):
            raise Wrong(f"{where} a hit at rank r counts 1 / log₂(r + 1) with ranks from 1: yours are one too large.")
        by_rank = sum(1 / rank for rank in ranks) / sum(1 / rank for rank in range(1, best + 1))
        if abs(found - by_rank) < 1e-9:
            raise Wrong(f"{where} you discount by 1 / r; NDCG discounts by 1 / log₂(r + 1), which falls more slowly.")
        if found > 1 + 1e-9:
            raise Wrong(
                f"{where} you give {found:.4f}, and no list is better than the ideal: is one logarithm of another base?"
            )
        raise Wrong(f"{where} it should be {expected:.4f}, not {found:.4f}. Write out the two sums and compare.")
    return "Gain over the gain of the ideal. The base of the logarithm cancels, as long as both sums have the same one."


@exercise
def impossible(answer):
    names = ("recall falls", "hit rate falls", "recall above hit rate at 20", "recall above hit rate at 50")
    cases = [  # recall and hit rate at 20 and at 50
        ((0.1, 0.2, 0.15, 0.3), set(), "All of this is possible."),
        ((0.15, 0.2, 0.25, 0.3), set(), "Recall at 50 may be above the hit rate at 20: those are not the same list."),
        ((0.1, 0.2, 0.1, 0.2), set(), "The 30 further places may hold no hit: equal numbers are possible."),
        ((0.2, 0.2, 0.3, 0.3), set(), "With one relevant item each, recall is the hit rate: equality is possible."),
        ((0.1, 0.3, 0.2, 0.25), {names[1]}, "Can a longer list lose a customer's hit?"),
        (
            (0.2, 0.4, 0.15, 0.45),
            {names[0]},
            "Recall cannot fall either: the longer list holds all that the shorter had.",
        ),
        (
            (0.3, 0.25, 0.35, 0.4),
            {names[2]},
            "At 20, recall is above the hit rate: a mean of parts above that of ones.",
        ),
        ((0.1, 0.2, 0.35, 0.3), {names[3]}, "At 50, recall is above the hit rate."),
        ((0.0982, 0.1216, 0.1321, 0.12), {names[1], names[3]}, "Several things can be wrong at once."),
    ]
    for numbers, expected, hint in cases:
        given = answer(*numbers)
        if isinstance(given, str | bool) or not hasattr(given, "__iter__"):
            raise Wrong(f"Return a list of texts, empty if nothing is impossible; yours is {given!r}.")
        found = set(given)
        if not found <= set(names):
            raise Wrong(f"Use the four texts as they are written; yours has {sorted(map(str, found - set(names)))}.")
        if found != expected:
            shown = "recall {} and hit rate {} at 20, {} and {} at 50".format(*numbers)
            raise Wrong(f"For {shown} it should be {sorted(expected)}, not {sorted(found)}. {hint}")
    return "Two rows of Table 3 fail this test. Read on."
