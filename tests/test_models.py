"""Models: what a padded slot holds is never seen, users do not see each other, and seeds reproduce."""

import numpy as np
import pytest
import torch

from mtmi_lite.interactions import Batch, batch_of, from_columns
from mtmi_lite.models import MTMI, Model, MostPopular, RandomRanking
from mtmi_lite.towers import TOWERS, AttentionFusion, MeanPooling

NUM_ITEMS, STEPS = 30, 6
SEEN = [[1, 2, 3, 4, 5, 6, 7], [8, 9], [10], [11, 12, 8, 8]]
NEVER_SEEN = 20


def make(tower=AttentionFusion, **settings) -> MTMI:
    return MTMI(
        **{"num_items": NUM_ITEMS, "num_towers": 3, "dim": 8, "history_length": STEPS, "tower": tower, **settings}
    )


def batch() -> Batch:
    return batch_of(SEEN, num_items=NUM_ITEMS, history_length=STEPS)


def with_padding(item: int) -> Batch:
    clean = batch()
    assert not clean.mask.all()
    return Batch(history=clean.history.masked_fill(~clean.mask, item), mask=clean.mask)


@pytest.mark.parametrize("tower", TOWERS)
def test_what_a_padded_slot_holds_changes_nothing(tower):
    model = make(tower)
    clean, rubbish = model.users(batch()), model.users(with_padding(NEVER_SEEN))
    assert torch.equal(clean.vectors, rubbish.vectors)
    assert torch.equal(clean.mask, rubbish.mask)
    if clean.attention is not None:
        assert torch.equal(clean.attention, rubbish.attention)


@pytest.mark.parametrize("tower", TOWERS)
def test_a_row_reached_only_through_padding_is_neither_read_nor_moved(tower):
    model = make(tower)
    before = model.users(batch()).vectors
    with torch.no_grad():
        model.table.weight[NEVER_SEEN] = torch.nan
    after = model.users(with_padding(NEVER_SEEN)).vectors
    assert torch.equal(before, after)
    after.square().sum().backward()
    moved = (model.table.weight.grad.abs().sum(dim=1) > 0).nonzero().flatten().tolist()
    assert moved
    assert set(moved) <= {item for row in SEEN for item in row[-STEPS:]}
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("tower", TOWERS)
def test_a_users_vectors_depend_on_no_other_user(tower):
    model, everyone = make(tower), batch()
    vectors = model.users(everyone).vectors
    alone = torch.cat([model.users(everyone[u : u + 1]).vectors for u in range(len(everyone))])
    torch.testing.assert_close(alone, vectors, rtol=1e-5, atol=1e-5)
    order = torch.tensor([2, 0, 3, 1])
    permuted = model.users(Batch(history=everyone.history[order], mask=everyone.mask[order])).vectors
    torch.testing.assert_close(permuted, vectors[order], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tower", TOWERS)
def test_only_the_newest_steps_are_read(tower):
    model = make(tower)
    newest = batch_of([row[-STEPS:] for row in SEEN], num_items=NUM_ITEMS, history_length=STEPS)
    assert len(SEEN[0]) > STEPS
    assert torch.equal(model.users(batch()).vectors, model.users(newest).vectors)


def test_order_matters_to_attention_fusion_and_not_to_mean_pooling():
    both = batch_of([[1, 2, 3], [3, 1, 2]], num_items=NUM_ITEMS, history_length=STEPS)
    fused, pooled = make(AttentionFusion).users(both).vectors, make(MeanPooling).users(both).vectors
    assert (fused[0] - fused[1]).abs().max() > 1e-3
    torch.testing.assert_close(pooled[0], pooled[1])


@pytest.mark.parametrize("num_towers", [1, 4])
def test_users_have_a_vector_a_tower_and_every_tower_is_present(num_towers):
    users = make(num_towers=num_towers).users(batch())
    assert users.vectors.shape == (4, num_towers, 8)
    assert users.attention.shape == (4, num_towers, STEPS)
    assert users.mask.shape == (4, num_towers)
    assert users.mask.all()


@pytest.mark.parametrize("tower", TOWERS)
def test_user_and_item_towers_share_one_table(tower):
    model = make(tower)
    (model.users(batch()).vectors.sum() + model.items(torch.tensor([NEVER_SEEN])).sum()).backward()
    moved = model.table.weight.grad.abs().sum(dim=1) > 0
    assert moved[[7, 8, 10, 11, NEVER_SEEN]].all()
    assert sum(parameter.shape[0] == NUM_ITEMS + 1 for parameter in model.parameters()) == 1


@pytest.mark.parametrize("tower", TOWERS)
def test_seeds_reproduce_a_model_and_leave_the_global_seed_alone(tower):
    torch.manual_seed(5)
    model = make(tower)
    after_model = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after_model, torch.rand(1))
    same, other = make(tower), make(tower, seed=1)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, same.get_parameter(name)), name
        if not any(word in name for word in ("bias", "place", "norm")):  # those start alike
            assert not torch.equal(parameter, other.get_parameter(name)), name


def test_rows_of_the_table_start_with_a_length_of_about_one():
    lengths = MTMI(num_items=1000, dim=64).table.weight.norm(dim=1)
    assert lengths.mean().item() == pytest.approx(1, abs=0.02)


def test_most_popular_ranks_by_the_counts_of_training_users_alone():
    log = from_columns(
        users=["a", "a", "a", "b", "b", "c", "c", "c", "c"],
        items=[0, 1, 1, 1, 2, 3, 3, 3, 3],  # the held-out user "c" buys item 3 and nothing else
        times=range(9),
    )
    model = MostPopular(log, np.array([0, 1]))
    assert model.items(torch.arange(4)).flatten().tolist() == [1, 3, 1, 0]
    users = model.users(batch_of([[0], [3]], num_items=4))
    assert users.vectors.tolist() == [[[1.0]], [[1.0]]]
    assert users.mask.tolist() == [[True], [True]]


def test_random_ranking_is_seeded_and_differs_between_users():
    one, same, other = (RandomRanking(NUM_ITEMS, dim=4, seed=seed) for seed in (0, 0, 1))
    ids = torch.arange(NUM_ITEMS)
    vectors = one.users(batch()).vectors
    assert torch.equal(one.items(ids), same.items(ids))
    assert torch.equal(vectors, same.users(batch()).vectors)
    assert not torch.equal(one.items(ids), other.items(ids))
    assert len(vectors.unique(dim=0)) == 4


@pytest.mark.parametrize(
    "model",
    [make(), MostPopular(from_columns(users=[0], items=[0], times=[0]), np.array([0])), RandomRanking(5)],
    ids=["MTMI", "MostPopular", "RandomRanking"],
)
def test_each_model_is_what_the_library_asks_of_one(model):
    assert isinstance(model, Model)
    assert model.similarity in ("cosine", "inner-product")
