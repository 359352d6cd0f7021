"""Lesson 07 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""


def test_the_panel_of_lesson_07(open_panel, screenshot):
    panel = open_panel("07_k_lists_one_ranking.ipynb", "merge")

    # the keyboard, and the mouse
    panel.keys("recommendations", "ArrowRight")
    panel.shows(num=15)
    panel.keys("recommendations", "ArrowLeft", "ArrowLeft")
    panel.shows(num=5)
    panel.drag_to_end("recommendations")
    panel.drag_to_end("length of each list")
    panel.shows(num=20, length=50)

    # the switch and the lists
    panel.choose("merge", "quota")
    panel.shows(rule="quota")
    customer = panel.ask("panel.controls['customer'].values")[3]
    panel.choose("customer", customer)
    panel.choose("towers", "without ■ Tower 2")
    panel.shows(customer=customer, towers="without ■ Tower 2")
    screenshot("07-panel-without-one")

    # presets, the state box, and Reset
    panel.press("Diverse")
    panel.shows(rule="diverse", diversity=0.2, towers=panel.start["towers"])
    screenshot("07-panel-diverse")
    pasted = {**panel.start, "rule": "diverse", "diversity": 0.5, "length": 5}
    panel.paste(pasted)
    panel.press("One tower alone")
    panel.shows(rule=panel.start["rule"], towers="only ● Tower 1")
    panel.reset()
