"""Lesson 02's computations, figures and panel."""

import numpy as np
import pytest

from lessons.lesson_02 import pictures
from mtmi_lite.interactions import from_columns


@pytest.fixture
def vectors() -> np.ndarray:
    """Twelve products in three bunches of four, of different lengths."""
    rng = np.random.default_rng(0)
    middles = np.repeat(np.eye(3), 4, axis=0)
    return (middles + 0.1 * rng.normal(size=(12, 3))) * rng.uniform(1, 5, size=(12, 1))


def test_the_nearest_products_are_of_the_same_bunch_and_not_the_product_itself(vectors):
    near = pictures.nearest_products(vectors, np.arange(12), 3)
    assert (near // 4 == np.arange(12)[:, None] // 4).all()
    assert not (near == np.arange(12)[:, None]).any()


def test_the_chosen_products_are_bestsellers_that_differ(vectors):
    counts = np.array([9, 8, 7, 6, 5, 5, 5, 5, 4, 4, 0, 0])
    assert sorted(pictures.choose_products(vectors, counts, 3, among=9) // 4) == [0, 1, 2]
    assert pictures.choose_products(vectors, counts, 2, among=2).tolist() == [0, 1]


def test_buyers_in_common_agree_with_sets():
    rng = np.random.default_rng(1)
    users, items = rng.integers(8, size=60), rng.integers(5, size=60)
    log = from_columns(users=users, items=items, times=np.zeros(60, dtype=int))
    some = np.array([0, 2, 3, 7])
    buyers = [{user for user, item in zip(users, items, strict=True) if item == i and user in some} for i in range(5)]
    found = pictures.buyers_in_common(log, some, np.array([1, 4]), np.array([[0, 2], [3, 1]]))
    for row, product in enumerate((1, 4)):
        for column, other in enumerate(((0, 2), (3, 1))[row]):
            both, either = buyers[product] & buyers[other], buyers[product] | buyers[other]
            assert found[row, column] == pytest.approx(len(both) / len(either))


def test_the_mean_keeps_more_interests_the_more_room_there_is():
    kept = [pictures.kept_by_the_mean(60, 4, dim) for dim in (4, 16, 64)]
    assert kept[0] < 0.35 < kept[1] < 0.75 < kept[2]
    assert pictures.kept_by_the_mean(60, 2, 16) > kept[1]
    assert pictures.kept_by_the_mean(4, 4, 2) == 1.0  # there are no others


def test_an_interest_is_served_by_enough_items():
    ranked = np.array([[0, 1, 2, 3, 9], [0, 3, 6, 9, 10]])
    own = np.array([[0, 1], [0, 1]])
    assert pictures.interests_served(ranked, np.arange(12) // 3, own, least=1).tolist() == [1.0, 1.0]
    assert pictures.interests_served(ranked, np.arange(12) // 3, own, least=2).tolist() == [0.5, 0.0]


def test_a_map_names_its_products_in_the_picture_and_in_words(vectors):
    names = np.array([f"product {index}" for index in range(12)])
    near = pictures.nearest_products(vectors, np.array([0, 5]), 3)
    figure = pictures.product_map(vectors, np.array([0, 5]), near, names, title="A map", named=2)
    [note] = figure.layout.annotations
    for item in (0, 5, *near[:, :2].ravel()):
        assert f"product {item}" in note.text
        assert f"product {item}" in figure.layout.meta["alt"]
    assert [trace.x.size for trace in figure.data] == [4, 4]
    assert list(figure.data[1].text) == [f"product {item}" for item in (5, *near[1])]


def test_room_is_drawn_and_said():
    figure = pictures.room_figure({"60": {4: 0.25, 8: 0.5}, "200": {16: 0.75}}, title="Room")
    assert [list(trace.y) for trace in figure.data] == [[0.25, 0.5], [0.75]]
    assert all(words in figure.layout.meta["alt"] for words in ("25% at 4", "50% at 8", "75% at 16"))


def test_a_run_is_watched_above_its_floors():
    floors = {"Most Popular": 0.1, "Own history": 0.2, "EASE": 0.3}
    figure = pictures.watched({0: 0.05, 100: 0.15}, floors, title="Watch it learn")
    assert [trace.name for trace in figure.data] == ["one tower", *floors]
    assert len({trace.line.dash for trace in figure.data}) == 4
    assert list(figure.data[0].y) == [0.05, 0.15]
    assert all(f"{name} {recall:.3f}" in figure.layout.meta["alt"] for name, recall in floors.items())


def test_the_weights_of_slots_are_drawn_and_said():
    names = np.array(["a", "b", "c", "d"])
    figure = pictures.slot_figure(np.array([0.1, 0.1, 0.2, 0.6]), np.array([0.0, 0.5, 0.2, 0.3]), names, title="Slots")
    assert list(figure.data[0].y) == [0.1, 0.1, 0.2, 0.6]
    assert list(figure.data[1].text) == ["a", "b", "c", "d"]
    assert set(figure.data[2].y) == {0.25}
    assert all(words in figure.layout.meta["alt"] for words in ("10% in the first", "60% in the last", "0% and 30%"))


def place(**changes) -> pictures.OneVector:
    return pictures.one_vector(**{**pictures.CIRCLE_START, **changes})


def test_the_likelihood_is_that_of_a_naive_loop():
    found = place(num_interests=3, apart=50, first=5)
    angle = found.angles[77]
    cosines = [np.cos(np.radians(angle - item)) / pictures.TEMPERATURE for item in found.items]
    total = sum(np.exp(cosines))
    by_item = [np.log(np.exp(value) / total) for value in cosines]
    expected = sum(found.weights[m] * np.mean(by_item[5 * m : 5 * m + 5]) for m in range(3))
    assert found.likelihood[77] == pytest.approx(expected)
    assert found.weights.tolist() == pytest.approx([5 / 7, 1 / 7, 1 / 7])


def test_training_takes_the_middle_and_serving_a_side():
    for apart in (120, 150, 180):
        trained, served = place(apart=apart), place(apart=apart, best_for="serving")
        assert trained.served[trained.best] == 0 == trained.angles[trained.best]
        assert served.served[served.best] == pytest.approx(0.5)
        assert abs(served.angles[served.best]) == apart / 2
    near = place(apart=10)
    assert near.served[near.best] == near.served.max() == pytest.approx(0.8)
    alone = place(num_interests=1)
    assert alone.served[alone.best] == pytest.approx(1.0)
    most = place(num_interests=3, apart=120, first=10)
    assert most.angles[most.best] == pytest.approx(-120, abs=3)


@pytest.mark.parametrize("best_for", ["training", "serving"])
def test_the_best_place_is_the_best_and_its_list_is_as_long_as_asked(best_for):
    for apart in range(10, 181, 10):
        for num in (1, 2, 3, 4):
            found = place(apart=apart, num_interests=num, first=2, length=5, best_for=best_for)
            measure = found.likelihood if best_for == "training" else found.served
            assert measure[found.best] == pytest.approx(measure.max(), abs=1e-6)
            assert found.listed.sum() == 5
            hits = found.listed[: 5 * num].reshape(num, 5).sum(axis=1)
            assert found.served[found.best] == pytest.approx(found.weights @ hits / 5)


def test_the_figure_fills_what_is_in_the_list():
    state = {**pictures.CIRCLE_START, "num_interests": 3, "apart": 40}
    figure, found = pictures.circle_figure(state), place(num_interests=3, apart=40)
    symbols = [symbol for trace in figure.data[1:5] for symbol in trace.marker.symbol]
    assert [not symbol.endswith("-open") for symbol in symbols] == found.listed.tolist()
    assert f"{found.served[found.best]:.0%} of the purchases" in figure.layout.title.text
    assert figure.layout.title.text in figure.layout.meta["alt"]


def test_the_panel_draws_every_state_of_its_presets_and_rests_what_does_nothing():
    panel = pictures.circle_panel()
    assert panel.start == pictures.CIRCLE_START
    assert len(pictures.CIRCLE_PRESETS) >= 3
    for preset in pictures.CIRCLE_PRESETS.values():
        panel.go_to(preset)
        state = {**pictures.CIRCLE_START, **preset}
        assert panel.state == state
        assert panel.figure.layout.title.text == pictures.circle_figure(state).layout.title.text
    panel.go_to({"num_interests": 1})
    assert [name for name, widget in panel.widgets.items() if widget.disabled] == ["apart", "first"]
