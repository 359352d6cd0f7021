"""The checks of lesson 00."""

import random
from collections.abc import Iterator

import numpy as np

from lessons.common.checks import Wrong, exercise, number, plain

CLOSE = 0.01
"""A purchase whose absence turns a vector within this cosine of the one that turns it most is as good an answer."""
COPIES, DIFFER, SAME = 0.95, 0.6, 0.005
"""Towers count as copies from this mean cosine on, as different up to this one; recalls are the same within this."""


@exercise
def purchases(answer, cosines):
    """`answer` maps towers to purchases, both from 1; `cosines` [tower, purchase] is each vector with its old self."""
    num_towers, num_steps = cosines.shape
    answer = _by_tower(answer, num_towers)
    if not all(1 <= purchase <= num_steps for purchase in answer.values()):
        raise Wrong(f"Purchases are numbered from 1, the oldest, to {num_steps}, the newest; you gave {answer}.")
    wrong = {tower: purchase for tower, purchase in answer.items() if not _turns_most(cosines[tower - 1], purchase)}
    if wrong and all(map(_turns_most, cosines, [purchase + 1 for purchase in answer.values()])):
        raise Wrong(f"You count purchases from 0; the panel counts from 1, the oldest, to {num_steps}, the newest.")
    if wrong and all(map(_turns_most, cosines, [num_steps + 1 - purchase for purchase in answer.values()])):
        raise Wrong(f"You count back from the newest; in the panel 1 is the oldest and {num_steps} the newest.")
    for tower, purchase in wrong.items():
        own = cosines[tower - 1]
        now = f"Without purchase {purchase}, tower {tower}'s vector has a cosine of {own[purchase - 1]:.2f} with before"
        if purchase == own.argmax() + 1 or own[purchase - 1] > 0.99:
            raise Wrong(f"{now}: it hardly moves. The farther it turns, the lower the cosine: look for the lowest.")
        raise Wrong(
            f"{now}, and another purchase turns it farther. Try the purchases that its column looks at most, one at a "
            "time, with all others on, and read the bars."
        )
    return f"Each vector rests on its own purchases: {', '.join(f'tower {t} on {p}' for t, p in answer.items())}."


def _turns_most(own, purchase: int) -> bool:
    return 1 <= purchase <= len(own) and bool(own[purchase - 1] <= own.min() + CLOSE)


def _by_tower(answer, num_towers: int) -> dict[int, int]:
    form = f"Give a dictionary from each tower, 1 to {num_towers}, to the number of a purchase, such as {{1: 12, …}}"
    if isinstance(answer, list | tuple | np.ndarray):
        answer = dict(enumerate(plain(answer), start=1))
    if not isinstance(answer, dict):
        raise Wrong(f"{form}; yours is {answer!r}.")
    found = {}
    for tower, purchase in answer.items():
        place, value = number(tower, "A tower"), number(purchase, f"The purchase of tower {tower}")
        if place % 1 or value % 1:
            raise Wrong(f"{form}, all whole numbers; yours is {answer}.")
        found[int(place)] = int(value)
    if set(found) == set(range(num_towers)):
        raise Wrong(f"You count towers from 0; the panel counts them from 1. {form}.")
    if set(found) != set(range(1, num_towers + 1)):
        raise Wrong(f"{form}; yours has the towers {sorted(found)}.")
    return dict(sorted(found.items()))


# ---- merging


def reference_merge(lists):
    """Best similarity first, each product once, with the tower that had it."""
    best = {}
    for tower, one_list in enumerate(lists):
        for product, similarity in one_list:
            if product not in best or similarity > best[product][0]:
                best[product] = (similarity, tower)
    merged = [(product, similarity, tower) for product, (similarity, tower) in best.items()]
    return sorted(merged, key=lambda entry: -entry[1])


