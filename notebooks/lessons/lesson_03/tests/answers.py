"""Lesson 03: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np
import torch

from mtmi_lite.interactions import Cases, batch_of
from mtmi_lite.metrics import Evaluation, find_hits
from mtmi_lite.models import Users
from mtmi_lite.retrieval import TowerLists, merge

BANDS = {
    "gain": (0.003, 0.03, "several towers gain no more than equal ones (0.000), or repel ruins them (-0.15)"),
    "equal_gain": (-0.012, 0.008, "equal towers are more than copies: towers trained to differ gain 0.008 to 0.015"),
    "copies_cosine": (0.98, 1.0, "equal shares make no copies: towers trained to differ have 0.58"),
    "world_gain": (0.15, 0.33, "the towers did not part: equal ones gain 0.007 to 0.015"),
    "world_equal_gain": (-0.03, 0.05, "equal towers parted: K towers gain 0.22"),
    "world_over_mean": (0.16, 0.32, "the merge shows no more than one vector: of copies it is at most 0.01"),
    "world_new_gain": (0.22, 0.45, "what was bought before is still in the lists, or nothing new is found"),
    "world_covered": (0.15, 0.33, "several towers cover no more than one: equal ones are at 0.00"),
    "world_least_lost": (0.011, 0.07, "a tower is not missed: of copies it is 0.00"),
    "made_up": (0.5, 0.95, "the list does not fill up again (0), or the towers are copies (1)"),
    "most_lost": (0.006, 0.035, "no tower is missed (copies: 0.002), or one does everything"),
    "dead_cosine": (0.38, 0.6, "the dead tower lives (copies: 1.00)"),
    "dead_credit": (0.0, 0.03, "the dead tower brings hits: a living copy has 0.23"),
    "dead_lost": (-0.035, 0.002, "the list is worse without the dead tower: it lives"),
    "kinds": (4, 4, "exercise 4 has two teams of a kind"),
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


def merged(lists, relevant, tower, num, *, combine, start=None):
    """The solution by a dictionary, in which two similarities of a product are combined; `start` comes before them."""
    best = {}
    for other, one in enumerate(lists):
        if other != tower:
            for product, similarity in one:
                known = best.get(product, start)
                best[product] = similarity if known is None else combine(known, similarity)
    if start is not None:  # what never rises above it is not listed
        best = {product: similarity for product, similarity in best.items() if similarity > start}
    first = sorted(best, key=lambda product: -best[product])[:num]
    return len(relevant.intersection(first)) / len(relevant)


def taken_out(lists, relevant, tower, num, *, refill=False):
    """Out of the merged list of all towers goes what the tower brought, or, worse, all that it holds."""
    best: dict[str, tuple[float, int]] = {}
    for other, one in enumerate(lists):
        for product, similarity in one:
            if similarity > best.get(product, (-1.0, 0))[0]:
                best[product] = (similarity, other)
    order = sorted(best, key=lambda product: -best[product][0])
    if refill:
        return len(relevant.intersection([p for p in order if best[p][1] != tower][:num])) / len(relevant)
    return len(relevant.intersection([p for p in order[:num] if best[p][1] != tower])) / len(relevant)


def one_user(*towers: list[int], relevant: list[int], dead: int | None = None) -> Evaluation:
    """One user, the towers' lists of 50 among 400 items, and the items that the user wants.

    A list's similarities fall from 0.9, those of the dead tower from −0.5; of an item in several lists, now one tower
    is a little nearer and now another.
    """
    scores = [
        [
            (-0.5 if tower == dead else 0.9) - place / 100 + 0.002 * ((item + tower) % len(towers) == 0)
            for place, item in enumerate(items)
        ]
        for tower, items in enumerate(towers)
    ]
    lists = TowerLists(items=np.array([towers]), scores=np.array([scores], dtype=np.float32))
    cases = Cases(
        users=np.array([0]),
        cuts=np.array([1]),
        batch=batch_of([[0]], num_items=400),
        relevant=np.array(relevant),
        offsets=np.array([0, len(relevant)]),
        num_items=400,
    )
    users = Users(vectors=torch.eye(len(towers))[None], mask=torch.ones(1, len(towers), dtype=torch.bool))
    ranking = merge(lists, 50)
    return Evaluation(cases=cases, users=users, lists=lists, ranking=ranking, hits=find_hits(ranking.items, cases))


def block(number: int) -> list[int]:
    return list(range(50 * number, 50 * (number + 1)))


WANTED = [item for number in range(4) for item in block(number)[:12]]
TEAMS = {
    "A": one_user(block(0), block(1), block(0), block(1), relevant=WANTED),
    "B": one_user(block(0), block(1), block(2), block(3), relevant=WANTED),
    "C": one_user(block(0), block(0), block(0), block(0), relevant=WANTED),
    "D": one_user(block(0), block(1), block(2), block(7), relevant=WANTED, dead=3),
}
DIAGNOSIS = {"A": "redundant", "B": "specialists", "C": "copies", "D": "dead tower"}
# merged, tower 1 brings its first 25, of which 20 are wanted, and tower 2 its own first 25, of which 5 are; without
# tower 1, the list of tower 2 goes on, and holds 10 of tower 1's 20 hits further down
STRONG = one_user(block(0), [*block(1)[:40], *block(0)[:10]], relevant=[*block(0)[:20], *block(1)[:5]])
MORE = {"made_up": (STRONG,), "diagnosis": (TEAMS,)}


RIGHT = {"count_parameters": counted, "recall_left": left, "made_up": 0.5, "diagnosis": DIAGNOSIS}
ALSO_RIGHT = {
    "count_parameters": [
        lambda *sizes: float(counted(*sizes)),
        lambda *sizes: np.int64(counted(*sizes)),
        lambda *sizes: torch.tensor(counted(*sizes)),
        lambda n, d, steps, towers, shared=True: n * d * towers ** (not shared) + towers * steps * (steps * d + 1),
    ],
    "recall_left": [
        lambda *given: merged(*given, combine=max),
        lambda *given: np.float32(left(*given)),
        lambda *given: torch.tensor(left(*given), dtype=torch.float64),
    ],
    "made_up": [np.float64(0.5), 0.49, torch.tensor(0.51)],
    "diagnosis": [{name: f"{word.capitalize()} " for name, word in DIAGNOSIS.items()}],
}
WRONG = {
    "count_parameters": {
        "a stub": (lambda *sizes: ..., "Not written yet"),
        "no bias": (lambda *sizes: counted(*sizes, bias=False), "L biases"),
        "one item at a time": (lambda *sizes: counted(*sizes, inputs=lambda steps, dim: steps), "laid end to end"),
        "the padding row": (lambda *sizes: counted(*sizes, padding=1), "padding row"),
        "no table": (lambda *sizes: counted(*sizes, tables=lambda towers: 0), "table is missing"),
        "one tower": (lambda n, d, steps, towers, shared=True: counted(n, d, steps, 1), "four times the numbers"),
        "always K tables": (lambda *sizes: counted(*sizes, tables=lambda towers: towers), "multiplied the table by K"),
        "always one table": (lambda *sizes: counted(*sizes, tables=lambda towers: 1), "With shared=False"),
        "something else": (lambda n, d, steps, towers, shared=True: n * d * steps * towers, "a table of 20"),
        "text": (lambda *sizes: str(counted(*sizes)), "should be one number"),
        "sizes fixed": (
            lambda n, d, steps, towers, shared=True: 20 * (1 if shared else towers) + 21 * towers,
            "each size stand where it should",
        ),
        "a default that is gone": (
            lambda n, d, steps, towers, shared: counted(n, d, steps, towers, shared),
            "TypeError",
        ),
        "K tables by default": (
            lambda n, d, steps, towers, shared=False: counted(n, d, steps, towers, shared),
            "shared=True as the default",
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
        "a best that starts at 0": (lambda *given: merged(*given, combine=max, start=0.0), "must not start at 0"),
        "the sum": (lambda *given: merged(*given, combine=lambda known, other: known + other), "not the sum"),
        "the last": (lambda *given: merged(*given, combine=lambda known, other: other), "the last one"),
        "the worst": (lambda *given: merged(*given, combine=min), "keeps its best similarity"),
        "text": (lambda *given: "1/2", "should be one number"),
    },
    "made_up": {
        "a stub": (None, "Not written yet"),
        "what is lost instead": (0.3, "Add up the other bars"),
        "divided by all hits": (0.4, "Divide by those of the strongest tower"),
        "the hits themselves": (10, "It is a fraction"),
        "the credit": (0.8, "That is its credit"),
        "of the whole recall": (0.6, "Compare bars, not recalls"),
        "text": ("half", "should be one number"),
    },
    "diagnosis": {
        "a stub": (dict.fromkeys("ABCD"), "Not written yet"),
        "redundant as copies": ({**DIAGNOSIS, "A": "copies"}, "is lost, but no more than"),
        "copies as redundant": ({**DIAGNOSIS, "C": "redundant"}, "even without towers"),
        "specialists as redundant": ({**DIAGNOSIS, "B": "redundant"}, "whichever tower goes"),
        "a dead tower overlooked": ({**DIAGNOSIS, "D": "specialists"}, "look at the bar of tower 4"),
        "one team": ({"A": "copies"}, "one word for each"),
        "another word": ({**DIAGNOSIS, "A": "good"}, "should be one of"),
    },
}
