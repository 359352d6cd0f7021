"""Lesson 03: what its figures and its panel compute."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lessons.common.figures import COLOURS, GREY
from lessons.lesson_03 import pictures
from lessons.lesson_03.tests.answers import DIAGNOSIS, STRONG, TEAMS
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import Cases, batch_of, evaluation_cases, from_columns, split_users
from mtmi_lite.metrics import Evaluation, evaluate, find_hits
from mtmi_lite.models import MTMI, Users
from mtmi_lite.retrieval import TowerLists, merge
from tools.notebooks import NOTEBOOKS

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


def test_bars_are_hits_of_a_user_with_their_names(by_hand):
    figure = pictures.switched(by_hand, [False, True], 2, 0, alone=by_hand, who="ann", names=NAMES)
    hits, recalls = figure.data
    assert (list(hits.y), list(hits.hovertext)) == ([0, 2], ["", "mug<br>fan"])
    np.testing.assert_allclose(recalls.y, [1.0, 0.5, 0.5])
    assert "off" in hits.x[0]
    assert "1 of 2 towers on" in figure.layout.meta["alt"]


def test_bars_are_means_over_users(evaluations):
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
    assert "two: tower 1" in figure.layout.meta["alt"]


def test_a_difference_that_tells_nothing_is_hollow():
    rows = {"shop: sure": (0.02, 0.01, 0.03), "world: unsure": (0.01, -0.01, 0.03)}
    figure = pictures.differences(rows, title="differences")
    sure, unsure = figure.data
    assert (sure.y[0], sure.xaxis, unsure.xaxis) == ("sure", "x", "x2")
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
    panel.go_to({"num": 50, "user": pictures.EVERYONE})
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


def test_the_panel_lists_users_with_many_hits(panel, evaluations):
    three = evaluations["three"]
    users = panel.controls["user"].values
    assert len(users) == 13
    assert users[1] == f"user {700 + three.hits.sum(axis=1).argmax()}"
    figure = panel.draw({**panel.start, "user": users[1]})
    assert sum(figure.data[0].y) == three.hits.sum(axis=1).max()


def test_a_tower_by_itself_finds_what_its_own_list_holds(by_hand):
    np.testing.assert_allclose(pictures.recall_alone(by_hand, 1), [0.0, 0.5])
    np.testing.assert_allclose(pictures.recall_alone(by_hand, 2), [0.5, 1.0])


def test_the_others_make_up_for_what_their_lists_hold_further_down():
    # merged: mug and hat by tower 1, of which the mug is wanted; without it, tower 2's list has the mug as well
    found = two_towers([(1, 0.875), (0, 0.75)], [(1, 0.5), (2, 0.25)])
    assert pictures.made_up(found, 2) == 2.0  # the fan, too
    lost = two_towers([(1, 0.875), (2, 0.75)], [(0, 0.5), (1, 0.25)])
    assert pictures.made_up(lost, 2) == 0.5
    assert pictures.made_up(STRONG) == 0.5


def test_a_hit_that_the_user_had_before_is_a_repeat():
    log = from_columns(users=[0] * 5, items=["hat", "mug", "hat", "mug", "fan"], times=range(5))
    cases = evaluation_cases(log, np.array([0]))  # reads hat, mug, hat, mug, and wants the fan
    cases = replace(cases, relevant=np.array([0, 1]), offsets=np.array([0, 2]))
    model = MTMI(num_items=3, num_towers=1, dim=4)
    evaluation = evaluate(model, cases, num=3)
    had = np.isin(evaluation.ranking.items[0], log.items[:4]) & evaluation.hits[0]
    assert pictures.repeated(log, cases, evaluation, 3) == had.sum() / evaluation.hits.sum()


def test_recall_of_what_is_new_leaves_out_what_was_had(online_retail):
    split = split_users(online_retail, seed=0)
    cases = evaluation_cases(online_retail, split.test[:30])
    model = MTMI(num_items=online_retail.num_items, num_towers=2, dim=8)
    recalls = pictures.recall_of_new(online_retail, split, cases, model, 50)
    for case, (user, cut) in enumerate(zip(cases.users, cases.cuts, strict=True)):
        had = online_retail.items[online_retail.offsets[user] : cut]
        wanted = np.setdiff1d(cases.relevant[cases.offsets[case] : cases.offsets[case + 1]], had)
        if len(wanted) == 0:
            assert np.isnan(recalls[case])
            continue
        with torch.no_grad():
            own = torch.nn.functional.normalize(model.users(cases.batch).vectors[case], dim=1)
            items = torch.nn.functional.normalize(model.items(torch.arange(model.num_items)), dim=1)
        scores = (items @ own.T).amax(dim=1).numpy()
        scores[had] = -np.inf
        assert recalls[case] == np.isin(wanted, np.argsort(-scores, kind="stable")[:50]).mean()


def test_an_interest_is_covered_whatever_tower_shows_it():
    interest = np.repeat([0, 1, 2], 5)
    items = np.array([[0, 1, 2, 5, 6, 10]])
    own = np.array([[0, 1]])
    assert pictures.covered(items, interest, own, least=3).tolist() == [0.5]
    assert pictures.covered(items, interest, own, least=2).tolist() == [1.0]
    assert pictures.covered(items, interest, own, num=3, least=3).tolist() == [0.5]


@pytest.mark.parametrize(
    ("interval", "words"),
    [((0.1, 0.05, 0.2), "more"), ((-0.1, -0.2, -0.05), "less"), ((0.1, 0.0, 0.2), "too few users to tell")],
)
def test_an_interval_in_words(interval, words):
    assert pictures.verdict(interval) == words


@pytest.mark.parametrize("log", ["online-retail", "planted-200-4", "movielens"])
def test_the_tables_hold_what_control_2_reads(log):
    told = pictures.measured(NOTEBOOKS / "results" / f"arms_{log}.json", ours="IDW")
    for theirs in ("one tower, triplet", "one tower, weighted triplet"):
        middle, low, high = told[theirs]
        assert low <= middle <= high


def test_four_kinds_of_team_are_told_apart_by_their_work():
    assert {name: pictures.kind_of(team) for name, team in TEAMS.items()} == DIAGNOSIS
    specialists, copies, dead = (TEAMS[name] for name in "BCD")
    for seed in range(5):
        drawn = pictures.teams(specialists, copies, dead, seed=seed)
        assert sorted(pictures.kind_of(team) for team in drawn.values()) == sorted(pictures.KINDS)


def test_picked_towers_make_the_list(by_hand):
    second = pictures.picked(by_hand, [1])
    assert second.ranking.items.tolist() == [[1, 2]]
    assert second.users.vectors.tolist() == [[[0.0, 1.0]]]
    np.testing.assert_allclose(pictures.lost_without(pictures.picked(by_hand, [1, 1]), 2), 0)


def test_attention_is_shown_for_every_tower_and_item():
    attention = np.array([[0.75, 0.25], [0.5, 0.5]])
    figure = pictures.looks(attention, np.array(["hat", "mug"]), title="looks")
    np.testing.assert_allclose(figure.data[0].z, attention.T)
    assert "tower 1 most at hat, 75%" in figure.layout.meta["alt"]


def test_a_team_in_the_panel_has_its_own_rival_and_no_users(evaluations):
    models = {name: evaluations[name] for name in ("three", "copies", "dead")}
    names, labels = np.arange(400).astype(str), 700 + np.arange(len(evaluations["alone"].cases))
    panel = pictures.towers_panel(models, evaluations["alone"], names, labels, teams=TEAMS, teams_alone=TEAMS["C"])
    buttons = {button.description: button for button in panel.widget.children[1].children}
    buttons["Team B"].click()
    assert panel.state["model"] == "team B"
    assert panel.widgets["user"].disabled
    np.testing.assert_allclose(
        panel.figure.data[1].y, [TEAMS["B"].recall(50).mean()] * 2 + [TEAMS["C"].recall(50).mean()]
    )
