"""No file among the odd and hostile ones makes a command end in an error that nobody foresaw."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from samples import tiny_run

from mien.cli import _message
from mien.corpora import CORPORA
from mien.dataset.sample import to_sample
from mien.dataset.turn_media import DecodeOptions
from mien.errors import MienError
from mien.inference.recognizer import Recognizer
from mien.media.faces import FaceCropper
from mien.media.transcript import read_transcript
from mien.runs.run import Run
from mien.utterance import Utterance
from mien.yaml_file import read_yaml

SECONDS = 5.0
"""Of each recording: what is odd about a header is met before."""


@pytest.fixture(scope="module")
def files(odd: Path) -> list[Path]:
    return sorted(path for path in odd.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    run = tiny_run(tmp_path_factory.mktemp("odd") / "run", tiny_text)
    return Recognizer(run, max_seconds=SECONDS)


def message(work: Callable[[], object]) -> str:
    """What the command line would say of an error; empty where there is none."""
    try:
        work()
    except Exception as error:
        return _message(error)
    return ""


def test_recordings(files: list[Path], recognizer: Recognizer) -> None:
    """Every file is taken for one, whatever it is."""
    said = {path.name: message(lambda path=path: recognizer(path)) for path in files}
    assert {name: what for name, what in said.items() if what.startswith("unexpected")} == {}
    assert said["voice.wav"] == said["antiphase.wav"] == said["two_joined.ts"] == ""
    assert "README.md" in said["README.md"]


def test_preparing(files: list[Path]) -> None:
    cropper, options = FaceCropper(), DecodeOptions(max_seconds=SECONDS)
    for path in files:
        utterance = Utterance(id=path.name, corpus="manifest", video=path, audio=path)
        what = message(lambda one=utterance: to_sample(one, cropper, options))
        assert not what.startswith("unexpected"), path


def test_transcripts(files: list[Path], tmp_path: Path) -> None:
    """Every file is taken for a transcript of each kind."""
    for path in files:
        for suffix in (path.suffix, ".srt", ".vtt", ".ass", ".ttml", ".json", ".tsv", ".txt"):
            copy = tmp_path / f"odd{suffix}"
            copy.write_bytes(path.read_bytes())
            what = message(lambda copy=copy: read_transcript(copy))
            assert not what.startswith("unexpected"), (path, suffix)


def test_lists(files: list[Path], tmp_path: Path) -> None:
    """Every file is taken for a list, for a recipe, and for the folder of each corpus."""

    def works(path: Path) -> Iterator[Callable[[], object]]:
        for suffix in (".csv", ".jsonl"):
            copy = tmp_path / f"odd{suffix}"
            copy.write_bytes(path.read_bytes())
            yield lambda copy=copy: list(CORPORA["manifest"].read(copy))
        yield lambda: read_yaml(path)
        yield lambda: Run(path.parent)
        for name, corpus in CORPORA.items():
            if name != "manifest":
                yield lambda read=corpus.read: list(read(path))
                yield lambda read=corpus.read: list(read(path.parent))

    for path in files:
        for work in works(path):
            what = message(work)
            assert not what.startswith("unexpected"), path


def test_a_fault_that_nobody_foresaw_is_seen() -> None:
    def fault() -> None:
        raise ValueError("synthetic")

    assert message(fault) == "unexpected ValueError: synthetic (--debug shows where)"

    def foreseen() -> None:
        raise MienError("synthetic")

    assert message(foreseen) == "synthetic"
