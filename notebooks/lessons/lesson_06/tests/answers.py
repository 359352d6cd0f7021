"""Lesson 06: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np

BANDS = {
    "collapse_cosine": (
        0.94,
        0.99,
        "the towers part although nothing pushes them: a repel at β = 0 (β = 0.5 has 0.44)",
    ),
    "little_cosine": (
        0.34,
        0.54,
        "the repel is not at work (0.97), is summed over siblings (0.15), or meets itself (0.67)",
    ),
    "little_over_none": (0.025, 0.14, "a little repel no longer helps: ignored it has 0, without its pull −0.01"),
    "most_past_the_grid": (
        -0.1,
        0.0,
        "from β = 1 on recall beats one tower: β is divided by something (β = 0.2 has +0.10)",
    ),
    "much_stare": (0.65, 1.0, "too much repel no longer makes towers stare at one item: without repel 0.21"),
    "balance": (0.36, 0.48, "the two terms have other sizes: a repel summed over siblings has 0.14"),
    "pooling_cosine": (0.12, 0.3, "pooling towers collapse: a share that ignores α has 1.00"),
    "pooling_found": (
        0.6,
        0.76,
        "the towers part and find no interests: the share ignores α (0.21), or β = 1000 (0.37)",
    ),
    "remi_gain": (0.05, 0.15, "REMI's regulariser is not at work (0)"),
    "remi_stare": (0.2, 0.4, "REMI's regulariser does not spread the attention: without it 0.81"),
}


def repelled(vectors, target, margin, *, itself=False, hinge=True, pull=1, push=1, reduce="mean"):
    """The solution of exercise 1, with places to go wrong."""
    num = len(vectors)
    loss = margin - pull * (vectors @ target)[:, None] + push * (vectors @ vectors.T)
    others = np.ones((num, num), bool) if itself else ~np.eye(num, dtype=bool)
    if hinge is True:
        loss = np.maximum(0, loss)
    total = (loss * others).sum(axis=1)
    divisor = {"mean": max(others.sum(axis=1).max(), 1), "sum": 1, "all": num}[reduce]
    return np.maximum(0, total / divisor) if hinge == "after" else total / divisor


def divided_by_zero(vectors, target, margin):
    total = repelled(vectors, target, margin, reduce="sum")
    return total / np.float64(len(vectors) - 1)


def nearest_sibling(vectors, target, margin):
    siblings = np.where(np.eye(len(vectors), dtype=bool), -1, vectors @ vectors.T)
    return np.maximum(0, margin - vectors @ target + siblings.max(axis=1))


def weighed(similarity, hardness, *, sign=1, over="mean", stable=True):
    """The solution of exercise 3, with places to go wrong."""
    logits = sign * hardness * similarity
    weights = np.exp(logits - logits.max() if stable else logits)
    return weights / getattr(weights, over)()


SWEEP = {0.0: (0.387, 0.97), 0.2: (0.435, 0.87), 0.5: (0.466, 0.44), 1.0: (0.289, 0.21), 1000.0: (0.127, 0.08)}
RIGHT = {"repel_by_hand": repelled, "choose": 0.5, "hard_weights": weighed}
WRONG = {
    "repel_by_hand": {
        "a stub": (lambda vectors, target, margin: ..., "Not written yet"),
        "itself among the negatives": (lambda v, t, m: repelled(v, t, m, itself=True), "among its own negatives"),
        "divided by K": (lambda v, t, m: repelled(v, t, m, reduce="all"), "divide by K"),
        "a sum": (lambda v, t, m: repelled(v, t, m, reduce="sum"), "sum over the other towers"),
        "no pull": (lambda v, t, m: repelled(v, t, m, pull=0), "pull is missing"),
        "the nearest sibling": (nearest_sibling, "nearest sibling only"),
        "signs turned round": (lambda v, t, m: repelled(v, t, m, pull=-1, push=-1), "Check the signs"),
        "no hinge": (lambda v, t, m: repelled(v, t, m, hinge=False), "the hinge max(0, …) is missing"),
        "the hinge after the mean": (lambda v, t, m: repelled(v, t, m, hinge="after"), "the mean afterwards"),
        "one number": (lambda v, t, m: repelled(v, t, m).mean(), "one a tower"),
        "0 / 0 with one tower": (divided_by_zero, "Beware of 0 / 0"),
        "an error": (lambda v, t, m: v @ t @ t, "stopped with ValueError"),
    },
    "choose": {
        "a stub": (None, "Not written yet"),
        "copies": (0.0, "these are copies"),
        "not yet apart": (0.2, "have not parted yet"),
        "the least of the paper's grid": (1.0, "is below one tower"),
        "the lowest cosine": (1000.0, "nowhere useful"),
        "not trained": (0.3, "one of the trained"),
        "text": ("0.5", "one of the trained"),
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
        "overflow": (lambda s, h: weighed(s, h, stable=False), "overflows"),
        "one number": (lambda s, h: 1.0, "three weights"),
        "a missing axis": (lambda s, h: weighed(s, h).mean(axis=1), "stopped with AxisError"),
    },
}
MORE = {"choose": (SWEEP, 0.33)}
