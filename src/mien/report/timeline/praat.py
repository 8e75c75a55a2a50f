"""A timeline as a TextGrid, the annotation of Praat."""

from pathlib import Path
from typing import TYPE_CHECKING

from mien.files import atomic_write
from mien.inference.answered import tasks_of
from mien.inference.timeline import Timeline
from mien.report.timeline.captions import caption
from mien.report.timeline.lanes import Stretch, Tier, tiers
from mien.report.timeline.plain_text import plain_text

if TYPE_CHECKING:
    from pympi.Praat import TextGrid

NO_SPEECH = "no speech"
"""Name of the tier of a recording in which nobody speaks: Praat wants one at least."""


def write_textgrid(timeline: Timeline, path: Path) -> None:
    """Write for each speaker a tier of text and for each task one of labels, `task@speaker`.

    Intervals of a tier never overlap: segments of a speaker that do go into more tiers, which are
    numbered. What lies between segments is an interval without text.

    Raises
    ------
    MienError
        The file can't be written.
    """
    from pympi.Praat import TextGrid

    found = tiers(timeline) or [Tier(NO_SPEECH, NO_SPEECH, [])]
    ends = [tier.row[-1].end / 1000 for tier in found if tier.row]
    grid = TextGrid(xmax=max([timeline.start + timeline.seconds, 0.001, *ends]))
    for tier in found:
        _add(grid, tier.name, [(one, plain_text(one.segment.text or "")) for one in tier.row])
        for task in tasks_of(timeline.segments):
            labels = [(one, caption(one.segment, task)) for one in tier.row]
            _add(grid, f"{task}@{tier.name}", labels)
    with atomic_write(path) as part:
        grid.to_file(str(part))


def _add(grid: "TextGrid", name: str, texts: list[tuple[Stretch, str]]) -> None:
    # pympi doubles the quotes of texts, but not those of names
    tier = grid.add_tier(name.replace('"', '""'))
    for one, text in texts:
        tier.add_interval(one.start / 1000, one.end / 1000, text, check=False)
