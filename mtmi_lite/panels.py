"""Panels: ipywidgets around figures. A panel only wires controls to plain functions.

The only file that imports ipywidgets.
"""

import dataclasses
import json
import threading
from collections.abc import Callable

import ipywidgets as widgets
import plotly.graph_objects as go

from mtmi_lite.experiments import ALPHAS, BETAS, TOWERS, Knobs, Portrait
from mtmi_lite.figures import redraw_two_maps, two_maps

PRESETS = {
    "Copies": Knobs(num_towers=4, alpha=1.0, beta=0.0),
    "Specialists": Knobs(num_towers=4, alpha=5.0, beta=0.3),
    "Far too much repel": Knobs(num_towers=4, alpha=5.0, beta=1000.0),
    "One vector": Knobs(num_towers=1, alpha=5.0, beta=0.3),
}
Trainer = Callable[[Knobs, Callable[[int], None]], Portrait]


def read_state(text: str) -> Knobs:
    """A panel's state from the JSON it showed.

    Raises:
        ValueError: naming what is wrong with it.

    >>> read_state('{"num_towers": 4, "alpha": 5, "beta": 0.3}')
    Knobs(num_towers=4, alpha=5.0, beta=0.3)
    """
    fields = [field.name for field in dataclasses.fields(Knobs)]
    try:
        state = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"state: not JSON ({error}); paste what the box showed, such as {_example()}") from None
    if not isinstance(state, dict) or sorted(state) != sorted(fields):
        raise ValueError(f"state: must have exactly the fields {', '.join(fields)}, as in {_example()}; got {text}")
    for name, value in state.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or (name == "num_towers" and value % 1):
            raise ValueError(f"{name}: {value!r} is not allowed; it must be a number, as in {_example()}")
    return Knobs(num_towers=int(state["num_towers"]), alpha=float(state["alpha"]), beta=float(state["beta"]))


def write_state(knobs: Knobs) -> str:
    """The JSON of a panel's state; `read_state` reads it back."""
    return json.dumps(dataclasses.asdict(knobs))


def _example() -> str:
    return write_state(Knobs(num_towers=4, alpha=5.0, beta=0.3))


