"""Cells: kept once finished, taken up again, side by side and on a cluster; and what they measure."""

import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmi_lite.interactions import Split, evaluation_cases, from_columns, split_users
from mtmi_lite.lab import cells as library
from mtmi_lite.lab.cells import Cell, measure, open_log, parts_of, per_user, run_cells
from mtmi_lite.lab.recipes import HARD, Baseline, Recipe
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MostPopular
from mtmi_lite.retrieval import index_items, memory_of
from mtmi_lite.towers import MeanPooling, Users

SMALL = Recipe(tower=MeanPooling, num_towers=2, dim=4)


@pytest.fixture
def log_file(tmp_path):
    """A log of 60 users in a file, as workers in other processes open it."""
    items = np.random.default_rng(0).integers(70, size=(60, 20))
    rows = [f"u{user}\ti{item}\t{step}" for user, own in enumerate(items) for step, item in enumerate(own)]
    path = tmp_path / "small.inter"
    path.write_text("user_id:token\titem_id:token\ttimestamp:float\n" + "\n".join(rows) + "\n")
    return str(path)


def some_cells(log: str) -> list[Cell]:
    return [
        Cell(log=log, recipe=replace(SMALL, learning_rate=r), steps=6, fold=f) for r in (1e-3, 1e-2) for f in (0, 2)
    ]


def equal(left: dict, right: dict) -> bool:
    return list(left) == list(right) and all(
        np.array_equal(left[c][name], right[c][name], equal_nan=True)
        for c in left
        for name in left[c]
        if name != "seconds"
    )


