"""Lesson 09 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_09(open_panel):
    open_panel("09_did_the_claims_hold.ipynb", "ledger")
