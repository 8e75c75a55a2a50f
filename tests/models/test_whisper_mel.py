import pytest
import torch
from transformers import WhisperFeatureExtractor
from voices import breathy

from mien.models.pretrained.whisper_mel import whisper_log_mel

EXTRACTOR = WhisperFeatureExtractor()


def whispers(waveform: torch.Tensor, padding: str) -> torch.Tensor:
    """The features of transformers: of the clip alone ("longest"), or filled up to 30 s."""
    found = EXTRACTOR(waveform.numpy(), sampling_rate=16_000, padding=padding, return_tensors="pt")
    return found.input_features[0]


@pytest.mark.parametrize("samples", [401, 16_000, 32_123, 48_159])
def test_a_clip_alone_has_whispers_numbers(samples):
    mel = whisper_log_mel(breathy(samples))
    assert mel.shape == (80, samples // 160)
    assert mel.dtype == torch.float32
    assert mel.std() > 0.1
    torch.testing.assert_close(mel, whispers(breathy(samples), "longest"), rtol=0, atol=1e-5)


@pytest.mark.parametrize("samples", [32_000, 32_020])
def test_before_its_end_a_clip_has_the_numbers_it_has_within_30_s(samples):
    mel, filled = whisper_log_mel(breathy(samples)), whispers(breathy(samples), "max_length")
    torch.testing.assert_close(mel[:, :-1], filled[:, :199], rtol=0, atol=1e-5)
    assert (mel[:, -1] - filled[:, 199]).abs().max() > 1e-4  # reflected here, zeros there


def test_a_last_window_within_the_clip_has_them_too():
    mel, filled = whisper_log_mel(breathy(32_040)), whispers(breathy(32_040), "max_length")
    torch.testing.assert_close(mel, filled[:, :200], rtol=0, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 100, 399])
def test_less_than_a_window_is_filled_with_zeros(samples):
    mel, filled = whisper_log_mel(breathy(samples)), whispers(breathy(samples), "max_length")
    assert mel.shape == (80, 2)
    torch.testing.assert_close(mel, filled[:, :2], rtol=0, atol=1e-5)


def test_silence_is_the_floor():
    assert whisper_log_mel(torch.zeros(16_000)).unique().tolist() == [-1.5]


def test_the_range_is_80_db():
    mel = whisper_log_mel(torch.cat([breathy(16_000), torch.zeros(16_000)]))
    assert mel.max() - mel.min() == pytest.approx(2)
