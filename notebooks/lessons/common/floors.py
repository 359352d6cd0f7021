"""The floor under every model: rankings without a network, which it must beat before it is worth training."""

import numpy as np
from jaxtyping import Int64

from mtmi_lite.baselines import ease
from mtmi_lite.interactions import Interactions, Split, evaluation_cases
from mtmi_lite.metrics import Evaluation, evaluate
from mtmi_lite.models import MostPopular
from mtmi_lite.retrieval import memory_of


def floors(log: Interactions, split: Split, users: Int64[np.ndarray, " user"]) -> dict[str, Evaluation]:
    """The best-sellers, each user's own history by count, and EASE, in this order; the last two read the whole history.

    Where a user has had fewer items than a list holds, the best-sellers fill it up.
    """
    cases = evaluation_cases(log, users, history_length=int(log.lengths.max()))
    popular = MostPopular(log, split.train)
    had = memory_of(log, cases.users, cases.cuts, weight=1e9)  # more than any item was ever bought
    return {
        "Most Popular": evaluate(popular, cases),
        "Own history": evaluate(popular, cases, memory=had),
        "EASE": evaluate(ease(log, split.train), cases),
    }
