"""The checks of lesson 04."""

import numpy as np
import torch

from lessons.common.checks import Wrong, choice, exercise, numbers, plain

NUM_RANDOM = 60
"""How many random users a function is compared with the reference on."""


def _shown(shares) -> str:
    return "[" + ", ".join(f"{share:.3g}" for share in shares) + "]"


def _shares(answer, values, mask, *more) -> np.ndarray:
    """What the student's function gives for one user."""
    found = answer(torch.tensor(values), torch.tensor(mask), *more)
    return numbers(found, (len(mask),), "Your answer, a share for each tower,")


# --- exercise 1 ---


def _best(score, mask) -> np.ndarray:
    share = np.zeros(len(score))
    share[int(np.argmax(np.where(mask, score, -np.inf)))] = sum(mask)
    return share


BEST = [
    ([0.6, 0.8, -0.6], [True, True, True], "Tower 2 has the highest score."),
    (
        [-0.9, 0.2, 0.1],
        [True, True, True],
        "A score far below 0 is a bad one: its sign counts, so no `abs` and no square.",
    ),
    ([0.5, 0.5, 0.1], [True, True, True], "Among equals, the first tower has it all."),
    (
        [0.6, 0.8, 0.9],
        [True, True, False],
        "A tower whose mask is False doesn't exist: it cannot answer, however high its score.",
    ),
    (
        [-0.6, -0.2, 0.0],
        [True, True, False],
        "All scores may be negative. A tower that doesn't exist must lose even then, so a score of 0 won't do for it.",
    ),
    (
        [-2e30, -1e30, 0.0],
        [True, True, False],
        "A score may be below any number you fill in, such as −10 or −1e9. Only −∞ is below all of them.",
    ),
    (
        [0.1, 0.2, 0.9],
        [False, True, True],
        "Did you pick among the towers that exist only? Its place there is not the tower's number: keep all places, "
        "and let the absent ones lose.",
    ),
]


@exercise
def all_to_best(answer):
    for score, mask, hint in BEST:
        found, expected = _shares(answer, score, mask), _best(score, mask)
        if np.array_equal(found, expected):
            continue
        towers = sum(mask)
        where = np.flatnonzero(found)
        alone = np.where(mask, score, np.inf)
        if len(where) > 1:
            hint = (
                "One tower has everything, among equals the first: `argmax` gives one place, `==` all that are equal."
            )
        elif len(where) == 0:
            hint = "Nobody answers."
        elif list(where) == list(np.flatnonzero(expected)):
            hint = (
                f"The right tower, but it has {found.max():g}: a user's shares sum to the number of towers that exist, "
                f"here {towers}."
            )
        elif mask[where[0]] and where[0] == int(np.argmin(alone)) and min(score) > -1 and "abs" not in hint:
            hint = "You gave it to the lowest score. The best score is the highest: the similarity, or minus the loss."
        raise Wrong(
            f"For the scores {score} and the mask {mask} it should be {_shown(expected)}, not {_shown(found)}. {hint}"
        )
    draw = np.random.default_rng(0)
    for _ in range(NUM_RANDOM):
        size = int(draw.integers(1, 7))
        score = (draw.integers(-3, 3, size=size) / 2 - draw.choice([0, 10])).tolist()  # small numbers, so many ties
        mask = (draw.random(size) < 0.7).tolist()
        mask[int(draw.integers(size))] = True
        found, expected = _shares(answer, score, mask), _best(score, mask)
        if not np.array_equal(found, expected):
            raise Wrong(
                f"Right for the easy cases. For the scores {score} and the mask {mask} it should be "
                f"{_shown(expected)}, not {_shown(found)}."
            )
    return "One tower answers, and only among those that exist."


# --- exercise 2 ---


def _soft(similarity, mask, alpha, *, floor=0.05) -> np.ndarray:
    weight = np.maximum(1 - np.asarray(similarity, dtype=float), floor) ** -float(alpha) * np.asarray(mask)
    return weight / weight.sum() * sum(mask)


