"""How much a memory should count beside a model: the weight that validation users choose."""

from dataclasses import replace

import numpy as np

from mtmi_lite.interactions import Interactions
from mtmi_lite.metrics import Evaluation, find_hits, recall
from mtmi_lite.retrieval import ItemIndex, Memory, memory_of, merge, remember

Array = np.ndarray
LOWEST, HIGHEST, FURTHER = -3, 12, 3
"""The weights tried are 0 and `spread · 2ⁿ` for these n, until so many of them have been no better."""


def weigh_memory(
    evaluation: Evaluation, index: ItemIndex, log: Interactions, *, num: int = 50, last: int | None = None
) -> tuple[Memory, dict[float, float]]:
    """The memory of each case with the weight that gives the highest recall, and the recall at each weight tried.

    The unit of the weights is the spread of the model's scores over the items, their standard deviation, on average
    over cases.

    Args:
        evaluation: of a model on validation users.
        index: of the model's items.
        last: how many of the newest interactions are remembered; None for all.
    """
    cases, users = evaluation.cases, evaluation.users
    some = [index.prepare(users.vectors[case, users.mask[case]]) for case in range(min(len(cases), 100))]
    spread = float(np.mean([(vectors @ index.vectors.T).max(axis=0).std() for vectors in some]))
    memory = memory_of(log, cases.users, cases.cuts, weight=0.0, last=last)
    found: dict[float, float] = {}
    for weight in [0.0, *(spread * 2.0**n for n in range(LOWEST, HIGHEST + 1))]:
        memory = replace(memory, weight=weight)
        ranking = merge(remember(evaluation.lists, index, users, memory), num)
        found[weight] = float(recall(find_hits(ranking.items, cases), cases.num_relevant).mean())
        if len(found) - list(found.values()).index(max(found.values())) > FURTHER:
            break
    best = max(found, key=lambda weight: found[weight])
    return replace(memory, weight=best), found
