"""Lesson 06 in a real JupyterLab: its time-lapse plays, and answers to its lists, buttons and state box."""

from tests.browser.panel import PanelPage


def test_the_panel_of_lesson_06(open_lesson, screenshot):
    page = open_lesson("06_push_when_do_towers_collapse.ipynb")
    screenshot("06-end")
    panel = PanelPage(page, "time-lapse")
    panel.reaches_all_by_tab()
    users = panel.ask("panel.controls['follow'].values")

    def waits_for(title: str) -> None:
        page.wait_for_function(
            "([selector, title]) => document.querySelector(selector)?.textContent === title",
            arg=[f"{panel.selector} .gtitle", title],
        )

    def titles(training: str) -> list[str]:
        state = {"training": training, "follow": users[0]}
        return panel.ask(f"[frame.layout.title.text for frame in panel.draw({state}).frames]")

    def press(sign: str) -> None:
        panel.whole.locator(".updatemenu-button", has_text=sign).click()

    panel.shows(training="paper, β = 0", follow=users[0])
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
    panel.shows(training="paper, β = 0.5", follow=users[0])
    screenshot("06-panel-little")
    panel.choose("follow", users[1])
    panel.shows(training="paper, β = 0.5", follow=users[1])
    press("Play")
    waits_for(titles("paper, β = 0.5")[0])
    waits_for(titles("paper, β = 0.5")[-1])

    # a preset, the state box, and Reset
    panel.press("Far too much")
    panel.shows(training="paper, β = 1000", follow=users[1])
    screenshot("06-panel-repelled")
    panel.paste({"training": "pooling, β = 0", "follow": users[5]})
    panel.shows(training="pooling, β = 0", follow=users[5])
    screenshot("06-panel-pooling")
    panel.press("Reset")
    panel.shows(training="paper, β = 0", follow=users[0])
