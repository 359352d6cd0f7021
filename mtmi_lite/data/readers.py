"""Read logs, names and features from the files that people have.

The log, the names and the features are read by the same rules:

- *Separated text* with a header line. The header tells whether tab, `;`, `,`, `|` or `::` separates, if exactly one of
  them gives the wanted columns; `separator=` names any other. A field may be quoted, as in RFC 4180, but between tabs
  or `::` a quote is a quote. A type after a column's name, as in RecBole's atomic files
  (`user_id:token<TAB>item_id:token<TAB>timestamp:float`), is not part of the name.
- *JSON*: an object a line, or one document as pandas' `DataFrame.to_json` writes it.

Either may be packed with gzip, bzip2 or xz, or alone in a zip: the first bytes say so, whatever the file is called.
Text is UTF-8, or UTF-16 with a byte order mark; `encoding=` names any other. Lines end in LF, CRLF or CR; blank ones
are skipped.

Ids are text, exactly as written: "007", "7" and "7.0" are three ids. Times are numbers, or all of them dates as in
`2010-10-19T23:55:27Z` (UTC where no zone is given), which become Unix seconds. They are kept as whole numbers: if some
have a fraction, in the coarsest of thousandths, millionths and billionths of the unit that loses nothing.

What the reader decides by itself, other than between comma and tab, it says in a warning. pandas does the reading.
Anything unusual falls back to `_Text.rows`, which goes line by line and names the line and the column.
"""

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mtmi_lite.interactions import UNITS, Interactions, date_of, from_codes, unit_of

Array = np.ndarray
MAX_MESSAGE = 500
MAX_ID = 2_000
"""The longest id, in characters: room for a web address, and not for what an open quote swallows."""
MAX_NAME = 200
"""A longer name is cut."""
FAR = 20 * 365 * 24 * 3600
"""A time that is farther from the middle one than so many seconds gets a word."""


def read_interactions(
    path: Path | str,
    *,
    user: str = "user_id",
    item: str = "item_id",
    time: str | None = "timestamp",
    header: Sequence[str] | None = None,
    only: tuple[str, str] | None = None,
    newest_first: bool = False,
    separator: str | None = None,
    encoding: str = "utf-8",
) -> Interactions:
    """Read a log from a file: every line, repeats included; filter it afterwards.

    Users and items are numbered in the sorted order of their ids as text. The interactions of a user are in order of
    time, and those with equal times in the order of the file.

    Args:
        path: separated text or JSON, packed or not; the module says more.
        user, item, time: the columns to read. `time=None` takes the order of the file for the order in time.
        header: the names of all columns, for a file whose first line is data.
        only: a column and a value, to read the lines that have this value there and no others.
        newest_first: the file has its newest lines first, and so have equal times.
        separator: what stands between two fields, such as "|"; None lets the header tell.
        encoding: of the text, such as "latin-1" or "cp1252".

    Raises:
        FileNotFoundError: if there is no file.
        ValueError: for anything in the file that is not as above; it names the file, the line and the column.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.csv"
    >>> _ = path.write_text("user_id,item_id,timestamp\\nann,007,20\\nben,007,5\\nann,12,10\\n")
    >>> log = read_interactions(path)
    >>> [str(name) for name in log.item_names[log.of(0)]]
    ['12', '007']
    """
    wanted = [user, item, *([] if time is None else [time]), *([] if only is None else [only[0]])]
    source = _Source(Path(path), wanted, time=time, header=header, separator=separator, encoding=encoding)
    table = source.read()
    if only is not None:
        table = table.where(table.columns.pop() == str(only[1]))
        if len(table) == 0:
            raise source.wrong(f"no line has {_short(only[1])} there; give a value that the file has", column=only[0])
    (user_labels, users), (item_names, items) = (_codes(table, column) for column in (0, 1))
    times = np.arange(len(users)) if time is None else _times(table, 2)
    if time is not None:
        source.notes += _far_apart(times)
    if newest_first:
        users, items, times = users[::-1], items[::-1], times if time is None else times[::-1]
    source.say()
    return from_codes(users, items, times, user_labels=user_labels, item_names=item_names)


