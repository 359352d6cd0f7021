"""Lesson 01: its computations, figures and panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Bool, Float, Int64, Shaped

from lessons.common.figures import COLOURS, GREY, MARKERS, finished, short
from lessons.common.panels import Control, Panel, State
from mtmi_lite.data.datasets import PlantedWorld, oracle_ranking, planted_interests
from mtmi_lite.interactions import Interactions, evaluation_cases, item_counts, split_users
from mtmi_lite.metrics import find_hits, recall

Array = np.ndarray
Counts = Int64[Array, " item"]
Curve = tuple[Float[Array, " point"], Float[Array, " point"]]


def _marks(kind: int, size: int = 5) -> dict:
    return dict(color=COLOURS[kind], symbol=MARKERS[kind], size=size)


BELOW = dict(orientation="h", y=-0.22, yanchor="top")
"""A legend below the figure, where it is in nobody's way on a narrow screen."""


# --- customers ------------------------------------------------------------------------------------------------------


def basket_starts(log: Interactions) -> Bool[Array, " interaction"]:
    """True where a basket begins: everything of one user at one time.

    >>> from mtmi_lite.interactions import from_columns
    >>> basket_starts(from_columns(users=[0, 0, 0, 1], items=list("abca"), times=[1, 1, 2, 2])).tolist()
    [True, False, True, True]
    """
    starts = np.diff(log.times, prepend=-1) != 0
    starts[log.offsets[:-1]] = True
    return starts


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
    times: Int64[Array, " step"], items: Int64[Array, " step"], cut: int, names: Shaped[Array, " item"], *, title: str
) -> go.Figure:
    """One customer's whole sequence on a time line: a basket is a stack, its first line at the bottom.

    Args:
        cut: how many interactions are history; the rest is what a model should find.
    """
    _, first = np.unique(times, return_index=True)
    height = np.arange(len(times)) - first[np.searchsorted(times[first], times)] + 1
    after, known = np.arange(len(times)) >= cut, np.isin(items, items[:cut])
    kinds = {"history": ~after, "relevant, never bought before": after & ~known, "relevant, a repeat": after & known}
    figure = go.Figure()
    dates = times.astype("datetime64[s]").astype(str)
    for kind, (name, chosen) in enumerate(kinds.items()):
        about = dict(text=names[items[chosen]], hovertemplate="%{text}<br>%{x|%d %B %Y}<extra></extra>")
        style = dict(name=f"{name} ({chosen.sum()})", mode="markers", marker=_marks(kind, 7))
        figure.add_scatter(x=dates[chosen], y=height[chosen], **style, **about)
    top, stack = 1.25 * float(height.max()), times == times[cut]  # above all stacks, and the one with the cut
    arrow = dict(showarrow=True, arrowhead=2, ax=0, ay=top, ayref="y")
    figure.add_annotation(x=dates[cut], y=height[stack].max() + 0.5, text="<b>the cut, after 80%</b>", **arrow)
    wing = max(int(np.ptp(times)) // 70, 1)
    across = (times[cut] + np.array([-wing, wing])).astype("datetime64[s]").astype(str)
    figure.add_shape(type="line", x0=across[0], x1=across[1], y0=height[cut] - 0.5, y1=height[cut] - 0.5, line_width=3)
    up = dict(title="line of the basket", range=(0, 1.1 * top))
    figure.update_layout(legend=BELOW, xaxis_title="when", yaxis=up)
    where = "inside a basket" if times[cut] == times[cut - 1] else "between baskets"
    alt = (
        f"Time line of one customer: {len(times)} purchases in {len(first)} baskets, each a stack. The first {cut} are "
        f"history; of the {len(times) - cut} after the cut, {kinds['relevant, a repeat'].sum()} repeat an earlier one. "
        f"The cut falls {where}."
    )
    return finished(figure, title=title, alt=alt, height=400)


# --- simple rankings ------------------------------------------------------------------------------------------------


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


def recall_of_rows(
    log: Interactions,
    users: Int64[Array, " user"],
    *,
    trained: Bool[Array, " interaction"],
    known: Bool[Array, " interaction"],
    wanted: Bool[Array, " interaction"],
    num: int = 20,
) -> dict[str, Float[Array, " user"]]:
    """Recall of two lists, each user asked for the `wanted` rows and known by the `known` ones.

    Args:
        trained: the rows that the lists learn from.

    Returns:
        for each list, a value for each of the users, NaN for one of whom nothing is wanted.
    """

    def items_of_users(rows: Bool[Array, " interaction"]) -> Bool[Array, "user item"]:
        table = np.zeros((log.num_users, log.num_items), dtype=bool)
        table[log.users[rows], log.items[rows]] = True
        return table[users]

    had, asked = items_of_users(known), items_of_users(wanted)
    best = np.argsort(-np.bincount(log.items[trained], minlength=log.num_items), kind="stable")[:num]
    lists = {"best-sellers": np.tile(best, (len(users), 1)), "Bought together": bought_together(log, trained, had, num)}
    num_asked = np.where(asked.any(axis=1), asked.sum(axis=1), np.nan)
    return {name: np.take_along_axis(asked, each, 1).sum(1) / num_asked for name, each in lists.items()}


def moved_by_the_cut(
    inside: Mapping[str, Float[Array, " case"]], between: Mapping[str, Float[Array, " case"]], *, title: str
) -> go.Figure:
    """Recall@50 of some rankings for the same customers, the cut after 80% and moved between two baskets."""
    left, right = ({name: float(values.mean()) for name, values in cut.items()} for cut in (inside, between))
    figure = go.Figure()
    for name in left:
        line = dict(color=GREY, width=2)
        figure.add_scatter(x=[left[name], right[name]], y=[name] * 2, mode="lines", line=line, showlegend=False)
    for kind, (name, values) in enumerate({"cut after 80%": left, "cut moved between baskets": right}.items()):
        figure.add_scatter(x=[*values.values()], y=[*values], name=name, mode="markers", marker=_marks(kind, 12))
    figure.update_layout(legend=BELOW, xaxis=dict(title="recall@50", rangemode="tozero"), yaxis_autorange="reversed")
    alt = "Recall at 50 with the cut after 80% and moved between baskets: " + "; ".join(
        f"{name} {left[name]:.3f} and {right[name]:.3f}" for name in left
    )
    return finished(figure, title=title, alt=f"{alt}.", height=330)


# --- popularity -----------------------------------------------------------------------------------------------------


def popularity(counts: Counts, num_points: int = 60) -> Curve:
    """How many times the mean count the r-th most popular item has, by r / N, at ranks evenly spread on a log scale.

    >>> part, times_mean = popularity(np.array([1, 6, 2]))
    >>> times_mean.tolist()
    [2.0, 0.6666666666666666, 0.3333333333333333]
    """
    ranks = np.unique(np.geomspace(1, len(counts), num_points).round().astype(np.int64))
    return ranks / len(counts), np.sort(counts)[::-1][ranks - 1] / counts.mean()


def popularity_figure(counts: Counts, names: Shaped[Array, " item"], *, title: str) -> go.Figure:
    """Items by how often they were bought, from the most popular one, both axes on a log scale."""
    places = [place for place in (1, 10, 100, 1000) if place <= len(counts)]
    ranks = np.union1d(np.geomspace(1, len(counts), 120).round().astype(np.int64), places)
    items = np.argsort(-counts, kind="stable")[ranks - 1]
    text = [
        short(f"{rank}: {names[item]}", 30) if rank in places else "" for rank, item in zip(ranks, items, strict=True)
    ]
    about = dict(text=text, textposition="top right", customdata=names[items], hovertemplate="%{customdata}: %{y}")
    line = dict(x=ranks, y=counts[items], mode="lines+markers+text", line_color=COLOURS[0], marker=_marks(0))
    across = dict(type="log", title="rank of the product", dtick=1, range=(-0.1, np.log10(len(counts)) + 0.6))
    up = dict(type="log", title="purchases", dtick=1, range=(-0.1, np.log10(counts.max()) + 0.4))
    figure = go.Figure(go.Scatter(**line, **about), dict(xaxis=across, yaxis=up))
    middle = int(np.median(counts))
    alt = f"Purchases of {len(counts)} products on log scales, from {counts.max()}, median {middle}, to {counts.min()}."
    return finished(figure, title=title, alt=alt, height=360)


# --- how sure -------------------------------------------------------------------------------------------------------


def redrawn_figure(means: Float[Array, " draw"], *, title: str) -> go.Figure:
    """Redrawn mean differences, the middle 95% of them between two dashed lines."""
    low, high = np.quantile(means, [0.025, 0.975])
    parts, edges = np.histogram(means, bins=40)
    middles = (edges[1:] + edges[:-1]) / 2
    figure = go.Figure(go.Bar(x=middles, y=parts / len(means), marker_color=COLOURS[0], showlegend=False))
    figure.add_vrect(x0=low, x1=high, fillcolor=COLOURS[5], opacity=0.25, line_width=0)
    figure.add_vline(x=low, line=dict(color=GREY, dash="dash")).add_vline(x=high, line=dict(color=GREY, dash="dash"))
    zero = dict(xanchor="left", showarrow=False, yref="y domain", y=1)
    figure.add_vline(x=0, line_color="black").add_annotation(x=0, text=" no difference", **zero)
    across = dict(title="mean difference of recall@50, redrawn", range=_with_zero(means))
    figure.update_layout(xaxis=across, yaxis=dict(title="fraction of the draws"), bargap=0)
    alt = f"{len(means)} redrawn mean differences; the middle 95% of them lie from {low:+.4f} to {high:+.4f}."
    return finished(figure, title=title, alt=alt, height=330)


def _with_zero(values: Float[Array, " draw"]) -> tuple[float, float]:
    """A range of these values and 0, with some room."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    room = 0.08 * (high - low)
    return low - room, high + room


def found_in(
    difference: Float[Array, " case"], sizes: Sequence[int], *, seed: int, experiments: int
) -> Float[Array, " size"]:
    """The fraction of experiments that find a mean difference, for experiments on so many users.

    An experiment draws its users from those of `difference`, with repetition, as if they were all that there are. It
    finds the difference if its interval, the mean ± 1.96 standard errors, lies on the right side of 0.

    >>> found_in(np.array([0.9, 1.1]), [5], seed=0, experiments=100).tolist()
    [1.0]
    """
    generator, side = np.random.default_rng(seed), np.sign(difference.mean())
    found = []
    for size in sizes:
        chosen = generator.choice(difference, (experiments, size))
        found.append(float((side * chosen.mean(axis=1) > 1.96 * chosen.std(axis=1) / np.sqrt(size)).mean()))
    return np.array(found)


def found_figure(sizes: Sequence[int], found: Float[Array, " size"], *, title: str) -> go.Figure:
    """How many experiments of each size find the difference."""
    line = dict(color=COLOURS[0])
    figure = go.Figure(go.Scatter(x=list(sizes), y=found, mode="lines+markers", line=line, marker=_marks(0, 9)))
    ticks = [sizes[0]]
    for size in sizes:
        if size >= 1.4 * ticks[-1]:  # so that no label meets the next
            ticks.append(size)
    figure.update_xaxes(title="test customers in an experiment", type="log", tickvals=ticks, tickangle=-45)
    figure.update_yaxes(title="experiments that find it", tickformat=".0%", range=(0, 1.03), dtick=0.1)
    figure.add_hline(y=0.8, line=dict(color=GREY, dash="dash"))
    alt = "Fraction of experiments that find the difference: " + ", ".join(
        f"{part:.0%} with {size} customers" for size, part in zip(sizes, found, strict=True)
    )
    return finished(figure, title=title, alt=f"{alt}.", height=400)


# --- a planted world ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class WorldView:
    """The panel's view of a planted world.

    Args:
        overlap: the fraction of their interests that two users share, over all pairs of users.
        shown: how often each of the first users bought from each interest.
        reached: recall@20 by chance, of Most Popular, and of an oracle that knows each user's interests.
    """

    world: PlantedWorld
    overlap: float
    shown: Int64[Array, "user interest"]
    reached: dict[str, float]


def overlap_of_interests(user_interests: Int64[Array, "user own"], num_interests: int) -> float:
    """The fraction of their interests that two different users share, on average over all pairs.

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
        num_interests=num_interests, interests_per_user=interests_per_user, interest_skew=interest_skew,
        item_skew=item_skew, num_users=300, seed=seed,
    )  # fmt: skip
    split = split_users(world.log, seed=seed, num_folds=3)
    cases = evaluation_cases(world.log, split.test)
    counts = item_counts(world.log, np.concatenate([split.train, split.validation]))
    popular = np.tile(np.argsort(-counts, kind="stable")[:20], (len(cases), 1))
    reached = {"chance": 20 / world.log.num_items}
    for name, lists in {"popular": popular, "oracle": oracle_ranking(world, cases.users, 20)}.items():
        reached[name] = float(recall(find_hits(lists, cases), cases.num_relevant).mean())
    shown = np.zeros((NUM_SHOWN, num_interests), dtype=np.int64)
    end = world.log.offsets[NUM_SHOWN]
    np.add.at(shown, (world.log.users[:end], world.item_interest[world.log.items[:end]]), 1)
    overlap = overlap_of_interests(world.user_interests, num_interests)
    return WorldView(world=world, overlap=overlap, shown=shown, reached=reached)


