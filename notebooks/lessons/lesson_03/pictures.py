"""Lesson 03: its computations, figures and panel: what each tower adds, and where a gain comes from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Bool, Float, Int64, Shaped
from plotly.subplots import make_subplots

from lessons.common.figures import COLOURS, GREY, MARKERS, SYMBOLS, finished, short, tower_name
from lessons.common.panels import Control, Panel, State
from mtmi_lite.interactions import Cases, Interactions, Split
from mtmi_lite.lab.cells import parts_of
from mtmi_lite.metrics import Evaluation, evaluate, find_hits, recall
from mtmi_lite.models import Model
from mtmi_lite.retrieval import TowerLists, merge

Array = np.ndarray
NUMS = (10, 20, 50)
EVERYONE = "all users"
Difference = tuple[float, float, float]
"""A mean difference, and the low and the high end of its interval."""


def lost_without(evaluation: Evaluation, num: int = 50) -> Float[Array, " tower"]:
    """The mean recall that is lost without each tower: a negative number says that the list is better without it."""
    towers = range(evaluation.lists.items.shape[1])
    whole = evaluation.recall(num).mean()
    return np.array([whole - evaluation.recall_without(tower, num).mean() for tower in towers])


def recall_alone(evaluation: Evaluation, num: int = 50) -> Float[Array, " tower"]:
    """The mean recall of each tower's own list."""
    towers = range(evaluation.lists.items.shape[1])
    hits = (find_hits(evaluation.lists.items[:, tower, :num], evaluation.cases) for tower in towers)
    return np.array([recall(own, evaluation.cases.num_relevant).mean() for own in hits])


def made_up(evaluation: Evaluation, num: int = 50) -> float:
    """What fraction of the strongest tower's hits the others bring in its place when it goes."""
    strongest = int(evaluation.tower_shares(num).argmax())
    on = [tower != strongest for tower in range(evaluation.lists.items.shape[1])]
    brought = int((evaluation.first(num) & (evaluation.ranking.towers[:, :num] == strongest)).sum())
    others = int(evaluation.first(num).sum()) - brought
    return (int(with_towers(evaluation, on, num)[2].sum()) - others) / max(brought, 1)


def repeated(log: Interactions, cases: Cases, evaluation: Evaluation, num: int = 50) -> float:
    """The fraction of the hits that are items which the user had before the cut."""
    hits, repeats = evaluation.first(num), 0
    for case, (user, cut) in enumerate(zip(cases.users, cases.cuts, strict=True)):
        had = log.items[log.offsets[user] : cut]
        repeats += int(np.isin(evaluation.ranking.items[case, :num][hits[case]], had).sum())
    return repeats / max(int(hits.sum()), 1)


def recall_of_new(log: Interactions, split: Split, cases: Cases, model: Model, num: int = 50) -> Float[Array, " case"]:
    """Recall of what is new to each user, with all that they had before left out of the list; NaN where nothing is."""
    parts = parts_of(cases, log, split)
    old, new = parts["old"], parts["new"]
    left_out = np.full((len(cases), int(old.num_relevant.max())), -1)
    left_out[np.arange(left_out.shape[1]) < old.num_relevant[:, None]] = old.relevant
    hits = find_hits(evaluate(model, cases, num=num, exclude=left_out).ranking.items, new)
    return np.where(new.num_relevant > 0, recall(hits, new.num_relevant.clip(min=1)), np.nan)


def covered(
    items: Int64[Array, "case num"],
    item_interest: Int64[Array, " item"],
    user_interests: Int64[Array, "case own"],
    *,
    num: int = 50,
    least: int = 5,
) -> Float[Array, " case"]:
    """The fraction of each user's interests of which the first `num` items hold at least `least`.

    Unlike `metrics.interests_found`, it asks nothing about towers, so that one of them may cover all.
    """
    shown = item_interest[items[:, :num]]
    counts = (shown[:, None, :] == user_interests[:, :, None]).sum(axis=-1)
    return (counts >= least).mean(axis=1)


def verdict(interval: Difference) -> str:
    """What a paired interval says, in words.

    >>> verdict((0.01, -0.002, 0.022))
    'too few users to tell'
    """
    middle, low, high = interval
    return "too few users to tell" if low <= 0 <= high else "more" if middle > 0 else "less"


