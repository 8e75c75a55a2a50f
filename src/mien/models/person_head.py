"""The embedding that tells persons apart, those whom no training saw as well."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MARGIN, SCALE = 0.2, 30.0
"""Angle (radians) by which a person must stand out, and what cosines are multiplied by."""


class PersonEmbedding(nn.Module):
    """States of the modalities to vectors of unit length in one space.

    Each modality has a linear map into the space, and the fused vector is the weighted sum of
    those present. All of them learn to lie near the same prototype of their person, so that
    clips can be compared whatever each of them has.

    Parameters
    ----------
    dims : mapping of str to int
        Length of each modality's state.
    size : int
        Length of the embedding.
    persons : int
        Number of persons in training; only `cosines` needs their prototypes.

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
        self.weight.requires_grad_(len(dims) > 1)  # of one alone, only the direction counts
        self.prototypes = nn.Parameter(torch.randn(persons, size))

    def forward(
        self, states: Mapping[str, Tensor], present: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Embed the states (B, dim) of M modalities, of which `present` (B, M) bool exist.

        Returns
        -------
        fused : Tensor (B, E)
            Unit length; zeros where nothing is present.
        each : dict of str to Tensor (B, E)
            Of each modality alone; zeros where it is missing.
        """
        each = {
            m: F.normalize(self.project[m](state), dim=1) * there[:, None]
            for (m, state), there in zip(states.items(), present.unbind(dim=1), strict=True)
        }
        fused = torch.einsum("m,mbe->be", self.weight, torch.stack(list(each.values())))
        return F.normalize(fused, dim=1), each

    def cosines(self, embedding: Tensor) -> Tensor:
        """Compare embeddings (B, E) with each person of training: (B, persons)."""
        return embedding @ F.normalize(self.prototypes, dim=1).T


def margin_loss(cosines: Tensor, persons: Tensor) -> Tensor:
    """Ask that an embedding be nearer to its person than to others, by an angle (AAM-softmax).

    Parameters
    ----------
    cosines : Tensor (B, P)
        Of `PersonEmbedding.cosines`.
    persons : Tensor (B,) int64
        Whose embeddings they are.

    Returns
    -------
    Tensor ()
        Mean over the batch.

    Notes
    -----
    Deng et al., ArcFace: Additive Angular Margin Loss, 2019. Beyond the angle at which the margin
    would turn a cosine up again, a straight line goes on, as is common.
    """
    cosines = cosines.float()
    own = cosines.gather(1, persons[:, None])
    sine = (1 - own.square()).clamp(min=1e-7).sqrt()
    apart = own * math.cos(MARGIN) - sine * math.sin(MARGIN)
    apart = torch.where(own > -math.cos(MARGIN), apart, own - MARGIN * math.sin(MARGIN))
    return F.cross_entropy(SCALE * cosines.scatter(1, persons[:, None], apart), persons)
