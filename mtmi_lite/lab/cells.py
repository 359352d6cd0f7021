"""Cells: one training each, measured on test users and kept in a file, so that a table that was stopped goes on.

A table of many trainings is a list of cells. `run_cells` trains the missing ones side by side, on this machine or on a
Dask cluster, and writes each as it comes: what is finished is neither lost nor done again.
"""

import ast
import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from mtmi_lite.data.datasets import LOGS, PlantedWorld, load_log, planted_interests
from mtmi_lite.data.readers import read_interactions
from mtmi_lite.files import read_arrays, save_arrays
from mtmi_lite.interactions import Cases, Interactions, evaluation_cases, filter_items_first, split_users
from mtmi_lite.lab.gap import measure_gap, rule_of
from mtmi_lite.lab.recipes import WORLDS, Recipe
from mtmi_lite.metrics import (
    Evaluation,
    evaluate,
    find_hits,
    interests_found,
    list_overlap,
    pairwise_cosine,
    recall,
)
from mtmi_lite.models import Model, MostPopular
from mtmi_lite.retrieval import among, index_items, merge, search_towers
from mtmi_lite.towers import Users

Array = np.ndarray
Measured = dict[str, Array]
"""The measurements of a cell by name: one number, one per tower, or one per test user (in the order of "users")."""
GAP_CASES = 1_000
"""The gap between training and serving is measured on so many cases at most: it looks at every item's score."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """One training: a recipe on one fold of a log, from a seed.

    Args:
        log: one of the course's logs, one of the `WORLDS`, or the path of another log.
        recipe: None is Most Popular, which needs no training.
        tested: measure it on the test users too, and not on the validation users alone.

    >>> cell = Cell(log="online-retail", recipe=Recipe(num_towers=1), steps=100, fold=2)
    >>> cell.file.rpartition("-")[0]
    'online-retail-2-0'
    """

    log: str
    recipe: Recipe | None
    steps: int
    fold: int = 0
    seed: int = 0
    tested: bool = True

    @functools.cached_property
    def file(self) -> str:
        """The name of the file that keeps it: another setting, log, seed or version of the code is another file."""
        recipe: dict[str, Any] | None = None
        if self.recipe is not None:
            objective = self.recipe.objective
            recipe = {f.name: getattr(self.recipe, f.name) for f in dataclasses.fields(Recipe)}
            recipe["tower"] = self.recipe.tower.__name__
            recipe["objective"] = {"name": type(objective).__name__, **dataclasses.asdict(objective)}  # type: ignore[call-overload]
        log = open_log(self.log)[0].checksum
        what = json.dumps([log, recipe, self.steps, self.tested, code_version()], sort_keys=True)
        digest = hashlib.sha256(what.encode()).hexdigest()[:12]
        return f"{name_of(self.log)}-{self.fold}-{self.seed}-{digest}.npz"


MEASURING = (
    "interactions",
    "towers",
    "models",
    "losses",
    "retrieval",
    "metrics",
    "runs",
    "training",
    "lab/recipes",
    "lab/gap",
    "lab/cells",
)
"""The modules that decide what a cell measures."""


@functools.cache
def code_version() -> str:
    """A hash of the code that trains and measures: a result of older code is never taken for a current one."""
    package = Path(__file__).parents[1]
    sources = [(package / f"{name}.py").read_text(encoding="utf-8") for name in MEASURING]
    return hashlib.sha256("".join(map(bare, sources)).encode()).hexdigest()


def bare(source: str) -> str:
    """A module without comments, docstrings and layout.

    >>> bare("def double(x):\\n    'Twice.'\\n    return 2 * x  # two") == bare("def double(x): return 2*x")
    True
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            texts = [one for one in node.body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)]
            node.body = [one for one in node.body if one not in texts]
    return ast.dump(tree)


def name_of(log: str) -> str:
    """A log's name in a table, from its name or path.

    >>> name_of("../logs/gowalla-sample.inter")
    'gowalla-sample'
    """
    return log if log in WORLDS else Path(log).stem


@functools.lru_cache(maxsize=4)
def open_log(name: str) -> tuple[Interactions, PlantedWorld | None]:
    """A log by its name or path, and the truth behind it where that is known."""
    if name in WORLDS:
        world = planted_interests(**WORLDS[name][0])
        return world.log, world
    return (load_log(name) if name in LOGS else filter_items_first(read_interactions(name))), None


def run_cells(
    cells: Sequence[Cell], folder: Path | str, *, jobs: int = 1, client: Any = None, desc: str = "cells"
) -> dict[Cell, Measured]:
    """Measure all cells: load the finished ones and train the rest.

    Args:
        folder: where each finished cell is kept, in a file of its own.
        jobs: how many trainings run side by side on this machine.
        client: a `distributed.Client`, to train on a Dask cluster instead. Its workers must be able to open the log. A
            cell whose worker dies is trained by another.

    Raises:
        ValueError: if a file in the folder is not a whole one: delete it.
    """
    folder = Path(folder)
    cells = list(dict.fromkeys(cells))
    found = {
        cell: read_arrays(folder / cell.file, "a cell", "seconds") for cell in cells if (folder / cell.file).exists()
    }
    missing = [cell for cell in cells if cell not in found]
    done = _on_cluster(missing, client) if client is not None else _here(missing, jobs)
    for cell, measured in tqdm(done, total=len(missing), desc=desc, unit="cell", disable=not missing):
        save_arrays(folder / cell.file, measured)
        found[cell] = measured
    return {cell: found[cell] for cell in cells}


