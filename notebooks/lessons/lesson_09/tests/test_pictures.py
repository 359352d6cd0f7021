"""Lesson 09: the ledger's tests and rules, its figures and its panel, on made-up results and on the files at hand."""

import json

import pytest

from lessons.common import ledger
from lessons.common.checks import Wrong
from lessons.lesson_09 import checks, pictures
from lessons.lesson_09.tests import answers
from mtmi_lite.lab.verdicts import holm
from tools.notebooks import NOTEBOOKS

RESULTS, CLAIMS = ledger.read_results(NOTEBOOKS / "results"), ledger.read_claims(NOTEBOOKS / "results")
ARMS = ("IDW", "IDW + repel", "minimum loss")


def row(recalls, *, cosine=0.9, gap=0.01, step=500, without=0.01) -> dict:
    return {
        "recall_50 by run": list(recalls),
        "recall_50 without each": [[one - without, one - 2 * without] for one in recalls],
        "cosine": [cosine, cosine + 0.01, cosine - 0.01],
        "gap": [gap, gap - 0.005, gap + 0.005],
        "best_step": [step, step, step + 250],
        "shares of the hits": [[0.4, 0.6]] * 3,
        "seconds": 2.0,
    }


def difference(ours, theirs, mean, holm=0.001) -> dict:
    interval = [mean, mean - 0.004, mean + 0.004]
    return {
        "ours": ours,
        "theirs": theirs,
        "recall_50": interval,
        "new_50": [mean, -0.1, 0.1],
        "holm": holm,
    } | {"ours as one vector": [0.0, -0.003, 0.003]}


@pytest.fixture
def made_up() -> ledger.Results:
    models = {
        "IDW": row([0.3, 0.31, 0.32], cosine=0.99),
        "IDW + repel": row([0.33, 0.34, 0.35], cosine=0.6, without=0.05),
        "label-aware attention": row([0.2, 0.21, 0.22], gap=0.2, step=250),
    }
    rows = [difference("IDW", "minimum loss", 0.02), difference("IDW + repel", "IDW", -0.02)]
    grid = [
        {"K": k, "alpha": alpha, "beta": beta, "cosine": [cosine + 0.01 * k]}
        for k in (2, 4)
        for alpha in (1.0, 2.0)
        for beta, cosine in ((0.0, 0.9), (1.0, 0.4 + 0.01 * alpha))
    ]
    finals = [
        {"K": k, "alpha": a, "beta": b, "over one tower": [mean, mean - 0.01, mean + 0.01]}
        for k, a, b, mean in ((1, 2.0, 0.0, 0.0), (4, 2.0, 1000.0, -0.2), (8, 5.5, 6.0, -0.1), (2, 2.0, 0.0, 0.01))
    ]
    return (
        {name: RESULTS[name] for name in ("table3", "table4")}
        | {"grid_movielens": {"grid": grid, "finals": finals}}
        | {f"arms_{log}": {"models": models, "differences": rows} for log in ("movielens", "planted-200-4")}
    )


def verdict(name: str, results: ledger.Results) -> str:
    return CLAIMS[name].verdict(CLAIMS[name].pieces(results))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_and_the_interval_say_what_a_difference_is(sign):
    piece = ledger.Piece(
        log="x", what="", difference=0.01 * sign, low=0.01 * sign - 0.004, high=0.01 * sign + 0.004, p=0.02
    )
    assert piece.says() == ("better" if sign > 0 else "worse")
    assert piece.says(level=0.01) == ("not worse" if sign > 0 else "undecided")
    assert piece.says(level=0.01, margin=0.02) == "not worse"


@pytest.mark.parametrize(
    ("rule", "says", "expected"),
    [
        ("better", ["better"] * 3, "reproduced"),
        ("better", ["better", "worse"], "partly"),
        ("better", ["better", "worse", "worse"], "not reproduced"),
        ("better", ["undecided", "not worse"], "not reproduced"),
        ("all", ["better", "better"], "reproduced"),
        ("all", ["better", "not worse"], "not reproduced"),
        ("no worse", ["better", "not worse"], "reproduced"),
        ("no worse", ["not worse", "undecided"], "partly"),
        ("no worse", ["undecided", "undecided"], "not reproduced"),
        ("no worse", ["worse", "worse", "not worse"], "not reproduced"),
        ("unbeaten", ["not worse", "better"], "reproduced"),
        ("unbeaten", ["undecided", "better"], "partly"),
        ("unbeaten", ["worse", "better", "better"], "not reproduced"),
        ("not yet", ["worse", "undecided"], "reproduced"),
        ("not yet", ["better", "worse"], "partly"),
        ("not yet", ["better", "better"], "not reproduced"),
        ("better", [], ledger.UNTESTED),
        ("–", [], ledger.UNTESTABLE),
    ],
)
def test_each_rule_can_give_each_verdict(rule, says, expected):
    assert ledger.conclude(rule, says) == expected


