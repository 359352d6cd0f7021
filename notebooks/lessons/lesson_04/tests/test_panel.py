"""Lesson 04 in a real JupyterLab: it runs, and its panel switches between training and serving."""

from lessons.lesson_04.pictures import PHASES, PRESETS


def test_the_panel_of_lesson_04(open_panel, screenshot):
    panel = open_panel("04_who_answers_for_the_target.ipynb", "switch")
    panel.choose("the label", PHASES[1])
    panel.shows(phase=PHASES[1])
    screenshot("04-panel-serving")
    panel.choose("the label", PHASES[0])
    panel.shows(phase=PHASES[0])

    # the keyboard, on the slider of α
    panel.keys("α or p", "ArrowLeft")
    panel.shows(sharpness=2.0)
    panel.keys("α or p", "ArrowRight", "ArrowRight")
    panel.shows(sharpness=8.0)

    panel.drag_to_end("user")
    panel.shows(user=12)
    panel.choose("rule", "label-aware")
    panel.shows(rule="label-aware")

    # the presets, the state box, and Reset
    for preset in PRESETS:
        panel.press(preset)
        panel.shows(**PRESETS[preset])
        screenshot(f"04-panel-preset-{list(PRESETS).index(preset) + 1}")
    panel.paste({**panel.state, "model": "MIND", "user": 3, "item": 2, "phase": PHASES[1]})
    panel.reset()
