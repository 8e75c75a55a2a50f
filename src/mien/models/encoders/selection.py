"""What an encoder selected from its input."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Selection:
    """What the attention of a sparse CNN selected among T images: face crops or spectrogram chunks.

    Parameters
    ----------
    images : Tensor (T,) bool
        The images that were computed: all, unless whole images are selected.
    image_attention : Tensor (T,) or None
        Attention on each image among those of its utterance, if whole images are selected.
    attention : list of Tensor (N, H, W)
        For each stage that selects sites, the attention on the sites of the N images computed.
    kept : list of Tensor (N, H, W) bool
        The sites that each of these stages selected.
    """

    images: Tensor
    image_attention: Tensor | None = None
    attention: list[Tensor] = field(default_factory=list)
    kept: list[Tensor] = field(default_factory=list)
