"""Binder would build from what this repository says; `python -m tools.try_binder` does the rest of its steps."""

import json
import subprocess

import pytest

from tools import try_binder
from tools.notebooks import ROOT, LessonError, sources


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> str:
    if not (ROOT / ".git").exists():
        pytest.skip("this is a download without git, and Binder builds from a clone")
    clone = tmp_path_factory.mktemp("binder") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    return try_binder.dockerfile(clone)


def test_repo2docker_takes_our_python_and_our_steps(built):
    try_binder.check_dockerfile(built)


def test_the_conda_commands_have_no_quote_that_cmd_exe_hands_on():
    commands = [line[4:] for line in (ROOT / "environment.yml").read_text("utf-8").splitlines() if line[:4] == "#   "]
    assert [command.split()[0] for command in commands] == ["conda", "conda", "pip", "jupyter"]
    assert "'" not in "".join(commands)
    assert (ROOT / commands[-1].split()[-1]).exists()


def test_a_repository_without_them_is_noticed(tmp_path):
    (tmp_path / "environment.yml").write_text("dependencies: [python=3.12]\n")
    with pytest.raises(LessonError, match=r"python=3\.11, src/binder/environment\.yml, \./binder/postBuild"):
        try_binder.check_dockerfile(try_binder.dockerfile(tmp_path))


def test_every_lesson_ran_as_on_binder_and_within_a_gigabyte():
    measured = json.loads((ROOT / "binder" / "measured.json").read_text())
    assert all(lesson["peak_mb"] < 1000 for lesson in measured["lessons"].values())
    if new := {source.stem[:2] for source in sources()} - set(measured["lessons"]):
        pytest.skip(f"lesson {', '.join(sorted(new))} is new: run `python -m tools.try_binder` before you publish it")
