"""tools/start.py and the Makefile: what they refuse, and how they start. The README's commands are run in a clone."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tools import start
from tools.notebooks import ROOT

HERE = {"version": [3, 12], "system": "linux", "machine": "x86_64", "bits": 64, "libc": ["glibc", "2.36"], "macos": ""}
MAC = {"system": "darwin", "machine": "arm64", "libc": ["", ""], "macos": "14.5"}
WINDOWS = {"system": "win32", "machine": "win-amd64", "libc": ["", ""]}


@pytest.mark.parametrize("other", [{}, {"machine": "aarch64", "libc": ["glibc", "2.28"]}, MAC, WINDOWS])
def test_a_system_with_all_packages_is_accepted(other):
    assert start.objection(HERE | other) == ""


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"version": [3, 10]}, "it is Python 3.10"),
        ({"version": [3, 14]}, "it is Python 3.14"),
        ({"libc": ["", ""]}, "no glibc (Alpine"),
        ({"libc": ["glibc", "2.27"]}, "glibc 2.27"),
        ({"machine": "riscv64"}, "64-bit Python for riscv64 on linux"),
        (MAC | {"machine": "x86_64"}, "64-bit Python for x86_64 on darwin"),
        (MAC | {"macos": "13.6.1"}, "macOS 13.6.1"),
        (WINDOWS | {"machine": "win-arm64"}, "64-bit Python for win-arm64"),
        (WINDOWS | {"machine": "win32", "bits": 32}, "32-bit Python for win32"),
        ({"system": "freebsd14"}, "x86_64 on freebsd14"),
    ],
)
def test_another_system_is_named_at_once_with_those_that_do(other, reason):
    said = start.objection(HERE | other)
    assert reason in said
    assert ("Apple silicon" in said) == ("it is Python 3" not in said)


def test_this_python_says_what_it_is():
    found = start.probe([sys.executable])
    assert found is not None
    assert found["version"] == list(sys.version_info[:2])
    assert set(found) == {*HERE, "modules"}
    assert start.probe(["no-such-python"]) is None


def fake_python(path: Path, **other: object) -> Path:
    """A program that answers as some Python would."""
    answer = HERE | {"modules": ["ensurepip", "pip", "venv"]} | other
    path.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    path.chmod(0o755)
    return path


posix = pytest.mark.skipif(os.name != "posix", reason="its Pythons are shell scripts")


@posix
def test_a_python_that_suits_is_looked_for_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHON", "")
    monkeypatch.setattr(sys, "executable", str(fake_python(tmp_path / "mine", version=[3, 8])))
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    fake_python(tmp_path / "python3.13", modules=["venv", "pip"])
    with pytest.raises(SystemExit) as stopped:
        start.find_python()
    said = str(stopped.value)
    assert f"{tmp_path}/mine: it is Python 3.8" in said
    assert "python3.13: it lacks venv or ensurepip" in said
    assert "python3:" not in said
    fake_python(tmp_path / "python3.11")
    assert start.find_python() == ["python3.11"]


@posix
def test_python_may_name_one_with_a_space_and_no_other_is_taken(tmp_path, monkeypatch):
    folder = tmp_path / "with a space"
    folder.mkdir()
    monkeypatch.setenv("PYTHON", str(fake_python(folder / "python3.11")))
    assert start.find_python() == [f"{folder}/python3.11"]
    monkeypatch.setenv("PYTHON", f"{folder}/python3.12")
    with pytest.raises(SystemExit, match=r"with a space/python3\.12: it does not run"):
        start.find_python()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty project, in a folder with a space."""
    folder = tmp_path / "with a space"
    folder.mkdir()
    for name in start.LOCKS:
        shutil.copy(ROOT / name, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TORCH_INDEX", "")
    return folder


@pytest.fixture
def called(monkeypatch) -> list[str]:
    """The commands that are run; each does nothing, and succeeds."""
    commands: list[str] = []
    monkeypatch.setattr(start, "call", lambda *command: commands.append(" ".join(map(str, command))))
    monkeypatch.setattr(start, "find_python", lambda: ["python3.11"])
    (start.VENV).mkdir()
    return commands


def test_a_full_disk_is_named_before_anything_is_made(folder, called, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12, 10**9))
    with pytest.raises(SystemExit, match=r"1\.0 GB are free on this disk, and the course needs 3"):
        start.install("dask")
    assert called == []


def test_an_installation_is_made_once_and_again_when_the_locks_change(folder, called):
    start.install("dask")
    assert called[0] == f"python3.11 -m venv --clear {start.VENV}"
    assert called[1].endswith("--editable .[dask] --constraint constraints.txt")
    start.install("dask")
    assert len(called) == 2
    start.install("dev")
    assert called[3].endswith("--editable .[dev] --constraint constraints.txt")
    start.install("dask")
    start.install("dev")
    assert len(called) == 4
    (folder / "constraints.txt").write_text("numpy==2.4.6\n")
    start.install("dev")
    assert len(called) == 6


def test_an_interrupted_installation_is_taken_up_again(folder, called, monkeypatch):
    start.install("dev")
    (folder / "constraints.txt").write_text("numpy==2.4.6\n")
    monkeypatch.setattr(start, "call", lambda *command: int("pip" in command))
    with pytest.raises(SystemExit, match="The same command goes on from here"):
        start.install("dev")
    assert not [stamp for stamp in start.STAMPS.values() if stamp.exists()]


def test_one_more_index_is_handed_to_pip(folder, called, monkeypatch):
    monkeypatch.setenv("TORCH_INDEX", "https://example.org/cpu")
    start.install("dask")
    assert called[1].endswith("--extra-index-url https://example.org/cpu")


@posix
@pytest.mark.parametrize(("user", "added"), [(0, ["--allow-root"]), (1000, [])])
def test_root_gets_the_flag_without_which_jupyterlab_stops_and_is_told(user, added, monkeypatch, capsys):
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: started.append(command))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    start.lab(["--no-browser"])
    assert started[0][-1 - len(added) :] == ["--no-browser", *added]
    assert ("--allow-root" in capsys.readouterr().out) == bool(added)


def test_an_unknown_word_after_install_is_named():
    with pytest.raises(SystemExit, match="install everything: after install comes dev, or nothing"):
        start.main(["install", "everything"])
