"""The command that makes the tables: choosing, pairing, correcting, judging; and a small table from a file."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mtmi_lite.interactions import split_users
from mtmi_lite.lab.cells import Cell
from mtmi_lite.lab.recipes import HARD, POPULAR, Baseline, Recipe
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.towers import MeanPooling
from tools.evidence import models
from tools.evidence import tables as evidence
from tools.evidence.plan import ARM_PAIRS, ARM_SETTINGS, CHANGES, MODEL_PAIRS, MODEL_SETTINGS, PROTOCOLS, Protocol
from tools.evidence.tables import (
    Outcome,
    Runner,
    changed,
    differences,
    holm,
    paired_p,
    search_version,
    tune_and_test,
    verdict_of,
)

FAST = Recipe(tower=MeanPooling, num_towers=2, dim=8)


@pytest.fixture(scope="module")
def small(random_log):
    """The path of a log of 80 users."""
    return random_log(80)


@pytest.fixture
def protocol(monkeypatch):
    monkeypatch.setitem(PROTOCOLS, "small", Protocol(runs=((0, 0), (2, 2)), steps=20, short=5, dim=8))


@pytest.mark.parametrize("settings", [MODEL_SETTINGS, ARM_SETTINGS])
def test_every_model_has_eight_different_settings(settings):
    for recipes in settings.values():
        assert len({json.dumps(recipe.describe(), sort_keys=True) for recipe in recipes}) == len(recipes) == 8


def test_every_pair_is_of_models_that_are_there():
    assert {name for pair in MODEL_PAIRS for name in pair} <= set(MODEL_SETTINGS)
    assert {name for pair in ARM_PAIRS for name in pair} <= set(ARM_SETTINGS)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_who_chooses_is_never_tested(name):
    """The validation users of fold 0 are the test users of fold 1."""
    log = evidence.open_log("planted-60-4")[0]
    choosing = set(split_users(log, seed=0, fold=0).validation)
    for fold, _ in PROTOCOLS[name].runs:
        assert not choosing & set(split_users(log, seed=0, fold=fold).test)
    assert (0, 0) in PROTOCOLS[name].runs


def test_the_users_who_choose_in_the_grid_are_never_tested_in_its_finals():
    log = evidence.open_log("planted-60-4")[0]
    choosing = {user for fold, _ in evidence.GRID_RUNS for user in split_users(log, seed=0, fold=fold).validation}
    for fold, _ in evidence.GRID_FINALS:
        assert not choosing & set(split_users(log, seed=0, fold=fold).test)


def test_settings_are_chosen_by_validation_users_in_two_rounds(small, protocol, tmp_path, monkeypatch):
    """Scores made up here stand in for trainings: the winner of the short round loses the long one."""
    asked = []

    def made_up(cells, folder, **_):
        found = {}
        for cell in cells:
            asked.append(cell)
            rate = getattr(cell.recipe, "learning_rate", 0)
            score = {0.1: 0.9, 0.2: 0.8, 0.3: 0.1}.get(rate, 0)
            if cell.steps == 20:
                score = {0.1: 0.3, 0.2: 0.4, 0.3: 1.0}.get(rate, 0)  # the third would win, but did not get so far
            found[cell] = {"validation": np.array(score), "seconds": np.array(1.0), "users": np.array([cell.fold])}
        return found

    monkeypatch.setattr(models, "run_cells", made_up)
    settings = {"a model": [replace(FAST, learning_rate=rate) for rate in (0.1, 0.2, 0.3)]}
    found = tune_and_test(small, settings, Runner(cells=tmp_path))
    assert found["a model"].recipe.learning_rate == 0.2
    assert found["a model"].tuning == 5  # three short and two long
    assert [cell.tested for cell in asked[:3]] == [False] * 3
    assert {cell.fold for cell in asked[:5]} == {0}
    assert [int(run["users"][0]) for run in found["a model"].runs] == [0, 2]
    assert found[POPULAR].recipe == Baseline()


def test_p_is_that_of_a_permutation_of_signs_in_size():
    """Against scipy's paired t-test: both answer the same question, and agree where there are many users."""
    generator = np.random.default_rng(0)
    for shift in (0.0, 0.05, 0.1):
        difference = generator.normal(shift, 1, size=1500)
        assert paired_p(difference) == pytest.approx(stats.ttest_1samp(difference, 0).pvalue, abs=0.02)
    assert paired_p(np.zeros(10)) == 1
    assert paired_p(np.array([1.0] * 7)) == 1e-4


