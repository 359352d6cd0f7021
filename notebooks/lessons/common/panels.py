"""Panels: sliders and lists around a figure. A panel only wires them to a plain function, state → figure.

The only file that imports ipywidgets. What happens in the page is in `screen.js`.
"""

import base64
import html
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anywidget
import ipywidgets as widgets
import plotly.graph_objects as go
import traitlets
from plotly.offline import get_plotlyjs

from lessons.common.figures import two_maps
from lessons.common.maps import Portrait
from mtmi_lite.lab.recipes import ALPHAS, BETAS, KS, Recipe, place_of, recipe_at

State = dict[str, Any]
"""The value of each control, by its name; as JSON it is what the panel's text box shows and reads."""
WIDTH = 830
"""Of a panel's figure, in pixels: fits a notebook in a window of 1280. Left alone, it would be 700 in any window."""
STAND_INS = Path("images", "panels")
"""The pictures of panels as they start, beside the lessons: a page shows one for as long as it cannot draw."""
WIDGETS = {"slider": widgets.SelectionSlider, "list": widgets.Dropdown, "switch": widgets.ToggleButtons}


@dataclass(frozen=True, kw_only=True)
class Control:
    """One thing to choose: its name in the state, what stands before it, and the values that it may have, in order.

    Values are numbers, texts or booleans, so that a state is JSON.
    """

    name: str
    label: str
    values: Sequence
    kind: Literal["slider", "list", "switch"] = "slider"


class Screen(anywidget.AnyWidget):
    """A figure in a page, drawn by the plotly.js that JupyterLab has anyway, and clicks on its points.

    The figure is the value of a core widget that nobody displays, and so is plotly.js for a page that has none: what is
    sent to an AnyWidget itself is lost, without a word, in a page that needs more than two seconds to load its script.

    Args:
        on_pick: called with the number of the trace and of the point in it when a point is clicked.
    """

    _esm = Path(__file__).with_name("screen.js")
    _css = ".mtmi-panel:has(.mtmi-drawn) .mtmi-stand-in { display: none }"
    figures = traitlets.Unicode().tag(sync=True)
    script = traitlets.Unicode().tag(sync=True)

    def __init__(self, on_pick: Callable[[int, int], None]) -> None:
        self._figures, self._script, self._on_pick = widgets.Label(), widgets.Label(), on_pick
        super().__init__(figures=self._figures.model_id, script=self._script.model_id)
        self.on_msg(self._hear)

    def show(self, figure: go.Figure) -> None:
        """Draw a figure in place of the one before."""
        self._figures.value = figure.to_json() or ""

    def _hear(self, _: object, message: dict, __: object) -> None:
        if message.get("need") == "plotly":
            self._script.value = get_plotlyjs()
        else:
            self._on_pick(message["trace"], message["point"])


def stand_in(name: str) -> widgets.HTML:
    """A line and, if there is one, the picture of a panel as it starts: what a page shows until it draws the figure."""
    picture, path = "", STAND_INS / f"{name}.webp"
    if path.exists():
        data = base64.b64encode(path.read_bytes()).decode()
        picture = f'<img src="data:image/webp;base64,{data}" alt="The panel as it starts" width="{WIDTH}">'
    line = (
        "The figure is on its way. If it has not come within a minute, <code>pip install anywidget</code> in the "
        "environment that JupyterLab itself runs in, start JupyterLab again, and reload this page."
    )
    return widgets.HTML(f"<p>{line}</p>{picture}").add_class("mtmi-stand-in")


