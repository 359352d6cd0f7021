"""Lesson 10's computations, figures and panel."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lessons.common.figures import COLOURS, MARKERS
from lessons.lesson_10 import pictures
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.data.readers import read_interactions
from mtmi_lite.interactions import evaluation_cases, from_columns, split_users
from mtmi_lite.models import MTMI
from tools import notebooks as pipeline


@pytest.fixture(scope="module")
def orders(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    pictures.write_orders(path)
    return path


def test_the_orders_hold_every_trouble_that_the_lesson_speaks_of(orders):
    content = orders.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfDate;")
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines(), delimiter=";"))[1:]
    whole = [row for row in rows if len(row) == 5]
    assert len(rows) - len(whole) == 9  # pages
    assert sum(row[1] == "" for row in whole) == 100
    assert sum(row[4] == "-1" for row in whole) == 400
    milliseconds = [number for number, row in enumerate(rows, start=2) if row[0].isdigit()]
    assert milliseconds[0] > 2000  # not in what the hunt looks at first
    months = list(dict.fromkeys(row[0][3:5] for row in whole if not row[0].isdigit()))
    assert months[:2] == ["10", "09"]
    kept = [tuple(row[:3]) for row in whole if row[1] and row[4] == "1"]
    assert len(kept) - len(set(kept)) == 300
    assert len(set(kept)) == len(pictures.autumn())
    assert any("," in row[3] for row in whole)  # so that ";" cannot just become ","


def test_each_seed_makes_another_mess(orders, tmp_path):
    pictures.write_orders(tmp_path / "again.csv", seed=0)
    assert (tmp_path / "again.csv").read_bytes() == orders.read_bytes()
    pictures.write_orders(tmp_path / "other.csv", seed=1)
    assert (tmp_path / "other.csv").read_bytes() != orders.read_bytes()


def test_a_log_written_is_the_log_read(tmp_path):
    log = from_columns(users=["b", "a", "b"], items=["x, y", "z", "z"], times=[5, 1, 5])
    pictures.write_log(log, tmp_path / "log.csv")
    again = read_interactions(tmp_path / "log.csv")
    assert again.checksum == log.checksum
    assert again.item_names.tolist() == ["x, y", "z"]


@pytest.mark.parametrize(("num_users", "each", "lacks"), [(1, 4, "no user has 5"), (9, 6, "9 users"), (10, 6, "")])
def test_a_log_is_too_small_to_learn_from_or_it_is_not(num_users, each, lacks):
    log = from_columns(
        users=np.repeat(np.arange(num_users), each), items=np.arange(num_users * each) % 2, times=[0] * num_users * each
    )
    found = pictures.too_few(log)
    assert (lacks in found) if lacks else found == ""
    if not lacks:
        words = pictures.caution(split_users(log, seed=0), 1)
        assert words == (
            "Only 2 items: a list of 50 would hold them all, so a list has 1 here. "
            "Only 1 test users: the interval will be wide, and may say nothing."
        )


def run_with(path: Path, **parameters) -> tuple[dict, str]:
    """Run the part of the lesson that reads a log of one's own; return what it prints and finds."""
    notebook = pipeline.solved(pipeline.read_source(pipeline.sources(["10"])[0]))
    end = next(place for place, cell in enumerate(notebook.cells) if "## A million items" in cell.source)
    notebook.cells = [*notebook.cells[:end], notebook.cells[-1]]
    found = (
        "dict(users=log.num_users, items=log.num_items, length=length, gain=gain[0], names=log.item_names[:2].tolist())"
    )
    notebook.cells[-1].source = f"from IPython.display import JSON\nJSON({found})"
    ran = pipeline.execute(notebook, parameters={"path": str(path), **parameters})
    texts = [out.text for cell in ran.notebook.cells for out in cell.get("outputs", []) if out.output_type == "stream"]
    return ran.results, "".join(texts)


