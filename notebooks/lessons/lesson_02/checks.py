"""The checks of lesson 02."""

import numpy as np
import torch

from lessons.common.checks import Wrong, choice, exercise, number, numbers

CASES = 50
"""How many random inputs a function is tried on."""


def _near(found, expected) -> bool:
    found, expected = np.asarray(found), np.asarray(expected)
    return found.shape == expected.shape and np.allclose(found, expected, atol=1e-5)


def _rounded(values) -> str:
    return str(np.asarray(values, dtype=float).round(3).tolist())


@exercise
def masked_mean(answer):
    def mean_of(embedded, mask):
        found = answer(embedded.clone(), mask.clone())
        return numbers(found, embedded.shape[1:], f"From {list(embedded.shape)} to one vector: the mean over the slots")

    embedded = torch.tensor([[8.0, -4.0], [1.0, 2.0], [3.0, 6.0], [2.0, 1.0]])
    found = mean_of(embedded, torch.tensor([False, True, True, True]))
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
    if not _near(found, [2, 3]):
        reason = next((hint for hint, wrong in hints.items() if _near(found, wrong)), "add the three rows, divide by 3")
        raise Wrong(f"The rows (1, 2), (3, 6), (2, 1) have the mean (2, 3), not {found.tolist()}: {reason}.")
    generator = torch.Generator().manual_seed(0)
    for _ in range(CASES):
        steps, dim = int(torch.randint(1, 6, (1,), generator=generator)), 2
        embedded = torch.randn(steps, dim, generator=generator)
        mask = torch.rand(steps, generator=generator) < 0.6
        mask[torch.randint(steps, (1,), generator=generator)] = True
        found, expected = mean_of(embedded, mask), embedded[mask].mean(dim=0)
        if not _near(found, expected):
            raise Wrong(
                f"It must work for any mask, and any length: for the rows {_rounded(embedded)} and the mask "
                f"{mask.tolist()} the mean is {_rounded(expected)}, and yours is {_rounded(found)}."
            )
    return "Only what was bought votes."


def _fused(embedded, mask, projection, bias):
    weights = (embedded.flatten(1) @ projection + bias).masked_fill(~mask, -torch.inf).softmax(dim=1)
    return weights, (weights[:, :, None] * embedded).sum(dim=1)


@exercise
def fuse(answer):
    def ask(embedded, mask, projection, bias):
        found = answer(*(value.clone() for value in (embedded, mask, projection, bias)))
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise Wrong("Return two tensors: the weights [batch, step] and the vectors [batch, dim].")
        shapes = [tuple(mask.shape), (len(mask), embedded.shape[2])]
        if [np.shape(value) for value in found] == shapes[::-1] != shapes:
            raise Wrong(
                "You return the vectors first. Return the weights [batch, step], then the vectors [batch, dim]."
            )
        of = f"For {mask.shape[0]} histories of {mask.shape[1]} slots and {embedded.shape[2]} numbers"
        return numbers(found[0], shapes[0], f"{of}, the weights"), numbers(found[1], shapes[1], f"{of}, the vectors")

    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([[False, True, True], [True, True, True]])
    embedded = torch.randn(2, 3, 2, generator=generator) * mask[:, :, None]  # a padded slot reads the row of zeros
    projection, bias = torch.randn(6, 3, generator=generator), torch.tensor([0.5, -1.0, 0.25])
    _judge_weights(ask(embedded, mask, projection, bias), embedded, mask, projection, bias)

    # scores below any finite number that one would fill with: then only −∞ still hides a slot
    low, _ = ask(embedded, mask, projection, torch.full((3,), -1e37))
    if low[0, 0] > 0:
        raise Wrong(
            "You fill padded slots with a number that is only usually the smallest. For scores of −1e37 your padded "
            f"slot gets the weight {low[0, 0]:.3g}. Nothing is below −∞: fill with -torch.inf."
        )
    for _ in range(CASES):
        batch, steps, dim = torch.randint(1, 5, (3,), generator=generator).tolist()
        embedded = torch.randn(batch, steps, dim, generator=generator)
        mask = torch.rand(batch, steps, generator=generator) < 0.6
        mask[:, -1] = True
        projection, bias = torch.randn(steps * dim, steps, generator=generator), torch.randn(steps, generator=generator)
        weights, vectors = ask(embedded, mask, projection, bias)
        # what a padded slot holds may be read for the scores, or not: in the model it is 0
        cleared = embedded * mask[:, :, None]
        if not any(
            _near(weights, fused[0]) and _near(vectors, fused[1])
            for fused in (_fused(rows, mask, projection, bias) for rows in (embedded, cleared))
        ):
            raise Wrong(
                f"It must work for any sizes, any mask, and whatever a padded slot holds. For a batch of {batch}, "
                f"{steps} slots, {dim} numbers and the mask {mask.int().tolist()} yours differs: weights "
                f"{_rounded(weights)}, where {_rounded(_fused(cleared, mask, projection, bias)[0])} is right."
            )
    return "Eq. 2 and 3, and padding weighs nothing."


