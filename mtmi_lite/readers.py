"""Reads logs, and what else is known of their items and users, from text files.

A file is one of these, plain or gzipped (its first bytes say which):

- *Comma-separated* text with a header line; a field may be quoted, as in RFC 4180.
- *Tab-separated* text, which a tab in the first line says; quotes mean nothing. RecBole's atomic files are such
  (`user_id:token<TAB>item_id:token<TAB>timestamp:float`); the type after the colon is not part of a column's name.
- *JSON lines*, an object a line, where the name ends in `.jsonl`, `.ndjson` or `.json`.

Text is UTF-8, with or without a byte order mark; lines end in LF or CRLF; blank ones are skipped. Ids are text, exactly
as written: "007", "7" and "7.0" are three ids. Times are whole numbers ("12.0" is one, "12.5" is refused) or, in all
lines of a file, ISO 8601 such as `2010-10-19T23:55:27Z`, which become Unix seconds (UTC where no zone is given).

A log of numbers and short ids is read by NumPy in blocks. Whatever that meets and does not know, it leaves to a plain
pass over the lines, which knows all of the above and names the line and the column of what is wrong.
"""

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import NoReturn

import numpy as np

from mtmi_lite.interactions import Interactions, from_codes

Array = np.ndarray
BLOCK = 1 << 17
"""How many bytes are read at a time."""
MAX_BYTES = 40
"""The longest id that is read in blocks; a UUID has 36 characters."""


def read_interactions(
    path: Path | str,
    *,
    user: str = "user_id",
    item: str = "item_id",
    time: str = "timestamp",
    header: Sequence[str] | None = None,
    only: tuple[str, str] | None = None,
    newest_first: bool = False,
) -> Interactions:
    """A log from a text file: every line, repeats too; filter it afterwards.

    Users and items are numbered in the sorted order of their ids as text. The interactions of a user are in order of
    time, and those with equal times in the order of the file.

    Args:
        path: comma- or tab-separated text or JSON lines; the module says more.
        user, item, time: the columns to read.
        header: the names of all columns, for a file whose first line is data.
        only: a column and a value, to read the lines that have this value there and no others.
        newest_first: the file has its newest lines first, and so have equal times.

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
    path, wanted, value = Path(path), [user, item, time], None
    if only is not None:
        wanted, value = [*wanted, only[0]], only[1]
    found = None if _is_json(path) else _read_blocks(path, wanted, header, value)
    (user_labels, users), (item_names, items), times = found or _read_lines(path, wanted, header, value)
    columns = [column[::-1] if newest_first else column for column in (times, items, users)]
    del found, users, items, times  # so that `from_codes` can let go of each once it has it in order
    return from_codes(columns.pop(), columns.pop(), columns.pop(), user_labels=user_labels, item_names=item_names)


def read_names(path: Path | str, *, key: str = "item_id", name: str) -> dict[str, str]:
    """What each item is called, by its id, from a file of items such as RecBole's `.item`; for `describe`.

    Raises:
        FileNotFoundError, ValueError: as `read_interactions`; also for an id that has two lines.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.item"
    >>> _ = path.write_text("item_id:token\\ttitle:token_seq\\n007\\tGreen tea\\n")
    >>> read_names(path, name="title")
    {'007': 'Green tea'}
    """
    return {label: values[0] for label, values in _by_id(Path(path), [key, name]).items()}


def read_features(
    path: Path | str,
    *,
    key: str = "item_id",
    columns: Sequence[str] = (),
    sequences: Sequence[str] = (),
    words: Sequence[str] = (),
) -> dict[str, list[str]]:
    """What is known of each item or user, by its id, from a file such as RecBole's `.item` and `.user`; for `describe`.

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
    features: dict[str, list[str]] = {}
    for label, values in _by_id(Path(path), [key, *columns, *sequences, *words]).items():
        own = [f"{column}: {value}" for column, value in zip(columns, values, strict=False) if value]
        rest = values[len(columns) :]
        own += [part for value in rest[: len(sequences)] for part in value.split()]
        own += [word for value in rest[len(sequences) :] for word in re.findall(r"\w+", value.lower())]
        features[label] = list(dict.fromkeys(own))
    return features


