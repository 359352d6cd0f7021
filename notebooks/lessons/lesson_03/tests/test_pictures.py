"""Lesson 03: what its figures and its panel compute."""

import numpy as np
import pytest
import torch

from lessons.common.figures import COLOURS, GREY
from lessons.lesson_03 import pictures
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import Cases, batch_of, evaluation_cases, split_users
from mtmi_lite.metrics import Evaluation, evaluate, find_hits
from mtmi_lite.models import MTMI, Users
from mtmi_lite.retrieval import TowerLists, merge

NAMES = np.array(["hat", "mug", "fan"])


def two_towers(first, second) -> Evaluation:
    """One customer who bought the mug and the fan, and the lists of two towers: (product, similarity), two each."""
    lists = TowerLists(
        items=np.array([[[item for item, _ in one] for one in (first, second)]]),
        scores=np.array([[[score for _, score in one] for one in (first, second)]], dtype=np.float32),
    )
    cases = Cases(
        users=np.array([0]),
        cuts=np.array([1]),
        batch=batch_of([[0]], num_items=3),
        relevant=np.array([1, 2]),
        offsets=np.array([0, 2]),
        num_items=3,
    )
    users = Users(vectors=torch.eye(2)[None], mask=torch.ones(1, 2, dtype=torch.bool))
    ranking = merge(lists, 2)
    return Evaluation(cases=cases, users=users, lists=lists, ranking=ranking, hits=find_hits(ranking.items, cases))


@pytest.fixture
def by_hand() -> Evaluation:
    """Merged: hat by tower 1, mug by tower 2. Without tower 1: mug, fan."""
    return two_towers([(0, 0.875), (1, 0.75)], [(1, 0.8125), (2, 0.5)])


@pytest.fixture(scope="module")
def evaluations() -> dict[str, Evaluation]:
    world = planted_interests(num_interests=10, items_per_interest=10, num_users=200, interests_per_user=2)
    cases = evaluation_cases(world.log, split_users(world.log, seed=0).test)
    models = {"three": 3, "copies": 2, "dead": 2, "alone": 1}
    return {name: evaluate(MTMI(num_items=100, num_towers=k, dim=8, seed=k), cases) for name, k in models.items()}


@pytest.fixture(scope="module")
def panel(evaluations):
    models = {name: evaluations[name] for name in ("three", "copies", "dead")}
    cases = evaluations["alone"].cases
    return pictures.towers_panel(models, evaluations["alone"], np.arange(100).astype(str), 700 + np.arange(len(cases)))


def test_what_is_lost_without_a_tower_may_be_less_than_nothing(by_hand):
    np.testing.assert_allclose(pictures.lost_without(by_hand, 2), [-0.5, 0.0])


def test_towers_that_are_on_make_the_list(by_hand):
    items, towers, hits = pictures.with_towers(by_hand, [False, True], 2)
    assert (items.tolist(), towers.tolist(), hits.tolist()) == ([[1, 2]], [[1, 1]], [[True, True]])
    items, towers, _ = pictures.with_towers(by_hand, [True, True], 2)
    assert (items.tolist(), towers.tolist()) == ([[0, 1]], [[0, 1]])


def test_without_any_tower_there_is_an_empty_list(by_hand):
    items, _, hits = pictures.with_towers(by_hand, [False, False], 2)
    assert items.tolist() == [[-1, -1]]
    assert not hits.any()


@pytest.mark.parametrize("num", pictures.NUMS)
def test_all_towers_make_the_models_own_list_and_one_less_the_recall_without_it(evaluations, num):
    three = evaluations["three"]
    items, towers, hits = pictures.with_towers(three, [True] * 3, num)
    np.testing.assert_array_equal(items, three.ranking.items[:, :num])
    np.testing.assert_array_equal(towers, three.ranking.towers[:, :num])
    without = pictures.with_towers(three, [True, False, True], num)[2].sum(axis=1) / three.cases.num_relevant
    np.testing.assert_allclose(without, three.recall_without(1, num))
    assert (hits.sum(axis=1) / three.cases.num_relevant != without).any()


