"""Logs as people have them, a row a case: what becomes of each, and what the reader says about it."""

import bz2
import gzip
import io
import json
import lzma
import re
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite.data.readers import read_features, read_interactions, read_names

DATA = Path(__file__).parent / "data"
TABLE = pandas.DataFrame({"user_id": ["ann", "ben", "ann"], "item_id": ["007", "7", "12"], "timestamp": [20, 5, 10]})
CSV = TABLE.to_csv(index=False).encode()
SHOP = dict(user="visitorid", item="itemid")


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("log.csv"), io.BytesIO())
    return packed.getvalue()


def frame(orient: str, **more) -> bytes:
    return (TABLE.to_json(orient=orient, **more) or "").encode()  # type: ignore[call-overload]


def with_times(*times: object) -> bytes:
    return TABLE.assign(timestamp=list(times)).to_csv(index=False).encode()


# content or a file of tests/data, arguments, users and items, what a warning says
READ: dict[str, tuple[bytes | str, dict, tuple[int, int], str]] = {
    "plain": (CSV, {}, (2, 3), ""),
    "gzip": (gzip.compress(CSV), {}, (2, 3), ""),
    "bzip2": (bz2.compress(CSV), {}, (2, 3), ""),
    "xz": (lzma.compress(CSV), {}, (2, 3), ""),
    "a zip": ("events.csv.zip", SHOP, (3, 3), "'events.csv' from the zip"),
    "a zip by another name": ("events_as.csv", SHOP, (3, 3), "'events.csv' from the zip"),
    "a zip from a Mac": (zipped({"log.csv": CSV, "__MACOSX/log.csv": b"x"}), {}, (2, 3), "'log.csv' from the zip"),
    "gzip in a zip": (zipped({"log": gzip.compress(CSV)}), {}, (2, 3), "'log' from the zip"),
    "semicolons": ("excel_quoted.csv", {}, (1, 1), "separated by ';'"),
    "semicolons, said": ("excel_quoted.csv", dict(separator=";"), (1, 1), ""),
    "Excel's first line": ("sep.csv", {}, (1, 1), ""),
    "backslashes before quotes": ("bx.csv", dict(user="User-ID", item="ISBN", time=None), (2, 2), "for a quote"),
    "bars": (CSV.replace(b",", b"|"), {}, (2, 3), "separated by '|'"),
    "two colons": (CSV.replace(b",", b"::"), {}, (2, 3), "separated by '::'"),
    "two colons, no header": (
        "ml1m_ratings.dat",
        dict(header=["user_id", "item_id", "rating", "timestamp"]),
        (2, 2),
        "separated by '::'",
    ),
    "spaces": ("space.inter", dict(separator=" "), (2, 2), ""),
    "a separator of two bytes": (CSV.replace(b",", "¦".encode()), dict(separator="¦"), (2, 3), ""),
    "lines end as on old Macs": (CSV.replace(b"\n", b"\r"), {}, (2, 3), ""),
    "blank lines and lines of spaces": (CSV.replace(b"\n", b"\n\n   \n"), {}, (2, 3), ""),
    "UTF-16": ("utf16.csv", {}, (1, 1), "UTF-16"),
    "UTF-16, said": ("utf16.csv", dict(encoding="utf-16"), (1, 1), ""),
    "latin-1": (CSV.replace(b"ann", b"Ren\xe9"), dict(encoding="latin-1"), (2, 3), ""),
    "a long field": (b"user_id,item_id,timestamp,t\nann,7,1,%s\nben,7,2,\n" % (b"x" * 200_000), {}, (2, 1), ""),
    "no times": ("lastfm.dat", dict(user="userID", item="artistID", time=None), (1, 2), ""),
    "times decades apart": ("taobao.csv", dict(header=["user_id", "item_id", "c", "b", "timestamp"]), (1, 4), "2 of 4"),
    "seconds and milliseconds": (with_times(1.6e12, 1.6e12 + 9, 1.6e9), {}, (2, 3), "1 of 3"),
    "fractions of a second": (with_times(1.5e9, 1.5e9 + 0.25, 1.5e9 + 0.5), {}, (2, 3), "thousandths"),
    "JSON lines by no such name": ("lines_no_suffix.txt", {}, (3, 3), ""),
    "JSON records": ("pandas_records.json", {}, (3, 3), "one JSON document"),
    "JSON columns": (frame("columns"), {}, (2, 3), "one JSON document"),
    "JSON lines": (frame("records", lines=True), {}, (2, 3), ""),
    "printed JSON": (json.dumps(TABLE.to_dict("records"), indent=2).encode(), {}, (2, 3), "one JSON document"),
}
# content or a file, arguments, what the message says
REFUSED: dict[str, tuple[bytes | str, dict, list[str]]] = {
    "a zip of two": (zipped({"a.csv": CSV, "b.csv": CSV}), {}, ["zip of 2 files", "'a.csv', 'b.csv'", "unpack it"]),
    "an Excel workbook": (zipped({"xl/workbook.xml": b"", "other": b""}), {}, ["Excel workbook", "CSV"]),
    "a tar": (tarred(), {}, ["tar archive", "unpack it"]),
    "zstd": (b"\x28\xb5\x2f\xfd" + CSV, {}, ["zstd", "`zstd -d`"]),
    "Parquet": (b"PAR1" + CSV, {}, ["Parquet", "pandas.read_parquet(path).to_csv"]),
    "a web page": (b"<!DOCTYPE html><html></html>", {}, ["web page", "download"]),
    "another encoding": (CSV.replace(b"ann", b"Ren\xe9"), {}, ["line 2", "0xe9", 'encoding="latin-1"', "cp1252"]),
    "the wrong encoding": (CSV.replace(b"ann", b"\x81"), dict(encoding="cp1252"), ["line 2", "0x81", "CP1252"]),
    "no such encoding": (CSV, dict(encoding="latin-99"), ["encoding: 'latin-99'", "cp1252"]),
    "no separator": (CSV, dict(separator=""), ["separator: ''"]),
    "UTF-16 without a mark": (CSV.decode().encode("utf-16-le"), {}, ["line 1", "0x00", "utf-16-le"]),
    "no times": ("lastfm.dat", dict(user="userID", item="artistID"), ["line 1", "'timestamp'", "time=None"]),
    "no header": ("ml1m_ratings.dat", {}, ["line 1", "'user_id'", "header=…", "separator=…"]),
    "a header too short": ("taobao.csv", dict(header=["user_id", "item_id", "timestamp"]), ["has 3 names", "5 fields"]),
    "spaces": ("space.inter", {}, ["line 1", 'separator=" "']),
    "thousands": ("thousands.csv", {}, ["line 2", "'1,511,544,070'", "write a number"]),
    "another kind of date": (
        "tsmc_utf8.txt",
        dict(header=["user_id", "item_id", "a", "b", "c", "d", "e", "timestamp"]),
        ["line 1", "'Tue Apr 03 18:00:09 +0000 2012'", "pandas.to_datetime"],
    ),
    "Python": ("steam.json", dict(user="username", item="product_id", time="date"), ["line 1", "ast.literal_eval"]),
    "JSON split": (frame("split"), {}, ["'columns', 'index', 'data'", "lines=True"]),
    "JSON values": (frame("values"), {}, ["entry 1", "lines=True"]),
    "JSON index": (frame("index"), {}, ["one JSON document", "lines=True"]),
    "JSON columns without time": (frame("columns").replace(b"timestamp", b"when"), {}, ["'timestamp'", "'when'"]),
    "20,000 columns of JSON": (b'{"%s": 1}' % b'": 1, "'.join(b"%d" % k for k in range(20_000)), {}, ["19,994 more"]),
    "20,000 columns": (b",".join(b"%d" % k for k in range(20_000)), {}, ["line 1", "'user_id'", "19,994 more"]),
    "an open quote before much": (b'user_id,item_id,timestamp\n"ann,7,1\n' + CSV * 9_000, {}, ["line 2", "close each"]),
}


