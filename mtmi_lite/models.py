"""Models: a batch of users in, their vectors out.

A model has `users(batch) → Users`, `items(ids) → [item, dim]` and `similarity`, "cosine" or "inner-product": what it
is trained for and served with. Training, retrieval, metrics and figures know nothing else about it.
"""

from dataclasses import replace
from typing import Protocol, get_args, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from mtmi_lite.interactions import Batch, Features, Interactions, item_counts
from mtmi_lite.towers import TOWERS, AttentionFusion, FeatureTable, ItemTower, Similarity, Users


@runtime_checkable
class Model(Protocol):
    """A model, as the rest of the library sees it."""

    similarity: Similarity
    num_items: int

    def users(self, batch: Batch) -> Users: ...

    def items(self, ids: Int64[Tensor, " item"]) -> Float[Tensor, "item dim"]: ...


class MTMI(nn.Module):
    """K user towers and one item tower over one embedding table (Fig. 1, Eq. 1).

    `V_u = f_user(E_p, E_u)`: each tower reads the history `E_u`; where there are profiles `E_p`, each tower adds a
    linear map of its own of their mean. The rivals differ in the `tower` alone, `recipes.MODELS` names them: with
    `SharedAttention` this is ComiRec-SA, with `InterestRouting` MIND, and with one tower the plain two-tower model.

    Args:
        num_items: N, the size of the table.
        num_towers: K.
        dim: d, of every vector.
        history_length: L, how many items of the history the towers read.
        tower: one of `towers.TOWERS`. `AttentionFusion` is MTMI-basic, `MeanPooling` MTMI-DNN, `GRU` MTMI-GRU.
        similarity: how vectors are compared. Cosine in the paper; MIND and ComiRec use the inner product.
        item_features: a log's, for the item tower; None leaves the ids alone.
        user_features: a log's, for the profiles; None leaves them out.
        warm_items: True for the items that training users have; only with `item_features`.
        seed: of the initial weights.

    Raises:
        ValueError: naming the setting that is out of range.

    >>> from mtmi_lite.interactions import batch_of
    >>> model = MTMI(num_items=10, num_towers=4, dim=8, history_length=5)
    >>> users = model.users(batch_of([[1, 2, 3], [9]], num_items=10, history_length=5))
    >>> users.vectors.shape, users.attention.shape
    (torch.Size([2, 4, 8]), torch.Size([2, 4, 5]))
    """

    def __init__(
        self,
        *,
        num_items: int,
        num_towers: int = 4,
        dim: int = 64,
        history_length: int = 20,
        tower: type[nn.Module] = AttentionFusion,
        similarity: Similarity = "cosine",
        item_features: Features | None = None,
        user_features: Features | None = None,
        warm_items: Bool[Tensor, " item"] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        for name, value in dict(
            num_items=num_items, num_towers=num_towers, dim=dim, history_length=history_length
        ).items():
            if value < 1:
                raise ValueError(f"{name}: {value} is out of range; it must be at least 1")
        if tower not in TOWERS:
            names = ", ".join(known.__name__ for known in TOWERS)
            raise ValueError(f"tower: {tower!r} is not known; give one of these classes itself: {names}")
        if similarity not in get_args(Similarity):
            raise ValueError(f"similarity: {similarity!r} is not known; it must be 'cosine' or 'inner-product'")
        if item_features is not None and len(item_features) != num_items:
            raise ValueError(f"item_features: {len(item_features)} rows for {num_items} items; give the log's own")
        if warm_items is not None and (item_features is None or len(warm_items) != num_items):
            raise ValueError(
                f"warm_items: it goes with item_features and needs one value for each of {num_items} items; "
                "give both, or neither"
            )
        generator = torch.Generator().manual_seed(seed)
        self.num_items, self.num_towers, self.dim, self.history_length = num_items, num_towers, dim, history_length
        self.similarity: Similarity = similarity
        self.seed = seed
        # rows of length about 1, so that at the start no product's cosine saturates and none vanishes
        rows = torch.zeros(num_items + 1, dim)
        rows[:-1].normal_(generator=generator).mul_(dim**-0.5)
        # the last row stays 0 and has no gradient: it is what a padded slot reads
        table = nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=num_items)
        self.user_towers = tower(num_towers=num_towers, dim=dim, history_length=history_length, generator=generator)
        self.item_tower = ItemTower(table, generator=generator, features=item_features, warm=warm_items)
        self.profile = None
        if user_features is not None:
            self.profile = FeatureTable(num_features=len(user_features.names), dim=dim, generator=generator)
            # 0 at first: a profile changes a vector only as far as it helps
            self.profile_weight = nn.Parameter(torch.zeros(num_towers, dim, dim))

    @property
    def table(self) -> nn.Embedding:
        """The one table that all towers read."""
        return self.item_tower.table

    @property
    def sizes(self) -> dict[str, int | str]:
        """The settings that it was made with, features aside; the tower by its name."""
        names = ("num_items", "num_towers", "dim", "history_length", "similarity", "seed")
        return {**{name: getattr(self, name) for name in names}, "tower": type(self.user_towers).__name__}

    def users(self, batch: Batch) -> Users:
        if batch.history.shape[1] != self.history_length:
            raise ValueError(
                f"history: {batch.history.shape[1]} steps, but this model reads {self.history_length}; "
                f"make the batch with history_length={self.history_length}"
            )
        _check_ids("history", batch.history[batch.mask], self.num_items)
        device = self.table.weight.device
        history, mask = batch.history.to(device), batch.mask.to(device)
        embedded = self.item_tower(torch.where(mask, history, self.num_items))
        users = self.user_towers(embedded, mask)
        vectors = users.vectors
        if self.profile is not None:
            if batch.profile is None:
                raise ValueError(
                    "profile: this model reads profiles and the batch has none; make the batch from a log with "
                    "user_features, or the model without them"
                )
            profile = self.profile(batch.profile.to(device))
            vectors = vectors + torch.einsum("bd,kde->bke", profile, self.profile_weight)
        return replace(users, vectors=vectors, similarity=self.similarity)

    def items(self, ids: Int64[Tensor, " item"]) -> Float[Tensor, "item dim"]:
        _check_ids("ids", ids, self.num_items)
        return self.item_tower(ids.to(self.table.weight.device))


