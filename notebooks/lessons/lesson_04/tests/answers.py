"""Lesson 04: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np
import torch

BANDS = {
    "recall_50": (0.45, 0.6, "the soft share broke: hard rules have 0.26 to 0.32, copies 0.26 to 0.32, one tower 0.27"),
    "over_one_tower": (0.15, 0.34, "several towers are copies (-0.01 to 0.05), or one was trained less"),
    "over_nearest": (0.15, 0.35, "the soft share is a hard one: α = 20 has +0.04 to +0.07"),
    "over_label_aware": (0.15, 0.35, "label-aware attention no longer trains the mixture, or the soft share is hard"),
    "over_smallest": (0.14, 0.32, "the soft share is a hard one, or the smallest loss is chosen by distance"),
    "over_patient_nearest": (-0.02, 0.14, "the longer run is no longer (+0.21 to +0.29), or the soft share is hard"),
    "interests_found": (0.68, 0.82, "towers are copies (0.26), or one share is as hard as nearest (0.60)"),
    "copies_cosine": (0.96, 1.0, "α has no effect: at α = 5 the cosine is 0.2"),
    "gap": (0.12, 0.27, "the label's choice or the merge is not what it was: copies have -0.01"),
    "gap_one_tower": (0.0, 0.0, "the two ranks are computed in two ways: rounding alone gave -0.001"),
    "only_the_label": (0.07, 0.2, "the mixture is not what is searched with: with the nearest vector it is 0"),
    "only_the_label_soft": (-0.06, -0.01, "shares are not counted in parts: a hard choice has 0, one of all lists 0"),
}


def hard(score, mask, *, absent=-torch.inf, most=None, pick=torch.argmax):
    """The solution of exercise 1, with places to go wrong."""
    share = torch.zeros_like(score)
    share[pick(score.masked_fill(~mask, absent))] = mask.sum() if most is None else most
    return share


def among_those_that_exist(score, mask):
    share = torch.zeros_like(score)
    share[score[mask].argmax()] = mask.sum()
    return share


def soft(similarity, mask, alpha, *, floor=0.05, total=None, distance=lambda s: 1 - s):
    """The solution of exercise 2, with places to go wrong."""
    weight = distance(similarity).clamp(min=floor) ** -alpha * mask
    return weight / weight.sum() * (mask.sum() if total is None else total)


def scaled(weight, mask):
    return weight * mask / (weight * mask).sum() * mask.sum()


def unmasked(similarity, mask, alpha):
    weight = (1 - similarity).clamp(min=0.05) ** -alpha
    return weight / weight.sum() * mask.sum()


def by_logarithm(similarity, mask, alpha):
    logits = -alpha * (1 - similarity).clamp(min=0.05).log()
    return logits.masked_fill(~mask, -torch.inf).softmax(dim=0) * mask.sum()


def as_a_list(score, mask):
    exists = [place for place, there in enumerate(mask.tolist()) if there]
    best = max(exists, key=lambda place: score[place].item())
    return [float(len(exists)) if place == best else 0.0 for place in range(len(mask))]


INTERVALS = {
    ("MTMI, α = 5", "nearest"): (0.257, 0.206, 0.310),
    ("MTMI, α = 5", "label-aware, p = 5"): (0.252, 0.203, 0.303),
    ("smallest loss", "nearest"): (0.022, -0.013, 0.055),
    ("label-aware, p = 5", "nearest"): (-0.031, -0.052, -0.01),
    ("MTMI, α = 0", "one tower"): (0.015, -0.004, 0.034),
}
RANKS = {(1, 1): (3, 80, 120), (1, 2): (70, 12, 30), (2, 1): (9, 4, 77), (2, 2): (90, 90, 200), (2, 3): (5, 4, 6)}
RANKS |= {(3, 2): (9, 51, 60), (4, 1): (9, 9, 9)}
RIGHT = {
    "all_to_best": hard,
    "by_distance": soft,
    "verdicts": ["better", "better", "undecided", "worse", "undecided"],
    "only_the_mixture": (1, 1),
}
ALSO_RIGHT = {
    "all_to_best": [
        as_a_list,
        lambda score, mask: np.array(as_a_list(score, mask)),
        lambda s, m: tuple(as_a_list(s, m)),
    ],
    "by_distance": [by_logarithm, lambda s, m, alpha: soft(s, m, alpha).tolist()],
    "verdicts": [
        ("better", "better", "undecided", "worse", "undecided"),
        ["Better", " better ", "UNDECIDED", "worse", "undecided"],
        np.array(["better", "better", "undecided", "worse", "undecided"]),
    ],
    "only_the_mixture": [[1, 1], np.array([1, 1]), (3, 2), torch.tensor([3, 2])],
}
WRONG = {
    "all_to_best": {
        "a stub": (lambda score, mask: ..., "Not written yet"),
        "the mask forgotten": (lambda score, mask: hard(score, mask, absent=9.0), "doesn't exist"),
        "an absent score of 0": (lambda score, mask: hard(score, mask, absent=0.0), "must lose even then"),
        "a fill of −10": (lambda score, mask: hard(score, mask, absent=-10.0), "Only −∞"),
        "a large fill": (lambda score, mask: hard(score, mask, absent=-1e9), "Only −∞"),
        "the score times the mask": (lambda score, mask: hard(score * mask, mask | True), "here 2"),
        "chosen inside a masked copy": (among_those_that_exist, "not the tower's number"),
        "abs": (lambda score, mask: hard(score.abs(), mask), "no `abs`"),
        "the worst": (lambda score, mask: hard(score, mask, absent=torch.inf, pick=torch.argmin), "lowest score"),
        "1 in all": (lambda score, mask: hard(score, mask, most=1), "here 3"),
        "K in all": (lambda score, mask: hard(score, mask, most=3), "here 2"),
        "all that are equal": (
            lambda score, mask: (score == score.masked_fill(~mask, -torch.inf).max()) * mask.sum() * 1.0,
            "one place",
        ),
        "the last among equals": (
            lambda score, mask: hard(score, mask, pick=lambda s: len(s) - 1 - s.flip(0).argmax()),
            "the first tower has it all",
        ),
        "a softmax": (
            lambda score, mask: (50 * score).masked_fill(~mask, -torch.inf).softmax(0) * mask.sum(),
            "One tower",
        ),
        "a tower's number": (lambda score, mask: int(score.argmax()), "shape"),
        "an error": (lambda score, mask: score[:, 0], "stopped with IndexError"),
    },
    "by_distance": {
        "a stub": (lambda similarity, mask, alpha: ..., "Not written yet"),
        "no floor": (lambda s, m, alpha: soft(s, m, alpha, floor=0.0), "Set a floor"),
        "the floor after the power": (
            lambda s, m, alpha: scaled(1 / ((1 - s) ** alpha).clamp(min=0.05), m),
            "before the power",
        ),
        "a ceiling of 20 on the weight": (
            lambda s, m, alpha: scaled(((1 - s) ** -alpha).clamp(max=20.0), m),
            "before the power",
        ),
        "summing to 1": (lambda s, m, alpha: soft(s, m, alpha, total=1), "sum to 1"),
        "summing to K": (lambda s, m, alpha: soft(s, m, alpha, total=3), "only 2 towers exist"),
        "raw weights": (lambda s, m, alpha: (1 - s).clamp(min=0.05) ** -alpha * m, "Divide the weights"),
        "the sign of α": (lambda s, m, alpha: soft(s, m, -alpha), "sign of α"),
        "S for D": (lambda s, m, alpha: soft(s, m, alpha, distance=lambda x: x), "in place of the distance"),
        "S^α": (lambda s, m, alpha: soft(s, m, -alpha, distance=torch.abs, floor=0.0), "with D = 1 − S"),
        "abs": (lambda s, m, alpha: soft(s.abs(), m, alpha), "no `abs`"),
        "the mask forgotten": (unmasked, "Multiply by the mask"),
        "the floor on the similarity": (
            lambda s, m, alpha: soft(s, m, alpha, floor=0.0, distance=lambda x: 1 - x.clamp(min=0.05)),
            "not on the similarity",
        ),
        "the floor added": (
            lambda s, m, alpha: soft(s, m, alpha, distance=lambda x: 1 - x + 0.05),
            "not added",
        ),
        "another floor": (lambda s, m, alpha: soft(s, m, alpha, floor=0.2), "use the floor"),
        "a floor of 0.1": (lambda s, m, alpha: soft(s, m, alpha, floor=0.1), "use the floor"),
        "α fixed": (lambda s, m, alpha: soft(s, m, 1.0), "all towers count alike"),
    },
    "verdicts": {
        "a stub": (None, "Not written yet"),
        "the sign alone": (["better", "better", "better", "worse", "better"], "contains 0"),
        "a decided one left open": (["undecided", "better", "undecided", "worse", "undecided"], "0 lies outside"),
        "the sign turned round": (["better", "better", "undecided", "better", "undecided"], "check the sign"),
        "too few": (["better"], "a list of 5 words"),
        "other words": (["yes", "yes", "no", "no", "no"], "should be one of"),
    },
    "only_the_mixture": {
        "a stub": (None, "Not written yet"),
        "a tower finds it as well": ((2, 3), "A tower finds it as well"),
        "lost in the merge": ((2, 1), "lost in the merge"),
        "only a tower finds it": ((1, 2), "you want the reverse"),
        "nobody finds it": ((2, 2), "Nobody finds it"),
        "user and item exchanged": ((1, 4), "Is the user first?"),
        "one number": (1, "Give two numbers"),
        "none": ("none", "Go on looking"),
        "the rank": ((3, 80), "The panel has users"),
    },
}
MORE = {"verdicts": (INTERVALS,), "only_the_mixture": (RANKS,)}
