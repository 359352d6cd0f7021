"""Lesson 01's computations, figures and panel, against what can be counted by hand."""

import itertools

import numpy as np
import pytest

from lessons.lesson_01 import pictures
from mtmi_lite import interactions
from mtmi_lite.data import datasets


@pytest.fixture
def log():
    """Two users: one with baskets of 3, 4 and 3, one with baskets of 1 and 4."""
    return interactions.from_columns(
        users=[0] * 10 + [1] * 5,
        items=[*"abcdeafgab", *"abcde"],
        times=[1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4],
    )


def test_a_basket_starts_with_a_new_time_or_a_new_user(log):
    assert np.flatnonzero(pictures.basket_starts(log)).tolist() == [0, 3, 7, 10, 11]


def test_the_clear_customer_has_a_cut_inside_a_basket_and_repeats_after_it():
    log = datasets.online_retail()
    users = interactions.split_users(log, seed=0).test
    user = pictures.clear_customer(log, users)
    assert user in users
    items = log.of(user)
    times = log.times[log.offsets[user] : log.offsets[user + 1]]
    cut = len(items) * 4 // 5
    assert times[cut - 1] == times[cut] < times[-1]
    assert 0 < np.isin(items[cut:], items[:cut]).sum() < len(items) - cut
    assert np.diff(np.unique(times)).min() > 5 * 86_400

    short = np.flatnonzero(log.lengths == 5)[:3]
    assert pictures.clear_customer(log, short) == short[0]


def test_the_time_line_stacks_baskets_and_tells_repeats(log):
    figure = pictures.customer_line(log.times[:10], log.items[:10], 8, log.item_names, title="one")
    history, new, repeat = figure.data
    assert list(history.y) == [1, 2, 3, 1, 2, 3, 4, 1]
    assert (len(new.x), list(repeat.y)) == (0, [2, 3])
    assert "2 repeat an earlier one. The cut falls inside a basket." in figure.layout.meta["alt"]
    between = pictures.customer_line(log.times[:10], log.items[:10], 7, log.item_names, title="one")
    assert list(between.data[1].text) == ["g"]
    assert "The cut falls between baskets." in between.layout.meta["alt"]


def test_bought_together_is_the_loop_over_baskets():
    generator = np.random.default_rng(0)
    log = interactions.from_columns(
        users=generator.integers(6, size=120),
        items=generator.integers(15, size=120),
        times=generator.integers(5, size=120),
    )
    trained = generator.random(120) < 0.7
    known = generator.random((4, 15)) < 0.3
    lists = pictures.bought_together(log, trained, known, 5)
    baskets: dict = {}
    for user, time, item in zip(log.users[trained], log.times[trained], log.items[trained], strict=True):
        baskets.setdefault((user, time), []).append(item)
    for row, has in zip(lists, known, strict=True):
        votes = np.zeros(15)
        for basket in baskets.values():
            for item in basket:
                votes[item] += has[basket].sum()
        votes[has] = -1
        assert votes[row].tolist() == sorted(votes, reverse=True)[:5]


def test_popularity_is_relative_to_the_mean_and_starts_at_the_top():
    part, times_mean = pictures.popularity(np.array([2, 8, 2]))
    assert (part.tolist(), times_mean.tolist()) == ([1 / 3, 2 / 3, 1], [2, 0.5, 0.5])
    figure = pictures.popularity_figure(np.array([2, 8, 2]), np.array(["a", "b", "c"]), title="three")
    assert list(figure.data[0].customdata) == ["b", "a", "c"]
    assert list(figure.data[0].text) == ["1: b", "", ""]
    assert "from 8, median 2, to 2." in figure.layout.meta["alt"]


def test_an_interval_is_twice_as_narrow_on_four_times_the_users():
    values = np.random.default_rng(0).normal(size=1600)
    small, large = pictures.half_widths(values, [100, 1600], seed=0, repeats=10)
    assert small / large == pytest.approx(4, rel=0.15)
    assert large == pytest.approx(1.96 / 40, rel=0.1)


