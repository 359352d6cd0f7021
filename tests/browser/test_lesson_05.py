"""Lesson 05 in a real JupyterLab: its panel answers to the keyboard, the mouse, a click on the circle and its state."""

from mtmi_lite.lessons.lesson_05 import ANGLES, CIRCLE_PRESETS, CIRCLE_START, circle_figure
from tests.browser.panel import PanelPage


def test_the_panel_of_lesson_05(open_lesson, screenshot):
    page = open_lesson("05_pull_inverse_distance_weights.ipynb")
    screenshot("05-end")
    panel = PanelPage(page, "pull")
    panel.reaches_all_by_tab()
    state = dict(CIRCLE_START)

    def shows(**changes) -> None:
        state.update(changes)
        panel.shows_figure(state, circle_figure(state))

    shows()
    screenshot("05-panel")

    # the keyboard, on the slider of the tower; the mouse, on that of α
    tower = panel.slider("tower, °")
    tower.focus()
    tower.press("ArrowRight")
    shows(tower=95)
    panel.drag_to_end("α, sharpness")
    shows(alpha=8.0)

    # the switch and a preset
    panel.choose("through the weight", "on")
    shows(through_weight=True)
    panel.press("At the floor")
    shows(**CIRCLE_PRESETS["At the floor"])
    screenshot("05-panel-floor")
    panel.press("The tower flees")
    shows(**CIRCLE_PRESETS["The tower flees"])
    screenshot("05-panel-flees")

    # a click on a point of the circle moves what the list names
    panel.choose("a click moves", "negative")
    shows(moves="negative")
    panel.click_point(ANGLES.index(-90))
    shows(negative=-90)
    screenshot("05-panel-clicked")

    panel.paste({**CIRCLE_START, "tower": -45, "margin": 1.0})
    shows(**{**CIRCLE_START, "tower": -45, "margin": 1.0})
    panel.press("Reset")
    shows(**CIRCLE_START)
