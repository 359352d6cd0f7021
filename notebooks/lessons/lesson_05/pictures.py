"""Lesson 05: what α does and what a flowing gradient does, as figures; the panel: the loss on a circle, its gradient.

On the circle a vector is an angle. With the target at 0°, the negative at φ and the tower at θ, `S⁺ = cos θ` and
`S⁻ = cos(θ − φ)`, and the loss of one tower is `D^−α · T` with `D = 1 − S⁺` and the triplet `T = max(0, γ − S⁺ + S⁻)`.
"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int64
from plotly.subplots import make_subplots

from lessons.common.figures import COLOURS, GREY, MARKERS, finished, on_circle
from lessons.common.panels import Control, Panel, State
from mtmi_lite.lab.cells import recall_of_mean
from mtmi_lite.metrics import Evaluation
from mtmi_lite.models import Model
from mtmi_lite.retrieval import index_items

Array = np.ndarray
ANGLES = list(range(-180, 180, 5))
"""The places of tower, target and negative, in degrees: each is a point of the circle that can be clicked."""
WIDEST = 60.0
"""How many degrees the longest arrow covers; the others are to its scale."""


def sweep_figure(
    alphas: Float[Array, " alpha"],
    lines: dict[str, Float[Array, " alpha"]],
    levels: dict[str, float],
    *,
    title: str,
) -> go.Figure:
    """Several measures over α, a line each, and dashed levels to compare them with."""
    figure = go.Figure()
    for index, (name, values) in enumerate(lines.items()):
        figure.add_scatter(
            x=alphas, y=values, name=name, mode="lines+markers", line_color=COLOURS[index],
            marker=dict(symbol=MARKERS[index], size=10),
        )  # fmt: skip
    for index, (name, value) in enumerate(levels.items()):
        figure.add_scatter(
            x=[alphas[0], alphas[-1]], y=[value, value], name=name, mode="lines",
            line=dict(color=GREY, dash=("dash", "dot")[index % 2]),
        )  # fmt: skip
    figure.update_xaxes(title="α", type="log", tickvals=list(alphas), ticktext=[f"{alpha:g}" for alpha in alphas])
    figure.update_yaxes(range=(min(-0.05, *(values.min() - 0.05 for values in lines.values())), 1.05))
    alt = "; ".join(
        f"{name} " + ", ".join(f"{value:.2f} at α {alpha:g}" for alpha, value in zip(alphas, values, strict=True))
        for name, values in lines.items()
    )
    alt += "".join(f"; {name} {value:.2f}" for name, value in levels.items())
    return finished(figure, title=title, alt=f"Lines over α: {alt}.", height=380)


def mean_vector_recall(evaluation: Evaluation, model: Model) -> Float[Array, " case"]:
    """Recall@50 of the mean of each user's vectors, each of length 1, used as a single one: what needs no merge."""
    return recall_of_mean(evaluation, index_items(model))


def flight_figure(
    recalls: dict[str, tuple[Int64[Array, " look"], Float[Array, " look"]]],
    floor: float,
    far: dict[str, dict[int, float]],
    *,
    title: str,
) -> go.Figure:
    """Trainings side by side: recall@50 of the validation users, and the part of the towers beyond D = 1.

    Args:
        recalls: for each training, the steps and the recall there.
        floor: the recall of Most Popular.
        far: for each training, by step, the part of the towers that are farther from their target than D = 1.
    """
    names = ("recall@50, validation users", "towers farther from their target than D = 1")
    figure = make_subplots(cols=2, horizontal_spacing=0.1, subplot_titles=names)
    for index, (name, (steps, values)) in enumerate(recalls.items()):
        for column, (x, y) in enumerate(((steps, values), (list(far[name]), list(far[name].values()))), start=1):
            figure.add_scatter(
                x=x, y=y, name=name, legendgroup=name, showlegend=column == 1, mode="lines+markers",
                line_color=COLOURS[index], marker=dict(symbol=MARKERS[index], size=8), row=1, col=column,
            )  # fmt: skip
    last = max(int(steps[-1]) for steps, _ in recalls.values())
    line = dict(color=GREY, dash="dash")
    figure.add_scatter(x=[0, last], y=[floor, floor], name="Most Popular", mode="lines", line=line, row=1, col=1)
    figure.update_xaxes(title="training steps").update_yaxes(rangemode="tozero").update_yaxes(tickformat=".0%", col=2)
    figure.update_layout(legend=dict(orientation="h", y=-0.2))
    alt = "; ".join(
        f"{name}: recall {values[-1]:.3f}, {list(far[name].values())[-1]:.0%} of the towers beyond D = 1"
        for name, (_, values) in recalls.items()
    )
    said = f"Two charts over {last} training steps. Most Popular has {floor:.3f}. At the end"
    return finished(figure, title=title, alt=f"{said}, {alt}.", height=400)