def _here(cells: list[Cell], jobs: int) -> Iterator[tuple[Cell, Measured]]:
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    yield from parallel(joblib.delayed(_run)(cell) for cell in cells)  # type: ignore[misc]


def _on_cluster(cells: list[Cell], client: Any) -> Iterator[tuple[Cell, Measured]]:
    from distributed import as_completed  # here: an optional package

    for future in as_completed([client.submit(_run, cell, pure=False) for cell in cells]):
        yield future.result()


def _run(cell: Cell) -> tuple[Cell, Measured]:
    torch.set_num_threads(1)
    return cell, measure(cell)


def measure(cell: Cell) -> Measured:
    """Train the cell's model, and measure it on the test users of its fold."""
    log, world = open_log(cell.log)
    split = split_users(log, seed=0, fold=cell.fold)
    measured: dict[str, Any] = {"seconds": 0.0, "parameters": 0}
    if cell.recipe is None:
        model: Model = MostPopular(log, split.train)
    else:
        started = time.process_time()  # of the processor: others may use the machine too
        run = cell.recipe.train(split, steps=cell.steps, seed=cell.seed, progress=False)
        model = run.model
        measured["seconds"] = time.process_time() - started
        measured["parameters"] = sum(parameter.numel() for parameter in run.model.parameters())
        measured["validation"], measured["best_step"] = run.validation_recall.max(), run.best_step
    if not cell.tested:
        return {name: np.asarray(value) for name, value in measured.items()}
    cases = evaluation_cases(log, split.test)
    evaluation = evaluate(model, cases)
    measured |= per_user(evaluation, log, model)
    if world is not None:
        truth = world.user_interests[cases.users]
        measured["found"] = interests_found(evaluation.lists, world.item_interest, truth)
    elif name_of(cell.log) == "online-retail":  # whose baskets are real ones
        whole = evaluate(model, evaluation_cases(log, split.test, cut="basket"))
        measured["basket_users"], measured["basket_recall_50"] = whole.cases.users, whole.recall(50)
    if cell.recipe is not None and cell.recipe.num_towers > 1:
        towers = range(evaluation.lists.items.shape[1])
        measured["shares"] = evaluation.tower_shares(50)
        measured["without"] = np.array([evaluation.recall_without(j, 50).mean() for j in towers])
        if chooses := rule_of(cell.recipe.objective):
            some = evaluate(model, evaluation_cases(log, split.test[:GAP_CASES]))
            gap = measure_gap(some, model, rule=chooses[0], sharpness=chooses[1])
            measured["label_50"], measured["served_50"] = gap.label, gap.served
    return {name: np.asarray(value) for name, value in measured.items()}


def per_user(evaluation: Evaluation, log: Interactions, model: Model) -> Measured:
    """A model's metrics for each test user, with two controls.

    "mean_50" is recall@50 of the mean of a user's own vectors, used as a single one. "new_50" is recall@50 of the items
    that the user has not had before the cut, with all earlier ones left out of the list; NaN where no item is new.
    "old_in_50" is how many of the first 50 items the user has had.
    """
    cases, users = evaluation.cases, evaluation.users
    measured: Measured = {
        f"{name}_{num}": getattr(evaluation, name)(num) for name in ("recall", "hit_rate", "ndcg") for num in (20, 50)
    }
    vectors = F.normalize(users.vectors, dim=-1) if users.similarity == "cosine" else users.vectors
    present = users.mask[..., None]
    mean = torch.where(present, vectors, 0).sum(dim=1, keepdim=True) / present.sum(dim=1, keepdim=True)
    alone = Users(vectors=mean, mask=torch.ones_like(users.mask[:, :1]), similarity=users.similarity)
    ranking = merge(search_towers(index_items(model), alone, 50), 50)
    measured["mean_50"] = recall(find_hits(ranking.items, cases), cases.num_relevant)
    before = had_before(log, cases)
    case = np.repeat(np.arange(len(cases)), cases.num_relevant)
    codes = np.repeat(np.arange(len(cases)), before.num_relevant) * log.num_items + before.relevant
    new = cases.num_relevant - np.bincount(case[among(case * log.num_items + cases.relevant, codes)], None, len(cases))
    fresh = evaluate(model, cases, exclude=_padded(before)).hits.sum(axis=1)
    measured["new_50"] = np.where(new > 0, fresh / new.clip(min=1), np.nan)
    measured["old_in_50"] = find_hits(evaluation.ranking.items, before).sum(axis=1)
    measured["cosine"], measured["overlap"] = pairwise_cosine(users), list_overlap(evaluation.lists)
    return {"users": cases.users, **measured}


def had_before(log: Interactions, cases: Cases) -> Cases:
    """The same cases with the distinct items before the cut (of interactions) as the relevant ones."""
    starts, cuts = log.offsets[cases.users], log.lengths[cases.users] * 4 // 5
    pairs = [np.unique(log.items[start : start + cut]) for start, cut in zip(starts, cuts, strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(items) for items in pairs])])
    return dataclasses.replace(cases, relevant=np.concatenate(pairs), offsets=offsets)


def _padded(cases: Cases) -> Array:
    rows = np.full((len(cases), cases.num_relevant.max()), -1)
    rows[np.arange(rows.shape[1]) < cases.num_relevant[:, None]] = cases.relevant
    return rows