def test_holm_is_that_of_a_plain_loop():
    generator = np.random.default_rng(1)
    for size in (1, 2, 5, 9):
        p = generator.uniform(0, 0.2, size=size).tolist()
        expected, highest = {}, 0.0
        for rank, index in enumerate(sorted(range(size), key=lambda i: p[i])):
            highest = max(highest, min(1.0, p[index] * (size - rank)))
            expected[index] = highest
        assert holm(p) == pytest.approx([expected[i] for i in range(size)], abs=1e-6)


@pytest.mark.parametrize(
    ("interval", "p", "verdict"),
    [
        ([0.01, 0.001, 0.02], 0.04, "better"),
        ([-0.01, -0.02, -0.001], 0.04, "worse"),
        ([0.01, 0.001, 0.02], 0.06, "not worse"),
        ([0.0, -0.0049, 0.01], 0.9, "not worse"),
        ([0.0, -0.0051, 0.01], 0.9, "undecided"),
    ],
)
def test_the_verdict_of_a_difference(interval, p, verdict):
    assert verdict_of(interval, p) == verdict


def outcome(users: list[list[int]], values: list[list[float]], **more) -> Outcome:
    runs = [
        {"users": np.array(u), **{m: np.array(v) for m in ("recall_50", "new_50", "mean_50")}}
        for u, v in zip(users, values, strict=True)
    ]
    return Outcome(recipe=FAST, runs=runs, tuning=0.0, **more)


def test_seeds_are_averaged_by_user_and_folds_follow_one_another():
    seeds = outcome([[7, 3], [7, 3]], [[1.0, 0.0], [0.5, 0.2]])
    assert [part.tolist() for part in seeds.per_user()] == [[3, 7], [0.1, 0.75]]
    folds = outcome([[7, 3], [1]], [[1.0, 0.0], [0.5]])
    assert [part.tolist() for part in folds.per_user()] == [[1, 3, 7], [0.5, 0.0, 1.0]]


def test_differences_pair_users_and_leave_nan_out_of_both():
    generator, users = np.random.default_rng(0), [list(range(400))]
    low = generator.uniform(0, 0.5, size=400)
    ours = outcome(users, [np.where(np.arange(400) == 5, np.nan, low + 0.1).tolist()])
    theirs = outcome(users, [low.tolist()])
    for model in (ours, theirs):
        model.runs[0]["recall_50"] = np.nan_to_num(model.runs[0]["recall_50"], nan=0.6)
    rows = differences({"a": ours, "b": theirs}, [("a", "b"), ("b", "a")])
    assert rows[0]["new_50"] == [0.1, 0.1, 0.1]
    assert [row["verdict"] for row in rows] == ["better", "worse"]
    assert rows[0]["holm"] == 2 * rows[0]["p"]
    assert rows[0]["recall_50"][0] == -rows[1]["recall_50"][0]


def test_changes_are_made_one_on_another():
    recipe = changed(evidence.BASE, ("K = 8", "β = 0.3", "τ = 0.05"))
    assert (recipe.num_towers, recipe.objective.beta, recipe.objective.temperature) == (8, 0.3, 0.05)
    assert recipe.tower is evidence.BASE.tower
    assert not evidence._fit(("β = 0", "β = 0.3"))
    assert evidence._fit(("K = 8", "β = 0.3", "τ = 0.05"))
    assert all(changed(evidence.BASE, (name,)) != evidence.BASE for name in CHANGES)


