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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from tqdm.auto import tqdm

from mtmi_lite.data.datasets import LOGS, PlantedWorld, load_log, planted_interests
from mtmi_lite.data.readers import read_interactions
from mtmi_lite.files import read_arrays, save_arrays
from mtmi_lite.interactions import (
    Cases,
    Interactions,
    Split,
    evaluation_cases,
    filter_items_first,
    item_counts,
    split_users,
)
from mtmi_lite.lab.gap import measure_gap, rule_of
from mtmi_lite.lab.memory import weigh_memory
from mtmi_lite.lab.recipes import WORLDS, Baseline, Recipe
from mtmi_lite.metrics import (
    Evaluation,
    evaluate,
    find_hits,
    hit_rate,
    interests_found,
    list_length,
    list_overlap,
    ndcg,
    pairwise_cosine,
    recall,
)
from mtmi_lite.models import Model
from mtmi_lite.retrieval import ItemIndex, among, index_items, memory_of, merge, remember, search_towers
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
        recipe: what to train, or a baseline that needs no training.
        steps, patience: of the training, as in `TrainingSettings`.
        tested: measure it on the test users too, and not on the validation users alone.

    >>> cell = Cell(log="online-retail", recipe=Recipe(num_towers=1), steps=100, fold=2)
    >>> cell.file.rpartition("-")[0]
    'online-retail-2-0'
    """

    log: str
    recipe: Recipe | Baseline
    steps: int
    patience: int | None = None
    fold: int = 0
    seed: int = 0
    tested: bool = True

    @functools.cached_property
    def file(self) -> str:
        """The name of the file that keeps it: another setting, log, seed or version of the code is another file."""
        recipe: dict[str, Any] = {f.name: getattr(self.recipe, f.name) for f in dataclasses.fields(self.recipe)}
        if isinstance(self.recipe, Recipe):
            objective = self.recipe.objective
            recipe["tower"] = self.recipe.tower.__name__
            recipe["objective"] = {"name": type(objective).__name__, **dataclasses.asdict(objective)}  # type: ignore[call-overload]
        log = open_log(self.log)[0].checksum
        what = json.dumps([log, recipe, self.steps, self.patience, self.tested, code_version()], sort_keys=True)
        digest = hashlib.sha256(what.encode()).hexdigest()[:12]
        return f"{name_of(self.log)}-{self.fold}-{self.seed}-{digest}.npz"


MEASURING = (
    "interactions",
    "towers",
    "models",
    "baselines",
    "losses",
    "retrieval",
    "metrics",
    "runs",
    "training",
    "lab/recipes",
    "lab/gap",
    "lab/memory",
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
    started = time.process_time()  # of the processor: others may use the machine too
    if isinstance(cell.recipe, Baseline):
        model, last = cell.recipe.fit(split), cell.recipe.history_length
        measured: dict[str, Any] = {"parameters": 0}
    else:
        run = cell.recipe.train(split, steps=cell.steps, patience=cell.patience, seed=cell.seed, progress=False)
        model, last = run.model, None
        measured = {"parameters": sum(parameter.numel() for parameter in model.parameters())}
        measured |= {"best_step": run.best_step, "curve_steps": run.validation_steps, "curve": run.validation_recall}
    measured["seconds"] = time.process_time() - started
    length = cell.recipe.history_length or int(log.lengths.max())
    index = index_items(model)
    chooses = evaluate(model, evaluation_cases(log, split.validation, history_length=length), index=index)
    measured["validation"] = chooses.recall(list_length(log.num_items)).mean()
    if not cell.tested:
        return {name: np.asarray(value) for name, value in measured.items()}
    cases = evaluation_cases(log, split.test, history_length=length)
    evaluation = evaluate(model, cases, index=index)
    parts = parts_of(cases, log, split)
    measured |= per_user(evaluation, parts, model, index)
    weighed, tried = weigh_memory(chooses, index, log, last=last)
    memory = memory_of(log, cases.users, cases.cuts, weight=weighed.weight, last=last)
    remembered = merge(remember(evaluation.lists, index, evaluation.users, memory), 50)
    with_memory = of_list(remembered.items, cases, parts)
    measured |= {f"memory_{name}": value for name, value in with_memory.items()}
    measured |= {"memory_weight": weighed.weight, "memory_validation": max(tried.values())}
    if world is not None:
        truth = world.user_interests[cases.users]
        measured["found"] = interests_found(evaluation.lists, world.item_interest, truth)
    elif name_of(cell.log) == "online-retail":  # whose baskets are real ones
        baskets = evaluation_cases(log, split.test, cut="basket", history_length=length)
        whole = evaluate(model, baskets, index=index)
        measured["basket_users"], measured["basket_recall_50"] = whole.cases.users, whole.recall(50)
    if isinstance(cell.recipe, Recipe) and cell.recipe.num_towers > 1:
        towers = range(evaluation.lists.items.shape[1])
        measured["shares"] = evaluation.tower_shares(50)
        measured["without"] = np.array([evaluation.recall_without(j, 50).mean() for j in towers])
        if rule := rule_of(cell.recipe.objective):
            few = evaluation_cases(log, split.test[:GAP_CASES], history_length=length)
            gap = measure_gap(evaluate(model, few, index=index), model, rule=rule[0], sharpness=rule[1])
            measured["label_50"], measured["served_50"] = gap.label, gap.served
    return {name: np.asarray(value) for name, value in measured.items()}


def per_user(evaluation: Evaluation, parts: dict[str, Cases], model: Model, index: ItemIndex) -> Measured:
    """A model's metrics for each test user, with its controls.

    "mean_50" is `recall_of_mean`. "new_50" and "new_ndcg_50" are of the items that the user has not had before the cut,
    with all earlier ones left out of the list; NaN where no item is new. The others are those of `of_list`.

    Args:
        parts: of the evaluation's cases, from `parts_of`.
    """
    cases = evaluation.cases
    measured = of_list(evaluation.ranking.items, cases, parts)
    measured["mean_50"] = recall_of_mean(evaluation, index)
    without_old = evaluate(model, cases, index=index, exclude=_padded(parts["old"])).ranking.items
    measured["new_50"] = _recall(without_old, parts["new"])
    measured["new_ndcg_50"] = _per_case(ndcg, without_old, parts["new"])
    measured["cosine"], measured["overlap"] = pairwise_cosine(evaluation.users), list_overlap(evaluation.lists)
    return {"users": cases.users, **measured}


def recall_of_mean(evaluation: Evaluation, index: ItemIndex) -> Float[Array, " case"]:
    """Recall@50 of the mean of a user's own vectors, used as a single one."""
    users = evaluation.users
    vectors = F.normalize(users.vectors, dim=-1) if users.similarity == "cosine" else users.vectors
    present = users.mask[..., None]
    mean = torch.where(present, vectors, 0).sum(dim=1, keepdim=True) / present.sum(dim=1, keepdim=True)
    alone = Users(vectors=mean, mask=torch.ones_like(users.mask[:, :1]), similarity=users.similarity)
    return _recall(merge(search_towers(index, alone, 50), 50).items, evaluation.cases)