class Panel:
    """Controls above a figure, with named positions, Reset, and the state as text that can be copied and pasted back.

    Args:
        name: names the panel in the page: its class there is `mtmi-{name}`.
        controls: what there is to choose.
        draw: the figure of a state, with its text in `layout.meta["alt"]`, which stands below the controls as well. A
            slider asks for it at each step, so it should take less than 50 ms. None if the state must be worked out.
            If it has frames, the page plays them: draw it with its buttons for that.
        start: the first state.
        presets: named states; where one leaves a control out, that stays where it is.
        idle: the controls that have no effect in a state.
        pick: what to change in the state when a point of the figure is clicked, from the state, the number of the
            trace, and the number of the point in it. None leaves clicks alone.
        work: works a state out, so that `draw` has a figure of it; it calls back with the number of steps done, and
            ends soon after the callback raises KeyboardInterrupt. None leaves its button out.
        steps: how many steps `work` takes.

    Raises:
        ValueError: naming the control and the value that it may not have.
    """

    def __init__(
        self,
        name: str,
        controls: Sequence[Control],
        draw: Callable[[State], go.Figure | None],
        *,
        start: State,
        presets: Mapping[str, State],
        idle: Callable[[State], Sequence[str]] = lambda state: (),
        pick: Callable[[State, int, int], State] | None = None,
        work: Callable[[State, Callable[[int], None]], object] | None = None,
        steps: int = 0,
    ) -> None:
        self.name, self.controls = name, {control.name: control for control in controls}
        self.start, self.presets, self.draw, self.idle, self.pick, self.work = start, presets, draw, idle, pick, work
        self._check(start, whole=True)
        for preset in presets.values():
            self._check(preset)
        first = draw(start)
        if first is None:
            raise ValueError(f"start: {start} has no figure yet; start at a state that has one")
        self.widgets = {
            control.name: WIDGETS[control.kind](
                options=[({False: "off", True: "on"}[v], v) if isinstance(v, bool) else v for v in control.values],
                value=start[control.name],
                description=control.label,
                style={"description_width": "initial"},
            )
            for control in controls
        }
        self.message = widgets.HTML()
        self.text = widgets.Text(description="state", continuous_update=False, layout=widgets.Layout(width="70%"))
        self.screen = Screen(self._clicked)
        buttons = [_button(title, lambda _, state=state: self.go_to(state)) for title, state in presets.items()]
        buttons.append(_button("Reset", lambda _: self.go_to(start)))
        wrap = widgets.Layout(flex_flow="row wrap")
        rows = [widgets.HBox(list(self.widgets.values()), layout=wrap), widgets.HBox(buttons, layout=wrap)]
        self._cancelled = threading.Event()
        if work is not None:
            self.work_button = _button("Train these", lambda _: self._start_work())
            self.cancel_button = _button("Cancel", lambda _: self._cancelled.set())
            self.cancel_button.disabled = True
            self.progress = widgets.IntProgress(max=steps, description="training")
            rows.append(widgets.HBox([self.work_button, self.cancel_button, self.progress]))
        self.widget = widgets.VBox([*rows, self.message, self.screen, stand_in(name), self.text])
        self.widget.add_class("mtmi-panel").add_class(f"mtmi-{name}")
        self._moving = False
        for control in self.widgets.values():
            control.observe(lambda _: self._show(), names="value")
        self.text.observe(lambda change: self._paste(change["new"]), names="value")
        self._show(first)

    @property
    def state(self) -> State:
        """The present values of the controls."""
        return {name: control.value for name, control in self.widgets.items()}

    def go_to(self, state: State) -> None:
        """Move the controls; those that the state does not name stay.

        Raises:
            ValueError: naming the control and the value that it may not have.
        """
        self._check(state)
        self._moving = True  # one redraw, not one for each control
        try:
            for name, value in state.items():
                self.widgets[name].index = list(self.controls[name].values).index(value)
        finally:
            self._moving = False
        self._show()

    def _check(self, state: State, *, whole: bool = False) -> None:
        if not set(state) <= set(self.controls) or (whole and len(state) < len(self.controls)):
            raise ValueError(f"state: must have exactly the fields {', '.join(self.controls)}; got {_json(state)}")
        for name, value in state.items():
            values = list(self.controls[name].values)
            if value not in values or isinstance(value, bool) != isinstance(values[0], bool):
                shown = ", ".join(map(str, values[:12])) + (", …" if len(values) > 12 else "")
                raise ValueError(f"{name}: {value!r} is not allowed; choose one of {shown}")

    def _paste(self, text: str) -> None:
        if text == _json(self.state):
            return
        try:
            state = json.loads(text)
            if not isinstance(state, dict):
                raise ValueError("state: must be a JSON object, {…}, such as the box shows")
            self._check(state, whole=True)
            self.go_to(state)
        except json.JSONDecodeError as error:
            self.message.value = f"<b>state: not JSON ({error}); paste what the box showed</b>"
        except ValueError as error:
            self.message.value = f"<b>{error}</b>"

    def _show(self, first: go.Figure | None = None) -> None:
        if self._moving:
            return
        state = self.state
        figure = self.draw(state) if first is None else first
        if figure is None:
            hint = "press <b>Train these</b>" if self.work else "choose another position"
            self.message.value = f"Nobody has trained these settings yet: {hint}. The figure shows the last ones."
        else:
            self.figure = figure.update_layout(width=WIDTH)
            self.screen.show(figure)  # before anything else, so that the page can draw meanwhile
            self.message.value = html.escape(str(figure.layout["meta"]["alt"]))
        idle = self.idle(state)
        for name, control in self.widgets.items():
            control.disabled = name in idle
        self.text.value = _json(state)

    def _clicked(self, trace: int, point: int) -> None:
        if self.pick is not None:
            self.go_to(self.pick(self.state, trace, point))

    def _start_work(self) -> None:
        self.work_button.disabled, self.cancel_button.disabled = True, False
        self._cancelled.clear()
        # in a thread of its own, so that the kernel hears the Cancel button
        threading.Thread(target=self._work, args=(self.state,), daemon=True).start()

    def _work(self, state: State) -> None:
        def on_step(step: int) -> None:
            if self._cancelled.is_set():
                raise KeyboardInterrupt
            if step % 25 == 0:
                self.progress.value = step

        try:
            assert self.work is not None
            self.work(state, on_step)
            self._show()
            if self._cancelled.is_set():
                self.message.value = "Cancelled; nothing has changed."
        except Exception as error:  # into the panel: in a thread nobody would see it
            self.message.value = f"<b>Training stopped: {error}</b>"
        finally:
            self.work_button.disabled, self.cancel_button.disabled = False, True
            self.progress.value = 0

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        """The widget where there is a kernel; without one, the figure as it stands, or a text."""
        figure = json.loads(self.figure.to_json() or "{}")
        if figure.pop("frames", None):  # as much again; with nothing to play, there is nothing to press
            for control in ("updatemenus", "sliders"):
                figure["layout"].pop(control, None)
        figure["layout"]["meta"]["panel"] = self.name  # `make notebooks` keeps its picture under this name
        still = {"application/vnd.plotly.v1+json": figure, "text/plain": figure["layout"]["meta"]["alt"]}
        return {**(self.widget._repr_mimebundle_() or {}), **still}, {}


