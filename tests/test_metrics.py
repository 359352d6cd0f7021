"""Metrics, against ranx and against plain loops over sets."""

import json
import math
import os
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite import metrics
from mtmi_lite.data.datasets import online_retail
from mtmi_lite.interactions import Batch, Cases, batch_of, evaluation_cases
from mtmi_lite.metrics import (
    Evaluation,
    evaluate,
    find_hits,
    hit_rate,
    interests_found,
    list_overlap,
    ndcg,
    ndcg_of_found,
    paired_interval,
    pairwise_cosine,
    recall,
)
from mtmi_lite.models import MTMI, MostPopular, Users
from mtmi_lite.retrieval import ItemIndex, TowerLists, index_items, merge


def cases_of(relevant: list[set[int]], num_items: int) -> Cases:
    """Cases with these relevant items, and a history that no metric reads."""
    rows = [sorted(items) for items in relevant]
    return Cases(
        users=np.arange(len(rows)),
        cuts=np.arange(1, len(rows) + 1),
        batch=Batch(history=torch.zeros(len(rows), 1, dtype=torch.int64), mask=torch.ones(len(rows), 1).bool()),
        relevant=np.array([item for row in rows for item in row], dtype=np.int64),
        offsets=np.cumsum([0] + [len(row) for row in rows]),
        num_items=num_items,
    )


def random_rankings(num_cases: int, num: int, num_items: int, seed: int = 0) -> tuple[np.ndarray, list[set[int]]]:
    """Rankings of distinct items, and 1 to 60 relevant ones a case; the first case has none of them in its list."""
    rng = np.random.default_rng(seed)
    ranked = np.stack([rng.permutation(num_items)[:num] for _ in range(num_cases)])
    relevant = [set(rng.permutation(num_items)[: rng.integers(1, 61)].tolist()) for _ in range(num_cases)]
    relevant[0] -= set(ranked[0].tolist())
    return ranked, relevant


# ---- ranking metrics

RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
tables, metrics = json.load(sys.stdin)
found = [evaluate(Qrels(qrels), Run(run), metrics, return_mean=False) for qrels, run in tables]
json.dump([{metric: list(values) for metric, values in table.items()} for table in found], sys.stdout)
"""
MEASURES = {f"{name}@{num}": (name, num) for name in ("recall", "hit_rate", "ndcg") for num in (20, 50)}


def of_ranx(tables: list[tuple[list[dict[int, float]], list[set[int]]]]) -> list[dict[str, list[float]]]:
    """Each metric, case by case; a run holds the items of a list with their scores, and equal ones in its order."""
    asked = []
    for runs, relevant in tables:
        qrels = {f"{case:03}": {str(item): 1 for item in items} for case, items in enumerate(relevant)}
        asked.append(
            [qrels, {f"{case:03}": {str(item): s for item, s in row.items()} for case, row in enumerate(runs)}]
        )
    process = subprocess.run(  # ranx compiles for a minute when it is first used, unless numba is told not to
        [sys.executable, "-c", RANX],
        input=json.dumps([asked, list(MEASURES)]),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def rankings_with_ties() -> tuple[np.ndarray, list[dict[int, float]], list[set[int]]]:
    """What `merge` makes of lists with many equal scores, and short ones, as an array and for ranx."""
    rng = np.random.default_rng(1)
    shape = (60, 2, 30)
    items = np.argsort(rng.random((*shape[:2], 150)), axis=2)[:, :, :30]
    scores = np.sort(rng.integers(0, 6, shape), axis=2)[:, :, ::-1].astype(np.float32)
    found = rng.integers(0, 31, shape[:2])  # how many the index found
    found[0] = [0, 1]
    absent = np.arange(30) >= found[:, :, None]
    lists = TowerLists(items=np.where(absent, -1, items), scores=np.where(absent, np.float32(-np.inf), scores))
    ranking = merge(lists, 50)
    rows = [
        {item: score for item, score in zip(items, scores, strict=True) if item >= 0}
        for items, scores in zip(ranking.items.tolist(), ranking.scores.tolist(), strict=True)
    ]
    assert min(map(len, rows)) == 1  # ranx has no list without an item
    assert max(len(row) - len(set(row.values())) for row in rows) > 20
    return ranking.items, rows, random_rankings(60, 50, 150)[1]


@pytest.fixture(scope="module")
def compared() -> dict[str, tuple[np.ndarray, list[set[int]], dict[str, list[float]]]]:
    """Rankings, what is relevant, and what ranx says of both, which is asked once."""
    ranked, relevant = random_rankings(60, 50, 150)
    full = [{item: float(-rank) for rank, item in enumerate(row)} for row in ranked.tolist()]
    merged, short, also_relevant = rankings_with_ties()
    one, two = of_ranx([(full, relevant), (short, also_relevant)])
    return {
        "distinct scores, full lists": (ranked, relevant, one),
        "ties and short lists": (merged, also_relevant, two),
    }


@pytest.mark.parametrize("which", ["distinct scores, full lists", "ties and short lists"])
def test_recall_hit_rate_and_ndcg_are_those_of_ranx(compared, which):
    ranked, relevant, expected = compared[which]
    cases = cases_of(relevant, 150)
    hits = find_hits(ranked, cases)
    for name, (metric, num) in MEASURES.items():
        first = hits[:, :num]
        found = {
            "recall": recall(first, cases.num_relevant),
            "hit_rate": hit_rate(first),
            "ndcg": ndcg(first, cases.num_relevant),
        }[metric]
        np.testing.assert_allclose(found, expected[name], rtol=1e-12, err_msg=name)
        assert found.min() == 0
        assert len(set(found.tolist())) > 1


def test_ndcg_by_hand():
    # hits at ranks 1 and 3 of a list of three, with five relevant items: (1 + 1/2) / (1 + 1/log₂ 3 + 1/2)
    value = ndcg(np.array([[True, False, True]]), np.array([5]))
    np.testing.assert_allclose(value, 1.5 / (1.5 + 1 / math.log2(3)))


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=8))
def test_ndcg_of_found_is_the_loop_of_the_literature(rows):
    expected = []
    for row in rows:
        gained = sum(1 / math.log2(rank + 2) for rank, hit in enumerate(row) if hit)
        ideal = sum(1 / math.log2(rank + 2) for rank in range(sum(row)))
        expected.append(gained / ideal if ideal else 0.0)
    np.testing.assert_allclose(ndcg_of_found(np.array(rows)), expected, rtol=1e-12)


def test_ndcg_of_found_forgives_what_was_missed_and_can_fall_as_the_list_grows():
    one_of_a_hundred = np.array([[True, False, False, False]])
    assert ndcg_of_found(one_of_a_hundred).tolist() == [1.0]
    assert ndcg(one_of_a_hundred, np.array([100]))[0] < 0.5
    found_late = np.array([[True, False, False, True]])
    assert ndcg_of_found(found_late)[0] < ndcg_of_found(found_late[:, :1])[0] == 1
    assert recall(found_late, np.array([2]))[0] > recall(found_late[:, :1], np.array([2]))[0]


@settings(deadline=None)
@given(st.data())
def test_hits_are_membership_in_a_set(data):
    num_items = data.draw(st.integers(1, 8))
    item = st.integers(0, num_items - 1)
    relevant = data.draw(st.lists(st.sets(item, min_size=1), min_size=1, max_size=5))
    row = st.lists(st.one_of(item, st.just(-1)), min_size=4, max_size=4)
    ranked = data.draw(st.lists(row, min_size=len(relevant), max_size=len(relevant)))
    expected = [[item in wanted for item in row] for row, wanted in zip(ranked, relevant, strict=True)]
    for max_table in (metrics.MAX_TABLE, 0):  # by the table and by bisection
        with mock.patch.object(metrics, "MAX_TABLE", max_table):
            assert find_hits(np.array(ranked), cases_of(relevant, num_items)).tolist() == expected


# ---- intervals


def test_a_paired_interval_is_that_of_the_bootstrap():
    rng = np.random.default_rng(0)
    shared, gain = rng.normal(0, 10, 100), rng.normal(0.5, 1, 100)  # cases differ much, the two models little
    difference, low, high = paired_interval(shared + gain, shared, seed=0)
    drawn = sorted(np.mean(rng.choice(gain, 100)) for _ in range(2000))
    assert difference == pytest.approx(gain.mean())
    np.testing.assert_allclose([low, high], [drawn[50], drawn[1950]], atol=0.02)
    half = 1.96 * gain.std() / 10
    np.testing.assert_allclose([low, high], [difference - half, difference + half], atol=0.02)


def test_a_paired_interval_is_wider_at_a_higher_level_and_repeats_with_its_seed():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random(50), rng.random(50)
    difference, low, high = paired_interval(ours, theirs, seed=1)
    _, lower, higher = paired_interval(ours, theirs, seed=1, level=0.99)
    assert lower < low < difference < high < higher
    assert paired_interval(ours, theirs, seed=1) == (difference, low, high)
    assert paired_interval(ours, theirs, seed=2) != (difference, low, high)


def test_a_paired_interval_is_the_plain_loop_however_many_draws_are_made_at_once():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random(3000), rng.random(3000)  # 2,000 draws of 3,000 cases are made in seven parts
    generator = np.random.default_rng(5)
    means = [(ours - theirs)[generator.integers(3000, size=3000)].mean() for _ in range(2000)]
    expected = np.quantile(means, [0.025, 0.975])
    np.testing.assert_allclose(paired_interval(ours, theirs, seed=5)[1:], expected, rtol=1e-12)


def test_an_interval_over_seeds_is_the_plain_loop_over_users_and_seeds():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((40, 3)) + 0.2 * np.arange(3), rng.random((40, 3))
    difference, low, high = paired_interval(ours, theirs, seed=0, draws=20_000)
    means = []
    for _ in range(20_000):
        users, seeds = rng.integers(40, size=40), rng.integers(3, size=3)
        means.append(np.mean([[(ours - theirs)[user, seed] for user in users] for seed in seeds]))
    assert difference == pytest.approx((ours - theirs).mean())
    np.testing.assert_allclose([low, high], np.quantile(means, [0.025, 0.975]), atol=0.01)
    # seeds that differ make it wider than users alone would
    alone = paired_interval(ours.mean(axis=1), theirs.mean(axis=1), seed=0)
    assert high - low > 1.5 * (alone[2] - alone[1])
    one = paired_interval(ours[:, :1], theirs[:, :1], seed=3)
    assert one == paired_interval(ours[:, 0], theirs[:, 0], seed=3)


@pytest.mark.parametrize(
    ("ours", "theirs", "options", "message"),
    [
        ([], [], {}, "ours, theirs: no case"),
        ([1.0, np.nan], [1.0, 2.0], {}, "one that is NaN"),
        ([1.0], [1.0], {"level": 95.0}, "level, draws: 95.0"),
        ([1.0], [1.0], {"draws": 0}, "draws at least 1"),
    ],
)
def test_an_interval_that_cannot_be_is_refused(ours, theirs, options, message):
    with pytest.raises(ValueError, match=message):
        paired_interval(np.array(ours), np.array(theirs), seed=0, **options)


# ---- towers


def some_users(num_towers: int, *, all_present: bool = True) -> Users:
    vectors = torch.randn(6, num_towers, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(6, num_towers, dtype=torch.bool)
    if not all_present:
        mask[1, 0] = mask[2, -1] = False
    return Users(vectors=vectors.masked_fill(~mask[..., None], torch.nan), mask=mask)


@pytest.mark.parametrize("all_present", [True, False])
@pytest.mark.parametrize("num_towers", [3, 4])
def test_pairwise_cosine_is_the_mean_over_pairs(num_towers, all_present):
    users = some_users(num_towers, all_present=all_present)
    expected = []
    for vectors, mask in zip(users.vectors.double(), users.mask, strict=True):
        unit = [v / v.norm() for v in vectors[mask]]
        pairs = [float(unit[i] @ unit[j]) for i in range(len(unit)) for j in range(i)]
        expected.append(sum(pairs) / len(pairs))
    np.testing.assert_allclose(pairwise_cosine(users), expected, atol=1e-6)


def test_pairwise_cosine_of_towers_that_agree_is_one():
    vectors = torch.tensor([[[1.0, 2.0], [2.0, 4.0], [0.5, 1.0]]])
    np.testing.assert_allclose(pairwise_cosine(Users(vectors=vectors, mask=torch.ones(1, 3).bool())), [1], atol=1e-6)


def test_pairwise_cosine_of_a_single_tower_is_nan():
    vectors = torch.randn(100, 2, 64, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(100, 2, dtype=torch.bool)
    assert np.isnan(pairwise_cosine(Users(vectors=vectors[:, :1], mask=mask[:, :1]))).all()
    mask[:, 1] = False
    assert np.isnan(pairwise_cosine(Users(vectors=vectors, mask=mask))).all()


def test_pairwise_cosine_with_a_vector_of_length_zero_is_zero():
    vectors = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    assert pairwise_cosine(Users(vectors=vectors, mask=torch.ones(1, 2).bool())).tolist() == [0.0]


def tower_lists(num_users: int, num_towers: int, length: int, num_items: int, *, absent: tuple = ()) -> TowerLists:
    """Random lists of distinct items with falling scores; `absent` are (user, tower) pairs."""
    rng = np.random.default_rng(0)
    items = np.stack([rng.permutation(num_items)[:length] for _ in range(num_users * num_towers)])
    scores = -np.sort(-rng.random((num_users * num_towers, length)).astype(np.float32), axis=1)
    items, scores = (array.reshape(num_users, num_towers, length) for array in (items, scores))
    for pair in absent:
        items[pair], scores[pair] = -1, -np.inf
    return TowerLists(items=items, scores=scores)


def naive_overlaps(lists: TowerLists, num: int) -> list[float]:
    overlaps = []
    for of_user in lists.items.tolist():
        firsts = [set(row[:num]) for row in of_user if row[0] >= 0]
        pairs = [len(a & b) / len(a | b) for i, a in enumerate(firsts) for b in firsts[:i]]
        overlaps.append(sum(pairs) / len(pairs) if pairs else math.nan)
    return overlaps


@pytest.mark.parametrize("num", [1, 5, 10])
def test_list_overlap_is_the_mean_jaccard_over_pairs(num):
    lists = tower_lists(8, 3, 10, 15)
    np.testing.assert_allclose(list_overlap(lists, num), naive_overlaps(lists, num))


def test_list_overlap_of_a_single_tower_is_nan():
    assert np.isnan(list_overlap(tower_lists(3, 1, 4, 9))).all()


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_list_overlap_leaves_absent_towers_out():
    lists = tower_lists(3, 3, 10, 15, absent=((1, 0), (2, 1), (2, 2)))
    np.testing.assert_allclose(list_overlap(lists, 10), naive_overlaps(lists, 10))


def naive_interests_found(lists: TowerLists, item_interest: list, user_interests: list, num: int) -> list[float]:
    parts = []
    for towers, own in zip(lists.items.tolist(), user_interests, strict=True):
        found = set()
        for row in towers:
            interests = [item_interest[item] for item in row[:num] if item >= 0 and item_interest[item] >= 0]
            if interests:
                found.add(max(interests, key=interests.count))  # the first of the most frequent
        own = {interest for interest in own if interest >= 0}
        parts.append(len(found & own) / len(own) if own else math.nan)
    return parts


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_interests_found_are_those_of_the_plain_loop(data):
    num_users, num_towers, length, num_items = (data.draw(st.integers(1, high)) for high in (4, 4, 6, 9))
    item = st.integers(-1, num_items - 1)
    of_user = st.lists(st.lists(item, min_size=length, max_size=length), min_size=num_towers, max_size=num_towers)
    items = np.array(data.draw(st.lists(of_user, min_size=num_users, max_size=num_users)))
    interest = st.integers(-1, 3)
    item_interest = data.draw(st.lists(interest, min_size=num_items, max_size=num_items))
    own = st.lists(st.integers(0, 4), max_size=3, unique=True).map(lambda ids: ids + [-1] * (3 - len(ids)))
    user_interests = data.draw(st.lists(own, min_size=num_users, max_size=num_users))
    num = data.draw(st.integers(1, 7))
    lists = TowerLists(items=items, scores=np.zeros(items.shape, dtype=np.float32))
    found = interests_found(lists, np.array(item_interest), np.array(user_interests), num)
    np.testing.assert_array_equal(found, naive_interests_found(lists, item_interest, user_interests, num))


def test_a_tower_finds_the_interest_that_leads_its_list_and_no_second():
    item_interest = np.array([0, 0, 1, 1, 2])
    lists = TowerLists(items=np.array([[[2, 0, 3, 1, 4]]]), scores=np.zeros((1, 1, 5), dtype=np.float32))
    for own, num, found in (([0], 5, 0), ([1], 5, 1), ([2], 5, 0), ([1], 1, 1), ([0, 1], 4, 0.5)):
        assert interests_found(lists, item_interest, np.array([own]), num).tolist() == [found]
    with pytest.raises(ValueError, match="user_interests: 2 rows for 1 users"):
        interests_found(lists, item_interest, np.array([[0], [1]]))
    with pytest.raises(ValueError, match="num: 0"):
        interests_found(lists, item_interest, np.array([[0]]), 0)


def evaluation_of(lists: TowerLists, relevant: list[set[int]], num_items: int) -> Evaluation:
    cases = cases_of(relevant, num_items)
    ranking = merge(lists, lists.items.shape[2])
    mask = torch.from_numpy(lists.items[:, :, 0] >= 0)
    users = Users(vectors=torch.randn(*mask.shape, 4, generator=torch.Generator().manual_seed(0)), mask=mask)
    return Evaluation(cases=cases, users=users, lists=lists, ranking=ranking, hits=find_hits(ranking.items, cases))


def naive_merge(of_user: list, scores: list, num: int) -> list[tuple[int, int]]:
    """(item, tower), best first, of one user's lists."""
    best = {}
    for tower, (row, row_scores) in enumerate(zip(of_user, scores, strict=True)):
        for item, score in zip(row, row_scores, strict=True):
            if item >= 0 and (item not in best or score > best[item][0]):
                best[item] = (score, tower)
    ranked = sorted(best, key=lambda item: (-best[item][0], item))
    return [(item, best[item][1]) for item in ranked[:num]]


