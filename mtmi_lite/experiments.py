"""Experiments: train at some settings, look at the result, and keep a grid of such results in one file.

`python -m mtmi_lite.experiments grid` makes the grid that lesson 00 explores, `… compare` the numbers of the README,
`… models` a table of all models on a log, `… paper` one of the paper's own loss, and `… planted` one on worlds whose
truth is known.
"""

import argparse
import contextlib
import dataclasses
import functools
import json
import platform
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from torch import nn
from tqdm.auto import tqdm

from mtmi_lite.datasets import LOGS, PlantedWorld, load_log, oracle_ranking, planted_interests
from mtmi_lite.files import package_versions, read_arrays, save_arrays, save_text
from mtmi_lite.interactions import Cases, Interactions, Split, evaluation_cases, filter_items_first, split_users
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss, Objective
from mtmi_lite.metrics import (
    Evaluation,
    evaluate,
    find_hits,
    interests_found,
    list_overlap,
    paired_interval,
    recall,
)
from mtmi_lite.models import MTMI, Model, MostPopular, warm_items
from mtmi_lite.readers import read_interactions
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

Cut = Literal["interaction", "basket"]
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
    _keep_compiled()
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
def _keep_compiled() -> None:
    """Let numba keep what it compiles of UMAP, beside UMAP's files: the first map of the next process is quick."""
    for name in ("umap.umap_", "umap.layouts", "umap.spectral", "umap.distances", "umap.utils"):
        for function in vars(import_module(name)).values():
            own = getattr(getattr(function, "py_func", None), "__module__", "").startswith("umap")
            if own and hasattr(function, "enable_caching"):
                with contextlib.suppress(RuntimeError):  # nowhere to write
                    function.enable_caching()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model, its objective and its learning rate: what one trial of a comparison trains.

    Args:
        features: let the model read what the log knows of items and users beside their ids.
    """

    tower: type[nn.Module] = AttentionFusion
    num_towers: int = 4
    dim: int = 64
    similarity: Similarity = "cosine"
    features: bool = False
    objective: Objective = dataclasses.field(default_factory=MultiTowerLoss)
    learning_rate: float = 3e-3

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
        settings = TrainingSettings(steps=steps, learning_rate=self.learning_rate, seed=seed)
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
            f"path: {path} does not exist; make it with `python -m mtmi_lite.experiments grid`, or restore it with git"
        )
    arrays = read_arrays(path, "a grid of results", "about")
    about = json.loads(str(arrays["about"]))
    grid = {}
    for index, knobs in enumerate(about.pop("knobs")):
        values: dict[str, Any] = {f.name: arrays[f"{index}_{f.name}"] for f in dataclasses.fields(Portrait)}
        values |= {name: value.astype(np.float32) for name, value in values.items() if value.ndim > 0}
        values |= {name: value.item() for name, value in values.items() if value.ndim == 0}
        grid[Knobs(**knobs)] = Portrait(**values)
    return grid, about


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Models on the test users of some folds, each at the settings that its validation users chose.

    Args:
        found: the evaluations of each model, one a fold, the same test users for all.
        chosen: what each model's validation users chose in each fold.
        seconds: how long each model trained, all trials of all folds together.
    """

    found: dict[str, list[Evaluation]]
    chosen: dict[str, list[Recipe]]
    seconds: dict[str, float]

    def per_user(self, name: str, measure: str = "recall", num: int = 50) -> Float[Array, " user"]:
        """A measure of every test user, all folds after one another."""
        return np.concatenate([getattr(evaluation, measure)(num) for evaluation in self.found[name]])

    def over(self, ours: str, theirs: str) -> list[float]:
        """The mean difference in recall@50 over users, and its 95% interval."""
        interval = paired_interval(self.per_user(ours), self.per_user(theirs), seed=0)
        return [round(value, 4) for value in interval]

    def row(self, name: str) -> dict[str, object]:
        """What a table says of a model: means over users; in each fold, what its towers do and what was chosen."""
        found = self.found[name]
        row: dict[str, object] = {
            f"{measure}_{num}": round(float(self.per_user(name, measure, num).mean()), 4)
            for measure in ("recall", "hit_rate", "ndcg")
            for num in (20, 50)
        }
        if found[0].users.vectors.shape[1] > 1:
            row["cosine"] = [round(evaluation.summary()["cosine"], 3) for evaluation in found]
            row["overlap"] = [round(float(np.nanmedian(list_overlap(evaluation.lists))), 3) for evaluation in found]
            row["shares of the hits"] = [evaluation.tower_shares(50).round(3).tolist() for evaluation in found]
            row["recall_50 without each"] = [
                [round(float(e.recall_without(j, 50).mean()), 4) for j in range(e.lists.items.shape[1])] for e in found
            ]
        if name in self.chosen:
            row["chosen"] = [recipe.describe() for recipe in self.chosen[name]]
            row["seconds"] = round(self.seconds[name], 1)
        return row

    def table(self, baseline: str) -> dict[str, Any]:
        """A row for each model, and how far it is over the baseline."""
        rows = {name: self.row(name) for name in self.found}
        for name in rows:
            if name != baseline:
                rows[name][f"over {baseline}, recall_50"] = self.over(name, baseline)
        return {"users": len(self.per_user(baseline)), **rows}


