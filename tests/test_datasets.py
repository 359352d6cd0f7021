"""The shipped log against a slow parse of its source, and the planted world against its own truth."""

import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite import datasets
from mtmi_lite.datasets import load_log, movielens_100k, online_retail, oracle_ranking, planted_interests
from mtmi_lite.interactions import evaluation_cases

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data"
needs_source = pytest.mark.skipif(
    not (SOURCE / "online-retail.inter").exists(),
    reason="the tab-separated Online Retail files are not beside this repository (shared/data)",
)


def run_make_tool(*paths: Path) -> str:
    command = [sys.executable, ROOT / "tools" / "make_online_retail.py", *paths]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


# ---- Online Retail


@pytest.mark.parametrize(("filtered", "counts"), [(True, (4104, 3181, 384757)), (False, (4334, 3659, 386326))])
def test_online_retail_has_the_published_size(filtered, counts):
    log = online_retail(filtered=filtered)
    assert (log.num_users, log.num_items, len(log)) == counts
    first, last = np.array([log.times.min(), log.times.max()]).astype("datetime64[s]").astype(str)
    assert (first, last) == ("2010-12-01T08:26:00", "2011-12-09T12:50:00")


@needs_source
def test_online_retail_is_its_source():
    lines = (SOURCE / "online-retail.inter").read_text().splitlines()[1:]
    rows = [(int(user), code, int(when)) for user, code, when in (line.split("\t") for line in lines)]
    rows.sort(key=lambda row: (row[0], row[2]))  # stable
    lines = (SOURCE / "online-retail.item").read_text().splitlines()[1:]
    source_name = dict(line.split("\t") for line in lines)
    shared = Counter(name.lower() for name in source_name.values())

    log = online_retail(filtered=False)
    assert log.user_labels[log.users].tolist() == [user for user, _, _ in rows]
    assert log.times.tolist() == [when for _, _, when in rows]
    codes = sorted({code for _, code, _ in rows})
    assert [codes[item] for item in log.items] == [code for _, code, _ in rows]
    for code, name in zip(codes, log.item_names.tolist(), strict=True):
        lower = source_name[code].lower()
        assert name.lower() == (f"{lower} ({code.lower()})" if shared[lower] > 1 else lower)


def test_product_names_are_distinct_and_readable():
    names = online_retail(filtered=False).item_names.tolist()
    assert len(set(names)) == len(names)
    assert all(name == name.strip() and name for name in names)
    assert all(name[0] == name[0].upper() for name in names)
    words = [re.sub(r" \(\w+\)$", "", name)[1:] for name in names]
    assert not [word for word in words if word != word.lower()]


@needs_source
def test_the_tool_makes_the_shipped_file(tmp_path):
    out = tmp_path / "made.npz"
    printed = run_make_tool(SOURCE / "online-retail.inter", SOURCE / "online-retail.item", out)
    assert "386,326 purchases, 4,334 customers, 3,659 products" in printed
    with np.load(out, allow_pickle=False) as made, np.load(datasets.ONLINE_RETAIL, allow_pickle=False) as shipped:
        assert made.files == shipped.files
        for name in made.files:
            assert made[name].dtype == shipped[name].dtype
            np.testing.assert_array_equal(made[name], shipped[name])
    assert {entry.date_time for entry in zipfile.ZipFile(out).infolist()} == {(1980, 1, 1, 0, 0, 0)}  # no clock in it
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.npz"]


@pytest.fixture
def small_source(tmp_path) -> tuple[Path, Path]:
    purchases, products = tmp_path / "small.inter", tmp_path / "small.item"
    rows = [(7, "B", 120), (3, "A", 60), (7, "A", 60), (7, "C", 120), (3, "C", 60), (7, "A", 180)]
    purchases.write_text("user_id\titem_id\ttime\n" + "".join(f"{u}\t{i}\t{t}\n" for u, i, t in rows))
    products.write_text('item_id\tname\nA\tRED CUP\nB\tRed Cup\nC\t36" BALL\n')
    return purchases, products