def test_the_lesson_goes_on_with_20_customers_and_12_products(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(f"u{k % 20}", f"i{rng.integers(12)}", 1_600_000_000 + k, "Tea") for k in range(200)]
    path = tmp_path / "small.csv"
    path.write_text("Customer;Article;Date;What\n" + "".join(";".join(map(str, row)) + "\n" for row in rows))
    found, printed = run_with(path)
    assert (found["users"], found["items"], found["length"]) == (20, 12, 6)
    assert found["names"] == ["i0", "i1"]
    assert "as read:  20 users, 12 items, 200 interactions, 2020-09-13 to 2020-09-13" in printed
    assert "separated by ';'" in printed
    assert "column 'Description': not in the header, which has 'Customer', 'Article', 'Date', 'What'" in printed
    assert "Only 12 items: a list of 50 would hold them all" in printed
    assert "Only 2 test users" in printed


def test_groups_are_what_an_index_lives_off():
    found = {}
    for groups in (20, 0):
        items, queries = (
            next(pictures.vectors_in_groups(num, dim=16, groups=groups, seed=seed))
            for num, seed in ((3000, 0), (50, 1))
        )
        exact, _ = pictures.build("Flat", lambda items=items: iter([items[:1000], items[1000:]]), 16, sample=0)
        ivf, seconds = pictures.build("IVF32,Flat", lambda items=items: iter([items]), 16, sample=2000)
        assert exact.ntotal == ivf.ntotal == 3000
        assert seconds > 0
        wanted, ms = pictures.ask(exact, queries, 20)
        assert ms > 0
        ivf.nprobe = 32
        assert pictures.part_found(pictures.ask(ivf, queries, 20)[0], wanted) == 1
        ivf.nprobe = 2
        found[groups] = pictures.part_found(pictures.ask(ivf, queries, 20)[0], wanted)
    assert found[20] > found[0] + 0.2


def test_blocks_are_directions_and_of_the_length_asked_for():
    parts = list(pictures.vectors_in_groups(250, dim=4, groups=3, seed=5, block=100))
    assert [len(part) for part in parts] == [100, 100, 50]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(parts), axis=1), 1, rtol=1e-5)


def test_an_index_weighs_its_numbers():
    items = next(pictures.vectors_in_groups(2000, dim=16, groups=0, seed=0))
    weights = [
        pictures.weight(pictures.build(factory, lambda: iter([items]), 16, sample=2000)[0])
        for factory in ("Flat", "SQ8")
    ]
    assert weights[0] == pytest.approx(2000 * 16 * 4 / 1e6, rel=0.01)
    assert weights[1] == pytest.approx(weights[0] / 4, rel=0.05)


def test_bars_say_their_values():
    figure = pictures.bars_figure({"a": [1, 100], "b": [20.44, 3]}, ["K = 1", "K = 4"], y="cores", title="Bars")
    second: Any = list(figure.data)[1]
    assert second.text == ("20.4", "3")
    assert figure.layout.meta["alt"] == "cores for K = 1, K = 4. a: 1, 100; b: 20.4, 3."


def table(**row) -> dict:
    """A table of models with one difference."""
    ours, theirs = pictures.PAIRS[0]
    difference = {
        "ours": ours,
        "theirs": theirs,
        "recall_50": [0.02, 0.01, 0.04],
        "ours as one vector": [0, -0.01, 0.01],
    }
    return {"users": 700, "models": {ours: {"vectors": 4}}, "differences": [difference | row]}


