"""The objective, against loops written from its equations, by hand, and by finite differences."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mtmi_lite.losses import (
    LabelAwareSoftmax,
    MultiTowerLoss,
    cosine,
    info_nce,
    inverse_distance,
    label_aware_attention,
    repel,
    routing_spread,
    share_by_distance,
    share_to_best,
    triplet,
)
from mtmi_lite.towers import Users

SHARES = ["normalised", "raw", "nearest", "smallest", "equal"]
SIMILARITIES = ["cosine", "inner-product"]
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


def four_users(num_towers: int = 3, *, some_absent: bool = True, seed: int = 0, similarity="cosine") -> tuple:
    """Four users' vectors, their targets and the negatives, as an objective takes them."""
    vectors, table = rand(4, num_towers, 5, seed=seed), rand(7, 5, seed=seed + 1)
    users = Users(
        vectors=vectors,
        mask=presence(num_towers, some_absent=some_absent),
        attention=rand(4, num_towers, 6, seed=seed + 2).softmax(dim=-1),
        similarity=similarity,
    )
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


def naive_info_nce(
    positive: float, negatives: list[float], temperature: float, hardness: float = 0.0, log_odds: list | None = None
) -> float:
    """In the form of REMI's code: `−log(e^s⁺ / (e^s⁺ + Σ imp · e^s⁻ / mean imp))` with `imp = e^{h s⁻}`."""
    logits = [value / temperature for value in negatives]
    if log_odds is not None:
        logits = [logit + odds for logit, odds in zip(logits, log_odds, strict=True)]
    importance = [math.exp(hardness * logit) for logit in logits]
    mean = sum(importance) / len(importance) if importance else 1.0
    others = sum(imp * math.exp(logit) for imp, logit in zip(importance, logits, strict=True)) / mean
    return -math.log(math.exp(positive / temperature) / (math.exp(positive / temperature) + others))


def naive_shares(positive: list[float], present: list[bool], alpha: float, floor: float, normalised: bool) -> list:
    weights = [naive_weight(s, alpha, floor) if here else 0.0 for s, here in zip(positive, present, strict=True)]
    scale = sum(present) / sum(weights) if normalised else 1.0
    return [weight * scale for weight in weights]


def naive_dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def naive_covariance(rows: list[list[float]]) -> list[list[float]]:
    """Of the rows, over their columns."""
    centred = [[x - sum(row) / len(row) for x in row] for row in rows]
    return [[naive_dot(a, b) / len(a) for b in centred] for a in centred]


def naive_terms(loss: MultiTowerLoss, users: Users, target, negatives, kept, log_odds=None) -> dict:
    """MultiTowerLoss, one user and one tower at a time."""
    compare = naive_cosine if users.similarity == "cosine" else naive_dot
    target, negatives, kept = target.tolist(), negatives.tolist(), kept.tolist()
    terms = {"share": [], "pull": [], "repel": [], "routing": []}
    totals = []
    for user, present in enumerate(users.mask.tolist()):
        vectors = users.vectors[user].tolist()
        towers = [j for j, here in enumerate(present) if here]
        positive = [naive_cosine(v, target[user]) if here else 0.0 for v, here in zip(vectors, present, strict=True)]
        pull, push, spread = ([0.0] * len(vectors) for _ in range(3))
        kept_here = [n for n, keep in enumerate(kept[user]) if keep]
        odds = None if log_odds is None else [log_odds[user, n].item() for n in kept_here]
        for j in towers:
            near = compare(vectors[j], target[user])
            items = [compare(vectors[j], negatives[n]) for n in kept_here]
            others = [naive_cosine(vectors[j], vectors[i]) for i in towers if i != j]
            if loss.pull == "triplet":
                pull[j] = naive_triplet(near, items, loss.margin)
            else:
                pull[j] = naive_info_nce(near, items, loss.temperature, loss.hardness, odds)
            push[j] = naive_triplet(positive[j], others, loss.margin)
            spread[j] = naive_covariance(users.attention[user].tolist())[j][j] ** 2
        if loss.share in ("normalised", "raw"):
            share = naive_shares(positive, present, loss.alpha, loss.floor, loss.share == "normalised")
        elif loss.share == "equal":
            share = [float(here) for here in present]
        else:
            nearest = max(towers, key=lambda j: compare(vectors[j], target[user]))
            best = nearest if loss.share == "nearest" else min(towers, key=lambda j: pull[j])
            share = [float(len(towers)) if j == best else 0.0 for j in range(len(vectors))]
        for name, values in (("share", share), ("pull", pull), ("repel", push), ("routing", spread)):
            terms[name].append(values)
        of_tower = [share[j] * pull[j] + loss.beta * push[j] + loss.routing * spread[j] for j in towers]
        totals.append(sum(of_tower) / len(towers))
    if not loss.routing:
        del terms["routing"]
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


