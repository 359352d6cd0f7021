"""Lesson 08's computations, figures and panel: a grid with its intervals, and the reader's own laboratory."""

import contextlib
import dataclasses
import itertools
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int64
from plotly.subplots import make_subplots

from lessons.common.figures import COLOURS, GREY, MARKERS, finished
from lessons.common.maps import Portrait
from lessons.common.panels import Control, Panel, State
from mtmi_lite.interactions import Cases, Split, evaluation_cases
from mtmi_lite.lab.cells import recall_of_mean
from mtmi_lite.lab.recipes import ALPHAS, BETAS, Recipe, place_of, recipe_at
from mtmi_lite.metrics import evaluate, paired_interval, pairwise_cosine
from mtmi_lite.models import MTMI
from mtmi_lite.retrieval import index_items
from mtmi_lite.runs import Run

Array = np.ndarray
Row = Mapping[str, Any]
Setting = tuple[int, float, float]
"""K, α and β."""
Axes = tuple[Sequence[float], Sequence[float]]
"""All α and all β of a grid."""
Place = Mapping[tuple[float, float], float]
"""A value by α and β."""
Groups = Mapping[str, Sequence[tuple[str, Sequence[float]]]]
"""Named groups of (name, (value, low, high))."""
MARGIN = 0.01
"""How much worse still counts as not worse: of recall@50, fixed before anything is trained."""
LEAD, COSINE, SHARE = "recall@50 over one tower", "cosine between towers", "largest share of the hits"
SCALES = {
    LEAD: ("{:+.3f}", (-0.05, 0.05), ["#E69F00", "#FFFFFF", "#56B4E9"]),
    COSINE: ("{:.2f}", (0.0, 1.0), ["#FFFFFF", "#56B4E9"]),
    SHARE: ("{:.2f}", (0.0, 1.0), ["#FFFFFF", "#56B4E9"]),
}
"""How a measure is written, where its colours end, and what they are."""
PEAK = (4, 2.0, 1000.0)
"""The peak of the paper's grid, as the paper states it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """A model's metrics for some users, and what its towers contribute.

    Args:
        users: who they are, in the order of `recall` and `as_one`.
        recall: recall@50 of the merged list.
        as_one: recall@50 of the mean of a user's own vectors, used as a single one.
        cosine: the mean over users of the cosine between two of their vectors; NaN with one tower.
        shares: each tower's part of the hits among the first 50.
        without: the mean recall@50 when a tower is left out.
    """

    users: Int64[Array, " user"]
    recall: Float[Array, " user"]
    as_one: Float[Array, " user"]
    cosine: float
    shares: Float[Array, " tower"]
    without: Float[Array, " tower"]


def report(model: MTMI, cases: Cases) -> Report:
    """Measure a model on the users of some cases."""
    index = index_items(model)
    evaluation = evaluate(model, cases, index=index)
    shares, cosine = evaluation.tower_shares(50), float(pairwise_cosine(evaluation.users).mean())
    without = np.array([evaluation.recall_without(tower, 50).mean() for tower in range(len(shares))])
    recall, as_one = evaluation.recall(50), recall_of_mean(evaluation, index)
    return Report(users=cases.users, recall=recall, as_one=as_one, cosine=cosine, shares=shares, without=without)


def compare(ours: Report, theirs: Report, *, seed: int = 0) -> tuple[float, float, float]:
    """The difference in recall@50 over the same users, with its paired interval.

    Raises:
        ValueError: if the users are not the same.
    """
    if not np.array_equal(ours.users, theirs.users):
        raise ValueError("users: the two reports are of different users; measure both on the same cases")
    return paired_interval(ours.recall, theirs.recall, seed=seed)


def word(interval: Sequence[float], margin: float = MARGIN) -> str:
    """The verdict on an interval, by a rule that was fixed before; the first number is the difference.

    >>> word([0.02, 0.01, 0.03]), word([-0.02, -0.03, -0.01]), word([0.0, -0.004, 0.004]), word([0.0, -0.03, 0.03])
    ('better', 'worse', 'not worse', 'undecided')
    """
    _, low, high = interval
    if low > 0 or high < 0:
        return "better" if low > 0 else "worse"
    return "not worse" if low > -margin else "undecided"


def settings_of(rows: Iterable[Row]) -> dict[Setting, Row]:
    """The rows of a table by their K, α and β.

    >>> list(settings_of([{"K": 4, "alpha": 2.0, "beta": 0.1, "recall_50": 0.3}]))
    [(4, 2.0, 0.1)]
    """
    return {(row["K"], row["alpha"], row["beta"]): row for row in rows}


def measures_of(row: Row) -> dict[str, float]:
    """The measures of a row that a map can show, by name: means over its runs."""
    largest = float(np.mean([max(shares) for shares in row["shares of the hits"]]))
    return {LEAD: row["over one tower"][0], COSINE: float(np.mean(row["cosine"])), SHARE: largest}


def in_short(num_towers: int, alpha: float, beta: float) -> str:
    """A setting in few words.

    >>> in_short(4, 2.0, 0.1)
    'K 4, α 2, β 0.1'
    """
    return f"K {num_towers}, α {alpha:g}, β {beta:g}"


def squares(values: Place, axes: Axes, measure: str = LEAD, *, chosen: Any = None, marks: Any = None) -> go.Scatter:
    """A square for each (α, β), with its value in it; white where there is none. Points, so that one can click them.

    Args:
        values: by α and β.
        axes: all α and all β.
        chosen: the (α, β) that has a thick edge.
        marks: a sign above the value, by (α, β).
    """
    form, (low, high), colours = SCALES[measure]
    places = list(itertools.product(*axes))
    text = {place: form.format(value).replace("0.", ".").replace("-", "−") for place, value in values.items()}
    text |= {place: f"{mark}<br>{text[place]}" for place, mark in (marks or {}).items()}
    points = dict(
        x=[f"{beta:g}" for _, beta in places],
        y=[f"{alpha:g}" for alpha, _ in places],
        text=[text.get(place, "") for place in places],
        hovertemplate="α %{y}, β %{x}: %{text}<extra></extra>",
    )
    inside = [min(max(values.get(place, (low + high) / 2), low), high) for place in places]
    edge = dict(width=[4 if place == chosen else 1 for place in places], color="black")
    marker = dict(symbol="square", size=37, line=edge, color=inside, cmin=low, cmax=high, colorscale=colours)
    font = dict(size=10, color="black")
    return go.Scatter(**points, mode="markers+text", textfont=font, showlegend=False, marker=marker)


def add_forest(figure: go.Figure, groups: Groups, *, dodge: float = 0.0, axis: str = "") -> None:
    """Values with their intervals, a line for each name and a colour and marker for each group, around 0."""
    names = list(dict.fromkeys(name for group in groups.values() for name, _ in group))
    for number, (title, group) in enumerate(groups.items()):
        x, low, high = np.array([interval for _, interval in group]).reshape(-1, 3).T.copy()
        y = [names.index(name) + dodge * (number - (len(groups) - 1) / 2) for name, _ in group]
        bars = dict(type="data", array=high - x, arrayminus=x - low, color=COLOURS[number])
        marker = dict(size=11, symbol=MARKERS[number], color=COLOURS[number])
        place = dict(xaxis=f"x{axis}", yaxis=f"y{axis}", hovertemplate="%{x:.3f}")
        figure.add_scatter(x=x, y=y, name=title, mode="markers", marker=marker, error_x=bars, **place)
    lines = dict(tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], showgrid=False)
    figure.update_layout({f"yaxis{axis}": dict(**lines, zeroline=False)})


def forest_figure(groups: Groups, *, title: str, measure: str, dodge: float = 0.0) -> go.Figure:
    """Groups of values with their intervals."""
    figure = go.Figure()
    add_forest(figure, groups, dodge=dodge)
    figure.update_layout(xaxis_title=measure, legend=dict(orientation="h", y=-0.25))
    entries = [(f"{name}, {group}", *interval) for group, some in groups.items() for name, interval in some]
    alt = "; ".join(f"{name}: {value:.4f} from {low:.4f} to {high:.4f}" for name, value, low, high in entries)
    return finished(figure, title=title, alt=f"{measure}. {alt}.", height=380)


def map_and_forest(points: go.Scatter, groups: Groups, *, title: str, alt: str) -> go.Figure:
    """A map of squares on the left; on the right leads over one tower with intervals, around a line at 0."""
    figure = go.Figure(points)
    add_forest(figure, groups, axis="2")
    left, right = dict(type="category", showgrid=False), dict(title=LEAD, zerolinecolor=GREY, nticks=4)
    figure.update_layout(xaxis=left, yaxis=left, xaxis2=right, yaxis2_anchor="x2", showlegend=False)
    figure.update_layout(xaxis_title="β, repel", yaxis_title="α, share", xaxis2_anchor="y2")
    figure.update_layout(xaxis_domain=[0, 0.5], xaxis2_domain=[0.74, 1], xaxis2_rangemode="tozero")
    return finished(figure, title=title, alt=alt, height=430)


def grid_panel(
    name: str, towers: Sequence[int], axes: Axes, last: Control, *, presets: Mapping[str, Setting], **more: Any
) -> Panel:
    """K, α, β and one thing more beside a map whose squares can be clicked."""

    places = list(itertools.product(*axes))

    def pick(state: State, trace: int, point: int) -> State:
        return dict(zip(("alpha", "beta"), places[point], strict=True)) if trace == 0 else {}

    controls = [
        Control(name="num_towers", label="K, towers", values=towers, kind="switch"),
        Control(name="alpha", label="α, share", values=axes[0]),
        Control(name="beta", label="β, repel", values=axes[1]),
    ]
    named = {title: {"num_towers": k, "alpha": alpha, "beta": beta} for title, (k, alpha, beta) in presets.items()}
    return Panel(name, [*controls, last], presets=named, pick=pick, **more)


class Landscape:
    """A grid over K, α and β that is kept in a file, as maps.

    Args:
        rows: with K, alpha, beta, "over one tower" (a difference and its interval), validation, and what the towers
            do, as `notebooks/results/grid_movielens.json` has them.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = settings_of(row for row in rows if row["K"] > 1)
        self.towers, *axes = (sorted(set(values)) for values in zip(*self.rows, strict=True))
        self.axes: Axes = (axes[0], axes[1])
        self.chosen = max(self.rows, key=lambda setting: self.rows[setting]["validation"])
        self.start: State = dict(num_towers=self.chosen[0], alpha=self.chosen[1], beta=self.chosen[2], shown=LEAD)

    def values(self, num_towers: int, measure: str) -> dict[tuple[float, float], float]:
        """A measure by α and β, for one K."""
        return {(a, b): measures_of(row)[measure] for (k, a, b), row in self.rows.items() if k == num_towers}

    def beyond(self) -> tuple[int, int]:
        """How many settings lie above one tower with their whole interval, and how many below."""
        leads = np.array([row["over one tower"] for row in self.rows.values()])
        return int((leads[:, 1] > 0).sum()), int((leads[:, 2] < 0).sum())

    def maps(self, *, title: str) -> go.Figure:
        """The lead over one tower, a map for each K; ★ is what the validation users choose, P the paper's peak."""
        titles = [f"K = {k}" for k in self.towers]
        figure = make_subplots(cols=len(titles), subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.02)
        for column, k in enumerate(self.towers, start=1):
            marks = {s[1:]: mark for s, mark in ((PEAK, "P"), (self.chosen, "★")) if s[0] == k}
            figure.add_trace(squares(self.values(k, LEAD), self.axes, marks=marks), 1, column)
        figure.update_xaxes(type="category", showgrid=False, title="β, repel")
        figure.update_yaxes(type="category", showgrid=False).update_layout(yaxis_title="α, share")
        above, below = self.beyond()
        counts = f"Of {len(self.rows)} settings {above} lie above one tower with their whole interval and {below} below"
        alt = f"Maps of recall at 50 over one tower. {counts}. Chosen: {in_short(*self.chosen)}."
        return finished(figure, title=title, alt=alt, height=400)

    def neighbours(self, setting: Setting) -> list[Setting]:
        """The settings that are one step from it, in K, α or β."""
        at = {s: [v.index(x) for v, x in zip((self.towers, *self.axes), s, strict=True)] for s in self.rows}
        return [one for one in self.rows if np.abs(np.subtract(at[one], at[setting])).sum() == 1]

    def draw(self, state: State) -> go.Figure:
        """One K as a map; beside it the setting of the state and its neighbours, with their intervals."""
        setting = (state["num_towers"], state["alpha"], state["beta"])
        row, shown, near = self.rows[setting], state["shown"], self.neighbours(setting)
        leads = {one: (in_short(*one), self.rows[one]["over one tower"]) for one in (setting, *near)}
        _, (difference, low, high) = leads[setting]
        reach = sum(leads[one][1][1] <= high and leads[one][1][2] >= low for one in near)
        title = f"{in_short(*setting)}: {difference:+.3f} [{low:+.3f}, {high:+.3f}] over one tower, {row['verdict']}"
        numbers = measures_of(row)
        alt = (
            f"{title}. Recall at 50: {row['recall_50']:.3f} for test users, {row['validation']:.3f} for validation "
            f"users, {row['mean_50']:.3f} with the mean of the own vectors. Cosine {numbers[COSINE]:.2f}, largest "
            f"share of the hits {numbers[SHARE]:.2f}. The intervals of {reach} of {len(near)} neighbours meet its own. "
            f"The map shows the {shown} for K = {setting[0]}."
        )
        points = squares(self.values(setting[0], shown), self.axes, shown, chosen=setting[1:])
        groups = {"chosen": [leads[setting]], "neighbours": [leads[one] for one in near]}
        return map_and_forest(points, groups, title=title, alt=alt)

    def panel(self) -> Panel:
        """The maps, to be walked through."""
        shown = Control(name="shown", label="map", values=list(SCALES), kind="list")
        presets = {"Chosen by validation": self.chosen, "The paper's peak": PEAK}
        presets |= {"Towers that differ": (4, 2.0, 0.1), "Sharp, and pushed": (4, 6.0, 1.0)}
        more: dict[str, Any] = dict(draw=self.draw, start=self.start, presets=presets)
        return grid_panel("grid", self.towers, self.axes, shown, **more)


