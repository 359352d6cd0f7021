"""Lesson 00's computations, figures and panel."""

import numpy as np
import pytest
import torch

from lessons.common.maps import Portrait, pca_layout
from lessons.lesson_00 import pictures
from lessons.lesson_00.checks import reference_merge
from mtmi_lite.interactions import Batch
from mtmi_lite.models import MTMI

NAMES = np.array([f"product {number}" for number in range(30)])
LENGTH = 6


@pytest.fixture(scope="module")
def model() -> MTMI:
    return MTMI(num_items=30, num_towers=3, dim=8, history_length=LENGTH, seed=1)


@pytest.fixture(scope="module")
def customers() -> dict[str, pictures.Customer]:
    full = np.ones(LENGTH, dtype=bool)
    short = np.array([False, False, True, True, True, True])
    return {
        "ann": pictures.Customer(history=np.array([3, 1, 4, 15, 9, 2]), taken=full, later=np.array([3, 7])),
        "bob": pictures.Customer(history=np.array([0, 0, 4, 15, 9, 2]), taken=short, later=np.array([5])),
    }


@pytest.fixture
def panel(model, customers):
    return pictures.purchases_panel(model, customers, NAMES, reference_merge)


def reading(model, customer, kept=None, num=5) -> pictures.Reading:
    kept = customer.taken if kept is None else kept
    return pictures.read(model, pictures.product_vectors(model), customer.history, kept, num)


def test_what_is_off_is_not_looked_at_and_the_rest_is_a_weighted_mean(model, customers):
    ann = customers["ann"]
    kept = np.array([True, True, False, True, False, True])
    now = reading(model, ann, kept)
    np.testing.assert_allclose(now.attention.sum(axis=1), 1, rtol=1e-6)
    assert (now.attention[:, ~kept] == 0).all()
    with torch.no_grad():
        mean = now.attention @ model.items(torch.from_numpy(ann.history)).numpy()
    np.testing.assert_allclose(now.vectors, mean / np.linalg.norm(mean, axis=1, keepdims=True), rtol=1e-5)


def test_a_list_has_the_nearest_products_best_first(model, customers):
    now = reading(model, customers["ann"])
    similarity = now.vectors @ pictures.product_vectors(model).T
    for tower in range(3):
        np.testing.assert_array_equal(now.items[tower], np.argsort(-similarity[tower], kind="stable")[:5])
        assert now.lists[tower][0] == (now.items[tower, 0], pytest.approx(similarity[tower].max()))


def test_with_one_purchase_left_the_towers_are_one(model, customers):
    now = reading(model, customers["ann"], np.arange(LENGTH) == 4)
    np.testing.assert_allclose(now.vectors, now.vectors[[0, 0, 0]], rtol=1e-5)
    assert len(set(map(tuple, now.items))) == 1
    assert now.items[0, 0] == 9


def test_with_nothing_left_there_is_nothing(model, customers):
    now = reading(model, customers["ann"], np.zeros(LENGTH, dtype=bool))
    assert now.lists == [[], [], []]
    assert not now.vectors.any()
    assert not now.attention.any()


def test_one_less_is_the_cosine_of_two_readings(model, customers):
    ann = customers["ann"]
    cosines = pictures.one_less(model, ann)
    assert cosines.shape == (3, LENGTH)
    for slot in range(LENGTH):
        without = reading(model, ann, np.arange(LENGTH) != slot)
        np.testing.assert_allclose(
            cosines[:, slot], (reading(model, ann).vectors * without.vectors).sum(axis=1), rtol=1e-5
        )
    bob = customers["bob"]
    np.testing.assert_allclose(pictures.one_less(model, bob)[:, :2], 1, rtol=1e-6)  # nothing stood there
    batch = Batch(history=torch.from_numpy(bob.history)[None], mask=torch.from_numpy(bob.taken)[None])
    np.testing.assert_allclose(pictures.turn(model, batch, -1)[0], pictures.one_less(model, bob)[:, -1])


def portrait(places) -> Portrait:
    places = np.asarray(places, dtype=np.float32)
    shares = np.full(places.shape[1], 1 / places.shape[1])
    return Portrait(recall_20=0, recall_50=0, cosine=0, overlap=0, shares=shares, pca=places, umap=places)


def test_a_place_tells_the_tower_where_the_towers_stand_apart_and_not_elsewhere():
    near = np.random.default_rng(0).normal(size=(50, 4, 2))
    apart = near + 100 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert pictures.place_tells(portrait(apart)) == 1
    assert 0.1 < pictures.place_tells(portrait(near)) < 0.4


def test_the_plane_is_that_of_the_other_maps():
    points = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
    mean, directions = pictures.plane(points)
    np.testing.assert_allclose((points - mean) @ directions.T, pca_layout(points), rtol=1e-4, atol=1e-5)