def test_a_small_source_comes_back(small_source, tmp_path, monkeypatch):
    out = tmp_path / "small.npz"
    digest = run_make_tool(*small_source, out).split()[-1]
    monkeypatch.setattr(datasets, "ONLINE_RETAIL", out)
    monkeypatch.setattr(datasets, "ONLINE_RETAIL_SHA256", digest)
    log = online_retail(filtered=False)
    assert log.user_labels.tolist() == [3, 7]
    assert log.offsets.tolist() == [0, 2, 6]
    assert log.items.tolist() == [0, 2, 0, 1, 2, 0]
    assert log.times.tolist() == [60, 60, 60, 120, 120, 180]
    assert log.item_names.tolist() == ["Red cup (A)", "Red cup (B)", '36" ball']


@pytest.mark.parametrize("bad", ["70000\tA\t60", "3\tA\t61"])  # too large for uint16; not a whole minute
def test_the_tool_refuses_what_the_compact_form_would_change(small_source, tmp_path, bad):
    purchases, products = small_source
    purchases.write_text(f"{purchases.read_text()}{bad}\n")
    with pytest.raises(subprocess.CalledProcessError) as error:
        run_make_tool(purchases, products, tmp_path / "out.npz")
    assert "small.inter: does not fit the compact arrays" in error.value.stderr
    assert not list(tmp_path.glob("out.npz*"))


def test_the_shipped_file_is_small_and_its_checksum_is_stated():
    assert datasets.ONLINE_RETAIL.stat().st_size <= 800_000
    about = (datasets.ONLINE_RETAIL.parent / "ONLINE_RETAIL.md").read_text()
    for needed in (datasets.ONLINE_RETAIL_SHA256, "Daqing Chen", "CC BY 4.0", "10.1057/dbm.2012.17", "Changes made"):
        assert needed in about


def flip_a_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [lambda content: content[:100_000], lambda content: b"", flip_a_bit])
def test_a_damaged_file_is_refused(damage, tmp_path, monkeypatch):
    copy = tmp_path / "online_retail.npz"
    copy.write_bytes(damage(datasets.ONLINE_RETAIL.read_bytes()))
    monkeypatch.setattr(datasets, "ONLINE_RETAIL", copy)
    with pytest.raises(ValueError, match="cut short or changed") as error:
        online_retail()
    for needed in (str(copy), datasets.ONLINE_RETAIL_SHA256, "reinstall", "git checkout"):
        assert needed in str(error.value)


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "ONLINE_RETAIL", tmp_path / "online_retail.npz")
    with pytest.raises(FileNotFoundError, match=r"online_retail\.npz: the file is missing; reinstall"):
        online_retail()


# ---- names of logs


def test_load_log_finds_each_log():
    assert load_log("online-retail").checksum == online_retail().checksum
    assert load_log("planted").checksum == planted_interests().log.checksum
    with pytest.raises(NotImplementedError, match=r"data: 'movielens' .* use 'online-retail' or 'planted'"):
        load_log("movielens")
    with pytest.raises(NotImplementedError, match="data: 'movielens'"):
        movielens_100k()
    with pytest.raises(ValueError, match=r"data: 'retail' is not known; .*'online-retail', 'planted', 'movielens'"):
        load_log("retail")


