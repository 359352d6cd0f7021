"""The panel's plain functions, and the panel as a program sees it; a browser looks at it in tests/browser."""

import json
import time

import numpy as np
import plotly.graph_objects as go
import pytest

from mtmi_lite.experiments import Knobs, Portrait
from mtmi_lite.figures import caption, redraw_two_maps, two_maps
from mtmi_lite.panels import KnobsPanel, read_state, write_state

ONE = Knobs(num_towers=1, alpha=1.0, beta=0.0)
FOUR = Knobs(num_towers=4, alpha=5.0, beta=0.3)
EIGHT = Knobs(num_towers=8, alpha=5.0, beta=0.3)


def portrait(num_towers: int, recall: float) -> Portrait:
    rng = np.random.default_rng(num_towers)
    return Portrait(
        recall_20=recall / 2,
        recall_50=recall,
        cosine=0.5 if num_towers > 1 else np.nan,
        overlap=0.25 if num_towers > 1 else np.nan,
        shares=np.full(num_towers, 1 / num_towers),
        pca=rng.normal(size=(6, num_towers, 2)).astype(np.float32),
        umap=rng.normal(size=(6, num_towers, 2)).astype(np.float32),
    )


PORTRAITS = {ONE: portrait(1, 0.1), FOUR: portrait(4, 0.4), EIGHT: portrait(8, 0.8)}


@pytest.fixture
def panel() -> KnobsPanel:
    return KnobsPanel(PORTRAITS, start=FOUR, presets={"One": ONE, "Eight": EIGHT})


def drawn(figure: go.Figure) -> list[tuple[list[float], list[float]]]:
    return [(list(trace.x), list(trace.y)) for trace in figure.data if trace.x is not None and len(trace.x)]


@pytest.mark.parametrize("knobs", [ONE, FOUR, EIGHT])
def test_a_figure_redrawn_in_place_shows_what_a_new_one_shows(knobs):
    redrawn = two_maps(PORTRAITS[FOUR], num_traces=8)
    redraw_two_maps(redrawn, PORTRAITS[knobs])
    assert drawn(redrawn) == drawn(two_maps(PORTRAITS[knobs]))
    assert redrawn.layout.title.text == caption(PORTRAITS[knobs])
    assert redrawn.layout.meta["alt"] == two_maps(PORTRAITS[knobs]).layout.meta["alt"]


def test_each_tower_keeps_its_colour_and_its_marker():
    figure = two_maps(PORTRAITS[EIGHT])
    looks = {(trace.name, trace.marker.color, trace.marker.symbol) for trace in figure.data if "Tower" in trace.name}
    assert len(looks) == len({colour for _, colour, _ in looks}) == len({marker for _, _, marker in looks}) == 8


@pytest.mark.parametrize("knobs", [ONE, FOUR, Knobs(num_towers=2, alpha=0.5, beta=1000.0)])
def test_a_state_comes_back_from_its_json(knobs):
    assert read_state(write_state(knobs)) == knobs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("K=4", "state: not JSON"),
        ('{"alpha": 1}', "state: must have exactly the fields num_towers, alpha, beta"),
        ('{"num_towers": 9, "alpha": 1, "beta": 0}', "num_towers: 9 is out of range; a panel shows 1 to 8 towers"),
        ('{"num_towers": 2.5, "alpha": 1, "beta": 0}', "num_towers: 2.5 is not allowed"),
        ('{"num_towers": 2, "alpha": "x", "beta": 0}', "alpha: 'x' is not allowed; it must be a number"),
        ('{"num_towers": 2, "alpha": 1, "beta": -1}', "beta: -1.* is out of range"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_state(text)


def test_sliders_and_presets_move_the_picture(panel):
    assert drawn(panel.figure) == drawn(two_maps(PORTRAITS[FOUR]))
    panel.towers.value = 8
    assert drawn(panel.figure) == drawn(two_maps(PORTRAITS[EIGHT]))
    assert json.loads(panel.state.value) == {"num_towers": 8, "alpha": 5.0, "beta": 0.3}
    panel.go_to(ONE)
    assert drawn(panel.figure) == drawn(two_maps(PORTRAITS[ONE]))
    assert panel.alpha.disabled
    panel.go_to(FOUR)
    assert panel.knobs == FOUR
    assert not panel.alpha.disabled


def test_a_pasted_state_moves_the_sliders_and_a_bad_one_moves_nothing(panel):
    panel.state.value = write_state(EIGHT)
    assert panel.knobs == EIGHT
    panel.state.value = '{"num_towers": 4}'
    assert "state: must have exactly the fields" in panel.message.value
    assert panel.knobs == EIGHT


def test_an_untrained_position_says_so_and_keeps_the_last_maps(panel):
    panel.alpha.value = 1.0
    assert "Nobody has trained these settings yet" in panel.message.value
    assert drawn(panel.figure) == drawn(two_maps(PORTRAITS[FOUR]))


def test_a_start_without_a_portrait_is_refused():
    with pytest.raises(ValueError, match=r"start: Knobs\(num_towers=2, alpha=1.0, beta=0.0\) is not among the 3"):
        KnobsPanel(PORTRAITS, start=Knobs(num_towers=2, alpha=1.0, beta=0.0), presets={})


def test_without_a_kernel_there_is_a_text(panel):
    data, _ = panel._repr_mimebundle_()
    assert "recall@50 0.400" in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in data


def wait(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def panel_that_trains(train) -> KnobsPanel:
    panel = KnobsPanel(PORTRAITS, start=FOUR, presets={}, train=train, steps=100)
    panel.alpha.value = 1.0
    return panel


def test_what_was_trained_is_shown():
    def train(knobs, on_step):
        for step in range(1, 101):
            on_step(step)
        return portrait(knobs.num_towers, 0.9)

    panel = panel_that_trains(train)
    panel.train_button.click()
    wait(lambda: not panel.train_button.disabled)
    assert panel.figure.layout.title.text.startswith("recall@50 0.900")


def test_cancel_stops_training_and_changes_nothing():
    def train(knobs, on_step):
        step = 0
        while True:  # as the training loop does: a KeyboardInterrupt ends it, and what there is comes back
            step += 1
            try:
                on_step(step)
            except KeyboardInterrupt:
                return portrait(knobs.num_towers, 0.9)

    panel = panel_that_trains(train)
    panel.train_button.click()
    wait(lambda: panel.progress.value > 0)
    panel.cancel_button.click()
    wait(lambda: not panel.train_button.disabled)
    assert "Cancelled" in panel.message.value
    assert drawn(panel.figure) == drawn(two_maps(PORTRAITS[FOUR]))


def test_a_failed_training_says_why():
    def train(knobs, on_step):
        raise FloatingPointError("pull: nan at step 3")

    panel = panel_that_trains(train)
    panel.train_button.click()
    wait(lambda: not panel.train_button.disabled)
    assert "pull: nan at step 3" in panel.message.value
