"""Lesson 12: what its figures and its panel compute."""

import numpy as np
import pytest

from lessons.lesson_12 import pictures
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import Cases, batch_of, evaluation_cases, from_columns, item_counts, split_users
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MTMI


@pytest.fixture(scope="module")
def world():
    return planted_interests(num_interests=4, items_per_interest=12, num_users=100, interests_per_user=2)


def test_of_twelve_items_each_limit_has_one_and_six_are_left_alone():
    limits = pictures.limits_of(24)
    assert limits[:12].tolist() == [*pictures.LIMITS, *[pictures.OFTEN] * 6]
    drawn = pictures.limits_of(24, seed=1)
    assert sorted(drawn) == sorted(limits)
    assert drawn.tolist() != limits.tolist()


def test_rare_items_are_as_rare_as_asked_and_test_users_keep_all(world):
    split = split_users(world.log, seed=0)
    limits = pictures.limits_of(world.log.num_items)
    rare = pictures.make_rare(split, limits, seed=0)
    counts = item_counts(rare.log, np.concatenate([rare.train, rare.validation]))
    before = item_counts(world.log, np.concatenate([split.train, split.validation]))
    assert (counts <= limits).all()
    np.testing.assert_array_equal(counts[limits <= 8], np.minimum(before, limits)[limits <= 8])
    labels = rare.log.user_labels[rare.test]
    assert labels.tolist() == world.log.user_labels[split.test].tolist()
    for own, user in zip(rare.test, split.test, strict=True):
        np.testing.assert_array_equal(rare.log.of(own), world.log.of(user))
    assert rare.log.lengths[rare.train].min() >= 5


def test_users_with_too_few_purchases_left_go():
    users = np.repeat(np.arange(10), 6)
    log = from_columns(users=users, items=["a", "b", "c", "d", "e", "f"] * 10, times=np.arange(60))
    split = split_users(log, seed=0)
    limits = np.array([0, 0, *[pictures.OFTEN] * 4])
    rare = pictures.make_rare(split, limits, seed=0)
    assert len(rare.train) == len(rare.validation) == 0
    assert rare.log.user_labels.tolist() == log.user_labels[split.test].tolist()


def test_words_that_many_names_hold_are_features():
    log = from_columns(users=[0, 0, 0], items=["Red mug", "Red hat", "Big fan"], times=[0, 1, 2])
    named = pictures.with_words(log, least=2)
    features = named.item_features
    assert features.names.tolist() == ["red"]
    has = dict(zip(named.item_names.tolist(), (features.ids >= 0).any(axis=1).tolist(), strict=True))
    assert has == {"Red mug": True, "Red hat": True, "Big fan": False}


def test_recall_among_some_items_leaves_out_users_who_want_none(world):
    cases = Cases(
        users=np.array([0, 1]),
        cuts=np.array([1, 1]),
        batch=batch_of([[0], [1]], num_items=48),
        relevant=np.array([1, 2, 3]),
        offsets=np.array([0, 2, 3]),
        num_items=48,
    )
    evaluation = evaluate(MTMI(num_items=48, num_towers=1, dim=4), cases, num=48)
    some = np.zeros(48, dtype=bool)
    some[[1, 2]] = True
    np.testing.assert_allclose(pictures.recall_among(evaluation, some, 48), [1.0, np.nan])
    first = pictures.recall_among(evaluation, some, 5)[0]
    assert first == np.isin([1, 2], evaluation.ranking.items[0, :5]).mean()
    assert pictures.compare(np.array([1.0, np.nan]), np.array([0.5, 1.0]), seed=0) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("interval", "words"),
    [((0.1, 0.05, 0.2), "helps"), ((-0.1, -0.2, -0.05), "hurts"), ((0.1, -0.05, 0.2), "too few users to tell")],
)
def test_an_interval_in_words(interval, words):
    assert pictures.verdict(interval) == words


def test_the_curve_has_a_line_for_each_model_and_one_for_chance(world):
    cases = evaluation_cases(world.log, split_users(world.log, seed=0).test)
    evaluation = evaluate(MTMI(num_items=48, num_towers=1, dim=4), cases, num=20)
    limits = pictures.limits_of(48)
    curve = pictures.curve(evaluation, limits, 20)
    assert list(curve) == [*pictures.LIMITS, pictures.OFTEN]
    assert curve[0] == pytest.approx(np.nanmean(pictures.recall_among(evaluation, limits == 0, 20)))
    figure = pictures.by_purchases({"one": curve, "two": curve}, 0.4, num=20, title="lines")
    assert [line.name for line in figure.data] == ["one", "two", "chance"]
    assert len({line.line.dash for line in figure.data}) == 3
    assert "chance 0.40" in figure.layout.meta["alt"]


def test_the_nearest_come_first_and_not_the_product_itself(world):
    model = MTMI(num_items=48, num_towers=1, dim=4)
    order, cosines = pictures.nearest(model, 7, 10)
    assert 7 not in order
    assert (np.diff(cosines) <= 0).all()


def test_the_panel_shows_the_product_that_was_chosen(world):
    models = {name: MTMI(num_items=48, num_towers=1, dim=4, seed=seed) for seed, name in enumerate(("ids", "both"))}
    limits = pictures.limits_of(48)
    names, interest = world.log.item_names, world.item_interest
    panel = pictures.features_panel(models, names, interest, limits, world.interest_names)
    panel.go_to({"interest": str(world.interest_names[1]), "bought": "4", "model": "both"})
    item = int(np.flatnonzero((interest == 1) & (limits == 4))[0])
    assert str(names[item])[:20] in panel.figure.layout.title.text
    order, _ = pictures.nearest(models["both"], item, 8)
    own = int((interest[order] == 1).sum())
    assert f"{own} of 8 of its own interest" in panel.figure.layout.title.text
    assert str(names[order[0]])[:20] in panel.figure.data[0].y[0]
    buttons = {button.description: button for button in panel.widget.children[1].children}
    buttons["Never bought, with features"].click()
    assert (panel.state["bought"], panel.state["model"]) == ("0", "both")
