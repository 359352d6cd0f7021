"""The checks of lesson 02."""

import torch

from lessons.common.checks import Wrong, exercise


def _near(found, expected) -> bool:
    return found.shape == expected.shape and torch.allclose(found, expected, atol=1e-5)


@exercise
def masked_mean(answer):
    embedded = torch.tensor([[8.0, -4.0], [1.0, 2.0], [3.0, 6.0], [2.0, 1.0]])
    mask = torch.tensor([False, True, True, True])
    found = answer(embedded.clone(), mask.clone())
    if not isinstance(found, torch.Tensor) or found.shape != (2,):
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else repr(found)
        raise Wrong(f"From [4, 2] to [2]: one vector of 2 numbers, the mean over the slots. Yours has {shape}.")
    hints = {
        "the padded row is in it. It holds nothing that was bought; keep only the rows where the mask is True": (
            embedded.mean(dim=0)
        ),
        "the padded slot still counts in the division. Divide by how many slots are True, not by all": (
            embedded[1:].sum(dim=0) / 4
        ),
        "that is the sum. Divide it by how many slots are True": embedded[1:].sum(dim=0),
        "that is what the padding holds. True in the mask means a real product": embedded[0],
        "the newest product is missing. Slots are in order, the newest last, and all True ones count": (
            embedded[1:3].mean(dim=0)
        ),
    }
    expected = torch.tensor([2.0, 3.0])
    if not _near(found, expected):
        reason = next((hint for hint, wrong in hints.items() if _near(found, wrong)), "add the three rows, divide by 3")
        raise Wrong(f"The rows (1, 2), (3, 6), (2, 1) have the mean (2, 3), not {found.tolist()}: {reason}.")
    scattered = torch.tensor([True, False, True, False])
    if not _near(answer(embedded.clone(), scattered), embedded[[0, 2]].mean(dim=0)):
        raise Wrong("It must work for any mask, whichever slots are True; do not count on three of them at the end.")
    return "Only what was bought votes."


@exercise
def fuse(answer):
    generator = torch.Generator().manual_seed(0)
    embedded, projection = torch.randn(2, 3, 2, generator=generator), torch.randn(6, 3, generator=generator)
    bias, mask = torch.tensor([0.5, -1.0, 0.25]), torch.tensor([[False, True, True], [True, True, True]])
    given = tuple(value.clone() for value in (embedded, mask, projection, bias))
    try:
        weights, vectors = answer(*given)
    except (TypeError, ValueError):
        raise Wrong("Return two tensors: the weights [batch, step] and the vectors [batch, dim].") from None
    for name, value, shape in (("weights", weights, (2, 3)), ("vectors", vectors, (2, 2))):
        if not isinstance(value, torch.Tensor) or value.shape != shape:
            raise Wrong(f"For 2 histories of 3 slots and 2 numbers, the {name} should have the shape {shape}.")
    if weights.isnan().any():
        raise Wrong("There is a NaN among the weights: −∞ times 0 is not a number. Fill with −∞ before the softmax.")

    def soft(scores):
        return scores.masked_fill(~mask, -torch.inf).softmax(dim=1)

    scores = embedded.flatten(1) @ projection + bias
    expected = soft(scores)
    if _near(weights, scores.softmax(dim=0)) or _near(weights, scores.masked_fill(~mask, -torch.inf).softmax(dim=0)):
        raise Wrong("Your softmax compares customers with one another. A history's own slots share its 1: take dim=1.")
    if weights[0, 0] != 0:
        hint = "Only −∞ becomes exactly 0 in a softmax; a score of 0 does not." if weights[0, 0] > 0 else ""
        raise Wrong(f"The padded slot of the first history has the weight {weights[0, 0]:.3f}; it must be 0. {hint}")
    sums = weights.sum(dim=1)
    if not torch.allclose(sums, torch.ones(2), atol=1e-5):
        raise Wrong(
            f"The weights of the first history sum to {sums[0]:.3f}. If the mask comes after the softmax, the padding "
            "has already taken its part: mask first."
        )
    if not _near(weights, expected):
        if _near(weights, soft(embedded.flatten(1) @ projection)):
            raise Wrong("The bias is missing: each slot has its own, added to its score.")
        if _near(weights, soft(embedded.transpose(1, 2).flatten(1) @ projection + bias)):
            raise Wrong("Lay the history end to end product by product, e₁ ‖ e₂ ‖ e₃: flatten(1), without transposing.")
        if _near(weights, mask / mask.sum(dim=1, keepdim=True)):
            raise Wrong("Those weights are all alike: that is the mean. The scores of Eq. 2 should decide.")
        raise Wrong(f"The scores are off. Of the second history the weights should be {expected[1].tolist()}.")
    if not _near(vectors, (expected[:, :, None] * embedded).sum(dim=1)):
        raise Wrong(
            "The weights are right, the vectors are not: each row of the history times its weight, then the sum over "
            "the slots (dim 1), not the mean."
        )
    return "Eq. 2 and 3, and padding weighs nothing."


@exercise
def dims(answer, kept_by_the_mean):
    """`answer` maps a number of interests to a dimension; `kept_by_the_mean(200, interests, dim)` measures it."""
    tried = [4, 8, 16, 32, 64, 128, 256]
    if not isinstance(answer, dict) or set(answer) != {2, 4, 8}:
        raise Wrong("Give a dictionary with an entry for 2, for 4 and for 8 interests: {2: ..., 4: ..., 8: ...}.")
    for own, dim in answer.items():
        if dim not in tried:
            raise Wrong(f"For {own} interests you give {dim!r}; choose one of {', '.join(map(str, tried))}.")
        kept = kept_by_the_mean(200, own, dim)
        if kept < 0.9:
            raise Wrong(f"With {own} interests, d = {dim} keeps {kept:.0%} of them: too few numbers. Go up.")
        half = kept_by_the_mean(200, own, dim // 2) if dim > tried[0] else 0.0
        if half >= 0.9:
            raise Wrong(
                f"With {own} interests, d = {dim} is enough, but d = {dim // 2} still keeps {half:.0%}. Go down."
            )
    return (
        f"{answer[2]}, {answer[4]}, {answer[8]}: twice the interests need twice the numbers. Several vectors are "
        "another way to spend them."
    )
