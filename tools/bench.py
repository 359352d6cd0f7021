"""Speed, as ratios: each thing timed in turn with its floor, in one run, on one thread.

Usage: python -m tools.bench [LOG.inter ...]

Prints a table and saves it as build/bench.json. A ratio is that of the fastest of many rounds, so that what else the
machine does counts little; it says how the machine of this run fares and is no test.
"""

import contextlib
import io
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faiss
import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mtmi_lite import runs
from mtmi_lite.data.datasets import online_retail
from mtmi_lite.data.readers import read_interactions
from mtmi_lite.interactions import Batch, Interactions, Negatives, Split, TrainingSamples, evaluation_cases, split_users
from mtmi_lite.lab.recipes import MODELS, Recipe
from mtmi_lite.losses import MultiTowerLoss, Objective
from mtmi_lite.metrics import Evaluation, evaluate, find_hits, hit_rate, ndcg, recall
from mtmi_lite.models import MTMI
from mtmi_lite.retrieval import index_items, merge
from mtmi_lite.towers import GRU, AttentionFusion, AttentionPooling, MeanPooling
from mtmi_lite.training import TrainingSettings, make_optimizers, train

aten = torch.ops.aten
ROOT = Path(__file__).resolve().parent.parent
BATCH, DIM, TOWERS, STEPS, NEGATIVES = 128, 64, 4, 20, 120
LIBRARY = ("interactions", "towers", "models", "losses", "retrieval", "metrics", "training", "data.datasets")
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
    faster: bool = False
    """Whether the ratio says how many times faster than the other, and the bar is the least of it."""

    @property
    def ok(self) -> bool:
        return self.bar is None or (self.ratio >= self.bar if self.faster else self.ratio <= self.bar)


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
    faster: bool = False,
) -> Row:
    seconds, floor_seconds = in_turn(act, floor_act, rounds, clock)
    return Row(
        what=what,
        floor=floor,
        ratio=floor_seconds / seconds if faster else seconds / floor_seconds,
        faster=faster,
        bar=bar,
        milliseconds=seconds * 1e3,
        floor_milliseconds=floor_seconds * 1e3,
    )


class TrainingStep:
    """One step of the loop in mtmi_lite/training.py, and the drawing of its batch alone."""

    def __init__(self, split: Split, recipe: Recipe | None = None, *, sparse: bool = False) -> None:
        recipe = recipe or Recipe()
        self.objective, self.settings = recipe.objective, TrainingSettings(sparse=sparse)
        self.model = MTMI(
            num_items=split.log.num_items,
            num_towers=recipe.num_towers,
            dim=DIM,
            history_length=STEPS,
            tower=recipe.tower,
            similarity=recipe.similarity,
        )
        self.samples = TrainingSamples(split.log, split.train, history_length=STEPS)
        self.candidates = Negatives(split.log, split.train, popularity=0)
        self.generator = torch.Generator().manual_seed(0)
        self.optimizers = make_optimizers(self.model, self.settings)

    def draw(self) -> tuple[Batch, Tensor, Tensor]:
        batch, targets = self.samples.draw(BATCH, self.generator)
        return batch, targets, self.candidates.draw(NEGATIVES, self.generator)

    def __call__(self) -> None:
        batch, targets, negatives = self.draw()
        model = self.model
        kept = negatives != targets[:, None]
        target, negative = model.items(torch.cat([targets, negatives])).split([BATCH, NEGATIVES])
        terms = self.objective(model.users(batch), target, negative, kept)
        _ = {name: float(term.detach().mean()) for name, term in terms.items()}
        model.zero_grad()
        terms["total"].backward()
        for optimizer in self.optimizers:
            optimizer.step()


