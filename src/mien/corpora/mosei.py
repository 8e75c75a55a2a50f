"""CMU-MOSEI's raw release (Zadeh et al. 2018): people who speak to a camera, rated by sentence.

Each video has a video file, an audio file and a transcript, named after it. The transcript cuts it
into clips, one on each line, ``VIDEO___CLIP___START___END___TEXT``. The labels are the tables of
the crowdsourcing site, with a row for each clip and annotator. The name of a video is YouTube's: it
may begin with ``-`` or ``_`` and contain both. An utterance's id is ``VIDEO_CLIP``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mien.corpora.base import Corpus
from mien.corpora.mosei_files import (
    EMOTIONS,
    ClipLine,
    Ratings,
    parse_labels,
    parse_transcript,
)
from mien.errors import MienError
from mien.utterance import Skipped, Utterance

FOLDERS = {
    "audio": ("Audio/Full/WAV_16000", "Audio/WAV_16000"),
    "video": ("Videos/Full/Combined",),
    "transcript": ("Transcript/Segmented/Combined", "Transcript/Combined"),
    "labels": ("Labels",),
}
"""Folders of the release as it is downloaded, and as Dai et al.'s code expects them."""


def read(source: Path) -> Iterator[Utterance | Skipped]:
    """Read the release, whole or in part.

    An emotion is a label if any annotator gave it a strength above 0; there may be several or none.
    Sentiment is the mean over the annotators. The release does not name the speakers, so there are
    no persons; a video is a dialogue. A clip that begins before its video, as some do by fractions
    of a second, starts at the video's beginning; the attribute ``start`` keeps the transcript's
    value.

    Parameters
    ----------
    source : Path
        The folder ``Raw`` of the release, or its parent.

    Yields
    ------
    Utterance or Skipped
        By video and by time within each, so that a video is decoded in one pass. What has no label,
        no clip or no media is a `Skipped`; of a clip without video or without audio, the other is
        used.

    Raises
    ------
    MienError
        `source` has no transcripts or no labels.
    """
    root = source / "Raw" if (source / "Raw").is_dir() else source
    places = {what: _place(root, choice) for what, choice in FOLDERS.items()}
    transcripts, tables = _files(places["transcript"], ".txt"), _files(places["labels"], ".csv")
    for what, files in (("transcript", transcripts), ("labels", tables)):
        if not files:
            wanted = " or ".join(FOLDERS[what])
            raise MienError(
                f"{source} is not the raw release of CMU-MOSEI: it has no files in {wanted}."
                " Give the folder that holds Audio, Labels, Transcript and Videos."
            )
    return _Reader(places["audio"], places["video"]).corpus(transcripts, tables)


def _place(root: Path, choice: Iterable[str]) -> Path:
    """Return the first folder that exists, or else the last."""
    paths = [root / name for name in choice]
    return next((path for path in paths if path.is_dir()), paths[-1])


def _files(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{suffix}") if not path.name.startswith("._"))


@dataclass(frozen=True)
class _Reader:
    audio: Path
    video: Path
    ratings: dict[str, Ratings] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def corpus(self, transcripts: list[Path], tables: list[Path]) -> Iterator[Utterance | Skipped]:
        for table in tables:
            yield from self.rate(table)
        for transcript in transcripts:
            yield from self.clips(transcript)
        for name in sorted(self.ratings.keys() - self.seen):
            yield Skipped(name, "labelled, but in no transcript")

    def rate(self, table: Path) -> Iterator[Skipped]:
        # an invalid byte must not cost the table
        text = table.read_bytes().decode("utf-8-sig", errors="replace")
        for item in parse_labels(text, table.name):
            if isinstance(item, Skipped):
                yield item
            else:
                name, ratings = item
                self.ratings.setdefault(name, Ratings()).add(ratings)

    def clips(self, transcript: Path) -> Iterator[Utterance | Skipped]:
        # an invalid byte must not cost the video
        text = transcript.read_text("utf-8-sig", errors="replace")
        lines, unreadable = parse_transcript(text)
        for number in unreadable:
            yield Skipped(
                transcript.stem, "transcript line that is no clip", f"{transcript}:{number}"
            )
        for line in sorted(lines, key=lambda line: (line.video, line.start, line.end, line.clip)):
            if reason := self.fault(line):
                yield Skipped(line.id, reason, str(transcript))
            else:
                yield from self.utterance(line)
            self.seen.add(line.id)

    def fault(self, line: ClipLine) -> str | None:
        """Return why a clip can't be used, or None."""
        ratings = self.ratings.get(line.id)
        if line.id in self.seen:
            return "twice in the transcripts; the earlier clip is kept"
        if ratings is None:
            return "not labelled"
        if ratings.emotions is None and ratings.sentiment is None:
            return "labelled without any rating"
        if not max(line.start, 0.0) < line.end:
            return "does not end after it begins"
        return None

    def utterance(self, line: ClipLine) -> Iterator[Utterance | Skipped]:
        """Yield the media that a clip lacks, then its utterance."""
        wav, mp4 = self.audio / f"{line.video}.wav", self.video / f"{line.video}.mp4"
        lacking = {
            kind: path for kind, path in (("video", mp4), ("audio", wav)) if not path.is_file()
        }
        if len(lacking) == 2:
            yield Skipped(line.id, "files missing: neither audio nor video", str(wav))
            return
        for kind, path in lacking.items():
            yield Skipped(line.id, f"{kind}: file missing", str(path))
        ratings = self.ratings[line.id]
        facts: dict[str, float] = {"annotators": ratings.annotators}
        yield Utterance(
            id=line.id,
            corpus="mosei",
            dialogue=line.video,
            start=max(line.start, 0.0),
            end=line.end,
            text=line.text or None,
            emotions=ratings.emotions,
            sentiment=ratings.sentiment,
            video=None if "video" in lacking else mp4,
            audio=None if "audio" in lacking else wav,
            attributes=facts | ({"start": line.start} if line.start < 0 else {}),
        )


CORPUS = Corpus(
    about="CMU-MOSEI's raw release: the folder that holds Audio, Labels, Transcript and Videos",
    read=read,
    emotions=tuple(EMOTIONS.values()),
)
