"""Lesson 03 in a real JupyterLab: it runs, and its panel answers to the keyboard, the mouse, lists and switches."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from mtmi_lite.datasets import load_log
from mtmi_lite.experiments import Recipe
from mtmi_lite.interactions import evaluation_cases, split_users
from mtmi_lite.lessons.lesson_03 import EVERYONE, towers_panel
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.panels import Panel
from tests.browser.panel import PanelPage


@pytest.fixture
def expected(chromium) -> tuple[Panel, str]:
    """The panel of the models that the lesson trains, from the same seeds, and the switch of the strongest tower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    log = load_log("online-retail")
    split = split_users(log, seed=0)
    cases = evaluation_cases(log, split.test)
    equal = Recipe(num_towers=4, objective=MultiTowerLoss(share="equal", beta=0.0))
    recipes = (Recipe(num_towers=1), Recipe(num_towers=4), equal)
    models = [recipe.train(split, steps=600, seed=0, progress=False).model for recipe in recipes]
    alone, found, copies = (evaluate(model, cases) for model in models)

    with torch.no_grad():
        products = F.normalize(models[2].items(torch.arange(log.num_items)), dim=1)
    many = torch.randn(1000, 64, generator=torch.Generator().manual_seed(0))
    far = many[(F.normalize(many, dim=1) @ products.T).amax(dim=1).argmin()]

    class Dead:
        similarity, num_items, items = models[2].similarity, log.num_items, models[2].items

        def users(self, batch):
            users = models[2].users(batch)
            vectors = users.vectors.clone()
            vectors[:, -1] = far
            return replace(users, vectors=vectors)

    evaluations = {"K towers": found, "copies": copies, "a dead tower": evaluate(Dead(), cases)}
    torch.set_num_threads(threads)
    panel = towers_panel(evaluations, alone, log.item_names, log.user_labels[cases.users])
    return panel, f"tower_{found.tower_shares(50).argmax() + 1}"


def test_the_panel_of_lesson_03(expected, open_lesson, screenshot):
    expected, strongest = expected
    page = open_lesson("03_several_towers_one_table.ipynb")
    screenshot("03-end")
    panel, state = PanelPage(page, "towers"), dict(expected.start)
    panel.reaches_all_by_tab()

    def shows(**changes) -> None:
        state.update(changes)
        panel.shows_figure(state, expected.draw(state))

    shows()
    screenshot("03-panel")

    # the keyboard, on the slider of the number of recommendations
    number = panel.slider("recommendations")
    number.focus()
    number.press("ArrowLeft")
    shows(num=20)
    number.press("ArrowLeft")
    shows(num=10)
    panel.drag_to_end("recommendations")
    shows(num=50)

    # a customer of the list, and a tower's switch
    customer = expected.controls["customer"].values[1]
    panel.choose("customer", customer)
    shows(customer=customer)
    screenshot("03-panel-customer")
    panel.choose("■ Tower 2", "off")
    shows(tower_2="off")

    # presets, the state box, and Reset
    panel.press("Without the strongest")
    shows(**{"tower_2": "on", strongest: "off"})
    panel.press("A dead tower")
    shows(model="a dead tower", tower_1="on", tower_2="on", tower_3="on", tower_4="on")
    panel.choose("customer", EVERYONE)
    shows(customer=EVERYONE)
    screenshot("03-panel-dead")
    pasted = {**expected.start, "model": "copies", "num": 20, "tower_1": "off", "tower_2": "off"}
    panel.paste(pasted)
    shows(**pasted)
    screenshot("03-panel-pasted")
    panel.press("Reset")
    shows(**expected.start)
