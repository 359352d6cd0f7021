"""The plan of the tables of models: who competes, with which settings, on which users, and by which rule.

Nothing here trains: `models.py` does, from beginning to end, by this plan alone.

*Question.* Does MTMI win on a log: is it better there than everything it competes with?

*Entrants* are two, the course's MTMI (InfoNCE, normalised inverse-distance shares) and the paper's loss (triplet, raw
inverse-distance weights), each with several towers. *Rivals* are the paper's baselines, SASRec, EASE, ItemKNN and the
user's own history. *Controls* are one tower, equal towers, and the same towers with the objective of MIND and of
ComiRec.

*Settings.* Every model gets the same number of draws on each log, from the same ranges of learning rate, temperature,
history length and dimension, within the same number of parameters; those of its objective are drawn beside them.
Validation users choose. A choice at the highest or lowest learning rate or at the last step is followed further, and
one at another edge is named in the table. Beside each model stands a memory of what the user had, whose weight
validation users choose, 0 among them.

*Judges* are three logs on which nothing had been tested when this plan was committed. They are run once. Whatever comes
out is reported, and nothing here changes afterwards; the hash of the commit stands in their tables. (A first version
would have cost twice as much, and was cut when its first short trainings showed that; no recall had been looked at.)
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Int64
from scipy.stats import qmc
from torch import nn

from mtmi_lite.lab.cells import Cell
from mtmi_lite.lab.recipes import POPULAR, WORLDS, Baseline, Recipe
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss, Objective
from mtmi_lite.towers import (
    GRU,
    AttentionFusion,
    AttentionPooling,
    CausalAttention,
    InterestRouting,
    MeanPooling,
    PositionRouting,
    SharedAttention,
)

Array = np.ndarray

# ---- the users


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """On which users of a log a model is tested.

    Args:
        folds: whose users test, each a tenth. Fold 1 holds the validation users of fold 0, who choose the settings, so
            it never tests.
        seeds: of the trainings on each fold.
        dim: in place of the drawn one, where a world is made for it.
    """

    folds: Sequence[int]
    seeds: Sequence[int] = (0, 1, 2)
    dim: int | None = None


PROTOCOLS = {
    "online-retail": Protocol(folds=(0, 2)),
    "movielens": Protocol(folds=(0, 2, 3, 4, 5, 6, 7, 8, 9), seeds=(0,)),
    "amazon-books-sample": Protocol(folds=(0,)),
    "gowalla-sample": Protocol(folds=(0,)),
    "retailrocket-sessions": Protocol(folds=(0,)),
    "tafeng": Protocol(folds=(0,)),
    "grocery": Protocol(folds=(0, 2)),
    "sports": Protocol(folds=(0,)),
    **{name: Protocol(folds=(0, 2), dim=dim) for name, (_, dim) in WORLDS.items()},
}
DEVELOPMENT = ("online-retail", "movielens", "amazon-books-sample", "gowalla-sample", "retailrocket-sessions")
"""Logs that were looked at, again and again, while models and rule were made."""
JUDGES = ("tafeng", "grocery", "sports")
"""Logs on which nothing had been run before this plan was committed."""


# ---- the space of settings, the same for all

DRAWS = 8
"""So many settings are tried for each model on each log."""
SHORT, FULL = 300, 2
"""Each for so many steps, and the best so many of them in full."""
STEPS, PATIENCE = 4000, 3
"""A full training ends after so many looks without a better one, 250 steps apart, and at the latest here."""
WIDER = 3
"""Where the best learning rate is the highest or the lowest that was drawn, twice or half of it is tried as well, up to
so many times; where a best step is the last one, twice the steps."""
RATES, TEMPERATURES = (5e-4, 2e-2), (0.05, 0.3)
LENGTHS, DIMS, LEAST_DIM = (20, 50, 100), (32, 64, 128), 16
LONG = 0.1
"""A length is tried if at least this fraction of the users has more than the next shorter one."""
PARAMETERS_AN_ITEM, SPARE_PARAMETERS = 64, 300_000
"""What a model may have: so many for each item, and these. A draw with more takes half the dimension, again and again,
and then the next shorter history."""
KS = (2, 4, 8)
ALPHAS, BETAS = (2.0, 3.0, 5.0, 8.0), (0.0, 0.03, 0.1, 0.3, 1.0)
PAPERS_ALPHAS, MARGINS = (1.0, 2.0, 4.0, 5.5), (0.1, 0.2, 0.5)
PAPERS_BETAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 6.0, 1000.0)
ENCODERS = (MeanPooling, AttentionFusion, AttentionPooling)
"""The towers that a model may choose from which is not bound to one."""
Loss = Literal["one", "equal", "mtmi", "paper", "label-aware", "nearest", "remi"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A model of the tables: its loss, and the towers among which its draws choose."""

    loss: Loss
    towers: tuple[type[nn.Module], ...] = ENCODERS


