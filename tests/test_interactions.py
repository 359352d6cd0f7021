"""The log, its filter, splits, training samples and evaluation cases, against loops over plain lists."""

import dataclasses
from collections import Counter, defaultdict
from itertools import groupby

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite.data.datasets import online_retail
from mtmi_lite.interactions import (
    Batch,
    Features,
    Interactions,
    TrainingSamples,
    batch_of,
    describe,
    evaluation_cases,
    features_of,
    filter_items_first,
    from_columns,
    histories,
    split_users,
)

ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abcdefg"), st.integers(0, 4)), min_size=1, max_size=60)


def log_of(rows) -> Interactions:
    users, items, times = zip(*rows, strict=True)
    return from_columns(users=list(users), items=list(items), times=list(times))


def as_lists(log: Interactions) -> dict:
    """The log as {user label: [(item name, time), …]}."""
    lists = {}
    for user in range(log.num_users):
        begin, end = log.offsets[user], log.offsets[user + 1]
        names = [str(log.item_names[item]) for item in log.items[begin:end]]
        lists[log.user_labels[user].item()] = list(zip(names, log.times[begin:end].tolist(), strict=True))
    return lists


def numbered_log(lengths: list[int]) -> Interactions:
    """A log in which interaction i is of item i, so that an item tells its position."""
    users = np.repeat(np.arange(len(lengths)), lengths)
    return from_columns(users=users, items=np.arange(len(users)), times=np.arange(len(users)))


@pytest.fixture(scope="module")
def retail() -> Interactions:
    return online_retail()


# ---- building


def test_numbers_are_ids_whatever_index_a_column_has(unchecked):
    column = pandas.Series([17850.0, 13047.5, 17850.0], index=[5, 6, 9])
    log = from_columns(users=column, items=[1, 2.5, 1], times=column.astype(int))
    assert log.user_labels.tolist() == [13047.5, 17850.0]
    assert log.item_names.tolist() == ["1.0", "2.5"]
    with pytest.raises(ValueError, match=r"times: Timestamp.* is not a number"):
        from_columns(users=column, items=[1, 2, 3], times=pandas.to_datetime(column, unit="s"))


def test_numbers_too_large_to_be_told_apart_are_refused(unchecked):
    with pytest.raises(ValueError, match="users: some whole numbers are too large to be told apart"):
        from_columns(users=[-1, 2**63 + 1, 2**63 + 2], items=[0, 0, 0], times=[0, 0, 0])


@given(ROWS)
def test_interactions_are_each_users_rows_in_stable_time_order(rows):
    expected = defaultdict(list)
    for user, item, time in sorted(rows, key=lambda row: row[2]):  # sorted() is stable
        expected[user].append((item, time))
    log = log_of(rows)
    assert as_lists(log) == expected
    assert log.user_labels.tolist() == sorted(expected)
    assert log.item_names.tolist() == sorted({item for _, item, _ in rows})


def test_interactions_take_names_and_fall_back_to_the_id():
    log = from_columns(users=[1, 1], items=[20, 10], times=[0, 1], item_names={10: "ten"})
    assert log.item_names.tolist() == ["ten", "20"]
    assert log.items.tolist() == [1, 0]


def test_a_log_knows_its_users_lengths_and_slices():
    log = from_columns(users=["b", "a", "b"], items=[7, 8, 9], times=[5, 5, 4])
    assert (len(log), log.num_users, log.num_items) == (3, 2, 3)
    assert log.lengths.tolist() == [1, 2]
    assert log.users.tolist() == [0, 1, 1]
    assert log.of(1).tolist() == [2, 0]


def test_the_checksum_changes_with_items_times_and_offsets():
    log = from_columns(users=[0, 0, 1, 1], items=[0, 1, 0, 1], times=[1, 2, 3, 4])
    others = [
        dataclasses.replace(log, items=np.array([1, 1, 0, 1])),
        dataclasses.replace(log, times=np.array([1, 2, 3, 5])),
        dataclasses.replace(log, offsets=np.array([0, 1, 4])),
    ]
    assert len({log.checksum, *(other.checksum for other in others)}) == 4
    assert dataclasses.replace(log, item_names=np.array(["x", "y"])).checksum == log.checksum