def test_bars_are_hits_of_a_customer_with_their_names(by_hand):
    figure = pictures.switched(by_hand, [False, True], 2, 0, alone=by_hand, who="ann", names=NAMES)
    hits, recalls = figure.data
    assert (list(hits.y), list(hits.hovertext)) == ([0, 2], ["", "mug<br>fan"])
    np.testing.assert_allclose(recalls.y, [1.0, 0.5, 0.5])
    assert "off" in hits.x[0]
    assert "1 of 2 towers on" in figure.layout.meta["alt"]


def test_bars_are_means_over_customers(evaluations):
    three, alone = evaluations["three"], evaluations["alone"]
    names = np.arange(100).astype(str)
    figure = pictures.switched(three, [True] * 3, 50, None, alone=alone, who="all", names=names)
    hits, recalls = figure.data
    np.testing.assert_allclose(hits.y, three.tower_shares(50) * three.hits.sum() / len(three.cases))
    np.testing.assert_allclose(recalls.y, [three.recall(50).mean()] * 2 + [alone.recall(50).mean()])


def test_a_row_of_bars_for_each_model(evaluations):
    models = {"three": evaluations["three"], "two": evaluations["copies"]}
    figure = pictures.work_of_two(models, title="work")
    np.testing.assert_allclose(figure.data[0].y, models["three"].tower_shares(50))
    np.testing.assert_allclose(figure.data[3].y, pictures.lost_without(models["two"]))
    assert list(figure.data[2].marker.color) == list(COLOURS[:2])
    assert "two: Tower 1" in figure.layout.meta["alt"]


def test_a_difference_that_tells_nothing_is_hollow():
    figure = pictures.differences({"sure": (0.02, 0.01, 0.03), "unsure": (0.01, -0.01, 0.03)}, title="differences")
    sure, unsure = figure.data
    assert (sure.marker.symbol, unsure.marker.symbol, unsure.marker.color) == ("circle", "circle-open", GREY)
    np.testing.assert_allclose([unsure.error_x.array[0], unsure.error_x.arrayminus[0]], 0.02)


@pytest.mark.parametrize("num_towers", [1, 4, 8])
def test_the_drawing_has_every_tower_once(num_towers):
    figure = pictures.one_table(num_towers)
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert sum("Tower" in text for text in texts) == num_towers
    assert sum("one table" in text for text in texts) == 1


def test_the_panel_switches_towers_of_the_model_it_shows(panel, evaluations):
    three = evaluations["three"]
    strongest = int(three.tower_shares(50).argmax())
    panel.go_to({"num": 50, "customer": pictures.EVERYONE})
    panel.widgets["model"].value = "three"
    whole = panel.figure.data[1].y[1]
    assert whole == pytest.approx(three.recall(50).mean())
    buttons = {button.description: button for button in panel.widget.children[1].children}
    buttons["Without the strongest"].click()
    assert panel.state[f"tower_{strongest + 1}"] == "off"
    assert panel.figure.data[1].y[0] == pytest.approx(three.recall_without(strongest, 50).mean())
    buttons["A dead tower"].click()
    assert panel.state["model"] == "dead"
    assert panel.widgets["tower_3"].disabled  # it has two
    buttons["Reset"].click()
    assert panel.state == panel.start


def test_the_panel_lists_customers_with_many_hits(panel, evaluations):
    three = evaluations["three"]
    customers = panel.controls["customer"].values
    assert len(customers) == 13
    assert customers[1] == f"customer {700 + three.hits.sum(axis=1).argmax()}"
    figure = panel.draw({**panel.start, "customer": customers[1]})
    assert sum(figure.data[0].y) == three.hits.sum(axis=1).max()
