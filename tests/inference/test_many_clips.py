"""Clips in every form, many of them at once, and from several threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from media_files import murmur
from samples import sample, tiny_run

from mien.errors import MienError
from mien.inference.dataset import outputs_of
from mien.inference.prediction import Failure, Prediction
from mien.inference.recognizer import Recognizer
from mien.modality import Modality

WORDS = "bin red by k seven now"


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    run = tiny_run(tmp_path_factory.mktemp("many") / "run", tiny_text)
    return Recognizer(run, device="cpu")


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Synthetic sounds of 1 to 40 seconds, so that some have several segments."""
    folder = tmp_path_factory.mktemp("waves")
    for number, seconds in enumerate((1, 2, 40, 3, 20, 1)):
        path = folder / f"synthetic{number}.wav"
        soundfile.write(path, murmur(seconds * 16_000) * (0.3 + 0.1 * number), 16_000)
    return sorted(folder.iterdir())


def numbers(prediction: Prediction) -> np.ndarray:
    segments = [s.answers for s in prediction.segments]
    scores = [
        x for a in (prediction.answers, *segments) for b in a.values() for x in b.scores.values()
    ]
    return np.array([*scores, *prediction.embedding])


def assert_same(one: Prediction, other: Prediction) -> None:
    assert one.model_copy(update={"answers": {}, "segments": [], "embedding": []}) == (
        other.model_copy(update={"answers": {}, "segments": [], "embedding": []})
    )
    assert numbers(one) == pytest.approx(numbers(other), abs=2e-6)


def test_a_file_and_its_bytes_give_the_same(recognizer: Recognizer, shared_data: Path) -> None:
    files = [*sorted((shared_data / "grid").glob("*.mpg"))[:1], shared_data / "odd" / "voice.wav"]
    for path in files:
        from_file = recognizer(path, text=WORDS)
        from_bytes = recognizer(path.read_bytes(), text=WORDS, name=str(path))
        assert from_bytes == from_file


def test_bytes_are_told_by_their_name(recognizer: Recognizer) -> None:
    with pytest.raises(MienError, match=r"^upload\.mp4: cannot be read as a media file"):
        recognizer(b"nothing that could be read", name="upload.mp4")
    with pytest.raises(MienError, match=r"^clip: cannot be read"):
        recognizer(b"")


