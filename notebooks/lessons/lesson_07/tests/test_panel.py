"""Lesson 07 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_07(open_panel):
    open_panel("07_k_lists_one_ranking.ipynb", "merge")