class PeerEpoch:
    """torch-rechub's ComiRec-SA in its own trainer and loader, a number of batches of the same shapes.

    Its samples, each with negatives of its own, are made beforehand and not timed. It wants a feature of the user
    beside the history; one with a single value costs next to nothing.
    """

    def __init__(self, step: TrainingStep, batches: int) -> None:
        from torch_rechub.basic.features import SequenceFeature, SparseFeature
        from torch_rechub.models.matching import ComirecSA
        from torch_rechub.trainers import MatchTrainer
        from torch_rechub.utils.data import MatchDataGenerator

        size, num = step.model.num_items + 1, BATCH * batches  # 0 is its padding
        shared = {"vocab_size": size, "embed_dim": DIM, "shared_with": "item", "pooling": "concat"}
        model = ComirecSA(
            user_features=[SparseFeature("user", vocab_size=1, embed_dim=DIM)],
            history_features=[SequenceFeature("history", **shared)],
            item_features=[SparseFeature("item", vocab_size=size, embed_dim=DIM)],
            neg_item_feature=[SequenceFeature("negatives", **shared)],
            interest_num=TOWERS,
        )
        batch, targets = step.samples.draw(num, step.generator)
        given = {
            "user": np.zeros(num, dtype=np.int64),
            "history": ((batch.history + 1) * batch.mask).numpy(),
            "item": targets.numpy() + 1,
            "negatives": np.random.default_rng(0).integers(1, size, size=(num, NEGATIVES)),
        }
        data = MatchDataGenerator(given, np.zeros(num, dtype=np.int64))
        self.loader, _, _ = data.generate_dataloader(given, given, batch_size=BATCH, num_workers=0)
        self.trainer = MatchTrainer(model, mode=2, optimizer_params={"lr": 1e-3, "weight_decay": 0.0}, n_epoch=1)

    def __call__(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
            self.trainer.train_one_epoch(self.loader)


def against_a_peer(split: Split, batches: int = 10) -> list[Row]:
    """Training samples a second, over those of torch-rechub's ComiRec-SA."""
    bars = {
        "attention fusion, K = 4": (Recipe(), 7),
        "attention fusion, K = 1": (Recipe(num_towers=1), 11),
        "ComiRec-SA": (MODELS["ComiRec-SA"], 2.5),
        "REMI": (MODELS["REMI"], 2.5),
        "attention pooling, K = 4": (MODELS["MTMI, attention pooling"], 1.5),
    }
    peer = PeerEpoch(TrainingStep(split), batches)

    def ours(recipe: Recipe) -> Callable:
        step = TrainingStep(split, recipe)
        return lambda: [step() for _ in range(batches)]

    return [
        compare(
            f"training, {name}, {batches} batches",
            ours(recipe),
            "torch-rechub's ComiRec-SA",
            peer,
            bar=bar,
            rounds=20,
            faster=True,
        )
        for name, (recipe, bar) in bars.items()
    ]


def random_split(num_items: int, *, num_users: int = 5_000) -> Split:
    """Users with 25 items each, all drawn uniformly."""
    generator = np.random.default_rng(0)
    log = Interactions(
        items=generator.integers(num_items, size=25 * num_users),
        times=np.tile(np.arange(25), num_users),
        offsets=np.arange(num_users + 1) * 25,
        user_labels=np.arange(num_users),
        item_names=np.arange(num_items),
    )
    return split_users(log, seed=0)


def large_table() -> Row:
    return compare(
        "training step with sparse updates, 1,000,000 items",
        TrainingStep(random_split(1_000_000), sparse=True),
        "with 10,000 items",
        TrainingStep(random_split(10_000), sparse=True),
        bar=2,
        rounds=100,
    )


def train_a_large_table() -> None:
    """Train on a million items with sparse updates, the best step kept on disk, and print the peak of memory in MB."""
    recalls = iter((0.1, 0.2, 0.3))
    runs.evaluate = lambda *_, **__: SimpleNamespace(recall=lambda num: np.array([next(recalls)]))
    split = random_split(1_000_000)
    model = MTMI(num_items=split.log.num_items, num_towers=TOWERS, dim=DIM, history_length=STEPS)
    settings = TrainingSettings(steps=200, validate_every=100, sparse=True)
    with tempfile.TemporaryDirectory() as folder:
        train(model, MultiTowerLoss(), split, settings, progress=False, checkpoint=folder)
    status = Path("/proc/self/status")
    if status.exists():  # on Linux what getrusage says includes the process that started this one
        peak = dict(line.split(":", 1) for line in status.read_text().splitlines())["VmHWM"]
        print(int(peak.split()[0]) // 1024)  # it is in kB
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2)


def memory_of_a_large_table() -> int:
    """The peak of memory, in MB, of a process that trains a large table; evaluation aside."""
    program = "from tools.bench import train_a_large_table; train_a_large_table()"
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=one_thread, check=True, capture_output=True, text=True
    )
    return int(found.stdout)


