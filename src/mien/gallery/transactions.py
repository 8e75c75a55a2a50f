"""What keeps a gallery whole while several processes use it, and any of them may die."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import pyarrow as pa
from lancedb.expr import col

from mien.errors import MienError
from mien.gallery.audit_log import AuditLog
from mien.gallery.faults import told
from mien.gallery.journal import Journal
from mien.gallery.locks import Locks
from mien.gallery.private import FOLDER, make_private, restrict
from mien.gallery.records import Enrolment
from mien.gallery.rows import pseudonyms, to_table
from mien.gallery.templates import TABLE, Templates, of

GRACE = timedelta(hours=1)
"""Off this machine there are no locks, so files of an old state stay so long for their readers."""

_ENVIRONMENT = Lock()
"""One environment serves all galleries of a process."""


class Transactions:
    """The order in which a gallery's files change.

    Each change is noted before it is made, made in one step, logged, and the note taken away. Who
    finds a note that no living process is at ends that work: enrolments that were stored are
    logged, what was half written is deleted, and who was to be forgotten is.

    Parameters
    ----------
    templates : Templates
        The table.
    home : Path
        Local folder of the audit log, the note and the locks.
    """

    def __init__(self, templates: Templates, home: Path) -> None:
        self.templates, self.home = templates, home
        self.audit = AuditLog(home / "audit.jsonl")
        self._journal = Journal(home / "unfinished.json")
        self._locks = Locks(home)
        self._scratch = home / "scratch"

    @contextmanager
    def writing(self, *, new: bool = False) -> Iterator[None]:
        """Be the one process that writes.

        Parameters
        ----------
        new : bool
            Make the folder if there is none.

        Raises
        ------
        MienError
            There is no gallery, or it can't be read or written.
        """
        with told(self.templates.uri):
            self._enter(new)
            with self._locks.writing():
                self._recover()
                try:
                    yield
                finally:
                    if self.templates.folder is not None:
                        restrict(self.templates.folder)  # LanceDB's files have the umask's modes

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the table, while others write the next.

        Raises
        ------
        MienError
            There is no gallery, or it can't be read.
        """
        with told(self.templates.uri):
            self._enter(False)
            if self._journal.unfinished():
                with self._locks.writing(wait=False) as alone:
                    if alone:
                        self._recover()
            with self._locks.reading():
                yield

    def _enter(self, new: bool) -> None:
        """See to the folders: of the table, where it is ours, and of locks and log."""
        folder = self.templates.folder
        if not new and folder is not None:
            for place, needed in ((folder, folder / f"{TABLE}.lance"), (self.home, self.home)):
                if not needed.is_dir():
                    raise MienError(f"{place} is no gallery: enrol somebody first (mien enrol)")
        if folder != self.home:  # a log's folder that was there may hold other things
            self.home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        if folder is not None:
            make_private(folder)

    def enrol(self, newcomers: Sequence[Enrolment], today: date) -> None:
        """Store persons, all or none. The caller is `writing`.

        Raises
        ------
        MienError
            One of the clips is enrolled already.
        """
        names = [newcomer.person for newcomer in newcomers]
        clips = [clip for newcomer in newcomers for clip in newcomer.clips]
        where = col("person").isin(names) | col("clip").isin(clips)
        known = self.templates.rows(["person", "subject", "clip", "expires"], where)
        subjects = pseudonyms(newcomers, known, today)
        rows = to_table(newcomers, subjects, self.templates.schema)
        enrolment = uuid4().hex
        place = rows.schema.get_field_index("enrolment")
        rows = rows.set_column(place, "enrolment", pa.array([enrolment] * len(rows)))
        self._journal.begin({"act": "enrol", "enrolment": enrolment})
        self.templates.add(rows)
        self._log_enrolment(rows, enrolment=enrolment)
        self._journal.end()

    def _log_enrolment(self, rows: pa.Table, **detail: Any) -> None:
        groups = rows.group_by(["subject", "expires"], use_threads=False)
        counts = groups.aggregate([([], "count_all")]).to_pylist()
        self.audit.extend(
            [
                (
                    "enrol",
                    row["subject"],
                    {"templates": row["count_all"], "expires": row["expires"].isoformat()} | detail,
                )
                for row in counts
            ]
        )

    def erase(self, act: str, subjects: Sequence[str], before: date | None = None) -> None:
        """Remove rows from the table and the disk. The caller is `writing`.

        Parameters
        ----------
        act : str
            What to log it as.
        subjects : sequence of str
            Whose.
        before : date, optional
            Only what expired before that day.
        """
        until = before and before.isoformat()
        self._erase({"act": act, "subjects": list(subjects), "before": until})

    def _erase(self, note: dict[str, Any]) -> None:
        """Do what the note says; doing it again, after a crash in the middle, does no harm."""
        self._journal.begin(note)
        where = of(note["subjects"])
        if note["before"]:
            where = where & (col("expires") < date.fromisoformat(note["before"]))
        self.templates.remove(where)
        with self._scratching():
            self.templates.compact()
        with self._locks.deleting():
            self.templates.vacuum()
        self.audit.extend([(note["act"], subject, {}) for subject in note["subjects"]])
        self._journal.end()

    def maintain(self) -> None:
        """Keep searches quick as the gallery grows. The caller is `writing`."""
        needs_compaction = self.templates.needs_compaction
        with self._scratching():
            if needs_compaction:
                self.templates.compact()
            indexed = self.templates.index()
        if indexed or needs_compaction:
            with self._locks.deleting():
                self.templates.vacuum(GRACE if self.templates.folder is None else timedelta(0))

    @contextmanager
    def _scratching(self) -> Iterator[None]:
        """Keep what LanceDB writes for a while at home, where a removal finds it after a crash.

        It sorts the templates' codes in the system's temporary folder, for everybody to read.
        """
        with _ENVIRONMENT:
            shutil.rmtree(self._scratch, ignore_errors=True)  # of a process that died
            make_private(self._scratch)
            system = os.environ.get("TMPDIR")
            os.environ["TMPDIR"] = str(self._scratch.resolve())
            try:
                yield
            finally:
                del os.environ["TMPDIR"]
                if system is not None:
                    os.environ["TMPDIR"] = system
                shutil.rmtree(self._scratch, ignore_errors=True)

    def _recover(self) -> None:
        """End what a process began that died in the middle."""
        note = self._journal.unfinished()
        if note is None:
            return
        if note["act"] != "enrol":
            self._erase(note)
            return
        enrolment = note["enrolment"]
        rows = self.templates.rows(["subject", "expires"], col("enrolment") == enrolment)
        logged = any(line["detail"].get("enrolment") == enrolment for line in self.audit.lines())
        if len(rows) and not logged:
            self._log_enrolment(rows, enrolment=enrolment, recovered=True)
        elif not len(rows):
            with self._locks.deleting():
                self.templates.vacuum()  # what was half written holds embeddings
            self.audit.append("abandon", enrolment=enrolment)
        self._journal.end()
