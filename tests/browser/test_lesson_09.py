"""Lesson 09 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse and the state box."""

from mtmi_lite.lessons import lesson_09 as ledger
from mtmi_lite.lessons import lesson_09_figures as pictures
from tests.browser.panel import PanelPage
from tools.notebooks import NOTEBOOKS


def test_the_panel_of_lesson_09(open_lesson, screenshot):
    folder = NOTEBOOKS / "results"
    book = pictures.Ledger(ledger.read_claims(folder), ledger.read_results(folder))
    page = open_lesson("09_did_the_claims_hold.ipynb")
    screenshot("09-end")
    panel = PanelPage(page, "ledger")
    panel.reaches_all_by_tab()
    start = book.start

    def shows(**changes) -> None:
        panel.shows_figure({**start, **changes}, book.draw({**start, **changes}))

    shows()
    screenshot("09-panel")

    # the keyboard, and the mouse
    strictness = panel.slider("Holm's level")
    strictness.focus()
    strictness.press("ArrowLeft")
    shows(level=0.01)
    panel.drag_to_end("margin")
    shows(level=0.01, margin=0.02)

    # the lists
    panel.choose("claim", "IDW beats the minimum loss")
    panel.choose("logs", "planted world")
    panel.choose("recall@50 of", "new items only")
    now = dict(claim="IDW beats the minimum loss", logs="planted world", measure="new items only")
    shows(level=0.01, margin=0.02, **now)
    screenshot("09-panel-one-log")

    # presets, the state box, and Reset
    panel.press("Strict")
    shows(level=0.001, margin=0.0, **now)
    panel.press("Against ComiRec")
    shows(claim="MTMI beats ComiRec")
    panel.paste({**start, "claim": "Every cell is a gain", "logs": pictures.REAL})
    shows(claim="Every cell is a gain", logs=pictures.REAL)
    screenshot("09-panel-printed")
    panel.press("Reset")
    shows()
