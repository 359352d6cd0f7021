"""Lesson 00 in a real JupyterLab: it runs, and its panels answer to all that they have, to clicks and training."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panels_of_lesson_00(open_panel, screenshot):
    knobs = open_panel("00_see_one_customer_as_four.ipynb", "knobs")
    knobs.train_and_cancel()
    purchases = PanelPage(knobs.page, "purchases")
    purchases.reaches_all_by_tab()
    purchases.answers(lambda what: screenshot(f"00-purchases-{what}"))
    purchases.click_point(18)
    purchases.shows(p19=False)
    purchases.click_point(18)
    purchases.shows(p19=True)
