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
from lancedb.expr import Expr, col

from mien.errors import MienError
from mien.gallery.audit_log import AuditLog
from mien.gallery.journal import Journal
from mien.gallery.locks import Locks
from mien.gallery.private_files import FOLDER, make_private, restrict
from mien.gallery.references import ReferenceTables
from mien.gallery.storage_errors import storage_errors
from mien.gallery.table_rows import pseudonyms, to_table, with_states
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

    An enrolment stores references before templates, so that it is complete if these are there.

    Parameters
    ----------
    templates : Templates
        The table.
    references : ReferenceTables
        The tables beside it.
    home : Path
        Local folder of the audit log, the journal and the locks.
    """

    def __init__(self, templates: Templates, references: ReferenceTables, home: Path) -> None:
        self.templates, self.references, self.home = templates, references, home
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

    def enrol(self, enrolments: Sequence[Enrolment], today: date, model: str | None) -> None:
        """Store persons, all or none. The caller is `writing`.

        Parameters
        ----------
        enrolments : sequence of Enrolment
            What to store.
        today : date
            Clips that expired before are free again.
        model : str or None
            Fingerprint of the model that their states are for; None: they have none.

        Raises
        ------
        MienError
            One of the clips is enrolled already, or the states do not fit those that are stored.
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
        table = self._table_for(enrolments, model)
        references = None if table is None else with_states(rows, enrolments, table.schema)
        self._journal.begin({"act": "enrol", "enrolment": number, "references": model})
        if table is not None:
            table.add(references)
        self.templates.add(rows)
        self._log_enrolment(rows, references, enrolment=number)
        self._journal.end()

    def _table_for(self, enrolments: Sequence[Enrolment], model: str | None) -> Templates | None:
        """Give the table for the states of enrolments, made if need be."""
        sizes = {len(state) for enrolment in enrolments for state in enrolment.states.values()}
        if model is None or not sizes:
            return None
        table = self.references.of(model)
        if not table.exist:
            table.create(model, *sizes)
        table.matching(model, *sizes)
        return table

    def _log_enrolment(self, rows: pa.Table, references: pa.Table | None, **detail: Any) -> None:
        others = {} if references is None else _counts(references)
        events: list[tuple[str, str | None, dict[str, Any]]] = []
        for (subject, expires), count in _counts(rows).items():
            clips = others.get((subject, expires), 0)
            more = ({"references": clips} if clips else {}) | detail
            stored = {"templates": count, "expires": expires.isoformat()}
            events.append(("enrol", subject, stored | more))
        self.audit.extend(events)

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
        self._wipe(where, [*self.references, self.templates])
        self.audit.extend([(entry["act"], subject, {}) for subject in entry["subjects"]])
        self._journal.end()

    def _wipe(self, where: Expr, tables: Sequence[Templates]) -> None:
        """Remove rows from tables, and their bytes from the disk."""
        for table in tables:
            table.remove(where)
        with self._scratching():
            for table in tables:
                table.compact()
        with self._locks.deleting():
            for table in tables:
                table.vacuum()

    def maintain(self) -> None:
        """Compact and index tables where their growth asks for it. The caller is `writing`."""
        changed = [t for t in (*self.references, self.templates) if t.needs_compaction]
        with self._scratching():
            for table in changed:
                table.compact()
            if self.templates.index() and self.templates not in changed:
                changed.append(self.templates)
        if changed:
            with self._locks.deleting():
                for table in changed:
                    table.vacuum(GRACE if table.folder is None else timedelta(0))

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
        enrolment, model = entry["enrolment"], entry.get("references")
        where, columns = col("enrolment") == enrolment, ["subject", "expires"]
        tables = [t for t in self.references if t.metadata.encoder == model]
        rows = self.templates.rows(columns, where)
        logged = any(line["detail"].get("enrolment") == enrolment for line in self.audit.lines())
        if len(rows) and not logged:
            references = tables[0].rows(columns, where) if tables else None
            self._log_enrolment(rows, references, enrolment=enrolment, recovered=True)
        elif not len(rows):
            self._wipe(where, tables)
            with self._locks.deleting():
                self.templates.vacuum()  # what was half written holds embeddings
            self.audit.append("abandon", enrolment=enrolment)
        self._journal.end()


def _counts(rows: pa.Table) -> dict[tuple[str, date], int]:
    """Count rows by pseudonym and last day."""
    groups = rows.group_by(["subject", "expires"], use_threads=False)
    counts = groups.aggregate([([], "count_all")]).to_pylist()
    return {(row["subject"], row["expires"]): row["count_all"] for row in counts}
