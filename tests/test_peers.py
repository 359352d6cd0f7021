"""The rivals' layers, with copied weights, against those of torch-rechub, another implementation of the same papers.

Where the two agree, they must agree in double precision. Where torch-rechub leaves the paper, the test says what it
does, puts that one thing right in it, and then they must agree as well; `test_towers.py` has the papers' own loops.
"""

import pytest
import torch
import torch.nn.functional as F
from torch_rechub.basic import layers
from torch_rechub.basic.layers import AveragePooling, CapsuleNetwork, MultiInterestSA
from torch_rechub.basic.loss_func import NCELoss

from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.towers import InterestRouting, MeanPooling, PositionRouting, SharedAttention, Users, route

NUM_TOWERS, DIM, STEPS = 3, 4, 5
EXACT = {"rtol": 1e-8, "atol": 1e-8}  # the epsilons of the two squashes are 1e-9 and 1e-12


@pytest.fixture(autouse=True)
def _double():
    """torch-rechub's routing starts from logits of the default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def make(tower):
    generator = torch.Generator().manual_seed(0)
    return tower(num_towers=NUM_TOWERS, dim=DIM, history_length=STEPS, generator=generator)


def some_users(*lengths: int) -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(STEPS) >= STEPS - torch.tensor(lengths)[:, None]
    embedded = torch.randn(len(lengths), STEPS, DIM, generator=torch.Generator().manual_seed(1))
    return embedded.masked_fill(~mask[..., None], 0), mask


def theirs_with_our_matrices(interests: PositionRouting) -> CapsuleNetwork:
    """ComiRec-DR of torch-rechub; its `w` is memory that nothing has set, so all of it comes from ours."""
    theirs = CapsuleNetwork(DIM, STEPS, bilinear_type=2, interest_num=NUM_TOWERS)
    with torch.no_grad():
        theirs.w.copy_(interests.weight.mT[None])
    return theirs


def over_interests(monkeypatch) -> None:
    """Let torch-rechub take a routing's softmax over the interests of [batch, interest, slot], not over the slots."""
    softmax = F.softmax
    monkeypatch.setattr(layers.F, "softmax", lambda logits, dim: softmax(logits, dim=1 if logits.dim() == 3 else dim))


def test_comirec_sa_is_the_self_attention_of_torch_rechub():
    """Without places, which ComiRec's paper adds to the items in Eq. 8 and torch-rechub leaves out."""
    interests = make(SharedAttention)
    theirs = MultiInterestSA(DIM, NUM_TOWERS)
    with torch.no_grad():
        theirs.W1.copy_(interests.inner)
        theirs.W2.copy_(interests.outer)
    embedded, mask = some_users(5, 3, 1, 4)
    one, two = embedded.clone().requires_grad_(), embedded.clone().requires_grad_()
    ours, expected = interests(one, mask).vectors, theirs(two, mask[..., None])
    torch.testing.assert_close(ours, expected, **EXACT)
    direction = torch.arange(ours.numel(), dtype=torch.float64).view_as(ours).sin()
    ours.backward(direction)
    expected.backward(direction)
    torch.testing.assert_close(one.grad, two.grad, **EXACT)
    torch.testing.assert_close(interests.inner.grad, theirs.W1.grad, **EXACT)
    torch.testing.assert_close(interests.outer.grad, theirs.W2.grad, **EXACT)


def test_comirec_dr_is_the_routing_of_torch_rechub_once_that_takes_its_softmax_over_the_interests(monkeypatch):
    """Algorithm 1 of ComiRec's paper shares an item out over the interests, and so do the published code and we.

    torch-rechub takes the softmax over the history's slots instead.
    """
    interests = make(PositionRouting)
    theirs = theirs_with_our_matrices(interests)
    embedded, mask = some_users(5, 3, 1, 4)
    one, two = embedded.clone().requires_grad_(), embedded.clone().requires_grad_()
    ours = interests(one, mask).vectors
    as_it_is = theirs(embedded, mask)
    assert (ours - as_it_is).abs().max() > 0.1

    over_interests(monkeypatch)
    put_right = theirs(two, mask)
    torch.testing.assert_close(ours, put_right, **EXACT)
    direction = torch.arange(ours.numel(), dtype=torch.float64).view_as(ours).sin()
    ours.backward(direction)
    put_right.backward(direction)
    torch.testing.assert_close(one.grad, two.grad, **EXACT)
    torch.testing.assert_close(interests.weight.grad, theirs.w.grad[0].mT, **EXACT)


