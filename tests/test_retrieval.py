"""Serving, against brute force on integer vectors, where scores are exact and ties are many."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite.models import MTMI, Users
from mtmi_lite.retrieval import ItemIndex, TowerLists, index_items, merge, search_towers


@st.composite
def small_worlds(draw) -> tuple[list, list, list]:
    """Item vectors, the users' vectors, and which towers each user has: small integers, so most scores are tied."""
    dim, towers = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    vector = st.lists(st.integers(-2, 2), min_size=dim, max_size=dim)
    items = draw(st.lists(vector, min_size=1, max_size=12))
    of_user = st.lists(st.tuples(vector, st.booleans()), min_size=towers, max_size=towers)
    users = draw(st.lists(of_user, min_size=1, max_size=3))
    return items, [[v for v, _ in user] for user in users], [[here for _, here in user] for user in users]


def as_users(vectors, present) -> Users:
    return Users(vectors=torch.tensor(vectors, dtype=torch.float32), mask=torch.tensor(present, dtype=torch.bool))


def inner(a, b) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def brute_force_list(items, vector, num: int) -> list[tuple[int, int]]:
    """(item, score) of the `num` best items, ties by item id."""
    scored = [(item, inner(vector, other)) for item, other in enumerate(items)]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:num]


def brute_force_merge(lists: dict[int, list[tuple[int, int]]], num: int) -> list[tuple[int, float, int]]:
    """(item, score, tower) of {tower: its list}, filled up with (−1, −inf, −1)."""
    best = {}
    for tower in sorted(lists):
        for item, score in lists[tower]:
            if item not in best or score > best[item][0]:
                best[item] = (score, tower)
    ranked = sorted(((item, score, tower) for item, (score, tower) in best.items()), key=lambda r: (-r[1], r[0]))
    return (ranked + [(-1, -np.inf, -1)] * num)[:num]


@settings(max_examples=300, deadline=None)
@given(small_worlds(), st.data())
def test_lists_and_merge_are_brute_force(world, data):
    items, vectors, present = world
    length = data.draw(st.integers(1, len(items)), label="length")
    num = data.draw(st.integers(1, length * len(vectors[0])), label="num")
    lists = search_towers(
        ItemIndex(torch.tensor(items, dtype=torch.float32), "inner-product"), as_users(vectors, present), length
    )
    ranking = merge(lists, num)
    for user, (of_user, here) in enumerate(zip(vectors, present, strict=True)):
        expected = {j: brute_force_list(items, v, length) for j, v in enumerate(of_user) if here[j]}
        for j in range(len(of_user)):
            found = list(zip(lists.items[user, j].tolist(), lists.scores[user, j].tolist(), strict=True))
            assert found == expected.get(j, [(-1, -np.inf)] * length)
        rows = (ranking.items[user], ranking.scores[user], ranking.towers[user])
        assert list(zip(*(row.tolist() for row in rows), strict=True)) == brute_force_merge(expected, num)


@settings(max_examples=100, deadline=None)
@given(small_worlds(), st.data())
def test_lists_as_long_as_the_merge_lose_nothing(world, data):
    """The first `num` by the best of a user's similarities are found from `num` items a tower."""
    items, vectors, present = world
    num = data.draw(st.integers(1, len(items)), label="num")
    index = ItemIndex(torch.tensor(items, dtype=torch.float32), "inner-product")
    ranking = merge(search_towers(index, as_users(vectors, present), num), num)
    for user, (of_user, here) in enumerate(zip(vectors, present, strict=True)):
        everything = {j: brute_force_list(items, v, len(items)) for j, v in enumerate(of_user) if here[j]}
        expected = brute_force_merge(everything, num)
        assert ranking.items[user].tolist() == [item for item, _, _ in expected]
        assert ranking.towers[user].tolist() == [tower for _, _, tower in expected]


