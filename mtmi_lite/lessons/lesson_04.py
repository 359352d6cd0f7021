"""Lesson 04: who answers for a target, by each rule; what that choice finds, and what serving finds without it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from plotly.subplots import make_subplots
from torch import Tensor

from mtmi_lite.experiments import pca_layout
from mtmi_lite.figures import COLOURS, GREY, MARKERS, finished, tower_name
from mtmi_lite.interactions import Cases
from mtmi_lite.losses import info_nce, label_aware_attention, share_by_distance, share_to_best, triplet
from mtmi_lite.metrics import Evaluation, evaluate
from mtmi_lite.models import Model
from mtmi_lite.panels import Control, Panel, State
from mtmi_lite.towers import Users
from mtmi_lite.training import Run

Array = np.ndarray
Rule = Literal["nearest", "smallest loss", "label-aware", "inverse distance"]
RULES: tuple[Rule, ...] = get_args(Rule)
SHARPNESS = (0.0, 0.5, 1.0, 2.0, 5.0, 8.0, 20.0)


def shares(
    rule: Rule, users: Users, target: Float[Tensor, "row dim"], loss: Float[Tensor, "row tower"], sharpness: float
) -> Float[Tensor, "row tower"]:
    """How much each tower answers for its row's target, by one of the rules; a row sums to 1.

    Args:
        users: one row a target, their vectors of length 1 where they are compared by cosine.
        loss: of each tower, which only the rule "smallest loss" reads.
        sharpness: p of label-aware attention, α of the inverse distance; the hard rules have none.

    >>> users = Users(vectors=torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), mask=torch.tensor([[True, True]]))
    >>> shares("inverse distance", users, torch.tensor([[0.6, 0.8]]), torch.zeros(1, 2), sharpness=1.0)
    tensor([[0.3333, 0.6667]])
    """
    if rule == "label-aware":
        return label_aware_attention(users, target, sharpness=sharpness)[1]
    if rule == "smallest loss":
        share = share_to_best(-loss, users.mask)
    elif rule == "nearest":
        share = share_to_best((users.vectors * target[:, None]).sum(dim=-1), users.mask)
    else:
        cosine = (F.normalize(users.vectors, dim=-1) * F.normalize(target, dim=-1)[:, None]).sum(dim=-1)
        share = share_by_distance(cosine, users.mask, alpha=sharpness)
    return share / users.mask.sum(dim=1, keepdim=True)


# --- all rules on a circle --------------------------------------------------------------------------------------------

PANELS: dict[str, tuple[Rule, float]] = {
    "nearest tower": ("nearest", 0.0),
    "label-aware, p = 1": ("label-aware", 1.0),
    "label-aware, p = 5": ("label-aware", 5.0),
    "smallest loss": ("smallest loss", 0.0),
    "inverse distance, α = 1": ("inverse distance", 1.0),
    "inverse distance, α = 5": ("inverse distance", 5.0),
}


def circle_shares(
    vectors: Float[Tensor, "tower 2"], negative: Float[Tensor, " 2"], angles: Float[Tensor, " angle"]
) -> dict[str, Float[Array, "angle tower"]]:
    """The shares of the towers by each rule of `PANELS`, for targets all around the circle.

    Args:
        vectors: of length 1.
        negative: the one negative, which only the smallest loss looks at (a triplet with γ = 0.5).
    """
    targets = torch.stack([angles.cos(), angles.sin()], dim=1)
    users = Users(
        vectors=vectors.expand(len(angles), -1, -1), mask=torch.ones(len(angles), len(vectors), dtype=torch.bool)
    )
    away = (vectors @ negative).expand(len(angles), -1)[..., None]
    loss = triplet(targets @ vectors.T, away, torch.ones_like(away, dtype=torch.bool), margin=0.5)
    return {name: shares(rule, users, targets, loss, sharpness).numpy() for name, (rule, sharpness) in PANELS.items()}


def share_curves(
    curves: Mapping[str, Float[Array, "angle tower"]],
    degrees: Int64[Array, " angle"],
    towers_at: Sequence[float],
    negative_at: float,
    *,
    title: str,
) -> go.Figure:
    """One small picture a rule: each tower's share against the angle of the target."""
    figure = make_subplots(
        rows=2, cols=3, subplot_titles=list(curves), shared_xaxes=True, shared_yaxes=True, vertical_spacing=0.12
    )
    for place, (name, curve) in enumerate(curves.items()):
        where = dict(row=place // 3 + 1, col=place % 3 + 1)
        for tower, angle in enumerate(towers_at):
            colour = COLOURS[tower]
            hard = dict(color=colour, width=2, shape="hv" if len(np.unique(curve)) <= 2 else "linear")
            figure.add_scatter(
                x=degrees, y=curve[:, tower], mode="lines", line=hard, showlegend=False, hoverinfo="skip", **where
            )
            figure.add_scatter(
                x=[angle],
                y=[curve[np.abs(degrees - angle).argmin(), tower]],
                mode="markers",
                marker=dict(color=colour, symbol=MARKERS[tower], size=11, line=dict(color="white", width=1)),
                name=f"Tower {tower + 1}",
                showlegend=place == 0,
                hovertemplate=f"{tower_name(tower)} stands at {angle:g}°, share there %{{y:.2f}}<extra></extra>",
                **where,
            )
        if "loss" in name:
            figure.add_scatter(
                x=[negative_at],
                y=[0.5],
                mode="markers",
                marker=dict(color="black", symbol="x-thin-open", size=11, line_width=3),
                name="the negative",
                **where,
            )
    figure.update_xaxes(tickvals=[0, 90, 180, 270, 360], ticksuffix="°", range=[-14, 374])
    figure.update_xaxes(title="angle of the target", row=2)
    figure.update_yaxes(range=[-0.05, 1.08], tickformat=".0%").update_yaxes(title="share", col=1)
    figure.update_layout(legend=dict(orientation="h", y=-0.16, x=0))
    alt = (
        f"Six small charts: the share of each of {len(towers_at)} towers, which stand at "
        f"{', '.join(f'{angle:g}°' for angle in towers_at)}, against the angle of the target. By the hard rules one "
        "tower has all and the shares jump; by label-aware attention and inverse distance they change smoothly, and "
        "the more sharply the larger p or α is."
    )
    return finished(figure, title=title, alt=alt, height=470)


# --- what the label's choice finds, and what serving finds ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What becomes of some targets: by the label's choice, and in serving, which does not know them.

    Args:
        shares: how much each tower answers for the target; they sum to 1.
        ranks: where the target stands in each tower's list of all items, counted from 1.
        label_rank: where it stands in the list of the vector that the label picks: the mixture in label-aware
            attention, otherwise the tower with the largest share.
        served_rank: where it stands in the merge of all lists.
        mixed: the label mixes the vectors to one, so the list is the mixture's.
    """

    shares: Float[Array, "row tower"]
    ranks: Int64[Array, "row tower"]
    label_rank: Int64[Array, " row"]
    served_rank: Int64[Array, " row"]
    mixed: bool

    def found_with_label(self, num: int) -> Float[Array, " row"]:
        """The part that the label's choice finds: of each tower's first `num` items, as much as the tower answers."""
        if self.mixed:
            return (self.label_rank <= num).astype(float)
        return ((self.ranks <= num) * self.shares).sum(axis=1)


def answer(
    users: Users,
    items: Float[Tensor, "item dim"],
    targets: Int64[Tensor, " row"],
    *,
    rule: Rule,
    sharpness: float,
    temperature: float = 0.1,
) -> Answer:
    """Who answers for each target by a rule, and where the target stands in the lists, one user a row.

    Args:
        temperature: of the loss that "smallest loss" compares: InfoNCE with all other items as negatives.
    """
    vectors = users.vectors
    if users.similarity == "cosine":
        vectors, items = F.normalize(vectors, dim=-1), F.normalize(items, dim=-1)
    rows = torch.arange(len(targets))
    scores = (vectors @ items.T).masked_fill(~users.mask[..., None], -torch.inf)  # [row, tower, item]
    own = scores[rows, :, targets]
    loss = own
    if rule == "smallest loss":
        others = torch.ones(scores.shape, dtype=torch.bool)
        others[rows, :, targets] = False
        loss = info_nce(own, scores, others, temperature=temperature)
    share = shares(rule, dataclasses.replace(users, vectors=vectors), items[targets], loss, sharpness)
    ranks = (scores > own[..., None]).sum(dim=-1) + 1
    ranks = ranks.masked_fill(~users.mask, len(items) + 1)  # an absent tower finds nothing
    merged = scores.amax(dim=1)
    if rule == "label-aware":
        list_of_mixture = (share[:, None] @ vectors @ items.T)[:, 0]
        label_rank = (list_of_mixture > list_of_mixture[rows, targets][:, None]).sum(dim=1) + 1
    else:
        label_rank = ranks[rows, share.argmax(dim=1)]
    served = (merged > merged[rows, targets][:, None]).sum(dim=1) + 1
    parts = dict(shares=share, ranks=ranks, label_rank=label_rank, served_rank=served)
    return Answer(**{name: part.numpy() for name, part in parts.items()}, mixed=rule == "label-aware")


@dataclass(frozen=True, kw_only=True, eq=False)
class Gap:
    """Recall of each case in three ways, from the label's knowledge to none.

    Args:
        label: the label picks the vector for each relevant item, which then needs to be among its first items.
        room: the label picks nothing, but all K lists are kept in their full length.
        served: the K lists are merged into one of the same length: the recall of every other lesson.
        answered: each tower's mean share of the relevant items.
    """

    label: Float[Array, " case"]
    room: Float[Array, " case"]
    served: Float[Array, " case"]
    answered: Float[Array, " tower"]


@torch.no_grad()
def measure_gap(evaluation: Evaluation, model: Model, *, rule: Rule, sharpness: float, num: int = 50) -> Gap:
    """How much of the relevant items is found with the label's choice, and without it."""
    cases, users = evaluation.cases, evaluation.users
    case, items = np.repeat(np.arange(len(cases)), cases.num_relevant), model.items(torch.arange(model.num_items))
    found: list[Array] = []
    answered = 0
    for start in range(0, len(case), 512):  # so many rows that their scores fit into memory
        part = case[start : start + 512]
        some = dataclasses.replace(users, vectors=users.vectors[part], mask=users.mask[part], attention=None)
        targets = torch.from_numpy(cases.relevant[start : start + 512])
        one = answer(some, items, targets, rule=rule, sharpness=sharpness)
        found.append(np.stack([one.found_with_label(num), (one.ranks <= num).any(axis=1), one.served_rank <= num]))
        answered = answered + one.shares.sum(axis=0)
    label, room, served = (np.bincount(case, way) / cases.num_relevant for way in np.concatenate(found, axis=1))
    return Gap(label=label, room=room, served=served, answered=answered / len(case))


@torch.no_grad()
def mean_recall(evaluation: Evaluation, model: Model, *, num: int = 50) -> Float[Array, " case"]:
    """Recall of the mean of each user's own vectors, scaled to one length where cosines compare them, used as one."""
    users = evaluation.users
    vectors = F.normalize(users.vectors, dim=-1) if users.similarity == "cosine" else users.vectors
    mean = (
        torch.where(users.mask[..., None], vectors, 0).sum(dim=1, keepdim=True) / users.mask.sum(dim=1)[:, None, None]
    )
    alone = dataclasses.replace(users, vectors=mean, mask=users.mask[:, :1], attention=None)
    one = dataclasses.replace(evaluation, users=alone)
    return measure_gap(one, model, rule="nearest", sharpness=0.0, num=num).served


def gap_chart(gaps: Mapping[str, Gap], *, title: str) -> go.Figure:
    """A row a model: recall served, with all lists in full, and with the label's choice."""
    names = list(gaps)
    ways = {
        "served: K lists merged into 50": ("served", dict(color=COLOURS[0], symbol="circle", size=13)),
        "all K lists in full": ("room", dict(color=COLOURS[4], symbol="line-ns-open", size=16, line_width=3)),
        "the label's choice": ("label", dict(color=COLOURS[1], symbol="diamond", size=12)),
    }
    means = {way: [float(getattr(gap, way).mean()) for gap in gaps.values()] for way, _ in ways.values()}
    figure = go.Figure()
    for name, served, label in zip(names, means["served"], means["label"], strict=True):
        figure.add_scatter(
            x=[served, label], y=[name, name], mode="lines", line=dict(color=GREY, width=2), showlegend=False
        )
    for legend, (way, marker) in ways.items():
        figure.add_scatter(x=means[way], y=names, mode="markers", name=legend, marker=marker)
    figure.update_xaxes(title="recall@50, test users", rangemode="tozero").update_yaxes(autorange="reversed")
    figure.update_layout(legend=dict(orientation="h", y=-0.15, x=0))
    alt = "Recall at 50, served and with the label's choice: " + "; ".join(
        f"{name} {served:.2f} and {label:.2f}"
        for name, served, label in zip(names, means["served"], means["label"], strict=True)
    )
    return finished(figure, title=title, alt=f"{alt}.", height=150 + 45 * len(names))


# --- the panel --------------------------------------------------------------------------------------------------------

PHASES = ("training: the label is known", "serving: it is not")


def switch_figure(users: Users, items: Float[Tensor, "item dim"], target: int, name: str, state: State) -> go.Figure:
    """One user's vectors and one relevant item on a map, and who answers: by the label in training, or in serving.

    Args:
        users: the one user.
        name: of the item.
        state: with the phase, the rule and its sharpness.
    """
    training = state["phase"] == PHASES[0]
    rule, sharpness = state["rule"], state["sharpness"]
    one = answer(users, items, torch.tensor([target]), rule=rule, sharpness=sharpness)
    units, directions = F.normalize(users.vectors[0], dim=-1), F.normalize(items, dim=-1)
    compared, to = (units, directions) if users.similarity == "cosine" else (users.vectors[0], items)
    scores = (compared @ to.T).masked_fill(~users.mask[0][:, None], -torch.inf)
    best, by = scores.max(dim=0)
    shown = best.topk(min(50, len(items))).indices
    brought = by[shown].numpy()
    share = one.shares[0] if training else np.bincount(brought, minlength=len(units)) / len(shown)
    flat = pca_layout(torch.cat([units, directions[shown], directions[[target]]]).numpy())
    own, dots, star = flat[: len(units)], flat[len(units) : -1], flat[-1]

    figure = make_subplots(cols=2, column_widths=[0.62, 0.38], horizontal_spacing=0.09)
    left, right = dict(row=1, col=1), dict(row=1, col=2)
    here = np.flatnonzero(users.mask[0].numpy()).tolist()
    for tower in here:
        style = dict(color=COLOURS[tower], symbol=MARKERS[tower])
        mine = dots[brought == tower]
        figure.add_scatter(
            x=mine[:, 0], y=mine[:, 1], mode="markers", marker=dict(size=6, opacity=0.45, **style), **left
        )
        figure.add_scatter(
            x=[own[tower, 0], star[0]],
            y=[own[tower, 1], star[1]],
            mode="lines",
            line=dict(color=COLOURS[tower], width=1 + 7 * float(share[tower])),
            opacity=float(share[tower] > 0.005) if training else 0.0,
            **left,
        )
        figure.add_scatter(
            x=own[[tower], 0],
            y=own[[tower], 1],
            mode="markers",
            marker=dict(size=19, line=dict(color="white", width=2), **style),
            **left,
        )
    figure.add_scatter(
        x=star[:1],
        y=star[1:],
        mode="markers+text",
        marker=dict(symbol="star" if training else "star-open", size=17, color="black"),
        text=["the item" if training else "the item, not known"],
        textposition="top center",
        **left,
    )
    figure.add_bar(
        x=[float(share[tower]) for tower in here],
        y=[tower_name(tower) for tower in here],
        orientation="h",
        marker_color=[COLOURS[tower] for tower in here],
        text=[f" {share[tower]:.0%} · item at {one.ranks[0, tower]}" for tower in here],
        textposition="outside",
        cliponaxis=False,
        **right,
    )
    what = "share of the item" if training else "part of the 50 places shown"
    figure.update_xaxes(title=f"{what}; rank in each tower's own list", tickformat=".0%", range=[0, 1.6], **right)
    figure.update_xaxes(tickvals=[0, 0.5, 1], **right).update_yaxes(autorange="reversed", ticksuffix="  ", **right)
    figure.update_xaxes(visible=False, **left).update_yaxes(visible=False, **left)
    figure.update_traces(showlegend=False, hoverinfo="skip")
    label, served = int(one.label_rank[0]), int(one.served_rank[0])
    if training:
        who = "the mixture" if one.mixed else tower_name(int(share.argmax()))
        title = f"Training: {who} answers most, and has the item at rank {label}"
    else:
        kept = "among the 50" if served <= 50 else "not among the 50"
        title = f"Serving: all lists merged, the item is at rank {served}: {kept}"
    alt = (
        f"{name}. {'Training' if training else 'Serving'}: "
        + ", ".join(f"tower {tower + 1} {share[tower]:.0%}" for tower in here)
        + f". With the label the item is at rank {label}, in serving at rank {served}."
    )
    return finished(figure, title=title, alt=alt, height=400)


EVERY_ITEM = range(1, 5)
PRESETS = {
    "ComiRec": {"model": "ComiRec", "rule": "nearest"},
    "MIND, p = 1": {"model": "MIND", "rule": "label-aware", "sharpness": 1.0},
    "MTMI, α = 5": {"model": "MTMI, α = 5", "rule": "inverse distance", "sharpness": 5.0},
    "α = 0: all alike": {"model": "MTMI, α = 0", "rule": "inverse distance", "sharpness": 0.0},
}


def switch_panel(runs: Mapping[str, Run], cases: Cases, item_names: Array, *, num_users: int = 12) -> Panel:
    """Who answers for one relevant item of one user, with the label known and without it, for any runs by name.

    Presets that name a model which is not among the runs are left out.
    """
    known = {}
    for name, run in runs.items():
        with torch.no_grad():
            known[name] = (evaluate(run.model, cases).users, run.model.items(torch.arange(run.model.num_items)))

    def find(state: State) -> tuple[Users, Tensor, int]:
        users, items = known[state["model"]]
        case = state["user"] - 1
        relevant = cases.relevant[cases.offsets[case] : cases.offsets[case + 1]]
        one = dataclasses.replace(users, vectors=users.vectors[[case]], mask=users.mask[[case]], attention=None)
        return one, items, int(relevant[(state["item"] - 1) % len(relevant)])

    def draw(state: State) -> go.Figure:
        one, items, target = find(state)
        return switch_figure(one, items, target, str(item_names[target]), state)

    def lost(state: State) -> bool:
        """Found with the label, and not among the 50 served."""
        one, items, target = find(state)
        ranks = answer(one, items, torch.tensor([target]), rule=state["rule"], sharpness=state["sharpness"])
        return bool(ranks.label_rank[0] <= 50 < ranks.served_rank[0])

    def idle(state: State) -> list[str]:
        if state["phase"] == PHASES[1]:
            return ["rule", "sharpness"]
        return ["sharpness"] if state["rule"] in ("nearest", "smallest loss") else []

    presets = {name: state for name, state in PRESETS.items() if state.get("model", next(iter(runs))) in runs}
    every_user = range(1, min(num_users, len(cases)) + 1)
    start = {"model": next(iter(runs)), "user": 1, "item": 1, "phase": PHASES[0], "rule": RULES[3], "sharpness": 5.0}
    places = ({**start, "user": user, "item": item} for user in every_user for item in EVERY_ITEM)
    start = next((place for place in places if lost(place)), start)  # one that shows the gap
    controls = [
        Control(name="model", label="model", values=list(runs), kind="list"),
        Control(name="user", label="user", values=every_user),
        Control(name="item", label="relevant item", values=EVERY_ITEM),
        Control(name="phase", label="phase", values=PHASES, kind="switch"),
        Control(name="rule", label="rule", values=RULES, kind="list"),
        Control(name="sharpness", label="α or p", values=SHARPNESS),
    ]
    return Panel("switch", controls, draw, start=start, presets=presets, idle=idle)