MODELS = {
    "YouTube DNN": Entry(loss="one", towers=(MeanPooling,)),
    "GRU4Rec": Entry(loss="one", towers=(GRU,)),
    "Que2Search": Entry(loss="one", towers=(AttentionFusion,)),
    "SASRec": Entry(loss="one", towers=(CausalAttention,)),
    "MIND": Entry(loss="label-aware", towers=(InterestRouting,)),
    "ComiRec-SA": Entry(loss="nearest", towers=(SharedAttention,)),
    "ComiRec-DR": Entry(loss="nearest", towers=(PositionRouting,)),
    "REMI": Entry(loss="remi", towers=(SharedAttention,)),
    "One tower": Entry(loss="one"),
    "Equal towers": Entry(loss="equal"),
    "Label-aware attention": Entry(loss="label-aware"),
    "Nearest tower": Entry(loss="nearest"),
    "MTMI, the paper's loss": Entry(loss="paper"),
    "MTMI": Entry(loss="mtmi"),
}
"""Every model that is trained, with the draws that are its own."""
_BASES = (("DNN", MeanPooling), ("GRU", GRU), ("Q2S", AttentionFusion), ("SASRec", CausalAttention))
UPGRADES = {f"MTMI-{name}, the paper's loss": Entry(loss="paper", towers=(tower,)) for name, tower in _BASES}
UPGRADES |= {f"MTMI-{name}": Entry(loss="mtmi", towers=(tower,)) for name, tower in _BASES}
"""The same with one tower each, beside the model that it upgrades: on the two logs where that takes least time."""
UPGRADED = {"DNN": "YouTube DNN", "GRU": "GRU4Rec", "Q2S": "Que2Search", "SASRec": "SASRec"}
UPGRADED_ON = ("online-retail", "movielens")


class Point:
    """A point of the unit cube, read one coordinate after the other.

    >>> point = Point([0.5, 0.9])
    >>> point.between(1, 100), point.pick("abc")
    (10.0, 'c')
    """

    def __init__(self, coordinates: Sequence[float]) -> None:
        self.coordinates = iter(coordinates)

    def pick(self, values: Sequence[Any]) -> Any:
        return values[int(next(self.coordinates) * len(values))]

    def between(self, low: float, high: float) -> float:
        """A number between two, evenly by its logarithm, to two digits."""
        return float(f"{low * (high / low) ** next(self.coordinates):.2g}")


def points(draws: int = DRAWS) -> list[Point]:
    """Draws that cover each range evenly, the same for every model and log: a Latin hypercube."""
    return [Point(row) for row in qmc.LatinHypercube(d=12, rng=np.random.default_rng(0)).random(draws)]


