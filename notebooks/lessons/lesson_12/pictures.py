"""Lesson 12: its computations, figures and panel: where features place a product, and how often it must be bought."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Shaped
from plotly.subplots import make_subplots

from lessons.common.figures import COLOURS, GREY, MARKERS, SYMBOLS, finished, short
from lessons.common.panels import Control, Panel, State
from mtmi_lite.interactions import FIRST_TARGET, Interactions, Split, describe, from_codes
from mtmi_lite.metrics import Evaluation, paired_interval
from mtmi_lite.models import Model

Array = np.ndarray
LIMITS = (0, 1, 2, 4, 8, 16)
"""How often those who train may have bought the products that are made rare."""
OFTEN = 10**9
DASHES = ("solid", "dash", "dot")
Difference = tuple[float, float, float]
"""A mean difference, and the low and the high end of its interval."""


def limits_of(num_items: int, *, seed: int | None = None) -> Int64[Array, " item"]:
    """How often each item may be bought: of twelve, one for each of the `LIMITS`, and six as often as they were.

    Args:
        seed: shuffles the items; None takes them in their order, twelve after twelve.
    """
    places = np.arange(num_items) if seed is None else np.random.default_rng(seed).permutation(num_items)
    return np.array([*LIMITS, *[OFTEN] * 6])[places % 12]


def make_rare(split: Split, limits: Int64[Array, " item"], *, seed: int) -> Split:
    """A log in which training and validation users bought each item no more often than its limit.

    Which purchases stay is drawn. Test users keep all of theirs; others who are left with too few go.
    """
    log = split.log
    drawn = np.random.default_rng(seed).permutation(len(log))
    drawn = drawn[~np.isin(log.users[drawn], split.test)]
    drawn = drawn[np.argsort(log.items[drawn], kind="stable")]  # by item, and within one as drawn
    items = log.items[drawn]
    keep = np.ones(len(log), dtype=bool)
    keep[drawn] = np.arange(len(items)) - np.searchsorted(items, items) < limits[items]
    stay = np.bincount(log.users[keep], minlength=log.num_users) > FIRST_TARGET
    stay[split.test] = True
    keep &= stay[log.users]
    number = np.cumsum(stay) - 1
    rare = from_codes(
        number[log.users[keep]],
        log.items[keep],
        log.times[keep],
        user_labels=log.user_labels[stay],
        item_names=log.item_names,
    )
    profiles = None if log.user_features is None else log.user_features[np.flatnonzero(stay)]
    rare = replace(rare, item_features=log.item_features, user_features=profiles)
    train, validation, test = (number[part[stay[part]]] for part in (split.train, split.validation, split.test))
    return Split(log=rare, train=train, validation=validation, test=test)


def with_words(log: Interactions, *, least: int = 5) -> Interactions:
    """A log whose items have the words of their names as features: those that at least `least` names hold."""
    words = {name: set(re.findall(r"[a-z]{3,}", name.lower())) for name in map(str, log.item_names)}
    counts = Counter(word for own in words.values() for word in own)
    kept = {name: sorted(word for word in own if counts[word] >= least) for name, own in words.items()}
    return describe(log, item_features=kept)


def recall_among(evaluation: Evaluation, some: Bool[Array, " item"], num: int) -> Float[Array, " case"]:
    """The fraction of each user's relevant items among `some` that the list holds; NaN where there is none."""
    cases = evaluation.cases
    of_case = np.repeat(np.arange(len(cases)), cases.num_relevant)
    wanted = np.bincount(of_case, weights=some[cases.relevant], minlength=len(cases))
    found = (evaluation.first(num) & some[evaluation.ranking.items[:, :num]]).sum(axis=1)
    return np.where(wanted > 0, found / wanted.clip(min=1), np.nan)


def compare(ours: Float[Array, " case"], theirs: Float[Array, " case"], *, seed: int) -> Difference:
    """The paired interval over the users who have both numbers."""
    kept = ~(np.isnan(ours) | np.isnan(theirs))
    return paired_interval(ours[kept], theirs[kept], seed=seed)


def verdict(interval: Difference) -> str:
    """What a paired interval says, in words.

    >>> verdict((0.01, -0.002, 0.022))
    'too few users to tell'
    """
    middle, low, high = interval
    return "too few users to tell" if low <= 0 <= high else "helps" if middle > 0 else "hurts"


def curve(evaluation: Evaluation, limits: Int64[Array, " item"], num: int) -> dict[int, float]:
    """The mean recall of the items of each limit."""
    return {limit: float(np.nanmean(recall_among(evaluation, limits == limit, num))) for limit in (*LIMITS, OFTEN)}


