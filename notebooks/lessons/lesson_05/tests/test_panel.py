"""Lesson 05 in a real JupyterLab: it runs, and its panel answers to all its controls and to a click on the circle."""

from lessons.common.tests.panel_page import PanelPage
from lessons.lesson_05.pictures import ANGLES


def test_the_panel_of_lesson_05(open_lesson, screenshot):
    page = open_lesson("05_pull_inverse_distance_weights.ipynb")
    screenshot("05-end")
    panel = PanelPage(page, "pull")
    panel.answers_to_everything(screenshot)

    # a click on a point of the circle moves what the list names
    panel.choose("a click moves", "negative")
    panel.shows(moves="negative")
    panel.click_point(ANGLES.index(-90))
    panel.shows(negative=-90)
    screenshot("05-panel-clicked")
