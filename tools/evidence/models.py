"""The models on a log, by the plan of `models_plan.py`: each at its best, tested, compared, and whether MTMI wins."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mtmi_lite.files import save_text
from mtmi_lite.lab.cells import Cell, Measured, name_of, open_log, run_cells
from mtmi_lite.lab.recipes import POPULAR, Baseline, Recipe, provenance
from mtmi_lite.metrics import paired_interval
from tools.evidence.models_plan import (
    BASELINES,
    CONTROLS,
    ENTRANTS,
    FULL,
    JUDGES,
    MODELS,
    PATIENCE,
    PROTOCOLS,
    RETRIEVERS,
    RIVALS,
    SHORT,
    STEPS,
    UPGRADED,
    UPGRADED_ON,
    UPGRADES,
    WIDER,
    at_an_edge,
    lengths_to_try,
    settings_of,
    wider,
    wins,
)

Array = np.ndarray
ROOT = Path(__file__).parents[2]
MEASURES = ("recall_50", "ndcg_50", "new_50", "new_ndcg_50", "memory_recall_50", "memory_ndcg_50")
"""What is compared: of all items, of new ones, and of all items with a memory beside the model."""


@dataclass(kw_only=True)
class Runner:
    """Runs cells, and adds up in `seconds` how long those trained that it was asked for."""

    cells: Path
    jobs: int = 1
    client: Any = None
    seconds: dict[Cell, float] = field(default_factory=dict)

    def __call__(self, cells: Iterable[Cell], desc: str) -> dict[Cell, Measured]:
        found = run_cells(list(cells), self.cells, jobs=self.jobs, client=self.client, desc=desc)
        self.seconds |= {cell: float(measured["seconds"]) for cell, measured in found.items()}
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A model on the test users of a log.

    Args:
        cell: that of fold 0 from seed 0, with the settings that were chosen.
        folds: of each fold, what the training from each seed measured; a single one for what is not trained.
        edges: the chosen settings that are the highest or the lowest of the search.
        tuning: the seconds of all trainings that chose them.
    """

    cell: Cell
    folds: Sequence[Sequence[Measured]]
    edges: Sequence[str] = ()
    tuning: float = 0.0

    def per_user(self, measure: str) -> Float[Array, "user seed"]:
        """A measure of each user, fold after fold, in a column for each seed."""
        return np.concatenate([np.stack([run[measure] for run in runs], axis=1) for runs in self.folds]).astype(float)

    @property
    def first(self) -> Measured:
        """Fold 0 from seed 0."""
        return self.folds[0][0]


def choose(log: str, run: Runner) -> dict[str, Outcome]:
    """Every model at the settings that the validation users of fold 0 choose, tested nowhere yet but there."""
    name = name_of(log)
    shop = open_log(log)[0]
    lengths, dim = lengths_to_try(shop.lengths), PROTOCOLS[name].dim
    entries = {**MODELS, **(UPGRADES if name in UPGRADED_ON else {})}
    drawn: dict[str, Sequence[Recipe | Baseline]] = {
        model: settings_of(entry, num_items=shop.num_items, lengths=lengths, dim=dim)
        for model, entry in entries.items()
    }
    tried = {
        model: [Cell(log=log, recipe=r, steps=SHORT, tested=False) for r in recipes] for model, recipes in drawn.items()
    }
    seen = run([c for cells in tried.values() for c in cells], f"{name}: all settings")

    def in_full(cell: Cell) -> Cell:
        return replace(cell, steps=STEPS, patience=PATIENCE, tested=True)

    def score(cell: Cell) -> float:
        return float(seen[cell]["validation"])

    full = {m: [in_full(c) for c in sorted(cells, key=lambda c: -score(c))[:FULL]] for m, cells in tried.items()}
    full |= {
        model: [Cell(log=log, recipe=recipe, steps=0) for recipe in baselines(lengths)]
        for model, baselines in BASELINES.items()
    }
    seen |= run([c for cells in full.values() for c in cells], f"{name}: the best of them")

    def at_best(model: str) -> tuple[Cell, int, list[Cell]]:
        """A model's best cell so far, the step at which that was best, and all cells that were tried."""
        best = max(full[model], key=score)
        return best, int(seen[best].get("best_step", 0)), [*tried.get(model, []), *full[model]]

    for _ in range(WIDER):
        further = {model: cell for model in full if (cell := wider(*at_best(model))) is not None}
        if not further:
            break
        seen |= run(further.values(), f"{name}: further")
        for model, cell in further.items():
            full[model].append(cell)
    found = {}
    for model in full:
        best, best_step, every = at_best(model)
        found[model] = Outcome(
            cell=best,
            folds=[[seen[best]]],
            edges=at_an_edge(best, best_step, every),
            tuning=sum(float(seen[cell]["seconds"]) for cell in every),
        )
    return found