def measured(path: Path | str, *, ours: str) -> dict[str, Difference]:
    """The differences of one model in a table of `notebooks/results`, by the model it is compared with."""
    rows = json.loads(Path(path).read_text(encoding="utf-8"))["differences"]
    return {row["theirs"]: tuple(row["recall_50"]) for row in rows if row["ours"] == ours}


def picked(evaluation: Evaluation, towers: Sequence[int]) -> Evaluation:
    """The evaluation of a model that has these towers only, in this order; one may come twice."""
    rows = np.asarray(towers)
    lists = TowerLists(items=evaluation.lists.items[:, rows], scores=evaluation.lists.scores[:, rows])
    ranking = merge(lists, evaluation.hits.shape[1])
    own = torch.from_numpy(rows)
    users = replace(
        evaluation.users, vectors=evaluation.users.vectors[:, own], mask=evaluation.users.mask[:, own], attention=None
    )
    return replace(
        evaluation, users=users, lists=lists, ranking=ranking, hits=find_hits(ranking.items, evaluation.cases)
    )


def noisy(evaluation: Evaluation, *, seed: int, size: float = 0.002) -> Evaluation:
    """The same model with a little noise on every similarity: of two equal towers now one is nearer, now the other."""
    scores = evaluation.lists.scores
    noise = np.random.default_rng(seed).normal(scale=size, size=scores.shape).astype(np.float32)
    order = np.argsort(-(scores + noise), axis=2, kind="stable")
    lists = TowerLists(
        items=np.take_along_axis(evaluation.lists.items, order, axis=2),
        scores=np.take_along_axis(scores + noise, order, axis=2),
    )
    ranking = merge(lists, evaluation.hits.shape[1])
    return replace(evaluation, lists=lists, ranking=ranking, hits=find_hits(ranking.items, evaluation.cases))


def teams(specialists: Evaluation, copies: Evaluation, dead: Evaluation, *, seed: int) -> dict[str, Evaluation]:
    """Four teams of towers under the names A to D, in an order that the seed draws, and their towers too."""
    rng = np.random.default_rng(seed)
    twice = np.repeat(rng.permutation(specialists.lists.items.shape[1])[:2], 2)
    four = [specialists, copies, dead, noisy(picked(specialists, twice.tolist()), seed=seed)]
    drawn = [four[number] for number in rng.permutation(4)]
    return {
        name: picked(team, rng.permutation(team.lists.items.shape[1]).tolist())
        for name, team in zip("ABCD", drawn, strict=True)
    }


KINDS = ("specialists", "redundant", "copies", "dead tower")
DEAD, MISSED = 0.03, 0.01
"""A tower is dead with less credit than the first; one or two are missed if more recall@50 than the second is lost."""


def lost_without_pair(evaluation: Evaluation, num: int = 50) -> dict[tuple[int, int], float]:
    """The mean recall that is lost without each pair of towers."""
    towers, whole = range(evaluation.lists.items.shape[1]), evaluation.recall(num).mean()
    lost = {}
    for pair in combinations(towers, 2):
        hits = with_towers(evaluation, [tower not in pair for tower in towers], num)[2]
        lost[pair] = float(whole - recall(hits, evaluation.cases.num_relevant).mean())
    return lost


def kind_of(team: Evaluation) -> str:
    """Which of the `KINDS` a team of towers is, by its work."""
    if team.tower_shares(50).min() < DEAD:
        return "dead tower"
    if lost_without(team).min() > MISSED:
        return "specialists"
    return "redundant" if max(lost_without_pair(team).values()) > MISSED else "copies"


