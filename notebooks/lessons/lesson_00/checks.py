"""The checks of lesson 00."""

from lessons.common.checks import Wrong, exercise


@exercise
def overlap(answer):
    both = "Divide by the number of different products in either list, so that both lists count alike."
    cases = [
        ("two equal lists", ["mug", "jug"], ["mug", "jug"], 1.0, "Equal lists overlap completely."),
        ("the same products in another order", ["mug", "jug"], ["jug", "mug"], 1.0, "Order does not matter here."),
        ("two lists with 1 product in common out of 3", ["mug", "jug"], ["jug", "fan"], 1 / 3, both),
        ("two lists with nothing in common", ["mug"], ["fan", "jug"], 0.0, "Nothing shared is no overlap."),
        ("lists of 1 and of 4 products", ["mug"], ["mug", "jug", "fan", "hat"], 1 / 4, both),
    ]
    for what, left, right, expected, hint in cases:
        found = answer(left, right)
        if not isinstance(found, int | float):
            raise Wrong(f"The overlap is a number from 0 to 1; your function gave {found!r}.")
        if abs(found - expected) < 1e-9:
            continue
        if found > 1:
            hint = "An overlap is a part, at most 1: divide what is shared by all different products in either list."
        raise Wrong(f"For {what} it should be {expected:.3g}, not {found:.3g}. {hint}")
    return "Jaccard's overlap: shared products over all different products."


@exercise
def merge_lists(answer):
    lists = [[("jug", 0.75), ("mug", 0.5), ("fan", 0.25)], [("hat", 1.0), ("mug", 0.875), ("bag", 0.125)]]
    expected = [("hat", 1.0, 1), ("mug", 0.875, 1), ("jug", 0.75, 0), ("fan", 0.25, 0), ("bag", 0.125, 1)]
    merged = answer([list(one) for one in lists])
    try:
        found = [(str(product), float(similarity), int(tower)) for product, similarity, tower in merged]
    except (TypeError, ValueError):
        raise Wrong(f"Give a list of (product, similarity, tower); yours is {merged!r}.") from None
    products = [product for product, _, _ in found]
    if len(set(products)) < len(products):
        raise Wrong("A product stands twice in your list. Two towers may find the same one; show it once.")
    if set(products) != {"jug", "mug", "fan", "hat", "bag"}:
        raise Wrong(f"The merged list should hold each product of both lists; yours has {products}.")
    similarities = {product: similarity for product, similarity, _ in found}
    if similarities["mug"] > 1:
        raise Wrong("The mug's similarity is the sum of two. It is as near as the nearest vector: keep the larger one.")
    if similarities["mug"] != 0.875:
        raise Wrong(
            f"The mug counts with {similarities['mug']:g}, but tower 1 is nearer to it, 0.875. When a product comes "
            "again, compare before you throw it away."
        )
    if [similarity for _, similarity, _ in found] != sorted(similarities.values(), reverse=True):
        raise Wrong("The list should start with the most similar product and go down, whichever tower found it.")
    if found != expected:
        raise Wrong(f"The last entry of each is the tower that brought it, counted from 0: expected {expected}.")
    if answer([[("mug", 0.5)], [], [("mug", 0.5)]]) != [("mug", 0.5, 0)]:
        raise Wrong("Where two towers are equally near, the first of them brings the product; a list may be empty.")
    return "Best first, each product once, and you can say who brought it."


@exercise
def copies(answer, grid):
    """`answer` is a dictionary of num_towers, alpha and beta; `grid` maps such settings to portraits."""
    from mtmi_lite.lab.recipes import recipe_at

    if not isinstance(answer, dict) or set(answer) != {"num_towers", "alpha", "beta"}:
        raise Wrong("Give a dictionary with num_towers, alpha and beta: what the panel's state box shows.")
    if answer["num_towers"] == 1:
        raise Wrong("One tower has no copies: the cosine is between two towers. Choose K of 2 or more.")
    portrait = grid.get(recipe_at(**answer))
    if portrait is None:
        raise Wrong(f"{answer} is not a position of the sliders; copy what the state box shows.")
    one = next(portrait for recipe, portrait in grid.items() if recipe.num_towers == 1)
    if portrait.cosine < 0.95:
        raise Wrong(
            f"There the mean cosine is {portrait.cosine:.2f}: these towers still differ. Which slider decides how "
            "sharply towers share out the targets?"
        )
    if portrait.recall_50 <= one.recall_50:
        raise Wrong(
            f"Copies they are (cosine {portrait.cosine:.2f}), but recall@50 is {portrait.recall_50:.3f}, not above "
            f"{one.recall_50:.3f} of one tower. Look for copies that score better than one."
        )
    return (
        f"Cosine {portrait.cosine:.2f}, recall@50 {portrait.recall_50:.3f} against {one.recall_50:.3f} with one tower: "
        "a better score, and no second interest. A gain alone proves nothing about interests."
    )