def _judge_weights(found, embedded, mask, projection, bias):
    """Name the slip in the weights and vectors of a first example, if there is one."""
    weights, vectors = found
    scores = embedded.flatten(1) @ projection + bias
    expected, right = _fused(embedded, mask, projection, bias)

    def soft(scores):
        return scores.masked_fill(~mask, -torch.inf).softmax(dim=1)

    if _near(weights[0], [1, 0, 0]):
        raise Wrong(
            "Only the padded slot has any weight. True in the mask means a real product: hide the others, ~mask."
        )
    if np.isnan(weights).any():
        raise Wrong("There is a NaN among the weights: −∞ times 0 is not a number. Fill with −∞ before the softmax.")
    if _near(weights, scores.softmax(dim=0)) or _near(weights, scores.masked_fill(~mask, -torch.inf).softmax(dim=0)):
        raise Wrong("Your softmax compares customers with one another. A history's own slots share its 1: take dim=1.")
    if weights[0, 0] != 0:
        hint = "A score of 0 or −10 still leaves something: only −∞ becomes exactly 0 in a softmax."
        raise Wrong(f"The padded slot of the first history has the weight {weights[0, 0]:.3g}; it must be 0. {hint}")
    if _near(weights, scores.softmax(dim=1) * mask):
        raise Wrong(
            f"The weights of the first history sum to {weights[0].sum():.3f}. The mask comes after the softmax, when "
            "the padding has already taken its part: mask first."
        )
    if _near(weights, scores.sigmoid() * mask):
        raise Wrong(
            "That is a sigmoid: each slot is judged alone, and the weights need not sum to 1. Eq. 2 has a softmax."
        )
    if not _near(weights.sum(axis=1), [1, 1]):
        raise Wrong(f"The weights of a history must sum to 1; yours sum to {_rounded(weights.sum(axis=1))}.")
    if not _near(weights, expected):
        moved = torch.cat([embedded[:1].roll(-1, dims=1), embedded[1:]])  # the first history, from slot 0 on
        moved_scores = moved.flatten(1) @ projection + bias
        back = torch.cat([moved_scores[:1].roll(1, dims=1), moved_scores[1:]])
        hints = {
            "The bias is missing: each slot has its own, added to its score.": soft(scores - bias),
            "Lay the history end to end product by product, e₁ ‖ e₂ ‖ e₃: flatten(1), without transposing.": soft(
                embedded.transpose(1, 2).flatten(1) @ projection + bias
            ),
            "Those weights are all alike: that is the mean. The scores of Eq. 2 should decide.": (
                mask / mask.sum(dim=1, keepdim=True)
            ),
            "You drop the padding before you lay the history end to end, and the purchases move up. A slot's place "
            "matters: keep all slots, and mask the scores.": soft(back),
            "All the weight is on the highest score: that is a maximum. Eq. 2 has a softmax.": (
                torch.nn.functional.one_hot(scores.masked_fill(~mask, -torch.inf).argmax(dim=1), 3)
            ),
        }
        reason = next((hint for hint, wrong in hints.items() if _near(weights, wrong)), "The scores are off.")
        row = next(row for row in (1, 0) if not _near(weights[row], expected[row]))
        which = "second" if row else "first"
        raise Wrong(
            f"{reason} Of the {which} history the weights should be {_rounded(expected[row])}; yours are "
            f"{_rounded(weights[row])}."
        )
    if not _near(vectors, right):
        saw = {
            "the mean over the slots": (expected[:, :, None] * embedded).mean(dim=1),
            "the sum without the weights": embedded.sum(dim=1),
            "the mean without the weights": embedded.sum(dim=1) / mask.sum(dim=1, keepdim=True),
        }
        reason = next((f"That is {name}. " for name, wrong in saw.items() if _near(vectors, wrong)), "")
        raise Wrong(
            f"The weights are right, the vectors are not. {reason}Eq. 3: each row of the history times its weight, "
            "then the sum over the slots (dim 1), not the mean."
        )


