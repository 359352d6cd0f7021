"""Every lesson: its solved notebook runs and its numbers hold, and what is committed keeps the rules of the course."""

import ast
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from markdown_it import MarkdownIt

from tools import notebooks as pipeline

MAX_WORDS = 2_000
MAX_CELLS = 60
MAX_CODE_LINES = 25
MAX_MB = 900
MAX_SECONDS_OF_ALL = 300

SOURCES = {path.stem[:2]: path for path in pipeline.sources()}
BANDS = {number: import_module(f"lessons.lesson_{number}.tests.answers").BANDS for number in SOURCES}
"""By the number of a lesson and the name of a result: the lowest and the highest value, and what a value outside of
them would mean. A band is set from several seeds, and leaves out what a broken system gives."""
MEASURED = pipeline.read_measured()
LATER = ("06", "08", "09")
"""Lessons that are rewritten with their tables: they do not hide answers yet, and ask no questions at their end."""


@pytest.mark.parametrize("number", SOURCES)
def test_the_results_of_a_solved_lesson_are_within_their_bands(number, tmp_path):
    ran = pipeline.run_solved(SOURCES[number], parameters={"profile": "fast"}, output=tmp_path / "solved.ipynb")
    outside = [
        f"{name} is {ran.results[name]}, not within [{low}, {high}]: {meaning}"
        for name, (low, high, meaning) in BANDS[number].items()
        if not low <= ran.results[name] <= high
    ]
    assert not outside, "\n".join(outside)

    seen = " ".join(pipeline.in_sight(committed(number)).split())
    given_away = [line for line in answers_of(ran.notebook) if line in seen]
    assert not given_away, f"what answers a prediction is in sight: {given_away}"

    written = MEASURED[number]["peak_mb"]
    factor = ran.peak_mb / written
    assert 0.5 <= factor <= 2, (
        f"{ran.peak_mb:.0f} MB, and lessons.json says {written}; run `make notebooks LESSONS={number}`"
    )


def committed(number: str) -> nbformat.NotebookNode:
    """The committed notebook of a lesson."""
    return nbformat.read(pipeline.NOTEBOOKS / f"{SOURCES[number].stem}.ipynb", as_version=4)


def answers_of(executed: nbformat.NotebookNode) -> list[str]:
    """The lines with a number that the cells print which answer a prediction."""
    printed = [out.get("text", "") for cell in executed.cells if pipeline.is_answer(cell) for out in cell.outputs]
    return [" ".join(line.split()) for line in "\n".join(printed).splitlines() if re.search(r"\d", line)]


def test_the_lessons_are_quick_and_small_enough():
    assert set(MEASURED) == set(SOURCES)
    assert all(written["peak_mb"] < MAX_MB for written in MEASURED.values())
    assert sum(written["cpu_seconds"] for written in MEASURED.values()) < MAX_SECONDS_OF_ALL
    assert all(30 <= lesson.minutes <= 75 for lesson in pipeline.read_course())  # to read and do


def bare(function: ast.stmt) -> str:
    """A function or class without docstrings and annotations, and without what a decorator adds."""
    function = ast.parse(ast.unparse(function)).body[0]
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:]
            node.decorator_list = []
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(function)


def definitions(code: str) -> dict[str, str]:
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name: bare(node) for node in ast.parse(code).body if isinstance(node, kinds)}


LIBRARY = {
    name: definition
    for path in (Path(pipeline.ROOT) / "mtmi_lite").rglob("*.py")
    for name, definition in definitions(path.read_text(encoding="utf-8")).items()
}


@pytest.mark.parametrize("number", SOURCES)
def test_a_function_of_the_library_that_a_lesson_builds_is_the_librarys(number):
    solved = pipeline.solved(pipeline.read_source(SOURCES[number]))
    for cell in solved.cells:
        if cell.cell_type == "code":
            for name, definition in definitions(cell.source).items():
                assert definition == LIBRARY.get(name, definition), f"{cell.id}: {name} is not the library's"


def test_the_comparison_forgives_words_and_annotations_and_nothing_else():
    plain = definitions("def double(x):\n    return 2 * x")
    assert definitions('def double(x: float) -> float:\n    """Twice."""\n    return 2 * x  # two') == plain
    assert definitions("def double(x):\n    return x * 2") != plain


@pytest.fixture(params=SOURCES)
def lesson(request) -> nbformat.NotebookNode:
    """The committed notebook of a lesson."""
    return committed(request.param)


def prose_tokens(lesson: nbformat.NotebookNode) -> list:
    text = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    return MarkdownIt().enable("table").parse(text)


def test_a_lesson_may_be_committed(lesson):
    pipeline.verify(lesson)


def test_a_lesson_is_short(lesson):
    texts = [token.content for token in prose_tokens(lesson) if token.type in ("inline", "html_block")]
    unfolded = re.sub(r"<details>.*?</details>", "", " ".join(texts), flags=re.DOTALL)
    bare = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", unfolded)
    assert len(re.findall(r"\w[\w’'.-]*", bare)) <= MAX_WORDS
    assert len(lesson.cells) <= MAX_CELLS
    long = {cell.id for cell in lesson.cells if cell.cell_type == "code" and cell.source.count("\n") >= MAX_CODE_LINES}
    assert not long, f"these cells have more than {MAX_CODE_LINES} lines"


def test_a_lesson_has_one_title_and_skips_no_heading_level(lesson):
    levels = [int(token.tag[1]) for token in prose_tokens(lesson) if token.type == "heading_open"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("number", [number for number in SOURCES if number not in LATER])
def test_a_prediction_is_asked_for_before_its_answer_which_is_nowhere_in_sight(number):
    cells = pipeline.read_source(SOURCES[number]).cells
    asked = [place for place, cell in enumerate(cells) if "**Predict.**" in cell.source]
    assert asked, "a lesson asks for predictions"
    for place in asked:
        guess, answer = [cell for cell in cells[place:] if cell.cell_type == "code"][:2]
        assert re.match(r"(?s)my_\w+ = .*None", guess.source), f"{guess.id}: ask for the guess as `my_guess = None`"
        assert pipeline.is_answer(answer), f"{answer.id}: it answers a prediction; tag it `answer`"
    seen = pipeline.in_sight(committed(number)).casefold()
    for cell in filter(pipeline.is_answer, cells):
        assert cell.metadata.get("tells"), f"{cell.id}: say in `tells` which words would give the answer away"
        told = [words for words in cell.metadata.tells if words.casefold() in seen]
        assert not told, f"{cell.id}: the answer is given away by {told}; fold it in <details>"


@pytest.mark.parametrize("number", [number for number in SOURCES if number not in LATER])
def test_a_lesson_ends_with_five_questions_whose_answers_are_folded(number):
    questions = pipeline.questions_of(pipeline.read_source(SOURCES[number]))
    assert len(questions) == 5
    for question in questions:
        assert question.text.endswith("?") or question.text.endswith("."), question
        assert len(question.answer) > 40, f"an answer says why: {question}"
        assert len(question.options) != 1
        assert set(question.right) <= set(question.options) or not question.options, question
        assert question.right or not question.options, f"no option is right: {question}"
    assert sum(bool(question.right) for question in questions) >= 3, "three at least can be graded by a machine"


def test_a_lesson_prints_the_equations_that_it_builds():
    whole = "".join(cell.source for number in SOURCES for cell in pipeline.read_source(SOURCES[number]).cells)
    assert {f"\\tag{{{number}}}" for number in range(1, 10)} - set(re.findall(r"\\tag\{\d+\}", whole)) == set()


def test_every_image_in_the_prose_has_alt_text(lesson):
    tokens = prose_tokens(lesson)
    images = [child for token in tokens for child in token.children or [] if child.type == "image"]
    assert all(image.content for image in images)
    html = " ".join(
        piece.content for token in tokens for piece in (token, *(token.children or [])) if "html" in piece.type
    )
    assert not re.findall(r"""<img\b(?![^>]*\balt\s*=\s*["'][^"'])[^>]*>""", html)
