"""The packaged speaker encoder for many windows at once."""

import numpy as np
import torch

from mien.models.pretrained.voice import load_packaged
from mien.models.speaker_mel import WINDOW_COLUMNS, amplified, speaker_mel
from mien.models.voice_encoder import VoiceEncoder


class PackagedEncoder:
    """Embeds windows as `mien.identity.resemblyzer.Voiceprint` embeds those of a clip.

    Raises
    ------
    MienError
        The package resemblyzer is not installed, or its weights can't be read.

    Examples
    --------
    >>> PackagedEncoder()(np.zeros((2, 25_600), np.float32)).shape
    (2, 256)
    """

    def __init__(self) -> None:
        self.encoder = VoiceEncoder()
        load_packaged(self.encoder)
        self.encoder.eval()

    @torch.inference_mode()
    def __call__(self, windows: np.ndarray) -> np.ndarray:
        """Embed windows (N, 25600) float32 in [-1, 1] as vectors (N, 256) of unit length."""
        mel = speaker_mel(amplified(torch.from_numpy(windows)))
        return self.encoder(mel[:, :WINDOW_COLUMNS]).numpy()
