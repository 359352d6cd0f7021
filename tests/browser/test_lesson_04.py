"""Lesson 04 in a real JupyterLab: it runs, and its panel switches between training and serving."""

import pytest
import torch

from mtmi_lite import datasets, interactions
from mtmi_lite.experiments import HARD, Recipe
from mtmi_lite.lessons.lesson_04 import PHASES, PRESETS, switch_panel
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss
from mtmi_lite.towers import AttentionPooling, InterestRouting, SharedAttention
from tests.browser.panel import PanelPage


@pytest.fixture(scope="module")
def twin():
    """The panel of the lesson, with those of its models that the test looks at, trained once more."""
    torch.set_num_threads(1)
    log = datasets.planted_interests(num_interests=100, num_users=1200, seed=0).log
    split = interactions.split_users(log, seed=0)
    same = dict(dim=16, learning_rate=0.04)
    mtmi = {
        f"MTMI, α = {alpha:g}": Recipe(tower=AttentionPooling, objective=MultiTowerLoss(alpha=alpha, beta=0.0), **same)
        for alpha in (5.0, 0.0)
    }
    others = {
        "MIND": Recipe(tower=InterestRouting, objective=LabelAwareSoftmax(), similarity="inner-product", **same),
        "ComiRec": Recipe(tower=SharedAttention, objective=HARD, similarity="inner-product", **same),
    }
    runs = {name: how.train(split, steps=400, seed=0, progress=False) for name, how in (mtmi | others).items()}
    return switch_panel(runs, interactions.evaluation_cases(log, split.test), log.item_names)


def test_the_panel_of_lesson_04(open_lesson, screenshot, twin):
    page = open_lesson("04_who_answers_for_the_target.ipynb")
    screenshot("04-end")
    panel, state = PanelPage(page, "switch"), dict(twin.start)
    panel.reaches_all_by_tab()

    def shows(**changes) -> None:
        state.update(changes)
        panel.shows_figure(state, twin.draw(state))

    shows()
    screenshot("04-panel")
    panel.choose("the label", PHASES[1])
    shows(phase=PHASES[1])
    screenshot("04-panel-serving")
    panel.choose("the label", PHASES[0])
    shows(phase=PHASES[0])

    # the keyboard, on the slider of α
    alpha = panel.slider("α or p")
    alpha.focus()
    alpha.press("ArrowLeft")
    shows(sharpness=2.0)
    alpha.press("ArrowRight")
    alpha.press("ArrowRight")
    shows(sharpness=8.0)

    panel.drag_to_end("user")
    shows(user=12)
    panel.choose("rule", "label-aware")
    shows(rule="label-aware")

    # the presets, the state box, and Reset
    for preset in PRESETS:
        panel.press(preset)
        shows(**PRESETS[preset])
        screenshot(f"04-panel-preset-{list(PRESETS).index(preset) + 1}")
    panel.paste({**state, "model": "MIND", "user": 3, "item": 2, "phase": PHASES[1]})
    shows(model="MIND", user=3, item=2, phase=PHASES[1])
    panel.press("Reset")
    shows(**twin.start)
