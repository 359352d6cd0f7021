"""Every lesson: its solved notebook runs and its numbers hold, and what is committed keeps the rules of the course."""

import re
from itertools import pairwise

import nbformat
import pytest
from markdown_it import MarkdownIt

from tools import notebooks as pipeline

BANDS: dict[str, dict[str, tuple[float, float, str]]] = {
    "00": {
        "recall_50": (0.235, 0.31, "training or the metric broke: Most Popular has 0.12, far too much repel 0.08"),
        "recall_50_over_popular": (2.0, 3.0, "the model hardly beats the best-sellers, or their count is wrong"),
        "recall_50_over_one_tower": (-0.005, 0.05, "several towers cost recall, or one tower was trained less"),
        "median_overlap": (0.05, 0.5, "the towers bring the same products: copies have 0.87"),
        "least_share": (0.05, 0.25, "a tower is dead, or the merge gives its hits to another"),
        "cosine": (0.4, 0.75, "the towers collapsed (copies have 0.99), or the repel is far too strong (0.14)"),
        "copies_cosine": (0.97, 1.0, "what should collapse does not: the share ignores α, or the repel is on at β = 0"),
    },
}
"""By the number of a lesson and the name of a result: the lowest and the highest value, and what a value outside of
them would mean. A band is set from several seeds, and leaves out what a broken system gives."""

MAX_WORDS = 2_000
MAX_CELLS = 60
MAX_CODE_LINES = 25

SOURCES = {path.stem[:2]: path for path in pipeline.sources()}


@pytest.mark.parametrize("number", SOURCES)
def test_the_results_of_a_solved_lesson_are_within_their_bands(number, tmp_path):
    ran = pipeline.run_solved(SOURCES[number], parameters={"profile": "fast"}, output=tmp_path / "solved.ipynb")
    outside = [
        f"{name} is {ran.results[name]}, not within [{low}, {high}]: {meaning}"
        for name, (low, high, meaning) in BANDS[number].items()
        if not low <= ran.results[name] <= high
    ]
    assert not outside, "\n".join(outside)


def test_every_lesson_has_bands():
    assert set(BANDS) == set(SOURCES)


@pytest.fixture(params=SOURCES)
def lesson(request) -> nbformat.NotebookNode:
    """The committed notebook of a lesson."""
    return nbformat.read(pipeline.NOTEBOOKS / f"{SOURCES[request.param].stem}.ipynb", as_version=4)


def prose_tokens(lesson: nbformat.NotebookNode) -> list:
    text = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    return MarkdownIt().enable("table").parse(text)


def test_a_lesson_may_be_committed(lesson):
    pipeline.verify(lesson)


def test_a_lesson_is_short(lesson):
    texts = [token.content for token in prose_tokens(lesson) if token.type in ("inline", "html_block")]
    bare = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", " ".join(texts))
    assert len(re.findall(r"\w[\w’'.-]*", bare)) <= MAX_WORDS
    assert len(lesson.cells) <= MAX_CELLS
    long = {cell.id for cell in lesson.cells if cell.cell_type == "code" and cell.source.count("\n") >= MAX_CODE_LINES}
    assert not long, f"these cells have more than {MAX_CODE_LINES} lines"


def test_a_lesson_has_one_title_and_skips_no_heading_level(lesson):
    levels = [int(token.tag[1]) for token in prose_tokens(lesson) if token.type == "heading_open"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_every_image_in_the_prose_has_alt_text(lesson):
    tokens = prose_tokens(lesson)
    images = [child for token in tokens for child in token.children or [] if child.type == "image"]
    assert all(image.content for image in images)
    html = " ".join(
        piece.content for token in tokens for piece in (token, *(token.children or [])) if "html" in piece.type
    )
    assert not re.findall(r"""<img\b(?![^>]*\balt\s*=\s*["'][^"'])[^>]*>""", html)
