"""mien predict identifies the speaker in a gallery, and predicts relative to their clips."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pretrained_models import write_network
from referring import referring_run

from mien.gallery import Gallery
from mien.modality import Modality

CONSENT = ["--consent", "synthetic, agreed by nobody", "--expires", "2999-12-31"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> dict[Modality, Path]:
    folder = tmp_path_factory.mktemp("net") / "audio"
    return {Modality.AUDIO: write_network(folder, "wav2vec2")}


@pytest.fixture(scope="module")
def model(network: dict[Modality, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt nothing, and takes references."""
    return referring_run(tmp_path_factory.mktemp("model") / "run", network).folder


@pytest.fixture(scope="module")
def identifier(network: dict[Modality, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that embeds clips for the gallery, and takes no references."""
    folder = tmp_path_factory.mktemp("who") / "run"
    return referring_run(folder, network, seed=1, references=False).folder


@pytest.fixture
def enrolled(mien, model: Path, identifier: Path, clips: Path, tmp_path: Path) -> Path:
    """A gallery in which everybody is Anna, whom four clips are enrolled of."""
    folder = tmp_path / "gallery"
    files = [clips / f"synthetic{number}.wav" for number in range(4)]
    flags = ["--run", identifier, "--references", model, *CONSENT]
    result = mien("enrol", folder, "Anna", *files, *flags)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Anna: 4 templates, with references for the model ")
    assert mien("gallery", folder, "threshold", "--set", "-1").returncode == 0
    return folder


def predicted(mien, *words: object) -> list[dict]:
    result = mien("predict", *words, "--json", "-")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def scores(prediction: dict) -> dict[str, float]:
    return prediction["answers"]["emotion"]["scores"]


def test_a_prediction_is_relative_to_the_clips_of_who_is_identified(
    mien, model: Path, identifier: Path, clips: Path, enrolled: Path
) -> None:
    clip, four = clips / "synthetic9.wav", [clips / f"synthetic{n}.wav" for n in range(4)]
    flags = ["--model", model, "--gallery", enrolled, "--identify-run", identifier]
    (ours,) = predicted(mien, clip, *flags)
    assert (ours["person"], ours["references"]) == ("Anna", 4)
    (note,) = ours["warnings"]  # of both models
    assert "its level never changes" in note
    (theirs,) = predicted(mien, clip, "--model", model, "--references", *four)
    assert scores(ours) == pytest.approx(scores(theirs), abs=1e-5)
    (plain,) = predicted(mien, clip, "--model", model)
    assert scores(ours) != pytest.approx(scores(plain), abs=1e-4)
    assert (plain["person"], plain["references"]) == (None, 0)
    assert "  relative to 4 enrolled clips of Anna\n" in mien("predict", clip, *flags).stdout
    (itself,) = predicted(mien, four[1], *flags)
    assert itself["references"] == 3, "a clip is no reference for itself"
    (others,) = predicted(mien, four[1], "--model", model, "--references", four[0], *four[2:])
    assert scores(itself) == pytest.approx(scores(others), abs=1e-5)
    lines = list(Gallery(enrolled).audit.lines())
    assert [line["act"] for line in lines] == ["enrol", "calibrate"] + ["identify"] * 3
    assert lines[-1]["detail"] == {"known": True}
    assert lines[-1]["subject"] == lines[0]["subject"]


def test_nobody_known_or_no_references_is_said(
    mien, network, model: Path, identifier: Path, clips: Path, enrolled: Path, tmp_path: Path
) -> None:
    clip = clips / "synthetic9.wav"
    by = ["--gallery", enrolled, "--identify-run", identifier]
    (plain,) = predicted(mien, clip, "--model", model)

    retrained = referring_run(tmp_path / "retrained", network, seed=8).folder
    assert predicted(mien, clip, "--model", retrained, *by)[0]["references"] == 4

    other = referring_run(tmp_path / "other", network, layers=1).folder
    (found,) = predicted(mien, clip, "--model", other, *by)
    assert (found["person"], found["references"]) == ("Anna", 0)
    told = found["warnings"][1]
    assert "no other clip of theirs is enrolled with references for this model" in told
    assert f"--references {other}" in told

    mien("gallery", enrolled, "threshold", "--set", "1")
    (found,) = predicted(mien, clip, "--model", model, *by)
    assert (found["person"], found["references"]) == (None, 0)
    told = f"relative to nobody: the gallery {enrolled} knows nobody like them"
    assert found["warnings"][1:] == [told]
    assert scores(found) == scores(plain)


def test_a_gallery_that_is_not_calibrated_names_nobody(
    mien, model: Path, identifier: Path, clips: Path, tmp_path: Path
) -> None:
    folder, by = tmp_path / "g", ["--identify-run", identifier]
    flags = ["--run", identifier, "--references", model, *CONSENT]
    mien("enrol", folder, "Anna", clips / "synthetic1.wav", *flags)
    clip = clips / "synthetic9.wav"
    (found,) = predicted(mien, clip, "--model", model, "--gallery", folder, *by)
    assert (found["person"], found["references"]) == (None, 0)
    assert f"the gallery {folder} is not calibrated" in found["warnings"][1]
    assert "calibrate (mien gallery GALLERY threshold)" in found["warnings"][2]


def test_each_of_several_clips_is_identified_and_a_bad_one_stops_nothing(
    mien, model: Path, identifier: Path, clips: Path, enrolled: Path, tmp_path: Path
) -> None:
    bad, noise = tmp_path / "bad.wav", tmp_path / "noise.wav"
    bad.write_bytes(b"RIFF")
    soundfile.write(noise, np.random.default_rng(0).normal(0, 0.1, 8000), 16_000)
    several = [clips / "synthetic8.wav", bad, clips / "gone.wav", clips / "synthetic2.wav", noise]
    out = tmp_path / "all.json"
    flags = ["--model", model, "--gallery", enrolled, "--identify-run", identifier]
    result = mien("predict", *several, *flags, "--json", out)
    assert result.returncode == 1
    assert "bad.wav" in result.stderr
    assert "gone.wav does not exist" in result.stderr
    found = {Path(one["source"]).name: one["references"] for one in json.loads(out.read_text())}
    assert found == {"synthetic8.wav": 4, "synthetic2.wav": 3, "noise.wav": 4}


def test_many_clips_are_identified_by_every_process(
    mien, model: Path, identifier: Path, clips: Path, enrolled: Path, tmp_path: Path
) -> None:
    listed, out = tmp_path / "list.csv", tmp_path / "answers.jsonl"
    lines = ["clip,text", *(f"{clips}/synthetic{n}.wav," for n in (2, 8, 9)), ",words alone"]
    listed.write_text("\n".join(lines))
    flags = ["--model", model, "--gallery", enrolled, "--identify-run", identifier]
    result = mien("predict", listed, *flags, "--out", out, "--workers", 2)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert result.returncode == 1, "the model has no text"
    assert [(row["person"], row["references"]) for row in found] == [
        *(("Anna", 3), ("Anna", 4), ("Anna", 4), (None, None))
    ]
    (one,) = predicted(mien, clips / "synthetic9.wav", *flags)
    assert found[2]["answers"] == one["answers"]
    assert list(Gallery(enrolled).audit.lines())[-1]["act"] == "identify"
    references = [clips / f"synthetic{number}.wav" for number in range(4)]
    flags = ["--model", model, "--out", tmp_path / "b.csv", "--references", *references]
    assert mien("predict", clips / "synthetic9.wav", *flags).returncode == 0
    assert mien("predict", clips / "synthetic9.wav", *flags, "--resume").returncode == 0


def test_what_does_not_fit_is_refused(
    mien, model: Path, identifier: Path, clips: Path, enrolled: Path
) -> None:
    clip = clips / "synthetic9.wav"
    by = ["--gallery", enrolled, "--identify-run", identifier]
    plain = mien("predict", clip, "--model", identifier, *by)
    assert plain.returncode == 1
    assert "--gallery: the model of" in plain.stderr
    assert "does not take references: train one with the setting references" in plain.stderr
    refused = mien(
        "enrol", enrolled, "Ben", clip, "--run", identifier, "--references", identifier, *CONSENT
    )
    assert refused.returncode == 1
    assert "--references: the model of" in refused.stderr
    another = mien(
        "predict", clip, "--model", model, "--gallery", enrolled, "--identify-run", model
    )
    assert another.returncode == 1
    assert "use the run or encoder that the gallery was made with" in another.stderr
    for wrong in (
        [clip, "--model", model, "--identify-run", identifier],
        [clip, "--model", model, "--encoder", "voice"],
        [clip, "--model", model, "--log", "elsewhere"],
        [clip, "--model", model, *by, "--references", clip],
        [clip, "--model", model, *by, "--encoder", "voice"],
        ["--model", model, *by, "--text", "a word"],
    ):
        assert mien("predict", *wrong).returncode == 2, wrong


def test_a_list_is_enrolled_with_references_and_copies(
    mien, model: Path, identifier: Path, clips: Path, tmp_path: Path
) -> None:
    folder, listed = tmp_path / "g", clips / "speakers.csv"
    rows = [f"synthetic{n}.wav,P{n // 2 % 3}\n" for n in range(6)]
    listed.write_text("clip,person\n" + "".join(rows))
    enroll = ["gallery", folder, "enroll", listed, "--run", identifier, *CONSENT]
    result = mien(*enroll, "--references", model, "--copies", "2")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(
        "3 persons: 18 templates of 6 clips, with references for the model "
    )
    shown = mien("gallery", folder, "list").stdout
    assert "P0: 6 templates of 2 clips until 2999-12-31\n" in shown
    (fingerprint,) = Gallery(folder).list()[0].references
    assert f"    references for the model {fingerprint[:16]}: 2 clips\n" in shown
    assert mien("gallery", folder, "threshold", "--fpir", "0.3").returncode == 0
    out = tmp_path / "p0.json"
    told = mien("gallery", folder, "export", out, "--person", "P0").stdout
    beside = tmp_path / f"p0-references-{fingerprint[:16]}.json"
    assert told == f"{out}: 6 templates\n{beside}: 2 references\n"
    kept = [row["clip"] for row in json.loads(beside.read_text())["templates"]]
    assert not [clip for clip in kept if "#" in clip], "copies are no references"
    mien("forget", folder, "P0")
    assert "P0" not in mien("gallery", folder, "list").stdout
    assert "whole;" in mien("gallery", folder, "audit").stdout
    assert mien(*enroll, "--copies", "101").returncode == 2


@pytest.mark.usefixtures("voice_weights")
def test_the_voice_encoder_is_the_default(mien, model: Path, clips: Path, tmp_path: Path) -> None:
    folder, clip = tmp_path / "voices", clips / "synthetic0.wav"
    flags = ["--encoder", "voice", "--references", model, "--copies", "1", *CONSENT]
    result = mien("enrol", folder, "P0", clip, clips / "synthetic6.wav", *flags)
    assert result.returncode == 0, result.stderr
    mien("gallery", folder, "threshold", "--set", "0.1")
    (found,) = predicted(mien, clip, "--model", model, "--gallery", folder)
    assert (found["person"], found["references"]) == ("P0", 1)
    assert any("0.5 s of speech are few" in note for note in found["warnings"])
