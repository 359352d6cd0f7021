"""Lesson 07: its computations, figures and panel: K lists become one, and what it costs to search them."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
from mtmi_lite.retrieval import ItemIndex, Ranking, TowerLists, approximate_recall, at_most, merge, merge_diverse

Array = np.ndarray
Lists = Sequence[Sequence[tuple[int, float]]]
"""One user's lists: of each tower its (product, similarity), best first."""
Merged = list[tuple[int, float, int]]
"""One user's ranking: (product, similarity, tower), best first."""
Rule = Callable[[Lists, int], Merged]
DIVERSITIES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
RULES = ("by similarity", "quota", "diverse")
ALL = "all"


def merge_one(lists: Lists, num: int) -> Merged:
    """One user's lists merged by similarity: the answer to exercise 1.

    >>> merge_one([[(7, 0.9), (3, 0.7)], [(3, 0.8), (5, -0.1)]], 3)
    [(7, 0.9, 0), (3, 0.8, 1), (5, -0.1, 1)]
    """
    best: dict[int, tuple[float, int]] = {}
    for tower, one in enumerate(lists):
        for product, similarity in one:
            if product not in best or similarity > best[product][0]:
                best[product] = (similarity, tower)
    order = sorted(best, key=lambda product: (-best[product][0], product))
    return [(product, *best[product]) for product in order[:num]]


def turns_of_one(lists: Lists, num: int) -> Merged:
    """One user's lists merged by quota: the answer to exercise 2.

    A tower whose list has run out is passed over; similarities are not compared.

    >>> turns_of_one([[(7, 0.9), (3, 0.8)], [(7, 0.2), (5, 0.1)]], 3)
    [(7, 0.9, 0), (5, 0.1, 1), (3, 0.8, 0)]
    """
    waiting, placed = [list(reversed(one)) for one in lists], {}  # the best at the end
    while len(placed) < num and any(waiting):
        for tower, one in enumerate(waiting):
            while one and one[-1][0] in placed:
                one.pop()
            if one and len(placed) < num:
                product, similarity = one.pop()
                placed[product] = (product, similarity, tower)
    return list(placed.values())


def for_all(rule: Rule) -> Callable[[TowerLists, int], Ranking]:
    """A rule for one user's lists, such as the answer to an exercise, as a merge of all users' lists.

    >>> lists = TowerLists(
    ...     items=np.array([[[7, 3], [7, 5]]]), scores=np.array([[[0.9, 0.8], [0.2, 0.1]]], dtype=np.float32)
    ... )
    >>> ranking = for_all(turns_of_one)(lists, 3)
    >>> ranking.items.tolist(), ranking.towers.tolist()
    ([[7, 5, 3]], [[0, 1, 0]])
    """

    def merge_all(lists: TowerLists, num: int) -> Ranking:
        shape = (len(lists.items), at_most(num, lists.items[0].size))
        items, towers, scores = np.full(shape, -1), np.full(shape, -1), np.full(shape, -np.inf, dtype=np.float32)
        for user, (rows, similarities) in enumerate(zip(lists.items.tolist(), lists.scores.tolist(), strict=True)):
            pairs = [
                [(item, similarity) for item, similarity in zip(row, own, strict=True) if item >= 0]
                for row, own in zip(rows, similarities, strict=True)
            ]
            for place, (item, similarity, tower) in enumerate(rule(pairs, shape[1])):
                items[user, place], scores[user, place], towers[user, place] = item, similarity, tower
        return Ranking(items=items, scores=scores, towers=towers)

    return merge_all


merge_by_turns = for_all(turns_of_one)


