"""Lesson 03: its computations, figures and panel: what each tower adds, and whose gain it is."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float, Int64, Shaped
from plotly.subplots import make_subplots

from lessons.common.figures import COLOURS, GREY, MARKERS, SYMBOLS, finished, short, tower_name
from lessons.common.panels import Control, Panel, State
from mtmi_lite.metrics import Evaluation, find_hits, recall
from mtmi_lite.retrieval import TowerLists, merge

Array = np.ndarray
NUMS = (10, 20, 50)
EVERYONE = "all customers"
Difference = tuple[float, float, float]
"""A mean difference, and the low and the high end of its interval."""


def lost_without(evaluation: Evaluation, num: int = 50) -> Float[Array, " tower"]:
    """The mean recall that is lost without each tower: a negative number says that the list is better without it."""
    towers = range(evaluation.lists.items.shape[1])
    whole = evaluation.recall(num).mean()
    return np.array([whole - evaluation.recall_without(tower, num).mean() for tower in towers])


def work_of_two(evaluations: dict[str, Evaluation], *, title: str, num: int = 50) -> go.Figure:
    """A row for each model: every tower's share of the hits, and the recall that is lost without it."""
    titles = [text for name in evaluations for text in (f"{name}: share of the hits", f"{name}: lost without it")]
    figure = make_subplots(rows=len(evaluations), cols=2, subplot_titles=titles, vertical_spacing=0.2)
    words, ends = [], [[0.0], [0.0]]
    for row, (name, evaluation) in enumerate(evaluations.items(), start=1):
        shares, lost = evaluation.tower_shares(num), lost_without(evaluation, num)
        towers = [tower_name(tower) for tower in range(len(shares))]
        for column, (values, form) in enumerate(((shares, ".0%"), (lost, "+.3f")), start=1):
            text = [format(value, form) for value in values]
            ends[column - 1] += values.tolist()
            colours = list(COLOURS[: len(towers)])
            figure.add_bar(
                x=towers, y=values, text=text, textposition="outside", marker_color=colours, showlegend=False, row=row,
                col=column,
            )  # fmt: skip
        pairs = zip(towers, shares, lost, strict=True)
        words.append(f"{name}: " + ", ".join(f"{t[2:]} {share:.0%} and {loss:+.3f}" for t, share, loss in pairs))
    for column, values in enumerate(ends, start=1):  # one scale a column, with room for the numbers
        low, high = min(values), max(values)
        room = 0.18 * (high - low)
        figure.update_yaxes(range=[low - room * (low < 0), high + room], col=column)
    figure.update_yaxes(tickformat=".0%", col=1)
    alt = f"Bars for each tower, its share of the hits and the recall@{num} lost without it. {'; '.join(words)}."
    return finished(figure, title=title, alt=alt, height=40 + 260 * len(evaluations))


def one_table(num_towers: int) -> go.Figure:
    """The model as a drawing: history and target read one table, K towers make K vectors, the item tower makes one."""
    figure = go.Figure()
    places = np.linspace(0.95, 0.3, num_towers)

    def box(x: float, y: float, text: str, colour: str = "black", *, width=0.13, height=0.1) -> None:
        corners = dict(x0=x - width / 2, x1=x + width / 2, y0=y - height / 2, y1=y + height / 2)
        figure.add_shape(type="rect", **corners, line=dict(color=colour, width=2), fillcolor="white")
        figure.add_annotation(x=x, y=y, text=text, showarrow=False, font=dict(color=colour, size=13))

    def arrow(x0: float, y0: float, x1: float, y1: float, colour: str = GREY) -> None:
        ends = dict(x=x1, y=y1, ax=x0, ay=y0, xref="x", yref="y", axref="x", ayref="y")
        figure.add_annotation(**ends, text="", showarrow=True, arrowhead=2, arrowwidth=1.5, arrowcolor=colour)

    high, low, profile = float(places.mean()), 0.06, 1.1
    for tower, place in enumerate(places):
        arrow(0.415, high, 0.53, place, COLOURS[tower])
        arrow(0.415, profile, 0.53, place + 0.02)
        arrow(0.67, place, 0.775, place, COLOURS[tower])
        arrow(0.86, place, 0.915, (high + low) / 2 + 0.12)
        box(0.6, place, tower_name(tower), COLOURS[tower], height=min(0.1, 0.55 / num_towers))
        name = f"{SYMBOLS[tower]} v<sub>u</sub><sup>({tower + 1})</sup>"
        figure.add_annotation(x=0.82, y=place, text=name, showarrow=False, font=dict(color=COLOURS[tower], size=15))
    arrow(0.19, high, 0.285, high)
    arrow(0.19, low, 0.285, low)
    arrow(0.415, low, 0.53, low)
    arrow(0.67, low, 0.785, low)
    arrow(0.85, low, 0.915, (high + low) / 2 - 0.12)
    box(0.12, high, "history")
    box(0.12, low, "one product")
    box(0.35, (high + low) / 2, "<b>one table</b><br>a row for<br>each product", height=high - low + 0.2)
    box(0.35, profile, "profile")
    box(0.6, low, "item tower")
    figure.add_annotation(x=0.82, y=low, text="v<sub>t</sub>", showarrow=False, font_size=15)
    compared = "cosine of<br>each v<sub>u</sub><br>with v<sub>t</sub>"
    figure.add_annotation(x=0.955, y=(high + low) / 2, text=compared, showarrow=False)
    figure.update_xaxes(visible=False, range=[0, 1.02]).update_yaxes(visible=False, range=[-0.12, 1.2])
    alt = (
        f"Drawing: a history goes through one table of product vectors into {num_towers} towers, which give "
        f"{num_towers} vectors; a profile goes into each tower beside the table; a product goes through the same table "
        "and the item tower into its vector, and each of the user's vectors is compared with it."
    )
    return finished(figure, title=f"One table, {num_towers} user towers, one item tower", alt=alt, height=430)


