"""Who speaks when in synthetic conversations of real voices."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from mien.diarization.diarizer import Diarizer
from mien.diarization.packaged_encoder import PackagedEncoder
from mien.diarization.result import Diarization, label_turns
from mien.identity.resemblyzer import Voiceprint
from mien.inference.turns import VoiceSegmenter
from mien.media.decode import read_audio
from mien.turn import Turn

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "diarization_mixtures.py"


@pytest.fixture(scope="module")
def mixtures() -> ModuleType:
    spec = spec_from_file_location("diarization_mixtures", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def diarize(waveform: np.ndarray, **settings: int) -> Diarization:
    return Diarizer(**settings)(waveform, VoiceSegmenter()(waveform, len(waveform) / 16_000))


def error_rate(reference: list[tuple[float, float, str]], found: Diarization) -> float:
    """The diarization error rate, 0.25 s on each side of a boundary left out."""
    told, true = Annotation(), Annotation()
    for i, (start, end, speaker) in enumerate(reference):
        true[Segment(start, end), i] = speaker
    for i, turn in enumerate(found.turns):
        told[Segment(turn.start, turn.end), i] = turn.speaker
    last = max(end for _, end, _ in reference) + 1
    return DiarizationErrorRate(collar=0.5)(true, told, uem=Timeline([Segment(0, last)]))


def test_three_readers_are_told_apart(mixtures: ModuleType, shared_data: Path) -> None:
    clips = mixtures.read_clips(shared_data / "librispeech", ["1688", "2033", "2609"])
    made = mixtures.mixture(clips, mixtures.Condition(3, seconds=120.0), 0)
    found = diarize(made.waveform)
    assert len(found.embeddings) == 3
    assert error_rate(made.speech, found) < 0.06
    firsts = [turn.speaker for turn in found.turns]
    assert list(dict.fromkeys(firsts)) == ["Speaker 1", "Speaker 2", "Speaker 3"]
    # the same speech, cut as a transcript would
    cues = [Turn(start, end, text=speaker) for start, end, speaker in made.turns]
    pairs = {(turn.text, turn.speaker) for turn in label_turns(cues, found)}
    assert len(pairs) == 3
    # and embeddings that a gallery of voiceprints can be searched with
    voiceprint = Voiceprint("cpu")
    for speaker, label in pairs:
        parts = [
            made.waveform[int(start * 16_000) : int(end * 16_000)]
            for start, end, one in made.turns
            if one == speaker
        ]
        assert found.embeddings[label] @ voiceprint(np.concatenate(parts)) > 0.98


@pytest.mark.slow
def test_overlapped_speech_is_found(mixtures: ModuleType, shared_data: Path) -> None:
    clips = mixtures.read_clips(shared_data / "librispeech", ["1688", "2609"])
    made = mixtures.mixture(clips, mixtures.Condition(2, overlap=0.1, seconds=240.0), 1)
    found = diarize(made.waveform)
    assert error_rate(made.speech, found) < 0.1
    truth, marked = np.zeros((2, 24_001), int)
    for start, end, _ in made.turns:
        truth[round(start * 100) : round(end * 100)] += 1
    for turn in found.turns:
        marked[round(turn.start * 100) : round(turn.end * 100)] += turn.mark == "overlap"
    right = ((truth > 1) & (marked > 1)).sum()
    assert right / (marked > 1).sum() > 0.6
    assert right / (truth > 1).sum() > 0.25


def test_a_monologue_has_one_speaker(shared_data: Path) -> None:
    reader = sorted((shared_data / "librispeech" / "3005").glob("*.flac"))[:4]
    actor = sorted((shared_data / "ravdess").glob("03-01-*-01-01-01-14.flac"))
    for clips in (reader, actor):
        found = diarize(np.concatenate([read_audio(clip) for clip in clips]))
        assert list(found.embeddings) == ["Speaker 1"]
        assert {turn.speaker for turn in found.turns} == {"Speaker 1"}


def test_silence_and_a_hum_have_no_speaker() -> None:
    hum = (3000 * np.sin(np.arange(80_000) * 2 * np.pi * 50 / 16_000)).astype(np.int16)
    assert diarize(np.concatenate([hum, np.zeros(80_000, np.int16)])) == Diarization([], {})


def test_the_encoder_is_that_of_the_voiceprint(shared_data: Path) -> None:
    """Of a window of speech alone the two are the same, whatever its level."""
    clip = read_audio(next((shared_data / "librispeech").glob("2033/*.flac")))
    window = clip[16_000 : 16_000 + 25_600]
    for level in (1, 8):
        quiet = (window // level).astype(np.int16)
        (found,) = PackagedEncoder()(quiet[None] / np.float32(32768))
        assert found @ Voiceprint("cpu")(quiet) > 0.995


def test_a_mixture_is_what_its_seed_and_condition_say(
    mixtures: ModuleType, shared_data: Path
) -> None:
    clips = mixtures.read_clips(shared_data / "librispeech", ["1688", "2033", "2609"])
    condition = mixtures.Condition(3, overlap=0.1, snr=15, seconds=200.0)
    made, again = (mixtures.mixture(clips, condition, 3) for _ in range(2))
    assert np.array_equal(made.waveform, again.waveform)
    assert made.turns == again.turns
    assert len(made.waveform) == 200 * 16_000
    counts = np.zeros(20_001, int)
    for start, end, _ in made.turns:
        counts[round(start * 100) : round(end * 100)] += 1
    assert (counts > 1).sum() / (counts > 0).sum() == pytest.approx(0.1, abs=0.02)
    assert {speaker for *_, speaker in made.turns} == {"1688", "2033", "2609"}
    line = mixtures.rttm("talk", made.speech).splitlines()[0].split()
    assert line[:3] == ["SPEAKER", "talk", "1"]
    assert float(line[3]) == pytest.approx(made.speech[0][0], abs=0.01)
