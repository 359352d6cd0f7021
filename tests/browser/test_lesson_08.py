"""Lesson 08 in a real JupyterLab: its two panels answer to keyboard, mouse, clicks, training and their state."""

import json

import pytest
import torch

from mtmi_lite import datasets, interactions
from mtmi_lite.experiments import ALPHAS, BETAS, Knobs, load_grid
from mtmi_lite.lessons import lesson_08 as pictures
from tests.browser.panel import PanelPage
from tools.notebooks import NOTEBOOKS


@pytest.fixture(scope="module")
def landscape() -> pictures.Landscape:
    table = json.loads((NOTEBOOKS / "results" / "grid_movielens.json").read_text(encoding="utf-8"))
    return pictures.Landscape(table["grid"])


@pytest.fixture(scope="module")
def laboratory() -> pictures.Laboratory:
    """The lesson's, as it stands when its last cell has run: the same to the bit, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    split = interactions.split_users(datasets.online_retail(), seed=0)
    grid, _ = load_grid(NOTEBOOKS / "results" / "00_grid.npz")
    laboratory = pictures.Laboratory(grid, split, steps=250, seed=0)
    for num_towers, beta in ((4, 0.0), (4, 1.0), (2, 1000.0)):
        laboratory.trial(Knobs(num_towers=num_towers, alpha=2.0, beta=beta), 0)
    torch.set_num_threads(threads)
    return laboratory


def test_the_panels_of_lesson_08(open_lesson, screenshot, landscape, laboratory):
    page = open_lesson("08_the_laboratory.ipynb")
    screenshot("08-end")
    panel = PanelPage(page, "grid")
    panel.reaches_all_by_tab()
    state = dict(landscape.start)

    def shows(**changes) -> None:
        state.update(changes)
        panel.shows_figure(state, landscape.draw(state))

    shows()
    screenshot("08-panel")

    # the keyboard, the mouse, the switch and the list
    beta = panel.slider("β, repel")
    beta.focus()
    beta.press("ArrowRight")
    shows(beta=0.01)
    panel.drag_to_end("α, share")
    shows(alpha=6.0)
    panel.choose("K, towers", "8")
    panel.choose("map", pictures.COSINE)
    shows(num_towers=8, shown=pictures.COSINE)
    screenshot("08-panel-cosine")

    # presets, a click on a square, the state box, and Reset
    panel.press("The paper's peak")
    shows(num_towers=4, alpha=2.0, beta=1000.0)
    screenshot("08-panel-peak")
    panel.click_point(len(landscape.axes[1]) + 2)
    shows(alpha=1.0, beta=0.1)
    panel.paste({**landscape.start, "num_towers": 8, "alpha": 4.0})
    shows(**{**landscape.start, "num_towers": 8, "alpha": 4.0})
    panel.press("Reset")
    shows(**landscape.start)

    # the laboratory: a preset, a click, a training that is cancelled, and one that is not
    panel = PanelPage(page, "laboratory")
    panel.reaches_all_by_tab()
    state = dict(laboratory.start)

    def tells(**changes) -> None:
        state.update(changes)
        panel.shows_figure(state, laboratory.draw(state))

    panel.press("Copies")
    panel.press("Specialists")
    tells(alpha=5.0, beta=0.3)
    panel.click_point(ALPHAS.index(2.0) * len(BETAS) + BETAS.index(1.0))
    tells(alpha=2.0, beta=1.0)
    screenshot("08-panel-laboratory")
    panel.choose("seed", "3")
    panel.choose("K, towers", "2")
    tells(seed=3, num_towers=2)
    panel.press("Train these")
    page.wait_for_function(
        "selector => document.querySelector(selector)?.getBoundingClientRect().width > 1",
        arg=f"{panel.selector} .progress-bar",
    )
    panel.press("Cancel")
    panel.whole.get_by_text("Cancelled; nothing has changed.").wait_for()
    panel.press("Train these")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    laboratory.trial(Knobs(num_towers=2, alpha=2.0, beta=1.0), 3)
    torch.set_num_threads(threads)
    tells()
    screenshot("08-panel-trained")