class Products(TorchDispatchMode):
    """Notes each matrix product that PyTorch does, forward and backward."""

    KINDS = (aten.mm.default, aten.bmm.default, aten.addmm.default, aten.baddbmm.default)

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable, tuple]] = []

    def __torch_dispatch__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func in self.KINDS:
            self.calls.append((func, args))
        return func(*args, **(kwargs or {}))


def step_over_its_products(split: Split, name: str, recipe: Recipe) -> Row:
    """A training step over the matrix products in it, done again and nothing else."""
    step = TrainingStep(split, recipe)
    with Products() as seen:
        step()

    @torch.no_grad()
    def products() -> None:
        for product, args in seen.calls:
            product(*args)

    return compare(f"training step, {name}", step, "its matrix products", products, bar=None, rounds=60)


def passes(model: MTMI, objective: Objective, drawn: tuple[Batch, Tensor, Tensor]) -> Callable:
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
        vectors = towers(embedded, mask).vectors
        vectors.backward(torch.ones_like(vectors))

    return act


def four_over_one(step: TrainingStep, tower: type[torch.nn.Module], bar: float) -> list[Row]:
    """K = 4 at once over four times K = 1: the whole model with its objective, and the towers alone."""
    drawn = step.draw()
    models = [
        MTMI(num_items=step.model.num_items, num_towers=k, tower=tower, dim=DIM, history_length=STEPS)
        for k in (TOWERS, 1)
    ]
    whole = [passes(model, step.objective, drawn) for model in models]
    batch = drawn[0]
    embedded = models[0].table(batch.history).masked_fill(~batch.mask[..., None], 0).detach().requires_grad_()
    alone = [tower_passes(model.user_towers, embedded, batch.mask) for model in models]

    def four_times(act: Callable) -> Callable:
        return lambda: [act() for _ in range(TOWERS)]

    return [
        compare(
            f"{tower.__name__}, {label}: K = 4, forward and backward",
            four,
            "four times K = 1",
            four_times(one),
            bar=bar,
            rounds=60,
        )
        for label, (four, one) in {"model and objective": whole, "towers alone": alone}.items()
    ]


def evaluation(split: Split) -> list[Row]:
    model = MTMI(num_items=split.log.num_items, num_towers=TOWERS, dim=DIM, history_length=STEPS)
    cases = evaluation_cases(
        split.log, np.concatenate([split.test, split.validation, split.train]), history_length=STEPS
    )
    found = evaluate(model, cases)
    queries = torch.nn.functional.normalize(found.users.vectors.flatten(0, 1), dim=-1).numpy()
    index = index_items(model).faiss
    return [
        compare(
            f"evaluate(), {len(cases):,} users, K = 4, first 50",
            lambda: evaluate(model, cases),
            "bare Faiss search of the same vectors",
            lambda: index.search(queries, 50),
            bar=1.5,
            rounds=5,
        ),
        compare(
            f"merge, recall, hit rate and NDCG, {len(cases):,} users",
            lambda: merge_and_measure(found),
            "the same in a loop over users",
            lambda: merge_and_measure_in_a_loop(found),
            bar=3,
            rounds=5,
            faster=True,
        ),
    ]


def merge_and_measure(found: Evaluation) -> tuple[float, ...]:
    hits = find_hits(merge(found.lists, 50).items, found.cases)
    relevant = found.cases.num_relevant
    return float(recall(hits, relevant).mean()), float(hit_rate(hits).mean()), float(ndcg(hits, relevant).mean())


