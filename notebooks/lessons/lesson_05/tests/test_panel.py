"""Lesson 05 in a real JupyterLab: it runs, its three panels answer to all that they have, and the circle to a click."""

from lessons.common.tests.panel_page import PanelPage
from lessons.lesson_05.pictures import ANGLES


def test_the_panels_of_lesson_05(open_panel, screenshot):
    panel = open_panel("05_pull_inverse_distance_weights.ipynb", "pull")

    # a click on a point of the circle moves what the list names
    panel.choose("a click moves", "negative")
    panel.shows(moves="negative")
    panel.click_point(ANGLES.index(-90))
    panel.shows(negative=-90)
    screenshot("05-panel-clicked")

    for name in ("chain", "flight"):
        other = PanelPage(panel.page, name)
        other.shows()
        screenshot(f"05-{name}")
        other.answers(lambda what, name=name: screenshot(f"05-{name}-{what}"))