def merge_cases(num: int = 50) -> Iterator[list]:
    """Lists to merge: some by hand, then random ones, in which products, similarities and signs often coincide."""
    yield [[("jug", 0.75), ("mug", 0.5), ("fan", 0.25)], [("hat", 1.0), ("mug", 0.875), ("bag", 0.125)]]
    yield [[("mug", 0.25)], [("mug", 0.75), ("jug", 0.5)], [("mug", 0.5)]]
    yield [[("mug", 0.5)], [], [("mug", 0.5)]]
    yield [[("mug", 0.5), ("fan", -0.25)], [("fan", -0.5)]]
    generator = random.Random(0)
    for _ in range(num):
        lists = []
        for _ in range(generator.randint(1, 4)):
            products = generator.sample(["bag", "fan", "hat", "jug", "mug", "pan", "pot"], generator.randint(0, 6))
            lists.append(sorted(((p, generator.randint(-4, 8) / 8) for p in products), key=lambda pair: -pair[1]))
        yield lists


@exercise
def merge_lists(answer):
    for lists in merge_cases():
        found = _entries(answer([list(one) for one in lists]), lists)
        _same_products([product for product, _, _ in found], lists)
        for product, similarity, _ in found:
            _right_similarity(product, similarity, lists)
        similarities = [similarity for _, similarity, _ in found]
        if similarities != sorted(similarities, reverse=True):
            raise Wrong(
                f"The list should start with the most similar product and go down, whichever tower found it; your "
                f"similarities are {similarities}."
            )
        _right_towers(found, lists)
    return "Best first, each product once, and you can say who brought it."


def _entries(merged, lists) -> list[tuple]:
    form = "Give a list of (product, similarity, tower)"
    if not isinstance(merged, list | tuple | np.ndarray):
        raise Wrong(f"{form}; yours is of type {type(merged).__name__}: {merged!r}.")
    found = [plain(entry) for entry in merged]
    if strange := [entry for entry in found if not isinstance(entry, list) or len(entry) != 3]:
        raise Wrong(f"{form}; one of yours is {strange[0]!r}.")
    products = {product for one in lists for product, _ in one}
    pairs = {(product, similarity) for one in lists for product, similarity in one}
    as_asked, swapped = (
        [isinstance(entry[0], str) and (entry[0], entry[place]) in pairs for entry in found] for place in (1, 2)
    )
    if all(swapped) and not all(as_asked):
        raise Wrong("You give (product, tower, similarity); the order asked for is (product, similarity, tower).")
    if strange := [entry for entry in found if not isinstance(entry[0], str) or entry[0] not in products]:
        raise Wrong(f"The first entry of each is the product, as it stands in the lists; yours is {strange[0]!r}.")
    return [
        (product, number(similarity, "A similarity"), number(tower, "A tower")) for product, similarity, tower in found
    ]


def _same_products(found: list, lists) -> None:
    if twice := [product for product in found if found.count(product) > 1]:
        raise Wrong(f"{twice[0]!r} stands twice in your list. Two towers may find the same product; show it once.")
    wanted = {product for one in lists for product, _ in one}
    if missing := sorted(wanted - set(found)):
        below = all(similarity < 0 for one in lists for product, similarity in one if product in missing)
        reason = " Its similarity is negative; the best one so far must not start at 0." if below else ""
        raise Wrong(
            f"The merged list should hold each product of all the lists; for {lists}, {missing[0]!r} is missing."
            f"{reason}"
        )


def _right_similarity(product, similarity: float, lists) -> None:
    seen = [value for one in lists for name, value in one if name == product]
    if similarity == max(seen):
        return
    told = f"{product!r} has the similarities {seen}, and you give {similarity:g}"
    if max(seen) < 0 <= similarity:
        raise Wrong(f"{told}. The best of them is negative: the best one so far must not start at 0.")
    if similarity == seen[0]:
        smallest = " and the smallest" if similarity == min(seen) else ""
        raise Wrong(
            f"{told}, the first one seen{smallest}. When a product comes again, compare before you throw it away."
        )
    if similarity == seen[-1]:
        raise Wrong(f"{told}, the last one seen. When a product comes again, keep the larger of the two.")
    if similarity == sum(seen):
        raise Wrong(f"{told}, their sum. A product is as near as the nearest vector: keep the largest.")
    raise Wrong(f"{told}. A product is as near as the nearest vector: keep the largest.")