GOOD = {
    "items": np.array([0, 1, 0]),
    "times": np.array([1, 2, 3]),
    "offsets": np.array([0, 2, 3]),
    "user_labels": np.array([5, 6]),
    "item_names": np.array(["tea", "jam"]),
}
EMPTY = np.array([], dtype=np.int64)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("items: the log is empty", {"items": EMPTY, "times": EMPTY}),
        ("times: 2 values for 3 items", {"times": np.array([1, 2])}),
        ("items: id 2 is out of range; ids must be 0 to 1", {"items": np.array([0, 2, 0])}),
        ("items: id -1 is out of range", {"items": np.array([0, -1, 0])}),
        ("offsets: must rise", {"offsets": np.array([1, 2, 3])}),
        ("offsets: must rise", {"offsets": np.array([0, 2, 4])}),
        ("offsets: must rise .* every user", {"offsets": np.array([0, 0, 3])}),
        ("offsets: must rise", {"offsets": np.array([0, 4, 3])}),
        ("user_labels: 1 labels for 2 users", {"user_labels": np.array([5])}),
    ],
)
def test_arrays_that_do_not_fit_are_refused(field, change, unchecked):
    Interactions(**GOOD)
    with pytest.raises(ValueError, match=field):
        Interactions(**(GOOD | change))


@pytest.mark.parametrize(
    ("field", "columns"),
    [
        ("users, items, times: 2, 1 and 2 values", {"users": [1, 2], "items": [1], "times": [1, 2]}),
        ("users: the log is empty", {"users": [], "items": [], "times": []}),
    ],
)
def test_columns_that_do_not_fit_are_refused(field, columns):
    with pytest.raises(ValueError, match=field):
        from_columns(**columns)


# ---- filtering


def slow_filter(lists: dict, min_count: int) -> dict:
    count = Counter(item for rows in lists.values() for item, _ in rows)
    kept = {user: [row for row in rows if count[row[0]] >= min_count] for user, rows in lists.items()}
    return {user: rows for user, rows in kept.items() if len(rows) >= min_count}


@given(ROWS, st.integers(1, 6))
def test_filter_is_one_pass_items_first(rows, min_count):
    log = log_of(rows)
    expected = slow_filter(as_lists(log), min_count)
    if not expected:
        with pytest.raises(ValueError, match=f"min_count: no user is left with at least {min_count}"):
            filter_items_first(log, min_count=min_count)
        return
    kept = filter_items_first(log, min_count=min_count)
    assert as_lists(kept) == expected
    assert set(kept.item_names.tolist()) == {item for rows in expected.values() for item, _ in rows}


def test_filter_of_online_retail_is_the_slow_one():
    raw = online_retail(filtered=False)
    assert as_lists(filter_items_first(raw)) == slow_filter(as_lists(raw), 5)


def test_filter_refuses_a_count_below_one():
    with pytest.raises(ValueError, match="min_count: 0 is out of range"):
        filter_items_first(numbered_log([5]), min_count=0)


# ---- splitting


@given(st.integers(3, 40), st.integers(3, 12), st.integers(0, 3))
def test_folds_partition_the_users(num_users, num_folds, seed):
    log = numbered_log([1] * num_users)
    if num_users < num_folds:
        with pytest.raises(ValueError, match=f"num_folds: {num_folds} folds of {num_users} users"):
            split_users(log, seed=seed, num_folds=num_folds)
        return
    tested, validated = [], []
    for fold in range(num_folds):
        split = split_users(log, seed=seed, fold=fold, num_folds=num_folds)
        parts = [split.train.tolist(), split.validation.tolist(), split.test.tolist()]
        assert all(parts)
        assert sorted(parts[0] + parts[1] + parts[2]) == list(range(num_users))
        tested += parts[2]
        validated += parts[1]
    assert sorted(tested) == sorted(validated) == list(range(num_users))


def test_ten_folds_are_eight_to_one_to_one(retail):
    split = split_users(retail, seed=0)
    assert (len(split.train), len(split.validation), len(split.test)) == (3282, 411, 411)
    assert split.log is retail


def test_the_seed_decides_the_split():
    log = numbered_log([1] * 100)
    first, again, other = (split_users(log, seed=seed).test.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert sorted(first) != list(range(10))  # shuffled, not cut in order


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("num_folds: 2 is out of range", {"num_folds": 2}),
        ("num_folds: 21 folds of 20 users .* use at most 20", {"num_folds": 21}),
        ("fold: 10 is out of range; it must be 0 to 9", {"fold": 10}),
        ("fold: -1 is out of range", {"fold": -1}),
    ],
)
def test_a_split_out_of_range_is_refused(field, settings):
    with pytest.raises(ValueError, match=field):
        split_users(numbered_log([1] * 20), seed=0, **settings)