def read_names(
    path: Path | str, *, key: str = "item_id", name: str, separator: str | None = None, encoding: str = "utf-8"
) -> dict[str, str]:
    """Read the name of each item, by its id, for `describe`: from a file of items, or from the log if it has names.

    Of several names for one id, the last counts; a blank one does not. A name of more than 200 characters is cut.

    Raises:
        FileNotFoundError, ValueError: as `read_interactions`.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.item"
    >>> _ = path.write_text("item_id:token\\ttitle:token_seq\\n007\\tGreen tea\\n")
    >>> read_names(path, name="title")
    {'007': 'Green tea'}
    """
    source = _Source(Path(path), [key, name], separator=separator, encoding=encoding)
    table = source.read()
    _codes(table, 0)  # refuses what is no id
    source.say()
    return {label: _cut(text, MAX_NAME) for label, text in zip(*table.columns, strict=True) if text.strip()}


def read_features(
    path: Path | str,
    *,
    key: str = "item_id",
    columns: Sequence[str] = (),
    sequences: Sequence[str] = (),
    words: Sequence[str] = (),
    separator: str | None = None,
    encoding: str = "utf-8",
) -> dict[str, list[str]]:
    """Read the features of each item or user, by its id, for `describe`, from a file such as RecBole's `.item`.

    Args:
        key: the column with the ids.
        columns: each value is one feature, called "column: value"; an empty one is none.
        sequences: each value is features between spaces, called as they are written: categories, genres.
        words: each value is a text, and its words in lower case are features: a title.

    Raises:
        FileNotFoundError, ValueError: as `read_interactions`; also for an id that has two lines.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.item"
    >>> _ = path.write_text("item_id:token\\ttitle:token_seq\\tyear:token\\n007\\tGreen tea, green cup\\t1995\\n")
    >>> read_features(path, columns=["year"], words=["title"])
    {'007': ['year: 1995', 'green', 'tea', 'cup']}
    """
    if not (columns or sequences or words):
        raise ValueError("columns, sequences, words: all are empty; name at least one column to read features from")
    source = _Source(Path(path), [key, *columns, *sequences, *words], separator=separator, encoding=encoding)
    table = source.read()
    _, codes = _codes(table, 0)
    first = np.unique(codes, return_index=True)[1][codes]
    if (again := first != np.arange(len(codes))).any():
        row = int(np.argmax(again))
        raise table.wrong(row, 0, f"this id has {table.line(int(first[row]))} already; keep one line for each id")
    source.say()
    features: dict[str, list[str]] = {}
    for label, *values in zip(*table.columns, strict=True):
        own = [f"{column}: {value}" for column, value in zip(columns, values, strict=False) if value]
        rest = values[len(columns) :]
        own += [part for value in rest[: len(sequences)] for part in value.split()]
        own += [word for value in rest[len(sequences) :] for word in re.findall(r"\w+", value.lower())]
        features[label] = list(dict.fromkeys(own))
    return features


# ---- messages


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _short(value: object) -> str:
    return _cut(repr(value), 80)


def _names(names: Iterable[object], most: int = 6) -> str:
    names = list(names)
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(_cut(repr(name), 24) for name in names[:most]) + rest


# ---- from the bytes of a file to a table of the wanted columns


@dataclass
class _Source:
    """A file and what is asked of it; `notes` is what the reader decided by itself."""

    path: Path
    wanted: list[str]
    time: str | None = None
    header: Sequence[str] | None = None
    separator: str | None = None
    encoding: str = "utf-8"
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        text = str(self.path)
        return text if len(text) <= 200 else "…" + text[-199:]

    def wrong(self, what: str, *, where: str = "", column: str = "") -> ValueError:
        place = [self.name, where, column and f"column {_cut(repr(column), 60)}"]
        return ValueError(_cut(f"{', '.join(filter(None, place))}: {what}", MAX_MESSAGE))

    def say(self) -> None:
        for note in self.notes:
            warnings.warn(_cut(f"{self.name}: {note}", MAX_MESSAGE), stacklevel=3)

    def read(self) -> "_Table":
        if not os.path.exists(self.path):  # which a path that is too long does not stop
            raise FileNotFoundError(_cut(f"{self.name}: there is no such file; check folder and name", MAX_MESSAGE))
        if self.path.is_dir():
            raise self.wrong("this is a folder; give a file in it")
        content = _decoded(self, _unpacked(self))
        if not content.strip():
            raise self.wrong(
                "the file is empty; it must have a header line and at least one line below it", where="line 1"
            )
        suffix = Path(re.sub(r"\.(gz|bz2|xz|zip)$", "", self.path.name)).suffix
        looks = self.header is None and self.separator is None and re.match(rb"\s*(\{|\[\s*[\[{])", content)
        if suffix in (".json", ".jsonl", ".ndjson") or looks:
            columns, line = _read_json(self, content)
        else:
            text = _text_of(self, content)
            columns, line = text.read(), text.line
        return _Table(source=self, columns=columns, line=line)


