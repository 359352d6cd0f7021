"""Lesson 10: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import math

import numpy as np

BANDS = {
    "refusals": (5, 5, "the reader takes what it should refuse, or refuses what it should take"),
    "as_made": (1.0, 1.0, "a cure is missing: with a page twice or with returns it is another log (0)"),
    "recall_50": (0.21, 0.32, "training broke, or far too much repel (0.078); Most Popular has 0.13 to 0.155"),
    "gain_50": (-0.02, 0.065, "the towers are pushed apart until they find nothing (−0.18 at β = 1000)"),
    "popular_50": (0.11, 0.18, "the log or the cut changed; a list of chance finds 0.02"),
    "same": (1.0, 1.0, "workers share random numbers or threads (0)"),
    "found_1": (0.68, 0.84, "the items lost their groups (0.07), or more than one list is searched"),
    "found_64": (0.97, 0.997, "the items lost their groups (0.75), or all lists are searched (1.0)"),
    "found_8_bits": (0.945, 0.99, "the vectors are kept in four bits (0.74)"),
    "found_4_bits": (0.66, 0.8, "the vectors are kept in eight bits (0.97)"),
    "memory_8_bits": (0.3, 0.33, "nothing is compressed (1.06), or to four bits (0.19)"),
    "found_in_no_groups": (0.45, 0.65, "the items lie in groups after all (0.83)"),
    "time_64": (0.02, 0.35, "all lists are searched (1.4)"),
    "changed": (0.05, 0.13, "the guess is not made, or the right one (0)"),
}
GOOD = {
    "header": ["when", "what", "visitor", "product"],
    "user": "visitor",
    "item": "product",
    "time": "when",
    "only": ("what", "buy"),
    "newest_first": True,
}


def without(*names):
    return {name: value for name, value in GOOD.items() if name not in names}


def cores(users, towers, ms, busy):
    return math.ceil(users * towers * ms / 1000 / busy)


MEGABYTES = {"IVF": 136.0, "IVF, 8 bits": 40.0, "IVF, 4 bits": 24.0}
FOUND = {
    **{("IVF", probes): found for probes, found in {1: 0.7, 4: 0.92, 16: 0.99}.items()},
    **{("IVF, 8 bits", probes): found for probes, found in {1: 0.6, 4: 0.91, 16: 0.97}.items()},
    **{("IVF, 4 bits", probes): found for probes, found in {1: 0.5, 4: 0.7, 16: 0.72}.items()},
}


def compared(gain, low, mean):
    return {"recall_50": [gain, low, 2 * gain - low], "as one vector": [mean, mean - 0.01, mean + 0.01]}


EVIDENCE = [compared(0.03, 0.01, 0.01), compared(0.03, 0.01, 0.02), compared(0.02, 0.01, 0.012)]
EVIDENCE += [compared(0.02, -0.01, 0.0), compared(0.02, -0.01, 0.0), compared(-0.01, -0.02, -0.02)]
MORE = {"index": (MEGABYTES, FOUND), "serve": (EVIDENCE,)}
RIGHT = {
    "arguments": GOOD,
    "index": dict(kind="IVF, 8 bits", probes=4),
    "serving_cores": cores,
    "serve": 1,
    "design": "D",
}
ALSO_RIGHT = {
    "arguments": [GOOD | {"header": tuple(GOOD["header"])}],
    "index": [dict(kind="ivf, 8 bits ", probes=np.int64(4))],
    "serving_cores": [
        lambda *given: float(cores(*given)),
        lambda users, towers, ms, busy: -int(-users * towers * ms // (1000 * busy)),
        lambda *given: np.ceil(given[0] * given[1] * given[2] / 1000 / given[3]),
    ],
    "serve": [1.0, np.int64(1)],
    "design": [" d ", "D: four, 64 probes"],
}
WRONG = {
    "arguments": {
        "a stub": (None, "Not written yet"),
        "no dictionary": ("visitor", "a dictionary of arguments"),
        "an argument that is none": (GOOD | {"delimiter": ","}, "'delimiter' is no argument"),
        "no header": (without("header"), "takes the first line for names"),
        "a header of what is read": (GOOD | {"header": ["when", "visitor", "product"]}, "each of the four columns"),
        "a name that is not in the header": (GOOD | {"user": "user_id"}, "The reader says: shop.csv"),
        "the columns in another order": (
            GOOD | {"header": ["what", "when", "visitor", "product"]},
            "no line has 'buy' there",
        ),
        "user and item the wrong way round": (GOOD | {"user": "product", "item": "visitor"}, "the wrong way round"),
        "what was done as the user": (GOOD | {"user": "what"}, "neither the user nor the item"),
        "what was done as the item": (GOOD | {"item": "what"}, "neither the user nor the item"),
        "views too": (without("only"), "`only` keeps the lines"),
        "views only": (GOOD | {"only": ("what", "view")}, "These are the views"),
        "a value that is not there": (GOOD | {"only": ("what", "purchase")}, "no line has 'purchase'"),
        "the file's order": (without("newest_first"), "the mug came first"),
    },
    "index": {
        "a stub": (None, "Not written yet"),
        "a pair": (("IVF, 8 bits", 4), "Give dict(kind"),
        "a kind that is none": (dict(kind="HNSW", probes=4), "kind should be one of"),
        "probes that were not measured": (dict(kind="IVF", probes=3), "probes should be one of"),
        "too large": (dict(kind="IVF", probes=4), "you may use 50"),
        "too little found": (dict(kind="IVF, 8 bits", probes=1), "you need 90%"),
        "the smallest": (dict(kind="IVF, 4 bits", probes=16), "lost in the vectors"),
        "too many probes": (dict(kind="IVF, 8 bits", probes=16), "fewer are, too"),
    },
    "serve": {
        "a stub": (None, "Not written yet"),
        "a word": ("one", "should be one number"),
        "every sure gain": (3, "where the mean keeps half"),
        "every gain": (5, "Two conditions"),
        "more than there are": (9, "There are 6 comparisons"),
        "no gain to keep": (4, "whether or not there is a gain"),
        "none": (0, "Two conditions"),
    },
    "serving_cores": {
        "a stub": (lambda users, towers, ms, busy: ..., "Not written yet"),
        "parts of a core": (lambda users, towers, ms, busy: users * towers * ms / 1000 / busy, "a fraction of a core"),
        "rounded down": (lambda users, towers, ms, busy: int(users * towers * ms / 1000 / busy), "Round up"),
        "to the nearest": (lambda users, towers, ms, busy: round(users * towers * ms / 1000 / busy), "Round up"),
        "milliseconds as seconds": (
            lambda users, towers, ms, busy: math.ceil(users * towers * ms / busy),
            "A thousand times too many",
        ),
        "one vector": (lambda users, towers, ms, busy: cores(users, 1, ms, busy), "Each user asks K times"),
        "always busy": (lambda users, towers, ms, busy: cores(users, towers, ms, 1), "busy all the time"),
        "multiplied by busy": (lambda users, towers, ms, busy: cores(users, towers, ms, 1 / busy), "Divide by it"),
        "a fraction turned round": (
            lambda users, towers, ms, busy: math.ceil(1000 * busy / (users * towers * ms)),
            "turn the fraction round",
        ),
        "one core more": (
            lambda users, towers, ms, busy: users * towers * ms // (1000 * busy) + 1,
            "20 cores, so 20",
        ),
        "text": (lambda *given: str(cores(*given)), "should be one number"),
        "another thing": (lambda users, towers, ms, busy: cores(users, towers**2, ms, busy), "so 20; yours is 80"),
    },
    "design": {
        "a stub": (None, "Not written yet"),
        "the cheapest to make": ("A", "gains nothing"),
        "the exact one": ("B", "neither budget"),
        "the quickest search": ("C", "may be the whole gain"),
        "the cache": ("E", "the cheapest"),
        "the largest gain": ("F", "more than 60"),
        "a number": (4, "Give a letter"),
        "no design": ("G", "There is no design"),
    },
}
