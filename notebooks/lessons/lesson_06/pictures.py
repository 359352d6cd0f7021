"""Lesson 06: trainings watched while the towers part or do not, the figures of it, and a time-lapse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int64
from plotly.subplots import make_subplots
from torch import Tensor

from lessons.common.figures import COLOURS, GREY, MARKERS, finished
from lessons.common.maps import pca_layout
from lessons.common.panels import Control, Panel
from mtmi_lite.data.datasets import PlantedWorld
from mtmi_lite.interactions import Split, evaluation_cases
from mtmi_lite.lab.recipes import Recipe
from mtmi_lite.losses import repel
from mtmi_lite.metrics import Evaluation, evaluate, interests_found, pairwise_cosine
from mtmi_lite.runs import Run, TrainingSettings
from mtmi_lite.training import train

Array = np.ndarray
LOOKS = 8
"""How often a training is looked at."""
SHOWN = 40
"""How many users a picture shows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """A training on a planted world, as it was at some of its steps.

    Args:
        steps: when it was looked at, 0 before training.
        recall, cosine, found: means over the validation users at each look: recall@50, the mean pairwise cosine (NaN
            with one tower), the part of their interests that the towers find.
        shown: the first `SHOWN` validation users.
        vectors: of the shown users, of length 1.
        centres: the middle of each interest's items, of length 1.
        end: the test users, after the last step.
        found_at_end: the part of the interests of each test user.
        run: the training, which stopped at its last step.
    """

    steps: Int64[Array, " look"]
    recall: Float[Array, " look"]
    cosine: Float[Array, " look"]
    found: Float[Array, " look"]
    shown: Int64[Array, " user"]
    vectors: Float32[Array, "look user tower dim"]
    centres: Float32[Array, "look interest dim"]
    end: Evaluation
    found_at_end: Float[Array, " case"]
    run: Run


def watch(recipe: Recipe, world: PlantedWorld, split: Split, *, steps: int, seed: int, looks: int = LOOKS) -> Watched:
    """Train, and look at the validation users before the first step and `looks` times after."""
    cases = evaluation_cases(world.log, split.validation)
    model = recipe.model(split, seed=seed)
    when = np.linspace(0, steps, looks + 1).round().astype(int)
    rows: list[tuple] = []

    def found_by(evaluation: Evaluation) -> Float[Array, " case"]:
        truth = world.user_interests[evaluation.cases.users]
        return interests_found(evaluation.lists, world.item_interest, truth)

    def look(step: int) -> None:
        if step not in when:
            return
        seen = evaluate(model, cases)
        with torch.no_grad():
            items = F.normalize(model.items(torch.arange(world.log.num_items)), dim=1)
        centres = F.normalize(items.unflatten(0, (len(world.interest_names), -1)).mean(dim=1), dim=1).numpy()
        vectors = F.normalize(seen.users.vectors[:SHOWN], dim=-1).numpy()
        cosine = pairwise_cosine(seen.users).mean()
        rows.append((step, seen.recall(50).mean(), cosine, found_by(seen).mean(), vectors, centres))

    look(0)
    settings = TrainingSettings(steps=steps, validate_every=steps, learning_rate=recipe.learning_rate, seed=seed)
    run = train(model, recipe.objective, split, settings, progress=False, on_step=look)
    end = evaluate(model, evaluation_cases(world.log, split.test))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    names = ("steps", "recall", "cosine", "found", "vectors", "centres")
    seen = dict(zip(names, columns, strict=True))
    return Watched(**seen, shown=cases.users[:SHOWN], end=end, found_at_end=found_by(end), run=run)


