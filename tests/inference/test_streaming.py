"""A live stream is answered as its windows are, however it is cut, in bounded memory."""

import gc
import tracemalloc
from collections.abc import Iterator
from itertools import count, cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from media_files import murmur
from samples import tiny_run

from mien.corpora.synthetic.speech import Manner, Synthesizer, Voice
from mien.errors import MienError
from mien.inference import streaming
from mien.inference.abstention import Abstention
from mien.inference.prediction import Prediction
from mien.inference.recent_audio import RecentAudio
from mien.inference.recognizer import Recognizer
from mien.inference.stream_update import Chunk, Update
from mien.media.decode import read_audio, read_frames
from mien.utterance import Clip

RATE = 16_000
EXACT = 1e-5


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    run = tiny_run(tmp_path_factory.mktemp("stream") / "run", tiny_text)
    return Recognizer(run, device="cpu")


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Synthetic speech of some seconds (S,) int16."""
    with Synthesizer() as synthesizer:
        said = synthesizer.say(
            "I saw the teacher at the station, and we talked about the garden.",
            Voice("m7", pitch=36, speed=185),
            Manner(),
        )
    return np.rint(said * 32767).astype(np.int16)


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window is skipped, however busy the machine is."""
    monkeypatch.setattr(streaming, "perf_counter", lambda: 0.0)


def scores(one: Update | Prediction) -> list[float]:
    return [score for answer in one.answers.values() for score in answer.scores.values()]


def without_time(update: Update) -> Update:
    """Leave out how much had come when it was made, which depends on the chunks."""
    return update.model_copy(update={"time": update.end})


def cut(audio: np.ndarray, sizes: Iterator[int], rate: int = RATE) -> Iterator[Chunk]:
    begin = 0
    while begin < len(audio):
        size = next(sizes)
        yield Chunk(audio=audio[begin : begin + size], rate=rate)
        begin += size


def test_an_update_has_the_numbers_of_a_call_on_its_window(
    recognizer: Recognizer, speech: np.ndarray
) -> None:
    updates = list(recognizer.stream(window=1.5, hop=0.5).updates(cut(speech, cycle([160]))))
    assert len(updates) == -(-len(speech) // 8000)
    assert [update.end for update in updates[:-1]] == [0.5 * n for n in range(1, len(updates))]
    assert updates[-1].end == len(speech) / RATE
    for update in updates:
        assert update.start == pytest.approx(max(0.0, update.end - 1.5))
        window = speech[round(update.start * RATE) : round(update.end * RATE)]
        if update.speech:
            assert scores(update) == pytest.approx(scores(recognizer((window, RATE))), abs=EXACT)
    assert sum(update.speech is True for update in updates) >= len(updates) - 1


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.integers(1, 60_000), min_size=1, max_size=5),
    rate=st.sampled_from([16_000, 48_000, 44_100]),
)
def test_how_audio_is_cut_changes_nothing(
    recognizer: Recognizer, speech: np.ndarray, sizes: list[int], rate: int
) -> None:
    wave = soxr.resample(speech[: 2 * RATE].astype(np.float32) / 32768, RATE, rate)
    if max(sizes) < 100:
        sizes = [*sizes, 5_000]
    stream = recognizer.stream(window=1.0, hop=0.5)
    updates = list(stream.updates(cut(wave, cycle(sizes), rate)))
    whole = recognizer.stream(window=1.0).updates([Chunk(audio=wave, rate=rate)])
    assert list(map(without_time, updates)) == list(map(without_time, whole))
    at_once = soxr.resample(wave, rate, RATE)
    for update in updates:
        window = at_once[round(update.start * RATE) : round(update.end * RATE)]
        if update.speech:
            assert scores(update) == pytest.approx(scores(recognizer((window, RATE))), abs=EXACT)
    assert [update.end for update in updates][:4] == [0.5, 1.0, 1.5, 2.0]


def test_what_a_chunk_is_made_of_does_not_matter(
    recognizer: Recognizer, speech: np.ndarray
) -> None:
    floating = speech.astype(np.float32) / 32768
    for same in (floating, floating.astype(np.float64), np.stack([speech, speech], axis=1)):
        one, other = recognizer.stream(hop=2.0), recognizer.stream(hop=2.0)
        assert one.push(audio=speech, rate=RATE) == other.push(audio=same, rate=RATE)


