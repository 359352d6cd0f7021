"""Lesson 06 in a real JupyterLab: it runs, and its panel answers to all that it has, and plays."""

from collections.abc import Sequence


def test_the_panel_of_lesson_06(open_panel, screenshot):
    panel = open_panel("06_push_when_do_towers_collapse.ipynb", "time-lapse")
    page = panel.page
    titles = panel.ask("[frame.layout.title.text for frame in panel.draw(panel.start).frames]")

    def play(pause_at: Sequence[str] = ()) -> None:
        """Press Play; the page keeps the titles that come by, and presses Pause at one of these: a test is late."""
        page.evaluate(
            """([selector, pauseAt]) => {
                const buttons = [...document.querySelectorAll(`${selector} .updatemenu-button`)];
                const pause = buttons.find((button) => button.textContent.includes("Pause"));
                window.titles = [];
                window.paused = false;
                const keep = () => {
                    const title = document.querySelector(`${selector} .gtitle`)?.textContent;
                    window.titles.push(title);
                    if (window.paused || !pauseAt.includes(title)) return;
                    window.paused = true;
                    pause.dispatchEvent(new MouseEvent("click", { bubbles: true }));
                };
                const all = { childList: true, subtree: true };
                new MutationObserver(keep).observe(document.querySelector(selector), all);
            }""",
            [panel.selector, pause_at],
        )
        panel.whole.locator(".updatemenu-button", has_text="Play").click()

    # it rests on its last frame, and plays from the first to the last; a slow page leaves some out
    play()
    screenshot("06-panel-playing")
    page.wait_for_function(
        """titles => {
            const start = window.titles.indexOf(titles[0]);
            return start >= 0 && window.titles.includes(titles.at(-1), start);
        }""",
        arg=titles,
    )
    assert len(set(page.evaluate("window.titles"))) > len(titles) / 2

    # it pauses where it is, and its slider goes back to the start
    play(pause_at=titles[1:-1])
    page.wait_for_function("window.paused")
    title, paused = page.locator(f"{panel.selector} .gtitle"), []
    for _ in range(2):
        page.wait_for_timeout(1500)
        paused.append(title.text_content())
    assert paused[0] == paused[1] != titles[-1]
    panel.whole.locator(".slider-rail-touch-rect").click(position={"x": 3, "y": 5})
    page.wait_for_function(
        "([selector, title]) => document.querySelector(selector).textContent === title",
        arg=[f"{panel.selector} .gtitle", titles[0]],
    )
