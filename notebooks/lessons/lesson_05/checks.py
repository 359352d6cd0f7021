"""The checks of lesson 05."""

import torch

from lessons.common.checks import Wrong, exercise


@exercise
def soft_shares(answer):
    def ask(similarity: list[float], alpha: float, floor: float) -> list[float]:
        weights = answer(torch.tensor(similarity), alpha, floor)
        if not isinstance(weights, torch.Tensor) or weights.shape != (len(similarity),):
            raise Wrong(f"Give a tensor with one weight a tower, of shape [{len(similarity)}].")
        return weights.tolist()

    def near(found: list[float], expected: list[float]) -> bool:
        return all(abs(one - other) < 1e-4 for one, other in zip(found, expected, strict=True))

    halves = ask([0.5, 0.75], 1.0, 0.05)  # D = 0.5 and 0.25: weights 2 and 4
    shown = ", ".join(f"{weight:.3g}" for weight in halves)
    task = f"For cosines 0.5 and 0.75, α = 1, yours are {shown}."
    if near(halves, [2.0, 4.0]):
        raise Wrong(f"{task} These are the raw weights. Divide by their sum.")
    if near(halves, [2 / 3, 4 / 3]):
        raise Wrong(f"{task} They sum to the number of towers, as the library's do; here they should sum to 1.")
    if near(halves, [2 / 3, 1 / 3]):
        raise Wrong(f"{task} The nearer tower got less. Mind the sign of α: a smaller D should weigh more.")
    if near(halves, [0.6, 0.4]):
        raise Wrong(f"{task} You took the power of the similarity; the distance is D = 1 − S.")
    if near(halves, [0.4, 0.6]):
        raise Wrong(f"{task} These are in proportion to the similarity. The distance is D = 1 − S, and it divides.")
    if abs(sum(halves) - 1) > 1e-4:
        raise Wrong(f"{task} They sum to {sum(halves):.3g}; they should sum to 1.")
    if not near(halves, [1 / 3, 2 / 3]):
        raise Wrong(f"{task} D is 0.5 and 0.25, so 1 / D is 2 and 4, and of their sum a third and two thirds.")
    if not near(ask([0.5, 0.75], 2.0, 0.05), [0.2, 0.8]):
        raise Wrong("At α = 2 the same towers should get 0.2 and 0.8: 1 / D² is 4 and 16. Is α the power of D?")
    on_target = ask([1.0, 0.8], 2.0, 0.1)  # D = 0 → 0.1, and 0.2: weights 100 and 25
    if not all(abs(weight) < float("inf") for weight in on_target):
        raise Wrong("A tower on its target has D = 0, and your weight is not a number: let no D be below the floor.")
    if not near(on_target, [0.8, 0.2]):
        raise Wrong(
            f"A tower on its target and one at D = 0.2, with α = 2 and a floor of 0.1, should get 0.8 and 0.2; yours "
            f"are {on_target[0]:.3g} and {on_target[1]:.3g}. The floor is for D, before the power."
        )
    return "They sum to 1, the nearest has most, and a tower on its target has a weight that is a number."


@exercise
def flees(answer):
    # positive, negative, α, γ, and whether it flees; each with what a wrong answer forgot
    cases = [
        (0.0, 0.0, 4.0, 0.5, True, "D = 1, T = γ = 0.5, D/α = 0.25: T is larger, so it flees. Is D divided by α?"),
        (0.0, 0.0, 1.5, 0.5, False, "D = 1 − S⁺ = 1, T = γ = 0.5, D/α = 0.67: T is smaller, so it stays."),
        (0.5, 0.5, 3.0, 0.5, True, "T = 0.5 − 0.5 + 0.5 = 0.5, D/α = 0.17: the negative's similarity raises T."),
        (0.6, 0.5, 2.0, 0.2, False, "T = 0.2 − 0.6 + 0.5 = 0.1, D/α = 0.2: S⁺ lowers T, and S⁻ raises it."),
        (-0.8, 0.0, 1.25, 0.5, False, "D is 1 − (−0.8) = 1.8: T = 1.3, D/α = 1.44."),
        (0.8, 0.8, 2.0, 0.4, True, "D = 0.2, T = 0.4, D/α = 0.1. The rule αγ > 1 is for D = 1 and S⁻ = 0 only."),
        (0.8, 0.0, 8.0, 0.5, False, "T = max(0, 0.5 − 0.8) = 0: the triplet is inactive, and nothing moves the tower."),
        (1.0, 0.0, 2.0, 0.5, False, "On its target D = 0 and T = 0, inactive: T is not larger than D/α, only equal."),
    ]  # fmt: skip
    for positive, negative, alpha, margin, expected, why in cases:
        found = answer(positive, negative, alpha, margin)
        if not isinstance(found, bool):
            raise Wrong(f"Return True or False; your function gave {found!r}.")
        if found != expected:
            raise Wrong(f"S⁺ = {positive:g}, S⁻ = {negative:g}, α = {alpha:g}, γ = {margin:g}: you say {found}. {why}")
    return "T > D/α, and an inactive triplet never."


@exercise
def safe(answer):
    if not isinstance(answer, dict) or set(answer) != {"alpha", "margin"}:
        raise Wrong("Give a dictionary, dict(alpha=..., margin=...).")
    alpha, margin = answer["alpha"], answer["margin"]
    if alpha < 1.2:
        raise Wrong(f"α = {alpha:g} is below 1.2. At α ≤ 1 any γ up to 1 is safe; the exercise is to find a larger α.")
    if not 0.1 <= margin <= 2:
        raise Wrong(f"γ = {margin:g} is not within 0.1 and 2: without a margin the triplet hardly asks for anything.")
    distances = [step / 1000 for step in range(1, 2001)]
    flight = [distance for distance in distances if max(0.0, margin - 1 + distance) > distance / alpha + 1e-9]
    if flight and flight[0] <= 1.001:
        raise Wrong(
            f"αγ = {alpha * margin:.2g} is not below 1: a tower at D = {max(flight[0], 0.001):.2f} flees, and D = 1 is "
            "where untrained towers are. Lower one of the two."
        )
    if flight:
        raise Wrong(
            f"αγ = {alpha * margin:.2g} keeps a tower at D = 1, but beyond D = {flight[0]:.2f} it flees. The farther "
            "away, the larger is T. Look at D = 2."
        )
    similar = 2 / alpha - 1 - margin
    return (
        f"Up to D = 2 none flees, at S⁻ = 0. A negative with S⁻ above {similar:.2f} still drives one at D = 2 away: "
        "only a detached weight is safe against all."
    )
