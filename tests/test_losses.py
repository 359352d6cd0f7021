"""The objective, against loops written from its equations, by hand, and by finite differences."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from mtmi_lite.losses import MultiTowerLoss, cosine, info_nce, inverse_distance, repel, share_by_distance, triplet
from mtmi_lite.towers import Users

EXACT = {"rtol": 1e-10, "atol": 1e-12}
TARGETS = torch.tensor([0, 3, 5, 2])
NEGATIVES = torch.tensor([1, 3, 6, 4, 3])  # the second user's target is drawn twice
KEPT = TARGETS[:, None] != NEGATIVES


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def similarities(*shape: int, seed: int = 0) -> torch.Tensor:
    return rand(*shape, seed=seed).tanh()


def presence(num_towers: int, *, some_absent: bool = True) -> torch.Tensor:
    """Which towers four users have: all of them, or two users lack some."""
    present = torch.ones(4, num_towers, dtype=torch.bool)
    if some_absent and num_towers > 1:
        present[1, 0] = False
        present[2, 1:] = False
    return present


def four_users(num_towers: int = 3, *, some_absent: bool = True, seed: int = 0) -> tuple:
    """Four users' vectors, their targets and the negatives, as MultiTowerLoss takes them."""
    vectors, table = rand(4, num_towers, 5, seed=seed), rand(7, 5, seed=seed + 1)
    users = Users(vectors=vectors, mask=presence(num_towers, some_absent=some_absent))
    return users, table[TARGETS], table[NEGATIVES], KEPT


# ---- the equations as plain loops, in Python's double precision


def naive_cosine(a: list[float], b: list[float]) -> float:  # Eq. 4
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b)))


def naive_weight(similarity: float, alpha: float, floor: float) -> float:  # Eq. 5–6
    return 1 / max(1 - similarity, floor) ** alpha


def naive_triplet(positive: float, negatives: list[float], margin: float) -> float:  # Eq. 8, the mean over negatives
    losses = [max(0, margin - positive + negative) for negative in negatives]
    return sum(losses) / len(losses) if losses else 0.0


def naive_info_nce(positive: float, negatives: list[float], temperature: float) -> float:
    exps = [math.exp(value / temperature) for value in [positive, *negatives]]
    return -math.log(exps[0] / sum(exps))


def naive_shares(positive: list[float], present: list[bool], alpha: float, floor: float, normalised: bool) -> list:
    weights = [naive_weight(s, alpha, floor) if here else 0.0 for s, here in zip(positive, present, strict=True)]
    scale = sum(present) / sum(weights) if normalised else 1.0
    return [weight * scale for weight in weights]


def naive_terms(loss: MultiTowerLoss, users: Users, target, negatives, kept) -> dict:
    """MultiTowerLoss, one user and one tower at a time."""
    target, negatives, kept = target.tolist(), negatives.tolist(), kept.tolist()
    terms = {"share": [], "pull": [], "repel": []}
    totals = []
    for user, present in enumerate(users.mask.tolist()):
        vectors = users.vectors[user].tolist()
        towers = [j for j, here in enumerate(present) if here]
        positive = [naive_cosine(v, target[user]) if here else 0.0 for v, here in zip(vectors, present, strict=True)]
        share = naive_shares(positive, present, loss.alpha, loss.floor, loss.share == "normalised")
        pull, push = [0.0] * len(vectors), [0.0] * len(vectors)
        for j in towers:
            items = [naive_cosine(vectors[j], n) for n, keep in zip(negatives, kept[user], strict=True) if keep]
            others = [naive_cosine(vectors[j], vectors[i]) for i in towers if i != j]
            if loss.pull == "triplet":
                pull[j] = naive_triplet(positive[j], items, loss.margin)
            else:
                pull[j] = naive_info_nce(positive[j], items, loss.temperature)
            push[j] = naive_triplet(positive[j], others, loss.margin)
        for name, values in (("share", share), ("pull", pull), ("repel", push)):
            terms[name].append(values)
        totals.append(sum(share[j] * pull[j] + loss.beta * push[j] for j in towers) / len(towers))
    return {**terms, "total": sum(totals) / len(totals)}


def same(found: torch.Tensor, expected) -> None:
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=found.dtype), **EXACT)


# ---- cosine


def test_cosine_is_eq_4():
    a, b = rand(6, 5), rand(6, 5, seed=1)
    same(cosine(a, b), [naive_cosine(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)])


