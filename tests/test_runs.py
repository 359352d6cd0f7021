"""Runs and checkpoints: kept without pickle, equal to the bit when read back, and taken up again after a kill."""

import itertools
import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmi_lite import files, runs
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.files import save_arrays
from mtmi_lite.interactions import Split, evaluation_cases, features_of, split_users
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MTMI, warm_items
from mtmi_lite.runs import Run, TrainingSettings, load_run
from mtmi_lite.towers import TOWERS, AttentionFusion, InterestRouting, SharedAttention
from mtmi_lite.training import train

SETTINGS = TrainingSettings(steps=12, batch_size=16, num_negatives=10, learning_rate=3e-2, validate_every=4)
STATE = "state.npz"
WORLD = dict(num_interests=12, items_per_interest=8, num_users=120, interests_per_user=2, min_length=10, max_length=20)


def some_split() -> Split:
    """120 users with two of twelve interests; items are known by their interest, users by their first one."""
    world = planted_interests(**WORLD)
    log = replace(
        world.log,
        item_features=features_of([[f"interest {i}"] for i in world.item_interest]),
        user_features=features_of([[f"first {own[0]}"] for own in world.user_interests]),
    )
    return split_users(log, seed=0)


def model_for(split: Split, *, features: bool = False, **settings) -> MTMI:
    log = split.log
    known = dict(item_features=log.item_features, user_features=log.user_features)
    known["warm_items"] = warm_items(log, split.train)
    sizes = dict(num_items=log.num_items, num_towers=2, dim=8, history_length=10)
    return MTMI(**{**sizes, **(known if features else {}), **settings})


def run_on(split, *, objective=None, settings=SETTINGS, checkpoint=None, on_step=None, features=False, **model) -> Run:
    return train(
        model_for(split, features=features, **model),
        objective or MultiTowerLoss(),
        split,
        settings,
        progress=False,
        on_step=on_step,
        checkpoint=checkpoint,
    )


@pytest.fixture(scope="module")
def split() -> Split:
    return some_split()


