"""Lesson 09: bands, and answers to its exercises. See common/tests/test_lessons.py."""

BANDS = {
    "claims": (31, 31, "a claim was lost, or two have one name"),
    "untested": (0, 0, "a table is missing, or no longer has a model that a claim names"),
    "testable": (29, 29, "a claim lost its test"),
    "by_hand_agrees": (
        1.0,
        1.0,
        "the library's rule is not the lesson's: one that is strict about as many worse as better agrees on 0.86",
    ),
    "false_alarms": (0.5, 0.57, "one p of fifteen is looked at, not all: 0.05"),
    "with_holm": (0.03, 0.065, "p is not corrected: 0.53"),
    "printed_gains": (45, 45, "the paper's table is read wrongly: 9 with ours and theirs exchanged"),
    "impossible": (4, 4, "the paper's tables are read wrongly"),
    "again": (-0.03, 0.03, "a training gives something else than the table says: after a fifth of the steps −0.17"),
    "alone_less_together": (1, 20, "what one log says is taken for what all say: 0"),
}


def said(**changes):
    return {"A": "better", "B": "not worse", "C": "worse", "claim": "partly", **changes}


def holm(p, *, bonferroni=False, fall=False, in_order=False, sort_first=True, cap=True, last=False):
    """The solution of lesson 09's exercise 2, with places to go wrong."""
    order = sorted(range(len(p)), key=lambda place: p[place]) if sort_first else list(range(len(p)))
    result, largest = [0.0] * len(p), 0.0
    for rank, place in enumerate(order):
        times = len(p) if bonferroni else rank + 1 if last else len(p) - rank
        largest = p[place] * times if fall or bonferroni else max(largest, p[place] * times)
        result[rank if in_order else place] = min(largest, 1.0) if cap else largest
    return result


def rule(differences, *, points=False, first=False, any_=False):
    if first:
        differences = differences[:1]
    better = sum((mean if points else low) > 0 for mean, low, _ in differences)
    worse = sum((mean if points else high) < 0 for mean, _, high in differences)
    if better == len(differences) or (any_ and better):
        return "reproduced"
    return "partly" if better > worse else "not reproduced"


PAIR = ("one tower, InfoNCE", "one tower, triplet")
MADE_UP = {
    "arms_movielens": {
        "differences": [{"ours": PAIR[0], "theirs": PAIR[1], "recall_50": [0.01, 0.004, 0.016]}],
    }
}
MORE = {"own_claim": (PAIR, MADE_UP, {("IDW", "minimum loss")})}
RIGHT = {"verdict": said(), "correct": holm, "own_claim": rule}
WRONG = {
    "verdict": {
        "a stub": (None, "Not written yet"),
        "three words": (["better", "not worse", "worse"], "a dictionary with the keys"),
        "a word that is none": (said(A="good"), "one difference says one of"),
        "a verdict that is none": (said(claim="mixed"), "A claim is one of"),
        "by the sign alone": (said(B="better"), "that may be chance"),
        "no margin": (said(B="undecided"), "a loss beyond the margin"),
        "a small loss forgiven": (said(C="undecided"), "the sign decides"),
        "better on the whole": (said(claim="reproduced"), "asks that all three"),
        "one is worse": (said(claim="not reproduced"), "at most as many"),
        "B lost": (said(B="worse"), "neither better nor worse"),
    },
    "correct": {
        "a stub": (lambda p: ..., "Not written yet"),
        "nothing corrected": (lambda p: p, "Nothing is corrected"),
        "Bonferroni": (lambda p: holm(p, bonferroni=True), "Bonferroni"),
        "it falls": (lambda p: holm(p, fall=True), "keep the largest product"),
        "in sorted order": (lambda p: holm(p, in_order=True), "back in its place"),
        "not sorted": (lambda p: holm(p, sort_first=False), "sort first"),
        "no cap": (lambda p: holm(p, cap=False), "above 1"),
        "the multipliers turned round": (lambda p: holm(p, last=True), "the smallest of them by 3"),
        "a number": (lambda p: min(p) * len(p), "a list of corrected p"),
    },
    "own_claim": {
        "a stub": (lambda differences: ..., "Not written yet"),
        "always": (lambda differences: "reproduced", "Nothing can refute"),
        "never": (lambda differences: "not reproduced", "Nothing can confirm"),
        "at least partly": (
            lambda differences: "reproduced" if rule(differences) == "reproduced" else "partly",
            "cannot be refuted",
        ),
        "points without intervals": (lambda differences: rule(differences, points=True), "the difference alone"),
        "the first log": (lambda differences: rule(differences, first=True), "in another order"),
        "any log": (lambda differences: rule(differences, any_=True), "choosing the log afterwards"),
        "true or false": (lambda differences: all(low > 0 for _, low, _ in differences), "A rule returns one of"),
    },
}
