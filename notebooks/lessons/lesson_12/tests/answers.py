"""Lesson 12: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np
import torch

BANDS = {
    "cold_ids": (0.0, 0.3, "ids know products that nobody bought: features find 0.85 to 0.93"),
    "cold_features": (0.72, 1.0, "cold products keep the noise of their rows (0.3), or have others' features (0.1)"),
    "cold_gain_low": (0.5, 0.95, "features find no more of the cold products than ids alone"),
    "dip": (0.1, 0.55, "a first purchase makes a row at once, or its noise is left out: 0.7 with rows from 10"),
    "patient_few": (0.12, 0.6, "a row's threshold changes nothing for products with few purchases"),
    "real_cold_gain": (0.01, 0.16, "words say nothing of a product, or are another one's"),
    "profile_new": (0.015, 0.14, "the profile is not read, or is another user's (-0.01)"),
    "profile_whole": (-0.12, 0.03, "the profile adds as much to a whole history as to one purchase"),
}

LINE = {0: 0.9, 1: 0.35, 2: 0.25, 4: 0.45, 8: 0.7, 16: 0.75, 10**9: 0.9}
IDS = {0: 0.15, 1: 0.25, 2: 0.26, 4: 0.3, 8: 0.5, 16: 0.6, 10**9: 0.7}
INTERVALS = {
    "features, never bought": (0.08, 0.04, 0.13),
    "features, once or twice": (-0.01, -0.03, 0.01),
    "profile, one purchase": (0.06, 0.03, 0.09),
    "profile, whole history": (-0.02, -0.03, -0.01),
}
JUDGED = {
    "features, never bought": "helps",
    "features, once or twice": "too few users to tell",
    "profile, one purchase": "helps",
    "profile, whole history": "hurts",
}
MORE = {"dip": ({"with features": LINE, "ids alone": IDS},), "verdicts": (INTERVALS,)}


def vector(row, features, warm, *, total=False, together=False, row_always=False, halved=False):
    """The solution of exercise 1, with places to go wrong."""
    kept = row if warm or row_always else 0 * row
    if not features:
        return kept
    if together:
        return np.mean([kept, *features], axis=0)
    mean = sum(features) if total else np.mean(features, axis=0)
    return (kept + mean) / 2 if halved else kept + mean


RIGHT = {"item_vector": vector, "dip": 2, "verdicts": JUDGED}
ALSO_RIGHT = {
    "item_vector": [
        lambda row, features, warm: vector(row, features, warm).tolist(),
        lambda row, features, warm: torch.from_numpy(np.asarray(vector(row, features, warm))),
        lambda row, features, warm: tuple(row * warm + sum(features) / max(len(features), 1)),
    ],
    "dip": [np.int64(2), 2.0, torch.tensor(2)],
    "verdicts": [{name: f" {word.upper()}" for name, word in JUDGED.items()}],
}
WRONG = {
    "item_vector": {
        "a stub": (lambda *given: ..., "Not written yet"),
        "the sum": (lambda *given: vector(*given, total=True), "It is their mean"),
        "all in one mean": (lambda *given: vector(*given, together=True), "Only the features are averaged"),
        "half of both": (lambda *given: vector(*given, halved=True), "not the mean of the two"),
        "never the row": (lambda row, features, warm: vector(row, features, False), "keeps its row"),
        "the row alone": (lambda row, features, warm: row, "features are missing"),
        "cold with its row": (lambda *given: vector(*given, row_always=True), "row is noise"),
        "always by two": (
            lambda row, features, warm: row * warm + sum(features) / 2,
            "divide by 3",
        ),
        "nothing without features": (
            lambda row, features, warm: vector(row, features, warm) if features else 0 * row,
            "Without features, bought",
        ),
        "the row without features": (
            lambda row, features, warm: vector(row, features, warm) if features else row,
            "Without features, not bought",
        ),
        "the mean of nothing": (lambda row, features, warm: row * warm + sum(features) / len(features), "can be 0"),
        "one number": (lambda row, features, warm: float(np.mean(row)), "should have the shape"),
        "only two numbers": (
            lambda row, features, warm: np.r_[vector(row, features, warm)[:2], row[2:]],
            "you gave",
        ),
    },
    "dip": {
        "a stub": (None, "Not written yet"),
        "the ids' lowest": (0, "Read the one with features"),
        "no group": (3, "one of the groups"),
        "the recall itself": (0.25, "one of the groups"),
        "a neighbour": (1, "another group has less"),
        "text": ("two", "one number"),
    },
    "verdicts": {
        "a stub": (dict.fromkeys(JUDGED), "Not written yet"),
        "undecided as a loss": ({**JUDGED, "features, once or twice": "hurts"}, "may be chance"),
        "undecided as a gain": ({**JUDGED, "features, once or twice": "helps"}, "may be chance"),
        "a gain as undecided": (
            {**JUDGED, "features, never bought": "too few users to tell"},
            "on one side of 0",
        ),
        "the wrong sign": ({**JUDGED, "profile, whole history": "helps"}, "Look at the sign"),
        "one missing": ({"profile, one purchase": "helps"}, "these keys"),
        "another word": ({**JUDGED, "profile, one purchase": "yes"}, "should be one of"),
    },
}
