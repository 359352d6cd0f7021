"""The shipped log against a slow parse of its source, and the planted world against its own truth."""

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tempfile
import urllib.error
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite.data import datasets
from mtmi_lite.data.datasets import (
    amazon_books,
    fetch_movielens,
    gowalla,
    load_log,
    movielens_100k,
    online_retail,
    oracle_ranking,
    planted_interests,
    retail_rocket,
)
from mtmi_lite.interactions import evaluation_cases
from tools import make_online_retail

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
def test_the_tool_refuses_what_the_compact_form_would_change(small_source, tmp_path, monkeypatch, bad):
    purchases, products = small_source
    purchases.write_text(f"{purchases.read_text()}{bad}\n")
    monkeypatch.setattr(sys, "argv", ["make", str(purchases), str(products), str(tmp_path / "out.npz")])
    with pytest.raises(ValueError, match=r"^small\.inter: does not fit the compact arrays"):
        make_online_retail.main()
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


# ---- MovieLens-100k


FETCHED = any((datasets.DATA / name).exists() for name in (datasets.GROUPLENS, datasets.RECBOLE))
needs_movielens = pytest.mark.skipif(not FETCHED, reason="MovieLens-100k is not in data/; run `make data`")


@needs_movielens
def test_movielens_has_the_size_of_table_2():
    log = load_log("movielens")
    assert (log.num_users, log.num_items, len(log)) == (943, 1349, 99287)
    whole = movielens_100k(filtered=False)
    assert (whole.num_users, whole.num_items, len(whole)) == (943, 1682, 100000)
    gone = dict(zip(whole.user_labels.tolist(), whole.lengths.tolist(), strict=True))
    assert min(gone.values()) == 20
    # 76% of the ratings share their second with another one of the same user
    users, times = whole.users, whole.times
    counts = Counter(zip(users.tolist(), times.tolist(), strict=True))
    shared = sum(count for count in counts.values() if count > 1)
    assert 0.755 < shared / len(whole) < 0.765


@needs_movielens
def test_movielens_knows_its_films_and_people():
    log = movielens_100k(filtered=False)
    items = {name: row for row, name in enumerate(log.item_names.tolist())}
    genres, people = log.item_features, log.user_features
    assert genres is not None
    assert people is not None
    toy_story = genres.ids[items["Toy Story (1995)"]]
    assert genres.names[toy_story[toy_story >= 0]].tolist() == ["Animation", "Children's", "Comedy"]
    assert sorted(genres.names.tolist()) == sorted(datasets.GENRES.split("|"))
    first = people.ids[log.user_labels.tolist().index("1")]
    assert people.names[first].tolist() == ["age: 18 to 24", "gender: M", "occupation: technician"]
    assert len(people.names) == 7 + 2 + 21
    assert "unknown" in items
    assert "Land Before Time III: The Time of the Great Giving (1995)" in items


def grouplens_archive() -> bytes:
    """GroupLens's archive in small: ratings newest last, 19 flags of genres, titles in Latin-1."""
    ratings = "".join(f"{user}\t{item}\t3\t{100 - item // 2}\n" for user in (10, 9) for item in range(1, 7))
    flags = {1: "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0", 2: "1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0"}
    films = "".join(f"{k}|Misérables {k} (1995)|01-Jan-1995||http://x|{flags[1 + k % 2]}\n" for k in range(1, 7))
    people = "9|17|F|writer|0\n10|56|M|none|T8H1N\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for kind, text in (("data", ratings), ("item", films), ("user", people)):
            archive.writestr(f"ml-100k/u.{kind}", text.encode("latin-1"))
    return content.getvalue()


