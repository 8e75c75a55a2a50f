"""All families of pretrained networks, and names of models that are packaged."""

from typing import Any

from mien.modality import Modality
from mien.models.pretrained import (
    convnext,
    images,
    text_source,
    texts,
    voice,
    wav2vec2_bert,
    waveform_models,
    whisper,
)
from mien.models.pretrained.source import load_config
from mien.models.pretrained.trunk import Trunk, family_of

__all__ = [
    "convnext",
    "describe_part",
    "family_of",
    "images",
    "texts",
    "wav2vec2_bert",
    "waveform_models",
]

PACKAGED: dict[tuple[Modality, str], type[Trunk]] = {
    (Modality.TEXT, text_source.PACKAGED): texts.TextTrunk,
    (Modality.AUDIO, whisper.PACKAGED): whisper.WhisperTrunk,
    (Modality.AUDIO, voice.PACKAGED): voice.VoiceTrunk,
}
"""Models in Python packages, which need no hub."""


def describe_part(modality: Modality, name: str) -> dict[str, Any]:
    """Describe one pretrained model by its name or folder.

    Raises
    ------
    MienError
        It cannot be found or read, or is of a type that mien does not support.
    """
    kind = PACKAGED.get((modality, name))
    if kind is None:
        config = load_config(name, modality)
        config = getattr(config, "vision_config", config) if modality is Modality.VIDEO else config
        kind = family_of(modality, config.model_type, name)
    return kind.describe(name)
