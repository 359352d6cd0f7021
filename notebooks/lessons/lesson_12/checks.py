"""The checks of lesson 12."""

import numpy as np

from lessons.common.checks import Wrong, choice, exercise, number, numbers
from lessons.lesson_12 import pictures


def _vector(row, features, warm):
    return np.asarray(row) * warm + (np.mean(features, axis=0) if len(features) else 0)


@exercise
def item_vector(answer):
    row, style, hobby = np.array([1.0, 0.0]), np.array([0.0, 2.0]), np.array([4.0, 0.0])

    def vector(row, features, warm):
        return numbers(answer(row.copy(), [one.copy() for one in features], warm), row.shape, "The vector")

    both = vector(row, [style, hobby], True)
    hints = [
        ([5, 2], "You added up the features' vectors. It is their mean: (2, 1) here."),
        ([5 / 3, 2 / 3], "You took the mean of row and features together. Only the features are averaged."),
        ([1.5, 0.5], "Row plus mean, not the mean of the two."),
        ([2, 1], "A product that was bought keeps its row: add it to the mean."),
        ([1, 0], "The features are missing: their mean comes on top of the row."),
    ]
    for value, hint in hints:
        if np.allclose(both, value):
            raise Wrong(hint)
    if not np.allclose(both, [3, 1]):
        raise Wrong(f"Row (1, 0), features (0, 2) and (4, 0), bought: (3, 1). You gave {both.tolist()}.")
    cold = vector(row, [style, hobby], False)
    if np.allclose(cold, [3, 1]):
        raise Wrong("Nobody bought this product, so its row is noise: leave it out.")
    if not np.allclose(cold, [2, 1]):
        raise Wrong(f"Not bought, with features (0, 2) and (4, 0): their mean, (2, 1). You gave {cold.tolist()}.")
    three = vector(row, [style, hobby, hobby], False)
    if not np.allclose(three, [8 / 3, 2 / 3]):
        raise Wrong(f"The mean of (0, 2), (4, 0), (4, 0) is (2.67, 0.67), not {three.round(2).tolist()}: divide by 3.")
    for warm, expected in ((True, [1, 0]), (False, [0, 0])):
        found = vector(row, [], warm)
        if not np.allclose(found, expected):
            bought = "bought" if warm else "not bought"
            raise Wrong(f"Without features, {bought}: {expected}, and you gave {found.tolist()}.")
    rng = np.random.default_rng(0)
    for _ in range(50):
        dim, count, warm = int(rng.integers(1, 6)), int(rng.integers(0, 5)), bool(rng.integers(2))
        row, features = rng.normal(size=dim), list(rng.normal(size=(count, dim)))
        expected, found = _vector(row, features, warm), vector(row, features, warm)
        if not np.allclose(found, expected):
            raise Wrong(
                f"For row {row.round(2).tolist()}, features {[one.round(2).tolist() for one in features]} and "
                f"warm={warm} it is {expected.round(2).tolist()}; you gave {found.round(2).tolist()}."
            )
    return "A cold product is what its features say, and nothing else."


@exercise
def dip(answer, curves):
    value, line = number(answer), curves["with features"]
    groups = {limit: line[limit] for limit in pictures.LIMITS}
    if value not in groups:
        raise Wrong(f"You gave {value:g}. Give the limit of one of the groups: {', '.join(map(str, groups))}.")
    lowest = min(groups, key=lambda limit: groups[limit])
    if groups[int(value)] <= groups[lowest] + 0.01:
        return "Fewer purchases would be better, and more would be too: the row is on, and still noise."
    if value == min(groups, key=lambda limit: curves["ids alone"][limit]):
        raise Wrong(f"At {value:g} the line of the ids is lowest. Read the one with features.")
    if value == max(groups, key=lambda limit: groups[limit]):
        raise Wrong(f"At {value:g} the line with features is highest. Where is it lowest?")
    raise Wrong(f"At {value:g} the recall with features is {groups[int(value)]:.2f}, and another group has less.")


@exercise
def verdicts(answer, intervals):
    allowed = ("helps", "hurts", "too few users to tell")
    if not isinstance(answer, dict) or set(answer) != set(intervals):
        raise Wrong(f"Give a dictionary with these keys: {', '.join(intervals)}.")
    for name, interval in intervals.items():
        if answer[name] is None or answer[name] is ...:
            raise Wrong(f"Not written yet: no word for {name!r}.")
        said, right = choice(answer[name], allowed, f"The word for {name!r}"), pictures.verdict(interval)
        middle, low, high = interval
        shown = f"{name}: {middle:+.3f} [{low:+.3f}, {high:+.3f}]"
        if said == right:
            continue
        if right == "too few users to tell":
            raise Wrong(f"{shown}. The interval holds 0, so the sign of {middle:+.3f} may be chance.")
        if said == "too few users to tell":
            raise Wrong(f"{shown}. The whole interval lies on one side of 0.")
        raise Wrong(f"{shown}. Look at the sign.")
    return "Undecided is not the same as no, and not the same as a little."