def recbole_archive() -> bytes:
    ratings = "".join(f"{user}\t{item}\t3\t{100 - item // 2}\n" for user in (10, 9) for item in range(1, 7))
    films = "".join(
        f"{k}\tMisérables {k}\t1995\t{'unknown' if k % 2 else chr(32).join(('Animation', chr(67) + 'omedy'))}\n"
        for k in range(1, 7)
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        where = "recbole/dataset_example/ml-100k/ml-100k"
        archive.writestr(f"{where}.inter", f"user_id:token\titem_id:token\trating:float\ttimestamp:float\n{ratings}")
        archive.writestr(
            f"{where}.item", f"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n{films}"
        )
        header = "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
        archive.writestr(f"{where}.user", f"{header}9\t17\tF\twriter\t0\n10\t56\tM\tnone\tT8H1N\n")
    return content.getvalue()


@pytest.fixture
def small_movielens(monkeypatch):
    """Archives of the two forms that pass for the real ones; no network."""
    grouplens, recbole = grouplens_archive(), recbole_archive()
    monkeypatch.setattr(datasets, "GROUPLENS_SHA256", hashlib.sha256(grouplens).hexdigest())
    monkeypatch.setattr(datasets, "RECBOLE_SHA256", hashlib.sha256(recbole).hexdigest())
    monkeypatch.setattr(datasets, "_download", lambda: grouplens)
    monkeypatch.setattr(datasets, "_download_wheel", lambda: recbole)


def no_network() -> bytes:
    raise urllib.error.URLError("no route")


@pytest.mark.usefixtures("small_movielens")
def test_both_archives_are_read(tmp_path, monkeypatch):
    assert fetch_movielens(tmp_path).name == "ml-100k.zip"
    log = movielens_100k(tmp_path, filtered=False)
    assert log.user_labels.tolist() == ["10", "9"]
    assert log.item_names.tolist() == [f"Misérables {k} (1995)" for k in range(1, 7)]
    assert log.items[:6].tolist() == [5, 3, 4, 1, 2, 0]  # oldest first; of two in one second, the first in the file
    genres, people = log.item_features, log.user_features
    assert genres is not None
    assert people is not None
    assert genres.names.tolist() == ["Animation", "Children's", "Comedy", "unknown"]
    assert genres.ids[:2].tolist() == [[3, -1, -1], [0, 1, 2]]
    assert people.names[people.ids].tolist() == [
        ["age: 56 and over", "gender: M", "occupation: none"],
        ["age: under 18", "gender: F", "occupation: writer"],
    ]
    monkeypatch.setattr(datasets, "_download", no_network)
    said = []
    assert fetch_movielens(tmp_path / "other", say=said.append).name == datasets.RECBOLE
    assert said[0] == datasets.MOVIELENS_LICENCE
    assert said[2].startswith("ml-100k.zip cannot be fetched: <urlopen error no route>")
    other = movielens_100k(tmp_path / "other", filtered=False)
    assert other.checksum == log.checksum
    assert other.item_names.tolist() == log.item_names.tolist()
    assert other.user_features is not None
    assert other.user_features.ids.tolist() == people.ids.tolist()


@pytest.mark.usefixtures("small_movielens")
def test_a_fetched_archive_is_whole_or_not_there(tmp_path, monkeypatch):
    path = fetch_movielens(tmp_path)
    content = path.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["ml-100k.zip"]

    def never() -> bytes:
        raise AssertionError("fetched again")

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "_download", never)
        assert fetch_movielens(tmp_path) == path  # it is there

    path.write_bytes(content[:100])  # as an interruption leaves it, were it written in place
    with pytest.raises(ValueError, match=r"ml-100k\.zip: the file was cut short or changed.*`make data`"):
        movielens_100k(tmp_path)
    assert fetch_movielens(tmp_path).read_bytes() == content

    def interrupted() -> bytes:
        raise KeyboardInterrupt

    path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "_download", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch_movielens(tmp_path)
    assert not list(tmp_path.iterdir())

    monkeypatch.setattr(datasets, "_download", lambda: content[:-1])  # something else than was asked for
    monkeypatch.setattr(datasets, "_download_wheel", no_network)
    with pytest.raises(OSError, match=r"MovieLens-100k: cannot be fetched; .*put https://files\.grouplens\.org/"):
        fetch_movielens(tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_make_data_the_error_names_it(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"MovieLens-100k is not there.*run `make data`.*do not redistribute"):
        movielens_100k(tmp_path)
    monkeypatch.setattr(datasets, "movielens_100k", lambda: movielens_100k(tmp_path))
    with pytest.raises(FileNotFoundError, match="run `make data`"):
        load_log("movielens")


@pytest.mark.usefixtures("small_movielens")
def test_make_data_names_the_licence_first_and_lists_the_logs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "filter_items_first", lambda log: log)  # two users are too few for it
    assert datasets.main(tmp_path) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{datasets.MOVIELENS_LICENCE}\nFetching ml-100k.zip.\n")
    assert "386,326 purchases" in printed
    assert "movielens      is in ml-100k.zip: 2 users, 6 films, 12 ratings" in printed
    monkeypatch.setattr(datasets, "_download", no_network)
    monkeypatch.setattr(datasets, "_download_wheel", no_network)
    assert datasets.main(tmp_path / "other") == 1
    printed = capsys.readouterr().out
    assert "movielens      is not there: MovieLens-100k: cannot be fetched" in printed
    assert "386,326 purchases" in printed


