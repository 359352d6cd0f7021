"""The runs that ship: small, read back, from the logs that they name; their page and the instructor's code hold."""

import re

import pytest
import torch

from lessons.common.panels import Panel
from mtmi_lite.metrics import Evaluation, paired_interval, pairwise_cosine
from mtmi_lite.runs import Run, load_run
from tools import make_runs
from tools.make_runs import MAX_BYTES, PLANS, RUNS, measure, page, path_of
from tools.notebooks import NOTEBOOKS

# recall@50 of the test users, and the mean cosine of their towers. Of the planted ones, three more trainings with other
# seeds lie inside; Most Popular, a tower that learned nothing, and copies in place of specialists lie outside.
BANDS = {
    "online_retail_four": ((0.235, 0.285), (0.40, 0.70)),
    "planted_specialists": ((0.45, 0.62), (0.0, 0.50)),
    "planted_copies": ((0.32, 0.44), (0.98, 1.0)),
    "planted_one": ((0.30, 0.44), None),
}
NUMBER = re.compile(r"\d+\.\d+")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Run]:
    return {name: load_run(path_of(name)) for name in PLANS}


@pytest.fixture(scope="module")
def found(shipped) -> dict[str, Evaluation]:
    return {name: measure(name, run)["test"] for name, run in shipped.items()}


def test_the_folder_holds_the_runs_and_their_page_and_is_small():
    assert {path.name for path in RUNS.iterdir()} == {"README.md", *(f"{name}.npz" for name in PLANS)}
    assert sum(path.stat().st_size for path in RUNS.iterdir()) < MAX_BYTES == 1_000_000


@pytest.mark.parametrize("name", PLANS)
def test_a_run_is_what_the_tool_would_make(shipped, name):
    plan, run = PLANS[name], shipped[name]
    assert run.data == plan.log().checksum
    assert run.objective == plan.recipe.objective
    assert (run.settings.steps, run.settings.learning_rate) == (plan.steps, plan.recipe.learning_rate)
    assert run.model.sizes["tower"] == plan.recipe.tower.__name__
    assert (run.model.num_towers, run.model.dim) == (plan.recipe.num_towers, plan.recipe.dim)
    assert not run.interrupted
    assert run.best_step > 0  # it learned something
    assert {len(values) for values in run.curve.values()} == {plan.steps}


@pytest.mark.parametrize("name", PLANS)
def test_a_run_reaches_its_band(found, name):
    (low, high), cosines = BANDS[name]
    assert low < found[name].recall(50).mean() < high
    if cosines:
        assert cosines[0] <= pairwise_cosine(found[name].users).mean() <= cosines[1]


def test_specialists_find_more_than_copies_and_one_tower(found):
    for other in ("planted_copies", "planted_one"):
        _, low, _ = paired_interval(found["planted_specialists"].recall(50), found[other].recall(50), seed=0)
        assert low > 0


def test_training_again_gives_as_good_a_run(found):
    again = measure("planted_one", make_runs.make("planted_one"))["test"]
    assert again.recall(50).mean() == pytest.approx(found["planted_one"].recall(50).mean(), abs=0.03)


def test_the_page_says_what_the_tool_says(shipped):
    told, made = (RUNS / "README.md").read_text(encoding="utf-8"), page(shipped)
    assert NUMBER.sub("#", told) == NUMBER.sub("#", made)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (told, made)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.0021)  # another machine rounds otherwise


def test_the_code_of_the_instructors_page_runs(monkeypatch):
    monkeypatch.chdir(NOTEBOOKS)
    blocks = re.findall(r"^```python\n(.*?)^```", (NOTEBOOKS / "teaching.md").read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) >= 2
    for block in blocks:  # each by itself, as it would be pasted
        lines, names = block.rstrip().splitlines(), {}
        exec("\n".join(lines[:-1]), names)
        panel = eval(lines[-1], names)
        assert isinstance(panel, Panel)
        for name, control in panel.controls.items():
            for value in control.values:
                panel.go_to({name: value})
