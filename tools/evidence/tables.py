"""Cells into tables, and the command that makes them: see the package."""

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from jaxtyping import Float
from tqdm.auto import tqdm

from lessons.common.maps import Portrait, load_grid, portray, save_grid
from mtmi_lite.data.datasets import LOGS, oracle_ranking
from mtmi_lite.interactions import evaluation_cases, split_users
from mtmi_lite.lab.cells import Cell, Measured, name_of, open_log, run_cells
from mtmi_lite.lab.recipes import ALPHAS, BETAS, KS, POPULAR, WORLDS, Baseline, Recipe, place_of, provenance, recipe_at
from mtmi_lite.lab.verdicts import holm
from mtmi_lite.metrics import find_hits, paired_interval, recall
from tools.evidence.models import Runner, judge_log, write_table
from tools.evidence.plan import (
    ARM_PAIRS,
    ARM_SETTINGS,
    BASE,
    BASES,
    CHANGES,
    CHECKED,
    EQUAL,
    GRID_ALPHAS,
    GRID_BETAS,
    GRID_FINALS,
    GRID_RUNS,
    GRID_TOWERS,
    JUDGES,
    MODEL_PAIRS,
    MODEL_SETTINGS,
    NEAR,
    PAPERS_OWN,
    PROTOCOLS,
    RIVALS,
    SEARCH,
    WIN,
    equal_towers,
    triplets,
)

Array = np.ndarray
Difference = dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A model on the test users of a log.

    Args:
        recipe: what was chosen.
        runs: what each run measured.
        tuning: the seconds of all trainings that chose it.
    """

    recipe: Recipe | Baseline
    runs: list[Measured]
    tuning: float

    def per_user(self, measure: str = "recall_50", users: str = "users") -> tuple[Array, Float[Array, " user"]]:
        """The users in rising order, and a measure of each, the mean over the runs that tested it."""
        every = np.concatenate([run[users] for run in self.runs])
        values = np.concatenate([run[measure] for run in self.runs]).astype(float)
        distinct, place, times = np.unique(every, return_inverse=True, return_counts=True)
        return distinct, np.bincount(place, values) / times


def tune_and_test(log: str, settings: dict[str, list[Recipe]], run: Runner) -> dict[str, Outcome]:
    """Choose each model's settings by the validation users of fold 0, and test it there and on the other folds."""
    name = name_of(log)
    protocol = PROTOCOLS[name]
    every = {model: [replace(r, dim=protocol.dim) for r in recipes] for model, recipes in settings.items()}

    def cell(recipe: Recipe, steps: int, fold: int = 0, seed: int = 0, tested: bool = True) -> Cell:
        return Cell(log=log, recipe=recipe, steps=steps, fold=fold, seed=seed, tested=tested)

    tried = {m: [cell(r, protocol.short, tested=False) for r in recipes] for m, recipes in every.items()}
    seen = run([c for cells in tried.values() for c in cells], f"{name}: all settings")
    best = {m: sorted(cells, key=lambda c: -seen[c]["validation"])[:2] for m, cells in tried.items()}
    full = {m: [replace(c, steps=protocol.steps, tested=True) for c in cells] for m, cells in best.items()}
    seen |= run([c for cells in full.values() for c in cells], f"{name}: the best two")
    chosen = {m: max(cells, key=lambda c: float(seen[c]["validation"])).recipe for m, cells in full.items()}
    tuning = {m: sum(float(seen[c]["seconds"]) for c in tried[m] + full[m]) for m in chosen}
    return measure_all(log, {POPULAR: Baseline(), **chosen}, run, tuning=tuning)


def measure_all(
    log: str, recipes: Mapping[str, Recipe | Baseline], run: Runner, *, tuning: Mapping[str, float] | None = None
) -> dict[str, Outcome]:
    """Each recipe in every run of the log's protocol."""
    protocol = PROTOCOLS[name_of(log)]
    cells = {
        name: [Cell(log=log, recipe=recipe, steps=protocol.steps, fold=f, seed=s) for f, s in protocol.runs]
        for name, recipe in recipes.items()
    }
    seen = run([c for some in cells.values() for c in some], f"{name_of(log)}: test")
    return {
        name: Outcome(recipe=recipes[name], runs=[seen[c] for c in some], tuning=(tuning or {}).get(name, 0.0))
        for name, some in cells.items()
    }


