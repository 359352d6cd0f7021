"""Lesson 00 in a real JupyterLab: it runs, and its panel answers to all that it has, and trains."""


def test_the_panel_of_lesson_00(open_panel):
    panel = open_panel("00_see_one_customer_as_four.ipynb", "knobs")
    panel.train_and_cancel()
