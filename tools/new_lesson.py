"""Begin a lesson: a folder that runs, is checked and has a panel, to be rewritten bit by bit.

python -m tools.new_lesson NAME     which is `make lesson NAME=serve_it_twice`
"""

import argparse
import re
import sys
from pathlib import Path

from mtmi_lite.files import save_text
from tools.notebooks import LESSONS, LessonError, sources

SOURCE = """# ---
# jupyter:
#   course:
#     builds: what the reader builds
#     after: ["00"]
#     minutes: 45
# ---

# %% [markdown]
# # TITLE?
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# **Afterwards you can**
#
# 1. say which of two numbers is larger (exercise 1),
# 2. add two numbers (exercise 2),
# 3. multiply two numbers (exercise 3).
#
# **You need** nothing yet.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" draws more points

# %%
try:
    from lessons.lesson_NN import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import numpy as np

from lessons.lesson_NN import pictures

num_points = {"fast": 100, "full": 1000}[profile]
points = np.random.default_rng(seed).normal(size=num_points)
pictures.points_figure(points, title="The finished picture first")

# %% [markdown]
# ## An idea
#
# **Predict.** How many of the points lie above 1?

# %%
my_guess = None  # a fraction, from 0 to 1

# %% tags=["answer"] tells=["about one in six"]
above = float((points > 1).mean())
print(f"You guessed {my_guess}; it is {above:.2f}.")

# %% [markdown]
# <details><summary>What you saw</summary>About one in six, as for any normal distribution.</details>
#
# > **Remember:** one sentence.
#
# ### Exercise 1: the larger one
#
# <details><summary>Hint</summary><code>max</code>.</details>


# %%
def larger(a: float, b: float) -> float:
    # BEGIN SOLUTION
    return max(a, b)
    # END SOLUTION


checks.larger(larger)

# %% [markdown]
# ### Exercise 2: the sum


# %%
def added(a: float, b: float) -> float:
    # BEGIN SOLUTION
    return a + b
    # END SOLUTION


checks.added(added)

# %% [markdown]
# ### Exercise 3: the product


# %%
def multiplied(a: float, b: float) -> float:
    # BEGIN SOLUTION
    return a * b
    # END SOLUTION


checks.multiplied(multiplied)

# %% [markdown]
# ## Turn it yourself

# %%
panel = pictures.points_panel(points)
panel

# %% [markdown]
# ## What you take home
#
# - One sentence for each idea.
#
# ## Five questions
#
# **1.** A question that this lesson answers?
#
# - (a) One answer.
# - (b) Another.
#
# <details><summary>Answer</summary>**(a)** And why it is right, and the other is not.</details>
#
# **2.** A question that this lesson answers?
#
# - (a) One answer.
# - (b) Another.
#
# <details><summary>Answer</summary>**(a)** And why it is right, and the other is not.</details>
#
# **3.** A question that this lesson answers?
#
# - (a) One answer.
# - (b) Another.
#
# <details><summary>Answer</summary>**(a)** And why it is right, and the other is not.</details>
#
# **4.** A question that this lesson answers?
#
# - (a) One answer.
# - (b) Another.
#
# <details><summary>Answer</summary>**(a)** And why it is right, and the other is not.</details>
#
# **5.** A question that this lesson answers?
#
# - (a) One answer.
# - (b) Another.
#
# <details><summary>Answer</summary>**(a)** And why it is right, and the other is not.</details>

# %% tags=["results"]
from IPython.display import JSON

results = {"above": above}
JSON(results)
"""  # noqa: E501

PICTURES = '''"""Lesson NN's computations, figures and panel."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from lessons.common.figures import COLOURS, finished
from lessons.common.panels import Control, Panel, State

LIMITS = (-2, -1, 0, 1, 2)


def points_figure(points: Float[np.ndarray, " point"], *, limit: float = 1, title: str) -> go.Figure:
    """Points in their order, those above a limit in another colour."""
    colours = np.where(points > limit, COLOURS[1], COLOURS[0])
    figure = go.Figure(go.Scatter(y=points, mode="markers", marker_color=colours))
    alt = f"{title}: {(points > limit).mean():.0%} of {len(points)} points lie above {limit:g}."
    return finished(figure, title=title, alt=alt, height=400)


def points_panel(points: Float[np.ndarray, " point"]) -> Panel:
    """A slider for the limit."""

    def draw(state: State) -> go.Figure:
        return points_figure(points, limit=state["limit"], title=f"Above {state['limit']}")

    controls = [Control(name="limit", label="limit", values=LIMITS)]
    presets = {"Low": {"limit": -2}, "Middle": {"limit": 0}, "High": {"limit": 2}}
    return Panel("NAME", controls, draw, start={"limit": 1}, presets=presets)
'''

