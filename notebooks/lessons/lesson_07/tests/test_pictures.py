"""Lesson 07's computations, figures and panel."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from plotly.basedatatypes import BaseTraceType

from lessons.common import figures
from lessons.common.figures import COLOURS, MARKERS
from lessons.lesson_07 import checks, pictures
from lessons.lesson_07.tests import answers
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import evaluation_cases
from mtmi_lite.models import MTMI
from mtmi_lite.retrieval import ItemIndex, Ranking, TowerLists, merge


def lists_of(*users: list[list[int]]) -> TowerLists:
    """Lists with similarities that fall by a tenth, whatever the product."""
    items = np.array(users)
    scores = np.broadcast_to(1 - np.arange(items.shape[2]) / 10, items.shape).astype(np.float32)
    return TowerLists(items=items, scores=np.where(items >= 0, scores, np.float32(-np.inf)))


@pytest.fixture(scope="module")
def explorer() -> pictures.Explorer:
    log = planted_interests(num_interests=10, num_users=60).log
    return pictures.Explorer(MTMI(num_items=log.num_items, dim=8), evaluation_cases(log, np.arange(60)), log)


def figures_words(figure: go.Figure) -> str:
    assert figure.layout.meta["alt"]
    return figure.layout.meta["alt"]


def test_towers_take_turns_and_none_loses_one_to_a_product_that_is_placed():
    ranking = pictures.merge_by_turns(lists_of([[1, 2, 3], [2, 1, 4], [1, 5, -1]]), 6)
    assert ranking.items.tolist() == [[1, 2, 5, 3, 4, -1]]
    assert ranking.towers.tolist() == [[0, 1, 2, 0, 1, -1]]
    np.testing.assert_allclose(ranking.scores, [[1, 1, 0.9, 0.8, 0.8, -np.inf]], rtol=1e-6)


def test_turns_end_in_the_middle_of_a_round_and_each_user_has_a_list_of_their_own():
    ranking = pictures.merge_by_turns(lists_of([[1, 2], [3, 4]], [[5, 6], [5, 6]]), 3)
    assert ranking.items.tolist() == [[1, 3, 2], [5, 6, -1]]
    assert ranking.towers.tolist() == [[0, 1, 0], [0, 1, -1]]


def test_turns_ignore_the_level_of_a_tower():
    lists = lists_of([[1, 2], [3, 4]])
    lowered = TowerLists(items=lists.items, scores=lists.scores * np.array([[[0.1], [1]]], dtype=np.float32))
    assert pictures.merge_by_turns(lowered, 4).items.tolist() == pictures.merge_by_turns(lists, 4).items.tolist()
    assert merge(lowered, 4).items.tolist() != merge(lists, 4).items.tolist()


def random_lists(seed: int) -> TowerLists:
    """Lists of eight users with dozens of ties, negative similarities and absent places among them."""
    generator = np.random.default_rng(seed)
    scores = -np.sort(-generator.integers(-4, 5, size=(8, 3, 30)) / 4, axis=2).astype(np.float32)
    items = np.stack([generator.permutation(45)[:30] for _ in range(24)]).reshape(8, 3, 30)
    short = np.arange(30) >= generator.integers(0, 31, size=(8, 3, 1))
    return TowerLists(items=np.where(short, -1, items), scores=np.where(short, np.float32(-np.inf), scores))


@pytest.mark.parametrize("rule", [pictures.merge_one, checks._by_similarity])
@pytest.mark.parametrize("num", [1, 7, 50, 200])
def test_a_merge_of_one_user_after_another_is_the_librarys(rule, num):
    for seed in range(5):
        lists = random_lists(seed)
        ours, theirs = pictures.for_all(rule)(lists, num), merge(lists, num)
        for name in ("items", "scores", "towers"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_the_check_takes_turns_as_the_panel_does():
    for seed in range(5):
        lists = random_lists(seed)
        ours, theirs = pictures.for_all(checks._by_turns)(lists, 40), pictures.merge_by_turns(lists, 40)
        assert ours.items.tolist() == theirs.items.tolist()
        assert ours.towers.tolist() == theirs.towers.tolist()


def test_a_right_answer_in_another_form_passes(capsys):
    for name, others in answers.ALSO_RIGHT.items():
        for other in others:
            getattr(checks, name)(other, *answers.MORE.get(name, ()))
            assert getattr(checks, name).passed, capsys.readouterr().out


def test_places_count_what_is_there():
    ranking = Ranking(items=np.array([[4, 5, -1]]), scores=np.zeros((1, 3), np.float32), towers=np.array([[2, 0, -1]]))
    assert pictures.places(ranking, 3, 3).tolist() == [0.5, 0, 0.5]
    assert pictures.places(ranking, 3, 1).tolist() == [0, 0, 1]


def test_an_items_group_is_a_matter_of_direction():
    directions = np.repeat(np.array([[1.0, 0.0], [-0.5, 0.8], [-0.5, -0.8]]), 5, axis=0)
    lengths = np.random.default_rng(0).uniform(0.1, 9, size=(15, 1))
    groups = pictures.item_groups(directions * lengths, num=3)
    assert [len(set(groups[start : start + 5])) for start in (0, 5, 10)] == [1, 1, 1]
    assert len(set(groups)) == 3


def test_made_up_groups_are_what_an_approximate_search_lives_off():
    found = []
    for groups in (20, 0):
        items = pictures.made_up_items(2000, dim=16, groups=groups, seed=1)
        exact, ivf = (ItemIndex(items, "cosine", kind) for kind in ("exact", "ivf"))
        points = pictures.trade_off(ivf, exact, items[:40], [1, ivf.faiss.nlist], num=20)
        assert points[0, 0] < points[1, 0] == 1.0
        assert points[0, 1] < points[1, 1] == 1 + ivf.faiss.nlist / 2000  # all items, and the centres
        found.append(points[0, 0])
    assert found[0] > found[1] + 0.2


def test_the_effort_of_a_graph_is_what_it_has_in_hand():
    items = pictures.made_up_items(300, dim=4, seed=0)
    hnsw = ItemIndex(items, "cosine", "hnsw")
    pictures.trade_off(hnsw, ItemIndex(items, "cosine"), items[:5], [16, 32], num=3)
    assert hnsw.faiss.hnsw.efSearch == 32


def test_an_index_weighs_at_least_its_numbers():
    items = torch.randn(500, 16)
    exact, hnsw = ItemIndex(items, "cosine"), ItemIndex(items, "cosine", "hnsw")
    assert pictures.megabytes(exact) == pytest.approx(500 * 16 * 4 / 1e6, rel=0.01)
    assert pictures.megabytes(hnsw) > 1.5 * pictures.megabytes(exact)


def test_seconds_are_the_quickest_of_several():
    calls = []
    assert 0 <= pictures.seconds(lambda: calls.append(1)) < 0.1
    assert len(calls) >= 3


def test_the_levels_say_each_towers_similarity_and_places():
    levels = np.linspace([0.9, 0.7], [0.2, 0.4], 50).T
    words = figures_words(pictures.levels_figure(levels, np.array([0.25, 0.75]), title="Levels"))
    assert "Tower 1: 0.90 at first, 0.20 at place 50, 25% of the places" in words


def test_a_trade_says_what_each_effort_finds():
    trades = {"IVF": np.array([[0.5, 0.01], [0.9, 0.1]]), "HNSW": np.array([[0.8, 0.05]])}
    figure = pictures.trade_figure(trades, {"IVF": [1, 8], "HNSW": [50]}, title="Trade")
    assert figure.data[0].text == ("1", "8")
    assert figures_words(figure).endswith("IVF: 0.50 at 1, 0.90 at 8; HNSW: 0.80 at 50.")


def test_lengths_stand_against_attention_for_the_first_users():
    lengths, attention = np.array([[0.5, 1.0]] * 3), np.array([[0.2, 0.9]] * 3)
    figure = pictures.lengths_figure(lengths, attention, title="Lengths", num_users=2)
    assert len(figure.data) == 2
    assert figure.data[1].x.tolist() == [0.9, 0.9]
    assert "tower 1: 0.50 long, at a weight of 0.20; tower 2: 1.00 long" in figures_words(figure)


def test_a_memory_has_two_recalls_at_each_weight():
    figure = pictures.memory_figure({0.0: (0.2, 0.1), 0.25: (0.3, 0.05)}, title="Memory")
    assert figure.data[0].x == ("0", "0.25")
    assert figure.data[1].y == (0.1, 0.05)
    assert figures_words(figure).endswith("w 0: 0.200 and 0.100; w 0.25: 0.300 and 0.050.")


@pytest.mark.parametrize(
    ("everything", "new", "said"),
    [
        ("higher", "lower", "the gain is paid for"),
        ("higher", "undecided", "recall of all products is higher, and for new products nothing is decided"),
        ("undecided", "undecided", "no gain is shown, and for new products nothing is decided"),
        ("lower", "higher", "recall of all products is lower, and recall of new products is higher"),
    ],
)
def test_a_verdict_on_a_memory_looks_at_both_recalls(everything, new, said):
    assert pictures.verdict(f"+0.0 [] {everything}", f"+0.0 [] {new}").startswith(said)


def test_the_curve_that_others_are_compared_with_is_grey():
    curves = {"one": ([1, 2], [3, 4.5]), "exact": ([1], [1])}
    figure = figures.curves_figure(
        curves, dict(title="time"), dict(title="part"), title="Trade", labels=["a", "b"], reference="exact"
    )
    assert figure.data[0].marker.color == COLOURS[0]
    assert figure.data[0].text == ("a", "b")
    assert (figure.data[1].marker.symbol, figure.data[1].text) == ("star", None)
    assert figures_words(figure) == "part, against time. one: 3 at 1, to 4.5 at 2; exact: 1 at 1."


def test_the_customers_are_the_first_with_enough_to_find(explorer):
    rows = list(explorer.customers.values())
    assert rows == np.flatnonzero(explorer.cases.num_relevant >= 4)[:12].tolist()


def drawn(explorer: pictures.Explorer, **changes) -> tuple[go.Figure, Ranking, TowerLists]:
    state = {**explorer.start, **changes}
    lists, ranking = explorer.merged(state)
    return explorer.draw(state), ranking, lists


@pytest.mark.parametrize("rule", pictures.RULES)
def test_a_filled_product_is_one_that_its_tower_brought(explorer, rule):
    figure, ranking, lists = drawn(explorer, rule=rule, num=15)
    for tower in range(4):
        taken, left = (figure.data[2 * tower + place] for place in (0, 1))
        assert (taken.marker.color, left.marker.color) == (COLOURS[tower], "white")
        places = np.array(taken.x) - 1
        assert set(lists.items[0, tower, places]) == set(ranking.items[0][ranking.towers[0] == tower])
        assert len(places) + len(left.x) == 20
    assert figure.data[-1].marker.symbol == tuple(MARKERS[tower] for tower in ranking.towers[0])


def test_by_similarity_everything_above_the_line_is_in(explorer):
    figure, ranking, lists = drawn(explorer)
    line: BaseTraceType = figure.data[-2]
    above = set(lists.items[0][lists.scores[0] >= line.y[0]])
    assert above == set(ranking.items[0])
    assert drawn(explorer, rule="quota")[0].data[-2].y[0] is None


def test_only_one_tower_and_without_one(explorer):
    figure, _, lists = drawn(explorer, towers="only ■ Tower 2")
    assert lists.items.shape == (1, 1, 20)
    assert "tower 2: 10 places" in figures_words(figure)
    assert "tower 1:" not in figures_words(figure)
    figure, ranking, _ = drawn(explorer, towers="without ● Tower 1", rule="quota")
    assert ranking.towers[0][0] == 0
    assert figure.data[-1].marker.symbol[0] == MARKERS[1]


def test_short_lists_give_what_they_hold(explorer):
    figure, ranking, _ = drawn(explorer, towers="only ● Tower 1", length=5, num=20)
    assert len(figure.data[-1].text) == 5
    assert ranking.items.shape == (1, 5)
    assert drawn(explorer, length=5, num=20, rule="diverse")[1].items.shape == (1, 20)


def test_a_hit_is_one_that_was_bought_later(explorer):
    figure, ranking, _ = drawn(explorer, num=20, length=50)
    row = explorer.customers[explorer.start["customer"]]
    relevant = explorer.cases.relevant[explorer.cases.offsets[row] : explorer.cases.offsets[row + 1]]
    ticks = [text.startswith("<b> ✓") for text in figure.data[-1].text]
    assert ticks == np.isin(ranking.items[0], relevant).tolist()
    assert f"{sum(ticks)} of 20 bought later" in figure.layout.title.text


def test_one_tower_needs_no_other_and_eight_fit(explorer):
    log = planted_interests(num_interests=10, num_users=60).log
    for num_towers in (1, 8):
        model = MTMI(num_items=log.num_items, num_towers=num_towers, dim=8)
        one = pictures.Explorer(model, explorer.cases, log)
        panel = pictures.merge_panel(one)
        panel.go_to({"rule": "quota", "num": 20})
        assert len(one.towers) == {1: 2, 8: 17}[num_towers]


def test_the_panel_merges_with_the_rules_that_it_is_given():
    log = planted_interests(num_interests=10, num_users=60).log
    own = pictures.Explorer(MTMI(num_items=log.num_items, dim=8), evaluation_cases(log, np.arange(60)), log)
    usual = own.merged(own.start)[1].items.tolist()
    own.use(by_turns=lambda lists, num: pictures.merge_one(lists, num)[::-1])
    assert own.merged(own.start)[1].items.tolist() == usual
    assert own.merged({**own.start, "rule": "quota"})[1].items.tolist() == [usual[0][::-1]]


def test_the_panel_goes_to_each_preset_and_lambda_waits_for_its_rule(explorer):
    panel = pictures.merge_panel(explorer)
    assert panel.widgets["diversity"].disabled
    panel.go_to({"rule": "diverse", "diversity": 0.2})
    assert not panel.widgets["diversity"].disabled
    state = json.loads(panel.text.value)
    assert panel.figure.layout.title.text == explorer.draw(state).layout.title.text
