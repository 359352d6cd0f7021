"""The checks of lesson 07."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from lessons.common.checks import Stopped, Wrong, exercise, number, plain

Pairs = Sequence[Sequence[tuple[int, float]]]
Merged = list[tuple[int, float, int]]
LISTS = [
    [(7, 0.875), (3, 0.5), (5, -0.25)],
    [(3, 0.75), (4, 0.5), (8, 0.25), (9, -0.5)],
    [(4, 0.5), (3, 0.375), (2, -0.125)],
]
"""Binary fractions, so that sums of them are exact."""
CASES, SEED = 60, 7


def _by_similarity(lists: Pairs, num: int) -> Merged:
    """What exercise 1 asks for, in the plainest way."""
    best: dict[int, tuple[float, int]] = {}
    for tower, one in enumerate(lists):
        for product, similarity in one:
            if product not in best or similarity > best[product][0]:
                best[product] = (similarity, tower)
    return sorted(((item, *own) for item, own in best.items()), key=lambda entry: (-entry[1], entry[0]))[:num]


def _by_turns(lists: Pairs, num: int) -> Merged:
    """What exercise 2 asks for, in the plainest way."""
    waiting, placed = [list(one) for one in lists], {}
    while len(placed) < num and any(waiting):
        for tower, one in enumerate(waiting):
            one[:] = [(product, similarity) for product, similarity in one if product not in placed]
            if one and len(placed) < num:
                product, similarity = one.pop(0)
                placed[product] = (product, similarity, tower)
    return list(placed.values())


def _random_lists(generator: np.random.Generator) -> tuple[Pairs, int]:
    """Lists of one user, with dozens of ties, short and empty ones among them, and how many are asked for."""
    lists = []
    for _ in range(generator.integers(1, 5)):
        length = int(generator.choice([0, 1, 5, 40]))
        products = generator.permutation(60)[:length].tolist()
        similarities = generator.integers(-4, 5, size=length) / 4
        lists.append(sorted(zip(products, similarities.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0])))
    return lists, int(generator.integers(1, 70))


def _shown(merged: Merged) -> str:
    return "[" + ", ".join(f"({product}, {similarity:g}, {tower})" for product, similarity, tower in merged) + "]"


def _asked(answer: Callable, lists: Pairs, num: int) -> Merged:
    """What a student's function gives for these lists, in whatever form, as (product, similarity, tower).

    Raises:
        Wrong: if it is of another form, or the function asks for more than there is.
    """
    try:
        given = plain(answer([list(one) for one in lists], num))
    except Stopped as stopped:
        if isinstance(stopped.error, IndexError | StopIteration):
            lengths = ", ".join(str(len(one)) for one in lists)
            raise Wrong(
                f"{stopped} Here the lists hold {lengths} products, and {num} are asked for. A list may be empty or "
                "run out; where there is no more to place, return what there is."
            ) from None
        raise
    if not isinstance(given, list) or not all(isinstance(entry, list) and len(entry) == 3 for entry in given):
        first = given[0] if isinstance(given, list) and given else given
        raise Wrong(f"Return a list of (product, similarity, tower); yours holds {first!r}.")
    towers = range(len(lists))
    known = {(product, similarity) for one in lists for product, similarity in one}
    swapped = given and all((entry[0], entry[2]) in known and entry[1] in towers for entry in given)
    if swapped and not all((entry[0], entry[1]) in known for entry in given):
        raise Wrong("Your entries are (product, tower, similarity); the similarity stands second, the tower last.")
    try:
        merged = [(int(product), float(similarity), int(tower)) for product, similarity, tower in given]
    except (TypeError, ValueError):
        raise Wrong(f"Return (product, similarity, tower), three numbers; yours holds {given[0]!r}.") from None
    if len(merged) > num:
        raise Wrong(f"Asked for {num}, your function gave {len(merged)}: look at `num`.")
    products = [product for product, _, _ in merged]
    for product in products:
        if products.count(product) > 1:
            raise Wrong(f"Product {product} stands {products.count(product)} times in your list; show it once.")
    return merged


def _counts_with(merged: Merged, lists: Pairs) -> None:
    """Is each product's similarity its best?"""
    for product, similarity, _ in merged:
        own = [other for one in lists for item, other in one if item == product]
        if not own:
            raise Wrong(f"Product {product} is in no list.")
        if similarity == max(own):
            continue
        brought = " and ".join(f"{other:g}" for other in own)
        hint = ""
        if similarity == sum(own) and len(own) > 1:
            hint = " That is the sum."
        elif math.isclose(similarity, sum(own) / len(own)) and len(own) > 1:
            hint = " That is the mean."
        elif similarity == 0 and max(own) < 0:
            hint = " A cosine can be negative, so a best that starts at 0 is too high."
        elif similarity == own[-1]:
            hint = " That is the last one seen: compare before you replace."
        elif similarity == own[0]:
            hint = " That is the first one seen: a later tower may be nearer."
        raise Wrong(
            f"You gave {similarity:g} for product {product}; the lists have it at {brought}, and the best of them is "
            f"{max(own):g}.{hint}"
        )


