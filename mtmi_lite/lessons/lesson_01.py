"""Lesson 01: its computations, figures and panel."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Bool, Float, Int64, Shaped
from plotly.subplots import make_subplots

from mtmi_lite.datasets import PlantedWorld, oracle_ranking, planted_interests
from mtmi_lite.figures import COLOURS, GREY, MARKERS, finished, short
from mtmi_lite.interactions import Cases, Interactions, evaluation_cases, item_counts, split_users
from mtmi_lite.metrics import find_hits, paired_interval, recall
from mtmi_lite.panels import Control, Panel, State

Array = np.ndarray
Counts = Int64[Array, " item"]


# --- customers ------------------------------------------------------------------------------------------------------


def basket_starts(log: Interactions) -> Bool[Array, " interaction"]:
    """True where a basket begins: everything of one user at one time.

    >>> from mtmi_lite.interactions import from_columns
    >>> basket_starts(from_columns(users=[0, 0, 0, 1], items=list("abca"), times=[1, 1, 2, 2])).tolist()
    [True, False, True, True]
    """
    starts = np.ones(len(log), dtype=bool)
    starts[1:] = np.diff(log.times) != 0
    starts[log.offsets[:-1]] = True
    return starts


def positions(log: Interactions) -> Int64[Array, " interaction"]:
    """The place of each interaction in its user's sequence, from 0."""
    return np.arange(len(log)) - np.repeat(log.offsets[:-1], log.lengths)


