"""Options of an analysis that are out of range."""

from typing import Any

import pytest

from mien.errors import MienError
from mien.inference.analysis.options import AnalysisOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 0.1),
        ("window", 60.0),
        ("window", float("nan")),
        ("hop", 0.0),
        ("hop", 6.0),
        ("speakers", 0),
        ("speakers", 51),
        ("max_speakers", 0),
        ("channel", -1),
        ("start", -1.0),
        ("start", float("inf")),
        ("end", 0.0),
        ("end", float("nan")),
        ("max_seconds", 0.0),
        ("max_seconds", 1e6),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(MienError) as raised:
        AnalysisOptions(**{name: value})
    assert raised.value.parameter == name


def test_the_end_is_after_the_start() -> None:
    AnalysisOptions(start=3.0, end=4.0)
    with pytest.raises(MienError, match="after the start"):
        AnalysisOptions(start=4.0, end=4.0)
