"""Lesson 05: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np
import torch

from lessons.lesson_05.pictures import Pairs

BANDS = {
    "cosine_small_alpha": (0.98, 1.0, "what should collapse does not: the share takes the largest α everywhere"),
    "cosine_large_alpha": (
        0.2,
        0.55,
        "the towers are copies (0.999 where the share ignores α), or the nearest has all",
    ),
    "found_large_alpha": (0.6, 0.8, "the towers do not find the interests: copies find 0.26, raw weights 0.29"),
    "recall_large_over_small_alpha": (0.07, 0.22, "specialists gain nothing over copies: 0.00 where α is ignored"),
    "recall_largest_over_large_alpha": (-0.2, -0.05, "a larger α is better without end: 0.00 where it is ignored"),
    "normalised_over_raw": (0.25, 0.5, "raw weights train as well as shares: 0.00 where raw is normalised"),
    "easiest_tenth_large_alpha": (0.4, 0.96, "the weights do not depend on D: a tenth has 0.10"),
    "fleeing_at_the_border": (0.4, 0.55, "the pairs are not those of untrained towers, or the triplet ignores γ"),
    "slope_flowing": (-2.1, -2.0, "a part of the gradient is missing: +0.23 if detached, −1.29 with S⁻ held"),
    "far_flowing": (0.33, 0.55, "the towers do not flee: 0.16 of them are far away if detached"),
    "detached_over_flowing": (0.04, 0.12, "the switch changes nothing: 0.00 where it is ignored"),
    "small_margin_over_flowing": (0.04, 0.12, "the margin changes nothing: 0.00 where both have 0.5"),
}


def soft_shares(similarity, alpha, floor, *, power=None):
    inverse = (1 - similarity).clamp(min=floor) ** -alpha if power is None else power(similarity, alpha, floor)
    return inverse / inverse.sum(dim=1, keepdim=True) * similarity.shape[1]


def of(power):
    return lambda similarity, alpha, floor: soft_shares(similarity, alpha, floor, power=power)


def by_softmax(similarity, alpha, floor):
    logits = -alpha * torch.log(torch.maximum(1 - similarity, torch.tensor(floor)))
    return torch.softmax(logits, dim=-1) * similarity.size(-1)


def by_loops(similarity, alpha, floor):
    rows = []
    for row in similarity.tolist():
        weights = [1 / max(1 - value, floor) ** alpha for value in row]
        rows.append([len(row) * weight / sum(weights) for weight in weights])
    return rows


def flees(positive, negative, alpha, margin, *, threshold=lambda distance, positive, alpha: distance / alpha):
    triplet = max(0.0, margin - positive + negative)
    return triplet > threshold(1 - positive, positive, alpha)


def at(threshold):
    return lambda *values: flees(*values, threshold=threshold)


def by_the_derivative(positive, negative, alpha, margin):
    distance = 1 - positive
    return distance ** (-alpha - 1) * (distance - alpha * max(0, margin - positive + negative)) < 0


def by_autograd(positive, negative, alpha, margin):
    distance = torch.tensor(1 - positive, dtype=torch.float64, requires_grad=True)
    (distance**-alpha * (margin - 1 + distance + negative).relu()).backward()
    return distance.grad < -1e-9


rng = np.random.default_rng(0)
PAIRS = Pairs(distance=rng.normal(0.98, 0.14, 20_000).clip(0, 2), negative=rng.normal(0, 0.127, 20_000).clip(-1, 1))
GAPS = {"a": (0.07, 0.05, 0.09), "b": (0.01, -0.01, 0.02), "c": (0.016, -0.001, 0.035), "d": (-0.08, -0.1, -0.06)}
MORE = {"widest_margin": (PAIRS,), "verdicts": (GAPS,)}

RIGHT = {
    "soft_shares": soft_shares,
    "flees": flees,
    "widest_margin": 0.15,
    "verdicts": dict(a="shown", b="undecided", c="undecided", d="refuted"),
}
ALSO_RIGHT = {
    "soft_shares": [
        by_softmax,
        by_loops,
        lambda s, a, f: by_softmax(s, a, f).numpy(),
        lambda s, a, f: soft_shares(s, a, f, power=lambda s, a, f: 1 / (1 - s).clamp(f) ** a),
        lambda s, a, f: soft_shares(s, a, f, power=lambda s, a, f: (1 - s.clamp(max=1 - f)) ** -a),
    ],
    "flees": [
        by_the_derivative,
        by_autograd,
        lambda *values: np.bool_(flees(*values)),
        lambda *values: torch.tensor(flees(*values)),
        lambda p, n, a, m: a * np.maximum(0, m - p + n) > 1 - p,
        lambda p, n, a, m: m - p + n > (1 - p) / a,  # D > 0, so an inactive T is never above it
        lambda p, n, a, m: a * max(m - p + n, 0) / (1 - p) > 1,
    ],
    "widest_margin": [np.float64(0.15), torch.tensor(0.15), 0.1500001],
    "verdicts": [dict(a=" Shown", b="UNDECIDED", c="undecided", d="refuted")],
}
WRONG = {
    "soft_shares": {
        "a stub": (lambda similarity, alpha, floor: ..., "Not written yet"),
        "raw weights": (lambda s, alpha, floor: (1 - s).clamp(min=floor) ** -alpha, "raw weights"),
        "a sum of 1": (lambda s, a, f: soft_shares(s, a, f) / s.shape[1], "Each row sums to 1"),
        "over users": (lambda s, a, f: soft_shares(s.T, a, f).T, "sums over users"),
        "over everything": (lambda s, a, f: (w := (1 - s) ** -a) / w.sum() * s.shape[1], "the sum of all users"),
        "times users": (lambda s, a, f: soft_shares(s, a, f) / s.shape[1] * len(s), "sums to the number of users"),
        "the largest is 1": (lambda s, a, f: (w := (1 - s) ** -a) / w.amax(dim=1, keepdim=True), "largest of each"),
        "the sign of α": (of(lambda s, a, f: (1 - s).clamp(min=f) ** a), "the nearer tower gets less"),
        "1 / S^α": (of(lambda s, a, f: s.clamp(min=f) ** -a), "power of the similarity"),
        "1 / S^α, raw": (lambda s, a, f: s.clamp(min=f) ** -a, "power of the similarity"),
        "the similarity": (of(lambda s, a, f: s.clamp(min=f) ** a), "in proportion to a power of the similarity"),
        "no power": (of(lambda s, a, f: 1 / (1 - s).clamp(min=f)), "do not depend on α"),
        "α a factor": (lambda s, a, f: 1 / (a * (1 - s).clamp(min=f)), "not a factor"),
        "a softmax of similarities": (of(lambda s, a, f: (a * s).exp()), "a softmax of the similarities"),
        "no floor": (of(lambda s, a, f: (1 - s) ** -a), "no D be below the floor"),
        "the floor after the power": (of(lambda s, a, f: 1 / ((1 - s) ** a).clamp(min=f)), "before the power"),
        "a floor of its own": (of(lambda s, a, f: (1 - s + 1e-6) ** -a), "before the power"),
        "the floor added": (of(lambda s, a, f: (1 - s + f) ** -a), "Your rows sum to 3, 3"),
        "always three towers": (lambda s, a, f: soft_shares(s, a, f) / s.shape[1] * 3, "for any numbers"),
        "the absolute similarity": (lambda s, a, f: soft_shares(s.abs(), a, f), "for any numbers"),
        "the first user only": (lambda s, a, f: soft_shares(s, a, f)[0], "should have the shape"),
    },
    "flees": {
        "a stub": (lambda positive, negative, alpha, margin: None, "Not written yet"),
        "αγ > 1": (lambda p, n, alpha, margin: alpha * margin > 1, "for D = 1 and S⁻ = 0 only"),
        "D · α": (at(lambda d, p, a: d * a), "divided by α"),
        "α forgotten": (at(lambda d, p, a: d), "divided by α"),
        "S for D": (at(lambda d, p, a: p / a), "D = 1 − S⁺ = 1"),
        "the negative forgotten": (lambda p, n, a, m: flees(p, 0.0, a, m), "the negative's similarity raises T"),
        "signs swapped": (lambda p, n, a, m: max(0.0, m + p - n) > (1 - p) / a, "S⁺ lowers T"),
        "at least": (lambda p, n, a, m: max(0.0, m - p + n) >= (1 - p) / a, "the two parts cancel"),
        "an inactive triplet counts": (lambda p, n, a, m: abs(m - p + n) > (1 - p) / a, "inactive"),
        "the opposite": (lambda *values: not flees(*values), "T is larger, so it flees"),
        "D of the negative": (at(lambda d, p, a: abs(d) / a if p >= 0 else (1 + p) / a), "D is 1 − (−0.8) = 1.8"),
        "S⁻ only where it is positive": (lambda p, n, a, m: flees(p, max(n, 0.0), a, m), "and D/α is"),
        "a number": (lambda p, n, a, m: m - p + n - (1 - p) / a, "True or False"),
        "methods of a tensor": (lambda p, n, a, m: (m - p + n).relu() > (1 - p) / a, "plain numbers"),
    },
    "widest_margin": {
        "a stub": (None, "Not written yet"),
        "the border": (0.5, "half of the pairs"),
        "below the border": (0.45, "αγ < 1 alone is not enough"),
        "one step too far": (0.2, "at most 1% may"),
        "one step too few": (0.1, "not the largest"),
        "αγ": (0.3, "Is 0.3 your αγ"),
        "between the steps": (0.17, "steps of 0.05"),
        "a percentage": (15, "not between 0 and 2"),
        "two numbers": ((2.0, 0.15), "should be one number"),
    },
    "verdicts": {
        "a stub": (None, "Not written yet"),
        "the sign of the middle": (dict(a="shown", b="shown", c="shown", d="refuted"), "The interval holds 0"),
        "nothing decided": (dict.fromkeys("abcd", "undecided"), "lies on one side of 0"),
        "turned round": (dict(a="refuted", b="undecided", c="undecided", d="shown"), "Which side of 0"),
        "undecided taken for refuted": (dict(a="shown", b="refuted", c="undecided", d="refuted"), "(b) is +0.010"),
        "another word": (dict(a="true", b="undecided", c="undecided", d="false"), "should be one of"),
        "one left out": (dict(a="shown", b="undecided", c="undecided"), "a dictionary with a verdict for each"),
        "a list": (["shown", "undecided", "undecided", "refuted"], "a dictionary with a verdict for each"),
    },
}
