"""Lesson 10: its computations, figures and panel: a log of one's own, and what a large one costs."""

import csv
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Float32, Int64

from lessons.common.figures import COLOURS, GREY, MARKERS, finished, short, tower_name
from lessons.common.panels import Control, Panel, State
from mtmi_lite.data import datasets
from mtmi_lite.interactions import Batch, Cases, Interactions, Split, filter_items_first, from_columns
from mtmi_lite.models import Model
from mtmi_lite.retrieval import Ranking, TowerLists, index_items, merge, search_towers
from mtmi_lite.towers import Users

Array = np.ndarray
AUTUMN = int(datetime(2011, 9, 1, tzinfo=UTC).timestamp())
DAY = 24 * 3600
NEW_TILL = AUTUMN + 91 * DAY
"""From here on the made-up shop writes its times as Unix milliseconds."""
HEADER = ("Date", "Customer", "Article", "Description", "Pieces")
ALONE = 6
"""The colour and marker of one vector: no tower of this lesson has them."""
SHOWS = ("each tower's list", "merged, beside one vector")


# ---- a file that nobody prepared


def autumn() -> Interactions:
    """Online Retail from September 2011 on, each (customer, product, minute) once; an item goes by its code."""
    log = datasets.online_retail(filtered=False)
    rows = np.stack([log.users, log.items, log.times], axis=1)[log.times >= AUTUMN]
    _, first = np.unique(rows, axis=0, return_index=True)
    users, items, times = rows[np.sort(first)].T
    codes = np.array([f"A{item:04d}" for item in range(log.num_items)])
    return from_columns(users=log.user_labels[users].astype(str), items=codes[items], times=times)


