"""A small synthetic corpus in the layout of IEMOCAP's release, to try mien without the real one.

Ten drawn persons with synthetic voices talk in five sessions. Text, audio and video each express
the emotion of a turn more often than not, independently of one another, so that each modality is
informative and together they are more so. Results on it show that mien works, and nothing about
people.
"""

from pathlib import Path
from typing import Any

from pydantic import Field

from mien.corpora import iemocap
from mien.corpora.base import Corpus, CorpusOptions
from mien.errors import MienError


class MakeOptions(CorpusOptions):
    """Options of the generator."""

    dialogues: int = Field(10, ge=1, description="dialogues per session")
    turns: int = Field(12, ge=1, description="turns per dialogue")
    seed: int = Field(0, description="of everything random")


def make(source: Path, **options: Any) -> None:
    """Generate the corpus if it does not exist yet.

    Raises
    ------
    MienError
        The folder holds something else, or options are given and the corpus exists already.
    """
    from mien.corpora.synthetic import generate

    if not source.is_dir() or not any(source.iterdir()):
        generate.write(source, **options)
    elif not (source / "SYNTHETIC.txt").is_file():
        raise MienError(f"{source} holds something else than a synthetic corpus")
    elif options:
        raise MienError(
            f"{source} is generated already: leave {' and '.join(options)} out, or name a new"
            " folder"
        )


CORPUS = Corpus(
    about="the generated corpus, a synthetic folder in IEMOCAP's release layout",
    read=iemocap.read,
    options=iemocap.Options,
    emotions=iemocap.SIX,
    make=make,
    make_options=MakeOptions,
)
