"""The checks of lesson 11."""

import numpy as np
import torch

from lessons.common.checks import Wrong, choice, exercise, number, numbers, plain

NUM_RANDOM = 50
"""How many random inputs a function is compared with the reference on."""


@exercise
def rounds(answer, sure):
    """`sure` holds, after each round, the largest coupling of the item that is least sure."""
    given = number(answer, "The number of rounds")
    needed = int(np.argmax(np.asarray(sure) >= 0.95)) + 1
    if given != int(given) or not 1 <= given <= len(sure):
        raise Wrong(f"Give a number of rounds from 1 to {len(sure)}; yours is {given:g}.")
    now = sure[int(given) - 1]
    if given < needed:
        more = " That is what MIND stops at." if given == 3 else ""
        raise Wrong(f"After {given:g} rounds the least sure item gives {now:.1%} to one capsule, not 95%.{more}")
    if given > needed:
        raise Wrong(
            f"After {given:g} rounds it is {now:.1%}, but 95% were reached before. Go back: which round is the first?"
        )
    return f"{needed} rounds, where vectors of length 4 need fewer: agreement is an inner product, so length decides."


# --- exercise 2 ---


def _weights(similarity, hardness) -> np.ndarray:
    logits = hardness * np.asarray(similarity, dtype=float)
    weights = np.exp(logits - logits.max())
    return weights / weights.mean()


@exercise
def hard_weights(answer):
    def given(similarity, hardness):
        return numbers(answer(np.array(similarity), hardness), (len(similarity),), "Your answer, a weight a negative,")

    similarity = np.array([0.0, np.log(2.0), np.log(5.0)])
    found, right = given(similarity, 1.0), np.array([0.375, 0.75, 1.875])

    def is_near(wrong):
        return np.allclose(found, wrong, atol=1e-6)

    if is_near(right / 3):
        raise Wrong("Your weights sum to 1, so all negatives together would count as one. They should average 1.")
    if is_near([1.0, 2.0, 5.0]):
        raise Wrong(
            "Divide by the mean over the negatives; otherwise harder negatives also make the loss as a whole larger."
        )
    if is_near(_weights(similarity, -1.0)):
        raise Wrong("Your easiest negative counts most. The sign of h · s is turned round.")
    if is_near(np.array([1.0, 2.0, 5.0]) / 5):
        raise Wrong("You divide by the largest. Divide by the mean.")
    if is_near(1 + similarity - similarity.mean()) or is_near(similarity / similarity.mean()):
        raise Wrong("The weights grow with exp(h · s), not with s itself.")
    if not is_near(right):
        raise Wrong(
            f"For s = [0, ln 2, ln 5] and h = 1 they should be {right.tolist()}, not {found.round(3).tolist()}."
        )
    found = given(similarity, 0.0)
    if not np.allclose(found, 1.0):
        raise Wrong(f"With h = 0 all negatives should count 1, not {found.round(3).tolist()}.")
    found = given(similarity, 2.0)
    if not np.allclose(found, [0.1, 0.4, 2.5], atol=1e-6):
        raise Wrong(
            f"With h = 2 they should be [0.1, 0.4, 2.5], not {found.round(3).tolist()}: h multiplies s inside exp."
        )
    negative = np.array([-1.0, -3.0])
    found = given(negative, 1.0)
    if not np.allclose(found, _weights(negative, 1.0), atol=1e-6):
        raise Wrong(
            f"Similarities may be negative: for s = {negative.tolist()} and h = 1 the weights should be "
            f"{_weights(negative, 1.0).round(3).tolist()}, not {found.round(3).tolist()}. No `abs`, no cut at 0."
        )
    for large in ([0.0, 2000.0], [-2000.0, -3000.0]):
        with np.errstate(all="ignore"):
            values = np.asarray(plain(answer(np.array(large), 1.0)), dtype=float)
        if values.shape != (2,) or not np.allclose(values, _weights(large, 1.0)):
            what = "overflows" if large[1] > 0 else "is 0, and 0 / 0 is no number"
            raise Wrong(
                f"For s = {large} exp(s) {what}: subtract the largest h · s before exp, which changes nothing else."
            )
    draw = np.random.default_rng(0)
    for _ in range(NUM_RANDOM):
        size, hardness = int(draw.integers(1, 8)), float(draw.choice([0.0, 0.5, 1.0, 3.0]))
        drawn = draw.normal(scale=3, size=size).round(2)
        found = given(drawn, hardness)
        if not np.allclose(found, _weights(drawn, hardness), rtol=1e-4, atol=1e-8):
            raise Wrong(
                f"Right for the easy cases. For s = {drawn.tolist()} and h = {hardness:g} they should be "
                f"{_weights(drawn, hardness).round(3).tolist()}, not {found.round(3).tolist()}."
            )
    return "Harder negatives count more, and all together count as many as before."