@exercise
def dims(answer, kept_by_the_mean):
    """`answer` maps a number of interests to a dimension; `kept_by_the_mean(200, interests, dim)` measures it."""
    tried = [4, 8, 16, 32, 64, 128, 256]
    for own, dim in _by_key(answer, (2, 4, 8), "number of interests").items():
        dim = choice(number(dim, f"Your d for {own} interests"), tried, f"Your d for {own} interests")
        kept = kept_by_the_mean(200, own, dim)
        if kept < 0.9:
            raise Wrong(
                f"With {own} interests you give d = {dim}; it keeps {kept:.0%} of them: too few numbers. Go up."
            )
        half = kept_by_the_mean(200, own, dim // 2) if dim > tried[0] else 0.0
        if half >= 0.9:
            raise Wrong(
                f"With {own} interests you give d = {dim}; it is enough, but d = {dim // 2} still keeps {half:.0%}. "
                "The smallest is asked for: go down."
            )
    return "32, 64, 128: twice the interests need twice the numbers. Several vectors are another way to spend them."


@exercise
def apart(answer, one_vector):
    """`answer` maps the length of a list to degrees, or None; `one_vector(…)` is what the panel draws."""
    tried = list(range(10, 181, 10))

    def served(degrees, length):
        place = one_vector(num_interests=2, apart=degrees, first=1, length=length, best_for="training")
        return float(place.served[place.best])

    for length, given in _by_key(answer, (5, 10, 20), "length of a list").items():
        first = next((degrees for degrees in tried if served(degrees, length) == 0), None)
        what = f"Your answer for a list of {length}"
        if given is None or (isinstance(given, str) and given.strip().casefold() in ("none", "never")):
            if first is not None:
                raise Wrong(
                    f"{what} is None, but there is an angle at which none of the purchases is in the list. Is the "
                    "switch at *training*, with 2 interests bought equally? Move *degrees apart* all the way up."
                )
            continue
        degrees = choice(number(given, what), tried, what)
        if served(degrees, length) > 0:
            raise Wrong(
                f"{what} is {degrees}: there the vector still serves {served(degrees, length):.0%}, says the panel's "
                f"title. Is the list length {length}, and does it ever come to 0% for this one?"
            )
        if degrees != first:
            raise Wrong(f"{what} is {degrees}: it serves 0% there, but already at fewer degrees. Go down.")
    return (
        "The longer the list, the longer a vector between two interests still serves them; a short one shows it first."
    )


def _by_key(answer, keys, what):
    """The answer as a dictionary with these keys; values alone are taken in their order."""
    if isinstance(answer, list | tuple) and len(answer) == len(keys):
        answer = (
            dict(answer) if all(np.shape(pair) == (2,) for pair in answer) else dict(zip(keys, answer, strict=True))
        )
    if not isinstance(answer, dict):
        raise Wrong(f"Give a dictionary with an entry for each {what}: {{{', '.join(f'{key}: …' for key in keys)}}}.")
    found = {int(key) if str(key).strip().isdigit() else key: value for key, value in answer.items()}
    if set(found) != set(keys):
        raise Wrong(f"Give an entry for each {what}, {', '.join(map(str, keys))}; yours has {list(answer)}.")
    if missing := [key for key in keys if found[key] is ...]:
        raise Wrong(f"Not written yet: the entry for {missing[0]} is still `...`.")
    return {key: found[key] for key in keys}
