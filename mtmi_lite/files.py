"""Files that are whole or not there: each is written under a temporary name and moved into place at the end."""

import contextlib
import os
import platform
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO

import numpy as np


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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(name, 0o644)  # a temporary file is its owner's alone
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
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError:
        raise
    except (ValueError, TypeError, EOFError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cut short, or not {what} ({error}); delete it and make it again") from error
    if needed not in arrays:
        raise ValueError(f"{path}: this is not {what}; give a file that mtmi_lite saved as one")
    return arrays


def save_text(path: Path | str, text: str) -> None:
    """Write a text."""
    with whole_file(path) as file:
        file.write(text.encode())


def package_versions() -> dict[str, str]:
    """The versions that a result depends on."""
    packages = ("torch", "faiss-cpu", "numpy", "umap-learn", "mtmi-lite")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
