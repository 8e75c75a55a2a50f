"""What the steps of each modality are for an exported model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.cnn import AudioCNN, CNNEncoder
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.pretrained import PretrainedEncoder
from mien.models.encoders.recurrent import FeatureEncoder
from mien.models.encoders.text import TextEncoder
from mien.models.export.whisper import LONGEST
from mien.models.model import MultimodalModel


@dataclass(frozen=True)
class Steps:
    """The steps of a modality, as an exported model takes them.

    Parameters
    ----------
    dtype : str
        Of the numbers, as NumPy names it.
    shape : tuple of int
        Of one step.
    longest : int
        Most steps of an utterance.
    limit : int
        Integers are below it; 0 for floating point.
    about : str
        What they are.
    """

    dtype: str
    shape: tuple[int, ...]
    longest: int
    limit: int
    about: str

    def example(self, count: int, length: int) -> Tensor:
        """Draw numbers of the right kind, (count, length, *shape)."""
        size = (count, min(length, self.longest), *self.shape)
        if self.limit:
            return torch.randint(0, self.limit, size, dtype=getattr(torch, self.dtype))
        return torch.randn(size) * 0.1

    def document(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)


def steps_of(model: MultimodalModel) -> Mapping[Modality, Steps]:
    """Describe the input of each modality of a model.

    Raises
    ------
    MienError
        The input of an encoder is not known.
    """
    return {m: _steps(model.encoder(m), model.config.encoders[m]) for m in model.config.modalities}


def _steps(encoder: ModalityEncoder, settings: Any) -> Steps:
    if isinstance(encoder, TextEncoder):
        words = encoder.encoder.config.vocab_size
        return Steps("int64", (), settings.max_len, words, "token ids of the tokenizer")
    if isinstance(encoder, PretrainedEncoder):
        return Steps("float32", (), LONGEST, 0, "waveform, mono, 16 kHz, from -1 to 1")
    if isinstance(encoder, FeatureEncoder):
        about = "hand-crafted features of `mien features`"
        return Steps("float32", (settings.feature_size,), 4096, 0, about)
    if isinstance(encoder, AudioCNN):
        about = f"chunks of the {settings.spectrogram} mel spectrogram"
        return Steps("float32", (1, 128, 32), 4096, 0, about)
    if isinstance(encoder, CNNEncoder):
        return Steps("uint8", (3, 48, 48), 4096, 256, "face crops, RGB")
    raise MienError(f"{type(encoder).__name__} can't be exported: its input is not described")