RELEVANT = [{0, 1, 2, 3}, {4, 5}, {6, 7, 8}, {1, 9, 14}, {3}, {10, 11, 12, 13, 14, 0}]


@pytest.mark.parametrize("num", [3, 10])
def test_tower_shares_and_recall_without_a_tower_are_the_naive_ones(num):
    lists = tower_lists(6, 3, 10, 15, absent=((1, 0), (2, 1), (2, 2)))
    evaluation = evaluation_of(lists, RELEVANT, 15)
    brought, without = [0, 0, 0], [[], [], []]
    for user, relevant in enumerate(RELEVANT):
        of_user, scores = lists.items[user].tolist(), lists.scores[user].tolist()
        for item, tower in naive_merge(of_user, scores, num):
            brought[tower] += item in relevant
        for left_out in range(3):
            rows, their_scores = (x[:left_out] + x[left_out + 1 :] for x in (of_user, scores))
            found = {item for item, _ in naive_merge(rows, their_scores, num)}
            without[left_out].append(len(found & relevant) / len(relevant))
    np.testing.assert_allclose(evaluation.tower_shares(num), [count / sum(brought) for count in brought])
    for left_out in range(3):
        np.testing.assert_allclose(evaluation.recall_without(left_out, num), without[left_out])
    assert without[0][2] == 0  # the third user has only the tower left out


