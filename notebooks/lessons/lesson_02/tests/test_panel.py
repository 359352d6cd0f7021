"""Lesson 02 in a real JupyterLab: it runs, its curve is there, and its panel answers to all that it has."""

from playwright.sync_api import Page


def test_the_panel_of_lesson_02(open_panel):
    def look(page: Page) -> None:
        # the curve of the validation customers grew: one point before training, then one each 100 of 1,000 steps
        looks = page.evaluate("document.querySelector('.js-plotly-plot').calcdata[0].length")
        assert looks == 11

    open_panel("02_one_tower_one_vector.ipynb", "circle", look)
