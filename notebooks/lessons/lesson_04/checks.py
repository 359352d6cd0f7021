"""The checks of lesson 04."""

import numpy as np
import torch

from lessons.common.checks import Wrong, exercise


def _numbers(answer, size: int) -> list[float]:
    """A tensor of shares as a list of numbers."""
    if not isinstance(answer, torch.Tensor) or answer.shape != (size,):
        raise Wrong(f"Give a tensor with one share for each of the {size} towers; yours is {answer!r}.")
    return answer.double().tolist()


def _shown(shares: list[float]) -> str:
    return "[" + ", ".join(f"{share:.3g}" for share in shares) + "]"


@exercise
def all_to_best(answer):
    none = "A tower whose mask is False does not exist: it cannot answer, however high its score."
    negative = "All scores may be negative. A tower that does not exist must lose even then, so 0 will not do for it."
    cases = [
        ([0.6, 0.8, -0.6], [True, True, True], [0.0, 3.0, 0.0], "Tower 2 has the highest score."),
        ([0.6, 0.8, 0.9], [True, True, False], [0.0, 2.0, 0.0], none),
        ([-0.6, -0.2, 0.0], [True, True, False], [0.0, 2.0, 0.0], negative),
        ([0.5, 0.5, 0.1], [True, True, True], [3.0, 0.0, 0.0], "Among equals, the first tower has it all."),
    ]
    for score, mask, expected, hint in cases:
        found = _numbers(answer(torch.tensor(score), torch.tensor(mask)), 3)
        if found == expected:
            continue
        towers = sum(mask)
        if found.index(max(found)) == int(np.argmin(score)):
            hint = (
                "You gave it to the lowest score. For the nearest tower, the score is the similarity: largest is best."
            )
        elif [share > 0 for share in found] == [share > 0 for share in expected] and max(found) in (1.0, 3.0):
            hint = f"The right tower; but a user's shares sum to the number of towers that exist, here {towers}."
        elif sum(share > 0 for share in found) > 1:
            hint = (
                "One tower has everything, among equals the first: `argmax` gives one place, `==` all that are equal."
            )
        raise Wrong(
            f"For the scores {score} and the mask {mask} it should be {_shown(expected)}, not {_shown(found)}. {hint}"
        )
    return "One tower answers, and only among those that exist."


@exercise
def by_distance(answer):
    three = [True, True, True]
    cases = [
        ([0.6, 0.8, -0.6], three, 1.0, [12 / 13, 24 / 13, 3 / 13], "The weights are as 4 : 8 : 1."),
        ([0.6, 0.8, -0.6], three, 0.0, [1.0, 1.0, 1.0], "At α = 0 all towers count alike, 1 each."),
        ([0.6, 0.8, -0.6], three, 2.0, [16 / 27, 64 / 27, 1 / 27], "The weights are as 16 : 64 : 1."),
        ([0.5, 0.75, 0.9], [True, True, False], 1.0, [2 / 3, 4 / 3, 0.0], "An absent tower gets 0, and takes nothing."),
        ([0.9, 1.0, 0.5], three, 1.0, [0.9375, 1.875, 0.1875], "At D = 0 use the floor: D = 0.05."),
    ]
    for similarity, mask, alpha, expected, hint in cases:
        found = _numbers(answer(torch.tensor(similarity), torch.tensor(mask), alpha), 3)
        if np.allclose(found, expected, atol=1e-4):
            continue
        total, present = sum(found), sum(mask)
        absent = any(share != 0 for share, exists in zip(found, mask, strict=True) if not exists)
        if not np.isfinite(found).all():
            hint = "Not finite: a similarity of 1 is a distance of 0, and 1/0 has no end. Set a floor of 0.05 on it."
        elif absent:
            hint = "The third tower does not exist: its share is 0. Multiply by the mask before you take the sum."
        elif np.allclose(total, 1.0, atol=1e-4) and present > 1:
            hint = f"They sum to 1; scale them to sum to the number of towers that exist, here {present}."
        elif np.allclose(total, len(mask), atol=1e-4) and present < len(mask):
            hint = f"They sum to {total:.3g}; only {present} towers exist. Count the mask, not the length."
        elif not np.allclose(total, present, atol=1e-4):
            hint = f"They sum to {total:.3g}. Raw weights favour easy samples; divide by their sum, times {present}."
        elif alpha and found[2] > found[1]:
            hint = "The farthest tower answers for the most. The weight is 1 over the distance: check the sign of α."
        elif alpha and np.allclose(found, _of_similarity(similarity, alpha, present), atol=1e-3):
            hint = "You used the similarity in place of the distance, which is 1 minus the similarity."
        raise Wrong(
            f"For similarities {similarity}, mask {mask} and α = {alpha:g} it should be {_shown(expected)}, "
            f"not {_shown(found)}. {hint}"
        )
    return "The nearer a tower, the more it answers; α says how much more."


def _of_similarity(similarity, alpha, present):
    weights = np.abs(similarity) ** alpha
    return weights / weights.sum() * present


@exercise
def recall_with_label(answer):
    # two vectors, five relevant items: 7, 8 and 6 nearest to tower 1, 9 and 2 to tower 2
    similarity = np.array([[0.9, 0.6, 0.1, 0.7, 0.3], [0.2, 0.5, 0.8, 0.4, 0.6]])
    relevant = np.array([7, 8, 9, 6, 2])
    lists = np.array([[7, 1, 2, 9, 0, 6], [3, 8, 4, 5, 10, 11]])
    found = answer(similarity, lists, relevant)
    if not isinstance(found, int | float | np.number):
        raise Wrong(f"Give one number, the part of the relevant items; yours is {found!r}.")
    said = (
        "Tower 1 lists 7, 1, 2, 9, 0, 6 and is nearest to 7, 8 and 6; tower 2 lists 3, 8, 4, 5, 10, 11 and is nearest "
        "to 9 and 2."
    )
    length = "You divided by the length of the lists. Recall is a part of the relevant items."
    hints = {
        5 / 5: "You looked into all lists. The label picks one for each item: 8 stands in tower 2's, but belongs to "
        "tower 1.",
        4 / 5: "You picked one list for all items. The label picks anew for each relevant item.",
        3 / 5: "You picked the farther vector. The nearest has the largest similarity.",
        2: "That is a count. Divide by the number of relevant items.",
        2 / 6: length,
        2 / 12: length,
    }
    for value, hint in hints.items():
        if abs(found - value) < 1e-9:
            raise Wrong(f"{said} {hint}")
    if abs(found - 2 / 5) > 1e-9:
        raise Wrong(f"{said} So two of five stand in the list of their own tower: 2/5, not {found:.3g}.")
    if abs(answer(similarity[:, :1], lists, relevant[:1]) - 1) > 1e-9:
        raise Wrong("With item 7 alone it is 1: its tower lists it.")
    return "One list for each relevant item, the one that the label picks."
