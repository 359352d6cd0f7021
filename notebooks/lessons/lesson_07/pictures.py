"""Lesson 07: its computations, figures and panel: K lists become one, and what it costs to search them."""

import time
from collections.abc import Callable, Sequence

import faiss
import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float, Int64
from plotly.subplots import make_subplots
from torch import Tensor

from lessons.common.figures import COLOURS, GREY, MARKERS, SYMBOLS, add_lines, finished, short, tower_name
from lessons.common.panels import Control, Panel, State
from mtmi_lite.interactions import Cases, Interactions
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import Model
from mtmi_lite.retrieval import ItemIndex, Ranking, TowerLists, approximate_recall, merge, merge_diverse

Array = np.ndarray
DIVERSITIES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
RULES = ("by similarity", "quota", "diverse")
ALL = "all"


def merge_by_turns(lists: TowerLists, num: int) -> Ranking:
    """Merge by quota: the towers take turns, each places the best of its list that is not placed yet.

    A tower whose list has run out is passed over; similarities are not compared.

    >>> lists = TowerLists(
    ...     items=np.array([[[7, 3], [7, 5]]]), scores=np.array([[[0.9, 0.8], [0.2, 0.1]]], dtype=np.float32)
    ... )
    >>> ranking = merge_by_turns(lists, 3)
    >>> ranking.items.tolist(), ranking.towers.tolist()
    ([[7, 5, 3]], [[0, 1, 0]])
    """
    items, towers = np.full((2, len(lists.items), num), -1)
    for user, rows in enumerate(lists.items):
        waiting = [row[row >= 0][::-1].tolist() for row in rows]  # the best at the end
        placed: dict[int, int] = {}
        while len(placed) < num and any(waiting):
            for tower, row in enumerate(waiting):
                while row and row[-1] in placed:
                    row.pop()
                if row and len(placed) < num:
                    placed[row.pop()] = tower
        items[user, : len(placed)], towers[user, : len(placed)] = list(placed), list(placed.values())
    own_items, own_scores = (np.take_along_axis(array, towers[..., None], axis=1) for array in vars(lists).values())
    place = (own_items == items[..., None]).argmax(axis=2)[..., None]
    scores = np.where(items >= 0, np.take_along_axis(own_scores, place, axis=2)[..., 0], np.float32(-np.inf))
    return Ranking(items=items, scores=scores, towers=towers)


def places(ranking: Ranking, num_towers: int, num: int) -> Float[Array, " tower"]:
    """Each tower's part of the first `num` places, over all users.

    >>> ranking = Ranking(items=np.array([[7, 5]]), scores=np.zeros((1, 2), np.float32), towers=np.array([[1, 1]]))
    >>> places(ranking, 2, 2).tolist()
    [0.0, 1.0]
    """
    taken = ranking.towers[:, :num]
    return np.bincount(taken[taken >= 0], minlength=num_towers) / (taken >= 0).sum()


