"""Each exercise check lets the solution pass, and turns away the stub and plausible wrong answers, saying why."""

import re
import subprocess
import sys
from importlib import import_module

import pytest

from lessons.common.checks import NOT_WRITTEN, Wrong
from tools import notebooks as pipeline

NUMBERS = [path.stem[:2] for path in pipeline.sources()]
CHECKS = {number: import_module(f"lessons.lesson_{number}.checks") for number in NUMBERS}
ANSWERS = {number: import_module(f"lessons.lesson_{number}.tests.answers") for number in NUMBERS}
EXERCISES = [(number, name) for number in NUMBERS for name in ANSWERS[number].RIGHT]
ALSO = [
    (number, name, place)
    for number in NUMBERS
    for name, others in getattr(ANSWERS[number], "ALSO_RIGHT", {}).items()
    for place in range(len(others))
]
CASES = [(number, name, case) for number, name in EXERCISES for case in ANSWERS[number].WRONG[name]]


@pytest.fixture
def grading(monkeypatch):
    monkeypatch.setenv("MTMI_GRADING", "1")


def judge(number: str, name: str, answer: object) -> None:
    getattr(CHECKS[number], name)(answer, *getattr(ANSWERS[number], "MORE", {}).get(name, ()))


@pytest.mark.parametrize("number", NUMBERS)
def test_every_exercise_has_a_right_answer_and_three_wrong_ones_beside_the_stub(number):
    checks = {name for name, value in vars(CHECKS[number]).items() if hasattr(value, "is_exercise")}
    assert checks == set(ANSWERS[number].RIGHT) == set(ANSWERS[number].WRONG)
    assert len(checks) >= 3
    for name, cases in ANSWERS[number].WRONG.items():
        stubs = [case for case, (_, reason) in cases.items() if reason in NOT_WRITTEN]
        assert stubs, f"{name}: no stub among its wrong answers"
        assert len(cases) - len(stubs) >= 3, f"{name}: fewer than three wrong answers"
        messages = [reason for _, reason in cases.values()]
        assert len(set(messages)) >= 3, f"{name}: its wrong answers hear the same"


@pytest.mark.parametrize("number", NUMBERS)
def test_every_exercise_stands_in_the_lesson(number):
    cells = pipeline.read_source(next(iter(pipeline.sources([number])))).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert [name for name in ANSWERS[number].RIGHT if f"checks.{name}(" not in code] == []
    assert code.count("# BEGIN SOLUTION") == len(ANSWERS[number].RIGHT)


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_the_right_answer_passes(number, name, grading, capsys):
    judge(number, name, ANSWERS[number].RIGHT[name])
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("number", "name", "place"), ALSO)
def test_another_right_answer_passes_too(number, name, place, grading, capsys):
    judge(number, name, ANSWERS[number].ALSO_RIGHT[name][place])
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("number", "name", "case"), CASES)
def test_a_wrong_answer_is_turned_away_with_a_reason(number, name, case, grading):
    answer, reason = ANSWERS[number].WRONG[name][case]
    with pytest.raises(Wrong) as verdict:
        judge(number, name, answer)
    assert reason in str(verdict.value)


@pytest.mark.parametrize(("number", "name", "case"), CASES)
def test_outside_of_grading_a_check_lets_the_lesson_go_on(number, name, case, monkeypatch, capsys):
    monkeypatch.delenv("MTMI_GRADING", raising=False)
    judge(number, name, ANSWERS[number].WRONG[name][case][0])
    assert capsys.readouterr().out.startswith("✗")


def first_code(number: str) -> str:
    """The first cell of a lesson that imports anything."""
    cells = pipeline.read_source(next(iter(pipeline.sources([number])))).cells
    return next(cell.source for cell in cells if cell.cell_type == "code" and "import " in cell.source)


def test_every_lesson_begins_with_its_checks():
    begins = {first_code(number).replace(f"lesson_{number}", "lesson_NN") for number in NUMBERS}
    assert len(begins) == 1
    assert begins.pop().startswith("try:\n    from lessons.lesson_NN import checks\nexcept ModuleNotFoundError")


def test_a_lesson_says_where_it_must_lie(tmp_path):
    done = subprocess.run([sys.executable, "-c", first_code("01")], cwd=tmp_path, capture_output=True, text=True)
    said = done.stderr.splitlines()
    assert said[-1].startswith("ModuleNotFoundError: No module named 'lessons'. Close this notebook, run `make lab`")
    assert "During handling" not in done.stderr


def test_a_lesson_names_what_is_missing_and_how_to_mend_it():
    bare = [sys.executable, "-I", "-S", "-c"]  # sees no installed package
    program = f"import sys; sys.path.insert(0, {str(pipeline.NOTEBOOKS)!r})\n{first_code('01')}"
    done = subprocess.run([*bare, program], capture_output=True, text=True)
    said = done.stderr.splitlines()[-1]
    assert re.match(r"ImportError: missing: torch, faiss, .*mtmi_lite\. .*`make lab`.*pip install -e", said)
