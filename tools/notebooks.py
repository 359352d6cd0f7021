"""The notebook pipeline: one source a lesson, from which the student's and the solved notebook are made.

    python -m tools.notebooks build [NN ...]      the student notebooks, executed, with pictures (needs Chromium)
    python -m tools.notebooks solutions [NN ...]  the solved notebooks, executed and graded, into notebooks/solved
    python -m tools.notebooks check [NN ...]      are the committed notebooks in step with their sources?

A source is `notebooks/lessons/lesson_NN/NN_name.py` in jupytext's percent format. Its header says what the lesson
builds, which lessons it needs, and how many minutes it takes to read and do; the map of the course is drawn from
that. The solution of an exercise stands between the lines `# BEGIN SOLUTION` and `# END SOLUTION` of a code cell.
Prose may hold `{{seconds}}` and `{{memory_mb}}`, measured when the student notebook was last built, `{{binder}}`, the
address of the lesson on Binder, and from the header `{{minutes}}`, `{{where}}` (the lesson before and after) and
`{{course}}` (a table of all). One cell is tagged `parameters`; one is tagged `results` and shows
`IPython.display.JSON` of a dictionary. A cell that answers a prediction is tagged `answer`: it is committed without its
output, and `tells` lists words that would give the answer away, which no test lets stand in sight. A lesson ends with
five questions, which `questions_of` reads.
"""

import argparse
import ast
import base64
import contextlib
import copy
import json
import math
import os
import platform
import re
import shutil
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from unittest import mock

import jupytext
import kaleido
import nbformat
import numpy as np
import papermill
import psutil
from nbformat import NotebookNode

from mtmi_lite.files import save_text, whole_file
from tools.standstill import STILL, Standstill

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LESSONS = NOTEBOOKS / "lessons"
SOLVED = NOTEBOOKS / "solved"
MEASURED = NOTEBOOKS / "results" / "lessons.json"
MAP = NOTEBOOKS / "course_map.md"

MAX_BYTES = 1_000_000
USUAL_YARDSTICK = 0.035
"""The `yardstick` of the machine whose seconds the lessons print; on another, a build converts."""
LOOK_SECONDS = 0.2
HOUR = 3600  # where a library wants a limit in seconds; what stands still is stopped before

PNG = "image/png"
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
STUB = "...  # your code here"

Paint = Callable[[list[dict], str], list[bytes]]
"""Turns the JSON of figures into pictures of a format, `png` or `webp`."""


class LessonError(Exception):
    """A lesson breaks a rule of the course; the message names the lesson or cell, the rule, and what to do."""


# --- from a source to a notebook ------------------------------------------------------------------------------------


def sources(numbers: list[str] | None = None, folder: Path = LESSONS) -> list[Path]:
    """The sources of the lessons with these numbers, in order; of all lessons, if none is given."""
    found = sorted(folder.glob("*/[0-9][0-9]_*.py"))
    if missing := set(numbers or []) - {path.stem[:2] for path in found}:
        raise LessonError(f"no source for lesson {', '.join(sorted(missing))} in {folder.name}/")
    return [path for path in found if not numbers or path.stem[:2] in numbers]