@pytest.mark.parametrize("num", [1, 10, 4999, 5000])
def test_ties_across_the_edge_of_a_list_go_to_the_lowest_ids(num):
    scores = np.random.default_rng(0).integers(0, 3, 5000)  # thousands of items with each score
    index = ItemIndex(torch.tensor(scores, dtype=torch.float32)[:, None], "inner-product")
    found_scores, found = index.search(torch.tensor([[1.0], [0.0], [-1.0]]), num)
    assert found[0].tolist() == np.argsort(-scores, kind="stable")[:num].tolist()
    assert found[1].tolist() == list(range(num))
    assert found[2].tolist() == np.argsort(scores, kind="stable")[:num].tolist()
    assert found_scores[0].tolist() == scores[found[0]].tolist()


def test_an_item_that_all_towers_bring_counts_once_and_for_the_first_of_the_nearest():
    lists = TowerLists(
        items=np.array([[[4, 1], [4, 2], [4, 3]]]),
        scores=np.array([[[0.5, 0.1], [0.9, 0.2], [0.9, 0.3]]], dtype=np.float32),
    )
    ranking = merge(lists, 6)
    assert ranking.items.tolist() == [[4, 3, 2, 1, -1, -1]]
    assert ranking.towers.tolist() == [[1, 2, 1, 0, -1, -1]]
    assert ranking.scores[0, 4:].tolist() == [-np.inf, -np.inf]


def test_cosine_is_exact_to_rounding():
    """On random vectors: scores to 1e-6 of those in double precision, and no better item left out by more than that."""
    generator = torch.Generator().manual_seed(0)
    items, queries = torch.randn(500, 16, generator=generator), 5 * torch.randn(40, 16, generator=generator)
    items[3] = 0  # has no direction: similarity 0
    scores, found = ItemIndex(items, "cosine").search(queries, 20)
    unit = items.double().numpy() / np.maximum(items.double().norm(dim=1, keepdim=True).numpy(), 1e-12)
    exact = (queries.double() / queries.double().norm(dim=1, keepdim=True)).numpy() @ unit.T
    np.testing.assert_allclose(scores, np.take_along_axis(exact, found, axis=1), rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores, -np.sort(-exact, axis=1)[:, :20], rtol=0, atol=1e-6)
    assert all(len(set(row)) == 20 for row in found.tolist())


def test_the_length_of_a_vector_counts_for_the_inner_product_alone():
    items, query = torch.tensor([[1.0, 0.0], [3.0, 3.0]]), torch.tensor([[2.0, 0.0]])
    assert ItemIndex(items, "cosine").search(query, 2)[1].tolist() == [[0, 1]]
    assert ItemIndex(items, "inner-product").search(query, 2)[1].tolist() == [[1, 0]]


@pytest.mark.parametrize("rubbish", [torch.nan, torch.inf, 5.0])
def test_what_an_absent_tower_holds_is_not_searched(rubbish):
    users = as_users([[[1, 0], [0, 1]]], [[True, False]])
    filled = Users(vectors=users.vectors.masked_fill(~users.mask[..., None], rubbish), mask=users.mask)
    lists = search_towers(ItemIndex(torch.eye(2), "cosine"), filled, 2)
    assert lists.items.tolist() == [[[0, 1], [-1, -1]]]
    assert lists.scores.tolist() == [[[1.0, 0.0], [-np.inf, -np.inf]]]


def test_searching_leaves_the_users_vectors_alone():
    users = as_users([[[3, 4], [1, 0]]], [[True, False]])
    search_towers(ItemIndex(torch.eye(2), "cosine"), users, 1)
    assert users.vectors.tolist() == [[[3, 4], [1, 0]]]


def test_an_index_holds_all_items_of_a_model_and_its_similarity():
    model = MTMI(num_items=9, dim=4, num_steps=2)
    index = index_items(model)
    assert index.similarity == "cosine"
    unit = torch.nn.functional.normalize(model.table.weight.detach(), dim=1)
    np.testing.assert_array_equal(index.vectors, unit.numpy())