def _by_id(path: Path, wanted: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    first_line: dict[str, int] = {}
    for number, (label, *values) in _rows(path, wanted, None):
        _check_id(path, number, wanted[0], label)
        if label in found:
            what = f"{label!r} has line {first_line[label]} already; keep one line for each id"
            _wrong(path, number, wanted[0], what)
        found[label], first_line[label] = values, number
    return found


# ---- the plain pass: one line at a time


def _wrong(path: Path, line: int, column: str | None, what: str) -> NoReturn:
    raise ValueError(f"{path}, line {line}{'' if column is None else f', column {column!r}'}: {what}")


def _is_json(path: Path) -> bool:
    return Path(path.name.removesuffix(".gz")).suffix in (".json", ".jsonl", ".ndjson")


def _open(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def _lines(path: Path) -> Iterator[str]:
    number = 0
    with _open(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            _wrong(path, number, None, f"byte {byte:#04x} is not UTF-8; save the file as UTF-8")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            _wrong(path, number + 1, None, f"the gzip file is cut short or damaged ({error}); fetch or pack it again")


def _rows(path: Path, wanted: list[str], header: Sequence[str] | None) -> Iterator[tuple[int, list[str]]]:
    """The number of each line that is not blank, and the text of the wanted columns."""
    rows = _json_rows(path, wanted) if _is_json(path) else _text_rows(path, wanted, header)
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        what = "there is no line with data; the file must have at least one" + ("" if header else ", below the header")
        _wrong(path, 1 if header or _is_json(path) else 2, None, what)


def _json_rows(path: Path, wanted: list[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            _wrong(path, number, None, f"{_short(line)} is not JSON ({error}); each line must be one object")
        if not isinstance(record, dict):
            _wrong(path, number, None, f"{_short(line)} is not a JSON object; each line must be one, as in {{…}}")
        values = []
        for column in wanted:
            if column not in record:
                _wrong(path, number, column, f"the object has no such key; it has {_names(record)}")
            value = record[column]
            if isinstance(value, float) and value.is_integer() and column == wanted[min(2, len(wanted) - 1)]:
                value = int(value)
            if isinstance(value, bool) or not isinstance(value, str | int):
                _wrong(path, number, column, f"{value!r} is neither text nor a whole number; write it as one of them")
            values.append(str(value))
        yield number, values


def _text_rows(path: Path, wanted: list[str], header: Sequence[str] | None) -> Iterator[tuple[int, list[str]]]:
    lines = _lines(path)
    first = next(lines, None)
    if first is None:
        _wrong(path, 1, None, "the file is empty; it must have a header line and at least one line below it")
    separator, quoting = ("\t", csv.QUOTE_NONE) if "\t" in first else (",", csv.QUOTE_MINIMAL)
    rows = csv.reader(chain([first], lines), delimiter=separator, quoting=quoting, strict=True)
    names = header
    places = None if names is None else _places(path, wanted, names)
    while True:
        start = rows.line_num + 1  # a quoted field may hold line ends
        try:
            fields = next(rows, None)
        except csv.Error as error:
            _wrong(path, start, None, f"not well-formed text ({error}); close each quote, and double one within quotes")
        if fields is None:
            return
        if names is None or places is None:
            names = [_untyped(name) for name in fields]
            places = _places(path, wanted, names)
        elif fields and len(fields) != len(names):
            column = names[min(len(fields), len(names) - 1)]
            what = f"{len(fields)} fields, and there must be {len(names)}: {_names(names)}"
            _wrong(path, start, column, f"{what}; got {_short(separator.join(fields))}")
        elif fields:
            yield start, [fields[place] for place in places]


def _untyped(name: str) -> str:
    return re.sub(r":(token|float)(_seq)?$", "", name)


def _places(path: Path, wanted: list[str], names: Sequence[str]) -> list[int]:
    for column in map(_untyped, wanted):
        count = list(names).count(column)
        if count != 1:
            where = "is not in the header" if count == 0 else f"is {count} times in the header"
            what = f"it {where}, which has {_names(names)}; name the file's own column, each name once"
            _wrong(path, 1, column, f"{what}, or give header=… if the first line is data")
    return [list(names).index(_untyped(column)) for column in wanted]


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 80 else text[:79] + "…")


def _check_id(path: Path, number: int, column: str, label: str) -> None:
    if not label.strip(" ") or "\0" in label:
        what = "is no id; an id is text that is not blank, without NUL: fill it in, or drop the line"
        _wrong(path, number, column, f"{label!r} {what}")


_NUMBER = re.compile(r"(-?[0-9]{1,18})(\.0*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?)?")


def _time(path: Path, number: int, column: str, text: str) -> tuple[int, str]:
    """A time, and how it is written."""
    if match := _NUMBER.fullmatch(text):
        return int(match[1]), "number"
    if _DATE.fullmatch(text):
        try:
            date = datetime.fromisoformat(text)
            return int(date.replace(tzinfo=date.tzinfo or UTC).timestamp()), "date"
        except ValueError:
            pass  # the 31st of June
    what = "is no time; it must be a whole number, such as Unix seconds, or a date as in 2010-10-19T23:55:27Z"
    _wrong(path, number, column, f"{text!r} {what}. Write parts of a second as whole milliseconds")


def _read_lines(path: Path, wanted: list[str], header: Sequence[str] | None, only: str | None):
    """The plain pass: (labels, code of each row) of users and of items, and the times."""
    numbers: tuple[dict[str, int], dict[str, int]] = {}, {}
    codes, times = (array("q"), array("q")), array("q")
    writing = None
    for number, values in _rows(path, wanted, header):
        if only is not None and values[3] != only:
            continue
        for column in (0, 1):
            _check_id(path, number, wanted[column], values[column])
            codes[column].append(numbers[column].setdefault(values[column], len(numbers[column])))
        time, how = _time(path, number, wanted[2], values[2])
        if how != (writing or how):
            _wrong(path, number, wanted[2], f"{values[2]!r} is a {how} below a {writing}; write all times in one way")
        times.append(time)
        writing = how
    if not times:
        _wrong(path, 1, wanted[3], f"no line has {only!r} there; give a value that the file has")
    columns = []
    for column in (0, 1):
        labels, ranks = np.unique(np.array(list(numbers[column]), dtype=np.str_), return_inverse=True)
        columns.append((labels, ranks[np.frombuffer(codes[column], dtype=np.int64)]))
    return columns[0], columns[1], np.frombuffer(times, dtype=np.int64)


# ---- the quick pass: NumPy over blocks of lines. It returns None for whatever it does not know


def _read_blocks(path: Path, wanted: list[str], header: Sequence[str] | None, only: str | None):
    """What `_read_lines` returns, or None."""
    blocks = []
    try:
        with _open(path) as file:
            first = file.readline().removeprefix(codecs.BOM_UTF8)
            separator = b"\t" if b"\t" in first else b","
            rest = first if header else b""
            names = header or [_untyped(name) for name in first.decode().rstrip("\r\n").split(separator.decode())]
            places = _places(path, wanted, names)
            while read := file.read(BLOCK):
                cut = read.rfind(b"\n") + 1
                block, rest = (rest + read[:cut], read[cut:]) if cut else (b"", rest + read)
                if block:
                    blocks.append(_read_block(block, separator, len(names), places, only))
            if rest:
                blocks.append(_read_block(rest + b"\n" * (rest[-1:] != b"\n"), separator, len(names), places, only))
    except (ValueError, EOFError, OSError, zlib.error):
        return None  # the plain pass meets it again, and names it
    columns = [list(column) for column in zip(*blocks, strict=True)]
    del blocks
    if not columns or not any(map(len, columns[2])):
        return None
    # the largest column first, and none of its parts is kept
    times = np.concatenate(columns.pop())
    items = _join(columns.pop())
    return _join(columns.pop()), items, times


def _read_block(block: bytes, separator: bytes, num: int, places: list[int], only: str | None):
    """The distinct ids and the code of each line's, of users and of items, and the times; ValueError if not plain."""
    block = block.replace(b"\r\n", b"\n")
    if not block.isascii() or b"\0" in block or b"\r" in block or (separator == b"," and b'"' in block):
        raise ValueError("not plain")
    text = np.frombuffer(block + bytes(MAX_BYTES), dtype=np.uint8)  # room to look past the last field
    ends = np.flatnonzero((text == ord("\n")) | (text == separator[0])).reshape(-1, num)  # of fields
    if (text[ends[:, -1]] != ord("\n")).any() or block.count(b"\n") != len(ends):
        raise ValueError("a line with too few or too many fields")
    starts = np.concatenate([[0], ends.ravel()[:-1] + 1]).reshape(-1, num)
    columns = [_column(text, starts[:, place], ends[:, place]) for place in places]
    if only is not None:
        keep = columns.pop() == only.encode()
        columns = [column[keep] for column in columns]
    times = columns.pop()
    digits = times.view(np.uint8)
    if ((digits - ord("0") > 9) & (digits != 0)).any() or times.itemsize > 18:  # below "0" it wraps around
        raise ValueError("not whole numbers, or too large")
    return *map(_unique, columns), times.astype(np.int64)


def _column(text: Array, starts: Array, ends: Array) -> Array:
    """The fields between starts and ends, as bytes."""
    sizes = ends - starts
    if sizes.min() < 1 or sizes.max() > MAX_BYTES or (text[starts] == ord(" ")).any():  # may be blank
        raise ValueError("an id that is empty, blank or long")
    letters = np.zeros((len(sizes), max(8, sizes.max())), dtype=np.uint8)
    for place in range(sizes.max()):
        letters[:, place] = text[starts + place] * (place < sizes)
    return letters.view(f"S{letters.shape[1]}")[:, 0]


def _unique(words: Array) -> tuple[Array, Array]:
    """The distinct words in sorted order, and the place in it of each word."""
    if words.itemsize > 8:
        labels, codes = np.unique(words, return_inverse=True)
    else:  # eight bytes, the first the most significant, are a number in the same order, and sort much faster
        numbers, codes = np.unique(words.view(">u8").astype(np.uint64), return_inverse=True)
        labels = numbers.astype(">u8").view("S8")
    return labels, codes.astype(np.int32)


def _join(parts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The distinct ids of all blocks in sorted order, and the place in it of each line's id."""
    labels, place = _unique(np.concatenate([labels for labels, _ in parts]))
    offsets = np.cumsum([0, *(len(labels) for labels, _ in parts)])
    codes = [place[start + codes] for start, (_, codes) in zip(offsets, parts, strict=False)]
    return labels.astype(np.str_), np.concatenate(codes)
