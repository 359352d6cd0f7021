"""Lesson 09, the figures and the panel of the ledger: differences with intervals, and what they make of a claim."""

from collections.abc import Iterable, Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lessons.common.figures import GREY, finished
from lessons.common.ledger import LOGS, MEASURES, RULES, UNTESTABLE, UNTESTED, Claim, Piece, Results, tables
from lessons.common.panels import Control, Panel, State

SAYS = {"better": ("▲", "#009E73"), "not worse": ("●", "#0072B2"), "undecided": ("◇", GREY), "worse": ("▼", "#D55E00")}
VERDICTS = {"reproduced": ("▲", "#009E73"), "partly": ("●", "#E69F00"), "not reproduced": ("▼", "#D55E00")}
VERDICTS |= {UNTESTED: ("×", "#000000"), UNTESTABLE: ("○", GREY)}
MARKERS = {"▲": "triangle-up", "●": "circle", "◇": "diamond-open", "▼": "triangle-down", "×": "x", "○": "circle-open"}
UNITS = {
    "over": "recall@50, user by user",
    "under": "recall@50, user by user",
    "lists over blend": "recall@50, lists less their mean as one vector",
    "served over label": "recall@50 as served, less by the label's choice",
    "label over served": "recall@50 by the label's choice, less as served",
    "smaller gap": "gap in recall@50, the rival's less MTMI's",
    "lower cosine": "cosine without the repel, less with it, run by run",
    "cosine by β": "cosine at β = 0, less at β, over all K and α",
    "more lost without one": "recall@50 lost without a tower, run by run",
    "earlier best step": "best step in thousands, IDW's less its, run by run",
    "setting": "recall@50, the setting's less another's",
    "cells": "printed cell, MTMI's less the other's",
    "possible": "printed numbers: what can not be below 0",
    "–": "",
}
"""The unit of the differences of each test."""
MEASURED = ("over", "under")
"""The tests that can be asked for each of the `MEASURES`."""
ALONE = {"all better": "better", "mixed or open": "undecided", "all worse": "worse"}
BELOW = dict(orientation="h", yref="container", y=0.01, yanchor="bottom")
ALL, REAL = "all", "real logs only"
LEVELS, MARGINS = (0.001, 0.005, 0.01, 0.05, 0.1), (0.0, 0.0025, 0.005, 0.01, 0.02)


def name_of(log: str) -> str:
    """A log's name in a figure: ours by `LOGS`, the paper's own as printed."""
    return LOGS.get(log, f"{log}, as printed")


def counted(says: Sequence[str]) -> str:
    """How many differences say what.

    >>> counted(["better", "worse", "better"])
    '2 better, 1 worse'
    """
    return ", ".join(f"{says.count(one)} {one}" for one in SAYS if one in says) or "no differences"


def signed(value: float) -> str:
    """A number with its sign.

    >>> signed(-0.01)
    '−0.010'
    """
    return f"{value:+.3f}".replace("-", "−")


def alone(says: Sequence[str]) -> str:
    """The joint verdict on the differences of one log.

    >>> alone(["better", "better"]), alone(["better", "undecided"])
    ('all better', 'mixed or open')
    """
    return next((name for name, one in ALONE.items() if set(says) == {one}), "mixed or open")


def in_words(pieces: Sequence[Piece], level: float = 0.05, margin: float = 0.005) -> str:
    """Up to six differences with their intervals; of more, how many say what, and the lowest and highest."""
    shown, alike = list(pieces), len({piece.what for piece in pieces}) == 1
    if len(shown) > 6:
        shown = sorted(pieces, key=lambda piece: piece.difference)[:: len(pieces) - 1]
    lines = [
        f"{SAYS[piece.says(level, margin)][0]} {name_of(piece.log)}{'' if alike else f', {piece.what}'}: "
        + signed(piece.difference)
        + (f" [{signed(piece.low)},\N{NO-BREAK SPACE}{signed(piece.high)}]" if piece.high > piece.low else "")
        for piece in shown
    ]
    summary = counted([piece.says(level, margin) for piece in pieces])
    return "<br>".join([f"{summary}; lowest and highest:", *lines] if len(pieces) > 6 else lines)


def ledger_table(claims: Iterable[Claim], results: Results, level: float = 0.05, margin: float = 0.005) -> str:
    """Claims as a table in Markdown: what each says, where it stands, its test, its numbers, its verdict."""
    lines = ["| claim | in the paper | test | difference, 95% interval | verdict |", "|---|---|---|---|---|"]
    for one in claims:
        pieces = one.pieces(results)
        verdict, says = one.verdict(pieces, level, margin), [piece.says(level, margin) for piece in pieces]
        alike = {piece.what for piece in pieces}
        test = "; ".join([", ".join(one.kinds), UNITS[one.test], *(alike if len(alike) == 1 else ())])
        found = f"{VERDICTS[verdict][0]} **{verdict}**" + (f": {counted(says)}" if says else "")
        cells = [f"**{one.name}.** {one.claim}", one.where, f"{test}; rule “{one.rule}”" if one.kinds else "–"]
        lines.append(f"| {' | '.join([*cells, in_words(pieces, level, margin), found])} |")
    return "\n".join(lines)


