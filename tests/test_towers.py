"""Towers: K of them at once are K single ones, and each is what its equations say."""

import math

import pytest
import torch
from torch import nn

from mtmi_lite import towers as library
from mtmi_lite.interactions import features_of
from mtmi_lite.towers import (
    GRU,
    AttentionFusion,
    AttentionPooling,
    CausalAttention,
    FeatureTable,
    InterestRouting,
    ItemTower,
    MeanPooling,
    PositionRouting,
    SharedAttention,
    route,
    squash,
)

NUM_TOWERS, DIM, STEPS = 3, 4, 5
EXACT = {"rtol": 1e-10, "atol": 1e-12}


def make(tower, *, num_towers: int = NUM_TOWERS, seed: int = 0):
    """Towers in double precision, what starts at zero not zero."""
    generator = torch.Generator().manual_seed(seed)
    towers = tower(num_towers=num_towers, dim=DIM, history_length=STEPS, generator=generator).double()
    with torch.no_grad():
        for name, parameter in towers.named_parameters():
            if "bias" in name or name == "place":
                parameter.normal_(generator=generator)
    return towers


# K towers of their own, rather than one module with K vectors: every weight has a row for each of seven towers
TOWERS = [
    tower for tower in library.TOWERS if all(len(weight) == 7 for weight in make(tower, num_towers=7).parameters())
]


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


@pytest.mark.parametrize("tower", [AttentionFusion, AttentionPooling, CausalAttention])
def test_attention_sums_to_one_over_the_items_and_is_zero_on_padding(tower):
    embedded, mask = some_users()
    attention = make(tower)(embedded, mask).attention
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(4, NUM_TOWERS, dtype=torch.float64))
    assert (attention[~mask[:, None].expand_as(attention)] == 0).all()
    assert (attention[2, :, -1] == 1).all()  # a single item has all of it


def test_causal_attention_is_torchs_encoder():
    towers = make(CausalAttention)
    with torch.no_grad():
        for parameter in towers.parameters():
            parameter.normal_()
    embedded, mask = some_users()
    vectors = towers(embedded, mask).vectors
    for j in range(NUM_TOWERS):
        state = embedded + towers.place[j]
        for block in (towers.first, towers.second):
            layer = nn.TransformerEncoderLayer(DIM, 1, DIM, dropout=0, batch_first=True, norm_first=True).double()
            maps = [block.get_parameter(name)[j].T for name in ("query", "key", "value")]
            theirs = {
                "self_attn.in_proj_weight": torch.cat(maps),
                "self_attn.in_proj_bias": torch.zeros(3 * DIM),
                "self_attn.out_proj.weight": torch.eye(DIM),  # SASRec has no such map
                "self_attn.out_proj.bias": torch.zeros(DIM),
            }
            for number, name in enumerate(("inner", "outer"), start=1):
                theirs[f"linear{number}.weight"] = block.get_parameter(name)[j].T
                theirs[f"linear{number}.bias"] = block.get_parameter(f"{name}_bias")[j]
            for number, norm in enumerate((block.attention_norm, block.network_norm), start=1):
                theirs[f"norm{number}.weight"], theirs[f"norm{number}.bias"] = norm[j]
            layer.load_state_dict(theirs)
            later = torch.ones(STEPS, STEPS, dtype=torch.bool).triu(1)
            hidden = later | (~mask[:, None] & ~torch.eye(STEPS, dtype=torch.bool))
            state = layer(state, src_mask=hidden)
        expected = nn.functional.layer_norm(state[:, -1], (DIM,), *towers.norm[j])
        torch.testing.assert_close(vectors[:, j], expected, **EXACT)


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


