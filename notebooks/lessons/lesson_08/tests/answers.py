"""Lesson 08: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import json
from typing import Any

import numpy as np

from lessons.lesson_08.pictures import Report, word
from mtmi_lite.metrics import paired_interval
from tools.notebooks import NOTEBOOKS

BANDS = {
    "above_one_tower": (0, 5, "the intervals are not those of the leads: ends taken the wrong way round give 69"),
    "best_of_strong_repel": (-1.0, 0.0, "some β ≥ 10 is of use after all, and the prose says that none is"),
    "seed_spread": (0.002, 0.06, "the seed does nothing (0), or the trainings broke"),
    "kept": (1.0, 1.0, "a kept cell was trained again (0)"),
    "apart_cosine": (0.25, 0.6, "the repel does nothing (0.99), or pushes far too much (β = 10: 0.20)"),
    "apart_over_copies": (-0.02, 0.06, "the repel costs recall where it should not (β = 10: −0.06)"),
    "loaded": (1.0, 1.0, "a run that is read back recommends something else (0)"),
    "ruined_50": (0.02, 0.12, "β is ignored (0.20)"),
    "equal_cost": (-0.05, 0.01, "K = 8 had as many steps as K = 4 (+0.03)"),
    "equal_steps": (0.012, 0.06, "K = 8 had half the steps (−0.01)"),
}

TABLE = json.loads((NOTEBOOKS / "results" / "grid_movielens.json").read_text(encoding="utf-8"))


def row_of(part: str, setting: tuple[int, float, float]) -> dict[str, Any]:
    [row] = [row for row in TABLE[part] if (row["K"], row["alpha"], row["beta"]) == setting]
    return row


SEVERAL = [row for row in TABLE["grid"] if row["K"] > 1]
BEST, BEST_BY_TEST = (max(SEVERAL, key=lambda row: row[name]) for name in ("validation", "recall_50"))
CHOSEN = {name: BEST[name] for name in ("K", "alpha", "beta")}
FINAL = row_of("finals", (BEST["K"], BEST["alpha"], BEST["beta"]))


def choice(row: dict[str, Any], recall: float) -> dict[str, Any]:
    return {"K": row["K"], "alpha": row["alpha"], "beta": row["beta"], "recall_50": recall}


def trial(beta: float) -> Report:
    """Four towers that part at β = 1, may cost recall at 2, do so from 5 on, and are ruined at 1000, for 400 users."""
    users = np.arange(400)
    lost = {2.0: 0.005, 5.0: 0.05, 1000.0: 0.2}.get(beta, 0.0)
    cosine = {0.0: 0.99, 0.3: 0.95}.get(beta, 0.3)
    shares = np.array([0.97, 0.01, 0.01, 0.01]) if beta == 7 else np.full(4, 0.25)
    recall = 0.3 + 0.1 * np.cos(users) + 0.08 * np.sin(users * (1 + beta)) - lost
    return Report(users=users, recall=recall, as_one=recall, cosine=cosine, shares=shares, without=recall[:4])


def runs_of(mean: float) -> list[dict[str, np.ndarray]]:
    """Three seeds of a setting on 300 users: what is easy for a user is so from every seed, and differs by setting."""
    users = np.arange(300)
    own = 0.3 * np.cos(users) + 0.1 * np.sin(1000 * mean * users)
    every = [own + 0.06 * np.sin(users * (seed + 2) * (1 + mean)) for seed in range(3)]
    return [
        {"recall_50": values - values.mean() + mean + 0.012 * seed * (mean > 0.2)} for seed, values in enumerate(every)
    ]


RESULTS = {"K = 4": runs_of(0.21), "K = 8, half the steps": runs_of(0.15), "K = 8": runs_of(0.25)}
EIGHT, FULL, FOUR = (
    np.array([one["recall_50"] for one in RESULTS[name]]) for name in ("K = 8, half the steps", "K = 8", "K = 4")
)


def told(ours: np.ndarray, theirs: np.ndarray, said: str | None = None) -> dict[str, Any]:
    interval = paired_interval(ours, theirs, seed=3)
    return dict(zip(("difference", "low", "high"), interval, strict=True), word=said or word(interval))


def unpaired(ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    draw = np.random.default_rng(0)
    means = [draw.choice(ours, len(ours)).mean() - draw.choice(theirs, len(theirs)).mean() for _ in range(2000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return dict(difference=ours.mean() - theirs.mean(), low=low, high=high, word="undecided")


RIGHT = {"honest": choice(BEST, FINAL["recall_50"]), "part": 1.0, "decide": told(EIGHT.mean(0), FOUR.mean(0))}
WRONG = {
    "honest": {
        "a stub": (None, "Not written yet"),
        "chosen by the test users": (choice(BEST_BY_TEST, BEST_BY_TEST["recall_50"]), "If they choose"),
        "the paper's peak": (choice(row_of("grid", (4, 2.0, 1000.0)), 0.066), "that the paper names"),
        "the paper's defaults": ({"K": 8, "alpha": 5.5, "beta": 6.0, "recall_50": 0.22}, "not in the grid"),
        "a low cosine": (choice(row_of("grid", (2, 4.0, 10.0)), 0.1), "A low cosine"),
        "a neighbour": (choice(row_of("grid", (8, 4.0, 0.1)), 0.3), "another one has"),
        "one tower": ({"K": 1, "alpha": 2.0, "beta": 0.0, "recall_50": 0.33}, "compared with"),
        "the recall of those who chose": (choice(BEST, BEST["validation"]), "winner's curse"),
        "two folds": (choice(BEST, BEST["recall_50"]), "only those of two folds"),
        "the finals' validation": (choice(BEST, FINAL["validation"]), "their validation users"),
        "its lead": (choice(BEST, FINAL["over one tower"][0]), "its lead"),
        "a setting alone": (CHOSEN, "Give a dictionary"),
    },
    "part": {
        "a stub": (None, "Not written yet"),
        "copies": (0.3, "still nearly copies"),
        "no repel": (0.0, "what you compare with"),
        "undecided": (2.0, "A mean alone"),
        "too much": (5.0, "it costs"),
        "ruined": (1000.0, "point nowhere useful"),
        "dead towers": (7.0, "dead towers"),
        "negative": (-1.0, "pull the towers together"),
        "a state": ({"beta": 1.0}, "Give one number"),
    },
    "decide": {
        "a stub": (None, "Not written yet"),
        "one seed": (told(EIGHT[0], FOUR[0]), "one seed"),
        "as many steps": (told(FULL.mean(0), FOUR.mean(0)), "twice the vectors"),
        "turned round": (told(FOUR.mean(0), EIGHT.mean(0)), "turned round"),
        "three seeds as three users": (told(EIGHT.ravel(), FOUR.ravel()), "not three users"),
        "not paired": (unpaired(EIGHT.mean(0), FOUR.mean(0)), "Pair the users"),
        "no interval": (dict(difference=-0.05, low=-0.05, high=-0.05, word="worse"), "decides nothing"),
        "the wrong word": (told(EIGHT.mean(0), FOUR.mean(0), "undecided"), "Read the rule again"),
        "another word": (told(EIGHT.mean(0), FOUR.mean(0), "significant"), "The word is one of"),
        "arrays": (dict(difference=EIGHT.mean(0), low=0.0, high=0.0, word="worse"), "one number each"),
    },
}
MORE = {"honest": (TABLE,), "part": (trial,), "decide": (RESULTS,)}
