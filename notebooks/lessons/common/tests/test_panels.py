"""Panels as a program sees them; in a browser they are tested by test_screen.py and each lesson's test_panel.py."""

import json
import re
import time

import numpy as np
import plotly.graph_objects as go
import pytest

from lessons.common import panels
from lessons.common.figures import caption, two_maps
from lessons.common.maps import Portrait
from lessons.common.panels import WIDTH, Control, Panel, knobs_panel
from mtmi_lite.lab.recipes import recipe_at

ONE = recipe_at(num_towers=1, alpha=1.0, beta=0.0)
FOUR = recipe_at(num_towers=4, alpha=5.0, beta=0.3)
EIGHT = recipe_at(num_towers=8, alpha=5.0, beta=0.3)


def draw(state) -> go.Figure:
    """A line up to `high`, with a note where the state is loud."""
    figure = go.Figure(go.Scatter(y=list(range(state["high"])), name=state["word"]))
    if state["loud"]:
        figure.add_annotation(text="loud", x=0, y=0)
        figure.add_bar(y=[1])
    return figure.update_layout(meta={"alt": f"A line up to {state['high']}, called {state['word']}."})


CONTROLS = [
    Control(name="high", label="how high", values=[2, 3, 5]),
    Control(name="word", label="word", values=["mug", "fan"], kind="list"),
    Control(name="loud", label="loud", values=[False, True], kind="switch"),
]
START = {"high": 3, "word": "mug", "loud": False}


@pytest.fixture
def panel() -> Panel:
    presets = {"High": {"high": 5}, "Fan": {"word": "fan", "loud": True}}
    return Panel("test", CONTROLS, draw, start=START, presets=presets, idle=lambda s: ["word"] if s["loud"] else [])


def drawn(panel: Panel) -> dict:
    """The figure that the page draws."""
    return json.loads(panel.screen._figures.value)


def wanted(figure: go.Figure) -> dict:
    return json.loads(figure.update_layout(width=WIDTH).to_json() or "")


def click(panel: Panel, trace: int, point: int) -> None:
    """Send what the page sends when a point is clicked."""
    panel.screen._handle_custom_msg({"trace": trace, "point": point}, [])


def test_the_panel_shows_the_figure_of_its_state_and_says_it_in_words(panel):
    for state in (START, {**START, "high": 5}, {"high": 2, "word": "fan", "loud": True}, START):
        panel.go_to(state)
        assert panel.state == state == json.loads(panel.text.value)
        assert drawn(panel) == wanted(draw(state))
        assert panel.message.value == draw(state).layout.meta["alt"]


def test_a_control_that_has_no_effect_is_disabled(panel):
    assert not panel.widgets["word"].disabled
    panel.widgets["loud"].value = True
    assert panel.widgets["word"].disabled


def buttons(panel: Panel) -> dict:
    found, open_ = {}, [panel.widget]
    while open_:
        widget = open_.pop()
        open_ += getattr(widget, "children", ())
        if hasattr(widget, "click"):
            found[widget.description] = widget
    return found


def test_a_preset_moves_what_it_names_and_reset_goes_back(panel):
    panel.widgets["word"].value = "fan"
    buttons(panel)["High"].click()
    assert panel.state == {"high": 5, "word": "fan", "loud": False}
    buttons(panel)["Reset"].click()
    assert panel.state == START


def test_a_state_comes_back_from_its_text(panel):
    panel.go_to({"high": 2, "word": "fan", "loud": True})
    text = panel.text.value
    panel.go_to(START)
    panel.text.value = text
    assert panel.state == {"high": 2, "word": "fan", "loud": True}


def test_a_click_on_a_point_moves_the_state():
    panel = Panel("test", CONTROLS, draw, start=START, presets={}, pick=lambda state, trace, point: {"high": point + 2})
    click(panel, 0, 1)
    assert panel.state == START
    click(panel, 0, 0)
    assert panel.state == {**START, "high": 2}


def test_a_click_leaves_a_panel_without_a_pick_alone(panel):
    click(panel, 0, 1)
    assert panel.state == START


def test_plotlys_script_is_sent_only_where_a_page_asks_for_it(panel):
    assert panel.screen._script.value == ""
    panel.screen._handle_custom_msg({"need": "plotly"}, [])
    assert len(panel.screen._script.value) > 1_000_000


def test_the_picture_of_a_panel_as_it_starts_stands_in_for_it(monkeypatch, tmp_path):
    monkeypatch.setattr(panels, "STAND_INS", tmp_path)
    assert "<img" not in panels.stand_in("test").value
    (tmp_path / "test.webp").write_bytes(b"a picture")
    assert 'src="data:image/webp;base64,YSBwaWN0dXJl"' in panels.stand_in("test").value
    assert "pip install anywidget" in panels.stand_in("test").value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("high=5", "state: not JSON"),
        ("[5]", "must be a JSON object"),
        ('{"high": 5}', "state: must have exactly the fields high, word, loud"),
        ('{"high": 5, "word": "mug", "loud": false, "low": 1}', "state: must have exactly the fields"),
        ('{"high": 4, "word": "mug", "loud": false}', "high: 4 is not allowed; choose one of 2, 3, 5"),
        ('{"high": 5, "word": "mug", "loud": 1}', "loud: 1 is not allowed; choose one of False, True"),
        ('{"high": [5], "word": "mug", "loud": true}', r"high: \[5\] is not allowed"),
    ],
)
def test_a_bad_state_moves_nothing_and_says_why(panel, text, message):
    panel.text.value = text
    assert re.search(message, panel.message.value)
    assert panel.state == START