# --- the loss on the circle -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The gradient dL/dθ at one place of the circle in its three parts, and what it was made from.

    Args:
        distance: D, before the floor.
        triplet: T.
        weight: the part through the weight `D^−α`; 0 if no gradient flows through it, and below the floor.
        pull: the part through S⁺ of the triplet.
        negative: the part through S⁻ of the triplet.
        inverse: the weight itself, `D^−α`.
    """

    distance: float
    triplet: float
    inverse: float
    weight: float
    pull: float
    negative: float

    @property
    def total(self) -> float:
        """dL/dθ: what autograd says."""
        return self.weight + self.pull + self.negative


def gradient_parts(
    tower: float, target: float, negative: float, *, alpha: float, margin: float, floor: float, through_weight: bool
) -> Parts:
    """The gradient of one tower's loss by its angle, per radian, in its parts: weight, pull and negative.

    Where the triplet is active, `−α D^(−α−1) T sin θ`, `D^−α sin θ` and `−D^−α sin(θ − φ)`, counted from the target.

    Args:
        tower, target, negative: angles in degrees.

    >>> parts = gradient_parts(90, 0, 180, alpha=2.0, margin=0.5, floor=0.05, through_weight=True)
    >>> round(parts.weight, 2), round(parts.pull, 2), round(parts.negative, 2)  # D = 1, S⁻ = 0, T = γ
    (-1.0, 1.0, 1.0)
    """
    here, there = np.radians(tower - target), np.radians(tower - negative)
    distance = float(1 - np.cos(here))
    triplet = float(max(0.0, margin - np.cos(here) + np.cos(there)))
    inverse = max(distance, floor) ** -alpha
    flows = through_weight and distance > floor
    weight = -alpha * inverse / distance * triplet * np.sin(here) if flows else 0.0
    active = inverse if triplet > 0 else 0.0
    return Parts(
        distance=distance, triplet=triplet, inverse=inverse, weight=float(weight),
        pull=float(active * np.sin(here)), negative=float(-active * np.sin(there)),
    )  # fmt: skip


def direction(gradient: float, tower: float, target: float) -> str:
    """The way a step of gradient descent, `−dL/dθ`, takes the tower: "towards" the target, "away", or "nowhere".

    On the target every way leads away, and opposite to it every way leads towards.

    >>> direction(1.0, 90, 0), direction(-1.0, 90, 0), direction(1.0, 0, 0), direction(0.0, 90, 0)
    ('towards', 'away', 'away', 'nowhere')
    """
    if abs(gradient) < 1e-9:
        return "nowhere"
    side = np.sin(np.radians(tower - target))
    if abs(side) < 1e-9:
        return "away" if np.cos(np.radians(tower - target)) > 0 else "towards"
    return "towards" if gradient * side > 0 else "away"


def circle_losses(
    angles: Float[Array, " angle"], target: float, negative: float, *, alpha: float, margin: float, floor: float
) -> tuple[Float[Array, " angle"], Float[Array, " angle"]]:
    """The weight `D^−α` and the triplet T of a tower at each of these angles, in degrees; their product is the loss.

    >>> weight, triplet = circle_losses(np.array([90.0]), 0, 180, alpha=2.0, margin=0.5, floor=0.05)
    >>> weight.round(2).tolist(), triplet.round(2).tolist()
    ([1.0], [0.5])
    """
    positive = np.cos(np.radians(angles - target))
    weight = (1 - positive).clip(min=floor) ** -alpha
    return weight, (margin - positive + np.cos(np.radians(angles - negative))).clip(min=0)


ARROWS = {
    "pull": (COLOURS[0], 1.13),
    "weight": (COLOURS[1], 1.25),
    "negative": (COLOURS[2], 1.37),
    "sum": ("black", 1.5),
}


PLACES = {"target": ("star", "#E69F00"), "negative": ("x", GREY), "tower": ("circle", "black")}
"""The marker of each vector on the circle, and its colour."""
LAYOUT = dict(
    xaxis=dict(domain=(0, 0.5), visible=False, range=(-1.58, 1.58), constrain="domain"),
    yaxis=dict(visible=False, range=(-1.58, 1.58), scaleanchor="x"),
    xaxis2=dict(
        domain=(0.6, 1), anchor="y2", title="angle of the tower", range=(-185, 185), tickvals=[-180, -90, 0, 90, 180],
        ticksuffix="°",
    ),
    legend=dict(orientation="h", y=-0.18, font_size=12),
)  # fmt: skip


def circle_figure(state: State) -> go.Figure:
    """Tower, target and negative on the circle with an arrow for each part of the gradient; beside it, the loss."""
    tower, target, negative = state["tower"], state["target"], state["negative"]
    settings = {name: state[name] for name in ("alpha", "margin", "floor")}
    parts = gradient_parts(tower, target, negative, **settings, through_weight=state["through_weight"])
    gradients = {"pull": parts.pull, "weight": parts.weight, "negative": parts.negative, "sum": parts.total}
    ways = {name: direction(value, tower, target) for name, value in gradients.items()}
    symbols, colours = (list(column) for column in zip(*PLACES.values(), strict=True))

    x, y = on_circle(np.array(ANGLES, dtype=float))
    traces: list[dict] = [  # the first has the points to click
        dict(
            x=x, y=y, mode="markers", marker=dict(size=9, color="#DDDDDD"), text=[f"{angle}°" for angle in ANGLES],
            hovertemplate="%{text}<extra></extra>", showlegend=False,
        )
    ]  # fmt: skip
    angles = np.array([state[name] for name in PLACES], dtype=float)
    for radius, mode in ((np.ones(3), "markers"), (np.array([0.76, 0.68, 0.4]), "text")):  # names may not collide
        x, y = on_circle(angles, radius)
        marker = dict(symbol=list(symbols), color=colours, size=17)
        traces.append(dict(x=x, y=y, mode=mode, marker=marker, text=list(PLACES), hoverinfo="skip", showlegend=False))
    largest = max(map(abs, gradients.values())) or 1.0
    for name, (colour, radius) in ARROWS.items():
        turn = -gradients[name] / largest * WIDEST  # gradient descent: against the gradient
        x, y = on_circle(np.linspace(tower, tower + turn, 12), radius)
        tip = [0] * 11 + [16 if abs(turn) > 1 else 0]
        traces.append(
            dict(
                x=x, y=y, mode="lines+markers", name=f"{name} {signed(gradients[name])}: {ways[name]}",
                hoverinfo="name", line=dict(color=colour, width=5 if name == "sum" else 3),
                marker=dict(symbol="arrow", opacity=1, angleref="previous", size=tip),
            )
        )  # fmt: skip

    around, second = np.arange(-180.0, 180.5, 2.5), dict(xaxis="x2", yaxis="y2")
    weight, triplet = circle_losses(around, target, negative, **settings)
    curves = {"weight flows: D<sup>−α</sup> · T": weight * triplet, "weight held as here": parts.inverse * triplet}
    seen = list(curves)[0 if state["through_weight"] else 1]
    for name, curve in curves.items():
        line = dict(color="black", width=3) if name == seen else dict(color=GREY, width=1.5, dash="dash")
        traces.append(dict(x=around, y=curve.round(6), mode="lines", name=name, line=line, **second))
    if parts.total:  # the tower points the way that it goes
        symbols[-1] = "triangle-left" if parts.total > 0 else "triangle-right"
    loss = parts.inverse * parts.triplet
    marker = dict(symbol=symbols, color=colours, size=16)
    traces.append(dict(x=angles, y=[0, 0, loss], mode="markers", marker=marker, text=list(PLACES), hoverinfo="text",
                       showlegend=False, **second))  # fmt: skip
    top = 1.1 * max(2 * loss, float(np.quantile(curves[seen], 0.8)), 1e-3)
    height = dict(anchor="x2", title="loss, cut off above", range=(-0.04 * top, top))
    figure = go.Figure([dict(type="scatter", **trace) for trace in traces], dict(**LAYOUT, yaxis2=height))
    return finished(figure, title=in_words(ways["sum"]), alt=_alt(state, parts, ways), height=560)


def signed(value: float) -> str:
    """A number of three figures with its sign, 0 without.

    >>> signed(-0.5), signed(0.0)
    ('−0.5', '0')
    """
    return f"{value:+.3g}".replace("-", "−") if value else "0"


def in_words(way: str) -> str:
    """The effect of gradient descent on the tower, as a title."""
    if way == "nowhere":
        return "Gradient descent leaves the tower where it is"
    return f"Gradient descent moves the tower {'away from' if way == 'away' else way} the target"


def _alt(state: State, parts: Parts, ways: dict[str, str]) -> str:
    held = "flows through the weight" if state["through_weight"] else "does not flow through the weight"
    if parts.triplet == 0:
        said = "The triplet is 0: its margin is kept, so no part moves the tower"
    else:
        both = direction(parts.pull + parts.weight, state["tower"], state["target"])
        said = (
            f"Pull goes {ways['pull']}, weight {ways['weight']}, the two together {both}, negative {ways['negative']}"
        )
    floored = " (at the floor)" if parts.distance <= state["floor"] else ""
    return (
        f"{in_words(ways['sum'])}. Tower at {state['tower']}°, target at {state['target']}°, negative at "
        f"{state['negative']}°. The gradient {held}. {said}. D {parts.distance:.2f}{floored}, T {parts.triplet:.2f}, "
        f"D/α {parts.distance / state['alpha']:.2f}, weight {parts.inverse:.3g}, loss "
        f"{parts.inverse * parts.triplet:.3g}."
    )


CIRCLE_START = {
    "tower": 90, "target": 0, "negative": 40, "alpha": 2.0, "margin": 0.5, "floor": 0.05, "through_weight": False,
    "moves": "tower",
}  # fmt: skip
CIRCLE_PRESETS = {
    "Detached": CIRCLE_START,
    "The tower flees": {**CIRCLE_START, "through_weight": True},
    "At the floor": {**CIRCLE_START, "tower": 15, "through_weight": True},
    "Below αγ = 1": {**CIRCLE_START, "negative": -180, "margin": 0.3, "through_weight": True},
}


def circle_panel() -> Panel:
    """The loss on a circle, its gradient in parts, and the switch that lets the gradient flow through the weight."""
    controls = [
        *(Control(name=name, label=f"{name}, °", values=ANGLES) for name in ("tower", "target", "negative")),
        Control(name="alpha", label="α, sharpness", values=[0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 5.5, 6.0, 8.0]),
        Control(name="margin", label="γ, margin", values=[0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5]),
        Control(name="floor", label="floor of D", values=[0.001, 0.01, 0.05, 0.1, 0.3]),
        Control(name="through_weight", label="through the weight", values=[False, True], kind="switch"),
        Control(name="moves", label="a click moves", values=["tower", "target", "negative"], kind="list"),
    ]

    def pick(state: State, trace: int, point: int) -> State:
        return {state["moves"]: ANGLES[point]} if trace == 0 else {}

    return Panel("pull", controls, circle_figure, start=CIRCLE_START, presets=CIRCLE_PRESETS, pick=pick)