@dataclass
class _Table:
    """The wanted columns, of text (one of times may be of whole numbers), and where a row is in the file."""

    source: _Source
    columns: list[Array]
    line: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.columns[0])

    def where(self, keep: Array) -> "_Table":
        rows, line = np.flatnonzero(keep), self.line
        return _Table(self.source, [column[rows] for column in self.columns], lambda row: line(int(rows[row])))

    def wrong(self, row: int, column: int, what: str) -> ValueError:
        value, name = _short(self.columns[column][row]), self.source.wanted[column]
        return self.source.wrong(f"{value}: {what}", where=self.line(row), column=name)


PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\3\4": "zip", b"PK\5\6": "zip"}
WITH_PANDAS = "write it as text with pandas.{}(path).to_csv('log.csv', index=False)"
NOT_READ = {
    b"PAR1": ("a Parquet file", WITH_PANDAS.format("read_parquet")),
    b"ARROW1": ("a Feather file", WITH_PANDAS.format("read_feather")),
    b"\x89HDF": ("an HDF5 file", WITH_PANDAS.format("read_hdf")),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "save its sheet as CSV"),
    b"SQLite format 3": ("an SQLite database", "export the table as CSV"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "unpack it with `zstd -d`"),
    b"\x04\x22\x4d\x18": ("packed with lz4", "unpack it with `lz4 -d`"),
    b"\x1f\x9d": ("packed with compress", "unpack it with `uncompress`"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it"),
    b"Rar!\x1a": ("a RAR archive", "unpack it"),
    b"<!DOCTYPE": ("a web page", "download the file itself"),
    b"<html": ("a web page", "download the file itself"),
    b"version https://git-lfs": ("a pointer of Git LFS", "run `git lfs pull`"),
}
"""By their first bytes: what people have that is not read, and what to do about it."""


def _unpacked(source: _Source) -> bytes:
    content = source.path.read_bytes()
    for _ in range(3):  # what lies in a zip may be packed itself
        kind, names = next((kind for start, kind in PACKED.items() if content.startswith(start)), None), [""]
        if kind is None:
            break
        try:
            if kind == "zip":
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    names = [name for name in archive.namelist() if name[-1:] != "/" and name[:9] != "__MACOSX/"]
                    content = archive.read(names[0]) if len(names) == 1 else content
                source.notes.append(f"read {_names(names)} from the zip")
            else:
                content = {"gzip": gzip, "bzip2": bz2, "xz": lzma}[kind].decompress(content)
        except Exception as error:  # damaged input can raise anything
            what = f"the {kind} is cut short, damaged or locked ({_cut(str(error), 80)}); fetch or pack it again"
            raise source.wrong(what) from None
        if any(name.startswith("xl/") for name in names):
            raise source.wrong("this is an Excel workbook, and no text; save its sheet as CSV")
        if len(names) != 1:
            raise source.wrong(
                f"this is a zip of {len(names)} files; unpack it, and give the one with the log: {_names(names)}"
            )
    for start, (what, cure) in NOT_READ.items():
        if content.startswith(start):
            raise source.wrong(f"this is {what}; {cure}")
    if content[257:262] == b"ustar":
        raise source.wrong("this is a tar archive; unpack it, and give the file in it")
    return content


MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""Byte order marks, and the encoding that they tell for certain."""


def _decoded(source: _Source, content: bytes) -> bytes:
    """The same text in UTF-8, without a byte order mark, its lines ending in LF."""
    encoding, mark = source.encoding, next((mark for mark in MARKS if content.startswith(mark)), None)
    if encoding == "utf-8" and mark is not None:
        encoding = MARKS[mark]
        source.notes.append(f"read as {encoding.upper()}, by its byte order mark; encoding={encoding!r} says so")
    try:
        text = content.decode(encoding)
        content = content if encoding == "utf-8" else text.encode()
    except LookupError:
        raise ValueError(
            f"encoding: {_short(encoding)} is not known; 'latin-1' and 'cp1252' are, for example"
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        where = f"line {content[:start].decode(encoding, 'ignore').count(chr(10)) + 1}"
        byte = f"byte {content[start]:#04x}" if start < len(content) else "the text"
        cure = 'give encoding="latin-1" (or "cp1252")' if encoding == "utf-8" else "give another encoding"
        what = f"{byte} is not {_cut(encoding.upper(), 20)}; {cure}, or save the file as UTF-8"
        raise source.wrong(what, where=where) from None
    content = content.removeprefix(b"\xef\xbb\xbf")
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if (place := content.find(b"\0")) >= 0:
        what = 'byte 0x00 is in no text; save the file as UTF-8, or, if it is in UTF-16, give encoding="utf-16-le"'
        raise source.wrong(what, where=f"line {content.count(10, 0, place) + 1}")
    return content


# ---- separated text

SEPARATORS = ("\t", ";", ",", "|", "::")
TRIED = "tab, ';', ',', '|' or '::'"
UNIT = "\x1f"
"""Stands for a separator of several bytes, which `csv` does not know, and with which pandas is slow."""


@dataclass
class _Text:
    """Separated text below its header.

    Args:
        names: of all columns.
        body: the lines with data, in UTF-8; the first of them is line `first` of the file.
        style: how fields are separated and quoted, in the words that `csv` and pandas share.
    """

    source: _Source
    names: list[str]
    body: bytes
    first: int
    style: dict[str, Any]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The plain pass: the number and the fields of each line that is not blank, or what is wrong with it."""
        lines = io.TextIOWrapper(io.BytesIO(self.body), encoding="utf-8", newline="")
        rows, limit = csv.reader(lines, strict=True, **self.style), csv.field_size_limit(len(self.body) + 1)
        try:
            while True:
                where = self.first + rows.line_num  # a quoted field may hold line ends
                try:
                    fields = next(rows, None)
                except csv.Error as error:
                    what = f"not well-formed text ({error}); close each quote, and double one within quotes"
                    raise self.source.wrong(what, where=f"line {where}") from None
                if fields is None:
                    break
                if len(fields) == len(self.names):
                    yield where, fields
                elif len(fields) > 1 or "".join(fields).strip(" \t") or fields == [""]:  # "" alone is a field
                    column = self.names[min(len(fields), len(self.names) - 1)]
                    count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
                    what = f"{count} in place of {len(self.names)}: {_names(self.names)}; got "
                    what += f"{_short(self.style['delimiter'].join(fields))}. Mend or drop the line"
                    raise self.source.wrong(what, where=f"line {where}", column=column)
        finally:
            csv.field_size_limit(limit)

    def line(self, row: int) -> str:
        return f"line {next(islice(self.rows(), row, None))[0]}"

    def well_formed(self) -> bool:
        try:
            return all(self.rows())
        except ValueError:
            return False

    def read(self) -> list[Array]:
        """The wanted columns, as pandas reads them."""
        places = [self.names.index(_untyped(name)) for name in self.source.wanted]
        kinds = dict.fromkeys([*places, len(self.names) - 1], object)
        time = self.source.time
        numbers = [self.names.index(_untyped(time))] if time is not None and self.source.wanted.count(time) == 1 else []
        table = None
        with contextlib.suppress(ValueError, OverflowError):  # met again below, and named
            table = self._read(kinds | dict.fromkeys(numbers, "int64"))
        if table is None or any((table[place].abs() >= 2**53).any() for place in numbers):  # may have been rounded
            with contextlib.suppress(ValueError):
                table = self._read(kinds)
        count = len(table) if table is not None and self._whole(table) else sum(1 for _ in self.rows())
        if count == 0:
            what = "there is no line with data; the file must have at least one"
            raise self.source.wrong(what, where=f"line {self.first}")
        if table is None or len(table) != count:
            raise self.source.wrong("pandas and csv differ about its lines; write it anew with DataFrame.to_csv")
        return [table[place].to_numpy() for place in places]

    def _read(self, kinds: Any) -> Any:
        import pandas  # here, so that a reader of the losses does not wait for it

        return pandas.read_csv(
            io.BytesIO(self.body),
            header=None,
            names=range(len(self.names)),
            usecols=sorted(kinds),
            dtype=kinds,
            na_filter=False,
            index_col=False,
            encoding="utf-8",
            **self.style,
        )

    def _whole(self, table: Any) -> bool:
        """Whether every line surely has all fields and no more: none lacks its last one, and their sum is right."""
        text, last = np.frombuffer(self.body, dtype=np.uint8), table[len(self.names) - 1]
        lines = np.count_nonzero(text == ord("\n")) + (not self.body.endswith(b"\n"))
        fields = np.count_nonzero(text == ord(self.style["delimiter"])) + lines
        quoted = self.style["quoting"] == csv.QUOTE_MINIMAL and b'"' in self.body
        lacking = last.dtype == object and (last == "").any()
        return bool(len(table) == lines and fields == lines * len(self.names) and not quoted and not lacking)


