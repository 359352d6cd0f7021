"""Lesson 01 in a real JupyterLab: it runs, and its panel builds the worlds that it says."""

from lessons.lesson_01 import pictures


def test_the_panel_of_lesson_01(open_panel, screenshot):
    panel = open_panel("01_a_log_honestly_split.ipynb", "world")

    # the keyboard, on two sliders
    panel.keys("interests of a user", "ArrowRight")
    panel.shows(interests_per_user=6)
    panel.keys("interests of a user", "ArrowLeft", "ArrowLeft")
    panel.shows(interests_per_user=3)
    panel.keys("interests in the world", "ArrowLeft")
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
