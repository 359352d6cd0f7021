"""Models: a batch of users in, their vectors out.

A model has `users(batch) → Users`, `items(ids) → [item, dim]` and `similarity`, "cosine" or "inner-product": what it
is trained for and served with. Training, retrieval, metrics and figures know nothing else about it.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from mtmi_lite.interactions import Batch, Interactions
from mtmi_lite.towers import AttentionFusion, ItemTower, MeanPooling

Similarity = Literal["cosine", "inner-product"]


@dataclass(frozen=True, kw_only=True)
class Users:
    """The vectors of some users: `V_u = (v_u⁽¹⁾, …, v_u⁽ᴷ⁾)`.

    Args:
        vectors: one vector a tower. K = 1 is no special case.
        mask: True where the tower exists for this user.
        attention: how much each tower looks at each slot of the history, where the model has such a thing.
    """

    vectors: Float[Tensor, "batch tower dim"]
    mask: Bool[Tensor, "batch tower"]
    attention: Float[Tensor, "batch tower step"] | None = None


@runtime_checkable
class Model(Protocol):
    """What the rest of the library asks of a model."""

    similarity: Similarity
    num_items: int

    def users(self, batch: Batch) -> Users: ...

    def items(self, ids: Int64[Tensor, " item"]) -> Float[Tensor, "item dim"]: ...


class MTMI(nn.Module):
    """K user towers and one item tower over one embedding table (Fig. 1, Eq. 1).

    Args:
        num_items: N, the size of the table.
        num_towers: K. With 1 it is the plain two-tower model of the same tower.
        dim: d, of every vector.
        num_steps: L, how many items of the history the towers read.
        tower: `AttentionFusion` (MTMI-basic) or `MeanPooling` (MTMI-DNN).
        seed: of the initial weights.

    Raises:
        ValueError: naming the setting that is out of range.

    >>> from mtmi_lite.interactions import batch_of
    >>> model = MTMI(num_items=10, num_towers=4, dim=8, num_steps=5)
    >>> users = model.users(batch_of([[1, 2, 3], [9]], num_items=10, num_steps=5))
    >>> users.vectors.shape, users.attention.shape
    (torch.Size([2, 4, 8]), torch.Size([2, 4, 5]))
    """

    similarity: Similarity = "cosine"

    def __init__(
        self,
        *,
        num_items: int,
        num_towers: int = 4,
        dim: int = 64,
        num_steps: int = 20,
        tower: type[AttentionFusion] | type[MeanPooling] = AttentionFusion,
        seed: int = 0,
    ) -> None:
        super().__init__()
        for name, value in dict(num_items=num_items, num_towers=num_towers, dim=dim, num_steps=num_steps).items():
            if value < 1:
                raise ValueError(f"{name}: {value} is out of range; it must be at least 1")
        if not isinstance(tower, type):
            raise ValueError(f"tower: {tower!r} is not a class; give AttentionFusion or MeanPooling itself")
        generator = torch.Generator().manual_seed(seed)
        self.num_items, self.num_steps = num_items, num_steps
        # rows of length about 1, so that at the start no product's cosine saturates and none vanishes
        self.table = nn.Embedding.from_pretrained(
            torch.randn(num_items, dim, generator=generator) * dim**-0.5, freeze=False
        )
        self.user_towers = tower(num_towers=num_towers, dim=dim, num_steps=num_steps, generator=generator)
        self.item_tower = ItemTower(self.table)

    def users(self, batch: Batch) -> Users:
        if batch.history.shape[1] != self.num_steps:
            raise ValueError(
                f"history: {batch.history.shape[1]} steps, but this model reads {self.num_steps}; "
                f"make the batch with num_steps={self.num_steps}"
            )
        embedded = self.table(batch.history * batch.mask).masked_fill(~batch.mask[..., None], 0)
        vectors, attention = self.user_towers(embedded, batch.mask)
        return Users(vectors=vectors, mask=torch.ones(vectors.shape[:2], dtype=torch.bool), attention=attention)

    def items(self, ids: Int64[Tensor, " item"]) -> Float[Tensor, "item dim"]:
        return self.item_tower(ids)


class MostPopular:
    """The same ranking for everyone: items by how often the training users interacted with them.

    One vector of one number for every user, so that the inner product with an item is the item's count.
    """

    similarity: Similarity = "inner-product"

    def __init__(self, log: Interactions, users: Int64[np.ndarray, " user"]) -> None:
        of_training_users = np.isin(log.users, users)
        counts = np.bincount(log.items[of_training_users], minlength=log.num_items)
        self.num_items = log.num_items
        self.counts = torch.from_numpy(counts).float()[:, None]

    def users(self, batch: Batch) -> Users:
        return Users(vectors=torch.ones(len(batch), 1, 1), mask=torch.ones(len(batch), 1, dtype=torch.bool))

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
        return Users(vectors=vectors, mask=torch.ones(len(batch), 1, dtype=torch.bool))

    def items(self, ids: Int64[Tensor, " item"]) -> Float[Tensor, "item dim"]:
        return self.vectors[ids]