def test_gru_is_the_one_of_pytorch_on_the_items_without_their_padding():
    """With copied weights; each history is moved to the left and packed, so that PyTorch sees no padding at all."""
    towers = make(GRU)
    embedded, mask = some_users()
    read = embedded.clone().requires_grad_()
    vectors = towers(read, mask).vectors
    direction = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    vectors.backward(direction)

    read_by_pytorch = embedded.clone().requires_grad_()
    lengths = mask.sum(dim=1)
    moved = torch.stack([row.roll(int(n) - STEPS, dims=0) for row, n in zip(read_by_pytorch, lengths, strict=True)])
    packed = nn.utils.rnn.pack_padded_sequence(moved, lengths, batch_first=True, enforce_sorted=False)
    for j in range(NUM_TOWERS):
        # PyTorch's gates are in the same order, and its weights lie the other way
        theirs = nn.GRU(DIM, DIM, batch_first=True).double()
        pairs = [
            (theirs.weight_ih_l0, lambda value: value.mT, towers.input),
            (theirs.bias_ih_l0, lambda value: value, towers.input_bias),
            (theirs.weight_hh_l0, lambda value: value.mT, towers.state),
            (theirs.bias_hh_l0, lambda value: value, towers.state_bias),
        ]
        with torch.no_grad():
            for their, turn, our in pairs:
                their.copy_(turn(our[j]))
        last = theirs(packed)[1][0]
        torch.testing.assert_close(vectors[:, j], last, **EXACT)
        last.backward(direction[:, j], retain_graph=True)
        for their, turn, our in pairs:
            torch.testing.assert_close(turn(our.grad[j]), their.grad, **EXACT)
    torch.testing.assert_close(read.grad, read_by_pytorch.grad, **EXACT)


def softmax(logits: list[float]) -> list[float]:
    exps = [math.exp(logit) for logit in logits]
    return [value / sum(exps) for value in exps]


def attended(logits: list[float], items: list[list[float]]) -> tuple[list[float], list[float]]:
    """Weights over all slots, and the weighted sum; `logits` and `items` are those of the newest slots."""
    weights = softmax(logits)
    fused = [sum(w * item[d] for w, item in zip(weights, items, strict=True)) for d in range(DIM)]
    return [0.0] * (STEPS - len(items)) + weights, fused


def items_and_slots(embedded, mask, user: int) -> tuple[list[list[float]], list[int]]:
    slots = mask[user].nonzero().flatten().tolist()
    return [embedded[user, slot].tolist() for slot in slots], slots


def test_attention_pooling_lets_each_item_speak_for_itself():
    towers = make(AttentionPooling)
    embedded, mask = some_users()
    users = towers(embedded, mask)
    inner, outer, place = towers.inner.tolist(), towers.outer.tolist(), towers.place.tolist()
    for user in range(4):
        items, slots = items_and_slots(embedded, mask, user)
        for j in range(NUM_TOWERS):
            logits = [
                sum(
                    outer[j][h][0] * math.tanh(sum(x * inner[j][i][h] for i, x in enumerate(item)) + place[j][slot][h])
                    for h in range(DIM)
                )
                for item, slot in zip(items, slots, strict=True)
            ]
            weights, fused = attended(logits, items)
            torch.testing.assert_close(users.attention[user, j].tolist(), weights, **EXACT)
            torch.testing.assert_close(users.vectors[user, j].tolist(), fused, **EXACT)


def test_shared_attention_is_comirecs_eq_7_and_8():
    interests = make(SharedAttention)
    embedded, mask = some_users()
    users = interests(embedded, mask)
    w1, w2, place = interests.inner.tolist(), interests.outer.tolist(), interests.place.tolist()
    assert users.mask.all()
    for user in range(4):
        items, slots = items_and_slots(embedded, mask, user)
        hidden = [
            [math.tanh(sum((item[i] + place[slot][i]) * w1[i][h] for i in range(DIM))) for h in range(4 * DIM)]
            for item, slot in zip(items, slots, strict=True)
        ]
        for j in range(NUM_TOWERS):
            logits = [sum(value * w2[h][j] for h, value in enumerate(row)) for row in hidden]
            weights, fused = attended(logits, items)
            torch.testing.assert_close(users.attention[user, j].tolist(), weights, **EXACT)
            torch.testing.assert_close(users.vectors[user, j].tolist(), fused, **EXACT)


# ---- dynamic routing


def naive_squash(vector: list[float]) -> list[float]:
    squared = sum(x * x for x in vector)
    return [squared / (1 + squared) * x / math.sqrt(squared) for x in vector]


