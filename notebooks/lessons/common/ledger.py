"""Lesson 09: the ledger of claims: what each is tested on, and the rule of its verdict."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from mtmi_lite.lab.verdicts import holm

Results = dict[str, Any]
"""The tables of `notebooks/results` by the name of their file, and the paper's tables as "table3" and "table4"."""
Row = dict[str, Any]
Interval = Sequence[float]
LOGS = {
    "movielens": "MovieLens",
    "online-retail": "Online Retail",
    "amazon-books-sample": "Books sample",
    "gowalla-sample": "Gowalla sample",
    "retailrocket-sessions": "Retail sessions",
    "planted-200-4": "planted world",
}
MEASURES = {"all items": "recall_50", "new items only": "new_50", "its mean as one vector": "ours as one vector"}
UNTESTED, UNTESTABLE = "not tested yet", "not testable here"
RULES = {
    "better": "reproduced if all are better, partly if some are and at most as many worse",
    "all": "reproduced if all are better, and never partly",
    "no worse": "reproduced if all are better or not worse, partly if some are and at most as many worse",
    "unbeaten": "reproduced if all are better or not worse, partly if none is worse",
    "not yet": "reproduced if none is better, partly if not all are",
    "–": "none, because nothing here tests it",
}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One difference of a test, ours − theirs, with its 95% interval and Holm's p.

    >>> Piece(log="movielens", what="A over B", difference=0.01, low=0.004, high=0.016, p=0.002).says()
    'better'
    """

    log: str
    what: str
    difference: float
    low: float
    high: float
    p: float

    def says(self, level: float = 0.05, margin: float = 0.005) -> str:
        """The verdict on this difference alone; the margin is in its own unit."""
        if self.p < level and self.difference:
            return "better" if self.difference > 0 else "worse"
        return "not worse" if self.low > -margin else "undecided"


def conclude(rule: str, says: Sequence[str]) -> str:
    """A claim's verdict by one of the `RULES`, from what its differences say.

    >>> conclude("better", ["better", "undecided"]), conclude("not yet", ["worse", "undecided"])
    ('partly', 'reproduced')
    """
    if rule == "–" or not says:
        return UNTESTABLE if rule == "–" else UNTESTED
    better, worse = says.count("better"), says.count("worse")
    fine, every = better + says.count("not worse"), len(says)
    whole, part = {
        "better": (better == every, 0 < better >= worse),
        "all": (better == every, False),
        "no worse": (fine == every, 0 < fine >= worse),
        "unbeaten": (fine == every, worse == 0),
        "not yet": (better == 0, better < every),
    }[rule]
    return "reproduced" if whole else "partly" if part else "not reproduced"


def read_results(folder: Path | str = "results") -> Results:
    """The tables that are there: differences, a grid's finals, the judgement of a version; and the paper's own."""
    found: Results = {}
    for path in sorted(Path(folder).glob("*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        if {"differences", "finals", "judged"} & set(table):
            found[path.stem] = table
    for name in ("table3", "table4"):
        columns, *rows = read_rows(folder, name)
        found[name] = {(row[0], m, row[1]): float(v) for row in rows for m, v in zip(columns[2:], row[2:], strict=True)}
    return found


def read_rows(folder: Path | str, name: str) -> list[list[str]]:
    """The rows of one of the files of `paper`, the names of its columns first."""
    with (Path(folder) / "paper" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def tables(results: Results, kind: str) -> dict[str, Any]:
    """The tables of one kind ("arms", "models" or "version") by log, in the order of `LOGS`."""
    by_log = {log: results.get(f"{kind}_{log}") for log in LOGS}
    by_log = results.get("version", {}).get("judged", {}) if kind == "version" else by_log
    return {log: by_log[log] for log in LOGS if by_log.get(log)}


# --- what the claims are tested on ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim, as `paper/claims.csv` has it.

    Args:
        part, name, claim, where: its part of the ledger, its short name, what it says in our words, where it stands.
        rule, test: the keys of `RULES` and `TESTS`.
        kinds: of the tables that it is tested on.
        models: the pairs (ours, theirs), or single models, that are compared there.
    """

    part: str
    name: str
    claim: str
    where: str
    rule: str
    test: str
    kinds: tuple[str, ...]
    models: tuple[tuple[str, ...], ...]

    def pieces(self, results: Results, measure: str = "all items", logs: Sequence[str] = ()) -> list[Piece]:
        """The differences of its test, on these logs or on all; the paper's own data sets are always among them."""
        found = [] if self.test not in TESTS else TESTS[self.test](results, self, measure)
        return [piece for piece in found if not logs or piece.log in logs or piece.log not in LOGS]

    def verdict(self, pieces: Sequence[Piece], level: float = 0.05, margin: float = 0.005) -> str:
        """The verdict on all these differences together."""
        return conclude(self.rule, [piece.says(level, margin) for piece in pieces])


