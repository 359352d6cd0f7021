"""Serving: each of a user's vectors fetches its nearest items, and the K lists become one ranking (Fig. 2, left)."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from mtmi_lite.models import Model, Similarity, Users

Array = np.ndarray


class ItemIndex:
    """All items, searched exactly with Faiss for those most similar to a query.

    Args:
        vectors: `v_t` of every item.
        similarity: "cosine" or "inner-product", the model's own.

    >>> index = ItemIndex(torch.eye(3), "cosine")
    >>> scores, items = index.search(torch.tensor([[2.0, 1.0, 0.0]]), 2)
    >>> items.tolist(), scores.round(2).tolist()
    ([[0, 1]], [[0.8899999856948853, 0.44999998807907104]])
    """

    def __init__(self, vectors: Float[Tensor, "item dim"], similarity: Similarity) -> None:
        import faiss  # here, so that a reader of the losses does not wait for it

        if similarity not in ("cosine", "inner-product"):
            raise ValueError(f"similarity: {similarity!r} is not known; it must be 'cosine' or 'inner-product'")
        self.similarity: Similarity = similarity
        self.vectors = self._prepare(vectors)
        self.faiss = faiss.IndexFlatIP(self.vectors.shape[1])
        self.faiss.add(self.vectors)

    def _prepare(self, vectors: Tensor) -> Float32[Array, "_ dim"]:
        vectors = vectors.detach().float()
        if not vectors.isfinite().all():
            raise ValueError("vectors: a NaN or infinite number among them; the model that made them has diverged")
        return (F.normalize(vectors, dim=-1) if self.similarity == "cosine" else vectors).contiguous().numpy()

    def search(
        self, queries: Float[Tensor, "query dim"], num: int
    ) -> tuple[Float32[Array, "query num"], Int64[Array, "query num"]]:
        """The `num` most similar items of each query, best first, ties by item id, and their similarities.

        Raises:
            ValueError: if `num` is not 1 to the number of items.
        """
        num_items = len(self.vectors)
        if not 1 <= num <= num_items:
            raise ValueError(f"num: {num} is out of range; it must be 1 to {num_items}, the number of items")
        prepared = self._prepare(queries)
        scores, items = self.faiss.search(prepared, min(num + 1, num_items))
        if num < num_items:
            # which of several equal items Faiss keeps at the edge of the list is chance: settle those rows by id
            for row in np.flatnonzero(scores[:, num - 1] == scores[:, num]):
                everything = self.vectors @ prepared[row]
                items[row, :num] = np.lexsort((np.arange(num_items), -everything))[:num]
                scores[row, :num] = everything[items[row, :num]]
        scores, items = scores[:, :num], items[:, :num]
        order = np.lexsort((items, -scores))
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(items, order, axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class TowerLists:
    """Each tower's own list, best first; an absent tower has items −1 and similarities −∞."""

    items: Int64[Array, "user tower num"]
    scores: Float32[Array, "user tower num"]


def search_towers(index: ItemIndex, users: Users, num: int) -> TowerLists:
    """One query a tower: the `num` nearest items of each of the users' vectors."""
    present = users.mask.numpy()
    items = np.full((*present.shape, num), -1, dtype=np.int64)
    scores = np.full((*present.shape, num), -np.inf, dtype=np.float32)
    scores[present], items[present] = index.search(users.vectors[users.mask], num)
    return TowerLists(items=items, scores=scores)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """One list a user, best first: the items, their similarities, and the tower that brought each.

    Where a user has fewer than `num` items, the rest are −1.
    """

    items: Int64[Array, "user num"]
    scores: Float32[Array, "user num"]
    towers: Int64[Array, "user num"]


def merge(lists: TowerLists, num: int) -> Ranking:
    """Merge the K lists of each user: best similarity first, ties by item id, each item once (§3.4).

    An item that several towers bring counts for the one it is nearest to, or, among equals, for the first of them.

    >>> lists = TowerLists(
    ...     items=np.array([[[7, 3], [3, 5]]]), scores=np.array([[[0.9, 0.2], [0.8, 0.1]]], dtype=np.float32)
    ... )
    >>> ranking = merge(lists, 3)
    >>> ranking.items.tolist(), ranking.towers.tolist()
    ([[7, 3, 5]], [[0, 1, 1]])
    """
    num_users, num_towers, length = lists.items.shape
    if not 1 <= num <= num_towers * length:
        raise ValueError(f"num: {num} is out of range; it must be 1 to {num_towers * length}, all the lists hold")
    items, scores = lists.items.reshape(num_users, -1), lists.scores.reshape(num_users, -1)
    best_first = np.lexsort((items, -scores))  # stable: among equals the first tower stays first
    items = np.take_along_axis(items, best_first, axis=1)
    # sorted by item, a repeat stands right behind the better one; only as many are needed as are asked for
    by_item = np.argsort(items, axis=1, kind="stable")
    together = np.take_along_axis(items, by_item, axis=1)
    repeated = np.zeros(items.shape, dtype=bool)
    np.put_along_axis(repeated, by_item[:, 1:], together[:, 1:] == together[:, :-1], axis=1)
    repeated |= items < 0
    kept = np.argsort(repeated, axis=1, kind="stable")[:, :num]  # what is not repeated moves to the front, in order
    absent = np.take_along_axis(repeated, kept, axis=1)
    best_first = np.take_along_axis(best_first, kept, axis=1)
    return Ranking(
        items=np.where(absent, -1, np.take_along_axis(items, kept, axis=1)),
        scores=np.where(absent, -np.inf, np.take_along_axis(scores, best_first, axis=1)).astype(np.float32),
        towers=np.where(absent, -1, best_first // length),
    )


@torch.no_grad()
def index_items(model: Model) -> ItemIndex:
    """An index of all items of a model."""
    return ItemIndex(model.items(torch.arange(model.num_items)), model.similarity)