def read_source(path: Path) -> NotebookNode:
    """The notebook as it is written, solution markers included, without anything that changes from run to run."""
    notebook = jupytext.read(path, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata.pop("lines_to_next_cell", None)
    notebook.metadata = nbformat.from_dict(
        {
            "course": notebook.metadata.get("course", {}),
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def student(notebook: NotebookNode) -> NotebookNode:
    """A copy in which a stub stands for each solution."""
    unsolved = _map_code(notebook, lambda code: _replace_solutions(code, keep=False))
    for cell in unsolved.cells:
        cell.metadata.pop("tells", None)
    return unsolved


def solved(notebook: NotebookNode) -> NotebookNode:
    """A copy with the solutions, their markers dropped."""
    return _map_code(notebook, lambda code: _replace_solutions(code, keep=True))


def is_answer(cell: NotebookNode) -> bool:
    """Does this cell answer a prediction?"""
    return "answer" in cell.metadata.get("tags", [])


def in_sight(notebook: NotebookNode) -> str:
    """What a reader of a committed notebook sees before unfolding or running anything, code left out."""
    seen = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            seen.append(re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            seen.append(output.get("text", "") or data.get("text/markdown", "") or data.get("text/plain", ""))
            if PLOTLY in data:
                layout = data[PLOTLY]["layout"]
                titles = [layout, *(layout.get(axis, {}) for axis in ("xaxis", "yaxis"))]
                seen += [title.get("title", {}).get("text", "") for title in titles]
                seen += [note.get("text", "") for note in layout.get("annotations", [])]
    return "\n".join(seen)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One of the questions at the end of a lesson, in Markdown.

    Args:
        options: what there is to choose from; none where the answer is a number or a sentence.
        right: the letters of the right options, or the number as it is written; empty for a sentence.
        answer: what the folded answer says.
    """

    text: str
    options: dict[str, str]
    right: str
    answer: str


def questions_of(notebook: NotebookNode) -> list[Question]:
    """The questions under the heading "Five questions".

    A question begins with its number in bold, `**1.**`; its options, if any, are a list, `- (a) …`; its answer is
    folded in `<details><summary>Answer</summary>` and begins, in bold, with the right letters, as in `**(b)**`, or the
    number.
    """
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    part = re.search(r"^## Five questions$(.*?)(?=^## |\Z)", prose, flags=re.DOTALL | re.MULTILINE)
    found = []
    for whole in re.split(r"^\*\*\d\.\*\* ", part[1] if part else "", flags=re.MULTILINE)[1:]:
        body, _, rest = whole.partition("<details><summary>Answer</summary>")
        answer = rest.partition("</details>")[0].strip()
        options = dict(re.findall(r"^- \((\w)\) (.*)$", body, flags=re.MULTILINE))
        bold = re.match(r"\*\*(.*?)\*\*", answer)
        letters = re.findall(r"\((\w)\)", bold[1]) if bold and options else []
        number = re.match(r"[−+-]?[\d.,]+", bold[1]) if bold and not options else None
        right = "".join(letters) or (number[0] if number else "")
        found.append(Question(text=body.split("\n- (")[0].strip(), options=options, right=right, answer=answer))
    return found


def _map_code(notebook: NotebookNode, change: Callable[[str], str]) -> NotebookNode:
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            try:
                cell.source = change(cell.source)
            except LessonError as error:
                raise LessonError(f"{cell.id}: {error}") from None
    return notebook


def _replace_solutions(code: str, *, keep: bool) -> str:
    lines, inside = [], False
    for line in code.split("\n"):
        marker = line.strip()
        if marker in ("# BEGIN SOLUTION", "# END SOLUTION"):
            if inside == (marker == "# BEGIN SOLUTION"):
                raise LessonError(f"{marker!r} without its partner; solutions stand between two markers, not nested")
            inside = not inside
            if inside and not keep:
                lines.append(line[: len(line) - len(line.lstrip())] + STUB)
        elif keep or not inside:
            lines.append(line)
    if inside:
        raise LessonError("'# BEGIN SOLUTION' without '# END SOLUTION'")
    return "\n".join(lines)


def fill(notebook: NotebookNode, values: dict[str, Any]) -> NotebookNode:
    """A copy in which each `{{name}}` of the prose is replaced by its value."""

    def value(match: re.Match) -> str:
        if match[1] not in values:
            raise LessonError(f"unknown placeholder {match[0]}; there are {', '.join(sorted(values))}")
        return str(values[match[1]])

    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\{\{(\w+)\}\}", value, cell.source)
    return notebook


def placeholders(source: Path, measured: dict[str, Any]) -> dict[str, Any]:
    """The numbers that prose may print. Measures are rounded up, so that a rebuild seldom changes the text."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        home = tomllib.load(file)["tool"]["mtmi-lite"]
    course = read_course(source.parents[1])
    here = next(index for index, lesson in enumerate(course) if lesson.name == source.stem)
    return {
        "seconds": 5 * math.ceil(measured["cpu_seconds"] / 5),  # what a busy machine does not change
        "memory_mb": 50 * math.ceil(measured["peak_mb"] / 50),
        "binder": f"https://mybinder.org/v2/gh/{home['repository']}/{home['branch']}"
        f"?urlpath=lab/tree/notebooks/{source.stem}.ipynb",
        "minutes": course[here].minutes,
        "where": _where(course, here),
        "course": course_table(course, here=here),
    }


# --- the map of the course ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson's own account: its title, and from the header of its source what it builds, needs and takes."""

    name: str
    title: str
    builds: str
    after: list[str]
    minutes: int

    @property
    def number(self) -> str:
        return self.name[:2]


def read_course(folder: Path = LESSONS) -> list[Lesson]:
    """All lessons, in order."""
    lessons: list[Lesson] = []
    for source in sources(folder=folder):
        notebook = read_source(source)
        course, known = notebook.metadata.course, [lesson.number for lesson in lessons]
        if set(course) != {"builds", "after", "minutes"}:
            raise LessonError(
                f"{source.name}: its header must hold course: builds, after and minutes; it has {list(course)}"
            )
        if unknown := [number for number in course.after if number not in known]:
            raise LessonError(f"{source.name}: after: {unknown[0]} is no earlier lesson; there are {', '.join(known)}")
        title = notebook.cells[0].source.split("\n")[0].removeprefix("# ")
        lessons.append(Lesson(name=source.stem, title=title, **course))
    return lessons


def _where(course: list[Lesson], here: int) -> str:
    parts = [f"[{lesson.number} {lesson.title}]({lesson.name}.ipynb)" for lesson in course]
    parts[here] = f"**{course[here].number} {course[here].title}**"
    return " → ".join(parts[max(here - 1, 0) : here + 2]) + " · [map](course_map.md) · [glossary](glossary.md)"


def course_table(course: list[Lesson], *, here: int | None = None) -> str:
    """The lessons as a Markdown table; the one where the reader is stands in bold."""
    rows = ["| | lesson | you build | minutes |", "|---|---|---|---|"]
    for index, lesson in enumerate(course):
        link = f"**{lesson.title}** (here)" if index == here else f"[{lesson.title}]({lesson.name}.ipynb)"
        rows.append(f"| {lesson.number} | {link} | {lesson.builds} | {lesson.minutes} |")
    return "\n".join(rows)


def course_map(course: list[Lesson]) -> str:
    """The page that shows which lesson needs which, as a diagram that GitHub and JupyterLab draw, and as a table."""
    boxes = [f'    L{lesson.number}["{lesson.number} {lesson.title}"]' for lesson in course]
    arrows = [f"    L{before} --> L{lesson.number}" for lesson in course for before in lesson.after]
    words = "; ".join(f"{lesson.number} needs {' and '.join(lesson.after)}" for lesson in course if lesson.after)
    return "\n".join(
        [
            "# The map of the course",
            "",
            "An arrow leads from a lesson to one that needs it. Words are in the [glossary](glossary.md).",
            "",
            "```mermaid",
            "flowchart TD",
            "    accTitle: Which lesson needs which",
            f"    accDescr: {words or 'one lesson alone'}",
            *boxes,
            *arrows,
            "```",
            "",
            course_table(course),
            "",
        ]
    )


def tagged(notebook: NotebookNode, tag: str) -> NotebookNode:
    """The one cell with this tag."""
    cells = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise LessonError(f"{len(cells)} cells are tagged {tag!r}; a lesson has exactly one")
    return cells[0]


def parameters_of(notebook: NotebookNode) -> set[str]:
    """The names that the `parameters` cell sets."""
    names = set()
    for statement in ast.parse(tagged(notebook, "parameters").source).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


# --- execution ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Executed:
    """A notebook that ran from top to bottom, and what that took, the start of its kernel included."""

    notebook: NotebookNode
    seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def results(self) -> dict[str, Any]:
        """The output of the cell tagged `results`."""
        for output in tagged(self.notebook, "results").outputs:
            if "application/json" in output.get("data", {}):
                return output.data["application/json"]
        raise LessonError("the cell tagged 'results' shows no JSON; end it with IPython.display.JSON(results)")


def memory_of(processes: Iterable[psutil.Process]) -> int:
    """The bytes that these processes take together: their proportional set sizes, so that a shared page counts once.

    Where the system has no such figure, it is what each process has to itself. A process that has ended counts as 0.
    """
    used = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            info = process.memory_full_info()
            used += getattr(info, "pss", info.uss)
    return used


class _Watch(threading.Thread):
    """Follow the processes started meanwhile: their peak memory, their processor time, their end when they stand still.

    A limit in seconds, such as papermill's own, would end a lesson that only has to share the machine.
    """

    def __init__(self, still: float):
        super().__init__(daemon=True)
        self.peak, self.trouble = 0, None
        self.cpu: dict[int, float] = {}
        self._standstill = Standstill(every=LOOK_SECONDS, still=still)
        self._done = threading.Event()
        self._me = psutil.Process()
        self._before = set(self._me.children(recursive=True))

    def run(self) -> None:
        while self.trouble is None and not self._done.wait(LOOK_SECONDS):
            started = set(self._me.children(recursive=True)) - self._before
            self.peak = max(self.peak, memory_of(started))
            for process in started:
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    self.cpu[process.pid] = times.user + times.system
            self.trouble = self._standstill.trouble(sum(self.cpu.values()))
            if self.trouble is not None:
                for process in started:
                    with contextlib.suppress(psutil.Error):
                        process.kill()

    def stop(self) -> None:
        self._done.set()
        self.join()


def execute(
    notebook: NotebookNode,
    *,
    cwd: Path = NOTEBOOKS,
    parameters: dict[str, Any] | None = None,
    grading: bool = False,
    still: float = STILL,
) -> Executed:
    """Run a notebook in a fresh kernel, in the folder `cwd`.

    Args:
        notebook: what to run; it is left as it is.
        cwd: where the kernel starts; the exercise checks are imported from there.
        parameters: values that replace those of the `parameters` cell.
        grading: let a failed exercise check raise instead of print.
        still: the seconds after which a notebook is stopped that leaves the processor alone.

    Raises:
        LessonError: for an unknown parameter, a missing tag, or a notebook that stands still or never ends.
        papermill.PapermillExecutionError: if a cell raises.
    """
    tagged(notebook, "results")
    if unknown := set(parameters or {}) - (known := parameters_of(notebook)):
        raise LessonError(f"unknown parameter {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    environment = {
        "OMP_NUM_THREADS": "1",
        "MTMI_GRADING": "1" if grading else "0",
        # The pictures are added later: a browser in the kernel would count in what the lesson takes.
        "PLOTLY_RENDERER": "plotly_mimetype",
    }
    watch = _Watch(still)
    with mock.patch.dict(os.environ, environment):
        start = time.perf_counter()
        watch.start()
        try:
            ran = papermill.execute_notebook(
                copy.deepcopy(notebook),
                None,
                parameters,
                kernel_name="python3",
                cwd=cwd,
                progress_bar=False,
                start_timeout=HOUR,
                iopub_timeout=HOUR,
            )
        except Exception as error:
            if watch.trouble is not None:
                raise LessonError(f"the notebook was stopped: {watch.trouble}") from error
            raise
        finally:
            watch.stop()
    ran.metadata.pop("widgets", None)  # megabytes of script; nbclient's own switch for this fails on some widgets
    return Executed(
        notebook=ran,
        seconds=time.perf_counter() - start,
        cpu_seconds=sum(watch.cpu.values()),
        peak_mb=watch.peak / 1e6,
    )


def yardstick() -> float:
    """Processor seconds of some fixed work: how fast this machine is just now."""
    values = np.random.default_rng(0).normal(size=50_000)  # no matrix product, which may run on several threads

    def work() -> float:
        started = time.process_time()
        for _ in range(40):
            np.exp(values).sum()
            sum(value * value for value in range(20_000))
        return time.process_time() - started

    return min(work() for _ in range(5))


def run_solved(
    source: Path,
    *,
    parameters: dict[str, Any],
    output: Path | None = None,
    cwd: Path = NOTEBOOKS,
    still: float = STILL,
) -> Executed:
    """Run the solved version of a lesson with its exercises graded, and keep it in `output` if that is given."""
    ran = execute(solved(read_source(source)), cwd=cwd, parameters=parameters, grading=True, still=still)
    if output is not None:
        write(ran.notebook, output)
    return ran


# --- from an executed notebook to a committed one -------------------------------------------------------------------


def find_chromium() -> str | None:
    """The Chromium or Chrome of this machine; the variable BROWSER_PATH names another."""
    names = (os.environ.get("BROWSER_PATH"), "chromium", "chromium-browser", "google-chrome", "chrome")
    for name in filter(None, (*names, "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")):
        if path := shutil.which(name):
            return path
    return None


def paint_with(chromium: str) -> Paint:
    """A painter that opens one browser for all the figures it is given; one for each would take seconds a figure."""

    def paint(figures: list[dict], form: str) -> list[bytes]:
        kaleido.start_sync_server(path=chromium, silence_warnings=True)
        try:
            return [kaleido.calc_fig_sync(figure, opts={"format": form, "width": 1000}) for figure in figures]
        finally:
            kaleido.stop_sync_server(silence_warnings=True)

    return paint


def add_pictures(notebook: NotebookNode, paint: Paint) -> None:
    """Put a PNG beside each plotly figure that has none, with the figure's `layout.meta["alt"]` as its alt text."""
    bare = []
    for cell, output in _outputs(notebook):
        figure = output.get("data", {}).get(PLOTLY)
        if figure is None:
            continue
        meta = figure["layout"].get("meta")
        if not (alt := meta.get("alt") if isinstance(meta, dict) else None):
            raise LessonError(f'{cell.id}: a figure has no alt text; set layout.meta = {{"alt": "what it shows"}}')
        if PNG not in output.data:
            bare.append(output.data)
        output.metadata.setdefault(PNG, {}).setdefault("alt", alt)
    for data, picture in zip(bare, _painted(bare, "png", paint), strict=True):
        data[PNG] = base64.b64encode(picture).decode()


def save_stand_ins(notebook: NotebookNode, folder: Path, paint: Paint) -> None:
    """Paint each panel of a notebook as it starts, for pages that cannot draw it, into `folder`/NAME.webp."""
    panels = {}
    for _, output in _outputs(notebook):
        data = output.get("data", {})
        if PLOTLY in data and (name := data[PLOTLY]["layout"]["meta"].get("panel")):
            panels[name] = data
    for name, picture in zip(panels, _painted(panels.values(), "webp", paint), strict=True):
        with whole_file(folder / f"{name}.webp") as file:
            file.write(picture)


def _painted(outputs: Iterable[dict], form: str, paint: Paint) -> list[bytes]:
    stills = [{"data": data[PLOTLY]["data"], "layout": data[PLOTLY]["layout"]} for data in outputs]
    return paint(stills, form) if stills else []


def tidy(executed: NotebookNode, built: NotebookNode) -> NotebookNode:
    """The notebook as it was built, with the outputs of its execution: no answers, widgets, progress bars or times."""
    notebook = copy.deepcopy(built)
    outputs = {cell.id: cell for cell in executed.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_answer(cell):
            cell.outputs = [output for output in outputs[cell.id].outputs if not _is_progress(output)]
            cell.execution_count = outputs[cell.id].execution_count
    for _, output in _outputs(notebook):
        if PNG in output.get("data", {}) or PLOTLY in output.get("data", {}):
            output.data.pop(WIDGET, None)  # its state is gone; a reader would see an error in place of the picture
    return notebook


def _is_progress(output: NotebookNode) -> bool:
    """Is this a bar of tqdm, `40%|████      | 2/5 [00:01<00:02, 1.9it/s]`? Saved, it shows the speed of one machine."""
    data = output.get("data", {})
    return WIDGET in data and re.search(r"\d+%\||\dit \[", data.get("text/plain", "")) is not None


def verify(notebook: NotebookNode) -> None:
    """Raise LessonError if this may not be committed."""
    for cell, output in _outputs(notebook):
        data = output.get("data", {})
        if output.output_type == "error":
            raise LessonError(f"{cell.id}: the output is an error, {output.ename}: {output.evalue}")
        if output.get("name") == "stderr":
            raise LessonError(f"{cell.id}: mend what is reported on stderr, or silence it: {output.text.strip()[:300]}")
        if PNG in data and not output.metadata.get(PNG, {}).get("alt"):
            raise LessonError(
                f'{cell.id}: a picture has no alt text; give display() metadata={{"{PNG}": {{"alt": …}}}}'
            )
        if WIDGET in data:
            raise LessonError(f"{cell.id}: without a kernel this widget shows nothing; add a plotly figure or a PNG")
        if is_answer(cell):
            raise LessonError(f"{cell.id}: the answer to a prediction is in sight; clear the output of this cell")
    parameters_of(notebook)
    tagged(notebook, "results")
    if "widgets" in notebook.metadata:
        raise LessonError("the notebook carries widget state")
    if (size := len(_text(notebook).encode())) > MAX_BYTES:
        raise LessonError(f"the notebook has {size:,} bytes; at most {MAX_BYTES:,}: show fewer points or figures")


def _outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell, output


def _text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook to a temporary name and move it into place."""
    save_text(path, _text(notebook))


# --- the three commands ---------------------------------------------------------------------------------------------


def read_measured(path: Path = MEASURED) -> dict[str, Any]:
    """The measurements of the last builds, by the number of the lesson."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def build(source: Path, *, folder: Path = NOTEBOOKS, measured: Path = MEASURED, paint: Paint) -> Path:
    """Build and execute the student notebook of a source into `folder`, and note in `measured` what it took."""
    unfilled = student(read_source(source))
    ran = execute(unfilled, cwd=folder)
    _ = ran.results  # raises if the lesson shows none
    slower = yardstick() / USUAL_YARDSTICK
    taken = {
        "seconds": round(ran.seconds / slower, 1),
        "cpu_seconds": round(ran.cpu_seconds / slower, 1),
        "slower": round(slower, 2),
        "peak_mb": round(ran.peak_mb),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }
    notebook = tidy(ran.notebook, fill(unfilled, placeholders(source, taken)))
    add_pictures(notebook, paint)
    save_stand_ins(notebook, folder / "images" / "panels", paint)
    verify(notebook)
    everything = dict(sorted((read_measured(measured) | {source.stem[:2]: taken}).items()))
    save_text(measured, json.dumps(everything, indent=2) + "\n")
    target = folder / f"{source.stem}.ipynb"
    write(notebook, target)
    return target


def difference(source: Path, *, folder: Path = NOTEBOOKS, measured: Path = MEASURED) -> str | None:
    """The first way in which the committed notebook is not what its source would give; None if it is in step."""
    target = folder / f"{source.stem}.ipynb"
    taken = read_measured(measured).get(source.stem[:2])
    if not target.exists() or taken is None:
        return "it has not been built"
    committed = nbformat.read(target, as_version=4).cells
    expected = fill(student(read_source(source)), placeholders(source, taken)).cells
    for number, (is_, ought) in enumerate(zip(committed, expected, strict=False)):
        if is_.cell_type != ought.cell_type:
            return f"cell {number} is {is_.cell_type}, the source has {ought.cell_type}"
        if is_.metadata.get("tags", []) != ought.metadata.get("tags", []):
            return f"the tags of cell {number} differ"
        if is_.source != ought.source:
            pairs = zip_longest(is_.source.split("\n"), ought.source.split("\n"), fillvalue="(no line)")
            old, new = next((old, new) for old, new in pairs if old != new)
            return f"cell {number} has {old!r} where the source gives {new!r}"
    if len(committed) != len(expected):
        return f"it has {len(committed)} cells, the source {len(expected)}"
    return None


def _build_all(numbers: list[str]) -> None:
    chromium = find_chromium()
    if chromium is None:
        raise LessonError(
            "the notebooks are built with pictures, which Chromium draws, and none was found: install it "
            "(Debian, Ubuntu: apt-get install chromium), or name it in BROWSER_PATH. Students do not need it."
        )
    for source in sources(numbers):
        with _naming(source):
            target = build(source, paint=paint_with(chromium))
        taken = read_measured()[source.stem[:2]]
        print(f"{target.name}: {taken['seconds']} s, {taken['peak_mb']} MB, {target.stat().st_size / 1e3:.0f} kB")
    save_text(MAP, course_map(read_course()))


def _solve_all(numbers: list[str]) -> None:
    for source in sources(numbers):
        with _naming(source):
            ran = run_solved(source, parameters={"profile": "fast"}, output=SOLVED / f"{source.stem}.ipynb")
        print(f"solved/{source.stem}.ipynb: {ran.seconds:.1f} s, {ran.peak_mb:.0f} MB")


def _check_all(numbers: list[str]) -> None:
    known = {source.stem for source in sources()}
    stale = [f"{path.name}: it has no source" for path in NOTEBOOKS.glob("*.ipynb") if path.stem not in known]
    for source in sources(numbers):
        if reason := difference(source):
            stale.append(f"{source.stem}.ipynb: {reason}")
    if not MAP.exists() or MAP.read_text(encoding="utf-8") != course_map(read_course()):
        stale.append(f"{MAP.name}: it is not what the lessons say of themselves")
    if stale:
        raise LessonError("\n".join([*stale, "run `make notebooks` and commit what it wrote"]))
    print(f"{len(sources(numbers))} notebooks are in step with their sources")


@contextlib.contextmanager
def _naming(source: Path) -> Iterator[None]:
    try:
        yield
    except LessonError as error:
        raise LessonError(f"{source.name}: {error}") from error


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = {"build": _build_all, "solutions": _solve_all, "check": _check_all}
    parser.add_argument("command", choices=commands)
    parser.add_argument("lesson", nargs="*", help="numbers of lessons, such as 00; all of them if none is given")
    arguments = parser.parse_args()
    try:
        commands[arguments.command](arguments.lesson)
    except (LessonError, papermill.PapermillExecutionError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