def read_claims(folder: Path | str = "results") -> dict[str, Claim]:
    """The ledger's claims by name, in order."""
    columns, *rows = read_rows(folder, "claims")
    found = {}
    for row in rows:
        text = dict(zip(columns, row, strict=True))
        models = tuple(tuple(one.strip().split(" > ")) for one in text.pop("models").split(";") if one)
        found[text["name"]] = Claim(kinds=tuple(text.pop("tables").split()), models=models, **text)
    return found


def minus(a: Interval, b: Interval) -> Interval:
    """The difference of two means with their intervals, as if these were independent.

    >>> minus([5, 2, 8], [1, -3, 5])
    [4, -1.0, 9.0]
    """
    half = math.hypot(a[2] - a[1], b[2] - b[1]) / 2
    return [a[0] - b[0], a[0] - b[0] - half, a[0] - b[0] + half]


def negative(a: Interval) -> Interval:
    """An interval, turned round 0."""
    return [-a[0], -a[2], -a[1]]


def over_runs(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """The mean difference of a value over runs, with its interval by Student's t.

    >>> [round(value, 2) for value in over_runs([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])]
    [2.0, -0.48, 4.48]
    """
    values = np.subtract(ours, theirs)
    half = float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))
    return [float(values.mean()), float(values.mean()) - half, float(values.mean()) + half]


def _piece(log: str, what: str, interval: Interval, p: float) -> Piece:
    return Piece(log=log, what=what, difference=interval[0], low=interval[1], high=interval[2], p=p)


def with_p(rows: Iterable[tuple[str, str, Interval]]) -> list[Piece]:
    """Differences whose p is that of a normal error of the interval's width, with Holm's correction over them."""
    every = list(rows)
    raw = [math.erfc(abs(mean) / max((high - low) / 3.92, 1e-9) / math.sqrt(2)) for *_, (mean, low, high) in every]
    return [_piece(*row, p) for row, p in zip(every, holm(raw), strict=True)]


def stored(results: Results, claim: Claim, measure: str) -> list[Piece]:
    """The differences of a claim's pairs as the tables hold them; all of a table's, where no pair is named."""
    found: list[tuple[str, str, Interval]] = []
    holm: list[float] = []
    for kind in claim.kinds:
        for log, table in tables(results, kind).items():
            for row in table["differences"]:
                if not claim.models or (row["ours"], row["theirs"]) in claim.models:
                    one, what = row[MEASURES[measure]], f"{row['ours']} over {row['theirs']}"
                    if claim.test == "under":
                        one, what = negative(one), f"{row['theirs']} over {row['ours']}"
                    if claim.test == "lists over blend":
                        one, what = minus(row["recall_50"], row["ours as one vector"]), row["ours"]
                    found.append((log, what, one))
                    holm.append(row["holm"])
    if measure != "all items" or claim.test == "lists over blend":
        return with_p(found)
    return [_piece(*one, p) for one, p in zip(found, holm, strict=True)]


