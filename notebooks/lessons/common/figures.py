"""Figures: pure functions from arrays to plotly figures.

A tower has one colour (Okabe and Ito's, told apart by the colour-blind) and one marker in the whole course. Each
figure carries a text for those who cannot see it, in `layout.meta["alt"]`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from jaxtyping import Float, Int64, Shaped
from plotly.subplots import make_subplots

from lessons.common.maps import Portrait, pca_layout

Array = np.ndarray
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star")
SYMBOLS = ("●", "■", "◆", "▲", "✚", "✖", "▼", "★")
MAP_POINTS = 240
GREY = "#767676"  # the lightest grey that is still readable on white

_WHITE = go.Figure(layout_template="plotly_white").to_plotly_json()["layout"]["template"]["layout"]
_USED = ("annotationdefaults", "font", "hoverlabel", "hovermode", "paper_bgcolor", "plot_bgcolor", "xaxis", "yaxis")
# What the course uses of plotly's white look, for all figures from here on: plotly's own default is 7 kB in each, and
# half of the time that it takes to make one.
pio.templates["mtmi"] = go.layout.Template(layout={name: _WHITE[name] for name in _USED})
pio.templates.default = "mtmi"


def tower_name(tower: int) -> str:
    """The name of a tower in every figure.

    >>> tower_name(0)
    '● Tower 1'
    """
    return f"{SYMBOLS[tower]} Tower {tower + 1}"


def finished(figure: go.Figure, *, title: str, alt: str, height: int) -> go.Figure:
    """A figure in the look of the course: its title, its text for those who cannot see it, its height in pixels."""
    return figure.update_layout(
        title=dict(text=title, x=0.01, xanchor="left", font_size=16),
        height=height,
        margin=dict(l=10, r=10, t=70, b=10),
        font=dict(family="DejaVu Sans, Verdana, sans-serif", size=12),
        meta={"alt": alt},
    )


def short(name: str, length: int = 34) -> str:
    """A name that fits, cut with … where it must be."""
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"


def on_circle(degrees: Float[Array, "*shape"], radius: float | Float[Array, "*shape"] = 1.0) -> tuple[Array, Array]:
    """Angles on a clock face, 0° at the top and growing clockwise, as x and y.

    >>> [axis.round(2).tolist() for axis in on_circle(np.array([0.0, 90.0]))]
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return radius * np.sin(np.radians(degrees)), radius * np.cos(np.radians(degrees))


def customer_map(
    vectors: Float[Array, "tower dim"],
    item_vectors: Float[Array, "item dim"],
    lists: Int64[Array, "tower num"],
    names: Shaped[Array, " item"],
    *,
    title: str,
    named: int = 5,
) -> go.Figure:
    """One user as K vectors on a map of items (PCA of what the towers found), beside the products each stands for.

    Args:
        vectors, item_vectors: of length 1.
        lists: each tower's nearest items, best first; the first `named` are named.
    """
    num_towers = len(vectors)
    found = item_vectors[lists.ravel()]
    flat = pca_layout(np.concatenate([vectors, found]).astype(np.float32))
    own, items = flat[:num_towers], flat[num_towers:].reshape(*lists.shape, 2)
    figure = make_subplots(
        cols=2, column_widths=[0.58, 0.42], horizontal_spacing=0.02, specs=[[{"type": "scatter"}, {"type": "scatter"}]]
    )
    for tower in range(num_towers):
        style = dict(color=COLOURS[tower], symbol=MARKERS[tower])
        figure.add_scatter(
            x=items[tower, :, 0],
            y=items[tower, :, 1],
            mode="markers",
            marker=dict(size=8, opacity=0.55, **style),
            text=names[lists[tower]],
            hovertemplate="%{text}<extra>" + tower_name(tower) + "</extra>",
            showlegend=False,
            col=1,
            row=1,
        )
    for tower in range(num_towers):  # the vectors on top of the products
        figure.add_scatter(
            x=[own[tower, 0]],
            y=[own[tower, 1]],
            mode="markers+text",
            marker=dict(size=20, color=COLOURS[tower], symbol=MARKERS[tower], line=dict(color="white", width=2)),
            text=f"<b>{tower + 1}</b>",
            textposition="top center",
            textfont_size=16,
            hovertemplate=f"vector of {tower_name(tower)}<extra></extra>",
            showlegend=False,
            col=1,
            row=1,
        )
    text = []
    for tower in range(num_towers):
        text.append(f"<b><span style='color:{COLOURS[tower]}'>{tower_name(tower)}</span></b>")
        text += [f"   {short(str(names[item]), 40)}" for item in lists[tower, :named]] + [""]
    figure.add_annotation(
        text="<br>".join(text), x=0.6, y=1, xref="paper", yref="paper", xanchor="left", yanchor="top",
        align="left", showarrow=False,
    )  # fmt: skip
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    alt = f"Map of the products near one customer's {num_towers} vectors, each vector with its first products: " + (
        "; ".join(f"tower {t + 1}: " + ", ".join(map(str, names[lists[t, :3]])) for t in range(num_towers))
    )
    return finished(figure, title=title, alt=alt, height=max(420, 60 + 17 * len(text)))


