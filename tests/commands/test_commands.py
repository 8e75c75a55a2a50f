"""What a user types, from a list of clips to answers."""

import json
import re
from pathlib import Path
from shutil import copytree

import pytest

from mien.inference.prediction import Prediction


def test_without_a_command_or_with_a_wrong_one_the_status_is_2(mien, program) -> None:
    assert program("sing").returncode == 2
    assert mien().returncode == 2
    assert mien("sing").returncode == 2
    assert mien("train", "x", "--out", "y", "--lr", "fast").returncode == 2
    assert mien("--version").stdout.startswith("mien ")


def test_help_names_every_command(mien) -> None:
    listed = mien("--help").stdout
    for command in (
        "demo",
        "prepare",
        "inspect",
        "features",
        "train",
        "evaluate",
        "verification",
        "report",
        "predict",
        "explain",
        "enrol",
        "identify",
        "verify",
        "forget",
        "gallery",
        "models",
        "publish",
        "bench",
    ):
        assert f"\n    {command} " in listed.replace("\n                ", " ")
        assert mien(command, "--help").returncode == 0


def test_the_flags_are_the_ones_users_rely_on() -> None:
    """Adding a flag adds a line to flags.txt; losing one breaks somebody's command."""
    from mien.cli import build_parser

    commands = dict(next(a for a in build_parser()._actions if a.dest == "command").choices)
    for command in ("gallery", "models", "demo"):
        actions = next(a for a in commands[command]._actions if a.dest == "action").choices
        commands |= {f"{command} {name}": parser for name, parser in actions.items()}
    flags = [
        f"{name} {flag}"
        for name, parser in commands.items()
        for action in parser._actions
        for flag in action.option_strings or [action.dest.upper()]
        if flag not in ("-h", "--help")
    ]
    assert flags == (Path(__file__).parent / "flags.txt").read_text().split("\n")[:-1]


def test_inspect_tells_counts_and_leakage(mien, data: Path) -> None:
    result = mien("inspect", data)
    assert result.returncode == 0, result.stderr
    assert "36 utterances of manifest" in result.stdout
    assert "happy" in result.stdout
    dialogues = next(row for row in result.stdout.split("\n") if row.startswith("  dialogues"))
    assert dialogues.split()[1:7] == ["24", "6", "6", "100%", "0%", "100%"]


def test_inspect_lists_as_many_persons_as_it_is_told(mien, data: Path) -> None:
    def listed(*flags: object) -> list[str]:
        result = mien("inspect", data, *flags)
        assert result.returncode == 0, result.stderr
        return re.findall(r"^  (P\d) +12 ", result.stdout, re.M)

    assert listed() == listed("--persons", "all") == listed("--persons", 9) == ["P0", "P1", "P2"]
    assert len(listed("--persons", 2)) == 2
    assert "and 1 more, of 12 utterances" in mien("inspect", data, "--persons", 2).stdout
    for wrong in ("0", "-1", "some", "1.5", "9" * 5000):
        result = mien("inspect", data, f"--persons={wrong}")
        assert result.returncode == 2
        assert "is neither a number above 0 nor all" in result.stderr


def test_training_leaves_what_evaluation_and_the_report_need(mien, run_folder: Path) -> None:
    metrics = json.loads((run_folder / "metrics.json").read_text())
    assert metrics["protocol"] == "dialogues"
    assert set(metrics["tasks"]) == {"emotion", "person"}
    assert metrics["tasks"]["emotion"]["baselines"]["always_no"] is not None
    result = mien("report", run_folder)
    assert result.returncode == 0, result.stderr
    page = (run_folder / "report.html").read_text()
    assert "http://" not in page
    assert (run_folder / "results.png").read_bytes()[:4] == b"\x89PNG"


