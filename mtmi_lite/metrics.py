"""Metrics: recall, hit rate and NDCG of a ranking, and what each tower contributes to it."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64

from mtmi_lite.interactions import Cases
from mtmi_lite.models import Model, Users
from mtmi_lite.retrieval import (
    ItemIndex,
    Memory,
    Ranking,
    TowerLists,
    among,
    at_most,
    index_items,
    merge,
    remember,
    search_towers,
)

Array = np.ndarray
Exclude = Literal["history"] | Int64[Array, "case slot"]
AT_ONCE = 2048
"""How many cases the model reads at a time."""
MAX_TABLE = 2**26
"""Hits are looked up in a table of all cases × items up to this size (64 MB), and beyond by bisection."""


def find_hits(ranked: Int64[Array, "case num"], cases: Cases) -> Bool[Array, "case num"]:
    """True where a ranked item is relevant to its case; −1 never is."""
    relevant = np.repeat(np.arange(len(cases)), cases.num_relevant) * cases.num_items + cases.relevant  # sorted
    wanted = np.arange(len(cases))[:, None] * cases.num_items + ranked
    small = len(cases) * cases.num_items <= MAX_TABLE
    return (np.isin(wanted, relevant, kind="table") if small else among(wanted, relevant)) & (ranked >= 0)


def recall(hits: Bool[Array, "case num"], num_relevant: Int64[Array, " case"]) -> Float[Array, " case"]:
    """The fraction of a case's relevant items that its list holds: hits / relevant.

    >>> recall(np.array([[True, False, True]]), np.array([4]))
    array([0.5])
    """
    return hits.sum(axis=1) / num_relevant


def hit_rate(hits: Bool[Array, "case num"]) -> Float[Array, " case"]:
    """1 where a case's list holds at least one relevant item, otherwise 0.

    >>> hit_rate(np.array([[True, False], [False, False]]))
    array([1., 0.])
    """
    return hits.any(axis=1).astype(float)


def _gains(num: int) -> Float[Array, " num"]:
    return 1 / np.log2(np.arange(2, num + 2))


def ndcg(hits: Bool[Array, "case num"], num_relevant: Int64[Array, " case"]) -> Float[Array, " case"]:
    """Normalised discounted cumulative gain: `Σ_hits 1/log₂(rank + 1)` over that of the best possible list.

    The best list starts with all relevant items, as many as fit. Source: Järvelin and Kekäläinen, TOIS 2002.

    >>> ndcg(np.array([[True, False, False]]), np.array([2])).round(4)
    array([0.6131])
    """
    gains = _gains(hits.shape[1])
    best = np.concatenate([[0], np.cumsum(gains)])[np.minimum(num_relevant, hits.shape[1])]
    return hits @ gains / best


def ndcg_of_found(hits: Bool[Array, "case num"]) -> Float[Array, " case"]:
    """NDCG as ComiRec's and REMI's code has it: the best list holds the hits found, not all relevant items.

    One relevant item found at rank 1 scores 1.0, however many were missed. To compare with the literature only.

    >>> ndcg_of_found(np.array([[True, False, False], [False, True, False]])).round(4)
    array([1.    , 0.6309])
    """
    gains = _gains(hits.shape[1])
    best = np.concatenate([[1], np.cumsum(gains)])[hits.sum(axis=1)]
    return hits @ gains / best


def pairwise_cosine(users: Users) -> Float[Array, " user"]:
    """The mean cosine between two different towers of a user: 1 if all point the same way, NaN with a single tower.

    A low cosine is not good in itself: a tower that points nowhere useful has one too.

    >>> vectors = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]]])
    >>> pairwise_cosine(Users(vectors=vectors, mask=torch.ones(1, 3, dtype=torch.bool))).round(4)
    array([0.3333], dtype=float32)
    """
    vectors = F.normalize(users.vectors.detach(), dim=-1).masked_fill(~users.mask[..., None], 0)
    present = users.mask.sum(dim=1)
    # ‖Σ v‖² = Σ ‖v‖² + the sum over all pairs
    pairs = vectors.sum(dim=1).square().sum(dim=-1) - vectors.square().sum(dim=(1, 2))
    return torch.where(present > 1, pairs / (present * (present - 1)), torch.nan).cpu().numpy()


def list_overlap(lists: TowerLists, num: int = 20) -> Float[Array, " user"]:
    """The mean Jaccard overlap of two towers' first `num` items; NaN with a single tower.

    >>> lists = TowerLists(items=np.array([[[1, 2], [2, 3]]]), scores=np.zeros((1, 2, 2), dtype=np.float32))
    >>> list_overlap(lists, 2).round(4)
    array([0.3333])
    """
    items = lists.items[:, :, :num]
    lengths = (items >= 0).sum(axis=2)
    left, right = np.triu_indices(items.shape[1], k=1)
    shared = (items[:, left, :, None] == items[:, right, None, :]) & (items[:, left, :, None] >= 0)
    both = shared.sum(axis=(2, 3))
    present = (lengths[:, left] > 0) & (lengths[:, right] > 0)
    either = np.where(present, lengths[:, left] + lengths[:, right] - both, 1)
    pairs = present.sum(axis=1)
    return np.where(pairs > 0, (both / either * present).sum(axis=1) / pairs.clip(min=1), np.nan)


def interests_found(
    lists: TowerLists, item_interest: Int64[Array, " item"], user_interests: Int64[Array, "user own"], num: int = 20
) -> Float[Array, " user"]:
    """The fraction of each user's interests that the towers find, where the interests are known.

    An interest is found when it is the most frequent one among the first `num` items of some tower. Of several that
    are equally frequent, it is the one that comes first in the list: a tower finds one interest at most. Items of no
    interest do not count.

    Args:
        item_interest: the interest of each item, −1 for none.
        user_interests: the distinct interests of each user, padded with −1; a user with none gets NaN.

    Raises:
        ValueError: if `num` is below 1, or there are not as many users as lists.

    >>> lists = TowerLists(items=np.array([[[0, 2, 3], [1, 2, 0]]]), scores=np.zeros((1, 2, 3), dtype=np.float32))
    >>> interests_found(lists, np.array([7, 7, 8, 8]), np.array([[7, 8, 9, -1]])).round(4)
    array([0.6667])
    """
    if num < 1:
        raise ValueError(f"num: {num} is out of range; it must be at least 1")
    if len(user_interests) != len(lists.items):
        raise ValueError(f"user_interests: {len(user_interests)} rows for {len(lists.items)} users; give one each")
    items = lists.items[:, :, :num]
    interest = np.where(items >= 0, item_interest[items], -1)
    places = (interest[..., None] == interest[..., None, :]).sum(axis=-1) * (interest >= 0)  # of the same interest
    most = places.argmax(axis=-1)[..., None]  # the first of those that are equally frequent
    found = np.take_along_axis(interest, most, axis=-1)[..., 0]
    own = user_interests >= 0
    hits = (user_interests[:, :, None] == found[:, None, :]).any(axis=-1) & own
    return np.where(own.any(axis=1), hits.sum(axis=1) / own.sum(axis=1).clip(min=1), np.nan)


def paired_interval(
    ours: Float[Array, " case *seed"],
    theirs: Float[Array, " case *seed"],
    *,
    seed: int,
    level: float = 0.95,
    draws: int = 2000,
) -> tuple[float, float, float]:
    """The mean difference of two models over the same cases, and its bootstrap interval (percentiles).

    Each draw takes as many cases as there are, with repetition, and the difference of both models on those. Where both
    were trained from several seeds, it draws those as well, so that the interval is over users and seeds. Source:
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    Raises:
        ValueError: if the cases are not the same in number, there is none, or one is NaN (leave it out of both).

    >>> difference, low, high = paired_interval(np.array([1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]), seed=0)
    >>> round(difference, 2), low >= 0
    (0.33, True)
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"theirs: of shape {theirs.shape}, and ours {ours.shape}; both must cover the same cases")
    difference = ours - theirs if ours.ndim > 1 else (ours - theirs)[:, None]
    if len(difference) == 0 or np.isnan(difference).any():
        raise ValueError("ours, theirs: no case, or one that is NaN; give at least one, and leave NaN out of both")
    if not 0 < level < 1 or draws < 1:
        raise ValueError(f"level, draws: {level}, {draws}; level must be between 0 and 1, draws at least 1")
    generator, (num_cases, num_seeds) = np.random.default_rng(seed), difference.shape
    means = []
    at_once = max(1, 1_000_000 // difference.size)  # some draws at a time, to bound the memory
    for start in range(0, draws, at_once):
        num = min(at_once, draws - start)
        of_seeds = difference[generator.integers(num_cases, size=(num, num_cases))].mean(axis=1)
        if num_seeds > 1:
            of_seeds = np.take_along_axis(of_seeds, generator.integers(num_seeds, size=(num, num_seeds)), axis=1)
        means.append(of_seeds.mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(difference.mean()), float(low), float(high)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """A model's rankings for some cases, and their metrics case by case.

    Args:
        ranking: the merged list.
        lists: each tower's own.
        users: the users' vectors.
        hits: where the merged list is right.
    """

    cases: Cases
    users: Users
    lists: TowerLists
    ranking: Ranking
    hits: Bool[Array, "case num"]

    def first(self, num: int) -> Bool[Array, "case num"]:
        """The hits among the first `num`, or among all items where there are fewer.

        Raises:
            ValueError: if the ranking is not that long, and leaves items out.
        """
        length = self.hits.shape[1]
        if num > length and length < self.cases.num_items:
            raise ValueError(f"num: {num} is out of range; the ranking has {length} items: evaluate with num={num}")
        return self.hits[:, : at_most(num, length)]

    def recall(self, num: int) -> Float[Array, " case"]:
        return recall(self.first(num), self.cases.num_relevant)

    def hit_rate(self, num: int) -> Float[Array, " case"]:
        return hit_rate(self.first(num))

    def ndcg(self, num: int) -> Float[Array, " case"]:
        return ndcg(self.first(num), self.cases.num_relevant)

    def ndcg_of_found(self, num: int) -> Float[Array, " case"]:
        return ndcg_of_found(self.first(num))

    def tower_shares(self, num: int) -> Float[Array, " tower"]:
        """Each tower's fraction of all hits among the first `num`, credited as in `merge`. They sum to 1."""
        brought = np.bincount(self.ranking.towers[:, :num][self.first(num)], minlength=self.lists.items.shape[1])
        return brought / max(brought.sum(), 1)

    def recall_without(self, tower: int, num: int) -> Float[Array, " case"]:
        """Recall of the merge that leaves one tower out: what would be lost without it."""
        self.first(num)  # refuses a number that the lists are too short for
        others = np.arange(self.lists.items.shape[1]) != tower
        if not others.any():
            return np.zeros(len(self.cases))
        ranking = merge(TowerLists(items=self.lists.items[:, others], scores=self.lists.scores[:, others]), num)
        return recall(find_hits(ranking.items, self.cases), self.cases.num_relevant)

    def summary(self) -> dict[str, float]:
        """Each metric on average over the cases, at 20 and at 50."""
        numbers = {
            f"{name}_{num}": float(getattr(self, name)(num).mean())
            for name in ("recall", "hit_rate", "ndcg", "ndcg_of_found")
            for num in (20, 50)
            if num <= self.hits.shape[1] or self.hits.shape[1] == self.cases.num_items
        }
        cosines = pairwise_cosine(self.users)
        if not np.isnan(cosines).all():  # some user has several towers
            numbers["cosine"] = float(np.nanmean(cosines))
        return numbers


def list_length(num_items: int) -> int:
    """How many items of a list to judge a model by: 50, or half of them all where a list of 50 would miss none.

    >>> list_length(3181), list_length(40)
    (50, 20)
    """
    return 50 if num_items > 50 else max(num_items // 2, 1)


@torch.no_grad()
def evaluate(
    model: Model,
    cases: Cases,
    *,
    num: int = 50,
    index: ItemIndex | None = None,
    exclude: Exclude | None = None,
    memory: Memory | None = None,
) -> Evaluation:
    """Rank all items for every case: each tower's `num` nearest, merged, and the hits among the first `num`.

    Where there are fewer than `num` items, the lists have them all. The model may live on any device; what is returned
    is on the CPU.

    Args:
        index: of the model's items, to search another way than exactly.
        exclude: items that no list may hold. "history" leaves out the items that the model reads of the case; give
            the items themselves, padded with −1, where more is known of a user, such as all before the cut. By
            default nothing is left out, as in the protocol. A relevant item that is left out counts as missed, so
            compare only models with the same exclusion, on cases that say which.
        memory: of what each case had, to rank by as well.

    Raises:
        ValueError: if `num` is below 1, the index or the cases are not of this model's items, or an exclusion does not
            fit.
    """
    num = at_most(num, model.num_items)
    if cases.num_items != model.num_items:
        raise ValueError(
            f"cases: of a log of {cases.num_items} items, but the model has {model.num_items}; cut its own"
        )
    index = index_items(model) if index is None else index
    if (len(index), index.similarity) != (model.num_items, model.similarity):
        raise ValueError(f"index: it has {len(index)} items by {index.similarity}; make it with index_items(model)")
    if isinstance(exclude, str):
        if exclude != "history":
            raise ValueError(f"exclude: {exclude!r} is not known; it must be 'history', an array of items, or None")
        exclude = np.where(cases.batch.mask.numpy(), cases.batch.history.numpy(), -1)
    parts = [model.users(cases.batch[start : start + AT_ONCE]) for start in range(0, len(cases), AT_ONCE)]
    attention = [part.attention for part in parts if part.attention is not None]
    users = replace(
        parts[0],
        vectors=torch.cat([part.vectors for part in parts]).cpu(),
        mask=torch.cat([part.mask for part in parts]).cpu(),
        attention=torch.cat(attention).cpu() if attention else None,
    )
    lists = search_towers(index, users, num, exclude)
    if memory is not None:
        lists = remember(lists, index, users, memory, exclude)
    ranking = merge(lists, num)
    return Evaluation(cases=cases, users=users, lists=lists, ranking=ranking, hits=find_hits(ranking.items, cases))