def list_table(
    single: Int64[Array, " num"],
    lists: Int64[Array, "tower num"],
    merged: Int64[Array, " num"],
    brought_by: Int64[Array, " num"],
    bought_later: Int64[Array, " relevant"],
    names: Shaped[Array, " item"],
    *,
    title: str,
) -> go.Figure:
    """The list of one vector, the K lists of K towers and the list merged from them; ✓ is what was bought later."""
    num_towers = len(lists)

    def cell(item: int, mark: str = "") -> str:
        tick = "✓ " if item in bought_later else ""
        return f"{tick}{mark}{short(str(names[item]))}"

    columns = [[cell(item) for item in single]]
    columns += [[cell(item) for item in lists[tower]] for tower in range(num_towers)]
    columns += [[cell(item, f"{SYMBOLS[tower]} ") for item, tower in zip(merged, brought_by, strict=True)]]
    colours: list[str | list[str]] = ["black", *COLOURS[:num_towers], [COLOURS[tower] for tower in brought_by]]
    figure = go.Figure(
        go.Table(
            header=dict(
                values=["<b>One vector</b>"]
                + [f"<b>{tower_name(tower)}</b>" for tower in range(num_towers)]
                + ["<b>Merged</b>"],
                font_color=["black", *COLOURS[:num_towers], "black"],
                align="left",
                fill_color="#EEEEEE",
            ),
            cells=dict(values=columns, font_color=colours, align="left", fill_color="white", height=32, font_size=11),
        )
    )
    ticks = [int(np.isin(column, bought_later).sum()) for column in (single, *lists, merged)]
    alt = (
        f"Table of recommendations. Of the first {len(merged)}, later bought: {ticks[0]} in the list of one vector, "
        f"{', '.join(map(str, ticks[1:-1]))} in the towers' lists, {ticks[-1]} in the merged list."
    )
    return finished(figure, title=title, alt=alt, height=120 + 46 * len(merged))


def learning_curves(
    curves: dict[str, tuple[Int64[Array, " look"], Float[Array, " look"]]], floor: float, *, title: str
) -> go.Figure:
    """Recall@50 of the validation users through training, a line a model, above the floor of Most Popular."""
    figure = go.Figure()
    last = max(int(steps[-1]) for steps, _ in curves.values())
    for index, (name, (steps, recall)) in enumerate(curves.items()):
        figure.add_scatter(
            x=steps,
            y=recall,
            name=name,
            mode="lines+markers",
            line=dict(color=COLOURS[index]),
            marker=dict(symbol=MARKERS[index], size=8),
        )
    figure.add_scatter(
        x=[0, last], y=[floor, floor], name="Most Popular", mode="lines", line=dict(color=GREY, dash="dash")
    )
    figure.update_xaxes(title="training steps").update_yaxes(title="recall@50, validation users", rangemode="tozero")
    alt = f"Recall at 50 through {last} training steps. At the end: " + ", ".join(
        f"{name} {recall[-1]:.3f}" for name, (_, recall) in curves.items()
    )
    return finished(figure, title=title, alt=f"{alt}; Most Popular {floor:.3f}.", height=380)


def tower_work(
    shares: Float[Array, " tower"], without: Float[Array, " tower"], recall: float, *, title: str
) -> go.Figure:
    """The work of each tower: its share of the hits, and how much recall@50 is lost without it."""
    towers = [tower_name(tower) for tower in range(len(shares))]
    lost = recall - without
    figure = make_subplots(cols=2, subplot_titles=("share of the hits", f"recall@50 lost without it (of {recall:.3f})"))
    for column, (values, form) in enumerate(((shares, ".0%"), (lost, ".3f")), start=1):
        figure.add_bar(
            x=towers,
            y=values,
            marker_color=list(COLOURS[: len(towers)]),
            text=[format(value, form) for value in values],
            showlegend=False,
            row=1,
            col=column,
        )
    figure.update_yaxes(tickformat=".0%", col=1, row=1)
    alt = "Two bar charts. " + "; ".join(
        f"{name[2:]}: {share:.0%} of the hits, {loss:.3f} of recall lost without it"
        for name, share, loss in zip(towers, shares, lost, strict=True)
    )
    return finished(figure, title=title, alt=alt, height=360)


