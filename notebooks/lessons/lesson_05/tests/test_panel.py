"""Lesson 05 in a real JupyterLab: it runs, and its panel answers to all that it has, and to a click on the circle."""

from lessons.lesson_05.pictures import ANGLES


def test_the_panel_of_lesson_05(open_panel, screenshot):
    panel = open_panel("05_pull_inverse_distance_weights.ipynb", "pull")

    # a click on a point of the circle moves what the list names
    panel.choose("a click moves", "negative")
    panel.shows(moves="negative")
    panel.click_point(ANGLES.index(-90))
    panel.shows(negative=-90)
    screenshot("05-panel-clicked")
