"""Lesson 02 in a real JupyterLab: it runs, its curve is there, and its panel answers to all its controls."""

from playwright.sync_api import Page

from lessons.lesson_02.pictures import CIRCLE_PRESETS


def test_the_panel_of_lesson_02(open_panel, screenshot):
    def look(page: Page) -> None:
        # the curve of the validation customers grew: one point before training, then one each 100 of 1,000 steps
        looks = page.evaluate("document.querySelector('.js-plotly-plot').calcdata[0].length")
        assert looks == 11

    panel = open_panel("02_one_tower_one_vector.ipynb", "circle", look)

    # the keyboard, on the slider of the distance
    panel.keys("degrees apart", "ArrowRight")
    panel.shows(apart=70)
    panel.keys("degrees apart", "ArrowLeft", "ArrowLeft")
    panel.shows(apart=50)

    panel.drag_to_end("interests")
    panel.shows(num_interests=4)
    panel.choose("best for", "serving")
    panel.shows(best_for="serving")
    screenshot("02-panel-serving")

    # a preset, the state box, and Reset
    panel.press("Two opposites")
    panel.shows(**CIRCLE_PRESETS["Two opposites"])
    screenshot("02-panel-opposites")
    panel.paste({"num_interests": 3, "apart": 90, "first": 10, "length": 20, "best_for": "serving"})
    screenshot("02-panel-pasted")
    panel.reset()