def caption(portrait: Portrait) -> str:
    """The numbers that belong beside a map, measured on all cases in the original space."""
    text = f"recall@50 {portrait.recall_50:.3f}"
    if len(portrait.shares) == 1:
        return f"{text} · one tower: no pairs, no cosine"
    return f"{text} · mean pairwise cosine {portrait.cosine:.2f} · median overlap of lists {portrait.overlap:.2f}"


def two_maps(portrait: Portrait) -> go.Figure:
    """User vectors on a PCA and on a UMAP map, coloured by tower; the first user's are drawn large and joined.

    With many towers there are fewer users, so that a slider can follow: a page takes its time with each point.
    """
    num_towers = portrait.pca.shape[1]
    ring = dict(size=15, symbol="circle", color="rgba(0,0,0,0)", line=dict(color="black", width=2))
    users = slice(MAP_POINTS // num_towers)
    traces = []
    for axes, layout in (("", portrait.pca[users]), ("2", portrait.umap[users])):
        place = dict(xaxis=f"x{axes}", yaxis=f"y{axes}", showlegend=axes == "", hoverinfo="name")
        for tower in range(num_towers):
            marker = dict(color=COLOURS[tower], symbol=MARKERS[tower], size=7, opacity=0.7)
            own = dict(name=f"Tower {tower + 1}", legendgroup=str(tower), mode="markers", marker=marker)
            traces.append(go.Scatter(x=layout[:, tower, 0], y=layout[:, tower, 1], **own, **place))
        joined = dict(name="one customer", mode="lines+markers", line=dict(color="black", width=1), marker=ring)
        traces.append(go.Scatter(x=layout[0, :, 0], y=layout[0, :, 1], **joined, **place))
    bare = dict(showticklabels=False, zeroline=False)
    head = dict(y=1, xref="paper", yref="paper", xanchor="center", yanchor="bottom", showarrow=False, font_size=16)
    # all at once: plotly takes twice as long to put the same figure together piece by piece, and a slider waits
    figure = go.Figure(
        traces,
        dict(
            xaxis=dict(domain=(0, 0.45), range=(-1, 1), **bare),  # one scale for the PCA, so that spreads compare
            yaxis=dict(range=(-1, 1), **bare),
            xaxis2=dict(domain=(0.55, 1), anchor="y2", **bare),
            yaxis2=dict(anchor="x2", **bare),
            annotations=[
                dict(text="PCA (straight shadow)", x=0.225, **head),
                dict(text="UMAP (keeps neighbours only)", x=0.775, **head),
            ],
            legend=dict(orientation="h", y=-0.02),
        ),
    )
    alt = (
        f"Two maps of the user vectors of {len(portrait.pca[users])} customers, {num_towers} towers in "
        f"{num_towers} colours and markers, PCA on the left, UMAP on the right. {caption(portrait)}."
    )
    return finished(figure, title=caption(portrait), alt=alt, height=430)


def curves_figure(
    curves: Mapping[str, tuple], x: dict, y: dict, *, title: str, labels: Sequence[str] = (), reference: str = ""
) -> go.Figure:
    """A line for each name, or a point where it has one place only.

    Args:
        curves: along x and y, by name.
        x, y: what plotly is told of the axes.
        labels: stand beside the points of the first line.
        reference: the curve that the others are compared with, which is grey.
    """
    figure = go.Figure()
    add_lines(figure, curves, reference)
    if labels:
        figure.update_traces(mode="lines+markers+text", text=labels, textposition="top right", selector=0)
    figure.update_layout(xaxis=x, yaxis=y)
    words = "; ".join(
        f"{name}: {ys[0]:.3g} at {xs[0]:.3g}" + (f", to {ys[-1]:.3g} at {xs[-1]:.3g}" if len(xs) > 1 else "")
        for name, (xs, ys) in curves.items()
    )
    return finished(figure, title=title, alt=f"{y['title']}, against {x['title']}. {words}.", height=400)


def add_lines(figure: go.Figure, curves: Mapping[str, tuple], reference: str = "") -> None:
    """Add a line for each name to a figure; the reference is grey."""
    for number, (name, (x, y)) in enumerate(curves.items()):
        colour, symbol = (GREY, "star") if name == reference else (COLOURS[number], MARKERS[number])
        marker = dict(size=9, color=colour, symbol=symbol)
        figure.add_scatter(x=x, y=y, name=name, mode="lines+markers", marker=marker)
