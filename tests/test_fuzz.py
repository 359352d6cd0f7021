"""Whatever comes in, what goes out is right, or a ValueError that a person can read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mtmi_lite.interactions import Interactions, from_columns, split_users
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.models import MTMI
from mtmi_lite.retrieval import ItemIndex, TowerLists, load_index, merge
from mtmi_lite.runs import Run, TrainingSettings, load_run
from mtmi_lite.training import train

pytestmark = pytest.mark.usefixtures("unchecked")
once_for_all = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def right_or_readable(act: Callable):
    """What `act` gives, or None where it refuses."""
    try:
        return act()
    except ValueError as error:
        if len(str(error)) >= 500:
            raise AssertionError("too long a message") from error
        return None


kinds = arrays.integer_dtypes(endianness="=") | arrays.unsigned_integer_dtypes(endianness="=") | st.just("float64")
shapes = st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 4))


@once_for_all
@given(st.data())
def test_a_merge_is_sorted_without_repeats_or_refused(data):
    shape, kind = data.draw(shapes), np.dtype(data.draw(kinds))
    whole = data.draw(arrays.arrays(np.int64, shape, elements=st.integers(-2, 5) | st.integers(-(2**63), 2**63 - 1)))
    items = whole.astype(kind)
    scores = data.draw(arrays.arrays(np.float32, shape, elements=st.floats(width=32, allow_nan=False)))
    num = data.draw(st.integers(-1, 9))
    ranking = right_or_readable(lambda: merge(TowerLists(items=items, scores=scores), num))
    fits = kind.kind != "f" and num > 0 and all(-1 <= item < 2**63 for item in items.ravel().tolist())
    assert (ranking is not None) == fits
    if ranking is None:
        return
    for user in range(shape[0]):
        best = {}
        for tower in range(shape[1]):
            for item, score in zip(items[user, tower].tolist(), scores[user, tower].tolist(), strict=True):
                if item >= 0 and (item not in best or score > best[item][0]):
                    best[item] = (score, tower)
        order = sorted(best, key=lambda item: (-best[item][0], item))[:num]
        given = [item for item in ranking.items[user].tolist() if item >= 0]
        assert given == order
        assert [tower for tower in ranking.towers[user].tolist() if tower >= 0] == [best[item][1] for item in order]


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3)


@once_for_all
@given(st.lists(st.tuples(anything, anything, anything), max_size=8))
def test_columns_of_anything_are_a_log_or_refused(rows):
    users, items, times = ([row[place] for row in rows] for place in range(3))
    log = right_or_readable(lambda: from_columns(users=users, items=items, times=times))
    assert log is None or len(log) == len(rows)


@pytest.fixture(scope="module")
def run() -> Run:
    users = np.repeat(np.arange(20), 6)
    log: Interactions = from_columns(users=users, items=np.arange(120) % 7, times=np.arange(120))
    split, model = split_users(log, seed=0), MTMI(num_items=7, num_towers=2, dim=4, history_length=5)
    return train(model, MultiTowerLoss(), split, TrainingSettings(steps=1, batch_size=4), progress=False)


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory) -> dict[Callable, bytes]:
    """Files as they should be, by what reads them."""
    folder = tmp_path_factory.mktemp("whole")
    run.save(folder / "run")
    ItemIndex(torch.eye(5), "cosine", "hnsw").save(folder / "index")
    return {load_run: (folder / "run").read_bytes(), load_index: (folder / "index").read_bytes()}


@pytest.mark.parametrize("load", [load_run, load_index])
@once_for_all
@given(data=st.data())
def test_a_changed_file_is_what_it_was_or_refused(load, data, whole, tmp_path_factory):
    content = bytearray(whole[load])
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    path = Path(tmp_path_factory.getbasetemp(), "changed")
    path.write_bytes(content)
    found = right_or_readable(lambda: load(path))
    assert found is not None or bytes(content) != whole[load]
