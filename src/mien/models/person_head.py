"""The speaker embedding, which also tells speakers apart that training did not include."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MARGIN, SCALE = 0.2, 30.0
"""The angular margin of `margin_loss` in radians, and the scale of its cosines."""


class PersonEmbedding(nn.Module):
    """Project the states of the modalities to unit-length vectors in one space.

    Each modality has a linear projection into the space, and the fused vector is the weighted sum
    of those present. All of them are trained towards the same prototype of their speaker, so that
    clips with different modalities can be compared.

    Parameters
    ----------
    dims : mapping of str to int
        Length of each modality's state.
    size : int
        Length of the embedding.
    persons : int
        Number of speakers in training, whose prototypes `cosines` uses.

    Examples
    --------
    >>> embed = PersonEmbedding({"video": 8, "audio": 8}, size=4, persons=3)
    >>> states = {"video": torch.randn(2, 8), "audio": torch.randn(2, 8)}
    >>> fused, each = embed(states, torch.tensor([[True, True], [False, True]]))
    >>> torch.allclose(fused[1], each["audio"][1])
    True
    """

    def __init__(self, dims: Mapping[str, int], size: int, persons: int) -> None:
        super().__init__()
        self.project = nn.ModuleDict({m: nn.Linear(dim, size) for m, dim in dims.items()})
        self.weight = nn.Parameter(torch.ones(len(dims)))
        self.weight.requires_grad_(len(dims) > 1)  # the length of a single vector is normalised
        self.prototypes = nn.Parameter(torch.randn(persons, size))

    def forward(
        self, states: Mapping[str, Tensor], present: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Embed the states (B, dim) of M modalities, of which `present` (B, M) bool exist.

        Returns
        -------
        fused : Tensor (B, E)
            Unit length; zeros where no modality is present.
        each : dict of str to Tensor (B, E)
            The embedding of each modality alone; zeros where it is missing.
        """
        each = {
            m: F.normalize(self.project[m](state), dim=1) * there[:, None]
            for (m, state), there in zip(states.items(), present.unbind(dim=1), strict=True)
        }
        fused = torch.einsum("m,mbe->be", self.weight, torch.stack(list(each.values())))
        return F.normalize(fused, dim=1), each

    def cosines(self, embedding: Tensor) -> Tensor:
        """Compute the cosines of embeddings (B, E) with the prototypes: (B, persons)."""
        return embedding @ F.normalize(self.prototypes, dim=1).T


def margin_loss(cosines: Tensor, persons: Tensor) -> Tensor:
    """Compute the additive angular margin loss (AAM-softmax, ArcFace).

    Parameters
    ----------
    cosines : Tensor (B, P)
        From `PersonEmbedding.cosines`.
    persons : Tensor (B,) int64
        The speaker of each embedding.

    Returns
    -------
    Tensor ()
        Mean over the batch.

    Notes
    -----
    Deng et al., ArcFace: Additive Angular Margin Loss, 2019. Beyond the angle at which the cosine
    with the margin would increase again, it is continued linearly, as is common.
    """
    cosines = cosines.float()
    own = cosines.gather(1, persons[:, None])
    sine = (1 - own.square()).clamp(min=1e-7).sqrt()
    apart = own * math.cos(MARGIN) - sine * math.sin(MARGIN)
    apart = torch.where(own > -math.cos(MARGIN), apart, own - MARGIN * math.sin(MARGIN))
    return F.cross_entropy(SCALE * cosines.scatter(1, persons[:, None], apart), persons)
