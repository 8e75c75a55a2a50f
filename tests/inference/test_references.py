"""The reference of a speaker is the mean state of their clips, and can be made of stored states."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pretrained_models import write_network
from referring import referring_run
from samples import sample, tiny_run

from mien.errors import MienError
from mien.inference.recognizer import Recognizer
from mien.inference.references import ReferenceEncoder, speaker_reference
from mien.modality import Modality
from mien.models.encoders.pooling import statistics
from mien.utterance import Sample

AUDIO, VIDEO = Modality.AUDIO, Modality.VIDEO


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[Modality, Path]:
    folder = tmp_path_factory.mktemp("networks")
    kinds = {AUDIO: "wav2vec2", VIDEO: "vit"}
    return {m: write_network(folder / m.value, kind) for m, kind in kinds.items()}


@pytest.fixture(scope="module")
def recognizer(
    networks: dict[Modality, Path], tmp_path_factory: pytest.TempPathFactory
) -> Recognizer:
    run = referring_run(tmp_path_factory.mktemp("run") / "both", networks)
    return Recognizer(run, "cpu")


def state(recognizer: Recognizer, clip: Sample, modality: Modality) -> np.ndarray:
    """The pooled state of a clip in a modality, by the network itself."""
    reader = recognizer.readers[modality]
    (trunk,) = recognizer.model.encoder(modality).trunks
    with torch.inference_mode():
        return statistics(trunk(reader.steps(clip)), "mean+std").flatten().numpy()


def found(clip: Sample) -> Sample:
    """A sample whose faces were all found."""
    return replace(clip, face_found=np.ones(len(clip.faces), bool))


def test_a_reference_is_the_mean_state_of_each_modality(recognizer: Recognizer) -> None:
    both = [found(sample(number, "av")) for number in range(3)]
    alone = sample(7, "a")
    reference = speaker_reference(recognizer, [*both, alone])
    assert reference.count == 4
    heard = np.mean([state(recognizer, clip, AUDIO) for clip in (*both, alone)], axis=0)
    seen = np.mean([state(recognizer, clip, VIDEO) for clip in both], axis=0)
    assert reference.states["a"][0] == pytest.approx(heard, rel=1e-5, abs=1e-6)
    assert reference.states["v"][0] == pytest.approx(seen, rel=1e-5, abs=1e-6)
    assert np.abs(heard).max() > 0.1
    (only,) = speaker_reference(recognizer, [alone]).states
    assert only == "a"


def test_each_segment_of_a_long_clip_counts(recognizer: Recognizer) -> None:
    long, short = sample(1, "a", seconds=31.0), sample(2, "a")
    reference = speaker_reference(recognizer, [long, short])
    assert reference.count == 4
    cuts = [segment for *_, segment in recognizer.read(long).segments]
    mean = np.mean([state(recognizer, clip, AUDIO) for clip in (*cuts, short)], axis=0)
    assert reference.states["a"][0] == pytest.approx(mean, rel=1e-5, abs=1e-6)


def test_stored_states_give_the_same_prediction(recognizer: Recognizer) -> None:
    clips = [sample(number, "a") for number in range(4)]
    encoder = ReferenceEncoder(recognizer)
    stored = np.stack([encoder.embed(clip) for clip in clips])
    assert stored.dtype == np.float32
    ours = recognizer(sample(9, "a"), reference=encoder.reference(stored))
    theirs = recognizer(sample(9, "a"), reference=speaker_reference(recognizer, clips))
    assert ours == theirs
    assert ours.references == 4
    plain = recognizer(sample(9, "a")).answers["emotion"].scores
    assert ours.answers["emotion"].scores != pytest.approx(plain, abs=1e-4)


def test_several_clips_may_have_a_reference_each(recognizer: Recognizer) -> None:
    clips = [sample(number, "a") for number in (1, 2, 3)]
    anna = speaker_reference(recognizer, [sample(5, "a")])
    whose = [anna, None, anna]
    alone = [recognizer(c, reference=one) for c, one in zip(clips, whose, strict=True)]
    together = recognizer(clips, reference=whose)
    assert [one.references for one in together] == [1, 0, 1]
    for one, other in zip(alone, together, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    assert together[1].embedding != pytest.approx(recognizer(clips, reference=anna)[1].embedding)
    with pytest.raises(MienError, match="more clips than texts, transcripts, names or references"):
        recognizer(clips, reference=[anna])


def fingerprint(folder: Path, networks: dict[Modality, Path], **changes: object) -> str:
    run = referring_run(folder / f"run-{len(list(folder.iterdir()))}", networks, **changes)
    return ReferenceEncoder(Recognizer(run, "cpu")).fingerprint


def test_the_fingerprint_is_of_what_states_depend_on(
    networks: dict[Modality, Path], tmp_path: Path
) -> None:
    audio = {AUDIO: networks[AUDIO]}
    other = write_network(tmp_path / "other", "wav2vec2", seed=5)
    first = fingerprint(tmp_path, audio)
    assert first == fingerprint(tmp_path, audio, seed=3, hidden=4), "another head"
    assert first == fingerprint(tmp_path, audio, face_size=64), "no face is looked at"
    copied = Path(shutil.copytree(networks[AUDIO], tmp_path / "copied"))
    assert first == fingerprint(tmp_path, {AUDIO: copied}), "wherever it lies"
    changed = [
        fingerprint(tmp_path, audio, pooling="mean"),
        fingerprint(tmp_path, audio, layers=1),
        fingerprint(tmp_path, audio, layer_states="all"),
        fingerprint(tmp_path, {AUDIO: other}),
        fingerprint(tmp_path, networks),
        fingerprint(tmp_path, networks, face_size=64),
    ]
    assert len({first, *changed}) == 7


def test_a_run_that_was_handed_on_has_the_same_fingerprint(
    networks: dict[Modality, Path], recognizer: Recognizer, tmp_path: Path
) -> None:
    shared = recognizer.save_pretrained(tmp_path / "shared")
    copy = Recognizer.from_pretrained(shared, device="cpu")
    assert not copy.run.config.frozen, "it holds the weights itself"
    assert ReferenceEncoder(copy).fingerprint == ReferenceEncoder(recognizer).fingerprint


def test_a_model_without_references_and_no_clips_are_told(
    recognizer: Recognizer, tmp_path: Path, tiny_text: Path
) -> None:
    plain = Recognizer(tiny_run(tmp_path / "run", tiny_text), "cpu")
    with pytest.raises(MienError, match="does not take references: train one with"):
        speaker_reference(plain, [sample(1)])
    with pytest.raises(MienError, match="one clip or more"):
        speaker_reference(recognizer, [])
