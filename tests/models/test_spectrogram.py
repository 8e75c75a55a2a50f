import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.media.decode import read_audio
from mien.models.encoders.spectrogram import _filters, chunks, log_mel_spectrogram, mel_spectrogram


@pytest.fixture(scope="module")
def published(golden) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(a) for name, a in np.load(golden / "melspec.npz").items()}


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    assert actual.dtype == torch.float32
    assert actual.shape == expected.shape
    assert (actual - expected).norm() <= 1e-4 * expected.norm()
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4 * float(expected.mean()))


def test_the_published_spectrogram(published):
    assert_close(mel_spectrogram(published["wave"]), published["spec"][0, 0])


def test_the_published_pieces(published):
    assert_close(chunks(published["wave"], "published"), published["pieces"])


def test_the_published_filters(published):
    torch.testing.assert_close(_filters(400), published["fbank"], rtol=1e-4, atol=2e-5)


def test_no_filter_of_the_default_is_empty():
    assert (_filters(400).sum(0) == 0).sum() == 4
    assert (_filters(1024).sum(0) > 0).all()


def test_the_default_is_normalised_over_the_utterance(shared_data):
    path = sorted((shared_data / "ravdess").glob("*.flac"))[0]
    wave = torch.from_numpy(read_audio(path)).float() / 32_768
    spectrogram = log_mel_spectrogram(wave)
    assert spectrogram.shape == (128, 1 + len(wave) // 200)
    assert spectrogram.mean().item() == pytest.approx(0, abs=1e-4)
    assert spectrogram.std().item() == pytest.approx(1, abs=1e-4)


def test_the_last_piece_is_filled_with_zeros():
    wave = torch.randn(8000, generator=torch.Generator().manual_seed(0)) / 10
    for front_end in ("log", "published"):
        cut = chunks(wave, front_end)
        assert cut.shape == (2, 1, 128, 32)
        assert cut[1, 0, :, : 41 - 32].abs().sum(0).min() > 0
        assert not cut[1, 0, :, 41 - 32 :].any()


def test_columns_keep_their_order():
    wave = torch.randn(20_000, generator=torch.Generator().manual_seed(0)) / 10
    joined = torch.cat(list(chunks(wave).squeeze(1)), dim=1)
    torch.testing.assert_close(joined[:, :101], log_mel_spectrogram(wave))


def test_loudness_hardly_matters_to_the_default():
    wave = torch.randn(16_000, generator=torch.Generator().manual_seed(0)) / 10
    torch.testing.assert_close(chunks(wave), chunks(wave / 8), atol=0.01, rtol=0)


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 401, 5000])
@pytest.mark.parametrize("front_end", ["log", "published"])
def test_silence_of_any_length_is_zeros(samples, front_end):
    cut = chunks(torch.zeros(samples), front_end)
    assert cut.shape == (1, 1, 128, 32)
    assert not cut.any()


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(0, 9000),
    kind=st.sampled_from(["noise", "constant", "click", "clipped"]),
    size=st.sampled_from([1e-6, 1e-3, 1.0]),
)
def test_never_a_nan(samples, kind, size):
    noise = torch.randn(samples, generator=torch.Generator().manual_seed(0))
    wave = {
        "noise": noise.clamp(-1, 1),
        "constant": torch.ones(samples),
        "click": (torch.arange(samples) == samples // 2).float(),
        "clipped": noise.sign(),
    }[kind]
    for front_end in ("log", "published"):
        cut = chunks(wave * size, front_end)
        assert cut.shape[0] == -(-(1 + max(samples, 400) // 200) // 32)
        assert cut.isfinite().all()


@pytest.mark.parametrize("size", [0.3, 1e-4], ids=["loud", "quiet"])
def test_the_default_is_the_logarithm_above_a_floor(size):
    """60 dB below the loudest band, or what rounding to 16 bits adds, whichever is more."""
    noise = torch.randn(8000, generator=torch.Generator().manual_seed(0))
    wave = size * torch.cat([noise, 1e-2 * noise, 1e-4 * noise])
    power = mel_spectrogram(wave, 1024)
    floor = {0.3: 1e-6 * float(power.max()), 1e-4: 1e-7}[size]
    assert ((power > floor).any(), (power < floor).any()) == (True, True)
    energy = power.clamp(min=floor).log()
    expected = (energy - energy.mean()) / energy.std()
    torch.testing.assert_close(log_mel_spectrogram(wave), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("spread", "flat"), [(0.8e-3, True), (1.3e-3, False)])
def test_energies_that_hardly_differ_are_silence(monkeypatch, spread, flat):
    energy = spread * torch.randn(128, 81, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr("mien.models.encoders.spectrogram.mel_spectrogram", lambda *_: energy.exp())
    assert (not log_mel_spectrogram(torch.zeros(16_000)).any()) == flat
