"""What can't be told is said to be so, with the reason; without abstention.json nothing changes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from media_files import murmur, write_video
from samples import tiny_run

from mien.audio_effects import add_noise, from_int16, to_int16, white
from mien.errors import MienError
from mien.identity.embedder import RunEncoder
from mien.inference.abstention import Abstention
from mien.inference.prediction import Failure, Prediction
from mien.inference.recognizer import Recognizer
from mien.media.decode import read_audio
from mien.runs.run import Run

RULES = Abstention(languages=("en",))
GERMAN = "Ich bin heute wirklich sehr traurig"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Run:
    return tiny_run(tmp_path_factory.mktemp("abstention") / "run", tiny_text)


@pytest.fixture(scope="module")
def recognizer(run: Run) -> Recognizer:
    return Recognizer(run, device="cpu", abstention=RULES)


@pytest.fixture(scope="module")
def speech(shared_data: Path) -> np.ndarray:
    """Three seconds of an actor's sentence, int16."""
    return read_audio(shared_data / "ravdess" / "03-01-05-01-01-01-05.flac")


def noisy(sound: np.ndarray, ratio: float) -> np.ndarray:
    noise = white(len(sound), np.random.default_rng(0))
    return to_int16(add_noise(from_int16(sound), noise, ratio))


def kinds(prediction: Prediction) -> list[str]:
    return [reason.kind for reason in prediction.abstained or []]


@pytest.mark.parametrize(
    ("ratio", "answered"), [(0, False), (3, False), (8, True), (20, True)], ids=str
)
def test_noise_decides_at_five_decibels(
    recognizer: Recognizer, speech: np.ndarray, ratio: float, answered: bool
) -> None:
    prediction = recognizer((noisy(speech, ratio), 16_000))
    assert (kinds(prediction) == []) is answered
    if not answered:
        assert kinds(prediction) == ["too noisy"]
        line = (
            f"  can't tell: too noisy (signal-to-noise about {ratio - 1} dB; at least 5 are needed)"
        )
        assert line in prediction.table().splitlines()


def test_clean_speech_is_answered_as_without_rules(
    run: Run, recognizer: Recognizer, speech: np.ndarray
) -> None:
    free = Recognizer(run, device="cpu")((speech, 16_000), text="I am so glad")
    assert recognizer((speech, 16_000), text="I am so glad") == free
    assert free.abstained is None


@pytest.mark.parametrize(
    ("sound", "kind", "detail"),
    [
        (np.zeros(32_000), "nothing to hear", "silent in the clip: nothing is louder than 96 dB"),
        (np.zeros(200), "too short", "only 200 samples in the clip"),
        (np.random.default_rng(0).normal(0, 0.1, 48_000), "no speech", "speaking in 3.0 s"),
        (np.sin(np.arange(48_000) / 10) / 4, "no speech", "speaking in 3.0 s"),
        (murmur(48_000)[:, 0], "no speech", "speaking in 3.0 s"),
    ],
    ids=["silence", "a click", "hiss", "a tone", "noise like syllables"],
)
def test_what_is_no_speech_is_not_answered(
    recognizer: Recognizer, sound: np.ndarray, kind: str, detail: str
) -> None:
    prediction = recognizer((sound, 16_000))
    assert kinds(prediction) == [kind]
    assert detail in prediction.abstained[0].detail
    assert prediction.modalities == []
    assert prediction.embedding == []
    assert {name: answer.decision for name, answer in prediction.answers.items()} == {
        "emotion": [],
        "person": [],
    }


def test_a_syllable_is_too_short(recognizer: Recognizer, speech: np.ndarray) -> None:
    middle = len(speech) // 2
    prediction = recognizer((speech[middle - 3000 : middle + 3000], 16_000))
    assert kinds(prediction) == ["too short"]
    assert "s of speech; at least 0.5 s are needed" in prediction.abstained[0].detail


