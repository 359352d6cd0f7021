"""Lesson 01's computations, figures and panel, against what can be counted by hand."""

import itertools
from statistics import NormalDist

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


def test_recall_of_rows_asks_for_what_is_wanted_and_nothing_else(log):
    """The second user had a and b, and is asked for c, d and e; the first user's baskets say what goes together."""
    first = log.users == 0
    known, wanted = np.zeros((2, len(log)), dtype=bool)
    known[[10, 11]] = wanted[[12, 13, 14]] = True
    found = pictures.recall_of_rows(log, np.array([1, 0]), trained=first, known=known, wanted=wanted, num=2)
    # a and b sell best; c and g are in a basket with both, and d, e and f with a alone
    assert found["best-sellers"].tolist()[:1] == [0]
    assert found["Bought together"].tolist()[:1] == [pytest.approx(1 / 3)]
    assert all(np.isnan(values[1]) for values in found.values())  # nothing is wanted of the first user


def test_an_experiment_finds_a_difference_as_often_as_the_formula_says():
    normal = NormalDist()
    values = np.random.default_rng(0).normal(size=20_000)
    values = 0.1 + (values - values.mean()) / values.std()
    sizes = [100, 400, 1600]
    found = pictures.found_in(values, sizes, seed=0, experiments=4000)
    expected = [1 - normal.cdf(1.96 - 0.1 * size**0.5) for size in sizes]
    assert found == pytest.approx(expected, abs=0.03)
    assert pictures.found_in(-values, sizes, seed=0, experiments=4000) == pytest.approx(expected, abs=0.03)
    figure = pictures.found_figure(sizes, found, title="three")
    assert list(figure.data[0].y) == found.tolist()
    assert "with 100 customers, " in figure.layout.meta["alt"]


def test_the_redrawn_means_are_shown_with_their_middle_and_with_0():
    means = np.linspace(1, 2, 201)
    figure = pictures.redrawn_figure(means, title="one")
    assert sum(figure.data[0].y) == pytest.approx(1)
    assert "lie from +1.0250 to +1.9750" in figure.layout.meta["alt"]
    assert figure.layout.xaxis.range[0] < 0 < 2 < figure.layout.xaxis.range[1]


def test_the_moves_are_shown_from_the_one_cut_to_the_other():
    one, other = (
        {"a": np.array([0.0, 0.5]), "b": np.array([1.0, 1.0])},
        {"a": np.array([0.5, 0.5]), "b": np.array([0.5, 1.0])},
    )
    figure = pictures.moved_by_the_cut(one, other, title="two")
    *lines, left, right = figure.data
    assert [list(line.x) for line in lines] == [[0.25, 0.5], [1, 0.75]]
    assert [list(left.x), list(right.x)] == [[0.25, 1], [0.5, 0.75]]
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
