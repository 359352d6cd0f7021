"""Lesson 10: its computations, figures and panel: a log of one's own, and what a large one costs."""

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Float32, Int64

from mtmi_lite import datasets
from mtmi_lite.figures import COLOURS, GREY, MARKERS, SYMBOLS, finished, short, tower_name
from mtmi_lite.interactions import Batch, Cases, Interactions, from_columns
from mtmi_lite.models import Model
from mtmi_lite.panels import Control, Panel, State
from mtmi_lite.retrieval import Ranking, TowerLists, index_items, merge, search_towers
from mtmi_lite.towers import Users

Array = np.ndarray
AUTUMN = int(datetime(2011, 9, 1, tzinfo=UTC).timestamp())
NEW_TILL = int(datetime(2011, 12, 1, tzinfo=UTC).timestamp())
"""From here on the made-up shop writes its times as Unix milliseconds."""
HEADER = ("Date", "Customer", "Article", "Description", "Pieces")
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
    when = np.array([_written(seconds) for seconds in log.times.tolist()])
    columns = (when, log.user_labels[log.users], log.item_names[log.items], names[log.items])
    month = (log.times - AUTUMN) // (30 * 24 * 3600)
    order = np.argsort(np.array([1, 0, 2, 3])[month.clip(max=3)], kind="stable")  # October stands before September
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


