"""Lesson 01 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_01(open_panel):
    open_panel("01_a_log_honestly_split.ipynb", "world")
