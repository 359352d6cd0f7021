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
        angles = np.degrees(np.arctan2(arrow.y, arrow.x))
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


def test_0_degrees_is_at_the_right_and_angles_run_counter_clockwise():
    figure = pictures.circle_figure({**START, "tower": 90, "target": 0})
    marks = next(one for one in figure.data if one.mode == "markers" and one.text is not None and "tower" in one.text)
    places = dict(zip(marks.text, zip(marks.x, marks.y, strict=True), strict=True))
    assert places["target"] == pytest.approx((1, 0))
    assert places["tower"] == pytest.approx((0, 1))


def test_the_border_can_be_found_with_the_steps_of_the_margin():
    preset = pictures.CIRCLE_PRESETS["Below αγ = 1"]
    said = {
        margin: pictures.circle_figure({**preset, "margin": margin}).layout.meta["alt"] for margin in (0.45, 0.5, 0.55)
    }
    assert "the two together towards" in said[0.45]
    assert "the two together nowhere" in said[0.5]
    assert "the two together away" in said[0.55]
    steps = pictures.circle_panel().controls["margin"].values
    assert {0.45, 0.5, 0.55} < set(steps)


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
            assert len(figure.data) == 11


def test_the_sweep_says_in_words_what_it_draws():
    lines = {"cosine": np.array([1.0, 0.25])}
    figure = pictures.sweep_figure(np.array([1.0, 5.0]), lines, {"one tower": 0.3}, title="α")
    assert figure.layout.meta["alt"] == "Lines over α: cosine 1.00 at α 1, 0.25 at α 5; one tower 0.30."
    assert list(figure.data[0].y) == [1.0, 0.25]
    assert list(figure.data[1].y) == [0.3, 0.3]


def test_the_flight_shows_recall_and_the_towers_far_away():
    recalls = {"flowing": (np.array([0, 100]), np.array([0.05, 0.13]))}
    levels = {"Most Popular": 0.117, "EASE": 0.29}
    figure = pictures.flight_figure(recalls, levels, {"flowing": {0: 0.5, 50: 0.25}}, title="flight")
    said = "The floors: Most Popular 0.117, EASE 0.290. At the end, flowing: recall 0.130, 25% of"
    assert said in figure.layout.meta["alt"]
    assert [list(one.y) for one in figure.data] == [[0.05, 0.13], [0.5, 0.25], [0.117, 0.117], [0.29, 0.29]]


def test_the_mean_of_copies_finds_what_they_find():
    world = datasets.planted_interests(num_interests=5, num_users=20)
    cases = interactions.evaluation_cases(world.log, np.arange(20))
    one = MTMI(num_items=world.log.num_items, num_towers=1, dim=4)
    found = metrics.evaluate(one, cases)
    np.testing.assert_allclose(pictures.mean_vector_recall(found, one), found.recall(50))
    four = MTMI(num_items=world.log.num_items, num_towers=4, dim=4)
    apart = metrics.evaluate(four, cases)
    assert not np.array_equal(pictures.mean_vector_recall(apart, four), apart.recall(50))


# ---- one user's numbers


@pytest.fixture
def moment() -> pictures.Moment:
    generator = torch.Generator().manual_seed(0)
    vectors, target, negatives = (torch.randn(*shape, 8, generator=generator) for shape in ((4,), (), (30,)))
    return pictures.Moment(vectors=vectors + target, target=target, negatives=negatives)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_chain_ends_in_the_librarys_loss(moment, beta, normalised):
    settings = dict(alpha=3.0, beta=beta, margin=0.4)
    found = pictures.chain(moment, **settings, normalised=normalised)
    loss = MultiTowerLoss(pull="triplet", share="normalised" if normalised else "raw", **settings)
    users = Users(vectors=moment.vectors[None], mask=torch.ones(1, 4, dtype=torch.bool))
    terms = loss(users, moment.target[None], moment.negatives, torch.ones(1, 30, dtype=torch.bool))
    assert found["loss"].mean() == pytest.approx(float(terms["total"]), rel=1e-5)
    for name in ("share" if normalised else "weight", "pull", "repel"):
        np.testing.assert_allclose(found[name], terms[{"weight": "share"}.get(name, name)][0], rtol=1e-5)
    assert found["share"].sum() == pytest.approx(4, rel=1e-5)


def test_a_step_leads_away_where_the_mean_triplet_exceeds_the_active_fraction_of_distance_over_alpha(moment):
    seen = set()
    for alpha in (0.5, 2.0, 8.0):
        found = pictures.chain(moment, alpha=alpha, beta=0.0, margin=0.4, normalised=False)
        negative = torch.nn.functional.normalize(moment.negatives, dim=-1)
        cosines = (torch.nn.functional.normalize(moment.vectors, dim=-1) @ negative.T).numpy()
        active = (0.4 - 1 + found["D"][:, None] + cosines > 0).mean(axis=1)
        assert (found["detached"] >= 0).all()
        np.testing.assert_array_equal(found["flowing"] < 0, found["pull"] > active * found["D"] / alpha)
        seen |= set((found["flowing"] < 0).tolist())
    assert seen == {True, False}