@pytest.fixture(autouse=True)
def _one_thread():
    """What is equal to the bit is so with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def same_run(one: Run, two: Run) -> None:
    """Equal to the bit: weights, curve, looks. How long it took may differ."""
    state, other = one.model.state_dict(), two.model.state_dict()
    assert list(state) == list(other)
    for name, value in state.items():
        assert value.dtype == other[name].dtype
        assert torch.equal(value, other[name]), name
    assert list(one.curve) == list(two.curve)
    for name, values in one.curve.items():
        np.testing.assert_array_equal(values, two.curve[name])
    np.testing.assert_array_equal(one.validation_steps, two.validation_steps)
    np.testing.assert_array_equal(one.validation_recall, two.validation_recall)
    for field in ("objective", "settings", "best_step", "interrupted", "data", "versions"):
        assert getattr(one, field) == getattr(two, field), field


# ---- a run comes back from its file


@pytest.mark.parametrize("features", [False, True])
@pytest.mark.parametrize("tower", TOWERS)
def test_a_run_comes_back_to_the_bit(split, tmp_path, tower, features):
    run = run_on(split, tower=tower, similarity="inner-product", features=features)
    run.save(tmp_path / "run.npz")
    found = load_run(tmp_path / "run.npz")
    same_run(run, found)
    assert found.seconds == run.seconds
    assert found.model.sizes == run.model.sizes
    assert found.model.similarity == "inner-product"
    cases = evaluation_cases(split.log, split.test, history_length=10)
    users, ids = run.model.users(cases.batch), torch.arange(split.log.num_items)
    assert torch.equal(found.model.users(cases.batch).vectors, users.vectors)
    assert torch.equal(found.model.items(ids), run.model.items(ids))
    one, two = (evaluate(model, cases, num=20).ranking.items for model in (run.model, found.model))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    "objective",
    [
        MultiTowerLoss(pull="triplet", share="raw", through_weight=True, alpha=1 / 3, beta=0.1, margin=0.2, floor=0.1),
        MultiTowerLoss(share="nearest", temperature=1.0, beta=0.0, hardness=1.5, routing=10.0),
        LabelAwareSoftmax(sharpness=2 / 3, temperature=0.7),
    ],
    ids=["triplet", "remi", "label-aware"],
)
def test_a_run_keeps_its_objective_and_settings(split, tmp_path, objective):
    settings = replace(SETTINGS, steps=2, popularity=0.75, correct_frequency=True, sparse=True, seed=5)
    run = run_on(split, objective=objective, settings=settings)
    run.save(tmp_path / "run.npz")
    found = load_run(tmp_path / "run.npz")
    same_run(run, found)
    assert type(found.objective) is type(objective)
    assert found.settings == settings


def test_a_run_says_what_it_was_made_of(split, tmp_path):
    run = run_on(split, settings=replace(SETTINGS, steps=1))
    assert run.data == split.log.checksum
    assert {"python", "torch", "numpy", "faiss-cpu", "mtmi-lite"} <= set(run.versions)
    run.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz", allow_pickle=False) as arrays:
        assert not any(arrays[name].dtype.hasobject for name in arrays)


def test_a_run_from_elsewhere_is_read_onto_the_cpu(split, tmp_path):
    run = run_on(split, settings=replace(SETTINGS, steps=1))
    object.__setattr__(run.settings, "device", "cuda")  # as if it had been trained there
    run.save(tmp_path / "run.npz")
    found = load_run(tmp_path / "run.npz")
    assert found.settings.device == "cpu"
    assert found.model.table.weight.device.type == "cpu"


def test_an_interrupted_run_comes_back_as_one(split, tmp_path):
    def stop(step: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    run = run_on(split, on_step=stop)
    run.save(tmp_path / "run.npz")
    assert load_run(tmp_path / "run.npz").interrupted
    same_run(run, load_run(tmp_path / "run.npz"))


class OwnObjective:
    def __call__(self, users, target, negatives, mask, log_odds=None):
        return {"total": users.vectors.square().sum()}


def test_an_objective_of_ones_own_trains_but_is_refused_by_name_when_it_is_to_be_saved(split, tmp_path):
    run = run_on(split, objective=OwnObjective(), settings=replace(SETTINGS, steps=1))
    for act in (
        lambda: run.save(tmp_path / "run.npz"),
        lambda: run_on(split, objective=OwnObjective(), checkpoint=tmp_path / "kept"),
    ):
        with pytest.raises(TypeError, match=r"^model, objective: MTMI and OwnObjective .* MultiTowerLoss, LabelAware"):
            act()
    assert not (tmp_path / "run.npz").exists()


# ---- bad files


def a_pickle(path: Path) -> None:
    np.save(path.open("wb"), np.array([{"about": 1}], dtype=object), allow_pickle=True)


WHAT_TO_DO = r"\(.*\); delete it and make it again"
BAD_FILES = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "its last bytes lost": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "empty": lambda path: path.write_bytes(b""),
    "a text": lambda path: path.write_text("user,item,time\n1,2,3\n"),
    "a single array": lambda path: np.save(path.open("wb"), np.arange(3)),
    "a pickle": a_pickle,
}


@pytest.mark.parametrize("spoil", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_not_whole_or_not_ours_says_so_and_what_to_do(split, tmp_path, spoil):
    path = tmp_path / "run.npz"
    run_on(split, settings=replace(SETTINGS, steps=1)).save(path)
    spoil(path)
    with pytest.raises(ValueError, match=rf"run\.npz: cut short, or not a saved run {WHAT_TO_DO}"):
        load_run(path)


def test_a_changed_byte_is_noticed(split, tmp_path):
    path = tmp_path / "run.npz"
    run_on(split, settings=replace(SETTINGS, steps=1)).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"run\.npz: cut short, or not a saved run {WHAT_TO_DO}"):
        load_run(path)


def test_arrays_of_something_else_are_not_a_run(split, tmp_path):
    save_arrays(tmp_path / "grid.npz", {"about": np.array("{}"), "curve": np.arange(3)})
    with pytest.raises(ValueError, match=r"grid\.npz: this is not a saved run; give "):
        load_run(tmp_path / "grid.npz")
    run_on(split, settings=replace(SETTINGS, steps=1), checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"state\.npz: this is not a saved run"):
        load_run(tmp_path / STATE)


@pytest.mark.parametrize(
    "change",
    [
        {"about": np.array("{")},
        {"about": np.array("{}")},
        {"about": np.array("[1, 2]")},
        {"about": np.array(7)},
        {"model/item_tower.table.weight": np.zeros((2, 2), dtype=np.float32)},
        {"model/item_tower.table.weight": np.array("many")},
        {"validation_steps": np.zeros((0,)), "model/else": np.zeros(1)},
    ],
    ids=["not JSON", "empty", "a list", "a number", "another shape", "a text", "one more weight"],
)
def test_a_file_of_ours_with_other_content_is_not_a_run(split, tmp_path, change):
    path = tmp_path / "run.npz"
    run_on(split, settings=replace(SETTINGS, steps=1)).save(path)
    with np.load(path) as file:
        save_arrays(path, {**file, **change})
    with pytest.raises(ValueError, match=rf"run\.npz: cut short, or not a saved run {WHAT_TO_DO}") as refused:
        load_run(path)
    assert len(str(refused.value)) < 500


def test_a_checkpoint_without_its_best_step_is_refused_at_once(split, tmp_path):
    run_on(split, settings=replace(SETTINGS, steps=1), checkpoint=tmp_path)
    for best in tmp_path.glob("best-*.npz"):
        best.unlink()
    with pytest.raises(ValueError, match=r"checkpoint: .*best-\d\.npz is missing, .*; delete the folder, and train"):
        run_on(split, settings=replace(SETTINGS, steps=1), checkpoint=tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        load_run(tmp_path / "none.npz")


# ---- a training that was killed is taken up again

KINDS = {
    "dense": dict(),
    "sparse": dict(settings=replace(SETTINGS, sparse=True)),
    "features": dict(features=True, settings=replace(SETTINGS, popularity=0.5, correct_frequency=True)),
    "mind": dict(tower=InterestRouting, similarity="inner-product", objective=LabelAwareSoftmax()),
    "remi": dict(tower=SharedAttention, objective=MultiTowerLoss(share="nearest", hardness=1.0, routing=1.0)),
}


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def train_and_die(folder: Path, kind: str, at_step: int | None, at_write: tuple[str, int] | None) -> None:
    """In a process of its own: train, and die after a step, or before, within or after the n-th write of a file."""
    torch.set_num_threads(1)
    if at_write is not None:
        moment, number = at_write
        writes, move, pack = itertools.count(1), os.replace, np.savez

        def replace_and_die(source, target):
            last = next(writes) == number
            if last and moment == "before":
                kill()
            move(source, target)
            if last and moment == "after":
                kill()

        def write_half_and_die(file, **arrays):
            if next(writes) == number:
                file.write(bytes(100_000))
                kill()
            pack(file, **arrays)

        if moment == "within":
            files.np.savez = write_half_and_die
        else:
            files.os.replace = replace_and_die
    run_on(some_split(), checkpoint=folder, on_step=lambda step: kill() if step == at_step else None, **KINDS[kind])


def killed(folder: Path, kind: str = "dense", *, at_step=None, at_write=None) -> None:
    # the server has loaded what takes long and run nothing, so its children start at once
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["mtmi_lite.training", "mtmi_lite.data.datasets", "pytest", "faiss", "torch._dynamo"]
    )
    process = context.Process(target=train_and_die, args=(folder, kind, at_step, at_write))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_killed_between_two_looks_ends_as_if_nothing_had_been(split, tmp_path, kind):
    killed(tmp_path, kind, at_step=10)
    resumed_at = []
    resumed = run_on(split, checkpoint=tmp_path, on_step=resumed_at.append, **KINDS[kind])
    assert resumed_at == [9, 10, 11, 12]  # from the look at step 8
    same_run(resumed, run_on(split, **KINDS[kind]))


@pytest.mark.parametrize("moment", ["before", "within", "after"])
def test_a_training_killed_at_any_write_ends_as_if_nothing_had_been(split, tmp_path, moment):
    """Each look writes the best step, where it is the best, and then the state; each of these writes is hit."""
    whole = run_on(split)
    looks = whole.validation_recall.tolist()
    bests = sum(recall > max(looks[:i], default=-1) for i, recall in enumerate(looks))
    assert bests > 2
    for number in range(1, len(looks) + bests + 1):
        folder = tmp_path / str(number)
        killed(folder, at_write=(moment, number))
        same_run(run_on(split, checkpoint=folder), whole)
        assert sorted(path.name for path in folder.glob("*.npz")) == [f"best-{whole.best_step}.npz", STATE]


def test_a_training_may_be_killed_more_than_once(split, tmp_path):
    for step in (2, 6, 7, 11):
        killed(tmp_path, at_step=step)
    same_run(run_on(split, checkpoint=tmp_path), run_on(split))


def test_a_training_that_was_stopped_by_hand_is_taken_up_as_well(split, tmp_path):
    def stop(step: int) -> None:
        if step == 6:
            raise KeyboardInterrupt

    stopped = run_on(split, checkpoint=tmp_path, on_step=stop)
    assert stopped.interrupted
    same_run(run_on(split, checkpoint=tmp_path), run_on(split))


def test_a_finished_training_is_read_and_not_done_again(split, tmp_path):
    steps = []
    first = run_on(split, checkpoint=tmp_path)
    again = run_on(split, checkpoint=tmp_path, on_step=steps.append)
    same_run(again, first)
    assert steps == []


def test_a_checkpoint_changes_nothing_of_the_training(split, tmp_path):
    same_run(run_on(split, checkpoint=tmp_path / "new" / "folder"), run_on(split))


def test_a_checkpoint_adds_up_the_time(split, tmp_path, monkeypatch):
    killed(tmp_path, at_step=10)
    with np.load(tmp_path / STATE, allow_pickle=False) as arrays:
        before = runs.json.loads(str(arrays["about"]))["seconds"]
    assert run_on(split, checkpoint=tmp_path).seconds > before > 0


# ---- a checkpoint of another training

OTHERS = {
    "settings": dict(settings=replace(SETTINGS, seed=1)),
    "objective": dict(objective=MultiTowerLoss(alpha=2.0)),
    "another objective": dict(objective=LabelAwareSoftmax()),
    "model": dict(num_towers=3),
    "another model": dict(tower=SharedAttention),
    "features": dict(features=True),
}


@pytest.fixture(scope="module")
def checkpoint(split, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    run_on(split, checkpoint=folder)
    return folder


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_training_is_refused_by_name(split, checkpoint, name):
    before = {path: path.read_bytes() for path in checkpoint.iterdir()}
    part = name.removeprefix("another ")
    with pytest.raises(
        ValueError, match=rf"^checkpoint: .* another {part}, .*; give another folder, or delete that one"
    ):
        run_on(split, checkpoint=checkpoint, **OTHERS[name])
    assert before == {path: path.read_bytes() for path in checkpoint.iterdir()}


def test_a_checkpoint_of_another_log_or_of_other_users_is_refused_by_name(split, checkpoint):
    other = planted_interests(
        num_interests=12,
        items_per_interest=8,
        num_users=120,
        interests_per_user=2,
        min_length=10,
        max_length=20,
        seed=1,
    )
    with pytest.raises(ValueError, match=rf"another data, {split.log.checksum}, and this one has {other.log.checksum}"):
        run_on(split_users(other.log, seed=0), checkpoint=checkpoint)
    with pytest.raises(ValueError, match="another split"):
        run_on(split_users(split.log, seed=0, fold=1), checkpoint=checkpoint)


@pytest.mark.parametrize("spoil", BAD_FILES.values(), ids=BAD_FILES)
def test_a_checkpoint_that_is_not_whole_says_so(split, tmp_path, spoil):
    run_on(split, checkpoint=tmp_path, settings=replace(SETTINGS, steps=1))
    spoil(tmp_path / STATE)
    with pytest.raises(ValueError, match=rf"state\.npz: cut short, or not the state of a training {WHAT_TO_DO}"):
        run_on(split, checkpoint=tmp_path, settings=replace(SETTINGS, steps=1))


def test_arrays_of_something_else_are_not_a_checkpoint(split, tmp_path):
    save_arrays(tmp_path / STATE, {"numbers": np.arange(3)})
    with pytest.raises(ValueError, match=r"state\.npz: this is not the state of a training; give "):
        run_on(split, checkpoint=tmp_path)


def test_the_default_tower_is_told_by_its_name(split):
    assert model_for(split).sizes["tower"] == AttentionFusion.__name__
