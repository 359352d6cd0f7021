"""Serving, against brute force on integer vectors, where scores are exact and ties are many."""

import io
import json

import faiss
import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite.interactions import from_columns
from mtmi_lite.models import MTMI, Users
from mtmi_lite.retrieval import (
    ItemIndex,
    Memory,
    TowerLists,
    approximate_recall,
    index_items,
    load_index,
    memory_of,
    merge,
    merge_diverse,
    remember,
    search_towers,
)


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
    model = MTMI(num_items=9, dim=4, history_length=2)
    index = index_items(model)
    assert index.similarity == "cosine"
    unit = torch.nn.functional.normalize(model.table.weight[:9].detach(), dim=1)
    np.testing.assert_array_equal(index.vectors, unit.numpy())


def test_a_merge_of_many_users_is_brute_force():
    """More users than are merged at a time; scores of both signs, many tied, zeros of both signs, absent towers."""
    rng = np.random.default_rng(0)
    shape = (1100, 3, 6)
    items = np.argsort(rng.random((*shape[:2], 15)), axis=2)[:, :, :6]
    scores = rng.integers(-2, 3, shape).astype(np.float32) * rng.choice(np.array([1, -1], dtype=np.float32), shape)
    absent = rng.random(shape[:2]) < 0.2
    items[absent], scores[absent] = -1, -np.inf
    assert np.signbit(scores[scores == 0]).any()
    ranking = merge(TowerLists(items=items, scores=scores), 7)
    for user in range(len(items)):
        lists = {j: list(zip(items[user, j].tolist(), scores[user, j].tolist(), strict=True)) for j in range(3)}
        expected = brute_force_merge({j: pairs for j, pairs in lists.items() if not absent[user, j]}, 7)
        rows = (ranking.items[user], ranking.scores[user], ranking.towers[user])
        assert list(zip(*(row.tolist() for row in rows), strict=True)) == expected


@pytest.mark.parametrize(
    ("ids", "kind"), [((7, 3, 5), np.int32), ((7, 3, 5), np.uint8), ((2**32 + 7, 2**31, 5), np.int64)]
)
def test_ids_may_be_whole_numbers_of_any_size(unchecked, ids, kind):
    a, b, c = ids
    scores = np.array([[[0.9, 0.2], [0.8, 0.1]]], dtype=np.float32)
    ranking = merge(TowerLists(items=np.array([[[a, b], [b, c]]], dtype=kind), scores=scores), 3)
    assert ranking.items.tolist() == [[a, b, c]]
    assert ranking.towers.tolist() == [[0, 1, 1]]


@pytest.mark.parametrize(
    ("item", "message"), [(-2, "items: -2 is out of range; an item is 0 to"), (2.0, "items: of type float64")]
)
def test_what_is_no_item_is_refused(unchecked, item, message):
    with pytest.raises(ValueError, match=message):
        TowerLists(items=np.array([[[1, item]]]), scores=np.zeros((1, 1, 2), dtype=np.float32))


def test_a_merge_of_no_users_is_empty():
    lists = TowerLists(items=np.empty((0, 2, 3), dtype=np.int64), scores=np.empty((0, 2, 3), dtype=np.float32))
    assert merge(lists, 4).items.shape == (0, 4)


# ---- approximate indexes

KINDS = ("exact", "ivf", "hnsw")
SIMILARITIES = ("cosine", "inner-product")