# ---- the objective


def same_terms(loss: MultiTowerLoss, data: tuple, log_odds=None) -> None:
    expected, found = naive_terms(loss, *data, log_odds), loss(*data, log_odds)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        same(found[name], values)


@pytest.mark.parametrize("num_towers", [1, 2, 4])
@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("pull", ["triplet", "infonce"])
def test_every_term_is_that_of_the_naive_loop(pull, share, similarity, num_towers):
    loss = MultiTowerLoss(pull=pull, share=share, alpha=2.0, beta=0.7, margin=0.4, temperature=0.2, floor=0.3)
    same_terms(loss, four_users(num_towers, similarity=similarity))


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("share", SHARES)
def test_every_term_with_remis_parts_is_that_of_the_naive_loop(share, similarity):
    loss = MultiTowerLoss(share=share, temperature=0.5, beta=0.7, hardness=1.5, routing=30.0)
    same_terms(loss, four_users(3, similarity=similarity))


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("pull", ["triplet", "infonce"])
def test_a_user_for_whom_no_negative_is_kept_has_no_pull(pull, similarity):
    users, target, negatives, _ = four_users(3, similarity=similarity)
    kept = KEPT.clone()
    kept[0] = False
    hardness = 1.5 if pull == "infonce" else 0.0
    loss = MultiTowerLoss(pull=pull, share="smallest", beta=0.7, temperature=0.5, hardness=hardness)
    same_terms(loss, (users, target, negatives, kept))
    assert loss(users, target, negatives, kept)["pull"][0].tolist() == [0.0, 0.0, 0.0]


def some_log_odds() -> torch.Tensor:
    """How much likelier each user's target was to be drawn than each negative, in logarithms."""
    log_probability = torch.tensor([0.3, 0.05, 0.2, 0.1, 0.15, 0.12, 0.08], dtype=torch.float64).log()
    return log_probability[TARGETS, None] - log_probability[NEGATIVES]


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("share", SHARES)
def test_log_odds_are_added_to_the_negatives_of_infonce(share, similarity):
    loss = MultiTowerLoss(share=share, temperature=0.5, beta=0.7)
    same_terms(loss, four_users(3, similarity=similarity), some_log_odds())


def test_a_triplet_has_no_use_for_log_odds():
    loss, data = MultiTowerLoss(pull="triplet"), four_users(3)
    assert torch.equal(loss(*data, some_log_odds())["total"], loss(*data)["total"])


def test_comirecs_objective_is_the_cross_entropy_of_its_argmax_vector():
    """The vector with the largest product with the target, then a softmax over [target, negatives]."""
    users, target, negatives, kept = four_users(3, similarity="inner-product")
    vectors = users.vectors.clone().requires_grad_()
    comirec = MultiTowerLoss(share="nearest", pull="infonce", temperature=1.0, beta=0.0)
    found = comirec(replace(users, vectors=vectors), target, negatives, kept)["total"]

    products = (vectors * target[:, None]).sum(dim=-1).masked_fill(~users.mask, -torch.inf)
    chosen = vectors[torch.arange(4), products.argmax(dim=1)]
    logits = torch.cat([(chosen * target).sum(dim=1, keepdim=True), chosen @ negatives.T], dim=1)
    logits = logits.masked_fill(~torch.cat([torch.ones(4, 1, dtype=torch.bool), kept], dim=1), -torch.inf)
    expected = F.cross_entropy(logits, torch.zeros(4, dtype=torch.int64))
    same(found, expected)
    same(torch.autograd.grad(found, vectors)[0], torch.autograd.grad(expected, vectors)[0])


