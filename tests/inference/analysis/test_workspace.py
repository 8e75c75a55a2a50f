"""What is kept of an analysis, so that it can be resumed."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from mien.errors import MienError
from mien.inference.analysis.workspace import Workspace


class Result(BaseModel):
    number: float


def test_a_step_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "work", "a", resume=True)
    assert work.step("one", Result, lambda: Result(number=1 / 3)).number == 1 / 3
    again = Workspace(tmp_path / "work", "a", resume=True)
    assert again.step("one", Result, lambda: pytest.fail("done again")).number == 1 / 3


def test_without_resuming_all_begins_anew(tmp_path: Path) -> None:
    Workspace(tmp_path / "work", "a").step("one", Result, lambda: Result(number=1))
    again = Workspace(tmp_path / "work", "b")
    assert again.step("one", Result, lambda: Result(number=2)).number == 2


def test_results_of_something_else_are_refused(tmp_path: Path) -> None:
    Workspace(tmp_path / "work", "a")
    with pytest.raises(MienError, match="another recording"):
        Workspace(tmp_path / "work", "b", resume=True)


@pytest.mark.parametrize("content", ["", "{", '{"number": "x"}', '{"number": 1}\0'])
def test_a_damaged_step_says_what_to_remove(tmp_path: Path, content: str) -> None:
    work = Workspace(tmp_path / "work", "a")
    work.path("one.json").write_text(content)
    with pytest.raises(MienError, match="damaged"):
        work.step("one", Result, lambda: Result(number=1))


def test_samples_are_mapped_and_may_be_none(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "work", "a")
    work.path("none").touch()
    assert len(work.samples("none")) == 0
    np.arange(5, dtype=np.int16).tofile(work.path("five"))
    assert work.samples("five").tolist() == [0, 1, 2, 3, 4]
    work.remove()
    assert not (tmp_path / "work").exists()
