"""Lesson 10 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""

import pytest
import torch

from mtmi_lite import datasets, interactions
from mtmi_lite.experiments import Knobs, recipe_at
from mtmi_lite.lessons import lesson_10 as pictures
from tests.browser.panel import PanelPage


@pytest.fixture(scope="module")
def customers() -> pictures.Customers:
    """What the lesson trains, with its own settings: the same to the bit, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    names = datasets.online_retail(filtered=False).item_names
    log = pictures.autumn()
    log = interactions.describe(log, item_names={code: names[int(code[1:])] for code in log.item_names.tolist()})
    log = interactions.filter_items_first(log)
    split = interactions.split_users(log, seed=0)
    one, several = (
        recipe_at(Knobs(num_towers=count, alpha=5.0, beta=0.3)).train(split, steps=800, seed=0, progress=False).model
        for count in (1, 4)
    )
    torch.set_num_threads(threads)
    return pictures.Customers(several, one, interactions.evaluation_cases(log, split.test), log)


def test_the_panel_of_lesson_10(open_lesson, screenshot, customers):
    page = open_lesson("10_your_own_log_at_scale.ipynb")
    screenshot("10-end")
    panel = PanelPage(page, "customers")
    panel.reaches_all_by_tab()
    start = customers.start

    def shows(**changes) -> None:
        panel.shows_figure({**start, **changes}, customers.draw({**start, **changes}))

    shows()
    screenshot("10-panel")

    # the keyboard, and the mouse
    num = panel.slider("products a list")
    num.focus()
    num.press("ArrowLeft")
    shows(num=5)
    history = panel.slider("products read")
    history.focus()
    history.press("ArrowLeft")
    shows(num=5, history=10)
    panel.drag_to_end("products a list")
    panel.drag_to_end("products read")
    shows(num=20)

    # the switches and the list
    panel.choose("show", pictures.SHOWS[1])
    shows(num=20, shows=pictures.SHOWS[1])
    screenshot("10-panel-merged")
    customer = list(customers.customers)[5]
    panel.choose("customer", customer)
    panel.choose("only what is new to them", "on")
    shows(num=20, shows=pictures.SHOWS[1], customer=customer, new=True)

    # presets, the state box, and Reset
    panel.press("The last purchase alone")
    shows(num=20, history=1, customer=customer, new=True)
    screenshot("10-panel-last")
    panel.paste({**start, "num": 15, "history": 2, "shows": pictures.SHOWS[1]})
    shows(num=15, history=2, shows=pictures.SHOWS[1])
    panel.press("Nothing they had")
    shows(num=20, history=2, shows=pictures.SHOWS[1], new=True)
    panel.press("Reset")
    shows()
