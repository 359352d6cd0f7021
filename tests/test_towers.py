"""Towers: K of them at once are K single ones, and each is what its equations say."""

import math

import pytest
import torch
from torch import nn

from mtmi_lite.towers import GRU, AttentionFusion, AttentionPooling, ItemTower, MeanPooling

TOWERS = [MeanPooling, GRU, AttentionFusion, AttentionPooling]
NUM_TOWERS, DIM, STEPS = 3, 4, 5
EXACT = {"rtol": 1e-10, "atol": 1e-12}


def make(tower, *, num_towers: int = NUM_TOWERS, seed: int = 0):
    """Towers in double precision, what starts at zero not zero."""
    generator = torch.Generator().manual_seed(seed)
    towers = tower(num_towers=num_towers, dim=DIM, num_steps=STEPS, generator=generator).double()
    with torch.no_grad():
        for name, parameter in towers.named_parameters():
            if "bias" in name or name == "place":
                parameter.normal_(generator=generator)
    return towers


def some_users() -> tuple[torch.Tensor, torch.Tensor]:
    """Four embedded histories of 5, 3, 1 and 4 items, padded on the left with zeros."""
    mask = torch.arange(STEPS) >= STEPS - torch.tensor([5, 3, 1, 4])[:, None]
    embedded = torch.randn(4, STEPS, DIM, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return embedded.masked_fill(~mask[..., None], 0), mask


@pytest.mark.parametrize("tower", TOWERS)
def test_batched_towers_are_separate_towers(tower):
    embedded, mask = some_users()
    together, direction = make(tower), torch.randn(4, NUM_TOWERS, DIM, dtype=torch.float64)
    read_together = embedded.clone().requires_grad_()
    users = together(read_together, mask)
    users.vectors.backward(direction)
    assert users.mask.all()

    read_alone = embedded.clone().requires_grad_()
    for j in range(NUM_TOWERS):
        alone = make(tower, num_towers=1)
        with torch.no_grad():
            for name, parameter in alone.named_parameters():
                parameter.copy_(together.get_parameter(name)[j : j + 1])
        one = alone(read_alone, mask)
        torch.testing.assert_close(users.vectors[:, j], one.vectors[:, 0], **EXACT)
        if users.attention is not None:
            torch.testing.assert_close(users.attention[:, j], one.attention[:, 0], **EXACT)
        one.vectors.backward(direction[:, j : j + 1])
        for name, parameter in alone.named_parameters():
            assert parameter.grad.abs().max() > 0
            torch.testing.assert_close(together.get_parameter(name).grad[j], parameter.grad[0], **EXACT)
    torch.testing.assert_close(read_together.grad, read_alone.grad, **EXACT)


def test_attention_fusion_is_eq_2_and_3():
    towers = make(AttentionFusion)
    embedded, mask = some_users()
    users = towers(embedded, mask)
    vectors, attention = users.vectors, users.attention
    projection, bias = towers.projection.tolist(), towers.bias.tolist()
    for user in range(4):
        laid_out = [number for step in embedded[user].tolist() for number in step]  # e₁ ‖ … ‖ e_L
        for j in range(NUM_TOWERS):
            logits = [
                bias[j][step] + sum(x * projection[j][i][step] for i, x in enumerate(laid_out)) for step in range(STEPS)
            ]
            exps = [math.exp(logit) if here else 0.0 for logit, here in zip(logits, mask[user], strict=True)]
            weights = [value / sum(exps) for value in exps]
            fused = [sum(w * embedded[user, step, d].item() for step, w in enumerate(weights)) for d in range(DIM)]
            torch.testing.assert_close(attention[user, j].tolist(), weights, **EXACT)
            torch.testing.assert_close(vectors[user, j].tolist(), fused, **EXACT)


@pytest.mark.parametrize("tower", [AttentionFusion, AttentionPooling])
def test_attention_sums_to_one_over_the_items_and_is_zero_on_padding(tower):
    embedded, mask = some_users()
    attention = make(tower)(embedded, mask).attention
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(4, NUM_TOWERS, dtype=torch.float64))
    assert (attention[~mask[:, None].expand_as(attention)] == 0).all()
    assert (attention[2, :, -1] == 1).all()  # a single item has all of it


def test_mean_pooling_is_the_mean_through_its_network():
    towers = make(MeanPooling)
    embedded, mask = some_users()
    vectors = towers(embedded, mask).vectors
    assert towers(embedded, mask).attention is None
    for user in range(4):
        items = [row for row, here in zip(embedded[user].tolist(), mask[user], strict=True) if here]
        mean = [sum(column) / len(items) for column in zip(*items, strict=True)]
        for j in range(NUM_TOWERS):
            inner, outer = towers.inner[j].tolist(), towers.outer[j].tolist()
            hidden = [
                max(0.0, bias + sum(x * inner[i][h] for i, x in enumerate(mean)))
                for h, bias in enumerate(towers.inner_bias[j].tolist())
            ]
            expected = [
                bias + sum(x * outer[h][d] for h, x in enumerate(hidden))
                for d, bias in enumerate(towers.outer_bias[j].tolist())
            ]
            torch.testing.assert_close(vectors[user, j].tolist(), expected, **EXACT)


@pytest.mark.parametrize("tower", TOWERS)
def test_towers_start_apart_and_as_their_seed_says(tower):
    embedded, mask = some_users()
    vectors = make(tower)(embedded, mask).vectors
    assert (vectors[0, 0] - vectors[0, 1]).abs().max() > 1e-3
    assert torch.equal(vectors, make(tower)(embedded, mask).vectors)
    assert not torch.equal(vectors, make(tower, seed=1)(embedded, mask).vectors)


@pytest.mark.parametrize(("tower", "name", "fans"), [(AttentionFusion, "projection", 420), (MeanPooling, "inner", 60)])
def test_weights_start_with_the_variance_of_glorot_and_bengio(tower, name, fans):
    generator = torch.Generator().manual_seed(0)
    towers = tower(num_towers=8, dim=20, num_steps=20, generator=generator)
    weight = towers.get_parameter(name)
    torch.testing.assert_close(weight.var().item(), 2 / fans, rtol=0.1, atol=0)


def test_the_item_tower_reads_the_table():
    table = nn.Embedding(5, DIM)
    ids = torch.tensor([[4, 0], [2, 4]])
    assert torch.equal(ItemTower(table)(ids), table.weight[ids])
