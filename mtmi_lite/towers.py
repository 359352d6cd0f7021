"""Towers: each turns one user's history into one vector. A module here is K towers at once, computed as one batch.

The K towers share nothing but the embedding table they read from; their weights are stacked along an axis `tower`.
`SharedAttention`, `InterestRouting` and `PositionRouting` are the other way to K vectors: one set of weights for all.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from mtmi_lite.interactions import Features

Similarity = Literal["cosine", "inner-product"]


@dataclass(frozen=True, kw_only=True)
class Users:
    """The vectors of some users: `V_u = (v_u⁽¹⁾, …, v_u⁽ᴷ⁾)`.

    Args:
        vectors: one vector a tower. K = 1 is no special case.
        mask: True where the tower exists for this user.
        attention: how much each tower looks at each slot of the history, where the model has such a thing.
        similarity: how the vectors are compared with items, in training and in serving.
    """

    vectors: Float[Tensor, "batch tower dim"]
    mask: Bool[Tensor, "batch tower"]
    attention: Float[Tensor, "batch tower step"] | None = None
    similarity: Similarity = "cosine"


def _users(vectors: Tensor, attention: Tensor | None = None) -> Users:
    """Users who have every tower."""
    return Users(vectors=vectors, mask=vectors.new_ones(vectors.shape[:2], dtype=torch.bool), attention=attention)


class MeanPooling(nn.Module):
    """K towers of YouTube DNN: the mean of the history's vectors, through a network with one hidden layer.

    For tower j, `v = W₂ relu(W₁ ē + b₁) + b₂` with `ē` the mean over the slots that hold an item.

    Source: Covington, Adams, Sargin, Deep neural networks for YouTube recommendations, RecSys 2016.

    >>> towers = MeanPooling(num_towers=4, dim=8, history_length=3, generator=torch.Generator().manual_seed(0))
    >>> towers(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).vectors.shape
    torch.Size([2, 4, 8])
    """

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        hidden = 2 * dim
        self.inner = _weight(num_towers, dim, hidden, generator=generator)
        self.inner_bias = nn.Parameter(torch.zeros(num_towers, hidden))
        self.outer = _weight(num_towers, hidden, dim, generator=generator)
        self.outer_bias = nn.Parameter(torch.zeros(num_towers, dim))

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        mean = embedded.sum(dim=1) / mask.sum(dim=1, keepdim=True)
        hidden = torch.einsum("bd,kdh->kbh", mean, self.inner) + self.inner_bias[:, None]
        vectors = torch.einsum("kbh,khd->kbd", hidden.relu(), self.outer) + self.outer_bias[:, None]
        return _users(vectors.transpose(0, 1))


class GRU(nn.Module):
    """K towers of GRU4Rec: a gated recurrence over the history, oldest item first; the last state is the vector.

    For tower j and each slot, with `e` the item and `h` the state so far,
    `r = σ(W_r e + U_r h + …)`, `z = σ(W_z e + U_z h + …)`, `n = tanh(W_n e + b_n + r ⊙ (U_n h + c_n))`,
    `h ← (1 − z) ⊙ n + z ⊙ h`. The state starts at 0 with the first item; what pads a history on the left is not read.

    Source: Hidasi et al., Session-based recommendations with recurrent neural networks, 2016; Cho et al., 2014.

    >>> towers = GRU(num_towers=4, dim=8, history_length=3, generator=torch.Generator().manual_seed(0))
    >>> towers(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).vectors.shape
    torch.Size([2, 4, 8])
    """

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        # the three gates, reset, update and new, lie side by side
        self.input = _weight(num_towers, dim, 3 * dim, generator=generator)
        self.input_bias = nn.Parameter(torch.zeros(num_towers, 3 * dim))
        self.state = _weight(num_towers, dim, 3 * dim, generator=generator)
        self.state_bias = nn.Parameter(torch.zeros(num_towers, 3 * dim))

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        num_towers, dim, _ = self.input.shape
        # the longest histories first: those who have begun are then always the first ones, and no padding is computed
        longest_first = mask.sum(dim=1).argsort(descending=True, stable=True)
        begun = mask.sum(dim=0).tolist()
        items = embedded[longest_first].transpose(0, 1)[mask[longest_first].T].expand(num_towers, -1, -1)
        sizes = [2 * dim, dim]  # reset and update side by side, then the new state
        w_gates, w_new = self.input.split(sizes, dim=-1)
        u_gates, u_new = self.state.split(sizes, dim=-1)
        b_gates, b_new = self.input_bias[:, None].split(sizes, dim=-1)
        c_gates, c_new = self.state_bias[:, None].split(sizes, dim=-1)
        # what the items say needs no state, so it is one product for all steps
        gates = torch.baddbmm(b_gates + c_gates, items, w_gates).split(begun, dim=1)
        news = torch.baddbmm(b_new, items, w_new).split(begun, dim=1)
        state = embedded.new_zeros(num_towers, 0, dim)
        for gate, new in zip(gates, news, strict=True):
            state = F.pad(state, (0, 0, 0, gate.shape[1] - state.shape[1]))  # 0 for those who begin here
            reset, update = torch.baddbmm(gate, state, u_gates).sigmoid_().chunk(2, dim=-1)
            new = torch.addcmul(new, reset, torch.baddbmm(c_new, state, u_new)).tanh_()
            state = torch.lerp(new, state, update)
        return _users(state.transpose(0, 1)[longest_first.argsort()])


class AttentionFusion(nn.Module):
    """K towers of attention fusion (Eq. 2–3), the tower of MTMI-basic and, with item ids alone, of Que2Search.

    For tower j, `w = softmax(proj(e₁ ‖ … ‖ e_L))` and `f = Σ wᵢ eᵢ`: one linear map reads the whole history, laid end
    to end, and says how much each slot counts. A slot's weight depends on where it stands; padded slots weigh 0.

    Source: Eq. 2–3; Liu et al., Que2Search, KDD 2021.

    >>> towers = AttentionFusion(num_towers=4, dim=8, history_length=3, generator=torch.Generator().manual_seed(0))
    >>> mask = torch.tensor([[False, True, True]])
    >>> users = towers(torch.randn(1, 3, 8).masked_fill(~mask[..., None], 0), mask)
    >>> users.vectors.shape, users.attention[0, :, 0].tolist()
    (torch.Size([1, 4, 8]), [0.0, 0.0, 0.0, 0.0])
    """

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        self.projection = _weight(num_towers, history_length * dim, history_length, generator=generator)
        self.bias = nn.Parameter(torch.zeros(num_towers, history_length))

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        laid_out = embedded.flatten(1)  # [batch, step · dim]
        # all towers read the same input, so their K projections are one matrix product
        scores = (laid_out @ _side_by_side(self.projection)).unflatten(1, self.bias.shape) + self.bias
        return _attend(scores, embedded, mask)


class AttentionPooling(nn.Module):
    """K towers of additive self-attention: each item says by itself, and by its place, how much it counts.

    For tower j, `w = softmax(uᵀ tanh(W (eᵢ + pᵢ) + b))` over the slots and `f = Σ wᵢ eᵢ`. Unlike attention fusion, a
    weight depends on the item in the slot and not on the others; `p` is a vector for each place, one set a tower.

    Source: Lin et al., A structured self-attentive sentence embedding, ICLR 2017.

    >>> towers = AttentionPooling(num_towers=4, dim=8, history_length=3, generator=torch.Generator().manual_seed(0))
    >>> towers(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).vectors.shape
    torch.Size([2, 4, 8])
    """

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        self.inner = _weight(num_towers, dim, dim, generator=generator)
        # W (e + p) + b = W e + (W p + b): one vector for each place holds what is in the brackets
        self.place = nn.Parameter(torch.zeros(num_towers, history_length, dim))
        self.outer = _weight(num_towers, dim, 1, generator=generator)

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        slots = mask.flatten().nonzero()[:, 0]  # what pads a history is not computed at all
        items, steps = embedded.flatten(0, 1).index_select(0, slots), slots % mask.shape[1]
        # a loop: the towers' hidden layers side by side no longer fit the processor's cache
        scores = [
            (items @ inner).add_(place.index_select(0, steps)).tanh_() @ outer
            for inner, place, outer in zip(self.inner, self.place, self.outer, strict=True)
        ]
        return _attend(_put_back(torch.cat(scores, dim=1), slots, mask), embedded, mask)


class CausalAttention(nn.Module):
    """K towers of SASRec: self-attention in which a place sees itself and what came before; the last place's output.

    For tower j, on the history with its places, `h = E + P`, two blocks of
    `h ← h + softmax(Q Kᵀ / √d, no later place) V` with `Q, K, V` linear maps of `LN(h)`, and
    `h ← h + W₂ relu(W₁ LN(h) + b₁) + b₂`. The vector is `LN(h)` at the newest item. One head, as in the paper; no
    dropout.

    Source: Kang, McAuley, Self-attentive sequential recommendation, ICDM 2018.

    >>> towers = CausalAttention(num_towers=4, dim=8, history_length=3, generator=torch.Generator().manual_seed(0))
    >>> towers(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).vectors.shape
    torch.Size([2, 4, 8])
    """

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(num_towers, history_length, dim))
        self.first, self.second = (_CausalBlock(num_towers, dim, generator) for _ in range(2))
        self.norm = nn.Parameter(_no_change(num_towers, dim))

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        itself = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        seen = (mask[:, None] | itself).tril()  # padding sees itself: a softmax over nothing would be NaN
        states, _ = self.first(embedded + self.place[:, None], seen)
        newest, attention = self.second(states, seen[:, -1:])  # nothing reads the other places any more
        vectors = _layer_norm(newest, self.norm)[:, :, 0]
        return _users(vectors.transpose(0, 1), attention[:, :, 0].transpose(0, 1))


class _CausalBlock(nn.Module):
    """One block of `CausalAttention`: attention and a network, each added to what it reads."""

    def __init__(self, num_towers: int, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        weights = (_weight(num_towers, dim, dim, generator=generator) for _ in range(5))
        self.query, self.key, self.value, self.inner, self.outer = weights
        self.inner_bias, self.outer_bias = (nn.Parameter(torch.zeros(num_towers, dim)) for _ in range(2))
        self.attention_norm, self.network_norm = (nn.Parameter(_no_change(num_towers, dim)) for _ in range(2))

    def forward(
        self, states: Float[Tensor, "tower batch step dim"], seen: Bool[Tensor, "batch asking step"]
    ) -> tuple[Float[Tensor, "tower batch asking dim"], Float[Tensor, "tower batch asking step"]]:
        """The new states of as many of the last places as `seen` has rows, and what they look at."""
        asking, normed = seen.shape[1], _layer_norm(states, self.attention_norm)
        scores = _map(normed[:, :, -asking:], self.query) @ _map(normed, self.key).mT / states.shape[-1] ** 0.5
        attention = scores.masked_fill(~seen, -torch.inf).softmax(dim=-1)
        states = states[:, :, -asking:] + attention @ _map(normed, self.value)
        hidden = _map(_layer_norm(states, self.network_norm), self.inner) + self.inner_bias[:, None, None]
        return states + _map(hidden.relu(), self.outer) + self.outer_bias[:, None, None], attention


def _no_change(num_towers: int, dim: int) -> Float[Tensor, "tower 2 dim"]:
    """The gain and the bias of a layer norm that changes nothing yet."""
    return torch.stack([torch.ones(num_towers, dim), torch.zeros(num_towers, dim)], dim=1)


def _layer_norm(states: Float[Tensor, "tower batch step dim"], gain_and_bias: Tensor) -> Tensor:
    gain, bias = gain_and_bias[:, :, None, None].unbind(dim=1)
    return F.layer_norm(states, states.shape[-1:]) * gain + bias


def _map(states: Float[Tensor, "tower batch step dim"], weight: Float[Tensor, "tower dim out"]) -> Tensor:
    """Each tower's linear map of its own states."""
    return torch.bmm(states.flatten(1, 2), weight).unflatten(1, states.shape[1:3])