def test_text_in_another_language_is_left_out(recognizer: Recognizer, speech: np.ndarray) -> None:
    alone = recognizer(text=GERMAN)
    assert kinds(alone) == ["other language"]
    assert "can't tell: other language (German; the model knows English)" in alone.table()
    heard = recognizer((speech, 16_000), text=GERMAN)
    assert (heard.abstained, heard.modalities) == (None, ["audio"])
    assert heard.warnings == ["text left out: other language (German; the model knows English)"]
    without = recognizer((speech, 16_000))
    assert heard.answers == without.answers
    assert recognizer(text="Nein danke").abstained is None  # two words tell too little


def test_a_cue_of_few_words_is_judged_by_the_whole_transcript(
    recognizer: Recognizer, tmp_path: Path, speech: np.ndarray
) -> None:
    soundfile.write(tmp_path / "a.wav", np.tile(speech, 2), 16_000)
    cues = [GERMAN, "Nein"]
    srt = "\n\n".join(
        f"00:00:0{3 * i},000 --> 00:00:0{3 * i + 3},000\n{c}" for i, c in enumerate(cues)
    )
    (tmp_path / "a.srt").write_text(srt)
    prediction = recognizer(tmp_path / "a.wav", transcript=tmp_path / "a.srt")
    assert [segment.modalities for segment in prediction.segments] == [["audio"], ["audio"]]


def test_a_noisy_stretch_of_a_long_clip_does_not_count(
    recognizer: Recognizer, speech: np.ndarray
) -> None:
    long = np.tile(speech, 12)[: 40 * 16_000]
    spoilt = long.copy()
    spoilt[: 13 * 16_000] = noisy(long[: 13 * 16_000], 0)
    prediction = recognizer((spoilt, 16_000))
    assert prediction.abstained is None
    first, *rest = prediction.segments
    assert [reason.kind for reason in first.abstained] == ["too noisy"]
    assert (first.start, first.modalities, first.answers["emotion"].decision) == (0, [], [])
    assert [segment.abstained for segment in rest] == [None, None]
    mean = np.mean([segment.answers["person"].scores["a"] for segment in rest])
    assert prediction.answers["person"].scores["a"] == pytest.approx(mean, abs=1e-5)
    assert "0.0 –    13.3 s  can't tell: too noisy" in prediction.table()


def test_a_clip_that_can_not_be_used_takes_its_place_in_a_batch(
    recognizer: Recognizer, speech: np.ndarray, tmp_path: Path
) -> None:
    clips = [(speech, 16_000), (np.zeros(32_000), 16_000), tmp_path / "gone.wav", (speech, 16_000)]
    first, silent, gone, last = recognizer(clips)
    assert first.answers == last.answers
    assert kinds(silent) == ["nothing to hear"]
    assert isinstance(gone, Failure)


def test_a_video_without_a_face_is_not_answered(recognizer: Recognizer, tmp_path: Path) -> None:
    grey = write_video(tmp_path / "a.mp4", 90, picture=np.full((48, 64, 3), 120, np.uint8))
    prediction = recognizer(grey)
    assert [str(reason) for reason in prediction.abstained] == [
        "no face (none was found in any of 6 frames)"
    ]


def test_the_centre_of_the_frame_does_not_pass_for_a_face(tmp_path: Path, tiny_text: Path) -> None:
    run = tiny_run(tmp_path / "run", tiny_text, no_face="centre")
    grey = write_video(tmp_path / "a.mp4", 90, picture=np.full((48, 64, 3), 120, np.uint8))
    assert Recognizer(run, device="cpu")(grey).modalities == ["video"]
    prediction = Recognizer(run, device="cpu", abstention=RULES)(grey, text="I am so glad")
    assert prediction.modalities == ["text"]
    assert prediction.warnings == ["faces left out: no face (none was found in any of 6 frames)"]


def test_a_photo_for_a_model_without_faces_is_refused_for_what_it_is(
    tmp_path: Path, tiny_text: Path
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text, modalities="ta")
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((100, 100, 3), 120, np.uint8))
    for abstention in (RULES, False):
        with pytest.raises(MienError) as refused:
            Recognizer(run, device="cpu", abstention=abstention)(tmp_path / "photo.png")
        assert "the model uses text or audio, and there is none" in str(refused.value)
        assert str(refused.value).endswith(
            "it has an image, which this model does not use: choose one that does"
        )