@pytest.mark.parametrize(
    ("sound", "kind"),
    [
        (np.zeros(RATE), "nothing to hear"),
        (np.random.default_rng(0).normal(0, 0.1, RATE), "no speech"),
        (murmur(RATE)[:, 0], "no speech"),
    ],
    ids=["silence", "hiss", "noise like syllables"],
)
def test_nobody_speaks_and_nothing_is_guessed(
    recognizer: Recognizer, sound: np.ndarray, kind: str
) -> None:
    assert recognizer.abstention is None  # also without rules of the run
    update = recognizer.stream(hop=1.0).push(audio=sound, rate=RATE)
    assert update is not None
    assert update.speech is False
    assert update.modalities == []
    assert [reason.kind for reason in update.abstained or []] == [kind]
    assert {name: answer.decision for name, answer in update.answers.items()} == {
        "emotion": [],
        "person": [],
    }


def test_the_rules_of_the_run_hold(
    recognizer: Recognizer, speech: np.ndarray, tmp_path: Path, tiny_text: Path
) -> None:
    rules = Abstention(min_probability={"person": 1.0}, min_speech=0.9)
    strict = Recognizer(recognizer.run, device="cpu", abstention=rules)
    short, long = strict.stream(hop=0.5, window=2.0).updates(
        [Chunk(audio=speech[:RATE], rate=RATE)]
    )
    assert [reason.kind for reason in short.abstained or []] == ["too short"]
    assert short.speech is True
    whole = strict.stream(hop=2.0).push(audio=speech, rate=RATE)
    assert whole is not None
    assert [(reason.kind, reason.task) for reason in whole.abstained or []] == [
        ("not sure", "person")
    ]
    assert whole.answers["person"].decision == []
    assert whole.answers["emotion"] == strict((speech[: 2 * RATE], RATE)).answers["emotion"]
    assert long.abstained is not None


