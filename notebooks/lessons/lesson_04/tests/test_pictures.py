"""Lesson 04's computations, figures and panel."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lessons.common.figures import COLOURS, MARKERS
from lessons.lesson_04 import pictures
from mtmi_lite import interactions, metrics
from mtmi_lite.data import datasets
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.models import MTMI
from mtmi_lite.towers import AttentionPooling, InterestRouting, Users
from mtmi_lite.training import TrainingSettings, train

HAND = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]])
TARGET = torch.tensor([[0.6, 0.8]])
LOSS = torch.tensor([[0.18, 0.66, 0.82]])
ALL = torch.tensor([[True, True, True]])


@pytest.mark.parametrize(
    ("rule", "sharpness", "expected"),
    [
        ("nearest", 0.0, [0, 1, 0]),
        ("smallest loss", 0.0, [1, 0, 0]),
        ("label-aware", 0.0, [1 / 3, 1 / 3, 1 / 3]),
        ("label-aware", 1000.0, [0, 1, 0]),
        ("inverse distance", 1.0, [4 / 13, 8 / 13, 1 / 13]),
        ("inverse distance", 1000.0, [0, 1, 0]),
    ],
)
def test_the_shares_of_three_vectors_by_each_rule(rule, sharpness, expected):
    found = pictures.shares(rule, Users(vectors=HAND, mask=ALL), TARGET, LOSS, sharpness)
    assert found[0].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("rule", pictures.RULES)
def test_an_absent_tower_answers_for_nothing(rule):
    users = Users(vectors=HAND, mask=torch.tensor([[True, False, True]]))
    found = pictures.shares(rule, users, TARGET, LOSS - torch.tensor([0, 9.0, 0]), 1.0)
    assert found[0, 1] == 0
    assert found.sum() == pytest.approx(1)


def test_only_the_mixture_finds_what_lies_between_two_vectors():
    users = Users(vectors=HAND[:, :2], mask=ALL[:, :2])
    items = torch.tensor([[0.8, 0.6], [0.98, 0.199], [0.199, 0.98]])
    mixed = pictures.answer(users, items, torch.tensor([0]), rule="label-aware", sharpness=1.0)
    assert (mixed.ranks.tolist(), mixed.label_rank.tolist()) == ([[2, 2]], [1])
    assert mixed.served_rank.tolist() == [3]  # both other items are nearer to one of the vectors
    assert (mixed.found_with_label(1).tolist(), mixed.found_with_label(2).tolist()) == ([1.0], [1.0])
    soft = pictures.answer(users, items, torch.tensor([2]), rule="inverse distance", sharpness=0.0)
    assert soft.ranks.tolist() == [[3, 1]]
    assert soft.found_with_label(1).tolist() == [0.5]  # half of the target is tower 2's, which has it first


@pytest.fixture(scope="module")
def world() -> SimpleNamespace:
    log = datasets.planted_interests(num_interests=20, num_users=100, seed=1).log
    cases = interactions.evaluation_cases(log, np.arange(60))
    kinds = {
        "pooling": dict(tower=AttentionPooling, num_towers=3),
        "one": dict(tower=AttentionPooling, num_towers=1),
        "MIND": dict(tower=InterestRouting, num_towers=8, similarity="inner-product"),  # some have fewer vectors
    }
    split, settings = interactions.split_users(log, seed=1), TrainingSettings(steps=1)
    runs = {
        name: train(MTMI(num_items=log.num_items, dim=8, seed=1, **kind), MultiTowerLoss(), split, settings)
        for name, kind in kinds.items()
    }
    return SimpleNamespace(log=log, cases=cases, runs=runs, models={name: run.model for name, run in runs.items()})


@pytest.mark.parametrize("name", ["pooling", "one", "MIND"])
@pytest.mark.parametrize("rule", pictures.RULES)
def test_what_is_served_is_what_the_evaluation_serves(world, name, rule):
    evaluation = metrics.evaluate(world.models[name], world.cases)
    gap = pictures.measure_gap(evaluation, world.models[name], rule=rule, sharpness=2.0)
    assert gap.served == pytest.approx(evaluation.recall(50))
    assert (gap.room >= gap.served).all()
    if rule != "label-aware":  # whose mixture is none of the vectors
        assert (gap.label <= gap.room + 1e-6).all()
    if name == "one":
        assert gap.label == pytest.approx(gap.served)


def test_the_curves_of_the_circle():
    degrees = np.arange(0, 361, 45)
    angles = torch.from_numpy(np.radians(degrees)).float()
    negative = torch.tensor([0.28, 0.96])
    curves = pictures.circle_shares(HAND[0], negative, angles)
    assert all(curve.sum(axis=1) == pytest.approx(3, abs=1e-4) for curve in curves.values())
    assert curves["all alike (α = 0)"] == pytest.approx(np.ones((9, 3)))
    assert curves["nearest tower"][degrees == 90].tolist() == [[0, 3, 0]]
    assert "smallest loss" not in curves  # which would answer the first prediction
    figure = pictures.share_curves(curves, degrees, (0, 90, 180), 73.7, title="Shares")
    assert {(trace.marker.color, trace.marker.symbol) for trace in figure.data if "markers" in trace.mode} >= {
        (COLOURS[tower], MARKERS[tower]) for tower in range(3)
    }
    assert "0°, 90°, 180°" in figure.layout.meta["alt"]
    hard = pictures.circle_shares(HAND[0], negative, angles, pictures.HARD_RULES)
    assert (hard["smallest loss"][:, 1] == 0).all()  # the negative stands beside tower 2
    figure = pictures.share_curves(hard, degrees, (0, 90, 180), 73.7, title="Shares")
    assert [trace.x for trace in figure.data if trace.name == "negative, 74°"] == [(73.7,)]


def test_interests_listed_may_be_all_of_them_with_one_list():
    items, interest = np.array([[0, 1, 2, 3], [0, 2, 4, 5]]), np.array([7, 7, 8, 8, 9, 9])
    own = np.array([[7, 8], [7, 8]])
    assert pictures.interests_listed(items, interest, own, least=2).tolist() == [1, 0]
    assert pictures.interests_listed(items, interest, own, least=1).tolist() == [1, 1]


def test_the_interval_of_a_fraction_is_about_the_ratio_of_the_means():
    draw = np.random.default_rng(0)
    label = draw.uniform(0.4, 0.9, size=200)
    half, most = (pictures.Gap(label=label, room=label, served=part * label) for part in (0.5, 0.8))
    assert pictures.fraction_interval(most, half, seed=0) == pytest.approx((0.3, 0.3, 0.3))
    noisy = pictures.Gap(label=label, room=label, served=draw.permutation(0.5 * label))
    difference, low, high = pictures.fraction_interval(noisy, half, seed=0)
    assert low < 0 < high
    assert difference == pytest.approx(0)


def test_an_excess_is_drawn_over_both_groups_of_users():
    known, new = np.repeat([0.0, 1.0], 50), np.full(20, 0.25)
    excess, low, high = pictures.excess_interval(known, new, seed=0)
    assert excess == 0.25
    assert high - low == pytest.approx(2 * 1.96 * 0.05, rel=0.1)  # the deviation of the mean of 100 is 0.05


def test_the_chart_of_gaps_says_what_it_shows(world):
    model = world.models["pooling"]
    gap = pictures.measure_gap(metrics.evaluate(model, world.cases), model, rule="nearest", sharpness=0.0)
    figure = pictures.gap_chart({"pooling": gap}, title="Gaps")
    assert [trace.x[0] for trace in figure.data[1:]] == pytest.approx(
        [gap.served.mean(), gap.room.mean(), gap.label.mean()]
    )
    assert f"pooling {gap.served.mean():.2f} and {gap.label.mean():.2f}" in figure.layout.meta["alt"]


@pytest.fixture
def panel(world):
    runs = {"MTMI": world.runs["pooling"], "MIND": world.runs["MIND"]}
    return pictures.switch_panel(runs, world.cases, world.log.item_names)


def bars(figure) -> list[float]:
    return list(next(trace.x for trace in figure.data if trace.type == "bar"))


def test_the_switch_hides_the_label(panel):
    training, serving = ({**panel.start, "phase": phase} for phase in pictures.PHASES)
    assert sum(bars(panel.draw(training))) == pytest.approx(1)
    soft, even = (bars(panel.draw({**training, "sharpness": sharpness})) for sharpness in (20.0, 0.0))
    assert even == pytest.approx([1 / 3] * 3)
    assert max(soft) > 0.5
    served = [panel.draw({**serving, "rule": rule, "sharpness": 0.5}) for rule in pictures.RULES]
    assert len({tuple(bars(figure)) for figure in served}) == len({figure.layout.title.text for figure in served}) == 1
    assert panel.idle(serving) == ["rule", "sharpness"]
    assert panel.idle({**training, "rule": "nearest"}) == ["sharpness"]


def test_the_ranks_of_the_panel_are_those_it_shows(world, panel):
    ranks = pictures.panel_ranks(world.runs["pooling"], world.cases, rule="label-aware", sharpness=1.0)
    assert len(ranks) == pictures.SHOWN_USERS * pictures.SHOWN_ITEMS
    for (user, item), (mixed, best, served) in list(ranks.items())[::7]:
        state = {**panel.start, "model": "MTMI", "user": user, "item": item, "rule": "label-aware", "sharpness": 1.0}
        training, serving = (panel.draw({**state, "phase": phase}) for phase in pictures.PHASES)
        assert training.layout.title.text.endswith(f"at rank {mixed}")
        assert f"at rank {served}:" in serving.layout.title.text
        texts = next(trace.text for trace in training.data if trace.type == "bar")
        assert min(int(text.rpartition(" ")[2]) for text in texts) == best


def test_the_panel_starts_where_an_item_is_lost(panel):
    title = panel.draw({**panel.start, "phase": pictures.PHASES[1]}).layout.title.text
    assert title.endswith("not among the 50")


def test_every_preset_of_the_panel_that_has_its_model_has_a_figure(world, panel):
    assert panel.presets == {}  # these two models have none
    runs = {state["model"]: world.runs["pooling"] for state in pictures.PRESETS.values()}
    panel = pictures.switch_panel(runs, world.cases, world.log.item_names)
    assert panel.presets == pictures.PRESETS
    for name, state in pictures.PRESETS.items():
        panel.go_to(state)
        assert panel.draw(panel.state).layout.meta["alt"] == panel._repr_mimebundle_()[0]["text/plain"], name
