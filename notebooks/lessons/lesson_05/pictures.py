"""Lesson 05: what α does and what a flowing gradient does, as figures; three panels.

One user's numbers from the vectors to the loss and back; the region in which a tower flees its target; and the loss on
a circle, where a vector is an angle: with the target at 0°, the negative at φ and the tower at θ, `S⁺ = cos θ` and
`S⁻ = cos(θ − φ)`, and the loss of one tower is `D^−α · T` with `D = 1 − S⁺` and the triplet `T = max(0, γ − S⁺ + S⁻)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from plotly.subplots import make_subplots
from torch import Tensor

from lessons.common.figures import COLOURS, GREY, MARKERS, SYMBOLS, finished
from lessons.common.panels import Control, Panel, State
from mtmi_lite.lab.cells import recall_of_mean
from mtmi_lite.losses import repel, share_by_distance, triplet
from mtmi_lite.metrics import Evaluation
from mtmi_lite.models import Model
from mtmi_lite.retrieval import index_items

Array = np.ndarray
MARGINS = [round(0.05 * step, 2) for step in range(1, 21)]
"""γ, on the sliders: 0.05 to 1."""
DASHES = ("solid", "dash", "dot", "dashdot")
ANGLES = list(range(-180, 180, 5))
"""The places of tower, target and negative, in degrees: each is a point of the circle that can be clicked."""
WIDEST = 60.0
"""How many degrees the longest arrow covers; the others are to its scale."""


def on_circle(degrees: Float[Array, "*shape"], radius: float | Float[Array, "*shape"] = 1.0) -> tuple[Array, Array]:
    """Angles as x and y: 0° at the right, growing counter-clockwise.

    >>> [axis.round(2).tolist() for axis in on_circle(np.array([0.0, 90.0]))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return radius * np.cos(np.radians(degrees)), radius * np.sin(np.radians(degrees))


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
            line_dash=DASHES[index], marker=dict(symbol=MARKERS[index], size=10),
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
    figure.update_layout(legend=dict(orientation="h", y=-0.2))
    return finished(figure, title=title, alt=f"Lines over α: {alt}.", height=420)


def mean_vector_recall(evaluation: Evaluation, model: Model) -> Float[Array, " case"]:
    """Recall@50 of the mean of each user's vectors, each of length 1, used as a single one: what needs no merge."""
    return recall_of_mean(evaluation, index_items(model))


def flight_figure(
    recalls: dict[str, tuple[Int64[Array, " look"], Float[Array, " look"]]],
    levels: dict[str, float],
    far: dict[str, dict[int, float]],
    *,
    title: str,
) -> go.Figure:
    """Runs side by side: recall@50 of the validation users, and the fraction of the towers beyond D = 1.

    Args:
        recalls: for each run, the steps and the recall there.
        levels: the recall of the floors.
        far: for each run, by step, the fraction of the towers that are farther from their target than D = 1.
    """
    names = ("recall@50 (validation)", "towers with D > 1")
    figure = make_subplots(cols=2, horizontal_spacing=0.1, subplot_titles=names)
    for index, (name, (steps, values)) in enumerate(recalls.items()):
        for column, (x, y) in enumerate(((steps, values), (list(far[name]), list(far[name].values()))), start=1):
            figure.add_scatter(
                x=x, y=y, name=name, legendgroup=name, showlegend=column == 1, mode="lines+markers",
                line=dict(color=COLOURS[index], dash=DASHES[index]), marker=dict(symbol=MARKERS[index], size=8),
                row=1, col=column,
            )  # fmt: skip
    last = max(int(steps[-1]) for steps, _ in recalls.values())
    for index, (name, level) in enumerate(levels.items()):
        line = dict(color=GREY, width=1.5, dash=("dash", "dot", "dashdot")[index])
        figure.add_scatter(x=[0, last], y=[level, level], name=name, mode="lines", line=line, row=1, col=1)
    figure.update_annotations(font_size=13)
    figure.update_xaxes(title="training steps").update_yaxes(rangemode="tozero").update_yaxes(tickformat=".0%", col=2)
    figure.update_layout(legend=dict(orientation="h", y=-0.22))
    alt = "; ".join(
        f"{name}: recall {values[-1]:.3f}, {list(far[name].values())[-1]:.0%} of the towers beyond D = 1"
        for name, (_, values) in recalls.items()
    )
    floor = ", ".join(f"{name} {level:.3f}" for name, level in levels.items())
    said = f"Two charts over {last} training steps. The floors: {floor}. At the end"
    return finished(figure, title=title, alt=f"{said}, {alt}.", height=440)


# --- one user's numbers, end to end ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One training sample: the vectors of the user's towers, the target's, and those of negatives other than it."""

    vectors: Float[Tensor, "tower dim"]
    target: Float[Tensor, " dim"]
    negatives: Float[Tensor, "neg dim"]


def chain(moment: Moment, *, alpha: float, beta: float, margin: float, normalised: bool) -> dict[str, Array]:
    """All that the loss computes for one user, a number a tower, in the order in which it is computed.

    `pull` and `S⁻` are means over the negatives. `detached` and `flowing` are `−dL/dS⁺`, where L sums over the towers
    and S⁻ is held: above 0, a step of gradient descent takes the tower nearer to its target; below 0, farther away.

    >>> square = torch.eye(2)
    >>> moment = Moment(vectors=square, target=torch.tensor([0.6, 0.8]), negatives=-square[:1])
    >>> found = chain(moment, alpha=1.0, beta=0.0, margin=0.9, normalised=False)
    >>> {name: found[name].round(2).tolist() for name in ("S⁺", "D", "weight", "share", "pull", "loss")}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'S⁺': [0.6, 0.8], 'D': [0.4, 0.2], 'weight': [2.5, 5.0], 'share': [0.67, 1.33], 'pull': [0.0, 0.1],
     'loss': [0.0, 0.5]}
    """
    units, others = F.normalize(moment.vectors, dim=-1), F.normalize(moment.negatives, dim=-1)
    positive = units @ F.normalize(moment.target, dim=-1)
    negative, between = units @ others.T, units @ units.T
    here, kept = torch.ones(1, len(units), dtype=torch.bool), torch.ones(1, 1, len(others), dtype=torch.bool)
    step: dict[str, Array] = {}
    for name, through_weight in (("detached", False), ("flowing", True)):
        leaf = positive[None].clone().requires_grad_()
        pull = triplet(leaf, negative[None], kept, margin=margin)
        push = repel(leaf, between[None], here, margin=margin)
        weight, share = (
            share_by_distance(leaf, here, alpha=alpha, normalised=divided, through_weight=through_weight)
            for divided in (False, True)
        )
        loss = (share if normalised else weight) * pull + beta * push
        step[name] = -torch.autograd.grad(loss.sum(), leaf)[0][0].double().numpy()
    numbers = {"S⁺": positive[None], "S⁻": negative.mean(dim=1)[None], "D": 1 - positive[None], "weight": weight,
               "share": share, "pull": pull, "repel": push, "loss": loss}  # fmt: skip
    return {name: values.detach()[0].double().numpy() for name, values in numbers.items()} | step


CHARTS = (
    ("S⁺ (solid), S⁻ (striped)", ("S⁺", "S⁻")),
    ("D = 1 − S⁺", ("D",)),
    ("weight 1/D<sup>α</sup>", ("weight",)),
    ("share", ("share",)),
    ("pull", ("pull",)),
    ("loss", ("loss",)),
    ("nearer (+), away (−); striped: flowing", ("detached", "flowing")),
)
CHAIN_START = {
    "towers": "specialists", "user": 1, "alpha": 2.0, "beta": 0.0, "margin": 0.5, "counts": "weight (raw)"
}  # fmt: skip
CHAIN_PRESETS = {
    "Copies": {**CHAIN_START, "towers": "copies"},
    "Specialists": CHAIN_START,
    "Before training": {**CHAIN_START, "towers": "before training"},
    "Shares, not weights": {"counts": "share"},
}


def chain_figure(moment: Moment, state: State) -> go.Figure:
    """One user's numbers in the order in which they are computed: vectors, …, loss, and the step that follows."""
    settings = {name: state[name] for name in ("alpha", "beta", "margin")}
    numbers = chain(moment, **settings, normalised=state["counts"] == "share")
    num_towers = len(moment.vectors)
    rows = F.normalize(torch.cat([moment.vectors, moment.target[None]]), dim=-1).numpy().round(3)
    names = [f"{SYMBOLS[tower]} {tower + 1}" for tower in range(num_towers)]
    traces: list[dict] = [
        dict(
            type="heatmap", z=rows[::-1], y=["target", *names[::-1]], zmid=0, zmin=-0.7, zmax=0.7, colorscale="RdBu",
            showscale=False, hovertemplate="%{y}: %{z}<extra></extra>",
        )
    ]  # fmt: skip
    widths = ((0.2, 0.28, 0.16, 0.16), (0.16, 0.16, 0.16, 0.32))
    places = [(sum(row[:column]) + 0.06 * column, width, down) for down, row in enumerate(widths)
              for column, width in enumerate(row)]  # fmt: skip
    layout: dict = dict(barmode="group", bargap=0.25, showlegend=False, annotations=[])
    idle = "share" if state["counts"] != "share" else "weight"
    charts = zip(places, (("V: K vectors", ()), *CHARTS), strict=True)
    for number, ((x0, width, down), (title, shown)) in enumerate(charts):
        axis, y0 = str(number + 1) if number else "", 0.56 * (1 - down)
        layout[f"xaxis{axis}"] = dict(domain=(x0, x0 + width), anchor=f"y{axis}", showticklabels=number > 0)
        layout[f"yaxis{axis}"] = dict(domain=(y0, y0 + 0.38), anchor=f"x{axis}", showticklabels=number == 0)
        head = f"<b>{number + 1}.</b> {title}" + (" (not used)" if shown == (idle,) else "")
        place = dict(x=x0 + width / 2, y=y0 + 0.39, xref="paper", yref="paper", xanchor="center", yanchor="bottom")
        layout["annotations"].append(dict(text=head, showarrow=False, font_size=12, **place))
        values = np.concatenate([numbers[name] for name in shown]) if shown else np.zeros(1)
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        room = 0.22 * (high - low or 1.0)
        layout[f"yaxis{axis}"] |= dict(range=(low - room * (low < 0), high + room)) if shown else {}
        for pattern, name in zip(("", "/"), shown, strict=False):
            traces.append(
                dict(
                    type="bar", x=names, y=numbers[name], name=name, xaxis=f"x{axis}", yaxis=f"y{axis}",
                    text=[in_figures(value, 4 - len(shown)) for value in numbers[name]], textposition="outside",
                    textangle=0, textfont_size=12 - len(shown), constraintext="none", cliponaxis=False,
                    opacity=0.3 if name == idle else 1,
                    marker=dict(color=COLOURS[:num_towers], pattern=dict(shape=pattern, solidity=0.5)),
                    hovertemplate="%{x}: %{y:.4g}<extra>" + name + "</extra>",
                )
            )  # fmt: skip
    figure = go.Figure(traces, layout)
    loss = in_figures(float(numbers["loss"].mean()))
    title = f"User {state['user']}, {state['towers']}: from vectors to the loss (mean {loss}), and back"
    return finished(figure, title=title, alt=_chain_alt(state, numbers), height=520)


def in_figures(value: float, figures: int = 3) -> str:
    """A number in so many figures, one less below 0.1, with a real minus.

    >>> in_figures(-0.12345), in_figures(123456.0), in_figures(1234.0, 2), in_figures(0.0911), in_figures(0.0)
    ('−0.123', '1.2e5', '1234', '0.091', '0')
    """
    if abs(value) < 0.0005:
        return "0"
    if abs(value) >= 10_000:
        return f"{value:.1e}".replace("e+0", "e").replace("e+", "e").replace("-", "−")
    if abs(value) >= 10**figures:
        return f"{value:.0f}".replace("-", "−")
    return f"{value:.{figures - (abs(value) < 0.1)}g}".replace("-", "−")


def _chain_alt(state: State, numbers: Mapping[str, Array]) -> str:
    shown = [name for name in numbers if name not in ("S⁻", "repel", "detached", "flowing")]
    said = "; ".join(
        f"tower {tower + 1}: "
        + ", ".join(f"{name} {in_figures(float(numbers[name][tower]))}" for name in shown)
        + "".join(f", {name} {in_figures(float(numbers[name][tower]), 2)}" for name in ("detached", "flowing"))
        for tower in range(len(numbers["D"]))
    )
    return (
        f"Eight charts of user {state['user']} and towers: {state['towers']}, with α {state['alpha']:g}, "
        f"β {state['beta']:g}, γ {state['margin']:g}, counted by {state['counts']}. {said}. The last two are the step: "
        "above 0 nearer to the target, below 0 away."
    )


def chain_panel(moments: Mapping[str, Sequence[Moment]]) -> Panel:
    """One user's numbers from V to the loss and back, with α, β and γ to turn.

    Args:
        moments: for "before training", "copies" and "specialists", the same samples.
    """
    users = list(range(1, len(next(iter(moments.values()))) + 1))
    controls = [
        Control(name="towers", label="towers", values=list(moments), kind="list"),
        Control(name="user", label="user", values=users),
        Control(name="alpha", label="α", values=[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5, 8.0]),
        Control(name="beta", label="β, repel", values=[0.0, 0.1, 0.3, 1.0]),
        Control(name="margin", label="γ, margin", values=[0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0]),
        Control(name="counts", label="what counts", values=["weight (raw)", "share"], kind="list"),
    ]

    def draw(state: State) -> go.Figure:
        return chain_figure(moments[state["towers"]][state["user"] - 1], state)

    return Panel("chain", controls, draw, start=CHAIN_START, presets=CHAIN_PRESETS)


# --- where a tower flees --------------------------------------------------------------------------------------------


def trade_figure(*, alpha: float, margin: float, product: bool = False, title: str) -> go.Figure:
    """The weight `D^−α` falls with D, the triplet T rises, both at S⁻ = 0; and, if it is asked for, their product.

    >>> figure = trade_figure(alpha=2.0, margin=0.5, product=True, title="")
    >>> round(float(figure.data[2].x[np.argmax(figure.data[2].y)]), 2)  # where the loss is largest
    1.0
    """
    distance = np.linspace(0.4, 2.0, 81).round(2)
    weight, pull = distance**-alpha, np.maximum(0, margin - 1 + distance)
    curves = {"weight D<sup>−α</sup>": weight, "triplet T": pull}
    curves |= {"loss = D<sup>−α</sup> · T": weight * pull} if product else {}
    figure = go.Figure()
    for index, (name, curve) in enumerate(curves.items()):
        line = dict(color=COLOURS[index] if index < 2 else "black", dash=DASHES[1 + index] if index < 2 else "solid")
        figure.add_scatter(x=distance, y=curve, name=name, mode="lines", line=line | dict(width=3))
    figure.update_xaxes(title="D, distance of the tower to its target", range=(0.38, 2.02), dtick=0.2)
    figure.update_yaxes(title=f"α = {alpha:g}, γ = {margin:g}, S⁻ = 0", range=(0, 2))
    figure.update_layout(legend=dict(orientation="h", y=-0.22))
    alt = f"Curves over D from 0.4 to 2: the weight falls from {weight[0]:.3g} to {weight[-1]:.3g}, the triplet rises "
    alt += f"from {pull[0]:.3g} to {pull[-1]:.3g}."
    if product:
        most = int((weight * pull).argmax())
        alt += f" Their product is largest, {(weight * pull)[most]:.3g}, at D = {distance[most]:g}."
    return finished(figure, title=title, alt=alt, height=380)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of a tower and a negative: the tower's distance to its target, and its similarity to the negative."""

    distance: Float[Array, " pair"]
    negative: Float[Array, " pair"]

    def fleeing(self, *, alpha: float, margin: float) -> Array:
        """Which of the pairs drive their tower away: `T > D/α`, S⁻ held."""
        return np.maximum(0, margin - 1 + self.distance + self.negative) > self.distance / alpha


def pairs_of(
    distance: Float[Tensor, "batch tower"], negative: Float[Tensor, "batch tower neg"], kept: Bool[Tensor, "batch neg"]
) -> Pairs:
    """The pairs of a batch in a random order, without those whose negative is the sample's own target."""
    these = kept[:, None].expand(negative.shape).numpy()
    order = np.random.default_rng(0).permutation(int(these.sum()))
    wide = distance[..., None].expand(negative.shape).numpy()
    return Pairs(distance=wide[these][order], negative=negative.numpy()[these][order])


SHOWN_PAIRS = 600
REGION_START = {"alpha": 2.0, "margin": 0.2}
REGION_PRESETS = {
    "α = 2": {"alpha": 2.0, "margin": 0.2},
    "α = 5.5, the paper's default": {"alpha": 5.5, "margin": 0.2},
    "α = 0.8": {"alpha": 0.8, "margin": 0.2},
}


def region_figure(pairs: Pairs, state: State) -> go.Figure:
    """The (D, S⁻) plane: where weight and pull drive a tower away, where nearer, where not at all; and real pairs."""
    alpha, margin = state["alpha"], state["margin"]
    edge = np.array([0.0, 2.0])
    border, still = 1 - margin - edge * (1 - 1 / alpha), 1 - margin - edge
    top = max(1.0, *border)
    flee = pairs.fleeing(alpha=alpha, margin=margin)
    idle = margin - 1 + pairs.distance + pairs.negative <= 0
    kinds = {"flees": flee, "comes nearer": ~flee & ~idle, "does not move": idle}
    styles = {
        "flees": ("x", COLOURS[1]),
        "comes nearer": ("circle", COLOURS[0]),
        "does not move": ("circle-open", GREY),
    }
    traces: list[dict] = [
        dict(
            x=[*edge, 2, 0], y=[*border, top, top], fill="toself", fillcolor="rgba(213,94,0,0.18)",
            mode="lines", line=dict(color=COLOURS[1], width=0), name="flight: T > D/α", hoverinfo="skip",
        ),
        dict(x=edge, y=border, mode="lines", name="border: T = D/α", line=dict(color=COLOURS[1], width=3)),
        dict(x=edge, y=still, mode="lines", name="T = 0", line=dict(color=GREY, width=2, dash="dash")),
    ]  # fmt: skip
    shown = slice(SHOWN_PAIRS)
    for name, these in kinds.items():
        symbol, colour = styles[name]
        chosen = these[shown]
        traces.append(
            dict(
                x=pairs.distance[shown][chosen].round(3), y=pairs.negative[shown][chosen].round(3), mode="markers",
                name=f"{name}: {these.mean():.1%}", marker=dict(symbol=symbol, color=colour, size=6, opacity=0.7),
                hovertemplate="D %{x}, S⁻ %{y}<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    layout = dict(
        xaxis=dict(title="D, distance of the tower to its target", range=(0, 2)),
        yaxis=dict(title="S⁻, similarity to the negative", range=(-1, 1)),
        legend=dict(orientation="h", y=-0.16),
    )
    figure = go.Figure([dict(type="scatter", **trace) for trace in traces], layout)
    title = f"α = {alpha:g}, γ = {margin:g}: {flee.mean():.1%} of the pairs flee"
    alt = (
        f"The plane of D and S⁻ at α {alpha:g} and γ {margin:g}, αγ {alpha * margin:.2g}. A tower flees above the line "
        f"from S⁻ = {border[0]:.2g} at D = 0 to {border[1]:.2g} at D = 2. Of {len(pairs.distance):,} pairs of a tower "
        f"and a negative, {flee.mean():.1%} flee, {kinds['comes nearer'].mean():.1%} come nearer and {idle.mean():.1%} "
        "do not move."
    )
    return finished(figure, title=title, alt=alt, height=520)


def region_panel(pairs: Pairs) -> Panel:
    """The region of flight for any α and γ, with the pairs of a batch in it."""
    controls = [
        Control(name="alpha", label="α", values=[0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.5, 8.0]),
        Control(name="margin", label="γ, margin", values=MARGINS),
    ]
    return Panel("flight", controls, lambda state: region_figure(pairs, state), start=REGION_START,
                 presets=REGION_PRESETS)  # fmt: skip


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
    for radius, mode in ((np.ones(3), "markers"), (np.array([0.6, 0.62, 0.4]), "text")):  # names may not collide
        x, y = on_circle(angles, radius)
        marker = dict(symbol=list(symbols), color=colours, size=17)
        traces.append(dict(x=x, y=y, mode=mode, marker=marker, text=list(PLACES), hoverinfo="skip", showlegend=False))
    x, y = on_circle(np.array([0.0, 90.0, 180.0, 270.0]), 0.88)
    ticks = dict(text=["0°", "90°", "±180°", "−90°"], textfont=dict(color=GREY, size=11))
    traces.append(dict(x=x, y=y, mode="text", hoverinfo="skip", showlegend=False, **ticks))
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
        Control(name="margin", label="γ, margin", values=[*MARGINS, 1.5]),
        Control(name="floor", label="floor of D", values=[0.001, 0.01, 0.05, 0.1, 0.3]),
        Control(name="through_weight", label="through the weight", values=[False, True], kind="switch"),
        Control(name="moves", label="a click moves", values=["tower", "target", "negative"], kind="list"),
    ]

    def pick(state: State, trace: int, point: int) -> State:
        return {state["moves"]: ANGLES[point]} if trace == 0 else {}

    return Panel("pull", controls, circle_figure, start=CIRCLE_START, presets=CIRCLE_PRESETS, pick=pick)