@pytest.mark.parametrize("through_weight", [True, False])
@pytest.mark.parametrize("rubbish", [torch.nan, torch.inf, 7.0, 0.0])
def test_what_an_absent_tower_holds_changes_nothing_and_has_no_gradient(rubbish, through_weight):
    loss = MultiTowerLoss(pull="triplet", share="raw", through_weight=through_weight, alpha=2.0, beta=0.7)
    users, *rest = four_users()
    filled = users.vectors.masked_fill(~users.mask[..., None], rubbish).requires_grad_()
    before, after = loss(users, *rest), loss(replace(users, vectors=filled), *rest)
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
def test_a_detached_share_is_a_constant_for_the_gradient(pull, share):
    users, *rest = four_users(3)
    settings = {"pull": pull, "share": share, "alpha": 2.0, "beta": 0.7, "margin": 0.4}

    def gradient(through_weight: bool, constant_share: bool) -> torch.Tensor:
        vectors = users.vectors.clone().requires_grad_()
        terms = MultiTowerLoss(through_weight=through_weight, **settings)(replace(users, vectors=vectors), *rest)
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


# ---- share to the best


def test_all_goes_to_the_best_tower_present():
    score = torch.tensor([[0.1, 0.9, 0.5], [0.1, 0.9, 0.5], [-3.0, -2.0, -1.0], [0.2, 0.2, 0.2]])
    mask = torch.tensor([[True, True, True], [True, False, True], [True, False, False], [True, True, True]])
    expected = [[0.0, 3.0, 0.0], [0.0, 0.0, 2.0], [1.0, 0.0, 0.0], [3.0, 0.0, 0.0]]  # the first of equals
    assert share_to_best(score, mask).tolist() == expected


def test_the_nearest_tower_is_the_limit_of_the_share_by_distance():
    data = four_users(3)
    nearest = MultiTowerLoss(share="nearest")(*data)["share"]
    torch.testing.assert_close(MultiTowerLoss(alpha=2000.0, floor=1e-6)(*data)["share"], nearest)


def test_the_smallest_loss_is_not_always_that_of_the_nearest_tower():
    """The first is nearer to the target, and nearer still to a negative."""
    users = Users(vectors=torch.tensor([[[1.0, 0.2], [-0.3, 1.0]]]), mask=torch.tensor([[True, True]]))
    data = (users, torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 0.0]]), torch.tensor([[True]]))
    assert MultiTowerLoss(share="nearest")(*data)["share"].tolist() == [[2.0, 0.0]]
    assert MultiTowerLoss(share="smallest")(*data)["share"].tolist() == [[0.0, 2.0]]


# ---- REMI's hardness and routing regulariser


@pytest.mark.parametrize("hardness", [0.0, 0.5, 1.0, 10.0])
def test_hardness_is_that_of_remi(hardness):
    """Once in the form of REMI's code, and once as counts: each negative is there exp(h s) / mean exp(h s) times."""
    positive, negative = similarities(4, 3), similarities(4, 3, 5, seed=1)
    found = info_nce(positive, negative, KEPT[:, None], temperature=0.5, hardness=hardness)
    for b in range(4):
        for j in range(3):
            kept = [negative[b, j, n].item() / 0.5 for n in range(5) if KEPT[b, n]]
            same(found[b, j], naive_info_nce(positive[b, j].item(), [0.5 * s for s in kept], 0.5, hardness))
            mean = sum(math.exp(hardness * s) for s in kept) / len(kept)
            counted = sum(math.exp(hardness * s) / mean * math.exp(s) for s in kept)
            target = math.exp(positive[b, j].item() / 0.5)
            same(found[b, j], -math.log(target / (target + counted)))


