"""Lesson 00: its computations, figures and panel: what each tower looks at, and what one purchase changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float32, Int64, Shaped

from lessons.common.figures import COLOURS, GREY, MARKERS, SYMBOLS, finished, short, tower_name
from lessons.common.maps import Portrait
from lessons.common.panels import Control, Panel, State
from mtmi_lite.interactions import Batch, Cases, Interactions
from mtmi_lite.models import MTMI

Array = np.ndarray
LISTED = 10
"""How many products a list of the panel has; the figure names the first `NAMED` of them."""
NAMED = 6
TURNED = 0.95
"""Below this cosine with what it was, a vector counts as turned."""
Entry = tuple[int, float, int]
"""Of a merged list: the product, its best similarity, and the tower that had it."""
Merge = Callable[[list[list[tuple[int, float]]]], Sequence[Entry]]


# ---- what the towers make of a history


@dataclass(frozen=True, kw_only=True, eq=False)
class Customer:
    """What a model reads of a customer, oldest first, where there is anything to read, and what was bought later."""

    history: Int64[Array, " step"]
    taken: Bool[Array, " step"]
    later: Int64[Array, " relevant"]


def customers_of(cases: Cases, rows: Sequence[int], log: Interactions) -> dict[str, Customer]:
    """Some of the customers of these cases, by a name to show."""
    history, taken = cases.batch.history.numpy(), cases.batch.mask.numpy()
    found = {}
    for row in rows:
        later = cases.relevant[cases.offsets[row] : cases.offsets[row + 1]]
        name = f"customer {log.user_labels[cases.users[row]]}"
        found[name] = Customer(history=history[row], taken=taken[row], later=later)
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What K towers make of the purchases that are left.

    Args:
        attention: how much each tower looks at each purchase; a row sums to 1.
        vectors: of length 1, or 0 where nothing is left to read.
        items, scores: each tower's nearest products and their cosines, best first.
    """

    attention: Float32[Array, "tower step"]
    vectors: Float32[Array, "tower dim"]
    items: Int64[Array, "tower num"]
    scores: Float32[Array, "tower num"]

    @property
    def lists(self) -> list[list[tuple[int, float]]]:
        """The towers' lists, as pairs of a product and its similarity."""
        pairs = zip(self.items.tolist(), self.scores.tolist(), strict=True)
        return [list(zip(items, scores, strict=True)) for items, scores in pairs]


@torch.no_grad()
def product_vectors(model: MTMI) -> Float32[Array, "item dim"]:
    """The vectors of all products, at length 1."""
    return F.normalize(model.items(torch.arange(model.num_items)), dim=1).numpy()


@torch.no_grad()
def read(
    model: MTMI,
    products: Float32[Array, "item dim"],
    history: Int64[Array, " step"],
    kept: Bool[Array, " step"],
    num: int = LISTED,
) -> Reading:
    """Let the towers read a history in which the slots that are not kept stand empty."""
    if not kept.any():
        towers, nothing = model.num_towers, np.zeros((model.num_towers, 0))
        return Reading(
            attention=np.zeros((towers, len(kept)), dtype=np.float32),
            vectors=np.zeros((towers, products.shape[1]), dtype=np.float32),
            items=nothing.astype(np.int64),
            scores=nothing.astype(np.float32),
        )
    users = model.users(Batch(history=torch.from_numpy(history)[None], mask=torch.from_numpy(kept)[None]))
    assert users.attention is not None
    vectors = F.normalize(users.vectors[0], dim=1).numpy()
    similarity = vectors @ products.T
    items = np.argsort(-similarity, axis=1, kind="stable")[:, :num]
    scores = np.take_along_axis(similarity, items, axis=1)
    return Reading(attention=users.attention[0].numpy(), vectors=vectors, items=items, scores=scores)


@torch.no_grad()
def turn(model: MTMI, batch: Batch, slot: int) -> Float32[Array, "case tower"]:
    """The cosine of each vector with what it becomes when this slot of the history stands empty."""
    mask = batch.mask.clone()
    mask[:, slot] = False
    before, after = (
        F.normalize(model.users(Batch(history=batch.history, mask=kept)).vectors, dim=-1) for kept in (batch.mask, mask)
    )
    return (before * after).sum(dim=-1).numpy()


def one_less(model: MTMI, customer: Customer) -> Float32[Array, "tower step"]:
    """The cosine of each tower's vector with what it becomes without each purchase in turn."""
    batch = Batch(history=torch.from_numpy(customer.history)[None], mask=torch.from_numpy(customer.taken)[None])
    return np.stack([turn(model, batch, slot)[0] for slot in range(len(customer.history))], axis=1)