def item_groups(vectors: Float[Array, "item dim"], *, num: int = 100, seed: int = 0) -> Int64[Array, " item"]:
    """Made-up categories: groups of items that point the same way, by k-means on directions.

    >>> groups = item_groups(np.eye(2)[[0, 0, 1, 1, 0, 0, 1, 1]], num=2)
    >>> (groups == groups[0]).tolist()
    [True, True, False, False, True, True, False, False]
    """
    directions = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    num = max(1, min(num, len(vectors) // 4))
    means = faiss.Kmeans(vectors.shape[1], num, seed=seed, spherical=True, min_points_per_centroid=1)
    means.train(directions)
    return means.index.search(directions, 1)[1][:, 0]


def different(values: Int64[Array, "user num"]) -> Float[Array, " user"]:
    """How many different values each row holds; −1 is none.

    >>> different(np.array([[3, 3, 5], [4, -1, -1]])).tolist()
    [2.0, 1.0]
    """
    ordered = np.sort(values, axis=1)
    fresh = np.diff(ordered, axis=1, prepend=-1) != 0
    return (fresh & (ordered >= 0)).sum(axis=1).astype(float)


def made_up_items(num: int, *, dim: int = 64, groups: int = 500, seed: int) -> Float[Tensor, "item dim"]:
    """Vectors that lie in groups, as far from the centre of their group as the centres lie from 0; or, with no groups,
    anywhere.

    >>> made_up_items(3, dim=2, seed=0).shape
    torch.Size([3, 2])
    """
    generator = torch.Generator().manual_seed(seed)
    own = torch.randn(num, dim, generator=generator)
    if groups == 0:
        return own
    centres = torch.randn(groups, dim, generator=generator)
    return centres[torch.randint(groups, (num,), generator=generator)] + own


def seconds(work: Callable[[], object]) -> float:
    """How long something takes: the quickest of a few times, which other work on the machine disturbs least."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.2 and len(times) < 20):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def megabytes(index: ItemIndex) -> float:
    """The size of an index in MB, as written to disk."""
    return len(faiss.serialize_index(index.faiss)) / 1e6


def trade_off(
    index: ItemIndex, exact: ItemIndex, queries: Float[Tensor, "query dim"], efforts: Sequence[int], num: int = 50
) -> Float[Array, "effort 2"]:
    """For each effort, the part of the exact items that is found, and the time as a part of that of the exact search.

    The effort is the number of probes ("ivf"), or of items in hand ("hnsw"); the index keeps the last one.
    """
    name = {"ivf": "nprobe", "hnsw": "efSearch"}[index.kind]
    whole, points = seconds(lambda: exact.search(queries, num)), []
    for effort in efforts:
        faiss.ParameterSpace().set_index_parameter(index.faiss, name, effort)
        found = approximate_recall(index, exact, queries, num)
        points.append((found, seconds(lambda: index.search(queries, num)) / whole))
    return np.array(points)


def levels_figure(levels: Float[Array, "tower num"], part: Float[Array, " tower"], *, title: str) -> go.Figure:
    """How each tower's similarity falls along its list, and its part of the first 20 places of the merged list."""
    num_towers, num = levels.shape
    figure = make_subplots(
        cols=2, column_widths=[0.6, 0.4], subplot_titles=("similarity along the list", "part of the first 20 places")
    )
    ranks = np.unique(np.geomspace(1, num, 12).round().astype(int))
    names = [tower_name(tower) for tower in range(num_towers)]
    add_lines(figure, {name: (ranks, own[ranks - 1]) for name, own in zip(names, levels, strict=True)})
    text, bars = [f"{one:.0%}" for one in part], dict(xaxis="x2", yaxis="y2", showlegend=False)
    figure.add_bar(x=names, y=part, text=text, marker_color=list(COLOURS[:num_towers]), **bars)
    figure.update_xaxes(title="place in the tower's own list", type="log", tickvals=[1, 2, 5, 10, 20, 50], col=1)
    figure.update_yaxes(title="mean similarity", col=1).update_yaxes(tickformat=".0%", col=2)
    figure.update_layout(legend=dict(orientation="h", y=-0.2))
    alt = "How similarity falls along each tower's list, and its places in the merged list. " + "; ".join(
        f"{name[2:]}: {own[0]:.2f} at first, {own[-1]:.2f} at place {num}, {share} of the places"
        for name, own, share in zip(names, levels, text, strict=True)
    )
    return finished(figure, title=title, alt=alt + ".", height=400)


class Explorer:
    """The lists of some customers, to be merged in several ways and shown.

    Args:
        model: of any run, with at most eight towers.
        cases: whose lists; `customers` are those that are shown, by their label in the log.
        log: has the names of users and items.

    `groups` are the categories of the items. `draw` is a function of a state: `customer`, `num` recommendations, the
    `rule` of merging with its `diversity`, the `length` of each tower's list, and the `towers` that take part.
    """

    def __init__(self, model: Model, cases: Cases, log: Interactions, *, num_customers: int = 12) -> None:
        # not chosen by result: the first who bought enough later, and not everything
        good = np.flatnonzero((cases.num_relevant >= 4) & (cases.num_relevant <= 50))
        rows = (good if len(good) else np.arange(len(cases)))[:num_customers]
        evaluation = evaluate(model, cases)
        self.lists, self.cases, self.names = evaluation.lists, cases, log.item_names
        with torch.no_grad():
            self.groups = item_groups(model.items(torch.arange(model.num_items)).cpu().numpy())
        self.customers = {str(log.user_labels[cases.users[row]]): int(row) for row in rows}
        numbers = range(self.lists.items.shape[1])
        self.towers = {ALL: list(numbers), **{f"only {tower_name(tower)}": [tower] for tower in numbers}}
        if len(numbers) > 1:
            self.towers |= {f"without {tower_name(t)}": [o for o in numbers if o != t] for t in numbers}
        self.start: State = {"customer": next(iter(self.customers)), "num": 10, "rule": RULES[0]}
        self.start |= {"diversity": 0.1, "length": 20, "towers": ALL}

    def merged(self, state: State) -> tuple[TowerLists, Ranking]:
        """The lists that take part for a state, [1, tower, length], and the ranking made from them."""
        row, towers = self.customers[state["customer"]], self.towers[state["towers"]]
        part = np.ix_([row], towers, range(state["length"]))
        lists = TowerLists(items=self.lists.items[part], scores=self.lists.scores[part])
        num = min(state["num"], lists.items[0].size)
        if state["rule"] == "quota":
            return lists, merge_by_turns(lists, num)
        if state["rule"] == "diverse":
            return lists, merge_diverse(lists, num, self.groups, diversity=state["diversity"])
        return lists, merge(lists, num)

    def draw(self, state: State) -> go.Figure:
        """The lists on the left, filled where a tower brought the product; on the right what the customer sees."""
        lists, ranking = self.merged(state)
        row, towers = self.customers[state["customer"]], self.towers[state["towers"]]
        shown = ranking.items[0] >= 0
        items, brought = ranking.items[0][shown], np.array(towers)[ranking.towers[0][shown]]
        relevant = self.cases.relevant[self.cases.offsets[row] : self.cases.offsets[row + 1]]
        hit = np.isin(items, relevant)
        work = {t: f"{(brought == t).sum()} places, {hit[brought == t].sum()} bought later" for t in towers}
        own = zip(towers, lists.items[0], lists.scores[0], strict=True)
        traces = [
            self._list(tower, row, score, relevant, np.isin(row, items[brought == tower]) == taken, taken=taken)
            for tower, row, score in own
            for taken in (True, False)
        ]
        lowest = ranking.scores[0][shown].min() if state["rule"] == RULES[0] else None
        traces.append(dict(x=[1, state["length"]], y=[lowest] * 2, mode="lines", line=dict(color=GREY, dash="dash")))
        traces.append(self._merged(items, brought, hit))
        rule = f"diverse, λ = {state['diversity']:g}" if state["rule"] == "diverse" else state["rule"]
        part = "" if state["towers"] == ALL else f", {state['towers']}"
        title = f"Customer {state['customer']}, {rule}{part}: {hit.sum()} of {len(items)} bought later"
        first = ", ".join(f"{SYMBOLS[t]} {self.names[item]}" for item, t in zip(items[:3], brought[:3], strict=True))
        words = "; ".join(f"tower {tower + 1}: {text}" for tower, text in work.items())
        key = [f"<span style='color:{COLOURS[t]}'>{tower_name(t)}: {text}</span>" for t, text in work.items()]
        notes = [
            ("lists: filled = taken, thick edge = bought later", 0, 1.0),
            ("<b>merged</b>: what the customer sees", 0.46, 1.0),
            ("<br>".join("     ".join(key[start : start + 3]) for start in range(0, len(key), 3)), 0, 0),
        ]
        corner = dict(xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False)
        layout = dict(
            xaxis=dict(title="place in the tower's own list", domain=[0, 0.42]),
            yaxis=dict(title="similarity", domain=[0.22, 1]),
            xaxis2=dict(range=[-0.04, 1], visible=False, domain=[0.46, 1], anchor="y2"),
            yaxis2=dict(range=[state["num"] + 0.7, 0.3], visible=False, domain=[0.22, 1], anchor="x2"),
            showlegend=False,
            annotations=[dict(text=text, x=x, y=y, align="left", **corner) for text, x, y in notes],
        )
        alt = f"{title}. {words}. First: {first}."
        return finished(go.Figure(traces, layout), title=title, alt=alt, height=560)

    def _list(self, tower: int, row: Array, score: Array, relevant: Array, wanted: Array, *, taken: bool) -> dict:
        wanted = wanted & (row >= 0)
        edge = dict(width=np.where(np.isin(row[wanted], relevant), 2.5, 1), color="black" if taken else COLOURS[tower])
        return dict(
            x=np.flatnonzero(wanted) + 1,
            y=score[wanted],
            mode="markers",
            text=self.names[row[wanted]],
            hovertemplate=f"%{{text}}<br>%{{y:.3f}}<extra>{tower_name(tower)}</extra>",
            marker=dict(size=9, symbol=MARKERS[tower], color=COLOURS[tower] if taken else "white", line=edge),
        )

    def _merged(self, items: Array, brought: Array, hit: Array) -> dict:
        lines = [f" {place}. {short(str(self.names[item]), 42)}" for place, item in enumerate(items, start=1)]
        colours = [COLOURS[tower] for tower in brought]
        return dict(
            x=np.zeros(len(items)),
            y=np.arange(1, len(items) + 1),
            xaxis="x2",
            yaxis="y2",
            mode="markers+text",
            text=[f"<b>{line} ✓</b>" if bought else line for line, bought in zip(lines, hit, strict=True)],
            textposition="middle right",
            textfont=dict(color=colours),
            hoverinfo="skip",
            marker=dict(size=10, color=colours, symbol=[MARKERS[tower] for tower in brought]),
        )


def merge_panel(explorer: Explorer) -> Panel:
    """The panel: the user, the number of recommendations, and the rule that merges the lists."""
    controls = [
        Control(name="customer", label="customer", values=list(explorer.customers), kind="list"),
        Control(name="num", label="recommendations", values=[5, 10, 15, 20]),
        Control(name="rule", label="merge", values=RULES, kind="switch"),
        Control(name="diversity", label="λ, diversity", values=DIVERSITIES),
        Control(name="length", label="length of each list", values=[5, 10, 20, 50]),
        Control(name="towers", label="towers", values=list(explorer.towers), kind="list"),
    ]
    presets = {
        "By similarity": {"rule": RULES[0], "towers": ALL},
        "Quota": {"rule": "quota", "towers": ALL},
        "Diverse": {"rule": "diverse", "diversity": 0.2, "towers": ALL},
        "One tower alone": {"rule": RULES[0], "towers": f"only {tower_name(0)}"},
    }

    def idle(state: State) -> Sequence[str]:
        return () if state["rule"] == "diverse" else ("diversity",)

    return Panel("merge", controls, explorer.draw, start=explorer.start, presets=presets, idle=idle)
