"""The checks of lesson 07."""

import numpy as np

from lessons.common.checks import Wrong, exercise

ITEMS = np.array([[3.0, 1.0], [0.6, 0.8], [-0.8, 0.6], [1.2, 1.6], [1.0, -0.5]])
QUERY = np.array([1.0, 2.0])
"""Cosines .71, .98, .18, .98, 0; inner products 5, 2.2, .4, 4.4, 0; distances 2.2, 1.3, 2.3, .4, 2.5."""


@exercise
def nearest_by_cosine(answer):
    try:
        found = np.asarray(answer(ITEMS.copy(), QUERY.copy(), 3)).tolist()
        whole = all(float(item).is_integer() for item in found)
    except TypeError:
        raise Wrong("Give a list of item ids, such as [1, 3, 0].") from None
    if not whole:
        raise Wrong(f"These are similarities, {found}; give the ids of the items that have them (argsort).")
    if len(found) != 3:
        raise Wrong(f"Asked for 3 items, your function gave {len(found)}: cut the sorted ids after `num`.")
    if found == [0, 3, 1]:
        raise Wrong("This is the order by inner product: item 0 is first because it is long. Divide by the lengths.")
    if found == [3, 1, 0]:
        raise Wrong(
            "Items 1 and 3 point the same way, so they tie, and the lower id comes first. Turning an ascending order "
            "round puts ties the wrong way; or did you measure the distance between the points instead of the angle?"
        )
    if found in ([4, 2, 0], [2, 4, 0]):
        raise Wrong("These are the farthest items: the largest cosine is the nearest. Sort downward.")
    if found == [2, 4, 1]:
        raise Wrong("Item ids count from 0, as the rows of `items` do.")
    if found != [1, 3, 0]:
        raise Wrong(f"The nearest three are [1, 3, 0], with cosines 0.98, 0.98 and 0.71; yours are {found}.")
    shorter = np.asarray(answer(ITEMS * np.array([[1], [9], [1], [1], [1]]), 10 * QUERY, 2)).tolist()
    if shorter != [1, 3]:
        raise Wrong(f"Lengths must not matter; with a longer item 1 and a longer query your answer is {shorter}.")
    return "Normalise, sort downward, lower id first among equals."


@exercise
def take_turns(answer):
    lists = [["jug", "fan", "mug", "hat"], ["mug", "jug", "bag"], ["jug", "pin"]]
    expected = [("jug", 0), ("mug", 1), ("pin", 2), ("fan", 0), ("bag", 1), ("hat", 0)]
    try:
        found = [(str(product), int(tower)) for product, tower in answer([list(one) for one in lists], 6)]
    except (TypeError, ValueError):
        raise Wrong("Give a list of (product, tower), with the tower as a number.") from None
    products, towers = [product for product, _ in found], [tower for _, tower in found]
    if len(set(products)) < len(products):
        raise Wrong("A product stands twice in your list: before a tower takes its turn, drop what is placed already.")
    if products == [product for product, _ in expected] and [tower - 1 for tower in towers] == [
        tower for _, tower in expected
    ]:
        raise Wrong("The right products in the right order; count the towers from 0.")
    if towers[:2] == [0, 0]:
        raise Wrong("Tower 0 placed two products before tower 1 had its turn. One product a turn.")
    if towers and towers[0] != 0:
        raise Wrong("Tower 0 begins.")
    if found[:2] == expected[:2] and found[2:3] != expected[2:3]:
        raise Wrong(
            "Tower 2's best product, the jug, is placed. It does not lose its turn: it takes its next one, the pin."
        )
    if len(found) < len(expected):
        raise Wrong(
            f"Your list ends after {len(found)} of 6. A tower that has run out is passed over; the others go on."
        )
    if len(found) > len(expected):
        raise Wrong(f"Asked for 6, your function gave {len(found)}.")
    if found != expected:
        raise Wrong(f"Expected {expected}, yours is {found}.")
    if len(answer([list(one) for one in lists], 4)) != 4:
        raise Wrong("Asked for 4, it should end in the middle of a round: look at the number before each placing.")
    if answer([["jug"], ["jug"]], 5) != [("jug", 0)]:
        raise Wrong("Where all lists together hold less than `num`, return what there is.")
    return "Each tower in turn, each product once, and nobody loses a turn to a product that is placed."


@exercise
def probes(answer, found_with):
    """`found_with` gives the part of the exact items found, from a number of probes."""
    if isinstance(answer, float) and answer < 1:
        raise Wrong("That looks like a part of items found. Give the number of probes that finds it.")
    if isinstance(answer, bool) or not isinstance(answer, int | np.integer):
        raise Wrong(f"Give a whole number of probes, from 1 to 256; yours is {answer!r}.")
    if not 1 <= answer <= 256:
        raise Wrong(f"{answer} is out of range: the index has 256 lists to look into, and looks into at least 1.")
    if answer == 256:
        raise Wrong("With all 256 lists it finds everything, and takes as long as the exact search. Fewer are enough.")
    found = found_with(int(answer))
    if found < 0.95:
        raise Wrong(f"With {answer} probes it finds {found:.3f} of the exact 50, less than 0.95. Look into more lists.")
    if answer > 1 and (fewer := found_with(int(answer) - 1)) >= 0.95:
        raise Wrong(f"{answer} probes are enough ({found:.3f}), but {answer - 1} still find {fewer:.3f}: go on down.")
    return f"{answer} of 256 lists find {found:.3f} of what comparing with every item finds."