def merge_and_measure_in_a_loop(found: Evaluation) -> tuple[float, ...]:
    """Plain Python, a dictionary a user."""
    items, scores = found.lists.items.tolist(), found.lists.scores.tolist()
    relevant, offsets = found.cases.relevant.tolist(), found.cases.offsets.tolist()
    recalls, hit_rates, ndcgs = [], [], []
    for user, lists in enumerate(items):
        best: dict[int, float] = {}
        for of_tower, their_scores in zip(lists, scores[user], strict=True):
            for item, score in zip(of_tower, their_scores, strict=True):
                if score > best.get(item, -math.inf):
                    best[item] = score
        ranked = sorted(best, key=lambda item: (-best[item], item))[:50]
        wanted = set(relevant[offsets[user] : offsets[user + 1]])
        gains = [1 / math.log2(rank + 2) for rank, item in enumerate(ranked) if item in wanted]
        recalls.append(len(gains) / len(wanted))
        hit_rates.append(float(bool(gains)))
        ndcgs.append(sum(gains) / sum(1 / math.log2(rank + 2) for rank in range(min(50, len(wanted)))))
    return tuple(sum(values) / len(values) for values in (recalls, hit_rates, ndcgs))


def with_pandas(path: Path) -> None:
    """Seconds that pandas alone takes to read the columns of a log, ids as text, and to number the ids."""
    import pandas

    types: Any = {"user_id": str, "item_id": str, "timestamp": "int64"}
    table = pandas.read_csv(
        path, sep="\t", na_filter=False, usecols=[0, 1, 2], names=list(types), dtype=types, skiprows=1
    )
    for column in ("user_id", "item_id"):
        pandas.factorize(table[column])


def reading_what_ships(log: Interactions) -> Row:
    """The shipped log written out as text and read again."""
    rows = zip(log.user_labels[log.users], log.items, log.times, strict=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "online-retail.inter"
        path.write_text("user_id\titem_id\ttimestamp\n" + "".join(f"{u}\t{i}\t{time}\n" for u, i, time in rows))
        return reading(path)


def reading(path: Path) -> Row:
    """A log in the order of its columns: user, item, time."""
    return compare(
        f"read_interactions(), {path.name}",
        lambda: read_interactions(path),
        "pandas: ids as text, both columns encoded",
        lambda: with_pandas(path),
        bar=1.5,
        rounds=10,
        clock=time.process_time,
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


def measure(logs: list[Path]) -> list[Row]:
    split = split_users(online_retail(), seed=0)
    step = TrainingStep(split)
    return [
        *(step_over_its_products(split, name, recipe) for name, recipe in MODELS.items()),
        *against_a_peer(split),
        *four_over_one(step, AttentionFusion, 0.8),
        *four_over_one(step, MeanPooling, 0.8),
        *four_over_one(step, GRU, 1.1),
        *four_over_one(step, AttentionPooling, 1.1),
        large_table(),
        compare("drawing a batch", step.draw, "training step", step, bar=0.1, rounds=200),
        *evaluation(split),
        reading_what_ships(split.log),
        *map(reading, logs),
        imports(),
    ]


def table(rows: list[Row]) -> str:
    lines = ["| what | over | ratio | bar | ok? | ms | floor ms |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        bar, ok = (
            ("–", "–") if row.bar is None else (f"{'≥' if row.faster else '≤'} {row.bar:g}", "yes" if row.ok else "NO")
        )
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
    rows, too_much, megabytes = (
        measure([Path(log) for log in sys.argv[1:]]),
        imported_too_much(),
        memory_of_a_large_table(),
    )
    versions = {"python": platform.python_version(), "torch": torch.__version__, "faiss": faiss.__version__}
    print(table(rows))
    print(f"\nImported with the library, of {', '.join(HEAVY)}: {', '.join(too_much) or 'none'}.")
    print(f"Peak of memory, training 1,000,000 items with sparse updates: {megabytes:,} MB (bar: 1,200).")
    print(f"{versions}, one thread, {time.perf_counter() - started:.0f} s")
    content = {
        "rows": [{**asdict(row), "ok": row.ok} for row in rows],
        "imported_too_much": too_much,
        "megabytes_of_a_large_table": megabytes,
        "versions": versions,
        "machine": platform.machine(),
    }
    save(content, ROOT / "build" / "bench.json")


if __name__ == "__main__":
    main()
