"""Recipes: a model and all that its training needs, as one thing to train, to compare and to name."""

import dataclasses
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import nn

from mtmi_lite.baselines import ease, item_knn
from mtmi_lite.files import package_versions
from mtmi_lite.interactions import Split
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss, Objective
from mtmi_lite.models import MTMI, Model, MostPopular, warm_items
from mtmi_lite.towers import (
    GRU,
    AttentionFusion,
    AttentionPooling,
    CausalAttention,
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
KS = (1, 2, 4, 8)
POPULAR = "Most Popular"


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
    history_length: int = 20
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
        patience: int | None = None,
        seed: int = 0,
        progress: bool = True,
        on_step: Callable[[int], None] | None = None,
    ) -> Run:
        """Make the model and train it."""
        own = {name: getattr(self, name) for name in ("learning_rate", "popularity", "correct_frequency")}
        settings = TrainingSettings(steps=steps, patience=patience, seed=seed, **own)
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
            history_length=self.history_length,
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


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A model that is computed from the training users in one go, without training.

    Args:
        kind: Most Popular, EASE or ItemKNN.
        history_length: how much of a history it reads, and a memory beside it keeps; None for all.
        regularisation: of EASE.
        shrinkage, neighbours: of ItemKNN.
    """

    kind: Literal["popular", "ease", "item-knn"] = "popular"
    history_length: int | None = None
    regularisation: float = 500.0
    shrinkage: float = 10.0
    neighbours: int = 100

    def fit(self, split: Split) -> Model:
        """The model.

        Raises:
            ValueError: naming the setting that is out of range.
        """
        log, users = split.log, split.train
        if self.kind == "popular":
            return MostPopular(log, users)
        if self.kind == "ease":
            return ease(log, users, regularisation=self.regularisation)
        if self.kind == "item-knn":
            return item_knn(log, users, shrinkage=self.shrinkage, neighbours=self.neighbours)
        raise ValueError(f"kind: {self.kind!r} is not known; it must be 'popular', 'ease' or 'item-knn'")

    def describe(self) -> dict[str, object]:
        """The settings that are not at their defaults."""
        return _changed(self)


HARD = MultiTowerLoss(share="nearest", temperature=1.0, beta=0.0)
"""ComiRec's objective: a sampled softmax of the nearest vector."""
MODELS = {
    "YouTube DNN": Recipe(tower=MeanPooling, num_towers=1),
    "GRU4Rec": Recipe(tower=GRU, num_towers=1),
    "Que2Search": Recipe(tower=AttentionFusion, num_towers=1),
    "SASRec": Recipe(tower=CausalAttention, num_towers=1),
    "MIND": Recipe(tower=InterestRouting, similarity="inner-product", objective=LabelAwareSoftmax()),
    "ComiRec-SA": Recipe(tower=SharedAttention, similarity="inner-product", objective=HARD),
    "ComiRec-DR": Recipe(tower=PositionRouting, similarity="inner-product", objective=HARD, learning_rate=1e-2),
    "REMI": Recipe(
        tower=SharedAttention,
        similarity="inner-product",
        objective=dataclasses.replace(HARD, hardness=1.0, routing=5000.0),  # λ = 100 in its code: `routing_spread`
    ),
    "MTMI-DNN": Recipe(tower=MeanPooling),
    "MTMI-GRU": Recipe(tower=GRU),
    "MTMI-Q2S": Recipe(tower=AttentionFusion),
    "MTMI, attention pooling": Recipe(tower=AttentionPooling),
    "MTMI-SASRec": Recipe(tower=CausalAttention),
}
"""The paper's models and two more, each with its default objective. Those that need no training are not among them."""


def recipe_at(*, num_towers: int, alpha: float, beta: float, learning_rate: float = 3e-3) -> Recipe:
    """MTMI-basic at one place of the paper's grid (Fig. 5).

    With one tower there is nothing to share out and nothing to repel, so α and β have no effect and count as 0.

    Raises:
        ValueError: naming the setting that is out of range.

    >>> recipe_at(num_towers=1, alpha=5.0, beta=0.3) == recipe_at(num_towers=1, alpha=2.0, beta=1.0)
    True
    """
    objective = MultiTowerLoss(alpha=alpha, beta=beta)
    if num_towers == 1:
        objective = MultiTowerLoss(alpha=0.0, beta=0.0)
    return Recipe(num_towers=num_towers, objective=objective, learning_rate=learning_rate)


def place_of(recipe: Recipe) -> dict[str, Any]:
    """The place of a recipe in the grid; the inverse of `recipe_at`.

    >>> place_of(recipe_at(num_towers=4, alpha=5.0, beta=0.3))
    {'num_towers': 4, 'alpha': 5.0, 'beta': 0.3}
    """
    loss = recipe.objective
    assert isinstance(loss, MultiTowerLoss)
    return {"num_towers": recipe.num_towers, "alpha": loss.alpha, "beta": loss.beta}


def provenance(command: str, data: dict[str, str], **settings: object) -> dict[str, object]:
    """Provenance of a result: the command, versions, settings, and the checksum of the data behind it."""
    return {
        "command": command,
        "versions": package_versions(),
        "machine": platform.machine(),
        "data": data,
        **settings,
    }


WORLDS = {
    "planted-200-4": (dict(num_interests=200, interests_per_user=4), 16),
    "planted-200-1": (dict(num_interests=200, interests_per_user=1), 16),
    "planted-60-4": (dict(num_interests=60, interests_per_user=4), 64),
}
"""Planted worlds, and the dimension to learn them in: where one vector is lost, where it is enough, and between."""