def compare(
    log: Interactions,
    candidates: dict[str, list[Recipe]],
    *,
    folds: Sequence[int],
    steps: int,
    cuts: Sequence[Cut] = ("interaction",),
) -> dict[Cut, Comparison]:
    """Train each model in each fold at each of its candidate settings, and test the one its validation users choose.

    Settings chosen on one fold for all would be chosen by users who are test users of another. Most Popular is always
    among the models. Fold f is trained with seed f.
    """
    names = [*candidates, POPULAR]
    chosen: dict[str, list[Recipe]] = {name: [] for name in candidates}
    seconds = dict.fromkeys(candidates, 0.0)
    found: dict[Cut, dict[str, list[Evaluation]]] = {cut: {name: [] for name in names} for cut in cuts}
    for fold in folds:
        split = split_users(log, seed=0, fold=fold)
        models: dict[str, Model] = {POPULAR: MostPopular(log, split.train)}
        for name, recipes in tqdm(candidates.items(), desc=f"fold {fold}", unit="model"):
            runs = [recipe.train(split, steps=steps, seed=fold, progress=False) for recipe in recipes]
            best = int(np.argmax([run.validation_recall.max() for run in runs]))
            models[name] = runs[best].model
            chosen[name].append(recipes[best])
            seconds[name] += sum(run.seconds for run in runs)
        for cut in cuts:
            cases = evaluation_cases(log, split.test, cut=cut)
            for name, model in models.items():
                found[cut][name].append(evaluate(model, cases))
    return {cut: Comparison(found=found[cut], chosen=chosen, seconds=seconds) for cut in cuts}


def compare_four_and_one(log: Interactions, *, steps: int, folds: Sequence[int]) -> dict[str, object]:
    """The README's table: four towers, one tower and Most Popular, with the same budget of tuning for four and one."""
    four = [recipe_at(Knobs(num_towers=4, alpha=a, beta=b)) for a, b in ((5.0, 0.1), (5.0, 0.3), (8.0, 0.3))]
    four.append(recipe_at(Knobs(num_towers=4, alpha=5.0, beta=0.3), learning_rate=2e-3))
    one = Knobs(num_towers=1, alpha=0.0, beta=0.0)
    candidates = {"K = 4": four, "K = 1": [recipe_at(one, learning_rate=r) for r in (1e-3, 2e-3, 3e-3, 5e-3)]}
    compared = compare(log, candidates, folds=folds, steps=steps, cuts=("interaction", "basket"))
    return {f"cut at the {cut}": of_cut.table("K = 1") for cut, of_cut in compared.items()}


def compare_models(log: Interactions, *, steps: int, folds: Sequence[int]) -> dict[str, object]:
    """Every model of the paper with its default objective, beside Most Popular."""
    candidates = {name: [recipe] for name, recipe in MODELS.items()}
    return compare(log, candidates, folds=folds, steps=steps)["interaction"].table(POPULAR)


def compare_paper(log: Interactions, *, steps: int, folds: Sequence[int]) -> dict[str, object]:
    """The paper's own loss, a triplet with raw weights, at K = 4: with the gradient stopped at the weight, or not."""
    settings = [(1, 0.1, 0.2), (4, 0.1, 0.2)]  # α, β, γ
    settings += [(2, 0, 0.2), (2, 0, 0.5), (2, 0.1, 0.2), (2, 0.1, 0.5), (2, 0.25, 0.2), (2, 1, 0.2)]
    candidates = {
        name: [
            Recipe(
                objective=MultiTowerLoss(
                    pull="triplet", share="raw", alpha=alpha, beta=beta, margin=margin, through_weight=through
                )
            )
            for alpha, beta, margin in settings
        ]
        for name, through in (("weight detached", False), ("gradient through the weight", True))
    }
    return compare(log, candidates, folds=folds, steps=steps)["interaction"].table(POPULAR)


WORLDS = {
    "200 interests, 4 a user, d = 16": (dict(num_interests=200, interests_per_user=4), 16),
    "200 interests, 1 a user, d = 16": (dict(num_interests=200, interests_per_user=1), 16),
    "60 interests, 4 a user, d = 64": (dict(num_interests=60, interests_per_user=4), 64),
}
"""Planted worlds, and the dimension to learn them in: where one vector is lost, where it is enough, and between."""


