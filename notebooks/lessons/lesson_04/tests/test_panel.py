"""Lesson 04 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_04(open_panel):
    open_panel("04_who_answers_for_the_target.ipynb", "switch")
