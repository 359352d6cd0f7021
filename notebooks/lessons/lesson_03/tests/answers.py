"""Lesson 03: bands, and answers to its exercises. See common/tests/test_lessons.py."""

BANDS = {
    "cold_with_features": (
        0.72,
        0.96,
        "cold products keep the noise of their rows (0.23), or have others' features (0.17)",
    ),
    "profile_gain": (0.01, 0.14, "the profile is not read, or is another customer's (-0.01)"),
    "gain": (0.009, 0.05, "several towers gain no more than copies (0.001 to 0.008), or repel ruins them (-0.15)"),
    "copies_cosine": (0.98, 1.0, "equal shares make no copies: towers trained to differ have 0.60"),
    "world_gain": (0.09, 0.24, "the towers did not part: with α = 1 it is 0.000, with β = 1000 -0.13"),
    "world_over_mean": (0.14, 0.26, "the merge shows no more than one vector: of copies it is at most 0.01"),
    "world_least_lost": (0.025, 0.07, "a tower is not missed: with α = 1 it is -0.001, with β = 1000 0.01"),
    "weight_gain": (0.002, 0.07, "the weight no longer helps one tower: with the gradient through it -0.16"),
    "triplet_cosine": (0.99, 1.0, "the triplet's towers are no copies: with the gradient through the weight 0.86"),
    "most_lost": (0.012, 0.035, "no tower is missed (copies: 0.002), or one does everything"),
    "dead_cosine": (0.35, 0.57, "the dead tower lives (copies: 1.00), or its cosine looks no better than 0.60"),
    "dead_share": (0.0, 0.03, "the dead tower brings hits: a living copy has 0.23"),
    "dead_lost": (-0.035, 0.002, "the list is worse without the dead tower: it lives"),
}


def counted(num_items, dim, history_length, num_towers, shared=True, *, bias=True, padding=0, inputs=None, tables=None):
    """The solution of exercise 1, with places to go wrong."""
    inputs = history_length * dim if inputs is None else inputs(history_length, dim)
    tower = inputs * history_length + (history_length if bias else 0)
    number = tables(num_towers) if tables else 1 if shared else num_towers
    return number * (num_items + padding) * dim + num_towers * tower


def left(lists, relevant, tower, num, *, first=0, cut_each=False, repeats=False, divide=None, last=False):
    """The solution of exercise 2, with places to go wrong."""
    kept = [one[:num] if cut_each else one for other, one in enumerate(lists, start=first) if other != tower]
    entries = sorted((entry for one in kept for entry in one), key=lambda entry: entry[1] if last else -entry[1])
    products = [product for product, _ in entries]
    products = products if repeats else list(dict.fromkeys(products))
    products = products if cut_each else products[:num]
    return len(relevant.intersection(products)) / (divide or len)(relevant)


def taken_out(lists, relevant, tower, num, *, refill=False):
    """Out of the merged list of all towers goes what the tower brought, or, worse, all that it holds."""
    best: dict[str, tuple[float, int]] = {}
    for other, one in enumerate(lists):
        for product, similarity in one:
            if similarity > best.get(product, (-1.0, 0))[0]:
                best[product] = (similarity, other)
    merged = sorted(best, key=lambda product: -best[product][0])
    if refill:
        return len(relevant.intersection([p for p in merged if best[p][1] != tower][:num])) / len(relevant)
    return len(relevant.intersection([p for p in merged[:num] if best[p][1] != tower])) / len(relevant)


def diagnosed(cosine, shares, lost, *, dead_first=True, few=0.03, missed_from=0.005, by_cosine=False):
    """The solution of exercise 3, with places to go wrong."""
    missed = sum(loss > missed_from for loss in lost)
    team = "copies" if missed == 0 else "one strong" if missed == 1 else "specialists"
    if by_cosine and cosine > 0.95:
        team = "copies"
    if min(shares) < few and (dead_first or missed == len(lost)):
        return "dead tower"
    return team


RIGHT = {"count_parameters": counted, "recall_left": left, "diagnose": diagnosed}
WRONG = {
    "count_parameters": {
        "a stub": (lambda *sizes: ..., "Not written yet"),
        "no bias": (lambda *sizes: counted(*sizes, bias=False), "L biases"),
        "one item at a time": (lambda *sizes: counted(*sizes, inputs=lambda steps, dim: steps), "laid end to end"),
        "the padding row": (lambda *sizes: counted(*sizes, padding=1), "padding row"),
        "no table": (lambda *sizes: counted(*sizes, tables=lambda towers: 0), "table is missing"),
        "one tower": (lambda n, d, steps, towers, shared=True: counted(n, d, steps, 1), "four times the weights"),
        "always K tables": (lambda *sizes: counted(*sizes, tables=lambda towers: towers), "multiplied the table by K"),
        "always one table": (lambda *sizes: counted(*sizes, tables=lambda towers: 1), "With shared=False"),
        "something else": (lambda n, d, steps, towers, shared=True: n * d * steps * towers, "a table of 20"),
        "a float": (lambda *sizes: float(counted(*sizes)), "whole number"),
        "sizes fixed": (
            lambda n, d, steps, towers, shared=True: 20 * (1 if shared else towers) + 21 * towers,
            "400 + 2 · 105",
        ),
    },
    "recall_left": {
        "a stub": (lambda *given: None, "Not written yet"),
        "over the recommendations": (
            lambda lists, relevant, tower, num: left(lists, relevant, tower, num, divide=lambda _: num),
            "You divide by the number of recommendations",
        ),
        "a count": (lambda *given: left(*given, divide=lambda _: 1), "at most 1"),
        "its hits taken out": (taken_out, "the mug is not lost"),
        "its products taken out, filled up": (lambda *given: taken_out(*given, refill=True), "the mug is not lost"),
        "each list cut": (lambda *given: left(*given, cut_each=True), "not of each"),
        "products twice": (lambda *given: left(*given, repeats=True), "stand twice"),
        "no tower left out": (lambda lists, relevant, tower, num: left(lists, relevant, -1, num), "which one went"),
        "towers counted from 1": (lambda *given: left(*given, first=1), "counted from 0"),
        "worst first": (lambda *given: left(*given, last=True), "best similarity first"),
        "text": (lambda *given: "1/2", "a number from 0 to 1"),
    },
    "diagnose": {
        "a stub": (lambda cosine, shares, lost: ..., "Not written yet"),
        "the cosine alone": (
            lambda cosine, shares, lost: "copies" if cosine > 0.9 else "specialists",
            "Look at the shares first",
        ),
        "the losses alone": (lambda *given: diagnosed(*given, few=-1.0), "Look at the shares first"),
        "the shares alone": (
            lambda cosine, shares, lost: "dead tower" if min(shares) < 0.03 else "specialists",
            "the others hold the same products",
        ),
        "shares for strength": (
            lambda cosine, shares, lost: (
                "dead tower" if min(shares) < 0.03 else "copies" if max(lost) <= 0.005 else "specialists"
            ),
            "Count the losses",
        ),
        "the cosine first": (lambda *given: diagnosed(*given, by_cosine=True), "Decide by the work"),
        "a low cosine is enough": (
            lambda cosine, shares, lost: (
                "specialists" if cosine < 0.2 and min(shares) >= 0.03 else diagnosed(cosine, shares, lost)
            ),
            "no proof of work",
        ),
        "dead only where nobody is missed": (
            lambda cosine, shares, lost: diagnosed(cosine, shares, lost, few=0.03 if max(lost) <= 0.005 else -1.0),
            "a dead tower comes first",
        ),
        "another word": (lambda *given: "good", "Return"),
    },
}
