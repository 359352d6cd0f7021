"""Lesson 01 in a real JupyterLab: it runs, and its panel builds the worlds that it says."""

from lessons.common.tests.panel_page import PanelPage
from lessons.lesson_01 import pictures


def test_the_panel_of_lesson_01(open_lesson, screenshot):
    page = open_lesson("01_a_log_honestly_split.ipynb")
    screenshot("01-end")
    panel = PanelPage(page, "world")
    panel.reaches_all_by_tab()
    panel.shows()
    screenshot("01-panel")

    # the keyboard, on two sliders
    own = panel.slider("interests of a user")
    own.focus()
    own.press("ArrowRight")
    panel.shows(interests_per_user=6)
    own.press("ArrowLeft")
    own.press("ArrowLeft")
    panel.shows(interests_per_user=3)
    world = panel.slider("interests in the world")
    world.focus()
    world.press("ArrowLeft")
    panel.shows(num_interests=100)

    panel.drag_to_end("item skew")
    panel.shows(item_skew=3.0)
    screenshot("01-panel-skewed")

    panel.choose("seed", "2")
    panel.shows(seed=2)

    # presets, the state box, and Reset; a preset leaves the seed where it is
    panel.press("Everyone alike")
    panel.shows(**pictures.PRESETS["Everyone alike"])
    screenshot("01-panel-alike")
    panel.press("One best-seller")
    panel.shows(**pictures.PRESETS["One best-seller"])
    pasted = dict(num_interests=20, interests_per_user=2, interest_skew=0.5, item_skew=1.0, seed=4)
    panel.paste(pasted)
    panel.reset()