class SharedAttention(nn.Module):
    """ComiRec-SA: K interests by one self-attention, `A = softmax(W₂ tanh(W₁ (H + P)))` and `V_u = A H`.

    The interests share `W₁` and the places `P`, and differ in their row of `W₂` alone.

    Source: Cen et al., Controllable multi-interest framework for recommendation, KDD 2020, Eq. 7–8.

    >>> interests = SharedAttention(num_towers=4, dim=8, history_length=3, generator=torch.Generator().manual_seed(0))
    >>> interests(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).vectors.shape
    torch.Size([2, 4, 8])
    """

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(history_length, dim))
        self.inner = _weight(dim, 4 * dim, generator=generator)
        self.outer = _weight(4 * dim, num_towers, generator=generator)

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        slots = mask.flatten().nonzero()[:, 0]  # what pads a history is not computed at all
        items = (embedded + self.place).flatten(0, 1).index_select(0, slots)
        parts = items.split(512)  # so many that their hidden layers fit the processor's cache
        scores = torch.cat([(part @ self.inner).tanh_() @ self.outer for part in parts])
        return _attend(_put_back(scores, slots, mask), embedded, mask)


class InterestRouting(nn.Module):
    """MIND: K interest capsules by dynamic routing, then a network with one hidden layer, the same for each.

    One matrix S maps every item, `ê = S e`, and the routing starts from logits drawn once for each place and interest:
    with equal logits all interests would stay the same. A user with `n` items in the history has
    `K′ = max(1, min(K, ⌊log₂ n⌋))` of them; the others are absent.

    Source: Li et al., Multi-interest network with dynamic routing for recommendation at Tmall, CIKM 2019.

    >>> interests = InterestRouting(num_towers=4, dim=8, history_length=4, generator=torch.Generator().manual_seed(0))
    >>> mask = torch.tensor([[False, True, True, True], [True, True, True, True]])  # ⌊log₂ 3⌋ = 1, log₂ 4 = 2
    >>> interests(torch.randn(2, 4, 8), mask).mask.sum(dim=1)
    tensor([1, 2])
    """

    start: Tensor

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        self.bilinear = _weight(dim, dim, generator=generator)
        self.register_buffer("start", torch.randn(num_towers, history_length, generator=generator))
        self.inner = _weight(dim, 4 * dim, generator=generator)
        self.outer = _weight(4 * dim, dim, generator=generator)

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        most = mask.sum(dim=1).log2().floor().clamp(1, len(self.start))
        present = torch.arange(len(self.start), device=mask.device) < most[:, None]
        mapped = (embedded @ self.bilinear)[:, None]  # the same for each interest
        capsules, attention = route(mapped, self.start, mask, present)
        return Users(vectors=(capsules @ self.inner).relu() @ self.outer, mask=present, attention=attention)


