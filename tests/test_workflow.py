"""The workflow of continuous integration on GitHub, as far as it can be judged without running there."""

import re
import subprocess
import sys

import pytest
import yaml

from tools.notebooks import ROOT

PATH = ROOT / ".github" / "workflows" / "ci.yml"
WORKFLOW = yaml.safe_load(PATH.read_text(encoding="utf-8"))
STEPS = [(name, step["run"]) for name, job in WORKFLOW["jobs"].items() for step in job["steps"] if "run" in step]


def test_it_is_what_github_takes():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(PATH)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_it_tries_every_system_and_python_that_the_course_supports():
    matrix = WORKFLOW["jobs"]["course"]["strategy"]["matrix"]
    assert matrix == {"os": ["ubuntu-latest", "macos-14", "windows-latest"], "python": ["3.11", "3.12", "3.13"]}
    versions = WORKFLOW["jobs"]["versions"]["strategy"]["matrix"]["include"]
    assert {row["versions"] for row in versions} == {"newest", "lowest"}


@pytest.mark.parametrize("command", [command for name, command in STEPS if name != "everything"])
def test_a_step_needs_neither_make_nor_one_shell(command):
    assert command.startswith("python ")
    assert not re.search(r"[\n&|;<>`$']", re.sub(r'\$\{\{.*?\}\}|"[^"$`]*"', "", command))


def test_what_a_step_names_is_there():
    named = {word for _, command in STEPS for word in command.split()}
    paths = [name for name in named if re.fullmatch(r"(tests|tools|notebooks|\.ci)/[\w/.]+", name)]
    assert len(paths) == 4
    assert [path for path in paths if not (ROOT / path).exists()] == []
