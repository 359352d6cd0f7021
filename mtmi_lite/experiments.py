"""Experiments: train at some settings, look at the result, and keep a grid of such results in one file."""

import atexit
import dataclasses
import functools
import json
import platform
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from torch import nn

from mtmi_lite.files import package_versions, read_arrays, refusing, save_arrays
from mtmi_lite.interactions import Cases, Split
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss, Objective
from mtmi_lite.metrics import (
    evaluate,
    list_overlap,
)
from mtmi_lite.models import MTMI, warm_items
from mtmi_lite.towers import (
    GRU,
    AttentionFusion,
    AttentionPooling,
    InterestRouting,
    MeanPooling,
    PositionRouting,
    SharedAttention,
    Similarity,
)
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
    if len(vectors) < 5:
        raise ValueError(f"vectors: {len(vectors)} points are too few for UMAP; give at least 5")
    umap = _import_umap()
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


@functools.cache  # once a process
def _import_umap() -> Any:
    """UMAP, which takes seconds to import, and whose first map is quick where an earlier process has compiled for it.

    Numba keeps what it compiles beside UMAP's files or in the home, and refuses the import where it can write in
    neither; then it gets a folder that ends with this process.
    """
    try:
        umap = import_module("umap")
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        folder = tempfile.TemporaryDirectory(prefix="numba-")
        atexit.register(folder.cleanup)
        import_module("numba").config.CACHE_DIR = folder.name
        umap = import_module("umap")
    for name in ("umap.umap_", "umap.layouts", "umap.spectral", "umap.distances", "umap.utils"):
        for function in vars(import_module(name)).values():
            own = getattr(getattr(function, "py_func", None), "__module__", "").startswith("umap")
            if own and hasattr(function, "enable_caching"):
                function.enable_caching()
    return umap


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model, its objective and its learning rate: what one trial of a comparison trains.

    Args:
        features: let the model read what the log knows of items and users beside their ids.
        popularity, correct_frequency: of the negatives, as in `TrainingSettings`.
    """

    tower: type[nn.Module] = AttentionFusion
    num_towers: int = 4
    dim: int = 64
    similarity: Similarity = "cosine"
    features: bool = False
    objective: Objective = dataclasses.field(default_factory=MultiTowerLoss)
    learning_rate: float = 3e-3
    popularity: float = 0.0
    correct_frequency: bool = False

    def train(
        self,
        split: Split,
        *,
        steps: int,
        seed: int = 0,
        progress: bool = True,
        on_step: Callable[[int], None] | None = None,
    ) -> Run:
        """Make the model and train it."""
        own = {name: getattr(self, name) for name in ("learning_rate", "popularity", "correct_frequency")}
        settings = TrainingSettings(steps=steps, seed=seed, **own)
        model = self.model(split, seed=seed)
        return train(model, self.objective, split, settings, progress=progress, on_step=on_step)

    def model(self, split: Split, *, seed: int = 0) -> MTMI:
        """The model alone, not trained yet."""
        log = split.log
        item_features = log.item_features if self.features else None
        return MTMI(
            num_items=log.num_items,
            num_towers=self.num_towers,
            dim=self.dim,
            tower=self.tower,
            similarity=self.similarity,
            item_features=item_features,
            user_features=log.user_features if self.features else None,
            warm_items=None if item_features is None else warm_items(log, split.train),
            seed=seed,
        )

    def describe(self) -> dict[str, object]:
        """The settings that are not at their defaults, as plain values."""
        row = _changed(self)
        if "tower" in row:
            row["tower"] = self.tower.__name__
        if "objective" in row:
            row["objective"] = {"name": type(self.objective).__name__, **_changed(self.objective)}
        return row


def _changed(settings: Any) -> dict[str, object]:
    plain = type(settings)()
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(plain)}
    return {name: value for name, value in values.items() if value != getattr(plain, name)}


HARD = MultiTowerLoss(share="nearest", temperature=1.0, beta=0.0)
"""ComiRec's objective: a sampled softmax of the nearest vector."""
MODELS = {
    "YouTube DNN": Recipe(tower=MeanPooling, num_towers=1),
    "GRU4Rec": Recipe(tower=GRU, num_towers=1),
    "Que2Search": Recipe(tower=AttentionFusion, num_towers=1),
    "MIND": Recipe(tower=InterestRouting, similarity="inner-product", objective=LabelAwareSoftmax()),
    "ComiRec-SA": Recipe(tower=SharedAttention, similarity="inner-product", objective=HARD),
    "ComiRec-DR": Recipe(tower=PositionRouting, similarity="inner-product", objective=HARD, learning_rate=1e-2),
    "REMI": Recipe(
        tower=SharedAttention,
        similarity="inner-product",
        objective=dataclasses.replace(HARD, hardness=1.0, routing=100.0),
    ),
    "MTMI-DNN": Recipe(tower=MeanPooling),
    "MTMI-GRU": Recipe(tower=GRU),
    "MTMI-Q2S": Recipe(tower=AttentionFusion),
    "MTMI, attention pooling": Recipe(tower=AttentionPooling),
}
"""The paper's models, each with its default objective. Most Popular needs no training and is not among them."""


def train_knobs(
    knobs: Knobs,
    split: Split,
    *,
    steps: int,
    seed: int = 0,
    progress: bool = True,
    on_step: Callable[[int], None] | None = None,
) -> Run:
    """Train MTMI-basic (attention fusion) at some knobs, everything else as in lesson 00."""
    return recipe_at(knobs).train(split, steps=steps, seed=seed, progress=progress, on_step=on_step)


def recipe_at(knobs: Knobs, *, learning_rate: float = 3e-3) -> Recipe:
    """MTMI-basic at some knobs."""
    objective = MultiTowerLoss(alpha=knobs.alpha, beta=knobs.beta)
    return Recipe(num_towers=knobs.num_towers, objective=objective, learning_rate=learning_rate)


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
    save_arrays(path, arrays, compressed=True)


def load_grid(path: Path | str) -> tuple[dict[Knobs, Portrait], dict[str, object]]:
    """Read what `save_grid` wrote: the portraits by knobs, and what the file says of itself.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is cut short, or something else.
    """
    if not Path(path).exists():
        raise FileNotFoundError(
            f"path: {path} does not exist; make it with `python -m tools.evidence knobs`, or restore it with git"
        )
    arrays = read_arrays(path, "a grid of results", "about")
    with refusing(path, "a grid of results"):
        about = json.loads(str(arrays["about"]))
        grid = {}
        for index, knobs in enumerate(about.pop("knobs")):
            values: dict[str, Any] = {f.name: arrays[f"{index}_{f.name}"] for f in dataclasses.fields(Portrait)}
            values |= {name: value.astype(np.float32) for name, value in values.items() if value.ndim > 0}
            values |= {name: value.item() for name, value in values.items() if value.ndim == 0}
            grid[Knobs(**knobs)] = Portrait(**values)
        return grid, about


WORLDS = {
    "planted-200-4": (dict(num_interests=200, interests_per_user=4), 16),
    "planted-200-1": (dict(num_interests=200, interests_per_user=1), 16),
    "planted-60-4": (dict(num_interests=60, interests_per_user=4), 64),
}
"""Planted worlds, and the dimension to learn them in: where one vector is lost, where it is enough, and between."""
