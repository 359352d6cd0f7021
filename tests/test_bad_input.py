"""Bad input: each error names the field, the value, and what is allowed or what to do."""

import re

import jaxtyping
import numpy as np
import pytest
import torch

from mtmi_lite.baselines import ease, item_knn
from mtmi_lite.interactions import Batch, Split, batch_of, evaluation_cases, features_of, from_columns, split_users
from mtmi_lite.losses import LabelAwareSoftmax, MultiTowerLoss
from mtmi_lite.metrics import evaluate
from mtmi_lite.models import MTMI
from mtmi_lite.retrieval import ItemIndex, TowerLists, memory_of, merge
from mtmi_lite.training import TrainingSettings, train

NOBODY = np.array([], dtype=np.int64)
# ten users with one basket of eight each, sixty items
LOG = from_columns(users=np.repeat(np.arange(10), 8), items=np.arange(80) % 60, times=np.arange(80) // 8)
SPLIT = split_users(LOG, seed=0)
ONE = np.array([0])
MODEL = MTMI(num_items=60, num_towers=2, dim=4, history_length=5)
INDEX = ItemIndex(torch.eye(3), "cosine")
LISTS = TowerLists(items=np.array([[[0, 1], [1, 2]]]), scores=np.zeros((1, 2, 2), dtype=np.float32))
CASES = evaluation_cases(LOG, SPLIT.test, history_length=5)


@pytest.fixture(autouse=True)
def _unchecked():
    """As a user runs it: without the type checks of the tests, which catch a wrong word before the library names it."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


def trained(*, split=SPLIT, model=MODEL, on_step=None):
    settings = TrainingSettings(steps=2, batch_size=4, num_negatives=4)
    return train(model, MultiTowerLoss(), split, settings, progress=False, on_step=on_step)


AT_LEAST_1 = "must be at least 1"

# what is done, and what its message has to hold: field, value, what is allowed or what to do
CASES_OF_BAD_INPUT = {
    # the model's settings
    "no towers": (lambda: MTMI(num_items=5, num_towers=0), "num_towers: 0", AT_LEAST_1),
    "no items": (lambda: MTMI(num_items=0), "num_items: 0", AT_LEAST_1),
    "negative dimension": (lambda: MTMI(num_items=5, dim=-3), "dim: -3", AT_LEAST_1),
    "no steps": (lambda: MTMI(num_items=5, history_length=0), "history_length: 0", AT_LEAST_1),
    "unknown similarity of a model": (
        lambda: MTMI(num_items=5, similarity="dot"),
        "similarity: 'dot'",
        "'cosine' or 'inner-product'",
    ),
    "features of other items": (
        lambda: MTMI(num_items=5, item_features=features_of([["a"]] * 4)),
        "item_features: 4 rows for 5 items",
        "the log's own",
    ),
    "warm items without features": (
        lambda: MTMI(num_items=5, warm_items=torch.ones(5, dtype=torch.bool)),
        "warm_items: ",
        "item_features",
        "give both, or neither",
    ),
    "a batch without profiles": (
        lambda: MTMI(num_items=5, user_features=features_of([["a"]])).users(batch_of([[1]], num_items=5)),
        "profile: ",
        "the batch has none",
        "a log with user_features",
    ),
    # the objective's settings
    "unknown pull": (lambda: MultiTowerLoss(pull="hinge"), "pull: 'hinge'", "'triplet' or 'infonce'"),
    "unknown share": (lambda: MultiTowerLoss(share="soft"), "share: 'soft'", "'normalised', 'raw'"),
    "negative alpha": (lambda: MultiTowerLoss(alpha=-0.5), "alpha: -0.5", "from 0 upward"),
    "alpha is not a number": (lambda: MultiTowerLoss(alpha=float("nan")), "alpha: nan", "from 0 upward"),
    "infinite alpha": (lambda: MultiTowerLoss(alpha=float("inf")), "alpha: inf", "from 0 upward"),
    "negative beta": (lambda: MultiTowerLoss(beta=-1.0), "beta: -1.0", "from 0 upward"),
    "no margin": (lambda: MultiTowerLoss(margin=0.0), "margin: 0.0", "(0, 2]"),
    "margin above any distance": (lambda: MultiTowerLoss(margin=2.5), "margin: 2.5", "(0, 2]"),
    "no temperature": (lambda: MultiTowerLoss(temperature=0.0), "temperature: 0.0", "above 0"),
    "infinite temperature": (lambda: MultiTowerLoss(temperature=float("inf")), "temperature: inf", "above 0"),
    "no floor": (lambda: MultiTowerLoss(floor=0.0), "floor: 0.0", "(0, 2]"),
    "floor above any distance": (lambda: MultiTowerLoss(floor=2.1), "floor: 2.1", "(0, 2]"),
    "negative hardness": (lambda: MultiTowerLoss(hardness=-1.0), "hardness: -1.0", "from 0 upward"),
    "hardness of a triplet": (
        lambda: MultiTowerLoss(pull="triplet", hardness=1.0),
        "hardness: 1.0",
        "pull='infonce'",
        "must be 0",
    ),
    "negative routing": (lambda: MultiTowerLoss(routing=-0.1), "routing: -0.1", "from 0 upward"),
    "a gradient through a choice": (
        lambda: MultiTowerLoss(share="nearest", through_weight=True),
        "through_weight: share='nearest'",
        "'normalised' or 'raw'",
    ),
    "negative sharpness": (lambda: LabelAwareSoftmax(sharpness=-1.0), "sharpness: -1.0", "from 0 upward"),
    "a mixture without temperature": (lambda: LabelAwareSoftmax(temperature=0.0), "temperature: 0.0", "above 0"),
    # the settings of training
    "negative popularity": (lambda: TrainingSettings(popularity=-0.5), "popularity: -0.5", "from 0 upward"),
    "popularity is not a number": (lambda: TrainingSettings(popularity=np.nan), "popularity: nan", "from 0 upward"),
    "unknown device": (lambda: TrainingSettings(device="tpu9"), "device: 'tpu9'", "'cpu' always can"),
    "no training": (lambda: TrainingSettings(steps=0), "steps: 0", AT_LEAST_1),
    "empty batches": (lambda: TrainingSettings(batch_size=0), "batch_size: 0", AT_LEAST_1),
    "no negatives": (lambda: TrainingSettings(num_negatives=0), "num_negatives: 0", AT_LEAST_1),
    "never validated": (lambda: TrainingSettings(validate_every=-1), "validate_every: -1", AT_LEAST_1),
    "no patience": (lambda: TrainingSettings(patience=0), "patience: 0", AT_LEAST_1, "None to go on"),
    "no learning rate": (lambda: TrainingSettings(learning_rate=0.0), "learning_rate: 0.0", "above 0"),
    "learning rate is not a number": (lambda: TrainingSettings(learning_rate=np.nan), "learning_rate: nan", "above 0"),
    # baselines and memory
    "EASE without regularisation": (lambda: ease(LOG, ONE, regularisation=0), "regularisation: 0", "above 0"),
    "negative shrinkage": (lambda: item_knn(LOG, ONE, shrinkage=-1), "shrinkage: -1", "0 or more"),
    "ItemKNN of no neighbours": (lambda: item_knn(LOG, ONE, neighbours=0), "neighbours: 0", AT_LEAST_1),
    "a memory that takes away": (lambda: memory_of(LOG, ONE, ONE + 4, weight=-0.1), "weight: -0.1", "0 or more"),
    "a memory of nothing": (
        lambda: memory_of(LOG, ONE, ONE + 4, weight=1.0, last=0),
        "last: 0",
        AT_LEAST_1,
        "None for all",
    ),
    # users and items
    "a user with no history": (lambda: batch_of([[1], []], num_items=5), "rows[1]", "no history", "at least one item"),
    "an item id too large": (lambda: batch_of([[1, 5]], num_items=5), "rows[0]: item id 5", "0 to 4"),
    "a negative item id": (lambda: batch_of([[1], [-1]], num_items=5), "rows[1]: item id -1", "0 to 4"),
    "a batch of another length": (
        lambda: MODEL.users(batch_of([[1]], num_items=60, history_length=7)),
        "history: 7 steps",
        "reads 5",
        "history_length=5",
    ),
    "an item past the last": (
        lambda: MODEL.items(torch.tensor([3, 60])),
        "ids: 60 is not an item",
        "60, numbered from 0",
    ),
    "an item before the first": (lambda: MODEL.items(torch.tensor([3, -1])), "ids: -1 is not an item", "from 0"),
    "a history of another log": (
        lambda: MODEL.users(batch_of([[60]], num_items=61, history_length=5)),
        "history: 60 is not an item",
        "numbered from 0",
    ),
    # splits and cuts
    "a fold too far": (lambda: split_users(LOG, seed=0, fold=10), "fold: 10", "0 to 9"),
    "more folds than users": (lambda: split_users(LOG, seed=0, num_folds=11), "num_folds: 11", "at most 10"),
    "too few folds": (lambda: split_users(LOG, seed=0, num_folds=2), "num_folds: 2", "at least 3"),
    "unknown cut": (
        lambda: evaluation_cases(LOG, SPLIT.test, cut="session"),
        "cut: 'session'",
        "'interaction' or 'basket'",
    ),
    "users with a single basket": (
        lambda: evaluation_cases(LOG, SPLIT.test, cut="basket"),
        "users: none of the 1 users",
        "at least two baskets",
    ),
    "no training users": (
        lambda: trained(split=Split(log=LOG, train=NOBODY, validation=SPLIT.validation, test=SPLIT.test)),
        "users: there is none",
        "at least one",
    ),
    "no validation users": (
        lambda: trained(split=Split(log=LOG, train=SPLIT.train, validation=NOBODY, test=SPLIT.test)),
        "users: there is none",
        "a part of the split is empty",
        "at least one user",
    ),
    "a user that the log does not have": (lambda: evaluation_cases(LOG, np.array([10])), "users: 10", "0 to 9"),
    "a history of no steps": (
        lambda: evaluation_cases(LOG, SPLIT.test, history_length=0),
        "history_length: 0",
        "at least 1",
    ),
    # serving
    "unknown similarity": (
        lambda: ItemIndex(torch.eye(3), "euclidean"),
        "similarity: 'euclidean'",
        "'cosine' or 'inner-product'",
    ),
    "no neighbours": (lambda: INDEX.search(torch.eye(3), 0), "num: 0", "at least 1"),
    "a query that is not a number": (
        lambda: INDEX.search(torch.full((1, 3), torch.nan), 1),
        "vectors: a NaN or infinite number",
        "diverged",
    ),
    "an infinite item": (lambda: ItemIndex(torch.full((2, 3), torch.inf), "cosine"), "vectors: a NaN or infinite"),
    "a merge of nothing": (lambda: merge(LISTS, 0), "num: 0", "at least 1"),
    "an empty ranking": (lambda: evaluate(MODEL, CASES, num=0), "num: 0", "at least 1"),
    "a model for another log": (
        lambda: trained(model=MTMI(num_items=30, history_length=5)),
        "model: it has 30 items",
        "60",
    ),
    "a model with items that the log lacks": (
        lambda: trained(model=MTMI(num_items=90, history_length=5)),
        "model: it has 90 items",
        "60",
    ),
    "recall beyond the ranking": (lambda: evaluate(MODEL, CASES, num=20).recall(50), "num: 50", "has 20 items"),
    "a tower by its name": (lambda: MTMI(num_items=5, tower="gru"), "tower: 'gru'", "AttentionFusion"),
    "a batch with a user without history": (
        lambda: MODEL.users(
            Batch(history=torch.zeros(1, 5, dtype=torch.int64), mask=torch.zeros(1, 5, dtype=torch.bool))
        ),
        "mask: ",
        "no history",
    ),
}


@pytest.mark.parametrize("name", CASES_OF_BAD_INPUT)
def test_an_error_names_the_field_the_value_and_what_is_allowed(name):
    act, *parts = CASES_OF_BAD_INPUT[name]
    with pytest.raises(ValueError, match="^" + re.escape(parts[0])) as caught:
        act()
    for part in parts:
        assert part in str(caught.value)


def test_a_loss_that_is_no_number_is_named_with_its_step():
    model = MTMI(num_items=60, num_towers=2, dim=4, history_length=5)
    with pytest.raises(FloatingPointError, match=r"^share: nan at step 2; .* finite number\. Lower learning_rate"):
        trained(model=model, on_step=lambda step: model.table.weight.data.fill_(torch.nan))