def row_of(tested: Outcome) -> dict[str, Any]:
    """A model's row in a table: means over users, its controls, its cost, and what was chosen."""
    runs, recipe = tested.runs, tested.recipe
    measures = [f"{name}_{num}" for name in ("recall", "hit_rate", "ndcg") for num in (20, 50)]
    row: dict[str, Any] = {m: round(float(tested.per_user(m)[1].mean()), 4) for m in measures}
    row["recall_50 by run"] = [round(float(run["recall_50"].mean()), 4) for run in runs]
    row["new_50"] = round(float(np.nanmean(tested.per_user("new_50")[1])), 4)
    row["old_in_50"] = round(float(tested.per_user("old_in_50")[1].mean()), 2)
    if "basket_users" in runs[0]:
        row["basket_recall_50"] = round(float(tested.per_user("basket_recall_50", "basket_users")[1].mean()), 4)
    if "found" in runs[0]:
        row["found"] = round(float(tested.per_user("found")[1].mean()), 4)
    if isinstance(recipe, Baseline):
        return row
    if recipe.num_towers > 1:
        row["mean_50"] = round(float(tested.per_user("mean_50")[1].mean()), 4)
        row["cosine"] = [round(float(np.nanmean(run["cosine"])), 3) for run in runs]
        row["overlap"] = [round(float(np.nanmedian(run["overlap"])), 3) for run in runs]
        row["shares of the hits"] = [run["shares"].round(3).tolist() for run in runs]
        row["recall_50 without each"] = [run["without"].round(4).tolist() for run in runs]
        if "label_50" in runs[0]:
            gaps = np.concatenate([run["label_50"] - run["served_50"] for run in runs])
            row["gap"] = [round(value, 4) for value in paired_interval(gaps, np.zeros_like(gaps), seed=0)]
    row["chosen"] = recipe.describe()
    row["best_step"] = [int(run["best_step"]) for run in runs]
    row["vectors"] = recipe.num_towers
    row["parameters"] = int(runs[0]["parameters"])
    row["seconds"] = round(float(min(run["seconds"] for run in runs)), 1)
    row["tuning_seconds"] = round(tested.tuning, 1)
    return row


