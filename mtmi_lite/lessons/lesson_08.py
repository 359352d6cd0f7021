"""What lesson 08 computes, draws, and lets a reader turn: a grid with its intervals, and a laboratory of their own."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int64

from mtmi_lite.cells import per_user
from mtmi_lite.experiments import ALPHAS, BETAS, Knobs, Portrait, recipe_at
from mtmi_lite.figures import COLOURS, GREY, MARKERS, finished
from mtmi_lite.interactions import Cases, Interactions, Split, evaluation_cases
from mtmi_lite.metrics import evaluate, paired_interval
from mtmi_lite.models import MTMI
from mtmi_lite.panels import Control, Panel, State
from mtmi_lite.runs import Run

Array = np.ndarray
Row = Mapping[str, Any]
Setting = tuple[int, float, float]
"""K, α and β."""
Entry = tuple[str, Sequence[float]]
"""A name, and a difference with the two ends of its interval."""
MARGIN = 0.01
"""How much worse still counts as not worse: of recall@50, fixed before anything is trained."""
LEAD, COSINE, SHARE = "recall@50 over one tower", "cosine between towers", "largest share of the hits"
SCALES = {
    LEAD: ("{:+.3f}", (-0.05, 0.05), ["#E69F00", "#FFFFFF", "#56B4E9"]),
    COSINE: ("{:.2f}", (0.0, 1.0), ["#FFFFFF", "#56B4E9"]),
    SHARE: ("{:.2f}", (0.0, 1.0), ["#FFFFFF", "#56B4E9"]),
}
"""How a measure is written, where its colours end, and what they are."""
SEEDS = (0, 1, 2, 3)
PEAK = (4, 2.0, 1000.0)
"""Where the paper's grid is said to peak, as (K, α, β)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """What a model is worth to some users, and what its towers have to do with it.

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


def report(model: MTMI, cases: Cases, log: Interactions) -> Report:
    """Measure a model on the users of some cases."""
    evaluation = evaluate(model, cases)
    measured = per_user(evaluation, log, model)
    return Report(
        users=cases.users,
        recall=measured["recall_50"],
        as_one=measured["mean_50"],
        cosine=float(measured["cosine"].mean()),
        shares=evaluation.tower_shares(50),
        without=np.array([evaluation.recall_without(tower, 50).mean() for tower in range(model.sizes["num_towers"])]),
    )


def compare(ours: Report, theirs: Report, *, seed: int = 0) -> tuple[float, float, float]:
    """The difference in recall@50 over the same users, with its paired interval.

    Raises:
        ValueError: if the users are not the same.
    """
    if not np.array_equal(ours.users, theirs.users):
        raise ValueError("users: the two reports are of different users; measure both on the same cases")
    return paired_interval(ours.recall, theirs.recall, seed=seed)


def word(interval: Sequence[float], margin: float = MARGIN) -> str:
    """What an interval lets one say, by a rule that was fixed before: the difference is its first number.

    >>> word([0.02, 0.01, 0.03]), word([-0.02, -0.03, -0.01]), word([0.0, -0.004, 0.004]), word([0.0, -0.03, 0.03])
    ('better', 'worse', 'not worse', 'undecided')
    """
    _, low, high = interval
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "not worse" if low > -margin else "undecided"


def best_of_equals(num_settings: int, *, noise: float, draws: int = 1000, seed: int = 0) -> float:
    """By how much the best of some equally good settings looks better than it is, on the mean.

    Args:
        noise: the standard deviation of what one setting reads.

    >>> best_of_equals(1, noise=0.0)
    0.0
    """
    readings = np.random.default_rng(seed).normal(0, noise, size=(draws, num_settings))
    return float(readings.max(axis=1).mean())


def settings_of(rows: Iterable[Row]) -> dict[Setting, Row]:
    """The rows of a table by their K, α and β."""
    return {(row["K"], row["alpha"], row["beta"]): row for row in rows}


def measures_of(row: Row) -> dict[str, float]:
    """What a map can show of a row, by the name of the measure."""
    shares = row.get("shares of the hits", [[1.0]])
    return {
        LEAD: row["over one tower"][0],
        COSINE: float(np.mean(row.get("cosine", np.nan))),
        SHARE: float(np.mean([max(one) for one in shares])),
    }


def in_short(setting: Setting) -> str:
    """A setting in few words.

    >>> in_short((4, 2.0, 0.1))
    'K 4, α 2, β 0.1'
    """
    return f"K {setting[0]}, α {setting[1]:g}, β {setting[2]:g}"


