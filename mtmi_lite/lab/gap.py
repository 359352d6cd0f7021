"""The gap between training and serving: what the label's choice of a tower finds, and what the merged list finds."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from mtmi_lite.losses import (
    LabelAwareSoftmax,
    MultiTowerLoss,
    Objective,
    label_aware_attention,
    share_by_distance,
    share_to_best,
)
from mtmi_lite.metrics import Evaluation
from mtmi_lite.models import Model
from mtmi_lite.towers import Users

Array = np.ndarray
Rule = Literal["nearest", "smallest loss", "label-aware", "inverse distance"]
RULES: tuple[Rule, ...] = get_args(Rule)


def shares(
    rule: Rule, users: Users, target: Float[Tensor, "row dim"], loss: Float[Tensor, "row tower"], sharpness: float
) -> Float[Tensor, "row tower"]:
    """How much each tower answers for its row's target, by one of the rules; a row sums to 1.

    Args:
        users: one row a target, their vectors of length 1 where they are compared by cosine.
        loss: of each tower, which only the rule "smallest loss" reads.
        sharpness: p of label-aware attention, α of the inverse distance; the hard rules have none.

    >>> users = Users(vectors=torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), mask=torch.tensor([[True, True]]))
    >>> shares("inverse distance", users, torch.tensor([[0.6, 0.8]]), torch.zeros(1, 2), sharpness=1.0)
    tensor([[0.3333, 0.6667]])
    """
    if rule == "label-aware":
        return label_aware_attention(users, target, sharpness=sharpness)[1]
    if rule == "smallest loss":
        share = share_to_best(-loss, users.mask)
    elif rule == "nearest":
        share = share_to_best((users.vectors * target[:, None]).sum(dim=-1), users.mask)
    else:
        cosine = (F.normalize(users.vectors, dim=-1) * F.normalize(target, dim=-1)[:, None]).sum(dim=-1)
        share = share_by_distance(cosine, users.mask, alpha=sharpness)
    return share / users.mask.sum(dim=1, keepdim=True)


# --- all rules on a circle --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """The ranks of some targets: with the label's choice of a tower, and in serving, which does not know the label.

    Args:
        shares: how much each tower answers for the target; they sum to 1.
        ranks: where the target stands in each tower's list of all items, counted from 1.
        label_rank: where it stands in the list of the vector that the label picks: the mixture in label-aware
            attention, otherwise the tower with the largest share.
        served_rank: where it stands in the merge of all lists.
        mixed: the label mixes the vectors to one, so the list is the mixture's.
    """

    shares: Float[Array, "row tower"]
    ranks: Int64[Array, "row tower"]
    label_rank: Int64[Array, " row"]
    served_rank: Int64[Array, " row"]
    mixed: bool

    def found_with_label(self, num: int) -> Float[Array, " row"]:
        """The share that lies with towers whose first `num` items hold the target; the mixture finds it or does not."""
        if self.mixed:
            return (self.label_rank <= num).astype(float)
        return ((self.ranks <= num) * self.shares).sum(axis=1)


def answer(
    users: Users, items: Float[Tensor, "item dim"], targets: Int64[Tensor, " row"], *, rule: Rule, sharpness: float
) -> Answer:
    """Share each target out by a rule, and rank it in the lists, one user per row.

    The loss that "smallest loss" compares is InfoNCE at τ = 0.1 with all other items as negatives.
    """
    vectors = users.vectors
    if users.similarity == "cosine":
        vectors, items = F.normalize(vectors, dim=-1), F.normalize(items, dim=-1)
    rows = torch.arange(len(targets))
    scores = (vectors @ items.T).masked_fill(~users.mask[..., None], -torch.inf)  # [row, tower, item]
    own = scores[rows, :, targets]
    loss = -(scores / 0.1).log_softmax(dim=-1)[rows, :, targets]
    share = shares(rule, replace(users, vectors=vectors), items[targets], loss, sharpness)
    # an absent tower finds nothing
    ranks = ((scores > own[..., None]).sum(dim=-1) + 1).masked_fill(~users.mask, len(items) + 1)
    merged = scores.amax(dim=1)
    label_rank = ranks[rows, share.argmax(dim=1)]
    if rule == "label-aware":
        mixture = (share[:, None] @ torch.where(users.mask[..., None], vectors, 0) @ items.T)[:, 0]
        label_rank = (mixture > mixture[rows, targets][:, None]).sum(dim=1) + 1
    served = (merged > merged[rows, targets][:, None]).sum(dim=1) + 1
    parts = dict(shares=share, ranks=ranks, label_rank=label_rank, served_rank=served)
    return Answer(**{name: part.numpy() for name, part in parts.items()}, mixed=rule == "label-aware")


@dataclass(frozen=True, kw_only=True, eq=False)
class Gap:
    """Recall of each case in three ways, from the label's knowledge to none.

    Args:
        label: the label picks the vector for each relevant item, which then needs to be among its first items.
        room: the label picks nothing, but all K lists are kept in their full length.
        served: the K lists are merged into one of the same length: the recall of every other lesson.
    """

    label: Float[Array, " case"]
    room: Float[Array, " case"]
    served: Float[Array, " case"]


@torch.no_grad()
def measure_gap(evaluation: Evaluation, model: Model, *, rule: Rule, sharpness: float, num: int = 50) -> Gap:
    """Recall with the label's choice of a tower, and without it."""
    cases, users = evaluation.cases, evaluation.users
    case, items = np.repeat(np.arange(len(cases)), cases.num_relevant), model.items(torch.arange(model.num_items))
    found = []
    for start in range(0, len(case), 512):  # so many rows that their scores fit into memory
        part = case[start : start + 512]
        some = replace(users, vectors=users.vectors[part], mask=users.mask[part], attention=None)
        one = answer(some, items, torch.from_numpy(cases.relevant[start:][:512]), rule=rule, sharpness=sharpness)
        found.append(np.stack([one.found_with_label(num), (one.ranks <= num).any(axis=1), one.served_rank <= num]))
    label, room, served = (np.bincount(case, way) / cases.num_relevant for way in np.concatenate(found, axis=1))
    return Gap(label=label, room=room, served=served)


def rule_of(objective: Objective) -> tuple[Rule, float] | None:
    """The rule by which an objective chooses a tower, and its p or α; None if it follows none of these rules.

    >>> rule_of(MultiTowerLoss(share="nearest"))
    ('nearest', 5.0)
    """
    if isinstance(objective, LabelAwareSoftmax):
        return "label-aware", objective.sharpness
    if not isinstance(objective, MultiTowerLoss):
        return None
    hard: dict[str, Rule] = {"nearest": "nearest", "smallest": "smallest loss"}
    return hard.get(objective.share, "inverse distance"), 0.0 if objective.share == "equal" else objective.alpha