def put(folder: Path, content: bytes | str) -> Path:
    path = folder / "log.txt"
    path.write_bytes((DATA / content).read_bytes() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("case", READ)
def test_a_log_of_ones_own_is_read_and_what_was_guessed_is_said(tmp_path, case):
    content, arguments, counts, said = READ[case]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        log = read_interactions(put(tmp_path, content), **arguments)
    assert (log.num_users, log.num_items) == counts
    messages = [str(warning.message) for warning in caught]
    assert all("log.txt: " in message for message in messages)
    assert said in "\n".join(messages) if said else messages == []


@pytest.mark.parametrize("case", REFUSED)
def test_a_log_that_cannot_be_read_gets_a_short_message_with_the_cure(tmp_path, case):
    content, arguments, parts = REFUSED[case]
    with pytest.raises(ValueError, match=r"^") as error:
        read_interactions(put(tmp_path, content), **arguments)
    message = str(error.value)
    assert [part for part in parts if part not in message] == [], message
    assert len(message) <= 500


def test_a_message_is_short_however_long_the_path_and_the_names_are(tmp_path):
    deep = tmp_path / ("folder" * 10) / ("folder" * 10)
    deep.mkdir(parents=True)
    path = put(deep, ",".join(f"{'column' * 20}{k}" for k in range(100)).encode())
    with pytest.raises(ValueError, match=r"log\.txt, line 1, column 'uuu.*…") as error:
        read_interactions(path, user="u" * 1000)
    assert len(str(error.value)) == 500
    with pytest.raises(FileNotFoundError, match="there is no such file") as missing:
        read_interactions("x" * 5000)
    assert len(str(missing.value)) <= 500


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv: there is no such file"):
        read_interactions(tmp_path / "nothing.csv")
    with pytest.raises(ValueError, match=r"this is a folder"):
        read_interactions(tmp_path)


@pytest.mark.parametrize(
    ("times", "whole"),
    [
        (["1511572885.5", "1511572885", "1511572885.25"], [1511572885500, 1511572885000, 1511572885250]),
        (["1.3e9", "1300000001", "1300000002.0"], [1300000000, 1300000001, 1300000002]),
        (["0.1", "0.1000001", "0.10000011"], [100000000, 100000100, 100000110]),
        (["2010-12-01 08:26:00.123456789", "2010-12-01", "2010-12-01T08:26:00.5+01:00"], None),
        ([str(pandas.Timestamp("2010-12-01 08:26:00.000001")), "2010-12-01 08:26:00", "2010-12-01 09:00"], None),
        (["1291191960123456789", "1291191960123456788", "1291191960123456790"], None),
    ],
)
def test_no_fraction_of_a_second_is_lost(tmp_path, times, whole):
    path = put(tmp_path, f"user_id,item_id,timestamp\nu,a,{times[0]}\nu,b,{times[1]}\nu,c,{times[2]}\n".encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log = read_interactions(path)
    if whole is not None:
        assert log.times.tolist() == sorted(whole)
    if "-" in times[0]:
        exact = pandas.to_datetime(times, format="ISO8601", utc=True).as_unit("ns").asi8
    else:
        exact = np.array([float(time) if whole else int(time) for time in times])
    assert log.item_names[log.items].tolist() == [list("abc")[row] for row in np.argsort(exact)]


def test_the_first_and_the_last_day_are_shown(tmp_path):
    log = read_interactions(put(tmp_path, with_times(1291161600, 1291248000, 1323388800)))
    assert repr(log) == "2 users, 3 items, 3 interactions, 2010-12-01 to 2011-12-09"
    log = read_interactions(put(tmp_path, with_times(1291161600000, 1291248000000, 1323388800000)))
    assert repr(log).endswith("2010-12-01 to 2011-12-09")
    assert repr(read_interactions(put(tmp_path, CSV))).endswith("3 interactions, times 5 to 20")
    with pytest.warns(UserWarning, match=r"from 1922-02-06 to 2034-07-22, and 2 of 4 lines are .*2017-11-24"):
        read_interactions(DATA / "taobao.csv", header=["user_id", "item_id", "c", "b", "timestamp"])


def test_without_times_the_order_of_the_file_counts(tmp_path):
    path = put(tmp_path, b"user_id,item_id\nu,b\nu,a\nv,b\nu,c\n")
    log = read_interactions(path, time=None)
    assert log.item_names[log.of(0)].tolist() == ["b", "a", "c"]
    log = read_interactions(path, time=None, newest_first=True)
    assert log.item_names[log.of(0)].tolist() == ["c", "a", "b"]


def test_names_and_features_are_read_by_the_same_rules(tmp_path):
    table = pandas.DataFrame(
        {"item_id:token": ["007", "7", "007"], "title:token_seq": ['"Tea; green"', "Jam", "x" * 300]}
    )
    content = gzip.compress(table.to_csv(index=False, sep=";").encode("cp1252"))
    path = put(tmp_path, content)
    assert read_names(path, name="title", separator=";", encoding="cp1252") == {"007": "x" * 199 + "…", "7": "Jam"}
    path = put(tmp_path, gzip.compress(table[:2].to_csv(index=False, sep=";").encode()))
    with pytest.warns(UserWarning, match="separated by ';'"):
        assert read_names(path, name="title") == {"007": '"Tea; green"', "7": "Jam"}
    assert read_features(path, words=["title"], separator=";") == {"007": ["tea", "green"], "7": ["jam"]}
    with pytest.raises(ValueError, match=r"line 1, column 'name': not in the header, which has 'item_id', 'title'"):
        read_names(path, name="name")


ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(
        st.sampled_from([*'",;|:\t\n\r{}[]\\ é', "user_id", "item_id", "timestamp", "1", "sep="]), max_size=60
    ).map(lambda parts: ("user_id,item_id,timestamp\n" + "".join(parts)).encode()),
    st.tuples(
        st.sampled_from([b"PK\3\4", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"\xff\xfe", b"{", b"[", b"sep=", b"[{"]),
        st.binary(max_size=100),
    ).map(b"".join),
)


@settings(deadline=None, max_examples=300)
@given(ANYTHING, st.sampled_from(["utf-8", "latin-1", "utf-16"]), st.sampled_from([None, ";", " ", "::"]))
def test_whatever_a_file_holds_it_is_a_log_or_a_short_message(tmp_path_factory, content, encoding, separator):
    path = tmp_path_factory.mktemp("fuzz") / "log.csv"
    path.write_bytes(content)
    messages = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            assert len(read_interactions(path, encoding=encoding, separator=separator)) > 0
        except ValueError as error:
            messages.append(str(error))
    messages += [str(warning.message) for warning in caught]
    assert all(re.match(r".*(log\.csv|separator|encoding)", message) for message in messages)
    assert all(len(message) <= 500 for message in messages)
    assert all(warning.category is UserWarning for warning in caught)