def push_alone(
    towers: Float[Tensor, "tower dim"], target: Float[Tensor, " dim"], *, margin: float, rounds: int, rate: float = 0.05
) -> Float[Tensor, "round tower dim"]:
    """Move vectors of length 1 down the gradient of the repel, with no other loss: where each is after each round.

    >>> apart = torch.tensor([[1.0, 0.0], [0.0, 1.0]])  # the margin is met, so nothing moves
    >>> push_alone(apart, torch.tensor([0.6, 0.8]), margin=0.5, rounds=3)[-1]
    tensor([[1., 0.],
            [0., 1.]])
    """
    here, path = towers.clone().requires_grad_(), [towers.clone()]
    present = torch.ones(1, len(towers), dtype=torch.bool)
    for _ in range(rounds):
        units = F.normalize(here, dim=1)
        loss = repel((units @ target)[None], (units @ units.T)[None], present, margin=margin).sum()
        [slope] = torch.autograd.grad(loss, here)
        here = F.normalize(here - rate * slope, dim=1).detach().requires_grad_()
        path.append(here.detach())
    return torch.stack(path)


def circle_figure(path: Float[Tensor, "round tower 2"], target: Float[Tensor, " 2"], *, title: str) -> go.Figure:
    """Vectors on the unit circle: where they start, the way they go, and where they rest."""
    angle = np.linspace(0, 2 * np.pi, 120)
    star = dict(color="black", symbol="star", size=18)
    figure = go.Figure(go.Scatter(x=np.cos(angle), y=np.sin(angle), mode="lines", line_color="#CCC", showlegend=False))
    figure.add_scatter(x=target[:1].numpy(), y=target[1:].numpy(), name="target", mode="markers", marker=star)
    for tower, way in enumerate(path.transpose(0, 1).numpy()):
        line, style = dict(color=COLOURS[tower], width=3), dict(color=COLOURS[tower], symbol=MARKERS[tower])
        figure.add_scatter(x=way[:, 0], y=way[:, 1], mode="lines", line=line, showlegend=False)
        for when, spot, size in (("start", way[:1], 9), ("end", way[-1:], 17)):
            marker = dict(size=size, **style)
            name = f"Tower {tower + 1}, {when}"
            figure.add_scatter(x=spot[:, 0], y=spot[:, 1], name=name, mode="markers", marker=marker)
    figure.update_xaxes(range=(-1.3, 1.3), visible=False)
    figure.update_yaxes(range=(-1.15, 1.15), visible=False, scaleanchor="x")
    degrees = torch.rad2deg(torch.atan2(path[..., 1], path[..., 0])).round().int().numpy()
    alt = f"Vectors on a circle, target at {np.degrees(np.arctan2(*target.flip(0).tolist())):.0f}°: " + "; ".join(
        f"tower {t + 1} from {degrees[0, t]}° to {degrees[-1, t]}°" for t in range(path.shape[1])
    )
    return finished(figure, title=title, alt=alt + ".", height=340)


