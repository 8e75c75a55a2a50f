"""A file of predictions that grows clip by clip, and that an interruption does not cost."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.files import check_writable, unwritable
from mien.inference.answer_columns import AnswerColumns, Row, TaskLabels
from mien.inference.answer_journal import JOURNAL, AnswerJournal
from mien.inference.answer_writers import WRITERS, AnswerWriter, written_rows
from mien.inference.clip_list import ListedClip

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelIdentity:
    """What a file of predictions records of the model.

    Parameters
    ----------
    fingerprint : str
        Identifies its files.
    tasks : tuple of TaskLabels
        What it predicts.
    """

    fingerprint: str
    tasks: tuple[TaskLabels, ...]


def file_states(paths: Iterable[str]) -> list[list[int] | None]:
    """Give the size (bytes) and the time of change (ns) of each file; None if there is none."""
    states: list[list[int] | None] = []
    for path in paths:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            states.append(None)
        else:
            states.append([found.st_size, found.st_mtime_ns])
    return states


class AnswerFile:
    """The predictions for a list of clips, as a file of one row a clip in the order of the list.

    Beside it lies a journal until it is complete, which records each clip as soon as it is done.

    Parameters
    ----------
    path : Path
        The file: .jsonl, .csv or .parquet.
    clips : sequence of ListedClip
        The clips.
    settings : mapping
        What the predictions depend on, by the names of parameters: plain JSON values.
    resume : bool
        Whether to go on with an interrupted file; one that is complete is left as it is.
    embedding : bool
        Whether to keep the embeddings.

    Raises
    ------
    MienError
        The file is of no such kind, can't be written, is there already, or was begun with other
        clips or settings.

    Attributes
    ----------
    failed : int
        Clips that could not be predicted, of those that are done.
    complete : bool
        Whether all was done before.
    """

    def __init__(
        self,
        path: Path,
        clips: Sequence[ListedClip],
        settings: Mapping[str, Any],
        *,
        resume: bool = False,
        embedding: bool = False,
    ) -> None:
        check_kind(path, embedding=embedding)
        check_writable(path.parent)
        self.path, self.clips, self.embedding = path, clips, embedding
        self.settings = json.loads(json.dumps(dict(settings)))
        self.failed, self.complete = 0, False
        self._writer: AnswerWriter | None = None
        self._written = 0
        self._journal = AnswerJournal(path.with_name(path.name + JOURNAL))
        try:
            self._check(resume)
        except MienError:
            self._journal.close()
            raise

    def _check(self, resume: bool) -> None:
        """Compare with what is there."""
        there, header = self.path.exists(), self._journal.header
        if header is not None and not resume:
            raise MienError(
                f"{self._journal.path} holds {len(self._journal):,} predictions of an interrupted"
                " command: resume it, or delete this file and"
                f" {self.path.name} to begin anew",
                parameter="resume",
            )
        if header is not None:
            self._check_header(header)
            self._check_entries()
        elif there and not resume:
            raise MienError(f"{self.path} exists: delete it, or name another file", parameter="out")
        elif there:
            self._check_complete()

    def _check_header(self, header: Mapping[str, Any]) -> None:
        before = dict(header.get("settings", {}))
        for name in {**before, **self.settings}:
            if (was := before.get(name)) != (now := self.settings.get(name)):
                raise self._other(f"with {_told(was)}, not {_told(now)}", name)
        if header.get("clips") != len(self.clips):
            counts = f"{header.get('clips')} clips, not {len(self.clips)}"
            raise self._other(f"for {counts}", "clip")
        if header.get("list") != list_digest(self.clips):
            raise self._other("for other clips, texts or columns", "clip")

    def _other(self, what: str, parameter: str) -> MienError:
        return MienError(
            f"{self.path} was begun {what}: repeat the same command, or delete"
            f" {self._journal.path.name} and {self.path.name} to begin anew",
            parameter=parameter,
        )

    def _check_entries(self) -> None:
        """Forget what is done of clips that have changed since."""
        changed = []
        for number in self._journal:
            if not 0 <= number < len(self.clips):
                self._journal.forget(number)
                continue
            entry = self._journal[number]
            if entry["files"] != file_states(self.clips[number].files):
                changed.append(self.clips[number].source)
                self._journal.forget(number)
            else:
                self.failed += entry["row"]["error"] is not None
        if changed:
            more = f" and {len(changed) - 1:,} more" if changed[1:] else ""
            logger.warning("changed since, and predicted again: %s%s", changed[0], more)

    def _check_complete(self) -> None:
        rows = list(written_rows(self.path))
        if [row.source for row in rows] != [clip.source for clip in self.clips]:
            raise MienError(
                f"{self.path} is complete, and of other clips: name another file",
                parameter="out",
            )
        self.failed = sum(row.error is not None for row in rows)
        self.complete = True

    @property
    def todo(self) -> list[int]:
        """The numbers of the clips that are not done."""
        done = len(self.clips) if self.complete else 0
        return [n for n in range(done, len(self.clips)) if n not in self._journal]

    def begin(self, model: ModelIdentity | None = None) -> None:
        """Open the file, and write what is done.

        Parameters
        ----------
        model : ModelIdentity, optional
            The model; not needed where nothing is left to predict.

        Raises
        ------
        MienError
            The file was begun with another model, or can't be written.
        """
        header = self._journal.header
        if model is not None and header is None:
            tasks = [[task.name, [*task.labels]] for task in model.tasks]
            header = {
                "settings": self.settings,
                "model": model.fingerprint,
                "tasks": tasks,
                "clips": len(self.clips),
                "list": list_digest(self.clips),
            }
            self._journal.begin(header)
        assert header is not None
        if model is not None and header["model"] != model.fingerprint:
            raise self._other("with a model of the same name that has changed since", "model")
        listed = dict.fromkeys(name for clip in self.clips for name in clip.columns)
        known = [TaskLabels(name, tuple(labels)) for name, labels in header["tasks"]]
        self._columns = AnswerColumns(known, listed, embedding=self.embedding)
        try:
            self._writer = WRITERS[self.path.suffix.lower()](self.path, self._columns)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._write()

    def add(self, number: int, files: Sequence[Any], row: Row) -> bool:
        """Record a clip that is done; return whether it was not before.

        Parameters
        ----------
        number : int
            Its number.
        files : sequence
            The state of its files before it was read, as `file_states` gives it.
        row : dict
            What was predicted, as `mien.inference.answer_columns.answer_row` gives it.
        """
        if number in self._journal:
            return False
        document = self._columns.document(row, self.clips[number].columns)
        self._journal.add(number, {"files": files, "row": document})
        self.failed += document["error"] is not None
        self._write()
        return True

    def _write(self) -> None:
        """Write the rows whose turn it is."""
        assert self._writer is not None
        try:
            while self._written in self._journal:
                self._writer.add(self._journal[self._written]["row"])
                self._written += 1
        except OSError as error:
            raise unwritable(self.path, error) from error

    def finish(self) -> None:
        """Complete the file. Raises `MienError` if it can't be written."""
        assert self._writer is not None
        try:
            self._writer.finish()
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._writer = None
        self._journal.remove()

    def close(self) -> None:
        """Close it, complete or not."""
        if self._writer is not None:
            self._writer.abandon()
        self._journal.close()


def check_kind(path: Path, *, embedding: bool = False) -> None:
    """Check that a kind of file can be written. Raises `MienError` if not."""
    kind = path.suffix.lower()
    if kind not in WRITERS:
        known = ", ".join(WRITERS)
        raise MienError(f"{path} has none of the suffixes {known}", parameter="out")
    if embedding and kind == ".csv":
        raise MienError("a .csv file holds none: write .jsonl or .parquet", parameter="embeddings")


def list_digest(clips: Iterable[ListedClip]) -> str:
    """Identify a list of clips, with texts and columns; not the content of the files."""
    digest = hashlib.sha256()
    for clip in clips:
        content = [clip.clip, clip.text, clip.transcript, clip.beside, dict(clip.columns)]
        digest.update(json.dumps(content).encode() + b"\n")
    return digest.hexdigest()


def _told(value: Any) -> str:
    """Name a setting in a message."""
    if value is None or isinstance(value, bool):
        return "this" if value else "the default"
    return str(value)[:80]
