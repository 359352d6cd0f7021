"""The committed tables say what made them and hold possible numbers, and what is cheap to make is made again."""

import json

import numpy as np
import pytest

from mtmi_lite.lab.cells import Cell, open_log, run_cells
from mtmi_lite.lab.recipes import POPULAR, WORLDS, Baseline
from tools.evidence import plan
from tools.evidence.plan import ARM_SETTINGS, MODEL_SETTINGS, PROTOCOLS
from tools.evidence.tables import verdict_of
from tools.notebooks import NOTEBOOKS

TABLES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((NOTEBOOKS / "results").glob("*.json"))
    if path.stem != "lessons"
}
LOGS = ("online-retail", "movielens", "amazon-books-sample", "gowalla-sample", "retailrocket-sessions")
EXPECTED = {
    *(f"models_{log}" for log in LOGS),
    *(f"arms_{log}" for log in ("movielens", "online-retail", "planted-200-4")),
    *("grid_movielens", "logs", "version"),
}


def rows_of(table) -> list[dict]:
    """Every row of a model in a table, wherever it stands."""
    if isinstance(table, list):
        return [row for value in table for row in rows_of(value)]
    if not isinstance(table, dict):
        return []
    own = [table] if "hit_rate_50" in table else []
    return own + [row for value in table.values() for row in rows_of(value)]


def differences_of(table) -> list[dict]:
    if isinstance(table, list):
        return [row for value in table for row in differences_of(value)]
    if not isinstance(table, dict):
        return []
    own = [table] if {"ours", "theirs"} <= set(table) else []
    return own + [row for value in table.values() for row in differences_of(value)]


def test_every_table_of_the_plan_is_there():
    assert set(TABLES) == EXPECTED


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_made_it(name):
    about = TABLES[name]["about"]
    assert {"command", "versions", "machine", "data", "cpu_minutes", "cells", "runs", "steps"} <= set(about)
    assert about["command"].startswith(f"python -m tools.evidence {name.split('_')[0]} --log ")
    assert "/" not in about["command"]
    assert ("note" in about) == (not set(about["data"]) <= {"online-retail", *WORLDS})
    for log, checksum in about["data"].items():
        if log in ("online-retail", *WORLDS):
            assert checksum == open_log(log)[0].checksum
        assert about["runs"][log] == [list(run) for run in PROTOCOLS[log].runs]
        assert about["steps"][log] == PROTOCOLS[log].steps


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"logs"}))
def test_a_table_holds_numbers_that_an_evaluation_can_give(name):
    rows = rows_of(TABLES[name])
    assert rows
    for row in rows:
        for measure in ("recall", "hit_rate"):
            assert 0 <= row[f"{measure}_20"] <= row[f"{measure}_50"] <= 1
        for num in (20, 50):
            assert row[f"recall_{num}"] <= row[f"hit_rate_{num}"]
        for shares in row.get("shares of the hits", []):
            assert sum(shares) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"logs", "grid_movielens"}))
def test_a_verdict_is_that_of_its_interval(name):
    rows = differences_of(TABLES[name])
    assert rows
    for row in rows:
        assert row["recall_50"][1] <= row["recall_50"][0] <= row["recall_50"][2]
        assert row["holm"] >= row["p"]
        assert row["verdict"] == verdict_of(row["recall_50"], row["holm"])


@pytest.mark.parametrize(("what", "settings"), [("models", MODEL_SETTINGS), ("arms", ARM_SETTINGS)])
def test_a_table_holds_models_of_the_plan_each_at_one_of_its_settings(what, settings):
    tables = {name: table for name, table in TABLES.items() if name.startswith(what)}
    assert tables
    for name, table in tables.items():
        controls = {f"{model}, equal towers" for model in plan.EQUAL} if what == "models" else set()
        assert {POPULAR} < set(table["models"]) <= {*settings, *controls, POPULAR}
        dim = PROTOCOLS[name.split("_", 1)[1]].dim
        for model in set(settings) & set(table["models"]):
            recipes, chosen = settings[model], table["models"][model]["chosen"]
            own = [recipe.describe() | ({} if dim == 64 else {"dim": dim}) for recipe in recipes]
            assert json.dumps(chosen, sort_keys=True) in [json.dumps(recipe, sort_keys=True) for recipe in own]


def test_the_time_of_all_tables_is_within_the_plan():
    """Twelve hours of one core; a cell that two tables share counts twice here."""
    assert sum(table["about"]["cpu_minutes"] for table in TABLES.values()) < 12 * 60


def test_a_win_is_what_the_rule_says():
    version = TABLES["version"]
    assert version["rule"] == plan.WIN
    for name, table in version["judged"].items():
        assert name not in plan.SEARCH
        assert len(table["differences"]) == 8
        assert table["wins"] == all(row["verdict"] == "better" for row in table["differences"])
    assert set(version["judged"]) == set(plan.JUDGES)
    assert version["wins"] == all(table["wins"] for table in version["judged"].values())


def test_most_popular_comes_out_as_the_table_says(tmp_path):
    """Every run of it; `make results-check` trains some of the others again."""
    protocol, table = PROTOCOLS["online-retail"], TABLES["models_online-retail"]
    cells = [
        Cell(log="online-retail", recipe=Baseline(), steps=protocol.steps, fold=fold, seed=seed)
        for fold, seed in protocol.runs
    ]
    found = run_cells(cells, tmp_path).values()
    assert [float(run["recall_50"].mean()) for run in found] == pytest.approx(
        table["models"][POPULAR]["recall_50 by run"], abs=1e-4
    )
    recalls = np.concatenate([run["recall_50"] for run in found])
    assert recalls.mean() == pytest.approx(table["models"][POPULAR]["recall_50"], abs=1e-4)
    assert len(recalls) == table["users"]
