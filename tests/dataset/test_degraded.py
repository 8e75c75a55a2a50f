"""A prepared folder of which only the audio is changed, in the same way every time."""

import hashlib
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples import sample, store

from mien import MienError, audio_effects
from mien.dataset.degraded import BABBLE_VOICES, DegradedStore, generator_of
from mien.dataset.effect import parse_effect
from mien.dataset.store import Store
from mien.utterance import Sample


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """16 synthetic samples of 4 persons, three of them without audio."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    letters = {3: "tv", 7: "v", 11: "t"}
    return store(folder, [sample(n, letters.get(n, "tav")) for n in range(16)])


def degraded(clean: Store, text: str) -> DegradedStore:
    return DegradedStore(clean.folder, parse_effect(text))


def test_text_faces_and_what_is_known_stay(clean: Store) -> None:
    found = degraded(clean, "white:10")
    assert found.utterances == clean.utterances
    assert found.modalities == clean.modalities
    assert found.fingerprint == clean.fingerprint
    for row in range(len(clean)):
        before, after = clean[row], found[row]
        assert after.utterance == before.utterance
        assert after.modalities == before.modalities
        assert after.seconds == before.seconds
        for name in ("faces", "face_times", "face_found", "frame_times"):
            assert np.array_equal(getattr(after, name), getattr(before, name))
        if before.waveform is not None:
            assert after.waveform.shape == before.waveform.shape
            assert not np.array_equal(after.waveform, before.waveform)


def test_noise_is_as_loud_as_asked_for(clean: Store) -> None:
    before = audio_effects.from_int16(clean[0].waveform).astype(float)
    after = audio_effects.from_int16(degraded(clean, "pink:5")[0].waveform)
    ratio = np.mean(before**2) / np.mean((after - before) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(5, abs=0.1)


def waveforms(found: Store, rows: list[int]) -> dict[int, bytes]:
    read = {row: found[row].waveform for row in rows}
    return {row: read[row].tobytes() for row in sorted(read) if read[row] is not None}


@pytest.mark.parametrize("text", ["white:0", "babble:10", "reverberation"])
def test_order_and_process_change_nothing(clean: Store, text: str) -> None:
    rows = list(range(16))
    found = degraded(clean, text)
    expected = waveforms(found, rows)
    assert len(expected) == 13
    assert len(set(expected.values())) == 13
    assert waveforms(pickle.loads(pickle.dumps(found)), rows[::-1]) == expected
    code = (
        "import sys, hashlib; from pathlib import Path; from mien.dataset.effect import"
        " parse_effect; from mien.dataset.degraded import DegradedStore; store ="
        " DegradedStore(Path(sys.argv[1]), parse_effect(sys.argv[2]));"
        "print(hashlib.sha256(store[5].waveform.tobytes()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, str(clean.folder), text], capture_output=True, text=True
    )
    assert other.stdout.strip() == hashlib.sha256(expected[5]).hexdigest(), other.stderr


def test_noise_of_two_utterances_and_of_two_ratios(clean: Store) -> None:
    """Utterances have noise of their own; of two ratios it is the same, louder."""
    first, second = (clean[n] for n in (0, 1))
    assert generator_of(first.utterance).random() != generator_of(second.utterance).random()
    added = [
        audio_effects.from_int16(degraded(clean, text)[0].waveform)
        - audio_effects.from_int16(first.waveform)
        for text in ("white:10", "white:0")
    ]
    assert np.corrcoef(added)[0, 1] > 0.999


def test_babble_is_of_other_persons_and_never_of_the_own_clip(clean: Store) -> None:
    found = degraded(clean, "babble:10")
    heard: set[int] = set()
    for row in range(16):
        own = clean.utterances[row]
        rows = found.voices(row, generator_of(own))
        assert len(rows) == len(set(rows)) == BABBLE_VOICES
        assert own.person not in {clean.utterances[other].person for other in rows}
        assert all("a" in clean.modalities[other] for other in rows)
        heard |= set(rows)
    assert heard == {n for n in range(16) if n not in (3, 7, 11)}


def test_babble_holds_the_voices_and_not_the_own_clip(clean: Store) -> None:
    """The noise correlates with the clips it was made of, and with no other."""
    found = degraded(clean, "babble:0")
    before, after = clean[0].waveform, found[0].waveform
    own = audio_effects.from_int16(before).astype(float)
    noise = audio_effects.from_int16(after) - own
    used = set(found.voices(0, generator_of(clean.utterances[0])))

    def likeness(row: int) -> float:
        voice = clean[row].waveform.astype(float)
        spectrum = np.fft.rfft(noise) * np.conj(np.fft.rfft(voice))
        peak = np.abs(np.fft.irfft(spectrum)).max()
        return peak / np.linalg.norm(noise) / np.linalg.norm(voice)

    for row in (n for n in range(16) if n not in (3, 7, 11)):
        assert (likeness(row) > 0.3) == (row in used), row


def of(number: int, person: str | None, dialogue: str | None) -> Sample:
    made = sample(number, "ta")
    known = replace(made.utterance, person=person, dialogue=dialogue)
    return replace(made, utterance=known)


def test_where_persons_are_not_known_dialogues_tell_them_apart(tmp_path: Path) -> None:
    rows = [of(n, None, f"D{n // 2}") for n in range(4)]
    found = degraded(store(tmp_path / "data", rows), "babble:10")
    assert sorted(found.voices(0, np.random.default_rng(0))) == [2, 3]


@pytest.mark.parametrize("person", ["ada", None])
def test_babble_of_nobody_else_is_refused(tmp_path: Path, person: str | None) -> None:
    found = degraded(store(tmp_path / "data", [of(n, person, None) for n in range(3)]), "babble:10")
    with pytest.raises(MienError, match="no audio of another speaker than that of 'synthetic-000'"):
        found[0]


def test_a_waveform_is_read_without_its_faces(clean: Store) -> None:
    for row in range(16):
        expected, found = clean[row].waveform, clean.waveform(row)
        assert (expected is None) == (found is None)
        assert expected is None or np.array_equal(expected, found)
