"""The packaged speaker encoder as a pretrained network: one embedding of the voice."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.errors import MienError
from mien.modality import Modality
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.trunk import LayerChoice, Trunk, family
from mien.models.speaker_mel import speaker_windows
from mien.models.voice_encoder import DIM, VoiceEncoder
from mien.silence import is_silence
from mien.utterance import MIN_SAMPLES

PACKAGED = "voice"
"""Name of the speaker encoder of the package resemblyzer."""


def packaged_file() -> Path:
    """Return the file of the packaged weights. Raises `MienError` if it is not installed."""
    weights = CATALOGUE[PACKAGED]
    return weights.folder() / weights.files[0].path


def load_packaged(encoder: VoiceEncoder) -> Path:
    """Load the packaged weights into the speaker encoder, and return their file.

    Raises
    ------
    MienError
        The package is not installed, or its weights cannot be read.
    """
    path = packaged_file()
    try:
        # with weights_only a pickle can name tensors and plain values, and run nothing
        weights = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        encoder.load_published(weights)
    except (RuntimeError, OSError, KeyError, pickle.UnpicklingError) as error:
        raise MienError(f"{path} cannot be read ({error}): install resemblyzer again") from error
    return path


@family(Modality.AUDIO, "resemblyzer")
class VoiceTrunk(Trunk):
    """The speaker encoder of the package resemblyzer; pauses are left out of its input."""

    pools = True
    width = DIM

    def __init__(self) -> None:
        super().__init__()
        self.encoder = VoiceEncoder()

    @classmethod
    def describe(cls, name: str) -> dict[str, Any]:
        """Describe it as `Trunk.describe` says."""
        return {"model_type": "resemblyzer"}

    @classmethod
    def build(cls, description: Mapping[str, Any], choice: LayerChoice) -> "VoiceTrunk":
        """Build the network; it has a single state, whatever layers are chosen."""
        return cls()

    def load(self, name: str) -> None:
        """Load the packaged weights. Raises `MienError` if the package is not installed."""
        load_packaged(self.encoder)

    def forward(self, steps: Tensor) -> Tensor:
        """Encode a waveform (S,) at 16 kHz as one embedding (1, 1, 256) of unit length."""
        pauses = torch.from_numpy(is_silence(steps.float().cpu().numpy())).to(steps.device)
        speech = steps[~pauses]
        windows = speaker_windows((speech if len(speech) >= MIN_SAMPLES else steps).cpu().float())
        mean = self.encoder(windows.to(steps.device)).mean(dim=0)
        return F.normalize(mean, dim=0)[None, None]