def squares(
    values: Mapping[tuple[float, float], float],
    alphas: Sequence[float],
    betas: Sequence[float],
    measure: str,
    *,
    chosen: tuple[float, float] | None = None,
    marks: Mapping[tuple[float, float], str] | None = None,
    size: int = 42,
) -> go.Scatter:
    """A square for each (α, β), with its value in it; white where there is none. Points, so that one can click them.

    Args:
        chosen: which has a thick edge.
        marks: a sign above the value.
    """
    form, (low, high), colours = SCALES[measure]
    places = [(alpha, beta) for alpha in alphas for beta in betas]
    text = [form.format(values[place]).replace("0.", ".") if place in values else "" for place in places]
    signs = [f"{marks[place]}<br>" if marks and place in marks else "" for place in places]
    return go.Scatter(
        x=[f"{beta:g}" for _, beta in places],
        y=[f"{alpha:g}" for alpha, _ in places],
        mode="markers+text",
        text=[sign + one for sign, one in zip(signs, text, strict=True)],
        textfont_size=11,
        hovertemplate="α %{y}, β %{x}: %{text}<extra></extra>",
        showlegend=False,
        marker=dict(
            symbol="square",
            size=size,
            color=[np.clip(values.get(place, (low + high) / 2), low, high) for place in places],
            cmin=low,
            cmax=high,
            colorscale=colours,
            line=dict(
                width=[4 if place == chosen else 1 for place in places],
                color=["black" if place == chosen else "#CCCCCC" for place in places],
            ),
        ),
    )


def forest(entries: Sequence[Entry], *, first: int = 1, **axes: str) -> list[go.Scatter]:
    """Differences with their intervals, a row each; the first few are black stars, the others are blue circles."""
    traces = []
    for part, colour, symbol in ((entries[:first], "black", "star"), (entries[first:], COLOURS[0], MARKERS[0])):
        d = np.array([interval for _, interval in part]).reshape(-1, 3)
        traces.append(
            go.Scatter(
                x=d[:, 0],
                y=[name for name, _ in part],
                mode="markers",
                showlegend=False,
                marker=dict(size=11, symbol=symbol, color=colour),
                error_x=dict(type="data", array=d[:, 2] - d[:, 0], arrayminus=d[:, 0] - d[:, 1], color=colour),
                hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
                **axes,
            )
        )
    return traces


def map_and_forest(points: go.Scatter, entries: Sequence[Entry], *, first: int, title: str, alt: str) -> go.Figure:
    """A map of squares on the left; on the right some leads over one tower with intervals, the first few as stars."""
    figure = go.Figure([points, *forest(entries, first=first, xaxis="x2", yaxis="y2")])
    names = [name for name, _ in entries][::-1]  # the first one on top
    figure.update_layout(
        xaxis=dict(type="category", title="β, repel", domain=[0, 0.56], showgrid=False),
        yaxis=dict(type="category", title="α, share", showgrid=False),
        xaxis2=dict(title="recall@50 over one tower", domain=[0.78, 1], anchor="y2", zeroline=False, nticks=4),
        yaxis2=dict(type="category", categoryorder="array", categoryarray=names, anchor="x2", automargin=False),
    )
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, xref="x2", yref="paper", line=dict(color=GREY, dash="dash"), layer="below"
    )
    return finished(figure, title=title, alt=alt, height=430)