def _text_of(source: _Source, content: bytes) -> _Text:
    """Find where the data starts, the names of the columns, and the separator."""
    separator, header = source.separator, source.header
    first, top, body = _top(content, 1)
    if told := re.fullmatch(r'"?sep=(.)"?', top, re.IGNORECASE):  # written for Excel
        separator = separator or told[1]
        first, top, body = _top(body, first + 1)
    where = f"line {first}"
    if separator is None:
        separator = _told_by(source, top, where)
        if separator not in ("\t", ","):
            source.notes.append(f"read as separated by {separator!r}; separator={separator!r} says so")
    elif separator in ("", "\n", "\r", '"'):
        raise ValueError(
            f"separator: {separator!r} separates nothing; give what stands between two fields, such as ','"
        )
    names = [_untyped(name) for name in header or _fields(top, separator)]
    _check_header(source, names, where)
    if header is None:
        first += 1
    else:
        body = top.encode() + b"\n" + body
    style = _style(separator)
    if style["delimiter"] == UNIT:
        body = body.replace(separator.encode(), UNIT.encode())
    text = _Text(source, names, body, first, style)
    if style["quoting"] == csv.QUOTE_MINIMAL and b'\\"' in body:  # quotes within quotes: doubled, or escaped?
        escaped = replace(text, style=style | {"escapechar": "\\"})
        if not text.well_formed() and escaped.well_formed():
            source.notes.append('read with \\" for a quote within quotes, where "" is usual')
            return escaped
    return text


def _top(content: bytes, first: int) -> tuple[int, str, bytes]:
    """The first line that is not blank: its number, where the content starts with line `first`; itself; the rest."""
    match = re.match(rb"((?:[ \t]*\n)*)([^\n]*)(?:\n|$)", content)
    assert match is not None  # it matches anything
    return first + match[1].count(10), match[2].decode(), content[match.end() :]


def _style(separator: str) -> dict[str, Any]:
    short = len(separator.encode()) == 1
    quoting = csv.QUOTE_MINIMAL if short and separator != "\t" else csv.QUOTE_NONE
    return dict(delimiter=separator if short else UNIT, quoting=quoting, skipinitialspace=separator == " ")


def _fields(line: str, separator: str) -> list[str]:
    style = _style(separator)
    try:
        return next(csv.reader([line.replace(separator, style["delimiter"])], **style), [])
    except csv.Error:
        return []  # longer than `csv` takes; no header is


def _untyped(name: str) -> str:
    return re.sub(r":(token|float)(_seq)?$", "", name)


def _told_by(source: _Source, top: str, where: str) -> str:
    """The one separator with which the first line has the columns."""

    def fits(fields: list[str]) -> bool:
        names = [_untyped(name) for name in fields]
        if source.header is not None:
            return len(names) == len(source.header)
        return all(names.count(_untyped(column)) == 1 for column in source.wanted)

    split = {separator: _fields(top, separator) for separator in SEPARATORS}
    fitting = [separator for separator, fields in split.items() if fits(fields)]
    if len(fitting) == 1:
        return fitting[0]
    best = max(split.values(), key=len)
    other = f"give separator=… if {TRIED} does not separate it"
    if fitting:
        raise source.wrong(f"{_names(fitting)} each give all columns; say with separator=… which it is", where=where)
    if fits(top.split()):
        raise source.wrong('spaces separate its columns; say so with separator=" "', where=where)
    if source.header is not None:
        what = f"header has {len(source.header)} names, and this line {len(best)} fields: {_names(best)}"
        raise source.wrong(f"{what}; name each column once, or {other}", where=where)
    if len(best) > 1:
        _check_header(source, [_untyped(name) for name in best], where)
    what = f"{_short(top)} has not the columns {_names(source.wanted)}"
    raise source.wrong(f"{what}; name the file's own, give header=… if this line is data, or {other}", where=where)


