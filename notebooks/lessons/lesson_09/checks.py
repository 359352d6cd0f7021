"""The checks of lesson 09."""

from itertools import permutations

import numpy as np

from lessons.common import ledger
from lessons.common.checks import Wrong, exercise
from mtmi_lite.lab.verdicts import holm

SAYS = ("better", "worse", "not worse", "undecided")
VERDICTS = ("reproduced", "partly", "not reproduced")


@exercise
def verdict(answer):
    if not isinstance(answer, dict) or set(answer) != {"A", "B", "C", "claim"}:
        raise Wrong('Give a dictionary with the keys "A", "B", "C" and "claim".')
    for name in "ABC":
        if answer[name] not in SAYS:
            raise Wrong(f"{name}: one difference says one of {', '.join(SAYS)}; yours says {answer[name]!r}.")
    if answer["claim"] not in VERDICTS:
        raise Wrong(f"A claim is one of {', '.join(VERDICTS)}; yours is {answer['claim']!r}.")
    if answer["B"] == "better":
        raise Wrong("B is +0.006, but its p is 0.19, so that may be chance: it cannot say better.")
    if answer["B"] == "undecided":
        raise Wrong("B's interval ends at −0.003, above the margin of −0.005: a loss beyond the margin is ruled out.")
    if answer["A"] != "better" or answer["C"] != "worse":
        raise Wrong("A and C both have p below 0.05, so the sign decides: A is better, C is worse.")
    if answer["B"] != "not worse":
        raise Wrong("B: its p is not below 0.05, so it says neither better nor worse.")
    if answer["claim"] == "reproduced":
        raise Wrong("Reproduced asks that all three are better. Two of them are not.")
    if answer["claim"] == "not reproduced":
        raise Wrong("One is worse and one is better, so at most as many are worse: the rule still says partly.")
    return "One better, one worse, one not worse: partly. The rule says so, whatever we would like."


@exercise
def correct(answer):
    p = [0.01, 0.04, 0.03]
    try:
        found = [float(one) for one in answer(list(p))]
    except TypeError:
        raise Wrong("Give a list of corrected p, one for each.") from None
    if len(found) != 3:
        raise Wrong(f"Three p went in, {len(found)} came out.")

    def is_(*values):
        return np.allclose(found, values)

    if is_(*p):
        raise Wrong("Nothing is corrected: multiply the smallest by m, the next by m − 1, and so on.")
    if is_(0.03, 0.12, 0.09):
        raise Wrong(
            "This multiplies each by m: Bonferroni's correction. Holm's multiplies the second smallest by m − 1."
        )
    if is_(0.03, 0.04, 0.06):
        raise Wrong("The largest p, 0.04, came out below a smaller one: keep the largest product so far.")
    if is_(0.03, 0.06, 0.06) and not np.allclose(answer([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]):
        raise Wrong("With 0.04, 0.01, 0.03 the order is not the given one: put each value back in its place.")
    if is_(0.03, 0.08, 0.03) or is_(0.03, 0.08, 0.08):
        raise Wrong("This walks in the given order: the multiplier belongs to the rank of a p, so sort first.")
    if is_(0.01, 0.12, 0.12) or is_(0.01, 0.12, 0.06):
        raise Wrong("The multipliers run the wrong way: the largest p stays as it is, the smallest of them by 3.")
    if not is_(0.03, 0.06, 0.06):
        raise Wrong(f"For 0.01, 0.04, 0.03 expected 0.03, 0.06, 0.06; yours: {found}.")
    if max(answer([0.5, 0.9, 0.6])) > 1:
        raise Wrong("For 0.5, 0.9, 0.6 a value is above 1: no p is. Cap it.")
    for some in ([0.2, 0.01, 0.01, 0.5], [0.04], [0.001, 0.02, 0.02, 0.03, 0.9]):
        if not np.allclose(answer(list(some)), holm(some)):
            raise Wrong(f"For {some} expected {holm(some)}; yours: {answer(list(some))}.")
    return "Sorted, multiplied by what is left, never falling, at most 1, and back in place."


YES, NO, OPEN, LIKELY = (0.02, 0.01, 0.03), (-0.02, -0.03, -0.01), (0.0, -0.02, 0.02), (0.01, -0.004, 0.024)
"""Made-up differences: better, worse, and two that may be either."""


@exercise
def own_claim(answer, pair, results, used):
    """`answer` is the rule; `results` are the tables, `used` the pairs of the ledger."""
    for some in ([YES] * 3, [NO] * 3, [OPEN] * 3, [YES, YES, NO]):
        if (found := answer(list(some))) not in VERDICTS:
            raise Wrong(f"A rule returns one of {', '.join(VERDICTS)}; for {some} yours gave {found!r}.")
    if answer([YES] * 3) == answer([NO] * 3) == "reproduced":
        raise Wrong("Nothing can refute this claim: it is reproduced even where all logs are clearly worse.")
    if answer([YES] * 3) != "reproduced":
        raise Wrong("Nothing can confirm this claim: all three logs are clearly better, and it is not reproduced.")
    if answer([NO] * 3) != "not reproduced":
        raise Wrong("All three logs are clearly worse. A claim that survives this cannot be refuted.")
    if answer([LIKELY] * 3) == "reproduced":
        raise Wrong("Each interval reaches below 0, and your rule says reproduced: it looks at the difference alone.")
    mixed = {answer(list(some)) for some in permutations([YES, OPEN, NO])}
    if len(mixed) > 1:
        raise Wrong("The same three differences in another order get another verdict: look at all logs alike.")
    if "reproduced" in {*mixed, answer([YES, YES, NO])}:
        raise Wrong("One log is clearly worse, and your rule says reproduced: that is choosing the log afterwards.")
    if tuple(pair) in used:
        raise Wrong("The ledger has this pair already: choose one of the printed list.")
    rows = {
        log: row["recall_50"]
        for kind in ("arms", "models")
        for log, table in ledger.tables(results, kind).items()
        for row in table["differences"]
        if (row["ours"], row["theirs"]) == tuple(pair)
    }
    if not rows:
        raise Wrong(f"No table compares {' with '.join(map(str, pair))}: take a pair from the printed list.")
    numbers = "; ".join("{} {:+.3f} [{:+.3f}, {:+.3f}]".format(log, *one) for log, one in rows.items())
    return f"A claim that can fail. {' over '.join(pair)}: {answer([tuple(one) for one in rows.values()])} ({numbers})."