def _json(state: State) -> str:
    return json.dumps(state, ensure_ascii=False)  # α as α


def _button(title: str, clicked: Callable) -> widgets.Button:
    button = widgets.Button(description=title, layout=widgets.Layout(width="auto"))
    button.on_click(clicked)
    return button


KNOBS_PRESETS = {
    "Copies": {"num_towers": 4, "alpha": 1.0, "beta": 0.0},
    "Specialists": {"num_towers": 4, "alpha": 5.0, "beta": 0.3},
    "Far too much repel": {"num_towers": 4, "alpha": 5.0, "beta": 1000.0},
    "One vector": {"num_towers": 1},
}


def knobs_panel(
    portraits: dict[Recipe, Portrait],
    *,
    start: Recipe,
    presets: Mapping[str, State] = KNOBS_PRESETS,
    train: Callable[[Recipe, Callable[[int], None]], Portrait] | None = None,
    steps: int = 0,
) -> Panel:
    """K, α and β beside the maps of the user vectors that a model with these settings has.

    A position that is in `portraits` answers at once; for any other there is the button Train these. What was trained
    stays for as long as the panel does.

    Args:
        portraits: the positions already trained.
        start: where the sliders stand first.
        presets: named positions.
        train: trains a recipe, calling back with the number of steps done.
        steps: how many steps `train` takes.
    """
    if start not in portraits:
        raise ValueError(f"start: {place_of(start)} is not among the {len(portraits)} portraits; start at one that is")
    known = dict(portraits)
    places = [place_of(recipe) for recipe in known] + list(presets.values())

    def values(name: str, usual: Sequence) -> list:
        return sorted({*usual, *(place[name] for place in places if place.get("num_towers") != 1 and name in place)})

    towers = sorted({*KS, *(place["num_towers"] for place in places if "num_towers" in place)})
    controls = [
        Control(name="num_towers", label="K, towers", values=towers),
        Control(name="alpha", label="α, share", values=values("alpha", ALPHAS)),
        Control(name="beta", label="β, repel", values=values("beta", BETAS)),
    ]

    def draw(state: State) -> go.Figure | None:
        portrait = known.get(recipe_at(**state))
        return None if portrait is None else two_maps(portrait)

    def work(state: State, on_step: Callable[[int], None]) -> None:
        recipe, cancelled = recipe_at(**state), False

        def listen(step: int) -> None:
            nonlocal cancelled
            try:
                on_step(step)
            except KeyboardInterrupt:
                cancelled = True
                raise

        assert train is not None
        portrait = train(recipe, listen)  # a training that is stopped returns what it has
        if not cancelled:
            known[recipe] = portrait

    first = place_of(start)
    if start.num_towers == 1:  # whatever α and β say
        first |= {"alpha": controls[1].values[0], "beta": controls[2].values[0]}
    return Panel(
        "knobs",
        controls,
        draw,
        start=first,
        presets=presets,
        idle=lambda state: ("alpha", "beta") if state["num_towers"] == 1 else (),
        work=None if train is None else work,
        steps=steps,
    )
