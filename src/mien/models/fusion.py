"""Late fusion: one answer from the answers of the modalities an utterance has."""

import torch
from torch import Tensor, nn


class WeightedFusion(nn.Module):
    """A learned weight for each modality; a modality that is missing counts for nothing.

    With every modality present this is the published sum of weighted logits. Where some are
    missing the rest is scaled by all / present, so that the answer keeps its size. One modality
    alone passes as it is.

    Parameters
    ----------
    modalities : int
        Number of modalities of the model.
    """

    def __init__(self, modalities: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((modalities,), 1 / modalities))
        self.weight.requires_grad_(modalities > 1)

    def forward(self, logits: Tensor, present: Tensor) -> Tensor:
        """Fuse logits (B, M, C), of which `present` (B, M) bool exist, into (B, C)."""
        if logits.shape[1] == 1:
            return logits[:, 0]
        share = present.sum(dim=1, keepdim=True).clamp(min=1) / present.shape[1]
        weight = self.weight * present / share
        return (logits * weight[:, :, None]).sum(dim=1)
