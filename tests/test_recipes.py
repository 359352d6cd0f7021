"""Settings, maps of user vectors, and the files that keep results."""

import dataclasses

import numpy as np
import pytest

from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import evaluation_cases, features_of, split_users
from mtmi_lite.lab.recipes import MODELS, Recipe, recipe_at
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.metrics import evaluate, interests_found, paired_interval, pairwise_cosine
from mtmi_lite.towers import AttentionPooling


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(num_towers=2, alpha=-1.0, beta=0.0), "alpha: -1.0 is out of range"),
        (dict(num_towers=2, alpha=1.0, beta=float("nan")), "beta: nan is out of range"),
    ],
)
def test_a_place_outside_of_the_grid_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        recipe_at(**settings)


def test_every_model_of_the_paper_trains_from_its_recipe_and_reads_features_when_told():
    world = planted_interests(num_interests=12, num_users=60, interests_per_user=2)
    interests = [[name.split(":")[0]] for name in world.log.item_names]
    log = dataclasses.replace(world.log, item_features=features_of(interests))
    split = split_users(log, seed=0)
    for recipe in MODELS.values():
        run = dataclasses.replace(recipe, dim=8, features=True).train(split, steps=2, progress=False)
        assert run.model.item_tower.features is not None
        assert run.model.similarity == recipe.similarity
        assert np.isfinite(run.curve["total"]).all()
    assert recipe.train(split, steps=1, progress=False).model.item_tower.features is None


def test_a_description_names_what_is_not_a_default():
    assert Recipe().describe() == {}
    assert MODELS["REMI"].describe() == {
        "tower": "SharedAttention",
        "similarity": "inner-product",
        "objective": {
            "name": "MultiTowerLoss",
            "share": "nearest",
            "beta": 0.0,
            "temperature": 1.0,
            "hardness": 1.0,
            "routing": 5000.0,
        },
    }


def test_four_towers_find_the_planted_interests_that_one_cannot():
    """With 200 interests in 16 dimensions; the bounds lie well below seeds 0–2 (.40 to .42, found .68), well above one
    tower (.2, found .2) and above towers that collapsed."""
    world = planted_interests()
    four = Recipe(tower=AttentionPooling, dim=16, objective=MultiTowerLoss(beta=0.0), learning_rate=5e-3)
    split = split_users(world.log, seed=0)
    cases = evaluation_cases(world.log, split.test)
    one = dataclasses.replace(four, num_towers=1)
    evaluation, alone = (
        evaluate(recipe.train(split, steps=1200, progress=False).model, cases) for recipe in (four, one)
    )
    difference, low, _ = paired_interval(evaluation.recall(50), alone.recall(50), seed=0)
    interests = interests_found(evaluation.lists, world.item_interest, world.user_interests[evaluation.cases.users])
    assert evaluation.recall(50).mean() > 0.36
    assert difference > low > 0.12
    assert np.nanmean(pairwise_cosine(evaluation.users)) < 0.4
    assert evaluation.tower_shares(50).min() > 0.1
    assert interests.mean() > 0.6
