"""Lesson 06 in a real JupyterLab: its time-lapse plays, and answers to its lists, buttons and state box."""

import pytest

from mtmi_lite.lessons import lesson_06 as pictures
from tests.browser.panel import PanelPage
from tools import notebooks as pipeline


@pytest.fixture(scope="module")
def names():
    """What the lesson's first cells hold: the trainings, and the panel's own code a little later."""
    cells = pipeline.read_source(pipeline.sources(["06"])[0]).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    last = next(number for number, cell in enumerate(code) if "time_lapse_panel" in cell)
    lead = next(cell for cell in code if cell.startswith("lead = ["))
    names: dict = {}
    for cell in (*code[:4], lead, code[last].removesuffix("panel")):
        exec(cell, names)
    return names


def test_the_panel_of_lesson_06(open_lesson, screenshot, names):
    page = open_lesson("06_push_when_do_towers_collapse.ipynb")
    screenshot("06-end")
    panel, twin = PanelPage(page, "time-lapse"), names["panel"]
    panel.reaches_all_by_tab()
    users = [f"user {user}" for user in names["watched"]["one tower"].shown]

    def shows(training: str, follow: str) -> None:
        state = {"training": training, "follow": follow}
        panel.shows_figure(state, twin.draw(state))

    def waits_for(title: str) -> None:
        page.wait_for_function(
            "([selector, title]) => document.querySelector(selector)?.textContent === title",
            arg=[f"{panel.selector} .gtitle", title],
        )

    def titles(training: str) -> list[str]:
        figure = pictures.time_lapse(names["watched"][training], names["world"], name=training, followed=0)
        return [frame.layout.title.text for frame in figure.frames]

    def press(sign: str) -> None:
        panel.whole.locator(".updatemenu-button", has_text=sign).click()

    shows("paper, β = 0", users[0])
    screenshot("06-panel")

    # it plays from its first frame to its last
    first, *_, last = titles("paper, β = 0")
    press("Play")
    waits_for(first)
    screenshot("06-panel-playing")
    waits_for(last)

    # it pauses where it is, and its slider goes back to the start
    press("Play")
    waits_for(titles("paper, β = 0")[3])
    press("Pause")
    paused = page.locator(f"{panel.selector} .gtitle").text_content()
    page.wait_for_timeout(1500)
    assert page.locator(f"{panel.selector} .gtitle").text_content() == paused != last
    panel.whole.locator(".slider-rail-touch-rect").click(position={"x": 3, "y": 5})
    waits_for(first)

    # the lists
    panel.choose("training", "paper, β = 0.5")
    shows("paper, β = 0.5", users[0])
    screenshot("06-panel-little")
    panel.choose("follow", users[1])
    shows("paper, β = 0.5", users[1])
    press("Play")
    waits_for(titles("paper, β = 0.5")[0])
    waits_for(titles("paper, β = 0.5")[-1])

    # a preset, the state box, and Reset
    panel.press("Far too much")
    shows("paper, β = 1000", users[1])
    screenshot("06-panel-repelled")
    panel.paste({"training": "pooling, β = 0", "follow": users[5]})
    shows("pooling, β = 0", users[5])
    screenshot("06-panel-pooling")
    panel.press("Reset")
    shows("paper, β = 0", users[0])
