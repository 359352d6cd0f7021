"""Files that are whole or not there: each is written under a temporary name and moved into place at the end."""

import contextlib
import glob
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

import numpy as np

DAY = 24 * 60 * 60
UMASK = os.umask(0)
os.umask(UMASK)  # to read it is to set it, so not while other threads create files


@contextlib.contextmanager
def whole_file(path: Path | str) -> Iterator[IO[bytes]]:
    """A file to write into that takes the place of `path` at the end, unless something goes wrong before.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with whole_file(path) as file:
    ...     _ = file.write(b"all of it")
    >>> path.read_bytes()
    b'all of it'
    """
    path = Path(os.path.realpath(path))  # a link stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.part"):  # by a process that was killed
        if time.time() - left.stat().st_mtime > DAY:
            left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        os.chmod(name, 0o666 & ~UMASK)  # a temporary file is its owner's alone
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def save_arrays(path: Path | str, arrays: Mapping[str, np.ndarray], *, compressed: bool = False) -> None:
    """Write named arrays to a `.npz` file; numbers and text only, so that nothing has to be unpickled."""
    with whole_file(path) as file:
        (np.savez_compressed if compressed else np.savez)(file, allow_pickle=False, **arrays)


def read_arrays(path: Path | str, what: str, needed: str) -> dict[str, np.ndarray]:
    """All arrays of a file that `save_arrays` wrote.

    Args:
        what: what the file should be, for the message.
        needed: the name of an array that it must have.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is cut short, or something else.
    """
    with refusing(path, what), np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    if needed not in arrays:
        raise ValueError(f"{path}: this is not {what}; give a file that mtmi_lite saved as one")
    return arrays


@contextlib.contextmanager
def refusing(path: Path | str, what: str) -> Iterator[None]:
    """Turn any error in reading a file into a ValueError that says what the file should be.

    Corrupt input can raise anything.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ValueError(f"{path}: cut short, or not {what} ({told}); delete it and make it again") from error


def save_text(path: Path | str, text: str) -> None:
    """Write a text."""
    with whole_file(path) as file:
        file.write(text.encode())


def package_versions() -> dict[str, str]:
    """The versions that a result depends on."""
    found = {"python": platform.python_version()}
    for name in ("torch", "faiss-cpu", "numpy", "umap-learn", "mtmi-lite"):
        with contextlib.suppress(PackageNotFoundError):  # conda's Faiss has another name
            found[name] = version(name)
    return found
