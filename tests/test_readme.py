"""The numbers in the README are those of the results file."""

import json

import pytest

from mtmi_lite import datasets
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


def test_the_readme_quotes_the_results_file(compared):
    assert numbers_of(compared) in (ROOT / "README.md").read_text()


def test_the_results_file_names_what_made_it(compared):
    about = compared["about"]
    assert about["data"] == {"online-retail": datasets.online_retail().checksum}
    assert {"command", "versions", "seeds", "machine", "minutes"} <= set(about)
