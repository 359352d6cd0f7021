"""The committed tables say what made them and hold possible numbers, and what is cheap to make is made again."""

import json

import numpy as np
import pytest

from mtmi_lite.datasets import load_log, planted_interests
from mtmi_lite.experiments import MODELS, POPULAR, WORLDS
from mtmi_lite.interactions import evaluation_cases, split_users
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MostPopular
from tools.notebooks import NOTEBOOKS

TABLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((NOTEBOOKS / "results").glob("*.json"))
    if path.stem != "lessons"
}


def rows_of(table: dict) -> dict[str, dict]:
    """The rows of a table and of the tables in it, by name."""
    found = {}
    for name, value in table.items():
        if isinstance(value, dict) and name != "about":
            found |= {name: value} if "recall_50" in value else rows_of(value)
    return found


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_made_it(name):
    about = TABLES[name]["about"]
    assert {"command", "versions", "machine", "data", "minutes", "steps", "folds", "seeds"} <= set(about)
    assert about["command"].startswith("python -m mtmi_lite.experiments ")
    assert "/" not in about["command"]
    assert ("note" in about) == (not set(about["data"]) <= {"online-retail", *WORLDS})
    for log, checksum in about["data"].items():
        if log == "online-retail":
            assert checksum == load_log(log).checksum
        elif log in WORLDS:
            assert checksum == planted_interests(**WORLDS[log][0]).log.checksum


@pytest.mark.parametrize("name", TABLES)
def test_a_table_holds_numbers_that_an_evaluation_can_give(name):
    rows = rows_of(TABLES[name])
    assert rows
    for row in rows.values():
        for measure in ("recall", "hit_rate"):
            assert 0 <= row[f"{measure}_20"] <= row[f"{measure}_50"] <= 1
        for num in (20, 50):
            assert row[f"recall_{num}"] <= row[f"hit_rate_{num}"]
        for shares in row.get("shares of the hits", []):
            assert sum(shares) == pytest.approx(1, abs=0.01)


def test_the_tables_of_all_models_hold_all_models():
    tables = [table for name, table in TABLES.items() if name.startswith("models_")]
    assert tables
    for table in tables:
        assert set(rows_of(table)) == {*MODELS, POPULAR}


def test_most_popular_comes_out_as_the_table_says():
    log, table = load_log("online-retail"), TABLES["models_online-retail"]
    recalls = []
    for fold in table["about"]["folds"]:
        split = split_users(log, seed=0, fold=fold)
        recalls.append(evaluate(MostPopular(log, split.train), evaluation_cases(log, split.test)).recall(50))
    assert np.concatenate(recalls).mean() == pytest.approx(table[POPULAR]["recall_50"], abs=1e-4)