def work_of_two(evaluations: dict[str, Evaluation], *, title: str, num: int = 50) -> go.Figure:
    """A row for each model: every tower's credit, and the recall that is lost without it."""
    titles = [text for name in evaluations for text in (f"{name}:<br>credit", f"{name}:<br>recall@{num} lost without")]
    figure = make_subplots(rows=len(evaluations), cols=2, subplot_titles=titles, vertical_spacing=0.25)
    words, ends = [], [[0.0], [0.0]]
    for row, (name, evaluation) in enumerate(evaluations.items(), start=1):
        shares, lost = evaluation.tower_shares(num), lost_without(evaluation, num)
        towers = [f"{SYMBOLS[tower]} {tower + 1}" for tower in range(len(shares))]
        for column, (values, form) in enumerate(((shares, ".0%"), (lost, "+.3f")), start=1):
            text = [format(value, form) for value in values]
            ends[column - 1] += values.tolist()
            colours = list(COLOURS[: len(towers)])
            figure.add_bar(
                x=towers, y=values, text=text, textposition="outside", textangle=0, textfont_size=10,
                marker_color=colours, showlegend=False, row=row, col=column,
            )  # fmt: skip
        pairs = zip(towers, shares, lost, strict=True)
        words.append(f"{name}: " + ", ".join(f"tower {t[2:]} {share:.0%} and {loss:+.3f}" for t, share, loss in pairs))
    for column, values in enumerate(ends, start=1):  # one scale a column, with room for the numbers
        low, high = min(values), max(values)
        room = 0.18 * (high - low)
        figure.update_yaxes(range=[low - room * (low < 0), high + room], col=column)
    figure.update_yaxes(tickformat=".0%", col=1)
    figure.update_annotations(font_size=13)
    alt = f"Bars for each tower, its credit and the recall@{num} lost without it. {'; '.join(words)}."
    return finished(figure, title=title, alt=alt, height=60 + 260 * len(evaluations)).update_layout(margin_t=100)


def looks(attention: Float[Array, "tower step"], names: Shaped[Array, " step"], *, title: str) -> go.Figure:
    """How much each tower looks at each item of one history, the newest on top."""
    labels = [short(f"{step}. {name}", 30) for step, name in enumerate(names, start=1)]
    towers = [f"{SYMBOLS[tower]} {tower + 1}" for tower in range(len(attention))]
    figure = go.Figure(
        go.Heatmap(
            z=attention.T,
            x=towers,
            y=labels,
            colorscale="Blues",
            zmin=0,
            text=[[f"{value:.0%}" if value >= 0.05 else "" for value in row] for row in attention.T],
            texttemplate="%{text}",
            textfont_size=10,
            showscale=False,
            hovertemplate="%{y}: %{z:.1%}<extra>tower %{x}</extra>",
        )
    )
    figure.update_xaxes(title="tower").update_yaxes(automargin=True)
    most = "; ".join(
        f"tower {tower + 1} most at {names[own.argmax()]}, {own.max():.0%}" for tower, own in enumerate(attention)
    )
    alt = f"The attention of {len(attention)} towers over the {len(names)} items of one history: {most}."
    return finished(figure, title=title, alt=alt, height=120 + 21 * len(names))


def one_table(num_towers: int) -> go.Figure:
    """The model as a drawing: history and target read one table, K towers make K vectors, the item tower makes one."""
    figure = go.Figure()
    places = np.linspace(0.95, 0.3, num_towers)

    def box(x: float, y: float, text: str, colour: str = "black", *, width=0.17, height=0.1) -> None:
        corners = dict(x0=x - width / 2, x1=x + width / 2, y0=y - height / 2, y1=y + height / 2)
        figure.add_shape(type="rect", **corners, line=dict(color=colour, width=2), fillcolor="white")
        figure.add_annotation(x=x, y=y, text=text, showarrow=False, font=dict(color=colour, size=11))

    def arrow(x0: float, y0: float, x1: float, y1: float, colour: str = GREY) -> None:
        ends = dict(x=x1, y=y1, ax=x0, ay=y0, xref="x", yref="y", axref="x", ayref="y")
        figure.add_annotation(**ends, text="", showarrow=True, arrowhead=2, arrowwidth=1.5, arrowcolor=colour)

    high, low, profile = float(places.mean()), 0.06, 1.1
    for tower, place in enumerate(places):
        arrow(0.42, high, 0.5, place, COLOURS[tower])
        arrow(0.42, profile, 0.5, place + 0.02)
        arrow(0.69, place, 0.745, place, COLOURS[tower])
        arrow(0.845, place, 0.9, (high + low) / 2 + 0.12)
        box(0.595, place, tower_name(tower), COLOURS[tower], width=0.19, height=min(0.1, 0.55 / num_towers))
        name = f"{SYMBOLS[tower]} v<sub>u</sub><sup>({tower + 1})</sup>"
        figure.add_annotation(x=0.8, y=place, text=name, showarrow=False, font=dict(color=COLOURS[tower], size=12))
    arrow(0.18, high, 0.225, high)
    arrow(0.18, low, 0.225, low)
    arrow(0.42, low, 0.5, low)
    arrow(0.69, low, 0.77, low)
    arrow(0.84, low, 0.9, (high + low) / 2 - 0.12)
    box(0.09, high, "history")
    box(0.09, low, "product")
    box(0.325, (high + low) / 2, "<b>one table</b><br>a row for<br>each product", width=0.19, height=high - low + 0.2)
    box(0.325, profile, "profile", width=0.19)
    box(0.595, low, "item tower", width=0.19)
    figure.add_annotation(x=0.805, y=low, text="v<sub>t</sub>", showarrow=False, font_size=13)
    compared = "cosine of<br>each v<sub>u</sub><br>with v<sub>t</sub>"
    figure.add_annotation(x=0.94, y=(high + low) / 2, text=compared, showarrow=False, font_size=11)
    figure.update_xaxes(visible=False, range=[0, 1.02]).update_yaxes(visible=False, range=[-0.12, 1.2])
    alt = (
        f"Drawing: a history goes through one table of product vectors into {num_towers} towers, which give "
        f"{num_towers} vectors; a profile goes into each tower beside the table; a product goes through the same table "
        "and the item tower into its vector, and each of the user's vectors is compared with it."
    )
    return finished(figure, title=f"One table, {num_towers} user towers, one item tower", alt=alt, height=430)