def test_the_figure_of_a_user_shows_all_numbers_and_what_is_not_used(moment):
    state = pictures.CHAIN_START
    figure = pictures.chain_figure(moment, state)
    bars = {one.name: one for one in figure.data if one.type == "bar"}
    assert list(bars) == ["S⁺", "S⁻", "D", "weight", "share", "pull", "loss", "detached", "flowing"]
    found = pictures.chain(moment, alpha=2.0, beta=0.0, margin=0.5, normalised=False)
    np.testing.assert_allclose(bars["weight"].y, found["weight"])
    assert (bars["weight"].opacity, bars["share"].opacity) == (1, 0.3)
    heads = [note.text for note in figure.layout.annotations]
    assert len(heads) == 8
    assert heads[4] == "<b>5.</b> share (not used)"
    shares = pictures.chain_figure(moment, {**state, "counts": "share"})
    assert shares.layout.annotations[3].text.endswith("(not used)")
    assert len(shares.data[0].z) == 5  # four towers and the target
    assert "tower 4: S⁺" in shares.layout.meta["alt"]


def test_the_panel_of_a_user_draws_each_of_its_states(moment):
    panel = pictures.chain_panel({towers: [moment, moment] for towers in ("before training", "copies", "specialists")})
    for preset in panel.presets.values():
        panel.go_to(preset)
    for control in panel.controls.values():
        for value in (control.values[0], control.values[-1]):
            panel.go_to({control.name: value})
    assert panel.state["user"] == 2


# ---- where a tower flees


def test_pairs_leave_out_the_negative_that_is_the_target():
    distance = torch.tensor([[0.5, 1.0], [0.7, 0.8]])
    negative = torch.arange(8.0).reshape(2, 2, 2) / 10
    pairs = pictures.pairs_of(distance, negative, torch.tensor([[True, True], [False, True]]))
    expected = {(0.5, 0.0), (0.5, 0.1), (1.0, 0.2), (1.0, 0.3), (0.7, 0.5), (0.8, 0.7)}
    assert {
        (round(d, 4), round(n, 4)) for d, n in zip(*map(np.ndarray.tolist, vars_of(pairs)), strict=True)
    } == expected


def vars_of(pairs: pictures.Pairs) -> tuple[np.ndarray, np.ndarray]:
    return pairs.distance.astype(float), pairs.negative.astype(float)


@pytest.fixture
def pairs() -> pictures.Pairs:
    rng = np.random.default_rng(0)
    return pictures.Pairs(distance=rng.uniform(0.01, 2, 3000), negative=rng.uniform(-1, 1, 3000))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 8.0])
def test_a_pair_flees_above_the_border_and_does_not_move_below_the_line_of_an_inactive_triplet(pairs, alpha):
    figure = pictures.region_figure(pairs, {"alpha": alpha, "margin": 0.3})
    lines = {one.name: one for one in figure.data}
    border = np.interp(pairs.distance, lines["border: T = D/α"].x, lines["border: T = D/α"].y)
    still = np.interp(pairs.distance, lines["T = 0"].x, lines["T = 0"].y)
    flee = pairs.fleeing(alpha=alpha, margin=0.3)
    clear = (abs(pairs.negative - border) > 1e-9) & (abs(pairs.negative - still) > 1e-9)
    np.testing.assert_array_equal(flee[clear], ((pairs.negative > border) & (pairs.negative > still))[clear])
    shaded = lines["flight: T > D/α"]
    np.testing.assert_allclose(shaded.y[:2], lines["border: T = D/α"].y)
    assert min(shaded.y[2:]) >= 1
    assert f"{flee.mean():.1%} of the pairs flee" in figure.layout.title.text
    shown = {one.name.split(":")[0]: len(one.x) for one in figure.data[3:]}
    assert sum(shown.values()) == pictures.SHOWN_PAIRS
    assert shown["flees"] == flee[: pictures.SHOWN_PAIRS].sum()


def test_alpha_gamma_of_2_minus_alpha_is_the_last_at_which_no_tower_flees_where_the_negative_is_at_a_right_angle():
    for alpha in (1.0, 1.2, 1.5, 1.9):
        straight = pictures.Pairs(distance=np.linspace(0.01, 2, 200), negative=np.zeros(200))
        bound = (2 - alpha) / alpha
        assert not straight.fleeing(alpha=alpha, margin=bound - 1e-6).any()
        assert straight.fleeing(alpha=alpha, margin=bound + 1e-3).any()


def test_no_alpha_is_safe_from_every_negative(pairs):
    near = pictures.Pairs(distance=np.array([0.01]), negative=np.array([0.98]))
    wide = pictures.Pairs(distance=np.concatenate([pairs.distance, near.distance]),
                          negative=np.concatenate([pairs.negative, near.negative]))  # fmt: skip
    for alpha in pictures.region_panel(pairs).controls["alpha"].values:
        assert wide.fleeing(alpha=alpha, margin=0.2).any()


def test_the_trade_shows_the_product_only_where_it_is_asked_for():
    assert len(pictures.trade_figure(alpha=2.0, margin=0.5, title="").data) == 2
    figure = pictures.trade_figure(alpha=2.0, margin=0.5, product=True, title="")
    np.testing.assert_allclose(figure.data[2].y, np.multiply(figure.data[0].y, figure.data[1].y))
    assert "largest, 0.5, at D = 1." in figure.layout.meta["alt"]