def differences(rows: dict[str, Difference], *, title: str) -> go.Figure:
    """Differences in recall@50 with their intervals, a row each; those whose interval holds 0 are hollow and grey."""
    figure = go.Figure()
    for name, (middle, low, high) in rows.items():
        tells = not low <= 0 <= high
        colour = COLOURS[0] if tells else GREY
        figure.add_scatter(
            x=[middle],
            y=[name],
            error_x=dict(type="data", array=[high - middle], arrayminus=[middle - low], thickness=2, width=6),
            mode="markers+text",
            text=f"{middle:+.3f}",
            textposition="top center",
            marker=dict(size=12, color=colour, symbol=MARKERS[0] if tells else f"{MARKERS[0]}-open"),
            showlegend=False,
            hovertemplate=f"{middle:+.3f} [{low:+.3f}, {high:+.3f}]<extra></extra>",
        )
    figure.add_vline(x=0, line=dict(color="black", width=1))
    figure.update_xaxes(title="difference in recall@50, with its 95% interval")
    figure.update_yaxes(autorange="reversed", automargin=True)
    words = "; ".join(f"{name}: {middle:+.3f} [{low:+.3f}, {high:+.3f}]" for name, (middle, low, high) in rows.items())
    return finished(figure, title=title, alt=f"Differences with intervals. {words}.", height=150 + 46 * len(rows))


def with_towers(
    evaluation: Evaluation, on: Sequence[bool], num: int
) -> tuple[Int64[Array, "case num"], Int64[Array, "case num"], Bool[Array, "case num"]]:
    """The merged list of the towers that are on: its items, the tower that brought each, and where it is right."""
    kept = np.flatnonzero(np.asarray(on)[: evaluation.lists.items.shape[1]])
    if len(kept) == 0:
        nothing = np.full((len(evaluation.cases), num), -1)
        return nothing, nothing, nothing >= 0
    lists = TowerLists(items=evaluation.lists.items[:, kept, :num], scores=evaluation.lists.scores[:, kept, :num])
    ranking = merge(lists, num)
    return ranking.items, kept[ranking.towers], find_hits(ranking.items, evaluation.cases)