# ---- histories and batches


def readable(batch: Batch, row: int) -> list[int]:
    """The items of one row; checks that padding stands on the left only."""
    mask = batch.mask[row].tolist()
    assert mask == sorted(mask)
    return batch.history[row][batch.mask[row]].tolist()


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=8), min_size=1, max_size=5), st.integers(1, 6))
def test_a_batch_holds_the_newest_items(rows, history_length):
    users = [user for user, row in enumerate(rows) for _ in row]
    items = [item for row in rows for item in row]
    log = Interactions(
        items=np.array(items),
        times=np.arange(len(items)),
        offsets=np.cumsum([0] + [len(row) for row in rows]),
        user_labels=np.unique(users),
        item_names=np.arange(10).astype(str),
    )
    from_log = histories(log, torch.arange(len(rows)), torch.from_numpy(log.offsets[1:]), history_length)
    by_hand = batch_of(rows, num_items=10, history_length=history_length)
    for batch in (from_log, by_hand):
        assert batch.history.shape == batch.mask.shape == (len(rows), history_length)
        assert [readable(batch, row) for row in range(len(batch))] == [row[-history_length:] for row in rows]
        assert ((batch.history >= 0) & (batch.history < 10)).all()  # a padded slot can still be looked up


def test_a_slice_of_a_batch_is_a_batch():
    batch = batch_of([[1], [2, 3], [0]], num_items=4, history_length=2)
    assert [readable(batch[1:], row) for row in range(2)] == [[2, 3], [0]]


@pytest.mark.parametrize(
    ("field", "rows"),
    [
        (r"rows\[1\]: this user has no history", [[1], []]),
        (r"rows\[0\]: item id 4 is out of range; ids must be 0 to 3", [[1, 4]]),
        (r"rows\[2\]: item id -1 is out of range", [[1], [2], [-1]]),
    ],
)
def test_a_batch_by_hand_is_checked(field, rows):
    with pytest.raises(ValueError, match=field):
        batch_of(rows, num_items=4)


# ---- training samples


def test_every_sample_is_a_late_position_and_the_items_before_it():
    lengths, history_length = [5, 9, 30, 6], 7
    log = numbered_log(lengths)
    chosen = np.array([0, 2, 3])
    batch, targets = TrainingSamples(log, chosen, history_length=history_length).draw(
        3000, torch.Generator().manual_seed(0)
    )
    drawn = defaultdict(set)
    for row, target in enumerate(targets.tolist()):
        user = int(log.users[target])
        start = int(log.offsets[user])
        drawn[user].add(target - start)
        assert readable(batch, row) == list(range(start, target))[-history_length:]
    # exactly the positions from 4 to the last one, of exactly the chosen users
    assert drawn == {user: set(range(4, lengths[user])) for user in chosen.tolist()}


def test_users_are_drawn_uniformly_then_their_positions():
    lengths, num = [5, 8, 40, 13], 60_000
    log = numbered_log(lengths)
    samples = TrainingSamples(log, np.arange(4), history_length=2)
    _, targets = samples.draw(num, torch.Generator().manual_seed(1))
    found = np.bincount(targets.numpy(), minlength=len(log))
    expected = np.array([0.0 if k < 4 else num / 4 / (n - 4) for n in lengths for k in range(n)])
    can = expected > 0
    assert not found[~can].any()
    chi_square = ((found - expected)[can] ** 2 / expected[can]).sum()
    free = can.sum() - 1
    assert abs(chi_square - free) < 4 * np.sqrt(2 * free)


