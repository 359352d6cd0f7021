"""A panel in pages that are slow, reloaded, or short of something: the figure comes, or a line says why not."""

import nbformat
import pytest
from playwright.sync_api import Locator, Page

from lessons.common.tests.panel_page import PanelPage
from tools.browser import restart_kernel, run_all, save
from tools.notebooks import NOTEBOOKS

CODE = """
import plotly.graph_objects as go
from lessons.common.panels import Control, Panel

def draw(state):
    points = go.Scatter(x=[0, 1, 2], y=[state["high"]] * 3, mode="markers", marker=dict(size=40))
    title = f"{state['high']} high"
    return go.Figure(points, layout=dict(title=title, height=300, meta={"alt": f"Points {title}."}))

Panel(
    "tiny",
    [Control(name="high", label="how high", values=[0, 1, 2, 3])],
    draw,
    start={"high": 1},
    presets={"Low": {"high": 0}},
    pick=lambda state, trace, point: {"high": point + 1},
)
"""
LATE = """
// anywidget gives a widget's script two seconds, then loses what the kernel sends: here it gives none
window.late = 0;
const timeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (ms) => (ms === 2000 ? (window.late++, timeout(0)) : timeout(ms));
"""
SMALL = 200_000
PICTURE = NOTEBOOKS / "images" / "panels" / "circle.webp"


@pytest.fixture
def tiny(jupyterlab) -> str:
    """A notebook with one small panel, beside the lessons."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, jupyterlab.folder / "tiny.ipynb")
    stand_in = jupyterlab.folder / "images" / "panels" / "tiny.webp"
    stand_in.parent.mkdir(parents=True, exist_ok=True)
    stand_in.write_bytes(PICTURE.read_bytes())
    return "tiny.ipynb"


def stand_in(panel: PanelPage) -> Locator:
    return panel.whole.locator(".mtmi-stand-in")


def answers(panel: PanelPage) -> None:
    """A preset, a slider and a click on a point, each with the figure that it asks for."""
    panel.press("Reset")
    panel.shows(high=1)
    panel.keys("how high", "ArrowRight")
    panel.shows(high=2)
    panel.press("Low")
    panel.shows(high=0)
    panel.click_point(2)
    panel.shows(high=3)


def test_the_figure_comes_and_answers_where_anywidget_is_late(open_lesson, page, tiny):
    page.add_init_script(LATE)
    panel = PanelPage(open_lesson(tiny), "tiny")
    panel.shows(high=1)
    assert page.evaluate("window.late") > 0  # otherwise this test shows nothing
    answers(panel)


def test_figure_and_controls_agree_at_first_after_a_reload_and_after_a_restart_of_the_kernel(open_lesson, page, tiny):
    panel = PanelPage(open_lesson(tiny), "tiny")
    panel.shows(high=1)
    assert not stand_in(panel).is_visible()
    panel.press("Low")
    panel.shows(high=0)

    save(page)
    page.reload()
    panel = PanelPage(page, "tiny")
    panel.shows(high=0)
    answers(panel)

    restart_kernel(page)
    run_all(page)
    panel = PanelPage(page, "tiny")
    panel.shows(high=1)
    answers(panel)


def received(page: Page) -> list[int]:
    """The sizes of the messages that kernels send to the page, growing as they come."""
    sizes: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    return sizes


def test_a_panel_is_small_on_the_wire(open_lesson, page, tiny):
    sizes = received(page)
    PanelPage(open_lesson(tiny), "tiny").shows()
    sizes.clear()
    run_all(page)  # once more, now that the page has met the kernel
    PanelPage(page, "tiny").shows()
    assert 20_000 < sum(sizes) < SMALL  # it holds the stand-in, too


NO_PLOTLY = "() => { delete window._JUPYTERLAB['jupyterlab-plotly']; }"


def test_a_page_without_plotly_takes_that_of_the_kernel(open_lesson, page, tiny):
    sizes = received(page)
    panel = PanelPage(open_lesson(tiny, before=NO_PLOTLY), "tiny")
    panel.shows(high=1)
    assert sum(sizes) > 3_000_000
    answers(panel)


def test_where_the_server_lacks_anywidget_a_line_says_so_beside_a_picture(open_lesson, page, said, tiny, screenshot):
    page.route("**/extensions/anywidget/**", lambda route: route.abort())
    panel = PanelPage(open_lesson(tiny), "tiny")
    picture = stand_in(panel).locator("img")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    assert "pip install anywidget" in stand_in(panel).inner_text()
    screenshot("no-anywidget")
    said.clear()  # JupyterLab complains in its own words


def test_a_page_that_cannot_draw_says_why_beside_a_picture(open_lesson, tiny, screenshot):
    broken = "() => { window.Plotly = { react() { throw new Error('no canvas here'); } }; }"
    panel = PanelPage(open_lesson(tiny, before=broken), "tiny")
    panel.whole.get_by_text("This page cannot draw the figure (no canvas here)").wait_for()
    assert stand_in(panel).locator("img").is_visible()
    screenshot("cannot-draw")
