"""Lesson 11: routing round by round, who may look at whom, and the gaps of the rivals by two rules."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Bool, Float
from plotly.subplots import make_subplots
from torch import Tensor

from lessons.common.figures import COLOURS, GREY, MARKERS, finished, on_circle
from lessons.common.panels import Control, Panel, State
from mtmi_lite.lab.gap import measure_gap  # noqa: F401, one of the lesson's names
from mtmi_lite.metrics import Evaluation, paired_interval
from mtmi_lite.towers import route

Array = np.ndarray
Interval = tuple[float, float, float]

# --- routing ----------------------------------------------------------------------------------------------------------

BY_HAND = ((0.5, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.5))
EQUAL = ((0.0,) * 4,) * 2
STARTS = ("by hand", "equal", *(f"random {seed}" for seed in (1, 2, 3)))
MOST_ROUNDS = 10
WITHIN = 18.0
"""The angle between the two items of a group, in degrees."""
FILLS = ("", "/")  # a capsule has a pattern beside its colour


def four_items(length: float, apart: float) -> Float[Tensor, "4 2"]:
    """Two groups of two items in the plane, all of one length; the outermost are `apart` degrees from each other."""
    angles = torch.tensor([0.0, WITHIN, apart - WITHIN, apart]) * torch.pi / 180
    return length * torch.stack([angles.cos(), angles.sin()], dim=1)


def start_logits(start: str) -> Float[Tensor, "2 4"]:
    """The logits that routing starts from, by their name in the panel."""
    if start in ("by hand", "equal"):
        return torch.tensor(BY_HAND if start == "by hand" else EQUAL)
    return torch.randn(2, 4, generator=torch.Generator().manual_seed(int(start.split()[1])))


def after(
    items: Float[Tensor, "step 2"], start: Float[Tensor, "tower step"], rounds: int
) -> tuple[Float[Array, "tower step"], Float[Array, "tower 2"]]:
    """The couplings and the capsules after so many rounds."""
    everything = torch.ones(1, len(items), dtype=torch.bool)
    capsules, couplings = route(items[None, None], start, everything, everything[:, : len(start)], iterations=rounds)
    return couplings[0].numpy(), capsules[0].numpy()


def rounds_of(
    items: Float[Tensor, "step 2"], start: Float[Tensor, "tower step"], rounds: int
) -> tuple[Float[Array, "round tower step"], Float[Array, "round tower 2"]]:
    """The couplings and the capsules after each of the first rounds."""
    couplings, capsules = zip(*(after(items, start, number) for number in range(1, rounds + 1)), strict=True)
    return np.stack(couplings), np.stack(capsules)


def least_sure(couplings: Float[Array, "round tower step"]) -> Float[Array, " round"]:
    """The largest coupling of the item that is least sure where it belongs, after each round."""
    return couplings.max(axis=1).min(axis=1)


def _bars(figure: go.Figure, couplings: Float[Array, "tower step"], legend: bool, **where: int) -> None:
    places = [str(number) for number in range(1, couplings.shape[1] + 1)]
    for capsule, one in enumerate(couplings):
        pattern = dict(shape=FILLS[capsule], fillmode="overlay", fgcolor="white", size=6)
        look = dict(color=COLOURS[capsule], pattern=pattern)
        shown = dict(name=f"capsule {capsule + 1}", marker=look, showlegend=legend, hoverinfo="skip")
        figure.add_bar(x=places, y=one, **shown, **where)


def rounds_figure(couplings: Float[Array, "round tower step"], *, title: str) -> go.Figure:
    """A stack for each item and round: how much of it goes to either capsule."""
    heads = [f"round {number}" for number in range(1, len(couplings) + 1)]
    figure = make_subplots(cols=len(couplings), subplot_titles=heads, shared_yaxes=True, horizontal_spacing=0.04)
    for number, one in enumerate(couplings):
        _bars(figure, one, number == 0, row=1, col=number + 1)
    figure.update_layout(barmode="stack", bargap=0.25, legend=dict(orientation="h", y=-0.25, x=0, traceorder="normal"))
    figure.update_yaxes(range=[0, 1], tickvals=[0, 0.5, 1]).update_yaxes(title="coupling", col=1)
    figure.update_xaxes(type="category", title="item")
    parts = "; ".join(f"round {n}: {', '.join(f'{c:.2f}' for c in one[0])}" for n, one in enumerate(couplings, start=1))
    return finished(figure, title=title, alt=f"How much of each of four items capsule 1 takes. {parts}.", height=330)


def routing_figure(state: State) -> go.Figure:
    """Items and capsules in the plane after some rounds, beside the couplings."""
    items = four_items(state["length"], state["apart"])
    now, vectors = after(items, start_logits(state["start"]), state["rounds"])
    heads = ("items and capsules", "couplings")
    figure = make_subplots(cols=2, subplot_titles=heads, horizontal_spacing=0.12)
    directions = items.numpy() / state["length"]
    around = on_circle(np.arange(0.0, 361.0, 5.0))
    figure.add_scatter(x=around[0], y=around[1], mode="lines", line=dict(color="#DDDDDD"), showlegend=False)
    dots = dict(size=13, color="white", symbol="circle", line=dict(color=GREY, width=2))
    figure.add_scatter(x=directions[:, 0], y=directions[:, 1], mode="markers", marker=dots, name="item")
    for number, (x, y) in enumerate(1.18 * directions, start=1):
        figure.add_annotation(text=str(number), x=x, y=y, showarrow=False)
    for capsule, (x, y) in enumerate(vectors):
        line = dict(color=COLOURS[capsule], width=4, dash=("solid", "dash")[capsule])
        marker = dict(symbol=MARKERS[capsule], size=[0, 14 - 5 * capsule], color=COLOURS[capsule], opacity=1)
        style = dict(mode="lines+markers", line=line, marker=marker, showlegend=False)
        figure.add_scatter(x=[0, x], y=[0, y], name=f"capsule {capsule + 1}, squashed", **style)
    _bars(figure, now, True, row=1, col=2)
    figure.update_layout(barmode="stack", bargap=0.3, legend=dict(orientation="h", y=-0.17, x=0, traceorder="normal"))
    figure.update_xaxes(range=[-1.35, 1.35], tickvals=[-1, 0, 1], col=1)
    figure.update_yaxes(range=[-1.35, 1.35], tickvals=[-1, 0, 1], scaleanchor="x", col=1)
    figure.update_xaxes(type="category", title="item", col=2)
    figure.update_yaxes(range=[0, 1], tickvals=[0, 0.25, 0.5, 0.75, 1], col=2)
    sure = least_sure(now[None])[0]
    title = f"Round {state['rounds']}: least sure item, {sure:.1%} to one capsule"
    parts = ", ".join(f"item {n} {c:.2f}" for n, c in enumerate(now[0], start=1))
    return finished(figure, title=title, alt=f"{title}. Capsule 1 takes {parts}.", height=430)


START = {"start": "by hand", "length": 4.0, "apart": 90, "rounds": 3}
PRESETS = {
    "MIND's three rounds": START,
    "Shorter items": {**START, "length": 2.0},
    "Close groups": {**START, "apart": 45},
    "A random start": {**START, "start": "random 1", "length": 1.0},
}


def routing_panel() -> Panel:
    """Routing in the plane: its start, the length of the items, the angle between the groups, and the round."""
    controls = [
        Control(name="start", label="start", values=STARTS, kind="list"),
        Control(name="length", label="length of the items", values=(0.5, 1.0, 2.0, 4.0)),
        Control(name="apart", label="groups apart, in degrees", values=(45, 60, 90, 135, 180)),
        Control(name="rounds", label="rounds", values=tuple(range(1, MOST_ROUNDS + 1))),
    ]
    return Panel("routing", controls, routing_figure, start=START, presets=PRESETS)


# --- attention --------------------------------------------------------------------------------------------------------


def may_see(mask: Bool[Tensor, " step"]) -> Bool[Tensor, "asking step"]:
    """Who may look at whom in SASRec, as in `towers.CausalAttention`: at items up to itself; padding sees itself."""
    return (mask[None] | torch.eye(len(mask), dtype=torch.bool)).tril()


def seen_figure(seen: Bool[Array, "asking step"], mask: Bool[Array, " step"], *, title: str) -> go.Figure:
    """A square for each pair of places: filled where the one in the row may look at the one in the column."""
    names = [f"{'item' if there else 'padding'} at {place}" for place, there in enumerate(mask.tolist(), start=1)]
    figure = go.Figure()
    for may, name, look in (
        (True, "may look", dict(color=COLOURS[0], symbol="square", size=21)),
        (False, "may not", dict(color=GREY, symbol="x-thin-open", size=9)),
    ):
        who, whom = np.nonzero(seen == may)
        x, y = ([names[place] for place in places] for places in (whom, who))
        figure.add_scatter(x=x, y=y, mode="markers", name=name, marker=look)
    order: dict = dict(categoryorder="array", categoryarray=names)
    figure.update_layout(xaxis=dict(title="looks at", **order))
    figure.update_layout(yaxis=dict(title="who looks", autorange="reversed", **order))
    figure.update_layout(legend=dict(orientation="h", y=-0.35, x=0))
    each = "; ".join(f"{name}: {int(row.sum())} of {len(row)}" for name, row in zip(names, seen, strict=True))
    return finished(figure, title=title, alt=f"How many places each place may look at. {each}.", height=420)


# --- the rivals, trained ----------------------------------------------------------------------------------------------


def stare(evaluation: Evaluation) -> float:
    """How much of its attention a vector gives to the one slot that it looks at most, on average."""
    users = evaluation.users
    assert users.attention is not None
    whole = users.attention.sum(dim=2, keepdim=True).clamp(min=1e-9)  # couplings do not sum to 1 over the history
    return float((users.attention / whole).amax(dim=2)[users.mask].mean())


def gaps_figure(
    own: Mapping[str, Float[Array, " case"]], common: Mapping[str, Float[Array, " case"]], *, seed: int, title: str
) -> go.Figure:
    """A row a model: its gap with an interval, by its own rule and by one rule for all."""
    figure = go.Figure()
    nothing = np.zeros_like(next(iter(own.values())))
    ways: Sequence[tuple[str, Mapping[str, Array]]] = (("by its own rule", own), ("by the nearest vector", common))
    parts = []
    for number, (way, gaps) in enumerate(ways):
        three = np.array([paired_interval(gap, nothing, seed=seed) for gap in gaps.values()]).T
        bars = dict(type="data", symmetric=False, array=three[2] - three[0], arrayminus=three[0] - three[1], width=5)
        places = np.arange(len(gaps)) + (-0.14, 0.14)[number]
        marker = dict(color=COLOURS[number], symbol=MARKERS[number], size=11)
        figure.add_scatter(x=three[0], y=places, error_x=bars, mode="markers", name=way, marker=marker)
        parts.append(f"{way}: " + ", ".join(f"{n} {g:.2f}" for n, g in zip(gaps, three[0], strict=True)))
    figure.update_yaxes(tickvals=list(range(len(own))), ticktext=list(own), autorange="reversed")
    figure.update_xaxes(title="gap: recall@50 with the label, less served", rangemode="tozero")
    height = 170 + 45 * len(own)
    figure.update_layout(legend=dict(orientation="h", y=-60 / (height - 80), x=0))
    return finished(figure, title=title, alt=f"Gaps between training and serving. {'; '.join(parts)}.", height=height)


def word_of(interval: Interval) -> str:
    """Where a difference lies: "smaller", "larger", or "undecided" if its interval holds 0."""
    _, low, high = interval
    return "smaller" if high < 0 else "larger" if low > 0 else "undecided"