def test_cosine_counts_lengths_under_its_epsilon_as_the_epsilon():
    unit = torch.tensor([1.0, 0.0], dtype=torch.float64)
    same(cosine(unit * 2e-12, unit), 1.0)
    same(cosine(unit * 1e-13, unit), 0.1)
    zero = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    value = cosine(zero, unit)
    value.backward()
    assert value.item() == 0
    assert zero.grad.isfinite().all()


# ---- inverse distance


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0, 8.0])
def test_inverse_distance_is_eq_5_and_6_with_a_floor(alpha):
    values = torch.linspace(-1, 1, 41, dtype=torch.float64)
    expected = [naive_weight(s, alpha, 0.05) for s in values.tolist()]
    same(inverse_distance(values, alpha=alpha, floor=0.05), expected)


def test_inverse_distance_by_hand():
    found = inverse_distance(torch.tensor([-1.0, 0.0, 0.75, 0.99], dtype=torch.float64), alpha=2.0, floor=0.125)
    same(found, [1 / 4, 1, 16, 64])


def test_the_gradient_of_the_weight_stops_at_the_floor():
    similarity = torch.tensor([0.94, 0.96, 1.0], dtype=torch.float64, requires_grad=True)  # D = 0.06, 0.04, 0
    inverse_distance(similarity, alpha=3.0, floor=0.05).sum().backward()
    same(similarity.grad, [3 * 0.06**-4, 0, 0])


def test_inverse_distance_gradcheck():
    similarity = torch.tensor([-0.9, -0.2, 0.3, 0.8, 0.97], dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda s: inverse_distance(s, alpha=2.5, floor=0.05), similarity)


# ---- share


@pytest.mark.parametrize("num_towers", [1, 3])
@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0])
def test_share_is_the_naive_share(alpha, normalised, num_towers):
    positive, present = similarities(4, num_towers), presence(num_towers)
    positive[0, 0] = 0.99  # under the floor
    found = share_by_distance(positive, present, alpha=alpha, floor=0.1, normalised=normalised)
    rows = zip(positive.tolist(), present.tolist(), strict=True)
    same(found, [naive_shares(row, here, alpha, 0.1, normalised) for row, here in rows])


def test_normalised_shares_sum_to_the_towers_present():
    present = presence(3)
    share = share_by_distance(similarities(4, 3), present, alpha=4.0)
    same(share.sum(dim=1), present.sum(dim=1))
    assert (share[~present] == 0).all()


@pytest.mark.parametrize("normalised", [True, False])
def test_without_alpha_every_tower_present_has_a_share_of_one(normalised):
    present = presence(3)
    same(share_by_distance(similarities(4, 3), present, alpha=0.0, normalised=normalised), present)


@pytest.mark.parametrize("normalised", [True, False])
def test_a_large_alpha_at_the_floor_stays_finite_in_single_precision(normalised):
    positive = torch.tensor([[1.0, 0.999, -1.0]], requires_grad=True)
    share = share_by_distance(
        positive, torch.ones(1, 3, dtype=torch.bool), alpha=8.0, normalised=normalised, through_weight=True
    )
    share[0, 2].backward()
    assert share.isfinite().all()
    assert positive.grad.isfinite().all()
    torch.testing.assert_close(share[0, 0] / share[0, 2], torch.tensor((2 / 0.05) ** 8))


@pytest.mark.parametrize("alpha", [40.0, 200.0])
def test_every_alpha_gives_finite_normalised_shares(alpha):
    share = share_by_distance(torch.tensor([[1.0, 0.5], [-1.0, -1.0]]), torch.ones(2, 2, dtype=torch.bool), alpha=alpha)
    torch.testing.assert_close(share, torch.tensor([[2.0, 0.0], [1.0, 1.0]]))


def test_only_a_share_through_the_weight_has_a_gradient():
    positive, present = similarities(4, 3).requires_grad_(), presence(3)
    assert not share_by_distance(positive, present, alpha=2.0).requires_grad
    assert share_by_distance(positive, present, alpha=2.0, through_weight=True).requires_grad


@pytest.mark.parametrize("normalised", [True, False])
def test_share_gradcheck(normalised):
    positive, present = similarities(4, 3).requires_grad_(), presence(3)
    assert ((1 - positive - 0.05).abs() > 1e-3).all()  # away from the floor's corner
    assert gradcheck(
        lambda s: share_by_distance(s, present, alpha=2.0, normalised=normalised, through_weight=True), positive
    )


# ---- triplet and InfoNCE

PULLS = [
    (lambda p, n, m: triplet(p, n, m, margin=0.4), lambda p, n: naive_triplet(p, n, 0.4)),
    (lambda p, n, m: info_nce(p, n, m, temperature=0.2), lambda p, n: naive_info_nce(p, n, 0.2)),
]