def _slips(similarity, mask, alpha) -> dict[str, np.ndarray]:
    """What the usual mistakes give."""
    cosine, here, towers = np.asarray(similarity, dtype=float), np.asarray(mask), sum(mask)

    def scaled(weight):
        return weight * here / (weight * here).sum() * towers

    with np.errstate(all="ignore"):
        distance = np.maximum(1 - cosine, 1e-12)
        return {
            "The floor belongs on the distance, before the power: max(D, 0.05), and then 1/D^α.": scaled(
                1 / np.maximum(distance**alpha, 0.05)
            ),
            "The farthest tower answers for the most. The weight is 1 over the distance: check the sign of α.": scaled(
                np.maximum(1 - cosine, 0.05) ** alpha
            ),
            "You used the similarity in place of the distance, which is 1 minus the similarity.": scaled(
                np.maximum(cosine, 0.05) ** -alpha
            ),
            "You used the similarity itself as the weight's base; the weight is 1/D^α, with D = 1 − S.": scaled(
                np.abs(cosine) ** alpha
            ),
            "The sign of a similarity counts: a tower that points away is at a distance above 1, so no `abs`.": scaled(
                np.maximum(1 - np.abs(cosine), 0.05) ** -alpha
            ),
            "The floor belongs on the distance, not on the similarity.": scaled(
                np.maximum(1 - np.maximum(cosine, 0.05), 1e-12) ** -alpha
            ),
            "The floor is the least distance that counts; it is not added to the others.": scaled(
                (1 - cosine + 0.05) ** -alpha
            ),
        }


SOFT = [
    ([0.6, 0.8, -0.6], [True, True, True], 1.0, "The weights are as 4 : 8 : 1."),
    ([0.6, 0.8, -0.6], [True, True, True], 0.0, "At α = 0 all towers count alike, 1 each."),
    ([0.6, 0.8, -0.6], [True, True, True], 2.0, "The weights are as 16 : 64 : 1."),
    ([0.5, 0.75, 0.9], [True, True, False], 1.0, "An absent tower gets 0, and takes nothing from the others."),
    ([0.9, 1.0, 0.5], [True, True, True], 1.0, "At D = 0 use the floor: D = 0.05."),
    ([0.9, 1.0, 0.5], [True, True, True], 3.0, "At D = 0 use the floor: D = 0.05, so a weight of 0.05^−3 = 8000."),
]


@exercise
def by_distance(answer):
    for similarity, mask, alpha, hint in SOFT:
        found, expected = _shares(answer, similarity, mask, alpha), _soft(similarity, mask, alpha)
        if np.allclose(found, expected, rtol=1e-3, atol=1e-4):
            continue
        total, present = found.sum(), sum(mask)
        slips = [
            words for words, value in _slips(similarity, mask, alpha).items() if np.allclose(found, value, atol=1e-3)
        ]
        if not np.isfinite(found).all():
            hint = "Not finite: a similarity of 1 is a distance of 0, and 1/0 has no end. Set a floor of 0.05 on it."
        elif any(share != 0 for share, exists in zip(found, mask, strict=True) if not exists):
            hint = "The third tower doesn't exist: its share is 0. Multiply by the mask before you take the sum."
        elif abs(total - 1) < 1e-4 and present > 1:
            hint = f"They sum to 1; scale them to sum to the number of towers that exist, here {present}."
        elif abs(total - len(mask)) < 1e-4 and present < len(mask):
            hint = f"They sum to {total:.3g}; only {present} towers exist. Count the mask, not the length."
        elif abs(total - present) > 1e-3 and not slips:
            hint = (
                f"They sum to {total:.3g}. Divide the weights by their sum over the towers that exist, times {present}."
            )
        elif slips:
            hint = slips[0]
        raise Wrong(
            f"For similarities {similarity}, mask {mask} and α = {alpha:g} it should be {_shown(expected)}, "
            f"not {_shown(found)}. {hint}"
        )
    draw = np.random.default_rng(0)
    for _ in range(NUM_RANDOM):
        size = int(draw.integers(1, 7))
        similarity = np.clip(draw.uniform(-1.0, 1.1, size=size), -1, 1).round(3).tolist()  # some reach the target
        mask = (draw.random(size) < 0.7).tolist()
        mask[int(draw.integers(size))] = True
        alpha = float(draw.choice([0.0, 0.5, 1.0, 2.0, 4.0]))
        found, expected = _shares(answer, similarity, mask, alpha), _soft(similarity, mask, alpha)
        if not np.allclose(found, expected, rtol=2e-3, atol=1e-3):
            raise Wrong(
                f"Right for the easy cases. For similarities {similarity}, mask {mask} and α = {alpha:g} it should be "
                f"{_shown(expected)}, not {_shown(found)}."
            )
    return "The nearer a tower, the more it answers; α says how much more."


