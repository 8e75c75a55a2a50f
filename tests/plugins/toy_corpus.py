"""A corpus in one file: WAV files in a folder, and a list that says what each is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from mien.corpora import Corpus, CorpusOptions, register_corpus
from mien.errors import MienError
from mien.utterance import Skipped, Utterance

Labels = Literal["meant", "heard"]


class Options(CorpusOptions):
    """What `read` takes beside the source; a field becomes a flag of `mien prepare`."""

    labels: Labels = Field("meant", description="the emotion that was meant, or that was heard")


def read(source: Path, *, labels: Labels = "meant") -> Iterator[Utterance | Skipped]:
    """Read ``clips.tsv``: file, speaker, session, emotion meant, emotion heard, words."""
    table = source / "clips.tsv"
    if not table.is_file():
        raise MienError(f"{source} is no toy corpus: there is no clips.tsv in it")
    return _rows(table, labels)


def _rows(table: Path, labels: Labels) -> Iterator[Utterance | Skipped]:
    for line in table.read_text("utf-8").splitlines():
        name, speaker, session, meant, heard, words = line.split("\t")
        audio = table.with_name(name)
        if not audio.is_file():
            yield Skipped(name, f"file missing: {name}", str(audio), "file missing")
            continue
        yield Utterance(
            id=audio.stem,
            corpus="toy",
            person=speaker,
            session=session,
            text=words or None,
            emotions=(meant if labels == "meant" else heard,),
            audio=audio,
        )


register_corpus(
    "toy",
    Corpus(about="a folder of WAV files with their list, clips.tsv", read=read, options=Options),
)