def ledger_figure(
    claims: Iterable[Claim], results: Results, *, title: str, level: float = 0.05, margin: float = 0.005
) -> go.Figure:
    """The verdict of each claim over all logs, and beside it what each log alone would make of it."""
    claims = list(claims)
    signs = VERDICTS | {f"on this log: {says}": SAYS[sign] for says, sign in ALONE.items()}
    points: dict[str, list[tuple[str, str, str]]] = {name: [] for name in signs}
    for claim in claims:
        every = claim.pieces(results)
        says = [piece.says(level, margin) for piece in every]
        points[claim.verdict(every, level, margin)].append(("<b>verdict</b>", claim.name, counted(says)))
        for log, name in LOGS.items():
            if own := [one for one, piece in zip(says, every, strict=True) if piece.log == log]:
                points[f"on this log: {alone(own)}"].append((name, claim.name, counted(own)))
    figure = go.Figure()
    for name, (sign, colour) in signs.items():
        x, y, text = zip(*points[name], strict=True) if points[name] else ((), (), ())
        marker = dict(symbol=MARKERS[sign], color=colour, size=17 if name in VERDICTS else 9)
        figure.add_scatter(x=x, y=y, text=text, name=name, mode="markers", marker=marker)
    figure.update_traces(hovertemplate="%{y}<br>%{x}: %{text}<extra></extra>")
    figure.update_xaxes(
        side="top", type="category", categoryorder="array", categoryarray=["<b>verdict</b>", *LOGS.values()]
    )
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=[claim.name for claim in claims][::-1], ticks=""
    )
    figure.update_layout(legend=dict(orientation="h", y=-0.02))
    alt = "; ".join(f"{claim.name}: {claim.verdict(claim.pieces(results), level, margin)}" for claim in claims)
    return finished(figure, title=title, alt=f"{alt}.", height=150 + 24 * len(claims))


def _add(figure: go.Figure, pieces: Sequence[Piece], rows: Sequence[str], level: float, margin: float, **place) -> None:
    for says, (sign, colour) in SAYS.items():
        own = [(piece, row) for piece, row in zip(pieces, rows, strict=True) if piece.says(level, margin) == says]
        figure.add_scatter(
            # each sign has its place in the legend, and each trace a name on the axis: a page takes the kind of axis
            # from the first one, whatever it was told
            x=[piece.difference for piece, _ in own] or [None],
            y=[row for _, row in own] or rows[:1],
            error_x=dict(
                array=[piece.high - piece.difference for piece, _ in own],
                arrayminus=[piece.difference - piece.low for piece, _ in own],
                color=colour,
            ),
            mode="markers",
            marker=dict(symbol=MARKERS[sign], color=colour, size=11),
            name=says,
            legendgroup=says,
            hovertemplate="%{y}: %{x:+.4f}<extra></extra>",
            **place,
        )


def forest(
    pieces: Sequence[Piece], *, title: str, unit: str = "difference", level: float = 0.05, margin: float = 0.005
) -> go.Figure:
    """Differences against the zero line, a row for each log and comparison; of very many, those that are worse."""
    alt = f"{title}. " + in_words(pieces, level, margin).replace("<br>", "; ")
    if len({(piece.log, piece.what) for piece in pieces}) > 40:
        pieces = [piece for piece in pieces if piece.says(level, margin) == "worse"]
    alike = len({piece.what for piece in pieces}) == 1
    rows = [name_of(piece.log) + ("" if alike else f"<br>{piece.what}") for piece in pieces]
    figure = go.Figure()
    _add(figure, pieces, rows, level, margin)
    order = list(dict.fromkeys(rows))[::-1]
    figure.add_vline(x=0, line_color="black").update_layout(legend=BELOW)
    figure.update_xaxes(title=unit).update_yaxes(type="category", categoryorder="array", categoryarray=order)
    return finished(figure, title=title, alt=f"{alt}.", height=280 + (26 if alike else 36) * len(order)).update_layout(
        margin_b=60
    )


def by_log(
    pieces: Sequence[Piece], *, title: str, labels: Mapping[str, str] | None = None, level: float = 0.05
) -> go.Figure:
    """Differences against the zero line, a column for each log and a row for each comparison.

    Args:
        labels: what stands beside a row instead of the comparison itself.
    """
    logs = list(dict.fromkeys(piece.log for piece in pieces))
    figure = make_subplots(cols=max(len(logs), 1), shared_yaxes=True, subplot_titles=[name_of(log) for log in logs])
    for column, log in enumerate(logs, start=1):
        own = [piece for piece in pieces if piece.log == log]
        rows = [(labels or {}).get(piece.what, piece.what) for piece in own]
        _add(figure, own, rows, level, 0.005, col=column, row=1, showlegend=column == 1)
        figure.add_vline(x=0, line_color="black", col=column, row=1)  # type: ignore[arg-type]
    order = list(dict.fromkeys((labels or {}).get(piece.what, piece.what) for piece in pieces))[::-1]
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=order)
    figure.update_xaxes(nticks=4).update_layout(legend=BELOW)
    words = "; ".join(
        f"{name_of(log)}: {counted([piece.says(level) for piece in pieces if piece.log == log])}" for log in logs
    )
    return finished(
        figure, title=title, alt=f"{title}. {words or 'No table yet'}.", height=230 + 32 * len(order)
    ).update_layout(margin_b=50)


