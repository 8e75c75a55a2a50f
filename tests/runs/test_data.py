"""The data of a run: how they are split, and which of them can be used."""

from pathlib import Path

import pytest
from samples import sample, store, tiny_run

from mien.errors import MienError
from mien.inference.evaluate import evaluate


def test_data_without_what_the_protocol_needs_ask_for_another_split(
    tmp_path: Path, tiny_text: Path
) -> None:
    run = tiny_run(tmp_path / "run", tiny_text)
    counts = {task.name: dict.fromkeys(task.labels, 1) for task in run.config.tasks}
    changes = {"protocol": "sessions", "label_counts": counts}
    run.record_data(run.config.data.model_copy(update=changes))
    folder = store(tmp_path / "data", [sample(number) for number in range(4)]).folder
    with pytest.raises(MienError) as raised:
        evaluate(run, data=folder, progress=False)
    assert raised.value.parameter == "split"
    message = raised.value.message
    assert message.startswith(f"{folder} cannot be split as the run's data were (the protocol 'ses")
    assert message.endswith("; choose all to take every utterance")
    run.write("thresholds.json", {"emotion": {"happy": 0.5, "sad": 0.5, "angry": 0.5}})
    assert evaluate(run, data=folder, split="all", progress=False).left_out == 0
