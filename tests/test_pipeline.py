"""The notebook pipeline, on a lesson of five cells in a temporary folder."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from lessons.common.checks import NOT_WRITTEN, Wrong, exercise
from tools import check_links, new_lesson, sizes
from tools import notebooks as pipeline

LESSON = '''\
# ---
# jupyter:
#   course:
#     builds: a line
#     after: []
#     minutes: 5
# ---

# %% [markdown]
# # A tiny lesson
# It took {{seconds}} seconds and {{memory_mb}} MB. [Open it on Binder]({{binder}}).

# %% tags=["parameters"]
profile = "fast"
count: int = 3

# %%
def double(x):
    """Twice x."""
    # BEGIN SOLUTION
    y = x + x
    return y
    # END SOLUTION


# %%
import plotly.graph_objects as go
from tqdm.auto import tqdm

list(tqdm(range(3)));

figure = go.Figure(go.Scatter(y=list(range(count))))
figure.update_layout(meta={"alt": "A line that rises."})

# %% tags=["results"]
from IPython.display import JSON

JSON({"count": count, "double": double(count)})
'''


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    path = tmp_path / "lesson_07" / "07_tiny.py"
    path.parent.mkdir()
    path.write_text(LESSON, encoding="utf-8")
    return path


def paint(figures: list[dict], form: str) -> list[bytes]:
    """Stands in for the browser."""
    return [b"a picture of " + json.dumps(figure["data"]).encode() for figure in figures]


def build(lesson: Path) -> Path:
    folder = lesson.parent.parent
    return pipeline.build(lesson, folder=folder, measured=folder / "lessons.json", paint=paint)


def difference(lesson: Path) -> str | None:
    folder = lesson.parent.parent
    return pipeline.difference(lesson, folder=folder, measured=folder / "lessons.json")


# --- without running -------------------------------------------------------------------------------------------------


def test_a_stub_stands_for_a_solution_at_its_indentation(lesson):
    code = pipeline.student(pipeline.read_source(lesson)).cells[2].source
    assert code == 'def double(x):\n    """Twice x."""\n    ...  # your code here'


def test_the_solved_notebook_has_no_markers(lesson):
    code = pipeline.solved(pipeline.read_source(lesson)).cells[2].source
    assert code == 'def double(x):\n    """Twice x."""\n    y = x + x\n    return y'


@pytest.mark.parametrize(
    "code",
    [
        "# BEGIN SOLUTION\n1",
        "1\n# END SOLUTION",
        "# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION",
    ],
)
def test_a_solution_without_both_markers_is_refused(lesson, code):
    lesson.write_text(LESSON + "\n# %%\n" + code + "\n", encoding="utf-8")
    with pytest.raises(pipeline.LessonError, match=r"cell-05.*SOLUTION"):
        pipeline.student(pipeline.read_source(lesson))


def test_placeholders_are_filled_with_measures_rounded_up(lesson):
    values = pipeline.placeholders(lesson, {"cpu_seconds": 11.2, "peak_mb": 601})
    text = pipeline.fill(pipeline.read_source(lesson), values).cells[0].source
    assert "It took 15 seconds and 650 MB." in text
    assert "urlpath=lab/tree/notebooks/07_tiny.ipynb" in text


@pytest.fixture
def course(tmp_path) -> list[pipeline.Lesson]:
    """Three lessons, of which the last needs both others."""
    for name, after in (("01_log", ""), ("02_tower", '"01"'), ("03_towers", '"01", "02"')):
        text = LESSON.replace("after: []", f"after: [{after}]").replace("A tiny lesson", name.title())
        path = tmp_path / f"lesson_{name[:2]}" / f"{name}.py"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
    return pipeline.read_course(tmp_path)


def test_the_map_shows_what_the_lessons_say_of_themselves(course):
    page = pipeline.course_map(course)
    assert '    L02["02 02_Tower"]' in page
    assert [line.strip() for line in page.split("\n") if "-->" in line] == ["L01 --> L02", "L01 --> L03", "L02 --> L03"]
    assert "02 needs 01; 03 needs 01 and 02" in page
    assert "| 01 | [01_Log](01_log.ipynb) | a line | 5 |" in page


def test_a_lesson_says_where_it_stands(course, tmp_path):
    filled = pipeline.placeholders(tmp_path / "lesson_02" / "02_tower.py", {"cpu_seconds": 1, "peak_mb": 1})
    assert filled["where"].startswith(
        "[01 01_Log](01_log.ipynb) → **02 02_Tower** → [03 03_Towers](03_towers.ipynb) · "
    )
    assert "| 02 | **02_Tower** (here) |" in filled["course"]
    last = pipeline.placeholders(tmp_path / "lesson_03" / "03_towers.py", {"cpu_seconds": 1, "peak_mb": 1})["where"]
    assert last.startswith("[02 02_Tower](02_tower.ipynb) → **03 03_Towers** · ")


def test_a_lesson_that_needs_a_later_one_or_says_too_little_is_refused(course, tmp_path):
    (tmp_path / "lesson_02" / "02_tower.py").write_text(LESSON.replace("after: []", 'after: ["03"]'), encoding="utf-8")
    with pytest.raises(pipeline.LessonError, match=r"02_tower\.py: after: 03 is no earlier lesson; there are 01"):
        pipeline.read_course(tmp_path)
    (tmp_path / "lesson_02" / "02_tower.py").write_text(LESSON.replace("#     minutes: 5\n", ""), encoding="utf-8")
    with pytest.raises(pipeline.LessonError, match=r"02_tower\.py: its header must hold course: builds, after and min"):
        pipeline.read_course(tmp_path)


def test_an_unknown_placeholder_is_refused(lesson):
    with pytest.raises(pipeline.LessonError, match=r"\{\{seconds\}\}; there are metres"):
        pipeline.fill(pipeline.read_source(lesson), {"metres": 1})


def test_cells_have_the_same_ids_in_every_build(lesson):
    first, second = pipeline.read_source(lesson), pipeline.read_source(lesson)
    assert [cell.id for cell in first.cells] == [f"cell-{number:02d}" for number in range(5)]
    assert first == second


def test_parameters_are_the_names_that_their_cell_sets(lesson):
    assert pipeline.parameters_of(pipeline.read_source(lesson)) == {"profile", "count"}


@pytest.mark.parametrize("tag", ["parameters", "results"])
def test_a_missing_tag_is_refused(lesson, tag):
    lesson.write_text(LESSON.replace(f' tags=["{tag}"]', ""), encoding="utf-8")
    with pytest.raises(pipeline.LessonError, match=f"0 cells are tagged '{tag}'"):
        pipeline.run_solved(lesson, parameters={"profile": "fast"}, cwd=lesson.parent)


def test_an_unknown_parameter_is_refused(lesson):
    with pytest.raises(pipeline.LessonError, match="unknown parameter cuont; there are count, profile"):
        pipeline.run_solved(lesson, parameters={"cuont": 4}, cwd=lesson.parent)


def with_output(output) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("a = 1", id="cell-00", metadata={"tags": ["parameters", "results"]})
    cell.outputs = [output]
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (nbformat.v4.new_output("display_data", {"text/plain": "x" * 1_000_001}), "at most 1,000,000"),
        (nbformat.v4.new_output("error", ename="ValueError", evalue="no"), "the output is an error, ValueError: no"),
        (nbformat.v4.new_output("stream", name="stderr", text="UserWarning: old"), "stderr.*UserWarning: old"),
        (nbformat.v4.new_output("display_data", {"image/png": "AAAA"}), "no alt text"),
        (nbformat.v4.new_output("display_data", {pipeline.WIDGET: {}}), "without a kernel this widget shows nothing"),
    ],
)
def test_what_may_not_be_committed_is_refused(output, message):
    with pytest.raises(pipeline.LessonError, match=message):
        pipeline.verify(with_output(output))


def test_the_answer_to_a_prediction_is_cleared_when_it_is_built_and_refused_in_sight():
    cell = nbformat.v4.new_code_cell("print(3)", metadata={"tags": ["answer"]}, id="answer")
    built = nbformat.v4.new_notebook(cells=[cell])
    ran = nbformat.from_dict(built)
    ran.cells[0].outputs = [nbformat.v4.new_output("stream", text="3\n")]
    assert pipeline.tidy(ran, built).cells[0].outputs == []
    with pytest.raises(pipeline.LessonError, match="in sight"):
        pipeline.verify(ran)


def test_what_is_in_sight_is_neither_folded_nor_code():
    figure = {"data": [], "layout": {"title": {"text": "A title"}, "xaxis": {"title": {"text": "an axis"}}}}
    cells = [
        nbformat.v4.new_markdown_cell("Open <details><summary>Hint</summary>folded</details>"),
        nbformat.v4.new_code_cell(
            "hidden",
            outputs=[
                nbformat.v4.new_output("stream", text="printed"),
                nbformat.v4.new_output("display_data", data={pipeline.PLOTLY: figure, "text/plain": "a figure"}),
            ],
        ),
    ]
    seen = pipeline.in_sight(nbformat.v4.new_notebook(cells=cells))
    assert seen.split("\n") == ["Open ", "printed", "a figure", "A title", "an axis", ""]


QUESTIONS = """\
## Five questions

