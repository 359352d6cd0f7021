"""Lesson 07 in a real JupyterLab: it runs, and its panel answers to all its controls."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_07(open_lesson, screenshot):
    page = open_lesson("07_k_lists_one_ranking.ipynb")
    screenshot("07-end")
    PanelPage(page, "merge").answers_to_everything(screenshot)
