"""Cross-modal attention: which sites of an image matter, given the text."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

CONTRAST, STRONG = 0.5, 2.0
"""For `init_energy_bias`: the sum of the score weights; the threshold of a strong feature, in
standard deviations."""


class AdditiveAttention(nn.Module):
    """Score each site of a feature map by its features and the text: w · tanh(U x + V t).

    Parameters
    ----------
    channels : int
        Number of features of a site; also the hidden size.
    query : int or None
        Length of the text state, None for a model without text.

    Notes
    -----
    Dai et al. 2021, section 4.3; additive attention is due to Bahdanau et al. 2015. The published
    model has a bias of `w`, which cancels in the softmax.
    """

    def __init__(self, channels: int, query: int | None) -> None:
        super().__init__()
        self.features = nn.Linear(channels, channels)
        self.text = None if query is None else nn.Linear(query, channels, bias=False)
        self.score = nn.Linear(channels, 1, bias=False)

    def init_energy_bias(self) -> None:
        """Initialise the attention to favour sites with strong features, whatever the text.

        A random initialisation would drop a random half of each image until the attention is
        trained. One strong feature counts more than many weak ones, which silence has, too.
        """
        nn.init.eye_(self.features.weight)
        nn.init.constant_(self.features.bias, -STRONG)
        nn.init.constant_(self.score.weight, CONTRAST / len(self.features.bias))
        if self.text is not None:
            nn.init.zeros_(self.text.weight)

    def forward(self, maps: Tensor, query: Tensor | None) -> Tensor:
        """Score maps (N, C, H, W), given a text state (N, Q) for each: (N, H, W) up to a constant.

        It computes in float32 even under autocast, since rounded scores select other sites.
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
    """Compute the softmax of the scores (N, H, W) over the active sites of each map."""
    scores = scores.masked_fill(~active, -torch.inf)
    return F.softmax(scores.flatten(1), dim=1).view_as(scores)


def nucleus(shares: Tensor, mass: float, among: Tensor) -> Tensor:
    """Select, in each row, the fewest largest probabilities whose sum reaches the mass.

    Parameters
    ----------
    shares : Tensor (N, S)
        Probabilities; each row sums to 1 over the candidates in `among`.
    mass : float
        Above 0, at most 1; 1 selects every candidate.
    among : Tensor (N, S) bool
        The candidates, at least one in each row.

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
    before[:, 0] = 0  # whatever the rounding, the first is selected
    return torch.zeros_like(among).scatter(1, order, before < mass) & among


def choose_images(scores: Tensor, counts: Tensor, mass: float) -> tuple[Tensor, Tensor]:
    """Select whole images of each utterance by the total attention on their sites.

    Parameters
    ----------
    scores : Tensor (sum T,)
        The logarithm of the total mass of each image's sites.
    counts : Tensor (B,) int64
        Number of images of each utterance, at least 1.
    mass : float
        Probability mass of the nucleus.

    Returns
    -------
    shares : Tensor (sum T,)
        Attention on each image; it sums to 1 over an utterance.
    chosen : Tensor (sum T,) bool
    """
    padded = pad_sequence(scores.split(counts.tolist()), batch_first=True, padding_value=-torch.inf)
    among = torch.arange(padded.shape[1], device=counts.device) < counts[:, None]
    shares = F.softmax(padded, dim=1)
    return shares[among], nucleus(shares, mass, among)[among]
