"""Figures: pure functions from arrays to plotly figures.

A tower has one colour (Okabe and Ito's, told apart by the colour-blind) and one marker in the whole course. Each
figure carries a text for those who cannot see it, in `layout.meta["alt"]`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from jaxtyping import Float, Int64

from lessons.common.maps import Portrait

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
    """Angles as in school, 0° at the right and growing counter-clockwise, as x and y.

    >>> [axis.round(2).tolist() for axis in on_circle(np.array([0.0, 90.0]))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return radius * np.cos(np.radians(degrees)), radius * np.sin(np.radians(degrees))


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