def places(ranking: Ranking, num_towers: int, num: int) -> Float[Array, " tower"]:
    """Each tower's fraction of the first `num` places, over all users.

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
    """For each effort, the fraction of the exact items that is found, and the fraction of all items compared for it.

    The effort is the number of probes ("ivf"), or of items in hand ("hnsw"); the index keeps the last one. Faiss counts
    what it compares, the centres of its lists included: unlike a time, that is the same on every machine.
    """
    name = {"ivf": "nprobe", "hnsw": "efSearch"}[index.kind]
    counters: Any = faiss.cvar
    counter = {"ivf": counters.indexIVF_stats, "hnsw": counters.hnsw_stats}[index.kind]
    centres = index.faiss.nlist if index.kind == "ivf" else 0
    points = []
    for effort in efforts:
        faiss.ParameterSpace().set_index_parameter(index.faiss, name, effort)
        counter.reset()
        found = approximate_recall(index, exact, queries, num)
        points.append((found, (counter.ndis / len(queries) + centres) / len(exact)))
    return np.array(points)


def trade_figure(
    trades: Mapping[str, Float[Array, "effort 2"]], efforts: Mapping[str, Sequence[int]], *, title: str
) -> go.Figure:
    """What each index finds against what it compares; at each point stands its effort."""
    figure = go.Figure()
    for number, (name, points) in enumerate(trades.items()):
        figure.add_scatter(
            x=points[:, 1],
            y=points[:, 0],
            name=name,
            mode="lines+markers+text",
            text=[str(effort) for effort in efforts[name]],
            textposition=("bottom center", "top center")[number % 2],
            textfont_color=COLOURS[number],
            line=dict(color=COLOURS[number], dash=("solid", "dash", "dot")[number % 3]),
            marker=dict(size=9, color=COLOURS[number], symbol=MARKERS[number]),
        )
    ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    figure.update_xaxes(title="fraction of the items compared", type="log", tickvals=ticks, range=[-2.1, 0.05])
    figure.update_yaxes(title="fraction of the exact 50 found", range=[-0.08, 1.12])
    figure.update_layout(legend=dict(orientation="h", y=-0.2))
    words = "; ".join(
        f"{name}: " + ", ".join(f"{found:.2f} at {e}" for (found, _), e in zip(points, efforts[name], strict=True))
        for name, points in trades.items()
    )
    return finished(figure, title=title, alt=f"Fraction of the exact 50 items found. {words}.", height=420)


def lengths_figure(
    lengths: Float[Array, "user tower"], attention: Float[Array, "user tower"], *, title: str, num_users: int = 80
) -> go.Figure:
    """Each vector's length against the largest attention weight of its tower, for the first users."""
    figure = go.Figure()
    for tower in range(lengths.shape[1]):
        figure.add_scatter(
            x=attention[:num_users, tower],
            y=lengths[:num_users, tower],
            mode="markers",
            name=f"Tower {tower + 1}",
            marker=dict(size=8, opacity=0.7, color=COLOURS[tower], symbol=MARKERS[tower]),
        )
    figure.update_xaxes(title="largest attention weight", range=[0, 1.03])
    figure.update_yaxes(title="length of the vector", rangemode="tozero")
    figure.update_layout(legend=dict(orientation="h", y=-0.2))
    words = "; ".join(
        f"tower {tower + 1}: {length:.2f} long, at a weight of {weight:.2f}"
        for tower, (length, weight) in enumerate(zip(lengths.mean(axis=0), attention.mean(axis=0), strict=True))
    )
    alt = f"Length of each vector against its tower's largest attention weight. On average, {words}."
    return finished(figure, title=title, alt=alt, height=420)


