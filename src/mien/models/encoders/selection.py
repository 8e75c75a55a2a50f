"""What an encoder chose to look at."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Selection:
    """What the attention chose among T pictures: face crops, or spectrogram chunks.

    Parameters
    ----------
    pictures : Tensor (T,) bool
        The pictures that were looked at: all, unless whole pictures are chosen.
    picture_attention : Tensor (T,) or None
        Share of the attention on each picture of its utterance, where whole pictures are chosen.
    attention : list of Tensor (N, H, W)
        For each stage that chooses sites, the attention on those of the N pictures looked at.
    kept : list of Tensor (N, H, W) bool
        The sites that each of these stages kept.
    """

    pictures: Tensor
    picture_attention: Tensor | None = None
    attention: list[Tensor] = field(default_factory=list)
    kept: list[Tensor] = field(default_factory=list)
