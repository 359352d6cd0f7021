"""Train the small runs that ship in notebooks/runs, and write the page that says what they are.

    python -m tools.make_runs

A class can start from them in the middle of the course. The page, notebooks/runs/README.md, is made from the files:
what it says of settings, versions and results is read from them or measured on them. Together they stay below
`MAX_BYTES`.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mtmi_lite.data.datasets import PlantedWorld, online_retail, planted_interests
from mtmi_lite.files import save_text
from mtmi_lite.interactions import Interactions, Split, evaluation_cases, split_users
from mtmi_lite.lab.recipes import Recipe
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import Evaluation, evaluate
from mtmi_lite.runs import Run, load_run
from mtmi_lite.towers import AttentionPooling

RUNS = Path(__file__).resolve().parent.parent / "notebooks" / "runs"
MAX_BYTES = 1_000_000
WORLD = dict(num_interests=60, items_per_interest=20, num_users=1000, seed=0)


def world() -> PlantedWorld:
    """The planted world of three of the runs: users with four of 60 interests."""
    return planted_interests(**WORLD)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run to be made.

    Args:
        log: makes the log that it is trained on.
        what: one line for the page.
    """

    log: Callable[[], Interactions]
    recipe: Recipe
    steps: int
    what: str


def _planted(*, num_towers: int = 4, alpha: float) -> Recipe:
    loss = MultiTowerLoss(alpha=alpha, beta=0.0)
    return Recipe(tower=AttentionPooling, num_towers=num_towers, dim=16, objective=loss, learning_rate=1e-2)


# The steps are as many as fit: a file holds the curve of every step.
PLANS = {
    "online_retail_four": Plan(
        log=online_retail,
        recipe=Recipe(num_towers=4, dim=32, objective=MultiTowerLoss(alpha=5.0, beta=0.3)),
        steps=2000,
        what="MTMI-basic on real purchases, as in lessons 00 and 07, with half the dimensions",
    ),
    "planted_specialists": Plan(
        log=lambda: world().log,
        recipe=_planted(alpha=5.0),
        steps=400,
        what="four towers that part by themselves, as in lesson 05 at a large α",
    ),
    "planted_copies": Plan(
        log=lambda: world().log,
        recipe=_planted(alpha=1.0),
        steps=400,
        what="the same four towers at a small α: they collapse",
    ),
    "planted_one": Plan(
        log=lambda: world().log,
        recipe=_planted(num_towers=1, alpha=0.0),
        steps=400,
        what="the same tower alone, to compare with",
    ),
}


def split_of(log: Interactions) -> Split:
    """The split that every run is trained on."""
    return split_users(log, seed=0)


def path_of(name: str) -> Path:
    return RUNS / f"{name}.npz"


def make(name: str) -> Run:
    """Train a run; what comes out is the best step on the validation users."""
    plan = PLANS[name]
    return plan.recipe.train(split_of(plan.log()), steps=plan.steps, seed=0)


def measure(name: str, run: Run) -> dict[str, Evaluation]:
    """Recall of a run on the validation and the test users of its log."""
    split = split_of(PLANS[name].log())
    parts = {"validation": split.validation, "test": split.test}
    return {part: evaluate(run.model, evaluation_cases(split.log, users)) for part, users in parts.items()}


def page(runs: dict[str, Run]) -> str:
    """The page about the runs: everything in it is read from them, or measured on them."""
    lines = [
        "# Trained runs",
        "",
        "Small runs to start from in the middle of the course: what `train` left, weights, curve and settings, in one",
        "file each. `mtmi_lite.runs.load_run` reads it, and nothing in it is unpickled. The",
        "[instructor's page](../teaching.md#start-in-the-middle) opens a lesson's panel with one. The files and this",
        "page are made by `python -m tools.make_runs`.",
        "",
        "| file | what it is | log | tower | K | d | α | β | learning rate | steps | best step |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, run in runs.items():
        plan, model, loss = PLANS[name], run.model, run.objective
        assert isinstance(loss, MultiTowerLoss)
        knobs = (f"{loss.alpha:g}", f"{loss.beta:g}") if model.num_towers > 1 else ("–", "–")
        log = "planted" if name.startswith("planted") else "Online Retail"
        tower = model.sizes["tower"]
        settings = f"{run.settings.learning_rate:g} | {run.settings.steps:,} | {run.best_step:,}"
        lines.append(
            f"| `{name}.npz` | {plan.what} | {log} | {tower} | {model.num_towers} | {model.dim} | "
            f"{' | '.join(knobs)} | {settings} |"
        )
    lines += [
        "",
        "With one tower α and β have no effect. The model in a file is that of its best step, by recall@50 of the",
        "validation users: they chose it, and the test users chose nothing.",
        "",
        "| file | recall@50, validation users | recall@50, test users | cosine of the towers, test users |",
        "|---|---|---|---|",
    ]
    for name, run in runs.items():
        found = measure(name, run)
        parts = [f"{evaluation.recall(50).mean():.3f} ({len(evaluation.cases)})" for evaluation in found.values()]
        cosine = found["test"].summary().get("cosine", np.nan)
        lines.append(f"| `{name}.npz` | {' | '.join(parts)} | {'–' if np.isnan(cosine) else f'{cosine:.3f}'} |")
    settings = ", ".join(f"{name}={value}" for name, value in WORLD.items())
    logs = {"Online Retail": runs["online_retail_four"].data, "planted": runs["planted_one"].data}
    versions = {tuple(run.versions.items()) for run in runs.values()}
    lines += [
        "",
        "In brackets: how many users. These are single trainings of one split and one seed, to look at; they are no",
        "comparison of models. The logs, and how they are split:",
        "",
        "```python",
        "from mtmi_lite import interactions",
        "from mtmi_lite.data import datasets",
        "",
        "log = datasets.online_retail()",
        f"world = datasets.planted_interests({settings})",
        "split = interactions.split_users(log, seed=0)  # or that of world.log",
        "```",
        "",
        "A run names the log it belongs to: `run.data` is the checksum of that log.",
        "",
        *(f"- {name}: `{checksum}`" for name, checksum in logs.items()),
        "",
        *("Made with " + ", ".join(f"{name} {number}" for name, number in made) + "." for made in sorted(versions)),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    torch.set_num_threads(1)  # these steps are too small to share
    for name in PLANS:
        make(name).save(path_of(name))
    save_text(RUNS / "README.md", page({name: load_run(path_of(name)) for name in PLANS}))
    sizes = {name: path_of(name).stat().st_size for name in PLANS}
    for name, size in sizes.items():
        print(f"{size:>9,} bytes  {path_of(name)}")
    print(f"{sum(sizes.values()):>9,} bytes together; the most is {MAX_BYTES:,}")
    return int(sum(sizes.values()) >= MAX_BYTES)


if __name__ == "__main__":
    sys.exit(main())
