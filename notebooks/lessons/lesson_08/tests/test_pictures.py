"""Lesson 08's computations, figures and panel."""

import dataclasses
import json

import numpy as np
import pytest

from lessons.common.maps import Portrait
from lessons.lesson_08 import pictures
from lessons.lesson_08.tests.answers import TABLE
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import split_users
from mtmi_lite.lab.recipes import recipe_at


@pytest.fixture(scope="module")
def landscape() -> pictures.Landscape:
    return pictures.Landscape(TABLE["grid"])


@pytest.fixture(scope="module")
def laboratory() -> pictures.Laboratory:
    log = planted_interests(num_interests=10, num_users=60).log
    nowhere = np.zeros((5, 4, 2), dtype=np.float32)
    one = Portrait(
        recall_20=0.1, recall_50=0.2, cosine=0.5, overlap=0.1, shares=np.ones(4) / 4, pca=nowhere, umap=nowhere
    )
    grid = {
        recipe_at(num_towers=1, alpha=0.0, beta=0.0): one,
        recipe_at(num_towers=4, alpha=2.0, beta=0.1): dataclasses.replace(one, recall_50=0.23),
    }
    return pictures.Laboratory(grid, split_users(log, seed=0), steps=30)


def words(figure) -> str:
    return figure.layout.meta["alt"]


def test_a_report_says_of_each_user_what_a_cell_keeps(laboratory):
    recipe = recipe_at(num_towers=4, alpha=2.0, beta=0.1)
    own = laboratory.trial(recipe, 0)
    assert own.users.tolist() == laboratory.validation.users.tolist()
    assert own.recall.mean() == pytest.approx(laboratory.runs[recipe, 0].validation_recall.max())
    assert own.shares.sum() == pytest.approx(1)
    assert own.without.shape == (4,)
    assert -1 < own.cosine < 1
    assert (own.without <= own.recall.mean() + 0.1).all()
    assert np.isnan(laboratory.alone.cosine)
    assert laboratory.alone.as_one == pytest.approx(laboratory.alone.recall)  # one vector is its own mean


def test_only_the_same_users_are_compared(laboratory):
    own = laboratory.trial(recipe_at(num_towers=4, alpha=2.0, beta=0.1), 0)
    better = dataclasses.replace(own, recall=own.recall + 0.25)
    assert pictures.compare(better, own) == pytest.approx((0.25, 0.25, 0.25))
    with pytest.raises(ValueError, match="users: the two reports are of different users"):
        pictures.compare(own, dataclasses.replace(own, users=own.users[::-1]))


@pytest.mark.parametrize(
    ("interval", "margin", "said"),
    [
        ((0.02, 0.001, 0.04), 0.01, "better"),
        ((-0.02, -0.04, -0.001), 0.01, "worse"),
        ((0.01, -0.009, 0.03), 0.01, "not worse"),
        ((0.01, -0.011, 0.03), 0.01, "undecided"),
        ((0.01, -0.009, 0.03), 0.005, "undecided"),
    ],
)
def test_the_rule_reads_the_interval_and_not_the_difference(interval, margin, said):
    assert pictures.word(interval, margin) == said


def test_the_validation_users_choose_and_one_tower_is_no_candidate(landscape):
    assert landscape.rows[landscape.chosen]["validation"] == max(row["validation"] for row in landscape.rows.values())
    assert min(landscape.towers) == 2
    assert tuple(landscape.start.values()) == (*landscape.chosen, pictures.LEAD)


def test_above_and_below_count_whole_intervals():
    row = {"K": 2, "alpha": 1.0, "validation": 0.1}
    leads = ([0.1, 0.01, 0.2], [0.1, -0.01, 0.2], [-0.1, -0.2, -0.01], [-0.2, -0.3, -0.1])
    rows = [{**row, "beta": float(beta), "over one tower": lead} for beta, lead in enumerate(leads)]
    assert pictures.Landscape(rows).beyond() == (1, 2)


def test_neighbours_are_one_step_away(landscape):
    assert set(landscape.neighbours((4, 2.0, 0.1))) == {
        (2, 2.0, 0.1), (8, 2.0, 0.1), (4, 1.0, 0.1), (4, 4.0, 0.1), (4, 2.0, 0.01), (4, 2.0, 1.0),
    }  # fmt: skip
    assert set(landscape.neighbours((2, 0.5, 0.0))) == {(4, 0.5, 0.0), (2, 1.0, 0.0), (2, 0.5, 0.01)}


def test_a_square_shows_its_own_value_and_an_empty_one_nothing():
    values = {(1.0, 0.0): 0.01, (2.0, 0.1): -0.2}
    points = pictures.squares(values, ([1.0, 2.0], [0.0, 0.1]), chosen=(2.0, 0.1), marks={(1.0, 0.0): "★"})
    assert points.text == ("★<br>+.010", "", "", "−.200")
    assert list(zip(points.y, points.x, strict=True)) == [("1", "0"), ("1", "0.1"), ("2", "0"), ("2", "0.1")]
    assert points.marker.color == (0.01, 0.0, 0.0, -0.05)  # the colour ends, the number does not
    assert points.marker.line.width == (1, 1, 1, 4)