def place_tells(portrait: Portrait) -> float:
    """How often a vector's place on the PCA map tells its tower: the one whose other vectors lie nearest on average."""
    places = portrait.pca
    others = (places.sum(axis=0) - places) / (len(places) - 1)  # each tower's centre, without the customer's own
    distances = np.square(places[:, :, None] - others[:, None]).sum(axis=-1)
    return float((distances.argmin(axis=-1) == np.arange(places.shape[1])).mean())


def plane(points: Float32[Array, "point dim"]) -> tuple[Float32[Array, " dim"], Float32[Array, "2 dim"]]:
    """The mean of some points, and the two directions in which they differ most (PCA)."""
    mean = points.mean(axis=0)
    directions = np.linalg.svd(points - mean, full_matrices=False)[2][:2]
    flat = (points - mean) @ directions.T
    return mean, directions * np.where(np.abs(flat.min(axis=0)) > flat.max(axis=0), -1, 1)[:, None].astype(np.float32)


# ---- figures


def _list_text(tower: int, lines: Sequence[str]) -> str:
    return f"<b><span style='color:{COLOURS[tower]}'>{tower_name(tower)}</span></b><br>" + "<br>".join(lines)


def customer_map(
    vectors: Float32[Array, "tower dim"],
    products: Float32[Array, "item dim"],
    lists: Int64[Array, "tower num"],
    names: Shaped[Array, " item"],
    *,
    title: str,
    named: int = 5,
) -> go.Figure:
    """A customer as K vectors on a PCA map, with the products nearest to each; below it, the first of them by name.

    Args:
        vectors, products: of length 1.
        lists: each tower's nearest products, best first.
    """
    num_towers = len(vectors)
    mean, directions = plane(np.concatenate([vectors, products[lists.ravel()]]))
    own, found = (vectors - mean) @ directions.T, (products[lists] - mean) @ directions.T
    traces: list[go.Scatter] = []
    for tower in range(num_towers):
        style = dict(color=COLOURS[tower], symbol=MARKERS[tower])
        near = dict(mode="markers", marker=dict(size=8, opacity=0.55, **style), text=names[lists[tower]])
        hover = "%{text}<extra>" + tower_name(tower) + "</extra>"
        traces.append(go.Scatter(x=found[tower, :, 0], y=found[tower, :, 1], hovertemplate=hover, **near))
    for tower in range(num_towers):  # the vectors on top of the products
        style = dict(color=COLOURS[tower], symbol=MARKERS[tower], line=dict(color="white", width=2))
        big = dict(mode="markers+text", marker=dict(size=20, **style), textposition="top center", textfont_size=16)
        hover = f"vector of {tower_name(tower)}<extra></extra>"
        place = dict(x=own[[tower], 0], y=own[[tower], 1])
        traces.append(go.Scatter(**place, text=f"<b>{tower + 1}</b>", hovertemplate=hover, **big))
    rows = -(-num_towers // 2)
    block = 17 * (named + 2)
    height = 410 + block * rows
    bottom = block * rows / (height - 80)
    notes = [
        dict(
            text=_list_text(tower, [short(str(names[item]), 25) for item in lists[tower, :named]]),
            x=tower % 2 / 2, y=bottom * (1 - (tower // 2) / rows) - 0.02, xref="paper", yref="paper",
            xanchor="left", yanchor="top", align="left", showarrow=False, font_size=11,
        )
        for tower in range(num_towers)
    ]  # fmt: skip
    bare = dict(showticklabels=False, zeroline=False)
    layout = dict(
        xaxis=dict(title=dict(text="widest direction (PCA)", standoff=4), **bare),
        yaxis=dict(title=dict(text="second widest", standoff=4), domain=(bottom + 0.06, 1), **bare),
        annotations=notes,
        showlegend=False,
    )
    alt = f"PCA map of one customer's {num_towers} vectors and the products nearest to each. " + "; ".join(
        f"tower {tower + 1}: " + ", ".join(map(str, names[lists[tower, :3]])) for tower in range(num_towers)
    )
    return finished(go.Figure(traces, layout), title=title, alt=f"{alt}.", height=height)


def merge_table(
    lists: Sequence[Sequence[tuple[int, float]]],
    merged: Sequence[Entry],
    single: Sequence[int],
    bought_later: Int64[Array, " relevant"],
    names: Shaped[Array, " item"],
    *,
    title: str,
) -> go.Figure:
    """The merged list, with each product's similarity in the lists that hold it, and its place in one vector's list."""
    later = set(bought_later.tolist())
    places = {product: rank for rank, product in enumerate(single, start=1)}
    products = [f"{'✓ ' if product in later else ''}{short(str(names[product]), 24)}" for product, _, _ in merged]
    columns = [products]
    for tower, one_list in enumerate(lists):
        similarity = dict(one_list)
        brought = [(similarity.get(product), tower == by) for product, _, by in merged]
        columns.append(["" if s is None else f"<b>{s:.2f}</b>" if by else f"{s:.2f}" for s, by in brought])
    columns.append([f"{places[product]}." if product in places else "–" for product, _, _ in merged])
    num_towers = len(lists)
    colours = ["black", *COLOURS[:num_towers], "black"]
    heads = ["<b>merged list</b>", *(f"<b>{SYMBOLS[tower]} {tower + 1}</b>" for tower in range(num_towers))]
    header = dict(values=[*heads, "<b>one</b>"], font_color=colours, align="left", fill_color="#EEEEEE")
    cells = dict(values=columns, font_color=colours, align="left", fill_color="white", height=32, font_size=11)
    table = go.Table(header=header, cells=cells, columnwidth=[4.6] + [1] * (num_towers + 1))
    hits = [sum(product in later for product in ranked) for ranked in ([p for p, _, _ in merged], single)]
    towers = [f"{name}: tower {by + 1}" for name, (_, _, by) in zip(products, merged, strict=True)]
    alt = (
        f"Table of the merged list: {len(merged)} products, {hits[0]} of them bought later; of the {len(single)} of "
        f"one vector it is {hits[1]}. {'; '.join(towers)}"
    )
    return finished(go.Figure(table), title=title, alt=f"{alt}.", height=150 + 38 * len(merged))


def credit_figure(
    credit: Float[Array, " tower"], lost: Sequence[tuple[float, float, float]], *, title: str
) -> go.Figure:
    """Each tower's credit beside the fraction of recall that is lost without it, with its interval."""
    towers = [tower_name(tower) for tower in range(len(credit))]
    values, low, high = (np.array(column) for column in zip(*lost, strict=True))
    colours = list(COLOURS[: len(towers)])
    text = dict(textposition="outside", cliponaxis=False)
    bars = [
        go.Bar(name="credit", x=towers, y=credit, marker_color=colours, text=[f"{c:.0%}" for c in credit], **text),
        go.Bar(
            name="lost without it (striped; the line is its interval)",
            x=towers,
            y=values,
            marker=dict(color="white", line=dict(color=colours, width=2), pattern=dict(shape="/", fgcolor=colours)),
            error_y=dict(symmetric=False, array=high - values, arrayminus=values - low, color="black"),
            hovertext=[f"{value:.1%}" for value in values],
        ),
    ]
    layout = dict(barmode="group", yaxis=dict(tickformat=".0%"), legend=dict(orientation="h", y=-0.12))
    alt = "Bars for each tower: " + "; ".join(
        f"{name[2:]}, credit {c:.0%}, lost without it {value:.1%}"
        for name, c, value in zip(towers, credit, values, strict=True)
    )
    return finished(go.Figure(bars, layout), title=title, alt=f"{alt}.", height=380)


def purchases_figure(
    customer: Customer,
    kept: Bool[Array, " step"],
    now: Reading,
    everything: Reading,
    merged: Sequence[Entry],
    merged_before: Sequence[Entry],
    products: Float32[Array, "item dim"],
    names: Shaped[Array, " item"],
    on_map: tuple[Float32[Array, " dim"], Float32[Array, "2 dim"]],
) -> go.Figure:
    """A history whose purchases are on or off, what each tower looks at, where its vector turns, and the lists.

    The first trace holds the purchases, to be clicked.

    Args:
        now, everything: what the towers read of the purchases that are kept, and of all of them.
        merged, merged_before: their lists as one.
        on_map: the mean and the directions of the map.
    """
    num_towers, num_steps = now.attention.shape
    steps, some, num_taken = np.arange(1, num_steps + 1), bool(kept.any()), int(customer.taken.sum())
    bought = [str(names[item]) if taken else "" for item, taken in zip(customer.history, customer.taken, strict=True)]
    cosines = (now.vectors * everything.vectors).sum(axis=1).clip(max=1)  # beyond its axis a bar loses its text
    colours, symbols = list(COLOURS[:num_towers]), list(MARKERS[:num_towers])
    mean, directions = on_map
    old = (everything.vectors - mean) @ directions.T
    new = (now.vectors - mean) @ directions.T if some else old
    near = (products[everything.items] - mean) @ directions.T
    each = np.repeat(np.arange(num_towers), near.shape[1])
    shown = np.where(now.attention >= 0.05, np.round(100 * now.attention).astype(int).astype(str), "")
    moves = np.stack([old, new, np.full_like(old, np.nan)], axis=1).reshape(-1, 2)
    small = dict(color=[COLOURS[tower] for tower in each], symbol=[MARKERS[tower] for tower in each], size=6)
    before = dict(color=colours, symbol=[f"{symbol}-open" for symbol in symbols], size=16, line_width=2)
    after = dict(color=colours, symbol=symbols, size=16, line=dict(color="white", width=1))
    switch = dict(color=["black" if on else GREY for on in kept], symbol=["square" if on else "x-thin" for on in kept])
    right = dict(xaxis="x2", yaxis="y2", hoverinfo="skip")
    map_2 = dict(x=new[:, 0], y=new[:, 1], text=[f"<b>{tower + 1}</b>" for tower in range(num_towers)])
    traces = [
        dict(type="scatter", x=[0] * num_steps, y=steps, mode="markers", text=bought,
             hovertemplate="%{text}: click to switch<extra></extra>",
             marker=dict(size=12, line=dict(width=2, color=switch["color"]), **switch)),
        dict(type="heatmap", x=np.arange(1, num_towers + 1), y=steps, z=now.attention.T, zmin=0, zmax=1, text=shown.T,
             texttemplate="%{text}", showscale=False, hoverinfo="skip", xgap=2, ygap=1,
             colorscale=[[0, "#F4F4F4"], [1, "#222222"]]),
        dict(type="scatter", x=near[..., 0].ravel(), y=near[..., 1].ravel(), mode="markers", opacity=0.35,
             marker=small, **right),
        dict(type="scatter", x=moves[:, 0], y=moves[:, 1], mode="lines", line=dict(color="black", width=1), **right),
        dict(type="scatter", x=old[:, 0], y=old[:, 1], mode="markers", marker=before, **right),
        dict(type="scatter", mode="markers+text", marker=after, textposition="top center", textfont_size=14,
             visible=some, **map_2, **right),
        dict(type="bar", x=cosines, y=[tower_name(tower) for tower in range(num_towers)], orientation="h",
             marker_color=colours, text=[f"{cosine:.2f}" for cosine in cosines], textposition="outside",
             cliponaxis=False, xaxis="x3", yaxis="y3", hoverinfo="skip"),
    ]  # fmt: skip
    columns = 5 if num_towers <= 4 else 3
    rows = -(-(num_towers + 1) // columns)
    block = 16 * (NAMED + 2)
    height = 580 + block * rows
    bottom = block * rows / (height - 80)
    known, later = [{product for product, _, _ in merged_before}, set(customer.later.tolist())]
    note = dict(xref="paper", yref="paper", showarrow=False)
    notes = [dict(text=text, x=x, y=y, xanchor="left", yanchor="bottom", **note) for text, x, y in (
        ("where the vectors point (PCA; hollow: with everything)", 0.57, 1.01),
        ("cosine with the vector of all purchases", 0.57, bottom + 0.25),
    )]  # fmt: skip
    blocks = [(list(now.items[tower]), set(everything.items[tower].tolist())) for tower in range(num_towers)]
    blocks.append(([product for product, _, _ in merged], known))
    for number, (listed, listed_before) in enumerate(blocks):
        lines = []
        for item in listed[:NAMED]:
            marks = f"{'✓' if item in later else ''}{'' if item in listed_before else '+'}"
            lines.append(f"{marks} {short(str(names[item]), 22)}".strip())
        text = _list_text(number, lines) if number < num_towers else "<b>merged</b><br>" + "<br>".join(lines)
        x, y = number % columns / columns, bottom * (1 - number // columns / rows) - 0.02
        notes.append(dict(text=text, x=x, y=y, xanchor="left", yanchor="top", align="left", font_size=10, **note))
    limits = [axis for points in (old, near.reshape(-1, 2), new) for axis in points]
    least, most = np.min(limits, axis=0) - 0.12, np.max(limits, axis=0) + 0.16
    heads = ["on", *(f"{SYMBOLS[tower]} {tower + 1}" for tower in range(num_towers))]
    bare = dict(showticklabels=False, zeroline=False)
    layout = dict(
        xaxis=dict(domain=(0.29, 0.52), range=(-0.6, num_towers + 0.5), side="top", showgrid=False, zeroline=False,
                   tickvals=list(range(num_towers + 1)), ticktext=heads, tickangle=0),
        yaxis=dict(domain=(bottom + 0.03, 1), range=(num_steps + 0.5, 0.5), showgrid=False, zeroline=False,
                   tickvals=steps, tickfont_size=10,
                   ticktext=[f"{short(name, 28)}  <b>{n}</b>" for n, name in zip(steps, bought, strict=True)]),
        xaxis2=dict(domain=(0.57, 1), range=(least[0], most[0]), anchor="y2", **bare),
        yaxis2=dict(domain=(bottom + 0.33, 1), range=(least[1], most[1]), anchor="x2", **bare),
        xaxis3=dict(domain=(0.67, 0.97), range=(min(-0.1, cosines.min() - 0.1), 1), anchor="y3", dtick=0.5),
        yaxis3=dict(domain=(bottom + 0.06, bottom + 0.24), autorange="reversed", anchor="x3"),
        shapes=[dict(type="line", x0=TURNED, x1=TURNED, y0=0, y1=1, xref="x3", yref="y3 domain",
                     line=dict(color="black", width=1, dash="dash"))],
        annotations=notes, showlegend=False,
    )  # fmt: skip
    fresh = sum(product not in known for product, _, _ in merged)
    title = f"{kept.sum()} of {num_taken} purchases read: {fresh} of the merged first {LISTED} are new"
    if not some:
        title = "Nothing left to read: switch a purchase on"
    looks = [
        f"tower {tower} looks most at purchase {weights.argmax() + 1} ({weights.max():.0%})"
        for tower, weights in enumerate(now.attention, start=1)
    ]
    first = ", ".join(str(names[product]) for product, _, _ in merged[:3])
    alt = f"{title}. " + (
        f"{'; '.join(looks)}. Cosines with the vectors of all purchases: "
        f"{', '.join(f'{cosine:.2f}' for cosine in cosines)}. The merged list begins: {first}."
        if some
        else "The towers have no vectors and no lists."
    )
    return finished(go.Figure(traces, layout), title=title, alt=alt, height=height)


# ---- the panel: one purchase more or less


def purchases_panel(
    model: MTMI, customers: Mapping[str, Customer], names: Shaped[Array, " item"], merge: Merge
) -> Panel:
    """Switch purchases of a customer off and on, with the buttons or by a click in the figure.

    Args:
        customers: by name. The panel starts with the first, who is in every preset.
        merge: makes one list of the towers' lists.
    """
    products, first = product_vectors(model), next(iter(customers))
    switches = [f"p{number}" for number in range(1, model.history_length + 1)]
    controls = [Control(name="customer", label="customer", values=list(customers), kind="list")]
    for number, name in enumerate(switches, start=1):
        controls.append(Control(name=name, label=str(number), values=(False, True), kind="switch"))
    whole: dict[str, tuple] = {}
    for name, customer in customers.items():
        reading = read(model, products, customer.history, customer.taken)
        points = np.concatenate([reading.vectors, products[reading.items.ravel()]])
        whole[name] = reading, merge(reading.lists)[:LISTED], plane(points)

    def draw(state: State) -> go.Figure:
        customer, (everything, before, on_map) = customers[state["customer"]], whole[state["customer"]]
        kept = customer.taken & np.array([state[name] for name in switches])
        now = read(model, products, customer.history, kept)
        merged = merge(now.lists)[:LISTED]
        return purchases_figure(customer, kept, now, everything, merged, before, products, names, on_map)

    def pick(state: State, trace: int, point: int) -> State:
        return {switches[point]: not state[switches[point]]} if trace == 0 else {}

    def idle(state: State) -> list[str]:
        return [name for name, taken in zip(switches, customers[state["customer"]].taken, strict=True) if not taken]

    every = {"customer": first, **dict.fromkeys(switches, True)}
    none = {"customer": first, **dict.fromkeys(switches, False)}
    most = int(whole[first][0].attention.sum(axis=0).argmax())
    presets = {
        "Everything": every,
        "Without the most looked-at": {**every, switches[most]: False},
        "Only the last five": {**none, **dict.fromkeys(switches[-5:], True)},
        "Only the newest": {**none, switches[-1]: True},
    }
    panel = Panel("purchases", controls, draw, start=every, presets=presets, pick=pick, idle=idle)
    panel.widgets["customer"].layout.margin = "2px 520px 2px 2px"  # alone in its row
    for name in switches:  # narrow, so that nine of them stand in one row
        panel.widgets[name].style.button_width, panel.widgets[name].layout.width = "40px", "94px"
    return panel
