"""The checks of lesson 03."""

import numpy as np

from lessons.common.checks import Wrong, choice, exercise, number
from lessons.lesson_03 import pictures


def _parameters(num_items, dim, history_length, num_towers, shared=True):
    tower = history_length * dim * history_length + history_length
    return (1 if shared else num_towers) * num_items * dim + num_towers * tower


@exercise
def count_parameters(answer):
    # N = 10, d = 2, L = 3: a table of 20 numbers; a tower of 3 · 2 · 3 + 3 = 21
    cases = [
        ("10 products, d = 2, L = 3 and one tower", (10, 2, 3, 1, True), 41),
        ("four towers over one table", (10, 2, 3, 4, True), 104),
        ("four towers with a table each", (10, 2, 3, 4, False), 164),
    ]
    one, four, apart = (number(answer(*sizes), "The count") for _, sizes, _ in cases)
    hints = [
        (one == 38, "Each tower also has L biases, one for each slot's score."),
        (
            one == 32,
            "A tower reads the history laid end to end: L · d numbers, and each of L scores weighs all of them.",
        ),
        (one == 43, "Leave the padding row out: it stays 0, and training does not move it."),
        (one == 21, "The table is missing: N rows of d numbers."),
        (one == 41 and four == 41, "Four towers have four times the numbers of one: only the table is shared."),
        (one == 41 and four == 164, "You multiplied the table by K. With shared=True all towers read the same one."),
        (four == 104 and apart == 104, "With shared=False each tower has a table to itself: K tables."),
    ]
    for applies, hint in hints:
        if applies:
            raise Wrong(hint)
    for (what, _, expected), found in zip(cases, (one, four, apart), strict=True):
        if found != expected:
            raise Wrong(f"For {what} there are {expected} numbers, not {found:g}: a table of 20, a tower of 18 + 3.")
    rng = np.random.default_rng(0)
    for _ in range(50):
        items, dim, length, towers = (int(size) for size in rng.integers(2, 30, size=4))
        for shared in (True, False):
            found = number(answer(items, dim, length, towers, shared), "The count")
            expected = _parameters(items, dim, length, towers, shared)
            if found != expected:
                sizes = f"N = {items}, d = {dim}, L = {length}, K = {towers}, shared={shared}"
                raise Wrong(f"For {sizes} you gave {found:g}; it is {expected}. Does each size stand where it should?")
    if number(answer(10, 2, 3, 4), "The count") != 104:
        raise Wrong("Called without `shared`, the function should count one table: keep shared=True as the default.")
    return "One table, K towers: K tables would cost K times the largest part."


def _left(lists, relevant, tower, num):
    best = {}
    for other, one_list in enumerate(lists):
        if other != tower:
            for product, similarity in one_list:
                best[product] = max(similarity, best.get(product, similarity))
    first = sorted(best, key=lambda product: -best[product])[:num]
    return first, len(relevant.intersection(first)) / len(relevant)


@exercise
def recall_left(answer):
    lists = [
        [("hat", 0.875), ("mug", 0.75), ("bag", 0.5)],
        [("mug", 0.8125), ("fan", 0.25), ("jug", 0.125)],
        [("jug", 0.625), ("fan", 0.375), ("hat", 0.0625)],
    ]

    def left(tower, num, lists=lists, relevant=("mug", "fan", "jug", "pen")):
        return number(answer([list(one) for one in lists], set(relevant), tower, num), "The recall")

    if left(1, 1, [[("fan", 0.5), ("mug", 0.25)], []], ("mug",)) != 0:
        raise Wrong("From the list fan 0.5, mug 0.25 the first recommendation is the fan: best similarity first.")
    if left(0, 1, [[("mug", 0.5)], [("fan", 0.25)]], ("mug",)) != 0:
        raise Wrong(
            "Tower 0 alone had the mug, and your list still holds it. Towers are counted from 0: which one went?"
        )
    # all towers, first three: hat, mug (by tower 1), jug. Without tower 1: hat, mug (by tower 0), jug
    without = left(1, 3)
    if without > 1:
        raise Wrong("A recall is at most 1: divide by how many products are relevant, 4 here.")
    if abs(without - 2 / 3) < 1e-6:
        raise Wrong("You divide by the number of recommendations. Recall divides by the number of relevant products.")
    if without == 0.25:
        raise Wrong(
            "Without tower 1 the mug is not lost: tower 0 has it too. Leave the list out and merge the others again; "
            "do not take its products out of the merged list."
        )
    if without == 0.75:
        raise Wrong("You recommend more than three. Merge first and cut after: the first num of one list, not of each.")
    if without != 0.5:
        raise Wrong(f"Without tower 1, among 3: hat, mug, jug. Two of the four relevant, so 0.5 and not {without:.3g}.")
    if left(2, 4) == 0.25:
        raise Wrong("Without tower 2 the first four are hat, mug, bag, fan. Does the mug stand twice in your list?")
    if left(2, 1, [[("bag", -0.5)], [("mug", -0.25)], []], ("mug",)) != 1:
        raise Wrong("Of mug −0.25 and bag −0.5 the mug is nearer: a best similarity must not start at 0 or −1.")
    two_of_both = [[("mug", 0.5), ("fan", 0.25)], [("fan", 0.4375), ("mug", 0.0625)], []]
    if left(2, 1, two_of_both, ("mug",)) != 1:
        raise Wrong(
            "The lists say mug 0.5 and fan 0.25, fan 0.4375 and mug 0.0625. A product keeps its best similarity: not "
            "the last one, not the sum. So the mug comes first."
        )
    rng = np.random.default_rng(0)
    for _ in range(50):
        towers, length, names = int(rng.integers(2, 5)), int(rng.integers(1, 6)), list("abcdefgh")
        values = rng.permutation(np.arange(-40, 40)) / 64  # all distinct, so that no order is a matter of taste
        given = []
        for tower in range(towers):
            own = sorted(values[tower * length : (tower + 1) * length].tolist(), reverse=True)
            products = rng.choice(names, size=length, replace=False).tolist()
            given.append(list(zip(products, own, strict=True)))
        relevant = set(rng.choice(names, size=int(rng.integers(1, 5)), replace=False).tolist())
        tower, num = int(rng.integers(towers)), int(rng.integers(1, 6))
        first, expected = _left(given, relevant, tower, num)
        found = left(tower, num, given, relevant)
        if abs(found - expected) > 1e-6:
            raise Wrong(
                f"Without tower {tower}, among {num}, for the lists {given}: {', '.join(first)}. Of the relevant "
                f"{sorted(relevant)} that is {expected:.3g}; you gave {found:.3g}."
            )
    return "What one tower brought, another may hold as well: only a new merge tells."