def naive_route(mapped: list, start: list, iterations: int = 3) -> tuple[list, list]:
    """Algorithm 1 of ComiRec's paper for one user: `mapped[j][i]` are the items of capsule j, padding left out."""
    num, length = len(mapped), len(mapped[0])
    logits = [list(row) for row in start]
    for _ in range(iterations):
        over_capsules = [softmax([logits[j][i] for j in range(num)]) for i in range(length)]
        shares = [[over_capsules[i][j] for i in range(length)] for j in range(num)]
        capsules = [
            naive_squash([sum(shares[j][i] * mapped[j][i][d] for i in range(length)) for d in range(DIM)])
            for j in range(num)
        ]
        for j in range(num):
            for i in range(length):
                logits[j][i] += sum(x * y for x, y in zip(mapped[j][i], capsules[j], strict=True))
    return capsules, shares


def times(vector: list[float], matrix: list[list[float]]) -> list[float]:
    return [sum(x * matrix[i][d] for i, x in enumerate(vector)) for d in range(len(matrix[0]))]


ROUTED = {"rtol": 1e-8, "atol": 1e-8}  # a squash has the root of ‖s‖² + 1e-12


def test_position_routing_is_comirecs_algorithm_1():
    interests = make(PositionRouting)
    embedded, mask = some_users()
    users = interests(embedded, mask)
    weight = interests.weight.unflatten(2, (NUM_TOWERS, DIM)).tolist()  # [step][dim][tower][dim]
    assert users.mask.all()
    for user in range(4):
        items, slots = items_and_slots(embedded, mask, user)
        mapped = [
            [times(item, [row[j] for row in weight[slot]]) for item, slot in zip(items, slots, strict=True)]
            for j in range(NUM_TOWERS)
        ]
        capsules, shares = naive_route(mapped, [[0.0] * len(items)] * NUM_TOWERS)
        torch.testing.assert_close(users.vectors[user].tolist(), capsules, **ROUTED)
        for j, row in enumerate(shares):
            expected = [0.0] * (STEPS - len(items)) + row
            torch.testing.assert_close(users.attention[user, j].tolist(), expected, **ROUTED)


def test_interest_routing_is_minds():
    """One matrix for all, logits from the start that was drawn, as many capsules as log₂ of the history, a network."""
    interests = make(InterestRouting)
    embedded, mask = some_users()
    users = interests(embedded, mask)
    bilinear, inner, outer = interests.bilinear.tolist(), interests.inner.tolist(), interests.outer.tolist()
    assert users.mask.tolist() == [[True, True, False], [True, False, False], [True, False, False], [True, True, False]]
    for user in range(4):
        items, slots = items_and_slots(embedded, mask, user)
        num = int(users.mask[user].sum())
        mapped = [[times(item, bilinear) for item in items]] * num
        capsules, shares = naive_route(
            mapped, [[interests.start[j, slot].item() for slot in slots] for j in range(num)]
        )
        for j in range(num):
            vector = times([max(0.0, x) for x in times(capsules[j], inner)], outer)
            torch.testing.assert_close(users.vectors[user, j].tolist(), vector, **ROUTED)
            expected = [0.0] * (STEPS - len(items)) + shares[j]
            torch.testing.assert_close(users.attention[user, j].tolist(), expected, **ROUTED)
        assert (users.attention[user, num:] == 0).all()