def world_figure(view: WorldView, real: Curve) -> go.Figure:
    """A planted world: some users' interests, its popularity beside a real log's, and two rankings' recall@20.

    Args:
        real: `popularity` of the real log.
    """
    user, interest = view.shown.nonzero()
    shared = (view.shown > 0).sum(axis=0)[interest] > 1
    num_interests = len(view.world.interest_names)
    counts = np.bincount(view.world.log.items, minlength=view.world.log.num_items)
    traces: list[dict] = []
    for kind, (name, chosen) in enumerate({"one of them only": ~shared, "several of them": shared}.items()):
        marks = _marks(kind) | dict(size=4 + np.sqrt(view.shown[user, interest][chosen]) * 2)
        about = dict(text=view.world.interest_names[interest[chosen]], hovertemplate="user %{y}: %{text}")
        place = dict(x=interest[chosen] + 1, y=user[chosen] + 1, mode="markers", marker=marks)
        traces.append(dict(name=f"interest of {name}", **place, **about))
    for kind, (name, (x, y)) in enumerate({"this world": popularity(counts), "the real log": real}.items(), start=2):
        place = dict(x=x, y=y.clip(min=0.01), xaxis="x2", yaxis="y2", mode="lines+markers")
        traces.append(dict(name=name, line_color=COLOURS[kind], marker=_marks(kind), **place))
    text = [f"{value:.3f}" for value in view.reached.values()]
    bars = dict(x=[*view.reached], y=[*view.reached.values()], marker_color=GREY, xaxis="x3", yaxis="y3")
    traces.append(dict(type="bar", text=text, textposition="outside", cliponaxis=False, showlegend=False, **bars))
    shown = (0.5 - 0.02 * num_interests, 0.5 + 1.02 * num_interests)
    layout = dict(  # written out whole, because a slider waits for it
        xaxis=dict(domain=(0, 0.36), title=f"interests of {NUM_SHOWN} users", range=shown),
        yaxis=dict(title="user", range=(0, NUM_SHOWN + 1)),
        xaxis2=dict(domain=(0.48, 0.75), anchor="y2", type="log", title="rank / items", range=(-3.7, 0.1), dtick=1),
        yaxis2=dict(anchor="x2", type="log", title="popularity, times the mean", range=(-2.1, 2.95), dtick=1),
        xaxis3=dict(domain=(0.83, 1), anchor="y3", title="recall@20"),
        yaxis3=dict(anchor="x3", range=(0, 1.08)),
        legend=dict(orientation="h", y=-0.2),
    )
    figure = go.Figure(dict(data=traces, layout=layout))
    chance, popular, oracle = text
    title = f"Two users share {view.overlap:.0%} of their interests · Most Popular {popular} · oracle {oracle}"
    alt = (
        f"A planted world of {num_interests} interests, {view.world.user_interests.shape[1]} for each user. Two users "
        f"share {view.overlap:.0%} of their interests. The most popular item has {counts.max() / counts.mean():.1f} "
        f"times the mean. Recall at 20: chance {chance}, Most Popular {popular}, oracle {oracle}."
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
