"""Experiments: train at some settings, look at the result, and keep a grid of such results in one file.

`python -m mtmi_lite.experiments` makes the grid that lesson 00 explores.
"""

import dataclasses
import json
import os
import platform
import tempfile
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from tqdm.auto import tqdm

from mtmi_lite.datasets import load_log
from mtmi_lite.interactions import Cases, Split, evaluation_cases, split_users
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import evaluate, list_overlap
from mtmi_lite.models import MTMI
from mtmi_lite.training import Run, TrainingSettings, train

Array = np.ndarray
ALPHAS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
BETAS = (0.0, 0.01, 0.1, 0.3, 1.0, 10.0, 100.0, 1000.0)
TOWERS = (1, 2, 4, 8)
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
    packages = ("torch", "faiss-cpu", "numpy", "umap-learn", "mtmi-lite")
    return {
        "command": command,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "machine": platform.machine(),
        "data": data,
        **settings,
    }


def save_arrays(path: Path, **arrays: Array) -> None:
    """Write arrays to a compressed `.npz`, under a temporary name first: a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def save_grid(path: Path, grid: dict[Knobs, Portrait], about: dict[str, object]) -> None:
    """Write a grid and what it says of itself; maps as 16-bit numbers, which is finer than a screen."""
    arrays = {"about": np.array(json.dumps({**about, "knobs": [dataclasses.asdict(knobs) for knobs in grid]}))}
    for index, portrait in enumerate(grid.values()):
        for field in dataclasses.fields(Portrait):
            value = np.asarray(getattr(portrait, field.name))
            arrays[f"{index}_{field.name}"] = value.astype(np.float16) if field.name in ("pca", "umap") else value
    save_arrays(path, **arrays)


def load_grid(path: Path) -> tuple[dict[Knobs, Portrait], dict[str, object]]:
    """Read what `save_grid` wrote: the portraits by knobs, and what the file says of itself.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"path: {path} does not exist; make it with `python -m mtmi_lite.experiments`, or restore it with git"
        )
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        grid = {}
        for index, knobs in enumerate(about.pop("knobs")):
            values = {field.name: arrays[f"{index}_{field.name}"] for field in dataclasses.fields(Portrait)}
            grid[Knobs(**knobs)] = Portrait(
                **{
                    name: float(value) if value.ndim == 0 else value.astype(np.float32)
                    for name, value in values.items()
                }
            )
    return grid, about


def main(steps: int = 1500, seed: int = 0) -> None:
    """Train lesson 00's grid on Online Retail and measure it on the validation users, as one that chooses must."""
    torch.set_num_threads(1)
    log = load_log("online-retail")
    split = split_users(log, seed=seed)
    cases = evaluation_cases(log, split.validation)
    every = sorted({Knobs(num_towers=k, alpha=a, beta=b) for k in TOWERS for a in ALPHAS for b in BETAS})
    started = time.perf_counter()
    grid = {
        knobs: portray(train_knobs(knobs, split, steps=steps, seed=seed, progress=False).model, cases)
        for knobs in tqdm(every, unit="model")
    }
    about = provenance(
        "python -m mtmi_lite.experiments",
        {"online-retail": log.checksum},
        steps=steps,
        seed=seed,
        users=f"{len(cases)} validation users of fold 0",
        minutes=round((time.perf_counter() - started) / 60, 1),
    )
    save_grid(Path("notebooks/results/00_grid.npz"), grid, about)


if __name__ == "__main__":
    main()
