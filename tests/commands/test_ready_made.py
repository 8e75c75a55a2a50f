"""What somebody types who has no model: the ready-made one answers, or says that it can't tell."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien import Recognizer
from mien.audio_effects import add_noise, from_int16, white
from mien.media.decode import read_audio
from mien.modality import Modality
from mien.models.pretrained.catalogue import CATALOGUE
from mien.runs.hub import open_run
from mien.runs.joined import JoinedRun
from mien.runs.ready_made import BASE, FOLDER, PARTS, READY_MADE

LABELS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")


def test_predict_without_arguments_says_what_to_give(mien) -> None:
    result = mien("predict")
    assert result.returncode == 2
    assert "mien predict clip.mp4" in result.stderr
    assert BASE in result.stderr


def test_a_sentence_is_answered_with_what_the_model_is(mien) -> None:
    result = mien("predict", "--text", "I am so glad that you are here.")
    assert result.returncode == 0, result.stderr
    assert "emotion: happy" in result.stdout
    assert "from text" in result.stdout
    about = result.stdout.partition("model mien-base")[2]
    assert "no pretrained expression model" in about
    assert "mien-audio-nc: CC-BY-NC-SA-4.0 (commercial use: no" in about
    assert str(FOLDER / BASE / "README.md") in about


def test_several_sentences_in_python() -> None:
    recognizer = Recognizer.from_pretrained("mien-text", device="cpu")
    said = {
        "I hate you, this is the worst thing you have ever done!": "angry",
        "I am so sorry for your loss, I cried all night.": "sad",
        "I'm terrified of what will happen tonight.": "fearful",
        "Wow, I did not see that coming at all!": "surprised",
    }
    for text, emotion in said.items():
        assert recognizer(text=text).answers["emotion"].decision == [emotion], text


def test_json_has_no_other_lines(mien) -> None:
    result = mien("predict", "--text", "I am so glad.", "--json", "-")
    (prediction,) = json.loads(result.stdout)
    assert set(prediction["answers"]["emotion"]["scores"]) == set(LABELS)


@pytest.mark.parametrize("name", READY_MADE)
def test_the_models_are_small_and_say_their_licence(name: str) -> None:
    run = open_run(name)
    assert run.config.tasks[0].labels == LABELS
    assert run.config.tasks[0].mapping == {"calm": "neutral"}
    card = (FOLDER / name / "README.md").read_text()
    for part in PARTS:
        licence = CATALOGUE[part].licence
        if name in (BASE, part):
            assert licence in (run.config.licence or "")
            assert licence in card
    stored = [path.stat().st_size for path in FOLDER.rglob("*.safetensors")]
    assert sum(stored) < 4_000_000


def test_the_default_joins_the_two_others() -> None:
    run = open_run(BASE)
    assert isinstance(run, JoinedRun)
    assert [part.folder.name for part in run.parts] == list(PARTS)
    assert set(run.config.model.modalities) == {Modality.TEXT, Modality.AUDIO}


@pytest.mark.parametrize(
    ("content", "why"),
    [("silence", "nothing to hear"), ("noise", "no speech"), ("german", "other language")],
)
def test_what_cannot_be_told_is_not_answered(mien, tmp_path: Path, content: str, why: str) -> None:
    if content == "german":
        result = mien("predict", "--text", "Ich freue mich sehr, dass du heute hier bist.")
    else:
        wave = np.zeros(48_000, np.float32)
        if content == "noise":
            wave = white(48_000, np.random.default_rng(0))
        soundfile.write(tmp_path / "clip.wav", wave, 16_000)
        result = mien("predict", tmp_path / "clip.wav")
    assert result.returncode == 0, result.stderr
    assert f"can't tell: {why}" in result.stdout


def test_real_clips_are_answered_or_not(mien, shared_data: Path, tmp_path: Path) -> None:
    angry = shared_data / "ravdess" / "03-01-05-02-01-01-22.flac"  # of an actor of no training
    video = next((shared_data / "grid").rglob("*.mpg"))
    result = mien("predict", angry, video)
    assert result.returncode == 0, result.stderr
    assert "emotion: angry" in result.stdout.partition(str(video))[0]
    assert result.stdout.count("from audio") == 2
    assert result.stdout.count("no pretrained expression model") == 1
    sound = from_int16(read_audio(angry))
    noisy = add_noise(sound, white(len(sound), np.random.default_rng(0)), 0.0)
    soundfile.write(tmp_path / "noisy.wav", noisy, 16_000)
    assert "can't tell: too noisy" in mien("predict", tmp_path / "noisy.wav").stdout


def test_clips_alone_do_not_load_the_text_encoder() -> None:
    recognizer = Recognizer.from_pretrained(BASE, device="cpu", modalities=[Modality.AUDIO])
    assert recognizer.model.encoder(Modality.AUDIO).frozen
    assert not list(recognizer.model.encoder(Modality.TEXT).parameters())


def test_a_model_may_come_first_and_a_wrong_name_is_an_error(mien, tmp_path: Path) -> None:
    said = mien("predict", "mien-text", "--text", "I am so glad that you are here.")
    assert "model mien-text" in said.stdout
    wrong = mien("predict", "runs/typo", tmp_path / "clip.wav")
    assert wrong.returncode == 1
    assert "runs/typo is neither a run folder nor a clip" in wrong.stderr
    other = mien("evaluate", "mien-text")
    assert "is a ready-made model" in other.stderr
    assert str(FOLDER / "mien-text" / "README.md") in other.stderr
    alone = mien("predict", "--text", "Fine.", "--references", tmp_path / "clip.wav")
    assert alone.returncode == 2
    assert "--references are of the speaker of a clip" in alone.stderr


def test_a_folder_of_the_same_name_changes_nothing(mien, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / BASE).mkdir()
    monkeypatch.chdir(tmp_path)
    assert "emotion: happy" in mien("predict", "--text", "I am so glad that you are here.").stdout


def test_a_copy_of_the_default_answers_and_abstains_as_it_does(tmp_path: Path) -> None:
    one = Recognizer.from_pretrained(BASE, device="cpu")
    copy = Recognizer.from_pretrained(one.save_pretrained(tmp_path / "copy"), device="cpu")
    for text in ("I am so glad that you are here.", "Ich freue mich sehr, dass du hier bist."):
        ours, theirs = one(text=text), copy(text=text)
        assert ours.answers == theirs.answers
        assert ours.abstained == theirs.abstained
    card = (tmp_path / "copy" / "README.md").read_text()
    assert card == (FOLDER / BASE / "README.md").read_text()