def test_the_maps_mark_what_was_chosen_and_the_papers_peak(landscape):
    figure = landscape.maps(title="Maps")
    text = {k: trace.text for k, trace in zip(landscape.towers, figure.data, strict=True)}
    marked = [(k, one.split("<br>")[0]) for k, every in text.items() for one in every if "<br>" in one]
    assert sorted(marked) == sorted([(landscape.chosen[0], "★"), (4, "P")])
    assert f"{landscape.beyond()[1]} below" in words(figure)


def test_the_panel_of_the_grid_says_what_the_file_says(landscape):
    state = {"num_towers": 4, "alpha": 2.0, "beta": 1000.0, "shown": pictures.COSINE}
    row, figure = landscape.rows[4, 2.0, 1000.0], landscape.draw(state)
    assert figure.data[0].text[landscape.axes[1].index(1000.0) + 6 * 2] == f"{np.mean(row['cosine']):.2f}"[1:]
    assert figure.data[1].x[0] == row["over one tower"][0]
    assert len(figure.data[2].x) == len(landscape.neighbours((4, 2.0, 1000.0)))
    assert f"{row['recall_50']:.3f} for test users" in words(figure)
    assert figure.layout.title.text.endswith(row["verdict"])


def test_a_click_on_a_square_goes_there_and_one_on_an_interval_does_not(landscape):
    panel = landscape.panel()
    number = len(landscape.axes[1]) + 2
    panel._clicked(0, number)
    assert (panel.state["alpha"], panel.state["beta"]) == (landscape.axes[0][1], landscape.axes[1][2])
    before = panel.state
    panel._clicked(2, 0)
    assert panel.state == before


def test_intervals_stand_where_their_names_are():
    groups = {"two": [("a", (0.0, -0.1, 0.3)), ("b", (0.1, 0.0, 0.2))], "eight": [("b", (0.2, 0.1, 0.25))]}
    figure = pictures.forest_figure(groups, title="Leads", measure="recall", dodge=0.2)
    assert figure.layout.yaxis.ticktext == ("a", "b")
    assert figure.data[0].y == pytest.approx((-0.1, 0.9))
    assert figure.data[1].y == pytest.approx((1.1,))
    assert figure.data[0].error_x.array == pytest.approx((0.3, 0.1))
    assert figure.data[0].error_x.arrayminus == pytest.approx((0.1, 0.1))
    assert "b, eight: 0.2000 from 0.1000 to 0.2500" in words(figure)


def test_a_training_is_done_once_and_a_cancelled_one_leaves_nothing(laboratory):
    recipe = recipe_at(num_towers=2, alpha=1.0, beta=0.3)

    def stop(step: int) -> None:
        raise KeyboardInterrupt

    laboratory.work({"num_towers": 2, "alpha": 1.0, "beta": 0.3, "seed": 1}, stop)
    assert (recipe, 1) not in laboratory.reports
    steps: list[int] = []
    first = laboratory.trial(recipe, 1, steps.append)
    assert steps[-1] == laboratory.steps
    assert laboratory.trial(recipe, 1, stop) is first


def test_another_seed_is_another_training(laboratory):
    recipe = recipe_at(num_towers=4, alpha=2.0, beta=0.1)
    assert not np.array_equal(laboratory.trial(recipe, 0).recall, laboratory.trial(recipe, 1).recall)


def test_the_laboratory_shows_what_was_trained_and_says_what_was_not(laboratory):
    state = {"num_towers": 4, "alpha": 2.0, "beta": 0.1, "seed": 0}
    own = laboratory.trial(pictures.recipe_of(state), 0)
    figure = laboratory.draw(state)
    assert figure.data[1].x[0] == pytest.approx((own.recall - laboratory.alone.recall).mean())
    assert "+.030" in figure.data[0].text  # of the shipped grid
    assert "In the shipped grid: recall at 50 0.230, cosine 0.50" in words(figure)
    fresh = laboratory.draw({**state, "seed": 3})
    assert "seed 3: not trained by you yet" in fresh.layout.title.text
    assert fresh.data[1].x.size == 0
    assert len(fresh.data[2].x) >= 1


def test_the_laboratory_without_a_grid_and_a_panel_that_keeps_its_state(laboratory):
    bare = pictures.Laboratory({}, laboratory.split, steps=2, seed=7)
    panel = bare.panel()
    assert panel.state == {"num_towers": 4, "alpha": 2.0, "beta": 0.0, "seed": 7}
    panel.go_to({"num_towers": 8, "seed": 2})
    assert json.loads(panel.text.value) == {"num_towers": 8, "alpha": 2.0, "beta": 0.0, "seed": 2}
    assert not any(bare.draw(panel.state).data[0].text)