def differences(rows: dict[str, Difference], *, title: str) -> go.Figure:
    """Differences in recall@50 with their intervals, a row each; those whose interval holds 0 are hollow and grey.

    Args:
        rows: by names of the form "log: what is compared"; each log has an axis of its own.
    """
    logs = list(dict.fromkeys(name.partition(": ")[0] for name in rows))
    sizes = [sum(name.startswith(f"{log}: ") for name in rows) for log in logs]
    figure = make_subplots(rows=len(logs), cols=1, subplot_titles=logs, row_heights=sizes, vertical_spacing=0.16)
    for name, (middle, low, high) in rows.items():
        log, _, what = name.partition(": ")
        tells = not low <= 0 <= high
        colour = COLOURS[0] if tells else GREY
        figure.add_scatter(
            x=[middle],
            y=[what],
            error_x=dict(type="data", array=[high - middle], arrayminus=[middle - low], thickness=2, width=6),
            mode="markers+text",
            text=f"{middle:+.3f}",
            textposition="top center",
            marker=dict(size=12, color=colour, symbol=MARKERS[0] if tells else f"{MARKERS[0]}-open"),
            showlegend=False,
            hovertemplate=f"{middle:+.3f} [{low:+.3f}, {high:+.3f}]<extra></extra>",
            row=logs.index(log) + 1,
            col=1,
        )
    figure.add_vline(x=0, line=dict(color="black", width=1))
    figure.update_xaxes(title="difference in recall@50", row=len(logs), col=1)
    figure.update_yaxes(autorange="reversed", automargin=True)
    words = "; ".join(f"{name}: {middle:+.3f} [{low:+.3f}, {high:+.3f}]" for name, (middle, low, high) in rows.items())
    return finished(figure, title=title, alt=f"Differences with intervals. {words}.", height=220 + 46 * len(rows))


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
    bought = "hits" if case is not None else "hits a user"
    labels = [f"{SYMBOLS[tower]} {tower + 1}" + ("" if on[tower] else "<br>(off)") for tower in range(num_towers)]
    found = [""] * num_towers
    if case is not None:
        lists = [names[items[case][hits[case] & (towers[case] == tower)]] for tower in range(num_towers)]
        found = ["<br>".join(short(str(name)) for name in products[:10]) for products in lists]
    here = recall(hits, evaluation.cases.num_relevant)[rows].mean()
    values = {"now": here, "all": evaluation.recall(num)[rows].mean()}
    values["K = 1"] = alone.recall(num)[rows].mean()
    form = "d" if case is not None else ".2f"
    shown = brought if case is not None else counts
    total = format(sum(brought) if case is not None else float(counts.sum()), form)
    figure = make_subplots(cols=2, subplot_titles=(f"{bought} among {num}: {total}", f"recall@{num}"))
    figure.add_bar(
        x=labels,
        y=counts,
        text=[format(count, form) for count in shown],
        textangle=0,
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
        textangle=0,
        marker_color=["black", GREY, "#C8C8C8"],
        cliponaxis=False,
        row=1,
        col=2,
    )
    figure.update_layout(showlegend=False).update_annotations(font_size=13)
    parts = ", ".join(f"{tower_name(t)[2:]} {format(shown[t], form)}" for t in range(num_towers))
    alt = (
        f"{who}, {sum(map(bool, on[:num_towers]))} of {num_towers} towers on. {bought} among {num}: {parts}. "
        + ", ".join(f"recall@{num} {name} {value:.3f}" for name, value in values.items())
        + "."
    )
    title = f"{who}<br>recall@{num} {here:.3f} as switched, {values['all']:.3f} with all towers"
    return finished(figure, title=title, alt=alt, height=400).update_layout(margin_t=110)


