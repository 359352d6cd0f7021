"""Lesson 07 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""

import pytest
import torch

from mtmi_lite import datasets, interactions
from mtmi_lite.experiments import Knobs, train_knobs
from mtmi_lite.lessons import lesson_07 as pictures
from tests.browser.panel import PanelPage


@pytest.fixture(scope="module")
def explorer() -> pictures.Explorer:
    """What the lesson trains, with its own settings: the same to the bit, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    log = datasets.online_retail()
    split = interactions.split_users(log, seed=0)
    run = train_knobs(Knobs(num_towers=4, alpha=5.0, beta=0.3), split, steps=1200, seed=0, progress=False)
    explorer = pictures.Explorer(run.model, interactions.evaluation_cases(log, split.test), log)
    torch.set_num_threads(threads)
    return explorer


def test_the_panel_of_lesson_07(open_lesson, screenshot, explorer):
    page = open_lesson("07_k_lists_one_ranking.ipynb")
    screenshot("07-end")
    panel = PanelPage(page, "merge")
    panel.reaches_all_by_tab()
    start = explorer.start

    def shows(**changes) -> None:
        panel.shows_figure({**start, **changes}, explorer.draw({**start, **changes}))

    shows()
    screenshot("07-panel")

    # the keyboard, and the mouse
    num = panel.slider("recommendations")
    num.focus()
    num.press("ArrowRight")
    shows(num=15)
    num.press("ArrowLeft")
    num.press("ArrowLeft")
    shows(num=5)
    panel.drag_to_end("recommendations")
    panel.drag_to_end("length of each list")
    shows(num=20, length=50)

    # the switch and the lists
    panel.choose("merge", "quota")
    shows(num=20, length=50, rule="quota")
    customer = list(explorer.customers)[3]
    panel.choose("customer", customer)
    panel.choose("towers", "without ■ Tower 2")
    shows(num=20, length=50, rule="quota", customer=customer, towers="without ■ Tower 2")
    screenshot("07-panel-without-one")

    # presets, the state box, and Reset
    panel.press("Diverse")
    shows(num=20, length=50, rule="diverse", diversity=0.2, customer=customer)
    screenshot("07-panel-diverse")
    panel.paste({**start, "rule": "diverse", "diversity": 0.5, "length": 5})
    shows(rule="diverse", diversity=0.5, length=5)
    panel.press("One tower alone")
    shows(diversity=0.5, length=5, towers="only ● Tower 1")
    panel.press("Reset")
    shows()
