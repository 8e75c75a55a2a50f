"""A model joined from runs that were trained apart, each for other modalities.

    joined.json   the names of the parts, which are run folders beside this one
    README.md     the model card

The parts keep their own weights and licences. The logits of a joined model are the mean of those of
the parts whose modalities an utterance has: where the parts are calibrated, this is the geometric
mean of their probabilities.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mien.errors import MienError
from mien.files import read_json
from mien.models import ModelConfig
from mien.runs.config import RunConfig
from mien.runs.run import Run

JOINED = "joined.json"


class JoinedRun(Run):
    """A folder that names the runs a model is joined from.

    Parameters
    ----------
    folder : path
        The folder.

    Raises
    ------
    MienError
        A part is missing, or the parts do not fit together.

    Examples
    --------
    >>> run = JoinedRun("bundles/mien-base")                           # doctest: +SKIP
    >>> run.model().config.modalities                                  # doctest: +SKIP
    (<Modality.TEXT: 'text'>, <Modality.AUDIO: 'audio'>)
    """

    def __init__(self, folder: str | Path) -> None:
        self.parts = _parts(Path(folder))
        super().__init__(folder)

    def _read_config(self) -> RunConfig:
        return _joined([part.config for part in self.parts], self.folder)

    def _trained(self) -> dict[str, Tensor]:
        """Collect the weights of the parts, and weigh their logits equally."""
        found: dict[str, Tensor] = {}
        for part in self.parts:
            own = part._trained()
            found |= {name: w for name, w in own.items() if not name.startswith("fusion.")}
        count = len(self.config.model.modalities)
        equal = torch.full((count,), 1 / count)
        return found | {f"fusion.{task.name}.weight": equal for task in self.config.tasks}

    def tokenizer(self) -> Any:
        """Read the tokenizer of the part with text, None without one."""
        return next((found for part in self.parts if (found := part.tokenizer())), None)


def opened(folder: Path) -> Run:
    """Open a run folder, or one that names the runs a model is joined from. Raises `MienError`."""
    return JoinedRun(folder) if (folder / JOINED).is_file() else Run(folder)


def _parts(folder: Path) -> list[Run]:
    """Open the runs that a folder names."""
    path = folder / JOINED
    names = read_json(path, "copy the folder again").get("parts")
    if not isinstance(names, list) or not names or not all(_is_name(name) for name in names):
        raise MienError(f"{path} is damaged: it must list the names of its parts")
    return [Run(folder.parent / name) for name in names]


def _is_name(name: object) -> bool:
    """Tell whether a name is that of a folder beside another, and no path."""
    return isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name


def _joined(configs: Sequence[RunConfig], folder: Path) -> RunConfig:
    """Join the configurations of runs. Raises `MienError` if they do not fit together."""
    first = configs[0]
    modalities = [m for config in configs for m in config.model.modalities]
    why = None
    if len(set(modalities)) < len(modalities):
        why = "two of them have the same modality"
    elif any(config.tasks != first.tasks for config in configs):
        why = "they predict other tasks or labels"
    elif any(config.features for config in configs):
        why = "one takes hand-crafted features"
    elif any(config.model.fusion != "weighted" for config in configs):
        why = "one fuses states, which only a model trained as a whole can do"
    if why:
        raise MienError(f"the parts of {folder} do not fit together: {why}")
    encoders = {m: e for config in configs for m, e in config.model.encoders.items()}
    corpora = "+".join(dict.fromkeys(config.data.corpus for config in configs))
    of_all: dict[str, Any] = {
        "corpus": corpora,
        "protocol": "+".join(dict.fromkeys(config.data.protocol for config in configs)),
        "synthetic": any(config.data.synthetic for config in configs),
        **{"path": "", "fingerprint": None, "fold": None, "num_folds": None, "label_counts": {}},
    }
    licences = [config.licence for config in configs if config.licence]
    return RunConfig(
        model=ModelConfig(encoders=encoders, embedding_size=0),
        tasks=first.tasks,
        data=first.data.model_copy(update=of_all),
        training={},
        pretrained={m: d for config in configs for m, d in config.pretrained.items()},
        frozen={m: f for config in configs for m, f in config.frozen.items()},
        licence=" AND ".join(dict.fromkeys(licences)) or None,
    )
