"""A synthetic interview, analysed from the file to its timeline."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate
from samples import tiny_run

from mien.corpora.synthetic.interview import interview
from mien.errors import MienError
from mien.inference.analysis import recording as module
from mien.inference.analysis.options import AnalysisOptions
from mien.inference.analysis.speech import SpeechFinder
from mien.inference.recognizer import Recognizer
from mien.inference.timeline import Timeline
from mien.pitch import PITCH_WINDOW, pitches
from mien.runs.run import Run
from mien.utterance import Sample

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("voice_weights")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("interview") / "made"
    interview(made, seconds=40, seed=3, progress=False)
    return made


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "interview.json").read_text())
    return found


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    run: Run = tiny_run(tmp_path_factory.mktemp("runs") / "run", tiny_text)
    return Recognizer(run, device="cpu")


@pytest.fixture(scope="module")
def named(recognizer: Recognizer, folder: Path) -> Timeline:
    return recognizer.timeline(folder / "interview.mp4", transcript=folder / "interview.srt")


def error_rate(timeline: Timeline, truth: dict[str, Any]) -> float:
    """Diarization error rate, without a collar."""
    reference, found = Annotation(), Annotation()
    for number, turn in enumerate(truth["turns"]):
        reference[Segment(turn["start"], turn["end"]), number] = turn["speaker"]
    for number, one in enumerate(timeline.segments):
        found[Segment(one.start, one.end), number] = one.speaker
    return float(DiarizationErrorRate()(reference, found))


def test_names_words_and_times_are_those_of_the_subtitles(
    named: Timeline, truth: dict[str, Any]
) -> None:
    assert [one.speaker for one in named.speakers] == list(
        dict.fromkeys(turn["speaker"] for turn in truth["turns"])
    )
    assert {one.named_by for one in named.speakers} == {"transcript"}
    said = " ".join(one.text for one in named.segments if one.text)
    assert said == " ".join(turn["text"] for turn in truth["turns"])
    assert [word.text for one in named.segments for word in one.words] == said.split()
    assert error_rate(named, truth) < 0.01


def test_each_speaker_has_the_face_whose_mouth_moves(
    named: Timeline, truth: dict[str, Any], folder: Path, recognizer: Recognizer
) -> None:
    halves = {one["name"]: one["box"][0] for one in truth["speakers"]}
    for side, left in (("left", 0), ("right", 320)):
        whose = next(name for name, begin in halves.items() if begin == left)
        half = recognizer.timeline(
            folder / "interview.mp4",
            transcript=folder / "interview.srt",
            options=AnalysisOptions(side=side),
        )
        # with one face alone, only turns of its own speaker have a face
        assert {one.speaker for one in half.segments if one.face is not None} == {whose}
    assert {face.speaker for face in named.faces} == set(halves)
    answered = [one for one in named.segments if one.mark is None]
    assert all("video" in one.modalities for one in answered)


def test_without_names_the_voices_tell_who_speaks(
    recognizer: Recognizer, folder: Path, truth: dict[str, Any]
) -> None:
    found = recognizer.timeline(
        folder / "interview.mp4", transcript=folder / "interview-unnamed.srt"
    )
    assert [one.speaker for one in found.speakers] == ["Speaker 1", "Speaker 2"]
    assert {one.named_by for one in found.speakers} == {None}
    assert error_rate(found, truth) <= 0.05


def test_without_any_transcript_there_are_turns_and_no_words(
    recognizer: Recognizer, folder: Path, truth: dict[str, Any]
) -> None:
    options = AnalysisOptions(faces=False)
    found = recognizer.timeline(folder / "interview.mp4", options=options)
    assert error_rate(found, truth) <= 0.15  # of 0.2 s at each end of a turn, without a collar
    assert {one.text for one in found.segments} == {None}
    assert found.faces == []


class OnlyAnna:
    """A stand-in for a gallery that knows one voice, by its pitch."""

    def __init__(self) -> None:
        self.person: str | None = None
        self.notes: list[str] = []
        self.asked: list[Sample] = []

    def __call__(self, sample: Sample) -> "OnlyAnna":
        self.asked.append(sample)
        result = OnlyAnna()
        if sample.waveform is not None:
            heard = sample.waveform[: 10 * 16_000] / 32768
            frames = np.lib.stride_tricks.sliding_window_view(heard, PITCH_WINDOW)[::PITCH_WINDOW]
            median = float(np.nanmedian(pitches(frames)))
            result.person = "Anna" if median > 165 else None
        return result


def test_a_gallery_names_whom_it_knows_and_never_a_stranger(
    recognizer: Recognizer, folder: Path, truth: dict[str, Any]
) -> None:
    found = recognizer.timeline(
        folder / "interview.mp4",
        names=OnlyAnna(),
        options=AnalysisOptions(faces=False),
    )
    speakers = {one.speaker: one.named_by for one in found.speakers}
    assert speakers == {
        "Anna": "gallery",
        next(name for name in speakers if name != "Anna"): None,
    }
    assert next(name for name in speakers if name != "Anna") in ("Speaker 1", "Speaker 2")
    assert error_rate(found, truth) <= 0.15


def test_a_name_of_the_transcript_is_not_looked_up(recognizer: Recognizer, folder: Path) -> None:
    names = OnlyAnna()
    recognizer.timeline(
        folder / "interview.mp4",
        transcript=folder / "interview.srt",
        names=names,
        options=AnalysisOptions(faces=False),
    )
    assert names.asked == []


def test_a_part_has_the_times_of_the_whole(
    recognizer: Recognizer, folder: Path, named: Timeline, truth: dict[str, Any]
) -> None:
    options = AnalysisOptions(start=10.0, end=30.0)
    part = recognizer.timeline(
        folder / "interview.mp4", transcript=folder / "interview.srt", options=options
    )
    inside = [s for s in named.segments if s.start >= 10 and s.end <= 30]
    assert inside
    found = {(s.start, s.end): s for s in part.segments}
    for one in inside:
        other = found[one.start, one.end]
        assert (other.speaker, other.text, other.face is None) == (
            one.speaker,
            one.text,
            one.face is None,
        )
    assert min(s.start for s in part.segments) >= 10
    assert max(s.end for s in part.segments) <= 30
    assert (part.start, part.seconds) == (10.0, 20.0)
    lost = sum(turn["end"] <= 10 or turn["start"] >= 30 for turn in truth["turns"])
    noted = [warning for warning in part.warnings if "left out" in warning]
    assert [note.split()[0] for note in noted] == ([str(lost)] if lost else [])


STEPS = (
    (module, "write_audio"),
    (SpeechFinder, "__call__"),
    (module, "find_faces"),
    (module, "find_speakers"),
    (module, "predict_segments"),
    (module, "compose_timeline"),
)


def test_interrupted_anywhere_and_resumed_it_is_the_same(
    recognizer: Recognizer,
    folder: Path,
    named: Timeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {"transcript": folder / "interview.srt", "folder": tmp_path / "out"}
    for owner, name in STEPS:
        with monkeypatch.context() as patch:

            def fail(*args: Any, **settings: Any) -> None:
                raise KeyboardInterrupt

            patch.setattr(owner, name, fail)
            with pytest.raises(KeyboardInterrupt):
                recognizer.timeline(folder / "interview.mp4", resume=True, **options)
    with monkeypatch.context() as patch:
        for owner, name in STEPS[:3]:  # these are done
            patch.setattr(owner, name, None)
        resumed = recognizer.timeline(folder / "interview.mp4", resume=True, **options)
    assert resumed == named
    assert list((tmp_path / "out").iterdir()) == []


def test_an_error_ends_the_search_for_faces_at_once(
    recognizer: Recognizer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **settings: Any) -> None:
        raise MienError("the disk is full")

    monkeypatch.setattr(module, "write_audio", fail)
    with pytest.raises(MienError, match="the disk is full"):
        recognizer.timeline(folder / "interview.mp4", folder=tmp_path)
    assert not (tmp_path / ".unfinished" / "faces.safetensors").exists()


def test_what_was_begun_with_other_options_is_not_resumed(
    recognizer: Recognizer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **settings: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "find_speakers", fail)
    options = AnalysisOptions(faces=False)
    with pytest.raises(KeyboardInterrupt):
        recognizer.timeline(folder / "interview.mp4", folder=tmp_path, options=options)
    with pytest.raises(MienError, match="other options"):
        recognizer.timeline(
            folder / "interview.mp4",
            folder=tmp_path,
            options=replace(options, speakers=3),
            resume=True,
        )


def test_what_does_not_fit_is_refused(
    recognizer: Recognizer, folder: Path, tmp_path: Path, odd: Path
) -> None:
    text = tmp_path / "said.txt"
    text.write_text("All that is said, without any times.")
    with pytest.raises(MienError, match="no times"):
        recognizer.timeline(folder / "interview.mp4", transcript=text)
    with pytest.raises(MienError, match="cues"):
        recognizer.timeline(
            folder / "interview.mp4", options=AnalysisOptions(segments="cues", faces=False)
        )
    late = tmp_path / "late.srt"
    late.write_text("1\n01:00:00,000 --> 01:00:02,000\nHello.\n")
    with pytest.raises(MienError, match="not the transcript"):
        recognizer.timeline(
            folder / "interview.mp4", transcript=late, options=AnalysisOptions(faces=False)
        )


def test_odd_files_give_a_timeline_or_say_what_is_wrong(
    recognizer: Recognizer, odd: Path, tmp_path: Path
) -> None:
    given = 0
    for path in sorted(odd.iterdir()):
        if path.suffix in (".md", ".srt", ".txt", ".json", ".csv", ".vtt"):
            continue
        try:
            found = recognizer.timeline(path, options=AnalysisOptions(max_seconds=20))
        except MienError:
            continue
        given += 1
        assert 0 < found.seconds <= 21, path.name
        assert all(one.end <= found.seconds + 0.01 for one in found.segments), path.name
    assert given >= 5
