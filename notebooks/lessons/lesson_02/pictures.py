"""Lesson 02: its computations, figures and panel."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from IPython.display import clear_output, display
from jaxtyping import Bool, Float, Int64, Shaped

from lessons.common.figures import COLOURS, GREY, MARKERS, SYMBOLS, finished, learning_curves, on_circle, short
from lessons.common.maps import pca_layout
from lessons.common.panels import Control, Panel, State
from mtmi_lite.interactions import Interactions

Array = np.ndarray


def _units(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _points(x: Sequence | Array, y: Sequence | Array, axes: str = "", **style: Any) -> go.Scatter:
    plain = dict(mode="markers", showlegend=False, hoverinfo="skip", xaxis=f"x{axes}", yaxis=f"y{axes}")
    return go.Scatter(x=x, y=y, **{**plain, **style})


# --- products and their neighbours ----------------------------------------------------------------------------------


def nearest_products(
    vectors: Float[Array, "item dim"], products: Int64[Array, " product"], num: int
) -> Int64[Array, "product num"]:
    """The `num` products with the largest cosine to each of some products, best first, itself left out.

    >>> nearest_products(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), np.array([0, 2]), 1).tolist()
    [[1], [1]]
    """
    units = _units(vectors)
    cosines = units[products] @ units.T
    cosines[np.arange(len(products)), products] = -np.inf
    return np.argsort(-cosines, axis=1, kind="stable")[:, :num]


def choose_products(
    vectors: Float[Array, "item dim"], counts: Int64[Array, " item"], num: int, *, among: int = 60
) -> Int64[Array, " num"]:
    """Products to name on a map: the best-seller, then of the `among` best-sellers those least like the chosen ones.

    >>> vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [-1.0, 0.0]])
    >>> choose_products(vectors, np.array([9, 8, 7, 1]), 2, among=3).tolist()
    [0, 2]
    """
    best = np.argsort(-counts, kind="stable")[:among]
    cosines = _units(vectors[best]) @ _units(vectors[best]).T
    chosen = [0]
    while len(chosen) < num:
        chosen.append(int(cosines[chosen].max(axis=0).argmin()))
    return best[chosen]


def buyers_in_common(
    log: Interactions,
    users: Int64[Array, " user"],
    products: Int64[Array, " product"],
    others: Int64[Array, "product num"],
) -> Float[Array, "product num"]:
    """Of the users who bought a product or the other, the fraction that bought both (Jaccard); 0 where nobody did.

    >>> from mtmi_lite.interactions import from_columns
    >>> log = from_columns(users=[0, 0, 1, 2], items=["a", "b", "a", "c"], times=[0, 1, 0, 0])
    >>> buyers_in_common(log, np.array([0, 1]), np.array([0]), np.array([[1, 2]])).tolist()
    [[0.5, 0.0]]
    """
    bought = np.zeros((log.num_users, log.num_items), dtype=bool)
    bought[log.users, log.items] = True
    bought = bought[users]
    left, right = bought[:, products, None], bought[:, others]
    return (left & right).sum(axis=0) / np.maximum((left | right).sum(axis=0), 1)


def product_map(
    vectors: Float[Array, "item dim"],
    products: Int64[Array, " product"],
    neighbours: Int64[Array, "product num"],
    names: Shaped[Array, " item"],
    *,
    title: str,
    named: int = 3,
) -> go.Figure:
    """Some products and their nearest ones on a map (PCA), above the names of the first `named`."""
    shown = np.concatenate([products[:, None], neighbours], axis=1)
    flat = pca_layout(_units(vectors)[shown.ravel()].astype(np.float32)).reshape(*shown.shape, 2)
    figure = go.Figure()
    lines, sizes = [], [18] + [9] * neighbours.shape[1]
    for index, product in enumerate(products):
        colour, sign = COLOURS[index], SYMBOLS[index]
        marker = dict(color=colour, symbol=MARKERS[index], size=sizes, opacity=0.75, line=dict(color="white", width=1))
        figure.add_trace(_points(*flat[index].T, marker=marker, text=names[shown[index]], hoverinfo="text"))
        lines.append(f"<b><span style='color:{colour}'>{sign} {short(str(names[product]), 38)}</span></b>")
        lines += [f"   {short(str(names[other]), 42)}" for other in neighbours[index, :named]]
    # below the map and not beside it, so that a narrow page has room for both
    map_height, text_height = 300, 17 * len(lines) + 10
    place = dict(x=0, y=0, xref="paper", yref="paper", xanchor="left", yanchor="top", align="left")
    figure.add_annotation(text="<br>".join(lines), showarrow=False, **place)
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    alt = "Map of some products and the products nearest to each: " + "; ".join(
        f"{names[product]}: " + ", ".join(str(names[other]) for other in neighbours[index, :named])
        for index, product in enumerate(products)
    )
    figure = finished(figure, title=title, alt=alt, height=70 + map_height + text_height)
    return figure.update_layout(margin_b=text_height)


def watched(seen: dict[int, float], floors: dict[str, float], *, title: str) -> go.Figure:
    """Recall@50 of the validation users through training, above floors: Most Popular first, then the others."""
    popular, *others = floors.items()
    line = (np.array(list(seen)), np.array(list(seen.values())))
    figure = learning_curves({"one tower": line}, popular[1], title=title)
    last = max(seen)
    for (name, recall), dash in zip(others, ("dot", "dashdot"), strict=False):
        style = dict(mode="lines", line=dict(color=GREY, dash=dash))
        figure.add_scatter(x=[0, last], y=[recall, recall], name=name, **style)
    figure.layout["meta"]["alt"] += " " + ", ".join(f"{name} {recall:.3f}" for name, recall in others) + "."
    return figure.update_layout(legend=dict(orientation="h", y=-0.2), margin_b=30)


def show_live(figure: go.Figure) -> None:
    """Show a figure in place of what its cell has shown so far: a curve that grows while the cell runs.

    A new output, because JupyterLab leaves a plotly figure as it is when its display is updated.
    """
    bundle = {
        "application/vnd.plotly.v1+json": json.loads(figure.to_json() or "{}"),
        "text/plain": str(figure.layout["meta"]["alt"]),
    }
    clear_output(wait=True)
    display(bundle, raw=True)


# --- where a tower looks --------------------------------------------------------------------------------------------


def slot_figure(
    mean: Float[Array, " slot"], own: Float[Array, " slot"], names: Shaped[Array, " slot"], *, title: str
) -> go.Figure:
    """How much each slot of a history weighs: on average, and for one user, beside the equal weights of a mean.

    Args:
        own: the weights of one user, whose items have these `names`.
    """
    slots = np.arange(1, len(mean) + 1)
    figure = go.Figure()
    figure.add_bar(x=slots, y=mean, name="average", marker_color=COLOURS[0], hovertemplate="%{y:.0%}")
    marker = dict(color=COLOURS[1], symbol=MARKERS[1], size=9)
    figure.add_trace(_points(slots, own, marker=marker, name="one customer", showlegend=True, text=names))
    figure.data[1].update(hoverinfo="text+y")
    line = dict(color=GREY, dash="dash")
    figure.add_trace(_points([0.5, len(mean) + 0.5], [1 / len(mean)] * 2, mode="lines", line=line))
    figure.data[2].update(name="mean-pooling", showlegend=True)
    figure.update_xaxes(title="slot of the history, oldest to newest", tickvals=[1, 5, 10, 15, 20])
    figure.update_yaxes(title="weight", tickformat=".0%", rangemode="tozero")
    figure.update_layout(legend=dict(orientation="h", y=-0.25))
    alt = (
        f"Bars by slot, oldest first. Average weight {mean[0]:.0%} in the first slot, {mean[-1]:.0%} in the last; "
        + (f"of one customer, {own[0]:.0%} and {own[-1]:.0%}. Equal weights would be {1 / len(mean):.0%}.")
    )
    return finished(figure, title=title, alt=alt, height=380)


# --- what one vector can hold ---------------------------------------------------------------------------------------


def kept_by_the_mean(
    num_interests: int, interests_per_user: int, dim: int, *, users: int = 1000, seed: int = 0
) -> float:
    """The fraction of a user's interests among the nearest to their mean; as many nearest as the user has interests.

    Interests are random directions, and nothing is trained: it is what the space alone allows.

    >>> kept_by_the_mean(200, 1, 4)  # the mean of one is itself
    1.0
    """
    rng = np.random.default_rng(seed)
    directions = _units(rng.normal(size=(num_interests, dim)))
    own = np.argsort(rng.random((users, num_interests)), axis=1)[:, :interests_per_user]
    cosines = directions[own].mean(axis=1) @ directions.T
    nearest = np.argsort(-cosines, axis=1)[:, :interests_per_user]
    return float((nearest[:, :, None] == own[:, None, :]).any(axis=1).mean())


def interests_served(
    ranked: Int64[Array, "case num"],
    item_interest: Int64[Array, " item"],
    user_interests: Int64[Array, "case own"],
    *,
    least: int = 5,
) -> Float[Array, " case"]:
    """The fraction of each user's interests of which the list holds at least `least` items.

    >>> interests_served(np.array([[0, 1, 2]]), np.array([7, 7, 8]), np.array([[7, 8]]), least=2)
    array([0.5])
    """
    counts = (item_interest[ranked][:, None, :] == user_interests[:, :, None]).sum(axis=2)
    return (counts >= least).mean(axis=1)


def room_figure(kept: dict[str, dict[int, float]], *, title: str) -> go.Figure:
    """What the mean of some interests keeps, by the numbers in a vector; a colour and a marker for each world."""
    figure = go.Figure()
    said = []
    for index, (name, values) in enumerate(kept.items()):
        text = [f"{part:.0%}" for part in values.values()]
        place = "top center" if index == 0 else "bottom center"
        style: dict[str, Any] = dict(line_color=COLOURS[index], marker=dict(symbol=MARKERS[index], size=9))
        style |= dict(mode="lines+markers+text", text=text, textposition=place, showlegend=True)
        figure.add_trace(_points(list(values), list(values.values()), name=name, **style))
        said.append(f"{name}: " + ", ".join(f"{part} at {d}" for d, part in zip(values, text, strict=True)))
    figure.update_xaxes(title="numbers in a vector, d", type="log", tickvals=[4, 8, 16, 32, 64], range=[0.5, 1.95])
    figure.update_yaxes(title="interests near their mean", range=[0, 1.12], tickformat=".0%")
    figure.update_yaxes(tickvals=[0, 0.25, 0.5, 0.75, 1]).update_layout(legend=dict(orientation="h", y=-0.25))
    return finished(figure, title=title, alt="By numbers in a vector. " + "; ".join(said) + ".", height=380)


# --- the panel: interests on a circle -------------------------------------------------------------------------------

AROUND = np.array([-12.0, -6.0, 0.0, 6.0, 12.0])
"""The places of the five items of an interest, in degrees from its middle."""
OTHERS = np.arange(-175.0, 180.0, 10.0)
"""The places of the items that the user does not want."""
TEMPERATURE = 0.1


def middles(num_interests: int, apart: float) -> Float[Array, " interest"]:
    """The angles of interests side by side, around 0; never so far apart that they would meet behind.

    >>> middles(2, 60).tolist(), middles(4, 180).tolist()
    ([-30.0, 30.0], [-135.0, -45.0, 45.0, 135.0])
    """
    return (np.arange(num_interests) - (num_interests - 1) / 2) * min(apart, 360 / num_interests)


@dataclass(frozen=True, kw_only=True, eq=False)
class OneVector:
    """All places for one vector on the circle, and the one that is best.

    Args:
        angles: the places tried, one a degree, the nearest to 0° first.
        items: where the items stand, five of each interest, then the others.
        weights: the fraction of the purchases that each interest has.
        likelihood: of each place, the mean of `log softmax(cos / τ)` over the purchases, among all items.
        served: of each place, the fraction of the purchases whose items are in the list, the items nearest to it.
        best: which place is best by the measure asked for.
        listed: True for the items in the list of that place.
    """

    angles: Float[Array, " angle"]
    items: Float[Array, " item"]
    weights: Float[Array, " interest"]
    likelihood: Float[Array, " angle"]
    served: Float[Array, " angle"]
    best: int
    listed: Bool[Array, " item"]


def one_vector(*, num_interests: int, apart: float, first: float, length: int, best_for: str) -> OneVector:
    """Try one vector at each degree of the circle.

    Args:
        apart: degrees between an interest and the next.
        first: how many times as much is bought of the first interest as of each other one.
        length: of the list.
        best_for: "training", the likelihood, or "serving", the purchases served; among equals, the place nearest to
            the middle of an interest.

    >>> place = one_vector(num_interests=2, apart=180, first=1, length=10, best_for="serving")
    >>> float(place.angles[place.best]), float(place.served[place.best])  # on one of the two
    (-90.0, 0.5)
    """
    weights = np.ones(num_interests)
    weights[0] = first
    weights /= weights.sum()
    centres = middles(num_interests, apart)
    items = np.concatenate([(centres[:, None] + AROUND).ravel(), OTHERS])
    angles = np.arange(-180.0, 180.0)
    angles = angles[np.argsort(np.abs(angles), kind="stable")]
    cosines = np.cos(np.radians(angles[:, None] - items)).round(9)  # rounded, so that equal places tie
    bought = np.repeat(weights / len(AROUND), len(AROUND))  # the fraction of the purchases of each item
    scores = cosines / TEMPERATURE
    likelihood = scores[:, : len(bought)] @ bought - np.log(np.exp(scores).sum(axis=1))
    listed = np.zeros(cosines.shape, dtype=bool)
    np.put_along_axis(listed, np.argsort(-cosines, axis=1, kind="stable")[:, :length], True, axis=1)
    served = listed[:, : len(bought)] @ bought
    measure = (likelihood if best_for == "training" else served).round(6)
    to_interest = np.cos(np.radians(angles[:, None] - centres)).max(axis=1).round(9)
    best = int(np.lexsort((np.arange(len(angles)), -to_interest, -measure))[0])
    every = dict(angles=angles, items=items, weights=weights, likelihood=likelihood, served=served)
    return OneVector(**every, best=best, listed=listed[best])


def circle_figure(state: State) -> go.Figure:
    """Interests on a circle, the best single vector and its list; beside them what each place would give."""
    place, num, length = one_vector(**state), state["num_interests"], state["length"]
    centres, own = middles(num, state["apart"]), num * len(AROUND)
    angle, served = float(place.angles[place.best]), place.served[place.best]
    of_list = f"among the {length} nearest"
    hidden = dict(visible=False, range=(-1.35, 1.35))
    ticks = dict(tickvals=[-180, -90, 0, 90, 180], ticktext=["−180°", "−90°", "0°", "90°", "180°"])
    degrees = dict(range=(-185, 185), domain=(0.54, 1), **ticks)
    head = dict(xref="paper", yref="paper", xanchor="center", yanchor="bottom", showarrow=False, font_size=13)
    # at once, as plotly takes twice as long piece by piece, and a slider waits
    layout = dict(
        xaxis=dict(domain=(0, 0.46), constrain="domain", **hidden),
        yaxis=dict(scaleanchor="x", **hidden),
        xaxis2=dict(anchor="y2", **degrees),
        yaxis2=dict(anchor="x2", domain=(0.58, 1)),
        xaxis3=dict(anchor="y3", **degrees),
        yaxis3=dict(anchor="x3", domain=(0, 0.42), tickformat=".0%", range=(-0.06, 1.06)),
        annotations=[
            dict(text=f"filled: {of_list}", x=0.23, y=1, **head),
            dict(text="training: log-likelihood of a purchase", x=0.77, y=1, **head),
            dict(text=f"serving: purchases {of_list}", x=0.77, y=0.42, **head),
        ],
        legend=dict(orientation="h", y=-0.08),
    )
    traces = [_points(*on_circle(np.arange(0.0, 361.0, 5)), mode="lines", line=dict(color="#CCCCCC", width=1))]
    hits = place.listed[:own].reshape(num, -1)
    for interest in range(num):
        # outside of the circle, in two rows, so that interests that overlap are both seen
        x, y = on_circle(centres[interest] + AROUND, 1.1 + 0.12 * (interest % 2))
        symbols = [MARKERS[interest] + ("" if hit else "-open") for hit in hits[interest]]
        marker = dict(color=COLOURS[interest], symbol=symbols, size=11, line_width=2)
        name = f"interest {interest + 1}: {place.weights[interest]:.0%} of purchases"
        traces.append(_points(x, y, marker=marker, name=name, hoverinfo="name", showlegend=True))
    marker = dict(color=GREY, symbol=np.where(place.listed[own:], "circle", "circle-open"), size=7)
    x, y = on_circle(OTHERS)
    traces.append(_points(x, y, marker=marker, name="bought by others", hoverinfo="name", showlegend=True))
    (tip_x,), (tip_y,) = on_circle(np.array([angle]), 0.92)
    marker = dict(symbol="arrow", angleref="previous", size=[0, 16], color="black")
    line = dict(color="black", width=3)
    traces.append(_points([0, tip_x], [0, tip_y], mode="lines+markers", line=line, marker=marker))
    x, y = on_circle(np.array([-11.0, 79.0, 169.0, 259.0]), 0.84)  # beside the arrow, should it point there
    labels: dict[str, Any] = dict(mode="text", text=["0°", "90°", "180°", "−90°"], textfont=dict(color=GREY, size=11))
    traces.append(_points(x, y, **labels))
    order = np.argsort(place.angles)
    for axes, values, floor in (("2", place.likelihood, place.likelihood.min()), ("3", place.served, 0)):
        line = dict(color="black", width=1)
        traces.append(_points(place.angles[order], values[order].round(4), axes, mode="lines", line=line))
        marker = dict(color=list(COLOURS[:num]), symbol=list(MARKERS[:num]), size=9)
        traces.append(_points(centres, [floor] * num, axes, marker=marker))
        traces.append(_points([angle], [values[place.best]], axes, marker=dict(color="black", size=10)))
    title = f"Best for {state['best_for']}: one vector at {angle:.0f}° serves {served:.0%} of the purchases".replace(
        "-", "−"
    )
    each = ", ".join(
        f"{mine.sum()} of the 5 products of interest {interest + 1} ({place.weights[interest]:.0%} of purchases)"
        for interest, mine in enumerate(hits)
    )
    alt = (
        f"{title}; the best place for serving has {place.served.max():.0%}. The {length} nearest are {each}, and "
        f"{place.listed[own:].sum()} others."
    )
    return finished(go.Figure(traces, layout), title=title, alt=alt, height=480)


CIRCLE_START = {"num_interests": 2, "apart": 60, "first": 1, "length": 10, "best_for": "training"}
CIRCLE_PRESETS = {
    "Two neighbours": {"num_interests": 2, "apart": 20, "first": 1, "best_for": "training"},
    "Two opposites": {"num_interests": 2, "apart": 180, "first": 1, "best_for": "training"},
    "Four around": {"num_interests": 4, "apart": 90, "first": 1, "best_for": "training"},
    "One bought most": {"num_interests": 3, "apart": 120, "first": 5, "best_for": "training"},
}


def circle_panel() -> Panel:
    """How many interests, how far apart and how unequal, and what the best single vector serves."""
    controls = [
        Control(name="num_interests", label="interests", values=[1, 2, 3, 4]),
        Control(name="apart", label="degrees apart", values=list(range(10, 181, 10))),
        Control(name="first", label="first bought, times", values=[1, 2, 3, 5, 10]),
        Control(name="length", label="list length", values=[5, 10, 20]),
        Control(name="best_for", label="best for", values=["training", "serving"], kind="switch"),
    ]

    def idle(state: State) -> tuple[str, ...]:
        return ("apart", "first") if state["num_interests"] == 1 else ()

    return Panel("circle", controls, circle_figure, start=CIRCLE_START, presets=CIRCLE_PRESETS, idle=idle)