def test_bytes_open_no_file_whatever_they_and_their_name_say(
    recognizer: Recognizer, tmp_path: Path, waves: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0.wav").write_bytes(waves[0].read_bytes())
    playlists = [b"ffconcat version 1.0\nfile 0.wav\n", b"#EXTM3U\n#EXTINF:1,\n0.wav\n"]
    for data in playlists:
        for name in ("0.wav", "file:0.wav", "list.m3u8", "0%d.jpg"):
            with pytest.raises(MienError, match="cannot be read as a media file"):
                recognizer(data, name=name)


def test_a_waveform_and_its_rate_give_what_the_file_does(
    recognizer: Recognizer, waves: list[Path]
) -> None:
    wave, rate = soundfile.read(waves[1], dtype="int16")
    from_file = recognizer(waves[1])
    stereo = np.stack([wave, wave], axis=1)
    for pair in ((wave, rate), (wave / 32768, rate), (stereo, rate)):
        prediction = recognizer(pair, name=str(waves[1]))
        assert_same(prediction, from_file)
    assert recognizer((wave, rate)).source == "clip"


@pytest.mark.parametrize(
    ("clip", "told"),
    [
        (np.zeros(16_000), "a pair (waveform, sample rate)"),
        ((16_000, np.zeros(16_000, "f4")), "a pair (waveform, sample rate)"),
        ((np.zeros((1, 2, 3)), 16_000), "shape (samples,) or (samples, channels)"),
        ((np.zeros(16_000, "u1"), 16_000), "signed integers"),
        ((np.full(16_000, np.nan), 16_000), "numbers that are not finite"),
        ((np.zeros(16_000), 0), "a sample rate above 0"),
        (3.5, "a float is no clip"),
    ],
)
def test_what_is_no_clip_is_told(recognizer: Recognizer, clip: object, told: str) -> None:
    with pytest.raises(MienError) as error:
        recognizer(clip, name="mine")
    assert told in str(error.value)
    assert str(error.value).startswith("mine: ")


def test_a_list_gives_what_each_clip_alone_does(recognizer: Recognizer, waves: list[Path]) -> None:
    """Whatever the batch, and whoever shares it."""
    clips = [*waves, sample(1), (murmur(8000), 16_000), None]
    texts = [None, "I am glad.", WORDS, None, WORDS, "No.", None, None, "text alone"]
    alone = [recognizer(clip, text=text) for clip, text in zip(clips, texts, strict=True)]
    for batch_size in (1, 2, 3, 16):
        together = recognizer(clips, text=texts, batch_size=batch_size)
        for one, other in zip(alone, together, strict=True):
            assert_same(one, other)


def test_a_clip_that_cannot_be_used_costs_no_other(
    recognizer: Recognizer, waves: list[Path], tmp_path: Path
) -> None:
    broken, silent = tmp_path / "broken.wav", tmp_path / "silent.wav"
    broken.write_bytes(b"no sound")
    soundfile.write(silent, np.zeros(16_000), 16_000)
    results = recognizer([broken, waves[0], tmp_path / "gone.wav", waves[2], silent, b""])
    assert [type(result) for result in results] == [
        *(Failure, Prediction, Failure, Prediction, Failure, Failure)
    ]
    assert [result.source for result in results] == [
        *map(str, (broken, waves[0], tmp_path / "gone.wav", waves[2], silent)),
        "clip",
    ]
    assert "cannot be read as a media file" in results[0].reason
    assert str(results[2]) == f"{tmp_path}/gone.wav does not exist"
    assert "there is none (audio: silent" in results[4].reason


def test_scores_that_are_no_numbers_fail_their_clip_alone(
    recognizer: Recognizer, waves: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = recognizer.model.forward

    def broken(batch):
        output = forward(batch)
        output.logits["person"][1] = float("inf")
        return output

    monkeypatch.setattr(recognizer.model, "forward", broken)
    good, bad, other = recognizer([waves[0], waves[1], waves[3]])
    assert isinstance(good, Prediction)
    assert isinstance(other, Prediction)
    assert "scores are not finite numbers" in bad.reason


def test_each_clip_needs_its_text(recognizer: Recognizer, waves: list[Path]) -> None:
    with pytest.raises(MienError, match="text: give a list with one entry for each clip"):
        recognizer(waves, text="I am glad")
    with pytest.raises(MienError, match="text: give a list with one entry for each clip"):
        recognizer(waves, text=["I am glad"])
    with pytest.raises(MienError, match=r"more clips than texts, .* or references: 1"):
        recognizer(iter(waves), text=["I am glad"])


def test_a_batch_holds_at_least_one(recognizer: Recognizer, waves: list[Path]) -> None:
    rows = outputs_of(recognizer.run, recognizer.model, None, [], "tav", batch_size=-1)
    for asked in (
        lambda: recognizer(waves[0], batch_size=0),
        lambda: recognizer(waves, batch_size=0),
        lambda: next(rows),
    ):
        with pytest.raises(MienError, match=r"^batch_size: a batch holds at least 1, not (0|-1)$"):
            asked()


def test_a_stream_reads_no_further_than_a_batch_needs(recognizer: Recognizer) -> None:
    read = []

    def clips():
        for number in range(1000):
            read.append(number)
            yield sample(number % 7, "ta")

    several = recognizer.predict_each(clips(), batch_size=4)
    assert read == []
    for number in range(40):
        result = next(several)
        assert result.source == f"synthetic-{number % 7:03}"
        assert len(read) <= number + 4, "clips wait in memory"
    several.close()
    assert len(read) <= 44


def test_clips_one_by_one_are_answered_at_once(recognizer: Recognizer) -> None:
    taken = []
    several = recognizer.predict_each(
        (taken.append(i) or sample(i) for i in range(3)), batch_size=1
    )
    for number in range(3):
        next(several)
        assert taken == list(range(number + 1))


@pytest.mark.slow
def test_several_threads_get_the_answers_of_one(recognizer: Recognizer, shared_data: Path) -> None:
    clips = sorted((shared_data / "grid").glob("*.mpg"))[:8]
    assert len(clips) == 8
    texts = [f"{WORDS} {'again ' * number}" for number in range(8)]
    expected = [recognizer(clip, text=text) for clip, text in zip(clips, texts, strict=True)]
    fresh = Recognizer(recognizer.run, device="cpu")  # what is made when first needed is raced for
    start = threading.Barrier(8)

    def work(number: int) -> list[Prediction]:
        start.wait()
        order = [*range(number, 8), *range(number)]
        return [(i, fresh(clips[i], text=texts[i])) for i in order[:3]]

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(work, range(8)):
            for i, prediction in answers:
                assert_same(prediction, expected[i])


def test_a_tokenizer_serves_one_thread_at_a_time(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fast tokenizers may raise "Already borrowed" where two threads use one at once."""
    texts = ["I am glad", "word " * 300, "No.", "and so on " * 20]
    expected = [recognizer(text=text) for text in texts]
    reader, borrowed = recognizer.readers[Modality.TEXT], threading.Lock()
    tokenizer = reader.tokenizer

    def strict(*arguments, **options):
        assert borrowed.acquire(blocking=False), "Already borrowed"
        time.sleep(0.01)
        try:
            return tokenizer(*arguments, **options)
        finally:
            borrowed.release()

    monkeypatch.setattr(reader, "tokenizer", strict)

    def work(number: int) -> list[Prediction]:
        return [recognizer(text=texts[(number + i) % 4]) for i in range(4)]

    with ThreadPoolExecutor(8) as pool:
        for number, answers in enumerate(pool.map(work, range(8))):
            for i, prediction in enumerate(answers):
                assert_same(prediction, expected[(number + i) % 4])


def test_a_model_without_its_text_encoder_gives_the_same_for_clips_without_text(
    recognizer: Recognizer, waves: list[Path], shared_data: Path
) -> None:
    shown = (Modality.AUDIO, Modality.VIDEO)
    light = Recognizer(recognizer.run, "cpu", modalities=shown)
    assert light.readers[Modality.TEXT].tokenizer is None
    assert not any(name.startswith("encoders.text.") for name in light.model.state_dict())
    clips = [waves[0], waves[2], min((shared_data / "grid").glob("*.mpg"))]
    for one, other in zip(light(clips), recognizer(clips), strict=True):
        assert_same(one, other)
    with_text = light(waves[0], text="I am glad.")
    assert with_text.modalities == with_text.segments[0].modalities == ["audio"]
    assert with_text.answers == light(waves[0]).answers
    with pytest.raises(MienError, match="the model uses text or audio or faces, and there is none"):
        light(text="I am glad.")
    alone = Recognizer(recognizer.run, "cpu", modalities=[Modality.TEXT])
    assert alone(waves[0], text="I am glad.").answers == recognizer(text="I am glad.").answers