def clear_customer(log: Interactions, users: Int64[Array, " user"]) -> int:
    """The one of these users whose time line is easiest to read.

    It has 7 to 14 baskets, days apart, the cut inside one that is not the last, and as many repeats after it as may be,
    beside something new. Where no user is like that, it is the one with the number of interactions nearest to 60.
    """
    starts, best = basket_starts(log), (0.0, -1)
    for user in users.tolist():
        first, end = log.offsets[user : user + 2]
        cut = int(first + (end - first) * 4 // 5)
        days = log.times[first:end][starts[first:end]] / 86_400
        clear = 7 <= len(days) <= 14 and 60 <= end - first <= 130 and np.diff(days).min() > 5
        if clear and not starts[cut] and starts[cut:end].any():
            repeats = np.isin(log.items[cut:end], log.items[first:cut]).mean()
            best = max(best, (float(repeats) if repeats < 0.7 else 0.0, -user))
    return -best[1] if best[0] > 0 else int(users[np.argmin(np.abs(log.lengths[users] - 60))])


def customer_line(
    times: Int64[Array, " step"],
    items: Int64[Array, " step"],
    cut: int,
    names: Shaped[Array, " item"],
    *,
    title: str,
) -> go.Figure:
    """One customer's whole sequence on a time line: a basket is a stack, its first line at the bottom.

    Args:
        cut: how many interactions are history; the rest is what a model should find.
    """
    _, first = np.unique(times, return_index=True)
    height = np.arange(len(times)) - first[np.searchsorted(times[first], times)] + 1
    after = np.arange(len(times)) >= cut
    known = np.isin(items, items[:cut])
    kinds = {"history": ~after, "relevant, never bought before": after & ~known, "relevant, a repeat": after & known}
    figure = go.Figure()
    dates = times.astype("datetime64[s]").astype(str)
    for kind, (name, chosen) in enumerate(kinds.items()):
        figure.add_scatter(
            x=dates[chosen],
            y=height[chosen],
            name=f"{name} ({chosen.sum()})",
            mode="markers",
            marker=dict(color=COLOURS[kind], symbol=MARKERS[kind], size=7),
            text=names[items[chosen]],
            hovertemplate="%{text}<br>%{x|%d %B %Y}<extra></extra>",
        )
    figure.add_annotation(
        x=dates[cut],
        y=height[cut],
        text="<b>the cut, after 80%</b>",
        showarrow=True,
        arrowhead=2,
        ax=30,
        ay=-35,
        xanchor="left",
        bgcolor="white",
    )
    figure.update_xaxes(title="when").update_yaxes(title="line of the basket", rangemode="tozero")
    figure.update_layout(legend=dict(orientation="h", y=1.02, yanchor="bottom"))
    alt = (
        f"Time line of one customer: {len(times)} purchases in {len(first)} baskets, each a stack. The first {cut} are "
        f"history; of the {len(times) - cut} after the cut, {kinds['relevant, a repeat'].sum()} repeat an earlier one. "
        f"The cut falls {'inside' if cut and times[cut] == times[cut - 1] else 'between'} baskets."
    ).replace("inside baskets", "inside a basket")
    return finished(figure, title=title, alt=alt, height=400)


# --- simple rankings ------------------------------------------------------------------------------------------------


def history_lists(cases: Cases, num: int) -> Int64[Array, "case num"]:
    """The history itself as the list: what the model reads of each case, newest first, each item once, then −1.

    >>> from mtmi_lite.interactions import from_columns
    >>> log = from_columns(users=[0] * 6, items=list("abcadb"), times=range(6))
    >>> history_lists(evaluation_cases(log, np.array([0])), 4).tolist()
    [[0, 2, 1, -1]]
    """
    lists = np.full((len(cases), num), -1, dtype=np.int64)
    for row, (history, mask) in enumerate(zip(cases.batch.history.numpy(), cases.batch.mask.numpy(), strict=True)):
        once = list(dict.fromkeys(history[mask][::-1].tolist()))[:num]
        lists[row, : len(once)] = once
    return lists


def item_table(
    log: Interactions, rows: Bool[Array, " interaction"], users: Int64[Array, " case"]
) -> Bool[Array, "case item"]:
    """True where a user has an item among these rows of the log."""
    case = np.full(log.num_users, -1)
    case[users] = np.arange(len(users))
    rows = rows & (case[log.users] >= 0)
    table = np.zeros((len(users), log.num_items), dtype=bool)
    table[case[log.users[rows]], log.items[rows]] = True
    return table


def bought_together(
    log: Interactions, trained: Bool[Array, " interaction"], known: Bool[Array, "case item"], num: int
) -> Int64[Array, "case num"]:
    """Bought together: each basket among the `trained` rows votes for its items, once for each item that is known.

    What is known of a case does not come into its list. `score = Σ_baskets |basket ∩ known| · [item ∈ basket]`.

    >>> from mtmi_lite.interactions import from_columns
    >>> log = from_columns(users=[0, 0, 1, 1, 1], items=list("abacd"), times=[1, 1, 2, 2, 3])
    >>> bought_together(log, np.ones(5, dtype=bool), np.array([[True, True, False, False]]), 1).tolist()
    [[2]]
    """
    basket = (np.cumsum(basket_starts(log)) - 1)[trained]
    places = torch.from_numpy(np.stack([basket, log.items[trained]]))
    size = (int(basket.max()) + 1, log.num_items)
    baskets = torch.sparse_coo_tensor(places, torch.ones(len(basket)), size, check_invariants=True).coalesce()
    votes = baskets.T @ (baskets @ torch.from_numpy(known).float().T)
    return votes.T.masked_fill(torch.from_numpy(known), -1).topk(num).indices.numpy()


def known_items(cases: Cases) -> Bool[Array, "case item"]:
    """True where an item is in what a model reads of a case."""
    table = np.zeros((len(cases), cases.num_items), dtype=bool)
    case, step = cases.batch.mask.numpy().nonzero()
    table[case, cases.batch.history.numpy()[case, step]] = True
    return table


def chance_hit_rate(num_relevant: Int64[Array, " case"], num_items: int, num: int) -> Float[Array, " case"]:
    """How likely `num` different items at random hold a relevant one: `1 − Π_j (N − R − j) / (N − j)`, j < num.

    >>> chance_hit_rate(np.array([1, 3]), 4, 2)  # of 1: 2 of 4 places; of 3: always
    array([0.5, 1. ])
    """
    steps = np.arange(num)
    missed = (num_items - num_relevant[:, None] - steps).clip(min=0) / (num_items - steps)
    return 1 - missed.prod(axis=1)


def moved_by_the_cut(
    inside: Mapping[str, Float[Array, " case"]], between: Mapping[str, Float[Array, " case"]], *, title: str
) -> go.Figure:
    """Recall@20 of some rankings for the same customers, the cut inside a basket and between two baskets."""
    names = list(inside)
    before = [float(inside[name].mean()) for name in names]
    after = [float(between[name].mean()) for name in names]
    figure = go.Figure()
    for name, left, right in zip(names, before, after, strict=True):
        figure.add_scatter(
            x=[left, right], y=[name, name], mode="lines", line=dict(color=GREY), showlegend=False, hoverinfo="skip"
        )
    for kind, (name, values) in enumerate({"cut after 80%": before, "cut moved between baskets": after}.items()):
        figure.add_scatter(
            x=values,
            y=names,
            name=name,
            mode="markers",
            marker=dict(color=COLOURS[kind], symbol=MARKERS[kind], size=12),
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    figure.update_xaxes(title="recall@20", rangemode="tozero").update_yaxes(autorange="reversed")
    figure.update_layout(legend=dict(orientation="h", y=1.02, yanchor="bottom"))
    alt = "Recall at 20 with the cut after 80% and moved between baskets: " + "; ".join(
        f"{name} {left:.3f} and {right:.3f}" for name, left, right in zip(names, before, after, strict=True)
    )
    return finished(figure, title=title, alt=f"{alt}.", height=320)


# --- popularity -----------------------------------------------------------------------------------------------------


def popularity(counts: Counts, num_points: int = 60) -> tuple[Float[Array, " point"], Float[Array, " point"]]:
    """How many times the mean count the r-th most popular item has, by r / N, at ranks evenly spread on a log scale.

    >>> part, times_mean = popularity(np.array([1, 6, 2]))
    >>> times_mean.tolist()
    [2.0, 0.6666666666666666, 0.3333333333333333]
    """
    ranks = np.unique(np.geomspace(1, len(counts), num_points).round().astype(np.int64))
    return ranks / len(counts), np.sort(counts)[::-1][ranks - 1] / counts.mean()


def popularity_figure(counts: Counts, names: Shaped[Array, " item"], *, title: str) -> go.Figure:
    """Items by how often they were bought, from the most popular one, both axes on a log scale."""
    order = np.argsort(-counts, kind="stable")
    ranks = np.unique(np.geomspace(1, len(counts), 120).round().astype(np.int64))
    figure = go.Figure(
        go.Scatter(
            x=ranks,
            y=counts[order[ranks - 1]],
            mode="lines+markers",
            line=dict(color=COLOURS[0]),
            marker=dict(symbol=MARKERS[0], size=5),
            text=names[order[ranks - 1]],
            hovertemplate="%{text}: %{y}<extra></extra>",
        )
    )
    for rank in (1, 10, 100, 1000):
        if rank <= len(counts):
            item = order[rank - 1]
            figure.add_annotation(
                x=np.log10(rank), y=np.log10(max(counts[item], 1)), text=f"{rank}: {short(str(names[item]), 26)}",
                showarrow=True, arrowhead=2, ax=60, ay=-30, xanchor="left",
            )  # fmt: skip
    figure.update_xaxes(type="log", title="rank of the product", dtick=1)
    figure.update_yaxes(type="log", title="purchases", dtick=1)
    alt = (
        f"Curve of the purchases of {len(counts)} products by rank on log scales: the first has {counts.max()}, the "
        f"middle one {int(np.median(counts))}, the last {counts.min()}."
    )
    return finished(figure, title=title, alt=alt, height=360)


# --- how sure -------------------------------------------------------------------------------------------------------


def half_widths(
    difference: Float[Array, " case"], sizes: Sequence[int], *, seed: int, repeats: int = 20
) -> Float[Array, " size"]:
    """Half the width of the bootstrap interval of a mean difference on so many users, averaged over random choices."""
    generator = np.random.default_rng(seed)
    widths = np.zeros((len(sizes), repeats))
    for row, size in enumerate(sizes):
        for column in range(repeats):
            chosen = generator.choice(difference, size, replace=False)
            _, low, high = paired_interval(chosen, np.zeros(size), seed=seed, draws=500)
            widths[row, column] = (high - low) / 2
    return widths.mean(axis=1)


def interval_figure(
    draws: Mapping[str, Float[Array, " draw"]],
    sizes: Sequence[int],
    widths: Float[Array, " size"],
    *,
    title: str,
) -> go.Figure:
    """Left, redrawn mean differences on few and on many users; right, how the interval narrows with their number."""
    figure = make_subplots(cols=2, subplot_titles=("redrawn differences", "half the interval's width (recall@50)"))
    edges = np.histogram_bin_edges(np.concatenate(list(draws.values())), bins=60)
    text = []
    for index, (name, values) in enumerate(draws.items()):
        part = np.histogram(values, bins=edges)[0] / len(values)
        figure.add_scatter(
            x=(edges[1:] + edges[:-1]) / 2,
            y=part,
            name=name,
            mode="lines+markers",
            line=dict(color=COLOURS[index], shape="hvh"),
            marker=dict(symbol=MARKERS[index], size=4),
            row=1,
            col=1,
        )
        low, high = np.quantile(values, [0.025, 0.975])
        text.append(f"{name}: 95% from {low:+.4f} to {high:+.4f}")
    figure.add_vline(x=0, line=dict(color=GREY, dash="dash"), row=1, col=1)
    figure.add_scatter(
        x=list(sizes),
        y=widths,
        name="measured",
        mode="markers",
        marker=dict(color=COLOURS[2], symbol=MARKERS[2], size=10),
        row=1,
        col=2,
    )
    figure.add_scatter(
        x=list(sizes),
        y=widths[-1] * np.sqrt(sizes[-1] / np.array(sizes)),
        name="∝ 1/√users",
        mode="lines",
        line=dict(color=GREY, dash="dash"),
        row=1,
        col=2,
    )
    figure.update_xaxes(title="difference of recall@50", row=1, col=1)
    figure.update_yaxes(title="part of the draws", row=1, col=1)
    figure.update_xaxes(type="log", title="test users", tickvals=list(sizes), row=1, col=2)
    ticks = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]
    figure.update_yaxes(type="log", row=1, col=2, tickvals=ticks)
    figure.update_layout(legend=dict(orientation="h", y=-0.2))
    alt = f"Redrawn differences, {'; '.join(text)}. Half the width on " + ", ".join(
        f"{size} users {width:.4f}" for size, width in zip(sizes, widths, strict=True)
    )
    return finished(figure, title=title, alt=f"{alt}; it follows one over the square root.", height=400)


# --- the paper's tables ---------------------------------------------------------------------------------------------


def read_table(path: Path | str) -> dict[tuple[str, str, str], float]:
    """A table of the paper: from (dataset, model, metric) to the number printed."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        (row["dataset"], model, row["metric"]): float(value)
        for row in rows
        for model, value in row.items()
        if model not in ("dataset", "metric")
    }


# --- a planted world ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class WorldView:
    """What the panel shows of a planted world.

    Args:
        overlap: the part of their interests that two users share, over all pairs of users.
        shown: how often each of the first users bought from each interest.
        popular, oracle: recall@20 of Most Popular, and of a ranking that knows each user's interests.
        chance: that of a random ranking.
    """

    world: PlantedWorld
    overlap: float
    shown: Int64[Array, "user interest"]
    popular: float
    oracle: float
    chance: float


def overlap_of_interests(user_interests: Int64[Array, "user own"], num_interests: int) -> float:
    """The part of their interests that two different users share, on average over all pairs.

    >>> overlap_of_interests(np.array([[0, 1], [1, 2], [0, 1]]), 3)  # pairs share 1, 2 and 1 of 2
    0.6666666666666666
    """
    num_users, own = user_interests.shape
    owners = np.bincount(user_interests.ravel(), minlength=num_interests)
    return float((owners * (owners - 1)).sum() / (num_users * (num_users - 1) * own))


NUM_SHOWN = 12


@lru_cache(maxsize=256)
def look_at_world(
    *, num_interests: int, interests_per_user: int, interest_skew: float, item_skew: float, seed: int
) -> WorldView:
    """A world of 300 users, and what the simplest and the best ranking reach on 100 of them."""
    world = planted_interests(
        num_interests=num_interests,
        interests_per_user=interests_per_user,
        interest_skew=interest_skew,
        item_skew=item_skew,
        num_users=300,
        seed=seed,
    )
    split = split_users(world.log, seed=seed, num_folds=3)
    cases = evaluation_cases(world.log, split.test)
    counts = item_counts(world.log, np.concatenate([split.train, split.validation]))
    popular = np.tile(np.argsort(-counts, kind="stable")[:20], (len(cases), 1))
    oracle = oracle_ranking(world, cases.users, 20)
    shown = np.zeros((NUM_SHOWN, num_interests), dtype=np.int64)
    end = world.log.offsets[NUM_SHOWN]
    np.add.at(shown, (world.log.users[:end], world.item_interest[world.log.items[:end]]), 1)
    reached = [float(recall(find_hits(lists, cases), cases.num_relevant).mean()) for lists in (popular, oracle)]
    return WorldView(
        world=world,
        overlap=overlap_of_interests(world.user_interests, num_interests),
        shown=shown,
        popular=reached[0],
        oracle=reached[1],
        chance=20 / world.log.num_items,
    )


def world_figure(view: WorldView, real: tuple[Float[Array, " point"], Float[Array, " point"]]) -> go.Figure:
    """A planted world: some users' interests, its popularity beside a real log's, and two rankings' recall@20.

    Args:
        real: `popularity` of the real log.
    """
    user, interest = view.shown.nonzero()
    shared = (view.shown > 0).sum(axis=0)[interest] > 1
    num_interests = len(view.world.interest_names)
    counts = np.bincount(view.world.log.items, minlength=view.world.log.num_items)
    values = [view.chance, view.popular, view.oracle]
    traces: list[dict] = [
        dict(
            x=interest[chosen] + 1,
            y=user[chosen] + 1,
            name=f"interest of {name}",
            mode="markers",
            marker=dict(
                color=COLOURS[kind], symbol=MARKERS[kind], size=4 + np.sqrt(view.shown[user, interest][chosen]) * 2
            ),
            text=view.world.interest_names[interest[chosen]],
            hovertemplate="user %{y}: %{text}<extra></extra>",
        )
        for kind, (name, chosen) in enumerate({"one of them only": ~shared, "several of them": shared}.items())
    ]
    traces += [
        dict(
            x=x,
            y=y.clip(min=0.01),
            name=name,
            mode="lines+markers",
            line_color=COLOURS[kind],
            marker=dict(symbol=MARKERS[kind], size=5),
            xaxis="x2",
            yaxis="y2",
        )
        for kind, (name, (x, y)) in enumerate({"this world": popularity(counts), "the real log": real}.items(), start=2)
    ]
    traces.append(
        dict(
            type="bar",
            x=["chance", "popular", "oracle"],
            y=values,
            marker_color=GREY,
            text=[f"{value:.3f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            showlegend=False,
            xaxis="x3",
            yaxis="y3",
        )
    )
    margin = 0.02 * num_interests
    columns = {f"{NUM_SHOWN} users and their interests": 0.18, "popularity of the items": 0.615, "recall@20": 0.905}
    layout = dict(  # written out whole, because a slider waits for it
        xaxis=dict(domain=(0, 0.36), title="interest", range=(0.5 - margin, num_interests + 0.5 + margin)),
        yaxis=dict(title="user", range=(0, NUM_SHOWN + 1)),
        xaxis2=dict(domain=(0.49, 0.74), anchor="y2", type="log", title="rank / items", range=(-3.7, 0.1), dtick=1),
        yaxis2=dict(anchor="x2", type="log", title="times the mean", range=(-2.1, 2.95), dtick=1),
        xaxis3=dict(domain=(0.81, 1), anchor="y3"),
        yaxis3=dict(anchor="x3", range=(0, 1.08)),
        legend=dict(orientation="h", y=-0.2),
        annotations=[
            dict(
                text=text,
                x=x,
                y=1,
                xref="paper",
                yref="paper",
                xanchor="center",
                yanchor="bottom",
                showarrow=False,
                font_size=14,
            )
            for text, x in columns.items()
        ],
    )
    figure = go.Figure(dict(data=traces, layout=layout))
    title = (
        f"two users share {view.overlap:.0%} of their interests · Most Popular {view.popular:.3f} · "
        f"oracle {view.oracle:.3f}"
    )
    alt = (
        f"A planted world of {num_interests} interests, {view.world.user_interests.shape[1]} for each user. Two users "
        f"share {view.overlap:.0%} of their interests. The most popular item has {counts.max() / counts.mean():.1f} "
        f"times the mean. Recall at 20: chance {view.chance:.3f}, Most Popular {view.popular:.3f}, oracle "
        f"{view.oracle:.3f}."
    )
    return finished(figure, title=title, alt=alt, height=430)


CONTROLS = (
    Control(name="num_interests", label="interests in the world", values=[8, 12, 20, 40, 60, 100, 200]),
    Control(name="interests_per_user", label="interests of a user", values=[1, 2, 3, 4, 6, 8]),
    Control(name="interest_skew", label="interest skew", values=[0.0, 0.5, 1.0, 1.5, 2.0, 3.0]),
    Control(name="item_skew", label="item skew", values=[0.0, 0.5, 1.0, 1.5, 2.0, 3.0]),
    Control(name="seed", label="seed", values=[0, 1, 2, 3, 4], kind="list"),
)
PRESETS = {
    "Scarce room (the course's world)": {
        "num_interests": 200, "interests_per_user": 4, "interest_skew": 0.0, "item_skew": 0.0,
    },
    "One interest each": {"num_interests": 60, "interests_per_user": 1, "interest_skew": 0.0, "item_skew": 0.0},
    "Everyone alike": {"num_interests": 8, "interests_per_user": 8, "interest_skew": 0.0, "item_skew": 0.0},
    "One best-seller": {"num_interests": 60, "interests_per_user": 2, "interest_skew": 3.0, "item_skew": 3.0},
}  # fmt: skip


def world_panel(real: Counts, *, seed: int = 0) -> Panel:
    """Build a planted world and see its log, beside the popularity of a real one.

    Args:
        real: how often each item of the real log was bought.
        seed: where the list of seeds stands first; one that is not in it counts as 0.
    """
    curve = popularity(real)

    def draw(state: State) -> go.Figure:
        return world_figure(look_at_world(**state), curve)

    start = PRESETS["Scarce room (the course's world)"] | {"seed": seed if seed in CONTROLS[-1].values else 0}
    return Panel("world", CONTROLS, draw, start=start, presets=PRESETS)
