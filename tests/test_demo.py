"""The demo writes what it promises, and touches nothing that is there."""

import json
from pathlib import Path

import pytest

from mien.demo import MODALITIES, demo
from mien.errors import MienError
from mien.inference.prediction import Prediction


@pytest.mark.slow
def test_the_demo_writes_what_it_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    summary = demo(out, dialogues=3, turns=3, epochs={"emotion": 1, "person": 1})
    assert json.loads((out / "summary.json").read_text()) == summary
    assert summary["synthetic"] is True
    for block in summary["tasks"].values():
        assert set(block["ua"]) == set(MODALITIES)
        assert block["margin_over_chance"] == pytest.approx(block["ua"]["tav"] - block["chance"])
    assert (out / "results.png").read_bytes()[:4] == b"\x89PNG"
    assert "synthetic" in (out / "emotion-tav" / "report.html").read_text()
    said = Prediction.model_validate_json((out / "person-prediction.json").read_text())
    assert said.modalities == ["text", "audio", "video"]
    assert said.synthetic_training
    assert "synthetic data, unseen dialogues" in capsys.readouterr().out


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    for out in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(MienError, match="not empty"):
            demo(out)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
