"""Maps of user vectors, PCA beside UMAP, and portraits: a model's numbers with its maps, many of them in one file."""

import atexit
import dataclasses
import functools
import json
import tempfile
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32

from mtmi_lite.files import read_arrays, refusing, save_arrays
from mtmi_lite.interactions import Cases
from mtmi_lite.lab.recipes import Recipe, place_of, recipe_at
from mtmi_lite.metrics import evaluate, list_overlap
from mtmi_lite.models import MTMI

Array = np.ndarray
SHOWN_USERS = 80
"""How many users a picture of user vectors shows: enough to see the shape, few enough for UMAP to be quick."""


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


def save_grid(path: Path, grid: dict[Recipe, Portrait], about: dict[str, object]) -> None:
    """Write a grid and what it says of itself; maps as 16-bit numbers, which is finer than a screen."""
    arrays = {"about": np.array(json.dumps({**about, "knobs": [place_of(recipe) for recipe in grid]}))}
    for index, portrait in enumerate(grid.values()):
        for field in dataclasses.fields(Portrait):
            value = np.asarray(getattr(portrait, field.name))
            arrays[f"{index}_{field.name}"] = value.astype(np.float16) if field.name in ("pca", "umap") else value
    save_arrays(path, arrays, compressed=True)


def load_grid(path: Path | str) -> tuple[dict[Recipe, Portrait], dict[str, object]]:
    """Read what `save_grid` wrote: the portraits by recipe, and what the file says of itself.

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
        for index, place in enumerate(about.pop("knobs")):
            values: dict[str, Any] = {f.name: arrays[f"{index}_{f.name}"] for f in dataclasses.fields(Portrait)}
            values |= {name: value.astype(np.float32) for name, value in values.items() if value.ndim > 0}
            values |= {name: value.item() for name, value in values.items() if value.ndim == 0}
            grid[recipe_at(**place)] = Portrait(**values)
        return grid, about
