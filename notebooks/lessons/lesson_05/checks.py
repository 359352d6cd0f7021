"""The checks of lesson 05."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lessons.common.checks import Stopped, Wrong, boolean, choice, exercise, number, numbers
from lessons.lesson_05.pictures import MARGINS, Pairs

CASES = 50
"""How many random inputs a function is tried on."""

BASES: dict[str, tuple[Callable[[Tensor, float], Tensor], str]] = {
    "right": (lambda s, a: (1 - s) ** -a, ""),
    "D^α": (lambda s, a: (1 - s) ** a, "These grow with D: the nearer tower gets less. It is 1 / D^α, so D^(−α)."),
    "1 / S^α": (lambda s, a: s**-a, "You took the power of the similarity. The distance is D = 1 − S."),
    "S^α": (lambda s, a: s**a, "These are in proportion to a power of the similarity. Divide by D = 1 − S."),
    "1 / D": (lambda s, a: 1 / (1 - s), "These do not depend on α: it is the power of D."),
    "1 / (α D)": (lambda s, a: 1 / (a * (1 - s)), "α is the power of D, not a factor."),
    "softmax of S": (lambda s, a: (a * s).exp(), "This is a softmax of the similarities: take 1 / D^α instead of exp."),
    "softmax of −D": (lambda s, a: (-a * (1 - s)).exp(), "This is a softmax: take 1 / D^α instead of exp."),
}  # fmt: skip
SUMS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "to K": (lambda w: w / w.sum(dim=1, keepdim=True) * w.shape[1], ""),
    "raw": (lambda w: w, "These are raw weights. Divide each row by its sum, and multiply by the number of towers."),
    "to 1": (
        lambda w: w / w.sum(dim=1, keepdim=True),
        "Each row sums to 1. Shares sum to the number of towers: multiply by it.",
    ),
    "to K over users": (
        lambda w: w / w.sum(dim=0, keepdim=True) * w.shape[1],
        "You divided by sums over users. Each user's row is divided by its own sum: dim=1.",
    ),
    "to 1 over users": (
        lambda w: w / w.sum(dim=0, keepdim=True),
        "You divided by sums over users. Each user's row is divided by its own sum: dim=1.",
    ),
    "to K, users": (
        lambda w: w / w.sum(dim=0, keepdim=True) * w.shape[0],
        "You divided by sums over users. Each user's row is divided by its own sum: dim=1.",
    ),
    "over all": (
        lambda w: w / w.sum() * w.shape[1],
        "You divided by the sum of all users. Each user's row is divided by its own sum: dim=1.",
    ),
    "over all, to 1": (
        lambda w: w / w.sum(),
        "You divided by the sum of all users. Each user's row is divided by its own sum: dim=1.",
    ),
    "mean": (
        lambda w: w / w.sum(dim=1, keepdim=True) * w.shape[0],
        "Each row sums to the number of users. It should sum to the number of towers, similarity.shape[1].",
    ),
    "by the largest": (
        lambda w: w / w.amax(dim=1, keepdim=True),
        "The largest of each row is 1. It is the sum of a row that matters: divide by it.",
    ),
}


def _shares(similarity: Tensor, alpha: float, floor: float) -> Tensor:
    inverse = (1 - similarity.double()).clamp(min=floor) ** -alpha
    return inverse / inverse.sum(dim=1, keepdim=True) * similarity.shape[1]


def _near(found: np.ndarray, expected: Tensor) -> bool:
    return bool(np.allclose(found, expected.double().numpy(), rtol=1e-3, atol=1e-4))


def _rows(values) -> str:
    return str(np.asarray(values, dtype=float).round(3).tolist())


@exercise
def soft_shares(answer):
    def ask(similarity: Tensor, alpha: float, floor: float) -> np.ndarray:
        of = f"For {similarity.shape[0]} users and {similarity.shape[1]} towers, your answer"
        return numbers(answer(similarity.clone(), alpha, floor), similarity.shape, of)

    probe, alpha = torch.tensor([[0.5, 0.75, 0.2], [0.1, 0.3, 0.6]]), 2.0
    found = ask(probe, alpha, 0.05)
    task = f"For cosines {_rows(probe)} and α = 2, yours are {_rows(found)}."
    if not _near(found, _shares(probe, alpha, 0.05)):
        for base, of_base in BASES.values():
            for scale, of_sum in SUMS.values():
                if _near(found, scale(base(probe, alpha))):
                    raise Wrong(f"{task} {' '.join(filter(None, (of_base, of_sum)))}")
        sums = ", ".join(f"{total:.3g}" for total in found.sum(axis=1))
        raise Wrong(
            f"{task} The first user has D = 0.5, 0.25 and 0.8, so 1 / D² = 4, 16 and 1.56; divided by their sum, times "
            f"3, that is {_rows(_shares(probe, alpha, 0.05)[0])}. Your rows sum to {sums}."
        )
    on_target = torch.tensor([[1.0, 0.8, 0.2]])  # D = 0 → 0.1, 0.2 and 0.8
    found = ask(on_target, 2.0, 0.1)
    if not np.isfinite(found).all():
        raise Wrong("A tower on its target has D = 0, and your share is not a number: let no D be below the floor.")
    if not _near(found, _shares(on_target, 2.0, 0.1)):
        raise Wrong(
            f"A tower on its target, one at D = 0.2 and one at 0.8, with α = 2 and a floor of 0.1, should get "
            f"{_rows(_shares(on_target, 2.0, 0.1)[0])}; yours are {_rows(found[0])}. The floor is for D, before the "
            "power: a D below it counts as the floor, any other stays what it is."
        )
    generator = torch.Generator().manual_seed(0)
    for _ in range(CASES):
        users, towers = (int(torch.randint(1, 4, (1,), generator=generator)) for _ in range(2))
        similarity = torch.rand(users, towers, generator=generator) * 2 - 1
        similarity[torch.rand(users, towers, generator=generator) < 0.1] = 1.0
        alpha, floor = (float(torch.rand(1, generator=generator)) * most for most in (6.0, 0.3))
        alpha, floor = round(alpha, 2), round(floor + 0.02, 2)
        found, expected = ask(similarity, alpha, floor), _shares(similarity, alpha, floor)
        if not _near(found, expected):
            raise Wrong(
                f"It must work for any numbers: for cosines {_rows(similarity)}, α = {alpha} and a floor of {floor}, "
                f"the shares are {_rows(expected)}, and yours are {_rows(found)}."
            )
    return "Each row sums to the number of towers, the nearest has most, and a tower on its target has a finite share."


@exercise
def flees(answer):
    def ask(positive: float, negative: float, alpha: float, margin: float) -> bool:
        try:
            return boolean(answer(positive, negative, alpha, margin))
        except Stopped as stopped:
            if isinstance(stopped.error, TypeError | AttributeError):
                raise Wrong(f"{stopped} The four arguments are plain numbers: use Python's own max, + and −.") from None
            raise

    # positive, negative, α, γ, and whether it flees; each with what a wrong answer forgot
    cases = [
        (0.0, 0.0, 4.0, 0.5, True, "D = 1, T = γ = 0.5, D/α = 0.25: T is larger, so it flees. Is D divided by α?"),
        (0.0, 0.0, 1.5, 0.5, False, "D = 1 − S⁺ = 1, T = γ = 0.5, D/α = 0.67: T is smaller, so it stays."),
        (0.5, 0.5, 3.0, 0.5, True, "T = 0.5 − 0.5 + 0.5 = 0.5, D/α = 0.17: the negative's similarity raises T."),
        (0.6, 0.5, 2.0, 0.2, False, "T = 0.2 − 0.6 + 0.5 = 0.1, D/α = 0.2: S⁺ lowers T, and S⁻ raises it."),
        (-0.8, 0.0, 1.25, 0.5, False, "D is 1 − (−0.8) = 1.8: T = 1.3, D/α = 1.44."),
        (0.8, 0.8, 2.0, 0.4, True, "D = 0.2, T = 0.4, D/α = 0.1. The rule αγ > 1 is for D = 1 and S⁻ = 0 only."),
        (0.8, 0.0, 8.0, 0.5, False, "T = max(0, 0.5 − 0.8) = 0: the triplet is inactive, and nothing moves the tower."),
        (0.0, 0.0, 2.0, 0.5, False, "T = D/α = 0.5: the two parts cancel, and nothing drives it away."),
    ]  # fmt: skip
    for positive, negative, alpha, margin, expected, why in cases:
        found = ask(positive, negative, alpha, margin)
        if found != expected:
            raise Wrong(f"S⁺ = {positive:g}, S⁻ = {negative:g}, α = {alpha:g}, γ = {margin:g}: you say {found}. {why}")
    rng = np.random.default_rng(0)
    tried = 0
    while tried < CASES:
        positive, negative = (float(value) for value in rng.uniform(-1, 0.98, size=2).round(2))
        alpha, margin = round(rng.uniform(0.3, 8), 1), round(rng.uniform(0.05, 1.5), 2)
        distance, triplet = 1 - positive, max(0.0, margin - positive + negative)
        if abs(triplet - distance / alpha) < 1e-6:
            continue
        tried += 1
        found, expected = ask(positive, negative, alpha, margin), triplet > distance / alpha
        if found != expected:
            raise Wrong(
                f"S⁺ = {positive:g}, S⁻ = {negative:g}, α = {alpha:g}, γ = {margin:g}: T is {triplet:.3g} and D/α is "
                f"{distance / alpha:.3g}, so it is {expected}; you say {found}."
            )
    return "T > D/α, and an inactive triplet never."


@exercise
def widest_margin(answer, pairs: Pairs):
    margin = number(answer, "γ")

    def flight(gamma: float) -> float:
        return float(pairs.fleeing(alpha=2.0, margin=gamma).mean())

    [widest] = [gamma for gamma in MARGINS if flight(gamma) <= 0.01][-1:]
    if not 0 < margin <= 2:
        raise Wrong(f"γ is a margin between cosines; {margin:g} is not between 0 and 2.")
    if min(abs(margin - gamma) for gamma in MARGINS) > 1e-6:
        raise Wrong(f"{margin:g} is not one of 0.05, 0.10, 0.15, …, 1.00. Go in steps of 0.05.")
    here = f"At γ = {margin:g}, {flight(margin):.1%} of the pairs flee"
    if abs(margin - 2 * widest) < 1e-6:
        raise Wrong(f"{here}. Is {margin:g} your αγ? The exercise asks for γ.")
    if margin > 0.5 - 1e-6:
        raise Wrong(
            f"{here}. αγ is {2 * margin:g}; αγ = 1 is the border for a tower at D = 1 and S⁻ = 0, and half of the "
            "pairs lie beyond that."
        )
    if margin > widest + 1e-6:
        raise Wrong(f"{here}; at most 1% may. αγ < 1 alone is not enough: many pairs have D above 1 or S⁻ above 0.")
    if margin < widest - 1e-6:
        raise Wrong(f"{here}, so it is allowed, but it is not the largest: a wider margin keeps within 1% as well.")
    return f"{here}, at γ = {widest + 0.05:g} already {flight(widest + 0.05):.1%}: αγ is {2 * widest:g}, far below 1."


VERDICTS = ("shown", "refuted", "undecided")


@exercise
def verdicts(answer, gaps: dict[str, tuple[float, float, float]]):
    if not isinstance(answer, dict) or set(answer) != set(gaps):
        raise Wrong(f"Give a dictionary with a verdict for each of {', '.join(gaps)}: dict(a=..., b=..., …).")
    for letter, (gap, low, high) in gaps.items():
        found = choice(answer[letter], VERDICTS, f"({letter})")
        expected = "shown" if low > 0 else "refuted" if high < 0 else "undecided"
        if found == expected:
            continue
        seen = f"({letter}) is {gap:+.3f} [{low:+.3f}, {high:+.3f}], and you say {found!r}."
        if expected == "undecided":
            raise Wrong(f"{seen} The interval holds 0: with other users of the same kind the sign could turn.")
        if found == "undecided":
            raise Wrong(f"{seen} The interval lies on one side of 0, so the sign is clear.")
        raise Wrong(f"{seen} Which side of 0 does the interval lie on? The gap is the first minus the second.")
    return "A gap decides only with its interval, and what is undecided is not a gain."
