"""The training loop: it learns, repeats itself to the bit, keeps the best step, and stops well."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mtmi_lite import losses, training
from mtmi_lite.datasets import planted_interests
from mtmi_lite.interactions import Split, evaluation_cases, split_users
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MTMI, MostPopular
from mtmi_lite.training import Run, TrainingSettings, train

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
    return MTMI(num_items=split.log.num_items, num_towers=num_towers, dim=8, num_steps=10, seed=seed)


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
    monkeypatch.setattr(
        training, "evaluate", lambda *_, **__: SimpleNamespace(recall=lambda num: np.array([next(values)]))
    )


# ---- it learns


def test_training_beats_the_most_popular_items(split):
    run = run_on(split, steps=300, batch_size=64, num_negatives=40, learning_rate=1e-2, validate_every=100)
    cases = evaluation_cases(split.log, split.test, num_steps=10)
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
    cases = evaluation_cases(split.log, split.validation, num_steps=10)
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
    batch, targets = training.TrainingSamples(split.log, split.train, num_steps=10).draw(16, generator)
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