def test_without_hardness_every_negative_counts_once_to_the_bit():
    args = (similarities(4, 3), similarities(4, 3, 5, seed=1), KEPT[:, None])
    assert torch.equal(info_nce(*args, temperature=0.5, hardness=0.0), info_nce(*args, temperature=0.5))


def test_a_great_hardness_stays_finite_and_counts_the_hardest_alone():
    positive, negative = torch.tensor([[0.0]]), torch.tensor([[[1.0, 0.5, -1.0]]])
    found = info_nce(positive, negative, torch.ones(1, 1, 3).bool(), temperature=0.01, hardness=50.0)
    torch.testing.assert_close(found, torch.tensor([[100 + math.log(3)]]))  # as all three


def test_routing_spread_is_the_diagonal_of_the_covariance_squared():
    attention, present = rand(4, 3, 6).softmax(dim=-1), presence(3)
    expected = []
    for rows, here in zip(attention.tolist(), present.tolist(), strict=True):
        covariance = naive_covariance(rows)
        expected.append([covariance[j][j] ** 2 if here[j] else 0.0 for j in range(3)])
    found = routing_spread(attention, present)
    same(found, expected)
    # where all are there, the sum is the square of its Frobenius norm
    diagonal = torch.tensor(naive_covariance(attention[0].tolist()), dtype=torch.float64).diagonal()
    same(found[0].sum(), torch.linalg.matrix_norm(diagonal.diag()) ** 2)


def test_routing_spread_ignores_the_attention_of_an_absent_tower():
    attention, present = rand(4, 3, 6).softmax(dim=-1), presence(3)
    rubbish = attention.masked_fill(~present[..., None], torch.nan).requires_grad_()
    found = routing_spread(rubbish, present)
    assert torch.equal(found, routing_spread(attention, present))
    found.sum().backward()
    assert rubbish.grad.isfinite().all()


def test_the_routing_term_needs_an_attention():
    users, *rest = four_users(2)
    with pytest.raises(ValueError, match=r"^routing: 0\.5 needs a model with attention; set it to 0"):
        MultiTowerLoss(routing=0.5)(replace(users, attention=None), *rest)


# ---- label-aware attention and the sampled softmax


def naive_mixture(vectors: list, present: list[bool], target: list[float], sharpness: float) -> tuple[list, list]:
    exps = [math.exp(sharpness * naive_dot(v, target)) if p else 0.0 for v, p in zip(vectors, present, strict=True)]
    weights = [value / sum(exps) for value in exps]
    mixed = [sum(w * v[d] for w, v in zip(weights, vectors, strict=True)) for d in range(len(target))]
    return mixed, weights


def unit(vector: list[float]) -> list[float]:
    return [x / math.sqrt(naive_dot(vector, vector)) for x in vector]


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 3.0])
def test_label_aware_attention_is_the_naive_mixture(sharpness):
    users, target, *_ = four_users(3)
    mixed, weights = label_aware_attention(users, target, sharpness=sharpness)
    for u in range(4):
        expected = naive_mixture(users.vectors[u].tolist(), users.mask[u].tolist(), target[u].tolist(), sharpness)
        same(mixed[u], expected[0])
        same(weights[u], expected[1])


def test_label_aware_attention_goes_from_the_mean_to_the_nearest():
    users, target, *_ = four_users(3)
    mean = (users.vectors * users.mask[..., None]).sum(dim=1) / users.mask.sum(dim=1, keepdim=True)
    same(label_aware_attention(users, target, sharpness=0.0)[0], mean)
    products = torch.einsum("bkd,bd->bk", users.vectors, target).masked_fill(~users.mask, -torch.inf)
    nearest = users.vectors[torch.arange(4), products.argmax(dim=1)]
    same(label_aware_attention(users, target, sharpness=1e4)[0], nearest)