class KnobsPanel:
    """Sliders for K, α and β beside the maps of the user vectors that a model with these settings has.

    A position that is in `portraits` answers at once; for any other there is the button Train. What was trained stays
    for as long as the panel does.

    Args:
        portraits: the positions already trained.
        start: where the sliders stand first.
        presets: named positions, a button each.
        train: trains at some knobs, calling back with the number of steps done; None leaves the button out.
        steps: how many steps `train` takes.
    """

    def __init__(
        self,
        portraits: dict[Knobs, Portrait],
        *,
        start: Knobs,
        presets: dict[str, Knobs] = PRESETS,
        train: Trainer | None = None,
        steps: int = 0,
    ) -> None:
        if start not in portraits:
            raise ValueError(f"start: {start} is not among the {len(portraits)} portraits; start at one that is")
        self.portraits, self.start, self.train = dict(portraits), start, train
        known = [*portraits, start, *presets.values()]
        self.towers = _slider("K, towers", {*TOWERS, *(knobs.num_towers for knobs in known)}, start.num_towers)
        self.alpha = _slider("α, share", {*ALPHAS, *(knobs.alpha for knobs in known)} - {0.0}, start.alpha)
        self.beta = _slider("β, repel", {*BETAS, *(knobs.beta for knobs in known)}, start.beta)
        self.message = widgets.HTML()
        self.state = widgets.Text(description="state", continuous_update=False, layout=widgets.Layout(width="60%"))
        self.figure = go.FigureWidget(two_maps(portraits[start], num_traces=max(knobs.num_towers for knobs in known)))
        buttons = [self._button(name, lambda _, knobs=knobs: self.go_to(knobs)) for name, knobs in presets.items()]
        buttons.append(self._button("Reset", lambda _: self.go_to(start)))
        rows = [widgets.HBox([self.towers, self.alpha, self.beta]), widgets.HBox(buttons)]
        if train is not None:
            self.train_button = self._button("Train these", lambda _: self._start_training())
            self.cancel_button = self._button("Cancel", lambda _: self._cancelled.set())
            self.cancel_button.disabled = True
            self.progress = widgets.IntProgress(max=steps, description="training")
            rows.append(widgets.HBox([self.train_button, self.cancel_button, self.progress]))
        self._cancelled = threading.Event()
        self._moving = False
        self.widget = widgets.VBox([*rows, self.message, self.figure, self.state]).add_class("mtmi-knobs")
        for control in (self.towers, self.alpha, self.beta):
            control.observe(lambda _: self._show(), names="value")
        self.state.observe(lambda change: self._paste(change["new"]), names="value")
        self._show()

    @staticmethod
    def _button(name: str, clicked: Callable) -> widgets.Button:
        button = widgets.Button(description=name)
        button.on_click(clicked)
        return button

    @property
    def knobs(self) -> Knobs:
        """Where the sliders stand."""
        return Knobs(num_towers=self.towers.value, alpha=self.alpha.value, beta=self.beta.value)

    def go_to(self, knobs: Knobs) -> None:
        """Move the sliders; with one tower α and β stay where they are, for they have no effect."""
        places = [(self.towers, knobs.num_towers)]
        if knobs.num_towers > 1:
            places += [(self.alpha, knobs.alpha), (self.beta, knobs.beta)]
        for slider, value in places:
            if value not in slider.options:
                raise ValueError(f"{slider.description}: {value} is not on the slider; it has {slider.options}")
        self._moving = True  # one redraw, not three
        try:
            for slider, value in places:
                slider.value = value
        finally:
            self._moving = False
        self._show()

    def _paste(self, text: str) -> None:
        if text == write_state(self.knobs):
            return
        try:
            self.go_to(read_state(text))
        except ValueError as error:
            self.message.value = f"<b>{error}</b>"

    def _show(self) -> None:
        if self._moving:
            return
        self.alpha.disabled = self.beta.disabled = self.towers.value == 1
        self.state.value = write_state(self.knobs)
        portrait = self.portraits.get(self.knobs)
        if portrait is None:
            hint = "press <b>Train these</b>" if self.train else "choose another position"
            self.message.value = f"Nobody has trained these settings yet: {hint}. The maps show the last ones."
            return
        with self.figure.batch_update():
            redraw_two_maps(self.figure, portrait)
        self.message.value = f"K = {self.towers.value}, α = {self.alpha.value:g}, β = {self.beta.value:g}"
        if self.towers.value == 1:
            self.message.value = "K = 1: with one tower, α and β have no effect"

    def _start_training(self) -> None:
        self.train_button.disabled, self.cancel_button.disabled = True, False
        self._cancelled.clear()
        # in a thread of its own, so that the kernel hears the Cancel button
        threading.Thread(target=self._train, args=(self.knobs,), daemon=True).start()

    def _train(self, knobs: Knobs) -> None:
        def on_step(step: int) -> None:
            if self._cancelled.is_set():
                raise KeyboardInterrupt
            if step % 25 == 0:
                self.progress.value = step

        try:
            assert self.train is not None
            portrait = self.train(knobs, on_step)
            if self._cancelled.is_set():
                self.message.value = "Cancelled; nothing has changed."
            else:
                self.portraits[knobs] = portrait
                self._show()
        except Exception as error:  # into the panel: in a thread nobody would see it
            self.message.value = f"<b>Training stopped: {error}</b>"
        finally:
            self.train_button.disabled, self.cancel_button.disabled = False, True
            self.progress.value = 0

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        """The widget where there is a kernel; without one, the figure as it stands, or a text."""
        picture = go.Figure(self.figure)
        return {
            **(self.widget._repr_mimebundle_() or {}),
            "application/vnd.plotly.v1+json": json.loads(picture.to_json() or "{}"),
            "text/plain": picture.layout.meta["alt"],
        }, {}


def _slider(name: str, values: set, value: float) -> widgets.SelectionSlider:
    options = sorted(values)
    return widgets.SelectionSlider(
        options=options, value=value if value in options else options[0], description=name, continuous_update=True
    )