def settings_of(entry: Entry, *, num_items: int, lengths: Sequence[int], dim: int | None = None) -> list[Recipe]:
    """A model's draws on a log: those of two models share learning rate, temperature, length and dimension.

    Args:
        lengths: the history lengths to try.
        dim: in place of the drawn one.
    """
    found = []
    for point in points():
        rate, temperature = point.between(*RATES), point.between(*TEMPERATURES)
        length, drawn = point.pick(lengths), point.pick(DIMS)
        tower, num_towers = point.pick(entry.towers), point.pick(KS)
        recipe = Recipe(tower=tower, num_towers=num_towers, dim=dim or drawn, history_length=length, learning_rate=rate)
        found.append(within(with_loss(recipe, entry.loss, temperature, point), num_items, lengths, dim is None))
    return found


def with_loss(recipe: Recipe, loss: Loss, temperature: float, point: Point) -> Recipe:
    """The recipe with its objective, whose own settings the rest of the point draws."""
    objective: Objective
    if loss == "one":
        return replace(recipe, num_towers=1, objective=MultiTowerLoss(temperature=temperature))
    if loss == "equal":  # nothing makes the towers differ but their start
        return replace(recipe, objective=MultiTowerLoss(temperature=temperature, share="equal", beta=0.0))
    if loss == "mtmi":
        objective = MultiTowerLoss(temperature=temperature, alpha=point.pick(ALPHAS), beta=point.pick(BETAS))
        return replace(recipe, objective=objective)
    if loss == "paper":
        alpha, beta, margin = point.pick(PAPERS_ALPHAS), point.pick(PAPERS_BETAS), point.pick(MARGINS)
        objective = MultiTowerLoss(pull="triplet", share="raw", alpha=alpha, beta=beta, margin=margin)
        return replace(recipe, objective=objective)
    # the rivals, as published on inner products, or on cosines with a temperature
    similarity, sharpness, hardness, routing = (
        point.pick(("inner-product", "cosine")),
        point.between(1, 16),
        point.between(0.1, 10),  # 10, 1 and 0.1 in REMI's published settings, a number a log
        point.between(500, 50_000),  # λ of 10 to 1,000 in REMI's code: `routing_spread`
    )
    temperature = 1.0 if similarity == "inner-product" else temperature
    if loss == "label-aware":
        objective = LabelAwareSoftmax(sharpness=sharpness, temperature=temperature)
    else:
        objective = MultiTowerLoss(share="nearest", temperature=temperature, beta=0.0)
        if loss == "remi":
            objective = replace(objective, hardness=hardness, routing=routing)
    return replace(recipe, similarity=similarity, objective=objective)


