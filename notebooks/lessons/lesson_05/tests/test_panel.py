"""Lesson 05 in a real JupyterLab: its panel answers to the keyboard, the mouse, a click on the circle and its state."""

from lessons.lesson_05.pictures import ANGLES, CIRCLE_PRESETS


def test_the_panel_of_lesson_05(open_panel, screenshot):
    panel = open_panel("05_pull_inverse_distance_weights.ipynb", "pull")

    # the keyboard, on the slider of the tower; the mouse, on that of α
    panel.keys("tower, °", "ArrowRight")
    panel.shows(tower=95)
    panel.drag_to_end("α, sharpness")
    panel.shows(alpha=8.0)

    # the switch and a preset
    panel.choose("through the weight", "on")
    panel.shows(through_weight=True)
    panel.press("At the floor")
    panel.shows(**CIRCLE_PRESETS["At the floor"])
    screenshot("05-panel-floor")
    panel.press("The tower flees")
    panel.shows(**CIRCLE_PRESETS["The tower flees"])
    screenshot("05-panel-flees")

    # a click on a point of the circle moves what the list names
    panel.choose("a click moves", "negative")
    panel.shows(moves="negative")
    panel.click_point(ANGLES.index(-90))
    panel.shows(negative=-90)
    screenshot("05-panel-clicked")

    pasted = {**panel.start, "tower": -45, "margin": 1.0}
    panel.paste(pasted)
    panel.reset()