def test_the_interval_figure_shows_parts_of_the_draws_and_the_root():
    draws = {"few": np.array([-1.0, 0.0, 1.0, 0.0]), "all": np.array([0.0, 0.1])}
    figure = pictures.interval_figure(draws, [25, 100], np.array([0.2, 0.1]), title="two")
    assert [sum(trace.y) for trace in figure.data[:2]] == pytest.approx([1, 1])
    assert list(figure.data[3].y) == pytest.approx([0.2, 0.1])


def test_the_moves_are_shown_from_the_one_cut_to_the_other():
    one, other = (
        {"a": np.array([0.0, 0.5]), "b": np.array([1.0, 1.0])},
        {"a": np.array([0.5, 0.5]), "b": np.array([0.5, 1.0])},
    )
    figure = pictures.moved_by_the_cut(one, other, title="two")
    assert [list(trace.x) for trace in figure.data] == [[0.25, 1], [0.5, 0.75]]
    assert "a 0.250 and 0.500; b 1.000 and 0.750." in figure.layout.meta["alt"]


def test_the_overlap_of_interests_is_the_mean_over_pairs():
    interests = np.random.default_rng(0).permuted(np.tile(np.arange(9), (7, 1)), axis=1)[:, :3]
    pairs = itertools.combinations(interests.tolist(), 2)
    expected = np.mean([len(set(left) & set(right)) / 3 for left, right in pairs])
    assert pictures.overlap_of_interests(interests, 9) == pytest.approx(expected)


PLAIN = dict(num_interests=60, interests_per_user=1, interest_skew=0.0, item_skew=0.0, seed=0)


def test_what_is_shown_of_a_world_is_what_its_users_did():
    view = pictures.look_at_world(**PLAIN)
    assert view.shown.sum(axis=1).tolist() == view.world.log.lengths[: pictures.NUM_SHOWN].tolist()
    assert (view.shown.argmax(axis=1) == view.world.user_interests[: pictures.NUM_SHOWN, 0]).all()
    assert view.reached["oracle"] == 1  # one interest of 20 products fits in a list of 20
    assert 0 <= view.reached["popular"] < 0.1


def test_with_all_interests_for_everyone_the_best_sellers_are_the_oracle():
    alike = pictures.look_at_world(**pictures.PRESETS["Everyone alike"], seed=0)
    assert alike.overlap == 1
    assert alike.reached["popular"] == pytest.approx(alike.reached["oracle"], abs=0.05)
    sold = pictures.look_at_world(**pictures.PRESETS["One best-seller"], seed=0)
    assert sold.reached["popular"] > 0.7
    assert sold.reached["oracle"] >= sold.reached["popular"]


def test_a_seed_gives_one_world_and_another_seed_another():
    again = pictures.look_at_world.__wrapped__(**PLAIN)
    other = pictures.look_at_world(**PLAIN | {"seed": 1})
    assert np.array_equal(pictures.look_at_world(**PLAIN).world.log.items, again.world.log.items)
    assert not np.array_equal(again.world.user_interests, other.world.user_interests)


def test_the_panel_draws_its_state_at_every_preset():
    counts = np.arange(1, 2000)
    panel = pictures.world_panel(counts, seed=3)
    assert panel.state["seed"] == 3
    for state in pictures.PRESETS.values():
        panel.go_to(state)
        view = pictures.look_at_world(**panel.state)
        expected = pictures.world_figure(view, pictures.popularity(counts))
        assert panel.figure.layout.meta["alt"] == expected.layout.meta["alt"]
        assert list(panel.figure.data[-1].y) == list(view.reached.values())
        assert len(panel.figure.data[0].x) + len(panel.figure.data[1].x) == (view.shown > 0).sum()
    assert pictures.world_panel(counts, seed=77).state["seed"] == 0
