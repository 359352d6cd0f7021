"""A panel in a page, as a person meets it: sliders, lists, buttons, the text box of its state, and what it shows."""

import ast
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

ASK = """async ([name, expression]) => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    const code = `
import gc, json
from lessons.common.panels import Panel
if "panel" not in globals() or panel.name != "${name}":
    panel = next(one for one in gc.get_objects() if type(one) is Panel and one.name == "${name}")`;
    const asked = { answer: `json.dumps(${expression})` };
    const reply = await kernel.requestExecute({ code, silent: true, user_expressions: asked }).done;
    return reply.content.user_expressions?.answer ?? reply.content;
}"""

LISTEN = """selector => {
    const plot = document.querySelector(selector);
    window.hovered = new Promise((done) => {
        plot.once("plotly_hover", () => done(true));
        setTimeout(done, 2000, false);
    });
}"""


class PanelPage:
    """The panel of this name, `mtmi-{name}`, in a page of JupyterLab."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name, self.selector = page, name, f".mtmi-{name}"
        self.whole = page.locator(self.selector)
        self.text = self.whole.locator("input[type=text]")
        self.text.wait_for()
        self.text.scroll_into_view_if_needed()
        self.start: dict = self.ask("panel.start")
        self.state = dict(self.start)

    def ask(self, expression: str) -> Any:
        """The value, as JSON, of an expression among the names of the notebook, where `panel` is this panel."""
        answer = self.page.evaluate(ASK, [self.name, expression])
        if answer["status"] != "ok":
            raise AssertionError(f"{expression}: {answer['evalue']}")
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def answers(self, screenshot: Callable[[str], Path]) -> None:
        """Move each control, press each preset, paste a state, and Reset: each time the page shows what `draw` says."""
        controls = self.ask("[[one.name, one.label, one.kind, list(one.values)] for one in panel.controls.values()]")
        for name, label, kind, values in controls:
            if len(values) == 1 or name in self.ask(f"list(panel.idle({self.state}))"):
                continue
            here = values.index(self.state[name])
            there = here + 1 if here + 1 < len(values) else here - 1
            if kind == "slider":
                self.keys(label, "ArrowRight" if there > here else "ArrowLeft")
                self.shows(**{name: values[there]})
                self.drag_to_end(label)
                there = len(values) - 1
            else:
                value = values[there]
                self.choose(label, ("off", "on")[value] if isinstance(value, bool) else str(value))
            self.shows(**{name: values[there]})
        screenshot("moved")
        moved = dict(self.state)
        for number, (title, state) in enumerate(self.ask("panel.presets").items(), start=1):
            self.press(title)
            self.shows(**state)
            screenshot(f"preset-{number}")
        self.paste(moved)
        self.press("Reset")
        self.shows(**self.start)

    def slider(self, label: str) -> Locator:
        """The handle of a slider, by the label before it: it takes the focus and the arrow keys."""
        return self._row(label).locator("[role=slider]")

    def keys(self, label: str, *names: str) -> None:
        """Press keys on a slider."""
        handle = self.slider(label)
        handle.focus()
        for name in names:
            handle.press(name)

    def choose(self, label: str, option: str) -> None:
        """Take an entry of a list, or press one of a row of buttons."""
        row = self._row(label)
        if row.locator("select").count():
            row.locator("select").select_option(label=option)
        else:
            row.get_by_role("button", name=option, exact=True).click()

    def _row(self, label: str) -> Locator:
        exactly = re.compile(f"^{re.escape(label)}$")
        return self.whole.locator("label", has_text=exactly).locator("xpath=..")

    def drag_to_end(self, label: str) -> None:
        """Drag a slider to its right end with the mouse."""
        handle, track = self.slider(label), self._row(label).locator(".noUi-base")
        handle.scroll_into_view_if_needed()
        box, line = handle.bounding_box(), track.bounding_box()
        assert box is not None
        assert line is not None
        middle = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] / 2, middle)
        self.page.mouse.down()
        self.page.mouse.move(line["x"] + line["width"], middle, steps=8)
        self.page.mouse.up()

    def reaches_all_by_tab(self) -> None:
        """Tab goes from the first control to the state's box, and stops at every labelled control on its way."""
        labels = (
            f"[...document.querySelectorAll('{self.selector} label')].filter(label => label.textContent.trim()"
            " && !label.parentElement.querySelector('[disabled]'))"  # what has no effect now is left out
        )
        named = self.page.evaluate(f"{labels}.map(label => label.textContent)")
        first = self.whole.locator("select, [role=slider], button").first
        first.scroll_into_view_if_needed()
        first.focus()
        reached: list[str | None] = []
        here = f"{labels}.find(label => label.parentElement.contains(document.activeElement))?.textContent"
        while "state" not in reached and len(reached) < 80:
            reached.append(self.page.evaluate(here))
            self.page.keyboard.press("Tab")
        assert set(named) - {"training"} <= set(reached), f"Tab does not reach {set(named) - set(reached)}"
        self.text.scroll_into_view_if_needed()

    def press(self, button: str) -> None:
        self.whole.get_by_role("button", name=button, exact=True).click()

    def paste(self, state: dict) -> None:
        """Paste a state into its box, and wait until the page shows it."""
        self.text.fill(json.dumps(state, ensure_ascii=False))
        self.text.press("Enter")
        self.shows(**state)

    def train_and_cancel(self) -> None:
        """Start a training, cancel it when its bar has moved, and wait until the page says so."""
        self.press("Train these")
        self.page.wait_for_function(
            "selector => document.querySelector(selector)?.getBoundingClientRect().width > 1",
            arg=f"{self.selector} .progress-bar",
        )
        self.press("Cancel")
        self.whole.get_by_text("Cancelled; nothing has changed.").wait_for()

    def click_point(self, number: int) -> None:
        """Click a point of the figure's first trace with the mouse."""
        point = self.whole.locator(".scatterlayer .trace").first.locator(".points path").nth(number)
        for _ in range(100):  # a page that has just drawn may not hear of the first hover, or still move the figure
            point.scroll_into_view_if_needed()
            box = point.bounding_box()
            assert box is not None
            place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            self.page.mouse.move(0, 0)
            self.page.evaluate(LISTEN, f"{self.selector} .js-plotly-plot")
            self.page.mouse.move(*place)  # in one step, over no other point
            if self.page.evaluate("async () => await window.hovered"):
                break
        else:
            raise AssertionError(f"point {number} of {self.selector} does not answer to the mouse")
        self.page.mouse.click(*place)  # plotly clicks what it hovers over

    def shows(self, **changes: Any) -> None:
        """Wait until the page shows the last state with these changes, and the figure of that: its title, its words."""
        self.state |= changes
        self._wait(f"{self.selector} input[type=text]", "value", json.dumps(self.state, ensure_ascii=False))
        title, alt = self.ask(f"(lambda of: [of.title.text, of.meta['alt']])(panel.draw({self.state!r}).layout)")
        if title:
            self._wait(f"{self.selector} .gtitle", "textContent", re.sub("<[^>]*>", "", title))
        self.whole.get_by_text(html.unescape(alt), exact=True).first.wait_for()

    def _wait(self, selector: str, attribute: str, expected: str) -> None:
        try:
            self.page.wait_for_function(
                "([selector, attribute, text]) => document.querySelector(selector)?.[attribute] === text",
                arg=[selector, attribute, expected],
            )
        except Exception as error:
            found = self.page.evaluate(
                "([selector, attribute]) => document.querySelector(selector)?.[attribute]", [selector, attribute]
            )
            raise AssertionError(f"{selector} shows {found!r}, not {expected!r}") from error
