"""Where a command computes, with how many threads, and what is checked before a model is loaded."""

import json
import os
from pathlib import Path

import pytest
import torch

from mien.threads import use_threads

ABSENT = "mien: --device: 'cuda:9' is not on this machine; choose cpu"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch):
    """Threads as they were, once the test is over."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_an_absent_device_is_told_by_every_command(
    mien, run_folder: Path, data: Path, clips: Path, tmp_path: Path
) -> None:
    clip = clips / "synthetic3.wav"
    for command in (
        ("predict", run_folder, clip),
        ("explain", run_folder, clip, "--out", tmp_path / "looks"),
        ("evaluate", run_folder),
        ("verification", run_folder),
        ("verify", run_folder, clip, clip),
        ("train", data, "--out", tmp_path / "run"),
        ("train", "--resume", "--out", run_folder),
        ("identify", tmp_path / "gallery", clip, "--run", run_folder),
    ):
        result = mien(*command, "--device", "cuda:9")
        assert result.returncode == 1, command
        assert ABSENT in result.stderr, command
        assert result.stderr.count("\n") == 1, command
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "meta"])
def test_what_is_no_device_is_a_wrong_command(mien, device: str) -> None:
    result = mien("evaluate", "run", "--device", device)
    assert result.returncode == 2
    assert f"{device!r} is no device: cpu, cuda, cuda:1 or mps" in result.stderr


def test_a_batch_size_is_of_a_run_where_another_encoder_may_compute(mien) -> None:
    for command in (("identify",), ("verify",), ("enrol",), ("gallery", "here", "threshold")):
        told = " ".join(mien(*command, "--help").stdout.split())
        assert "with a run, segments computed together (default: 16)" in told, command
    told = " ".join(mien("verification", "--help").stdout.split())
    assert "with a run, utterances computed together (default: 16)" in told


@pytest.mark.parametrize("flag", ["--threads", "--batch-size"])
@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_counts_are_from_1_on(mien, flag: str, value: str) -> None:
    result = mien("predict", "run", "clip.wav", f"{flag}={value}")
    assert result.returncode == 2
    assert "is not a whole number of at least 1" in result.stderr


def test_batches_and_threads_change_no_answer(mien, run_folder: Path, clips: Path, threads) -> None:
    files = [clips / f"synthetic{number}.wav" for number in range(5)]
    answers = []
    for flags in (["--device", "cpu"], ["--batch-size", 2], ["--threads", 2]):
        result = mien("predict", *files, "--model", run_folder, *flags, "--json", "-")
        assert result.returncode == 0, result.stderr
        answers.append(json.loads(result.stdout))
    assert torch.get_num_threads() == 2
    assert os.environ["OMP_NUM_THREADS"] == "2"
    for other in answers[1:]:
        for one, same in zip(answers[0], other, strict=True):
            assert one["source"] == same["source"]
            scores = one["answers"]["emotion"]["scores"]
            assert scores == pytest.approx(same["answers"]["emotion"]["scores"], abs=2e-6)


def test_evaluation_in_other_batches_gives_the_same(mien, run_folder: Path, tmp_path: Path) -> None:
    found = []
    for size in (1, 16):
        out = tmp_path / f"{size}.json"
        flags = ("--split", "valid", "--json", out, "--batch-size", size, "--device", "cpu")
        assert mien("evaluate", run_folder, *flags).returncode == 0
        found.append(json.loads(out.read_text()))
    assert (
        found[0]["tasks"]["emotion"]["singlelabel"] == found[1]["tasks"]["emotion"]["singlelabel"]
    )


def test_the_model_is_named_by_a_flag_or_comes_first(mien, run_folder: Path, clips: Path) -> None:
    clip = clips / "synthetic3.wav"
    by_flag = mien("predict", clip, "--model", run_folder, "--json", "-")
    first = mien("predict", run_folder, clip, "--json", "-")
    assert by_flag.returncode == 0, by_flag.stderr
    assert by_flag.stdout == first.stdout


def test_nothing_is_loaded_for_clips_that_are_not_there(
    mien, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = "mien.inference.recognizer.Recognizer.from_pretrained"
    monkeypatch.setattr(load, lambda *_, **__: pytest.fail("it loads in vain"))
    gone = mien("predict", run_folder, tmp_path / "a.wav", tmp_path / "b.wav")
    assert gone.returncode == 1
    missing = [f"mien: {tmp_path}/{name}.wav does not exist\n" for name in "ab"]
    assert gone.stderr == "".join(missing)
    empty = mien("predict", run_folder, tmp_path)
    assert empty.returncode == 1
    assert f"{tmp_path} is no run folder, and holds no media file: check the name" in empty.stderr
    assert "does not exist" in mien("explain", run_folder, "a.wav", "--out", tmp_path).stderr
    nowhere = mien("predict", run_folder, "--text", "a", "--json", tmp_path / "no" / "a.json")
    assert "can't be written" in nowhere.stderr
    assert "not a run folder" in mien("predict", "--model", tmp_path, "--text", "a").stderr


def test_a_missing_clip_costs_no_other_and_order_is_kept(
    mien, run_folder: Path, clips: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"broken")
    files = [
        clips / "synthetic1.wav",
        "gone.wav",
        tmp_path / "broken.wav",
        clips / "synthetic2.wav",
    ]
    result = mien("predict", run_folder, *files, "--json", "-")
    assert result.returncode == 1
    assert [p["source"] for p in json.loads(result.stdout)] == [str(files[0]), str(files[3])]
    first, second = result.stderr.splitlines()
    assert first == "mien: gone.wav does not exist"
    assert second.startswith(f"mien: {tmp_path}/broken.wav: cannot be read")


def test_threads_are_those_of_processes_that_are_started_too(threads) -> None:
    use_threads(3)
    assert torch.get_num_threads() == 3
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("3", "3")