def _right_towers(found: list[tuple], lists) -> None:
    right = {product: tower for product, _, tower in reference_merge(lists)}
    wrong = [(product, s, tower) for product, s, tower in found if tower != right[product]]
    if not wrong:
        return
    product, similarity, tower = wrong[0]
    if all(given == right[name] + 1 for name, _, given in found):
        raise Wrong(f"You count towers from 1: {product!r} comes from the first list, tower 0, and you give {tower:g}.")
    held = [place for place, one in enumerate(lists) if (product, similarity) in one]
    if tower in held:
        raise Wrong(
            f"The towers {held} are equally near to {product!r}: the first of them brings it, and you give {tower:g}."
        )
    raise Wrong(
        f"The last entry is the tower whose list has this similarity: for {product!r}, {similarity:g} it is "
        f"{right[product]}, and you give {tower:g}."
    )


# ---- the panel of α, β and K


@exercise
def same_score(answer, grid):
    """`answer` names two places, as dictionaries of num_towers, alpha and beta; `grid` maps recipes to portraits."""
    form = "Give dict(copies=dict(num_towers=…, alpha=…, beta=…), specialists=dict(…)): what the state box shows, twice"
    if isinstance(answer, list | tuple) and len(answer) == 2:
        answer = dict(zip(("copies", "specialists"), answer, strict=True))
    if not isinstance(answer, dict) or set(answer) != {"copies", "specialists"}:
        raise Wrong(f"{form}.")
    copies, specialists = (_portrait(answer[name], grid, form) for name in ("copies", "specialists"))
    if answer["copies"]["num_towers"] != answer["specialists"]["num_towers"]:
        raise Wrong("Take the same K for both: more towers may score better for another reason.")
    if copies.cosine <= DIFFER and specialists.cosine >= COPIES:
        raise Wrong("The two are the wrong way round: copies are those with the cosine near 1.")
    if copies.cosine < COPIES:
        raise Wrong(
            f"At the first place the mean cosine is {copies.cosine:.2f}: these towers still differ. Which slider "
            "decides how much more the nearest tower learns?"
        )
    if specialists.cosine > DIFFER:
        raise Wrong(f"At the second place the mean cosine is {specialists.cosine:.2f}; it should be {DIFFER} or less.")
    one = next(portrait.recall_50 for recipe, portrait in grid.items() if recipe.num_towers == 1)
    for name, portrait in (("copies", copies), ("specialists", specialists)):
        if portrait.recall_50 <= one:
            raise Wrong(
                f"The {name} reach recall@50 {portrait.recall_50:.3f}, not above {one:.3f} of one tower. Towers that "
                "hardly recommend anything useful are neither."
            )
    gap = specialists.recall_50 - copies.recall_50
    if abs(gap) > SAME:
        raise Wrong(f"Their recall@50 differs by {abs(gap):.3f}; find two within {SAME} of each other.")
    return (
        f"Recall@50 {copies.recall_50:.3f} and {specialists.recall_50:.3f}, one tower {one:.3f}: the score is the same "
        f"for cosines of {copies.cosine:.2f} and {specialists.cosine:.2f}. It does not say what the towers are."
    )


def _portrait(place, grid, form: str):
    from mtmi_lite.lab.recipes import recipe_at

    if not isinstance(place, dict) or set(place) != {"num_towers", "alpha", "beta"}:
        raise Wrong(f"{form}.")
    towers, alpha, beta = (number(place[name], name) for name in ("num_towers", "alpha", "beta"))
    if towers == 1:
        raise Wrong("One tower has no copies: the cosine is between two towers. Choose K of 2 or more.")
    portrait = None
    if towers % 1 == 0 and towers > 1 and alpha >= 0 and beta >= 0:
        portrait = grid.get(recipe_at(num_towers=int(towers), alpha=alpha, beta=beta))
    if portrait is None:
        raise Wrong(f"{place} is not a position of the sliders; copy what the state box shows.")
    return portrait
