"""Where to compute: the processor or a GPU."""

import torch

from mien.errors import MienError


def choose_device(name: str | torch.device | None = None) -> torch.device:
    """Give a device by name, a GPU if there is one where none is named.

    Parameters
    ----------
    name : str or torch.device, optional
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises
    ------
    MienError
        There is no such device, on this machine or at all.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        why = f"{str(name)!r} is no device; {_present()}"
        raise MienError(why, parameter="device") from None
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    if (device.index or 0) >= there.get(device.type, 0):
        why = f"{str(name)!r} is not on this machine; {_present()}"
        raise MienError(why, parameter="device")
    return device


def _present() -> str:
    count = torch.cuda.device_count()
    gpus = [f"cuda:{number}" for number in range(count)]
    gpus += ["mps"] if torch.backends.mps.is_available() else []
    return f"choose {', '.join(['cpu', *gpus])}"