def test_a_start_or_a_preset_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="high: 4 is not allowed"):
        Panel("test", CONTROLS, draw, start={**START, "high": 4}, presets={})
    with pytest.raises(ValueError, match="word: 'hat' is not allowed"):
        Panel("test", CONTROLS, draw, start=START, presets={"Hat": {"word": "hat"}})
    with pytest.raises(ValueError, match="state: must have exactly the fields"):
        Panel("test", CONTROLS, draw, start={"high": 3}, presets={})


def test_without_a_kernel_there_is_a_picture_and_a_text(panel):
    data, _ = panel._repr_mimebundle_()
    assert data["text/plain"] == "A line up to 3, called mug."
    assert data["application/vnd.plotly.v1+json"]["data"][0]["y"] == [0, 1, 2]
    assert data["application/vnd.plotly.v1+json"]["layout"]["meta"]["panel"] == "test"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_figure_with_frames_keeps_them():
    def draw_frames(state) -> go.Figure:
        return draw(state).update(frames=[dict(name=str(n), data=[dict(y=[n])]) for n in range(state["high"])])

    panel = Panel("test", CONTROLS, draw_frames, start=START, presets={})
    for state in (START, {**START, "high": 5}):
        panel.go_to(state)
        assert drawn(panel) == wanted(draw_frames(state))
        assert len(drawn(panel)["frames"]) == state["high"]
        assert panel._repr_mimebundle_()[0]["text/plain"] == panel.message.value == draw(state).layout.meta["alt"]


# --- the panel of α, β and K -------------------------------------------------------------------------------------


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
def knobs() -> Panel:
    return knobs_panel(PORTRAITS, start=FOUR, presets={"One": {"num_towers": 1}, "Eight": {"num_towers": 8}})


def test_each_tower_keeps_its_colour_and_its_marker():
    figure = two_maps(PORTRAITS[EIGHT])
    looks = {(trace.name, trace.marker.color, trace.marker.symbol) for trace in figure.data if "Tower" in trace.name}
    assert len(looks) == len({colour for _, colour, _ in looks}) == len({marker for _, _, marker in looks}) == 8


def test_the_knobs_move_the_maps(knobs):
    for place in (EIGHT, ONE, FOUR):
        knobs.go_to({"num_towers": place.num_towers})
        assert knobs.figure.layout.title.text == caption(PORTRAITS[place])
        assert drawn(knobs) == wanted(two_maps(PORTRAITS[place]))
        assert knobs.widgets["alpha"].disabled == (place == ONE)


def test_an_untrained_position_says_so_and_keeps_the_last_maps(knobs):
    knobs.widgets["alpha"].value = 1.0
    assert "Nobody has trained these settings yet" in knobs.message.value
    assert knobs.figure.layout.title.text == caption(PORTRAITS[FOUR])


def test_a_panel_may_start_at_one_tower():
    assert knobs_panel(PORTRAITS, start=ONE).state["num_towers"] == 1


def test_a_start_without_a_portrait_is_refused():
    with pytest.raises(
        ValueError, match=r"start: \{\'num_towers\': 2, \'alpha\': 1.0, \'beta\': 0.0\} is not among the 3"
    ):
        knobs_panel(PORTRAITS, start=recipe_at(num_towers=2, alpha=1.0, beta=0.0))


def wait(condition) -> None:
    while not condition():
        time.sleep(0.01)


def panel_that_trains(train) -> Panel:
    panel = knobs_panel(PORTRAITS, start=FOUR, presets={}, train=train, steps=100)
    panel.widgets["alpha"].value = 1.0
    return panel


def test_what_was_trained_is_shown():
    def train(recipe, on_step):
        for step in range(1, 101):
            on_step(step)
        return portrait(recipe.num_towers, 0.9)

    panel = panel_that_trains(train)
    panel.work_button.click()
    wait(lambda: not panel.work_button.disabled)
    assert panel.figure.layout.title.text.startswith("recall@50 0.900")


def test_cancel_stops_training_and_changes_nothing():
    def train(recipe, on_step):
        step = 0
        while True:  # as the training loop does: a KeyboardInterrupt ends it, and what there is comes back
            step += 1
            try:
                on_step(step)
            except KeyboardInterrupt:
                return portrait(recipe.num_towers, 0.9)

    panel = panel_that_trains(train)
    panel.work_button.click()
    wait(lambda: panel.progress.value > 0)
    panel.cancel_button.click()
    wait(lambda: not panel.work_button.disabled)
    assert "Cancelled" in panel.message.value
    assert panel.figure.layout.title.text == caption(PORTRAITS[FOUR])


def test_a_failed_training_says_why():
    def train(recipe, on_step):
        raise FloatingPointError("pull: nan at step 3")

    panel = panel_that_trains(train)
    panel.work_button.click()
    wait(lambda: not panel.work_button.disabled)
    assert "pull: nan at step 3" in panel.message.value