def _written(seconds: int) -> str:
    if seconds >= NEW_TILL:
        return str(seconds * 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%m/%Y %H:%M")


def names_in(path: Path | str, item: str, name: str) -> dict[str, str]:
    """What each item is called, by its id, where each line of a log says it; the last line counts."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        tabs = "\t" in file.readline()
        file.seek(0)
        return {row[item]: row[name] for row in csv.DictReader(file, dialect="excel-tab" if tabs else "excel")}


def write_log(log: Interactions, path: Path) -> None:
    """A log as a plain file, which a cell and `read_interactions` open without being told anything.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "log.csv"
    >>> write_log(from_columns(users=["ann"], items=["tea"], times=[7]), path)
    >>> path.read_text().split()
    ['user_id,item_id,timestamp', 'ann,tea,7']
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["user_id", "item_id", "timestamp"])
        writer.writerows(zip(log.user_labels[log.users], log.item_names[log.items], log.times.tolist(), strict=True))


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


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An index measured: what it weighs, how long it takes to build and to answer, and what it finds.

    Args:
        megabytes: as it is written to disk.
        build, query: processor time in seconds, and in milliseconds a query.
        found: the part of the exact list; 1 for the exact index.
    """

    megabytes: float
    build: float
    query: float
    found: float


def build(factory: str, blocks: Callable[[], Iterator[Array]], dim: int, *, sample: int) -> tuple[Any, float]:
    """A Faiss index by its factory's name, learned from the first `sample` items, and the seconds that it took.

    >>> index, _ = build("Flat", lambda: iter([np.eye(2, dtype=np.float32)]), 2, sample=2)
    >>> index.ntotal
    2
    """
    started = time.process_time()
    index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    if hasattr(index, "cp"):  # how the centres of IVF are learned
        index.cp.niter, index.cp.min_points_per_centroid = 8, 1
    if not index.is_trained:
        index.train(next(blocks())[:sample])
    for part in blocks():
        index.add(part)
    return index, time.process_time() - started


def ask(index: Any, queries: Float32[Array, "query dim"], num: int = 50) -> tuple[Int64[Array, "query num"], float]:
    """What an index finds, and the milliseconds of processor time a query: the quicker of two tries."""
    times = []
    for _ in range(2):
        started = time.process_time()
        found = index.search(queries, num)[1]
        times.append(time.process_time() - started)
    return found, 1e3 * min(times) / len(queries)


def part_found(found: Int64[Array, "query num"], exact: Int64[Array, "query num"]) -> float:
    """The part of the exact items that is found.

    >>> part_found(np.array([[3, 5], [1, -1]]), np.array([[5, 4], [1, 2]]))
    0.5
    """
    return float(np.mean([np.isin(wanted, own).mean() for own, wanted in zip(found, exact, strict=True)]))


def weight(index: Any) -> float:
    """What an index takes, in MB, as it is written to disk; counted while it is written to nowhere."""
    sizes: list[int] = []
    writer = faiss.PyCallbackIOWriter(lambda block: sizes.append(len(block)), 1 << 20)
    faiss.write_index(index, writer)
    del writer  # which flushes
    return sum(sizes) / 1e6


def indexes_figure(measured: Mapping[str, Mapping[str, Measured]], *, title: str) -> go.Figure:
    """Found against milliseconds a query: a line a kind of index, a point a setting; the legend has the memory."""
    figure = go.Figure()
    for number, (kind, points) in enumerate(measured.items()):
        exact = all(point.found == 1 for point in points.values())
        figure.add_scatter(
            x=[point.query for point in points.values()],
            y=[point.found for point in points.values()],
            name=f"{kind}, {next(iter(points.values())).megabytes:.0f} MB",
            text=list(points),
            mode="lines+markers+text" if number == 1 else "lines+markers",
            textposition="top left",
            marker=dict(size=11, color=GREY if exact else COLOURS[number], symbol="star" if exact else MARKERS[number]),
        )
    figure.update_xaxes(title="milliseconds a query", type="log").update_yaxes(
        title="part of the exact 50 found", range=[0, 1.08]
    )
    words = "; ".join(
        f"{kind}: " + ", ".join(f"{p.found:.0%} in {p.query:.2g} ms ({name})" for name, p in points.items())
        for kind, points in measured.items()
    )
    alt = f"What each index finds against its milliseconds a query. {words}."
    return finished(figure, title=title, alt=alt, height=420)


def bars_figure(bars: Mapping[str, Sequence[float]], labels: Sequence[str], *, y: str, title: str) -> go.Figure:
    """Bars in groups, one bar a label, on a logarithmic axis."""
    figure = go.Figure()
    for number, (name, values) in enumerate(bars.items()):
        text = [f"{value:,.3g}" for value in values]
        colour = dict(color=COLOURS[number], pattern_shape=("", "/", "x", ".")[number])
        figure.add_bar(x=list(labels), y=list(values), name=name, text=text, textposition="outside", marker=colour)
    top = np.log10(max(max(values) for values in bars.values())) + 0.3
    figure.update_yaxes(title=y, type="log", range=[0, top]).update_layout(legend=dict(orientation="h", y=-0.15))
    words = "; ".join(
        f"{name}: " + ", ".join(f"{label} {value:,.3g}" for label, value in zip(labels, values, strict=True))
        for name, values in bars.items()
    )
    return finished(figure, title=title, alt=f"{y}. {words}.", height=400)


# ---- what several vectors gained elsewhere

PAIRS = (
    ("MTMI, attention pooling", "One tower, attention pooling"),
    ("MTMI-Q2S", "Que2Search"),
    ("soft share + repel, InfoNCE", "one tower, InfoNCE"),
)
"""Several vectors over one of the same kind, as the tables of models and of arms have them."""


def gains(folder: Path) -> list[dict[str, Any]]:
    """Several vectors over one, from the committed tables that have such a pair: not chosen by their result."""
    found = []
    for path in sorted([*folder.glob("models_*.json"), *folder.glob("arms_*.json")]):
        table = json.loads(path.read_text(encoding="utf-8"))
        for row in table.get("differences", []):
            if (row["ours"], row["theirs"]) in PAIRS:
                log, ours = path.stem.split("_", 1)[1], table["models"][row["ours"]]
                found.append({"log": log, "vectors": ours["vectors"], "users": table["users"], **row})
    return found


def gains_figure(rows: Sequence[Mapping[str, Any]], *, title: str) -> go.Figure:
    """What several vectors gained over one, and what is left of it when their mean is searched once, a line each."""
    figure, labels = go.Figure(), [f"{row['log']}: {row['ours']}, K = {row['vectors']}" for row in rows]
    kinds = {"K lists, merged": "recall_50", "mean of the K vectors, one list": "ours as one vector"}
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
    figure.update_layout(legend=dict(orientation="h", y=-0.25))
    words = "; ".join(
        f"{label}: " + ", ".join(f"{name} {row[kind][0]:+.3f}" for name, kind in kinds.items())
        for label, row in zip(labels, rows, strict=True)
    )
    alt = f"Gains in recall at 50 over one vector. {words}."
    return finished(figure, title=title, alt=alt, height=190 + 40 * len(rows))


# ---- the panel


class Customers:
    """Customers of a log, to be looked at one by one: what they had, and what several vectors and one suggest.

    Args:
        several, one: trained models, with at most eight towers and with one.
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
        lists, users = [], []
        for model, index in zip(self.models, self.indexes, strict=True):
            users.append(model.users(short_batch))
            lists.append(search_towers(index, users[-1], state["num"], had if state["new"] else None))
        one = merge(lists[1], state["num"]).items[0]
        return batch.history[mask].numpy(), users[0], lists[0], merge(lists[0], state["num"]), one

    def draw(self, state: State) -> go.Figure:
        """The history, each product in the colour of the tower nearest to it, beside the lists; ✓ is bought later."""
        history, users, lists, ranking, one = self.found(state)
        vectors = F.normalize(users.vectors[0][users.mask[0]], dim=1)
        nearest = (self.items[history] @ vectors.T).argmax(dim=1).numpy()
        columns = [("had before, newest first", history[::-1][:20], nearest[::-1][:20])]
        if state["shows"] == SHOWS[0]:
            for tower in range(len(vectors)):
                columns.append((tower_name(tower), lists.items[0, tower], np.full(state["num"], tower)))
        else:
            columns.append(("<b>merged</b>: the tower that brought it", ranking.items[0], ranking.towers[0]))
            columns.append(("one vector", one, np.full(state["num"], -1)))
        row = self.customers[state["customer"]]
        relevant = self.cases.relevant[self.cases.offsets[row] : self.cases.offsets[row + 1]]
        figure, hits = go.Figure(), {}
        for place, (name, items, towers) in enumerate(columns):
            items, towers = items[items >= 0], towers[items >= 0]
            figure.add_scatter(
                **self._column(place / len(columns), len(columns), items, towers, relevant if place else relevant[:0])
            )
            hits[name.replace("<b>", "").replace("</b>", "")] = int(np.isin(items, relevant).sum())
            figure.add_annotation(text=name, x=place / len(columns), y=0.2, xanchor="left", showarrow=False)
        merged = int(np.isin(ranking.items[0], relevant).sum())
        alone = int(np.isin(one, relevant).sum())
        title = f"Customer {state['customer']}: of {state['num']} products, bought later: {merged} of the merged list, "
        title += f"{alone} of one vector's"
        figure.update_xaxes(range=[-0.02, 1], visible=False, fixedrange=True)
        figure.update_yaxes(range=[max(state["num"], len(history)) + 0.6, -0.2], visible=False, fixedrange=True)
        figure.update_layout(showlegend=False)
        words = "; ".join(f"{name}: {count}" for name, count in list(hits.items())[1:])
        first = ", ".join(str(self.log.item_names[item]) for item in columns[1][1][:3] if item >= 0)
        alt = f"{title}; {len(relevant)} products bought later. The last {len(history)} products were read. "
        return finished(figure, title=title, alt=f"{alt}Bought later in {words}. First: {first}.", height=520)

    def _column(self, x: float, num: int, items: Array, towers: Array, relevant: Array) -> dict[str, Any]:
        hit = np.isin(items, relevant)
        lines = [short(str(self.log.item_names[item]), 112 // num) for item in items]
        colours = [COLOURS[tower] if tower >= 0 else "black" for tower in towers]
        return dict(
            x=np.full(len(items), x),
            y=np.arange(1, len(items) + 1),
            mode="markers+text",
            text=[f" <b>✓ {line}</b>" if bought else f" {line}" for line, bought in zip(lines, hit, strict=True)],
            textposition="middle right",
            textfont=dict(color=colours, size=11),
            hovertext=[
                f"{SYMBOLS[t] if t >= 0 else ''} {self.log.item_names[i]}" for i, t in zip(items, towers, strict=True)
            ],
            hoverinfo="text",
            marker=dict(size=9, color=colours, symbol=[MARKERS[tower] if tower >= 0 else "circle" for tower in towers]),
            cliponaxis=False,
        )


def customers_panel(customers: Customers) -> Panel:
    """Whose lists, which of them, how long, from how much history, and whether repeats may be listed."""
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
