"""Serving: each of a user's vectors fetches its nearest items, and the K lists become one ranking (Fig. 2, left)."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from mtmi_lite.files import read_arrays, refusing, save_arrays
from mtmi_lite.interactions import Interactions
from mtmi_lite.models import Model, Similarity, Users

Array = np.ndarray
Kind = Literal["exact", "ivf", "hnsw"]
PER_LIST = 39
"""Faiss wants this many items to learn the centre of an IVF list, and warns when it has fewer."""


class ItemIndex:
    """All items, searched with Faiss for those most similar to a query.

    - "exact" compares a query with every item.
    - "ivf" (inverted file) groups the items around `num_lists` centres and compares a query with the items of the
      `num_probes` nearest groups only.
    - "hnsw" (a graph of near neighbours; Malkov and Yashunin, TPAMI 2020) links each item to `num_links` others and
      walks along the links, with the `ef_search` best items so far in hand.

    An approximate index may miss items; `approximate_recall` says how many. The same vectors and settings give the
    same index: the centres are seeded, and the graph is built by one thread.

    Args:
        vectors: `v_t` of every item.
        similarity: "cosine" or "inner-product", the model's own.
        kind: "exact", "ivf" or "hnsw".
        num_lists: by default 4·√items, and fewer where a list would have less than 39 items.
        num_probes: by default an eighth of the lists; with all of them nothing is missed.
        num_links: 32 by default. More find more, and cost memory.
        ef_search: 64 by default. More find more, and cost time.

    Raises:
        ValueError: for a setting that is out of range or belongs to another kind, and for vectors with a NaN.

    >>> index = ItemIndex(torch.eye(3), "cosine")
    >>> scores, items = index.search(torch.tensor([[2.0, 1.0, 0.0]]), 2)
    >>> items.tolist(), scores.round(2).tolist()
    ([[0, 1]], [[0.8899999856948853, 0.44999998807907104]])
    """

    def __init__(
        self,
        vectors: Float[Tensor, "item dim"],
        similarity: Similarity,
        kind: Kind = "exact",
        *,
        num_lists: int | None = None,
        num_probes: int | None = None,
        num_links: int | None = None,
        ef_search: int | None = None,
    ) -> None:
        import faiss  # here, so that a reader of the losses does not wait for it

        self.similarity: Similarity = similarity
        self.kind: Kind = kind
        self._check()
        self.vectors = self.prepare(vectors)
        num_items, dim = self.vectors.shape
        num_lists = self._setting("ivf", "num_lists", num_lists, 4 * math.isqrt(num_items), 1, num_items // PER_LIST)
        num_probes = self._setting("ivf", "num_probes", num_probes, num_lists // 8, 1, num_lists)
        num_links = self._setting("hnsw", "num_links", num_links, 32, 2, num_items - 1)
        ef_search = self._setting("hnsw", "ef_search", ef_search, 64, 1, num_items)
        self.settings = {
            "exact": {},
            "ivf": dict(num_lists=num_lists, num_probes=num_probes),
            "hnsw": dict(num_links=num_links, ef_search=ef_search),
        }[kind]
        factory = {"exact": "Flat", "ivf": f"IVF{num_lists},Flat", "hnsw": f"HNSW{num_links},Flat"}[kind]
        self.faiss: Any = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
        threads = faiss.omp_get_max_threads()
        if kind == "ivf":
            self.faiss.nprobe = num_probes
            self.faiss.cp.min_points_per_centroid = 1  # no warning where all items make one short list
        elif kind == "hnsw":
            self.faiss.hnsw.efSearch = ef_search
            faiss.omp_set_num_threads(1)  # several would link the items in an order of chance
        try:
            self.faiss.train(self.vectors)
            self.faiss.add(self.vectors)
        finally:
            faiss.omp_set_num_threads(threads)

    def _check(self) -> None:
        if self.similarity not in ("cosine", "inner-product"):
            raise ValueError(f"similarity: {self.similarity!r} is not known; it must be 'cosine' or 'inner-product'")
        if self.kind not in ("exact", "ivf", "hnsw"):
            raise ValueError(f"kind: {self.kind!r} is not known; it must be 'exact', 'ivf' or 'hnsw'")

    def _setting(self, kind: Kind, name: str, given: int | None, default: int, least: int, most: int) -> int:
        most = max(least, most)
        if given is None:
            return min(max(default, least), most)
        if kind != self.kind:
            raise ValueError(f"{name}: {given} is for kind={kind!r}, but this is {self.kind!r}; leave it out")
        if not least <= given <= most:
            raise ValueError(f"{name}: {given} is out of range; it must be {least} to {most} with {len(self)} items")
        return given

    def __len__(self) -> int:
        return len(self.vectors)

    def prepare(self, vectors: Float[Tensor, "*shape dim"]) -> Float32[Array, "*shape dim"]:
        """Vectors as this index compares them, of length 1 for cosines."""
        vectors = vectors.detach().cpu().float()
        if not vectors.isfinite().all():
            raise ValueError("vectors: a NaN or infinite number among them; the model that made them has diverged")
        return (F.normalize(vectors, dim=-1) if self.similarity == "cosine" else vectors).contiguous().numpy()

    def search(
        self, queries: Float[Tensor, "query dim"], num: int
    ) -> tuple[Float32[Array, "query num"], Int64[Array, "query num"]]:
        """The `num` most similar items of each query, best first, ties by item id, and their similarities.

        Where there are fewer than `num` items, it is all of them. An approximate index may find fewer: the rest are −1,
        of similarity −∞. Which of several equal items stand at the end of its list is not settled by id.

        Raises:
            ValueError: if `num` is below 1, or the queries do not fit.
        """
        num_items = len(self)
        num = at_most(num, num_items)
        exact = self.kind == "exact"
        prepared, dim = self.prepare(queries), self.vectors.shape[1]
        if prepared.shape[1] != dim:
            raise ValueError(f"queries: {prepared.shape[1]} numbers each, but {dim} an item; take both of one model")
        scores, items = self.faiss.search(prepared, min(num + exact, num_items))
        if exact and num < num_items:
            # which of several equal items Faiss keeps at the edge of the list is chance: settle those rows by id
            tied = np.flatnonzero(scores[:, num - 1] == scores[:, num])
            asked, which = np.unique(prepared[tied], axis=0, return_inverse=True)  # by popularity, all ask the same
            for number, query in enumerate(asked):
                rows, everything = tied[which.ravel() == number], self.vectors @ query
                best = np.argsort(-everything, kind="stable")[:num]
                items[rows, :num], scores[rows, :num] = best, everything[best]
        scores, items = scores[:, :num], items[:, :num]
        scores[items < 0] = -np.inf
        tied = (scores[:, 1:] == scores[:, :-1]).any(axis=1)
        order = np.lexsort((items[tied], -scores[tied]))
        items[tied], scores[tied] = (np.take_along_axis(array[tied], order, axis=1) for array in (items, scores))
        return scores, items

    def save(self, path: Path | str) -> None:
        """Write the vectors and the settings to one file, from which `load_index` builds the same index."""
        about = {"similarity": self.similarity, "kind": self.kind, "settings": self.settings}
        save_arrays(path, {"about": np.array(json.dumps(about)), "vectors": self.vectors})


def load_index(path: Path | str) -> ItemIndex:
    """The index that `ItemIndex.save` wrote, built again: the same vectors, the same answers.

    Nothing that Faiss would take on trust is read from the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged, or is something else.
    """
    saved = read_arrays(path, "a saved index", "vectors")
    with refusing(path, "a saved index"):
        about = json.loads(saved["about"].item())
        # they are normalised already, where that is to be
        index = ItemIndex(torch.from_numpy(saved["vectors"]), "inner-product", about["kind"], **about["settings"])
        index.similarity = about["similarity"]
        index._check()
    return index


def approximate_recall(index: ItemIndex, exact: ItemIndex, queries: Float[Tensor, "query dim"], num: int) -> float:
    """The fraction of the exact first `num` items that the approximate index finds, on average over queries.

    An item that is not in the exact list counts as missed even where it is equal to the last one there.

    >>> exact = ItemIndex(torch.eye(3), "cosine")
    >>> approximate_recall(ItemIndex(torch.eye(3), "cosine", "hnsw"), exact, torch.eye(3), 1)
    1.0
    """
    rows = np.arange(len(queries))[:, None] * len(exact)
    found, wanted = (one.search(queries, num)[1] for one in (index, exact))
    return float((among(rows + found, np.sort(rows + wanted, axis=None)) & (found >= 0)).mean())


def at_most(num: int, there_are: int) -> int:
    """`num`, or all there are: a list of 50 from a shop of 40 products has 40.

    Raises:
        ValueError: if `num` is below 1.
    """
    if num < 1:
        raise ValueError(f"num: {num} is out of range; it must be at least 1")
    return min(num, there_are)


def among(values: Int64[Array, "*shape"], wanted: Int64[Array, " wanted"]) -> Bool[Array, "*shape"]:
    """True where a value is among those wanted, which must be sorted.

    >>> among(np.array([3, 4, 9]), np.array([4, 7])).tolist()
    [False, True, False]
    """
    end = np.iinfo(np.int64).min  # stands behind the last of the wanted, and is no value
    return np.append(wanted, end)[np.searchsorted(wanted, values)] == values


@dataclass(frozen=True, kw_only=True, eq=False)
class TowerLists:
    """Each tower's own list, best first; an absent tower has items −1 and scores −∞.

    A score is the similarity and, with a memory, its bonus.

    Raises:
        ValueError: for anything but an item or −1: a fraction, or a number below −1.
    """

    items: Int64[Array, "user tower num"]
    scores: Float32[Array, "user tower num"]

    def __post_init__(self) -> None:
        if not np.issubdtype(self.items.dtype, np.integer):
            raise ValueError(f"items: of type {self.items.dtype}; an item is a whole number, and −1 is none")
        bad = self.items[(self.items < -1) | (self.items > np.iinfo(np.int64).max)]
        if len(bad):
            raise ValueError(f"items: {bad[0]} is out of range; an item is 0 to 2⁶³ − 1, and −1 is none")


def search_towers(
    index: ItemIndex, users: Users, num: int, exclude: Int64[Array, "user slot"] | None = None
) -> TowerLists:
    """One query a tower: the `num` nearest items of each of the users' vectors, or all where there are fewer.

    Args:
        exclude: items to leave out for each user, padded with −1: those already bought, for example. The index is
            asked for as many extra items as any user leaves out, so from an exact index a list is the first `num` of
            those that remain. Where fewer than `num` remain, the list ends in −1.

    >>> users = Users(vectors=torch.tensor([[[3.0, 2.0, 1.0]]]), mask=torch.tensor([[True]]))
    >>> search_towers(ItemIndex(torch.eye(3), "cosine"), users, 2, exclude=np.array([[0, -1]])).items.tolist()
    [[[1, 2]]]
    """
    present, num_items = users.mask.cpu().numpy(), len(index)
    num = at_most(num, num_items)
    exclude = np.empty((len(present), 0), dtype=np.int64) if exclude is None else exclude
    if len(exclude) != len(present):
        raise ValueError(f"exclude: {len(exclude)} rows for {len(present)} users; give one each")
    bad = exclude[(exclude < -1) | (exclude >= num_items)]
    if len(bad):
        raise ValueError(f"exclude: {bad[0]} is out of range; items are 0 to {num_items - 1}, and −1 is none")
    most_gone = int((exclude >= 0).sum(axis=1).max(initial=0))
    length = min(num + most_gone, num_items)
    items = np.full((*present.shape, length), -1, dtype=np.int64)
    scores = np.full((*present.shape, length), -np.inf, dtype=np.float32)
    scores[present], items[present] = index.search(users.vectors[users.mask], length)
    if most_gone:
        for user, gone in enumerate(exclude):
            absent = np.isin(items[user], gone)
            items[user][absent], scores[user][absent] = -1, -np.inf
        kept = np.argsort(items < 0, axis=2, kind="stable")[:, :, :num]  # what stays moves to the front, in order
        items, scores = (np.take_along_axis(array, kept, axis=2) for array in (items, scores))
    return TowerLists(items=items, scores=scores)


@dataclass(frozen=True, kw_only=True, eq=False)
class Memory:
    """What each user has had, how often, and what that adds to an item's score: `w · log(1 + count)`.

    The distinct items of user `u` are `items[offsets[u]:offsets[u + 1]]`, and `counts` says how often each was had.

    Args:
        weight: w, in the unit of the similarity; 0 or more.
    """

    items: Int64[Array, " kept"]
    counts: Int64[Array, " kept"]
    offsets: Int64[Array, " user_and_end"]
    weight: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight < np.inf:
            raise ValueError(f"weight: {self.weight} is out of range; it must be 0 or more, and finite")

    def of(self, user: int) -> tuple[Int64[Array, " own"], Float[Array, " own"]]:
        """The items of a user, and the bonus of each."""
        own = slice(self.offsets[user], self.offsets[user + 1])
        return self.items[own], self.weight * np.log1p(self.counts[own])


def memory_of(
    log: Interactions,
    users: Int64[Array, " user"],
    ends: Int64[Array, " user"],
    *,
    weight: float,
    last: int | None = None,
) -> Memory:
    """What each user had before position `ends` of the log.

    Args:
        last: how many of the newest interactions count; None for all.

    >>> from mtmi_lite.interactions import from_columns
    >>> log = from_columns(users=[0] * 4, items=["tea", "jam", "tea", "pie"], times=[0, 1, 2, 3])
    >>> memory = memory_of(log, np.array([0]), np.array([3]), weight=0.1)
    >>> log.item_names[memory.items].tolist(), memory.counts.tolist()
    (['jam', 'tea'], [1, 2])
    """
    if last is not None and last < 1:
        raise ValueError(f"last: {last} is out of range; it must be at least 1, or None for all")
    starts = log.offsets[users] if last is None else np.maximum(log.offsets[users], ends - last)
    own = [np.unique(log.items[start:end], return_counts=True) for start, end in zip(starts, ends, strict=True)]
    return Memory(
        items=np.concatenate([items for items, _ in own]),
        counts=np.concatenate([counts for _, counts in own]),
        offsets=np.concatenate([[0], np.cumsum([len(items) for items, _ in own])]),
        weight=weight,
    )


def remember(
    lists: TowerLists,
    index: ItemIndex,
    users: Users,
    memory: Memory,
    exclude: Int64[Array, "user slot"] | None = None,
) -> TowerLists:
    """Each tower's list, ranked by similarity plus the bonus of what the user had.

    The index need not know of the bonus: it lifts no other item. So the first `num` are among the first `num` that the
    index found and what the user had, and those few are scored here, whatever index it is.

    Args:
        lists: what `search_towers` found for these users.
        exclude: what was left out of the lists, and stays so.

    Raises:
        ValueError: if the memory is not of as many users.

    >>> users = Users(vectors=torch.tensor([[[3.0, 2.0, 1.0]]]), mask=torch.tensor([[True]]))
    >>> index = ItemIndex(torch.eye(3), "cosine")
    >>> had = Memory(items=np.array([2]), counts=np.array([4]), offsets=np.array([0, 1]), weight=0.5)
    >>> remember(search_towers(index, users, 2), index, users, had).items.tolist()
    [[[2, 0]]]
    """
    num_users, num_towers, num = lists.items.shape
    if len(memory.offsets) - 1 != num_users:
        raise ValueError(f"memory: of {len(memory.offsets) - 1} users, but there are {num_users}; give one each")
    # a second list for each vector, of what was had; merged with the first, an item counts by its better score
    length = max(num, int(np.diff(memory.offsets).max(initial=0)))
    items = np.full((num_users, num_towers, 2, length), -1, dtype=np.int64)
    scores = np.full(items.shape, -np.inf, dtype=np.float32)
    items[:, :, 0, :num], scores[:, :, 0, :num] = lists.items, lists.scores
    vectors = index.prepare(torch.where(users.mask[..., None], users.vectors, 0))  # an absent one may hold anything
    present = users.mask.cpu().numpy()
    for user in range(num_users):
        had, bonus = memory.of(user)
        if exclude is not None:
            kept = ~np.isin(had, exclude[user])
            had, bonus = had[kept], bonus[kept]
        here = present[user]
        items[user, here, 1, : len(had)] = had
        scores[user, here, 1, : len(had)] = vectors[user, here] @ index.vectors[had].T + bonus
    both = TowerLists(items=items.reshape(-1, 2, length), scores=scores.reshape(-1, 2, length))
    merged, shape = merge(both, num), lists.items.shape
    return TowerLists(items=merged.items.reshape(shape), scores=merged.scores.reshape(shape))


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

    An item that several towers bring is credited to the one nearest to it, in a tie to the first. Where all the lists
    together are shorter than `num`, so is the ranking.

    >>> lists = TowerLists(
    ...     items=np.array([[[7, 3], [3, 5]]]), scores=np.array([[[0.9, 0.2], [0.8, 0.1]]], dtype=np.float32)
    ... )
    >>> ranking = merge(lists, 3)
    >>> ranking.items.tolist(), ranking.towers.tolist()
    ([[7, 3, 5]], [[0, 1, 1]])
    """
    num_users, num_towers, length = lists.items.shape
    num = at_most(num, num_towers * length)
    items = lists.items.reshape(num_users, num_towers * length).astype(np.int64)
    scores = lists.scores.reshape(num_users, num_towers * length)
    towers = np.broadcast_to(np.repeat(np.arange(num_towers), length), items.shape)

    # by item, and by similarity where several towers bring one: all but the first of them are repeats
    order = np.lexsort((-scores, items))
    items, scores, towers = (np.take_along_axis(array, order, axis=1) for array in (items, scores, towers))
    dropped = items < 0
    dropped[:, 1:] |= items[:, 1:] == items[:, :-1]
    items[dropped], scores[dropped], towers[dropped] = -1, -np.inf, -1

    # best first; the sort is stable, so equals stay in the order of their items
    order = np.argsort(-scores, axis=1, kind="stable")[:, :num]
    items, scores, towers = (np.take_along_axis(array, order, axis=1) for array in (items, scores, towers))
    return Ranking(items=items, scores=scores, towers=towers)


def merge_diverse(lists: TowerLists, num: int, categories: Int64[Array, " item"], *, diversity: float) -> Ranking:
    """Merge the K lists of each user, with a bonus for each item placed before that is of another category.

    Each place in turn goes to the remaining item with the largest
    `similarity + λ · Σ_{j placed} [category ≠ category of j]`, ties in the order of `merge`. With λ = 0 it is
    `merge`. The similarities returned are the items' own. Source: Cen et al., KDD 2020 (ComiRec), Algorithm 2.

    Args:
        categories: the category of each item, as a number.
        diversity: λ, in the unit of the similarity.

    Raises:
        ValueError: if `num`, λ or the categories do not fit.

    >>> lists = TowerLists(items=np.array([[[0, 1, 2]]]), scores=np.array([[[0.9, 0.8, 0.7]]], dtype=np.float32))
    >>> merge_diverse(lists, 3, np.array([5, 5, 6]), diversity=0.2).items.tolist()
    [[0, 2, 1]]
    """
    if not 0 <= diversity < np.inf:
        raise ValueError(f"diversity: {diversity} is out of range; it must be 0 or more, and finite")
    if lists.items.max(initial=-1) >= len(categories):
        raise ValueError(f"categories: {len(categories)} of them, but item {lists.items.max()} is ranked; give all")
    everything = lists.items[0].size
    num = at_most(num, everything)
    ranking = merge(lists, everything)
    category = categories[ranking.items]  # that of an absent item is never read: nothing lifts its −∞
    gains = ranking.scores.astype(np.float64)
    users, places = np.arange(len(gains)), np.empty((len(gains), num), dtype=np.int64)
    for place in range(num):
        best = gains.argmax(axis=1)
        places[:, place] = np.where(np.isneginf(gains[users, best]), -1, best)  # none left: the last is absent then
        gains += diversity * (category != category[users, best][:, None])
        gains[users, best] = -np.inf
    return Ranking(**{name: np.take_along_axis(array, places, axis=1) for name, array in vars(ranking).items()})


@torch.no_grad()
def index_items(model: Model, kind: Kind = "exact") -> ItemIndex:
    """An index of all items of a model, with the settings that fit their number."""
    return ItemIndex(model.items(torch.arange(model.num_items)), model.similarity, kind)