@pytest.mark.parametrize(("pull", "naive"), PULLS, ids=["triplet", "infonce"])
def test_a_pull_is_the_naive_pull(pull, naive):
    positive, negative = similarities(4, 3), similarities(4, 3, 5, seed=1)
    kept = KEPT.clone()
    kept[3] = False  # no negative left
    expected = [
        [naive(positive[b, j].item(), [negative[b, j, n].item() for n in range(5) if kept[b, n]]) for j in range(3)]
        for b in range(4)
    ]
    same(pull(positive, negative, kept[:, None]), expected)
    assert all(value == 0 for value in expected[3])


@pytest.mark.parametrize(("pull", "naive"), PULLS, ids=["triplet", "infonce"])
def test_pull_gradcheck(pull, naive):
    positive = similarities(4, 3).requires_grad_()
    negative = similarities(4, 3, 5, seed=1).requires_grad_()
    assert ((0.4 - positive[..., None] + negative).abs() > 1e-3).all()  # away from the triplet's corner
    assert gradcheck(lambda p, n: pull(p, n, KEPT[:, None]), (positive, negative))


@pytest.mark.parametrize(("pull", "naive"), PULLS, ids=["triplet", "infonce"])
def test_a_masked_negative_has_no_gradient(pull, naive):
    negative = similarities(4, 3, 5).requires_grad_()
    pull(torch.zeros(4, 3, dtype=torch.float64), negative, KEPT[:, None]).sum().backward()
    dropped = ~KEPT[:, None].expand(4, 3, 5)
    assert (negative.grad[dropped] == 0).all()
    assert (negative.grad[~dropped] != 0).any()


@pytest.mark.parametrize(("pull", "naive"), PULLS, ids=["triplet", "infonce"])
def test_without_negatives_a_pull_is_zero_and_so_is_its_gradient(pull, naive):
    positive = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True)
    value = pull(positive, torch.zeros(1, 1, 2, dtype=torch.float64), torch.zeros(1, 1, 2, dtype=torch.bool))
    value.sum().backward()
    assert value.item() == 0
    assert positive.grad.item() == 0


def test_triplet_by_hand():
    # 0.5 − 0.25 + (0.25, −0.125, −1) = 0.5, 0.125, and −0.5, which counts 0; the mean of three
    found = triplet(
        torch.tensor([[0.25]]),
        torch.tensor([[[0.25, -0.125, -1.0]]]),
        torch.ones(1, 1, 3, dtype=torch.bool),
        margin=0.5,
    )
    torch.testing.assert_close(found, torch.tensor([[0.625 / 3]]))


def test_info_nce_by_hand():
    # the target and three negatives alike: one of four
    found = info_nce(torch.tensor([[0.7]]), torch.full((1, 1, 3), 0.7), torch.ones(1, 1, 3).bool(), temperature=0.1)
    torch.testing.assert_close(found, torch.tensor([[math.log(4)]]))


def test_info_nce_does_not_overflow_at_a_small_temperature():
    kept = torch.ones(1, 1, 1, dtype=torch.bool)
    found = info_nce(torch.tensor([[-1.0]]), torch.tensor([[[1.0]]]), kept, temperature=0.001)
    torch.testing.assert_close(found, torch.tensor([[2000.0]]))


# ---- repel


@pytest.mark.parametrize("num_towers", [1, 2, 3])
def test_repel_is_the_triplet_with_the_other_towers_as_negatives(num_towers):
    positive, present = similarities(4, num_towers), presence(num_towers)
    between = similarities(4, num_towers, num_towers, seed=1)
    expected = [
        [
            naive_triplet(
                positive[b, j].item(),
                [between[b, j, i].item() for i in range(num_towers) if i != j and present[b, i] and present[b, j]],
                0.4,
            )
            for j in range(num_towers)
        ]
        for b in range(4)
    ]
    same(repel(positive, between, present, margin=0.4), expected)


def test_repel_is_exactly_zero_with_one_tower():
    alone = repel(torch.tensor([[-1.0]]), torch.ones(1, 1, 1), torch.ones(1, 1, dtype=torch.bool), margin=0.5)
    left_over = repel(-torch.ones(1, 2), torch.ones(1, 2, 2), torch.tensor([[False, True]]), margin=0.5)
    assert alone.tolist() == [[0.0]]
    assert left_over.tolist() == [[0.0, 0.0]]


def test_repel_gradcheck():
    positive = similarities(4, 3).requires_grad_()
    between = similarities(4, 3, 3, seed=1).requires_grad_()
    assert ((0.4 - positive[..., None] + between).abs() > 1e-3).all()
    assert gradcheck(lambda p, b: repel(p, b, presence(3), margin=0.4), (positive, between))


