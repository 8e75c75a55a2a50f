"""Transactions: several processes may change a gallery, and any of them may be killed."""

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
from mien.gallery.journal import Journal
from mien.gallery.locks import Locks
from mien.gallery.private_files import FOLDER, make_private, restrict
from mien.gallery.storage_errors import storage_errors
from mien.gallery.table_rows import pseudonyms, to_table
from mien.gallery.templates import TABLE, Templates, of_subjects
from mien.gallery.types import Enrolment

GRACE = timedelta(hours=1)
"""How long old files stay for readers on object storage, where there are no locks."""

_ENVIRONMENT = Lock()
"""Guards the environment variables, which all galleries of a process share."""


class Transactions:
    """The order in which a gallery's files change.

    Each change is written to the journal, made in one step, logged, and removed from the journal. A
    process that finds an entry of a process that died finishes that work: enrolments that were
    stored are logged, what was half written is deleted, and a removal is completed.

    Parameters
    ----------
    templates : Templates
        The table.
    home : Path
        Local folder of the audit log, the journal and the locks.
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
        with storage_errors(self.templates.uri):
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
        with storage_errors(self.templates.uri):
            self._enter(False)
            if self._journal.unfinished():
                with self._locks.writing(wait=False) as alone:
                    if alone:
                        self._recover()
            with self._locks.reading():
                yield

    def _enter(self, new: bool) -> None:
        """Check or make the folders: of the table, if it is a local one, and of locks and log."""
        folder = self.templates.folder
        if not new and folder is not None:
            for place, needed in ((folder, folder / f"{TABLE}.lance"), (self.home, self.home)):
                if not needed.is_dir():
                    raise MienError(f"{place} is no gallery: enrol somebody first (mien enrol)")
        if folder != self.home:  # an existing folder of the log may hold other things
            self.home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        if folder is not None:
            make_private(folder)

    def enrol(self, enrolments: Sequence[Enrolment], today: date) -> None:
        """Store persons, all or none. The caller is `writing`.

        Raises
        ------
        MienError
            One of the clips is enrolled already.
        """
        names = [enrolment.person for enrolment in enrolments]
        clips = [clip for enrolment in enrolments for clip in enrolment.clips]
        where = col("person").isin(names) | col("clip").isin(clips)
        known = self.templates.rows(["person", "subject", "clip", "expires"], where)
        subjects = pseudonyms(enrolments, known, today)
        rows = to_table(enrolments, subjects, self.templates.schema)
        number = uuid4().hex
        place = rows.schema.get_field_index("enrolment")
        rows = rows.set_column(place, "enrolment", pa.array([number] * len(rows)))
        self._journal.begin({"act": "enrol", "enrolment": number})
        self.templates.add(rows)
        self._log_enrolment(rows, enrolment=number)
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

    def _erase(self, entry: dict[str, Any]) -> None:
        """Do what a journal entry says; repeating it, after a crash in the middle, is harmless."""
        self._journal.begin(entry)
        where = of_subjects(entry["subjects"])
        if entry["before"]:
            where = where & (col("expires") < date.fromisoformat(entry["before"]))
        self.templates.remove(where)
        with self._scratching():
            self.templates.compact()
        with self._locks.deleting():
            self.templates.vacuum()
        self.audit.extend([(entry["act"], subject, {}) for subject in entry["subjects"]])
        self._journal.end()

    def maintain(self) -> None:
        """Compact and index the table where its growth asks for it. The caller is `writing`."""
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
        """Keep LanceDB's temporary files in the gallery, where a removal finds them after a crash.

        By default it sorts the codes of templates in the system's temporary folder, which everybody
        can read.
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
        """Finish what a process began that died in the middle."""
        entry = self._journal.unfinished()
        if entry is None:
            return
        if entry["act"] != "enrol":
            self._erase(entry)
            return
        enrolment = entry["enrolment"]
        rows = self.templates.rows(["subject", "expires"], col("enrolment") == enrolment)
        logged = any(line["detail"].get("enrolment") == enrolment for line in self.audit.lines())
        if len(rows) and not logged:
            self._log_enrolment(rows, enrolment=enrolment, recovered=True)
        elif not len(rows):
            with self._locks.deleting():
                self.templates.vacuum()  # what was half written holds embeddings
            self.audit.append("abandon", enrolment=enrolment)
        self._journal.end()
