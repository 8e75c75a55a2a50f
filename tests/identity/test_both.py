"""Voice and face together: a weighted mean of both cosines, and clips that have both."""

from pathlib import Path

import numpy as np
import pytest
from samples import sample

from mien.errors import MienError
from mien.identity.both import VOICE_WEIGHT, VoiceAndFace, fuse
from mien.identity.embedder import cosine
from mien.identity.pretrained import ENCODERS, open_encoder
from mien.utterance import Sample


@pytest.fixture(scope="module")
def both(voice_weights: None, face_weights: None) -> VoiceAndFace:
    return VoiceAndFace("cpu")


def units(seed: int, size: int) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((20, size)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("weight", [0.0, VOICE_WEIGHT, 0.5, 1.0])
def test_a_fused_score_is_the_weighted_mean_of_both(weight: float) -> None:
    voices, faces = units(0, 256), units(1, 128)
    fused = [fuse(voice, face, weight) for voice, face in zip(voices, faces, strict=True)]
    assert fused[0].shape == (384,)
    for one in range(20):
        for other in range(one):
            expected = weight * (voices[one] @ voices[other])
            expected += (1 - weight) * (faces[one] @ faces[other])
            assert cosine(fused[one], fused[other]) == pytest.approx(expected, abs=1e-6)


def test_real_clips_score_the_weighted_mean_and_are_told_apart(
    both: VoiceAndFace, shared_data: Path
) -> None:
    # of the last two clips, which show two persons, the faces alone are taken for one person's
    names = ("pwij3p", "id2_vcd_swwp2s", "lrwp9a", "brbk7n")
    clips = [shared_data / "grid" / f"{name}.mpg" for name in names]
    voices, faces, fused = (
        np.stack([one.embed(clip, [].append) for clip in clips])
        for one in (both.voice, both.face, both)
    )
    expected = VOICE_WEIGHT * voices @ voices.T + (1 - VOICE_WEIGHT) * faces @ faces.T
    assert fused @ fused.T == pytest.approx(expected, abs=1e-6)
    assert both.threshold is not None
    assert both.face.threshold is not None
    threshold = both.threshold.value
    assert cosine(fused[0], fused[1]) == pytest.approx(0.971, abs=0.002)
    assert cosine(fused[2], fused[3]) == pytest.approx(0.884, abs=0.002)
    assert cosine(fused[2], fused[3]) < threshold
    assert cosine(faces[2], faces[3]) >= both.face.threshold.value
    assert max(cosine(fused[a], fused[b]) for a in (0, 1) for b in (2, 3)) < threshold


def test_the_threshold_is_the_weighted_mean_of_both(both: VoiceAndFace) -> None:
    parts = both.voice.threshold, both.face.threshold
    assert both.threshold is not None
    assert None not in parts
    mean = VOICE_WEIGHT * parts[0].value + (1 - VOICE_WEIGHT) * parts[1].value
    assert both.threshold.value == pytest.approx(mean, abs=5e-4)


def test_both_encoders_warn(both: VoiceAndFace, shared_data: Path) -> None:
    notes: list[str] = []
    both.embed(shared_data / "grid" / "pwij3p.mpg", notes.append)
    (note,) = notes
    assert note.startswith("2.2 s of speech are few")


def test_a_clip_that_lacks_one_is_refused_with_the_encoder_for_it(
    both: VoiceAndFace, odd: Path, tmp_path: Path
) -> None:
    with pytest.raises(MienError, match=r"voice\.wav: holds no video; .*by the encoder voice$"):
        both.embed(odd / "voice.wav", [].append)
    with pytest.raises(MienError, match=r"exif2\.jpg: holds no audio; .*by the encoder face$"):
        both.embed(odd / "exif2.jpg", [].append)
    with pytest.raises(MienError, match=r"gone\.mp4: no such file$"):
        both.embed(tmp_path / "gone.mp4", [].append)


def test_a_sample_that_lacks_one_has_no_embedding(both: VoiceAndFace) -> None:
    made = vars(sample(0, "av"))
    made["face_found"] = np.ones(len(made["faces"]), bool)
    embedding = both.embed_sample(Sample(**made))
    assert embedding is not None
    assert embedding.shape == (both.dim,)
    assert both.embed_sample(Sample(**made | {"waveform": None})) is None
    assert both.embed_sample(Sample(**made | {"faces": None})) is None


def test_encoders_by_name(both: VoiceAndFace) -> None:
    opened = {name: open_encoder(name, "cpu") for name in ENCODERS}
    assert list(opened) == ["voice", "face", "both"]
    assert {name: one.modalities for name, one in opened.items()} == {
        "voice": "a",
        "face": "v",
        "both": "av",
    }
    prints = [one.fingerprint for one in opened.values()]
    assert len(set(prints)) == 3
    assert prints[2] == both.fingerprint
    assert all(one.threshold is not None for one in opened.values())
