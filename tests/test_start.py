"""tools/start.py and the Makefile: what they refuse, and how they start. The README's commands are run in a clone."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

from tools import start
from tools.notebooks import ROOT

HERE = {"version": [3, 12], "system": "linux", "machine": "x86_64", "bits": 64, "libc": ["glibc", "2.36"], "macos": ""}
MAC = {"system": "darwin", "machine": "arm64", "libc": ["", ""], "macos": "14.5"}
README = (ROOT / "README.md").read_text(encoding="utf-8")
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


OUTSIDE = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
"""The environment without what `make test` says to a make that it starts itself."""

posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
with_make = pytest.mark.skipif(os.name != "posix" or not shutil.which("make"), reason="needs make and a POSIX shell")


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


# --- from the README's own words to a server that shows lesson 00 ---------------------------------------------------


def commands_of(language: str) -> str:
    """What stands in the README for a shell."""
    [commands] = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return commands


def test_the_readme_has_three_commands_for_each_shell():
    plain, power, cmd = (commands_of(language).splitlines() for language in ("sh", "powershell", "bat"))
    assert len(plain) == 3
    assert plain[:2] == power[:2] == cmd[:2]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mtmi-lite"]
    assert plain[0] == f"git clone https://github.com/{project['repository']}"
    assert [plain[2], power[2], cmd[2]] == ["python3 tools/start.py", "py tools/start.py", r"py tools\start.py"]


def test_the_readme_names_the_systems_and_the_disk_that_the_set_up_wants():
    [section] = re.findall(r"^## Where it runs\n(.*?)^##", README, re.DOTALL | re.MULTILINE)
    wanted = ("x86-64 or Arm", "glibc 2.28 or newer", "macOS 14 or newer on Apple silicon", "Windows on x64")
    assert [words for words in wanted if words not in section or words not in start.SYSTEMS] == []
    assert f"{start.NEEDED_GB:g} GB must be free ({start.CUDA_GB:g} GB with CUDA)" in section


def borrowed(folder: Path) -> dict[str, str]:
    """Variables with which an empty environment needs no network: it sees the packages of this one, but the course."""
    packages = folder / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "mtmi_lite" not in entry.name:
            (packages / entry.name).symlink_to(entry)
    return {
        "PYTHONPATH": str(packages),
        "JUPYTER_PATH": f"{sys.prefix}/share/jupyter",
        "JUPYTERLAB_DIR": f"{sys.prefix}/share/jupyter/lab",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # means yes, since pip reads it as the value of what it turns off
    }


def served(command: str, folder: Path, environment: dict[str, str], seconds: float) -> tuple[str, bytes]:
    """What a command prints that starts JupyterLab, and lesson 00 as the printed address gives it; then it is ended."""
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["sh", "-ec", command], cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + seconds
    try:
        while not (address := re.search(r" (http://127\S+)/lab/tree/(\S+)\?(token=\w+)", log.read_text())):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        host, lesson, token = address.groups()
        while True:
            try:
                with urllib.request.urlopen(f"{host}/files/{lesson}?{token}", timeout=60) as answer:
                    return log.read_text(), answer.read()
            except urllib.error.URLError:  # it prints its address first, and then listens
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


class Student(NamedTuple):
    """What came of the README's commands in an empty folder."""

    printed: str
    lesson: bytes
    clone: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def student(tmp_path_factory) -> Student:
    """Somebody who has Python and git, which turns LF into CRLF where the project lets it, and follows the README."""
    if os.name != "posix" or not (ROOT / ".git").exists():
        pytest.skip("needs a plain shell, and a git repository to clone")
    folder = tmp_path_factory.mktemp("a student")
    (folder / "here").mkdir()
    git = {f"url.{ROOT}.insteadOf": commands_of("sh").split()[2], "core.autocrlf": "true"}
    environment = OUTSIDE | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")},
        **{f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ("SETTINGS", "WORKSPACES")},
        "BROWSER": "true",  # a program that does nothing
        "TMPDIR": str(folder),
        "GIT_CONFIG_COUNT": str(len(git)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(git)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(git.values())},
    }
    if "MTMI_INSTALL" not in os.environ:
        environment |= borrowed(folder)
    seconds = 800 if "MTMI_INSTALL" in os.environ else 200
    printed, lesson = served(commands_of("sh"), folder / "here", environment, seconds)
    return Student(printed, lesson, folder / "here" / "mtmi-lite", environment)


@pytest.mark.timeout(900)
def test_the_commands_of_the_readme_open_lesson_00_in_an_empty_folder(student):
    assert student.lesson == (student.clone / "notebooks" / start.FIRST).read_bytes()
    assert "Making .venv with" in student.printed
    assert ("You are root" in student.printed) == (os.geteuid() == 0)
    for name in ("Makefile", "binder/start", "tools/start.py"):
        assert b"\r\n" not in (student.clone / name).read_bytes()


@with_make
@pytest.mark.timeout(900)
def test_make_hands_options_to_jupyterlab_and_does_not_install_again(student):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = f'make lab JUPYTER="--no-browser --ip=127.0.0.1 --port={port}"'
    printed, _ = served(command, student.clone, student.environment, 200)
    assert f"http://127.0.0.1:{port}/lab" in printed
    assert "Installing" not in printed


@with_make
def test_make_help_lists_the_targets_with_any_awk():
    done = subprocess.run(["make", "help"], cwd=ROOT, env=OUTSIDE, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert "  make lab             open the course in JupyterLab, on lesson 00" in lines
    told = re.findall(r"^\| `make ([a-z-]+)`", README, re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["help", *told]
