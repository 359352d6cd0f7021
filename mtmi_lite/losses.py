"""The objective of MTMI, `share × pull + β · repel` (Eq. 4–10), each part a function of similarities.

`positive [batch, tower]` is the similarity of each of a user's vectors to the target, `negative [batch, tower, neg]` to
the sampled items, `between [batch, tower, tower]` among the user's own vectors.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from mtmi_lite.models import Users


def cosine(a: Float[Tensor, "*shape dim"], b: Float[Tensor, "*shape dim"]) -> Float[Tensor, "*shape"]:
    """Cosine similarity, `S(a, b) = a·b / (‖a‖ ‖b‖)` (Eq. 4).

    A vector of length 0 has no direction; its cosine is 0 here, since lengths under 1e-12 count as 1e-12.

    >>> cosine(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 0.0]))
    tensor(0.6000)
    """
    return (F.normalize(a, dim=-1) * F.normalize(b, dim=-1)).sum(dim=-1)


def inverse_distance(
    similarity: Float[Tensor, "*shape"], *, alpha: float, floor: float = 0.05
) -> Float[Tensor, "*shape"]:
    """Inverse distance, `ID = 1 / D^α` with the cosine distance `D = 1 − S` (Eq. 5–6).

    Args:
        alpha: α. At 0 every tower counts alike; the larger it is, the more the nearest tower counts.
        floor: the least D. Without it a tower that reaches its target (D → 0) gets an unbounded weight.

    >>> inverse_distance(torch.tensor([0.5, 0.8, 1.0]), alpha=2.0, floor=0.1)
    tensor([  4.0000,  25.0000, 100.0000])
    """
    return (1 - similarity).clamp(min=floor) ** -alpha


def share_by_distance(
    positive: Float[Tensor, "batch tower"],
    mask: Bool[Tensor, "batch tower"],
    *,
    alpha: float,
    floor: float = 0.05,
    normalised: bool = True,
    through_weight: bool = False,
) -> Float[Tensor, "batch tower"]:
    """How much each tower answers for the target: its inverse distance to it (Eq. 6), absent towers 0.

    Args:
        normalised: scale the weights of a user so that they sum to the number of towers present; raw is Eq. 7.
        through_weight: let the gradient flow through the weight. It drives a tower away from its target, for a larger
            distance makes the weight smaller; by default the weight is a constant for the gradient.

    >>> share_by_distance(torch.tensor([[0.5, 0.75]]), torch.tensor([[True, True]]), alpha=1.0)
    tensor([[0.6667, 1.3333]])
    """
    if normalised:  # D^−α = exp(−α log D), and a softmax stays finite where the weights themselves overflow
        logits = -alpha * (1 - positive).clamp(min=floor).log()
        share = logits.masked_fill(~mask, -torch.inf).softmax(dim=1) * mask.sum(dim=1, keepdim=True)
    else:
        share = inverse_distance(positive, alpha=alpha, floor=floor) * mask
    return share if through_weight else share.detach()


def triplet(
    positive: Float[Tensor, "batch tower"],
    negative: Float[Tensor, "batch tower neg"],
    mask: Bool[Tensor, " batch #tower neg"],
    *,
    margin: float,
) -> Float[Tensor, "batch tower"]:
    """Triplet loss, `max(0, γ − S⁺ + S⁻)` (Eq. 8), the mean over the negatives that the mask keeps; 0 with none.

    Args:
        margin: γ, by how much the target should be nearer than a negative. The paper does not give it.

    >>> triplet(torch.tensor([[0.5]]), torch.tensor([[[0.4, -0.9]]]), torch.tensor([[[True, True]]]), margin=0.2)
    tensor([[0.0500]])
    """
    loss = (margin - positive[..., None] + negative).relu() * mask
    return loss.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)


def info_nce(
    positive: Float[Tensor, "batch tower"],
    negative: Float[Tensor, "batch tower neg"],
    mask: Bool[Tensor, " batch #tower neg"],
    *,
    temperature: float,
) -> Float[Tensor, "batch tower"]:
    """InfoNCE, `−log softmax` of the target among itself and the negatives, on similarities over τ.

    Not in the paper: the pull that most retrieval models use today, in place of the triplet.

    Source: van den Oord, Li, Vinyals, Representation learning with contrastive predictive coding, 2018.

    >>> info_nce(torch.tensor([[0.5]]), torch.tensor([[[0.5]]]), torch.tensor([[[True]]]), temperature=0.1)
    tensor([[0.6931]])
    """
    logits = torch.cat([positive[..., None], negative.masked_fill(~mask, -torch.inf)], dim=-1) / temperature
    return logits.logsumexp(dim=-1) - logits[..., 0]


def repel(
    positive: Float[Tensor, "batch tower"],
    between: Float[Tensor, "batch tower tower"],
    mask: Bool[Tensor, "batch tower"],
    *,
    margin: float,
) -> Float[Tensor, "batch tower"]:
    """User-representation repel: the triplet loss with the user's other towers as negatives (Eq. 7 and 10).

    The mean over the other towers present, so exactly 0 with one tower. It holds a pull to the target too, `−S⁺`.

    >>> together = torch.ones(1, 2, 2)
    >>> repel(torch.tensor([[0.5, 0.75]]), together, torch.tensor([[True, True]]), margin=0.5)
    tensor([[1.0000, 0.7500]])
    """
    others = ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device) & mask[:, None, :] & mask[:, :, None]
    return triplet(positive, between, others, margin=margin)


@dataclass(frozen=True, kw_only=True)
class MultiTowerLoss:
    """MTMI's objective: the mean over a user's towers of `share · pull + β · repel`, then over the batch (Eq. 7 / K).

    Args:
        pull: "triplet" (Eq. 8) or "infonce".
        share: "normalised" (a user's shares sum to the number of towers) or "raw" (Eq. 7).
        through_weight: the gradient flows through the share as well.
        alpha: α of the share, 0 or more.
        beta: β of the repel, 0 or more.
        margin: γ of both triplets, in (0, 2].
        temperature: τ of InfoNCE, above 0.
        floor: the least distance in the share, in (0, 2].

    The paper's own is `MultiTowerLoss(pull="triplet", share="raw", alpha=5.5, beta=6)`.

    Raises:
        ValueError: naming the setting that is out of range.

    >>> users = Users(vectors=torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), mask=torch.tensor([[True, True]]))
    >>> loss = MultiTowerLoss(pull="triplet", alpha=1.0, beta=1.0, margin=0.5)
    >>> terms = loss(users, torch.tensor([[0.6, 0.8]]), torch.tensor([[-1.0, 0.0]]), torch.tensor([[True]]))
    >>> terms["share"], terms["pull"], terms["repel"], terms["total"]
    (tensor([[0.6667, 1.3333]]), tensor([[0., 0.]]), tensor([[0., 0.]]), tensor(0.))
    """

    pull: Literal["triplet", "infonce"] = "infonce"
    share: Literal["normalised", "raw"] = "normalised"
    through_weight: bool = False
    alpha: float = 5.0
    beta: float = 0.3
    margin: float = 0.5
    temperature: float = 0.1
    floor: float = 0.05

    def __post_init__(self) -> None:
        if self.pull not in ("triplet", "infonce"):
            raise ValueError(f"pull: {self.pull!r} is not known; it must be 'triplet' or 'infonce'")
        if self.share not in ("normalised", "raw"):
            raise ValueError(f"share: {self.share!r} is not known; it must be 'normalised' or 'raw'")
        for name in ("alpha", "beta"):
            if not 0 <= getattr(self, name) < torch.inf:
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; it must be a number from 0 upward")
        for name in ("margin", "floor"):
            if not 0 < getattr(self, name) <= 2:
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; cosine distances lie in (0, 2]")
        if not 0 < self.temperature < torch.inf:
            raise ValueError(f"temperature: {self.temperature} is out of range; it must be above 0")

    def __call__(
        self,
        users: Users,
        target: Float[Tensor, "batch dim"],
        negatives: Float[Tensor, "neg dim"],
        mask: Bool[Tensor, "batch neg"],
    ) -> dict[str, Float[Tensor, "*batch_tower"]]:
        """The terms `share`, `pull`, `repel` of each tower, `[batch, tower]`, absent towers 0, and their `total`.

        Args:
            target: `v_t`.
            negatives: the items that all samples of the batch share.
            mask: False where a negative is the sample's own target.
        """
        vectors = users.vectors.masked_fill(~users.mask[..., None], 0)  # whatever an absent tower holds
        vectors, target, negatives = (F.normalize(v, dim=-1) for v in (vectors, target, negatives))
        positive = torch.einsum("bkd,bd->bk", vectors, target)
        negative = vectors @ negatives.T
        between = vectors @ vectors.transpose(1, 2)

        share = share_by_distance(
            positive,
            users.mask,
            alpha=self.alpha,
            floor=self.floor,
            normalised=self.share == "normalised",
            through_weight=self.through_weight,
        )
        if self.pull == "triplet":
            pull = triplet(positive, negative, mask[:, None], margin=self.margin)
        else:
            pull = info_nce(positive, negative, mask[:, None], temperature=self.temperature)
        pull = pull * users.mask
        push = repel(positive, between, users.mask, margin=self.margin)
        total = (share * pull + self.beta * push).sum(dim=1) / users.mask.sum(dim=1)
        return {"share": share, "pull": pull, "repel": push, "total": total.mean()}