def test_the_ledgers_words_for_a_difference_are_those_of_the_tables():
    for kind in ("arms", "models"):
        for table in ledger.tables(RESULTS, kind).values():
            for one in table["differences"]:
                mean, low, high = one["recall_50"]
                piece = ledger.Piece(log="", what="", difference=mean, low=low, high=high, p=one["holm"])
                assert piece.says() == one["verdict"]


def test_the_ledger_says_of_the_version_what_its_own_table_says():
    if "version" in RESULTS:
        assert verdict("A version of MTMI wins", RESULTS) == (
            "reproduced" if RESULTS["version"]["wins"] else "not reproduced"
        )


def test_every_claim_has_a_rule_a_test_and_a_unit():
    assert len(CLAIMS) >= 18
    for claim in CLAIMS.values():
        assert claim.rule in ledger.RULES
        assert claim.test in pictures.UNITS
        assert (claim.test in ledger.TESTS) == (claim.rule != "–")
        assert len(claim.name) <= 32


def test_a_verdict_follows_its_results(made_up):
    assert verdict("IDW beats the minimum loss", made_up) == "reproduced"
    assert verdict("The repel helps", made_up) == "not reproduced"
    made_up["arms_movielens"]["differences"][0]["recall_50"] = [-0.02, -0.024, -0.016]
    made_up["arms_planted-200-4"] = json.loads(json.dumps(made_up["arms_planted-200-4"]))
    made_up["arms_planted-200-4"]["differences"][0]["recall_50"] = [0.02, 0.016, 0.024]
    assert verdict("IDW beats the minimum loss", made_up) == "partly"


def test_a_claim_without_its_table_is_not_tested_yet(made_up):
    bare = {name: table for name, table in made_up.items() if name.startswith("table")}
    for claim in CLAIMS.values():
        if claim.kinds and not claim.kinds[0].startswith("table"):
            assert claim.verdict(claim.pieces(bare)) == ledger.UNTESTED
    assert verdict("Four towers beat one", made_up) == ledger.UNTESTED  # the arm is not in the table


def test_rows_give_the_gap_the_cosine_the_loss_and_the_best_step_their_signs(made_up):
    assert verdict("Label-aware attention leaks", made_up) == "reproduced"
    assert verdict("The repel drives towers apart", made_up) == "reproduced"
    assert verdict("Towers apart are each needed", made_up) == "reproduced"
    assert verdict("Label-aware attention overfits", made_up) == "reproduced"
    [piece, _] = CLAIMS["Towers apart are each needed"].pieces(made_up)
    assert piece.difference == pytest.approx(0.04)
    [piece, _] = CLAIMS["The repel drives towers apart"].pieces(made_up)
    assert piece.difference == pytest.approx(0.39)


def test_the_grid_is_read_by_setting_and_by_beta(made_up):
    assert verdict("The peak is K 4, α 2, β 1000", made_up) == "not reproduced"
    pieces = CLAIMS["The best set is K 8, α 5.5, β 6"].pieces(made_up)
    assert {piece.what: piece.says() for piece in pieces} == {
        "over K = 4, α = 2, β = 1000": "better",
        "over K = 2, α = 2, β = 0": "worse",
    }
    [piece] = CLAIMS["More repel, further apart"].pieces(made_up)
    assert piece.difference == pytest.approx(0.485)


def test_lists_over_blend_takes_the_difference_of_what_is_stored(made_up):
    pieces = CLAIMS["K lists beat one blend"].pieces(made_up)
    assert [piece.difference for piece in pieces] == pytest.approx([-0.02, -0.02])
    assert pieces[0].high - pieces[0].low == pytest.approx(0.01)


