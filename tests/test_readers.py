"""Reading logs: the same log from every format, pandas against the plain pass, and every bad file named."""

import csv
import gzip
import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite.data import readers
from mtmi_lite.data.readers import read_features, read_interactions, read_names
from mtmi_lite.interactions import describe, filter_items_first, from_columns, split_users

COLUMNS = ["user_id", "item_id", "timestamp"]


def assert_same(one, other):
    assert one.checksum == other.checksum
    assert one.user_labels.tolist() == other.user_labels.tolist()
    assert one.item_names.tolist() == other.item_names.tolist()


def expected_log(rows):
    users, items, times = zip(*rows, strict=True)
    return from_columns(users=np.array(users), items=np.array(items), times=np.array(times))


# ---- one log in every format


def as_csv(rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


def as_quoted(rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
    return text.getvalue().encode()


def as_tsv(rows, header="user_id\titem_id\ttimestamp") -> bytes:
    return "".join(f"{line}\n" for line in [header, *("\t".join(map(str, row)) for row in rows)]).encode()


def as_atomic(rows) -> bytes:
    return as_tsv(rows, "user_id:token\titem_id:token\ttimestamp:float")


def as_json(rows) -> bytes:
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows).encode()


FORMATS = {
    "log.csv": as_csv,
    "quoted.csv": as_quoted,
    "log.tsv": as_tsv,
    "log.inter": as_atomic,
    "log.jsonl": as_json,
    "bom.csv": lambda rows: b"\xef\xbb\xbf" + as_csv(rows),
    "bom.jsonl": lambda rows: b"\xef\xbb\xbf" + as_json(rows),
    "crlf.tsv": lambda rows: as_tsv(rows).replace(b"\n", b"\r\n"),
    "open.tsv": lambda rows: as_tsv(rows).rstrip(b"\n"),
    "blank.tsv": lambda rows: as_tsv(rows).replace(b"\n", b"\n\n"),
}
# text that every format can hold: no control characters, nothing blank; quotes and commas are for CSV and JSON
IDS = st.one_of(
    st.sampled_from(
        ["7", "07", "007", "7.0", "nan", "NA", "None", "-1", "ann", "Ann", "é", "日本", "a b", " a", "x" * 41]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"'), min_size=1, max_size=45),
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"'), min_size=1, max_size=10),
)
ROWS = st.lists(st.tuples(IDS, IDS, st.integers(-(10**17), 10**17) | st.integers(0, 3)), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(list(FORMATS)), st.booleans())
def test_a_log_reads_back_the_same_from_every_format(tmp_path_factory, rows, name, packed):
    content = FORMATS[name](rows)
    path = tmp_path_factory.mktemp("log") / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    assert_same(read_interactions(path), expected_log(rows))


@settings(deadline=None, max_examples=100)
@given(ROWS, st.sampled_from(["log.csv", "log.tsv", "crlf.tsv", "open.tsv", "quoted.csv", "blank.tsv"]))
def test_pandas_reads_what_the_plain_pass_reads(rows, name):
    source = readers._Source(Path(name), COLUMNS, time="timestamp")
    text = readers._text_of(source, FORMATS[name](rows))
    plain = [fields for _, fields in text.rows()]
    assert [[str(value) for value in row] for row in zip(*text.read(), strict=True)] == plain
    assert text.line(len(rows) - 1) == f"line {list(text.rows())[-1][0]}"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("online-retail", (4_334, 3_659, 386_326)),
        ("retailrocket-sessions", (126_168, 36_968, 685_984)),
        ("amazon-books-sample", (14_585, 6_343, 136_956)),
        ("gowalla-sample", (13_998, 61_503, 153_563)),
        ("amazon-beauty", (22_363, 12_101, 198_502)),
    ],
)
def test_real_logs_load_whole_and_quickly(shared_data, name, counts):
    path = shared_data(f"{name}.inter")
    log = read_interactions(path)
    assert (log.num_users, log.num_items, len(log)) == counts
    source = readers._Source(path, COLUMNS, time="timestamp")
    text = readers._text_of(source, path.read_bytes())
    assert text._whole(text._read({0: object, 1: object, 2: "int64"}))  # none of them needs the plain pass
    lines = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    plain = from_columns(
        users=np.array([line[0] for line in lines]),
        items=np.array([line[1] for line in lines]),
        times=np.array([int(line[2]) for line in lines]),
    )
    assert_same(log, plain)