@exercise
def made_up(answer, found):
    value, right = number(answer), pictures.made_up(found)
    strongest, num_users = int(found.tower_shares(50).argmax()), len(found.cases)
    brought = found.tower_shares(50)[strongest] * found.hits[:, :50].sum() / num_users
    if abs(value - right) <= 0.02:
        return "So credit overstates what a tower is needed for: look at what is lost, too."
    if not 0 <= value <= 1:
        raise Wrong(f"You gave {value:g}. It is a fraction: the others' extra hits, divided by the strongest's.")
    slips = [
        (1 - right, "That is the fraction that is lost. How much do the others make up for?"),
        (right * found.tower_shares(50)[strongest], "You divided by all hits. Divide by those of the strongest tower."),
        (right * brought, "That is how many hits a user they add. Divide by the strongest tower's bar."),
        (found.tower_shares(50)[strongest], "That is its credit. How much more do the others bring without it?"),
        (
            1 - float(pictures.lost_without(found)[strongest] / found.recall(50).mean()),
            "That is the fraction of the whole recall that is left. Compare bars, not recalls.",
        ),
    ]
    slips = [(abs(value - slip), words) for slip, words in slips if abs(value - slip) < 0.011]
    if slips:
        raise Wrong(f"You gave {value:g}. {min(slips)[1]}")
    raise Wrong(
        f"You gave {value:g}. Tower {strongest + 1} is the strongest, with {brought:.2f} hits a user. Add up the other "
        "bars with it and without it: by how much do they grow?"
    )


@exercise
def diagnosis(answer, teams):
    if not isinstance(answer, dict) or set(answer) != set(teams):
        raise Wrong(f"Give a dictionary with one word for each of the teams {', '.join(teams)}.")
    words = {}
    for name in teams:
        if answer[name] is None or answer[name] is ...:
            raise Wrong("Not written yet: " + f"no word for team {name}. Use the panel's teams.")
        words[name] = choice(answer[name], pictures.KINDS, f"The word for team {name}")
    for name, team in teams.items():
        right, said = pictures.kind_of(team), words[name]
        if said == right:
            continue
        credit, lost = team.tower_shares(50), pictures.lost_without(team)
        pairs = pictures.lost_without_pair(team)
        pair = max(pairs, key=lambda pair: pairs[pair])
        both = f"towers {pair[0] + 1} and {pair[1] + 1}"
        why = {
            "dead tower": f"look at the bar of tower {int(credit.argmin()) + 1}.",
            "specialists": f"whichever tower goes, at least {lost.min():.3f} recall@50 is lost, and all bring hits.",
            "redundant": f"without {both} {pairs[pair]:.3f} recall@50 is lost, but no more than {lost.max():.3f} "
            "without any single tower.",
            "copies": f"even without {both}, no more than {pairs[pair]:.3f} recall@50 is lost.",
        }[right]
        raise Wrong(f"You call team {name} {said!r}; {why}")
    return "A low cosine, a credit, one tower less: none of them alone would have told."