def of_list(ranked: Int64[Array, "case num"], cases: Cases, parts: dict[str, Cases]) -> Measured:
    """The metrics of each case's list.

    "new_in_50" and "rare_50" are the recall@50 of the items that are new to the user, or that few have; NaN where there
    is none. "old_in_50" is how many of the first 50 items the user has had.
    """
    measured: Measured = {}
    for num in (20, 50):
        hits = find_hits(ranked[:, :num], cases)
        measured[f"recall_{num}"] = recall(hits, cases.num_relevant)
        measured[f"hit_rate_{num}"], measured[f"ndcg_{num}"] = hit_rate(hits), ndcg(hits, cases.num_relevant)
    measured["new_in_50"], measured["rare_50"] = (_recall(ranked, parts[name]) for name in ("new", "rare"))
    measured["old_in_50"] = find_hits(ranked, parts["old"]).sum(axis=1)
    return measured


def parts_of(cases: Cases, log: Interactions, split: Split) -> dict[str, Cases]:
    """The same cases, with others as the relevant items.

    "old" are the distinct items before the cut; "new" the relevant ones that are not among them; "rare" the relevant
    ones beside the most popular items that have half of the training users' interactions.
    """
    starts = log.offsets[cases.users]
    had = [np.unique(log.items[start:cut]) for start, cut in zip(starts, cases.cuts, strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(items) for items in had])])
    old = dataclasses.replace(cases, relevant=np.concatenate(had), offsets=offsets)
    pairs, old_pairs = (_case_of(some) * log.num_items + some.relevant for some in (cases, old))
    counts = item_counts(log, split.train)
    most_first = np.argsort(-counts, kind="stable")
    rare = np.ones(log.num_items, dtype=bool)
    rare[most_first[: np.searchsorted(np.cumsum(counts[most_first]), counts.sum() / 2) + 1]] = False
    return {"old": old, "new": _only(cases, ~among(pairs, old_pairs)), "rare": _only(cases, rare[cases.relevant])}


def _case_of(cases: Cases) -> Array:
    """The case of each relevant item."""
    return np.repeat(np.arange(len(cases)), cases.num_relevant)


def _only(cases: Cases, keep: Array) -> Cases:
    counts = np.bincount(_case_of(cases)[keep], minlength=len(cases))
    return dataclasses.replace(cases, relevant=cases.relevant[keep], offsets=np.concatenate([[0], np.cumsum(counts)]))


def _per_case(metric: Callable[[Array, Array], Array], ranked: Array, cases: Cases) -> Array:
    """A metric of each case's list; NaN where nothing is relevant."""
    some = cases.num_relevant > 0
    return np.where(some, metric(find_hits(ranked, cases), cases.num_relevant.clip(min=1)), np.nan)


def _recall(ranked: Array, cases: Cases) -> Array:
    return _per_case(recall, ranked, cases)


def _padded(cases: Cases) -> Array:
    rows = np.full((len(cases), cases.num_relevant.max()), -1)
    rows[np.arange(rows.shape[1]) < cases.num_relevant[:, None]] = cases.relevant
    return rows
