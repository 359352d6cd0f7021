"""Lesson 08 in a real JupyterLab: it runs, and its two panels answer to all that they have, to clicks and training."""

from lessons.common.tests.panel_page import PanelPage
from mtmi_lite.lab.recipes import ALPHAS, BETAS


def test_the_panels_of_lesson_08(open_panel, screenshot):
    panel = open_panel("08_the_laboratory.ipynb", "grid")

    # a click on a square
    panel.click_point(panel.ask("len(landscape.axes[1])") + 2)
    panel.shows(alpha=1.0, beta=0.1)
    screenshot("08-panel-clicked")

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
