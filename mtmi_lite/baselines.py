"""Baselines that are no networks: EASE and ItemKNN, which score an item by its weights from the items of the history.

Both are computed in one go, and both are models like any other: a user's vector is the history itself, with a 1 for
each item in it, and an item's is its column of weights. So they keep a number for each pair of items, and nearest
neighbours do not serve them.
"""

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from mtmi_lite.interactions import Batch, Interactions
from mtmi_lite.models import Similarity
from mtmi_lite.towers import Users

Array = np.ndarray


class ItemToItem:
    """A model of weights between items: `score(t) = Σ_{s in the history} W[s, t]`, each item of it once.

    It reads histories of any length.

    >>> from mtmi_lite.interactions import batch_of
    >>> model = ItemToItem(np.array([[0, 2, 1], [2, 0, 0], [1, 0, 0]], dtype=np.float32))
    >>> users = model.users(batch_of([[0, 2, 0]], num_items=3, history_length=3))
    >>> (users.vectors[0] @ model.items(torch.arange(3)).T).tolist()
    [[1.0, 2.0, 1.0]]
    """

    similarity: Similarity = "inner-product"

    def __init__(self, weights: Float32[Array, "item item"]) -> None:
        self.num_items = len(weights)
        self.columns = torch.from_numpy(np.ascontiguousarray(weights.T))

    def users(self, batch: Batch) -> Users:
        seen = torch.zeros(len(batch), self.num_items + 1)
        seen.scatter_(1, torch.where(batch.mask, batch.history, self.num_items), 1)  # padding goes past the last item
        mask = torch.ones(len(batch), 1, dtype=torch.bool)
        return Users(vectors=seen[:, None, :-1], mask=mask, similarity=self.similarity)

    def items(self, ids: Int64[Tensor, " item"]) -> Float32[Tensor, "item item"]:
        return self.columns[ids]


def ease(log: Interactions, users: Int64[Array, " user"], *, regularisation: float = 500.0) -> ItemToItem:
    """EASE: the weights that rebuild the users' own items best, where no item may speak for itself.

    With X the users × items table of ones, `min ‖X − X W‖² + λ ‖W‖²` under `W[t, t] = 0` has a closed form:
    `P = (XᵀX + λ I)⁻¹` and `W[s, t] = −P[s, t] / P[t, t]`.

    Args:
        users: the training users.
        regularisation: λ; more is smoother.

    Raises:
        ValueError: if λ is not above 0.

    Source: Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019.
    """
    if not 0 < regularisation < np.inf:
        raise ValueError(f"regularisation: {regularisation} is out of range; it must be above 0, and finite")
    gram = torch.from_numpy(users_in_common(log, users))
    gram.diagonal().add_(regularisation)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    weights = inverse / -inverse.diagonal()
    return ItemToItem(weights.fill_diagonal_(0).numpy())


def item_knn(
    log: Interactions, users: Int64[Array, " user"], *, shrinkage: float = 10.0, neighbours: int = 100
) -> ItemToItem:
    """ItemKNN: the cosine between the users of two items, of each item's nearest neighbours alone.

    With n_st the users who have both, and n_s those who have s, `W[s, t] = n_st / (√(n_s n_t) + h)`.

    Args:
        users: the training users.
        shrinkage: h; more takes from pairs that few users have.
        neighbours: how many items speak for each.

    Raises:
        ValueError: if a setting is out of range.

    Source: Sarwar, Karypis, Konstan, Riedl, Item-based collaborative filtering recommendation algorithms, WWW 2001.
    """
    if not 0 <= shrinkage < np.inf:
        raise ValueError(f"shrinkage: {shrinkage} is out of range; it must be 0 or more, and finite")
    if neighbours < 1:
        raise ValueError(f"neighbours: {neighbours} is out of range; it must be at least 1")
    both = users_in_common(log, users)
    lengths = np.sqrt(np.diag(both))
    weights = both / (np.outer(lengths, lengths) + shrinkage).clip(min=1e-12)  # an item nobody has is 0 to all
    np.fill_diagonal(weights, 0)
    if neighbours < len(weights):
        far = np.argpartition(-weights, neighbours, axis=0)[neighbours:]
        np.put_along_axis(weights, far, 0, axis=0)
    return ItemToItem(weights)


def users_in_common(log: Interactions, users: Int64[Array, " user"]) -> Float32[Array, "item item"]:
    """How many of these users have each pair of items, `XᵀX`: on its diagonal, how many have the item.

    >>> from mtmi_lite.interactions import from_columns
    >>> log = from_columns(users=[0, 0, 0, 1], items=["a", "b", "b", "b"], times=[0, 1, 2, 0])
    >>> users_in_common(log, np.array([0, 1]))
    array([[1., 1.],
           [1., 2.]], dtype=float32)
    """
    from scipy.sparse import csr_array  # here, so that a reader of the losses does not wait for it

    ones = np.ones(len(log), dtype=np.float32)
    table = csr_array((ones, log.items, log.offsets), shape=(log.num_users, log.num_items))[users]
    table.sum_duplicates()
    table.data[:] = 1  # however often
    return (table.T @ table).toarray()
