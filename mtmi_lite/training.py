"""One visible training loop: a model, an objective and a split in, a `Run` out."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from tqdm.auto import tqdm

from mtmi_lite.interactions import Split, TrainingSamples, evaluation_cases
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MTMI

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How to train; the defaults are the paper's where it gives one.

    Args:
        steps: how many batches.
        batch_size: samples a step.
        num_negatives: items drawn uniformly at each step, shared by its samples.
        learning_rate: of Adam.
        validate_every: steps between two looks at recall@50 of the validation users; the best one is kept.
        seed: of the samples and negatives.

    Raises:
        ValueError: naming the setting that is out of range.
    """

    steps: int = 2500
    batch_size: int = 128
    num_negatives: int = 120
    learning_rate: float = 1e-3
    validate_every: int = 250
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "num_negatives", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; it must be at least 1")
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate: {self.learning_rate} is out of range; it must be above 0")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """What training leaves: the model as it was at its best validation step, and how it got there.

    Args:
        curve: the mean of each named term at every step.
        validation_steps, validation_recall: recall@50 of the validation users, before training and then at each look.
        interrupted: True if it was stopped before its last step.
    """

    model: MTMI
    objective: MultiTowerLoss
    settings: TrainingSettings
    curve: dict[str, Float[Array, " step"]]
    validation_steps: Int64[Array, " look"]
    validation_recall: Float[Array, " look"]
    best_step: int
    interrupted: bool
    seconds: float


def train(
    model: MTMI,
    objective: MultiTowerLoss,
    split: Split,
    settings: TrainingSettings,
    *,
    progress: bool = True,
    on_step: Callable[[int], None] | None = None,
) -> Run:
    """Train a model by Adam and leave it as it was when the validation users' recall@50 was highest.

    Stopping the cell (KeyboardInterrupt) ends training early and returns the best step so far. Two runs with the same
    seeds on one machine with one thread are equal to the bit.

    Args:
        progress: show a progress bar.
        on_step: called with the number of steps done after each; raise KeyboardInterrupt in it to stop.

    Raises:
        FloatingPointError: naming the first term that is not a finite number, and the step.
    """
    if model.num_items != split.log.num_items:
        raise ValueError(
            f"model: it has {model.num_items} items and the log has {split.log.num_items}; "
            f"make it with num_items={split.log.num_items}"
        )
    generator = torch.Generator().manual_seed(settings.seed)
    samples = TrainingSamples(split.log, split.train, num_steps=model.num_steps)
    cases = evaluation_cases(split.log, split.validation, num_steps=model.num_steps)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    curve: list[dict[str, float]] = []
    looks: list[tuple[int, float]] = []
    best = copy.deepcopy(model.state_dict())
    started, interrupted = time.perf_counter(), False

    def validate(step: int) -> None:
        nonlocal best
        num = min(50, model.num_items)
        value = float(evaluate(model, cases, num=num).recall(num).mean())
        if all(value > earlier for _, earlier in looks):
            best = copy.deepcopy(model.state_dict())
        looks.append((step, value))

    validate(0)
    steps = tqdm(range(1, settings.steps + 1), disable=not progress, desc="training", unit="step")
    try:
        for step in steps:
            batch, targets = samples.draw(settings.batch_size, generator)
            negatives = torch.randint(model.num_items, (settings.num_negatives,), generator=generator)
            terms = objective(
                model.users(batch), model.items(targets), model.items(negatives), negatives != targets[:, None]
            )
            means = {name: float(term.detach().mean()) for name, term in terms.items()}
            _refuse_nonfinite(means, step)
            curve.append(means)
            optimizer.zero_grad()
            terms["total"].backward()
            optimizer.step()
            if step % settings.validate_every == 0 or step == settings.steps:
                validate(step)
                steps.set_postfix({"recall@50": f"{looks[-1][1]:.3f}"})
            if on_step is not None:
                on_step(step)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        steps.close()

    model.load_state_dict(best)
    validation_steps, validation_recall = (np.array(column) for column in zip(*looks, strict=True))
    return Run(
        model=model,
        objective=objective,
        settings=settings,
        curve={name: np.array([means[name] for means in curve]) for name in (curve[0] if curve else {})},
        validation_steps=validation_steps,
        validation_recall=validation_recall,
        best_step=int(validation_steps[validation_recall.argmax()]),
        interrupted=interrupted,
        seconds=time.perf_counter() - started,
    )


def _refuse_nonfinite(means: dict[str, float], step: int) -> None:
    bad = [name for name, value in means.items() if not np.isfinite(value)]
    if bad:
        raise FloatingPointError(
            f"{bad[0]}: {means[bad[0]]} at step {step}; the loss must be a finite number. Lower learning_rate or "
            "alpha, or raise floor"
        )
