"""Lesson 03 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse, lists and switches."""

from lessons.lesson_03.pictures import EVERYONE


def test_the_panel_of_lesson_03(open_panel, screenshot):
    panel = open_panel("03_several_towers_one_table.ipynb", "towers")

    # the keyboard, on the slider of the number of recommendations
    panel.keys("recommendations", "ArrowLeft")
    panel.shows(num=20)
    panel.keys("recommendations", "ArrowLeft")
    panel.shows(num=10)
    panel.drag_to_end("recommendations")
    panel.shows(num=50)

    # a customer of the list, and a tower's switch
    customer = panel.ask("panel.controls['customer'].values[1]")
    panel.choose("customer", customer)
    panel.shows(customer=customer)
    screenshot("03-panel-customer")
    panel.choose("■ Tower 2", "off")
    panel.shows(tower_2="off")

    # presets, the state box, and Reset
    panel.press("Without the strongest")
    panel.shows(**{"tower_2": "on", f"tower_{panel.ask('int(found.tower_shares(50).argmax()) + 1')}": "off"})
    panel.press("A dead tower")
    panel.shows(model="a dead tower", tower_1="on", tower_2="on", tower_3="on", tower_4="on")
    panel.choose("customer", EVERYONE)
    panel.shows(customer=EVERYONE)
    screenshot("03-panel-dead")
    pasted = {**panel.start, "model": "copies", "num": 20, "tower_1": "off", "tower_2": "off"}
    panel.paste(pasted)
    screenshot("03-panel-pasted")
    panel.reset()
