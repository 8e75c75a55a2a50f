"""How many processes train, and on which devices, is checked before anything is written."""

import re
from pathlib import Path

import pytest
import torch

from mien.errors import MienError
from mien.models import ModelConfig
from mien.training import TrainConfig, fit, train
from mien.training.fit import _hardware
from mien.training.job import settled


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of one of four processes that torchrun has started on two machines."""
    started = {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "RANK": "3"}
    for name, value in started.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with one GPU, as far as torch says."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


def refused(config: TrainConfig, device: torch.device | None = None) -> tuple[str | None, str]:
    """Give the parameter and the message of the error."""
    with pytest.raises(MienError) as raised:
        settled(config, device)
    return raised.value.parameter, raised.value.message


def test_ddp_needs_torchrun() -> None:
    parameter, message = refused(TrainConfig(strategy="ddp"))
    assert parameter == "strategy"
    assert "start it with torchrun --nproc-per-node N" in message
    assert settled(TrainConfig(devices=2), torch.device("cpu")).devices == 2


def test_as_many_processes_train_as_torchrun_has_started(four: None) -> None:
    assert settled(TrainConfig()).devices == 4
    assert settled(TrainConfig(devices=4, strategy="ddp")).devices == 4
    parameter, message = refused(TrainConfig(devices=2))
    assert parameter == "devices"
    assert message.startswith("torchrun has started 4 processes, not 2: leave")
    parameter, message = refused(TrainConfig(strategy="ddp_spawn"))
    assert parameter == "strategy"
    assert message.startswith("ddp_spawn starts processes of its own")


def test_gpus_are_counted_only_where_gpus_compute(one_gpu: None) -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert settled(TrainConfig(devices=2), cpu).devices == 2
    assert settled(TrainConfig(devices=1), cuda).devices == 1
    for device in (cuda, None):
        parameter, message = refused(TrainConfig(devices=2), device)
        assert parameter == "devices"
        assert message == "2 processes on this machine need a GPU each, and it has 1: start fewer"


def test_under_torchrun_the_gpus_of_this_machine_count(four: None, one_gpu: None) -> None:
    assert refused(TrainConfig())[1].startswith("2 processes on this machine need a GPU each")
    assert settled(TrainConfig(), torch.device("cpu")).devices == 4


def test_where_lightning_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    second = torch.device("cuda:1")
    assert _hardware(None, 2) == {"devices": 2}
    assert _hardware(torch.device("cpu"), 2) == {"devices": 2, "accelerator": "cpu"}
    assert _hardware(torch.device("cuda"), 2) == {"devices": 2, "accelerator": "gpu"}
    assert _hardware(second, 1) == {"devices": [1], "accelerator": "gpu"}
    monkeypatch.setattr(fit, "by_torchrun", lambda: True)
    monkeypatch.setattr(fit, "machines", lambda: (2, 3))
    there = {"devices": 2, "num_nodes": 3, "accelerator": "gpu"}
    assert _hardware(torch.device("cuda"), 6) == there


@pytest.mark.parametrize("torchrun", [False, True])
def test_one_device_for_several_processes_is_refused_before_there_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torchrun: bool
) -> None:
    monkeypatch.setattr(fit, "choose_device", torch.device)
    monkeypatch.setattr(fit, "settled", lambda config, device: config)
    monkeypatch.setattr(fit, "by_torchrun", lambda: torchrun)
    out = tmp_path / "run"
    message = re.escape("device: cuda:1 is one device, and 2 processes train: name cuda")
    with pytest.raises(MienError, match=f"^{message}$"):
        train(tmp_path, out, ModelConfig(), TrainConfig(devices=2), device="cuda:1")
    assert not out.exists()
