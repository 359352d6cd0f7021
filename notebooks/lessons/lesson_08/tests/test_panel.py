"""Lesson 08 in a real JupyterLab: its two panels answer to keyboard, mouse, clicks, training and their state."""

from lessons.common.tests.panel_page import PanelPage
from lessons.lesson_08 import pictures
from mtmi_lite.lab.recipes import ALPHAS, BETAS


def test_the_panels_of_lesson_08(open_panel, screenshot):
    panel = open_panel("08_the_laboratory.ipynb", "grid")

    # the keyboard, the mouse, the switch and the list
    panel.keys("β, repel", "ArrowRight")
    panel.shows(beta=0.01)
    panel.drag_to_end("α, share")
    panel.shows(alpha=6.0)
    panel.choose("K, towers", "8")
    panel.choose("map", pictures.COSINE)
    panel.shows(num_towers=8, shown=pictures.COSINE)
    screenshot("08-panel-cosine")

    # presets, a click on a square, the state box, and Reset
    panel.press("The paper's peak")
    panel.shows(num_towers=4, alpha=2.0, beta=1000.0)
    screenshot("08-panel-peak")
    panel.click_point(panel.ask("len(landscape.axes[1])") + 2)
    panel.shows(alpha=1.0, beta=0.1)
    pasted = {**panel.start, "num_towers": 8, "alpha": 4.0}
    panel.paste(pasted)
    panel.reset()

    # the laboratory: a preset, a click, a training that is cancelled, and one that is not
    panel = PanelPage(panel.page, "laboratory")
    panel.reaches_all_by_tab()

    panel.press("Copies")
    panel.press("Specialists")
    panel.shows(alpha=5.0, beta=0.3)
    panel.click_point(ALPHAS.index(2.0) * len(BETAS) + BETAS.index(1.0))
    panel.shows(alpha=2.0, beta=1.0)
    screenshot("08-panel-laboratory")
    panel.choose("seed", "3")
    panel.choose("K, towers", "2")
    panel.shows(seed=3, num_towers=2)
    panel.train_and_cancel()
    panel.press("Train these")
    cancelled = panel.whole.get_by_text("Cancelled; nothing has changed.")
    cancelled.wait_for(state="hidden")  # until there is something new to tell
    panel.shows()
    screenshot("08-panel-trained")