def paired_p(difference: Float[Array, " user"], *, draws: int = 10_000, seed: int = 0) -> float:
    """How often a bootstrap mean lies as far from the mean as 0 does: a two-sided p, at least 1 / draws.

    >>> paired_p(np.ones(5)), paired_p(np.array([1.0, -1.0]))
    (0.0001, 1.0)
    """
    generator, size = np.random.default_rng(seed), len(difference)
    centred, mean = difference - difference.mean(), abs(difference.mean())
    at_once = max(1, 1_000_000 // size)
    far = sum(
        int((np.abs(centred[generator.integers(size, size=(n, size))].mean(axis=1)) >= mean - 1e-15).sum())
        for n in (min(at_once, draws - start) for start in range(0, draws, at_once))
    )
    return max(far, 1) / draws


def verdict_of(interval: Sequence[float], p: float) -> str:
    """The verdict on a difference: "better" or "worse" at p < .05, otherwise "not worse" above −0.005, or "undecided".

    >>> verdict_of([0.01, 0.004, 0.016], 0.001), verdict_of([0.001, -0.004, 0.006], 0.6)
    ('better', 'not worse')
    """
    if p < 0.05:
        return "better" if interval[0] > 0 else "worse"
    return "not worse" if interval[1] > -0.005 else "undecided"


def differences(found: dict[str, Outcome], pairs: Iterable[tuple[str, str]]) -> list[Difference]:
    """The differences in recall@50 of a table, with Holm's correction over all of them, and the controls of each."""
    rows: list[Difference] = []
    for ours, theirs in pairs:
        a, b = found[ours], found[theirs]
        difference = a.per_user()[1] - b.per_user()[1]
        row: Difference = {"ours": ours, "theirs": theirs, "recall_50": _interval(difference)}
        row["p"] = paired_p(difference)
        row["new_50"] = _interval(a.per_user("new_50")[1] - b.per_user("new_50")[1])
        row["ours as one vector"] = _interval(a.per_user("mean_50")[1] - b.per_user()[1])
        if "basket_users" in a.runs[0]:
            ours_there, theirs_there = (m.per_user("basket_recall_50", "basket_users")[1] for m in (a, b))
            row["basket_recall_50"] = _interval(ours_there - theirs_there)
        rows.append(row)
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row |= {"holm": corrected, "verdict": verdict_of(row["recall_50"], corrected)}
    return rows


def _interval(difference: Float[Array, " user"]) -> list[float]:
    difference = difference[~np.isnan(difference)]
    return [round(value, 4) for value in paired_interval(difference, np.zeros_like(difference), seed=0)]


def table_of(what: str, log: str, run: Runner) -> dict[str, Any]:
    """Every model, or every arm, tuned and tested on a log: rows, and differences."""
    settings, pairs = (MODEL_SETTINGS, MODEL_PAIRS) if what == "models" else (ARM_SETTINGS, ARM_PAIRS)
    found = tune_and_test(log, settings, run)
    if what == "models":
        own = {f"{name}, equal towers": equal_towers(found[name].recipe) for name in EQUAL}  # type: ignore[arg-type]
        found |= measure_all(log, own, run)
        pairs = [*pairs, *zip(EQUAL, own, strict=True)]
    table: dict[str, Any] = {
        "users": len(found[POPULAR].per_user()[0]),
        "models": {name: row_of(tested) for name, tested in found.items()},
        "differences": differences(found, pairs),
    }
    world = open_log(log)[1]
    if world is not None:
        tested = [
            evaluation_cases(world.log, split_users(world.log, seed=0, fold=f).test)
            for f, _ in PROTOCOLS[name_of(log)].runs
        ]
        best = [recall(find_hits(oracle_ranking(world, c.users, 50), c), c.num_relevant) for c in tested]
        table["oracle, recall_50"] = round(float(np.concatenate(best).mean()), 4)
    return table


def grid_table(log: str, run: Runner) -> dict[str, Any]:
    """Fig. 5: the paper's loss over K, α and β on two folds, then its six best and the paper's two on eight.

    A single tower has no β, and its α weighs its samples. γ is 0.2 throughout.
    """
    steps = PROTOCOLS[name_of(log)].steps
    single = [(1, alpha, 0.0) for alpha in GRID_ALPHAS]
    every = [*single, *itertools.product(GRID_TOWERS, GRID_ALPHAS, GRID_BETAS)]

    def cells_of(setting: tuple[int, float, float], runs: Sequence[tuple[int, int]]) -> list[Cell]:
        (objective,) = triplets([(setting[1], setting[2], 0.2)])
        recipe = Recipe(num_towers=setting[0], objective=objective)
        return [Cell(log=log, recipe=recipe, steps=steps, fold=f, seed=s) for f, s in runs]

    def tested(setting: tuple[int, float, float], runs: Sequence[tuple[int, int]]) -> Outcome:
        cells = cells_of(setting, runs)
        return Outcome(recipe=cells[0].recipe, runs=[seen[cell] for cell in cells], tuning=0.0)

    seen = run([c for setting in every for c in cells_of(setting, GRID_RUNS)], "grid")
    valid = {s: float(np.mean([seen[c]["validation"] for c in cells_of(s, GRID_RUNS)])) for s in every}
    one = max(single, key=lambda s: valid[s])
    best = sorted(every[len(single) :], key=lambda s: -valid[s])[:6]
    finals = [one, *dict.fromkeys([*best, *PAPERS_OWN])]
    seen |= run([c for setting in finals for c in cells_of(setting, GRID_FINALS)], "grid, finals")

    def rows(settings: Sequence[tuple[int, float, float]], runs: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        base = tested(one, runs).per_user()[1]
        found = []
        for k, alpha, beta in settings:
            model = tested((k, alpha, beta), runs)
            row = {"K": k, "alpha": alpha, "beta": beta, **row_of(model)}
            row["validation"] = round(float(np.mean([r["validation"] for r in model.runs])), 4)
            row["over one tower"] = _interval(model.per_user()[1] - base)
            row["p"] = paired_p(model.per_user()[1] - base)
            found.append(row)
        for row, corrected in zip(found, holm([row["p"] for row in found]), strict=True):
            row |= {"holm": corrected, "verdict": verdict_of(row["over one tower"], corrected)}
        return found

    left_out = "K = 6, β = 100 and α between those here are not in it"
    return {
        "one tower": {"K": 1, "alpha": one[1]},
        "grid": rows(every, GRID_RUNS),
        "finals": rows(finals, GRID_FINALS),
        "left out": left_out,
    }


def changed(recipe: Recipe, names: Iterable[str]) -> Recipe:
    """A recipe with some of the `CHANGES`."""
    for name in names:
        of_recipe, of_objective = CHANGES[name]
        recipe = replace(recipe, objective=replace(recipe.objective, **of_objective), **of_recipe)  # type: ignore[type-var]
    return recipe


def search_version(logs: dict[str, str], run: Runner) -> tuple[Recipe, dict[str, Any]]:
    """Try each change alone, then those that helped most together; the best on the mean of both logs is the version.

    Args:
        logs: the name or path of each log to choose on, by its name in a table.
    """

    def score(tries: list[tuple[str, ...]]) -> dict[tuple[str, ...], dict[str, float]]:
        cells = {
            (names, log): [
                Cell(
                    log=logs[log], recipe=changed(BASE, names), steps=PROTOCOLS[log].steps, fold=f, seed=s, tested=False
                )
                for f, s in runs
            ]
            for names in tries
            for log, runs in SEARCH.items()
        }
        seen = run([c for some in cells.values() for c in some], "a better version")
        return {
            names: {log: float(np.mean([seen[c]["validation"] for c in cells[names, log]])) for log in SEARCH}
            for names in tries
        }

    def mean(names: tuple[str, ...]) -> float:
        return float(np.mean(list(scores[names].values())))

    scores = score([(), *((name,) for name in CHANGES)])
    helped = sorted((name for name in CHANGES if mean((name,)) > mean(())), key=lambda name: -mean((name,)))[:3]
    together = [c for size in (2, 3) for c in itertools.combinations(helped, size) if _fit(c)]
    scores |= score(together)
    best = max(scores, key=mean)
    rows = {
        " + ".join(names) or "the base": {
            **{log: round(value, 4) for log, value in of_log.items()},
            "mean over the base": round(mean(names) - mean(()), 4),
        }
        for names, of_log in scores.items()
    }
    recipe = changed(BASE, best)
    return recipe, {"base": BASE.describe(), "tries": rows, "version": list(best), "chosen": recipe.describe()}


def _fit(names: Sequence[str]) -> bool:
    """Whether no two changes are of the same thing."""
    touched = [key for name in names for part in CHANGES[name] for key in part]
    return len(touched) == len(set(touched))


def judge(log: str, version: Recipe, run: Runner) -> dict[str, Any]:
    """The version on a log that it was not chosen on, beside each baseline at its best, and its controls."""
    name = "MTMI, the version"
    found = tune_and_test(log, MODEL_SETTINGS, run)
    own = {name: version, "one tower": replace(version, num_towers=1), "equal towers": equal_towers(version)}
    found |= measure_all(log, own, run)
    baselines = [POPULAR, *(n for n in MODEL_SETTINGS if n in {*BASES.values(), *RIVALS} and "pooling" not in n)]
    against = differences(found, [(name, theirs) for theirs in baselines])
    return {
        "users": len(found[name].per_user()[0]),
        "models": {n: row_of(tested) for n, tested in found.items()},
        "differences": against,
        "controls": differences(
            found, [(name, n) for n in ("one tower", "equal towers", *BASES, "One tower, attention pooling")]
        ),
        "wins": all(row["verdict"] == "better" for row in against),
    }


def describe_logs(logs: Iterable[str]) -> dict[str, Any]:
    """Table 2 for the logs at hand."""
    rows = {}
    for name in logs:
        log = open_log(name)[0]
        repeats = len(log) - len(np.unique(log.users * log.num_items + log.items))
        rows[name_of(name)] = {
            "users": log.num_users,
            "items": log.num_items,
            "interactions": len(log),
            "median length": float(np.median(log.lengths)),
            "repeats": round(repeats / len(log), 4),
        }
    return {"logs": rows}


def make_portrait(recipe: Recipe, path: Path, *, steps: int, seed: int = 0) -> Path:
    """Train a recipe and look at the validation users; kept as a grid of one portrait."""
    torch.set_num_threads(1)
    split = split_users(open_log("online-retail")[0], seed=seed)
    model = recipe.train(split, steps=steps, seed=seed, progress=False).model
    save_grid(path, {recipe: portray(model, evaluation_cases(split.log, split.validation))}, {})
    return path


def knobs_grid(folder: Path, *, jobs: int, steps: int = 1500) -> tuple[dict[Recipe, Portrait], dict[str, Any]]:
    """The grid that lesson 00 explores, on validation users, as one that chooses must; and what to say of it."""
    places = itertools.product(KS, ALPHAS, BETAS)
    every = list(dict.fromkeys(recipe_at(num_towers=k, alpha=a, beta=b) for k, a, b in places))
    checksum = open_log("online-retail")[0].checksum
    names = {recipe: "-".join(f"{value:g}" for value in place_of(recipe).values()) for recipe in every}
    paths = {recipe: folder / f"knobs-{name}-{steps}-{checksum}.npz" for recipe, name in names.items()}
    missing = [k for k in every if not paths[k].exists()]
    done = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(
        joblib.delayed(make_portrait)(k, paths[k], steps=steps) for k in missing
    )
    for _ in tqdm(done, total=len(missing), desc="knobs", unit="cell", disable=not missing):
        pass
    users = f"{len(split_users(open_log('online-retail')[0], seed=0).validation)} validation users of fold 0"
    return {k: load_grid(paths[k])[0][k] for k in every}, {"steps": steps, "seed": 0, "users": users}


def check(results: Path, cells: Path, jobs: int = 1) -> list[str]:
    """Make a part of the tables again; a line for each row, which starts with "no:" where it comes out differently."""
    wanted: dict[tuple[str, str], tuple[Cell, float]] = {}
    for name, model in CHECKED:
        table = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
        what, log = name.split("_", 1)
        protocol, row = PROTOCOLS[log], table["models"][model]
        settings = {"models": MODEL_SETTINGS, "arms": ARM_SETTINGS}[what].get(model, [])
        recipes = [r for r in (replace(r, dim=protocol.dim) for r in settings) if r.describe() == row.get("chosen")]
        fold, seed = protocol.runs[0]
        cell = Cell(log=log, recipe=recipes[0] if recipes else Baseline(), steps=protocol.steps, fold=fold, seed=seed)
        wanted[name, model] = cell, row["recall_50 by run"][0]
    found = run_cells([cell for cell, _ in wanted.values()], cells, jobs=jobs, desc="check")
    lines = []
    for (name, model), (cell, expected) in wanted.items():
        recall_50 = float(found[cell]["recall_50"].mean())
        verdict = "yes" if abs(recall_50 - expected) <= NEAR else "no"
        lines.append(f"{verdict}: {model} in {name}.json: recall@50 {recall_50:.4f}, in the table {expected:.4f}")
    return lines


ELSEWHERE = "a log of this table may not be distributed with the course; the checksum says which one it was"
WHAT = ("knobs", "logs", "models", "arms", "grid", "version", "all", "check", "judge")


def main() -> None:
    """Make tables under notebooks/results, from cells that are kept: stop it and call it again, and it goes on."""
    parser = argparse.ArgumentParser(prog="python -m tools.evidence", description=main.__doc__)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--log", nargs="+", default=["online-retail"], help="the course's logs by name, others by path")
    parser.add_argument("--jobs", type=int, default=1, help="how many trainings side by side")
    parser.add_argument("--dask", metavar="ADDRESS", help="train on the Dask cluster with this scheduler instead")
    parser.add_argument("--cells", type=Path, default=Path("build/cells"), help="the folder that keeps the cells")
    parser.add_argument("--results", type=Path, default=Path("notebooks/results"), help="the folder to write into")
    given = parser.parse_args()
    if given.what == "check":
        with tempfile.TemporaryDirectory() as folder:  # whatever is kept, is made again
            lines = check(given.results, Path(folder), given.jobs)
        print("\n".join(lines))
        raise SystemExit(any(line.startswith("no:") for line in lines))
    client = None
    if given.dask:
        from distributed import Client  # here: an optional package

        client = Client(given.dask)
    if given.what == "judge":
        for log in given.log:
            print(judge_log(log, Runner(cells=given.cells, jobs=given.jobs, client=client), given.results))
        return
    logs = {name_of(log): log for log in given.log}
    for name in logs:
        if name not in PROTOCOLS:
            raise SystemExit(f"--log: {name!r} has no protocol; it must be one of {', '.join(PROTOCOLS)}")

    def save(what: str, make: Any, names: Sequence[str]) -> None:
        run = Runner(cells=given.cells, jobs=given.jobs, client=client)
        table = make(run)
        words = " ".join(n if n in (*LOGS, *WORLDS) else Path(logs[n]).name for n in names)
        settings: dict[str, Any] = {"cpu_minutes": round(sum(run.seconds.values()) / 60, 1), "cells": len(run.seconds)}
        settings["runs"] = {n: [list(r) for r in PROTOCOLS[n].runs] for n in names}
        settings["steps"] = {n: PROTOCOLS[n].steps for n in names}
        if not set(names) <= {"online-retail", *WORLDS}:
            settings["note"] = ELSEWHERE
        data = {n: open_log(logs[n])[0].checksum for n in names}
        about = provenance(f"python -m tools.evidence {what} --log {words}", data, **settings)
        file = what if what in ("logs", "version") else f"{what}_{names[0]}"
        write_table(given.results / f"{file}.json", about, table)

    def make(what: str, names: Sequence[str]) -> None:
        if what == "knobs":
            grid, settings = knobs_grid(given.cells, jobs=given.jobs)
            data = {"online-retail": open_log("online-retail")[0].checksum}
            about = provenance("python -m tools.evidence knobs", data, **settings)
            save_grid(given.results / "00_grid.npz", grid, about)
        elif what == "logs":
            save(what, lambda run: describe_logs(logs[n] for n in names), names)
        elif what == "version":
            save(what, lambda run: version_table(logs, run), [*SEARCH, *JUDGES])
        elif what == "grid":
            for n in names:
                save(what, lambda run, n=n: grid_table(logs[n], run), [n])
        else:
            for n in names:
                save(what, lambda run, n=n: table_of(what, logs[n], run), [n])

    if given.what != "all":
        make(given.what, list(logs))
        return
    make("knobs", ["online-retail"])
    make("logs", list(logs))
    make("arms", [n for n in logs if n in ("movielens", "online-retail", "planted-200-4")])
    make("grid", [n for n in logs if n == "movielens"])
    make("models", [n for n in logs if n not in WORLDS])
    if {*SEARCH, *JUDGES} <= set(logs):
        make("version", list(logs))


def version_table(logs: dict[str, str], run: Runner) -> dict[str, Any]:
    """Choose the version, and judge it once."""
    version, search = search_version(logs, run)
    judged = {name: judge(logs[name], version, run) for name in JUDGES}
    return {"rule": WIN, **search, "judged": judged, "wins": all(table["wins"] for table in judged.values())}