def test_the_generator_decides_the_samples():
    samples = TrainingSamples(numbered_log([50, 50]), np.arange(2))
    first, again, other = (samples.draw(20, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first[1], again[1])
    assert torch.equal(first[0].history, again[0].history)
    assert not torch.equal(first[1], other[1])


def test_training_users_must_exist_and_be_long_enough():
    log = numbered_log([5, 4])
    with pytest.raises(ValueError, match="users: there is none"):
        TrainingSamples(log, EMPTY)
    with pytest.raises(ValueError, match=r"users: .*1.* has 4 interactions, but a training user needs at least 5"):
        TrainingSamples(log, np.array([0, 1]))
    TrainingSamples(log, np.array([0]))


# ---- evaluation cases


def slow_cases(log: Interactions, users: list[int], cut_at: str) -> list[tuple[int, list[int], list[int]]]:
    """User, history and sorted distinct relevant items of each case."""
    cases = []
    for user in users:
        begin, end = log.offsets[user], log.offsets[user + 1]
        items, times = log.items[begin:end].tolist(), log.times[begin:end].tolist()
        cut = len(items) - -(-len(items) // 5)  # all but a fifth, the fifth rounded up
        if cut_at == "basket":
            ends = np.cumsum([len(list(basket)) for _, basket in groupby(times)]).tolist()
            cut = max((edge for edge in ends if edge <= cut), default=ends[0])
        if 0 < cut < len(items):
            cases.append((user, items[:cut], sorted(set(items[cut:]))))
    return cases


def check_cases(log: Interactions, users: list[int], cut: str, history_length: int) -> None:
    expected = slow_cases(log, users, cut)
    if not expected:
        with pytest.raises(ValueError, match=f"users: none of the {len(users)} users .* at least two {cut}s"):
            evaluation_cases(log, np.array(users), cut=cut, history_length=history_length)
        return
    cases = evaluation_cases(log, np.array(users), cut=cut, history_length=history_length)
    assert cases.users.tolist() == [user for user, _, _ in expected]
    assert cases.num_relevant.tolist() == [len(relevant) for _, _, relevant in expected]
    assert cases.relevant.tolist() == [item for _, _, relevant in expected for item in relevant]
    assert [readable(cases.batch, row) for row in range(len(cases))] == [
        past[-history_length:] for _, past, _ in expected
    ]
    assert cases.num_items == log.num_items


@pytest.mark.parametrize("cut", ["interaction", "basket"])
def test_cases_of_all_online_retail(retail, cut):
    check_cases(retail, list(range(retail.num_users)), cut, history_length=20)


@given(ROWS, st.sampled_from(["interaction", "basket"]), st.integers(1, 5), st.randoms(use_true_random=False))
def test_cases_of_small_logs(rows, cut, history_length, random):
    log = log_of(rows)
    users = random.sample(range(log.num_users), random.randint(1, log.num_users))  # in any order
    check_cases(log, users, cut, history_length)


def test_the_cut_moves_to_the_edge_of_a_basket():
    def relevant(times: list[int]) -> list[int]:
        log = from_columns(users=[0] * len(times), items=list(range(len(times))), times=times)
        return evaluation_cases(log, np.array([0]), cut="basket").relevant.tolist()

    assert relevant([1, 1, 2, 2, 2, 2, 2, 2, 2, 2]) == [2, 3, 4, 5, 6, 7, 8, 9]  # back to the basket's start
    assert relevant([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]) == [9]  # the first basket: on to its end
    assert relevant([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) == [8, 9]  # already at an edge


def test_cases_refuse_what_they_cannot_cut(unchecked):
    log = numbered_log([1, 3])
    with pytest.raises(ValueError, match="cut: 'day' is not known"):
        evaluation_cases(log, np.array([1]), cut="day")
    with pytest.raises(ValueError, match="users: there is none"):
        evaluation_cases(log, EMPTY)
    with pytest.raises(ValueError, match=r"users: none of the 1 users .* at least two interactions"):
        evaluation_cases(log, np.array([0]))
    one_basket = from_columns(users=[0, 0], items=[1, 2], times=[7, 7])
    with pytest.raises(ValueError, match=r"users: none of the 1 users .* at least two baskets"):
        evaluation_cases(one_basket, np.array([0]), cut="basket")


# ---- what else is refused


@pytest.mark.parametrize("times", [[0.9, 0.1], [0.0, float("nan")]])
def test_times_are_whole_numbers(times):
    with pytest.raises(ValueError, match=r"times: (0\.9|nan) is not a whole number"):
        from_columns(users=[1, 1], items=[1, 2], times=times)


def test_times_do_not_fall_within_a_user():
    columns = dict(items=np.array([0, 0, 0]), user_labels=np.array([5, 6]), item_names=np.array(["a"]))
    Interactions(**columns, times=np.array([1, 9, 3]), offsets=np.array([0, 2, 3]))  # the second user starts over
    with pytest.raises(ValueError, match="times: 3 follows 9 within one user"):
        Interactions(**columns, times=np.array([1, 9, 3]), offsets=np.array([0, 1, 3]))


@pytest.mark.parametrize("user", [-1, 2])
def test_users_outside_the_log_are_refused(user):
    log = numbered_log([9, 9])
    for use in (TrainingSamples, evaluation_cases):
        with pytest.raises(ValueError, match=f"users: {user} is out of range; users of this log are 0 to 1"):
            use(log, np.array([0, user]))


def test_a_history_has_at_least_one_step():
    log = numbered_log([9, 9])
    for use in (TrainingSamples, evaluation_cases):
        with pytest.raises(ValueError, match="history_length: 0 is out of range"):
            use(log, np.array([0]), history_length=0)
    with pytest.raises(ValueError, match="history_length: 0 is out of range"):
        batch_of([[1]], num_items=2, history_length=0)


def test_a_seed_is_not_negative():
    with pytest.raises(ValueError, match="seed: -1 is out of range"):
        split_users(numbered_log([9] * 10), seed=-1)


# ---- features


NAMES = st.lists(st.lists(st.text("abc", min_size=1, max_size=3), max_size=5), min_size=1, max_size=8)


@settings(deadline=None)
@given(NAMES)
def test_features_keep_the_names_of_each_row(rows):
    features = features_of(rows)
    assert len(features) == len(rows)
    assert features.names.tolist() == sorted({name for row in rows for name in row})
    for row, ids in zip(rows, features.ids.tolist(), strict=True):
        held = [k for k in ids if k >= 0]
        assert ids == held + [-1] * (len(ids) - len(held))  # padded on the right
        assert [features.names[k] for k in held] == list(dict.fromkeys(row))
    chosen = features[np.array([len(rows) - 1, 0])]
    assert chosen.ids.tolist() == [features.ids[-1].tolist(), features.ids[0].tolist()]


def featured_log():
    log = from_columns(
        users=["u"] * 6 + ["v"] * 6 + ["w"], items=list("abcabd") * 2 + ["a"], times=[*range(6), *range(6), 0]
    )
    return describe(
        log,
        item_names={"a": "Apple"},
        item_features={"a": ["fruit", "red"], "c": ["red"], "d": ["rare"]},
        user_features={"v": ["age: 30"], "w": ["age: 20", "job: cook"]},
    )


def test_features_stay_with_their_items_and_users_through_a_filter():
    log = filter_items_first(featured_log(), min_count=2)
    assert log.user_labels.tolist() == ["u", "v"]
    assert log.item_names.tolist() == ["Apple", "b", "c", "d"]
    items, users = log.item_features, log.user_features
    assert items is not None
    assert users is not None
    assert [[str(items.names[k]) for k in row if k >= 0] for row in items.ids] == [
        ["fruit", "red"],
        [],
        ["red"],
        ["rare"],
    ]
    assert [[str(users.names[k]) for k in row if k >= 0] for row in users.ids] == [[], ["age: 30"]]
    rarer = filter_items_first(featured_log(), min_count=3)
    assert rarer.item_names.tolist() == ["Apple", "b"]
    assert rarer.item_features is not None
    assert rarer.item_features.ids.tolist() == [[0, 2], [-1, -1]]


def test_a_batch_carries_the_profile_where_the_log_has_one():
    log = featured_log()
    users = log.user_features
    assert users is not None
    cases = evaluation_cases(log, np.array([1, 0]), history_length=3)
    assert cases.batch.profile is not None
    assert cases.batch.profile.tolist() == users.ids[[1, 0]].tolist()
    part = cases.batch[1:]
    assert part.profile is not None
    assert part.profile.tolist() == [[-1, -1]]
    batch, _ = TrainingSamples(log, np.array([0, 1])).draw(8, torch.Generator().manual_seed(0))
    assert batch.profile is not None
    assert len(batch.profile) == 8
    assert {tuple(row) for row in batch.profile.tolist()} == {(-1, -1), tuple(users.ids[1].tolist())}
    plain = from_columns(users=["u"] * 6, items=list("abcabd"), times=range(6))
    assert evaluation_cases(plain, np.array([0])).batch.profile is None


def test_features_that_do_not_fit_are_refused():
    log = featured_log()
    with pytest.raises(ValueError, match="ids: 2 is out of range; features are 0 to 1, one for each of names"):
        Features(ids=np.array([[0, 2]]), names=np.array(["a", "b"]))
    with pytest.raises(ValueError, match="ids: -2 is out of range"):
        Features(ids=np.array([[0, -2]]), names=np.array(["a", "b"]))
    for field, num in (("item_features", 4), ("user_features", 3)):
        with pytest.raises(ValueError, match=f"{field}: 1 rows for {num} {field[:4]}s; give one each"):
            dataclasses.replace(log, **{field: features_of([["x"]])})
    for field in ("item_features", "user_features", "item_names"):
        with pytest.raises(ValueError, match=f"{field}: has no id of the log; its ids are such as "):
            describe(log, **{field: {"nobody": "x"}})


ANY_TIMES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(-3, 3) | st.sampled_from([-(2**62), 2**62])),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(ANY_TIMES, st.booleans())
def test_each_way_of_sorting_is_stable_by_user_and_time(rows, by_time):
    if by_time:
        rows.sort(key=lambda row: row[2])
    log = from_columns(users=[r[0] for r in rows], items=[r[1] for r in rows], times=[r[2] for r in rows])
    expected = sorted(rows, key=lambda row: (row[0], row[2]))
    assert log.user_labels[log.users].tolist() == [row[0] for row in expected]
    assert log.times.tolist() == [row[2] for row in expected]
    assert log.item_names[log.items].tolist() == [str(row[1]) for row in expected]


@pytest.mark.parametrize(
    "missing",
    [None, float("nan"), pandas.NA, pandas.NaT, np.datetime64("NaT")],
    ids=["None", "NaN", "NA", "NaT", "NumPy"],
)
@pytest.mark.parametrize("column", ["users", "items"])
def test_a_missing_id_is_no_id(column, missing):
    columns = {"users": [1, 2, 3], "items": ["a", "b", "c"], "times": [1, 2, 3]}
    columns[column] = [*columns[column][:2], missing]
    for ids in (columns[column], pandas.Series(columns[column], dtype=object)):
        with pytest.raises(ValueError, match=rf"{column}\[2\]: .* is not an id"):
            from_columns(**columns | {column: ids})


def test_missing_ids_in_columns_of_pandas_and_numpy_are_no_ids():
    for users in (
        np.array([17850.0, np.nan, np.nan]),
        pandas.Series([17850, None, None]),
        pandas.Series([17850, None, None], dtype="Int64"),
        pandas.Series(["a", None, None]),
    ):
        with pytest.raises(ValueError, match=r"users\[1\]: .* is not an id, and all missing ones would become one id"):
            from_columns(users=users, items=[1, 2, 3], times=[1, 2, 3])


def test_text_and_numbers_are_not_merged():
    with pytest.raises(ValueError, match=r"users\[1\]: '1' among ids of another kind"):
        from_columns(users=[1, "1"], items=[1, 2], times=[1, 2])


@pytest.mark.parametrize(
    "times",
    [
        np.array(["2010-12-01", "2011-01-01"], dtype="datetime64[s]"),
        ["2010-12-01", "2011-01-01"],
        pandas.to_datetime(pandas.Series(["2010-12-01", "2011-01-01"])),
    ],
)
def test_dates_for_times_get_a_cure_that_fits(times):
    with pytest.raises(
        ValueError, match=r"times: .* is not a number; .*np\.array\(times, dtype='datetime64\[s\]'\)"
    ) as caught:
        from_columns(users=[1, 2], items=[1, 2], times=times)
    assert "2010" in str(caught.value)
    seconds = np.array(times, dtype="datetime64[s]").astype(int)
    assert repr(from_columns(users=[1, 2], items=[1, 2], times=seconds)).endswith("2010-12-01 to 2011-01-01")


def test_a_text_is_not_taken_apart_into_features():
    with pytest.raises(ValueError, match=r"rows\[0\]: 'tea' is a text; a row is a list of names, such as \['tea'\]"):
        features_of(["tea", "gift"])
    log = from_columns(users=["u"], items=["a"], times=[1])
    with pytest.raises(ValueError, match="'tea' is a text"):
        describe(log, item_features={"a": "tea"})
