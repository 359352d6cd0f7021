"""Training settings, results and checkpoints, and their files: without pickle, whole or not at all."""

import copy
import hashlib
import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from tqdm.auto import tqdm

from mtmi_lite.files import package_versions, read_arrays, refusing, save_arrays
from mtmi_lite.interactions import Features, Split, evaluation_cases
from mtmi_lite.losses import OBJECTIVES, Objective
from mtmi_lite.metrics import evaluate, list_length
from mtmi_lite.models import MTMI
from mtmi_lite.towers import TOWERS

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Training settings; the defaults are the paper's where it gives one.

    Args:
        steps: how many batches.
        batch_size: samples per step.
        num_negatives: items drawn at each step, shared by its samples.
        popularity: an item is drawn as a negative with a probability that grows with its count among the training
            users to this power; 0 draws uniformly, 1 in proportion.
        correct_frequency: tell the objective how likely each item was to be drawn; for softmaxes.
        learning_rate: of Adam.
        sparse: update only the rows of the table that a batch touched (`SparseAdam`). A step then costs the same
            however large the table; but a row's momentum stands still while it is not touched, where Adam would let
            it move the row on, so the result is not the same.
        validate_every: steps between two looks at recall@50 of the validation users; the best one is kept.
        patience: stop early after so many looks without a better one; None goes on to the last step.
        seed: of the samples and negatives.
        device: where the model computes, such as "cpu" or "cuda".

    Raises:
        ValueError: naming the setting that is out of range.
    """

    steps: int = 2500
    batch_size: int = 128
    num_negatives: int = 120
    popularity: float = 0.0
    correct_frequency: bool = False
    learning_rate: float = 1e-3
    sparse: bool = False
    validate_every: int = 250
    patience: int | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "num_negatives", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; it must be at least 1")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience: {self.patience} is out of range; it must be at least 1, or None to go on")
        if not 0 <= self.popularity < np.inf:
            raise ValueError(f"popularity: {self.popularity} is out of range; it must be a number from 0 upward")
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate: {self.learning_rate} is out of range; it must be above 0")
        try:
            torch.zeros(1, device=self.device).item()
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"device: {self.device!r} cannot be used here; 'cpu' always can ({error})") from error


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """The result of a training: the model as it was at its best validation step, and how it got there.

    Args:
        curve: the mean of each named term at every step.
        validation_steps, validation_recall: recall@50 of the validation users, before training and then at each look.
        interrupted: True if it was stopped before its last step.
        data: the checksum of the log.
        versions: of the packages that made it.
    """

    model: MTMI
    objective: Objective
    settings: TrainingSettings
    curve: dict[str, Float[Array, " step"]]
    validation_steps: Int64[Array, " look"]
    validation_recall: Float[Array, " look"]
    best_step: int
    interrupted: bool
    seconds: float
    data: str
    versions: dict[str, str]

    def save(self, path: Path | str) -> None:
        """Write the run to one `.npz` file of numbers and text; `load_run` reads it back."""
        about = {
            **settings_of(self.model, self.objective, self.settings, self.data),
            **{name: getattr(self, name) for name in ("best_step", "interrupted", "seconds", "versions")},
        }
        arrays = {
            "about": np.array(json.dumps(about)),
            "validation_steps": self.validation_steps,
            "validation_recall": self.validation_recall,
            **{f"curve/{name}": values for name, values in self.curve.items()},
            **{f"model/{name}": value for name, value in _numpy(self.model.state_dict()).items()},
        }
        save_arrays(path, arrays)


def load_run(path: Path | str) -> Run:
    """Read a run that `Run.save` wrote; its model lives on the CPU.

    Raises:
        ValueError: if the file is cut short or not a run.
    """
    arrays = read_arrays(path, "a saved run", "validation_steps")
    with refusing(path, "a saved run"):
        about = json.loads(str(arrays["about"]))
        weights = {name[6:]: torch.from_numpy(array) for name, array in arrays.items() if name[:6] == "model/"}
        sizes, features = about["model"], {}
        if "item_tower.feature_ids" in weights:  # the last row is that of padded slots
            names = np.arange(len(weights["item_tower.features.weight"]))
            features["item_features"] = Features(ids=weights["item_tower.feature_ids"][:-1].numpy(), names=names)
        if "profile.weight" in weights:
            names = np.arange(len(weights["profile.weight"]))
            features["user_features"] = Features(ids=np.zeros((0, 1), dtype=np.int64), names=names)
        model = MTMI(**{**sizes, "tower": {tower.__name__: tower for tower in TOWERS}[sizes["tower"]]}, **features)
        model.load_state_dict(weights)
        objectives = {objective.__name__: objective for objective in OBJECTIVES}
        return Run(
            model=model,
            objective=objectives[about["objective"].pop("name")](**about["objective"]),
            settings=TrainingSettings(**{**about["settings"], "device": "cpu"}),
            curve={name.removeprefix("curve/"): arrays[name] for name in arrays if name.startswith("curve/")},
            validation_steps=arrays["validation_steps"],
            validation_recall=arrays["validation_recall"],
            **{name: about[name] for name in ("best_step", "interrupted", "seconds", "data", "versions")},
        )


class Checkpoint:
    """Everything in a training but the steps: validating, keeping the best step, and resuming.

    All that the next step depends on is in memory and, with a folder, on disk: `state.npz`, and the best step in
    `best-STEP.npz`, which the state names. That is written before the state, and an old one deleted after it, so that
    the two agree whenever the process may be killed. Ctrl-C may come at any moment: what is best changes last, and in
    one assignment.

    Args:
        folder: where to keep the state; None keeps it in memory only.
        progress: show a progress bar.

    Raises:
        ValueError: if the folder holds another training, or lacks its best step.
    """

    def __init__(
        self,
        folder: Path | str | None,
        model: MTMI,
        objective: Objective,
        optimizers: list[torch.optim.Optimizer],
        generator: torch.Generator,
        split: Split,
        settings: TrainingSettings,
        *,
        progress: bool = False,
    ) -> None:
        self.folder = None if folder is None else Path(folder)
        self.model, self.objective, self.optimizers, self.generator = model, objective, optimizers, generator
        self.split, self.settings, self.progress = split, settings, progress
        self.cases = evaluation_cases(split.log, split.validation, history_length=model.history_length)
        self.step, self.seconds, self.interrupted = 0, 0.0, False
        self.curve: list[dict[str, float]] = []
        self.looks: list[tuple[int, float]] = []
        self.best: tuple[int, dict[str, Tensor]] | None = None  # its step, and the weights unless they are on disk
        if self.folder is not None:
            users = hashlib.sha256(b"|".join([split.train.tobytes(), split.validation.tobytes()]))
            told = {**settings_of(model, objective, settings, split.log.checksum), "split": users.hexdigest()[:16]}
            self.told = json.loads(json.dumps(told))
            if self._file("state.npz").exists():
                self._load()
        self.started = time.perf_counter() - self.seconds
        self.bar = None

    def steps(self) -> Iterator[int]:
        """The numbers of the steps that are left, the first look before them."""
        if not self.looks:
            self._look(0)
        first, last = self.step + 1, self.settings.steps
        self.bar = tqdm(
            range(first, last + 1),
            initial=self.step,
            total=last,
            disable=not self.progress,
            desc="training",
            unit="step",
        )
        try:
            for step in self.bar:
                if self.out_of_patience:
                    break
                yield step
        finally:
            self.bar.close()

    @property
    def out_of_patience(self) -> bool:
        """Whether too many looks have gone by since the best one."""
        patience, best_step = self.settings.patience, self.best[0] if self.best else 0
        return patience is not None and sum(step > best_step for step, _ in self.looks) >= patience

    def note(self, step: int, terms: dict[str, Tensor]) -> None:
        """Keep the mean of each term of a step.

        Raises:
            FloatingPointError: naming the first that is not a finite number.
        """
        means = {name: float(term.detach().mean()) for name, term in terms.items()}
        for name, value in means.items():
            if not np.isfinite(value):
                raise FloatingPointError(
                    f"{name}: {value} at step {step}; the loss must be a finite number. Lower learning_rate, alpha or "
                    "hardness, or raise temperature or floor"
                )
        self.curve.append(means)

    def look(self, step: int) -> None:
        """Look at the validation users, where it is time to."""
        if step % self.settings.validate_every == 0 or step == self.settings.steps:
            self._look(step)
            if self.bar is not None:
                self.bar.set_postfix({"recall@50": f"{self.looks[-1][1]:.3f}"})

    def _look(self, step: int) -> None:
        recall = float(evaluate(self.model, self.cases).recall(list_length(self.model.num_items)).mean())
        looks, best = [*self.looks, (step, recall)], self.best
        if all(recall > earlier for _, earlier in self.looks):
            best = step, {}
            if self.folder is None:
                best = step, copy.deepcopy(self.model.state_dict())
            else:
                save_arrays(self._best_file(step), _numpy(self.model.state_dict()))
        self.looks, self.best, self.step = looks, best, step
        self.seconds = time.perf_counter() - self.started
        if self.folder is not None:
            self._save()

    def run(self) -> Run:
        """The training's result, its model as it was at the best step; there is no going on after it."""
        for optimizer in self.optimizers:
            optimizer.state.clear()  # it is twice as large as the model
        best_step = 0
        if self.best is not None:  # else it was stopped in its first look
            best_step, weights = self.best
            if self.folder is not None:
                path = self._best_file(best_step)
                arrays = read_arrays(path, "the best step of a training", "item_tower.table.weight")
                weights = {name: torch.from_numpy(array) for name, array in arrays.items()}
            self.model.load_state_dict(weights)
        if best_step == 0 and self.step > 0:
            warnings.warn(
                "no look at the validation users found more than the untrained model, so that is what you get (with "
                f"recall {self.looks[0][1]:.3f}); lower learning_rate, or train for more steps",
                stacklevel=3,
            )
        looks = np.array(self.looks).reshape(-1, 2)
        return Run(
            model=self.model,
            objective=self.objective,
            settings=self.settings,
            curve={name: np.array([means[name] for means in self.curve]) for name in (self.curve or [{}])[0]},
            validation_steps=looks[:, 0].astype(np.int64),
            validation_recall=looks[:, 1],
            best_step=best_step,
            interrupted=self.interrupted,
            seconds=time.perf_counter() - self.started,
            data=self.split.log.checksum,
            versions=package_versions(),
        )

    def _file(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / name

    def _best_file(self, step: int) -> Path:
        return self._file(f"best-{step}.npz")

    def _save(self) -> None:
        assert self.best is not None
        about = {"settings": self.told, "best_step": self.best[0], "seconds": self.seconds}
        arrays = {
            **{f"model/{name}": array for name, array in _numpy(self.model.state_dict()).items()},
            "generator": self.generator.get_state().numpy(),
            "looks": np.array(self.looks),
            "terms": np.array(list(self.curve[0]) if self.curve else [], dtype=np.str_),
            "curve": np.array([list(means.values()) for means in self.curve]),
        }
        for index, optimizer in enumerate(self.optimizers):
            for parameter, state in optimizer.state_dict()["state"].items():
                arrays |= {f"optimizer/{index}/{parameter}/{name}": value for name, value in _numpy(state).items()}
        save_arrays(self._file("state.npz"), {"about": np.array(json.dumps(about)), **arrays})
        self._delete_old()

    def _delete_old(self) -> None:
        assert self.best is not None
        best = self._best_file(self.best[0])
        for old in best.parent.glob("best-*.npz"):
            if old != best:
                old.unlink(missing_ok=True)

    def _load(self) -> None:
        arrays = read_arrays(self._file("state.npz"), "the state of a training", "looks")
        with refusing(self._file("state.npz"), "the state of a training"):
            about = json.loads(str(arrays["about"]))
            told, self.seconds, best_step = about["settings"], about["seconds"], about["best_step"]
        for part, ours in self.told.items():
            if (theirs := told.get(part)) != ours:
                raise ValueError(
                    f"checkpoint: {self.folder} holds a training with another {part}, {theirs}, and "
                    f"this one has {ours}; give another folder, or delete that one"
                )
        self.best = best_step, {}
        if not self._best_file(best_step).exists():
            raise ValueError(
                f"checkpoint: {self._best_file(best_step)} is missing, the best step of the training that "
                f"{self.folder} holds; delete the folder, and train again"
            )
        self.looks = [(int(step), recall) for step, recall in arrays["looks"].tolist()]
        self.step = self.looks[-1][0]
        self.curve = [dict(zip(arrays["terms"].tolist(), row, strict=True)) for row in arrays["curve"].tolist()]
        self.generator.set_state(torch.from_numpy(arrays["generator"]))
        self.model.load_state_dict(
            {name[6:]: torch.from_numpy(array) for name, array in arrays.items() if name[:6] == "model/"}
        )
        for index, optimizer in enumerate(self.optimizers):
            state = optimizer.state_dict()
            for name, array in arrays.items():
                if name.startswith(f"optimizer/{index}/"):
                    _, _, parameter, field = name.split("/")
                    value = array.item() if array.dtype == np.int64 else torch.from_numpy(array)
                    state["state"].setdefault(int(parameter), {})[field] = value
            optimizer.load_state_dict(state)
        self._delete_old()  # of a look that was killed before it came to that


def settings_of(model: MTMI, objective: Objective, settings: TrainingSettings, data: str) -> dict:
    """The settings that tell one training from another, as plain values."""
    if not isinstance(model, MTMI) or not isinstance(objective, OBJECTIVES):
        raise TypeError(
            f"model, objective: {type(model).__name__} and {type(objective).__name__} can be trained but not saved; "
            f"that takes an MTMI and one of {', '.join(known.__name__ for known in OBJECTIVES)}"
        )
    features = (model.item_tower.features, model.profile)
    return {
        "model": model.sizes,
        "features": [0 if table is None else len(table.weight) for table in features],
        "objective": {"name": type(objective).__name__, **asdict(objective)},
        "settings": asdict(settings),
        "data": data,
    }


def _numpy(state: dict) -> dict[str, Array]:
    return {
        name: value.cpu().numpy() if isinstance(value, Tensor) else np.asarray(value) for name, value in state.items()
    }