def test_the_wheel_is_asked_of_the_package_index_and_no_other_place(monkeypatch, tmp_path):
    (tmp_path / "with a space").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "with a space"))

    def answer(command, **_):
        assert command[1:5] == ["-m", "pip", "download", "--no-deps"]
        assert command[-1] == "recbole==1.2.1"
        assert not [word for word in command if "http" in word or "index" in word]
        assert Path(command[-2]).parent == tmp_path / "with a space"
        (Path(command[-2]) / datasets.RECBOLE).write_bytes(b"a wheel")
        return subprocess.CompletedProcess(command, code, stderr="WARNING: slow\nERROR: no such version\n")

    code = 0
    monkeypatch.setattr(datasets.subprocess, "run", answer)
    assert datasets._download_wheel() == b"a wheel"
    code = 1
    with pytest.raises(OSError, match=r"^ERROR: no such version$"):
        datasets._download_wheel()


# ---- the paper's other three, in the formats they are published in


def test_retail_rocket_reads_views_only(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        "timestamp,visitorid,event,itemid,transactionid\n"
        "1433221332117,257597,view,355908,\n1433224214164,992329,view,248676,\n"
        "1433221999827,257597,addtocart,111016,\n1433221955914,257597,view,248676,\n"
        "1433222276276,599528,transaction,356475,4000\n"
    )
    log = retail_rocket(path, filtered=False)
    assert (log.user_labels.tolist(), log.item_names.tolist()) == (["257597", "992329"], ["248676", "355908"])
    assert (log.items.tolist(), log.times[:2].tolist()) == ([1, 0, 0], [1433221332117, 1433221955914])
    with pytest.raises(ValueError, match="min_count: no user is left"):
        retail_rocket(path)
    path.write_text("timestamp,visitorid,itemid\n1,2,3\n")
    with pytest.raises(ValueError, match=r"events\.csv, line 1, column 'event': not in the header"):
        retail_rocket(path)


def test_amazon_books_reads_each_layout(tmp_path):
    old, new, reviews = tmp_path / "ratings_Books.csv", tmp_path / "Books.csv", tmp_path / "reviews_Books.json.gz"
    old.write_text("AH2L9G3DQHHAJ,0000000116,4.0,1019865600\nA2IIIDRK3PRRZY,0000000116,1.0,1395619200\n")
    new.write_text("0000000116,AH2L9G3DQHHAJ,4.0,1019865600\n0000000116,A2IIIDRK3PRRZY,1.0,1395619200\n")
    review = '{"reviewerID": "%s", "asin": "0000000116", "helpful": [1, 2], "overall": 4.0, "unixReviewTime": %d}\n'
    with gzip.open(reviews, "wt") as file:
        file.write(review % ("AH2L9G3DQHHAJ", 1019865600) + review % ("A2IIIDRK3PRRZY", 1395619200))
    for path, layout in ((old, "ratings-2014"), (new, "ratings-2018"), (reviews, "reviews")):
        log = amazon_books(path, layout=layout, filtered=False)
        assert log.user_labels.tolist() == ["A2IIIDRK3PRRZY", "AH2L9G3DQHHAJ"]
        assert log.item_names.tolist() == ["0000000116"]
        assert log.times.tolist() == [1395619200, 1019865600]
    with pytest.raises(TypeError, match="layout"):
        amazon_books(old)  # pyright: ignore[reportCallIssue]


def test_gowalla_is_read_newest_first(tmp_path):
    path = tmp_path / "loc-gowalla_totalCheckins.txt.gz"
    lines = [
        "0\t2010-10-19T23:55:27Z\t30.2359091167\t-97.7951395833\t22847",
        "0\t2010-10-18T22:17:43Z\t30.2691029532\t-97.7493953705\t420315",
        "0\t2010-10-18T22:17:43Z\t30.2557309927\t-97.7633857727\t316637",
        "1\t2010-10-12T23:58:03Z\t30.261599404\t-97.7585805953\t22847",
    ]
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    log = gowalla(path, filtered=False)
    assert log.item_names[log.items].tolist() == ["316637", "420315", "22847", "22847"]
    assert log.times[[0, 2]].astype("datetime64[s]").astype(str).tolist() == [
        "2010-10-18T22:17:43",
        "2010-10-19T23:55:27",
    ]


@pytest.mark.parametrize(
    ("load", "counts"),
    [
        (movielens_100k, "943 users, 1,349 items and 99,287 interactions"),
        (retail_rocket, "33,708 users, 81,635 items and 356,840 interactions"),
        (amazon_books, "603,668 users, 367,982 items and 8,898,041 interactions"),
        (gowalla, "976,779 users, 1,708,530 items and 85,384,110 interactions"),
    ],
)
def test_each_log_of_table_2_says_what_the_table_says(load, counts):
    assert counts in " ".join(load.__doc__.split())


# ---- names of logs


def test_load_log_finds_each_log():
    assert load_log("online-retail").checksum == online_retail().checksum
    assert load_log("planted").checksum == planted_interests().log.checksum
    with pytest.raises(ValueError, match=r"data: 'retail' is not known; .*'online-retail', 'planted', 'movielens'"):
        load_log("retail")


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