def naive_label_aware_softmax(loss: LabelAwareSoftmax, users, target, negatives, kept) -> tuple[list, list]:
    pulls, shares = [], []
    for u in range(4):
        vectors, target_here, items = users.vectors[u].tolist(), target[u].tolist(), negatives.tolist()
        if users.similarity == "cosine":
            vectors, target_here, items = [unit(v) for v in vectors], unit(target_here), [unit(v) for v in items]
        mixed, weights = naive_mixture(vectors, users.mask[u].tolist(), target_here, loss.sharpness)
        if users.similarity == "cosine":
            mixed = unit(mixed)
        others = [naive_dot(mixed, items[n]) for n in range(len(items)) if kept[u, n]]
        pulls.append(naive_info_nce(naive_dot(mixed, target_here), others, loss.temperature))
        shares.append(weights)
    return pulls, shares


@pytest.mark.parametrize("sharpness", [0.0, 2.0])
@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("num_towers", [1, 3])
def test_label_aware_softmax_is_the_naive_loop(num_towers, similarity, sharpness):
    loss, data = LabelAwareSoftmax(sharpness=sharpness, temperature=0.5), four_users(num_towers, similarity=similarity)
    pulls, shares = naive_label_aware_softmax(loss, *data)
    terms = loss(*data)
    assert list(terms) == ["share", "pull", "total"]
    same(terms["pull"], pulls)
    same(terms["share"], shares)
    same(terms["total"], sum(pulls) / 4)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("objective", ["label-aware", "multi-tower"])
def test_log_odds_are_the_correction_of_the_sampled_softmax(objective, similarity):
    """With log-odds the softmax is that of `s/τ − log q`, for the target as for the negatives, q the drawing's law."""
    users, target, negatives, kept = four_users(1, similarity=similarity)
    log_q = torch.tensor([0.3, 0.05, 0.2, 0.1, 0.15, 0.12, 0.08], dtype=torch.float64).log()
    vectors, items, targets = users.vectors[:, 0], negatives, target
    if similarity == "cosine":
        vectors, items, targets = (F.normalize(v, dim=-1) for v in (vectors, items, targets))
    positive = (vectors * targets).sum(dim=1) / 0.5 - log_q[TARGETS]
    negative = vectors @ items.T / 0.5 - log_q[NEGATIVES]
    logits = torch.cat([positive[:, None], negative.masked_fill(~kept, -torch.inf)], dim=1)
    expected = F.cross_entropy(logits, torch.zeros(4, dtype=torch.int64), reduction="none")

    loss = {
        "label-aware": LabelAwareSoftmax(temperature=0.5),
        "multi-tower": MultiTowerLoss(share="equal", temperature=0.5, beta=0.0),
    }[objective]
    same(loss(users, target, negatives, kept, some_log_odds())["pull"].flatten(), expected)
    same(loss(users, target, negatives, kept, some_log_odds())["total"], expected.mean())
    assert (loss(users, target, negatives, kept)["total"] - expected.mean()).abs() > 1e-3


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("rubbish", [torch.nan, torch.inf, 7.0])
@pytest.mark.parametrize(
    "loss",
    [
        *(MultiTowerLoss(share=share, pull=pull) for share in SHARES for pull in ("triplet", "infonce")),
        MultiTowerLoss(share="raw", through_weight=True),
        MultiTowerLoss(share="nearest", temperature=1.0, hardness=1.0, routing=10.0),
        LabelAwareSoftmax(),
    ],
    ids=str,
)
def test_no_objective_reads_an_absent_tower(loss, rubbish, similarity):
    users, *rest = four_users(3, similarity=similarity)
    absent = ~users.mask[..., None]
    filled = replace(
        users,
        vectors=users.vectors.masked_fill(absent, rubbish).requires_grad_(),
        attention=users.attention.masked_fill(absent, rubbish),
    )
    clean = replace(users, vectors=users.vectors.clone().requires_grad_())
    before, after = loss(clean, *rest, some_log_odds()), loss(filled, *rest, some_log_odds())
    for name in before:
        assert torch.equal(before[name], after[name]), name
    before["total"].backward()
    after["total"].backward()
    assert torch.equal(clean.vectors.grad, filled.vectors.grad)
    assert (filled.vectors.grad[~users.mask] == 0).all()


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


