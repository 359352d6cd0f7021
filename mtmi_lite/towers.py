"""Towers: each turns one user's history into one vector. A module here is K towers at once, computed as one batch.

The K towers share nothing but the embedding table they read from; their weights are stacked along an axis `tower`.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn


class MeanPooling(nn.Module):
    """K towers of YouTube DNN: the mean of the history's vectors, through a network with one hidden layer.

    For tower j, `v = W₂ relu(W₁ ē + b₁) + b₂` with `ē` the mean over the slots that hold an item.

    Source: Covington, Adams, Sargin, Deep neural networks for YouTube recommendations, RecSys 2016.

    >>> towers = MeanPooling(num_towers=4, dim=8, num_steps=3, generator=torch.Generator().manual_seed(0))
    >>> vectors, attention = towers(torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool))
    >>> vectors.shape
    torch.Size([2, 4, 8])
    """

    def __init__(self, *, num_towers: int, dim: int, num_steps: int, generator: torch.Generator) -> None:
        super().__init__()
        hidden = 2 * dim
        self.inner = _weight(num_towers, dim, hidden, generator=generator)
        self.inner_bias = nn.Parameter(torch.zeros(num_towers, hidden))
        self.outer = _weight(num_towers, hidden, dim, generator=generator)
        self.outer_bias = nn.Parameter(torch.zeros(num_towers, dim))

    def forward(
        self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]
    ) -> tuple[Float[Tensor, "batch tower dim"], None]:
        mean = embedded.sum(dim=1) / mask.sum(dim=1, keepdim=True)
        hidden = torch.einsum("bd,kdh->kbh", mean, self.inner) + self.inner_bias[:, None]
        vectors = torch.einsum("kbh,khd->kbd", hidden.relu(), self.outer) + self.outer_bias[:, None]
        return vectors.transpose(0, 1), None


class AttentionFusion(nn.Module):
    """K towers of attention fusion (Eq. 2–3), the tower of MTMI-basic and, with item ids alone, of Que2Search.

    For tower j, `w = softmax(proj(e₁ ‖ … ‖ e_L))` and `f = Σ wᵢ eᵢ`: one linear map reads the whole history, laid end
    to end, and says how much each slot counts. A slot's weight depends on where it stands; padded slots weigh 0.

    Source: Eq. 2–3; Liu et al., Que2Search, KDD 2021.

    >>> towers = AttentionFusion(num_towers=4, dim=8, num_steps=3, generator=torch.Generator().manual_seed(0))
    >>> mask = torch.tensor([[False, True, True]])
    >>> vectors, attention = towers(torch.randn(1, 3, 8).masked_fill(~mask[..., None], 0), mask)
    >>> vectors.shape, attention[0, :, 0].tolist()
    (torch.Size([1, 4, 8]), [0.0, 0.0, 0.0, 0.0])
    """

    def __init__(self, *, num_towers: int, dim: int, num_steps: int, generator: torch.Generator) -> None:
        super().__init__()
        self.projection = _weight(num_towers, num_steps * dim, num_steps, generator=generator)
        self.bias = nn.Parameter(torch.zeros(num_towers, num_steps))

    def forward(
        self, embedded: Float[Tensor, "batch step dim"], mask: Bool[Tensor, "batch step"]
    ) -> tuple[Float[Tensor, "batch tower dim"], Float[Tensor, "batch tower step"]]:
        laid_out = embedded.flatten(1)  # [batch, step · dim]
        num_towers, _, num_steps = self.projection.shape
        # all towers read the same input, so their K projections are one matrix product
        stacked = self.projection.transpose(0, 1).flatten(1)  # [step · dim, tower · step]
        scores = (laid_out @ stacked).unflatten(1, (num_towers, num_steps)) + self.bias
        attention = scores.masked_fill(~mask[:, None], -torch.inf).softmax(dim=-1)
        return attention @ embedded, attention


def _weight(num_towers: int, fan_in: int, fan_out: int, *, generator: torch.Generator) -> nn.Parameter:
    """One weight a tower, `[tower, fan_in, fan_out]`, drawn with Glorot and Bengio's variance 2 / (in + out)."""
    scale = (2 / (fan_in + fan_out)) ** 0.5
    return nn.Parameter(torch.randn(num_towers, fan_in, fan_out, generator=generator) * scale)


class ItemTower(nn.Module):
    """The item tower: item ids to vectors `v_t`, from the table that the user towers read as well.

    With ids alone an item's vector is its row of the table. Features of an item would be added here, and nowhere else.

    >>> ItemTower(nn.Embedding(5, 8))(torch.tensor([4, 0])).shape
    torch.Size([2, 8])
    """

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table

    def forward(self, ids: Int64[Tensor, "*shape"]) -> Float[Tensor, "*shape dim"]:
        return self.table(ids)
