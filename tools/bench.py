"""Speed, as ratios: each thing timed in turn with its floor, in one run, on one thread.

Usage: python tools/bench.py

Prints a table and saves it as build/bench.json. A ratio is that of the fastest of many rounds, so that what else the
machine does counts little; it says how the machine of this run fares and is no test.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import faiss
import torch
from torch import Tensor

from mtmi_lite.datasets import online_retail
from mtmi_lite.interactions import Batch, Split, TrainingSamples, evaluation_cases, split_users
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MTMI
from mtmi_lite.retrieval import index_items
from mtmi_lite.towers import AttentionFusion, MeanPooling

ROOT = Path(__file__).resolve().parent.parent
BATCH, DIM, TOWERS, STEPS, NEGATIVES = 128, 64, 4, 20, 120
LIBRARY = ("interactions", "datasets", "towers", "models", "losses", "retrieval", "metrics", "training")
IMPORTED = ("mtmi_lite", *(f"mtmi_lite.{name}" for name in LIBRARY))
HEAVY = ("umap", "plotly", "faiss", "ipywidgets", "sklearn", "pandas", "IPython")


@dataclass(frozen=True, kw_only=True)
class Row:
    what: str
    floor: str
    ratio: float
    bar: float | None
    milliseconds: float
    floor_milliseconds: float

    @property
    def ok(self) -> bool:
        return self.bar is None or self.ratio <= self.bar


def in_turn(a: Callable, b: Callable, rounds: int, clock: Callable[[], float]) -> tuple[float, float]:
    """The fastest of `rounds` runs of each, in seconds, taking turns; the round before only warms up."""
    times: tuple[list, list] = ([], [])
    for _ in range(rounds + 1):
        for act, of_act in zip((a, b), times, strict=True):
            started = clock()
            act()
            of_act.append(clock() - started)
    return min(times[0][1:]), min(times[1][1:])


def processor_time_of_children() -> float:
    found = os.times()
    return found.children_user + found.children_system


def compare(
    what: str,
    act: Callable,
    floor: str,
    floor_act: Callable,
    *,
    bar: float | None,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Row:
    seconds, floor_seconds = in_turn(act, floor_act, rounds, clock)
    return Row(
        what=what,
        floor=floor,
        ratio=seconds / floor_seconds,
        bar=bar,
        milliseconds=seconds * 1e3,
        floor_milliseconds=floor_seconds * 1e3,
    )


class TrainingStep:
    """One step of the loop in mtmi_lite/training.py, and the drawing of its batch alone."""

    def __init__(self, split: Split) -> None:
        self.model = MTMI(num_items=split.log.num_items, num_towers=TOWERS, dim=DIM, num_steps=STEPS)
        self.objective = MultiTowerLoss()
        self.samples = TrainingSamples(split.log, split.train, num_steps=STEPS)
        self.generator = torch.Generator().manual_seed(0)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def draw(self) -> tuple[Batch, Tensor, Tensor]:
        batch, targets = self.samples.draw(BATCH, self.generator)
        return batch, targets, torch.randint(self.model.num_items, (NEGATIVES,), generator=self.generator)

    def __call__(self) -> None:
        batch, targets, negatives = self.draw()
        model = self.model
        kept = negatives != targets[:, None]
        terms = self.objective(model.users(batch), model.items(targets), model.items(negatives), kept)
        self.optimizer.zero_grad()
        terms["total"].backward()
        self.optimizer.step()


def bare_products() -> Callable:
    """The matrix products of such a step, forward and backward, and nothing else."""
    # each pair is a product of the forward pass
    pairs = [
        (torch.randn(BATCH, STEPS * DIM), torch.randn(STEPS * DIM, TOWERS * STEPS)),  # projection
        (torch.randn(BATCH, TOWERS, STEPS), torch.randn(BATCH, STEPS, DIM)),  # attention · values
        (torch.randn(BATCH, TOWERS, DIM), torch.randn(BATCH, DIM, 1)),  # with the target
        (torch.randn(BATCH * TOWERS, DIM), torch.randn(DIM, NEGATIVES)),  # with the negatives
        (torch.randn(BATCH, TOWERS, DIM), torch.randn(BATCH, DIM, TOWERS)),  # among the towers
    ]
    products = [(a, b, a @ b) for a, b in pairs]

    def act() -> None:
        for a, b, gradient in products:
            torch.matmul(a, b)
            torch.matmul(gradient, b.mT)
            torch.matmul(a.mT, gradient)

    return act


def passes(model: MTMI, objective: MultiTowerLoss, drawn: tuple[Batch, Tensor, Tensor]) -> Callable:
    """Forward and backward through towers and objective."""
    batch, targets, negatives = drawn
    kept = negatives != targets[:, None]

    def act() -> None:
        model.zero_grad()
        objective(model.users(batch), model.items(targets), model.items(negatives), kept)["total"].backward()

    return act


def tower_passes(towers: torch.nn.Module, embedded: Tensor, mask: Tensor) -> Callable:
    """Forward and backward through the towers alone."""

    def act() -> None:
        towers.zero_grad()
        embedded.grad = None
        vectors, _ = towers(embedded, mask)
        vectors.backward(torch.ones_like(vectors))

    return act


def four_over_one(step: TrainingStep, tower: type[AttentionFusion] | type[MeanPooling], name: str) -> list[Row]:
    """K = 4 at once over four times K = 1: the whole model with its objective, and the towers alone."""
    drawn = step.draw()
    sizes = {"dim": DIM, "num_steps": STEPS}
    models = [MTMI(num_items=step.model.num_items, num_towers=k, tower=tower, **sizes) for k in (TOWERS, 1)]
    whole = [passes(model, step.objective, drawn) for model in models]
    batch = drawn[0]
    embedded = models[0].table(batch.history).masked_fill(~batch.mask[..., None], 0).detach().requires_grad_()
    alone = [tower_passes(model.user_towers, embedded, batch.mask) for model in models]

    def four_times(act: Callable) -> Callable:
        return lambda: [act() for _ in range(TOWERS)]

    return [
        compare(
            f"{name}, {label}: K = 4, forward and backward",
            four,
            "four times K = 1",
            four_times(one),
            bar=0.8,
            rounds=200,
        )
        for label, (four, one) in {"model and objective": whole, "towers alone": alone}.items()
    ]


def evaluation(split: Split) -> Row:
    model = MTMI(num_items=split.log.num_items, num_towers=TOWERS, dim=DIM, num_steps=STEPS)
    cases = evaluation_cases(split.log, split.test, num_steps=STEPS)
    found = evaluate(model, cases)
    queries = torch.nn.functional.normalize(found.users.vectors.flatten(0, 1), dim=-1).numpy()
    index = index_items(model).faiss
    return compare(
        f"evaluate(), {len(cases):,} users, K = 4, first 50",
        lambda: evaluate(model, cases),
        "bare Faiss search of the same vectors",
        lambda: index.search(queries, 50),
        bar=2,
        rounds=20,
    )


def imports() -> Row:
    def fresh(program: str) -> Callable:
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
        return lambda: subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=one_thread, check=True)

    return compare(
        "import mtmi_lite, all but figures and panels (processor time)",
        fresh(f"import {', '.join(IMPORTED)}"),
        "import torch",
        fresh("import torch"),
        bar=1.3,
        rounds=4,
        clock=processor_time_of_children,
    )


def imported_too_much() -> list[str]:
    """Which heavy modules a fresh Python has after importing the library."""
    program = f"import sys, {', '.join(IMPORTED)}; print(*(name for name in {HEAVY} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    return found.stdout.split()


def measure() -> list[Row]:
    split = split_users(online_retail(), seed=0)
    step = TrainingStep(split)
    shapes = f"batch {BATCH}, d = {DIM}, K = {TOWERS}, {split.log.num_items:,} items"
    return [
        compare(f"training step, {shapes}", step, "its matrix products", bare_products(), bar=None, rounds=200),
        *four_over_one(step, AttentionFusion, "attention fusion"),
        *four_over_one(step, MeanPooling, "mean-pooling"),
        compare("drawing a batch", step.draw, "training step", step, bar=0.1, rounds=200),
        evaluation(split),
        imports(),
    ]


def table(rows: list[Row]) -> str:
    lines = ["| what | over | ratio | bar | ok? | ms | floor ms |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        bar, ok = ("–", "–") if row.bar is None else (f"≤ {row.bar:g}", "yes" if row.ok else "NO")
        numbers = f"{row.ratio:.2f} | {bar} | {ok} | {row.milliseconds:.2f} | {row.floor_milliseconds:.2f}"
        lines.append(f"| {row.what} | {row.floor} | {numbers} |")
    return "\n".join(lines)


def save(content: dict, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(path)


def main() -> None:
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    started = time.perf_counter()
    rows, too_much = measure(), imported_too_much()
    versions = {"python": platform.python_version(), "torch": torch.__version__, "faiss": faiss.__version__}
    print(table(rows))
    print(f"\nImported with the library, of {', '.join(HEAVY)}: {', '.join(too_much) or 'none'}.")
    print(f"{versions}, one thread, {time.perf_counter() - started:.0f} s")
    content = {
        "rows": [{**asdict(row), "ok": row.ok} for row in rows],
        "imported_too_much": too_much,
        "versions": versions,
        "machine": platform.machine(),
    }
    save(content, ROOT / "build" / "bench.json")


if __name__ == "__main__":
    main()
