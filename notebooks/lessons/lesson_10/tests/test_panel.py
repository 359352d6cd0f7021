"""Lesson 10 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_10(open_panel):
    open_panel("10_your_own_log_at_scale.ipynb", "customers")