def towers_panel(
    evaluations: dict[str, Evaluation],
    alone: Evaluation,
    names: Shaped[Array, " item"],
    labels: Shaped[Array, " case"],
    *,
    teams: Mapping[str, Evaluation] | None = None,
    teams_alone: Evaluation | None = None,
    shown: int = 12,
) -> Panel:
    """Switch towers off, for all users or for one, and see which hits go and which another tower brings.

    Args:
        evaluations: models by name, on the same cases; the last is the one with a dead tower, the one before it the
            equal towers, and the first is what the panel starts with.
        alone: the same cases by a model with one tower.
        names, labels: of the items, and of the users of the cases.
        teams: more models, on cases of another log; they are shown for all users only.
        teams_alone: the teams' cases by a model with one tower.
        shown: how many users to choose from: those with the most hits of the first model, among those with at most 50
            relevant items.
    """
    models = list(evaluations)
    of_teams = {f"team {name}": team for name, team in (teams or {}).items()}
    every_model = {**evaluations, **of_teams}
    first = evaluations[models[0]]
    order = np.argsort(-np.where(first.cases.num_relevant <= 50, first.hits.sum(axis=1), -1), kind="stable")
    users = {EVERYONE: None, **{f"user {labels[case]}": int(case) for case in order[:shown]}}
    most = max(evaluation.lists.items.shape[1] for evaluation in every_model.values())
    switches = [f"tower_{tower + 1}" for tower in range(most)]
    controls = [
        Control(name="model", label="model", values=list(every_model), kind="list"),
        Control(name="user", label="user", values=list(users), kind="list"),
        Control(name="num", label="recommendations", values=NUMS),
        *(
            Control(name=name, label=tower_name(tower), values=("on", "off"), kind="switch")
            for tower, name in enumerate(switches)
        ),
    ]

    def draw(state: State) -> go.Figure:
        on = [state[name] == "on" for name in switches]
        team = state["model"] in of_teams
        user = EVERYONE if team else state["user"]
        beside = teams_alone if team and teams_alone is not None else alone
        who = f"{state['model']}, {user}"
        evaluation = every_model[state["model"]]
        return switched(evaluation, on, state["num"], users[user], alone=beside, who=who, names=names)

    def idle(state: State) -> list[str]:
        absent = switches[every_model[state["model"]].lists.items.shape[1] :]
        return [*absent, "user"] if state["model"] in of_teams else absent

    every = dict.fromkeys(switches, "on")
    strongest = switches[int(first.tower_shares(50).argmax())]
    whole = {"user": EVERYONE, "num": 50, **every}
    presets = {
        "All towers": {"model": models[0], **whole},
        "Without the strongest": {"model": models[0], **whole, strongest: "off"},
        "Equal towers": {"model": models[-2], **whole},
        "A dead tower": {"model": models[-1], **whole},
        **{f"{name[0].upper()}{name[1:]}": {"model": name, **whole} for name in of_teams},
    }
    panel = Panel("towers", controls, draw, start={"model": models[0], **whole}, presets=presets, idle=idle)
    for name in switches:  # narrow, so that four of them stand in one row
        panel.widgets[name].style.button_width, panel.widgets[name].layout.width = "40px", "auto"
    return panel