def _lost(row: Row) -> list[float]:
    pairs = zip(row["recall_50 by run"], row["recall_50 without each"], strict=True)
    return [whole - max(without) for whole, without in pairs]


def _thousands(row: Row) -> list[float]:
    return [step / 1000 for step in row["best_step"]]


ROWS: dict[str, Callable[..., Interval]] = {
    "served over label": lambda a: negative(a["gap"]),
    "label over served": lambda a: a["gap"],
    "smaller gap": lambda a, b: minus(b["gap"], a["gap"]),
    "lower cosine": lambda a, b: over_runs(b["cosine"], a["cosine"]),
    "more lost without one": lambda a, b: over_runs(_lost(a), _lost(b)),
    "earlier best step": lambda a, b: over_runs(_thousands(b), _thousands(a)),
}
"""Tests that read a value of a model, or of two: the last three run by run."""


def from_rows(results: Results, claim: Claim, _: str) -> list[Piece]:
    """An interval made from the rows of a claim's models in each table."""
    return with_p(
        (log, " against ".join(names), ROWS[claim.test](*(table["models"][name] for name in names)))
        for log, table in tables(results, claim.kinds[0]).items()
        for names in claim.models
        if set(names) <= set(table["models"])
    )


def against_finals(results: Results, claim: Claim, _: str) -> list[Piece]:
    """A setting (K, α, β) of the grid against each other one of its finals that has several towers."""
    finals = results.get("grid_movielens", {}).get("finals", [])
    rows: dict[tuple[float, ...], Interval] = {
        (row["K"], row["alpha"], row["beta"]): row["over one tower"] for row in finals if row["K"] > 1
    }
    ours = tuple(float(value) for value in claim.models[0])
    others = [other for other in rows if other != ours]
    words = "over K = {:g}, α = {:g}, β = {:g}"
    return with_p(("movielens", words.format(*other), minus(rows[ours], rows[other])) for other in others)


def apart_by_beta(results: Results, claim: Claim, _: str) -> list[Piece]:
    """For each β of the grid, how far the cosine lies below that at β = 0, over all pairs of K and α."""
    rows = [row for row in results.get("grid_movielens", {}).get("grid", []) if row["K"] > 1]
    at: dict[float, list[float]] = {}
    for row in sorted(rows, key=lambda row: (row["K"], row["alpha"])):
        at.setdefault(row["beta"], []).append(float(np.mean(row["cosine"])))
    betas = [beta for beta in sorted(at) if beta]
    return with_p(("movielens", f"β = {beta:g}", over_runs(at[0.0], at[beta])) for beta in betas)


def printed(results: Results, claim: Claim, _: str) -> list[Piece]:
    """The printed cells of a claim's models, less those of their rivals; they come without an interval."""
    return [
        _piece(log, " over ".join(pair), [round(cells[log, pair[0], metric] - value, 4)] * 3, 0.0)
        for pair in claim.models
        for cells in (results[kind] for kind in claim.kinds)
        for (log, model, metric), value in cells.items()
        if model == pair[1]
    ]


def tied(results: Results, claim: Claim, _: str) -> list[Piece]:
    """Differences in the printed tables that no evaluation can make negative: HR@50 − HR@20, and HR − R of a list."""
    return [
        _piece(log, f"{model}: {more} − {less}", [round(cells[log, model, more] - cells[log, model, less], 4)] * 3, 0.0)
        for cells in (results[kind] for kind in claim.kinds)
        for log, model in dict.fromkeys(key[:2] for key in cells)
        for more, less in (("HR@50", "HR@20"), ("HR@20", "R@20"), ("HR@50", "R@50"))
    ]


TESTS = dict.fromkeys(("over", "under", "lists over blend"), stored) | dict.fromkeys(ROWS, from_rows)
TESTS |= {"setting": against_finals, "cosine by β": apart_by_beta, "cells": printed, "possible": tied}