def write_orders(path: Path, *, seed: int = 0) -> None:
    """`autumn()` as a shop's till might export it, with every trouble of the lesson put in on purpose."""
    log, rng = autumn(), np.random.default_rng(seed)
    names = datasets.online_retail(filtered=False).item_names[[int(code[1:]) for code in log.item_names]]
    days = [datetime.fromtimestamp(seconds, UTC).strftime("%d/%m/%Y %H:%M") for seconds in log.times.tolist()]
    when = np.where(log.times < NEW_TILL, days, (log.times * 1000).astype(str))
    columns = (when, log.user_labels[log.users], log.item_names[log.items], names[log.items])
    month = np.searchsorted([AUTUMN + 30 * DAY, AUTUMN + 61 * DAY], log.times, side="right")
    order = np.argsort(np.array([1, 0, 2])[month], kind="stable")  # October stands before September
    rows = [[*(str(column[row]) for column in columns), "1"] for row in order]
    returned = rng.choice(len(rows) // 2, 400, replace=False)
    rows[5000:5000] = rows[4700:5000]  # a page that was exported twice
    rows += [[*rows[row][:4], "-1"] for row in returned]
    for place in rng.choice(5000, 100, replace=False):
        rows.insert(place + 20, [rows[place][0], "", *rows[place][2:]])  # a guest
    for place in range(11, len(rows), 20_000):
        rows.insert(place, [f"--- page {place // 20_000 + 1} ---"])
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([HEADER, *rows])


def too_few(log: Interactions) -> str:
    """The reason why nothing can be learned from a log, or an empty text.

    >>> too_few(from_columns(users=["ann"], items=["tea"], times=[7]))
    'Too few to learn from: no user has 5 interactions with items that have 5.'
    """
    try:
        users = filter_items_first(log).num_users
    except ValueError:
        return "Too few to learn from: no user has 5 interactions with items that have 5."
    what = f"Too few to learn from: {users} users have 5 interactions with items that have 5, and a split takes 10."
    return what if users < 10 else ""


def caution(split: Split, length: int) -> str:
    """Words of caution about a small split."""
    words, items = [], split.log.num_items
    if length < 50:
        words.append(f"Only {items} items: a list of 50 would hold them all, so a list has {length} here.")
    if len(split.test) < 100:
        words.append(f"Only {len(split.test)} test users: the interval will be wide, and may say nothing.")
    return " ".join(words) or f"Enough of both: {items:,} items, {len(split.test)} test users."


def write_log(log: Interactions, path: Path) -> None:
    """A log as a plain file, which a cell and `read_interactions` open without being told anything.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.csv"
    >>> write_log(from_columns(users=["ann"], items=["tea"], times=[7]), path)
    >>> path.read_text().split()
    ['user_id,item_id,timestamp', 'ann,tea,7']
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = zip(log.user_labels[log.users], log.item_names[log.items], log.times.tolist(), strict=True)
        csv.writer(file, lineterminator="\n").writerows([("user_id", "item_id", "timestamp"), *rows])


# ---- a million items


def vectors_in_groups(
    num: int, *, dim: int, groups: int, seed: int, spread: float = 0.7, block: int = 100_000
) -> Iterator[Float32[Array, "block dim"]]:
    """Directions in blocks, around the centres of groups, which are the same for every seed; or, with no groups,
    anywhere.

    Args:
        spread: how far the items of a group lie from its centre, as a part of how far the centres lie from 0.

    >>> [part.shape for part in vectors_in_groups(5, dim=2, groups=1, seed=0, block=3)]
    [(3, 2), (2, 2)]
    """
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((max(groups, 1), dim), dtype=np.float32) * (groups > 0)
    for start in range(0, num, block):
        part = rng.standard_normal((min(block, num - start), dim), dtype=np.float32)
        part *= spread
        part += centres[rng.integers(len(centres), size=len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        yield part


def build(factory: str, blocks: Callable[[], Iterator[Array]], dim: int, *, sample: int) -> tuple[Any, float]:
    """A Faiss index by its factory's name, learned from the first `sample` items, and the seconds that it took.

    >>> index, _ = build("Flat", lambda: iter([np.eye(2, dtype=np.float32)]), 2, sample=2)
    >>> index.ntotal
    2
    """
    started = time.process_time()
    index: Any = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    if hasattr(index, "cp"):  # how the centres of IVF are learned
        index.cp.niter, index.cp.min_points_per_centroid = 8, 1
    if not index.is_trained:
        index.train(next(blocks())[:sample])
    for part in blocks():
        index.add(part)
    return index, time.process_time() - started


def ask(index: Any, queries: Float32[Array, "query dim"], num: int = 50) -> tuple[Int64[Array, "query num"], float]:
    """The recall of an index, and its processor time per query in milliseconds: the quicker of two tries."""
    times = []
    for _ in range(2):
        started = time.process_time()
        found = index.search(queries, num)[1]
        times.append(time.process_time() - started)
    return found, 1e3 * min(times) / len(queries)


def part_found(found: Int64[Array, "query num"], exact: Int64[Array, "query num"]) -> float:
    """The fraction of the exact items that is found.

    >>> part_found(np.array([[3, 5], [1, -1]]), np.array([[5, 4], [1, 2]]))
    0.5
    """
    return float(np.mean([np.isin(wanted, own).mean() for own, wanted in zip(found, exact, strict=True)]))


def weight(index: Any) -> float:
    """The size of an index in MB, as written to disk; counted without writing it."""
    sizes: list[int] = []
    writer = vars(faiss)["PyCallbackIOWriter"](lambda block: sizes.append(len(block)), 1 << 20)
    faiss.write_index(index, writer)
    del writer  # which flushes
    return sum(sizes) / 1e6


def bars_figure(bars: Mapping[str, Sequence[float]], labels: Sequence[str], *, y: str, title: str) -> go.Figure:
    """Bars in groups, one bar a label, on a logarithmic axis."""
    figure = go.Figure()
    for number, (name, values) in enumerate(bars.items()):
        text, marker = (
            [f"{value:,.3g}" for value in values],
            dict(color=COLOURS[number], pattern_shape=("", "/", "x")[number]),
        )
        figure.add_bar(x=list(labels), y=list(values), name=name, text=text, textposition="outside", marker=marker)
    top = np.log10(max(max(values) for values in bars.values())) + 0.3
    figure.update_yaxes(title=y, type="log", range=[-0.3, top], dtick=1).update_layout(
        legend=dict(orientation="h", y=-0.15)
    )
    words = "; ".join(f"{name}: {', '.join(f'{value:,.3g}' for value in values)}" for name, values in bars.items())
    return finished(figure, title=title, alt=f"{y} for {', '.join(labels)}. {words}.", height=400)


# ---- what several vectors gained elsewhere

PAIRS = (
    ("MTMI, attention pooling", "One tower, attention pooling"),
    ("MTMI-Q2S", "Que2Search"),
    ("soft share + repel, InfoNCE", "one tower, InfoNCE"),
)
"""Several vectors over one of the same kind, as the tables of models and of arms have them."""


def serving_cores(users_a_second: float, num_towers: int, ms_a_query: float, busy: float) -> int:
    """The whole cores that answer so many users a second, each busy for at most a fraction of its time.

    >>> serving_cores(10, 3, 4.0, 0.5)
    1
    """
    return math.ceil(users_a_second * num_towers * ms_a_query / 1000 / busy)


def gains(folder: Path) -> list[dict[str, Any]]:
    """Several vectors over one, from the committed tables that have such a pair: not chosen by their result."""
    found = []
    for path in sorted([*folder.glob("models_*.json"), *folder.glob("arms_*.json")]):
        table = json.loads(path.read_text(encoding="utf-8"))
        for row in table.get("differences", []):
            if (row["ours"], row["theirs"]) in PAIRS:
                log, ours = path.stem.split("_", 1)[1], table["models"][row["ours"]]
                about = {"log": log, "vectors": ours["vectors"], "users": table["users"]}
                found.append({**about, **row, "as one vector": row["ours as one vector"]})
    return found


def gains_figure(rows: Sequence[Mapping[str, Any]], *, title: str) -> go.Figure:
    """The gain of several vectors over one, and what is left of it when their mean is searched once, a line each."""
    figure, labels = go.Figure(), [f"{row['log']}: {row['ours']}, K = {row['vectors']}" for row in rows]
    kinds = {"K lists, merged": "recall_50", "mean of the K vectors, one list": "as one vector"}
    for number, (name, kind) in enumerate(kinds.items()):
        middle, low, high = np.array([row[kind] for row in rows]).T
        figure.add_scatter(
            x=middle,
            y=np.arange(len(rows)) + 0.12 - 0.24 * number,
            error_x=dict(symmetric=False, array=high - middle, arrayminus=middle - low),
            name=name,
            mode="markers",
            marker=dict(size=9, color=COLOURS[number], symbol=MARKERS[number]),
        )
    figure.add_vline(x=0, line=dict(color=GREY, dash="dash"))
    figure.update_xaxes(title="recall@50, difference to one vector", zeroline=False)
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=labels, zeroline=False)
    figure.update_layout(legend=dict(orientation="h", y=1, yanchor="bottom"))
    words = "; ".join(f"{n}: {', '.join(f'{row[kind][0]:+.3f}' for row in rows)}" for n, kind in kinds.items())
    alt = f"Gains in recall at 50 over one vector. {'; '.join(labels)}. {words}."
    return finished(figure, title=title, alt=alt, height=190 + 40 * len(rows))


# ---- the panel


class Customers:
    """Customers of a log, to be looked at one by one: what they had, and what several vectors and one suggest.

    Args:
        several, one: trained models, with at most six towers and with one.
        cases: whose customers; the first of them are shown, in the order of the cases.
        log: has the names.

    `draw` is a function of a state: the `customer`, what it `shows`, the `num` of products a list, how much `history`
    the models read, and whether only products that are `new` to the customer may be listed.
    """

    def __init__(self, several: Model, one: Model, cases: Cases, log: Interactions, *, num_customers: int = 20) -> None:
        self.models, self.cases, self.log = (several, one), cases, log
        self.indexes = [index_items(model) for model in self.models]
        self.customers = {str(log.user_labels[user]): row for row, user in enumerate(cases.users[:num_customers])}
        with torch.no_grad():
            self.items = F.normalize(several.items(torch.arange(log.num_items)), dim=1).cpu()
        self.start: State = {"customer": next(iter(self.customers)), "shows": SHOWS[0], "num": 10, "history": 20}
        self.start |= {"new": False}

    @torch.no_grad()
    def found(self, state: State) -> tuple[Array, Users, TowerLists, Ranking, Array]:
        """The history read, the vectors, the towers' lists, the list merged from them, and the list of one vector."""
        row = self.customers[state["customer"]]
        batch = self.cases.batch[row : row + 1]
        mask = batch.mask.clone()
        mask[:, : -state["history"]] = False
        short_batch = Batch(history=batch.history, mask=mask, profile=batch.profile)
        user = self.cases.users[row]
        had = np.unique(self.log.of(user)[: self.log.lengths[user] * 4 // 5])[None]
        users = [model.users(short_batch) for model in self.models]
        gone = had if state["new"] else None
        lists = [search_towers(index, own, state["num"], gone) for index, own in zip(self.indexes, users, strict=True)]
        one = merge(lists[1], state["num"]).items[0]
        return batch.history[mask].numpy(), users[0], lists[0], merge(lists[0], state["num"]), one

    def draw(self, state: State) -> go.Figure:
        """The history, each product in the colour of the tower nearest to it, beside the lists; ✓ is bought later."""
        history, users, lists, ranking, one = self.found(state)
        num, row = state["num"], self.customers[state["customer"]]
        vectors = F.normalize(users.vectors[0][users.mask[0]], dim=1)
        nearest = (self.items[history] @ vectors.T).argmax(dim=1).numpy()
        relevant = self.cases.relevant[self.cases.offsets[row] : self.cases.offsets[row + 1]]
        columns = {"merged": (ranking.items[0], ranking.towers[0]), "one vector": (one, np.full(len(one), ALONE))}
        counts = {name: int(np.isin(items, relevant).sum()) for name, (items, _) in columns.items()}
        if state["shows"] == SHOWS[0]:
            columns = {tower_name(j): (lists.items[0, j], np.full(len(one), j)) for j in range(len(vectors))}
        columns = {"had before, newest first": (history[::-1], nearest[::-1]), **columns}
        figure, hits = go.Figure(), []
        for place, (name, (items, towers)) in enumerate(columns.items()):
            x, items, towers = place / len(columns), items[items >= 0], towers[items >= 0]
            bought = np.isin(items, relevant) & (place > 0)
            names = [str(self.log.item_names[item]) for item in items]
            lines = [short(name, 112 // len(columns)) for name in names]
            colours = [COLOURS[tower] for tower in towers]
            figure.add_scatter(
                x=np.full(len(items), x),
                y=np.arange(1, len(items) + 1),
                mode="markers+text",
                text=[f" <b>✓ {line}</b>" if hit else f" {line}" for line, hit in zip(lines, bought, strict=True)],
                textposition="middle right",
                textfont=dict(color=colours, size=11),
                hovertext=names,
                hoverinfo="text",
                marker=dict(size=9, color=colours, symbol=[MARKERS[tower] for tower in towers]),
            )
            figure.add_annotation(text=f"<b>{name}</b>", x=x, y=0.1, xanchor="left", showarrow=False)
            hits.append(f"{name.split(' ', 1)[-1] if place else name}: {bought.sum()} ({', '.join(names[:3])})")
        figure.update_xaxes(range=[-0.02, 1], visible=False, fixedrange=True)
        figure.update_yaxes(range=[max(num, len(history)) + 0.6, -0.4], visible=False, fixedrange=True)
        title = f"Customer {state['customer']}: of {num}, bought later: {counts['merged']} of the merged list, "
        title += f"{counts['one vector']} of one vector's"
        alt = f"{title}. The last {len(history)} products were read. By list: {'; '.join(hits[1:])}."
        return finished(figure.update_layout(showlegend=False), title=title, alt=alt, height=520)


def customers_panel(customers: Customers) -> Panel:
    """The panel: the user, which lists, how long, from how much history, and whether repeats may be listed."""
    controls = [
        Control(name="customer", label="customer", values=list(customers.customers), kind="list"),
        Control(name="shows", label="show", values=SHOWS, kind="switch"),
        Control(name="num", label="products a list", values=[5, 10, 15, 20]),
        Control(name="history", label="products read", values=[1, 2, 3, 5, 10, 20]),
        Control(name="new", label="only what is new to them", values=[False, True], kind="switch"),
    ]
    presets: dict[str, State] = {
        "What each tower brings": {"shows": SHOWS[0], "num": 10, "history": 20},
        "Merged, or one vector": {"shows": SHOWS[1], "num": 20, "history": 20, "new": False},
        "The last purchase alone": {"shows": SHOWS[0], "history": 1},
        "Nothing they had": {"shows": SHOWS[1], "num": 20, "new": True},
    }
    return Panel("customers", controls, customers.draw, start=customers.start, presets=presets)
