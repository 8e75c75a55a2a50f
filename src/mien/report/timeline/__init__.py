"""A timeline as files: data, tables, subtitles, annotations, a page and a figure."""

from mien.report.timeline.formats import FORMATS, Format, write_timeline

__all__ = ["FORMATS", "Format", "write_timeline"]