class Laboratory:
    """Trainings of a reader's own beside a shipped grid, all measured on the validation users of one split.

    Args:
        grid: portraits by recipe, from `load_grid`; may be empty.
        split: whom to train on, and whose validation users look.
        steps: of each training.
        seed: of the training of one tower, with which all others are compared.

    `runs` and `reports` are what was trained, by recipe and seed.
    """

    def __init__(self, grid: Mapping[Recipe, Portrait], split: Split, *, steps: int, seed: int = 0) -> None:
        self.grid, self.split, self.steps = grid, split, steps
        self.validation = evaluation_cases(split.log, split.validation)
        self.runs: dict[tuple[Recipe, int], Run] = {}
        self.reports: dict[tuple[Recipe, int], Report] = {}
        self.one = recipe_at(num_towers=1, alpha=0.0, beta=0.0)
        self.alone = self.trial(self.one, seed)
        self.start: State = {"num_towers": 4, "alpha": 2.0, "beta": 0.0, "seed": seed}

    def trial(self, recipe: Recipe, seed: int = 0, on_step: Callable[[int], None] | None = None) -> Report:
        """Train a recipe from a seed, unless that is done already, and report on the validation users.

        Raises:
            KeyboardInterrupt: if it was stopped; nothing is kept of it.
        """
        key = (recipe, seed)
        if key not in self.reports:
            quick = dataclasses.replace(recipe, learning_rate=6e-3)  # so that a short training shows the whole way
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "no look at")  # the panel says so in its own words
                run = quick.train(self.split, steps=self.steps, seed=seed, progress=False, on_step=on_step)
            if run.interrupted:
                raise KeyboardInterrupt
            self.runs[key], self.reports[key] = run, report(run.model, self.validation)
        return self.reports[key]

    def draw(self, state: State) -> go.Figure:
        """The grid's map for a K; beside it the reader's own trainings over one tower, that of the state first."""
        key = (recipe_of(state), state["seed"])
        known = [one for one in self.reports if one[0] != self.one and one != key][:-8:-1]  # the latest seven
        leads = {one: compare(self.reports[one], self.alone) for one in [key, *known] if one in self.reports}
        title = alt = f"{_name(*key)}: not trained by you yet"
        if key in leads:
            own, lead, best = (
                self.reports[key],
                "{:+.3f} [{:+.3f}, {:+.3f}]".format(*leads[key]),
                self.runs[key].best_step,
            )
            kept = f"best step {best}" if best else "no step was better than the untrained model, which is what you see"
            title = f"{_name(*key)}: {lead} over one tower, cosine {own.cosine:.2f}"
            alt = (
                f"{title}. Recall at 50 {own.recall.mean():.3f} for {len(own.users)} validation users, "
                f"{own.as_one.mean():.3f} with the mean of the own vectors; shares of the hits "
                f"{', '.join(f'{share:.2f}' for share in own.shares)}; {kept}"
            )
        if key[0] in self.grid:
            there = self.grid[key[0]]
            alt += f". In the shipped grid: recall at 50 {there.recall_50:.3f}, cosine {there.cosine:.2f}"
        here = place_of(key[0])
        places = [(place_of(at), one.recall_50 - self.grid[self.one].recall_50) for at, one in self.grid.items()]
        values = {(at["alpha"], at["beta"]): lead for at, lead in places if at["num_towers"] == here["num_towers"]}
        points = squares(values, (ALPHAS, BETAS), chosen=(here["alpha"], here["beta"]))
        named = [(_name(*one), lead) for one, lead in leads.items()]
        chosen = int(key in leads)
        groups = {"chosen": named[:chosen], "trained before": named[chosen:]}
        return map_and_forest(points, groups, title=title, alt=f"{alt}.")

    def work(self, state: State, on_step: Callable[[int], None]) -> None:
        """Train at a state."""
        with contextlib.suppress(KeyboardInterrupt):  # cancelled: the panel says so
            self.trial(recipe_of(state), state["seed"], on_step)

    def panel(self) -> Panel:
        """K, α, β and a seed, with a button that trains there."""
        seeds = Control(name="seed", label="seed", values=sorted({0, 1, 2, 3, self.start["seed"]}), kind="list")
        presets = {"Copies": (4, 2.0, 0.0), "Specialists": (4, 5.0, 0.3)}
        presets |= {"Many, pushed": (8, 2.0, 1.0), "The paper's peak": PEAK}
        more: dict[str, Any] = dict(draw=self.draw, start=self.start, presets=presets, work=self.work, steps=self.steps)
        return grid_panel("laboratory", [2, 4, 8], (ALPHAS, BETAS), seeds, **more)


def recipe_of(state: State) -> Recipe:
    """The recipe of a state, whose seed is no part of it."""
    return recipe_at(**{name: value for name, value in state.items() if name != "seed"})


def _name(recipe: Recipe, seed: int) -> str:
    return f"{in_short(*place_of(recipe).values())}, seed {seed}"