def test_gains_come_from_tables_of_the_known_form_whatever_they_say(tmp_path):
    (tmp_path / "models_shop.json").write_text(json.dumps(table()))
    (tmp_path / "models_old.json").write_text(json.dumps({"about": {}, "MIND": {}}))
    (tmp_path / "arms_film.json").write_text(json.dumps(table(theirs="another")))
    (tmp_path / "models_film.json").write_text(json.dumps(table(recall_50=[-0.02, -0.03, -0.01])))
    rows = pictures.gains(tmp_path)
    assert [(row["log"], row["vectors"], row["recall_50"][0]) for row in rows] == [
        ("film", 4, -0.02),
        ("shop", 4, 0.02),
    ]
    figure = pictures.gains_figure(rows, title="Gains")
    traces: Any = figure.data
    whole, mean = traces
    assert whole.x.tolist() == [-0.02, 0.02]
    assert whole.error_x.arrayminus.tolist() == pytest.approx([0.01, 0.01])
    assert mean.x.tolist() == [0, 0]
    assert "film: MTMI, attention pooling, K = 4; shop" in figure.layout.meta["alt"]
    assert "K lists, merged: -0.020, +0.020" in figure.layout.meta["alt"]
    assert pictures.gains(tmp_path / "nothing") == []


@pytest.fixture(scope="module")
def customers() -> pictures.Customers:
    log = planted_interests(num_interests=10, num_users=60).log
    several, one = (MTMI(num_items=log.num_items, num_towers=count, dim=8) for count in (3, 1))
    return pictures.Customers(several, one, evaluation_cases(log, np.arange(60)), log)


def test_each_towers_list_stands_in_its_column(customers):
    state = customers.start | {"num": 5, "history": 3}
    figure, (history, _, lists, _, _) = customers.draw(state), customers.found(state)
    assert [len(trace.x) for trace in figure.data] == [3, 5, 5, 5]
    assert len(history) == 3
    assert figure.data[0].hovertext[0] == str(customers.log.item_names[history[-1]])  # the newest on top
    for tower in range(3):
        trace = figure.data[tower + 1]
        assert trace.hovertext == tuple(str(name) for name in customers.log.item_names[lists.items[0, tower]])
        assert set(trace.marker.color) == {COLOURS[tower]}


def test_merged_shows_who_brought_what_and_ticks_what_was_bought_later(customers):
    state = customers.start | {"shows": pictures.SHOWS[1], "num": 20}
    figure, (_, _, _, ranking, one) = customers.draw(state), customers.found(state)
    assert figure.data[1].marker.symbol == tuple(MARKERS[tower] for tower in ranking.towers[0])
    assert figure.data[2].marker.symbol == (MARKERS[pictures.ALONE],) * 20
    cases, row = customers.cases, customers.customers[state["customer"]]
    relevant = cases.relevant[cases.offsets[row] : cases.offsets[row + 1]]
    for trace, items in zip(figure.data[1:], (ranking.items[0], one), strict=True):
        assert ["✓" in text for text in trace.text] == np.isin(items, relevant).tolist()
    merged, alone = (int(np.isin(items, relevant).sum()) for items in (ranking.items[0], one))
    assert f"of 20, bought later: {merged} of the merged list, {alone} of one" in figure.layout.title.text
    assert not any("✓" in text for text in figure.data[0].text)


def test_only_what_is_new_lists_nothing_that_they_had(customers):
    user = customers.cases.users[customers.customers[customers.start["customer"]]]
    had = customers.log.of(user)[: customers.log.lengths[user] * 4 // 5]
    free, new = (customers.found(customers.start | {"num": 20, "new": new})[3].items for new in (False, True))
    assert not np.isin(new, had).any()
    assert np.isin(free, had).any()


def test_less_history_is_another_user(customers):
    vectors = [customers.found(customers.start | {"history": num})[1].vectors for num in (1, 20)]
    assert not np.allclose(*vectors)


def test_the_panel_goes_to_each_preset_and_takes_its_state_back(customers):
    panel = pictures.customers_panel(customers)
    panel.go_to({"shows": pictures.SHOWS[1], "num": 20, "new": True})
    state = json.loads(panel.text.value)
    assert state == customers.start | {"shows": pictures.SHOWS[1], "num": 20, "new": True}
    assert panel.figure.layout.title.text == customers.draw(state).layout.title.text