def test_a_customers_products_stand_beside_the_vectors(model, customers):
    now = reading(model, customers["ann"])
    figure = pictures.customer_map(now.vectors, pictures.product_vectors(model), now.items, NAMES, title="Ann")
    assert len(figure.data) == 6
    assert list(figure.data[0].text) == list(NAMES[now.items[0]])
    assert all(str(NAMES[now.items[tower, 0]]) in figure.layout.annotations[tower].text for tower in range(3))
    assert "one customer's 3 vectors" in figure.layout.meta["alt"]


def test_the_table_of_the_merge_shows_who_brought_what():
    lists = [[(7, 0.9), (3, 0.5)], [(3, 0.75), (5, -0.25)]]
    merged = reference_merge(lists)
    figure = pictures.merge_table(lists, merged, [5, 8], np.array([3]), NAMES, title="t")
    products, first, second, single = figure.data[0].cells["values"]
    assert list(products) == ["product 7", "✓ product 3", "product 5"]
    assert (list(first), list(second)) == (["<b>0.90</b>", "0.50", ""], ["", "<b>0.75</b>", "<b>-0.25</b>"])
    assert list(single) == ["–", "–", "1."]
    assert "1 of them bought later; of the 2 of one vector it is 0" in figure.layout.meta["alt"]


def test_credit_stands_beside_what_is_lost():
    figure = pictures.credit_figure(np.array([0.75, 0.25]), [(0.1, 0.05, 0.2), (-0.01, -0.03, 0.01)], title="work")
    credit, lost = figure.data
    assert list(credit.y) == [0.75, 0.25]
    np.testing.assert_allclose(lost.error_y.array, [0.1, 0.02])
    np.testing.assert_allclose(lost.error_y.arrayminus, [0.05, 0.02])
    assert "Tower 2, credit 25%, lost without it -1.0%" in figure.layout.meta["alt"]


def test_a_click_or_a_button_switches_a_purchase(panel, model, customers):
    panel.screen._handle_custom_msg({"trace": 0, "point": 2}, [])
    assert panel.state == {**panel.start, "p3": False}
    figure = panel.figure
    assert figure.data[0].marker.symbol[2] == "x-thin"
    expected = pictures.one_less(model, customers["ann"])[:, 2]
    np.testing.assert_allclose(figure.data[6].x, expected, rtol=1e-5)
    panel.screen._handle_custom_msg({"trace": 1, "point": [2, 1]}, [])  # on the strip, which is no switch
    assert panel.state == {**panel.start, "p3": False}
    panel.widgets["p3"].value = True
    assert panel.state == panel.start
    np.testing.assert_allclose(panel.figure.data[6].x, 1, rtol=1e-5)


def test_the_panel_starts_with_everything_and_says_what_is_new(panel, model, customers):
    assert panel.figure.layout.title.text == "6 of 6 purchases read: 0 of the merged first 10 are new"
    everything = reference_merge(reading(model, customers["ann"], num=10).lists)[:10]
    now = reference_merge(reading(model, customers["ann"], np.arange(LENGTH) == 5, num=10).lists)[:10]
    fresh = len({product for product, _, _ in now} - {product for product, _, _ in everything})
    panel.go_to(panel.presets["Only the newest"])
    assert panel.figure.layout.title.text == f"1 of 6 purchases read: {fresh} of the merged first 10 are new"
    merged = panel.figure.layout.annotations[-1].text
    assert merged.count("+") == len({p for p, _, _ in now[:6]} - {p for p, _, _ in everything})
    assert "looks most at purchase 6 (100%)" in panel.figure.layout.meta["alt"]


def test_the_most_looked_at_purchase_is_the_one_with_most_attention(panel, model, customers):
    most = reading(model, customers["ann"]).attention.sum(axis=0).argmax()
    off = [name for name, on in panel.presets["Without the most looked-at"].items() if on is False]
    assert off == [f"p{most + 1}"]


def test_everything_off_is_a_state_too(panel):
    panel.go_to({name: False for name in panel.start if name != "customer"})
    assert panel.figure.layout.title.text.startswith("Nothing left to read")
    panel.go_to(panel.presets["Everything"])
    assert panel.state == panel.start


def test_a_place_without_a_purchase_has_no_switch(panel):
    panel.go_to({"customer": "bob"})
    assert [name for name, control in panel.widgets.items() if control.disabled] == ["p1", "p2"]
    assert panel.figure.layout.title.text.startswith("4 of 4 purchases read")
    assert panel.figure.layout.yaxis.ticktext[0].strip() == "<b>1</b>"


def test_the_figure_has_room_for_eight_towers(customers):
    model = MTMI(num_items=30, num_towers=8, dim=8, history_length=LENGTH)
    panel = pictures.purchases_panel(model, customers, NAMES, reference_merge)
    assert len(panel.figure.layout.annotations) == 2 + 8 + 1
    assert len({(note.x, note.y) for note in panel.figure.layout.annotations}) == 11