def _check_ids(name: str, ids: Tensor, num_items: int) -> None:
    """An id past the last item would silently get the padding's row."""
    bad = ids[(ids < 0) | (ids >= num_items)]
    if len(bad):
        raise ValueError(f"{name}: {int(bad[0])} is not an item; this model has {num_items}, numbered from 0")


def warm_items(log: Interactions, users: Int64[np.ndarray, " user"]) -> Bool[Tensor, " item"]:
    """True for the items that some of these users have: the others' rows of the table are never trained.

    >>> from mtmi_lite.interactions import from_columns
    >>> log = from_columns(users=[0, 0, 1], items=["a", "b", "c"], times=[0, 1, 2])
    >>> warm_items(log, np.array([0])).tolist()
    [True, True, False]
    """
    return torch.from_numpy(item_counts(log, users) > 0)


class MostPopular:
    """The same ranking for everyone: items by how often the training users interacted with them.

    One vector of one number for every user, so that the inner product with an item is the item's count.
    """

    similarity: Similarity = "inner-product"

    def __init__(self, log: Interactions, users: Int64[np.ndarray, " user"]) -> None:
        self.num_items = log.num_items
        self.counts = torch.from_numpy(item_counts(log, users)).float()[:, None]

    def users(self, batch: Batch) -> Users:
        mask = torch.ones(len(batch), 1, dtype=torch.bool)
        return Users(vectors=torch.ones(len(batch), 1, 1), mask=mask, similarity=self.similarity)

    def items(self, ids: Int64[Tensor, " item"]) -> Float[Tensor, "item dim"]:
        return self.counts[ids]


class RandomRanking:
    """A random ranking for each user, by random vectors: what a model that knows nothing reaches."""

    similarity: Similarity = "inner-product"

    def __init__(self, num_items: int, *, dim: int = 64, seed: int = 0) -> None:
        self.num_items = num_items
        self.generator = torch.Generator().manual_seed(seed)
        self.vectors = torch.randn(num_items, dim, generator=self.generator)

    def users(self, batch: Batch) -> Users:
        vectors = torch.randn(len(batch), 1, self.vectors.shape[1], generator=self.generator)
        mask = torch.ones(len(batch), 1, dtype=torch.bool)
        return Users(vectors=vectors, mask=mask, similarity=self.similarity)

    def items(self, ids: Int64[Tensor, " item"]) -> Float[Tensor, "item dim"]:
        return self.vectors[ids]