def _check_header(source: _Source, names: list[str], where: str) -> None:
    for column in source.wanted:
        count = names.count(_untyped(column))
        if count != 1:
            what = f"{'not' if count == 0 else f'{count} times'} in the header, which has {_names(names)}"
            own = "give time=None to take the order of the file" if column == source.time else "each name once"
            cure = f"name the file's own column, {own}, give header=… if this line is data, or separator=… if {TRIED}"
            raise source.wrong(f"{what}; {cure} does not separate it", where=where, column=column)


# ---- JSON

AS_LINES = 'write an object a line, as DataFrame.to_json(path, orient="records", lines=True) does'


def _read_json(source: _Source, content: bytes) -> tuple[list[Array], Callable[[int], str]]:
    """The wanted columns, each value as it is written, and where each row stands."""
    text = content.decode()
    entries = _document(source, text)
    if entries is None:
        lines = [(f"line {number}", line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        entries = [(where, _object(source, where, line)) for where, line in lines]
    if not entries:
        raise source.wrong(f"there is no row in it; {AS_LINES}")
    columns = []
    for column in source.wanted:
        if not any(column in entry for _, entry in entries):
            where, entry = entries[0]
            what = f"the object has no such key; it has {_names(entry)}: name the file's own"
            raise source.wrong(
                what + (", or give time=None" if column == source.time else ""), where=where, column=column
            )
        columns.append([_written(source, where, column, entry.get(column)) for where, entry in entries])
    return [np.array(column, dtype=object) for column in columns], lambda row: entries[row][0]


def _loads(text: str) -> Any:
    """JSON whose numbers stay as they are written; NaN is null."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=lambda name: None)
    except RecursionError:
        raise ValueError("too deeply nested") from None


def _object(source: _Source, where: str, line: str) -> dict[str, Any]:
    try:
        entry = _loads(line)
    except ValueError as error:
        what = f"{_short(line.strip())} is not JSON ({error}); {AS_LINES}"
        if re.match(r"\s*\{\s*u?'", line):
            what = "this is Python and not JSON; write each line anew, as json.dumps(ast.literal_eval(line))"
        raise source.wrong(what, where=where) from None
    if not isinstance(entry, dict):
        raise source.wrong(f"{_short(entry)} is not a JSON object; {AS_LINES}", where=where)
    return entry


def _written(source: _Source, where: str, column: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    raise source.wrong(
        f"{_short(value)} is neither text nor a number; write it as one of them", where=where, column=column
    )


def _document(source: _Source, text: str) -> list[tuple[str, dict[str, Any]]] | None:
    """The rows of a file that is a single document, as `DataFrame.to_json` writes it; None if it is not."""
    try:
        value = _loads(text)
    except ValueError:
        return None
    wanted = source.wanted
    if isinstance(value, dict) and any(isinstance(value.get(name), dict) for name in wanted):  # column by column
        for name in wanted:
            if not isinstance(value.get(name), dict):
                raise source.wrong(f"the document has no such column; it has {_names(value)}", column=name)
            if value[name].keys() != value[wanted[0]].keys():
                raise source.wrong(f"its rows are not those of {wanted[0]!r}; {AS_LINES}", column=name)
        value = [{name: value[name][row] for name in wanted} for row in value[wanted[0]]]
    elif isinstance(value, dict) and not any(name in value for name in wanted):
        raise source.wrong(f"one JSON document with {_names(value)}, and not with {_names(wanted)}; {AS_LINES}")
    if not isinstance(value, list):
        return None
    entries = [(f"entry {number}", entry) for number, entry in enumerate(value, start=1)]
    for where, entry in entries:
        if not isinstance(entry, dict):
            raise source.wrong(f"{_short(entry)} is not a JSON object; {AS_LINES}", where=where)
    source.notes.append("read as one JSON document, where an object a line is usual")
    return entries


# ---- ids and times


def _codes(table: _Table, column: int) -> tuple[Array, Array]:
    """The distinct ids of a column in sorted order, and the place in it of each row's."""
    import pandas

    codes, ids = pandas.factorize(table.columns[column])  # in the order in which they appear
    if not all(ids) or any(map(str.isspace, ids)) or max(map(len, ids)) > MAX_ID:
        bad = next(number for number, label in enumerate(ids) if not label.strip() or len(label) > MAX_ID)
        what = f"it has {len(ids[bad]):,} characters, and an id at most {MAX_ID:,}: is a quote left open?"
        if not ids[bad].strip():
            what = "not an id, which is text that is not blank; fill it in, or drop the line"
        raise table.wrong(int(np.argmax(codes == bad)), column, what)
    labels = ids.astype(np.str_)
    order = np.argsort(labels)
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    return labels[order], places[codes]


_NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
_CLOCK = r"[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?"
_DATE = re.compile(rf"(1[7-9]|2[01])\d\d-\d\d-\d\d((?P<clock>{_CLOCK})(?P<zone>Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
"""From 1700 to 2199, which billionths of a second since 1970 can count."""
_FRACTIONS = {9: "", 6: "thousandths", 3: "millionths", 0: "billionths"}
"""By how many of the nine digits after the point are not needed: what a time is counted in."""


def _with_zone(text: str) -> str:
    """A date with its zone: older versions of pandas give one without the zone of the date before."""
    match = _DATE.fullmatch(text)
    if match is None or match["zone"]:
        return text
    return f"{text}Z" if match["clock"] else f"{text}T00:00Z"


def _times(table: _Table, column: int) -> Array:
    """The times of a column, as whole numbers of a unit that is fine enough for all of them."""
    import pandas

    if table.columns[column].dtype == np.int64:
        return table.columns[column]
    codes, texts = pandas.factorize(table.columns[column])
    kinds = ["number" if _NUMBER.fullmatch(text) else "date" if _DATE.fullmatch(text) else "" for text in texts]
    dates = None
    if "date" in kinds:
        in_utc = [_with_zone(text) for text in texts]
        dates = pandas.to_datetime(in_utc, format="ISO8601", utc=True, errors="coerce")
        kinds = ["" if kind == "date" and lost else kind for kind, lost in zip(kinds, dates.isna(), strict=True)]
    of_row = np.array(kinds)[codes]
    if (odd := (of_row == "") | (of_row != of_row[0])).any():
        row = int(np.argmax(odd))
        what = "not a time; write a number, such as Unix seconds, or a date as in 2010-10-19T23:55:27Z ("
        what += "pandas.to_datetime reads many others), or give time=None to take the order of the file"
        if of_row[row]:
            what = f"a {of_row[row]} below a {of_row[0]}; write all times in one way"
        raise table.wrong(row, column, what)
    if dates is not None:
        billionths = dates.as_unit("ns").asi8.tolist()
    else:
        with localcontext(prec=150):
            exact = [Decimal(text).scaleb(9) for text in texts]
            billionths = [int(value.to_integral_value()) for value in exact]
            if len(set(billionths)) < len(set(exact)):
                row = int(np.argmax(np.array([value % 1 != 0 for value in exact])[codes]))
                raise table.wrong(
                    row, column, "only digits beyond the ninth after the point tell it from another time; round it"
                )
    spare = next(digits for digits in _FRACTIONS if not any(value % 10**digits for value in billionths))
    values = [value // 10**spare for value in billionths]
    if any(large := [abs(value) >= 2**63 for value in values]):
        row = int(np.argmax(np.array(large)[codes]))
        raise table.wrong(row, column, "too large for a time; give seconds or milliseconds")
    if spare < 9:
        unit = "the file's unit" if dates is None else "a second"
        table.source.notes.append(f"some times have fractions, so all are in {_FRACTIONS[spare]} of {unit}")
    return np.array(values, dtype=np.int64)[codes]


def _far_apart(times: Array) -> list[str]:
    """A word on times that are decades from the others or still to come, where the times are dates at all."""
    unit = unit_of(times)
    if unit is None:
        return []
    size, middle = UNITS[unit], float(np.median(times))
    future = times > (datetime.now(UTC).timestamp() + 86_400) * size
    far = int((future | (np.abs(times - middle) > FAR * size)).sum())
    if not far:
        return []
    span = f"times go from {date_of(times.min(), unit)} to {date_of(times.max(), unit)}"
    what = f"{far:,} of {len(times):,} lines are in the future or more than 20 years from the middle one"
    return [f"{span}, and {what}, {date_of(int(middle), unit)}: wrong, or in another unit? Mend or drop them"]