def compare_planted(world: PlantedWorld, *, dim: int, folds: Sequence[int], steps: int) -> dict[str, object]:
    """Four towers and one on a planted world, tuned alike, and the paper's own loss; beside what an oracle reaches."""

    def tuned(tower: type[nn.Module], num_towers: int) -> list[Recipe]:
        settings = ((5.0, 0.0, 3e-3), (5.0, 0.1, 3e-3), (8.0, 0.0, 3e-3), (5.0, 0.0, 5e-3))
        if num_towers == 1:  # which has no α and no β
            settings = tuple((5.0, 0.0, rate) for rate in (1e-3, 2e-3, 3e-3, 5e-3))
        return [
            Recipe(
                tower=tower,
                num_towers=num_towers,
                dim=dim,
                objective=MultiTowerLoss(alpha=alpha, beta=beta),
                learning_rate=rate,
            )
            for alpha, beta, rate in settings
        ]

    paper = [MultiTowerLoss(pull="triplet", share="raw", alpha=2.0, beta=beta) for beta in (0.0, 0.1, 0.25, 1.0)]
    candidates = {
        "attention pooling, K = 4": tuned(AttentionPooling, 4),
        "attention pooling, K = 1": tuned(AttentionPooling, 1),
        "attention fusion, K = 4": tuned(AttentionFusion, 4),
        "attention fusion, K = 1": tuned(AttentionFusion, 1),
        "attention fusion, K = 4, the paper's triplet with raw weights": [
            Recipe(dim=dim, objective=objective) for objective in paper
        ],
    }
    found = compare(world.log, candidates, folds=folds, steps=steps)["interaction"]
    table = found.table("attention pooling, K = 1")
    for name in candidates:
        table[name]["interests found"] = [
            round(float(interests_found(e.lists, world.item_interest, world.user_interests[e.cases.users]).mean()), 3)
            for e in found.found[name]
        ]
    oracle = [
        recall(find_hits(oracle_ranking(world, e.cases.users, 50), e.cases), e.cases.num_relevant)
        for e in found.found[POPULAR]
    ]
    return {"oracle, recall_50": round(float(np.concatenate(oracle).mean()), 4), **table}


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


ELSEWHERE = "this log may not be distributed with the course; the checksum says which one it was"
STEPS = {"grid": 1500, "compare": 2500, "models": 2500, "paper": 1500, "planted": 3000}
"""The results that can be made, and how many steps each of their trainings takes."""


def main() -> None:
    """Make a result and write it as a file that says what made it."""
    parser = argparse.ArgumentParser(prog="python -m mtmi_lite.experiments", description=main.__doc__)
    parser.add_argument("what", choices=STEPS)
    parser.add_argument("--log", default="online-retail", help="one of the course's logs, or the path of another")
    parser.add_argument("--folds", type=int, default=3, help="how many of the ten folds to test on")
    parser.add_argument("--steps", type=int, help="of each training")
    parser.add_argument("--results", type=Path, default=Path("notebooks/results"), help="the folder to write into")
    given = parser.parse_args()
    steps, folds = given.steps or STEPS[given.what], list(range(given.folds))
    torch.set_num_threads(1)
    started = time.perf_counter()
    if given.what == "planted":
        worlds = {name: planted_interests(**settings) for name, (settings, _) in WORLDS.items()}
        data = {name: world.log.checksum for name, world in worlds.items()}
    else:
        log = load_log(given.log) if given.log in LOGS else filter_items_first(read_interactions(given.log))
        data = {Path(given.log).stem: log.checksum}

    def about(**settings: object) -> dict[str, object]:
        of_log = "" if given.what == "planted" else f" --log {Path(given.log).name}"
        command = f"python -m mtmi_lite.experiments {given.what}{of_log} --folds {given.folds} --steps {steps}"
        minutes = round((time.perf_counter() - started) / 60, 1)
        if given.what != "planted" and given.log != "online-retail":
            settings["note"] = ELSEWHERE
        return provenance(command, data, minutes=minutes, steps=steps, **settings)

    if given.what == "grid":
        grid, users = make_grid(log, steps=steps)
        save_grid(given.results / "00_grid.npz", grid, about(seed=0, users=users))
        return
    if given.what == "planted":
        table: dict[str, object] = {
            world: compare_planted(worlds[world], dim=dim, folds=folds, steps=steps)
            for world, (_, dim) in WORLDS.items()
        }
        name = "planted"
    elif given.what in ("models", "paper"):
        make = {"models": compare_models, "paper": compare_paper}[given.what]
        name, table = f"{given.what}_{Path(given.log).stem}", make(log, folds=folds, steps=steps)
    else:
        name, table = "00_compare", compare_four_and_one(log, folds=folds, steps=steps)
    text = json.dumps({"about": about(folds=folds, seeds=folds), **table}, indent=1)
    save_text(given.results / f"{name}.json", text + "\n")


if __name__ == "__main__":
    main()