# ---- the objective


@pytest.mark.parametrize("num_towers", [1, 2, 4])
@pytest.mark.parametrize("share", ["normalised", "raw"])
@pytest.mark.parametrize("pull", ["triplet", "infonce"])
def test_every_term_is_that_of_the_naive_loop(pull, share, num_towers):
    loss = MultiTowerLoss(pull=pull, share=share, alpha=2.0, beta=0.7, margin=0.4, temperature=0.2, floor=0.3)
    data = four_users(num_towers)
    expected = naive_terms(loss, *data)
    found = loss(*data)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        same(found[name], values)


@pytest.mark.parametrize("through_weight", [True, False])
@pytest.mark.parametrize("rubbish", [torch.nan, torch.inf, 7.0, 0.0])
def test_what_an_absent_tower_holds_changes_nothing_and_has_no_gradient(rubbish, through_weight):
    loss = MultiTowerLoss(pull="triplet", share="raw", through_weight=through_weight, alpha=2.0, beta=0.7)
    users, *rest = four_users()
    filled = users.vectors.masked_fill(~users.mask[..., None], rubbish).requires_grad_()
    before, after = loss(users, *rest), loss(Users(vectors=filled, mask=users.mask), *rest)
    for name in before:
        assert torch.equal(before[name], after[name]), name
    after["total"].backward()
    assert (filled.grad[~users.mask] == 0).all()
    assert filled.grad.isfinite().all()
    assert (filled.grad[users.mask] != 0).any()