def test_without_its_only_tower_a_model_recalls_nothing():
    evaluation = evaluation_of(tower_lists(6, 1, 10, 15), RELEVANT, 15)
    assert evaluation.recall_without(0, 10).tolist() == [0] * 6
    assert evaluation.tower_shares(10).tolist() == [1.0]


def test_tower_shares_without_a_hit_are_zero():
    lists = TowerLists(items=np.array([[[1, 2], [2, 3]]]), scores=np.zeros((1, 2, 2), dtype=np.float32))
    assert evaluation_of(lists, [{0}], 5).tower_shares(2).tolist() == [0, 0]


# ---- evaluate


def naive_evaluation(model: MTMI, log, users, nums: tuple[int, ...]) -> dict[str, list]:
    """The protocol for one user after the other: history, similarities in double precision, K lists, their merge."""
    found = {f"{name}_{num}": [] for name in ("recall", "hit_rate", "ndcg", "ndcg_of_found") for num in nums}
    table = model.items(torch.arange(model.num_items)).detach().double().numpy()
    unit_items = table / np.linalg.norm(table, axis=1, keepdims=True)
    for user in users:
        sequence = log.of(user).tolist()
        cut = len(sequence) * 8 // 10
        batch = batch_of([sequence[:cut]], num_items=log.num_items, history_length=model.history_length)
        vectors = model.users(batch).vectors[0].detach().double().numpy()
        best = {}
        for vector in vectors:
            similarity = unit_items @ (vector / np.linalg.norm(vector))
            for item in sorted(range(log.num_items), key=lambda item: -similarity[item])[:50]:
                best[item] = max(best.get(item, -2), similarity[item])
        ranked, relevant = sorted(best, key=lambda item: -best[item]), set(sequence[cut:])
        for num in nums:
            gains = [1 / math.log2(rank + 2) for rank in range(num)]
            hits = [item in relevant for item in ranked[:num]]
            gained = sum(gain for gain, hit in zip(gains, hits, strict=True) if hit)
            found[f"recall_{num}"].append(sum(hits) / len(relevant))
            found[f"hit_rate_{num}"].append(float(any(hits)))
            found[f"ndcg_{num}"].append(gained / sum(gains[: len(relevant)]))
            found[f"ndcg_of_found_{num}"].append(gained / sum(gains[: sum(hits)]) if any(hits) else 0.0)
    return found