def costs(results: Results, kind: str) -> dict[str, str]:
    """The label of a comparison: its name, and how many times as long the first model trains, over all logs."""
    times: dict[str, list[float]] = {}
    for table in tables(results, kind).values():
        for row in table["differences"]:
            ours, theirs = (table["models"][row[side]]["seconds"] for side in ("ours", "theirs"))
            times.setdefault(f"{row['ours']} over {row['theirs']}", []).append(ours / theirs)
    short = {what: what.replace(f"{what.split(' over ')[0]}, equal", "equal") for what in times}
    return {what: f"{short[what]}<br>training time × {sum(some) / len(some):.1f}" for what, some in times.items()}


def cost_table(results: Results) -> str:
    """The cost of each model, as a table in Markdown: one row per model."""
    found = tables(results, "models")
    if not found:
        return "The tables of the models are not there yet."
    names = [name for name, row in next(iter(found.values()))["models"].items() if "seconds" in row]
    columns = [LOGS[log] for log in found]
    lines = [f"| model | vectors | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for name in names:
        rows = [table["models"][name] for table in found.values()]
        own = [f"{row['recall_50']:.3f} · {row['seconds']:.0f} s · {row['tuning_seconds']:.0f} s" for row in rows]
        lines.append(f"| {name} | {rows[0]['vectors']} | {' | '.join(own)} |")
    return "\n".join(["recall@50 · seconds of a training · seconds of tuning", "", *lines])


class Ledger:
    """The claims and the results, to be looked at one by one.

    `draw` is a function of a state: the `claim`, by which `measure`, on which `logs`, at which `level` of Holm's p, and
    the `margin` within which a difference is not worse.
    """

    def __init__(self, claims: Mapping[str, Claim], results: Results) -> None:
        self.claims, self.results = claims, results
        self.logs = {ALL: (), REAL: tuple(log for log in LOGS if not log.startswith("planted"))}
        self.logs |= {name: (log,) for log, name in LOGS.items()}
        self.start: State = {"claim": next(iter(claims)), "logs": ALL, "measure": next(iter(MEASURES))}
        self.start |= {"level": 0.05, "margin": 0.005}

    def draw(self, state: State) -> go.Figure:
        """A claim's differences, with its verdict in the title; its rule is in the words."""
        claim = self.claims[state["claim"]]
        pieces = claim.pieces(self.results, state["measure"], self.logs[state["logs"]])
        verdict = claim.verdict(pieces, state["level"], state["margin"])
        strict = dict(level=state["level"], margin=state["margin"])
        same = {piece.what for piece in pieces}
        unit = UNITS[claim.test] + (f": {next(iter(same))}" if len(same) == 1 else "")
        says = counted([piece.says(**strict) for piece in pieces])
        title = f"{claim.name}: {verdict}"
        figure = forest(pieces, title=title, unit=unit, **strict)
        figure.update_xaxes(visible=bool(pieces)).update_yaxes(visible=bool(pieces))
        numbers = in_words(pieces, **strict).replace("<br>", "; ").replace("\N{NO-BREAK SPACE}", " ")
        alt = f"{title}. {claim.claim} {numbers}. That is: {says}. Rule: {RULES[claim.rule]}."
        return figure.update_layout(meta={"alt": alt})


def ledger_panel(ledger: Ledger) -> Panel:
    """A claim, the logs that it is asked on, the measure, and how strict the verdict is."""
    controls = [
        Control(name="claim", label="claim", values=list(ledger.claims), kind="list"),
        Control(name="logs", label="logs", values=list(ledger.logs), kind="list"),
        Control(name="measure", label="recall@50 of", values=list(MEASURES), kind="list"),
        Control(name="level", label="Holm's level", values=LEVELS),
        Control(name="margin", label="margin", values=MARGINS),
    ]
    usual = {"logs": ALL, "measure": "all items", "level": 0.05, "margin": 0.005}
    presets = {
        "The repel": {"claim": "The repel helps", **usual},
        "Two towers' upgrade": {"claim": "Any two-tower model gains", **usual},
        "Against ComiRec": {"claim": "MTMI beats ComiRec", **usual},
        "Strict": {"level": 0.001, "margin": 0.0},
        "Lenient": {"level": 0.1, "margin": 0.02},
    }

    def idle(state: State) -> Sequence[str]:
        test = ledger.claims[state["claim"]].test
        return ("logs", "measure") if test in ("cells", "possible") else () if test in MEASURED else ("measure",)

    return Panel("ledger", controls, ledger.draw, start=ledger.start, presets=presets, idle=idle)