def by_purchases(curves: Mapping[str, dict[int, float]], chance: float, *, num: int, title: str) -> go.Figure:
    """How many products are found, by how often they were bought, a line for each model."""
    figure = go.Figure()
    places = [f"at most {limit}" if limit else "never" for limit in LIMITS] + ["often"]
    for number, (name, values) in enumerate(curves.items()):
        figure.add_scatter(
            x=places,
            y=list(values.values()),
            name=name,
            mode="lines+markers",
            line=dict(color=COLOURS[number], dash=DASHES[number]),
            marker=dict(symbol=MARKERS[number], size=10),
        )
    figure.add_scatter(
        x=places, y=[chance] * len(places), name="chance", mode="lines", line=dict(color=GREY, dash="dashdot")
    )
    figure.update_xaxes(title="how often those who train bought the product")
    figure.update_yaxes(title=f"recall@{num} of these products", range=[0, 1.02])
    figure.update_layout(legend=dict(orientation="h", y=-0.35, yanchor="top"))
    words = "; ".join(
        f"{name}: " + ", ".join(f"{place} {value:.2f}" for place, value in zip(places, values.values(), strict=True))
        for name, values in curves.items()
    )
    alt = f"Recall at {num} of products by how often they were bought. {words}; chance {chance:.2f}."
    return finished(figure, title=title, alt=alt, height=460)


def nearest(model: Model, item: int, num: int) -> tuple[Int64[Array, " num"], Float[Array, " num"]]:
    """The items whose vectors are nearest to one item's, without itself, and their cosines."""
    with torch.no_grad():
        directions = F.normalize(model.items(torch.arange(model.num_items)), dim=1).numpy()
    cosines = directions @ directions[item]
    order = np.argsort(-cosines, kind="stable")
    order = order[order != item][:num]
    return order, cosines[order]


def neighbours(
    models: Mapping[str, Model],
    item: int,
    names: Shaped[Array, " item"],
    group: Int64[Array, " item"],
    *,
    title: str,
    num: int = 8,
) -> go.Figure:
    """The products nearest to one, a column for each model; those of the same group in colour and marked.

    Args:
        group: of each product, such as its interest.
    """
    figure = make_subplots(rows=len(models), cols=1, subplot_titles=list(models), vertical_spacing=0.14)
    words = []
    for row, (name, model) in enumerate(models.items(), start=1):
        order, cosines = nearest(model, item, num)
        own = group[order] == group[item]
        labels = [
            f"{SYMBOLS[0] if same else '○'} {short(str(names[other]), 30)}"
            for other, same in zip(order, own, strict=True)
        ]
        figure.add_bar(
            x=cosines,
            y=labels,
            orientation="h",
            marker_color=[COLOURS[0] if same else GREY for same in own],
            text=[f"{value:.2f}" for value in cosines],
            textangle=0,
            showlegend=False,
            row=row,
            col=1,
        )
        words.append(f"{name}: {own.sum()} of {num} are of its own kind, first {names[order[0]]} at {cosines[0]:.2f}")
    figure.update_xaxes(range=[0, 1.05]).update_xaxes(title="cosine", row=len(models), col=1)
    figure.update_yaxes(autorange="reversed", automargin=True)
    alt = f"The products nearest to {names[item]}. {'; '.join(words)}."
    return finished(figure, title=title, alt=alt, height=110 + 250 * len(models)).update_layout(margin_t=90)


def features_panel(
    models: Mapping[str, Model],
    names: Shaped[Array, " item"],
    group: Int64[Array, " item"],
    limits: Int64[Array, " item"],
    group_names: Shaped[Array, " interest"],
) -> Panel:
    """Choose a product by its interest and by how often it was bought, and see its neighbours in a model."""
    places = {("often" if limit == OFTEN else str(limit)): limit for limit in (*LIMITS, OFTEN)}
    kinds = [str(name) for name in group_names]

    def draw(state: State) -> go.Figure:
        of_kind = (group == kinds.index(state["interest"])) & (limits == places[state["bought"]])
        item = int(np.flatnonzero(of_kind)[0])
        bought = {"0": "never bought", "often": "bought often"}.get(state["bought"], f"bought {state['bought']} times")
        model = models[state["model"]]
        own = int((group[nearest(model, item, 8)[0]] == group[item]).sum())
        title = f"{short(str(names[item]))}, {bought}<br>{own} of 8 of its own interest"
        return neighbours({state["model"]: model}, item, names, group, title=title)

    first, second, *_ = models
    controls = [
        Control(name="interest", label="interest", values=kinds, kind="list"),
        Control(name="bought", label="times bought", values=list(places)),
        Control(name="model", label="model", values=list(models), kind="list"),
    ]
    presets = {
        "Never bought, ids alone": {"bought": "0", "model": first},
        "Never bought, with features": {"bought": "0", "model": second},
        "Bought often, ids alone": {"bought": "often", "model": first},
        "Bought often, with features": {"bought": "often", "model": second},
    }
    start = {"interest": kinds[0], "bought": "often", "model": first}
    return Panel("features", controls, draw, start=start, presets=presets)
