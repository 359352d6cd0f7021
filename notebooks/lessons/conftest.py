"""A real JupyterLab in a real Chromium. Without Chromium these tests skip: nothing that a student runs needs it.

def test_the_panel(open_panel, screenshot):
    panel = open_panel("05_pull.ipynb", "circle")
    panel.click_point(3)
    panel.shows(negative=-90)
    screenshot("05-panel-clicked")
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from lessons.common.tests.panel_page import PanelPage
from tools import browser as real
from tools.notebooks import ROOT, find_chromium

SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="session")
def chromium() -> str:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium or Chrome found; install one, or name it in BROWSER_PATH, to run the browser tests")
    return path


@pytest.fixture(scope="session")
def jupyterlab(chromium) -> Iterator[real.Lab]:
    with real.jupyterlab() as lab:
        yield lab


@pytest.fixture(scope="session")
def browser(chromium) -> Iterator[Browser]:
    with real.browser(chromium) as running:
        yield running


@pytest.fixture
def said() -> list[str]:
    """The errors in the browser's console; a test takes out those that it expects."""
    return []


@pytest.fixture
def page(browser, said) -> Iterator[Page]:
    """A page that may report no error in the console of the browser; only the badge's picture needs a network."""
    page = real.new_page(browser)
    page.on("console", lambda m: said.append(f"{m.text} {m.location['url']}".strip()) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    page.evaluate("async () => await window.jupyterapp?.serviceManager.sessions.shutdownAll()")  # half a GB a lesson
    page.context.close()
    # plotly rejects the promise of an animation that was paused, with nothing to say; anywidget complains where a page
    # takes more than two seconds to load its script, and the panel comes all the same
    expected = ("undefined", "Failed to load resource: net::ERR_", "[anywidget] Failed to initialize model.")
    assert [text for text in said if not text.startswith(expected)] == []


@pytest.fixture
def open_lesson(jupyterlab, page) -> Callable[..., Page]:
    """A function that opens a notebook, runs all its cells, and gives the page once they have run without an error.

    It evaluates `before` in the page when the notebook is open and nothing has run.
    """

    def open_and_run(name: str, before: str = "() => {}") -> Page:
        jupyterlab.open(page, name)
        page.evaluate(before)
        real.run_all(page)
        for kind in ("error", "stderr"):
            assert page.locator(f"[data-mime-type='application/vnd.jupyter.{kind}']").count() == 0
        return page

    return open_and_run


@pytest.fixture
def screenshot(page) -> Callable[[str], Path]:
    """A function that keeps what the page shows in build/screenshots."""

    def keep(name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return keep


@pytest.fixture
def open_panel(open_lesson, screenshot) -> Callable[..., PanelPage]:
    """A function that opens a lesson, runs it, tries all that its panel says it has, and gives the panel, at its start.

    It lets `look` see the page as it is at the end of the lesson.
    """

    def open_and_try(notebook: str, name: str, look: Callable[[Page], None] = lambda page: None) -> PanelPage:
        page, number = open_lesson(notebook), notebook[:2]
        screenshot(f"{number}-end")
        look(page)
        panel = PanelPage(page, name)
        panel.reaches_all_by_tab()
        panel.shows()
        screenshot(f"{number}-panel")
        panel.answers(lambda what: screenshot(f"{number}-panel-{what}"))
        return panel

    return open_and_try
