"""The numbers in the README are those of the results file."""

import csv
import json
import re
import textwrap

import pytest

from mtmi_lite import datasets
from mtmi_lite.experiments import Knobs, load_grid
from tools import notebooks as pipeline
from tools.notebooks import NOTEBOOKS, ROOT

NAMES = {"K = 4": "MTMI, four towers", "K = 1": "the same tower alone", "Most Popular": "Most Popular"}
CUTS = {"cut at the interaction": "after 80% of the purchases", "cut at the basket": "between two baskets"}


@pytest.fixture(scope="module")
def compared() -> dict:
    return json.loads((NOTEBOOKS / "results" / "00_compare.json").read_text())


def numbers_of(compared: dict) -> str:
    """The part of the README that quotes results."""
    rows = ["| recall@50, customers cut … | " + " | ".join(NAMES.values()) + " | four over one, 95% interval |"]
    rows.append("|---" * (len(NAMES) + 2) + "|")
    for cut, name in CUTS.items():
        table = compared[cut]
        difference, low, high = table["K = 4"]["over K = 1, recall_50"]
        values = " | ".join(f"{table[model]['recall_50']:.3f}" for model in NAMES)
        rows.append(
            f"| {name} ({table['users']:,} customers) | {values} | {difference:+.3f} [{low:+.3f}, {high:+.3f}] |"
        )
    cosines = [value for cut in CUTS for value in compared[cut]["K = 4"]["cosine"]]
    seeds = len(compared["about"]["seeds"])
    rows += ["", f"{seeds} folds, a seed each; the mean cosine between a customer's vectors is {min(cosines):.2f} to"]
    rows.append(
        f"{max(cosines):.2f}. Made by `{compared['about']['command']}` in {compared['about']['minutes']} minutes."
    )
    return "\n".join(rows)


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
    own = read_json("notebooks/results/paper_movielens.json")
    names = ("weight detached", "gradient through the weight", "Most Popular")
    detached, flowing, popular = (own[name]["recall_50"] for name in names)
    folds = len(own["about"]["folds"])
    grid, about = load_grid(NOTEBOOKS / "results" / "00_grid.npz")
    best, one = (grid[Knobs(num_towers=k, alpha=2.0, beta=1000.0)].recall_50 for k in (4, 1))
    falls, above = impossible_cells()
    texts = (
        "Its loss trains where the weight is a constant for the gradient: recall@50 "
        f"{detached:.3f} on MovieLens-100k ({folds} folds, tuned on validation users), {flowing:.3f} with the gradient "
        f"flowing through the weight, {popular:.3f} for Most Popular. Lesson 05 shows when that gradient "
        "ruins a training.",
        "Its best setting, K = 4, α = 2, β = 1000, read with means as everywhere here, reaches "
        f"{best:.3f} on Online Retail, one tower {one:.3f} ({about['users']}). Lesson 06 looks for another reading.",
        f"Its Table 3 holds {falls} hit rates that fall as the list grows and {above} recalls above the hit rate of "
        "the same list. No evaluation gives those; lesson 01 finds them by code.",
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


def test_the_readme_quotes_the_results_file(compared):
    assert numbers_of(compared) in (ROOT / "README.md").read_text()


def test_the_results_file_names_what_made_it(compared):
    about = compared["about"]
    assert about["data"] == {"online-retail": datasets.online_retail().checksum}
    assert {"command", "versions", "seeds", "machine", "minutes"} <= set(about)
