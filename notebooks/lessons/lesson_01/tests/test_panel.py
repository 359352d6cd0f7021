"""Lesson 01 in a real JupyterLab: it runs, and its panel answers to all its controls."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_01(open_lesson, screenshot):
    page = open_lesson("01_a_log_honestly_split.ipynb")
    screenshot("01-end")
    PanelPage(page, "world").answers_to_everything(screenshot)
