"""Lesson 00 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""

import pytest

from mtmi_lite.experiments import Knobs, load_grid
from mtmi_lite.figures import caption
from mtmi_lite.panels import write_state
from tools.notebooks import NOTEBOOKS

PANEL = ".mtmi-knobs"


@pytest.fixture(scope="module")
def grid():
    return load_grid(NOTEBOOKS / "results" / "00_grid.npz")[0]


def test_the_panel_of_lesson_00(open_lesson, screenshot, grid):
    page = open_lesson("00_see_one_customer_as_four.ipynb")
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    screenshot("00-end")

    page.locator(f"{PANEL} input[type=text]").scroll_into_view_if_needed()
    title = page.locator(f"{PANEL} .gtitle")
    state = page.locator(f"{PANEL} input[type=text]")

    def shows(knobs: Knobs) -> None:
        """Wait until the page shows what the grid says of these settings."""
        page.wait_for_function(
            "([selector, text]) => document.querySelector(selector)?.textContent === text",
            arg=[f"{PANEL} .gtitle", caption(grid[knobs])],
        )
        page.wait_for_function(
            "([selector, text]) => document.querySelector(selector)?.value === text",
            arg=[f"{PANEL} input[type=text]", write_state(knobs)],
        )

    shows(Knobs(num_towers=4, alpha=5.0, beta=0.3))
    screenshot("00-panel")

    # the keyboard, on the slider of α
    alpha = page.locator(f"{PANEL} [role=slider]").nth(1)
    alpha.focus()
    alpha.press("ArrowRight")
    shows(Knobs(num_towers=4, alpha=8.0, beta=0.3))
    alpha.press("ArrowLeft")
    alpha.press("ArrowLeft")
    shows(Knobs(num_towers=4, alpha=3.0, beta=0.3))

    # the mouse: drag the slider of β to its right end
    track = page.locator(f"{PANEL} .noUi-base").nth(2).bounding_box()
    handle = page.locator(f"{PANEL} [role=slider]").nth(2).bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"], handle["y"] + handle["height"] / 2, steps=8)
    page.mouse.up()
    shows(Knobs(num_towers=4, alpha=3.0, beta=1000.0))
    screenshot("00-panel-repelled")

    # a preset, the state box, and Reset
    page.get_by_role("button", name="Copies").click()
    shows(Knobs(num_towers=4, alpha=1.0, beta=0.0))
    screenshot("00-panel-copies")
    state.fill(write_state(Knobs(num_towers=8, alpha=5.0, beta=0.3)))
    state.press("Enter")
    shows(Knobs(num_towers=8, alpha=5.0, beta=0.3))
    page.get_by_role("button", name="One vector").click()
    shows(Knobs(num_towers=1, alpha=5.0, beta=0.3))
    assert "no cosine" in (title.text_content() or "")
    page.locator(PANEL).get_by_role("button", name="Reset", exact=True).click()
    shows(Knobs(num_towers=4, alpha=5.0, beta=0.3))

    # training: start it, cancel it
    page.get_by_role("button", name="Train these").click()
    page.wait_for_function(
        "selector => document.querySelector(selector)?.getBoundingClientRect().width > 1", arg=f"{PANEL} .progress-bar"
    )
    page.get_by_role("button", name="Cancel").click()
    page.locator(PANEL).get_by_text("Cancelled; nothing has changed.").wait_for()
