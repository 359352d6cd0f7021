"""Lesson 04 in a real JupyterLab: it runs, and its panel answers to all its controls."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_04(open_lesson, screenshot):
    page = open_lesson("04_who_answers_for_the_target.ipynb")
    screenshot("04-end")
    PanelPage(page, "switch").answers_to_everything(screenshot)
