"""Lesson 10 in a real JupyterLab: it runs, and its panel answers to all its controls."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_10(open_lesson, screenshot):
    page = open_lesson("10_your_own_log_at_scale.ipynb")
    screenshot("10-end")
    PanelPage(page, "customers").answers_to_everything(screenshot)
