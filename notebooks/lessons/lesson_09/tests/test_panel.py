"""Lesson 09 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""

from lessons.lesson_09 import pictures


def test_the_panel_of_lesson_09(open_panel, screenshot):
    panel = open_panel("09_did_the_claims_hold.ipynb", "ledger")

    # the keyboard, and the mouse
    panel.keys("Holm's level", "ArrowLeft")
    panel.shows(level=0.01)
    panel.drag_to_end("margin")
    panel.shows(margin=0.02)

    # the lists
    panel.choose("claim", "IDW beats the minimum loss")
    panel.choose("logs", "planted world")
    panel.choose("recall@50 of", "new items only")
    panel.shows(claim="IDW beats the minimum loss", logs="planted world", measure="new items only")
    screenshot("09-panel-one-log")

    # presets, the state box, and Reset
    panel.press("Strict")
    panel.shows(level=0.001, margin=0.0)
    panel.press("Against ComiRec")
    panel.shows(**{**panel.start, "claim": "MTMI beats ComiRec"})
    pasted = {**panel.start, "claim": "Every cell is a gain", "logs": pictures.REAL}
    panel.paste(pasted)
    screenshot("09-panel-printed")
    panel.reset()
