"""The training loop: it learns, repeats itself to the bit, keeps the best step, and stops well."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.fx.experimental import _config as fx_config

from mtmi_lite import losses, runs, training
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import (
    Interactions,
    Negatives,
    Split,
    batch_of,
    evaluation_cases,
    features_of,
    item_counts,
    split_users,
)
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MTMI, MostPopular, warm_items
from mtmi_lite.runs import Run, TrainingSettings, load_run
from mtmi_lite.towers import GRU, TOWERS, MeanPooling
from mtmi_lite.training import train

NOBODY = np.array([], dtype=np.int64)
TERMS = ["share", "pull", "repel", "total"]


@pytest.fixture(scope="module")
def split() -> Split:
    """300 users with two of twelve interests."""
    world = planted_interests(
        num_interests=12, items_per_interest=10, num_users=300, interests_per_user=2, min_length=10, max_length=20
    )
    return split_users(world.log, seed=0)


def model_for(split: Split, *, num_towers: int = 2, seed: int = 0) -> MTMI:
    return MTMI(num_items=split.log.num_items, num_towers=num_towers, dim=8, history_length=10, seed=seed)


def run_on(split: Split, *, model_seed: int = 0, on_step=None, objective=None, **settings) -> Run:
    defaults = {"steps": 12, "batch_size": 16, "num_negatives": 10, "learning_rate": 3e-3, "validate_every": 4}
    return train(
        model_for(split, seed=model_seed),
        objective or MultiTowerLoss(),
        split,
        TrainingSettings(**{**defaults, **settings}),
        progress=False,
        on_step=on_step,
    )


def same_state(a: dict, b: dict) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def scripted_recalls(monkeypatch, *recalls: float) -> None:
    """Let the looks at the validation users give these numbers."""
    values = iter(recalls)
    monkeypatch.setattr(runs, "evaluate", lambda *_, **__: SimpleNamespace(recall=lambda num: np.array([next(values)])))


# ---- it learns


def test_training_beats_the_most_popular_items(split):
    run = run_on(split, steps=300, batch_size=64, num_negatives=40, learning_rate=1e-2, validate_every=100)
    cases = evaluation_cases(split.log, split.test, history_length=10)
    popular = evaluate(MostPopular(split.log, split.train), cases, num=20).recall(20).mean()
    untrained = evaluate(model_for(split), cases, num=20).recall(20).mean()
    trained = evaluate(run.model, cases, num=20).recall(20).mean()
    assert trained > 2 * max(popular, untrained)
    assert run.curve["pull"][-50:].mean() < 0.8 * run.curve["pull"][:50].mean()
    assert run.best_step > 0


# ---- it repeats itself


def test_two_runs_with_one_seed_are_equal_to_the_bit(split):
    one, two = run_on(split), run_on(split)
    assert same_state(one.model.state_dict(), two.model.state_dict())
    for name, values in one.curve.items():
        np.testing.assert_array_equal(values, two.curve[name])
    np.testing.assert_array_equal(one.validation_recall, two.validation_recall)


@pytest.mark.parametrize("other", [{"seed": 1}, {"model_seed": 1}])
def test_another_seed_gives_another_run(split, other):
    assert not np.array_equal(run_on(split).curve["total"], run_on(split, **other).curve["total"])


def test_the_seed_of_training_does_not_touch_the_global_one(split):
    torch.manual_seed(3)
    run_on(split, steps=1)
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(1))


# ---- it keeps the best step


@pytest.mark.parametrize(
    ("recalls", "best_step"),
    [
        ((0.1, 0.3, 0.2, 0.25), 4),
        ((0.1, 0.2, 0.3, 0.3), 8),  # the first of equals
        ((0.1, 0.2, 0.3, 0.4), 12),
        ((0.4, 0.1, 0.2, 0.3), 0),
    ],
)
def test_the_model_is_left_as_it_was_at_the_best_look(split, monkeypatch, recalls, best_step):
    scripted_recalls(monkeypatch, *recalls)
    model = model_for(split)
    states = {0: copy.deepcopy(model.state_dict())}

    def keep(step: int) -> None:
        states[step] = copy.deepcopy(model.state_dict())

    settings = TrainingSettings(steps=12, batch_size=16, num_negatives=10, validate_every=4)
    run = train(model, MultiTowerLoss(), split, settings, progress=False, on_step=keep)
    assert run.model is model
    assert run.best_step == best_step
    assert run.validation_steps.tolist() == [0, 4, 8, 12]
    assert run.validation_recall.tolist() == list(recalls)
    assert same_state(model.state_dict(), states[best_step])
    assert sum(same_state(model.state_dict(), state) for state in states.values()) == 1


def test_the_best_look_is_the_recall_at_50_that_the_model_left_has(split):
    run = run_on(split, steps=30, learning_rate=1e-2)
    cases = evaluation_cases(split.log, split.validation, history_length=10)
    again = evaluate(run.model, cases).recall(50).mean()
    assert again == run.validation_recall.max() == run.validation_recall[run.validation_steps == run.best_step]


@pytest.mark.parametrize(("steps", "looks"), [(12, [0, 4, 8, 12]), (10, [0, 4, 8, 10]), (3, [0, 3])])
def test_the_last_step_is_looked_at_as_well(split, steps, looks):
    assert run_on(split, steps=steps).validation_steps.tolist() == looks


# ---- what it tells


def test_the_curve_has_every_named_term_at_every_step(split):
    seen = []
    run = run_on(split, on_step=seen.append)
    assert seen == list(range(1, 13))
    assert list(run.curve) == TERMS
    assert all(values.shape == (12,) and np.isfinite(values).all() for values in run.curve.values())
    np.testing.assert_allclose(run.curve["share"], 1, rtol=1e-5)  # the mean of shares that sum to the towers
    assert len(set(run.curve["total"].tolist())) == 12
    assert not run.interrupted
    assert run.seconds > 0


def test_the_first_step_of_the_curve_is_the_untrained_models_loss(split):
    """And so the terms are those before the step, of the samples that the seed draws."""
    generator = torch.Generator().manual_seed(7)
    model = model_for(split)
    batch, targets = training.TrainingSamples(split.log, split.train, history_length=10).draw(16, generator)
    negatives = torch.randint(model.num_items, (10,), generator=generator)
    kept = negatives != targets[:, None]
    terms = MultiTowerLoss()(model.users(batch), model.items(targets), model.items(negatives), kept)
    run = run_on(split, steps=1, seed=7)
    assert {name: values[0] for name, values in run.curve.items()} == pytest.approx(
        {name: term.mean().item() for name, term in terms.items()}
    )


def test_a_negative_that_is_the_target_is_masked_for_its_sample(split, monkeypatch):
    seen = []
    call = MultiTowerLoss.__call__

    def spy(self, users, target, negatives, mask, log_odds):
        equal = (target[:, None] == negatives).all(dim=-1)
        seen.append((equal, mask))
        return call(self, users, target, negatives, mask, log_odds)

    monkeypatch.setattr(MultiTowerLoss, "__call__", spy)
    run_on(split, batch_size=64, num_negatives=60)
    assert all(torch.equal(equal, ~mask) for equal, mask in seen)
    assert any(equal.any() for equal, _ in seen)


@pytest.mark.parametrize("progress", [True, False])
def test_the_progress_bar_can_be_left_out(split, capsys, progress):
    settings = TrainingSettings(steps=2, batch_size=4, num_negatives=4)
    train(model_for(split), MultiTowerLoss(), split, settings, progress=progress)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert ("training" in printed.err) == progress


# ---- any objective goes with any model

OBJECTIVES = {
    **{
        f"{pull}, {share}": MultiTowerLoss(pull=pull, share=share)
        for pull in ("triplet", "infonce")
        for share in ("normalised", "raw", "nearest", "smallest", "equal")
    },
    "through the weight": MultiTowerLoss(through_weight=True),
    "comirec": MultiTowerLoss(share="nearest", temperature=1.0, beta=0.0),
    "remi": MultiTowerLoss(share="nearest", temperature=1.0, beta=0.0, hardness=1.0, routing=100.0),
    "mind": LabelAwareSoftmax(),
}


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("tower", TOWERS)
def test_every_tower_trains_with_every_objective(split, tower, objective):
    for similarity in ("cosine", "inner-product"):
        model = MTMI(
            num_items=split.log.num_items, num_towers=3, dim=8, history_length=10, tower=tower, similarity=similarity
        )
        before, states = copy.deepcopy(model.state_dict()), []
        settings = TrainingSettings(steps=2, batch_size=16, num_negatives=10, learning_rate=1e-2)

        def act(model=model, states=states, settings=settings):
            def keep(step: int) -> None:
                states.append(copy.deepcopy(model.state_dict()))

            return train(model, objective, split, settings, progress=False, on_step=keep)

        batch = batch_of([[0]], num_items=model.num_items, history_length=10)
        if getattr(objective, "routing", 0) and model.users(batch).attention is None:
            with pytest.raises(ValueError, match=r"^routing: 100\.0 needs a model with attention; set it to 0"):
                act()
            continue
        run = act()
        assert "total" in run.curve
        assert all(values.shape == (2,) and np.isfinite(values).all() for values in run.curve.values())
        assert all(not torch.equal(states[1][name], before[name]) for name, _ in model.named_parameters())


# ---- negatives


@pytest.fixture(scope="module")
def skewed() -> Split:
    """Item r is bought in proportion to 1 / (r + 1), but items 0, 3, …, 15 by nobody but test users."""
    rng = np.random.default_rng(0)
    num_users, length, num_items = 60, 30, 16
    weights = 1 / np.arange(1, num_items + 1)
    items = rng.choice(num_items, size=num_users * length, p=weights / weights.sum())
    log = Interactions(
        items=items,
        times=np.tile(np.arange(length), num_users),
        offsets=np.arange(num_users + 1) * length,
        user_labels=np.arange(num_users),
        item_names=np.arange(num_items),
    )
    parts = split_users(log, seed=0)
    items[(items % 3 == 0) & ~np.isin(log.users, parts.test)] = 1
    return Split(log=replace(log, items=items), train=parts.train, validation=parts.validation, test=parts.test)


@pytest.mark.parametrize("popularity", [0.5, 0.75, 1.0, 2.0])
def test_popularity_draws_follow_the_counts_to_their_power(skewed, popularity):
    counts = item_counts(skewed.log, skewed.train)
    assert (counts == 0).tolist() == [item % 3 == 0 for item in range(16)]
    assert (item_counts(skewed.log, np.arange(60))[::3] > 0).all()  # what test users buy is not counted
    negatives = Negatives(skewed.log, skewed.train, popularity=popularity)
    drawn = np.bincount(negatives.draw(50_000, torch.Generator().manual_seed(0)).numpy(), minlength=16)
    expected = counts**popularity / (counts**popularity).sum()
    np.testing.assert_allclose(negatives.log_probability.exp().numpy(), expected, rtol=1e-5)
    assert (drawn[counts == 0] == 0).all()
    bought = counts > 0
    assert chisquare(drawn[bought], 50_000 * expected[bought]).pvalue > 0.01
    other = counts ** (popularity * 0.9) / (counts ** (popularity * 0.9)).sum()
    assert chisquare(drawn[bought], 50_000 * other[bought]).pvalue < 1e-3  # so the test would notice


def test_an_item_that_nobody_bought_is_never_drawn_wherever_the_point_falls(skewed):
    """At the very edges of an item's part of the line as well: the first item, an empty one, the last."""
    negatives = Negatives(skewed.log, skewed.train, popularity=1.0)
    counts, edges = item_counts(skewed.log, skewed.train), negatives.cumulative / negatives.cumulative[-1]

    class Points:
        """In place of torch.rand: the edges themselves, and the largest number under 1."""

        points = torch.cat([torch.zeros(1, dtype=torch.float64), edges[edges < 1], torch.tensor([1 - 2**-53]).double()])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.torch, "rand", lambda *_, **__: Points.points)
        drawn = negatives.draw(len(Points.points), torch.Generator())
    assert (counts[drawn.numpy()] > 0).all()


