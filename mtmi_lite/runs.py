"""What a training is told, what it leaves, and how both are kept on disk: without pickle, whole or not at all."""

import copy
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from mtmi_lite.files import read_arrays, save_arrays
from mtmi_lite.interactions import Features
from mtmi_lite.losses import OBJECTIVES, Objective
from mtmi_lite.models import MTMI
from mtmi_lite.towers import TOWERS

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How to train; the defaults are the paper's where it gives one.

    Args:
        steps: how many batches.
        batch_size: samples a step.
        num_negatives: items drawn at each step, shared by its samples.
        popularity: an item is drawn as a negative with a probability that grows with its count among the training
            users to this power; 0 draws uniformly, 1 in proportion.
        correct_frequency: tell the objective how likely each item was to be drawn; for softmaxes.
        learning_rate: of Adam.
        sparse: update only the rows of the table that a batch touched (`SparseAdam`). A step then costs the same
            however large the table; but a row's momentum stands still while it is not touched, where Adam would let
            it move the row on, so the result is not the same.
        validate_every: steps between two looks at recall@50 of the validation users; the best one is kept.
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
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "num_negatives", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; it must be at least 1")
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
    """What training leaves: the model as it was at its best validation step, and how it got there.

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
            **_settings_of(self.model, self.objective, self.settings, self.data),
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
    about = json.loads(str(arrays["about"]))
    weights = {name.removeprefix("model/"): torch.from_numpy(arrays[name]) for name in arrays if name[:6] == "model/"}
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
    """The state of a training: all that the next step depends on, in memory and, with a folder, on disk.

    The folder holds `state.npz` and the best step, `best-STEP.npz`, which the state names: it is written before the
    state and an old one deleted after it, so that the two agree whenever the process may be killed.
    """

    def __init__(self, folder, model, optimizers, generator, objective, settings, split) -> None:
        self.folder = None if folder is None else Path(folder)
        self.model, self.optimizers, self.generator = model, optimizers, generator
        self.step, self.best_step, self.seconds = 0, 0, 0.0
        self.curve: list[dict[str, float]] = []
        self.looks: list[tuple[int, float]] = []
        self.best: dict[str, Tensor] = {}
        if self.folder is not None:
            users = hashlib.sha256(b"|".join([split.train.tobytes(), split.validation.tobytes()]))
            told = {**_settings_of(model, objective, settings, split.log.checksum), "split": users.hexdigest()[:16]}
            self.settings = json.loads(json.dumps(told))
            if (self.folder / "state.npz").exists():
                self._load()

    def look(self, step: int, recall: float, *, seconds: float) -> None:
        """Note the validation users' recall at a step, keep the model if it is the best so far, and save."""
        best = all(recall > earlier for _, earlier in self.looks)
        self.looks.append((step, recall))
        self.step, self.seconds = step, seconds
        if best:
            self.best_step = step
            if self.folder is None:
                self.best = copy.deepcopy(self.model.state_dict())
            else:
                save_arrays(self._best_file(), _numpy(self.model.state_dict()))
        if self.folder is not None:
            self._save()

    def restore_best(self) -> None:
        """Give the model its best step's weights; there is no going on after it."""
        for optimizer in self.optimizers:
            optimizer.state.clear()  # it is twice as large as the model
        if self.folder is not None:
            arrays = read_arrays(self._best_file(), "the best step of a training", "item_tower.table.weight")
            self.best = {name: torch.from_numpy(array) for name, array in arrays.items()}
        self.model.load_state_dict(self.best)

    def _file(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / name

    def _best_file(self) -> Path:
        return self._file(f"best-{self.best_step}.npz")

    def _save(self) -> None:
        about = {"settings": self.settings, "best_step": self.best_step, "seconds": self.seconds}
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
        for old in self._best_file().parent.glob("best-*.npz"):
            if old != self._best_file():
                old.unlink()

    def _load(self) -> None:
        arrays = read_arrays(self._file("state.npz"), "the state of a training", "looks")
        about = json.loads(str(arrays["about"]))
        for part, ours in self.settings.items():
            if (theirs := about["settings"].get(part)) != ours:
                raise ValueError(
                    f"checkpoint: {self.folder} holds a training with another {part}, {theirs}, and "
                    f"this one has {ours}; give another folder, or delete that one"
                )
        self.best_step, self.seconds = about["best_step"], about["seconds"]
        self.looks = [(int(step), recall) for step, recall in arrays["looks"].tolist()]
        self.step = self.looks[-1][0]
        self.curve = [dict(zip(arrays["terms"].tolist(), row, strict=True)) for row in arrays["curve"].tolist()]
        self.generator.set_state(torch.from_numpy(arrays["generator"]))
        self.model.load_state_dict(
            {name.removeprefix("model/"): torch.from_numpy(a) for name, a in arrays.items() if name[:6] == "model/"}
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


def _settings_of(model: MTMI, objective: Objective, settings: TrainingSettings, data: str) -> dict:
    """What tells one training from another, as plain values."""
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
