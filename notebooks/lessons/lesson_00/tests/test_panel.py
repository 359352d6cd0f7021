"""Lesson 00 in a real JupyterLab: it runs, its panel answers to all its controls, and a training can be cancelled."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_00(open_lesson, screenshot):
    page = open_lesson("00_see_one_customer_as_four.ipynb")
    screenshot("00-end")
    panel = PanelPage(page, "knobs")
    panel.answers_to_everything(screenshot)
    panel.trains_until_cancelled()