class Landscape:
    """A grid over K, α and β that is kept in a file, as maps.

    Args:
        rows: with K, alpha, beta, "over one tower" (a difference and its interval), validation, and what the towers
            do, as `notebooks/results/grid_movielens.json` has them.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = settings_of(row for row in rows if row["K"] > 1)
        self.towers, self.alphas, self.betas = (sorted(set(values)) for values in zip(*self.rows, strict=True))
        self.chosen = max(self.rows, key=lambda setting: self.rows[setting]["validation"])

    def values(self, num_towers: int, measure: str) -> dict[tuple[float, float], float]:
        """A measure by α and β, for one K."""
        return {s[1:]: measures_of(row)[measure] for s, row in self.rows.items() if s[0] == num_towers}

    def beyond(self) -> tuple[int, int]:
        """How many settings lie above one tower with their whole interval, and how many below."""
        leads = np.array([row["over one tower"] for row in self.rows.values()])
        return int((leads[:, 1] > 0).sum()), int((leads[:, 2] < 0).sum())

    def maps(self, *, title: str) -> go.Figure:
        """The lead over one tower, a map for each K; ★ is what the validation users choose, P the paper's peak."""
        figure = go.Figure()
        wide = 1 / len(self.towers)
        for number, k in enumerate(self.towers):
            end = "" if number == 0 else str(number + 1)
            marks = {s[1:]: mark for s, mark in ((PEAK, "P"), (self.chosen, "★")) if s[0] == k}
            points = squares(self.values(k, LEAD), self.alphas, self.betas, LEAD, marks=marks, size=40)
            figure.add_trace(points.update(xaxis=f"x{end}", yaxis=f"y{end}"))
            domain = [number * wide, (number + 1) * wide - 0.02]
            figure.update_layout(
                {
                    f"xaxis{end}": dict(type="category", title=f"β      (K = {k})", domain=domain, showgrid=False),
                    f"yaxis{end}": dict(
                        type="category", showgrid=False, anchor=f"x{end}", title="α, share" if number == 0 else None
                    ),
                }
            )
        above, below = self.beyond()
        alt = (
            f"Three maps of recall at 50 over one tower, for K = {', '.join(map(str, self.towers))}. Of "
            f"{len(self.rows)} settings {above} lie above one tower with their whole interval and {below} below. "
            f"Highest for the validation users: {in_short(self.chosen)}."
        )
        return finished(figure, title=title, alt=alt, height=400)

    @property
    def start(self) -> State:
        """The setting that the validation users choose."""
        return dict(zip(("num_towers", "alpha", "beta"), self.chosen, strict=True)) | {"shown": LEAD}

    def neighbours(self, setting: Setting) -> list[Setting]:
        """The setting, and those that are one step from it in one of the three."""
        found = [setting]
        for place, values in enumerate((self.towers, self.alphas, self.betas)):
            at = values.index(setting[place])
            for near in values[max(at - 1, 0) : at] + values[at + 1 : at + 2]:
                found.append((*setting[:place], near, *setting[place + 1 :]))  # type: ignore[arg-type]
        return found

    def draw(self, state: State) -> go.Figure:
        """One K as a map; beside it the setting of the state and its neighbours, with their intervals."""
        setting = (state["num_towers"], state["alpha"], state["beta"])
        row, shown = self.rows[setting], state["shown"]
        near = self.neighbours(setting)
        entries = [(in_short(one), self.rows[one]["over one tower"]) for one in near]
        difference, low, high = row["over one tower"]
        level = sum(self.rows[one]["over one tower"][2] >= low for one in near[1:])
        title = (
            f"{in_short(setting)}: {difference:+.3f} [{low:+.3f}, {high:+.3f}] over one tower, {word([0, low, high])}"
        )
        numbers = measures_of(row)
        alt = (
            f"{title}. Recall at 50 {row['recall_50']:.3f} for test users, {row['validation']:.3f} for validation users; "
            f"mean of its own vectors {row['mean_50']:.3f}; cosine {numbers[COSINE]:.2f}; largest share "
            f"{numbers[SHARE]:.2f} of the hits. {level} of its {len(near) - 1} neighbours reach into its interval. "
            f"The map shows the {shown} for K = {setting[0]}."
        )
        points = squares(self.values(setting[0], shown), self.alphas, self.betas, shown, chosen=setting[1:])
        return map_and_forest(points, entries, first=1, title=title, alt=alt)

    def panel(self) -> Panel:
        """The maps, to be walked through."""
        controls = [
            Control(name="num_towers", label="K, towers", values=self.towers, kind="switch"),
            Control(name="alpha", label="α, share", values=self.alphas),
            Control(name="beta", label="β, repel", values=self.betas),
            Control(name="shown", label="map", values=list(SCALES), kind="list"),
        ]
        presets = {
            "Chosen by validation": self.start,
            "The paper's peak": dict(zip(("num_towers", "alpha", "beta"), PEAK, strict=True)),
            "Towers that differ": {"num_towers": 4, "alpha": 2.0, "beta": 0.1},
            "Sharp, and pushed": {"num_towers": 4, "alpha": 6.0, "beta": 1.0},
        }
        return Panel("grid", controls, self.draw, start=self.start, presets=presets, pick=self.pick)

    def pick(self, state: State, trace: int, point: int) -> State:
        """A click on a square goes there."""
        return _place(self.alphas, self.betas, point) if trace == 0 else {}