def test_uniform_draws_are_those_of_randint_and_all_items_alike(skewed):
    negatives = Negatives(skewed.log, skewed.train, popularity=0.0)
    one, two = (torch.Generator().manual_seed(4) for _ in range(2))
    assert torch.equal(negatives.draw(100, one), torch.randint(16, (100,), generator=two))
    torch.testing.assert_close(negatives.log_probability.exp(), torch.full((16,), 1 / 16))


@pytest.mark.parametrize("correct", [True, False])
def test_the_objective_is_told_how_likely_each_item_was_only_where_that_is_asked_for(skewed, monkeypatch, correct):
    seen, call = [], LabelAwareSoftmax.__call__
    log_probability = Negatives(skewed.log, skewed.train, popularity=1.0).log_probability
    drawn = []
    draw = Negatives.draw
    monkeypatch.setattr(Negatives, "draw", lambda self, *args: drawn.append(draw(self, *args)) or drawn[-1])
    sample = training.TrainingSamples.draw
    targets = []

    def spy_on_samples(self, *args):
        batch, target = sample(self, *args)
        targets.append(target)
        return batch, target

    def spy(self, users, target, negatives, mask, log_odds):
        seen.append(log_odds)
        return call(self, users, target, negatives, mask, log_odds)

    monkeypatch.setattr(training.TrainingSamples, "draw", spy_on_samples)
    monkeypatch.setattr(LabelAwareSoftmax, "__call__", spy)
    run_on(skewed, objective=LabelAwareSoftmax(), steps=3, popularity=1.0, correct_frequency=correct)
    if not correct:
        assert seen == [None] * 3
        return
    for log_odds, target, negatives in zip(seen, targets, drawn, strict=True):
        torch.testing.assert_close(log_odds, log_probability[target][:, None] - log_probability[negatives][None])
    assert all(odds.isfinite().all() for odds in seen)


