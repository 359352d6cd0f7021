"""Lesson 11's computations, figures and panel."""

import numpy as np
import pytest
import torch

from lessons.common.figures import COLOURS, MARKERS
from lessons.lesson_11 import pictures
from mtmi_lite import interactions, metrics, towers
from mtmi_lite.lab.recipes import MODELS


def test_the_four_items_have_one_length_and_the_angle_asked_for():
    items = pictures.four_items(2.0, 135)
    assert items.norm(dim=1).tolist() == pytest.approx([2.0] * 4)
    assert torch.rad2deg(torch.acos(items[0] @ items[3] / 4)).item() == pytest.approx(135, abs=1e-3)


def test_the_rounds_of_routing_are_a_loop_by_hand():
    items, logits = pictures.four_items(4.0, 90), torch.tensor(pictures.BY_HAND)
    couplings, capsules = pictures.rounds_of(items, logits, rounds=4)
    for coupling, capsule in zip(couplings, capsules, strict=True):
        share = logits.softmax(dim=0)
        mine = towers.squash(share @ items)
        assert coupling == pytest.approx(share.numpy(), abs=1e-5)
        assert capsule == pytest.approx(mine.numpy(), abs=1e-5)
        logits = logits + mine @ items.T


def test_what_the_text_says_of_the_panel():
    hand, random = pictures.start_logits("by hand"), pictures.start_logits("random 1")
    sure = pictures.least_sure(pictures.rounds_of(pictures.four_items(2.0, 90), hand, 10)[0])
    assert [bool(value >= 0.95) for value in sure].index(True) == 6  # the seventh round
    long = pictures.least_sure(pictures.rounds_of(pictures.four_items(4.0, 90), hand, 10)[0])
    assert [bool(value >= 0.95) for value in long].index(True) < 6
    close = pictures.least_sure(pictures.rounds_of(pictures.four_items(4.0, 45), hand, 10)[0])
    assert close[-1] == pytest.approx(0.66, abs=0.005)
    all_to_one, _ = pictures.rounds_of(pictures.four_items(1.0, 90), random, 10)
    assert (all_to_one[-1, 0] > 0.95).all()
    alike, _ = pictures.rounds_of(pictures.four_items(4.0, 90), pictures.start_logits("equal"), 10)
    assert (alike == 0.5).all()


def test_the_least_sure_item_is_the_one_whose_largest_coupling_is_smallest():
    assert pictures.least_sure(np.array([[[0.9, 0.4, 0.2], [0.1, 0.6, 0.8]]])).tolist() == [0.6]


def test_the_rounds_are_drawn_as_stacks_with_a_pattern_beside_the_colour():
    couplings, _ = pictures.rounds_of(pictures.four_items(4.0, 90), pictures.start_logits("by hand"), 3)
    figure = pictures.rounds_figure(couplings, title="Rounds")
    assert len(figure.data) == 6
    first, second = figure.data[:2]
    assert np.add(first.y, second.y) == pytest.approx(np.ones(4))
    assert first.marker.pattern.shape != second.marker.pattern.shape
    assert "round 3: " in figure.layout.meta["alt"]


def test_every_position_of_the_panel_has_a_figure():
    panel = pictures.routing_panel()
    for start in pictures.STARTS:
        for length in (0.5, 4.0):
            figure = panel.draw({"start": start, "length": length, "apart": 60, "rounds": 10})
            assert figure.layout.title.text.startswith("Round 10: least sure item, ")
    drawn = panel.draw(pictures.START)
    assert {(t.marker.color, t.marker.symbol) for t in drawn.data if t.name and "squashed" in t.name} == {
        (COLOURS[capsule], MARKERS[capsule]) for capsule in range(2)
    }


def test_who_may_see_whom_is_what_the_tower_computes():
    mask = torch.tensor([False, True, True, True])
    seen = pictures.may_see(mask)
    assert seen.int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 1]]
    tower = towers.CausalAttention(num_towers=1, dim=4, history_length=4, generator=torch.Generator().manual_seed(0))
    attention = tower(torch.randn(1, 4, 4), mask[None]).attention
    assert attention is not None
    assert ((attention[0, 0] > 0) == seen[-1]).all()
    figure = pictures.seen_figure(seen.numpy(), mask.numpy(), title="Seen")
    assert [len(trace.x) for trace in figure.data] == [7, 9]
    assert "padding at 1: 1 of 4" in figure.layout.meta["alt"]


def test_a_stare_is_the_attention_on_one_slot(small_shop):
    cases = interactions.evaluation_cases(small_shop, np.arange(20))
    split = interactions.split_users(small_shop, seed=0)
    for name in ("ComiRec-SA", "MIND"):
        stare = pictures.stare(metrics.evaluate(MODELS[name].model(split), cases))
        assert 1 / 20 < stare < 1


def test_the_figure_of_the_gaps_has_a_row_a_model():
    draw = np.random.default_rng(0)
    own, common = ({name: draw.normal(0.2, 0.1, size=50) for name in ("A", "B")} for _ in range(2))
    figure = pictures.gaps_figure(own, common, seed=0, title="Gaps")
    assert [trace.x[1] for trace in figure.data] == pytest.approx([own["B"].mean(), common["B"].mean()])
    assert all((trace.error_x.array > 0).all() for trace in figure.data)
    assert list(figure.layout.yaxis.ticktext) == ["A", "B"]
    assert "by its own rule: A 0." in figure.layout.meta["alt"]


@pytest.mark.parametrize(
    ("interval", "word"),
    [((-0.1, -0.2, -0.01), "smaller"), ((0.1, 0.01, 0.2), "larger"), ((0.1, -0.01, 0.2), "undecided")],
)
def test_a_word_needs_an_interval_on_one_side_of_0(interval, word):
    assert pictures.word_of(interval) == word