class PositionRouting(nn.Module):
    """ComiRec-DR: K interest capsules by dynamic routing, with a matrix for each place and interest.

    `ê_{j|i} = W_{ij} eᵢ`; the matrices differ, so the routing may start from equal logits.

    Source: Cen et al., Controllable multi-interest framework for recommendation, KDD 2020, Algorithm 1.

    >>> interests = PositionRouting(num_towers=4, dim=8, history_length=3, generator=torch.Generator().manual_seed(0))
    >>> interests(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).vectors.shape
    torch.Size([2, 4, 8])
    """

    start: Tensor

    def __init__(self, *, num_towers: int, dim: int, history_length: int, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = _weight(history_length, dim, num_towers * dim, generator=generator)
        self.register_buffer("start", torch.zeros(num_towers, history_length))

    def forward(self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]) -> Users:
        mapped = torch.bmm(embedded.transpose(0, 1), self.weight)  # [step, batch, tower · dim]
        mapped = mapped.unflatten(2, (len(self.start), -1)).permute(1, 2, 0, 3)
        everyone = mask.new_ones(len(mask), len(self.start))
        return _users(*route(mapped, self.start, mask, everyone))


def route(
    mapped: Float[Tensor, " batch #tower step dim"],
    start: Float[Tensor, "tower step"],
    mask: Bool[Tensor, "batch step"],
    present: Bool[Tensor, "batch tower"],
    *,
    iterations: int = 3,
) -> tuple[Float[Tensor, "batch tower dim"], Float[Tensor, "batch tower step"]]:
    """Dynamic routing: items share themselves out over the capsules they agree with.

    Each time, `c = softmax(b)` over a slot's capsules, `s_j = Σᵢ c_{ij} ê_{j|i}`, `v_j = squash(s_j)`, and
    `b_{ij} += ê_{j|i} · v_j`. The gradient flows through the last time only: the shares are constants for it.

    Returns:
        The capsules `v_j`, and the shares `c`, 0 for a padded slot or an absent capsule.

    Source: Sabour, Frosst, Hinton, Dynamic routing between capsules, NeurIPS 2017.

    >>> items = torch.tensor([[[[3.0, 0.0], [0.0, 3.0]]]])  # two items, mapped alike for both capsules
    >>> start = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> both = torch.ones(1, 2, dtype=torch.bool)
    >>> route(items, start, both, both)[1].round(decimals=2)
    tensor([[[0.9900, 0.0100],
             [0.0100, 0.9900]]])
    """
    logits = start.expand(len(mask), -1, -1)
    fixed = mapped.detach()
    for _ in range(iterations - 1):
        capsules = squash(_share_out(logits, mask, present)[:, :, None] @ fixed)
        logits = logits + (fixed @ capsules.mT)[..., 0]
    shares = _share_out(logits, mask, present)
    return squash(shares[:, :, None] @ mapped)[:, :, 0], shares


