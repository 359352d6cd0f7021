"""One log of interactions as flat arrays: filter it, split it by user, draw training samples, cut evaluation cases.

Nothing here loops over users or samples in Python; a user is a slice of the arrays.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Int64, Shaped
from torch import Tensor

Array = np.ndarray
FIRST_TARGET = 4
"""The first 0-based position that a training target may have, so a sample has at least four items before it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Features of each row, an item or a user, besides its id: categories, genres, words, an age group.

    Args:
        ids: the features of each row, distinct, padded on the right with −1; a row may have none.
        names: what each feature is called.

    >>> features = features_of([["tea", "gift"], [], ["gift"]])
    >>> features.ids.tolist(), features.names.tolist()
    ([[1, 0], [-1, -1], [0, -1]], ['gift', 'tea'])
    """

    ids: Int64[Array, "row slot"]
    names: Shaped[Array, " feature"]

    def __post_init__(self) -> None:
        bad = self.ids[(self.ids < -1) | (self.ids >= len(self.names))]
        if len(bad):
            raise ValueError(
                f"ids: {bad[0]} is out of range; features are 0 to {len(self.names) - 1}, one for each of names, and "
                "−1 is none"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Array) -> "Features":
        return Features(ids=self.ids[rows], names=self.names)


def features_of(rows: Iterable[Iterable[str]]) -> Features:
    """Features from the names in each row; they are numbered in the sorted order of their names.

    Raises:
        ValueError: if a row is a single text, which would be split into letters.
    """
    rows = list(rows)
    for number, row in enumerate(rows):
        if isinstance(row, str):
            raise ValueError(f"rows[{number}]: {row!r} is a text; a row is a list of names, such as [{row!r}]")
    named = [list(dict.fromkeys(row)) for row in rows]
    lengths = np.array([len(row) for row in named], dtype=np.int64)
    names, flat = np.unique(np.array([name for row in named for name in row], dtype=np.str_), return_inverse=True)
    ids = np.full((len(named), max(lengths.max(initial=0), 1)), -1, dtype=np.int64)
    ids[np.arange(ids.shape[1]) < lengths[:, None]] = flat
    return Features(ids=ids, names=names)


@dataclass(frozen=True, kw_only=True, eq=False)
class Interactions:
    """A log: every user's interactions in time order, one user after the other.

    The interactions of user `u` are `items[offsets[u]:offsets[u + 1]]`, oldest first. Users and items are numbered
    from 0; `user_labels` and `item_names` say what they are called. Repeats are kept.

    Args:
        items: the item of each interaction.
        times: when it happened, in seconds (or any unit that grows); ties keep the order of the source.
        offsets: where each user starts, and the end of the last one.
        user_labels: the users' own ids.
        item_names: a name a person can read for each item.
        item_features, user_features: what else is known of each item, and of each user (the profile `E_p`, Eq. 1).

    Raises:
        ValueError: if the arrays do not fit together.

    >>> log = from_columns(users=["ann", "ben", "ann"], items=["tea", "jam", "jam"], times=[2, 1, 1])
    >>> log
    2 users, 2 items, 3 interactions, times 1 to 2
    >>> [str(name) for name in log.item_names[log.of(0)]]
    ['jam', 'tea']
    """

    items: Int64[Array, " interaction"]
    times: Int64[Array, " interaction"]
    offsets: Int64[Array, " user_and_end"]
    user_labels: Shaped[Array, " user"]
    item_names: Shaped[Array, " item"]
    item_features: Features | None = None
    user_features: Features | None = None

    def __post_init__(self) -> None:
        if len(self.items) == 0:
            raise ValueError("items: the log is empty; it needs at least one interaction")
        if self.items.ndim != 1 or len(self.times) != len(self.items):
            raise ValueError(f"times: {len(self.times)} values for {len(self.items)} items; give one time an item")
        if self.items.min() < 0 or self.items.max() >= self.num_items:
            bad = self.items[(self.items < 0) | (self.items >= self.num_items)][0]
            raise ValueError(
                f"items: id {bad} is out of range; ids must be 0 to {self.num_items - 1}, one for each of item_names"
            )
        steps = np.diff(self.offsets)
        ends = self.offsets[[0, -1]].tolist() if len(self.offsets) > 1 else []
        if ends != [0, len(self.items)] or (steps < 1).any():
            raise ValueError(
                "offsets: must rise from 0 to the number of interactions, and every user must have at least one;"
                f" got {self.offsets[:5].tolist()}… for {len(self.items)} interactions"
            )
        falls = np.flatnonzero(self.times[1:] < self.times[:-1]) + 1
        within = falls[~np.isin(falls, self.offsets)]
        if len(within):
            raise ValueError(
                f"times: {self.times[within[0]]} follows {self.times[within[0] - 1]} within one user; sort each user's "
                "interactions by time, or build the log with from_columns"
            )
        if len(self.user_labels) != len(steps):
            raise ValueError(f"user_labels: {len(self.user_labels)} labels for {len(steps)} users; give one each")
        for name, num in (("item_features", self.num_items), ("user_features", len(steps))):
            features = getattr(self, name)
            if features is not None and len(features) != num:
                raise ValueError(f"{name}: {len(features)} rows for {num} {name[:4]}s; give one each")

    def __repr__(self) -> str:
        first, last, unit = self.times.min(), self.times.max(), unit_of(self.times)
        span = f"times {first:,} to {last:,}" if unit is None else f"{date_of(first, unit)} to {date_of(last, unit)}"
        return f"{self.num_users:,} users, {self.num_items:,} items, {len(self):,} interactions, {span}"

    def __len__(self) -> int:
        return len(self.items)

    @property
    def num_users(self) -> int:
        return len(self.offsets) - 1

    @property
    def num_items(self) -> int:
        return len(self.item_names)

    @property
    def lengths(self) -> Int64[Array, " user"]:
        """How many interactions each user has."""
        return np.diff(self.offsets)

    @property
    def users(self) -> Int64[Array, " interaction"]:
        """The user of each interaction."""
        return np.repeat(np.arange(self.num_users), self.lengths)

    def of(self, user: int | np.integer) -> Int64[Array, " step"]:
        """The items of one user, oldest first."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    @property
    def checksum(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of items, times and offsets: names the data of a result."""
        digest = hashlib.sha256()
        for array in (self.items, self.times, self.offsets):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""How many of each make a second, by NumPy's name."""


def unit_of(times: Int64[Array, " interaction"]) -> Literal["s", "ms", "us", "ns"] | None:
    """The unit in which the times are Unix time, as their size tells; None if they are no dates after March 1973.

    >>> unit_of(np.array([1_600_000_000])), unit_of(np.array([1_600_000_000_000])), unit_of(np.array([0, 7]))
    ('s', 'ms', None)
    """
    middle = float(np.median(times))
    return next((unit for unit, size in UNITS.items() if 1e8 <= middle / size < 1e10), None)  # type: ignore[return-value]


def date_of(time: int | np.integer, unit: Literal["s", "ms", "us", "ns"]) -> str:
    """The day of a Unix time.

    >>> date_of(1_600_000_000, "s")
    '2020-09-13'
    """
    return str(np.datetime64(int(time), unit).astype("datetime64[D]"))


def from_columns(*, users, items, times, item_names: Mapping | None = None) -> Interactions:
    """Build a log from three columns in any order, with ids of any kind.

    Users and items are numbered in the sorted order of their ids; interactions of one user are sorted by time, and
    those with equal times keep the order of the columns.

    Args:
        users, items, times: columns of equal length; times are whole numbers.
        item_names: what to call an item; without an entry, the id as text.

    Raises:
        ValueError: for columns of different lengths, an id that is missing, text among ids that are numbers, and a time
            that is not a whole number.

    >>> log = from_columns(users=[7, 7, 3], items=["b", "a", "b"], times=[1, 1, 5])
    >>> log.user_labels.tolist(), log.items.tolist()
    ([3, 7], [1, 1, 0])
    """
    if not len(users) == len(items) == len(times):
        raise ValueError(
            f"users, items, times: {len(users)}, {len(items)} and {len(times)} values; give columns of equal length"
        )
    if len(users) == 0:
        raise ValueError("users: the log is empty; it needs at least one interaction")
    user_labels, user = _numbered("users", users)
    item_labels, item = _numbered("items", items)
    whole = _whole("times", times)
    names = np.array([str((item_names or {}).get(label, label)) for label in item_labels.tolist()])
    return from_codes(user, item, whole, user_labels=user_labels, item_names=names)


def _numbered(field: str, given) -> tuple[Array, Array]:
    """The distinct ids in sorted order, and the place in it of each one given."""
    if not isinstance(given, Array) or given.dtype.kind not in "iuSU":  # else all are of one kind, and none is missing
        text = [isinstance(value, str) for value in given]
        for row, value in enumerate(given):
            if (
                value is None or type(value).__name__ == "NAType" or value != value
            ):  # NaN and NaT differ from themselves
                raise ValueError(
                    f"{field}[{row}]: {value} is not an id, and all missing ones would become one id; drop the row"
                )
            if text[row] != text[0]:
                raise ValueError(
                    f"{field}[{row}]: {value!r} among ids of another kind; give only text, or only numbers"
                )
    ids = np.asarray(given)
    try:
        labels, codes = np.unique(ids, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            f"{field}: ids of these kinds cannot be sorted ({error}); give only text, or only numbers"
        ) from error
    if ids.dtype.kind == "f" and len(labels) < len(set(given)):
        raise ValueError(f"{field}: some whole numbers are too large to be told apart; give them as text")
    return labels, codes


def _whole(field: str, given) -> Int64[Array, " interaction"]:
    times = np.asarray(given)
    if times.dtype.kind not in "iuf":
        cure = "np.array(times, dtype='datetime64[s]').astype(int) makes Unix seconds of dates"
        raise ValueError(f"{field}: {next(iter(given))!r} is not a number; give whole numbers: {cure}")
    with np.errstate(invalid="ignore"):  # NaN and infinity are caught below
        whole = times.astype(np.int64)
    if (whole != times).any():
        bad = times[whole != times][0]
        raise ValueError(
            f"{field}: {bad} is not a whole number; give times in a unit fine enough, such as milliseconds"
        )
    return whole


def from_codes(users: Array, items: Array, times: Array, *, user_labels: Array, item_names: Array) -> Interactions:
    """`from_columns`, where users and items are already numbered in the order of `user_labels` and `item_names`."""
    offsets = _offsets(np.bincount(users))
    if len(user_labels) <= 2**16:  # NumPy sorts numbers of 16 bits much faster
        order = np.argsort(times, kind="stable")
        order = order[np.argsort(users.astype(np.uint16)[order], kind="stable")]
    else:
        order = np.lexsort((times, users))  # stable
    del users
    times = times[order]
    items = items[order].astype(np.int64)
    return Interactions(items=items, times=times, offsets=offsets, user_labels=user_labels, item_names=item_names)


def describe(
    log: Interactions,
    *,
    item_names: Mapping | None = None,
    item_features: Mapping | None = None,
    user_features: Mapping | None = None,
) -> Interactions:
    """Add names and features, looked up by id, to a log whose items are still named by their ids.

    Args:
        item_names: what to call an item; without an entry, its id.
        item_features, user_features: the names of its features; without an entry, it has none.

    Raises:
        ValueError: if a mapping has no id of the log at all.

    >>> log = from_columns(users=["ann", "ben"], items=["007", "7"], times=[0, 0])
    >>> log = describe(log, item_names={"007": "Green tea"}, item_features={"007": ["tea", "green"]})
    >>> log.item_names.tolist(), log.item_features.ids.tolist()
    (['Green tea', '7'], [[1, 0], [-1, -1]])
    """
    ids = {"item_names": log.item_names, "item_features": log.item_names, "user_features": log.user_labels}
    new: dict = {}
    for field, given in (
        ("item_names", item_names),
        ("item_features", item_features),
        ("user_features", user_features),
    ):
        own = ids[field].tolist()
        if given is not None and not any(label in given for label in own):
            raise ValueError(
                f"{field}: has no id of the log; its ids are such as {list(given)[:3]}, and the log's {own[:3]}: "
                "give a mapping from the log's own ids"
            )
        if given is not None and field == "item_names":
            new[field] = np.array([given.get(label, label) for label in own], dtype=np.str_)
        elif given is not None:
            new[field] = features_of(given.get(label, ()) for label in own)
    return replace(log, **new)


def _offsets(counts: Array) -> Array:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def filter_items_first(log: Interactions, *, min_count: int = 5) -> Interactions:
    """Keep items with at least `min_count` interactions, then users with at least `min_count` kept interactions.

    One pass, items first: the field's usual filter (REMI's code), and the paper's "fewer than 5 interactions
    removed". After the users have gone, an item may be left with fewer than `min_count`.

    Raises:
        ValueError: if nothing is left.

    >>> log = from_columns(users=[1, 1, 2, 2, 3], items=["a", "b", "a", "a", "c"], times=[1, 2, 3, 4, 5])
    >>> kept = filter_items_first(log, min_count=2)
    >>> kept.user_labels.tolist(), kept.item_names.tolist()
    ([2], ['a'])
    """
    if min_count < 1:
        raise ValueError(f"min_count: {min_count} is out of range; it must be at least 1")
    keep = np.bincount(log.items, minlength=log.num_items)[log.items] >= min_count
    kept_of_user = np.bincount(log.users[keep], minlength=log.num_users)
    keep &= kept_of_user[log.users] >= min_count
    if not keep.any():
        raise ValueError(
            f"min_count: no user is left with at least {min_count} interactions on items with at least {min_count}; "
            "lower it or bring a larger log"
        )
    items_left, items = np.unique(log.items[keep], return_inverse=True)
    users_left = kept_of_user >= min_count
    return Interactions(
        items=items.astype(np.int64),
        times=log.times[keep],
        offsets=_offsets(kept_of_user[users_left]),
        user_labels=log.user_labels[users_left],
        item_names=log.item_names[items_left],
        item_features=None if log.item_features is None else log.item_features[items_left],
        user_features=None if log.user_features is None else log.user_features[users_left],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """The users of a log in three parts: train on the first, choose on the second, report on the third."""

    log: Interactions
    train: Int64[Array, " train"]
    validation: Int64[Array, " validation"]
    test: Int64[Array, " test"]


def split_users(log: Interactions, *, seed: int, fold: int = 0, num_folds: int = 10) -> Split:
    """Split the users 8:1:1 (with ten folds), so that no user is in two parts.

    The users are shuffled once by `seed` and cut into `num_folds` parts. Part `fold` is for test, the next one for
    validation, the rest for training; over all folds every user is a test user exactly once.

    Raises:
        ValueError: if a part would be empty, or `fold` is out of range.

    >>> log = from_columns(users=list(range(10)), items=[0] * 10, times=[0] * 10)
    >>> split = split_users(log, seed=0)
    >>> len(split.train), len(split.validation), len(split.test)
    (8, 1, 1)
    """
    if seed < 0:
        raise ValueError(f"seed: {seed} is out of range; it must be 0 or more")
    if num_folds < 3:
        raise ValueError(f"num_folds: {num_folds} is out of range; at least 3 (train, validation, test)")
    if not 0 <= fold < num_folds:
        raise ValueError(f"fold: {fold} is out of range; it must be 0 to {num_folds - 1}")
    if log.num_users < num_folds:
        raise ValueError(
            f"num_folds: {num_folds} folds of {log.num_users} users leave an empty part; "
            f"use at most {log.num_users} folds or bring a log with more users"
        )
    parts = np.array_split(np.random.default_rng(seed).permutation(log.num_users), num_folds)
    parts = parts[fold:] + parts[:fold]
    return Split(log=log, test=parts[0], validation=parts[1], train=np.concatenate(parts[2:]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """The input of a model: the histories of some users.

    Args:
        history: item ids, oldest first, the newest in the last slot, padding on the left.
        mask: True where a slot holds an item. What a padded slot holds is never read.
        profile: the features of each user, −1 for none, where the log has them.
    """

    history: Int64[Tensor, "batch step"]
    mask: Bool[Tensor, "batch step"]
    profile: Int64[Tensor, "batch slot"] | None = None

    def __post_init__(self) -> None:
        empty = ~self.mask.any(dim=1)
        if empty.any():
            raise ValueError(f"mask: row {int(empty.nonzero()[0])} has no history; every user needs at least one item")

    def __len__(self) -> int:
        return len(self.history)

    def __getitem__(self, rows: slice) -> "Batch":
        profile = None if self.profile is None else self.profile[rows]
        return Batch(history=self.history[rows], mask=self.mask[rows], profile=profile)


def histories(log: Interactions, users: Tensor, ends: Tensor, history_length: int) -> Batch:
    """The last `history_length` items of each user before position `ends` of the log, padded on the left."""
    _check_history_length(history_length)
    steps = ends[:, None] + torch.arange(-history_length, 0)
    mask = steps >= torch.from_numpy(log.offsets)[users][:, None]
    profile = None if log.user_features is None else torch.from_numpy(log.user_features.ids)[users]
    return Batch(history=torch.from_numpy(log.items)[steps.clamp(min=0)] * mask, mask=mask, profile=profile)


def batch_of(rows: list[list[int]], *, num_items: int, history_length: int = 20) -> Batch:
    """Item lists typed by hand as a batch.

    Raises:
        ValueError: for an empty history, or an id that is not 0 to `num_items - 1`.

    >>> batch_of([[3, 1], [2]], num_items=4, history_length=3).history.tolist()
    [[0, 3, 1], [0, 0, 2]]
    """
    _check_history_length(history_length)
    for index, row in enumerate(rows):
        if not row:
            raise ValueError(f"rows[{index}]: this user has no history; a user needs at least one item")
        bad = [item for item in row if not 0 <= item < num_items]
        if bad:
            raise ValueError(f"rows[{index}]: item id {bad[0]} is out of range; ids must be 0 to {num_items - 1}")
    history = torch.zeros(len(rows), history_length, dtype=torch.int64)
    mask = torch.zeros(len(rows), history_length, dtype=torch.bool)
    for index, row in enumerate(rows):
        newest = row[-history_length:]
        history[index, history_length - len(newest) :] = torch.tensor(newest)
        mask[index, history_length - len(newest) :] = True
    return Batch(history=history, mask=mask)


def _check_history_length(history_length: int) -> None:
    if history_length < 1:
        raise ValueError(f"history_length: {history_length} is out of range; a history needs at least 1 step")


def _check_users(log: Interactions, users: Array) -> None:
    if len(users) == 0:
        raise ValueError("users: there is none; a part of the split is empty, give at least one user")
    bad = users[(users < 0) | (users >= log.num_users)]
    if len(bad):
        raise ValueError(f"users: {bad[0]} is out of range; users of this log are 0 to {log.num_users - 1}")


class TrainingSamples:
    """Training samples of some users: a user uniformly, then one of their positions k ≥ 4 uniformly as the target.

    The history is what stands before the target, at most `history_length` items.

    Raises:
        ValueError: if there is no user, or one is too short to have a target.

    >>> log = from_columns(users=[0] * 6, items=list("abcdef"), times=range(6))
    >>> samples = TrainingSamples(log, np.array([0]), history_length=3)
    >>> batch, targets = samples.draw(2, torch.Generator().manual_seed(0))
    >>> bool((batch.history[:, -1] == targets - 1).all())  # the item just before the target is the newest
    True
    """

    def __init__(self, log: Interactions, users: Int64[Array, " user"], *, history_length: int = 20) -> None:
        _check_history_length(history_length)
        _check_users(log, users)
        short = users[log.lengths[users] <= FIRST_TARGET]
        if len(short):
            raise ValueError(
                f"users: {log.user_labels[short[0]]!r} has {log.lengths[short[0]]} interactions, but a training user "
                f"needs at least {FIRST_TARGET + 1}; apply filter_items_first to the log"
            )
        self.log, self.history_length = log, history_length
        self.users = torch.from_numpy(users)
        self.first = torch.from_numpy(log.offsets[users] + FIRST_TARGET)
        self.choices = torch.from_numpy(log.lengths[users] - FIRST_TARGET)

    def draw(self, num: int, generator: torch.Generator) -> tuple[Batch, Int64[Tensor, " batch"]]:
        """`num` samples: the histories, and the target item of each."""
        row = torch.randint(len(self.users), (num,), generator=generator)
        # in double precision, rand() < 1 keeps the product below `choices` after rounding down
        step = (torch.rand(num, generator=generator, dtype=torch.float64) * self.choices[row]).long()
        target = self.first[row] + step
        batch = histories(self.log, self.users[row], target, self.history_length)
        return batch, torch.from_numpy(self.log.items)[target]


def item_counts(log: Interactions, users: Int64[Array, " user"]) -> Int64[Array, " item"]:
    """How often these users interacted with each item.

    >>> item_counts(from_columns(users=[0, 0, 1], items=["a", "b", "a"], times=[0, 1, 2]), np.array([0])).tolist()
    [1, 1]
    """
    return np.bincount(log.items[np.isin(log.users, users)], minlength=log.num_items)


class Negatives:
    """Draws items as negatives, uniformly or by their count to a power, and knows how likely each was.

    Args:
        users: the training users, whose interactions are counted.
        popularity: the power; 0 draws uniformly.

    >>> log = from_columns(users=[0] * 10, items=["a", *"b" * 9], times=[0] * 10)
    >>> Negatives(log, np.array([0]), popularity=1.0).log_probability.exp()
    tensor([0.1000, 0.9000])
    """

    def __init__(self, log: Interactions, users: Int64[Array, " user"], *, popularity: float) -> None:
        self.num_items = log.num_items
        self.uniform = popularity == 0
        weights = torch.from_numpy(item_counts(log, users)).double() ** popularity
        self.log_probability = (weights / weights.sum()).log().float()
        self.cumulative = weights.cumsum(0)
        self.last = int(weights.nonzero()[-1])

    def draw(self, num: int, generator: torch.Generator) -> Int64[Tensor, " neg"]:
        if self.uniform:
            return torch.randint(self.num_items, (num,), generator=generator)
        point = torch.rand(num, generator=generator, dtype=torch.float64) * self.cumulative[-1]
        return torch.searchsorted(self.cumulative, point, right=True).clamp(max=self.last)  # after rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Cases:
    """Evaluation cases: what a model may read of each user, and the items it should find.

    The relevant items of case `c` are `relevant[offsets[c]:offsets[c + 1]]`, distinct, in item order. What lies before
    `cuts[c]` in the log is its history, of which `batch` has the newest items.
    """

    users: Int64[Array, " case"]
    cuts: Int64[Array, " case"]
    batch: Batch
    relevant: Int64[Array, " relevant"]
    offsets: Int64[Array, " case_and_end"]
    num_items: int

    def __len__(self) -> int:
        return len(self.users)

    @property
    def num_relevant(self) -> Int64[Array, " case"]:
        """How many distinct items each case should find."""
        return np.diff(self.offsets)


def evaluation_cases(
    log: Interactions,
    users: Int64[Array, " user"],
    *,
    cut: Literal["interaction", "basket"] = "interaction",
    history_length: int = 20,
) -> Cases:
    """Cut each user's sequence in two: the first 80% is history, the distinct items of the last 20% are relevant.

    A basket is what one user buys at one time. With `cut="interaction"` the cut stands after ⌊0.8 · length⌋
    interactions, as in the protocol, and may fall inside a basket: then part of the task is to complete it. With
    `cut="basket"` it moves back to the start of the basket it falls in, or, where that is the user's first basket, on
    to its end. A user with a single basket then has no case and is left out.

    Raises:
        ValueError: if no user has a case.

    >>> log = from_columns(users=[0] * 5, items=list("abcde"), times=[1, 1, 2, 2, 2])
    >>> evaluation_cases(log, np.array([0]), history_length=4).batch.history.tolist()
    [[0, 1, 2, 3]]
    >>> evaluation_cases(log, np.array([0]), history_length=4, cut="basket").relevant.tolist()
    [2, 3, 4]
    """
    if cut not in ("interaction", "basket"):
        raise ValueError(f"cut: {cut!r} is not known; it must be 'interaction' or 'basket'")
    _check_users(log, users)
    starts, ends = log.offsets[users], log.offsets[users + 1]
    cuts = starts + log.lengths[users] * 4 // 5
    if cut == "basket":
        edge = np.ones(len(log) + 1, dtype=bool)  # True where a basket starts
        edge[1:-1] = np.diff(log.times) != 0
        edge[log.offsets] = True
        edges = np.flatnonzero(edge)
        before = edges[np.searchsorted(edges, cuts, side="right") - 1]
        after = edges[np.searchsorted(edges, cuts, side="right").clip(max=len(edges) - 1)]
        cuts = np.where(before > starts, before, after)
    has_case = (starts < cuts) & (cuts < ends)
    if not has_case.any():
        raise ValueError(
            f"users: none of the {len(users)} users has both a history before the cut and a relevant item after it; "
            f"with cut={cut!r} a user needs at least two {cut}s"
        )
    users, cuts, ends = users[has_case], cuts[has_case], ends[has_case]
    # distinct (case, item) pairs of everything after the cut
    lengths = ends - cuts
    case = np.repeat(np.arange(len(users)), lengths)
    position = np.arange(lengths.sum()) - np.repeat(_offsets(lengths)[:-1], lengths) + np.repeat(cuts, lengths)
    pairs = np.unique(case * log.num_items + log.items[position])
    return Cases(
        users=users,
        cuts=cuts,
        batch=histories(log, torch.from_numpy(users), torch.from_numpy(cuts), history_length),
        relevant=pairs % log.num_items,
        offsets=_offsets(np.bincount(pairs // log.num_items, minlength=len(users))),
        num_items=log.num_items,
    )
