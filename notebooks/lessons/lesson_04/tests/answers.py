"""Lesson 04: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np
import torch

BANDS = {
    "recall_50": (0.5, 0.64, "the soft share broke: hard ones have 0.30 to 0.35, copies 0.30, one tower 0.28"),
    "over_one_tower": (0.18, 0.36, "several towers are copies (+0.02), or one was trained less"),
    "over_nearest": (0.14, 0.33, "the soft share is a hard one: α = 20 has +0.04"),
    "over_smallest": (0.14, 0.35, "the soft share is a hard one (+0.03), or the smallest loss is chosen by distance"),
    "interests_found": (0.71, 0.86, "towers are copies (0.30), or own fixed parts of the items (0.65)"),
    "copies_cosine": (0.96, 1.0, "α has no effect: at α = 5 the cosine is 0.17"),
    "gap": (0.15, 0.29, "the label's choice or the merge is not what it was: copies have -0.03"),
    "gap_one_tower": (0.0, 0.0, "the two ranks are computed in two ways: rounding alone gave -0.001"),
    "only_the_label": (0.08, 0.22, "the mixture is not what is searched with: with the nearest vector it is 0"),
    "only_the_label_soft": (-0.06, -0.01, "shares are not counted in parts: a hard choice has 0, one of all lists 0"),
}


def hard(score, mask, *, absent=-torch.inf, most=None, pick=torch.argmax):
    """The solution of exercise 1, with places to go wrong."""
    share = torch.zeros_like(score)
    share[pick(score.masked_fill(~mask, absent))] = mask.sum() if most is None else most
    return share


def soft(similarity, mask, alpha, *, floor=0.05, total=None, distance=lambda s: 1 - s):
    """The solution of exercise 2, with places to go wrong."""
    weight = distance(similarity).clamp(min=floor) ** -alpha * mask
    return weight / weight.sum() * (mask.sum() if total is None else total)


def unmasked(similarity, mask, alpha):
    weight = (1 - similarity).clamp(min=0.05) ** -alpha
    return weight / weight.sum() * mask.sum()


def looked_up(similarity, lists, relevant, *, pick=np.argmax):
    """The solution of exercise 3, with places to go wrong."""
    return float(np.mean([item in lists[j] for item, j in zip(relevant, pick(similarity, axis=0), strict=True)]))


def one_list(similarity, lists, relevant):
    return float(np.isin(relevant, lists[similarity.mean(axis=1).argmax()]).mean())


RIGHT = {"all_to_best": hard, "by_distance": soft, "recall_with_label": looked_up}
WRONG = {
    "all_to_best": {
        "a stub": (lambda score, mask: ..., "Not written yet"),
        "the mask forgotten": (lambda score, mask: hard(score, mask, absent=9.0), "does not exist"),
        "an absent score of 0": (lambda score, mask: hard(score, mask, absent=0.0), "must lose even then"),
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
        "a tower's number": (lambda score, mask: int(score.argmax()), "one share for each"),
    },
    "by_distance": {
        "a stub": (lambda similarity, mask, alpha: ..., "Not written yet"),
        "no floor": (lambda s, m, alpha: soft(s, m, alpha, floor=0.0), "Set a floor"),
        "summing to 1": (lambda s, m, alpha: soft(s, m, alpha, total=1), "sum to 1"),
        "summing to K": (lambda s, m, alpha: soft(s, m, alpha, total=3), "only 2 towers exist"),
        "raw weights": (lambda s, m, alpha: (1 - s).clamp(min=0.05) ** -alpha * m, "divide by their sum"),
        "the sign of α": (lambda s, m, alpha: soft(s, m, -alpha), "sign of α"),
        "similarity for distance": (
            lambda s, m, alpha: soft(s, m, -alpha, distance=torch.abs, floor=0.0),
            "in place of the distance",
        ),
        "the mask forgotten": (unmasked, "Multiply by the mask"),
        "the floor on the similarity": (
            lambda s, m, alpha: soft(s, m, alpha, floor=0.0, distance=lambda x: 1 - x.clamp(min=0.05)),
            "as 4 : 8 : 1",
        ),
        "another floor": (lambda s, m, alpha: soft(s, m, alpha, floor=0.2), "use the floor"),
    },
    "recall_with_label": {
        "a stub": (lambda similarity, lists, relevant: ..., "Not written yet"),
        "any list": (lambda similarity, lists, relevant: float(np.isin(relevant, lists).mean()), "looked into all"),
        "one list for all": (one_list, "one list for all"),
        "by the list's length": (
            lambda s, lists, relevant: looked_up(s, lists, relevant) * len(relevant) / lists.shape[1],
            "length of the lists",
        ),
        "the farther vector": (
            lambda s, lists, relevant: looked_up(s, lists, relevant, pick=np.argmin),
            "the farther vector",
        ),
        "a count": (lambda s, lists, relevant: round(looked_up(s, lists, relevant) * len(relevant)), "That is a count"),
        "a tensor of hits": (lambda s, lists, relevant: np.isin(relevant, lists[0]), "Give one number"),
        "the wrong axis": (
            lambda s, lists, relevant: float(
                np.mean([relevant[i] in lists[j] for j, i in enumerate(s.argmax(axis=1))])
            ),
            "2/5, not",
        ),
    },
}