def _share_out(logits: Tensor, mask: Tensor, present: Tensor) -> Tensor:
    return logits.masked_fill(~present[..., None], -torch.inf).softmax(dim=1) * mask[:, None]


def squash(vectors: Float[Tensor, "*shape dim"]) -> Float[Tensor, "*shape dim"]:
    """Keep the direction and press the length into [0, 1): `‖s‖² / (1 + ‖s‖²) · s / ‖s‖`.

    Written as `‖s‖ / (1 + ‖s‖²) · s`, and with the square root of ‖s‖² + 1e-12, so that a capsule that got nothing is
    0 and has a gradient.

    >>> squash(torch.tensor([[3.0, 4.0]]))
    tensor([[0.5769, 0.7692]])
    """
    squared = vectors.square().sum(dim=-1, keepdim=True)
    return (squared + 1e-12).sqrt() / (1 + squared) * vectors


def _attend(scores: Tensor, embedded: Tensor, mask: Tensor) -> Users:
    """`Σ wᵢ eᵢ` with `w` the softmax of each tower's scores `[batch, tower, step]` over the slots that hold an item."""
    attention = torch.where(mask[:, None], scores, -torch.inf).softmax(dim=-1)
    return _users(attention @ embedded, attention)


def _put_back(
    scores: Float[Tensor, "slot tower"], slots: Int64[Tensor, " slot"], mask: Bool[Tensor, "batch step"]
) -> Float[Tensor, "batch tower step"]:
    """Scores of the slots that hold an item, at their places in the histories."""
    everywhere = scores.new_zeros(mask.numel(), scores.shape[1])
    return everywhere.index_copy(0, slots, scores).unflatten(0, mask.shape).transpose(1, 2)


