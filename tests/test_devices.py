"""Devices by name: what there is, and what is said of one that is not."""

import pytest
import torch

from mien.devices import choose_device
from mien.errors import MienError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs, as far as torch says."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_a_gpu_is_chosen_where_there_is_one(two_gpus: None) -> None:
    assert choose_device() == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("cuda:2", "'cuda:2' is not on this machine"),
        (torch.device("cuda", 2), "'cuda:2' is not on this machine"),
        ("mps", "'mps' is not on this machine"),
        ("meta", "'meta' is not on this machine"),
        ("gpu", "'gpu' is no device"),
    ],
)
def test_an_absent_device_is_refused_with_those_that_there_are(
    two_gpus: None, name: str | torch.device, why: str
) -> None:
    with pytest.raises(MienError) as raised:
        choose_device(name)
    assert raised.value.parameter == "device"
    assert raised.value.message == f"{why}; choose cpu, cuda:0, cuda:1"
