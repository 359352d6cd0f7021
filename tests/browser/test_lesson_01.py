"""Lesson 01 in a real JupyterLab: it runs, and its panel builds the worlds that it says."""

import numpy as np

from mtmi_lite import datasets
from mtmi_lite.lessons import lesson_01 as pictures
from tests.browser.panel import PanelPage


def test_the_panel_of_lesson_01(open_lesson, screenshot):
    log = datasets.online_retail()
    real = pictures.popularity(np.bincount(log.items, minlength=log.num_items))
    page = open_lesson("01_a_log_honestly_split.ipynb")
    screenshot("01-end")
    panel = PanelPage(page, "world")
    panel.reaches_all_by_tab()
    state = pictures.PRESETS["Scarce room (the course's world)"] | {"seed": 0}

    def shows(**changes) -> None:
        state.update(changes)
        panel.shows_figure(state, pictures.world_figure(pictures.look_at_world(**state), real))

    shows()
    screenshot("01-panel")

    # the keyboard, on two sliders
    own = panel.slider("interests of a user")
    own.focus()
    own.press("ArrowRight")
    shows(interests_per_user=6)
    own.press("ArrowLeft")
    own.press("ArrowLeft")
    shows(interests_per_user=3)
    world = panel.slider("interests in the world")
    world.focus()
    world.press("ArrowLeft")
    shows(num_interests=100)

    panel.drag_to_end("item skew")
    shows(item_skew=3.0)
    screenshot("01-panel-skewed")

    panel.choose("seed", "2")
    shows(seed=2)

    # presets, the state box, and Reset; a preset leaves the seed where it is
    panel.press("Everyone alike")
    shows(**pictures.PRESETS["Everyone alike"])
    screenshot("01-panel-alike")
    panel.press("One best-seller")
    shows(**pictures.PRESETS["One best-seller"])
    pasted = dict(num_interests=20, interests_per_user=2, interest_skew=0.5, item_skew=1.0, seed=4)
    panel.paste(pasted)
    shows(**pasted)
    panel.press("Reset")
    shows(**pictures.PRESETS["Scarce room (the course's world)"], seed=0)
