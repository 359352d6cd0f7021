"""Lesson 10 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""

from lessons.lesson_10 import pictures


def test_the_panel_of_lesson_10(open_panel, screenshot):
    panel = open_panel("10_your_own_log_at_scale.ipynb", "customers")

    # the keyboard, and the mouse
    panel.keys("products a list", "ArrowLeft")
    panel.shows(num=5)
    panel.keys("products read", "ArrowLeft")
    panel.shows(history=10)
    panel.drag_to_end("products a list")
    panel.drag_to_end("products read")
    panel.shows(num=20, history=panel.start["history"])

    # the switches and the list
    panel.choose("show", pictures.SHOWS[1])
    panel.shows(shows=pictures.SHOWS[1])
    screenshot("10-panel-merged")
    customer = panel.ask("panel.controls['customer'].values")[5]
    panel.choose("customer", customer)
    panel.choose("only what is new to them", "on")
    panel.shows(customer=customer, new=True)

    # presets, the state box, and Reset
    panel.press("The last purchase alone")
    panel.shows(history=1, shows=panel.start["shows"])
    screenshot("10-panel-last")
    pasted = {**panel.start, "num": 15, "history": 2, "shows": pictures.SHOWS[1]}
    panel.paste(pasted)
    panel.press("Nothing they had")
    panel.shows(num=20, new=True)
    panel.reset()
