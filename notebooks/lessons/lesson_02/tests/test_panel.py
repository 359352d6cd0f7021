"""Lesson 02 in a real JupyterLab: it runs, its curve is there, and its panel answers to all its controls."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_02(open_lesson, screenshot):
    page = open_lesson("02_one_tower_one_vector.ipynb")
    screenshot("02-end")
    # the curve of the validation customers grew: one point before training, then one each 100 of 1,000 steps
    assert page.evaluate("document.querySelector('.js-plotly-plot').calcdata[0].length") == 11
    PanelPage(page, "circle").answers_to_everything(screenshot)