# --- exercise 3 ---


def _seen(mask) -> np.ndarray:
    there = np.asarray(mask, dtype=bool)
    return np.tril(there[None] | np.eye(len(there), dtype=bool))


def _places(mask) -> str:
    return "[" + ", ".join("item" if there else "padding" for there in mask) + "]"


@exercise
def may_see(answer):
    def given(mask):
        found = plain(answer(torch.tensor(mask)))
        values = numbers(found, (len(mask), len(mask)), "Your answer, [who looks, looks at],")
        if not np.isin(values, (0, 1)).all():
            raise Wrong("Give True and False: where may a place look? The −∞ comes when scores are masked.")
        return values.astype(bool)

    items, padded = [True, True, True], [False, True, True, True]
    found, right = given(items), _seen(items)
    if not np.array_equal(found, right):
        hints = {
            "The future is seen: the row is who looks, so keep what is on and below the diagonal.": right.T,
            "A place may look at itself too: the diagonal counts.": np.tril(right, -1),
            "A place sees the future: an item later than itself. Keep what is on and below the diagonal.": right | True,
            "A place sees only itself; what came before counts too.": np.eye(3, dtype=bool),
        }
        hint = next((words for words, wrong in hints.items() if np.array_equal(found, wrong)), "")
        raise Wrong(
            f"For three items it should be {right.astype(int).tolist()}, not {found.astype(int).tolist()}. {hint}"
        )
    found, right = given(padded), _seen(padded)
    if not np.array_equal(found, right):
        hint = ""
        if not found.any(axis=1).all():
            hint = "Place 1, padding, sees nothing: the softmax of nothing is not a number. Let it see itself."
        elif found[1:, 0].any():
            hint = "Items look at padding, which holds nothing. Only padding itself may."
        elif found[0, 1:].any():
            hint = "Padding at place 1 looks at what comes later."
        raise Wrong(
            f"For {_places(padded)} it should be {right.astype(int).tolist()}, not {found.astype(int).tolist()}. {hint}"
        )
    draw = np.random.default_rng(0)
    for _ in range(NUM_RANDOM):
        mask = (draw.random(int(draw.integers(1, 7))) < 0.6).tolist()
        found, right = given(mask), _seen(mask)
        if not np.array_equal(found, right):
            raise Wrong(
                f"Right for the easy cases. For {_places(mask)} it should be {right.astype(int).tolist()}, not "
                f"{found.astype(int).tolist()}."
            )
    return "Nobody looks ahead, nobody but padding looks at padding, and no row is empty."


# --- exercise 4 ---


@exercise
def aligned(answer, intervals):
    """`intervals` maps a rival and a rule to the difference of the gaps, and the ends of its interval."""
    words = ("smaller", "larger", "undecided")
    if isinstance(answer, dict):
        answer = list(answer.values())
    if not isinstance(answer, list | tuple | np.ndarray) or len(answer) != len(intervals):
        raise Wrong(f"Give a list of {len(intervals)} words, one for each line that the cell printed.")
    for word, ((rival, way), (difference, low, high)) in zip(plain(answer), intervals.items(), strict=True):
        given = choice(word, words, f"Your word on {rival}, by {way},")
        right = "smaller" if high < 0 else "larger" if low > 0 else "undecided"
        if given == right:
            continue
        line = f"{rival}, by {way}: you wrote {given!r}. {difference:+.3f} has the interval [{low:+.3f}, {high:+.3f}]"
        if right == "undecided":
            raise Wrong(f"{line}, which contains 0: these users do not decide it.")
        if given == "undecided":
            raise Wrong(f"{line}, and 0 lies outside of it.")
        raise Wrong(f"{line}. It is MTMI's gap less the rival's: below 0, MTMI's is the smaller one.")
    return "Before you call a model better aligned, name the rule and show the interval."
