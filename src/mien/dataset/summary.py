"""Summary of a prepared folder, counted from its shards."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from mien.utterance import SAMPLE_RATE, Skipped


@dataclass(frozen=True, kw_only=True)
class DatasetSummary:
    """What a prepared folder holds; its fields are also in `dataset.json`.

    Parameters
    ----------
    corpus : str
        Its name.
    synthetic : bool
        True where any utterance was generated.
    utterances, skipped : int
        Samples written, and utterances left out.
    losses : dict of str to int
        By kind, such as "video: damaged" or "audio: silent": samples in which that modality is
        missing, wholly or in part.
    notes : dict of str to int
        By kind: samples with a note, in which nothing is missing.
    modalities : dict of str to int
        Samples that have text ("t"), audio ("a"), faces ("v").
    emotions, persons : dict of str to int
        Samples of each; an utterance may have several emotions or none.
    unlabelled : int
        Samples without an emotion label.
    sentiment : int
        Samples with a sentiment label.
    labels : dict of str to int
        Samples that have each further label, such as valence.
    hours : float
        Of audio.
    faces : int
        Face crops.
    frames : int
        Frames in which a face was searched for.
    face_found : float or None
        Share of them in which one was detected.
    """

    corpus: str
    synthetic: bool
    utterances: int
    skipped: int
    losses: dict[str, int]
    notes: dict[str, int]
    modalities: dict[str, int]
    emotions: dict[str, int]
    unlabelled: int
    persons: dict[str, int]
    hours: float
    faces: int
    frames: int
    face_found: float | None
    sentiment: int = 0
    labels: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        share = ""
        if self.face_found is not None:
            share = f", found in {self.face_found:.1%} of {self.frames} frames"
        emotions = _counted(self.emotions)
        modalities = ", ".join(
            f"{self.modalities[letter]} with {name}"
            for letter, name in (("t", "text"), ("a", "audio"), ("v", "faces"))
        )
        lines = [
            f"{self.corpus}: {self.utterances} utterances of {len(self.persons)} known persons"
            + (" (synthetic)" if self.synthetic else ""),
            f"  modalities  {modalities}",
            f"  audio       {self.hours:.2f} hours",
            f"  faces       {self.faces}{share}",
            f"  emotions    {emotions or 'none'}; {self.unlabelled} unlabelled",
            *([f"  sentiment   of {self.sentiment} utterances"] if self.sentiment else []),
            *([f"  labels      {_counted(self.labels)}"] if self.labels else []),
            f"  skipped     {self.skipped} utterances (reasons in skipped.jsonl)",
            *([f"  incomplete  {_listed(self.losses)}"] if self.losses else []),
            *([f"  notes       {_listed(self.notes)}"] if self.notes else []),
        ]
        return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _listed(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{kind.removeprefix('note: ')} {count}" for kind, count in counts.items())


class SummaryCounts:
    """Counts the samples of shards, for a summary."""

    def __init__(self, skipped: list[Skipped]) -> None:
        self.skipped = list(skipped)
        self.sizes: list[int] = []
        self.totals: Counter[str] = Counter()
        self.emotions: Counter[str] = Counter()
        self.persons: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()

    def add(self, table: pa.Table, skipped: list[Skipped]) -> None:
        """Add a shard: its columns without the media, and what was skipped."""
        self.skipped += skipped
        self.sizes.append(table.num_rows)
        for row in table.to_pylist():
            self.totals["synthetic"] += row["synthetic"]
            self.totals["t"] += bool(row["text"] and row["text"].strip())
            self.totals["a"] += row["num_samples"] > 0
            self.totals["v"] += row["num_faces"] > 0
            self.totals["samples"] += row["num_samples"]
            self.totals["faces"] += row["num_faces"]
            self.totals["frames"] += len(row["frame_times"] or ())
            self.totals["found"] += sum(row["face_found"] or ())
            self.totals["unlabelled"] += row["emotions"] is None
            self.totals["sentiment"] += row["sentiment"] is not None
            self.emotions.update(row["emotions"] or ())
            self.labels.update(json.loads(row["labels"]).keys())
            self.persons.update([row["person"]] if row["person"] else ())

    def summary(self, corpus: str) -> DatasetSummary:
        """Return the summary of all that was counted."""
        kinds = Counter(item.kind or item.reason for item in self.skipped)
        notes = {kind: n for kind, n in kinds.most_common() if kind.startswith("note: ")}
        losses = {k: n for k, n in kinds.most_common() if k.startswith(("video: ", "audio: "))}
        frames = self.totals["frames"]
        return DatasetSummary(
            corpus=corpus,
            synthetic=self.totals["synthetic"] > 0,
            utterances=sum(self.sizes),
            skipped=len(self.skipped) - sum(losses.values()) - sum(notes.values()),
            losses=losses,
            notes=notes,
            modalities={letter: self.totals[letter] for letter in "tav"},
            emotions=dict(self.emotions.most_common()),
            unlabelled=self.totals["unlabelled"],
            persons=dict(sorted(self.persons.items())),
            hours=round(self.totals["samples"] / SAMPLE_RATE / 3600, 4),
            faces=self.totals["faces"],
            frames=frames,
            face_found=round(self.totals["found"] / frames, 4) if frames else None,
            sentiment=self.totals["sentiment"],
            labels=dict(sorted(self.labels.items())),
        )
