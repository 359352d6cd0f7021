"""Lesson 05's computations and figures: the gradient in its three parts, against autograd, and the panel's."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from lessons.lesson_05 import pictures
from mtmi_lite import interactions, metrics
from mtmi_lite.data import datasets
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.models import MTMI
from mtmi_lite.towers import Users

START = pictures.CIRCLE_START


def unit(angle: torch.Tensor) -> torch.Tensor:
    return torch.stack([angle.cos(), angle.sin()])


@pytest.mark.parametrize("through_weight", [False, True])
@pytest.mark.parametrize("target", [0, -35])
@pytest.mark.parametrize("tower", [15, 60, 90, 150, -120])
def test_the_parts_sum_to_the_gradient_of_the_librarys_loss(tower, target, through_weight):
    settings = dict(alpha=3.0, margin=0.7, floor=0.05, through_weight=through_weight)
    parts = pictures.gradient_parts(tower, target, 40, **settings)
    loss = MultiTowerLoss(pull="triplet", share="raw", beta=0.0, **settings)
    angle = torch.tensor(math.radians(tower), requires_grad=True, dtype=torch.float64)
    users = Users(vectors=unit(angle)[None, None], mask=torch.tensor([[True]]))
    there, other = (unit(torch.tensor(math.radians(place), dtype=torch.float64))[None] for place in (target, 40))
    total = loss(users, there, other, torch.tensor([[True]]))["total"]
    total.backward()
    assert parts.total == pytest.approx(float(angle.grad), rel=1e-6, abs=1e-9)
    assert parts.inverse * parts.triplet == pytest.approx(total.item(), rel=1e-6)


def test_weight_and_pull_go_away_where_the_triplet_exceeds_distance_over_alpha():
    seen = set()
    for tower in range(20, 180, 10):
        parts = pictures.gradient_parts(tower, 0, 180, alpha=2.0, margin=0.3, floor=0.01, through_weight=True)
        if parts.triplet > 0:
            away = pictures.direction(parts.weight + parts.pull, tower, 0) == "away"
            assert away == (parts.triplet > parts.distance / 2.0)
            seen.add(away)
    assert seen == {True, False}


def test_there_is_no_part_through_the_weight_when_detached_and_at_the_floor():
    settings = dict(alpha=2.0, margin=0.5, through_weight=True)
    assert pictures.gradient_parts(15, 0, 40, floor=0.05, **settings).weight == 0
    assert pictures.gradient_parts(15, 0, 40, floor=0.01, **settings).weight != 0
    assert pictures.gradient_parts(15, 0, 40, alpha=2.0, margin=0.5, floor=0.01, through_weight=False).weight == 0


def test_where_the_margin_is_kept_nothing_moves():
    parts = pictures.gradient_parts(10, 0, 180, alpha=5.0, margin=0.5, floor=0.001, through_weight=True)
    assert (parts.triplet, parts.weight, parts.pull, parts.negative) == (0, 0, 0, 0)
    state = {**START, "tower": 10, "negative": -180}
    assert "leaves the tower where it is" in pictures.circle_figure(state).layout.title.text


@pytest.mark.parametrize("side", [1, -1])
def test_a_direction_is_the_same_on_both_sides_of_the_target(side):
    for target in (0, 170):
        assert pictures.direction(side * 1.0, target + side * 30, target) == "towards"
        assert pictures.direction(side * -1.0, target + side * 30, target) == "away"
    assert pictures.direction(side * 1.0, 180, 0) == "towards"


@pytest.mark.parametrize(
    ("preset", "title", "said"),
    [
        ("Detached", "towards the target", "weight nowhere, the two together towards"),
        ("The tower flees", "away from the target", "weight away, the two together away"),
        ("At the floor", "towards the target", "(at the floor)"),
        ("Below αγ = 1", "towards the target", "weight away, the two together towards"),
    ],
)
def test_the_presets_show_what_their_names_say(preset, title, said):
    figure = pictures.circle_figure(pictures.CIRCLE_PRESETS[preset])
    assert figure.layout.title.text.endswith(title)
    assert said in figure.layout.meta["alt"]


def trace(figure: go.Figure, start: str) -> go.Scatter:
    [found] = [one for one in figure.data if (one.name or "").startswith(start)]
    return found


def test_an_arrow_starts_at_the_tower_and_turns_against_the_gradient():
    figure = pictures.circle_figure(pictures.CIRCLE_PRESETS["The tower flees"])
    turns = {}
    for name in ("pull", "weight", "negative", "sum"):
        [arrow] = [one for one in figure.data if one.marker.symbol == "arrow" and one.name.startswith(name)]
        angles = np.degrees(np.arctan2(arrow.x, arrow.y))
        assert angles[0] == pytest.approx(90)
        turns[name] = float(angles[-1] - angles[0])
    assert turns["weight"] == pytest.approx(pictures.WIDEST)
    assert turns["pull"] < 0 < turns["negative"]
    assert turns["sum"] == pytest.approx(turns["pull"] + turns["weight"] + turns["negative"])


@pytest.mark.parametrize("through_weight", [False, True])
def test_the_black_curve_passes_through_the_tower_with_the_slope_of_the_gradient(through_weight):
    state = {**START, "through_weight": through_weight}
    figure = pictures.circle_figure(state)
    curve = trace(figure, "weight flows" if through_weight else "weight held")
    assert curve.line.color == "black"
    x, y = np.array(curve.x), np.array(curve.y)
    here = int(np.flatnonzero(x == 90)[0])
    settings = {name: state[name] for name in ("alpha", "margin", "floor", "through_weight")}
    parts = pictures.gradient_parts(90, 0, 40, **settings)
    assert y[here] == pytest.approx(parts.inverse * parts.triplet)
    assert (y[here + 1] - y[here - 1]) / np.radians(5) == pytest.approx(parts.total, rel=0.05)


def test_a_click_on_the_circle_moves_what_the_list_names_and_other_clicks_nothing():
    panel = pictures.circle_panel()
    panel.go_to({"moves": "negative"})
    panel.screen._handle_custom_msg({"trace": 0, "point": 0}, [])
    assert panel.state == {**START, "moves": "negative", "negative": -180}
    panel.screen._handle_custom_msg({"trace": 1, "point": 0}, [])
    assert panel.state == {**START, "moves": "negative", "negative": -180}
    assert len(panel.figure.data[0].x) == len(pictures.ANGLES) == 72


def test_every_place_of_the_panel_can_be_drawn():
    for state in ({"target": 90}, {"negative": 90}, {"alpha": 8.0, "floor": 0.001, "tower": 5}, {"tower": -180}):
        for through_weight in (False, True):
            figure = pictures.circle_figure({**START, **state, "through_weight": through_weight})
            numbers = np.concatenate([np.array(one.y, dtype=float) for one in figure.data])
            assert np.isfinite(numbers).all()
            assert len(figure.data) == 10


def test_the_sweep_says_in_words_what_it_draws():
    lines = {"cosine": np.array([1.0, 0.25])}
    figure = pictures.sweep_figure(np.array([1.0, 5.0]), lines, {"one tower": 0.3}, title="α")
    assert figure.layout.meta["alt"] == "Lines over α: cosine 1.00 at α 1, 0.25 at α 5; one tower 0.30."
    assert list(figure.data[0].y) == [1.0, 0.25]
    assert list(figure.data[1].y) == [0.3, 0.3]


def test_the_flight_shows_recall_and_the_towers_far_away():
    recalls = {"flowing": (np.array([0, 100]), np.array([0.05, 0.13]))}
    figure = pictures.flight_figure(recalls, 0.117, {"flowing": {0: 0.5, 50: 0.25}}, title="flight")
    assert "Most Popular has 0.117. At the end, flowing: recall 0.130, 25% of" in figure.layout.meta["alt"]
    assert [list(one.y) for one in figure.data] == [[0.05, 0.13], [0.5, 0.25], [0.117, 0.117]]


def test_the_mean_of_copies_finds_what_they_find():
    world = datasets.planted_interests(num_interests=5, num_users=20)
    cases = interactions.evaluation_cases(world.log, np.arange(20))
    one = MTMI(num_items=world.log.num_items, num_towers=1, dim=4)
    found = metrics.evaluate(one, cases)
    np.testing.assert_allclose(pictures.mean_vector_recall(found, one), found.recall(50))
    four = MTMI(num_items=world.log.num_items, num_towers=4, dim=4)
    apart = metrics.evaluate(four, cases)
    assert not np.array_equal(pictures.mean_vector_recall(apart, four), apart.recall(50))