def test_the_version_is_chosen_without_the_judges(small, tmp_path, monkeypatch):
    """Two changes that help alone, and more together; scores made up here."""
    gain = {"K = 8": 0.02, "β = 0.3": 0.01, "α = 2": -0.1}
    made = {changed(evidence.BASE, names): names for names in [(n,) for n in CHANGES] + [("K = 8", "β = 0.3")]}
    asked = []

    def made_up(cells, folder, **_):
        asked.extend(cells)
        names = [made.get(cell.recipe, ()) for cell in cells]
        return {
            cell: {"validation": np.array(0.3 + sum(gain.get(n, 0) for n in of)), "seconds": np.array(0.0)}
            for cell, of in zip(cells, names, strict=True)
        }

    monkeypatch.setattr(models, "run_cells", made_up)
    logs = {name: name for name in evidence.SEARCH}
    recipe, table = search_version(logs, Runner(cells=tmp_path))
    assert table["version"] == ["K = 8", "β = 0.3"]
    assert recipe == changed(evidence.BASE, ("K = 8", "β = 0.3"))
    assert table["tries"]["α = 2"]["mean over the base"] == -0.1
    assert {cell.log for cell in asked} == set(evidence.SEARCH)
    assert not set(evidence.SEARCH) & set(evidence.JUDGES)
    assert not any(cell.tested for cell in asked)


def test_the_command_makes_tables_of_a_file_and_says_what_made_them(small, protocol, tmp_path, monkeypatch):
    rates = (1e-3, 1e-2)
    four = [replace(FAST, learning_rate=r, objective=MultiTowerLoss(beta=0.0)) for r in rates]
    hard = [replace(FAST, learning_rate=r, objective=HARD) for r in rates]
    monkeypatch.setattr(evidence, "MODEL_SETTINGS", {"soft": four, "hard": hard})
    monkeypatch.setattr(evidence, "MODEL_PAIRS", [("soft", "hard")])
    monkeypatch.setattr(evidence, "EQUAL", ("soft",))

    def run(what, *more):
        arguments = [what, "--log", small, "--cells", str(tmp_path / "cells"), "--results", str(tmp_path), *more]
        monkeypatch.setattr(sys, "argv", ["evidence", *arguments])
        evidence.main()

    run("models")
    table = json.loads((tmp_path / "models_small.json").read_text())
    assert table["about"]["command"] == "python -m tools.evidence models --log small.inter"
    assert "note" in table["about"]
    assert table["users"] == 16
    assert set(table["models"]) == {"soft", "hard", "soft, equal towers", POPULAR}
    assert [row["theirs"] for row in table["differences"]] == ["hard", "soft, equal towers"]
    row = table["models"]["soft"]
    assert {"mean_50", "cosine", "gap", "chosen", "seconds", "vectors"} <= set(row)
    assert row["recall_20"] <= row["recall_50"]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()}
    run("models")  # nothing is trained again, and the table is the same
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()} == kept
    assert json.loads((tmp_path / "models_small.json").read_text()) == table
    run("logs")
    assert json.loads((tmp_path / "logs.json").read_text())["logs"]["small"]["users"] == 80


def test_a_log_without_a_protocol_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["evidence", "models", "--log", "elsewhere/unknown.inter"])
    with pytest.raises(SystemExit, match="--log: 'unknown' has no protocol; it must be one of online-retail, "):
        evidence.main()


def test_a_part_made_again_is_held_to_the_table(tmp_path, monkeypatch):
    """A table with one number that is right and one that is not."""
    recipe = MODEL_SETTINGS["YouTube DNN"][0]
    monkeypatch.setattr(
        evidence, "CHECKED", (("models_online-retail", POPULAR), ("models_online-retail", "YouTube DNN"))
    )
    monkeypatch.setitem(PROTOCOLS, "online-retail", Protocol(runs=((0, 0),), steps=10))
    cells = [Cell(log="online-retail", recipe=r, steps=10) for r in (Baseline(), recipe)]
    found = [float(measured["recall_50"].mean()) for measured in evidence.run_cells(cells, tmp_path / "a").values()]
    rows = {POPULAR: {"recall_50 by run": [found[0]]}}
    rows["YouTube DNN"] = {"recall_50 by run": [found[1] + 0.02], "chosen": recipe.describe()}
    (tmp_path / "models_online-retail.json").write_text(json.dumps({"models": rows}))
    lines = evidence.check(tmp_path, tmp_path / "b")
    assert [line.split(":")[0] for line in lines] == ["yes", "no"]
