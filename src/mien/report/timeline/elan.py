"""A timeline as an annotation document of ELAN (.eaf)."""

import mimetypes
from typing import TYPE_CHECKING

from mien.inference.answered import tasks_of
from mien.inference.timeline import Timeline
from mien.report.timeline.captions import caption
from mien.report.timeline.lanes import Tier, distinct_name, tiers
from mien.report.timeline.plain_text import plain_text

if TYPE_CHECKING:
    from pympi.Elan import Eaf

TEXT, LABEL = "text", "label"
"""Linguistic types: what is said, with times; and the label of such an annotation."""


def eaf(timeline: Timeline, media: str | None) -> str:
    """Write for each speaker a tier of text and below it for each task one of labels.

    The label of a segment belongs to its text, so that it moves with it. Segments of a speaker
    that overlap go into more tiers, which are numbered, since a tier of ELAN allows no overlap.

    Parameters
    ----------
    timeline : Timeline
        What to write.
    media : str or None
        Relative URL of the recording, which ELAN then opens with the document.
    """
    from pympi.Elan import Eaf, to_string

    document = Eaf(author="mien")
    document.remove_tier("default")
    document.linguistic_types.clear()
    document.add_linguistic_type(TEXT)
    document.add_linguistic_type(LABEL, "Symbolic_Association", timealignable=False)
    if media is not None:
        kind = mimetypes.guess_type(media)[0] or "unknown"
        document.add_linked_file(media, relpath=media, mimetype=kind)
    _add_tiers(document, timeline)
    document.properties = [("lastUsedAnnotationId", document.maxaid)]
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + str(to_string(document)) + "\n"


def _add_tiers(document: "Eaf", timeline: Timeline) -> None:
    tasks, found = tasks_of(timeline.segments), tiers(timeline)
    slots = _time_slots(document, found)
    names = [tier.name for tier in found]
    for tier in found:
        document.add_tier(tier.name, ling=TEXT, part=tier.speaker, ann="mien")
        labels = {}
        for task in tasks:
            labels[task] = distinct_name(f"{task}@{tier.name}", {*names, *document.tiers})
            document.add_tier(
                labels[task], ling=LABEL, parent=tier.name, part=tier.speaker, ann="mien"
            )
        _annotate(document, tier, labels, slots)


def _time_slots(document: "Eaf", found: list[Tier]) -> dict[int, str]:
    """Make a slot for each time, in order, as the format asks; pympi's own are in pairs."""
    every = [one for tier in found for one in tier.row]
    times = sorted({time for one in every for time in (one.start, one.end)})
    return {time: document.generate_ts_id(time) for time in times}


def _annotate(document: "Eaf", tier: Tier, labels: dict[str, str], slots: dict[int, str]) -> None:
    """Fill a tier and those below it; pympi's way goes through all annotations for each."""
    for one in tier.row:
        text = plain_text(one.segment.text or "")
        said = document.generate_annotation_id()
        document.annotations[said] = tier.name
        document.tiers[tier.name][0][said] = (slots[one.start], slots[one.end], text, None)
        for task, name in labels.items():
            label = document.generate_annotation_id()
            document.annotations[label] = name
            document.tiers[name][1][label] = (said, caption(one.segment, task), None, None)
