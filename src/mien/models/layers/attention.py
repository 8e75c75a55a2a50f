"""Cross-modal attention: where in a picture to look, given what is said."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

CONTRAST, STRONG = 0.5, 2.0
"""The first weight of all channels together; the strength, in standard deviations, that counts."""


class AdditiveAttention(nn.Module):
    """Score each site of a map by its features and by the text: w · tanh(U x + V t).

    Parameters
    ----------
    channels : int
        Features of a site; also the hidden size.
    query : int or None
        Length of the text's state, None for a model without text.

    Notes
    -----
    Dai et al. 2021, section 4.3; additive attention is of Bahdanau et al. 2015. A bias of `w`,
    which the published model has, cancels in the softmax.
    """

    def __init__(self, channels: int, query: int | None) -> None:
        super().__init__()
        self.features = nn.Linear(channels, channels)
        self.text = None if query is None else nn.Linear(query, channels, bias=False)
        self.score = nn.Linear(channels, 1, bias=False)

    def init_energy_bias(self) -> None:
        """Start by favouring, a little, where features are strong, whatever the words say.

        A start at random would hide half of each picture at random until the attention has learnt.
        One strong feature counts for more than many weak ones, which silence has, too.
        """
        nn.init.eye_(self.features.weight)
        nn.init.constant_(self.features.bias, -STRONG)
        nn.init.constant_(self.score.weight, CONTRAST / len(self.features.bias))
        if self.text is not None:
            nn.init.zeros_(self.text.weight)

    def forward(self, maps: Tensor, query: Tensor | None) -> Tensor:
        """Score maps (N, C, H, W), given a state (N, Q) for each: (N, H, W) up to a constant.

        It computes in float32 under autocast, too: a rounded score keeps other sites.
        """
        with torch.autocast(maps.device.type, enabled=False):
            guide = self.features.bias
            if self.text is not None and query is not None:
                guide = guide + self.text(query.to(guide))
            # tanh h = 2 sigmoid(2 h) - 1, eight times as fast; the 1 cancels in the softmax
            hidden = F.conv2d(maps.to(guide), 2 * self.features.weight[:, :, None, None])
            hidden = (hidden + 2 * guide[..., None, None]).sigmoid()
            return F.linear(hidden.permute(0, 2, 3, 1), 2 * self.score.weight)[..., 0]


def spatial_softmax(scores: Tensor, active: Tensor) -> Tensor:
    """Turn the scores (N, H, W) of active sites into shares that sum to 1 in each map."""
    scores = scores.masked_fill(~active, -torch.inf)
    return F.softmax(scores.flatten(1), dim=1).view_as(scores)


def nucleus(shares: Tensor, mass: float, among: Tensor) -> Tensor:
    """Choose, in each row, the fewest of the largest shares that hold the probability mass.

    Parameters
    ----------
    shares : Tensor (N, S)
        Probabilities; each row sums to 1 over what is `among`.
    mass : float
        Above 0, at most 1; 1 keeps everything.
    among : Tensor (N, S) bool
        What can be chosen, one at least in each row.

    Returns
    -------
    Tensor (N, S) bool

    Examples
    --------
    >>> nucleus(torch.tensor([[0.2, 0.5, 0.3]]), 0.6, torch.ones(1, 3, dtype=torch.bool)).tolist()
    [[False, True, True]]
    """
    if mass >= 1:
        return among
    ordered, order = shares.detach().masked_fill(~among, -1.0).sort(dim=1, descending=True)
    ordered = ordered.clamp(min=0).double()
    before = ordered.cumsum(dim=1) - ordered
    before[:, 0] = 0  # whatever the rounding, the first is chosen
    return torch.zeros_like(among).scatter(1, order, before < mass) & among


def choose_pictures(scores: Tensor, counts: Tensor, mass: float) -> tuple[Tensor, Tensor]:
    """Choose whole pictures of each utterance by the attention that all their sites receive.

    Parameters
    ----------
    scores : Tensor (sum T,)
        Of each picture, the logarithm of its sites' mass.
    counts : Tensor (B,) int64
        Pictures of each utterance, at least 1.
    mass : float
        Probability mass of the nucleus.

    Returns
    -------
    shares : Tensor (sum T,)
        Attention on each picture; sums to 1 in each utterance.
    chosen : Tensor (sum T,) bool
    """
    padded = pad_sequence(scores.split(counts.tolist()), batch_first=True, padding_value=-torch.inf)
    among = torch.arange(padded.shape[1], device=counts.device) < counts[:, None]
    shares = F.softmax(padded, dim=1)
    return shares[among], nucleus(shares, mass, among)[among]