@pytest.mark.parametrize(
    ("num_items", "num_interests"), [(1, 1), (2, 1), (3, 1), (4, 2), (7, 2), (8, 3), (15, 3), (16, 4), (20, 4)]
)
def test_interest_routing_has_as_many_interests_as_the_logarithm_of_the_history(num_items, num_interests):
    """`K′ = max(1, min(K, ⌊log₂ n⌋))`, at every power of two and on both sides of it."""
    assert num_interests == max(1, min(4, math.floor(math.log2(num_items))))
    interests = InterestRouting(num_towers=4, dim=DIM, history_length=20, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(20) >= 20 - num_items
    present = interests(torch.randn(1, 20, DIM) * mask[:, None], mask[None]).mask[0]
    assert present.tolist() == [j < num_interests for j in range(4)]


@pytest.mark.parametrize("tower", [InterestRouting, PositionRouting])
def test_capsules_share_out_every_item_and_nothing_of_the_padding(tower):
    embedded, mask = some_users()
    attention = make(tower)(embedded, mask).attention
    torch.testing.assert_close(attention.sum(dim=1), mask.double())


def test_the_gradient_of_routing_flows_through_the_last_time_only():
    """So it is that of capsules made from shares that are constants."""
    generator = torch.Generator().manual_seed(3)
    mapped = torch.randn(2, NUM_TOWERS, STEPS, DIM, generator=generator, dtype=torch.float64).requires_grad_()
    start = torch.randn(NUM_TOWERS, STEPS, generator=generator, dtype=torch.float64)
    everyone, whole = torch.ones(2, NUM_TOWERS, dtype=torch.bool), torch.ones(2, STEPS, dtype=torch.bool)
    capsules, shares = route(mapped, start, whole, everyone)
    assert not shares.requires_grad
    found = torch.autograd.grad(capsules[..., 0].sum(), mapped)[0]
    by_hand = squash((shares[..., None] * mapped).sum(dim=2))
    torch.testing.assert_close(found, torch.autograd.grad(by_hand[..., 0].sum(), mapped)[0], **EXACT)


def test_without_a_start_that_differs_the_interests_of_mind_stay_the_same():
    interests = make(InterestRouting)
    interests.start.zero_()
    embedded, mask = some_users()
    vectors = interests(embedded, mask).vectors
    torch.testing.assert_close(vectors[0, 0], vectors[0, 1], **EXACT)


def test_the_start_of_routing_is_drawn_once_and_kept_with_the_weights():
    one, other = make(InterestRouting), make(InterestRouting, seed=1)
    embedded, mask = some_users()
    assert torch.equal(one(embedded, mask).vectors, one(embedded, mask).vectors)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(embedded, mask).vectors, other(embedded, mask).vectors)


def test_squash_by_hand_and_at_zero():
    found = squash(torch.tensor([[3.0, 4.0], [300.0, 400.0]], dtype=torch.float64))
    expected = [[0.6 * 25 / 26, 0.8 * 25 / 26], [0.6 * 250000 / 250001, 0.8 * 250000 / 250001]]
    torch.testing.assert_close(found.tolist(), expected, **EXACT)
    nothing = torch.zeros(1, 2, requires_grad=True)
    value = squash(nothing)
    value.sum().backward()
    assert value.tolist() == [[0.0, 0.0]]
    assert nothing.grad.isfinite().all()


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
    towers = tower(num_towers=8, dim=20, history_length=20, generator=generator)
    weight = towers.get_parameter(name)
    torch.testing.assert_close(weight.var().item(), 2 / fans, rtol=0.1, atol=0)


def test_the_item_tower_reads_the_table():
    table = nn.Embedding(5, DIM)
    ids = torch.tensor([[4, 0], [2, 4]])
    assert torch.equal(ItemTower(table)(ids), table.weight[ids])


# ---- features

SHARED = features_of([["tea", "gift"], [], ["gift"], ["tea"]])  # gift is 0, tea is 1


def test_a_feature_table_is_the_mean_of_the_features_and_zero_without_one():
    table = FeatureTable(num_features=2, dim=DIM, generator=torch.Generator().manual_seed(0))
    gift, tea = table.weight
    found = table(torch.from_numpy(SHARED.ids))
    torch.testing.assert_close(found, torch.stack([(gift + tea) / 2, 0 * gift, gift, tea]))
    found.sum().backward()
    torch.testing.assert_close(table.weight.grad, torch.full((2, DIM), 1.5))  # 1/2 and 1, twice; padding adds nothing


def test_an_item_with_features_is_its_row_and_their_mean_and_a_cold_one_their_mean_alone():
    table = nn.Embedding(4, DIM)
    warm = torch.tensor([True, True, False, False])
    items = ItemTower(table, generator=torch.Generator().manual_seed(0), features=SHARED, warm=warm)
    gift, tea = items.features.weight
    expected = torch.stack([table.weight[0] + (gift + tea) / 2, table.weight[1], gift, tea])
    torch.testing.assert_close(items(torch.arange(4)), expected)
    items(torch.arange(4)).sum().backward()
    assert (table.weight.grad != 0).any(dim=1).tolist() == warm.tolist()


def test_without_a_word_on_it_every_item_is_warm():
    table = nn.Embedding(4, DIM)
    items = ItemTower(table, generator=torch.Generator().manual_seed(0), features=SHARED)
    torch.testing.assert_close(items(torch.tensor([2])), (table.weight[2] + items.features.weight[0])[None])
