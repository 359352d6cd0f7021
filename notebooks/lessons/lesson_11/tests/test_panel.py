"""Lesson 11 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_11(open_panel):
    open_panel("11_what_do_the_rivals_do_differently.ipynb", "routing")
