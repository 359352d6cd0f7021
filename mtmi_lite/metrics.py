"""Metrics: recall, hit rate, NDCG of a ranking, and what the towers have to do with it."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64

from mtmi_lite.interactions import Cases
from mtmi_lite.models import Model, Users
from mtmi_lite.retrieval import Ranking, TowerLists, index_items, merge, search_towers

Array = np.ndarray


def find_hits(ranked: Int64[Array, "case num"], cases: Cases) -> Bool[Array, "case num"]:
    """True where a ranked item is relevant to its case; −1 never is."""
    relevant = np.repeat(np.arange(len(cases)), cases.num_relevant) * cases.num_items + cases.relevant  # sorted
    wanted = np.arange(len(cases))[:, None] * cases.num_items + ranked
    place = np.searchsorted(relevant, wanted).clip(max=len(relevant) - 1)
    return (relevant[place] == wanted) & (ranked >= 0)


def recall(hits: Bool[Array, "case num"], num_relevant: Int64[Array, " case"]) -> Float[Array, " case"]:
    """The part of a case's relevant items that its list holds: hits / relevant.

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
    """What ComiRec's and REMI's code calls NDCG: the best list is that of the hits found, not of all relevant items.

    One relevant item found at rank 1 scores 1.0, however many were missed. To compare with the literature only.

    >>> ndcg_of_found(np.array([[True, False, False], [False, True, False]])).round(4)
    array([1.    , 0.6309])
    """
    gains = _gains(hits.shape[1])
    best = np.concatenate([[1], np.cumsum(gains)])[hits.sum(axis=1)]
    return hits @ gains / best


def pairwise_cosine(users: Users) -> Float[Array, " user"]:
    """The mean cosine between two different towers of a user: 1 if all point the same way, NaN with a single tower.

    Low is not yet good: a tower that points nowhere useful has a low cosine too.

    >>> vectors = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]]])
    >>> pairwise_cosine(Users(vectors=vectors, mask=torch.ones(1, 3, dtype=torch.bool))).round(4)
    array([0.3333], dtype=float32)
    """
    vectors = F.normalize(users.vectors.detach(), dim=-1).masked_fill(~users.mask[..., None], 0)
    present = users.mask.sum(dim=1)
    # ‖Σ v‖² = Σ ‖v‖² + the sum over all pairs
    pairs = vectors.sum(dim=1).square().sum(dim=-1) - vectors.square().sum(dim=(1, 2))
    return torch.where(present > 1, pairs / (present * (present - 1)), torch.nan).numpy()


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


def paired_interval(
    ours: Float[Array, " case"], theirs: Float[Array, " case"], *, seed: int, level: float = 0.95, draws: int = 2000
) -> tuple[float, float, float]:
    """The mean difference of two models over the same cases, and its bootstrap interval (percentiles).

    Each draw takes as many cases as there are, with repetition, and the difference of both models on those.

    >>> difference, low, high = paired_interval(np.array([1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0]), seed=0)
    >>> round(difference, 2), low >= 0
    (0.33, True)
    """
    if len(ours) != len(theirs):
        raise ValueError(f"theirs: {len(theirs)} values for {len(ours)} of ours; both must cover the same cases")
    difference = ours - theirs
    generator = np.random.default_rng(seed)
    means = [difference[generator.integers(len(difference), size=len(difference))].mean() for _ in range(draws)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(difference.mean()), float(low), float(high)


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """A model's rankings of some cases, and what they are worth, case by case.

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
        """The hits among the first `num`.

        Raises:
            ValueError: if the ranking is not that long.
        """
        if not 1 <= num <= self.hits.shape[1]:
            raise ValueError(
                f"num: {num} is out of range; the ranking has 1 to {self.hits.shape[1]} items: evaluate with num={num}"
            )
        return self.hits[:, :num]

    def recall(self, num: int) -> Float[Array, " case"]:
        return recall(self.first(num), self.cases.num_relevant)

    def hit_rate(self, num: int) -> Float[Array, " case"]:
        return hit_rate(self.first(num))

    def ndcg(self, num: int) -> Float[Array, " case"]:
        return ndcg(self.first(num), self.cases.num_relevant)

    def ndcg_of_found(self, num: int) -> Float[Array, " case"]:
        return ndcg_of_found(self.first(num))

    def tower_shares(self, num: int) -> Float[Array, " tower"]:
        """Each tower's part of all hits among the first `num`: whose list brought them nearest. They sum to 1."""
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
        """The means over cases of everything that is one number a case, at 20 and at 50."""
        numbers = {
            f"{name}_{num}": float(getattr(self, name)(num).mean())
            for name in ("recall", "hit_rate", "ndcg", "ndcg_of_found")
            for num in (20, 50)
            if num <= self.hits.shape[1]
        }
        if self.users.vectors.shape[1] > 1:
            numbers["cosine"] = float(np.nanmean(pairwise_cosine(self.users)))
        return numbers


@torch.no_grad()
def evaluate(model: Model, cases: Cases, *, num: int = 50, batch_size: int = 2048) -> Evaluation:
    """Rank all items for every case: each tower's `num` nearest, merged, and the hits among the first `num`."""
    if not 1 <= num <= model.num_items:
        raise ValueError(f"num: {num} is out of range; it must be 1 to {model.num_items}, the number of items")
    parts = [model.users(cases.batch[start : start + batch_size]) for start in range(0, len(cases), batch_size)]
    attention = (
        None if parts[0].attention is None else torch.cat([p.attention for p in parts if p.attention is not None])
    )
    users = Users(
        vectors=torch.cat([part.vectors for part in parts]),
        mask=torch.cat([part.mask for part in parts]),
        attention=attention,
    )
    lists = search_towers(index_items(model), users, num)
    ranking = merge(lists, num)
    return Evaluation(cases=cases, users=users, lists=lists, ranking=ranking, hits=find_hits(ranking.items, cases))
