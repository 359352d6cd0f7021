"""Lesson 05: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import torch

BANDS = {
    "cosine_small_alpha": (0.98, 1.0, "what should collapse does not: the share takes the largest α everywhere"),
    "cosine_large_alpha": (
        0.12,
        0.45,
        "the towers are copies (0.999 where the share ignores α), or the nearest has all",
    ),
    "found_large_alpha": (0.58, 0.8, "the towers do not find the interests: copies find 0.25, raw weights 0.34"),
    "recall_large_over_small_alpha": (
        0.06,
        0.2,
        "specialists gain nothing over copies: 0.00 where the share ignores α",
    ),
    "normalised_over_raw": (0.17, 0.4, "raw weights train as well as normalised ones: 0.00 where raw is normalised"),
    "easiest_tenth_large_alpha": (0.65, 0.96, "the weights do not depend on D: a tenth has 0.10"),
    "slope_flowing": (-2.1, -2.0, "a part of the gradient is missing: +0.23 if detached, −1.29 with S⁻ held"),
    "far_flowing": (0.36, 0.58, "the towers do not flee: 0.15 of them are far away if detached"),
    "detached_over_flowing": (0.05, 0.13, "the switch changes nothing: 0.00 where it is ignored"),
    "small_margin_over_flowing": (0.05, 0.13, "the margin changes nothing: 0.00 where both have 0.5"),
}


def soft_shares(similarity, alpha, floor, *, power=None):
    inverse = (1 - similarity).clamp(min=floor) ** -alpha if power is None else power(similarity, alpha, floor)
    return inverse / inverse.sum()


def of(power):
    return lambda similarity, alpha, floor: soft_shares(similarity, alpha, floor, power=power)


def flees(positive, negative, alpha, margin, *, threshold=lambda distance, positive, alpha: distance / alpha):
    triplet = max(0.0, margin - positive + negative)
    return triplet > threshold(1 - positive, positive, alpha)


def at(threshold):
    return lambda *values: flees(*values, threshold=threshold)


RIGHT = {
    "soft_shares": soft_shares,
    "flees": flees,
    "safe": dict(alpha=1.5, margin=0.3),
}
WRONG = {
    "soft_shares": {
        "a stub": (lambda similarity, alpha, floor: ..., "Not written yet"),
        "not normalised": (lambda s, alpha, floor: (1 - s).clamp(min=floor) ** -alpha, "Divide by their sum"),
        "normalised to K": (lambda s, a, f: 2 * soft_shares(s, a, f), "the number of towers"),
        "the sign of α": (of(lambda s, a, f: (1 - s).clamp(min=f) ** a), "sign of α"),
        "1 / S^α": (of(lambda s, a, f: s.clamp(min=f) ** -a), "power of the similarity"),
        "the similarity": (of(lambda s, a, f: s.clamp(min=f) ** a), "in proportion to the similarity"),
        "no power": (of(lambda s, a, f: 1 / (1 - s).clamp(min=f)), "Is α the power of D"),
        "a softmax of similarities": (lambda s, a, f: (a * s).softmax(dim=0), "a third and two thirds"),
        "no floor": (of(lambda s, a, f: (1 - s) ** -a), "no D be below the floor"),
        "the floor after the power": (of(lambda s, a, f: 1 / ((1 - s) ** a).clamp(min=f)), "before the power"),
        "the floor added": (of(lambda s, a, f: (1 - s + 1e-6) ** -a), "before the power"),
        "a sum": (lambda s, a, f: soft_shares(s, a, f).sum(), "one weight a tower"),
    },
    "flees": {
        "a stub": (lambda positive, negative, alpha, margin: None, "Not written yet"),
        "αγ > 1": (lambda p, n, alpha, margin: alpha * margin > 1, "for D = 1 and S⁻ = 0 only"),
        "D · α": (at(lambda d, p, a: d * a), "divided by α"),
        "α forgotten": (at(lambda d, p, a: d), "divided by α"),
        "S for D": (at(lambda d, p, a: p / a), "D = 1 − S⁺ = 1"),
        "the negative forgotten": (lambda p, n, a, m: flees(p, 0.0, a, m), "the negative's similarity raises T"),
        "signs swapped": (lambda p, n, a, m: max(0.0, m + p - n) > (1 - p) / a, "S⁺ lowers T"),
        "at least": (lambda p, n, a, m: max(0.0, m - p + n) >= (1 - p) / a, "only equal"),
        "an inactive triplet counts": (lambda p, n, a, m: abs(m - p + n) > (1 - p) / a, "inactive"),
        "the opposite": (lambda *values: not flees(*values), "T is larger, so it flees"),
        "a number": (lambda p, n, a, m: m - p + n - (1 - p) / a, "True or False"),
        "a tensor": (lambda p, n, a, m: torch.tensor(flees(p, n, a, m)), "True or False"),
    },
    "safe": {
        "a stub": (None, "Not written yet"),
        "αγ below 1 only": (dict(alpha=2.0, margin=0.4), "keeps a tower at D = 1, but beyond D = 1.2"),
        "the paper's α": (dict(alpha=5.5, margin=0.5), "is not below 1"),
        "at the border": (dict(alpha=2.0, margin=0.5), "is not below 1"),
        "α too small": (dict(alpha=1.0, margin=0.5), "below 1.2"),
        "hardly a margin": (dict(alpha=1.8, margin=0.05), "not within 0.1"),
        "a pair": ((1.5, 0.3), "Give a dictionary"),
    },
}