def test_a_model_that_is_not_sure_says_so(run: Run, speech: np.ndarray) -> None:
    free = Recognizer(run, device="cpu")((speech, 16_000)).answers
    best = max(free["person"].scores.values())
    above = Abstention(min_probability={"person": best - 0.01})
    assert Recognizer(run, device="cpu", abstention=above)((speech, 16_000)).answers == free
    below = Abstention(min_probability={"person": best + 0.01})
    prediction = Recognizer(run, device="cpu", abstention=below)((speech, 16_000))
    (reason,) = prediction.abstained
    assert (reason.kind, reason.task, reason.modality) == ("not sure", "person", None)
    label = max(free["person"].scores, key=free["person"].scores.__getitem__)
    assert reason.detail.startswith(f"{label} is most likely, with a probability of 0.")
    assert prediction.answers["person"].decision == []
    assert prediction.answers["person"].scores == free["person"].scores
    assert prediction.answers["emotion"] == free["emotion"]
    assert f"  person: can't tell: {reason}" in prediction.table().splitlines()
    assert [segment.abstained for segment in prediction.segments] == [[reason]]


def test_a_temperature_makes_a_model_less_sure(run: Run, speech: np.ndarray) -> None:
    best = max(Recognizer(run, device="cpu")((speech, 16_000)).answers["person"].scores.values())
    rules = Abstention(min_probability={"person": best - 0.02}, temperature={"person": 4.0})
    prediction = Recognizer(run, device="cpu", abstention=rules)((speech, 16_000))
    assert kinds(prediction) == ["not sure"]


def test_the_run_has_its_own_rules(tmp_path: Path, tiny_text: Path) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    run.write("abstention.json", RULES.model_dump(mode="json"))
    silence = (np.zeros(32_000), 16_000)
    assert kinds(Recognizer(Run(run.folder), device="cpu")(silence)) == ["nothing to hear"]
    with pytest.raises(MienError, match="there is none"):
        Recognizer(Run(run.folder), device="cpu", abstention=False)(silence)
    (run.folder / "abstention.json").write_text("{}")  # all rules with their defaults
    assert Recognizer(Run(run.folder), device="cpu").abstention == Abstention()
    copy = Recognizer(Run(run.folder), device="cpu").save_pretrained(tmp_path / "copy")
    assert json.loads((copy / "abstention.json").read_text()) == {}


def test_a_person_is_embedded_whatever_the_rules_say(
    tmp_path: Path, tiny_text: Path, speech: np.ndarray
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    soundfile.write(tmp_path / "a.wav", noisy(speech, 0), 16_000)
    before = RunEncoder(run.folder, "cpu").embed(tmp_path / "a.wav", lambda note: None)
    run.write("abstention.json", {})
    after = RunEncoder(run.folder, "cpu").embed(tmp_path / "a.wav", lambda note: None)
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"min_snr": "loud"}', "min_snr"),
        ('{"min_speech": -1}', "min_speech"),
        ('{"min_probability": {"emotion": 1.5}}', "min_probability"),
        ('{"temperature": {"emotion": 0}}', "temperature"),
        ('{"languages": ["tlh"]}', "no language 'tlh'"),
        ('{"languages": []}', "languages"),
        ('{"mood": 1}', "mood"),
        ('{"min_probability": {"mood": 0.5}}', "names the task 'mood'"),
        ('{"min_snr": NaN}', "damaged"),
        ("[]", "damaged"),
        ("{", "damaged"),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(
    tmp_path: Path, tiny_text: Path, content: str, why: str
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    (run.folder / "abstention.json").write_text(content)
    with pytest.raises(MienError) as refused:
        Recognizer(run, device="cpu")
    assert why in str(refused.value)
    assert str(run.folder / "abstention.json") in str(refused.value)