CHECKS = '''"""The checks of lesson NN."""

from lessons.common.checks import Wrong, exercise


def _is_number(found):
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Wrong(f"Give a number; yours is {found!r}.")
    return found


@exercise
def larger(answer):
    if _is_number(answer(1, 2)) != 2:
        raise Wrong("Of 1 and 2 the larger one is 2.")
    if answer(2, 1) != 2:
        raise Wrong("Of 2 and 1 it is 2 as well: the order does not matter.")


@exercise
def added(answer):
    if _is_number(answer(2, 2)) != 4:
        raise Wrong("2 and 2 are 4.")
    if answer(1, 2) != 3:
        raise Wrong("1 and 2 are 3; do you add?")


@exercise
def multiplied(answer):
    if _is_number(answer(2, 2)) != 4:
        raise Wrong("2 times 2 is 4.")
    if answer(1, 2) != 2:
        raise Wrong("1 times 2 is 2; do you multiply?")
'''

ANSWERS = '''"""Lesson NN: bands, and answers to its exercises. See common/tests/test_lessons.py."""

BANDS = {"above": (0.08, 0.28, "the points are not drawn from a normal distribution: uniform ones have 0 or 0.5")}

STUB, TEXT = (lambda a, b: ..., "Not written yet"), (lambda a, b: "2", "Give a number")
RIGHT = {"larger": max, "added": lambda a, b: a + b, "multiplied": lambda a, b: a * b}
WRONG = {
    "larger": {
        "a stub": STUB,
        "text": TEXT,
        "the smaller one": (min, "the larger one is 2"),
        "the second one": (lambda a, b: b, "the order does not matter"),
    },
    "added": {
        "a stub": STUB,
        "text": TEXT,
        "the difference": (lambda a, b: a - b, "2 and 2 are 4"),
        "the product": (lambda a, b: a * b, "do you add"),
    },
    "multiplied": {
        "a stub": STUB,
        "text": TEXT,
        "the quotient": (lambda a, b: a / b, "2 times 2 is 4"),
        "the sum": (lambda a, b: a + b, "do you multiply"),
    },
}
'''

TEST_PICTURES = '''"""Lesson NN's figures."""

import numpy as np

from lessons.lesson_NN import pictures


def test_the_figure_says_how_many_points_lie_above():
    figure = pictures.points_figure(np.array([0.0, 2.0]), limit=1, title="Two")
    assert figure.layout.meta["alt"] == "Two: 50% of 2 points lie above 1."
'''

TEST_PANEL = '''"""Lesson NN in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_NN(open_panel):
    open_panel("NN_NAME.ipynb", "NAME")
'''

FILES = {
    "__init__.py": '"""Lesson NN: TITLE?"""\n',
    "NN_NAME.py": SOURCE,
    "checks.py": CHECKS,
    "pictures.py": PICTURES,
    "tests/__init__.py": "",
    "tests/answers.py": ANSWERS,
    "tests/test_pictures.py": TEST_PICTURES,
    "tests/test_panel.py": TEST_PANEL,
}


def begin(name: str, lessons: Path = LESSONS) -> Path:
    """Write the files of the next lesson, and say in which folder."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise LessonError(f"NAME: {name!r} must be small letters, digits and _, such as serve_it_twice")
    number = f"{max((int(path.stem[:2]) for path in sources(folder=lessons)), default=-1) + 1:02d}"
    folder = lessons / f"lesson_{number}"
    words = {"NN": number, "NAME": name, "TITLE": name.replace("_", " ").capitalize()}
    for path, text in FILES.items():
        target = folder / re.sub("NN|NAME", lambda match: words[match[0]], path)
        target.parent.mkdir(parents=True, exist_ok=True)
        save_text(target, re.sub("NN|NAME|TITLE", lambda match: words[match[0]], text))
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", help="what follows the number in the names of its files")
    try:
        folder = begin(parser.parse_args().name)
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1
    number = folder.name[-2:]
    print(f"{folder.relative_to(LESSONS.parents[1])} is there. `make notebooks LESSONS={number}` builds its notebook,")
    print(f"and `make test ARGS=notebooks/lessons/lesson_{number}` tests it. CONTRIBUTING says what to write where.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