def clustered(num_items: int = 2000, num_queries: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Items around 50 centres, of lengths 1 to 2, and queries near some of them."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(50, 16, generator=generator)
    items = centres[torch.randint(50, (num_items,), generator=generator)]
    items = items + 0.4 * torch.randn(num_items, 16, generator=generator)
    items = items * (1 + torch.rand(num_items, 1, generator=generator))
    return items, items[:num_queries] + 0.2 * torch.randn(num_queries, 16, generator=generator)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize(
    ("kind", "everything"),
    [("ivf", {"num_lists": 20, "num_probes": 20}), ("hnsw", {"num_links": 64, "ef_search": 2000})],
)
def test_an_approximate_index_that_looks_everywhere_is_exact(similarity, kind, everything):
    items, queries = clustered()
    scores, found = ItemIndex(items, similarity, kind, **everything).search(queries, 30)
    exact_scores, exact = ItemIndex(items, similarity).search(queries, 30)
    np.testing.assert_array_equal(found, exact)
    np.testing.assert_allclose(scores, exact_scores, rtol=1e-5)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_an_approximate_index_finds_most_by_default(similarity, kind):
    items, queries = clustered()
    found = approximate_recall(ItemIndex(items, similarity, kind), ItemIndex(items, similarity), queries, 20)
    assert 0.8 < found <= 1


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_approximate_recall_is_the_mean_overlap_of_sets(kind):
    items, queries = clustered()
    exact = ItemIndex(items, "cosine")
    settings_of = {"ivf": [{"num_probes": n} for n in (1, 2, 8)], "hnsw": [{"num_links": 2, "ef_search": 1}, {}]}[kind]
    recalls = []
    for chosen in settings_of:
        index = ItemIndex(items, "cosine", kind, **chosen)
        recalls.append(approximate_recall(index, exact, queries, 100))
        pairs = zip(index.search(queries, 100)[1].tolist(), exact.search(queries, 100)[1].tolist(), strict=True)
        assert recalls[-1] == pytest.approx(np.mean([len((set(a) - {-1}) & set(b)) / 100 for a, b in pairs]))
    assert 0 < recalls[0] < 0.95
    assert recalls == sorted(recalls)
    assert recalls[0] < recalls[-1]
    assert approximate_recall(exact, exact, queries, 100) == 1


def test_what_an_approximate_index_does_not_find_is_absent_and_merged_so():
    items, queries = clustered()
    index = ItemIndex(items, "cosine", "ivf", num_lists=50, num_probes=1)
    scores, found = index.search(queries, 300)
    assert (found == -1).any()
    assert (found >= 0).any()
    np.testing.assert_array_equal(np.isneginf(scores), found == -1)
    assert (np.diff((found == -1).astype(int), axis=1) >= 0).all()  # at the end
    lists = search_towers(index, Users(vectors=queries.view(30, 2, 16), mask=torch.ones(30, 2).bool()), 300)
    ranking = merge(lists, 600)
    for user in range(30):
        distinct = set(lists.items[user].ravel().tolist()) - {-1}
        assert set(ranking.items[user, : len(distinct)].tolist()) == distinct
        assert (ranking.items[user, len(distinct) :] == -1).all()
        assert (ranking.towers[user, len(distinct) :] == -1).all()
    short = approximate_recall(index, ItemIndex(items, "cosine"), queries, 300)
    assert short == pytest.approx(np.mean(found >= 0), abs=0.1)


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_the_same_vectors_make_the_same_index_with_any_number_of_threads(kind):
    items, queries = clustered()
    threads = faiss.omp_get_max_threads()
    found = []
    try:
        for number in (1, 4, 4):
            faiss.omp_set_num_threads(number)
            settings_of = {"ivf": {"num_probes": 2}, "hnsw": {"num_links": 4, "ef_search": 4}}[kind]
            found.append(ItemIndex(items, "cosine", kind, **settings_of).search(queries, 50)[1])
            assert faiss.omp_get_max_threads() == number  # as it was found
    finally:
        faiss.omp_set_num_threads(threads)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[1], found[2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_items", [1, 2, 5, 40])
def test_a_few_items_are_enough_for_every_kind(kind, num_items, capfd):
    items = clustered()[0][:num_items]
    found = ItemIndex(items, "cosine", kind).search(items, num_items)[1]
    assert np.sort(found, axis=1).tolist() == [list(range(num_items))] * num_items
    assert capfd.readouterr() == ("", "")  # Faiss warns in its own way


@pytest.mark.parametrize(
    ("kind", "setting", "parts"),
    [
        ("exact", {"num_lists": 4}, ["num_lists: 4", "kind='ivf'", "leave it out"]),
        ("ivf", {"ef_search": 9}, ["ef_search: 9", "kind='hnsw'"]),
        ("hnsw", {"num_probes": 2}, ["num_probes: 2", "kind='ivf'"]),
        ("ivf", {"num_lists": 52}, ["num_lists: 52", "1 to 51"]),  # 2,000 / 39
        ("ivf", {"num_lists": 0}, ["num_lists: 0", "1 to 51"]),
        ("ivf", {"num_lists": 9, "num_probes": 10}, ["num_probes: 10", "1 to 9"]),
        ("hnsw", {"num_links": 1}, ["num_links: 1", "2 to 1999"]),
        ("hnsw", {"ef_search": 0}, ["ef_search: 0", "1 to 2000"]),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(kind, setting, parts):
    with pytest.raises(ValueError, match="^" + parts[0]) as caught:
        ItemIndex(clustered()[0], "cosine", kind, **setting)
    assert all(part in str(caught.value) for part in parts)


def test_an_unknown_kind_is_refused():
    jaxtyping.config.update("jaxtyping_disable", True)  # which would refuse it first
    try:
        with pytest.raises(ValueError, match="kind: 'tree' is not known; it must be 'exact', 'ivf' or 'hnsw'"):
            ItemIndex(torch.eye(3), "cosine", "tree")  # type: ignore
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def test_a_query_of_another_model_is_refused():
    with pytest.raises(ValueError, match="queries: 4 numbers each, but 3 an item"):
        ItemIndex(torch.eye(3), "cosine").search(torch.eye(4), 1)


# ---- saved and loaded


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize(
    ("kind", "settings_of"),
    [("exact", {}), ("ivf", {"num_probes": 2}), ("hnsw", {"num_links": 4, "ef_search": 3})],
)
def test_a_loaded_index_is_the_one_saved(tmp_path, kind, settings_of, similarity):
    items, queries = clustered()
    index = ItemIndex(items, similarity, kind, **settings_of)
    index.save(tmp_path / "items.index")
    loaded = load_index(tmp_path / "items.index")
    assert (loaded.similarity, loaded.kind, len(loaded)) == (similarity, kind, 2000)
    np.testing.assert_array_equal(loaded.vectors, index.vectors)
    for ours, theirs in zip(loaded.search(queries, 70), index.search(queries, 70), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    loaded.save(tmp_path / "items.index")  # over itself
    np.testing.assert_array_equal(load_index(tmp_path / "items.index").vectors, index.vectors)
    assert [path.name for path in tmp_path.iterdir()] == ["items.index"]


def test_a_loaded_exact_index_settles_ties_by_id(tmp_path):
    ItemIndex(torch.ones(40, 1), "inner-product").save(tmp_path / "ones.npz")
    assert load_index(tmp_path / "ones.npz").search(torch.ones(1, 1), 5)[1].tolist() == [[0, 1, 2, 3, 4]]


def archive(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def index_file(vectors, *, similarity="cosine", kind="exact", **settings) -> bytes:
    about = {"similarity": similarity, "kind": kind, "settings": settings}
    return archive(about=np.array(json.dumps(about)), vectors=vectors)


def saved_bytes(tmp_path) -> bytes:
    ItemIndex(clustered()[0], "cosine", "ivf").save(tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("part", [0, 0.001, 0.5, 0.999])
def test_a_truncated_index_is_refused(tmp_path, part):
    whole = saved_bytes(tmp_path)
    (tmp_path / "half").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ValueError, match=r"half: .*delete it and make it again"):
        load_index(tmp_path / "half")


def test_an_index_with_a_flipped_bit_is_refused(tmp_path):
    whole = bytearray(saved_bytes(tmp_path))
    whole[len(whole) // 2] ^= 1
    (tmp_path / "flipped").write_bytes(whole)
    with pytest.raises(ValueError, match=r"flipped: .*delete it and make it again"):
        load_index(tmp_path / "flipped")


@pytest.mark.parametrize(
    "content",
    [
        b"a letter",
        archive(grid=np.eye(3)),
        index_file(np.eye(3), kind="tree"),
        index_file(np.eye(3), similarity="nearness"),
        index_file(np.arange(3.0)),
        index_file(np.array([[1.0, np.nan]])),
        index_file(np.eye(3), kind="ivf", num_lists=10**9),
        index_file(np.eye(3), speed=3),
        archive(about=np.array("{}"), vectors=np.eye(3)),
        archive(about=np.array({"a": 1}), vectors=np.eye(3)),  # would have to be unpickled
    ],
    ids=range(10),
)
def test_a_foreign_file_is_refused(tmp_path, content):
    (tmp_path / "foreign").write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign: .*(make it again|saved as one)") as refused:
        load_index(tmp_path / "foreign")
    assert len(str(refused.value)) < 500


def test_where_all_ask_the_same_and_all_ties_are_settled_the_items_are_compared_once():
    index = ItemIndex(torch.ones(40, 1), "inner-product")
    looks = []

    class Spy(np.ndarray):
        def __matmul__(self, query):
            looks.append(query)
            return np.asarray(self) @ query

    index.vectors = index.vectors.view(Spy)
    assert index.search(torch.ones(100, 1), 3)[1].tolist() == [[0, 1, 2]] * 100
    assert len(looks) == 1


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_index(tmp_path / "nothing.npz")


# ---- excluded items


@settings(max_examples=200, deadline=None)
@given(small_worlds(), st.data())
def test_lists_without_the_excluded_are_brute_force(world, data):
    items, vectors, present = world
    num = data.draw(st.integers(1, len(items)), label="num")
    slots = st.lists(st.integers(-1, len(items) - 1), min_size=4, max_size=4)
    exclude = data.draw(st.lists(slots, min_size=len(vectors), max_size=len(vectors)), label="exclude")
    index = ItemIndex(torch.tensor(items, dtype=torch.float32), "inner-product")
    lists = search_towers(index, as_users(vectors, present), num, exclude=np.array(exclude))
    for user, (of_user, here) in enumerate(zip(vectors, present, strict=True)):
        for tower, vector in enumerate(of_user):
            left = [pair for pair in brute_force_list(items, vector, len(items)) if pair[0] not in exclude[user]]
            expected = (left * here[tower] + [(-1, -np.inf)] * num)[:num]
            found = zip(lists.items[user, tower].tolist(), lists.scores[user, tower].tolist(), strict=True)
            assert list(found) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_index_returns_what_is_excluded(kind):
    items, queries = clustered()
    users = Users(vectors=queries.view(20, 3, 16), mask=torch.ones(20, 3).bool())
    index = ItemIndex(items, "cosine", kind)
    before = search_towers(index, users, 10)
    exclude = before.items[:, 0, :5]
    lists = search_towers(index, users, 10, exclude=exclude)
    assert lists.items.shape == (20, 3, 10)
    for user in range(20):
        assert not set(lists.items[user].ravel().tolist()) & set(exclude[user].tolist())
        assert lists.items[user, 0, :5].tolist() == before.items[user, 0, 5:].tolist()


def test_what_nobody_excludes_changes_nothing():
    items, queries = clustered()
    users, index = Users(vectors=queries[:, None], mask=torch.ones(60, 1).bool()), ItemIndex(items, "cosine")
    nothing = search_towers(index, users, 10, exclude=np.full((60, 3), -1))
    np.testing.assert_array_equal(nothing.items, search_towers(index, users, 10).items)


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        (np.array([[3]]), "exclude: 3 is out of range; items are 0 to 2"),
        (np.array([[-2]]), "exclude: -2 is out of range"),
        (np.array([[1], [2]]), "exclude: 2 rows for 1 users"),
    ],
)
def test_an_exclusion_that_does_not_fit_is_refused(exclude, message):
    with pytest.raises(ValueError, match=message):
        search_towers(ItemIndex(torch.eye(3), "cosine"), as_users([[[1, 0, 0]]], [[True]]), 1, exclude=exclude)


# ---- a memory of what a user had


@settings(max_examples=200, deadline=None)
@given(small_worlds(), st.data())
def test_lists_with_a_memory_are_brute_force(world, data):
    items, vectors, present = world
    num = data.draw(st.integers(1, len(items)), label="num")
    weight = data.draw(st.sampled_from([0.0, 0.5, 3.0, 100.0]), label="weight")
    of_user = st.dictionaries(st.integers(0, len(items) - 1), st.integers(1, 5), max_size=len(items))
    counts = data.draw(st.lists(of_user, min_size=len(vectors), max_size=len(vectors)), label="counts")
    gone = data.draw(st.lists(st.integers(-1, len(items) - 1), min_size=2, max_size=2), label="gone")
    memory = Memory(
        items=np.array([item for had in counts for item in sorted(had)], dtype=np.int64),
        counts=np.array([had[item] for had in counts for item in sorted(had)], dtype=np.int64),
        offsets=np.concatenate([[0], np.cumsum([len(had) for had in counts])]),
        weight=weight,
    )
    index = ItemIndex(torch.tensor(items, dtype=torch.float32), "inner-product")
    exclude = np.array([gone] * len(vectors))
    users = as_users(vectors, present)
    lists = remember(search_towers(index, users, num, exclude), index, users, memory, exclude)
    for user, (own, here) in enumerate(zip(vectors, present, strict=True)):
        for tower, vector in enumerate(own):
            lifted = [
                (item, np.float32(score + weight * np.log1p(counts[user].get(item, 0))))
                for item, score in brute_force_list(items, vector, len(items))
                if item not in gone
            ]
            ranked = sorted(lifted, key=lambda pair: (-pair[1], pair[0])) * here[tower]
            expected = (ranked + [(-1, -np.inf)] * num)[:num]
            assert lists.items[user, tower].tolist() == [item for item, _ in expected]
            np.testing.assert_allclose(lists.scores[user, tower], [score for _, score in expected], rtol=1e-6)


def test_a_memory_is_what_was_had_before_the_end_and_counts_only_the_last():
    log = from_columns(users=[0] * 5 + [1] * 3, items=[3, 1, 3, 2, 0, 1, 1, 0], times=range(8))
    everything = memory_of(log, np.array([0, 1]), np.array([4, 7]), weight=2.0)
    assert [everything.of(user)[0].tolist() for user in (0, 1)] == [[1, 2, 3], [1]]
    np.testing.assert_allclose(everything.of(0)[1], 2 * np.log([2, 2, 3]))
    last = memory_of(log, np.array([0, 1]), np.array([4, 7]), weight=2.0, last=2)
    assert [last.of(user)[0].tolist() for user in (0, 1)] == [[2, 3], [1]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_memory_reaches_what_an_approximate_index_misses(kind):
    items, queries = clustered()
    users = Users(vectors=queries.view(20, 3, 16), mask=torch.ones(20, 3).bool())
    had = np.arange(0, 2000, 100)
    memory = Memory(items=had, counts=np.ones(20, dtype=np.int64), offsets=np.arange(21), weight=10.0)
    index = ItemIndex(items, "cosine", kind)
    lists = remember(search_towers(index, users, 10), index, users, memory)
    assert lists.items[:, :, 0].tolist() == np.repeat(had, 3).reshape(20, 3).tolist()


def test_a_memory_of_other_users_is_refused():
    memory = Memory(items=np.array([0]), counts=np.array([1]), offsets=np.array([0, 1, 1]), weight=1.0)
    users, index = as_users([[[1, 0, 0]]], [[True]]), ItemIndex(torch.eye(3), "cosine")
    with pytest.raises(ValueError, match="memory: of 2 users, but there are 1"):
        remember(search_towers(index, users, 1), index, users, memory)


def test_users_without_any_tower_have_empty_lists():
    users = as_users([[[1, 0]], [[0, 1]]], [[False], [False]])
    for exclude in (None, np.array([[0], [1]])):
        lists = search_towers(ItemIndex(torch.eye(2), "cosine"), users, 2, exclude=exclude)
        assert lists.items.tolist() == [[[-1, -1]]] * 2
        assert merge(lists, 2).items.tolist() == merge(lists, 2).towers.tolist() == [[-1, -1]] * 2


# ---- the merge with a bonus for other categories


def naive_merge_diverse(lists: dict, categories: list[int], num: int, diversity: float) -> list[tuple]:
    left = [entry for entry in brute_force_merge(lists, 99) if entry[0] >= 0]
    chosen: list[tuple] = []
    while left and len(chosen) < num:
        gains = [s + diversity * sum(categories[i] != categories[j] for j, _, _ in chosen) for i, s, _ in left]
        chosen.append(left.pop(gains.index(max(gains))))  # the first of the largest
    return (chosen + [(-1, -np.inf, -1)] * num)[:num]


@settings(max_examples=300, deadline=None)
@given(small_worlds(), st.data())
def test_a_diverse_merge_is_the_greedy_loop(world, data):
    items, vectors, present = world
    length = data.draw(st.integers(1, len(items)), label="length")
    num = data.draw(st.integers(1, length * len(vectors[0])), label="num")
    diversity = data.draw(st.sampled_from([0.0, 0.25, 1.0, 2.5, 100.0]), label="diversity")  # exact in binary
    categories = data.draw(st.lists(st.integers(0, 3), min_size=len(items), max_size=len(items)), label="categories")
    index = ItemIndex(torch.tensor(items, dtype=torch.float32), "inner-product")
    lists = search_towers(index, as_users(vectors, present), length)
    ranking = merge_diverse(lists, num, np.array(categories), diversity=diversity)
    for user, (of_user, here) in enumerate(zip(vectors, present, strict=True)):
        of_towers = {j: brute_force_list(items, v, length) for j, v in enumerate(of_user) if here[j]}
        rows = (ranking.items[user], ranking.scores[user], ranking.towers[user])
        found = list(zip(*(row.tolist() for row in rows), strict=True))
        assert found == naive_merge_diverse(of_towers, categories, num, diversity)


@pytest.mark.parametrize("num", [1, 20, 60])
def test_without_diversity_the_merge_is_the_plain_one(num):
    items, queries = clustered()
    mask = torch.rand(20, 3, generator=torch.Generator().manual_seed(0)) < 0.8
    lists = search_towers(ItemIndex(items, "cosine"), Users(vectors=queries.view(20, 3, 16), mask=mask), 20)
    plain, diverse = merge(lists, num), merge_diverse(lists, num, np.arange(2000) % 7, diversity=0)
    for name in ("items", "scores", "towers"):
        np.testing.assert_array_equal(getattr(diverse, name), getattr(plain, name))
        assert getattr(diverse, name).dtype == getattr(plain, name).dtype


def test_more_diversity_brings_more_categories():
    items, queries = clustered()
    lists = search_towers(
        ItemIndex(items, "cosine"), Users(vectors=queries.view(20, 3, 16), mask=torch.ones(20, 3).bool()), 50
    )
    categories = np.arange(2000) % 30
    counts = []
    for diversity in (0, 0.01, 0.1, 1):
        ranking = merge_diverse(lists, 20, categories, diversity=diversity)
        counts.append(np.mean([len(set(categories[row])) for row in ranking.items]))
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == 20  # a large bonus takes each category once


@pytest.mark.parametrize(
    ("num", "categories", "diversity", "message"),
    [
        (0, 5, 0.1, "num: 0 is out of range; it must be at least 1"),
        (2, 4, 0.1, "categories: 4 of them, but item 4 is ranked"),
        (2, 5, -0.1, "diversity: -0.1"),
        (2, 5, float("nan"), "diversity: nan"),
        (2, 5, float("inf"), "diversity: inf"),
    ],
)
def test_a_diverse_merge_refuses_what_does_not_fit(num, categories, diversity, message):
    lists = TowerLists(items=np.array([[[4, 1, 0], [4, 2, 3]]]), scores=np.zeros((1, 2, 3), dtype=np.float32))
    with pytest.raises(ValueError, match=message):
        merge_diverse(lists, num, np.zeros(categories, dtype=np.int64), diversity=diversity)
