"""Lesson 04: who answers for a target, by each rule; what that choice finds, and what serving finds without it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from plotly.subplots import make_subplots
from torch import Tensor

from lessons.common.figures import COLOURS, GREY, MARKERS, finished, tower_name
from lessons.common.maps import pca_layout
from lessons.common.panels import Control, Panel, State
from mtmi_lite.interactions import Cases
from mtmi_lite.lab.gap import RULES, Gap, Rule, answer, measure_gap, shares  # noqa: F401, of the lesson's names
from mtmi_lite.losses import triplet
from mtmi_lite.metrics import evaluate
from mtmi_lite.towers import Users
from mtmi_lite.training import Run

Array = np.ndarray
Curves = Mapping[str, Float[Array, "angle tower"]]
Circle = Mapping[str, tuple[Rule, float]]
CIRCLE: Circle = {
    "all alike (α = 0)": ("inverse distance", 0.0),
    "nearest tower": ("nearest", 0.0),
    "by distance, α = 1": ("inverse distance", 1.0),
    "by distance, α = 5": ("inverse distance", 5.0),
    "label-aware, p = 1": ("label-aware", 1.0),
    "label-aware, p = 5": ("label-aware", 5.0),
}
HARD_RULES: Circle = {"nearest tower": ("nearest", 0.0), "smallest loss": ("smallest loss", 0.0)}
DASHES = ("solid", "dash", "dot", "dashdot")


def circle_shares(
    vectors: Float[Tensor, "tower 2"],
    negative: Float[Tensor, " 2"],
    angles: Float[Tensor, " angle"],
    rules: Circle = CIRCLE,
) -> Curves:
    """The shares of the towers by each rule, for targets all around the circle; they sum to the number of towers.

    Args:
        vectors: of length 1.
        negative: the one negative, which only the smallest loss looks at (a triplet with γ = 0.5).
    """
    targets = torch.stack([angles.cos(), angles.sin()], dim=1)
    mask = torch.ones(len(angles), len(vectors), dtype=torch.bool)
    users = Users(vectors=vectors.expand(len(angles), -1, -1), mask=mask)
    away = (vectors @ negative).expand(len(angles), -1)[..., None]
    loss = triplet(targets @ vectors.T, away, torch.ones_like(away, dtype=torch.bool), margin=0.5)
    return {
        name: len(vectors) * shares(rule, users, targets, loss, sharpness).numpy()
        for name, (rule, sharpness) in rules.items()
    }


def share_curves(
    curves: Curves, degrees: Int64[Array, " angle"], towers_at: Sequence[float], negative_at: float, *, title: str
) -> go.Figure:
    """One small picture a rule: each tower's share against the angle of the target."""
    rows = (len(curves) + 1) // 2
    figure = make_subplots(
        rows=rows, cols=2, subplot_titles=list(curves), shared_yaxes=True, vertical_spacing=0.4 / (rows + 1)
    )
    most = len(towers_at)
    for place, (name, curve) in enumerate(curves.items()):
        where = dict(row=place // 2 + 1, col=place % 2 + 1)
        for tower, angle in enumerate(towers_at):
            sizes = np.where(degrees == angle, 11, 0)  # one marker, where the tower stands
            look = dict(color=COLOURS[tower], symbol=MARKERS[tower], size=sizes, opacity=1, line_width=0)
            line = dict(color=COLOURS[tower], width=2, dash=DASHES[tower])
            line["shape"] = "hv" if len(np.unique(curve)) <= 2 else "linear"
            style = dict(mode="lines+markers", line=line, marker=look, showlegend=False)
            figure.add_scatter(x=degrees, y=curve[:, tower], **style, **where)
            if place == 0:  # in the legend, a marker that is not of size 0
                shown = dict(mode="lines+markers", line=line, marker={**look, "size": 11})
                figure.add_scatter(y=[None], name=f"Tower {tower + 1}, {angle:g}°", **shown)
        if "loss" in name:
            cross = dict(color="black", symbol="x-thin-open", size=11, line_width=3)
            figure.add_scatter(
                x=[negative_at],
                y=[most / 2],
                mode="markers",
                marker=cross,
                name=f"negative, {negative_at:.0f}°",
                **where,
            )
    figure.update_xaxes(tickvals=[0, 90, 180, 270, 360], range=[-14, 374])
    figure.update_xaxes(title="target at, in degrees", row=rows).update_yaxes(title="share", col=1)
    figure.update_yaxes(range=[-0.05 * most, 1.08 * most], tickvals=list(range(most + 1)))
    height = 130 + 165 * rows
    figure.update_layout(legend=dict(orientation="h", y=-60 / (height - 80), x=0))
    stand = ", ".join(f"{angle:g}°" for angle in towers_at)
    alt = f"{len(curves)} small charts, one a rule: the share of each tower, at {stand}, against the angle of the "
    alt += f"target. The rules are {'; '.join(curves)}."
    return finished(figure, title=title, alt=alt, height=height)


# --- which rule finds more --------------------------------------------------------------------------------------------


def interests_listed(
    items: Int64[Array, "user num"], item_interest: Int64[Array, " item"], own: Int64[Array, "user own"], least: int = 5
) -> Float[Array, " user"]:
    """The fraction of each user's interests with at least so many items in the list; any number of towers can reach 1.

    >>> interests_listed(np.array([[0, 1, 2]]), np.array([7, 7, 8]), np.array([[7, 8]]), least=2)
    array([0.5])
    """
    return ((item_interest[items][:, None] == own[..., None]).sum(axis=2) >= least).mean(axis=1)


def fraction_interval(ours: Gap, theirs: Gap, *, seed: int) -> tuple[float, float, float]:
    """By how much the fraction `served / label` of one model is larger than another's, and its bootstrap interval."""
    four = np.stack([ours.served, ours.label, theirs.served, theirs.label])
    drawn = np.random.default_rng(seed).integers(four.shape[1], size=(2000, four.shape[1]))
    means = np.column_stack([four.mean(axis=1), four[:, drawn].mean(axis=2)])  # of all users, then of each draw
    difference = means[0] / means[1] - means[2] / means[3]
    low, high = np.quantile(difference[1:], [0.025, 0.975])
    return float(difference[0]), float(low), float(high)


def excess_interval(
    known: Float[Array, " known"], new: Float[Array, " new"], *, seed: int
) -> tuple[float, float, float]:
    """By how much a mean over known users exceeds one over new users, and its interval; both groups are drawn anew."""
    draw = np.random.default_rng(seed)
    means = [group[draw.integers(len(group), size=(2000, len(group)))].mean(axis=1) for group in (known, new)]
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return float(known.mean() - new.mean()), float(low), float(high)


# --- what the label's choice finds, and what serving finds ------------------------------------------------------------


WAYS = {
    "served": ("served: K lists merged into 50", dict(color=COLOURS[0], symbol="circle", size=13)),
    "room": ("all K lists in full", dict(color=COLOURS[4], symbol="line-ns-open", size=16, line_width=3)),
    "label": ("with the label", dict(color=COLOURS[1], symbol="diamond", size=12)),
}


def gap_chart(gaps: Mapping[str, Gap], *, title: str) -> go.Figure:
    """A row a model: recall served, with all lists in full, and with the label's choice."""
    names = list(gaps)
    means = {way: [float(getattr(gap, way).mean()) for gap in gaps.values()] for way in WAYS}
    figure = go.Figure()
    rows = list(zip(names, means["served"], means["label"], strict=True))
    for name, served, label in rows:
        figure.add_scatter(x=[served, label], y=[name] * 2, mode="lines", line_color=GREY, showlegend=False)
    for way, (legend, marker) in WAYS.items():
        figure.add_scatter(x=means[way], y=names, mode="markers", name=legend, marker=marker)
    figure.update_xaxes(title="recall@50, test users", rangemode="tozero").update_yaxes(autorange="reversed")
    height = 170 + 42 * len(names)
    figure.update_layout(legend=dict(orientation="h", y=-60 / (height - 80), x=0))
    parts = "; ".join(f"{name} {served:.2f} and {label:.2f}" for name, served, label in rows)
    alt = f"Recall at 50, served and with the label's choice: {parts}."
    return finished(figure, title=title, alt=alt, height=height)


# --- the panel --------------------------------------------------------------------------------------------------------

PHASES = ("training: known", "serving: unknown")


def switch_figure(users: Users, items: Float[Tensor, "item dim"], target: int, names: Array, state: State) -> go.Figure:
    """One user's vectors and one relevant item on a map, and who answers: by the label in training, or in serving.

    Args:
        users: the one user.
        names: of all items.
        state: with the phase, the rule and its sharpness.
    """
    training = state["phase"] == PHASES[0]
    one = answer(users, items, torch.tensor([target]), rule=state["rule"], sharpness=state["sharpness"])
    units, directions = F.normalize(users.vectors[0], dim=-1), F.normalize(items, dim=-1)
    compared = units @ directions.T if users.similarity == "cosine" else users.vectors[0] @ items.T
    best, by = compared.masked_fill(~users.mask[0][:, None], -torch.inf).max(dim=0)
    served = best.topk(min(50, len(items))).indices
    brought = by[served].numpy()
    share = one.shares[0] if training else np.bincount(brought, minlength=len(units)) / len(served)
    flat = pca_layout(torch.cat([units, directions[served], directions[[target]]]).numpy())
    own, dots, star = flat[: len(units)], flat[len(units) : -1], flat[-1]

    figure = make_subplots(cols=2, column_widths=[0.62, 0.38], horizontal_spacing=0.09)
    here = np.flatnonzero(users.mask[0].numpy()).tolist()
    for tower in here:
        style, mine = dict(color=COLOURS[tower], symbol=MARKERS[tower]), dots[brought == tower]
        figure.add_scatter(x=mine[:, 0], y=mine[:, 1], mode="markers", marker=dict(size=6, opacity=0.45, **style))
        line = dict(color=COLOURS[tower], width=8 * float(share[tower]) if training else 0)
        marker = dict(size=[19, 0], opacity=1, line_width=0, **style)
        xs, ys = zip(own[tower], star, strict=True)
        figure.add_scatter(x=xs, y=ys, mode="lines+markers", line=line, marker=marker)
    look = dict(symbol="star" if training else "star-open", size=17, color="black")
    note = dict(text=["the item" if training else "the item, not known"], textposition="top center")
    figure.add_scatter(x=star[:1], y=star[1:], mode="markers+text", marker=look, **note)
    bars = dict(orientation="h", marker_color=[COLOURS[tower] for tower in here], textposition="outside")
    text = [f" {share[tower]:.0%} · rank {one.ranks[0, tower]}" for tower in here]
    figure.add_bar(x=share[here].tolist(), y=list(map(tower_name, here)), text=text, **bars, col=2, row=1)
    what = f"{'fraction of the item' if training else 'fraction of the 50 served'}; rank in its list"
    figure.update_xaxes(title=what, tickformat=".0%", range=[0, 1.75], tickvals=[0, 0.5, 1], col=2)
    figure.update_xaxes(visible=False, col=1).update_yaxes(visible=False, col=1)
    figure.update_yaxes(autorange="reversed", ticksuffix="  ", col=2)
    figure.update_traces(showlegend=False, hoverinfo="skip")
    alike = share[here].max() - share[here].min() < 0.01
    who = "all towers answer alike, the first" if alike else f"{tower_name(int(share.argmax()))} answers most, and"
    who = "the mixture answers, and" if one.mixed else who
    label, place = one.label_rank[0], one.served_rank[0]
    title = f"Training: {who} has the item at rank {label}"
    if not training:
        title = f"Serving: all lists merged, the item is at rank {place}: {'' if place <= 50 else 'not '}among the 50"
    parts = ", ".join(f"tower {tower + 1} {share[tower]:.0%}" for tower in here)
    alt = f"{names[target]}. {title.partition(':')[0]}: {parts}. With the label at rank {label}, in serving at {place}."
    return finished(figure, title=title, alt=alt, height=400)


PRESETS = {
    "Nearest": {"model": "nearest", "rule": "nearest"},
    "Label-aware, p = 5": {"model": "label-aware, p = 5", "rule": "label-aware", "sharpness": 5.0},
    "MTMI, α = 5": {"model": "MTMI, α = 5", "rule": "inverse distance", "sharpness": 5.0},
    "α = 0: all alike": {"model": "MTMI, α = 0", "rule": "inverse distance", "sharpness": 0.0},
}
SHOWN_USERS, SHOWN_ITEMS = 12, 4
"""How many users and relevant items of each the panel offers."""


def shown_target(cases: Cases, user: int, item: int) -> int:
    """The relevant item that the panel shows for a user and an item, both counted from 1."""
    relevant = cases.relevant[cases.offsets[user - 1] : cases.offsets[user]]
    return int(relevant[(item - 1) % len(relevant)])


@torch.no_grad()
def panel_ranks(run: Run, cases: Cases, *, rule: Rule, sharpness: float) -> dict[tuple[int, int], tuple[int, int, int]]:
    """For each user and item that the panel offers: the item's rank with the label, in the best tower, and served."""
    users, items = evaluate(run.model, cases).users, run.model.items(torch.arange(run.model.num_items))
    places = [(u, i) for u in range(1, min(SHOWN_USERS, len(cases)) + 1) for i in range(1, SHOWN_ITEMS + 1)]
    rows = [user - 1 for user, _ in places]
    some = replace(users, vectors=users.vectors[rows], mask=users.mask[rows], attention=None)
    targets = torch.tensor([shown_target(cases, *place) for place in places])
    found = answer(some, items, targets, rule=rule, sharpness=sharpness)
    ranks = np.stack([found.label_rank, found.ranks.min(axis=1), found.served_rank], axis=1)
    return {place: (int(a), int(b), int(c)) for place, (a, b, c) in zip(places, ranks, strict=True)}


def switch_panel(runs: Mapping[str, Run], cases: Cases, item_names: Array) -> Panel:
    """Show which tower answers for one relevant item of a user, with and without the label, for any runs by name.

    Presets that name a model which is not among the runs are left out.
    """
    known = {}
    for name, run in runs.items():
        known[name] = evaluate(run.model, cases).users, run.model.items(torch.arange(run.model.num_items)).detach()

    def find(state: State) -> tuple[Users, Tensor, int]:
        (users, items), case = known[state["model"]], state["user"] - 1
        one = replace(users, vectors=users.vectors[[case]], mask=users.mask[[case]], attention=None)
        return one, items, shown_target(cases, state["user"], state["item"])

    def draw(state: State) -> go.Figure:
        return switch_figure(*find(state), item_names, state)

    def lost(state: State) -> bool:
        one, items, target = find(state)
        ranks = answer(one, items, torch.tensor([target]), rule=state["rule"], sharpness=state["sharpness"])
        return bool(ranks.label_rank[0] <= 50 < ranks.served_rank[0])

    def idle(state: State) -> list[str]:
        hard = ["sharpness"] if state["rule"] in ("nearest", "smallest loss") else []
        return ["rule", "sharpness"] if state["phase"] == PHASES[1] else hard

    presets = {name: state for name, state in PRESETS.items() if state["model"] in runs}
    every_user = range(1, min(SHOWN_USERS, len(cases)) + 1)
    start = {"model": next(iter(runs)), "user": 1, "item": 1, "phase": PHASES[0], "rule": RULES[3], "sharpness": 5.0}
    every = ({**start, "user": user, "item": item} for user in every_user for item in range(1, SHOWN_ITEMS + 1))
    start = next((place for place in every if lost(place)), start)  # one that shows the gap
    controls = [
        Control(name="model", label="model", values=list(runs), kind="list"),
        Control(name="user", label="user", values=every_user),
        Control(name="item", label="relevant item", values=range(1, SHOWN_ITEMS + 1)),
        Control(name="phase", label="the label", values=PHASES, kind="switch"),
        Control(name="rule", label="rule", values=RULES, kind="list"),
        Control(name="sharpness", label="α or p", values=(0.0, 0.5, 1.0, 2.0, 5.0, 8.0, 20.0)),
    ]
    return Panel("switch", controls, draw, start=start, presets=presets, idle=idle)
