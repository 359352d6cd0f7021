"""Objectives: MTMI's, `share × pull + β · repel` (Eq. 4–10), each part a function of similarities; and MIND's.

`positive [batch, tower]` is the similarity of each of a user's vectors to the target, `negative [batch, tower, neg]` to
the sampled items, `between [batch, tower, tower]` among the user's own vectors. A mask is True where an entry counts.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from mtmi_lite.towers import Users

Pull = Literal["triplet", "infonce"]
Share = Literal["normalised", "raw", "nearest", "smallest", "equal"]
PerTower = Float[Tensor, "batch tower"]
PerNegative = Float[Tensor, "batch tower neg"]
Present = Bool[Tensor, "batch tower"]
Kept = Bool[Tensor, " batch #tower neg"]
Targets = Float[Tensor, "batch dim"]
Items = Float[Tensor, "neg dim"]
Mask = Bool[Tensor, "batch neg"]
LogOdds = Float[Tensor, "batch neg"]
Terms = dict[str, Float[Tensor, "*batch_tower"]]


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
    positive: PerTower, mask: Present, *, alpha: float, floor=0.05, normalised=True, through_weight=False
) -> PerTower:
    """Each tower's share of the target: its inverse distance to it (Eq. 6), 0 for an absent tower.

    Args:
        normalised: scale the weights of a user so that they sum to the number of towers present; raw is Eq. 7.
        through_weight: let the gradient flow through the weight. It drives a tower away from its target, for a larger
            distance makes the weight smaller; by default the weight is a constant for the gradient.

    >>> share_by_distance(torch.tensor([[0.5, 0.75]]), torch.tensor([[True, True]]), alpha=1.0)
    tensor([[0.6667, 1.3333]])
    """
    if not through_weight:
        positive = positive.detach()
    if normalised:  # D^−α = exp(−α log D), and a softmax stays finite where the weights themselves overflow
        logits = -alpha * (1 - positive).clamp(min=floor).log()
        return logits.masked_fill(~mask, -torch.inf).softmax(dim=1) * mask.sum(dim=1, keepdim=True)
    return inverse_distance(positive, alpha=alpha, floor=floor) * mask


def share_to_best(score: PerTower, mask: Present) -> PerTower:
    """The whole share to the tower with the highest score, the first in a tie: as much as the user has towers.

    With the similarity to the target as the score it is ComiRec's choice, the nearest tower, and the limit of
    `share_by_distance` for α → ∞; with minus the pull it is the smallest loss (Fig. 3).

    >>> share_to_best(torch.tensor([[0.5, 0.75, 0.9]]), torch.tensor([[True, True, False]]))
    tensor([[0., 2., 0.]])
    """
    best = score.masked_fill(~mask, -torch.inf).argmax(dim=1)
    return F.one_hot(best, score.shape[1]) * mask.sum(dim=1, keepdim=True).to(score.dtype)


def label_aware_attention(users: Users, target: Targets, *, sharpness: float) -> tuple[Targets, PerTower]:
    """One vector a user, mixed for the target: `V_u softmax(p · V_uᵀ v_t)`, and the weights of the mixture.

    The paper prints the power `(V_uᵀ v_t)^p` in the softmax, which is not a number for a negative product and a
    p that is not whole; p multiplies here. With p → ∞ it is the nearest vector.

    Args:
        sharpness: p. At 0 the mean of the vectors.

    Source: Li et al., MIND, CIKM 2019, Eq. 8.

    >>> users = Users(vectors=torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), mask=torch.tensor([[True, True]]))
    >>> mixed, weights = label_aware_attention(users, torch.tensor([[2.0, 0.0]]), sharpness=1.0)
    >>> weights
    tensor([[0.8808, 0.1192]])
    """
    products = torch.einsum("bkd,bd->bk", users.vectors, target)
    weights = (sharpness * products).masked_fill(~users.mask, -torch.inf).softmax(dim=1)
    return torch.einsum("bkd,bk->bd", users.vectors, weights), weights


def triplet(positive: PerTower, negative: PerNegative, mask: Kept, *, margin: float) -> PerTower:
    """Triplet loss, `max(0, γ − S⁺ + S⁻)` (Eq. 8), the mean over the negatives that the mask keeps; 0 with none.

    Args:
        margin: γ, by how much the target should be nearer than a negative. The paper does not give it.

    >>> triplet(torch.tensor([[0.5]]), torch.tensor([[[0.4, -0.9]]]), torch.tensor([[[True, True]]]), margin=0.2)
    tensor([[0.0500]])
    """
    loss = (margin - positive[..., None] + negative).relu() * mask
    return loss.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)


def info_nce(
    positive: PerTower, negative: PerNegative, mask: Kept, *, temperature: float, hardness: float = 0.0
) -> PerTower:
    """InfoNCE, `−log softmax` of the target among itself and the negatives, on similarities over τ; 0 with none.

    Not in the paper: the pull that most retrieval models use today, in place of the triplet. On inner products with
    τ = 1 it is the sampled softmax of ComiRec and MIND.

    Args:
        temperature: τ.
        hardness: h, how much more the negatives nearest the user count. A negative counts `exp(h s) / mean exp(h s)`
            times, with `s` its similarity over τ: REMI's importance weights. At 0 all count alike.

    Source: van den Oord, Li, Vinyals, Representation learning with contrastive predictive coding, 2018; Xie et al.,
    Rethinking multi-interest learning (REMI), RecSys 2023, for the hardness.

    >>> info_nce(torch.tensor([[0.5]]), torch.tensor([[[0.5]]]), torch.tensor([[[True]]]), temperature=0.1)
    tensor([[0.6931]])
    """
    negative = torch.where(mask, negative / temperature, -torch.inf)
    if hardness:
        kept = mask.sum(dim=-1, keepdim=True)
        harder = (hardness * negative).masked_fill(kept == 0, 0).log_softmax(dim=-1)  # −∞ alone have no softmax
        negative = negative + harder.masked_fill(~mask, 0) + kept.clamp(min=1).to(negative).log()
    logits = torch.cat([positive[..., None] / temperature, negative], dim=-1)
    return -logits.log_softmax(dim=-1)[..., 0]


def repel(positive: PerTower, between: PerNegative, mask: Present, *, margin: float) -> PerTower:
    """User-representation repel: the triplet loss with the user's other towers as negatives (Eq. 7 and 10).

    The mean over the other towers present, so exactly 0 with one tower. It holds a pull to the target too, `−S⁺`.

    >>> together = torch.ones(1, 2, 2)
    >>> repel(torch.tensor([[0.5, 0.75]]), together, torch.tensor([[True, True]]), margin=0.5)
    tensor([[1.0000, 0.7500]])
    """
    if mask.shape[1] == 1:  # as below, without the work
        return torch.zeros_like(positive)
    others = ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device) & mask[:, None, :] & mask[:, :, None]
    return triplet(positive, between, others, margin=margin)


def routing_spread(attention: Float[Tensor, "batch tower step"], mask: Present) -> PerTower:
    """REMI's routing regulariser: the square of the variance of a tower's attention over the history's slots.

    The diagonal of the covariance of the attention, squared (its Frobenius norm is the sum over towers). It keeps a
    tower from looking at a single item.

    REMI's code divides the squared deviations by the hidden size, 64, where a variance divides by L slots, and it sums
    over users and towers where `MultiTowerLoss` averages. Its λ is `B · K · (L / 64)²` times as large here: 100 there
    is 5,000 for 128 users, 4 towers and 20 slots.

    Source: Xie et al., Rethinking multi-interest learning (REMI), RecSys 2023.

    >>> routing_spread(torch.tensor([[[0.5, 0.5], [1.0, 0.0]]]), torch.tensor([[True, True]]))
    tensor([[0.0000, 0.0625]])
    """
    # an absent tower's attention does not count
    return attention.masked_fill(~mask[..., None], 0).var(dim=-1, correction=0).square()


@runtime_checkable
class Objective(Protocol):
    """An objective, as the training loop sees it: a function to the named terms of a batch, `total` among them."""

    def __call__(
        self, users: Users, target: Targets, negatives: Items, mask: Mask, log_odds: LogOdds | None = None
    ) -> Terms: ...


@dataclass(frozen=True, kw_only=True)
class MultiTowerLoss:
    """MTMI's objective: the mean over a user's towers of `share · pull + β · repel`, then over the batch (Eq. 7 / K).

    Each part can be replaced alone, and with other parts it is the objective of ComiRec (`share="nearest"`,
    `pull="infonce"`, `temperature=1`, `beta=0` on inner products) and of REMI (`hardness` and `routing` in addition).

    Args:
        pull: "triplet" (Eq. 8) or "infonce".
        share: who answers for the target. "normalised" or "raw" inverse distances (a user's normalised shares sum to
            the number of towers; raw is Eq. 7), the "nearest" tower alone, the one with the "smallest" loss, or all
            "equal".
        through_weight: the gradient flows through the inverse distances as well.
        alpha: α of the inverse distances, 0 or more.
        beta: β of the repel, 0 or more.
        margin: γ of both triplets, in (0, 2].
        temperature: τ of InfoNCE, above 0.
        floor: the least distance in the share, in (0, 2].
        hardness: of InfoNCE's negatives, 0 or more.
        routing: λ of the routing regulariser, 0 or more; for models that have an attention.

    The paper's own is `MultiTowerLoss(pull="triplet", share="raw", alpha=5.5, beta=6)`.

    Raises:
        ValueError: naming the setting that is out of range.

    >>> users = Users(vectors=torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), mask=torch.tensor([[True, True]]))
    >>> loss = MultiTowerLoss(pull="triplet", alpha=1.0, beta=1.0, margin=0.5)
    >>> terms = loss(users, torch.tensor([[0.6, 0.8]]), torch.tensor([[-1.0, 0.0]]), torch.tensor([[True]]))
    >>> terms["share"], terms["pull"], terms["repel"], terms["total"]
    (tensor([[0.6667, 1.3333]]), tensor([[0., 0.]]), tensor([[0., 0.]]), tensor(0.))
    """

    pull: Pull = "infonce"
    share: Share = "normalised"
    through_weight: bool = False
    alpha: float = 5.0
    beta: float = 0.3
    margin: float = 0.5
    temperature: float = 0.1
    floor: float = 0.05
    hardness: float = 0.0
    routing: float = 0.0

    def __post_init__(self) -> None:
        if self.pull not in get_args(Pull):
            raise ValueError(f"pull: {self.pull!r} is not known; it must be 'triplet' or 'infonce'")
        if self.share not in get_args(Share):
            raise ValueError(
                f"share: {self.share!r} is not known; it must be one of {', '.join(map(repr, get_args(Share)))}"
            )
        for name in ("alpha", "beta", "hardness", "routing"):
            if not 0 <= getattr(self, name) < torch.inf:
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; it must be a number from 0 upward")
        for name in ("margin", "floor"):
            if not 0 < getattr(self, name) <= 2:
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; cosine distances lie in (0, 2]")
        _check_temperature(self.temperature)
        if self.hardness and self.pull == "triplet":
            raise ValueError(f"hardness: {self.hardness} goes with pull='infonce'; with 'triplet' it must be 0")
        if self.through_weight and self.share not in ("normalised", "raw"):
            raise ValueError(f"through_weight: share={self.share!r} has no gradient; use 'normalised' or 'raw'")

    def __call__(
        self, users: Users, target: Targets, negatives: Items, mask: Mask, log_odds: LogOdds | None = None
    ) -> Terms:
        """The terms `share`, `pull`, `repel` of each tower, `[batch, tower]`, absent towers 0, and their `total`.

        Args:
            target: `v_t`.
            negatives: the items that all samples of the batch share.
            mask: False where a negative is the sample's own target.
            log_odds: how much likelier the target was to be drawn than each negative, see `LabelAwareSoftmax`.
        """
        vectors = torch.where(users.mask[..., None], users.vectors, 0)  # an absent tower may hold anything
        units = F.normalize(vectors, dim=-1)
        positive = cosine_to_target = (units * F.normalize(target, dim=-1)[:, None]).sum(dim=-1)
        # share and repel are about distances (Eq. 5); the pull compares as the model does when it serves
        if users.similarity == "cosine":
            negative = units @ F.normalize(negatives, dim=-1).T
        else:
            positive, negative = (vectors * target[:, None]).sum(dim=-1), vectors @ negatives.T
            if not (self.beta or self.through_weight):  # then no gradient flows through distances
                units, cosine_to_target = units.detach(), cosine_to_target.detach()

        if self.pull == "triplet":
            pull = triplet(positive, negative, mask[:, None], margin=self.margin)
        else:
            if log_odds is not None:
                negative = negative + self.temperature * log_odds[:, None]
            pull = info_nce(positive, negative, mask[:, None], temperature=self.temperature, hardness=self.hardness)
        pull = pull * users.mask
        if self.share in ("normalised", "raw"):
            share = share_by_distance(
                cosine_to_target,
                users.mask,
                alpha=self.alpha,
                floor=self.floor,
                normalised=self.share == "normalised",
                through_weight=self.through_weight,
            )
        elif self.share == "equal":
            share = users.mask.to(pull.dtype)
        else:
            share = share_to_best(positive if self.share == "nearest" else -pull, users.mask)
        push = repel(cosine_to_target, units @ units.transpose(1, 2), users.mask, margin=self.margin)
        terms = {"share": share, "pull": pull, "repel": push}
        total = share * pull + self.beta * push
        if self.routing:
            if users.attention is None:
                raise ValueError(f"routing: {self.routing} needs a model with attention; set it to 0 for this one")
            terms["routing"] = routing_spread(users.attention, users.mask)
            total = total + self.routing * terms["routing"]
        return {**terms, "total": (total.sum(dim=1) / users.mask.sum(dim=1)).mean()}


@dataclass(frozen=True, kw_only=True)
class LabelAwareSoftmax:
    """MIND's objective: label-aware attention mixes the user's vectors for the target, a softmax trains the mixture.

    `−log softmax` of the mixture's similarity to the target, over τ, among the target and the negatives. The paper's
    `L_SSM` is this on inner products with τ = 1; with cosines τ must be small, as in InfoNCE.

    Args:
        sharpness: p of the attention, 0 or more.
        temperature: τ, above 0.

    The softmax of few drawn items stands for that of all. Where some are drawn more often, each similarity loses the
    logarithm of its probability to be drawn (the log-frequency correction); with `log_odds`, the target's logarithm
    less the negative's, the negatives gain it instead, which is the same softmax. The training loop gives it where
    `TrainingSettings.correct_frequency` asks for it.

    Source: Li et al., MIND, CIKM 2019; Jean et al., On using very large target vocabulary for neural machine
    translation, ACL 2015.

    >>> users = Users(vectors=torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), mask=torch.tensor([[True, True]]))
    >>> terms = LabelAwareSoftmax(sharpness=0.0, temperature=0.1)(
    ...     users, torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([[True]])
    ... )
    >>> terms["share"], terms["total"]
    (tensor([[0.5000, 0.5000]]), tensor(0.6931))
    """

    sharpness: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.sharpness < torch.inf:
            raise ValueError(f"sharpness: {self.sharpness} is out of range; it must be a number from 0 upward")
        _check_temperature(self.temperature)

    def __call__(
        self, users: Users, target: Targets, negatives: Items, mask: Mask, log_odds: LogOdds | None = None
    ) -> Terms:
        """The terms `share` (the attention), `[batch, tower]`, `pull`, `[batch]`, and `total`, the mean of `pull`."""
        vectors = torch.where(users.mask[..., None], users.vectors, 0)
        if users.similarity == "cosine":
            vectors, target, negatives = (F.normalize(v, dim=-1) for v in (vectors, target, negatives))
        present = Users(vectors=vectors, mask=users.mask)
        mixed, attention = label_aware_attention(present, target, sharpness=self.sharpness)
        if users.similarity == "cosine":
            mixed = F.normalize(mixed, dim=-1)
        negative = mixed @ negatives.T
        if log_odds is not None:
            negative = negative + self.temperature * log_odds
        positive = (mixed * target).sum(dim=1, keepdim=True)
        pull = info_nce(positive, negative[:, None], mask[:, None], temperature=self.temperature)[:, 0]
        return {"share": attention, "pull": pull, "total": pull.mean()}


def _check_temperature(temperature: float) -> None:
    if not 0 < temperature < torch.inf:
        raise ValueError(f"temperature: {temperature} is out of range; it must be above 0")


OBJECTIVES = (MultiTowerLoss, LabelAwareSoftmax)
"""The objectives that a saved run may name."""