def test_the_module_says_what_there_is():
    command = [sys.executable, "-m", "mtmi_lite.datasets"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert "384,757 purchases" in printed
    assert "movielens      is not supported yet" in printed


# ---- the planted world


SMALL_WORLDS = st.fixed_dictionaries(
    {
        "num_interests": st.integers(4, 12),
        "items_per_interest": st.integers(1, 25),
        "num_users": st.integers(1, 30),
        "interests_per_user": st.integers(1, 4),
        "min_length": st.integers(5, 8),
        "max_length": st.integers(8, 12),
        "interest_skew": st.sampled_from([0.0, 1.0]),
        "item_skew": st.sampled_from([0.0, 0.5, 2.0]),
        "seed": st.integers(0, 5),
    }
)


@settings(deadline=None)
@given(SMALL_WORLDS)
def test_users_do_what_the_truth_says(given_settings):
    world = planted_interests(**given_settings)
    log, expected = world.log, given_settings
    assert log.num_users == expected["num_users"]
    assert log.num_items == expected["num_interests"] * expected["items_per_interest"]
    assert Counter(world.item_interest.tolist()) == dict.fromkeys(
        range(expected["num_interests"]), expected["items_per_interest"]
    )
    for user in range(log.num_users):
        own = world.user_interests[user].tolist()
        assert len(set(own)) == expected["interests_per_user"]
        assert set(world.item_interest[log.of(user)].tolist()) <= set(own)
        assert expected["min_length"] <= log.lengths[user] <= expected["max_length"]
        times = log.times[log.offsets[user] : log.offsets[user + 1]]
        assert (np.diff(times) >= 60).all()  # each interaction has a time of its own, in order
        assert times[:1].astype("datetime64[s]").astype("datetime64[Y]").astype(str) == "2024"
    for item, name in enumerate(log.item_names.tolist()):
        assert name.startswith(f"{world.interest_names[world.item_interest[item]]}: ")


@pytest.mark.parametrize("settings_", [{}, {"num_interests": 450, "items_per_interest": 45, "num_users": 5}])
def test_names_are_distinct_also_past_the_word_lists(settings_):
    world = planted_interests(**settings_)
    for names in (world.interest_names.tolist(), world.log.item_names.tolist()):
        assert len(set(names)) == len(names)
    assert len(world.interest_names) == settings_.get("num_interests", 200)


def test_names_have_no_counter_within_the_word_lists():
    world = planted_interests(num_users=1)
    assert not [name for name in world.log.item_names.tolist() if re.search(r"\d", name)]
    assert not [name for name in world.interest_names.tolist() if re.search(r"\d", name)]


def surprise(found: np.ndarray, expected: np.ndarray) -> float:
    """How many standard deviations chi-square lies above what chance gives."""
    free = len(found) - 1
    return (((found - expected) ** 2 / expected).sum() - free) / np.sqrt(2 * free)


@pytest.mark.parametrize("skew", [0.0, 1.0])
def test_interests_and_items_are_as_likely_as_they_should_be(skew):
    world = planted_interests(
        num_interests=10, num_users=20_000, interests_per_user=2, interest_skew=skew, item_skew=skew
    )
    weight = np.array([1 / rank**skew for rank in range(1, 11)])
    weight /= weight.sum()
    # two draws without replacement: first i, or first some j and then i among the rest
    chance = [weight[i] + sum(weight[j] * weight[i] / (1 - weight[j]) for j in range(10) if j != i) for i in range(10)]
    found = np.bincount(world.user_interests.ravel(), minlength=10)
    assert found.sum() == 40_000
    assert surprise(found, 20_000 * np.array(chance)) < 4

    item_weight = np.array([1 / rank**skew for rank in range(1, 21)])
    item_weight /= item_weight.sum()
    np.testing.assert_allclose(world.item_weight, np.tile(item_weight, 10))
    within = np.bincount(world.log.items % 20, minlength=20)
    assert surprise(within, len(world.log) * item_weight) < 4

    # an interaction picks one of the user's two interests evenly
    first = world.item_interest[world.log.items] == world.user_interests[world.log.users, 0]
    assert abs(first.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(first))


def test_lengths_are_uniform_between_their_ends():
    lengths = planted_interests(num_users=30_000, num_interests=4).log.lengths
    found = np.bincount(lengths, minlength=50)
    assert not found[:20].any()
    assert len(found) == 50
    assert surprise(found[20:], np.full(30, 1000)) < 4


def test_the_seed_decides_the_world():
    first, again, other = (planted_interests(seed=seed) for seed in (0, 0, 1))
    assert first.log.checksum == again.log.checksum != other.log.checksum
    np.testing.assert_array_equal(first.user_interests, again.user_interests)


@settings(deadline=None)
@given(SMALL_WORLDS)
def test_the_oracle_ranks_by_the_true_probability(given_settings):
    world = planted_interests(**given_settings)
    users = np.arange(world.log.num_users)[::-1].copy()
    scores = world.oracle_scores(users)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    ranking = oracle_ranking(world, users, world.log.num_items)
    for case, user in enumerate(users.tolist()):
        own = set(world.user_interests[user].tolist())
        slow = []
        for item in range(world.log.num_items):
            rank = 1 + item % given_settings["items_per_interest"]
            total = sum(
                1 / r ** given_settings["item_skew"] for r in range(1, given_settings["items_per_interest"] + 1)
            )
            within = 1 / rank ** given_settings["item_skew"] / total
            slow.append(within / len(own) if int(world.item_interest[item]) in own else 0.0)
        np.testing.assert_allclose(scores[case], slow)
        exact = scores[case].tolist()
        assert ranking[case].tolist() == sorted(range(len(exact)), key=lambda item: (-exact[item], item))
    np.testing.assert_array_equal(
        oracle_ranking(world, users, 3 if world.log.num_items > 3 else 1)[:, 0], ranking[:, 0]
    )


@pytest.mark.parametrize(("interests_per_user", "ceiling"), [(4, 50 / 80), (5, 50 / 100), (2, 1.0)])
def test_the_oracle_reaches_the_ceiling(interests_per_user, ceiling):
    world = planted_interests(interests_per_user=interests_per_user)
    cases = evaluation_cases(world.log, np.arange(world.log.num_users))
    ranking = oracle_ranking(world, cases.users, 50)
    assert ranking.shape == (2500, 50)
    recalls = []
    for case, row in enumerate(ranking.tolist()):
        relevant = set(cases.relevant[cases.offsets[case] : cases.offsets[case + 1]].tolist())
        recalls.append(len(relevant & set(row)) / len(relevant))
    assert abs(np.mean(recalls) - ceiling) < 0.01


@pytest.mark.parametrize(
    ("field", "settings_"),
    [
        ("num_interests: 0 is out of range; it must be at least 1", {"num_interests": 0}),
        ("items_per_interest: -3 is out of range", {"items_per_interest": -3}),
        ("num_users: 0 is out of range", {"num_users": 0}),
        ("interests_per_user: 0 is out of range", {"interests_per_user": 0}),
        (
            r"interests_per_user: 9 is out of range; it must be 1 to 8 \(num_interests\)",
            {"interests_per_user": 9, "num_interests": 8},
        ),
        ("min_length: 4 is out of range; it must be at least 5", {"min_length": 4}),
        (r"max_length: 19 is out of range; it must be at least 20 \(min_length\)", {"max_length": 19}),
        ("interest_skew: -0.5 is out of range", {"interest_skew": -0.5}),
        ("interest_skew: nan is out of range", {"interest_skew": float("nan")}),
        ("item_skew: inf is out of range; it must be at least 0 and finite", {"item_skew": float("inf")}),
        ("seed: -1 is out of range", {"seed": -1}),
    ],
)
def test_a_world_out_of_range_is_refused(field, settings_):
    with pytest.raises(ValueError, match=field):
        planted_interests(**settings_)


def test_the_oracle_refuses_what_it_does_not_have():
    world = planted_interests(num_users=3, num_interests=4, items_per_interest=2)
    for n in (0, 9):
        with pytest.raises(ValueError, match=f"n: {n} is out of range; it must be 1 to 8"):
            oracle_ranking(world, np.array([0]), n)
    for user in (3, -1):
        with pytest.raises(ValueError, match=f"users: {user} is not a user of this world; ids must be 0 to 2"):
            oracle_ranking(world, np.array([0, user]), 2)
