"""The metrics of a run are read back as the tasks give them, those of plugins as well."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mien.inference.metrics import Metrics
from mien.plugins import VARIABLE
from mien.tasks import TASKS, EmotionTask, TaskMetrics
from mien.tasks.label_metrics import LabelMetrics

PLUGIN = """
from typing import Literal
from mien.tasks import EmotionTask, register_task

@register_task
class MoodTask(EmotionTask):
    name: Literal["mood"] = "mood"
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module that adds the task "mood", which nobody has imported."""
    (tmp_path / "mood_of_a_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(VARIABLE, "mood_of_a_plugin")
    yield
    sys.modules.pop("mood_of_a_plugin", None)
    TASKS.pop("mood", None)


def measured() -> TaskMetrics:
    task = EmotionTask(labels=("happy", "sad"), loss="ce")
    truth = np.eye(2)[[0, 0, 1, 1]]
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    return task.evaluate(scores, truth, thresholds=(), counts={"happy": 3, "sad": 1})


def document() -> dict[str, Any]:
    """What metrics.json holds."""
    metrics = Metrics(
        split="test",
        protocol="random",
        data="data",
        synthetic=True,
        modalities="a",
        left_out=0,
        unlabelled=[],
        tasks={"emotion": measured()},
    )
    return metrics.model_dump(mode="json")


def test_metrics_of_a_task_that_a_plugin_adds_are_read(plugin: None) -> None:
    content = document()
    content["tasks"]["mood"] = content["tasks"]["emotion"]
    assert "mood" not in TASKS
    read = Metrics.model_validate(content).tasks["mood"]
    assert isinstance(read, LabelMetrics)
    assert read.singlelabel is not None
    assert read.singlelabel.wa == 0.75


def test_metrics_of_an_unknown_task_are_refused() -> None:
    content = document()
    content["tasks"] = {"emotoin": content["tasks"]["emotion"]}
    with pytest.raises(ValidationError, match=r"no task 'emotoin' \(did you mean emotion\?\)"):
        Metrics.model_validate(content)
