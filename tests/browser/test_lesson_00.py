"""Lesson 00 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""

import dataclasses

import pytest

from mtmi_lite.experiments import Knobs, load_grid
from mtmi_lite.figures import two_maps
from tests.browser.panel import PanelPage
from tools.notebooks import NOTEBOOKS


@pytest.fixture(scope="module")
def grid():
    return load_grid(NOTEBOOKS / "results" / "00_grid.npz")[0]


def test_the_panel_of_lesson_00(open_lesson, screenshot, grid):
    page = open_lesson("00_see_one_customer_as_four.ipynb")
    screenshot("00-end")
    panel = PanelPage(page, "knobs")
    panel.reaches_all_by_tab()

    def shows(num_towers: int, alpha: float, beta: float) -> None:
        state = {"num_towers": num_towers, "alpha": alpha, "beta": beta}
        panel.shows_figure(state, two_maps(grid[Knobs(**state)]))

    shows(4, 5.0, 0.3)
    screenshot("00-panel")

    # the keyboard, on the slider of α
    alpha = panel.slider("α, share")
    alpha.focus()
    alpha.press("ArrowRight")
    shows(4, 8.0, 0.3)
    alpha.press("ArrowLeft")
    alpha.press("ArrowLeft")
    shows(4, 3.0, 0.3)

    panel.drag_to_end("β, repel")
    shows(4, 3.0, 1000.0)
    screenshot("00-panel-repelled")

    # a preset, the state box, and Reset
    panel.press("Copies")
    shows(4, 1.0, 0.0)
    screenshot("00-panel-copies")
    panel.paste(dataclasses.asdict(Knobs(num_towers=8, alpha=5.0, beta=0.3)))
    shows(8, 5.0, 0.3)
    panel.press("One vector")
    shows(1, 5.0, 0.3)
    panel.press("Reset")
    shows(4, 5.0, 0.3)

    # training: start it, cancel it
    panel.press("Train these")
    page.wait_for_function(
        "selector => document.querySelector(selector)?.getBoundingClientRect().width > 1",
        arg=f"{panel.selector} .progress-bar",
    )
    panel.press("Cancel")
    panel.whole.get_by_text("Cancelled; nothing has changed.").wait_for()