# --- exercises 3 and 4: read off what was trained ---


@exercise
def verdicts(answer, intervals):
    """`intervals` maps two models' names to the difference of their recall, and the ends of its interval."""
    words = ("better", "worse", "undecided")
    if isinstance(answer, dict):
        answer = list(answer.values())
    if not isinstance(answer, list | tuple | np.ndarray) or len(answer) != len(intervals):
        raise Wrong(f"Give a list of {len(intervals)} words, one for each line that the cell printed.")
    for word, ((ours, theirs), (difference, low, high)) in zip(plain(answer), intervals.items(), strict=True):
        given = choice(word, words, f"Your verdict on {ours} against {theirs}")
        line = (
            f"{ours} less {theirs}: you wrote {given!r}. {difference:+.3f} has the interval [{low:+.3f}, {high:+.3f}]"
        )
        right = "better" if low > 0 else "worse" if high < 0 else "undecided"
        if given == right:
            continue
        if right == "undecided":
            raise Wrong(
                f"{line}, which contains 0: with other users of the same kind it could have the other sign. A "
                "difference that is not shown is not a small one, and no gain."
            )
        if given == "undecided":
            raise Wrong(f"{line}, and 0 lies outside of it: these users do decide.")
        raise Wrong(f"{line}. It is the first model's recall less the second's: check the sign.")
    return "An interval that contains 0 decides nothing, however plausible the story."


@exercise
def only_the_mixture(answer, ranks):
    """`ranks` maps a user and an item to the item's rank in the mixture, in the best tower, and served."""
    there = [place for place, (mixed, best, _) in ranks.items() if mixed <= 50 < best]
    if isinstance(answer, str):
        if answer.strip().casefold() != "none":
            raise Wrong("Give two numbers, (user, item), as the panel's controls show them.")
        if there:
            raise Wrong(f"There is such a place: {len(there)} of the {len(ranks)}. Go on looking.")
        return "In this run there is none among those shown."
    place = plain(answer)
    if not isinstance(place, list) or len(place) != 2:
        raise Wrong("Give two numbers, (user, item), as the panel's controls show them.")
    user, item = (int(part) if float(part).is_integer() else part for part in place)
    if (user, item) not in ranks:
        users, items = max(u for u, _ in ranks), max(i for _, i in ranks)
        swapped = " Is the user first?" if (item, user) in ranks else ""
        raise Wrong(f"The panel has users 1 to {users} and items 1 to {items}; not ({user}, {item}).{swapped}")
    mixed, best, served = ranks[user, item]
    what = f"User {user}, item {item}: the mixture has it at rank {mixed}, the best tower at rank {best}"
    if mixed > 50 and best > 50:
        raise Wrong(f"{what}. Nobody finds it, not even with the label.")
    if mixed > 50:
        raise Wrong(f"{what}. A tower finds it, and the mixture doesn't: you want the reverse.")
    if best <= 50:
        lost = " (It is lost in the merge, which is the price of merging.)" if served > 50 else ""
        raise Wrong(f"{what}. A tower finds it as well, so a vector that serving has would do.{lost}")
    return f"Rank {mixed} in the mixture, {best} in the best tower: only a vector that serving never has finds it."
