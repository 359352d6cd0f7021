"""Lesson 03 in a real JupyterLab: it runs, and its panel answers to all that it has."""


def test_the_panel_of_lesson_03(open_panel):
    open_panel("03_several_towers_one_table.ipynb", "towers")
