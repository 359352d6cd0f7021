"""Lesson 12 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_12(open_panel):
    open_panel("12_do_features_help.ipynb", "features")
