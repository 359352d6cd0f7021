"""Lesson 06 in a real JupyterLab: its time-lapse plays, and answers to its lists, buttons and state box."""

from lessons.common.tests.panel_page import PanelPage


def test_the_panel_of_lesson_06(open_lesson, screenshot):
    page = open_lesson("06_push_when_do_towers_collapse.ipynb")
    screenshot("06-end")
    panel = PanelPage(page, "time-lapse")
    panel.reaches_all_by_tab()
    users = panel.ask("panel.controls['follow'].values")
    panel.shows(training="paper, β = 0", follow=users[0])
    screenshot("06-panel")
    titles = panel.ask("[frame.layout.title.text for frame in panel.draw(panel.start).frames]")

    def play() -> None:
        """Press Play, and keep the titles that come by: a frame may be over before the test can ask for it."""
        page.evaluate(
            """selector => {
                window.titles = [];
                const keep = () => window.titles.push(document.querySelector(`${selector} .gtitle`)?.textContent);
                const all = { childList: true, subtree: true };
                new MutationObserver(keep).observe(document.querySelector(selector), all);
            }""",
            panel.selector,
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

    # it pauses where it is, and its slider goes back to the start; the page itself presses Pause, for it is never late
    page.evaluate(
        """([selector, titles]) => {
            const buttons = [...document.querySelectorAll(`${selector} .updatemenu-button`)];
            const pause = buttons.find((button) => button.textContent.includes("Pause"));
            const watch = new MutationObserver(() => {
                if (!titles.includes(document.querySelector(`${selector} .gtitle`)?.textContent)) return;
                watch.disconnect();
                pause.dispatchEvent(new MouseEvent("click", { bubbles: true }));
                window.pressed = true;
            });
            watch.observe(document.querySelector(selector), { childList: true, subtree: true });
        }""",
        [panel.selector, titles[1:-1]],
    )
    play()
    page.wait_for_function("window.pressed")
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

    # the lists
    panel.choose("training", "paper, β = 0.5")
    panel.shows(training="paper, β = 0.5", follow=users[0])
    screenshot("06-panel-little")
    panel.choose("follow", users[1])
    panel.shows(training="paper, β = 0.5", follow=users[1])

    # a preset, the state box, and Reset
    panel.press("Far too much")
    panel.shows(training="paper, β = 1000", follow=users[1])
    screenshot("06-panel-repelled")
    panel.paste({"training": "pooling, β = 0", "follow": users[5]})
    screenshot("06-panel-pooling")
    panel.press("Reset")
    panel.shows(training="paper, β = 0", follow=users[0])
