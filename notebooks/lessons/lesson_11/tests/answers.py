"""Lesson 11: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np
import torch

BANDS = {
    "recall_50": (0.45, 0.6, "MTMI's soft share broke: hard rules have 0.26 to 0.32, copies 0.26 to 0.32"),
    "over_mind": (0.28, 0.55, "MIND is trained by another objective, or from equal logits it has one vector"),
    "over_comirec": (0.25, 0.48, "ComiRec is trained by MTMI's objective (0.07 to 0.12)"),
    "over_remi": (0.08, 0.28, "REMI is trained by MTMI's objective, or without its terms (0.34 to 0.39)"),
    "objective": (0.2, 0.44, "the objectives are no longer exchanged: then it is 0"),
    "encoder": (-0.02, 0.2, "the encoders are no longer exchanged, or the objective is ComiRec's (0.34 to 0.39)"),
    "remi_terms": (0.07, 0.33, "REMI's two terms are not at work (0)"),
    "hard_negatives": (-0.05, 0.07, "REMI's hard negatives count without being divided by their mean"),
    "regulariser": (0.06, 0.32, "REMI's regulariser is not at work (0)"),
    "regulariser_cosine": (0.35, 0.7, "REMI's regulariser does not spread the attention (0)"),
    "stare": (0.35, 0.7, "REMI's regulariser does not spread the attention (0)"),
    "gap": (0.12, 0.27, "the label's choice or the merge is not what it was: copies have -0.01"),
    "gap_mind": (0.08, 0.28, "MIND's mixture is not what is searched with"),
    "routing_rounds": (7, 7, "routing adds something else than the agreement, or squashes in another way"),
}


def weighed(similarity, hardness, *, sign=1, over="mean", stable=True):
    """The solution of exercise 2, with places to go wrong."""
    logits = sign * hardness * similarity
    weights = np.exp(logits - logits.max() if stable else logits)
    return weights / getattr(weights, over)()


def by_softmax(similarity, hardness):
    return (hardness * torch.from_numpy(similarity)).softmax(dim=0) * len(similarity)


def seen(mask):
    return (mask[None] | torch.eye(len(mask), dtype=torch.bool)).tril()


def by_loop(mask):
    places = range(len(mask))
    return [[bool(j <= i and (mask[j] or i == j)) for j in places] for i in places]


SURE = np.array([0.5, 0.53, 0.59, 0.69, 0.8, 0.9, 0.96, 0.98, 0.99, 1.0])
INTERVALS = {
    ("MIND", "its own rule"): (-0.04, -0.09, 0.01),
    ("MIND", "the nearest"): (0.02, -0.03, 0.07),
    ("ComiRec", "its own rule"): (0.06, 0.01, 0.11),
    ("ComiRec", "the nearest"): (0.09, 0.04, 0.14),
    ("REMI", "its own rule"): (-0.06, -0.1, -0.02),
    ("REMI", "the nearest"): (0.05, 0.01, 0.1),
}
WORDS = ["undecided", "undecided", "larger", "larger", "smaller", "larger"]
RIGHT = {"rounds": 7, "hard_weights": weighed, "may_see": seen, "aligned": WORDS}
ALSO_RIGHT = {
    "rounds": [7.0, np.int64(7), torch.tensor(7)],
    "hard_weights": [by_softmax, lambda s, h: weighed(s, h).tolist(), lambda s, h: tuple(weighed(s, h))],
    "may_see": [by_loop, lambda mask: seen(mask).numpy(), lambda mask: seen(mask).int()],
    "aligned": [tuple(WORDS), [word.upper() for word in WORDS], np.array(WORDS)],
}
WRONG = {
    "rounds": {
        "a stub": (None, "Not written yet"),
        "MIND's three": (3, "what MIND stops at"),
        "one too few": (6, "not 95%"),
        "one too many": (8, "which round is the first"),
        "a fraction": (0.95, "a number of rounds from 1"),
        "text": ("7", "one number"),
    },
    "hard_weights": {
        "a stub": (lambda similarity, hardness: None, "Not written yet"),
        "a softmax": (lambda s, h: weighed(s, h, over="sum"), "sum to 1"),
        "not divided": (lambda s, h: np.exp(h * s), "Divide by the mean over"),
        "the easiest most": (lambda s, h: weighed(s, h, sign=-1), "sign of h"),
        "over the largest": (lambda s, h: weighed(s, h, over="max"), "divide by the largest"),
        "no exp": (lambda s, h: h * s / (h * s).mean(), "not with s itself"),
        "h left out": (lambda s, h: weighed(s, 1.0), "With h = 0"),
        "h outside of exp": (lambda s, h: weighed(s, 1.0) if h else np.ones_like(s), "h multiplies s inside exp"),
        "abs": (lambda s, h: weighed(np.abs(s), h), "No `abs`"),
        "cut at 0": (lambda s, h: weighed(np.maximum(s, 0), h), "no cut at 0"),
        "overflow": (lambda s, h: weighed(s, h, stable=False), "overflows"),
        "s's own largest subtracted, times h": (
            lambda s, h: np.exp(h * s - s.max()) / np.exp(h * s - s.max()).mean() if s.min() > -100 else s * np.nan,
            "0 / 0",
        ),
        "one number": (lambda s, h: 1.0, "should have the shape"),
        "a missing axis": (lambda s, h: weighed(s, h).mean(axis=1), "stopped with AxisError"),
    },
    "may_see": {
        "a stub": (lambda mask: ..., "Not written yet"),
        "the future": (lambda mask: seen(mask).T, "on and below the diagonal"),
        "everything": (lambda mask: torch.ones(len(mask), len(mask), dtype=torch.bool), "sees the future"),
        "not itself": (lambda mask: seen(mask).tril(-1), "the diagonal counts"),
        "only itself": (lambda mask: torch.eye(len(mask), dtype=torch.bool), "only itself"),
        "padding sees nothing": (lambda mask: (mask[None] & mask[:, None]).tril(), "Let it see itself"),
        "padding is seen": (lambda mask: torch.ones(len(mask), len(mask)).tril(), "look at padding"),
        "padding sees the future": (
            lambda mask: torch.where(mask[:, None], seen(mask), torch.tensor(True)),
            "looks at what comes later",
        ),
        "the wrong way round": (lambda mask: (mask[:, None] & torch.ones_like(mask)).tril(), "Let it see itself"),
        "scores": (lambda mask: torch.zeros(len(mask), len(mask)).masked_fill(~seen(mask), -9.0), "True and False"),
        "one row": (lambda mask: mask, "should have the shape"),
    },
    "aligned": {
        "a stub": (None, "Not written yet"),
        "the sign alone": (["smaller", "larger", "larger", "larger", "smaller", "larger"], "contains 0"),
        "turned round": (["undecided", "undecided", "smaller", "larger", "smaller", "larger"], "the smaller one"),
        "left open": (["undecided"] * 6, "0 lies outside"),
        "too few": (["undecided"], "a list of 6 words"),
        "other words": (["better"] * 6, "should be one of"),
    },
}
MORE = {"rounds": (SURE,), "aligned": (INTERVALS,)}
