"""Lesson 09 in a real JupyterLab: it runs, and its panel answers to all its controls."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_09(open_lesson, screenshot):
    page = open_lesson("09_did_the_claims_hold.ipynb")
    screenshot("09-end")
    PanelPage(page, "ledger").answers_to_everything(screenshot)