# ---- sparse updates


def tables_of(
    split: Split, model: MTMI, *, sparse: bool, steps: int, num_negatives: int, batch_size: int = 16, on_step=id
) -> list:
    """The items after each step, the untrained ones first."""
    with torch.no_grad():
        tables = [model.items(torch.arange(model.num_items))]
    settings = TrainingSettings(
        steps=steps, batch_size=batch_size, num_negatives=num_negatives, learning_rate=1e-2, sparse=sparse
    )

    def keep(step: int) -> None:
        with torch.no_grad():
            tables.append(model.items(torch.arange(model.num_items)))
        on_step(step)

    train(model, MultiTowerLoss(), split, settings, progress=False, on_step=keep)
    return tables


def test_sparse_updates_are_those_of_adam_where_every_row_is_touched():
    world = planted_interests(num_interests=2, items_per_interest=4, num_users=40, interests_per_user=1, max_length=25)
    split = split_users(world.log, seed=0)
    dense, sparse = (
        tables_of(split, model_for(split), sparse=sparse, steps=20, num_negatives=200) for sparse in (False, True)
    )
    for one, two in zip(dense, sparse, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
    assert (dense[-1] - dense[0]).abs().min() > 1e-3


def test_a_row_that_a_step_does_not_touch_stands_still_with_sparse_updates_and_not_with_adam(split):
    """Item 0 among them, whose id stands in every padded slot."""
    for sparse in (True, False):
        model, reads, steps = model_for(split), [], []
        users, items = model.users, model.items

        def spy_on_users(batch, users=users, reads=reads):
            if torch.is_grad_enabled():
                reads.append((batch.history[batch.mask], not batch.mask.all()))
            return users(batch)

        def spy_on_items(ids, items=items, reads=reads):
            if torch.is_grad_enabled():
                reads.append((ids, False))
            return items(ids)

        def next_step(step, reads=reads, steps=steps):
            steps.append((torch.cat([ids for ids, _ in reads]), any(padding for _, padding in reads)))
            reads.clear()

        model.users, model.items = spy_on_users, spy_on_items
        tables = tables_of(split, model, sparse=sparse, steps=40, num_negatives=5, batch_size=4, on_step=next_step)
        ever, momentum = torch.zeros(split.log.num_items, dtype=torch.bool), 0
        for (ids, padding), before, after in zip(steps, tables[:-1], tables[1:], strict=True):
            now = torch.zeros_like(ever)
            now[ids] = True
            moved = (before != after).any(dim=1)
            if sparse:
                assert not moved[~now].any()
            else:
                assert torch.equal(moved, now | ever)
            momentum += int((ever & ~now)[0] and padding)  # item 0 would move by its momentum
            ever |= now
        assert momentum > 0


def test_sparse_updates_learn_as_well(split):
    settings = dict(steps=150, batch_size=64, num_negatives=40, learning_rate=1e-2, validate_every=150)
    dense, sparse = run_on(split, **settings), run_on(split, **settings, sparse=True)
    gain = sparse.validation_recall - dense.validation_recall[0]
    assert gain[-1] > 0.5 * (dense.validation_recall[-1] - dense.validation_recall[0]) > 0.1


# ---- devices


@pytest.mark.parametrize("device", ["nowhere", "cuda:99", "meta"])
def test_a_device_that_cannot_be_used_is_named(device):
    with pytest.raises(ValueError, match=rf"^device: '{device}' cannot be used here; 'cpu' always can"):
        TrainingSettings(device=device)


@pytest.mark.skipif(
    not hasattr(fx_config, "meta_nonzero_assume_all_nonzero"), reason="older versions of torch cannot do shapes alone"
)
@pytest.mark.parametrize("objective", [MultiTowerLoss(hardness=1.0), LabelAwareSoftmax()], ids=["mtmi", "label-aware"])
@pytest.mark.parametrize("tower", [tower for tower in TOWERS if tower is not GRU])
def test_all_of_a_model_moves_to_a_device(split, tower, objective):
    """To the device "meta", which computes shapes alone, and refuses a tensor that was left on the CPU.

    The GRU counts who has begun at each step, and there is nothing to count there.
    """
    log = replace(
        split.log,
        item_features=features_of([["odd"] if item % 2 else [] for item in range(split.log.num_items)]),
        user_features=features_of([["user"]] * split.log.num_users),
    )
    model = MTMI(
        num_items=log.num_items,
        dim=8,
        history_length=10,
        tower=tower,
        item_features=log.item_features,
        user_features=log.user_features,
        warm_items=warm_items(log, split.train),
    ).to("meta")
    samples = training.TrainingSamples(log, split.train, history_length=10)
    batch, targets = samples.draw(4, torch.Generator().manual_seed(0))
    kept = torch.ones(4, 3, dtype=torch.bool, device="meta")
    with fx_config.patch(meta_nonzero_assume_all_nonzero=True):  # for shapes, every slot may hold an item
        users = model.users(batch)
    target, negatives = model.items(targets), model.items(torch.tensor([1, 2, 3]))
    terms = objective(users, target, negatives, kept, kept.float())
    for tensor in (users.vectors, users.mask, target, negatives, *terms.values()):
        assert tensor.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("sparse", [True, False])
def test_training_on_cuda_draws_the_same_samples_and_comes_near_the_cpu(split, tmp_path, sparse):
    settings = dict(steps=8, popularity=0.75, correct_frequency=True, sparse=sparse)
    run, on_cpu = run_on(split, **settings, device="cuda"), run_on(split, **settings)
    assert run.model.table.weight.device.type == "cuda"
    np.testing.assert_allclose(run.curve["total"], on_cpu.curve["total"], rtol=1e-3)
    run.save(tmp_path / "run.npz")
    found = load_run(tmp_path / "run.npz").model.table.weight
    assert torch.equal(found, run.model.table.weight.cpu())


# ---- features of items, and profiles


def test_features_of_items_find_what_training_users_never_had():
    """Two of the ten items of each interest are cold; an item's feature is its interest."""
    world = planted_interests(num_interests=20, num_users=300, items_per_interest=10, interests_per_user=2)
    cold = np.arange(200) % 10 < 2
    parts = split_users(world.log, seed=0)
    keep = ~cold[world.log.items] | np.isin(world.log.users, parts.test)
    log = Interactions(
        items=world.log.items[keep],
        times=world.log.times[keep],
        offsets=np.concatenate([[0], np.cumsum(np.bincount(world.log.users[keep]))]),
        user_labels=world.log.user_labels,
        item_names=world.log.item_names,
        item_features=features_of([[str(name)] for name in world.interest_names[world.item_interest]]),
    )
    split = Split(log=log, train=parts.train, validation=parts.validation, test=parts.test)
    warm = warm_items(log, split.train)
    assert warm.tolist() == (~cold).tolist()
    cases = evaluation_cases(log, split.test, history_length=10)
    wanted = cold[cases.relevant].sum()
    assert wanted > 30

    def cold_recall(**features) -> float:
        model = MTMI(num_items=200, num_towers=2, dim=16, history_length=10, **features)
        settings = TrainingSettings(steps=250, batch_size=64, num_negatives=60, learning_rate=1e-2)
        run = train(model, MultiTowerLoss(), split, settings, progress=False)
        evaluation = evaluate(run.model, cases, num=20)
        return (evaluation.hits & cold[evaluation.ranking.items]).sum() / wanted

    assert cold_recall(item_features=log.item_features, warm_items=warm) > 0.7
    assert cold_recall() < 0.4  # 20 of 200 items at random find 0.1


def profile_world() -> Split:
    """Three common items tell that an item of the user's group comes next, and only the profile tells the group."""
    num_users, num_groups, length = 200, 20, 25
    rng = np.random.default_rng(0)
    group = rng.integers(num_groups, size=num_users)
    items = rng.integers(20, size=(num_users, length))
    special = np.arange(length) % 4 == 0
    items[:, special] = 20 + 3 * group[:, None] + rng.integers(3, size=(num_users, special.sum()))
    log = Interactions(
        items=items.flatten(),
        times=np.tile(np.arange(length), num_users),
        offsets=np.arange(num_users + 1) * length,
        user_labels=np.arange(num_users),
        item_names=np.arange(20 + 3 * num_groups),
        user_features=features_of([[f"group {g}"] for g in group]),
    )
    return split_users(log, seed=0)


def test_a_profile_tells_what_the_history_does_not():
    split = profile_world()
    cases = evaluation_cases(split.log, split.test, history_length=3)
    assert (cases.batch.history < 20).all()

    def found(**features) -> float:
        """How often one of the first three items is one of the group that the user will have."""
        model = MTMI(num_items=80, num_towers=1, dim=16, history_length=3, tower=MeanPooling, **features)
        settings = TrainingSettings(steps=300, batch_size=64, num_negatives=40, learning_rate=1e-2)
        run = train(model, MultiTowerLoss(), split, settings, progress=False)
        evaluation = evaluate(run.model, cases, num=10)
        return (evaluation.hits & (evaluation.ranking.items >= 20))[:, :3].any(axis=1).mean()

    assert found(user_features=split.log.user_features) > 0.8
    assert found() < 0.4


def test_features_that_a_model_was_not_given_change_nothing_to_the_bit(split):
    log = replace(
        split.log,
        item_features=features_of([["a"]] * split.log.num_items),
        user_features=features_of([["b"]] * split.log.num_users),
    )
    with_features = Split(log=log, train=split.train, validation=split.validation, test=split.test)
    one, two = run_on(split), run_on(with_features)
    assert same_state(one.model.state_dict(), two.model.state_dict())
    assert one.model.state_dict().keys() == two.model.state_dict().keys()


@pytest.mark.parametrize(
    ("patience", "recalls", "best_step", "steps"),
    [
        (1, (0.1, 0.3, 0.2), 4, 8),
        (2, (0.1, 0.3, 0.2, 0.25), 4, 12),
        (2, (0.3, 0.1, 0.2), 0, 8),
        (2, (0.1, 0.3, 0.2, 0.4, 0.35, 0.3), 12, 20),
        (None, (0.3, *(0.1,) * 10), 0, 40),
    ],
)
def test_training_ends_when_patience_does(split, monkeypatch, patience, recalls, best_step, steps):
    scripted_recalls(monkeypatch, *recalls)
    run = run_on(split, steps=40, patience=patience)
    assert run.best_step == best_step
    assert len(run.curve["total"]) == run.validation_steps[-1] == steps
    assert not run.interrupted


# ---- it stops well


def stop_at(last: int):
    def stop(step: int) -> None:
        if step == last:
            raise KeyboardInterrupt

    return stop


def test_stopping_returns_the_best_step_so_far(split, monkeypatch):
    scripted_recalls(monkeypatch, 0.1, 0.3, 0.2)
    model, states = model_for(split), {}

    def keep_and_stop(step: int) -> None:
        states[step] = copy.deepcopy(model.state_dict())
        stop_at(10)(step)

    settings = TrainingSettings(steps=100, batch_size=16, num_negatives=10, validate_every=4)
    run = train(model, MultiTowerLoss(), split, settings, progress=False, on_step=keep_and_stop)
    assert run.interrupted
    assert run.best_step == 4
    assert run.validation_steps.tolist() == [0, 4, 8]
    assert same_state(run.model.state_dict(), states[4])
    assert all(values.shape == (10,) for values in run.curve.values())


def test_stopping_before_the_first_look_returns_the_untrained_model(split):
    run = run_on(split, on_step=stop_at(2))
    assert run.interrupted
    assert run.best_step == 0
    assert same_state(run.model.state_dict(), model_for(split).state_dict())


def test_stopping_in_the_first_look_returns_the_untrained_model(split, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "evaluate", interrupted)
    run = run_on(split)
    assert run.interrupted
    assert (run.best_step, len(run.validation_steps), run.curve) == (0, 0, {})
    assert same_state(run.model.state_dict(), model_for(split).state_dict())


@pytest.mark.parametrize("folder", [None, "kept"])
def test_stopping_while_the_best_step_is_kept_returns_the_one_before(split, tmp_path, monkeypatch, folder):
    """The untrained model is kept, then that of step 4; the copy of step 8 is stopped halfway."""
    scripted_recalls(monkeypatch, 0.1, 0.2, 0.3)
    module, name = (runs.copy, "deepcopy") if folder is None else (runs, "save_arrays")
    keep, model, states = getattr(module, name), model_for(split), {}

    def stopped(*arguments: object) -> object:
        if 7 in states and (folder is None or "best-8" in str(arguments[0])):
            raise KeyboardInterrupt
        return keep(*arguments)

    def note(step: int) -> None:
        states[step] = {name: value.clone() for name, value in model.state_dict().items()}

    monkeypatch.setattr(module, name, stopped)
    settings = TrainingSettings(steps=12, batch_size=16, num_negatives=10, validate_every=4)
    where = None if folder is None else tmp_path / folder
    run = train(model, MultiTowerLoss(), split, settings, progress=False, on_step=note, checkpoint=where)
    assert run.interrupted
    assert run.best_step == 4
    assert run.validation_steps.tolist() == [0, 4]
    assert same_state(run.model.state_dict(), states[4])


def test_on_apples_gpu_adam_is_not_fused(split):
    settings = TrainingSettings()
    object.__setattr__(settings, "device", "mps")  # which is refused where there is none
    [adam] = training.make_optimizers(model_for(split), settings)
    assert not adam.defaults["fused"]


def test_any_other_error_in_on_step_is_not_swallowed(split):
    def fail(step: int) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        run_on(split, on_step=fail)


@pytest.mark.parametrize(
    ("function", "term"), [("share_by_distance", "share"), ("info_nce", "pull"), ("repel", "repel")]
)
def test_a_term_that_is_no_number_stops_training_by_name(split, monkeypatch, function, term):
    original, calls = getattr(losses, function), []

    def breaks_at_the_third_call(*args, **settings):
        calls.append(1)
        return original(*args, **settings) * (torch.nan if len(calls) == 3 else 1)

    monkeypatch.setattr(losses, function, breaks_at_the_third_call)
    with pytest.raises(FloatingPointError, match=f"^{term}: nan at step 3; .* finite .* Lower"):
        run_on(split)


def test_a_loss_that_is_no_number_leaves_the_model_finite(split, monkeypatch):
    monkeypatch.setattr(losses, "repel", lambda positive, *_, **__: positive * torch.nan)
    model = model_for(split)
    with pytest.raises(FloatingPointError):
        train(model, MultiTowerLoss(), split, TrainingSettings(), progress=False)
    assert all(parameter.isfinite().all() for parameter in model.parameters())


# ---- bad splits


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_part_without_users_is_refused(split, part):
    parts = {"train": split.train, "validation": split.validation, "test": split.test, part: NOBODY}
    with pytest.raises(ValueError, match=r"^users: there is none"):
        run_on(Split(log=split.log, **parts))


def test_no_test_user_is_looked_at(split):
    without = Split(log=split.log, train=split.train, validation=split.validation, test=NOBODY)
    assert same_state(run_on(split).model.state_dict(), run_on(without).model.state_dict())


def test_a_log_with_fewer_than_fifty_items_can_be_trained_on():
    world = planted_interests(num_interests=4, items_per_interest=5, num_users=40, interests_per_user=2)
    assert run_on(split_users(world.log, seed=0)).best_step >= 0