def test_online_retail_from_its_source_is_the_shipped_log(shared_data, online_retail):
    log = filter_items_first(read_interactions(shared_data("online-retail.inter")))
    shipped = {int(label): user for user, label in enumerate(online_retail.user_labels)}
    order = [shipped[int(label)] for label in log.user_labels]
    assert [log.times[log.offsets[u]] for u in range(log.num_users)] == online_retail.times[
        online_retail.offsets[order]
    ].tolist()
    assert all((log.of(user) == online_retail.of(other)).all() for user, other in enumerate(order))


def test_ties_keep_the_order_of_the_file_and_repeats_are_kept(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\nu,b,5\nu,a,5\nu,b,5\nu,c,4\n")
    log = read_interactions(path)
    assert log.item_names[log.items].tolist() == ["c", "b", "a", "b"]
    log = read_interactions(path, newest_first=True)
    assert log.item_names[log.items].tolist() == ["c", "b", "a", "b"]
    path.write_text("user_id,item_id,timestamp\nu,c,9\nu,b,5\nu,a,5\n")
    log = read_interactions(path, newest_first=True)
    assert log.item_names[log.items].tolist() == ["a", "b", "c"]


def test_columns_have_any_name_and_place_and_rows_can_be_chosen(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("when,kind,thing,who\n3,view,x,1\n1,buy,y,1\n2,viewing-a-lot,z,2\n4,view,y,2\n")
    log = read_interactions(path, user="who", item="thing", time="when", only=("kind", "view"))
    assert (log.user_labels.tolist(), log.item_names.tolist()) == (["1", "2"], ["x", "y"])
    assert len(read_interactions(path, user="who", item="thing", time="when")) == 4
    path.write_text("3,x,1\n4,y,2\n")
    log = read_interactions(path, header=["timestamp", "item_id", "user_id"])
    assert log.times.tolist() == [3, 4]


def test_times_are_exact(tmp_path, monkeypatch):
    path = tmp_path / "log.tsv"
    times = ["9007199254740993", "12.0", "12.", "-5", "000000000000000012", "1.3e1"]
    path.write_text("user_id\titem_id\ttimestamp\n" + "".join(f"u\t{k}\t{t}\n" for k, t in enumerate(times)))
    assert read_interactions(path).times.tolist() == [-5, 12, 12, 12, 13, 9007199254740993]
    monkeypatch.setenv("TZ", "XYZ+7")  # a date without a zone does not depend on where it is read
    time.tzset()
    dates = ["1970-01-01", "1970-01-01T00:00:01Z", "1970-01-01 01:00:02+01:00", "1970-01-01T00:01"]
    path.write_text("user_id\titem_id\ttimestamp\n" + "".join(f"u\t{k}\t{t}\n" for k, t in enumerate(dates)))
    assert read_interactions(path).times.tolist() == [0, 1, 2, 60]
    monkeypatch.undo()
    time.tzset()
    path = tmp_path / "log.jsonl"
    path.write_text('{"user_id": 7, "item_id": "x", "timestamp": 1.5e9}\n')
    log = read_interactions(path)
    assert (log.user_labels.tolist(), log.times.tolist()) == (["7"], [1_500_000_000])


def test_quotes_hold_commas_line_ends_and_quotes(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('user_id,item_id,timestamp\n"a, b","say ""hi""\nthere",1\n')
    log = read_interactions(path)
    assert (log.user_labels.tolist(), log.item_names.tolist()) == (["a, b"], ['say "hi"\nthere'])
    path = tmp_path / "log.tsv"  # in tab-separated text a quote is a quote
    path.write_text('user_id\titem_id\ttimestamp\n"a\t"b"\t1\n')
    log = read_interactions(path)
    assert (log.user_labels.tolist(), log.item_names.tolist()) == (['"a'], ['"b"'])


# ---- what is known beside the log


def test_names_and_features_are_joined_by_id(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\nann,1,1\nben,2,2\nben,01,3\n")
    items, users = tmp_path / "log.item", tmp_path / "log.user"
    items.write_text(
        "item_id:token\ttitle:token_seq\tgenres:token_seq\n1\tThe Tea\tDrama Film-Noir\n2\ttea & the sea\t\n9\tx\tWar\n"
    )
    users.write_text("user_id:token\tage:token\tjob:token\nben\t30\t\n")
    log = describe(
        read_interactions(path),
        item_names=read_names(items, name="title"),
        item_features=read_features(items, sequences=["genres"], words=["title"]),
        user_features=read_features(users, key="user_id", columns=["age", "job"]),
    )
    assert log.item_names.tolist() == ["01", "The Tea", "tea & the sea"]
    features = log.item_features
    assert [[str(features.names[k]) for k in row if k >= 0] for row in features.ids] == [
        [],
        ["Drama", "Film-Noir", "the", "tea"],
        ["tea", "the", "sea"],
    ]
    assert (log.user_features.names.tolist(), log.user_features.ids.tolist()) == (["age: 30"], [[-1], [0]])


def test_real_items_have_names_and_categories(shared_data):
    log = read_interactions(shared_data("amazon-beauty.inter"))
    log = describe(log, item_features=read_features(shared_data("amazon-beauty.item"), sequences=["categories"]))
    features = log.item_features[np.flatnonzero(log.item_names == "4")]
    assert features.names[features.ids[features.ids >= 0]].tolist() == ["1", "2", "3"]
    names = read_names(shared_data("online-retail.item"), name="name")
    assert names["10123C"] == "HEARTS WRAPPING TAPE"


# ---- bad files: name, content, what the message holds

HEAD = b"user_id,item_id,timestamp\n"
GOOD = HEAD + b"u,i,1\n" * 3
PACKED = gzip.compress(HEAD + b"".join(b"u,%d,%d\n" % (k * k, k) for k in range(20_000)), mtime=0)
BAD_FILES = {
    "missing column": ("a.csv", b"user_id,item,timestamp\nu,i,1\n", "line 1, column 'item_id'", "'user_id', 'item',"),
    "no header": ("a.csv", b"1,2,3\n1,2,4\n", "line 1, column 'user_id'", "header="),
    "no separator that is known": ("a.csv", b"user_id#item_id#timestamp\nu#i#1\n", "line 1: 'user_id#", "separator=…"),
    "spaces": ("a.inter", b"user_id item_id timestamp\nu i 1\n", "line 1", 'separator=" "'),
    "two separators": ("a.csv", b"user_id;item_id;timestamp;a,user_id,item_id,timestamp\nu;i;1\n", "separator=…"),
    "a column twice": ("a.csv", b"user_id,item_id,item_id,timestamp\nu,i,j,1\n", "column 'item_id'", "2 times"),
    "time that is no time": (
        "a.csv",
        GOOD + b"u,i,noon\n",
        "line 5, column 'timestamp': 'noon'",
        "write a number",
        "time=None",
    ),
    "no time": ("a.csv", GOOD + b"u,i,\n", "line 5, column 'timestamp': ''", "write a number"),
    "thousands": ("a.csv", GOOD + b'u,i,"1,511,544"\n', "line 5, column 'timestamp': '1,511,544'", "write a number"),
    "20 digits": ("a.csv", GOOD + b"u,i,%s\n" % (b"9" * 20), "line 5, column 'timestamp': '9999", "too large"),
    "too large a time": ("a.csv", GOOD + b"u,i,1e30\n", "line 5, column 'timestamp': '1e30'", "too large"),
    "too fine a time": (
        "a.csv",
        HEAD + b"u,i,0.1\nu,i,0.12345678912\nu,i,0.12345678913\n",
        "line 3",
        "beyond the ninth",
    ),
    "not a number": ("a.csv", GOOD + b"u,i,nan\n", "line 5, column 'timestamp': 'nan'", "write a number", "time=None"),
    "no such date": ("a.csv", HEAD + b"u,i,2010-06-31\n", "line 2, column 'timestamp': '2010-06-31'", "2010-10-19T"),
    "a year that no log has": (
        "a.csv",
        HEAD + b"u,i,9999-12-31\n",
        "line 2, column 'timestamp': '9999-12-31'",
        "not a time",
    ),
    "numbers and dates": ("a.csv", GOOD + b"u,i,2010-06-30\n", "line 5, column 'timestamp'", "a date below a number"),
    "too few fields": ("a.csv", GOOD + b"u,i\n" + GOOD, "line 5, column 'timestamp': 2 fields", "place of 3", "u,i"),
    "too many fields": ("a.csv", GOOD + b"u,i,1,2\n", "line 5, column 'timestamp': 4 fields", "place of 3"),
    "a long line beside a line of spaces": ("a.csv", HEAD + b"   \nu,i,1,2,3\n", "line 3", "5 fields in place of 3"),
    "shifted fields": ("a.csv", HEAD + b"u,i\n1,u,i,1\n", "line 2, column 'timestamp': 2 fields", "place of 3"),
    "no user": ("a.csv", GOOD + b",i,1\n", "line 5, column 'user_id': ''", "fill it in, or drop"),
    "blank item": ("a.csv", GOOD + b"u,  ,1\n", "line 5, column 'item_id': '  '", "fill it in, or drop"),
    "NUL in an id": ("a.csv", GOOD + b"u\0,i,1\n", "line 5: byte 0x00", "utf-16"),
    "no user in tabs": ("a.inter", GOOD.replace(b",", b"\t") + b"\ti\t1\n", "line 5, column 'user_id': ''"),
    "empty file": ("a.csv", b"", "line 1", "the file is empty"),
    "empty gzip": ("a.csv.gz", gzip.compress(b""), "line 1", "the file is empty"),
    "only a header": ("a.csv", HEAD, "line 2", "no line with data"),
    "only blank lines": ("a.jsonl", b"\n\n", "line 1", "the file is empty"),
    "an empty JSON list": ("a.json", b"[]\n", "there is no row in it"),
    "a long id": (
        "a.csv",
        GOOD + b"u" * 3000 + b",i,1\n",
        "line 5, column 'user_id'",
        "3,000 characters",
        "at most 2,000",
    ),
    "open quote": ("a.csv", GOOD + b'"u,i,1\nu,i,1\n', "line 5", "close each quote"),
    "text after a quote": ("a.csv", GOOD + b'"u"x,i,1\n', "line 5", "close each quote"),
    "not UTF-8": ("a.csv", GOOD + b"t\xe9,i,1\n", "line 5", "0xe9", 'encoding="latin-1"', "save the file as UTF-8"),
    "truncated gzip": ("a.csv.gz", PACKED[: len(PACKED) // 2], "cut short, damaged", "again"),
    "gzip without its end": ("a.csv.gz", PACKED[:-3], "cut short, damaged"),
    "damaged gzip": ("a.csv.gz", PACKED[:-8] + b"\0" * 8, "cut short, damaged"),
    "bad JSON": (
        "a.jsonl",
        b'{"user_id": 1, "item_id": 2, "timestamp": 3}\n{"user_id": 1,\n',
        "line 2: '{",
        "not JSON",
    ),
    "a JSON list": ("a.json", b"[1, 2, 3]\n", "entry 1: '1' is not a JSON object", "lines=True"),
    "no such key": ("a.jsonl", b'{"user_id": 1, "item": 2, "timestamp": 3}\n', "line 1, column 'item_id'", "'item'"),
    "null id": (
        "a.jsonl",
        b'{"user_id": null, "item_id": 2, "timestamp": 3}\n',
        "line 1, column 'user_id': ''",
        "not an id",
    ),
    "NaN id": (
        "a.jsonl",
        b'{"user_id": NaN, "item_id": 2, "timestamp": 3}\n',
        "line 1, column 'user_id': ''",
        "not an id",
    ),
    "a list for an id": (
        "a.jsonl",
        b'{"user_id": [1], "item_id": 2, "timestamp": 3}\n',
        "line 1, column 'user_id': ['1']",
    ),
    "empty JSON id": ("a.jsonl", b'{"user_id": "", "item_id": 2, "timestamp": 3}\n', "line 1, column 'user_id': ''"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_named_with_line_column_and_value(tmp_path, case):
    name, content, *parts = BAD_FILES[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(path))}(, (line|entry) \d+|: (the|there))") as error:
        read_interactions(path)
    for part in parts:
        assert part in str(error.value)
    assert len(str(error.value)) <= 500


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2999), st.sampled_from(["u,i", "u,i,1,2", ",i,1", "u, ,1", "u,i,x", 'u,"i,1', "u,i,2010-06-31"]))
def test_the_line_is_right_wherever_it_is(tmp_path_factory, at, bad):
    path = tmp_path_factory.mktemp("bad") / "log.csv"
    lines = [f"user{k % 40},item{k % 70},{k}" for k in range(3000)]
    path.write_text("\n".join(["user_id,item_id,timestamp", *lines[:at], bad, *lines[at:]]) + "\n")
    with pytest.raises(ValueError, match=rf"line {at + 2}[,:]"):
        read_interactions(path)


def test_what_is_missing_or_does_not_fit_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        read_interactions(tmp_path / "nothing.csv")
    path = tmp_path / "log.csv"
    path.write_bytes(GOOD)
    with pytest.raises(ValueError, match=r"log\.csv, line 1, column 'kind'"):
        read_interactions(path, only=("kind", "view"))
    with pytest.raises(ValueError, match=r"log\.csv, column 'item_id': no line has 'x'"):
        read_interactions(path, only=("item_id", "x"))
    log = read_interactions(path)  # one user reads well, and is too little to split or filter
    with pytest.raises(ValueError, match="num_folds: 10 folds of 1 users"):
        split_users(log, seed=0)
    with pytest.raises(ValueError, match="min_count: no user is left with at least 5"):
        filter_items_first(log)
    with pytest.raises(ValueError, match=r"item_names: has no id of the log; .*\['I'\].*\['i'\]"):
        describe(log, item_names={"I": "an item"})
    items = tmp_path / "log.item"
    items.write_text("item_id\ttitle\ni\tone\nj\ttwo\ni\tthree\n")
    with pytest.raises(ValueError, match=r"log\.item, line 4, column 'item_id': 'i': this id has line 2 already"):
        read_features(items, words=["title"])
    assert read_names(items, name="title") == {"i": "three", "j": "two"}  # of a name, the last counts
    with pytest.raises(ValueError, match="columns, sequences, words: all are empty"):
        read_features(items)


def test_the_reader_needs_no_more_memory_than_it_says(shared_data):
    """Fourteen times the file, over what the imports take, in a process of its own."""
    path: Path = shared_data("retailrocket-sessions.inter")
    code = (
        "import pandas, sys\n"
        "from mtmi_lite.data.readers import read_interactions\n"
        "status = lambda key: next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith(key))\n"
        "before = status('VmRSS')\n"
        "read_interactions(sys.argv[1])\n"
        "print((status('VmHWM') - before) * 1024)\n"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc, which this system does not have")
    printed = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True).stdout
    assert int(printed) < 14 * path.stat().st_size