def paths_figure(watched: dict[str, Watched], *, title: str) -> go.Figure:
    """Cosine, recall@50 and interests found of the validation users through some trainings."""
    names = ("cosine between towers", "recall@50", "interests found")
    figure = make_subplots(cols=3, subplot_titles=names, horizontal_spacing=0.06)
    for index, (name, one) in enumerate(watched.items()):
        for column, values in enumerate((one.cosine, one.recall, one.found), start=1):
            figure.add_scatter(
                x=one.steps, y=values.round(3), name=name, legendgroup=name, showlegend=column == 1, **_line(index),
                row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(title="training steps").update_yaxes(rangemode="tozero")
    figure.update_layout(legend=dict(orientation="h", y=-0.3))
    alt = "Cosine, recall at 50 and interests found through training. At the end: " + "; ".join(
        f"{name}: {one.cosine[-1]:.2f}, {one.recall[-1]:.3f}, {one.found[-1]:.2f}" for name, one in watched.items()
    )
    return finished(figure, title=title, alt=f"{alt}.", height=350)


def sweep_figure(
    betas: Sequence[float], measures: dict[str, Sequence[float]], one_tower: float, *, title: str
) -> go.Figure:
    """Some measures against β, and recall@50 of one tower as the line to beat."""
    places = [f"{beta:g}" for beta in betas]
    figure = go.Figure()
    for index, (name, values) in enumerate(measures.items()):
        figure.add_scatter(x=places, y=np.round(values, 3), name=name, **_line(index))
    ends, dashed = [places[0], places[-1]], dict(color=GREY, dash="dash")
    figure.add_scatter(x=ends, y=[one_tower] * 2, name="recall@50 of one tower", mode="lines", line=dashed)
    figure.update_xaxes(title="β, repel", type="category").update_yaxes(range=(0, 1.02))
    figure.update_layout(legend=dict(orientation="h", y=-0.3))
    alt = f"Measures against β; one tower has recall {one_tower:.3f}. " + "; ".join(
        f"β = {place}: " + ", ".join(f"{name} {values[row]:.2f}" for name, values in measures.items())
        for row, place in enumerate(places)
    )
    return finished(figure, title=title, alt=f"{alt}.", height=350)


def _line(index: int) -> dict:
    return dict(mode="lines+markers", line_color=COLOURS[index], marker=dict(symbol=MARKERS[index], size=8))


def two_rows(
    top: Float32[Array, "moment point 2"],
    bottom: Float32[Array, "moment point 2"],
    towers: Int64[Array, " point"],
    captions: Sequence[str],
    *,
    title: str,
) -> go.Figure:
    """PCA above, at one scale, and UMAP below, the same points, one column a moment, coloured by tower."""
    num = len(captions)
    names = [*captions, *[""] * num]
    figure = make_subplots(rows=2, cols=num, subplot_titles=names, vertical_spacing=0.04, horizontal_spacing=0.02)
    for row, layouts in enumerate((top, bottom), start=1):
        reach = 1.08 * float(np.abs(layouts).max())
        for column, layout in enumerate(layouts, start=1):
            for tower in range(int(towers.max()) + 1):
                x, y = layout[towers == tower].T.round(2)
                once = dict(name=f"Tower {tower + 1}", legendgroup=str(tower), showlegend=(row, column) == (1, 1))
                marker = dict(color=COLOURS[tower], symbol=MARKERS[tower], size=5, opacity=0.7)
                figure.add_scatter(
                    x=x, y=y, mode="markers", marker=marker, hoverinfo="name", row=row, col=column, **once
                )
        if row == 1:  # so that spreads compare
            figure.update_xaxes(row=row, range=(-reach, reach)).update_yaxes(row=row, range=(-reach, reach))
    figure.update_xaxes(showticklabels=False, zeroline=False).update_yaxes(showticklabels=False, zeroline=False)
    figure.update_yaxes(title="PCA, one scale", col=1, row=1).update_yaxes(title="UMAP", col=1, row=2)
    figure.update_layout(legend=dict(orientation="h", y=-0.02, itemsizing="constant"))
    alt = "Maps of vectors coloured by tower, PCA above and UMAP below, of: " + "; ".join(captions)
    return finished(figure, title=title, alt=f"{alt}.", height=420)


def time_lapse(watched: Watched, world: PlantedWorld, *, name: str, followed: int) -> go.Figure:
    """The user vectors through a training, a frame a look, played by the page; one user's are drawn large and joined.

    All frames share the axes of one PCA. A thin line joins each vector to the middle of its user's: copies are dots,
    towers that differ are spiders. Stars are the middles of what the followed user likes.

    Args:
        followed: the row of the followed user in `watched.vectors`.
    """
    looks, users, towers, dim = watched.vectors.shape
    likes = world.user_interests[watched.shown[followed]]
    stars = watched.centres[:, likes]
    flat = pca_layout(np.concatenate([watched.vectors.reshape(-1, dim), stars.reshape(-1, dim)])).round(2)
    places = flat[: -stars[..., 0].size].reshape(looks, users, towers, 2)
    stars = flat[-stars[..., 0].size :].reshape(looks, len(likes), 2)
    # from a user's middle to each vector and back, and a gap before the next user's
    middle = places.mean(axis=2, keepdims=True).repeat(towers, axis=2).round(2)
    spiders = np.stack([middle, places], axis=3).reshape(looks, users, -1, 2)
    legs = np.concatenate([spiders, np.full_like(places[:, :, :1], np.nan)], axis=2).reshape(looks, -1, 2)
    everyone = [legs, *places.transpose(2, 0, 1, 3), stars, places[:, followed]]

    def positions(look: int) -> list[dict]:
        return [dict(x=xy[look, :, 0], y=xy[look, :, 1]) for xy in everyone]

    def caption(look: int) -> str:
        cosine, found = watched.cosine[look], watched.found[look]
        told = f"cosine {cosine:.2f} · recall@50 {watched.recall[look]:.3f} · found {found:.2f}"
        return f"{name} · step {watched.steps[look]} · {told}"

    styles: list[dict] = [dict(mode="lines", line=dict(color="#BBBBBB", width=1), showlegend=False, hoverinfo="skip")]
    for tower in range(towers):
        marker = dict(color=COLOURS[tower], symbol=MARKERS[tower], size=6)
        styles.append(dict(name=f"Tower {tower + 1}", mode="markers", marker=marker))
    names = [str(interest) for interest in world.interest_names[likes]]
    star = dict(color="black", symbol="star", size=13)
    styles.append(dict(name="likes", mode="markers+text", marker=star, text=names, textposition="top center"))
    large = dict(
        color=list(COLOURS[:towers]), symbol=list(MARKERS[:towers]), size=17, line=dict(color="black", width=2)
    )
    styles.append(dict(name="followed", mode="lines+markers", line=dict(color="black", width=1), marker=large))
    # the picture without a page that plays: the end
    figure = go.Figure([go.Scatter(**style, **xy) for style, xy in zip(styles, positions(looks - 1), strict=True)])
    figure.frames = [
        dict(name=str(step), data=positions(look), layout=dict(title=dict(text=caption(look))))
        for look, step in enumerate(watched.steps)
    ]
    _play(figure, [str(step) for step in watched.steps])
    whole = dict(range=(-1, 1), showticklabels=False, zeroline=False)
    figure.update_layout(xaxis=whole, yaxis=whole)
    alt = (
        f"Map (PCA) of the vectors of {users} users by {towers} towers, played through training. {name}: cosine "
        f"{watched.cosine[0]:.2f} before training, {watched.cosine[-1]:.2f} after {watched.steps[-1]} steps, recall@50 "
        f"{watched.recall[0]:.3f} and {watched.recall[-1]:.3f}. Followed: user {watched.shown[followed]}, who likes "
        f"{', '.join(names)}."
    )
    return finished(figure, title=caption(looks - 1), alt=alt, height=530)


def _play(figure: go.Figure, frames: list[str]) -> None:
    """Buttons that play and pause the frames, and a slider over them that starts at the last."""

    def showing(what: list[str | None], milliseconds: int) -> list:
        frame = dict(duration=milliseconds, redraw=True)
        return [what, dict(frame=frame, transition=dict(duration=0), mode="immediate", fromcurrent=False)]

    buttons = [
        dict(label="▶ Play", method="animate", args=[None, *showing([], 450)[1:]]),
        dict(label="❚❚ Pause", method="animate", args=showing([None], 0)),
    ]
    steps = [dict(label=name, method="animate", args=showing([name], 0)) for name in frames]
    figure.update_layout(
        updatemenus=[dict(type="buttons", direction="left", buttons=buttons, x=0, y=0, xanchor="left", yanchor="top")],
        sliders=[dict(steps=steps, active=len(frames) - 1, x=0.26, len=0.74, y=0, currentvalue=dict(prefix="step "))],
    )


def time_lapse_panel(watched: dict[str, Watched], world: PlantedWorld, presets: dict[str, dict]) -> Panel:
    """Choose a training and a user to follow; the page plays the training.

    Args:
        watched: trainings by their name, all on the same validation users.
    """
    followed = {f"user {user}": row for row, user in enumerate(next(iter(watched.values())).shown)}

    def draw(state: dict) -> go.Figure:
        name = state["training"]
        return time_lapse(watched[name], world, name=name, followed=followed[state["follow"]])

    controls = [
        Control(name="training", label="training", values=list(watched), kind="list"),
        Control(name="follow", label="follow", values=list(followed), kind="list"),
    ]
    start = {"training": next(iter(watched)), "follow": next(iter(followed))}
    return Panel("time-lapse", controls, draw, start=start, presets=presets)
