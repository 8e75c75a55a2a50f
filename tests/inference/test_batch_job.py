"""Many clips with several processes, of which some die."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_up_predictor
import pytest

from mien.errors import MienError
from mien.inference.answer_file import AnswerFile
from mien.inference.batch_job import JobSummary, predict_to_file
from mien.inference.clip_list import ListedClip
from mien.inference.prediction_worker import Opened


def clips(folder: Path, words: list[str]) -> list[ListedClip]:
    folder.mkdir(exist_ok=True)
    listed = []
    for number, word in enumerate(words):
        path = folder / f"{number:02}.wav"
        path.write_text(f"{number} {word}")
        listed.append(ListedClip(str(path), text=f"clip {number}", columns={"n": str(number)}))
    return listed


def predicted(
    listed: list[ListedClip],
    out: Path,
    opener: Callable[[], Opened] = made_up_predictor.open_cpu,
    **options: int | bool,
) -> JobSummary:
    return predict_to_file(listed, out, opener, settings={}, **options)


def rows(out: Path) -> list[dict]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_the_rows_are_those_of_the_clips_in_their_order(tmp_path: Path) -> None:
    listed = clips(tmp_path / "c", ["good"] * 20)
    listed.insert(3, ListedClip(str(tmp_path / "gone.wav")))
    contents = set()
    cpu, gpu = made_up_predictor.open_cpu, made_up_predictor.open_gpu
    for workers, size, opener in ((1, 16, cpu), (2, 16, gpu), (3, 4, gpu)):
        out = tmp_path / f"{workers}.jsonl"
        summary = predicted(listed, out, opener, workers=workers, batch_size=size)
        contents.add(out.read_bytes())
        assert (summary.clips, summary.failed, summary.predicted) == (21, 1, 21)
        assert summary.media_seconds == 40.0
    assert len(contents) == 1
    found = rows(out)
    assert [row["source"] for row in found] == [clip.clip for clip in listed]
    assert [row["warnings"] for row in found[:3]] == [[f"clip {n}"] for n in range(3)]
    assert found[3]["error"] == f"{tmp_path}/gone.wav does not exist"
    assert (found[4]["n"], found[4]["answers"]["mood"]["scores"]["good"]) == ("3", 0.25)


@pytest.mark.parametrize("opener", [made_up_predictor.open_cpu, made_up_predictor.open_gpu])
def test_a_clip_that_kills_its_process_or_raises_costs_no_other(
    tmp_path: Path, opener: Callable[[], Opened]
) -> None:
    words = ["good"] * 12
    words[0] = words[5] = words[6] = "die"
    words[3] = words[11] = "raise"
    out = tmp_path / "a.jsonl"
    summary = predicted(clips(tmp_path / "c", words), out, opener, workers=2, batch_size=4)
    assert (summary.clips, summary.failed) == (12, 5)
    failed = {n: row["error"] for n, row in enumerate(rows(out)) if row["error"]}
    killed = "the process that predicted it was killed (signal 9, for want of memory perhaps)"
    raised = "unexpected ValueError: nobody foresaw this"
    for number, why in {0: killed, 5: killed, 6: killed, 3: raised, 11: raised}.items():
        assert failed.pop(number) == f"{tmp_path}/c/{number:02}.wav: {why}"
    assert failed == {}


def test_a_clip_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    words = ["good", "hang", "good"]
    out = tmp_path / "a.jsonl"
    predicted(clips(tmp_path / "c", words), out, made_up_predictor.open_impatient, workers=1)
    assert [row["error"] and row["error"].split(": ")[1] for row in rows(out)] == [
        *(None, "it takes longer than 1 s", None)
    ]


def test_an_interrupted_job_goes_on_with_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = clips(tmp_path / "c", ["good"] * 10)
    predicted(listed, whole := tmp_path / "whole.csv", workers=1)
    out, add = tmp_path / "a.csv", AnswerFile.add

    def interrupted(file: AnswerFile, number: int, *rest: Any) -> bool:
        if number == 4:
            raise KeyboardInterrupt
        return add(file, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(AnswerFile, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            predicted(listed, out, workers=1)
    assert whole.read_text().startswith(out.read_text())
    assert predicted(listed, out, workers=2, resume=True).predicted == 6
    assert out.read_bytes() == whole.read_bytes()
    assert predicted(listed, out, made_up_predictor.die, resume=True).predicted == 0


def test_a_model_that_cannot_be_loaded_ends_the_job_and_leaves_nothing(tmp_path: Path) -> None:
    listed = clips(tmp_path / "c", ["good"])
    out = tmp_path / "out" / "a.jsonl"
    out.parent.mkdir()
    for opener, told, parameter in (
        (made_up_predictor.refuse, "there is no such device", "device"),
        (made_up_predictor.die, "ended while it loaded the model .*: use fewer", "workers"),
    ):
        with pytest.raises(MienError, match=told) as error:
            predicted(listed, out, opener, workers=2)
        assert error.value.parameter == parameter
    assert list(out.parent.iterdir()) == []
    with pytest.raises(MienError, match="no clips to predict for"):
        predicted([], out)
    with pytest.raises(MienError, match="a batch holds at least 1"):
        predicted(listed, out, batch_size=0)


def test_a_warning_of_several_processes_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    predicted(clips(tmp_path / "c", ["warn"] * 8), tmp_path / "a.jsonl", workers=2)
    assert caplog.text.count("the same of each") == 1
