"""Lesson 00 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""


def test_the_panel_of_lesson_00(open_panel, screenshot):
    panel = open_panel("00_see_one_customer_as_four.ipynb", "knobs")

    # the keyboard, on the slider of α
    panel.keys("α, share", "ArrowRight")
    panel.shows(alpha=8.0)
    panel.keys("α, share", "ArrowLeft", "ArrowLeft")
    panel.shows(alpha=3.0)

    panel.drag_to_end("β, repel")
    panel.shows(beta=1000.0)
    screenshot("00-panel-repelled")

    # a preset, the state box, and Reset
    panel.press("Copies")
    panel.shows(num_towers=4, alpha=1.0, beta=0.0)
    screenshot("00-panel-copies")
    panel.paste({"num_towers": 8, "alpha": 5.0, "beta": 0.3})
    panel.press("One vector")
    panel.shows(num_towers=1, alpha=5.0, beta=0.3)
    panel.reset()

    # training: start it, cancel it
    panel.train_and_cancel()