def memory_figure(curve: Mapping[float, tuple[float, float]], *, title: str) -> go.Figure:
    """Recall of all and of new products at each weight of the memory; the weights stand at equal distances."""
    weights = [f"{weight:.3g}" for weight in curve]
    figure = go.Figure()
    for number, name in enumerate(("all products", "new products")):
        figure.add_scatter(
            x=weights,
            y=[both[number] for both in curve.values()],
            name=name,
            mode="lines+markers",
            line=dict(color=COLOURS[number], dash=("solid", "dash")[number]),
            marker=dict(size=10, color=COLOURS[number], symbol=MARKERS[number]),
        )
    figure.update_xaxes(title="w, the weight of the memory", type="category")
    figure.update_yaxes(title="recall@50", rangemode="tozero").update_layout(legend=dict(orientation="h", y=-0.25))
    words = "; ".join(f"w {w:.3g}: {everything:.3f} and {new:.3f}" for w, (everything, new) in curve.items())
    return finished(figure, title=title, alt=f"Recall at 50 of all and of new products. {words}.", height=400)


def verdict(everything: str, new: str) -> str:
    """What to say of a memory, from what is said of recall of all and of new products with and without it.

    >>> verdict("+0.002 [-0.010, +0.014] undecided", "-0.041 [-0.050, -0.034] lower")
    'no gain is shown, and recall of new products is lower.'
    """
    gained = {"higher": "recall of all products is higher", "lower": "recall of all products is lower"}
    beside = {"higher": "recall of new products is higher too", "lower": "recall of new products is lower"}
    first, second = gained.get(everything.split()[-1], "no gain is shown"), beside.get(new.split()[-1])
    if "higher" in everything and "lower" in new:
        return "the gain is paid for with new products: higher for all, lower for those."
    return f"{first}, and {second or 'for new products nothing is decided'}."


