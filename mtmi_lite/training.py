"""One visible training loop: a model, an objective and a split in, a `Run` out."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from mtmi_lite.interactions import Negatives, Split, TrainingSamples
from mtmi_lite.losses import Objective
from mtmi_lite.models import MTMI
from mtmi_lite.runs import Checkpoint, Run, TrainingSettings


def train(
    model: MTMI,
    objective: Objective,
    split: Split,
    settings: TrainingSettings,
    *,
    progress: bool = True,
    on_step: Callable[[int], None] | None = None,
    checkpoint: Path | str | None = None,
) -> Run:
    """Train a model by Adam and leave it as it was when the validation users' recall@50 was highest.

    In a log of 50 items or fewer, that recall is 1 whatever the model, and recall among half of the items counts.
    Stopping the cell (KeyboardInterrupt) ends training early and returns the best step so far. Two runs with the same
    seeds on one machine with one thread are equal to the bit, and so is one that was killed and taken up again.

    Args:
        progress: show a progress bar.
        on_step: called with the number of steps done after each; raise KeyboardInterrupt in it to stop.
        checkpoint: a folder to keep the state of the training in, written at every look at the validation users. Where
            it holds one already, training goes on from there. The best step is kept there too, and not in memory.

    Warns:
        UserWarning: if no step was better than the start, so that the model is left untrained.

    Raises:
        FloatingPointError: naming the first term that is not a finite number, and the step.
        ValueError: if the checkpoint is that of another training.
    """
    if model.num_items != split.log.num_items:
        raise ValueError(
            f"model: it has {model.num_items} items and the log has {split.log.num_items}; "
            f"make it with num_items={split.log.num_items}"
        )
    model.to(settings.device)
    generator = torch.Generator().manual_seed(settings.seed)  # on the CPU: the same draws on every device
    samples = TrainingSamples(split.log, split.train, history_length=model.history_length)
    candidates = Negatives(split.log, split.train, popularity=settings.popularity)
    optimizers = make_optimizers(model, settings)
    kept = Checkpoint(checkpoint, model, objective, optimizers, generator, split, settings, progress=progress)
    try:
        for step in kept.steps():
            batch, targets = samples.draw(settings.batch_size, generator)
            negatives = candidates.draw(settings.num_negatives, generator)
            mask, log_odds = negatives != targets[:, None], None
            if settings.correct_frequency:
                log_odds = candidates.log_probability[targets, None] - candidates.log_probability[negatives]
                log_odds = log_odds.to(settings.device)
            # one look into the table for both: each look costs a gradient as large as the table
            target, negative = model.items(torch.cat([targets, negatives])).split([len(targets), len(negatives)])
            terms = objective(model.users(batch), target, negative, mask.to(settings.device), log_odds)
            kept.note(step, terms)
            model.zero_grad()
            terms["total"].backward()
            for optimizer in optimizers:
                optimizer.step()
            kept.look(step)
            if on_step is not None:
                on_step(step)
    except KeyboardInterrupt:
        kept.interrupted = True
    return kept.run()


def make_optimizers(model: nn.Module, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """Adam for all parameters; or SparseAdam for the embedding tables and Adam for the rest."""
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    for table in tables:
        table.sparse = settings.sparse
    rows = {table.weight for table in tables} if settings.sparse else set()
    rest = [parameter for parameter in model.parameters() if parameter not in rows]
    # one pass over all numbers, and the same result; on Apple's GPU, older versions of torch cannot
    fused = not settings.device.startswith("mps")
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(rest, lr=settings.learning_rate, fused=fused)]
    if rows:
        optimizers.append(torch.optim.SparseAdam(list(rows), lr=settings.learning_rate))
    return optimizers