def within(recipe: Recipe, num_items: int, lengths: Sequence[int], smaller: bool = True) -> Recipe:
    """The recipe with no more parameters than a model may have, by a smaller dimension and then a shorter history."""
    most = PARAMETERS_AN_ITEM * num_items + SPARE_PARAMETERS
    while num_parameters(recipe, num_items) > most:
        if smaller and recipe.dim > LEAST_DIM:
            recipe = replace(recipe, dim=recipe.dim // 2)
        elif recipe.history_length > min(lengths):
            recipe = replace(recipe, history_length=max(one for one in lengths if one < recipe.history_length))
        else:
            break
    return recipe


def num_parameters(recipe: Recipe, num_items: int) -> int:
    """How many numbers a model learns: its towers, and one row of the table for each item."""
    sizes = dict(num_towers=recipe.num_towers, dim=recipe.dim, history_length=recipe.history_length)
    towers = recipe.tower(**sizes, generator=torch.Generator())
    return num_items * recipe.dim + sum(parameter.numel() for parameter in towers.parameters())


def lengths_to_try(lengths: Int64[Array, " user"]) -> list[int]:
    """Those of `LENGTHS` that the users of a log, of these lengths, can tell apart.

    >>> lengths_to_try(np.array([5, 30, 30, 30]))
    [20, 50]
    """
    pairs = itertools.pairwise(LENGTHS)
    return [LENGTHS[0], *(longer for shorter, longer in pairs if (lengths > shorter).mean() >= LONG)]


# ---- models that need no training: as many settings, each in full


def _ease(lengths: Sequence[int]) -> list[Baseline]:
    return [
        Baseline(kind="ease", regularisation=point.between(1, 5000), history_length=point.pick((None, *lengths)))
        for point in points()
    ]


def _item_knn(lengths: Sequence[int]) -> list[Baseline]:
    return [
        Baseline(
            kind="item-knn",
            shrinkage=point.between(1, 500),
            history_length=point.pick((None, *lengths)),
            neighbours=point.pick((20, 50, 100, 200, 500)),
        )
        for point in points()
    ]


BASELINES: dict[str, Callable[[Sequence[int]], list[Baseline]]] = {
    POPULAR: lambda lengths: [Baseline()],
    "EASE": _ease,
    "ItemKNN": _item_knn,
}


# ---- the rule

ENTRANTS = ("MTMI", "MTMI, the paper's loss")
RETRIEVERS = (
    POPULAR,
    "YouTube DNN",
    "GRU4Rec",
    "Que2Search",
    "SASRec",
    "MIND",
    "ComiRec-SA",
    "ComiRec-DR",
    "REMI",
)
"""The paper's baselines, SASRec, and ComiRec's other half."""
RIVALS = (*RETRIEVERS, "EASE", "ItemKNN", "Own history")
CONTROLS = ("One tower", "Equal towers", "Label-aware attention", "Nearest tower")
"""What would be enough without the inverse-distance share: fewer towers, equal ones, or a rival's choice of a tower."""
LEAST_GAIN = 0.02
"""Of a rival's recall: less is no win, however sure."""


def wins(difference: Sequence[float], rival: float) -> bool:
    """Whether a rival is beaten: the 95% interval of the difference, over users and seeds, lies above 0, and the
    difference is at least `LEAST_GAIN` of the rival's.

    An entrant wins a log if it beats every rival and every control, in recall@50 of all items and of those that are new
    to the user. No correction for the many rivals: an entrant that must beat all of them gains nothing by their number.

    >>> wins([0.01, 0.002, 0.018], 0.3), wins([0.01, -0.002, 0.022], 0.3), wins([0.005, 0.002, 0.008], 0.3)
    (True, False, False)
    """
    return difference[1] > 0 and difference[0] >= LEAST_GAIN * rival


def wider(best: Cell, best_step: int, tried: Sequence[Cell]) -> Cell | None:
    """What to try next, where the best step is the last one or the learning rate is the highest or lowest tried."""
    recipe = best.recipe
    if isinstance(recipe, Baseline):
        return None
    if best_step == best.steps:
        return replace(best, steps=2 * best.steps)
    rates = [cell.recipe.learning_rate for cell in tried if isinstance(cell.recipe, Recipe)]
    for edge, factor in ((max(rates), 2.0), (min(rates), 0.5)):
        if recipe.learning_rate == edge:
            return replace(best, recipe=replace(recipe, learning_rate=factor * edge))
    return None


def at_an_edge(best: Cell, best_step: int, tried: Sequence[Cell]) -> list[str]:
    """The settings of the best cell that are the highest or the lowest of those tried; "steps" if it was still rising.

    Of these, learning rate and steps have been widened as far as `WIDER` allows.
    """
    values = numbers_of(best.recipe)
    every = [numbers_of(cell.recipe) for cell in tried]
    found = ["steps"] if isinstance(best.recipe, Recipe) and best_step == best.steps else []
    for name, value in values.items():
        there = {numbers[name] for numbers in every if name in numbers}
        if len(there) > 2 and value in (max(there), min(there)):
            found.append(name)
    return found


def numbers_of(recipe: Recipe | Baseline) -> dict[str, float]:
    """The settings of a recipe and of its objective that are numbers."""
    parts = [recipe, recipe.objective] if isinstance(recipe, Recipe) else [recipe]
    found = {field.name: getattr(part, field.name) for part in parts for field in fields(part)}  # type: ignore[arg-type]
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