def test_frames_are_searched_twice_a_second_and_count_as_in_a_clip(
    recognizer: Recognizer, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared_data / "grid" / "brbk7n.mpg"
    sound, cropper = read_audio(path), recognizer.reader.cropper
    searched, crop = [], cropper.crop
    monkeypatch.setattr(cropper, "crop", lambda *a: searched.append(1) or crop(*a))
    stream = recognizer.stream(window=2.0, hop=1.0)
    updates = []
    for number, (_, time, frame) in enumerate(read_frames(path, [(0.0, 2.9)], interval=0.1)):
        updates.append(stream.push(frame=frame, time=time))
        chunk = sound[1600 * number : 1600 * (number + 1)]
        updates.append(
            stream.push(audio=chunk, rate=RATE, text="bin red" if number == 15 else None)
        )
    first, second = filter(None, updates)
    assert len(searched) == 6
    assert (second.start, second.end, second.faces, second.faces_found) == (0.0, 2.0, 4, 4)
    assert second.modalities == ["text", "audio", "video"]
    assert (first.text, second.text) == (None, "bin red")
    frames = [frame for *_, frame in read_frames(path, [(0.0, 2.0)])]
    clip = Clip(
        frames=np.stack(frames),
        times=0.5 * np.arange(4, dtype=np.float32),
        waveform=sound[: 2 * RATE].astype(np.float32) / 32768,
        rate=RATE,
    )
    assert scores(second) == pytest.approx(scores(recognizer(clip, text="bin red")), abs=EXACT)


def test_frames_alone_and_frames_without_a_face(recognizer: Recognizer) -> None:
    stream = recognizer.stream(window=1.0, hop=0.5)
    black = np.zeros((90, 120, 3), np.uint8)
    updates = [stream.push(frame=black, time=0.04 * number) for number in range(60)]
    found = [update for update in updates if update]
    assert [update.end for update in found] == [0.5, 1.0, 1.5, 2.0]
    for update in found:
        assert update.speech is None
        assert update.faces_found == 0
        assert [reason.kind for reason in update.abstained or []] == ["no face"]
    assert [update.faces for update in found] == [1, 2, 2, 2]


def test_text_counts_for_the_window_in_which_it_came(recognizer: Recognizer) -> None:
    stream = recognizer.stream(window=1.0, hop=0.5)
    silence = np.zeros(RATE // 2, np.int16)
    said = ["I am", "glad", None, None, None]
    updates = [stream.push(audio=silence, rate=RATE, text=text) for text in said]
    texts = [update.text for update in updates if update]
    assert texts == [None, "I am", "I am glad", "glad", None]
    second = updates[1]
    assert second is not None
    assert second.speech is False
    assert second.warnings == [
        "audio left out: nothing to hear (nothing is louder than 96 dB below full scale)"
    ]
    assert scores(second) == pytest.approx(scores(recognizer(text="I am")), abs=EXACT)
    alone = recognizer.stream(hop=0.5)
    assert alone.push(text="I am") is None
    last = alone.push(text="glad", time=0.7)
    assert last is not None
    assert (last.text, last.end) == ("I am", 0.5)


def test_gaps_are_silence_and_what_comes_too_late_is_counted(
    recognizer: Recognizer, speech: np.ndarray
) -> None:
    stream = recognizer.stream(window=1.0, hop=0.5)
    stream.push(audio=speech[:8000], rate=RATE, time=0.0)
    after = stream.push(audio=speech[8000:16000], rate=RATE, time=2.0)
    assert after is not None
    assert (after.time, after.end, after.skipped) == (2.5, 2.5, 3)
    with_gap = np.concatenate([np.zeros(8000, np.int16), speech[8000:16000]])
    assert scores(after) == pytest.approx(scores(recognizer((with_gap, RATE))), abs=EXACT)
    black = np.zeros((90, 120, 3), np.uint8)
    assert stream.push(frame=black, time=0.3) is None  # 2.2 s too late
    assert stream.push(frame=black, time=2.4) is None
    next_one = stream.push(audio=speech[:8000], rate=RATE, time=2.45)  # jitter
    assert next_one is not None
    assert (next_one.end, next_one.late_frames, next_one.faces) == (3.0, 1, 1)
    stalled = [stream.push(frame=black, time=time) for time in (3.4, 4.0, 4.6, 5.2)]
    assert [update.end for update in stalled if update] == [3.5, 4.0]
    late = stream.push(audio=speech[:8000], rate=RATE)
    assert late is not None
    assert late.end == 4.5


@given(
    pushes=st.lists(
        st.tuples(st.sampled_from("aft"), st.floats(0, 30), st.booleans()), min_size=1, max_size=30
    )
)
def test_time_never_goes_back(
    recognizer: Recognizer, pushes: list[tuple[str, float, bool]]
) -> None:
    stream = recognizer.stream(window=1.0, hop=1.0)
    content = {
        "a": {"audio": np.zeros(3000, np.int16), "rate": RATE},
        "f": {"frame": np.zeros((40, 40, 3), np.uint8)},
        "t": {},
    }
    updates = [
        stream.push(**content[kind], time=time if timed else None) for kind, time, timed in pushes
    ]
    found = [update for update in updates if update]
    for one, two in pairwise(found):
        assert one.time <= two.time
        assert one.end < two.end
    for update in found:
        assert update.start == max(update.end - 1, 0)
        assert update.end <= update.time < update.end + 1


@pytest.mark.parametrize(("seconds", "skipped"), [(0.3, [0] * 7), (0.8, [0, 0, 1, 0, 1])], ids=str)
def test_windows_are_skipped_where_computing_takes_longer_than_the_hop(
    recognizer: Recognizer,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    skipped: list[int],
) -> None:
    ticks = count(step=seconds)  # two for each window
    monkeypatch.setattr(streaming, "perf_counter", lambda: next(ticks))
    chunks = [Chunk(audio=np.zeros(800, np.int16), rate=RATE)] * 70
    updates = list(recognizer.stream(window=1.0, hop=0.5).updates(chunks))
    assert [update.skipped for update in updates] == skipped
    assert {round(update.latency, 6) for update in updates} == {seconds}
    for update in updates:
        assert update.time - update.end < 0.5  # never about what was long ago


def test_a_long_push_gives_the_newest_window(recognizer: Recognizer, speech: np.ndarray) -> None:
    stream = recognizer.stream(window=1.0, hop=0.5)
    update = stream.push(audio=speech[: 2 * RATE], rate=RATE)
    assert update is not None
    assert (update.start, update.end, update.skipped) == (1.0, 2.0, 3)
    assert stream.finish() is None


def test_memory_does_not_grow_with_the_stream(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.Stream, "_update", lambda self, last: None)
    stream = recognizer.stream(window=2.0, hop=0.5)
    sound, black = np.ones(4800, np.int16), np.zeros((40, 40, 3), np.uint8)
    face = recognizer.reader.cropper.crop(black)
    monkeypatch.setattr(recognizer.reader.cropper, "crop", lambda *_: face)

    sizes = []
    tracemalloc.start()
    for minute in range(3):
        for step in range(600):
            time = 60 * minute + step / 10
            stream.push(audio=sound, rate=48_000)
            stream.push(frame=black, time=time, text="yes")
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert abs(sizes[2] - sizes[1]) < 20_000  # a minute of audio has 1.9 MB


def test_hours_of_silence_take_no_time_and_no_memory() -> None:
    audio = RecentAudio(2.0)
    audio.add(np.full(16_000, 0.25, np.float32), RATE)
    audio.silence(1e6)
    audio.add(np.full(8_000, 0.5, np.float32), RATE, time=1e6)
    assert audio.position == 10**6 * RATE + 8_000
    assert len(audio.between(0, audio.position)) == 2 * RATE
    assert audio.between(audio.position - 8_001, audio.position - 7_999).tolist() == [0, 16_384]


def test_another_sample_rate_may_follow() -> None:
    audio = RecentAudio(4.0)
    for rate in (48_000, 16_000, 8_000):
        for _ in range(10):
            audio.add(np.full(rate // 10, 0.5, np.float32), rate)
    audio.flush()
    assert audio.position == 3 * RATE
    middles = [audio.between(at - 100, at + 100) for at in (8_000, 24_000, 40_000)]
    assert all(np.abs(middle.astype(int) - 16_384).max() < 20 for middle in middles)


@pytest.mark.parametrize(
    ("chunk", "wrong"),
    [
        ({"audio": np.zeros(100)}, "audio needs its sample rate, from 1000 to 768000 Hz, not None"),
        ({"audio": np.zeros(100), "rate": 10}, "audio needs its sample rate"),
        ({"audio": np.zeros(100, np.uint8), "rate": RATE}, "not \\(100,\\) of uint8"),
        ({"audio": np.array([np.nan]), "rate": RATE}, "numbers that are not finite"),
        ({"frame": np.zeros((4, 4), np.uint8)}, "a frame is an RGB image"),
        ({"frame": np.zeros((4, 4, 3))}, "not \\(4, 4, 3\\) of float64"),
        ({"frame": np.zeros((0, 4, 3), np.uint8)}, "a frame is an RGB image"),
        ({"time": float("nan")}, "in seconds from the beginning of the stream, not nan"),
        ({"time": -1.0}, "not -1"),
        ({"time": 1.7e9}, "not 1.7e\\+09"),
    ],
)
def test_what_is_wrong_is_refused_and_the_stream_goes_on(
    recognizer: Recognizer, chunk: dict[str, Any], wrong: str
) -> None:
    stream = recognizer.stream(hop=0.5)
    with pytest.raises(MienError, match=wrong):
        stream.push(**chunk)
    update = stream.push(audio=np.zeros(8000, np.int16), rate=RATE)
    assert update is not None
    assert update.end == 0.5


@pytest.mark.parametrize(("window", "hop"), [(16.0, 0.5), (0.5, 1.0), (1.0, 0.05)])
def test_windows_have_their_limits(recognizer: Recognizer, window: float, hop: float) -> None:
    with pytest.raises(
        MienError, match=r"a hop of 0\.1 s or more and a window from the hop to 15 s"
    ):
        recognizer.stream(window=window, hop=hop)