def _place(alphas: Sequence[float], betas: Sequence[float], point: int) -> State:
    return {"alpha": alphas[point // len(betas)], "beta": betas[point % len(betas)]}


class Laboratory:
    """Trainings of a reader's own beside a shipped grid, all measured on the validation users of one split.

    Args:
        grid: portraits by knobs, from `load_grid`; may be empty.
        split: whom to train on, and whose validation users look.
        steps: of each training.
        seed: of the training of one tower, with which all others are compared.

    `runs` and `reports` are what was trained, by knobs and seed.
    """

    def __init__(self, grid: Mapping[Knobs, Portrait], split: Split, *, steps: int, seed: int = 0) -> None:
        self.grid, self.split, self.steps = grid, split, steps
        self.validation = evaluation_cases(split.log, split.validation)
        self.runs: dict[tuple[Knobs, int], Run] = {}
        self.reports: dict[tuple[Knobs, int], Report] = {}
        self.one = (Knobs(num_towers=1, alpha=0.0, beta=0.0), seed)
        self.trial(*self.one)

    def trial(self, knobs: Knobs, seed: int = 0, on_step: Callable[[int], None] | None = None) -> Report:
        """Train at some knobs from a seed, unless that is done already, and report on the validation users.

        Raises:
            KeyboardInterrupt: if it was stopped; nothing is kept of it.
        """
        key = (knobs, seed)
        if key not in self.reports:
            recipe = recipe_at(knobs, learning_rate=6e-3)
            run = recipe.train(self.split, steps=self.steps, seed=seed, progress=False, on_step=on_step)
            if run.interrupted:
                raise KeyboardInterrupt
            self.runs[key], self.reports[key] = run, report(run.model, self.validation, self.split.log)
        return self.reports[key]

    @property
    def start(self) -> State:
        """Four towers at α = 2 without repel: copies."""
        return {"num_towers": 4, "alpha": 2.0, "beta": 0.0, "seed": self.one[1]}

    def draw(self, state: State) -> go.Figure:
        """The grid's map for a K; beside it the reader's own trainings over one tower, that of the state first."""
        knobs = Knobs(num_towers=state["num_towers"], alpha=state["alpha"], beta=state["beta"])
        key, known = (knobs, state["seed"]), [key for key in self.reports if key != self.one]
        order = [one for one in known if one == key] + [one for one in known[::-1] if one != key][:7]
        base = self.reports[self.one]
        entries = [
            (f"{in_short((k.num_towers, k.alpha, k.beta))}, seed {s}", compare(self.reports[k, s], base))
            for k, s in order
        ]
        name = f"{in_short((knobs.num_towers, knobs.alpha, knobs.beta))}, seed {state['seed']}"
        if key in self.reports:
            mine, (difference, low, high) = self.reports[key], entries[0][1]
            title = f"{name}: {difference:+.3f} [{low:+.3f}, {high:+.3f}] over one tower, cosine {mine.cosine:.2f}"
            alt = (
                f"{title}. Recall at 50 {mine.recall.mean():.3f} for {len(mine.users)} validation users, "
                f"{mine.as_one.mean():.3f} with the mean of the own vectors; shares of the hits "
                f"{', '.join(f'{share:.2f}' for share in mine.shares)}; best step {self.runs[key].best_step}."
            )
        else:
            title = f"{name}: not trained by you yet"
            alt = f"{title}; press Train these. It takes {self.steps} steps."
        if knobs in self.grid:
            there = self.grid[knobs]
            alt += f" In the shipped grid: recall at 50 {there.recall_50:.3f}, cosine {there.cosine:.2f}."
        points = squares(self._leads(knobs.num_towers), ALPHAS, BETAS, LEAD, chosen=(knobs.alpha, knobs.beta), size=36)
        return map_and_forest(points, entries, first=int(key in self.reports), title=title, alt=alt)

    def _leads(self, num_towers: int) -> dict[tuple[float, float], float]:
        alone = next((portrait.recall_50 for knobs, portrait in self.grid.items() if knobs.num_towers == 1), 0.0)
        rows = {knobs: portrait for knobs, portrait in self.grid.items() if knobs.num_towers == num_towers}
        return {(knobs.alpha, knobs.beta): portrait.recall_50 - alone for knobs, portrait in rows.items()}

    def work(self, state: State, on_step: Callable[[int], None]) -> None:
        """Train at a state."""
        knobs = {name: state[name] for name in ("num_towers", "alpha", "beta")}
        with contextlib.suppress(KeyboardInterrupt):  # cancelled: the panel says so
            self.trial(Knobs(**knobs), state["seed"], on_step)

    def panel(self) -> Panel:
        """K, α, β and a seed, with a button that trains there."""
        controls = [
            Control(name="num_towers", label="K, towers", values=[2, 4, 8], kind="switch"),
            Control(name="alpha", label="α, share", values=ALPHAS),
            Control(name="beta", label="β, repel", values=BETAS),
            Control(name="seed", label="seed", values=sorted({*SEEDS, self.one[1]}), kind="list"),
        ]
        presets = {
            "Copies": {"num_towers": 4, "alpha": 2.0, "beta": 0.0},
            "Specialists": {"num_towers": 4, "alpha": 5.0, "beta": 0.3},
            "Many, pushed": {"num_towers": 8, "alpha": 2.0, "beta": 1.0},
            "The paper's peak": {"num_towers": 4, "alpha": 2.0, "beta": 1000.0},
        }
        return Panel(
            "laboratory",
            controls,
            self.draw,
            start=self.start,
            presets=presets,
            pick=lambda state, trace, point: _place(ALPHAS, BETAS, point) if trace == 0 else {},
            work=self.work,
            steps=self.steps,
        )


def leads_figure(grid: Sequence[Row], finals: Sequence[Row], *, title: str) -> go.Figure:
    """The lead of each finalist over one tower: where all were tried, and on more folds."""
    tried = settings_of(grid)
    shown = [row for row in finals if row["K"] > 1 and (row["K"], row["alpha"], row["beta"]) in tried]
    shown = [row for row in shown if row["over one tower"][0] > -0.05]  # the others would flatten the rest
    figure = go.Figure()
    for number, (name, leads) in enumerate(
        {
            "the two folds of the grid": [
                tried[row["K"], row["alpha"], row["beta"]]["over one tower"] for row in shown
            ],
            "eight folds": [row["over one tower"] for row in shown],
        }.items()
    ):
        d = np.array(leads)
        figure.add_scatter(
            x=d[:, 0],
            y=np.arange(len(shown)) + 0.16 * (1 - 2 * number),
            name=name,
            mode="markers",
            marker=dict(size=10, symbol=MARKERS[number], color=COLOURS[number]),
            error_x=dict(type="data", array=d[:, 2] - d[:, 0], arrayminus=d[:, 0] - d[:, 1], color=COLOURS[number]),
        )
    names = [in_short((row["K"], row["alpha"], row["beta"])) for row in shown]
    figure.add_vline(x=0, line=dict(color=GREY, dash="dash"))
    figure.update_yaxes(tickvals=np.arange(len(shown)), ticktext=names, autorange="reversed", showgrid=False)
    figure.update_xaxes(title="recall@50 over one tower").update_layout(legend=dict(orientation="h", y=-0.25))
    alt = f"{title}. " + "; ".join(
        f"{name}: {row['over one tower'][0]:+.3f} from {row['over one tower'][1]:+.3f} to {row['over one tower'][2]:+.3f}"
        for name, row in zip(names, shown, strict=True)
    )
    return finished(figure, title=title, alt=f"{alt}, on eight folds.", height=380)


def seeds_figure(arms: Mapping[str, Float[Array, " seed"]], *, title: str) -> go.Figure:
    """Recall@50 of some settings, a point for each seed and a line at their mean."""
    figure = go.Figure()
    for number, (name, values) in enumerate(arms.items()):
        figure.add_scatter(
            x=values,
            y=[name] * len(values),
            mode="markers",
            showlegend=False,
            marker=dict(size=13, symbol=MARKERS[number], color=COLOURS[number], opacity=0.8),
        )
        figure.add_scatter(
            x=[np.mean(values)],
            y=[name],
            mode="markers",
            showlegend=False,
            marker=dict(size=30, symbol="line-ns", line=dict(width=2, color=COLOURS[number])),
        )
    figure.update_xaxes(title="recall@50, mean over users; a point a seed, the line their mean")
    figure.update_yaxes(autorange="reversed")
    alt = f"{title}. " + "; ".join(
        f"{name}: from {values.min():.3f} to {values.max():.3f}, mean {values.mean():.3f}"
        for name, values in arms.items()
    )
    return finished(figure, title=title, alt=alt + ".", height=280)