# ---- every gradient, by finite differences

POSITIVE, NEGATIVE, BETWEEN = similarities(4, 3), similarities(4, 3, 5, seed=1), similarities(4, 3, 3, seed=1)
USERS, TARGET, OTHERS, _ = four_users(3)
KEPT_BY_SOME = KEPT & (torch.arange(4) != 3)[:, None]  # the last user has no negative left


def total(loss, *, similarity="cosine", kept=KEPT):
    """An objective as a function of the vectors alone."""
    users, *_ = four_users(3, similarity=similarity)
    return lambda v, t, n: loss(replace(users, vectors=v), t, n, kept)["total"]


GRADIENTS = {
    "inverse distance": (
        lambda s: inverse_distance(s, alpha=2.5, floor=0.05),
        torch.tensor([-0.9, -0.2, 0.3, 0.8, 0.97], dtype=torch.float64),
    ),
    **{
        f"share, normalised: {normalised}": (
            lambda s, normalised=normalised: share_by_distance(
                s, presence(3), alpha=2.0, normalised=normalised, through_weight=True
            ),
            POSITIVE,
        )
        for normalised in (True, False)
    },
    "triplet": (lambda p, n: triplet(p, n, KEPT[:, None], margin=0.4), POSITIVE, NEGATIVE),
    **{
        f"InfoNCE, hardness {hardness}": (
            lambda p, n, h=hardness: info_nce(p, n, KEPT_BY_SOME[:, None], temperature=0.5, hardness=h),
            POSITIVE,
            NEGATIVE,
        )
        for hardness in (0.0, 0.5, 3.0)
    },
    "repel": (lambda p, b: repel(p, b, presence(3), margin=0.4), POSITIVE, BETWEEN),
    "routing spread": (lambda a: routing_spread(a, presence(3)), USERS.attention),
    "label-aware attention": (
        lambda v, t: label_aware_attention(replace(USERS, vectors=v), t, sharpness=2.0),
        USERS.vectors,
        TARGET,
    ),
    **{
        f"MTMI, {pull}, {share}, {similarity}": (
            # a share that is not through the weight is a constant by intent
            total(
                MultiTowerLoss(
                    pull=pull, share=share, through_weight=share in ("normalised", "raw"), alpha=2, beta=0.7, margin=0.4
                ),
                similarity=similarity,
            ),
            USERS.vectors,
            TARGET,
            OTHERS,
        )
        for pull in ("triplet", "infonce")
        for share in SHARES
        for similarity in SIMILARITIES
    },
    **{
        f"MIND, {similarity}": (
            total(LabelAwareSoftmax(sharpness=2.0, temperature=0.5), similarity=similarity, kept=KEPT_BY_SOME),
            USERS.vectors,
            TARGET,
            OTHERS,
        )
        for similarity in SIMILARITIES
    },
    "REMI": (
        lambda v, a: MultiTowerLoss(share="nearest", temperature=1.0, beta=0.0, hardness=1.5, routing=30.0)(
            replace(USERS, vectors=v, attention=a, similarity="inner-product"), TARGET, OTHERS, KEPT
        )["total"],
        USERS.vectors,
        USERS.attention,
    ),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_gradient_is_that_of_finite_differences(name):
    function, *inputs = GRADIENTS[name]
    assert gradcheck(function, [x.clone().requires_grad_() for x in inputs], fast_mode=True)


def test_no_gradient_is_checked_at_a_corner():
    for others in (NEGATIVE, BETWEEN):
        assert ((0.4 - POSITIVE[..., None] + others).abs() > 1e-3).all()  # of the triplet
    assert ((1 - POSITIVE - 0.05).abs() > 1e-3).all()  # of the floor
