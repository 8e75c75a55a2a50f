"""CMU-MOSEI's way through the commands, on a synthetic corpus in its layout."""

import json
from pathlib import Path

import pytest
from mosei_files import VIDEOS, write_mosei

from mien.dataset.store import Store
from mien.inference.prediction import Prediction

SMALL = ["--width", 0.125, "--temporal-dim", 16, "--temporal-layers", 1, "--temporal-heads", 2]
SMALL += ["--temporal-feedforward", 32, "--lr", 3e-3, "--text-freeze", "--seed", 1]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mosei(tmp_path_factory.mktemp("mosei") / "corpus")


@pytest.fixture(scope="module")
def mosei(program, corpus: Path) -> Path:
    out = corpus.parent / "data"
    flags = ["--splits", corpus / "splits", "--no-face", "centre", "--workers", 1]
    result = program("prepare", "mosei", corpus, out, *flags)
    assert result.returncode == 0, result.stderr
    assert "splits: train 32, valid 8, test 8; 0 in no split" in result.stdout
    assert "48 utterances of 0 known persons" in result.stdout
    assert "48 with text, 48 with audio, 48 with faces" in result.stdout
    assert "sentiment   of 48 utterances" in result.stdout
    return out


@pytest.fixture(scope="module")
def both(program, mosei: Path, tiny_text: Path) -> Path:
    """A run that tells emotions and sentiment."""
    out = mosei.parent / "both"
    flags = ["--text-model", tiny_text, "--task", "emotion+sentiment", "--epochs", 12]
    result = program("train", mosei, "--out", out, *flags, *SMALL)
    assert result.returncode == 0, result.stderr
    assert "protocol given: 32 of 32 train, 8 of 8 valid, 8 of 8 test" in result.stderr
    return out


def test_inspect_shows_labels_sentiment_and_that_videos_stay_apart(mien, mosei: Path) -> None:
    text = mien("inspect", mosei).stdout
    (line,) = (line for line in text.splitlines() if line.startswith("  given"))
    assert line.split()[1:6] == ["32", "8", "8", "-", "0%"]
    assert "(none of them)" in text
    assert "sentiment in whole steps" in text
    starts = [u.start for u in Store(mosei).utterances]
    assert starts.count(0.0) == len(VIDEOS)


def test_several_emotions_and_sentiment_are_judged_and_reported(mien, both: Path) -> None:
    result = mien("evaluate", both)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((both / "metrics.json").read_text())["tasks"]
    # of 8 clips 4 have one label, 2 have two and 2 have none: multi-label comes first
    assert (metrics["emotion"]["n"], metrics["emotion"]["singlelabel"]["n"]) == (8, 4)
    emotion, _, sentiment = result.stdout.partition("\nsentiment, test split")
    assert emotion.index("Multi-label") < emotion.index("Single-label")
    assert "weighted" in emotion
    assert metrics["emotion"]["multilabel"]["average"]["weighted_accuracy"] > 0.6
    assert "seven" in sentiment
    found = metrics["sentiment"]["sentiment"]
    assert found["mae"] < metrics["sentiment"]["baselines"]["constant"]["mae"]
    assert found["acc2"] > 0.5
    assert metrics["sentiment"]["intervals"]["mae"]["by"] == "dialogue"
    result = mien("report", both)
    assert result.returncode == 0, result.stderr
    page = (both / "report.html").read_text()
    assert "Sentiment, 8 utterances" in page
    assert f"{found['mae']:.3f}" in page


def test_predict_gives_a_number_and_a_word_even_for_a_name_that_looks_like_a_flag(
    mien, both: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus / "Videos/Full/Combined")
    out = tmp_path / "answers.json"
    result = mien("predict", both, f"{VIDEOS[0]}.mp4", "--text", "how very sad", "--json", out)
    assert result.returncode == 0, result.stderr
    (prediction,) = map(Prediction.model_validate, json.loads(out.read_text()))
    answer = prediction.answers["sentiment"]
    value = answer.values["sentiment"]
    assert -3 <= value <= 3
    assert answer.scores == {}
    assert f"sentiment: {answer.decision[0]} ({value:+.2f})" in result.stdout
    assert prediction.answers["emotion"].values == {}
    assert set(prediction.answers["emotion"].scores) == {"happy", "sad", "surprised"}


@pytest.mark.parametrize("loss", ["l1", "mse"])
def test_sentiment_alone_trains_resumes_and_answers(
    mien, mosei: Path, corpus: Path, tiny_text: Path, tmp_path: Path, loss: str
) -> None:
    out = tmp_path / "run"
    flags = ["--text-model", tiny_text, "--task", "sentiment", "--loss", loss, "--epochs", 2]
    result = mien("train", mosei, "--out", out, *flags, "--modalities", "ta", *SMALL)
    assert result.returncode == 0, result.stderr
    assert mien("train", "--resume", "--out", out).returncode == 0
    log = (out / "log" / "metrics.csv").read_text()
    assert "valid/mae" in log
    assert "valid/f1" not in log
    assert json.loads((out / "thresholds.json").read_text()) == {}
    result = mien("evaluate", out)
    assert result.returncode == 0, result.stderr
    assert "always 0" in result.stdout
    assert mien("report", out).returncode == 0
    wav = corpus / f"Audio/Full/WAV_16000/{VIDEOS[1]}.wav"
    result = mien("predict", out, wav, "--text", "that was lovely")
    assert result.returncode == 0, result.stderr
    assert "  sentiment: " in result.stdout


@pytest.mark.parametrize("loss", ["l1", "mse", "ce"])
def test_emotions_learn_by_every_loss(
    mien, mosei: Path, tiny_text: Path, tmp_path: Path, loss: str
) -> None:
    out = tmp_path / "run"
    flags = ["--text-model", tiny_text, "--loss", loss, "--epochs", 1, "--modalities", "t"]
    result = mien("train", mosei, "--out", out, *flags, "--lr", 3e-3, "--text-freeze")
    assert result.returncode == 0, result.stderr
    thresholds = json.loads((out / "thresholds.json").read_text())
    assert set(thresholds) == (set() if loss == "ce" else {"emotion"})
    result = mien("evaluate", out, "--json", tmp_path / "figures.json")
    assert result.returncode == 0, result.stderr
    block = json.loads((tmp_path / "figures.json").read_text())["tasks"]["emotion"]
    assert (block["multilabel"] is None) == (loss == "ce")
    assert block["n"] == (4 if loss == "ce" else 8)


def test_sentiment_refuses_a_loss_of_labels(mien, mosei: Path, tmp_path: Path) -> None:
    flags = ["--task", "sentiment", "--loss", "bce"]
    result = mien("train", mosei, "--out", tmp_path / "run", *flags)
    assert result.returncode == 2
    assert "error: --loss: the losses of the task sentiment are l1, mse" in result.stderr


def test_data_without_sentiment_are_refused(mien, data: Path, tmp_path: Path) -> None:
    result = mien("train", data, "--out", tmp_path / "run", "--task", "sentiment")
    assert result.returncode == 1
    assert "known sentiment" in result.stderr


def test_a_list_whose_name_begins_with_a_dash(
    mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-clips.csv").write_text("id,text,sentiment\n-a,so sad,-2\n--b,so glad,1.5\n")
    result = mien("prepare", "manifest", "-clips.csv", "data", "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert [u.sentiment for u in Store(tmp_path / "data").utterances] == [-2.0, 1.5]
