"""Lesson 03 in a real JupyterLab: it runs, and its panel answers to all its controls."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_03(open_lesson, screenshot):
    page = open_lesson("03_several_towers_one_table.ipynb")
    screenshot("03-end")
    PanelPage(page, "towers").answers_to_everything(screenshot)
