"""The input of pretrained networks is that of their authors, in the true length of a clip."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretrained_models import LAYERS, built, write_network, write_whisper
from torch import Tensor
from transformers import (
    AutoModel,
    CLIPImageProcessor,
    SeamlessM4TFeatureExtractor,
    SiglipImageProcessor,
    ViTImageProcessor,
    Wav2Vec2FeatureExtractor,
)
from transformers.models.whisper.modeling_whisper import WhisperModel

from mien.errors import MienError
from mien.modality import Modality
from mien.models.pretrained.families import describe_part
from mien.models.pretrained.images import ImageInput
from mien.models.pretrained.source import quiet
from mien.models.pretrained.trunk import LayerChoice
from mien.models.pretrained.whisper_mel import whisper_log_mel

AUDIO, VIDEO = Modality.AUDIO, Modality.VIDEO


def waveform(samples: int) -> Tensor:
    return torch.rand(samples, generator=torch.Generator().manual_seed(samples)) - 0.5


def faces(size: int = 112) -> np.ndarray:
    """Smooth pictures, as faces are; of noise nothing is left after scaling."""
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.uniform(0, 255, (4, 3, 9, 9)))
    fine = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic").clamp(0, 255)
    return fine.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("samples", [16_000, 20_480 + 77])
def test_whisper_computes_a_clip_in_its_true_length(samples: int, tmp_path: Path) -> None:
    write_whisper(tmp_path)
    wave = waveform(samples)
    mel = whisper_log_mel(wave)
    with quiet():
        encoder = WhisperModel.from_pretrained(tmp_path).eval().encoder
    steps = (mel.shape[1] + 1) // 2
    encoder.max_source_positions = encoder.config.max_source_positions = steps
    first = encoder.embed_positions.weight[:steps]
    encoder.embed_positions = torch.nn.Embedding.from_pretrained(first.detach())
    padded = torch.nn.functional.pad(mel, (0, 2 * steps - mel.shape[1]))
    with torch.no_grad():
        output = encoder(padded[None], output_hidden_states=True)
        last = built(tmp_path, AUDIO)(wave)
        two = built(tmp_path, AUDIO, LayerChoice(2, "all"))(wave)
    assert last.shape == (steps, 1, 16)
    assert torch.allclose(last[:, 0], output.last_hidden_state[0], atol=1e-5)
    assert torch.allclose(two[:, 0], output.hidden_states[1][0], atol=1e-5)
    assert torch.allclose(two[:, 1], output.hidden_states[2][0], atol=1e-5)


def test_whisper_computes_long_audio_in_chunks_of_30_seconds(tmp_path: Path) -> None:
    write_whisper(tmp_path)
    trunk, wave = built(tmp_path, AUDIO, LayerChoice(1)), waveform(31 * 16_000)
    mel = whisper_log_mel(wave)
    with torch.no_grad():
        states = trunk(wave)
        parts = [trunk._encode(part) for part in (mel[:, :3000], mel[:, 3000:])]
    assert states.shape == (1550, 1, 16)
    assert torch.equal(states, torch.cat(parts))


def test_weights_of_layers_that_are_not_computed_do_not_change_states(tmp_path: Path) -> None:
    write_whisper(tmp_path)
    trunk = built(tmp_path, AUDIO, LayerChoice(1))
    assert len(trunk.layers()) == 1
    assert not any(name.split(".")[1] == "layer_norm" for name in trunk.state_dict())
    assert len(built(tmp_path, AUDIO).layers()) == LAYERS


def test_waveforms_are_normalised_as_transformers_does(tmp_path: Path) -> None:
    write_network(tmp_path, "wav2vec2")
    wave = 0.1 * waveform(5_000) + 0.3
    expected = Wav2Vec2FeatureExtractor(do_normalize=True)(wave.numpy(), sampling_rate=16_000)
    ours = built(tmp_path, AUDIO).features(wave)[0]
    assert np.allclose(ours, expected["input_values"][0], atol=1e-5)
    settings = {"do_normalize": False, "sampling_rate": 16_000}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    assert torch.equal(built(tmp_path, AUDIO).features(wave)[0], wave)


def test_a_network_for_another_sample_rate_is_refused(tmp_path: Path) -> None:
    write_network(tmp_path, "wav2vec2")
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"sampling_rate": 8_000}))
    with pytest.raises(MienError, match="its sampling rate is 8000, not 16000"):
        describe_part(AUDIO, str(tmp_path))


@pytest.mark.parametrize("samples", [16_000 + 400, 16_000 + 400 + 160])
def test_the_spectrogram_of_wav2vec2_bert(samples: int, tmp_path: Path) -> None:
    write_network(tmp_path, "wav2vec2-bert")
    wave, trunk = waveform(samples), built(tmp_path, AUDIO, LayerChoice(2))
    extract = SeamlessM4TFeatureExtractor()
    padded = extract(wave.numpy(), sampling_rate=16_000, return_tensors="pt")
    kept = int(padded["attention_mask"].sum())
    assert kept == (samples - 240) // 320  # whole steps of two windows
    # an odd number of windows is padded there, and each band is normalised before
    assert torch.allclose(trunk.features(wave)[0], padded["input_features"][0, :kept], atol=1e-5)
    with quiet():
        network = AutoModel.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        states = network(**padded, output_hidden_states=True).hidden_states[2][0, :kept]
        assert torch.allclose(trunk(wave)[:, 0], states, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 400, 1_599])
@pytest.mark.parametrize("kind", ["wav2vec2", "wav2vec2-bert", "sew", "whisper"])
def test_short_clips_give_finite_states(kind: str, samples: int, tmp_path: Path) -> None:
    write_whisper(tmp_path) if kind == "whisper" else write_network(tmp_path, kind)
    with torch.no_grad():
        states = built(tmp_path, AUDIO)(waveform(samples))
    assert len(states) > 0
    assert states.isfinite().all()


EDGES = {"height": 224, "width": 224}


@pytest.mark.parametrize(
    ("processor", "options"),
    [
        (ViTImageProcessor, {"size": EDGES}),
        (SiglipImageProcessor, {"size": EDGES}),
        (CLIPImageProcessor, {}),
    ],
)
def test_images_are_prepared_almost_as_transformers_does(
    processor: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    write_network(tmp_path, "vit")
    own = processor(**options)
    own.save_pretrained(tmp_path)
    images = ImageInput.model_validate(describe_part(VIDEO, str(tmp_path))["image_input"])
    crops = faces()
    expected = own(list(crops), return_tensors="np")["pixel_values"]
    ours = images.prepare(torch.from_numpy(crops).permute(0, 3, 1, 2)).numpy()
    assert ours.shape == expected.shape == (4, 3, 224, 224)
    difference = np.abs(ours - expected)
    # pixels are rounded to whole numbers there after scaling; measured: mean 0.0024 to 0.0046
    assert difference.mean() < 0.006
    assert difference.max() < 0.02


def test_margins_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    write_network(tmp_path, "vit")
    CLIPImageProcessor(size={"shortest_edge": 256}).save_pretrained(tmp_path)
    images = ImageInput.model_validate(describe_part(VIDEO, str(tmp_path))["image_input"])
    assert images.size == 224
    crops = faces(48)
    crops[:, :2] = 0
    prepared = images.prepare(torch.from_numpy(crops).permute(0, 3, 1, 2))
    black = -torch.tensor(images.mean) / torch.tensor(images.sd)
    assert torch.allclose(prepared[:, :, 0].mean(dim=(0, 2)), black, atol=1e-3)


def test_a_folder_without_the_size_of_images_is_refused(tmp_path: Path) -> None:
    write_network(tmp_path, "vit")
    (tmp_path / "preprocessor_config.json").write_text("{}")
    with pytest.raises(MienError, match="does not state the size of its input"):
        describe_part(VIDEO, str(tmp_path))
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(MienError, match=r"must contain config\.json, model\.safetensors"):
        describe_part(VIDEO, str(tmp_path))