def _missing(merged: Merged, lists: Pairs, num: int) -> None:
    """Are there as many as there should be?"""
    best: dict[int, float] = {}
    for one in lists:
        for product, similarity in one:
            best[product] = max(similarity, best.get(product, -math.inf))
    if len(merged) == min(num, len(best)):
        return
    gone = set(best) - {product for product, _, _ in merged}
    if all(best[product] <= 0 for product in gone):
        raise Wrong(
            f"Asked for {num}, your function gave {len(merged)}, and what is missing has a similarity of 0 or less. A "
            "cosine goes down to −1. Does your best start at 0?"
        )
    raise Wrong(
        f"Asked for {num}, your function gave {len(merged)}, but the lists hold {len(best)} different products. Cut "
        "after the repeats are gone, and do not stop where one list ends."
    )


@exercise
def merge_by_similarity(answer):
    generator = np.random.default_rng(SEED)
    cases = [(LISTS, 6), (LISTS, 3), *(_random_lists(generator) for _ in range(CASES)), ([[], [(4, -0.5)]], 5)]
    for lists, num in cases:
        merged, expected = _asked(answer, lists, num), _by_similarity(lists, num)
        if merged == expected:
            continue
        if lists is LISTS and [entry[2] - 1 for entry in merged] == [entry[2] for entry in expected]:
            raise Wrong("Your towers are one too high: count them from 0.")
        _missing(merged, lists, num)
        _counts_with(merged, lists)
        similarities = [similarity for _, similarity, _ in merged]
        if similarities != sorted(similarities, reverse=True):
            place = next(p for p in range(1, len(merged)) if similarities[p] > similarities[p - 1])
            raise Wrong(
                f"Best first: at place {place} of your list stands {similarities[place - 1]:g}, and after it "
                f"{similarities[place]:g}."
            )
        if similarities != [similarity for _, similarity, _ in expected]:
            raise Wrong(
                f"Asked for {num}, your list leaves out a product that is more similar than your last. Sort before "
                "you cut."
            )
        place = next(p for p in range(len(expected)) if merged[p] != expected[p])
        (product, similarity, tower), (right, _, credited) = merged[place], expected[place]
        if product != right:
            raise Wrong(
                f"Products {right} and {product} both have {similarity:g}, and {product} stands at place {place + 1} "
                "of yours. Among equals the lower product id comes first; a sort by similarity alone leaves that to "
                "chance."
            )
        bringing = [number for number, one in enumerate(lists) if (product, similarity) in one]
        if tower not in bringing:
            raise Wrong(f"Product {product} at {similarity:g} is in the list of tower {credited}; you say {tower}.")
        raise Wrong(
            f"Towers {' and '.join(map(str, bringing))} all bring product {product} at {similarity:g}; the first of "
            f"them counts, and you say {tower}."
        )
    return f"Best first, each product once, ties settled; the same as ours in {len(cases)} cases."


TURNS = [[(1, 0.5), (2, 0.25), (3, 0.125), (4, -0.5)], [(3, 0.75), (1, 0.5), (5, 0.25)], [(1, 1.0), (6, 0.25)]]


