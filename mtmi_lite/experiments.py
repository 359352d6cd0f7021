"""Experiments: train at some settings, look at the result, and keep a grid of such results in one file.

`python -m mtmi_lite.experiments grid` makes the grid that lesson 00 explores, `… compare` the numbers of the README.
"""

import dataclasses
import json
import platform
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from tqdm.auto import tqdm

from mtmi_lite.datasets import load_log
from mtmi_lite.files import package_versions, save_arrays, save_text
from mtmi_lite.interactions import Cases, Interactions, Split, evaluation_cases, split_users
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import Evaluation, evaluate, list_overlap, paired_interval
from mtmi_lite.models import MTMI, Model, MostPopular
from mtmi_lite.training import Run, TrainingSettings, train

Array = np.ndarray
ALPHAS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
BETAS = (0.0, 0.01, 0.1, 0.3, 1.0, 10.0, 100.0, 1000.0)
TOWERS = (1, 2, 4, 8)
POPULAR = "Most Popular"
SHOWN_USERS = 80
"""How many users a picture of user vectors shows: enough to see the shape, few enough for UMAP to be quick."""


@dataclass(frozen=True, kw_only=True, order=True)
class Knobs:
    """The three settings of the paper's grid (Fig. 5).

    With one tower there is nothing to share out and nothing to repel, so α and β have no effect and count as 0.

    Raises:
        ValueError: naming the knob that is out of range.

    >>> Knobs(num_towers=1, alpha=5.0, beta=0.3)
    Knobs(num_towers=1, alpha=0.0, beta=0.0)
    """

    num_towers: int
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        if not 1 <= self.num_towers <= 8:
            raise ValueError(f"num_towers: {self.num_towers} is out of range; a panel shows 1 to 8 towers")
        MultiTowerLoss(alpha=self.alpha, beta=self.beta)  # refuses what is out of range
        if self.num_towers == 1:
            object.__setattr__(self, "alpha", 0.0)
            object.__setattr__(self, "beta", 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Portrait:
    """A trained model in numbers over all cases, and its user vectors on two maps for the first few of them.

    Args:
        recall_20, recall_50: means over cases.
        cosine: the mean pairwise cosine of a user's vectors, in the original space; NaN with one tower.
        overlap: the median overlap (Jaccard) of two towers' first 20 items; NaN with one tower.
        shares: each tower's part of the hits among the first 50.
        pca, umap: where the vectors of the shown users lie.
    """

    recall_20: float
    recall_50: float
    cosine: float
    overlap: float
    shares: Float[Array, " tower"]
    pca: Float32[Array, "user tower 2"]
    umap: Float32[Array, "user tower 2"]


def portray(model: MTMI, cases: Cases, *, seed: int = 0) -> Portrait:
    """Measure a model on the cases and lay the user vectors of the first `SHOWN_USERS` of them out on two maps."""
    evaluation = evaluate(model, cases)
    summary = evaluation.summary()
    shown = F.normalize(evaluation.users.vectors[:SHOWN_USERS], dim=-1).numpy()
    flat = shown.reshape(-1, shown.shape[-1])
    return Portrait(
        recall_20=summary["recall_20"],
        recall_50=summary["recall_50"],
        cosine=summary.get("cosine", np.nan),
        overlap=float(np.median(list_overlap(evaluation.lists))),
        shares=evaluation.tower_shares(50),
        pca=pca_layout(flat).reshape(*shown.shape[:2], 2),
        umap=umap_layout(flat, seed=seed).reshape(*shown.shape[:2], 2),
    )


def pca_layout(vectors: Float32[Array, "point dim"]) -> Float32[Array, "point 2"]:
    """The two directions in which the points differ most (PCA), each with its larger side to the right or top.

    >>> pca_layout(np.array([[0, 0, 0], [3, 0, 0], [0, 0, 0]], dtype=np.float32))[:, 0].round(2).tolist()
    [-1.0, 2.0, -1.0]
    """
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ directions[:2].T
    return flat * np.where(np.abs(flat.min(axis=0)) > flat.max(axis=0), -1, 1).astype(np.float32)


def umap_layout(vectors: Float32[Array, "point dim"], *, seed: int = 0) -> Float32[Array, "point 2"]:
    """UMAP on cosine distances: keeps neighbours together; distances between groups mean nothing.

    The coordinates differ from machine to machine, so nothing may be concluded from their values.
    """
    import umap  # here: importing it takes seconds

    if len(vectors) < 5:
        raise ValueError(f"vectors: {len(vectors)} points are too few for UMAP; give at least 5")
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    similarity = directions @ directions.T
    neighbours = np.argsort(-similarity, axis=1, kind="stable")[:, : min(15, len(vectors))]
    distances = (1 - np.take_along_axis(similarity, neighbours, axis=1)).clip(min=0)
    threads = torch.get_num_threads()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*n_jobs|.*precomputed_knn")  # a seed needs one thread
        mapper = umap.UMAP(
            n_neighbors=neighbours.shape[1],
            precomputed_knn=(neighbours.astype(np.int32), distances.astype(np.float32)),  # exact, and no compiling
            metric="cosine",
            init="pca",
            n_epochs=200,
            random_state=seed,
            n_jobs=1,
        )
        layout = np.asarray(mapper.fit_transform(directions), dtype=np.float32)
    # numba starts OpenMP with a thread a core, for torch as well; small training steps then take ten times as long
    torch.set_num_threads(threads)
    return layout


def train_knobs(
    knobs: Knobs,
    split: Split,
    *,
    steps: int,
    seed: int = 0,
    learning_rate: float = 3e-3,
    progress: bool = True,
    **hooks,
) -> Run:
    """Train MTMI-basic (attention fusion) at some knobs, everything else as in lesson 00."""
    model = MTMI(num_items=split.log.num_items, num_towers=knobs.num_towers, seed=seed)
    objective = MultiTowerLoss(alpha=knobs.alpha, beta=knobs.beta)
    settings = TrainingSettings(steps=steps, learning_rate=learning_rate, seed=seed)
    return train(model, objective, split, settings, progress=progress, **hooks)


def provenance(command: str, data: dict[str, str], **settings: object) -> dict[str, object]:
    """What a result must say of itself: command, versions, settings and the checksum of the data behind it."""
    return {
        "command": command,
        "versions": package_versions(),
        "machine": platform.machine(),
        "data": data,
        **settings,
    }


def save_grid(path: Path, grid: dict[Knobs, Portrait], about: dict[str, object]) -> None:
    """Write a grid and what it says of itself; maps as 16-bit numbers, which is finer than a screen."""
    arrays = {"about": np.array(json.dumps({**about, "knobs": [dataclasses.asdict(knobs) for knobs in grid]}))}
    for index, portrait in enumerate(grid.values()):
        for field in dataclasses.fields(Portrait):
            value = np.asarray(getattr(portrait, field.name))
            arrays[f"{index}_{field.name}"] = value.astype(np.float16) if field.name in ("pca", "umap") else value
    save_arrays(path, **arrays)


def load_grid(path: Path | str) -> tuple[dict[Knobs, Portrait], dict[str, object]]:
    """Read what `save_grid` wrote: the portraits by knobs, and what the file says of itself.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    if not Path(path).exists():
        raise FileNotFoundError(
            f"path: {path} does not exist; make it with `python -m mtmi_lite.experiments grid`, or restore it with git"
        )
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        grid = {}
        for index, knobs in enumerate(about.pop("knobs")):
            values = {field.name: arrays[f"{index}_{field.name}"] for field in dataclasses.fields(Portrait)}
            values |= {name: value.astype(np.float32) for name, value in values.items() if value.ndim > 0}
            values |= {name: value.item() for name, value in values.items() if value.ndim == 0}
            grid[Knobs(**knobs)] = Portrait(**values)
    return grid, about


def compare(log: Interactions, *, folds: int = 3, steps: int = 2500) -> dict[str, object]:
    """Four towers, one tower and Most Popular on the test users of some folds, and how sure the difference is.

    Four and one have the same budget: in each fold the best of four settings on its validation users. (Settings chosen
    on one fold for all would be chosen by users who are test users of another.) Fold f is trained with seed f.
    """
    one = Knobs(num_towers=1, alpha=0.0, beta=0.0)
    choices = {
        "K = 4": [(Knobs(num_towers=4, alpha=a, beta=b), 3e-3) for a, b in ((5.0, 0.1), (5.0, 0.3), (8.0, 0.3))]
        + [(Knobs(num_towers=4, alpha=5.0, beta=0.3), 2e-3)],
        "K = 1": [(one, rate) for rate in (1e-3, 2e-3, 3e-3, 5e-3)],
    }
    cuts: tuple[Literal["interaction", "basket"], ...] = ("interaction", "basket")
    found: dict[tuple[str, str], list[Evaluation]] = {(cut, name): [] for cut in cuts for name in [*choices, POPULAR]}
    chosen: dict[str, list[dict[str, float]]] = {name: [] for name in choices}
    for fold in range(folds):
        split = split_users(log, seed=0, fold=fold)
        models: dict[str, Model] = {POPULAR: MostPopular(log, split.train)}
        for name, settings in choices.items():
            runs = [train_knobs(k, split, steps=steps, learning_rate=r, seed=fold, progress=False) for k, r in settings]
            best = int(np.argmax([run.validation_recall.max() for run in runs]))
            models[name] = runs[best].model
            chosen[name].append({**dataclasses.asdict(settings[best][0]), "learning_rate": settings[best][1]})
        for cut in cuts:
            cases = evaluation_cases(log, split.test, cut=cut)
            for name, model in models.items():
                found[cut, name].append(evaluate(model, cases))

    def per_case(cut: str, label: str, measure: str, num: int) -> Array:
        return np.concatenate([getattr(evaluation, measure)(num) for evaluation in found[cut, label]])

    table: dict[str, object] = {"chosen": chosen}
    for cut in cuts:
        rows: dict[str, object] = {
            label: {
                f"{measure}_{num}": round(float(per_case(cut, label, measure, num).mean()), 4)
                for measure in ("recall", "hit_rate", "ndcg")
                for num in (20, 50)
            }
            for label in (*choices, POPULAR)
        }
        difference = paired_interval(per_case(cut, "K = 4", "recall", 50), per_case(cut, "K = 1", "recall", 50), seed=0)
        four = found[cut, "K = 4"]
        rows["K = 4 over K = 1, recall_50"] = [round(value, 4) for value in difference]
        rows["users"] = sum(len(evaluation.cases) for evaluation in four)
        rows["cosine"] = [round(evaluation.summary()["cosine"], 3) for evaluation in four]
        rows["overlap"] = [round(float(np.median(list_overlap(evaluation.lists))), 3) for evaluation in four]
        rows["shares of the hits"] = [evaluation.tower_shares(50).round(3).tolist() for evaluation in four]
        rows["recall_50 without each"] = [
            [round(float(evaluation.recall_without(tower, 50).mean()), 4) for tower in range(4)] for evaluation in four
        ]
        table[f"cut at the {cut}"] = rows
    return table


def make_grid(log: Interactions, *, steps: int, seed: int = 0) -> tuple[dict[Knobs, Portrait], str]:
    """Train lesson 00's grid and measure it on validation users, as one that chooses must; and say who they were."""
    split = split_users(log, seed=seed)
    cases = evaluation_cases(log, split.validation)
    every = sorted({Knobs(num_towers=k, alpha=a, beta=b) for k in TOWERS for a in ALPHAS for b in BETAS})
    grid = {
        knobs: portray(train_knobs(knobs, split, steps=steps, seed=seed, progress=False).model, cases)
        for knobs in tqdm(every, unit="model")
    }
    return grid, f"{len(cases)} validation users of fold 0"


def main(results: Path = Path("notebooks/results")) -> None:
    """Make the results of lesson 00: `grid` or `compare`, named on the command line."""
    torch.set_num_threads(1)
    log = load_log("online-retail")
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    started = time.perf_counter()

    def about(**settings: object) -> dict[str, object]:
        minutes = round((time.perf_counter() - started) / 60, 1)
        command = f"python -m mtmi_lite.experiments {what}"
        return provenance(command, {"online-retail": log.checksum}, minutes=minutes, **settings)

    if what == "grid":
        grid, users = make_grid(log, steps=1500)
        save_grid(results / "00_grid.npz", grid, about(steps=1500, seed=0, users=users))
    elif what == "compare":
        table = compare(log, folds=3, steps=2500)
        text = json.dumps({"about": about(steps=2500, seeds=[0, 1, 2], folds=[0, 1, 2]), **table}, indent=1)
        save_text(results / "00_compare.json", text + "\n")
    else:
        sys.exit("usage: python -m mtmi_lite.experiments grid|compare")


if __name__ == "__main__":
    main()
