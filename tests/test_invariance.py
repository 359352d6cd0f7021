"""What must change nothing: rubbish where nothing is read, padding, the order of towers and users, lengths of vectors.

Random users, over all towers and both similarities, with and without features and profiles.
"""

import copy
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmi_lite.interactions import Batch, Features, evaluation_cases, from_columns
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss
from mtmi_lite.metrics import evaluate, pairwise_cosine
from mtmi_lite.models import MTMI
from mtmi_lite.retrieval import index_items, merge, search_towers
from mtmi_lite.towers import TOWERS, InterestRouting, Users

NUM_ITEMS, STEPS, DIM = 23, 9, 6
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
quickly = settings(max_examples=6, deadline=None, derandomize=True)
everywhere = pytest.mark.parametrize("similarity", ["cosine", "inner-product"])
each_tower = pytest.mark.parametrize("tower", TOWERS)


@dataclass(frozen=True)
class World:
    """A model, some users, their targets and negatives."""

    model: MTMI
    batch: Batch
    targets: torch.Tensor
    negatives: torch.Tensor

    @property
    def kept(self) -> torch.Tensor:
        return self.negatives != self.targets[:, None]

    def ask(self, objective, users: Users) -> dict[str, torch.Tensor]:
        return objective(users, self.model.items(self.targets), self.model.items(self.negatives), self.kept)