def test_evaluate_is_the_protocol_as_a_loop(monkeypatch):
    monkeypatch.setattr(metrics, "AT_ONCE", 7)
    log = online_retail()
    users = np.arange(0, log.num_users, log.num_users // 40)
    model = MTMI(num_items=log.num_items, num_towers=3, dim=16)
    cases = evaluation_cases(log, users)
    evaluation = evaluate(model, cases)
    assert cases.users.tolist() == users.tolist()
    expected = naive_evaluation(model, log, users.tolist(), (20, 50))
    for name, values in expected.items():
        metric, num = name.rsplit("_", 1)
        np.testing.assert_allclose(getattr(evaluation, metric)(int(num)), values, err_msg=name)
        assert evaluation.summary()[name] == pytest.approx(np.mean(values))
        assert max(values) > 0
    assert evaluation.tower_shares(50).sum() == pytest.approx(1)
    assert evaluation.summary()["cosine"] == pytest.approx(pairwise_cosine(evaluation.users).mean())


def test_the_size_of_a_batch_changes_no_evaluation(monkeypatch):
    log = online_retail()
    cases = evaluation_cases(log, np.arange(50))
    model = MTMI(num_items=log.num_items, dim=16)
    at_once = evaluate(model, cases)
    monkeypatch.setattr(metrics, "AT_ONCE", 1)
    one_by_one = evaluate(model, cases)
    assert at_once.users.vectors.shape == one_by_one.users.vectors.shape == (50, 4, 16)
    assert at_once.users.attention.shape == one_by_one.users.attention.shape == (50, 4, 20)
    torch.testing.assert_close(at_once.users.vectors, one_by_one.users.vectors, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(at_once.hits, one_by_one.hits)
    assert not at_once.users.vectors.requires_grad


def test_a_summary_has_only_what_the_list_is_long_enough_for():
    log = online_retail()
    cases = evaluation_cases(log, np.arange(5))
    short = evaluate(MTMI(num_items=log.num_items, num_towers=1), cases, num=20).summary()
    assert sorted(short) == ["hit_rate_20", "ndcg_20", "ndcg_of_found_20", "recall_20"]


class FewTowers:
    """Each user's first tower alone if the newest item is even, none if it is a multiple of three, otherwise all."""

    similarity = "inner-product"

    def __init__(self, num_items: int, num_towers: int = 3) -> None:
        generator = torch.Generator().manual_seed(0)
        self.num_items = num_items
        self.to = torch.randn(num_towers, 8, 8, generator=generator)
        self.vectors = torch.randn(num_items, 8, generator=generator)

    def users(self, batch: Batch) -> Users:
        newest = batch.history[:, -1]
        mask = (newest % 2 != 0)[:, None] | (torch.arange(len(self.to)) == 0)
        mask &= (newest % 3 != 0)[:, None]
        vectors = torch.einsum("bd,kde->bke", self.vectors[newest], self.to)
        return Users(vectors=vectors.masked_fill(~mask[..., None], torch.nan), mask=mask)

    def items(self, ids: torch.Tensor) -> torch.Tensor:
        return self.vectors[ids]


@pytest.mark.parametrize("num_towers", [1, 3])
def test_users_without_some_towers_are_evaluated_by_those_they_have(num_towers, monkeypatch):
    monkeypatch.setattr(metrics, "AT_ONCE", 64)
    log = online_retail()
    cases = evaluation_cases(log, np.arange(200))
    model = FewTowers(log.num_items, num_towers)
    evaluation = evaluate(model, cases)
    newest = cases.batch.history[:, -1].numpy()
    assert evaluation.users.attention is None
    assert (evaluation.ranking.items[newest % 3 == 0] == -1).all()
    assert (evaluation.recall(50)[newest % 3 == 0] == 0).all()
    assert (evaluation.ranking.towers[(newest % 3 != 0) & (newest % 2 == 0)] == 0).all()
    assert (evaluation.ranking.items[newest % 3 != 0] >= 0).all()
    assert ("cosine" in evaluation.summary()) == (num_towers > 1)
    for tower in range(num_towers):
        assert (evaluation.recall_without(tower, 50) <= 1).all()


@pytest.mark.filterwarnings("error")
def test_a_summary_of_users_with_one_tower_each_has_no_cosine():
    cases = cases_of([{1}, {2}], 40)
    cases.batch.history[:] = 2
    assert "cosine" not in evaluate(FewTowers(40), cases, num=20).summary()


def test_a_ranking_may_be_longer_than_what_is_left():
    model = FewTowers(40)
    cases = cases_of([{1}, {2}], 40)
    cases.batch.history[:] = 1
    exclude = np.array([list(range(35)), [-1] * 35])
    evaluation = evaluate(model, cases, num=40, exclude=exclude)
    assert (evaluation.ranking.items >= 0).sum(axis=1).tolist() == [5, 40]
    assert set(evaluation.ranking.items[0].tolist()) == {-1, *range(35, 40)}
    assert evaluation.recall(40).tolist() == [0, 1]


def test_excluding_the_history_ranks_the_rest():
    log = online_retail()
    cases = evaluation_cases(log, np.arange(100))
    model = MTMI(num_items=log.num_items, num_towers=2, dim=16)
    everything = evaluate(model, cases, num=150)
    rest = evaluate(model, cases, num=50, exclude="history")
    history = np.where(cases.batch.mask.numpy(), cases.batch.history.numpy(), -1)
    np.testing.assert_array_equal(rest.hits, evaluate(model, cases, num=50, exclude=history).hits)
    seen = 0
    for user, items in enumerate(everything.ranking.items.tolist()):
        read = set(history[user].tolist())
        seen += len(read & set(items[:50]))
        assert rest.ranking.items[user].tolist() == [item for item in items if item not in read][:50]
    assert seen > 0


def test_an_approximate_index_serves_the_same_evaluation():
    log = online_retail()
    cases = evaluation_cases(log, np.arange(100))
    model = MTMI(num_items=log.num_items, dim=16)
    exact = evaluate(model, cases)
    ivf = ItemIndex(torch.from_numpy(index_items(model).vectors), "cosine", "ivf", num_lists=10, num_probes=10)
    np.testing.assert_array_equal(evaluate(model, cases, index=ivf).ranking.items, exact.ranking.items)
    assert evaluate(model, cases, index=index_items(model, "hnsw")).recall(50).mean() > 0


def test_the_cases_of_another_log_are_refused():
    model = MTMI(num_items=online_retail().num_items, dim=8)
    with pytest.raises(ValueError, match=r"cases: of a log of 40 items, but the model has 3181; cut its own"):
        evaluate(model, cases_of([{1}, {2}], 40))


def test_an_exclusion_that_is_no_word_of_ours_is_refused(unchecked):
    with pytest.raises(ValueError, match="exclude: 'none' is not known; it must be 'history', an array"):
        evaluate(FewTowers(40), cases_of([{1}, {2}], 40), exclude="none")


def test_an_index_of_another_model_is_refused():
    log = online_retail()
    cases = evaluation_cases(log, np.arange(5))
    model = MTMI(num_items=log.num_items, dim=8)
    for index in (ItemIndex(torch.eye(3), "cosine"), index_items(MostPopular(log, np.arange(9)))):
        with pytest.raises(ValueError, match=r"index: it has .* make it with index_items"):
            evaluate(model, cases, index=index)


def test_merge_and_metrics_of_every_user_are_a_plain_loop():
    log = online_retail()
    cases = evaluation_cases(log, np.arange(log.num_users))
    evaluation = evaluate(MTMI(num_items=log.num_items, dim=16), cases)
    gains = [1 / math.log2(rank + 2) for rank in range(50)]
    found = {20: [], 50: []}
    for user in range(len(cases)):
        lists = evaluation.lists.items[user].tolist(), evaluation.lists.scores[user].tolist()
        ranked = naive_merge(*lists, 50)
        assert [item for item, _ in ranked] == evaluation.ranking.items[user].tolist()
        assert [tower for _, tower in ranked] == evaluation.ranking.towers[user].tolist()
        relevant = set(cases.relevant[cases.offsets[user] : cases.offsets[user + 1]].tolist())
        hits = [item in relevant for item, _ in ranked]
        for num, rows in found.items():
            gained = sum(gain for gain, hit in zip(gains, hits[:num], strict=False) if hit)
            best = sum(gains[: min(num, len(relevant))])
            rows.append((sum(hits[:num]) / len(relevant), float(any(hits[:num])), gained / best))
    for num, rows in found.items():
        for measure, expected in zip(("recall", "hit_rate", "ndcg"), np.transpose(rows), strict=True):
            np.testing.assert_allclose(getattr(evaluation, measure)(num), expected, rtol=1e-12)