def levels_figure(levels: Float[Array, "tower num"], fraction: Float[Array, " tower"], *, title: str) -> go.Figure:
    """How each tower's similarity falls along its list, and its fraction of the first 20 places of the merged list."""
    num_towers, num = levels.shape
    figure = make_subplots(cols=2, column_widths=[0.6, 0.4], subplot_titles=("mean similarity", "first 20 places"))
    figure.update_annotations(font_size=13)
    ranks = np.unique(np.geomspace(1, num, 12).round().astype(int))
    add_lines(figure, {f"Tower {tower + 1}": (ranks, own[ranks - 1]) for tower, own in enumerate(levels)})
    names, text = [f"{SYMBOLS[tower]} {tower + 1}" for tower in range(num_towers)], [f"{one:.0%}" for one in fraction]
    style = dict(marker_color=list(COLOURS[:num_towers]), textangle=0, textposition="outside", cliponaxis=False)
    figure.add_bar(x=names, y=fraction, text=text, xaxis="x2", yaxis="y2", showlegend=False, **style)
    figure.update_xaxes(title="place in its own list", type="log", tickvals=[1, 2, 5, 10, 20, 50], col=1)
    figure.update_xaxes(title="tower", col=2).update_yaxes(tickformat=".0%", col=2)
    figure.update_layout(legend=dict(orientation="h", y=-0.22))
    alt = "How similarity falls along each tower's list, and its places in the merged list. " + "; ".join(
        f"Tower {tower + 1}: {own[0]:.2f} at first, {own[-1]:.2f} at place {num}, {share} of the places"
        for tower, (own, share) in enumerate(zip(levels, text, strict=True))
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
        self.by_similarity: Callable[[TowerLists, int], Ranking] = merge
        self.by_turns = merge_by_turns
        with torch.no_grad():
            self.groups = item_groups(model.items(torch.arange(model.num_items)).cpu().numpy())
        self.customers = {str(log.user_labels[cases.users[row]]): int(row) for row in rows}
        numbers = range(self.lists.items.shape[1])
        self.towers = {ALL: list(numbers), **{f"only {tower_name(tower)}": [tower] for tower in numbers}}
        if len(numbers) > 1:
            self.towers |= {f"without {tower_name(t)}": [o for o in numbers if o != t] for t in numbers}
        self.start: State = {"customer": next(iter(self.customers)), "num": 10, "rule": RULES[0]}
        self.start |= {"diversity": 0.1, "length": 20, "towers": ALL}

    def use(self, *, by_similarity: Rule | None = None, by_turns: Rule | None = None) -> None:
        """Merge with other rules, such as a student's own; None leaves a rule as it is."""
        self.by_similarity = self.by_similarity if by_similarity is None else for_all(by_similarity)
        self.by_turns = self.by_turns if by_turns is None else for_all(by_turns)

    def merged(self, state: State) -> tuple[TowerLists, Ranking]:
        """The lists that take part for a state, [1, tower, length], and the ranking made from them."""
        row, towers = self.customers[state["customer"]], self.towers[state["towers"]]
        part = np.ix_([row], towers, range(state["length"]))
        lists = TowerLists(items=self.lists.items[part], scores=self.lists.scores[part])
        num = min(state["num"], lists.items[0].size)
        if state["rule"] == "quota":
            return lists, self.by_turns(lists, num)
        if state["rule"] == "diverse":
            return lists, merge_diverse(lists, num, self.groups, diversity=state["diversity"])
        return lists, self.by_similarity(lists, num)

    def draw(self, state: State) -> go.Figure:
        """The lists on the left, filled where a tower brought the product; on the right what the customer sees."""
        lists, ranking = self.merged(state)
        row, towers = self.customers[state["customer"]], self.towers[state["towers"]]
        shown = ranking.items[0] >= 0
        items, brought = ranking.items[0][shown], np.array(towers)[ranking.towers[0][shown]]
        relevant = self.cases.relevant[self.cases.offsets[row] : self.cases.offsets[row + 1]]
        hit = np.isin(items, relevant)
        counts = {t: ((brought == t).sum(), hit[brought == t].sum()) for t in towers}
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
        rule += "" if state["towers"] == ALL else f", {state['towers']}"
        title = f"Customer {state['customer']}: {hit.sum()} of {len(items)} bought later"
        first = ", ".join(f"{SYMBOLS[t]} {self.names[item]}" for item, t in zip(items[:3], brought[:3], strict=True))
        words = "; ".join(
            f"tower {t + 1}: {num} place{'s' * bool(num != 1)}, {hits} bought later"
            for t, (num, hits) in counts.items()
        )
        key = [
            f"<span style='color:{COLOURS[t]}'>{tower_name(t)}: {num} in, {hits} ✓</span>"
            for t, (num, hits) in counts.items()
        ]
        notes = [
            ("filled = in the list<br>thick = bought later", 0, 1.0),
            (f"<b>merged</b><br>{rule}", 0.42, 1.0),
            ("<br>".join("     ".join(key[start : start + 2]) for start in range(0, len(key), 2)), 0, 0),
        ]
        corner = dict(xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False)
        layout = dict(
            xaxis=dict(title="place in its own list", domain=[0, 0.38]),
            yaxis=dict(title="similarity", domain=[0.25, 1]),
            xaxis2=dict(range=[-0.03, 1], visible=False, domain=[0.42, 1], anchor="y2"),
            yaxis2=dict(range=[state["num"] + 0.7, 0.3], visible=False, domain=[0.25, 1], anchor="x2"),
            showlegend=False,
            annotations=[dict(text=text, x=x, y=y, align="left", **corner) for text, x, y in notes],
        )
        alt = f"{title}, {rule}. {words}. First: {first}."
        return finished(go.Figure(traces, layout), title=title, alt=alt, height=580).update_layout(margin_t=90)

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
        lines = [f" {place}. {short(str(self.names[item]), 26)}" for place, item in enumerate(items, start=1)]
        colours = [COLOURS[tower] for tower in brought]
        return dict(
            x=np.zeros(len(items)),
            y=np.arange(1, len(items) + 1),
            xaxis="x2",
            yaxis="y2",
            mode="markers+text",
            text=[f"<b> ✓{line}</b>" if bought else line for line, bought in zip(lines, hit, strict=True)],
            textposition="middle right",
            textfont=dict(color=colours, size=11),
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