**1.** Which?

- (a) This.
- (b) That, or
- (c) the other.

<details><summary>Answer</summary>

**(b) and (c).** Both.
</details>

**2.** How many?

<details><summary>Answer</summary>**1.5** times.</details>

**3.** Why?

<details><summary>Answer</summary>**Because** of that.</details>

## What next
"""


def test_questions_are_read_with_their_options_and_right_answers():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(QUESTIONS)])
    which, many, why = pipeline.questions_of(notebook)
    assert (which.text, which.right) == ("Which?", "bc")
    assert which.options == {"a": "This.", "b": "That, or", "c": "the other."}
    assert which.answer == "**(b) and (c).** Both."
    assert (many.text, many.right, many.options) == ("How many?", "1.5", {})
    assert (why.text, why.right) == ("Why?", "")


def test_widget_state_is_refused():
    notebook = with_output(nbformat.v4.new_output("display_data", {"text/plain": "1"}))
    pipeline.verify(notebook)
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    with pytest.raises(pipeline.LessonError, match="widget state"):
        pipeline.verify(notebook)


def test_a_figure_without_alt_text_is_refused():
    notebook = with_output(nbformat.v4.new_output("display_data", {pipeline.PLOTLY: {"data": [], "layout": {}}}))
    with pytest.raises(pipeline.LessonError, match="cell-00: a figure has no alt text"):
        pipeline.add_pictures(notebook, paint)


def test_a_widget_with_a_figure_keeps_the_figure_and_its_own_picture():
    data = {
        pipeline.WIDGET: {"model_id": "1"},
        pipeline.PLOTLY: {"data": [], "layout": {"meta": {"alt": "A panel."}}},
        "image/png": "AAAA",
    }
    executed = with_output(nbformat.v4.new_output("display_data", data))
    notebook = pipeline.tidy(executed, executed)
    pipeline.add_pictures(notebook, paint)
    pipeline.verify(notebook)
    output = notebook.cells[0].outputs[0]
    assert set(output.data) == {pipeline.PLOTLY, "image/png"}
    assert output.data["image/png"] == "AAAA"
    assert output.metadata == {"image/png": {"alt": "A panel."}}


# --- running ---------------------------------------------------------------------------------------------------------


def test_a_solved_lesson_gives_its_results(lesson, tmp_path):
    ran = pipeline.run_solved(lesson, parameters={"count": 4}, output=tmp_path / "solved.ipynb", cwd=tmp_path)
    assert ran.results == {"count": 4, "double": 8}
    assert 0 < ran.cpu_seconds < 60
    assert ran.peak_mb > 10
    assert (tmp_path / "solved.ipynb").exists()


def test_a_build_is_complete_and_in_step_until_something_changes(lesson):
    assert difference(lesson) == "it has not been built"
    path = build(lesson)
    assert difference(lesson) is None
    assert not list(path.parent.glob("*.part"))

    notebook = nbformat.read(path, as_version=4)
    assert "{{" not in notebook.cells[0].source
    [picture] = notebook.cells[3].outputs  # and no progress bar
    assert {"image/png", pipeline.PLOTLY} <= set(picture.data)
    assert picture.metadata["image/png"]["alt"] == "A line that rises."
    assert notebook.cells[4].outputs[0].data["application/json"] == {"count": 3, "double": None}
    assert set(notebook.metadata) == {"course", "kernelspec", "language_info"}
    assert [dict(cell.metadata) for cell in notebook.cells] == [
        {},
        {"tags": ["parameters"]},
        {},
        {},
        notebook.cells[4].metadata,
    ]

    committed = path.read_text(encoding="utf-8")
    for changed, reason in [
        (committed.replace("Twice x.", "Thrice x."), 'cell 2 has \'    """Thrice x."""\' where the source gives'),
        (committed.replace("# A tiny lesson", "# A small lesson"), "cell 0 has '# A small lesson'"),
        (committed.replace('"parameters"', '"parameter"'), "the tags of cell 1 differ"),
    ]:
        assert changed != committed
        path.write_text(changed, encoding="utf-8")
        assert reason in (difference(lesson) or "")
    path.write_text(committed, encoding="utf-8")
    lesson.write_text(LESSON + "\n# %%\ncount\n", encoding="utf-8")
    assert difference(lesson) == "it has 5 cells, the source 6"


def test_a_lesson_that_hangs_is_stopped(lesson):
    lesson.write_text(LESSON + "\n# %%\nimport time\n\ntime.sleep(600)\n", encoding="utf-8")
    with pytest.raises(pipeline.LessonError, match="the notebook was stopped: it stood still for 5 seconds"):
        pipeline.run_solved(lesson, parameters={}, cwd=lesson.parent, still=5)


def test_a_lesson_that_only_takes_long_is_not(lesson):
    lesson.write_text(LESSON + "\n# %%\nimport time\n\nwhile time.process_time() < 8:\n    pass\n", encoding="utf-8")
    assert pipeline.run_solved(lesson, parameters={}, cwd=lesson.parent, still=5).cpu_seconds > 8


# --- a new lesson ---------------------------------------------------------------------------------------------------


def test_a_new_lesson_gets_the_next_number_and_runs_solved(tmp_path):
    lessons = tmp_path / "lessons"
    shutil.copytree(pipeline.LESSONS, lessons, ignore=shutil.ignore_patterns("tests", "__pycache__", "lesson_0[1-9]"))
    folder = new_lesson.begin("twice", lessons)
    assert folder.name == f"lesson_{int(pipeline.sources()[-1].stem[:2]) + 1}"
    [source] = folder.glob("*_twice.py")
    ran = pipeline.run_solved(source, parameters={}, cwd=tmp_path)
    assert 0.08 < ran.results["above"] < 0.28
    said = [out.text for cell in ran.notebook.cells for out in cell.get("outputs", []) if out.output_type == "stream"]
    assert "".join(said).count("✓") == 3


def test_a_name_that_is_no_module_is_refused(tmp_path):
    with pytest.raises(pipeline.LessonError, match="NAME: 'Twice!' must be small letters"):
        new_lesson.begin("Twice!", tmp_path)


# --- exercise checks -------------------------------------------------------------------------------------------------


@exercise
def doubling(answer):
    if answer(3) != 6:
        raise Wrong(f"Twice 3 is 6, and yours gives {answer(3)}: which operation did you use?")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (lambda x: 2 * x, "✓ Right."),
        (lambda x: x**2, "✗ Twice 3 is 6, and yours gives 9: which operation did you use?"),
        (lambda x: [][x], "✗ Your code stopped with IndexError: list index out of range"),
        (lambda x: None, f"✗ {NOT_WRITTEN}"),
        (..., f"✗ {NOT_WRITTEN}"),
        (None, f"✗ {NOT_WRITTEN}"),
    ],
)
def test_a_check_prints_its_verdict_and_raises_only_in_grading(answer, line, capsys, monkeypatch):
    monkeypatch.delenv("MTMI_GRADING", raising=False)
    doubling(answer)
    assert capsys.readouterr().out.startswith(line)
    monkeypatch.setenv("MTMI_GRADING", "1")
    if line.startswith("✗"):
        with pytest.raises(Wrong) as caught:
            doubling(answer)
        assert str(caught.value).startswith(line[2:])
    else:
        doubling(answer)


# --- the checks of the repository ------------------------------------------------------------------------------------


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "there.md").write_text("# Its heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#its-heading) [c](https://example.org/x) `[d](code.md)`\n\n"
        '[e](gone.md) [f](there.md#other) [g](../outside.md) <img src="gone.png">\n',
        encoding="utf-8",
    )
    assert check_links.broken(page, root=tmp_path) == [
        "gone.md leads to no file",
        "there.md#other leads to no heading",
        "../outside.md leaves the repository",
        "gone.png leads to no file",
    ]


def test_the_pages_of_a_download_are_found_without_git(tmp_path):
    ours = ("README.md", "mtmi_lite/data/LICENCE.md", "notebooks/00.ipynb")
    others = (".venv/a.md", "build/b.md", "data/c.md", "notebooks/solved/00.ipynb", "tools/start.py")
    for name in ours + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert check_links.pages(tmp_path) == [tmp_path / name for name in ours]


def test_all_lines_are_counted(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one.py").write_text('"""Doc."""\n\nx = 1\n')
    (tmp_path / "__init__.py").touch()
    assert sizes.lines_of(tmp_path) == {"inner/one.py": 3}
