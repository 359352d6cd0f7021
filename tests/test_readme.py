"""The numbers in the README are those of the results file."""

import csv
import json
import re
import textwrap
from collections import Counter

import pytest

from lessons.common import ledger
from mtmi_lite.lab.recipes import MODELS
from tools import notebooks as pipeline
from tools.notebooks import NOTEBOOKS, ROOT

TOWERS = {
    "attention fusion": ("MTMI-Q2S", "Que2Search"),
    "attention pooling": ("MTMI, attention pooling", "One tower, attention pooling"),
    "mean pooling": ("MTMI-DNN", "YouTube DNN"),
    "GRU": ("MTMI-GRU", "GRU4Rec"),
}


def signed(interval: list[float]) -> str:
    difference, low, high = interval
    return f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]"


def numbers_of() -> str:
    """The part of the README that quotes results."""
    table = read_json("notebooks/results/models_online-retail.json")
    found = {(row["ours"], row["theirs"]): row for row in table["differences"]}
    rows = ["| recall@50 with | four towers | one tower | four over one | …cut between two baskets |", "|---" * 5 + "|"]
    for tower, (four, one) in TOWERS.items():
        row, models = found[four, one], table["models"]
        values = f"{models[four]['recall_50']:.3f} | {models[one]['recall_50']:.3f}"
        rows.append(f"| {tower} | {values} | {signed(row['recall_50'])} | {signed(row['basket_recall_50'])} |")
    rivals = ("MIND", "ComiRec-SA", "ComiRec-DR", "REMI", "Most Popular")
    others = ", ".join(f"{name} {table['models'][name]['recall_50']:.3f}" for name in rivals)
    text = (
        f"{table['users']:,} customers, {len(table['about']['runs']['online-retail'])} folds with a seed each, eight "
        f"settings for every model, 95% intervals. {others}. Made by `{table['about']['command']}` in "
        f"{table['about']['cpu_minutes']:.0f} minutes of one core."
        f"{of_remi(table['models']['REMI'])}"
    )
    return "\n".join([*rows, "", textwrap.fill(text, 119)])


def of_remi(row: dict) -> str:
    """A word on a row that was made before REMI's regulariser had the weight of its code."""
    weaker = MODELS["REMI"].objective.routing / row["chosen"]["objective"]["routing"]
    if weaker == 1:
        return ""
    return f" REMI's row is a lower bound: its regulariser was {weaker:g} times weaker than in REMI's code."


def read_json(name: str) -> dict:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def impossible_cells() -> tuple[int, int]:
    """In the paper's Table 3: hit rates that fall as the list grows, and recalls above the hit rate of their list."""
    with (NOTEBOOKS / "results" / "paper" / "table3.csv").open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    cells = {(r[0], model, r[1]): float(v) for r in rows for model, v in zip(columns[2:], r[2:], strict=True)}
    places = {(log, model) for log, model, _ in cells}
    falls = sum(cells[*place, "HR@50"] < cells[*place, "HR@20"] for place in places)
    above = sum(cells[*place, f"R@{num}"] > cells[*place, f"HR@{num}"] for place in places for num in (20, 50))
    return falls, above


def claims() -> str:
    """The part of the README that says what the paper's equations do."""
    arms = read_json("notebooks/results/arms_movielens.json")
    names = ("IDW + repel", "IDW + repel, gradient through the weight", "one tower, weighted triplet", "Most Popular")
    detached, flowing, one, popular = (arms["models"][name]["recall_50"] for name in names)
    grid = read_json("notebooks/results/grid_movielens.json")["finals"]
    peak, alone = (next(r for r in grid if (r["K"], r["beta"]) == place) for place in ((4, 1000.0), (1, 0.0)))
    folder = NOTEBOOKS / "results"
    results, listed = ledger.read_results(folder), ledger.read_claims(folder).values()
    counts = Counter(claim.verdict(claim.pieces(results)) for claim in listed)
    version = read_json("notebooks/results/version.json")
    falls, above = impossible_cells()
    texts = (
        f"Four towers with its loss reach recall@50 {detached:.3f} on MovieLens-100k, one tower with the same weight "
        f"and pull {one:.3f}; with the gradient flowing through the weight {flowing:.3f}, Most Popular {popular:.3f} "
        f"({arms['users']} users, none of whom chose a setting).",
        f"Its best setting, K = 4, α = 2, β = 1000, read with means as everywhere here, reaches "
        f"{peak['recall_50']:.3f} there, one tower {alone['recall_50']:.3f}. Lesson 06 looks for another reading.",
        f"Its Table 3 holds {falls} hit rates that fall as the list grows and {above} recalls above the hit rate of "
        "the same list. No evaluation gives those; lesson 01 finds them by code.",
        f"Of {len(listed)} claims, {counts['reproduced']} are reproduced, {counts['partly']} in part and "
        f"{counts['not reproduced']} not; {counts['not testable here']} cannot be tested here. Lesson 09 has the test "
        "of each, its numbers, and the rule of its verdict.",
        "A version of it, chosen on two logs and judged once on three others, "
        + ("wins" if version["wins"] else "does not win")
        + " by the rule fixed before: it beats all eight baselines on "
        + f"{sum(table['wins'] for table in version['judged'].values())} of the three.",
    )
    return "\n".join(textwrap.fill(f"- {text}", 119, subsequent_indent="  ") for text in texts)


def binder() -> str:
    """What the README says of Binder."""
    measured = read_json("binder/measured.json")
    worst = max(lesson["peak_mb"] for lesson in measured["lessons"].values())
    about, packages = measured["about"], measured["megabytes"]["packages"] / 1000
    text = (
        f"On Binder nothing has to be installed. Its steps, tried with `{about['command']}` on {about['machine']}: "
        f"{measured['build_seconds']} seconds to build {packages:.1f} GB of packages (the image's system packages come "
        f"on top), {measured['first_picture_seconds']:.0f} seconds from the start of the server to the first picture, "
        f"and at most {worst} MB for server and kernel in any lesson."
    )
    return textwrap.fill(text, 119)


def test_the_readme_says_of_the_paper_what_was_measured():
    assert claims() in (ROOT / "README.md").read_text()


def test_the_readme_says_of_binder_what_was_measured():
    assert binder() in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "notebooks/teaching.md"])
def test_the_badge_leads_where_the_project_is_published(page):
    first = pipeline.sources(["00"])[0]
    address = pipeline.placeholders(first, pipeline.read_measured()["00"])["binder"]
    found = re.findall(r"https://mybinder\.org/v2/[^)\s]+", (ROOT / page).read_text())
    assert found
    assert set(found) == {address}


def test_the_picture_is_small_enough():
    assert (NOTEBOOKS / "images" / "divergence.gif").stat().st_size < 1_000_000


def test_the_readme_quotes_the_results():
    assert numbers_of() in (ROOT / "README.md").read_text()