def test_padding_changes_the_capsules_of_torch_rechub_and_not_ours():
    """A softmax over the slots gives a part to the padded ones, whose share is thrown away only afterwards."""
    whole, mask = some_users(3, 3)
    interests = make(PositionRouting)
    theirs = theirs_with_our_matrices(interests)
    short = PositionRouting(num_towers=NUM_TOWERS, dim=DIM, history_length=3, generator=torch.Generator())
    with torch.no_grad():
        short.weight.copy_(interests.weight[-3:])
    unpadded, all_there = whole[:, -3:], mask[:, -3:]
    torch.testing.assert_close(interests(whole, mask).vectors, short(unpadded, all_there).vectors, **EXACT)

    theirs_short = CapsuleNetwork(DIM, 3, bilinear_type=2, interest_num=NUM_TOWERS)
    with torch.no_grad():
        theirs_short.w.copy_(theirs.w[:, -3:])
    assert (theirs(whole, mask) - theirs_short(unpadded, all_there)).abs().max() > 1e-2


def test_mind_is_the_routing_of_torch_rechub_once_its_softmax_is_over_the_interests_and_its_start_is_ours(monkeypatch):
    """MIND's paper shares an item out over the interests, and draws the starting logits once.

    torch-rechub takes the softmax over the slots and draws the start anew at each call, so that one history has another
    vector each time. Our network behind the capsules is the paper's; it is left out here, as is the number of
    interests, for torch-rechub always has all.
    """
    interests = make(InterestRouting)
    theirs = CapsuleNetwork(DIM, STEPS, bilinear_type=0, interest_num=NUM_TOWERS)
    with torch.no_grad():
        theirs.linear.weight.copy_(interests.bilinear.T)
    embedded, mask = some_users(5, 3, 1, 4)
    everyone = torch.ones(4, NUM_TOWERS, dtype=torch.bool)

    def capsules():
        return route((embedded @ interests.bilinear)[:, None], interests.start, mask, everyone)[0]

    assert (theirs(embedded, mask) - theirs(embedded, mask)).abs().max() > 1e-3
    assert torch.equal(capsules(), capsules())

    monkeypatch.setattr(layers.torch, "randn", lambda *shape, **_: interests.start.expand(shape).clone())
    assert (capsules() - theirs(embedded, mask)).abs().max() > 0.1
    over_interests(monkeypatch)
    torch.testing.assert_close(capsules(), theirs(embedded, mask), **EXACT)


def test_capsules_of_mind_go_through_the_network_when_all_interests_are_there():
    """So what the test above leaves out is the network alone."""
    interests = make(InterestRouting)
    embedded, mask = some_users(5, 4)
    interests.start = interests.start[:2]  # ⌊log₂ 5⌋ = ⌊log₂ 4⌋ = 2
    users = interests(embedded, mask)
    assert users.mask.all()
    mapped, everyone = (embedded @ interests.bilinear)[:, None], torch.ones(2, 2, dtype=torch.bool)
    capsules = route(mapped, interests.start, mask, everyone)[0]
    network = torch.nn.Sequential(
        torch.nn.Linear(DIM, 4 * DIM, bias=False), torch.nn.ReLU(), torch.nn.Linear(4 * DIM, DIM, bias=False)
    )
    with torch.no_grad():
        network[0].weight.copy_(interests.inner.T)
        network[2].weight.copy_(interests.outer.T)
    torch.testing.assert_close(users.vectors, network(capsules), **EXACT)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_infonce_of_one_tower_is_the_softmax_loss_of_torch_rechub(temperature):
    """Its NCELoss takes all columns of a matrix of logits as candidates and the index of the true one."""
    generator = torch.Generator().manual_seed(0)
    user, target, negatives = (torch.randn(n, DIM, generator=generator) for n in (6, 6, 9))
    logits = torch.cat([(user * target).sum(dim=1, keepdim=True), user @ negatives.T], dim=1)
    expected = NCELoss(temperature=temperature)(logits, torch.zeros(6, dtype=torch.int64))
    users = Users(vectors=user[:, None], mask=torch.ones(6, 1, dtype=torch.bool), similarity="inner-product")
    loss = MultiTowerLoss(temperature=temperature, beta=0.0, share="nearest")
    found = loss(users, target, negatives, torch.ones(6, 9, dtype=torch.bool))["total"]
    torch.testing.assert_close(found, expected, **EXACT)


def test_youtube_dnn_is_the_average_pooling_of_torch_rechub_through_linear_layers_of_pytorch():
    """The layers between are the plain ones: torch-rechub's own network normalises each batch, which no paper has."""
    towers = make(MeanPooling)
    embedded, mask = some_users(5, 3, 1, 4)
    mean = AveragePooling()(embedded, mask[:, None].double())
    vectors = towers(embedded, mask).vectors
    for j in range(NUM_TOWERS):
        hidden = F.linear(mean, towers.inner[j].T, towers.inner_bias[j]).relu()
        torch.testing.assert_close(vectors[:, j], F.linear(hidden, towers.outer[j].T, towers.outer_bias[j]), **EXACT)