@exercise
def take_turns(answer):
    generator = np.random.default_rng(SEED)
    random = [_random_lists(generator) for _ in range(CASES)]
    cases = [(TURNS, 6), (TURNS, 4), ([[(1, 0.5)], [(1, 0.75)]], 5), *random, ([[], []], 3)]
    for case, (lists, num) in enumerate(cases):
        merged, expected = _asked(answer, lists, num), _by_turns(lists, num)
        if merged == expected:
            continue
        products, towers = [entry[0] for entry in merged], [entry[2] for entry in merged]
        if products == [entry[0] for entry in expected] and [tower - 1 for tower in towers] == [
            entry[2] for entry in expected
        ]:
            raise Wrong("The right products in the right order, and your towers are one too high: count from 0.")
        if case == 0:
            _first_turns(merged, expected, lists)
        if len(merged) != len(expected):
            raise Wrong(
                f"Asked for {num}, your function gave {len(merged)}; it should be {len(expected)}. A tower that has "
                "run out is passed over, and the others go on."
            )
        place = next(p for p in range(len(expected)) if merged[p] != expected[p])
        if merged[place][::2] == expected[place][::2]:
            product, similarity, tower = expected[place]
            raise Wrong(
                f"You gave {merged[place][1]:g} for product {product}; tower {tower} places it, and has it at "
                f"{similarity:g}."
            )
        raise Wrong(
            f"At place {place + 1} it should be {_shown([expected[place]])}, and yours is {_shown([merged[place]])}. "
            f"The lists: {[[product for product, _ in one] for one in lists]}, the first {num} asked for."
        )
    return f"Each tower in turn, and none loses its turn to a placed product; the same as ours in {len(cases)} cases."


def _first_turns(merged: Merged, expected: Merged, lists: Pairs) -> None:
    """The slips that the first case is made to show."""
    towers = [tower for _, _, tower in merged]
    if merged == _by_similarity(lists, len(expected)):
        raise Wrong("This is the merge by similarity. A quota compares no similarities: the towers take turns.")
    if towers and towers[0] != 0:
        raise Wrong(f"Tower 0 begins; your first entry is of tower {towers[0]}.")
    if towers[:2] == [0, 0]:
        raise Wrong("Tower 0 placed two products before tower 1 had its turn. One product a turn.")
    if merged[:2] == expected[:2] and merged[2:3] != expected[2:3]:
        raise Wrong(
            "Tower 2's best, product 1, is placed already. It does not lose its turn: it takes its next one, product 6."
        )


@exercise
def memory_weight(answer, curve):
    """`curve` gives, for each weight tried, the recall of all and of new products."""
    value = number(answer, "The weight")
    without = curve[0.0][1]
    enough = [weight for weight, (_, new) in curve.items() if new >= 0.8 * without]
    right, most = max(enough), max(curve, key=lambda weight: curve[weight][0])
    tried = min(curve, key=lambda weight: abs(weight - value))
    if abs(tried - value) > 0.04 * tried + 1e-9:
        recalls = [recall for both in curve.values() for recall in both]
        if min(abs(recall - value) for recall in recalls) < 6e-4:
            raise Wrong(f"{value:g} is a recall; give the weight w below it.")
        raise Wrong(f"{value:g} was not tried. Choose one of {', '.join(f'{weight:.3g}' for weight in curve)}.")
    new = curve[tried][1]
    kept = f"At w = {tried:.3g} recall of new products is {new:.3f}, {new / without:.0%} of {without:.3f}"
    if tried == right:
        return f"{kept}, and the next weight falls below 80%. Recall of all: {curve[tried][0]:.3f}."
    if tried == most and tried not in enough:
        raise Wrong(f"{kept}. This is the weight that is best for all products; what does it cost the new ones?")
    if tried not in enough:
        raise Wrong(f"{kept}, less than 80%. Go down.")
    raise Wrong(f"{kept}, so it would do. But a larger weight still keeps 80%: go up.")


@exercise
def probes(answer, found_with):
    """`found_with` gives the fraction of the exact items found, from a number of probes."""
    value = number(answer, "The number of probes")
    if 0 < value < 1:
        raise Wrong(f"{value:g} looks like a fraction of items found. Give the number of probes that finds it.")
    if value != int(value):
        raise Wrong(f"Give a whole number of probes, from 1 to 256; yours is {value:g}.")
    if not 1 <= value <= 256:
        raise Wrong(f"{value:g} is out of range: the index has 256 lists to look into, and looks into at least 1.")
    if value == 256:
        raise Wrong("All 256 lists find everything, after as many comparisons as the exact search. Fewer are enough.")
    found = found_with(int(value))
    if found < 0.95:
        raise Wrong(
            f"With {value:g} probes it finds {found:.3f} of the exact 50, less than 0.95. Look into more lists."
        )
    if value > 1 and (fewer := found_with(int(value) - 1)) >= 0.95:
        raise Wrong(f"{value:g} probes are enough ({found:.3f}), but {value - 1:g} still find {fewer:.3f}: go down.")
    return f"{value:g} of 256 lists find {found:.3f} of what comparing with every item finds."