def world(tower, similarity, *, seed: int, features: bool, num_towers: int = 3, num_users: int = 5) -> World:
    generator = torch.Generator().manual_seed(seed)

    def draw(most: int, *shape: int) -> torch.Tensor:
        return torch.randint(most, shape, generator=generator)

    def some_features(rows: int) -> Features:
        ids = torch.stack([draw(5, rows), draw(6, rows) - 1], dim=1)  # one or two; without one a cold item would be 0
        return Features(ids=ids.numpy(), names=np.arange(5))

    known = {}
    if features:
        warm = draw(4, NUM_ITEMS) > 0
        known = dict(item_features=some_features(NUM_ITEMS), user_features=some_features(num_users), warm_items=warm)
    model = MTMI(
        num_items=NUM_ITEMS,
        num_towers=num_towers,
        dim=DIM,
        history_length=STEPS,
        tower=tower,
        similarity=similarity,
        seed=seed,
        **known,
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "bias" in name or "place" in name or name == "profile_weight":  # they start at 0
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    mask = torch.arange(STEPS) >= STEPS - 1 - draw(STEPS, num_users)[:, None]
    batch = Batch(
        history=draw(NUM_ITEMS, num_users, STEPS) * mask,
        mask=mask,
        profile=torch.from_numpy(known["user_features"].ids) if features else None,
    )
    return World(model=model, batch=batch, targets=draw(NUM_ITEMS, num_users), negatives=draw(NUM_ITEMS, 7))


def objectives(users: Users) -> list:
    """One with each part at least; the routing regulariser where there is an attention."""
    routing = 0.0 if users.attention is None else 10.0
    return [
        MultiTowerLoss(pull="triplet", share="raw", through_weight=True, alpha=2.0, routing=routing),
        MultiTowerLoss(share="normalised", temperature=0.5),
        MultiTowerLoss(share="nearest", temperature=1.0, hardness=1.0, routing=routing),
        MultiTowerLoss(share="smallest", temperature=0.5),
        MultiTowerLoss(share="equal", pull="triplet"),
        LabelAwareSoftmax(temperature=0.5),
    ]


def gradients(model: MTMI) -> dict[str, torch.Tensor]:
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    return found


def equal(one: dict, two: dict) -> None:
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert (value is None) == (two[name] is None), name
        assert value is None or torch.equal(value, two[name]), name


def close(one: Users, two: Users) -> None:
    """The vectors of towers that are there; what an absent one holds is nobody's business."""
    assert torch.equal(one.mask, two.mask)
    torch.testing.assert_close(one.vectors[one.mask], two.vectors[two.mask], **CLOSE)


def listed(model: MTMI, users: Users) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lists = search_towers(index_items(model), users, 5)
    return lists.items, lists.scores, merge(lists, 10).items


# ---- rubbish, to the bit


@each_tower
@everywhere
@quickly
@given(seed=st.integers(0, 10**6), features=st.booleans())
def test_what_a_padded_slot_holds_changes_no_term_and_no_gradient(tower, similarity, seed, features):
    here = world(tower, similarity, seed=seed, features=features)
    rubbish = torch.randint(NUM_ITEMS, here.batch.history.shape, generator=torch.Generator().manual_seed(seed + 1))
    rubbish[:, 0] = -7  # not even an item
    dirty = replace(here.batch, history=torch.where(here.batch.mask, here.batch.history, rubbish))
    for objective in objectives(here.model.users(here.batch)):
        found = []
        for batch in (here.batch, dirty):
            users = here.model.users(batch)
            terms = here.ask(objective, users)
            terms["total"].backward()
            seen = {"vectors": users.vectors, "mask": users.mask, "attention": users.attention, **terms}
            found.append({**seen, **gradients(here.model)})
        equal(*found)
        assert all(value is None or value.isfinite().all() for value in found[0].values())


@each_tower
@everywhere
@quickly
@given(seed=st.integers(0, 10**6), rubbish=st.sampled_from([torch.nan, torch.inf, -torch.inf, 1e30]))
def test_what_an_absent_tower_holds_changes_no_term_gradient_or_list(tower, similarity, seed, rubbish):
    here = world(tower, similarity, seed=seed, features=False)
    given_users = here.model.users(here.batch)
    # other towers are absent than those that the model leaves out, so that each tower is tried
    mask = torch.rand(given_users.mask.shape, generator=torch.Generator().manual_seed(seed)) < 0.6
    mask[torch.arange(len(mask)), torch.arange(len(mask)) % 3] = True
    absent = ~mask[..., None]
    attention = given_users.attention
    for objective in objectives(given_users):
        found = []
        for fill in (0.0, rubbish):
            vectors = given_users.vectors.detach().masked_fill(absent, fill).requires_grad_()
            looks = None if attention is None else attention.detach().masked_fill(absent, fill).requires_grad_()
            terms = here.ask(objective, replace(given_users, vectors=vectors, mask=mask, attention=looks))
            terms["total"].backward()
            found.append({**terms, "grad": vectors.grad, "looks": None if looks is None else looks.grad})
            found[-1].update(gradients(here.model))
        equal(*found)
        assert (found[1]["grad"][~mask] == 0).all()
        assert found[1]["grad"].isfinite().all()

    clean, dirty = (
        replace(given_users, vectors=given_users.vectors.detach().masked_fill(absent, fill), mask=mask)
        for fill in (0.0, rubbish)
    )
    for one, two in zip(listed(here.model, clean), listed(here.model, dirty), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(pairwise_cosine(clean), pairwise_cosine(dirty))


class Rubbish:
    """A model whose absent towers hold rubbish."""

    def __init__(self, model: MTMI, fill: float) -> None:
        self.model, self.fill = model, fill
        self.similarity, self.num_items = model.similarity, model.num_items

    def users(self, batch: Batch) -> Users:
        users = self.model.users(batch)
        return replace(users, vectors=users.vectors.masked_fill(~users.mask[..., None], self.fill))

    def items(self, ids):
        return self.model.items(ids)


@everywhere
def test_an_evaluation_does_not_read_absent_towers(similarity):
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(20), rng.integers(5, 14, size=20))
    log = from_columns(
        users=users,
        items=[*range(NUM_ITEMS), *rng.integers(NUM_ITEMS, size=len(users) - NUM_ITEMS)],
        times=np.arange(len(users)),
    )
    cases = evaluation_cases(log, np.arange(20), history_length=STEPS)
    model = world(InterestRouting, similarity, seed=0, features=False).model
    clean, dirty = evaluate(model, cases, num=10), evaluate(Rubbish(model, torch.nan), cases, num=10)
    assert not clean.users.mask.all()
    np.testing.assert_array_equal(clean.ranking.items, dirty.ranking.items)
    np.testing.assert_array_equal(clean.ranking.scores, dirty.ranking.scores)
    assert clean.summary() == pytest.approx(dirty.summary(), nan_ok=True)


# ---- more padding


LONGER = 4
"""How many more slots; a weight that belongs to a slot keeps its place from the right."""


def read_longer(model: MTMI) -> MTMI:
    """The same model with more slots, the newest with the same weights and the others with random ones."""
    sizes = {**model.sizes, "tower": type(model.user_towers), "history_length": STEPS + LONGER, "seed": 99}
    longer = copy.deepcopy(model)
    longer.history_length = STEPS + LONGER
    longer.user_towers = MTMI(**sizes).user_towers
    old = model.user_towers.state_dict()
    for name, value in longer.user_towers.state_dict().items():
        if value.shape == old[name].shape:
            value.copy_(old[name])
        elif name == "projection":  # it reads L · d numbers and writes L
            value[:, LONGER * DIM :, LONGER:] = old[name]
        else:
            axis = next(a for a, (one, two) in enumerate(zip(value.shape, old[name].shape, strict=True)) if one != two)
            value.narrow(axis, LONGER, STEPS).copy_(old[name])
    return longer


@each_tower
@everywhere
@quickly
@given(seed=st.integers(0, 10**6), features=st.booleans())
def test_more_padding_changes_nothing(tower, similarity, seed, features):
    here = world(tower, similarity, seed=seed, features=features)
    longer = read_longer(here.model)
    history, mask = F.pad(here.batch.history, (LONGER, 0), value=3), F.pad(here.batch.mask, (LONGER, 0), value=False)
    padded = replace(here.batch, history=history, mask=mask)
    one, two = here.model.users(here.batch), longer.users(padded)
    close(one, two)
    if one.attention is not None:
        assert (two.attention[..., :LONGER] == 0).all()
        torch.testing.assert_close(one.attention, two.attention[..., LONGER:], **CLOSE)
    for objective in (MultiTowerLoss(temperature=0.5), LabelAwareSoftmax(temperature=0.5)):
        torch.testing.assert_close(
            here.ask(objective, one)["total"], replace(here, model=longer).ask(objective, two)["total"], **CLOSE
        )


# ---- the order of towers


def permute_towers(model: MTMI, order: torch.Tensor) -> MTMI:
    """Each weight that belongs to a tower goes with it, wherever its axis is."""
    permuted = copy.deepcopy(model)
    towers, k = permuted.user_towers, len(order)
    with torch.no_grad():
        if type(towers).__name__ == "SharedAttention":
            towers.outer.copy_(towers.outer[:, order])
        elif type(towers).__name__ == "InterestRouting":
            towers.start.copy_(towers.start[order])
        elif type(towers).__name__ == "PositionRouting":
            towers.weight.copy_(towers.weight.unflatten(2, (k, DIM))[:, :, order].flatten(2))
        else:
            for parameter in towers.parameters():
                parameter.copy_(parameter[order])
        if permuted.profile is not None:
            permuted.profile_weight.copy_(permuted.profile_weight[order])
    return permuted


@each_tower
@everywhere
@quickly
@given(seed=st.integers(0, 10**6), order=st.permutations(range(3)), features=st.booleans())
def test_the_order_of_towers_changes_nothing(tower, similarity, seed, order, features):
    here = world(tower, similarity, seed=seed, features=features)
    order = torch.tensor(order)
    # full histories of distinct items: MIND has all its interests, and no towers are equal, as over a single item
    history = torch.rand(5, NUM_ITEMS, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)[:, :STEPS]
    here = replace(here, batch=replace(here.batch, history=history, mask=torch.ones_like(here.batch.mask)))
    there = replace(here, model=permute_towers(here.model, order))
    one, two = here.model.users(here.batch), there.model.users(here.batch)
    assert one.mask.all()
    torch.testing.assert_close(one.vectors[:, order], two.vectors, **CLOSE)
    if one.attention is not None:
        torch.testing.assert_close(one.attention[:, order], two.attention, **CLOSE)
    for objective in objectives(one):
        terms, permuted = here.ask(objective, one), there.ask(objective, two)
        torch.testing.assert_close(terms["total"], permuted["total"], **CLOSE)
        torch.testing.assert_close(terms["share"][:, order], permuted["share"], rtol=1e-4, atol=1e-4)


# ---- users


@each_tower
@everywhere
@quickly
@given(seed=st.integers(0, 10**6), order=st.permutations(range(5)), features=st.booleans(), cut=st.integers(1, 4))
def test_neither_the_order_of_users_nor_who_else_is_in_the_batch_changes_one(
    tower, similarity, seed, order, features, cut
):
    here = world(tower, similarity, seed=seed, features=features)
    everyone = here.model.users(here.batch)
    rows = torch.tensor(order)
    profile = here.batch.profile if here.batch.profile is None else here.batch.profile[rows]
    mixed = Batch(history=here.batch.history[rows], mask=here.batch.mask[rows], profile=profile)
    permuted = here.model.users(mixed)
    assert torch.equal(everyone.mask[rows], permuted.mask)
    torch.testing.assert_close(everyone.vectors[rows], permuted.vectors, **CLOSE)
    for objective in objectives(everyone):
        one = here.ask(objective, everyone)["total"]
        two = replace(here, targets=here.targets[rows]).ask(objective, permuted)["total"]
        torch.testing.assert_close(one, two, **CLOSE)

    parts = [here.model.users(here.batch[:cut]), here.model.users(here.batch[cut:])]
    assert torch.equal(torch.cat([part.mask for part in parts]), everyone.mask)
    torch.testing.assert_close(torch.cat([part.vectors for part in parts]), everyone.vectors, **CLOSE)


# ---- lengths under cosine


@each_tower
@quickly
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.01, 0.3, 7.0, 100.0]))
def test_under_cosine_the_lengths_of_vectors_change_nothing(tower, seed, scale):
    here = world(tower, "cosine", seed=seed, features=False)
    users = here.model.users(here.batch)
    lengths = scale * torch.rand(users.mask.shape, generator=torch.Generator().manual_seed(seed)) + 0.1
    scaled = replace(users, vectors=users.vectors * lengths[..., None])
    bigger = copy.deepcopy(here.model)
    with torch.no_grad():
        bigger.table.weight.mul_(scale)
    for objective in objectives(users):
        one, two = here.ask(objective, users), replace(here, model=bigger).ask(objective, scaled)
        torch.testing.assert_close(one["total"], two["total"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(pairwise_cosine(users), pairwise_cosine(scaled), rtol=1e-4, atol=1e-5)
    scores, scaled_scores = listed(here.model, users)[1], listed(bigger, scaled)[1]
    np.testing.assert_allclose(scores, scaled_scores, rtol=1e-4, atol=1e-5)


def test_with_inner_products_lengths_do_count():
    here = world(TOWERS[0], "inner-product", seed=0, features=False)
    users = here.model.users(here.batch)
    scaled = replace(users, vectors=3 * users.vectors)
    objective = MultiTowerLoss(temperature=0.5)
    assert (here.ask(objective, users)["total"] - here.ask(objective, scaled)["total"]).abs() > 1e-3
