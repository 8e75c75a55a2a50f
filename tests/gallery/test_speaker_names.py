"""Names of speakers by a gallery: of those who are enrolled, and of nobody else."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.gallery import Gallery
from mien.gallery.speaker_names import SpeakerNames
from mien.utterance import Sample, Utterance


class Directions:
    """A stand-in for an encoder: the first three samples of the waveform are the embedding."""

    fingerprint = "directions"

    def embed(self, clip, warn=None) -> np.ndarray:
        raise NotImplementedError

    def embed_sample(self, sample: Sample) -> np.ndarray | None:
        return None if sample.waveform is None else sample.waveform[:3].astype(np.float32)


def spoken(*direction: int) -> Sample:
    wave = np.array([*direction, *[0] * 400], np.int16)
    return Sample(utterance=Utterance(id="speaker", corpus="clip"), waveform=wave)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    gallery = Gallery(tmp_path / "gallery")
    for person, direction in (("Anna", [1.0, 0, 0]), ("Ben", [0, 1.0, 0])):
        gallery.enrol(
            person,
            np.array([direction]),
            clips=[person],
            consent="spoken",
            expires=date(2999, 12, 31),
            encoder="directions",
        )
    return gallery


def test_who_is_enrolled_is_named_and_a_stranger_is_not(gallery: Gallery) -> None:
    gallery.set_threshold(0.9)
    names = SpeakerNames(gallery, Directions())
    assert names(spoken(99, 5, 0)).person == "Anna"
    assert names(spoken(5, 99, 0)).person == "Ben"
    assert names(spoken(60, 60, 60)).person is None
    assert names(spoken(0, 0, 99)).person is None
    assert "identify" in str(list(gallery.history()))


def test_nobody_is_named_before_calibration(gallery: Gallery) -> None:
    named = SpeakerNames(gallery, Directions())(spoken(99, 0, 0))
    assert named.person is None
    assert "no threshold" in " ".join(named.notes)


def test_a_speaker_without_anything_to_embed_is_not_searched(gallery: Gallery) -> None:
    names = SpeakerNames(gallery, Directions())
    assert names(Sample(utterance=Utterance(id="speaker", corpus="clip"))).person is None
    assert names(spoken(0, 0, 0)).person is None
    assert "identify" not in str(list(gallery.history()))


def test_a_gallery_of_another_encoder_is_refused(gallery: Gallery) -> None:
    other = Directions()
    other.fingerprint = "others"
    with pytest.raises(MienError, match="encoder"):
        SpeakerNames(gallery, other)(spoken(99, 0, 0))