def test_the_objective_by_hand():
    # two towers at right angles; the target lies on the first: D = 0, floored to 0.5, and D = 1
    users = Users(vectors=torch.tensor([[[2.0, 0.0], [0.0, 3.0]]]), mask=torch.tensor([[True, True]]))
    target, negatives = torch.tensor([[5.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    loss = MultiTowerLoss(pull="triplet", share="raw", alpha=2.0, beta=2.0, margin=0.5, floor=0.5)
    terms = loss(users, target, negatives, torch.tensor([[True, False]]))
    assert terms["share"].tolist() == [[4.0, 1.0]]
    assert terms["pull"].tolist() == [[0.0, 1.5]]  # max(0, 0.5 − 1 + 0) and 0.5 − 0 + 1
    assert terms["repel"].tolist() == [[0.0, 0.5]]  # max(0, 0.5 − 1 + 0) and 0.5 − 0 + 0
    assert terms["total"].item() == (4 * 0 + 1 * 1.5 + 2 * (0 + 0.5)) / 2


def test_the_number_of_towers_times_the_total_is_eq_7():
    users, target, negatives, kept = four_users(3, some_absent=False)
    loss = MultiTowerLoss(pull="triplet", share="raw", alpha=5.5, beta=6.0, margin=0.5)
    sums = []
    for u in range(4):
        v, t = users.vectors[u].tolist(), target[u].tolist()
        s = [naive_cosine(v[j], t) for j in range(3)]
        kept_negatives = [n for n, keep in zip(negatives.tolist(), kept[u], strict=True) if keep]
        first = sum(
            naive_weight(s[j], 5.5, 0.05) * naive_triplet(s[j], [naive_cosine(v[j], n) for n in kept_negatives], 0.5)
            for j in range(3)
        )
        second = sum(naive_triplet(s[j], [naive_cosine(v[j], v[i]) for i in range(3) if i != j], 0.5) for j in range(3))
        sums.append(first + 6.0 * second)
    same(3 * loss(users, target, negatives, kept)["total"], sum(sums) / 4)


@pytest.mark.parametrize("share", ["normalised", "raw"])
@pytest.mark.parametrize("pull", ["triplet", "infonce"])
def test_objective_gradcheck_through_the_weight(pull, share):
    loss = MultiTowerLoss(pull=pull, share=share, through_weight=True, alpha=2.0, beta=0.7, margin=0.4)
    users, target, negatives, kept = four_users(3)
    inputs = tuple(x.clone().requires_grad_() for x in (users.vectors, target, negatives))
    assert gradcheck(lambda v, t, n: loss(Users(vectors=v, mask=users.mask), t, n, kept)["total"], inputs)


@pytest.mark.parametrize("share", ["normalised", "raw"])
@pytest.mark.parametrize("pull", ["triplet", "infonce"])
def test_a_detached_share_is_a_constant_for_the_gradient(pull, share):
    users, *rest = four_users(3)
    settings = {"pull": pull, "share": share, "alpha": 2.0, "beta": 0.7, "margin": 0.4}

    def gradient(through_weight: bool, constant_share: bool) -> torch.Tensor:
        vectors = users.vectors.clone().requires_grad_()
        terms = MultiTowerLoss(through_weight=through_weight, **settings)(
            Users(vectors=vectors, mask=users.mask), *rest
        )
        total = terms["total"]
        if constant_share:
            of_tower = terms["share"].detach() * terms["pull"] + 0.7 * terms["repel"]
            total = (of_tower.sum(dim=1) / users.mask.sum(dim=1)).mean()
        return torch.autograd.grad(total, vectors)[0]

    same(gradient(through_weight=False, constant_share=False), gradient(through_weight=True, constant_share=True))
    flowing = gradient(through_weight=True, constant_share=False)
    assert (flowing - gradient(through_weight=False, constant_share=False)).abs().max() > 1e-2


def test_a_user_vector_of_length_zero_gives_finite_terms_and_gradients():
    vectors = torch.zeros(1, 2, 3, requires_grad=True)
    users = Users(vectors=vectors, mask=torch.ones(1, 2, dtype=torch.bool))
    terms = MultiTowerLoss()(users, torch.ones(1, 3), -torch.ones(2, 3), torch.ones(1, 2, dtype=torch.bool))
    terms["total"].backward()
    assert all(term.isfinite().all() for term in terms.values())
    assert vectors.grad.isfinite().all()


# ---- the gradient through the weight


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 5.5])
@pytest.mark.parametrize("distance", [0.1, 0.5, 1.0, 1.8])
@pytest.mark.parametrize("side", [0.5, 0.99, 1.01, 2.0])
def test_weight_and_pull_together_drive_a_tower_away_when_the_triplet_is_above_distance_over_alpha(
    side, distance, alpha
):
    """With S⁻ fixed and one active negative, dL/dD = D^(−α−1) · (D − αT)."""
    value = side * distance / alpha  # T, on either side of D / α
    margin = 0.5
    negative = torch.tensor([[[value - margin + 1 - distance]]], dtype=torch.float64)  # so that γ − S⁺ + S⁻ = T
    positive = torch.tensor([[1 - distance]], dtype=torch.float64, requires_grad=True)
    share = share_by_distance(
        positive, torch.tensor([[True]]), alpha=alpha, floor=0.05, normalised=False, through_weight=True
    )
    pull = triplet(positive, negative, torch.tensor([[[True]]]), margin=margin)
    same(pull.squeeze(), value)
    (share * pull).sum().backward()
    by_distance = -positive.grad.squeeze()  # D = 1 − S⁺
    same(by_distance, distance ** (-alpha - 1) * (distance - alpha * value))
    assert (by_distance < 0) == (side > 1)  # then a larger distance lowers the loss


@pytest.mark.parametrize("alpha", [0.5, 2.0, 5.5])
@pytest.mark.parametrize("phi", [0.4, 1.5, math.pi, 4.0])
def test_the_full_gradient_on_the_circle(phi, alpha):
    """Target at angle 0, negative at φ, user at θ: dL/dθ = D^(−α−1) (D − αT) sin θ − D^(−α) sin(θ − φ)."""
    loss = MultiTowerLoss(pull="triplet", share="raw", through_weight=True, alpha=alpha, beta=0.0, margin=0.5)
    seen = {"active": 0, "inactive": 0, "under the floor": 0}
    for step in range(48):
        angle = 0.01 + step * 2 * math.pi / 48
        theta = torch.tensor(angle, dtype=torch.float64, requires_grad=True)
        users = Users(vectors=torch.stack([theta.cos(), theta.sin()])[None, None], mask=torch.tensor([[True]]))
        target = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
        negative = torch.tensor([[math.cos(phi), math.sin(phi)]], dtype=torch.float64)
        loss(users, target, negative, torch.tensor([[True]]))["total"].backward()
        distance, value = 1 - math.cos(angle), 0.5 - math.cos(angle) + math.cos(angle - phi)
        if value <= 0:
            expected, case = 0.0, "inactive"
        elif distance <= 0.05:  # the weight is a constant
            expected, case = 0.05**-alpha * (math.sin(angle) - math.sin(angle - phi)), "under the floor"
        else:
            toward_target = distance ** (-alpha - 1) * (distance - alpha * value) * math.sin(angle)
            expected, case = toward_target - distance**-alpha * math.sin(angle - phi), "active"
        seen[case] += 1
        torch.testing.assert_close(theta.grad.item(), expected, rtol=1e-9, atol=1e-9)
    assert seen["active"] > 10