def test_another_measure_has_another_interval(made_up):
    claim = CLAIMS["IDW beats the minimum loss"]
    assert claim.verdict(claim.pieces(made_up, "new items only")) == "not reproduced"
    assert [piece.difference for piece in claim.pieces(made_up, "its mean as one vector")] == [0.0, 0.0]


def test_holms_correction_is_undone_by_no_order():
    p = [0.2, 0.01, 0.03, 0.001]
    expected = dict(zip(p, holm(p), strict=True))
    assert holm(p[::-1]) == [expected[one] for one in p[::-1]]
    assert holm(p) == [0.2, 0.03, 0.06, 0.004]


def test_what_is_impossible_in_the_papers_tables_is_found():
    worse = [(p.log, p.what) for p in CLAIMS["The numbers are possible"].pieces(RESULTS) if p.says() == "worse"]
    assert worse == [
        ("RetailRocket", f"{model}: HR@50 − {less}")
        for model in ("Que2Search", "MTMI-Q2S")
        for less in ("HR@20", "R@50")
    ]
    gains = [piece.says() for piece in CLAIMS["Every cell is a gain"].pieces(RESULTS)]
    assert len(gains) == 54 + 36


def test_the_table_says_numbers_and_verdict(made_up):
    table = pictures.ledger_table([CLAIMS["IDW beats the minimum loss"]], made_up)
    assert "▲ MovieLens: +0.020 [+0.016,\N{NO-BREAK SPACE}+0.024]" in table
    assert "▲ **reproduced**: 2 better" in table
    assert all(line.count("|") == 6 for line in table.split("\n"))


def test_the_figures_say_what_they_show(made_up):
    figure = pictures.ledger_figure(CLAIMS.values(), made_up, title="t")
    assert "IDW beats the minimum loss: reproduced" in figure.layout.meta["alt"]
    points = {trace.name: list(zip(trace.x, trace.y, strict=True)) for trace in figure.data}
    assert ("<b>verdict</b>", "The repel helps") in points["not reproduced"]
    assert ("MovieLens", "The repel helps") in points["on this log: all worse"]
    figure = pictures.by_log(CLAIMS["The repel helps"].pieces(made_up), title="t")
    assert [note.text for note in figure.layout.annotations] == ["MovieLens", "planted world"]
    assert sum(trace.name == "worse" and trace.x[0] == -0.02 for trace in figure.data) == 2
    open_ = ledger.Piece(log="movielens", what="", difference=0.0, low=-0.1, high=0.1, p=1.0)
    empty = pictures.forest([open_], title="t").data[0]  # a page would make numbers of an axis that begins with nothing
    assert (list(empty.x), list(empty.y)) == ([None], ["MovieLens"])
    assert "No table yet" in pictures.by_log([], title="t").layout.meta["alt"]


def test_the_panel_recomputes_the_verdict(made_up):
    book = pictures.Ledger(CLAIMS, made_up)
    panel = pictures.ledger_panel(book)
    panel.go_to({"claim": "IDW beats the minimum loss"})
    assert panel.figure.layout.title.text == "IDW beats the minimum loss: reproduced"
    panel.go_to({"level": 0.001})
    assert panel.figure.layout.title.text == "IDW beats the minimum loss: not reproduced"  # p = level
    assert not panel.widgets["measure"].disabled
    panel.go_to({"claim": "The numbers are possible"})
    assert panel.widgets["measure"].disabled
    state = json.loads(panel.text.value)
    assert book.draw(state).layout.meta["alt"] == panel.figure.layout.meta["alt"]


def test_the_logs_of_the_panel_are_a_filter(made_up):
    book = pictures.Ledger(CLAIMS, made_up)
    state = {**book.start, "claim": "The repel helps"}
    assert "2 worse" in book.draw(state).layout.meta["alt"]
    assert "1 worse" in book.draw({**state, "logs": pictures.REAL}).layout.meta["alt"]
    assert ledger.UNTESTED in book.draw({**state, "logs": "Online Retail"}).layout.title.text


def test_a_pair_of_the_ledger_or_of_no_table_is_no_claim_of_ones_own(monkeypatch):
    monkeypatch.setenv("MTMI_GRADING", "1")
    pair, results, used = answers.MORE["own_claim"]
    with pytest.raises(Wrong, match="has this pair already"):
        checks.own_claim(answers.rule, pair, results, used | {pair})
    with pytest.raises(Wrong, match="No table compares"):
        checks.own_claim(answers.rule, ("MIND", "REMI"), results, used)