def test_all(log: str, chosen: Mapping[str, Outcome], run: Runner) -> dict[str, Outcome]:
    """Every model on every fold, from every seed."""
    protocol = PROTOCOLS[name_of(log)]

    def cells_of(cell: Cell) -> list[list[Cell]]:
        seeds = protocol.seeds if isinstance(cell.recipe, Recipe) else protocol.seeds[:1]
        return [[replace(cell, fold=fold, seed=seed) for seed in seeds] for fold in protocol.folds]

    wanted = {model: cells_of(outcome.cell) for model, outcome in chosen.items()}
    seen = run([c for folds in wanted.values() for seeds in folds for c in seeds], f"{name_of(log)}: test")
    return {
        model: replace(outcome, folds=[[seen[c] for c in seeds] for seeds in wanted[model]])
        for model, outcome in chosen.items()
    }


def with_short_histories(chosen: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """The baselines again, reading no more of a history than the paper's models do."""
    return {
        f"{model}, last 20": replace(chosen[model], cell=replace(cell, recipe=replace(cell.recipe, history_length=20)))  # type: ignore[type-var]
        for model in BASELINES
        if isinstance((cell := chosen[model].cell).recipe, Baseline)
    }


def with_own_history(found: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Beside Most Popular alone the user's own history: a memory, and the most popular items where it ends."""
    popular = found[POPULAR]
    names = [name for name in popular.first if f"memory_{name}" in popular.first]

    def copied(target: str, source: str) -> list[list[Measured]]:
        return [
            [{**run, **{target + name: run[source + name] for name in names}} for run in runs] for runs in popular.folds
        ]

    alone, history = replace(popular, folds=copied("memory_", "")), replace(popular, folds=copied("", "memory_"))
    return {POPULAR: alone, "Own history": history, **{n: model for n, model in found.items() if n != POPULAR}}


def row_of(model: Outcome) -> dict[str, Any]:
    """A model's row: means over users and seeds, its controls, what was chosen and how, and what it cost."""
    plain = [f"{name}_{num}" for name in ("recall", "hit_rate", "ndcg") for num in (20, 50)]
    others = ["new_50", "new_ndcg_50", "new_in_50", "rare_50", "old_in_50"]
    measures = [*plain, *others, *(f"memory_{name}" for name in plain), "memory_new_in_50", "memory_old_in_50"]
    row: dict[str, Any] = {m: round(float(np.nanmean(model.per_user(m))), 4) for m in measures}
    row["recall_50 by run"] = [[round(float(run["recall_50"].mean()), 4) for run in runs] for runs in model.folds]
    row["memory_weight"] = round(float(model.first["memory_weight"]), 4)
    row["validation"] = round(float(model.first["validation"]), 4)
    recipe = model.cell.recipe
    row["chosen"], row["tuning_seconds"] = recipe.describe(), round(model.tuning, 1)
    for name in ("found", "basket_recall_50"):
        if name in model.first:
            row[name] = round(float(np.mean([run[name].mean() for runs in model.folds for run in runs])), 4)
    if isinstance(recipe, Baseline):
        return row
    row["at an edge"] = list(model.edges)
    every = [run for runs in model.folds for run in runs]
    row["steps"], row["best_step"] = model.cell.steps, [int(run["best_step"]) for run in every]
    looks = zip(model.first["curve_steps"].tolist(), model.first["curve"].tolist(), strict=True)
    row["curve"] = [[step, round(recall, 4)] for step, recall in looks]
    row["parameters"] = int(model.first["parameters"])
    row["seconds"] = round(float(min(run["seconds"] for run in every)), 1)
    if recipe.num_towers > 1:
        row["mean_50"] = round(float(np.nanmean(model.per_user("mean_50"))), 4)
        row["cosine"] = round(float(np.nanmean(model.per_user("cosine"))), 3)
        row["overlap"] = round(float(np.nanmedian(model.per_user("overlap"))), 3)
        row["shares of the hits"] = model.first["shares"].round(3).tolist()
        row["recall_50 without each"] = model.first["without"].round(4).tolist()
        if "label_50" in model.first:
            gaps = [np.stack([run["label_50"] - run["served_50"] for run in runs], axis=1) for runs in model.folds]
            row["gap"] = interval(np.concatenate(gaps))
    return row


def interval(difference: Float[Array, "user seed"]) -> list[float]:
    """The mean with its 95% interval over users and seeds; users without a value are left out."""
    difference = difference[~np.isnan(difference).any(axis=1)]
    return [round(value, 4) for value in paired_interval(difference, np.zeros_like(difference), seed=0)]


def difference_of(found: Mapping[str, Outcome], ours: str, theirs: str) -> dict[str, Any]:
    """Two models by each measure, and what ours has as one vector, the mean of its own: differences with intervals."""
    row: dict[str, Any] = {"ours": ours, "theirs": theirs}
    for measure in MEASURES:
        row[measure] = interval(found[ours].per_user(measure) - found[theirs].per_user(measure))
    row["as one vector"] = interval(found[ours].per_user("mean_50") - found[theirs].per_user("recall_50"))
    return row


def pairs_of(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each entrant over every other model; each upgrade over its base; the controls over one tower."""
    there = list(names)
    pairs = [(ours, theirs) for ours in ENTRANTS for theirs in there]
    pairs += [(control, "One tower") for control in CONTROLS]
    pairs += [("One tower", rival) for rival in RIVALS]
    pairs += [(name, UPGRADED[name.split(",")[0].removeprefix("MTMI-")]) for name in there if name in UPGRADES]
    return list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1] and set(pair) <= set(there)))


def models_table(log: str, run: Runner) -> dict[str, Any]:
    """Rows, differences, and the judgement of each entrant."""
    chosen = choose(log, run)
    found = with_own_history(test_all(log, {**chosen, **with_short_histories(chosen)}, run))
    differences = [difference_of(found, *pair) for pair in pairs_of(found)]
    rows = {name: row_of(model) for name, model in found.items()}
    return {
        "users": len(found[POPULAR].per_user("recall_50")),
        "models": rows,
        "differences": differences,
        "judged": {entrant: judge(entrant, rows, differences) for entrant in ENTRANTS},
    }


def judge_log(log: str, run: Runner, results: Path) -> Path:
    """Judge a log by the plan as it was committed, and write the table.

    Raises:
        SystemExit: if the log is no judge, or the plan has been changed since its commit.
    """
    name = name_of(log)
    if name not in JUDGES:
        raise SystemExit(f"--log: {name!r} is no judge; it must be one of {', '.join(JUDGES)}")
    plan = plan_commit()
    table = models_table(log, run)
    data = {Path(log).name: hashlib.sha256(Path(log).read_bytes()).hexdigest()[:16]}
    hours = round(sum(run.seconds.values()) / 3600, 2)
    about = provenance(
        f"python -m tools.evidence judge --log {Path(log).name}",
        data,
        plan=plan,
        cpu_hours=hours,
        cells=len(run.seconds),
    )
    path = results / f"judge_{name}.json"
    write_table(path, about, table)
    return path


def write_table(path: Path, about: Mapping[str, Any], table: Mapping[str, Any]) -> None:
    """Write a table, what made it first."""
    save_text(path, json.dumps({"about": about, **table}, indent=1, ensure_ascii=False) + "\n")


def plan_commit() -> str:
    """The commit that last changed the plan.

    Raises:
        SystemExit: if there are changes that are not committed.
    """

    def git(*words: str) -> str:
        every = ["git", *words, "--", "tools/evidence/models_plan.py"]
        return subprocess.run(every, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    if git("status", "--porcelain"):
        raise SystemExit("the plan: it has changes that are not committed; commit them before a log is judged")
    return git("log", "-1", "--format=%H").strip()


def judge(entrant: str, rows: Mapping[str, Any], differences: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Whom an entrant does not beat, by the rule of the plan: with the memory of each, and without."""
    against = {row["theirs"]: row for row in differences if row["ours"] == entrant}
    judged: dict[str, Any] = {}
    for what, measure in (("with memory", "memory_recall_50"), ("alone", "recall_50")):
        beaten = {
            rival: all(wins(against[rival][m], rows[rival][m]) for m in (measure, "new_50"))
            for rival in (*RIVALS, *CONTROLS)
        }
        judged[what] = {
            "wins": all(beaten.values()),
            "wins among retrievers": all(beaten[rival] for rival in (*RETRIEVERS, *CONTROLS)),
            "not beaten": [rival for rival, yes in beaten.items() if not yes],
        }
    return judged