def test_a_table_that_was_stopped_goes_on_and_repeats_nothing(log_file, tmp_path, monkeypatch):
    cells, trained = some_cells(log_file), []

    def stopped(cell):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(cell)
        return measure(cell)

    monkeypatch.setattr(library, "measure", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_cells(cells, tmp_path / "kept")
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {cell.file for cell in trained} != set()
    again = []
    monkeypatch.setattr(library, "measure", lambda cell: again.append(cell) or measure(cell))
    found = run_cells(cells, tmp_path / "kept")
    assert sorted(cell.file for cell in [*trained, *again]) == sorted(cell.file for cell in cells)
    assert equal(found, run_cells(cells, tmp_path / "fresh"))


def test_a_cell_that_fails_does_not_lose_the_finished_ones(log_file, tmp_path):
    good = some_cells(log_file)[0]
    bad = replace(good, fold=77)
    with pytest.raises(ValueError, match="fold: 77 is out of range"):
        run_cells([good, bad], tmp_path / "kept")
    assert (tmp_path / "kept" / good.file).exists()


def test_a_file_that_is_not_whole_is_named(log_file, tmp_path):
    cell = some_cells(log_file)[0]
    (tmp_path / cell.file).write_bytes(b"PK\x03\x04 half")
    with pytest.raises(ValueError, match=rf"{cell.file}: cut short, or not a cell .*delete it and make it again"):
        run_cells([cell], tmp_path)


def test_another_setting_seed_fold_or_log_is_another_file(log_file, tmp_path):
    cell = some_cells(log_file)[0]
    other_log = tmp_path / "elsewhere" / "small.inter"
    other_log.parent.mkdir()
    other_log.write_text(Path(log_file).read_text().replace("i3\t", "i4\t"))
    others = [
        replace(cell, steps=7),
        replace(cell, patience=3),
        replace(cell, seed=1),
        replace(cell, fold=1),
        replace(cell, tested=False),
        replace(cell, recipe=Baseline()),
        replace(cell, recipe=Baseline(history_length=20)),
        replace(cell, recipe=replace(SMALL, learning_rate=5e-3)),
        replace(cell, recipe=replace(SMALL, objective=MultiTowerLoss(temperature=0.2))),
        replace(cell, recipe=replace(SMALL, objective=LabelAwareSoftmax())),
        replace(cell, log=str(other_log)),
    ]
    assert len({cell.file, *(other.file for other in others)}) == 12
    assert replace(cell, seed=0).file == cell.file


def test_what_other_code_measured_is_measured_again(log_file, monkeypatch):
    cell = some_cells(log_file)[0]
    before = cell.file
    monkeypatch.setattr(library, "code_version", lambda: "another")
    assert replace(cell).file != before
    assert library.bare("x = 1  # one") == library.bare('"""Text."""\nx = 1') != library.bare("x = 2")


def test_two_processes_find_what_one_finds(log_file, tmp_path):
    cells = some_cells(log_file)
    assert equal(run_cells(cells, tmp_path / "one"), run_cells(cells, tmp_path / "two", jobs=2))


def test_a_cluster_whose_worker_is_killed_completes_the_same_table(log_file, tmp_path):
    """Two local workers; the first that has measured its second cell is killed before it can say so."""
    dask, distributed = (
        pytest.importorskip(name, reason='`pip install -e ".[dask]"` brings Dask') for name in ("dask", "distributed")
    )
    cells, killed = some_cells(log_file), tmp_path / "killed"

    def let_one_die():
        from mtmi_lite.lab import cells as theirs

        measured, measure = [], theirs.measure

        def measure_or_die(cell):
            measured.append(measure(cell))
            if len(measured) == 2:
                with contextlib.suppress(FileExistsError):
                    killed.touch(exist_ok=False)
                    os.kill(os.getpid(), signal.SIGKILL)
            return measured[-1]

        theirs.measure = measure_or_die

    patient = {f"distributed.comm.timeouts.{name}": "1h" for name in ("connect", "tcp")}  # on a busy machine
    with (
        dask.config.set(patient),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(let_one_die)
        found = run_cells(cells, tmp_path / "cluster", client=client)
    assert killed.exists()
    assert equal(found, run_cells(cells, tmp_path / "here"))


class Fixed:
    """A model with given user and item vectors, the same for every user."""

    def __init__(self, users, items, similarity="cosine"):
        self.vectors, self.table, self.similarity, self.num_items = users, items, similarity, len(items)

    def users(self, batch):
        vectors = self.vectors.expand(len(batch), -1, -1)
        return Users(vectors=vectors, mask=torch.ones(vectors.shape[:2], dtype=torch.bool), similarity=self.similarity)

    def items(self, ids):
        return self.table[ids]


def test_the_measures_of_a_user_are_those_of_a_plain_loop():
    """What is new, rare or was had before, and the mean of a user's vectors, counted by sets."""
    generator = np.random.default_rng(0)
    users = np.repeat(np.arange(30), 40)
    items = (90 * generator.random(1200) ** 2).astype(int)  # some are much more popular than others
    log = from_columns(users=users, items=items, times=np.tile(np.arange(40), 30))
    split = Split(log=log, train=np.arange(20), validation=np.arange(20, 25), test=np.arange(30))
    cases = evaluation_cases(log, split.test)
    table = torch.randn(log.num_items, 5, generator=torch.Generator().manual_seed(1))
    model = Fixed(torch.randn(1, 3, 5, generator=torch.Generator().manual_seed(2)), table)
    measured = per_user(evaluate(model, cases), parts_of(cases, log, split), model, index_items(model))
    unit = torch.nn.functional.normalize
    scores = (unit(model.vectors[0], dim=1) @ unit(table, dim=1).T).amax(dim=0)
    order = scores.argsort(descending=True).tolist()
    mean = unit(model.vectors[0], dim=1).mean(dim=0)
    mean_order = (unit(table, dim=1) @ mean).argsort(descending=True).tolist()

    counts = [sum(log.of(user).tolist().count(item) for user in range(20)) for item in range(log.num_items)]
    popular, left = set(), sum(counts) / 2
    for item in sorted(range(log.num_items), key=lambda item: -counts[item]):
        if left > 0:
            popular.add(item)
            left -= counts[item]

    def share(wanted: set, found: list) -> float:
        return len(wanted & set(found)) / len(wanted) if wanted else np.nan

    for case in range(30):
        had = set(log.of(case)[:32].tolist())
        relevant = set(log.of(case)[32:].tolist())
        unseen = [item for item in order if item not in had][:50]
        expected = {
            "recall_50": share(relevant, order[:50]),
            "mean_50": share(relevant, mean_order[:50]),
            "new_50": share(relevant - had, unseen),
            "new_in_50": share(relevant - had, order[:50]),
            "rare_50": share(relevant - popular, order[:50]),
            "old_in_50": len(had & set(order[:50])),
        }
        for name, value in expected.items():
            assert measured[name][case] == pytest.approx(value, nan_ok=True), name


def test_a_cell_measures_what_its_model_does():
    """On a world with a known truth, against the parts of the library that the lessons use."""
    cell = Cell(log="planted-60-4", recipe=replace(SMALL, objective=HARD, dim=16), steps=30, fold=3, seed=5)
    measured = measure(cell)
    log, world = open_log(cell.log)
    split = split_users(log, seed=0, fold=3)
    run = cell.recipe.train(split, steps=30, seed=5, progress=False)
    evaluation = evaluate(run.model, evaluation_cases(log, split.test))
    assert measured["users"].tolist() == split.test.tolist()
    np.testing.assert_array_equal(measured["recall_50"], evaluation.recall(50))
    np.testing.assert_array_equal(measured["served_50"], evaluation.recall(50))
    assert measured["without"][1] == evaluation.recall_without(1, 50).mean()
    assert measured["validation"] == run.validation_recall.max()
    np.testing.assert_array_equal(measured["curve"], run.validation_recall)
    assert {"found", "label_50", "shares", "cosine", "overlap", "parameters"} <= set(measured)
    assert world is not None


def test_a_cell_that_only_chooses_looks_at_no_test_user(monkeypatch):
    log, _ = open_log("online-retail")
    split, asked = split_users(log, seed=0, fold=0), []
    monkeypatch.setattr(
        library,
        "evaluation_cases",
        lambda log, users, **more: asked.append(tuple(users)) or evaluation_cases(log, users, **more),
    )
    measured = measure(Cell(log="online-retail", recipe=SMALL, steps=2, tested=False))
    assert set(asked) == {tuple(split.validation)}
    assert set(measured) == {"seconds", "parameters", "validation", "best_step", "curve", "curve_steps"}
    measure(Cell(log="online-retail", recipe=Baseline(), steps=2))
    assert set(asked) == {tuple(split.validation), tuple(split.test)}


def test_a_model_reads_as_much_of_a_history_as_its_recipe_says(monkeypatch):
    read = []

    def fake(model, cases, **more):
        read.append(cases.batch.history.shape[1])
        return evaluate(model, cases, **more)

    monkeypatch.setattr(library, "evaluate", fake)
    measure(Cell(log="planted-60-4", recipe=replace(SMALL, history_length=7), steps=2))
    assert set(read) == {7}
    read.clear()
    measure(Cell(log="planted-60-4", recipe=Baseline(kind="ease"), steps=1))
    assert set(read) == {49}  # the longest
    read.clear()
    measure(Cell(log="planted-60-4", recipe=Baseline(kind="item-knn", history_length=9), steps=1))
    assert set(read) == {9}


def test_the_memory_of_a_cell_is_weighed_by_validation_users_and_tested_on_others():
    log, _ = open_log("online-retail")
    split = split_users(log, seed=0)
    for last in (None, 20):
        recipe = Baseline(kind="ease", history_length=last)
        measured = measure(Cell(log="online-retail", recipe=recipe, steps=1))
        assert measured["memory_validation"] > measured["validation"]
        model, length = recipe.fit(split), last or int(log.lengths.max())
        cases = evaluation_cases(log, split.test, history_length=length)
        weight = float(measured["memory_weight"])
        memory = memory_of(log, cases.users, cases.cuts, weight=weight, last=last)
        expected = evaluate(model, cases, memory=memory).recall(50)
        np.testing.assert_array_equal(measured["memory_recall_50"], expected)
        assert expected.mean() > measured["recall_50"].mean()


def test_most_popular_is_a_cell_without_training():
    measured = measure(Cell(log="online-retail", recipe=Baseline(), steps=1))
    log, _ = open_log("online-retail")
    split = split_users(log, seed=0)
    expected = evaluate(MostPopular(log, split.train), evaluation_cases(log, split.test))
    np.testing.assert_array_equal(measured["recall_50"], expected.recall(50))
    baskets = evaluate(MostPopular(log, split.train), evaluation_cases(log, split.test, cut="basket"))
    np.testing.assert_array_equal(measured["basket_recall_50"], baskets.recall(50))