def switched(
    evaluation: Evaluation,
    on: Sequence[bool],
    num: int,
    case: int | None,
    *,
    alone: Evaluation,
    who: str,
    names: Shaped[Array, " item"],
) -> go.Figure:
    """The hits that each tower brings with some towers off, and the recall beside that of all and of one tower alone.

    Args:
        on: whether each tower takes part.
        case: whose list; None for the mean over all cases.
        alone: the same cases by a model with one tower.
    """
    num_towers = evaluation.lists.items.shape[1]
    items, towers, hits = with_towers(evaluation, on, num)
    rows = slice(None) if case is None else slice(case, case + 1)
    brought = [int((hits[rows] & (towers[rows] == tower)).sum()) for tower in range(num_towers)]
    counts = np.array(brought) / len(hits[rows])
    bought = "hits of each" if case is not None else "mean hits a customer"
    labels = [tower_name(tower) + ("" if on[tower] else "<br>(off)") for tower in range(num_towers)]
    found = [""] * num_towers
    if case is not None:
        lists = [names[items[case][hits[case] & (towers[case] == tower)]] for tower in range(num_towers)]
        found = ["<br>".join(short(str(name)) for name in products[:10]) for products in lists]
    here = recall(hits, evaluation.cases.num_relevant)[rows].mean()
    values = {"as switched": here, "all towers": evaluation.recall(num)[rows].mean()}
    values["K = 1"] = alone.recall(num)[rows].mean()
    figure = make_subplots(cols=2, subplot_titles=(f"{bought}, among {num}", f"recall@{num}"))
    form = "d" if case is not None else ".2f"
    shown = brought if case is not None else counts
    figure.add_bar(
        x=labels,
        y=counts,
        text=[format(count, form) for count in shown],
        hovertext=found,
        marker_color=list(COLOURS[:num_towers]),
        cliponaxis=False,
        row=1,
        col=1,
    )
    figure.add_bar(
        x=list(values),
        y=list(values.values()),
        text=[f"{value:.3f}" for value in values.values()],
        marker_color=["black", GREY, "#C8C8C8"],
        cliponaxis=False,
        row=1,
        col=2,
    )
    figure.update_layout(showlegend=False)
    parts = ", ".join(f"{tower_name(t)[2:]} {format(shown[t], form)}" for t in range(num_towers))
    alt = (
        f"{who}, {sum(map(bool, on[:num_towers]))} of {num_towers} towers on. {bought} among {num}: {parts}. "
        + ", ".join(f"recall@{num} {name} {value:.3f}" for name, value in values.items())
        + "."
    )
    title = f"{who}: recall@{num} {here:.3f} as switched, {values['all towers']:.3f} with all towers"
    return finished(figure, title=title, alt=alt, height=380)


def towers_panel(
    evaluations: dict[str, Evaluation],
    alone: Evaluation,
    names: Shaped[Array, " item"],
    labels: Shaped[Array, " case"],
    *,
    shown: int = 12,
) -> Panel:
    """Switch towers off, for all customers or for one, and see which hits go and which another tower brings.

    Args:
        evaluations: models by name, on the same cases; the last is the one with a dead tower, the one before it the
            copies, and the first is what the panel starts with.
        alone: the same cases by a model with one tower.
        names, labels: of the items, and of the customers of the cases.
        shown: how many customers to choose from: those with the most hits of the first model, among those with at
            most 50 relevant items.
    """
    models = list(evaluations)
    first = evaluations[models[0]]
    order = np.argsort(-np.where(first.cases.num_relevant <= 50, first.hits.sum(axis=1), -1), kind="stable")
    customers = {EVERYONE: None, **{f"customer {labels[case]}": int(case) for case in order[:shown]}}
    most = max(evaluation.lists.items.shape[1] for evaluation in evaluations.values())
    switches = [f"tower_{tower + 1}" for tower in range(most)]
    controls = [
        Control(name="model", label="model", values=models, kind="list"),
        Control(name="customer", label="customer", values=list(customers), kind="list"),
        Control(name="num", label="recommendations", values=NUMS),
        *(
            Control(name=name, label=tower_name(tower), values=("on", "off"), kind="switch")
            for tower, name in enumerate(switches)
        ),
    ]

    def draw(state: State) -> go.Figure:
        on = [state[name] == "on" for name in switches]
        case = customers[state["customer"]]
        who = f"{state['model']}, {state['customer']}"
        evaluation = evaluations[state["model"]]
        return switched(evaluation, on, state["num"], case, alone=alone, who=who, names=names)

    every = dict.fromkeys(switches, "on")
    strongest = switches[int(first.tower_shares(50).argmax())]
    presets = {
        "All towers": {"model": models[0], **every},
        "Without the strongest": {"model": models[0], **every, strongest: "off"},
        "Copies": {"model": models[-2], **every},
        "A dead tower": {"model": models[-1], **every},
    }
    start = {"model": models[0], "customer": EVERYONE, "num": 50, **every}
    panel = Panel(
        "towers",
        controls,
        draw,
        start=start,
        presets=presets,
        idle=lambda state: switches[evaluations[state["model"]].lists.items.shape[1] :],
    )
    for name in switches:  # narrow, so that four of them stand in one row
        panel.widgets[name].style.button_width, panel.widgets[name].layout.width = "40px", "auto"
    return panel