def _side_by_side(weights: Float[Tensor, "tower inner outer"]) -> Float[Tensor, "inner tower_outer"]:
    """The towers' weights as one matrix, for towers that read the same input."""
    return weights.transpose(0, 1).flatten(1)


def _weight(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """A weight `[…, fan_in, fan_out]`, drawn with Glorot and Bengio's variance 2 / (in + out)."""
    return nn.Parameter(torch.randn(*shape, generator=generator) * (2 / (shape[-2] + shape[-1])) ** 0.5)


TOWERS = (
    MeanPooling,
    GRU,
    AttentionFusion,
    AttentionPooling,
    CausalAttention,
    SharedAttention,
    InterestRouting,
    PositionRouting,
)
"""The towers of a model: the first five are K towers, the others one module with K vectors."""


class FeatureTable(nn.Module):
    """The mean of the vectors of a row's features, 0 for a row that has none.

    >>> table = FeatureTable(num_features=3, dim=2, generator=torch.Generator().manual_seed(0))
    >>> mean = table(torch.tensor([[0, 2, -1], [-1, -1, -1]]))
    >>> bool(mean[0].allclose(table.weight[[0, 2]].mean(dim=0))), mean[1].tolist()
    (True, [0.0, 0.0])
    """

    def __init__(self, *, num_features: int, dim: int, generator: torch.Generator | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_features, dim, generator=generator) * dim**-0.5)

    def forward(self, ids: Int64[Tensor, "*shape slot"]) -> Float[Tensor, "*shape dim"]:
        here = ids >= 0
        found = F.embedding(ids.clamp(min=0), self.weight) * here[..., None]
        return found.sum(dim=-2) / here.sum(dim=-1, keepdim=True).clamp(min=1)


class ItemTower(nn.Module):
    """The item tower: `v_t` from the item's row of the table that the user towers read as well, and from its features.

    With features, an item's vector is its row plus the mean of its features' vectors. A row that training never
    touched is noise: an item that is not `warm` is what its features say, and nothing else.

    Args:
        table: the embedding table.
        features: what is known of each item; None leaves the ids alone.
        warm: True for items that training users have; None for all.

    >>> ItemTower(nn.Embedding(5, 8))(torch.tensor([4, 0])).shape
    torch.Size([2, 8])
    """

    feature_ids: Tensor
    warm: Tensor

    def __init__(
        self,
        table: nn.Embedding,
        *,
        generator: torch.Generator | None = None,
        features: Features | None = None,
        warm: Bool[Tensor, " item"] | None = None,
    ) -> None:
        super().__init__()
        self.table = table
        self.features = None
        if features is not None:
            self.features = FeatureTable(num_features=len(features.names), dim=table.embedding_dim, generator=generator)
            # the row past the last item, which padded slots read, has no features
            self.register_buffer("feature_ids", F.pad(torch.from_numpy(features.ids), (0, 0, 0, 1), value=-1))
            warm = torch.ones(len(features), dtype=torch.bool) if warm is None else warm
            self.register_buffer("warm", F.pad(warm, (0, 1)))

    def forward(self, ids: Int64[Tensor, "*shape"]) -> Float[Tensor, "*shape dim"]:
        vectors = self.table(ids)
        if self.features is None:
            return vectors
        return vectors * self.warm[ids][..., None] + self.features(self.feature_ids[ids])
