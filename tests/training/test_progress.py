"""What training says of its epochs where there is no terminal."""

import re
from pathlib import Path

from mien.models import ModelConfig
from mien.training import TrainConfig, train


def test_each_epoch_has_a_line(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, caplog, capsys
) -> None:
    caplog.set_level("INFO", "mien")
    train(tiny_data, tmp_path / "run", small, quick.model_copy(update={"lr": 1e-3}))
    lines = [line for line in caplog.messages if line.startswith("epoch ")]
    one = r"epoch 1 of 2: train/loss [\d.]+, valid/f1 [\d.]+, valid/loss [\d.]+, lr 0\.001, \d+ s"
    assert re.fullmatch(rf"{one}, at most \d+ s left", lines[0])
    assert re.fullmatch(one.replace("1 of 2", "2 of 2"), lines[1])
    assert len(lines) == 2
    assert capsys.readouterr() == ("", "")


def test_a_library_says_nothing(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, capfd, recwarn
) -> None:
    train(tiny_data, tmp_path / "run", small, quick.model_copy(update={"epochs": 1}))
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []
