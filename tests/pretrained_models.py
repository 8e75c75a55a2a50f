"""Small pretrained networks of every family, with random weights, as folders of transformers."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperModel

from mien.modality import Modality
from mien.models.pretrained.families import describe_part, family_of
from mien.models.pretrained.source import quiet
from mien.models.pretrained.trunk import LayerChoice, Trunk

LAYERS = 3
EVERY = LayerChoice()
WIDTH = 16

SIZES = {"num_hidden_layers": LAYERS, "num_attention_heads": 2, "intermediate_size": 24}
WAVES = {"conv_dim": [8] * 7, "num_conv_pos_embeddings": 16, "hidden_size": WIDTH, **SIZES}
GROUPS = WAVES | {"num_conv_pos_embedding_groups": 4, "conv_bias": False}
SQUEEZED = GROUPS | {"conv_stride": (5, 2, 2, 2, 2, 2, 2), "conv_kernel": (10, 3, 3, 3, 3, 2, 2)}
STABLE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}

AUDIO: dict[str, dict[str, Any]] = {
    "wav2vec2": GROUPS,
    "wav2vec2 stable": GROUPS | STABLE,
    "hubert": GROUPS,
    "hubert stable": GROUPS | STABLE,
    "wavlm": GROUPS,
    "wavlm stable": GROUPS | STABLE,
    "data2vec-audio": WAVES | {"num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 5},
    "unispeech": GROUPS,
    "unispeech-sat": GROUPS | STABLE,
    "sew": SQUEEZED,
    "sew-d": SQUEEZED,
    "wav2vec2-conformer": GROUPS,
    "wav2vec2-bert": {"hidden_size": WIDTH, "feature_projection_input_dim": 160, **SIZES},
}
"""Sizes of each family of waveform networks, by its type and a variant of that."""

PATCHES = {"hidden_size": WIDTH, "image_size": 32, "patch_size": 8, **SIZES}
WORDS = {"hidden_size": WIDTH, "vocab_size": 40, "max_position_embeddings": 8, **SIZES}
WORDS |= {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "projection_size": WIDTH}
STAGES = {"hidden_sizes": [8, 8, 8, WIDTH], "depths": [1, 1, 2, 1], "image_size": 32}

VISION: dict[str, dict[str, Any]] = {
    "vit": PATCHES,
    "deit": PATCHES,
    "beit": PATCHES | {"use_relative_position_bias": True},
    "beit token": PATCHES | {"use_mean_pooling": False, "use_absolute_position_embeddings": True},
    "dinov2": PATCHES,
    "dinov2_with_registers": PATCHES,
    "dinov3_vit": PATCHES | {"num_register_tokens": 2},
    "clip": {"text_config": WORDS, "vision_config": PATCHES, "projection_dim": 8},
    "clip_vision_model": PATCHES,
    "siglip": {"text_config": WORDS, "vision_config": PATCHES},
    "siglip_vision_model": PATCHES,
}
"""Sizes of each family of vision transformers; those with a text model are read without it."""

STAGED: dict[str, dict[str, Any]] = {
    "convnext": STAGES,
    "convnextv2": STAGES,
    "dinov3_convnext": STAGES,
}
"""Sizes of each family of stages."""

SPEECH_INPUT = {"sampling_rate": 16_000, "do_normalize": True, "feature_size": 1}
MEL_INPUT = {"sampling_rate": 16_000, "feature_size": 80, "num_mel_bins": 80, "stride": 2}
IMAGE_INPUT = {
    "size": {"height": 32, "width": 32},
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.25, 0.3],
}


def write_network(folder: Path, kind: str, seed: int = 0, **changes: Any) -> Path:
    """Write a network of one of the kinds above, with every weight drawn at random."""
    sizes = (AUDIO | VISION | STAGED)[kind] | changes
    config = AutoConfig.for_model(kind.partition(" ")[0], **sizes)
    torch.manual_seed(seed)
    network = AutoModel.from_config(config)
    if kind == "wav2vec2-bert":
        settings = MEL_INPUT
    else:
        settings = SPEECH_INPUT if kind in AUDIO else IMAGE_INPUT
    return _write(folder, network, settings)


def write_whisper(folder: Path, seed: int = 0) -> Path:
    """Write a Whisper of 3 layers."""
    config = WhisperConfig(
        d_model=WIDTH,
        encoder_layers=LAYERS,
        encoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=24,
        vocab_size=40,
        max_target_positions=8,
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0),
        decoder_start_token_id=1,
    )
    torch.manual_seed(seed)
    return _write(folder, WhisperModel(config), {"feature_size": 80})


def _write(folder: Path, network: Any, settings: dict[str, Any]) -> Path:
    with torch.no_grad():  # norms and tokens begin as ones and zeros, which would hide mistakes
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    with quiet():
        network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def modality_of(kind: str) -> Modality:
    """Return the modality of a kind of network."""
    return Modality.AUDIO if kind in AUDIO or kind == "whisper" else Modality.VIDEO


def built(folder: Path, modality: Modality, choice: LayerChoice = EVERY) -> Trunk:
    """Build the network of a folder as a trunk, with its weights."""
    description = describe_part(modality, str(folder))
    trunk = family_of(modality, description["model_type"], str(folder)).build(description, choice)
    trunk.load(str(folder))
    return trunk.eval()


def steps_of(kind: str) -> Tensor:
    """Make input of a kind of network: half a second of noise, or three images."""
    random = torch.Generator().manual_seed(1)
    if modality_of(kind) is Modality.AUDIO:
        return torch.rand(8_000, generator=random) - 0.5
    return torch.randint(0, 256, (3, 3, 32, 32), generator=random, dtype=torch.uint8)
