"""A timeline as a page that needs no network: to look at, to listen to and to read."""

import base64
import hashlib
import mimetypes
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from mien.inference.answered import length, tasks_of
from mien.inference.timeline import SpeakerSummary, Timeline, TimelineSegment
from mien.report.timeline.captions import caption
from mien.report.timeline.clock import clock
from mien.report.timeline.lanes import UNKNOWN
from mien.report.timeline.legend import Legend, legend
from mien.report.timeline.page_data import page_data, shown_key

SCRIPTS = ("scale.js", "chart.js", "page.js", "controls.js")
TEMPLATE = "page.html"
STYLE = "page.css"


def page(timeline: Timeline, media: str | None = None) -> str:
    """Write one HTML page with everything in it but the recording.

    Parameters
    ----------
    timeline : Timeline
        What to show.
    media : str or None
        Relative URL of the audio or video, which the page plays; None: the page plays nothing.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(__package__, "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    environment.filters["clock"] = clock
    script = "\n".join(map(_packaged, SCRIPTS))
    return environment.get_template(TEMPLATE).render(
        **_context(timeline),
        media=media,
        is_audio=(mimetypes.guess_type(media or "")[0] or "").startswith("audio/"),
        style=Markup(_packaged(STYLE)),
        script=Markup(script),
        digest=_digest(script),
    )


def _packaged(name: str) -> str:
    return (files(__package__) / "template" / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """Give the SHA-256 by which the page's policy admits this script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _context(timeline: Timeline) -> dict[str, Any]:
    tasks = tasks_of(timeline.segments)
    legends = [legend(timeline, task) for task in tasks]
    first = legends[0] if legends else None
    return {
        "timeline": timeline,
        "name": PurePath(timeline.source).name or timeline.source,
        "model": PurePath(timeline.run).name or timeline.run,
        "tasks": tasks,
        "legend": first,
        "speakers": [(one, _shares(timeline, one, first)) for one in timeline.speakers],
        "transcript": [_line(one, first) for one in timeline.segments],
        "data": page_data(timeline, legends),
    }


def _shares(
    timeline: Timeline, speaker: SpeakerSummary, first: Legend | None
) -> list[tuple[Any, float]]:
    """Share out the answered time of a speaker among the labels of the first task."""
    if first is None:
        return []
    seconds: dict[str, float] = {}
    for segment in timeline.segments:
        key = shown_key(segment, first)
        if segment.speaker == speaker.speaker and key in first.bars:
            seconds[key] = seconds.get(key, 0.0) + length(segment)
    total = sum(seconds.values())
    return [(first.bars[key], seconds[key] / total) for key in first.bars if key in seconds]


def _line(segment: TimelineSegment, first: Legend | None) -> dict[str, Any]:
    key = None if first is None else shown_key(segment, first)
    return {
        "start": segment.start,
        "speaker": segment.speaker or UNKNOWN,
        "text": segment.text or " ".join(word.text for word in segment.words),
        "caption": "" if first is None else caption(segment, first.task),
        "style": None if first is None or key is None else first.bars.get(key),
    }