def test_evaluate_shows_baselines_and_writes_json(mien, run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "valid.json"
    result = mien("evaluate", run_folder, "--split", "valid", "--modalities", "a", "--json", out)
    assert result.returncode == 0, result.stderr
    assert "always no" in result.stdout.lower()
    assert "most frequent label" in result.stdout
    assert json.loads(out.read_text())["modalities"] == "a"


def test_verification_shows_and_writes_who_is_told_apart(
    mien, run_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "verification"
    result = mien("verification", run_folder, "--split", "all", "--out", out)
    assert result.returncode == 0, result.stderr
    files = [out / f"verification.{ending}" for ending in ("json", "md", "png")]
    assert result.stdout.splitlines()[-3:] == list(map(str, files))
    assert result.stdout.startswith(files[1].read_text())
    report = json.loads(files[0].read_text())
    assert (report["split"], report["speakers"], report["trained"]) == ("all", 3, 3)
    rows = {(row["pairing"], row["input"]): row["metrics"] for row in report["rows"]}
    assert rows["dialogues", "text + audio"]["targets"] == 18
    assert rows["dialogues", "text alone"]["cross_fitted"] is None
    assert "other dialogues, same session" in result.stdout, "left out, with the reason"
    result = mien("verification", run_folder, "--split", "all", "--modalities", "a")
    assert result.returncode == 0, result.stderr
    assert (run_folder / "verification" / "verification.png").is_file()


def test_verification_of_an_encoder_needs_data_and_no_run(mien, run_folder: Path) -> None:
    for flags in (
        [],
        [run_folder, "--encoder", "voice"],
        ["--encoder", "voice"],
        ["--encoder", "voice", "--data", "data", "--split", "test"],
        ["--encoder", "voice", "--data", "data", "--modalities", "a"],
        ["--encoder", "nose", "--data", "data"],
    ):
        assert mien("verification", *flags).returncode == 2, flags


def test_predict_on_sound_on_words_and_on_both(mien, run_folder: Path, clips: Path) -> None:
    clip = clips / "synthetic3.wav"
    for arguments, modalities in (
        ([clip], ["audio"]),
        (["--text", "what a joy"], ["text"]),
        ([clip, "--text", "what a joy"], ["text", "audio"]),
    ):
        result = mien("predict", run_folder, *arguments, "--json", "-")
        assert result.returncode == 0, result.stderr
        (prediction,) = map(Prediction.model_validate, json.loads(result.stdout))
        assert prediction.modalities == modalities
        assert set(prediction.answers) == {"emotion", "person"}
        assert sum(prediction.answers["person"].scores.values()) == pytest.approx(1, abs=1e-4)
        assert sum(x * x for x in prediction.embedding) == pytest.approx(1, abs=1e-4)


def test_predict_follows_the_times_of_a_transcript(
    mien, run_folder: Path, clips: Path, tmp_path: Path
) -> None:
    words = tmp_path / "words.srt"
    words.write_text(
        "1\n00:00:00,000 --> 00:00:00,200\nwhat a joy\n\n"
        "2\n00:00:00,200 --> 00:00:00,500\nsuch grief\n"
    )
    clip = clips / "synthetic3.wav"
    result = mien("predict", run_folder, clip, "--transcript", words, "--json", "-")
    assert result.returncode == 0, result.stderr
    segments = json.loads(result.stdout)[0]["segments"]
    assert [s["text"] for s in segments] == ["what a joy", "such grief"]
    assert [s["start"] for s in segments] == [0.0, 0.2]


def test_a_real_video_gives_a_whole_prediction(
    program, run_folder: Path, shared_data: Path
) -> None:
    clip = shared_data / "grid" / "swiz3n.mpg"
    result = program("predict", run_folder, clip, "--text", "set white in z three now")
    assert result.returncode == 0, result.stderr
    assert "6/6 faces found" in result.stdout
    assert "emotion:" in result.stdout


def test_explain_draws_what_a_sparse_model_looked_at(
    mien, data: Path, clips: Path, tiny_text: Path, tmp_path: Path
) -> None:
    run, out = tmp_path / "run", tmp_path / "looks" / "today"
    flags = ["--text-model", tiny_text, "--modalities", "ta", "--model", "mme2e-sparse"]
    flags += ["--width", 0.125, "--temporal-dim", 16, "--temporal-layers", 1, "--text-freeze"]
    result = mien("train", data, "--out", run, *flags, "--epochs", 1)
    assert result.returncode == 0, result.stderr
    result = mien("explain", run, clips / "synthetic3.wav", "--out", out, "--text", "what a joy")
    assert result.returncode == 0, result.stderr
    picture, figures = out / "explain-synthetic3-1-audio.png", out / "explain-synthetic3.json"
    note = "note: no attention map of video: the model does not use it"
    steady = "note: audio: its level never changes in the file, as in noise or a tone"
    assert result.stdout.splitlines()[:2] == [str(picture), str(figures)]
    assert result.stdout.splitlines()[2].startswith(steady)
    assert result.stdout.splitlines()[3:] == [note]
    assert sorted(out.iterdir()) == [picture, figures]
    assert picture.read_bytes()[:4] == b"\x89PNG"
    (segment,) = json.loads(figures.read_text())["segments"]
    assert segment["text"] == "what a joy"
    assert segment["looks"]["audio"]["steps"] == 2


def test_resume_of_a_finished_run_changes_nothing(mien, run_folder: Path) -> None:
    before = (run_folder / "model.safetensors").read_bytes()
    result = mien("train", "--resume", "--out", run_folder)
    assert result.returncode == 0, result.stderr
    assert (run_folder / "model.safetensors").read_bytes() == before


def test_data_that_have_moved_are_named(mien, data: Path, run_folder: Path, tmp_path: Path) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved"
    copytree(run_folder, run)
    copytree(data, moved)
    config = (run / "config.yaml").read_text()
    assert f"path: {data.resolve()}\n" in config
    (run / "config.yaml").write_text(config.replace(str(data.resolve()), str(tmp_path / "gone")))
    (run / "metrics.json").unlink()
    for command in (["evaluate", run], ["train", "--resume", "--out", run]):
        assert "no such folder" in mien(*command).stderr
    for command in (
        ["evaluate", run, "--data", moved],
        ["train", moved, "--resume", "--out", run],
        ["evaluate", run],
    ):
        result = mien(*command)
        assert result.returncode == 0, result.stderr
    before, after = (json.loads((at / "metrics.json").read_text()) for at in (run_folder, run))
    assert after["tasks"] == before["tasks"]


def test_a_recipe_file_sets_what_the_command_line_does_not(
    mien, data: Path, tmp_path: Path, tiny_text: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"model: {{encoders: {{text: {{model: '{tiny_text}'}}, audio: {{kind: vgg, width: 0.125,"
        " temporal_dim: 16, temporal_heads: 2}}}\n"
        "training: {epochs: 3, lr: 2e-3, protocol: persons}\n"
    )
    out = tmp_path / "run"
    result = mien("train", data, "--out", out, "--config", recipe, "--epochs", 1)
    assert result.returncode == 0, result.stderr
    settings = (out / "config.yaml").read_text()
    assert "epochs: 1\n" in settings
    assert "lr: 0.002\n" in settings
    assert "temporal_dim: 16\n" in settings
