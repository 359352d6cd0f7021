"""The checks of lesson 03."""

from lessons.common.checks import Wrong, exercise


@exercise
def count_parameters(answer):
    # N = 10, d = 2, L = 3: a table of 20 numbers; a tower of 3 · 2 · 3 + 3 = 21
    cases = [
        ("10 products, d = 2, L = 3 and one tower", (10, 2, 3, 1, True), 41),
        ("four towers over one table", (10, 2, 3, 4, True), 104),
        ("four towers with a table each", (10, 2, 3, 4, False), 164),
    ]
    one, four, apart = (answer(*sizes) for _, sizes, _ in cases)
    for found in (one, four, apart):
        if isinstance(found, bool) or not isinstance(found, int):
            raise Wrong(f"The answer is a whole number of parameters; your function gave {found!r}.")
    hints = [
        (one == 38, "Each tower also has L biases, one for each slot's score."),
        (
            one == 32,
            "A tower reads the history laid end to end: L · d numbers, and each is weighed for each of L scores.",
        ),
        (one == 43, "Leave the padding row out: it stays 0, and training does not move it."),
        (one == 21, "The table is missing: N rows of d numbers."),
        (one == 41 and four == 41, "Four towers have four times the weights of one: only the table is shared."),
        (one == 41 and four == 164, "You multiplied the table by K. With shared=True all towers read the same one."),
        (four == 104 and apart == 104, "With shared=False each tower has a table to itself: K tables."),
    ]
    for applies, hint in hints:
        if applies:
            raise Wrong(hint)
    for (what, _, expected), found in zip(cases, (one, four, apart), strict=True):
        if found != expected:
            raise Wrong(f"For {what} there are {expected} numbers, not {found}: a table of 20, a tower of 18 + 3.")
    if answer(100, 4, 5, 2) != 610:
        raise Wrong("With 100 products, d = 4, L = 5 and two towers over one table it should be 400 + 2 · 105 = 610.")
    return "One table, K towers: K tables would cost K times the largest part."


@exercise
def recall_left(answer):
    lists = [
        [("hat", 0.875), ("mug", 0.75), ("bag", 0.5)],
        [("mug", 0.8125), ("fan", 0.25), ("jug", 0.125)],
        [("jug", 0.625), ("fan", 0.375), ("hat", 0.0625)],
    ]

    def left(tower, num, lists=lists, relevant=("mug", "fan", "jug", "pen")):
        found = answer([list(one) for one in lists], set(relevant), tower, num)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Wrong(f"The recall is a number from 0 to 1; your function gave {found!r}.")
        return found

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
    if abs(without - 2 / 3) < 1e-9:
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
    for tower, num, first, expected in ((2, 4, "hat, mug, bag, fan", 0.5), (0, 3, "mug, jug, fan", 0.75)):
        if left(tower, num) != expected:
            raise Wrong(f"Without tower {tower}, among {num}: {first}. So {expected}, not {left(tower, num):.3g}.")
    return "What one tower brought, another may hold as well: only a new merge tells."


@exercise
def diagnose(answer):
    cases = [
        (0.99, [0.25, 0.25, 0.24, 0.26], [0.0, 0.001, 0.0, 0.002], "copies"),
        (0.48, [0.33, 0.33, 0.34, 0.0], [0.001, 0.0, 0.002, 0.0], "dead tower"),
        (0.22, [0.25, 0.24, 0.26, 0.25], [0.05, 0.06, 0.05, 0.06], "specialists"),
        (0.59, [0.45, 0.09, 0.3, 0.16], [0.03, 0.001, 0.004, -0.001], "one strong"),
        (0.97, [0.5, 0.5], [0.04, 0.05], "specialists"),
        (0.1, [0.3, 0.3, 0.4], [0.001, 0.0, -0.002], "copies"),
        (0.3, [0.5, 0.49, 0.01], [0.05, 0.04, 0.0], "dead tower"),
    ]
    why = [
        "All towers bring hits, but without any one of them nothing is lost: the others hold the same products.",
        "The cosine is low because one tower points nowhere: it brings no hit at all. Look at the shares first.",
        "Each of them would be missed.",
        "Three of the four would hardly be missed; equal or not, shares do not tell that. Count the losses.",
        "Their cosine is high, and still both would be missed. Decide by the work, and not by the cosine.",
        "They point apart, and still nobody would be missed: a low cosine is no proof of work.",
        "Two would be missed, but the third brings almost nothing: a dead tower comes first, whatever the others are.",
    ]
    for (cosine, shares, lost, expected), reason in zip(cases, why, strict=True):
        found = answer(cosine, list(shares), list(lost))
        if found not in ("copies", "dead tower", "one strong", "specialists"):
            raise Wrong(f'Return "dead tower", "copies", "one strong" or "specialists"; yours gave {found!r}.')
        if found != expected:
            raise Wrong(
                f"For cosine {cosine}, shares {shares}, losses {lost} you say {found!r}; it is {expected!r}. {reason}"
            )
    return "You did not need the cosine: it describes the towers, and decides nothing."
