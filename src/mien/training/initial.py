"""Initial weights from a run, or from a checkpoint of the published code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mien.errors import MienError
from mien.modality import Modality, letters, parse_modalities
from mien.models import MultimodalModel
from mien.models.published_weights import LABELS, convert, label_count, reorder
from mien.runs.run import Run
from mien.safe_pickle.tensors import load_saved, saved_by_torch
from mien.tasks import Task


@dataclass(frozen=True)
class Weights:
    """Weights of another model, under mien's names.

    Parameters
    ----------
    origin : str
        Their folder or file, for messages.
    tensors : mapping of str to Tensor
        The weights by the names of `MultimodalModel.state_dict`.
    labels : mapping of str to tuple of str
        The labels of each of its tasks.
    """

    origin: str
    tensors: Mapping[str, Tensor]
    labels: Mapping[str, tuple[str, ...]]

    def fitting(
        self,
        model: MultimodalModel,
        tasks: Sequence[Task],
        modalities: str | None,
        *,
        complete: bool = False,
    ) -> list[str]:
        """Return the names of the tensors that initialise a model.

        These are the encoders of the modalities and, for each task with the same labels, their
        heads; the fusion too, if all modalities of the model are initialised.

        Raises
        ------
        MienError
            The model does not have one of the modalities, or its encoder is missing here or has
            other sizes; with `complete`, also if that is so for a head or the fusion.
        """
        all_own = model.config.modalities
        chosen = parse_modalities(modalities) if modalities else all_own
        if extra := set(chosen) - set(all_own):
            raise MienError(
                f"the model has the modalities {letters(all_own)!r}: it cannot use"
                f" {letters(extra)!r} of {self.origin}"
            )
        own = model.state_dict()
        taken: list[str] = []
        for modality in chosen:
            names = [name for name in own if name.startswith(f"encoders.{modality}.")]
            self._check(modality, {name: own[name] for name in names})
            taken += [name for name in names if name in self.tensors]
        for task in tasks:
            if self.labels.get(task.name) == task.labels:
                taken += self._head_names(model, task, chosen)
        if complete:
            self._check_heads(own, taken, letters(all_own))
        return taken

    def _check_heads(self, own: Mapping[str, Tensor], taken: Sequence[str], known: str) -> None:
        """Refuse heads or a fusion that would stay random."""
        parts = ("heads.", "fusion.") if len(known) > 1 else ("heads.",)
        if random := sorted({n for n in own if n.startswith(parts)} - set(taken)):
            raise MienError(
                f"{self.origin} has no {random[0]} that fits the modalities {known!r} of the model:"
                " choose those that it was trained with"
            )

    def _check(self, modality: Modality, own: Mapping[str, Tensor]) -> None:
        """Refuse an encoder that is missing or has other sizes."""
        for name, tensor in own.items():
            if name.endswith("num_batches_tracked"):  # not used with a fixed momentum
                continue
            if name not in self.tensors:
                why = f"has no {name}"
            elif self.tensors[name].shape != tensor.shape:
                sizes = (tuple(t.shape) for t in (self.tensors[name], tensor))
                why = "has {} of size {}, the model of {}".format(name, *sizes)
            else:
                continue
            raise MienError(
                f"{self.origin} does not fit the {modality} encoder of the model: it {why}; choose"
                " the architecture, the sizes and the text encoder that it was trained with, or"
                " initialise other modalities"
            )

    def _head_names(
        self, model: MultimodalModel, task: Task, chosen: Sequence[Modality]
    ) -> list[str]:
        """Return the names of a task's heads, and of its fusion if all modalities are taken."""
        own, whole = model.state_dict(), set(chosen) == set(model.config.modalities)
        parts = [f"heads.{task.name}.{modality}." for modality in chosen]
        parts += [f"fusion.{task.name}."] if whole else []
        if task.name == model.speaker_task:
            parts += [f"persons.project.{modality}." for modality in chosen]
            parts += ["persons.prototypes", *(["persons.weight"] if whole else [])]
        names = [name for name in own if name.startswith(tuple(parts))]
        return [n for n in names if n in self.tensors and self.tensors[n].shape == own[n].shape]


def read_weights(origin: str | Path, tasks: Sequence[Task]) -> Weights:
    """Read a run folder, or a state dict that the published code saved.

    Parameters
    ----------
    origin : path
        A run folder, or a file such as ``savings/models/mme2e_tav_….pt``.
    tasks : sequence of Task
        The tasks of the model. A published checkpoint does not state its labels: its heads are used
        for the task whose labels are one of the published sets,
        `mien.models.published_weights.LABELS`.

    Raises
    ------
    MienError
        There is no such folder or file, or the file holds more than tensors.
    """
    path = Path(origin)
    if path.is_dir():
        run = Run(path)
        return Weights(str(origin), run.weights(), {t.name: t.labels for t in run.config.tasks})
    if not path.is_file():
        raise MienError(f"{origin} is neither a run folder nor a checkpoint", parameter="init")
    return _published(str(origin), _load(path), tasks)


def _load(path: Path) -> dict[str, Tensor]:
    """Read a state dict that torch.save wrote; only tensors are unpickled."""
    try:
        with path.open("rb") as file:
            if not saved_by_torch(file.read(16)):
                raise MienError("it was not written by torch.save")
        content = load_saved(path)
        if not isinstance(content, dict) or not content:
            raise MienError("it does not hold a state dict")
        if not all(_is_plain(value) for value in content.values()):
            raise MienError("its state dict holds more than plain tensors")
        if wrong := [name for name, value in content.items() if not value.isfinite().all()]:
            raise MienError(f"its {wrong[0]} has numbers that are not finite")
    except (MienError, OSError) as error:
        why = str(error).partition(":")[0]
        raise MienError(
            f"{path} is not a checkpoint of tensors only ({why}): choose a run folder, or a state"
            " dict of the published code, savings/models/….pt; its files in savings/stats hold no"
            " weights"
        ) from error
    return content


def _is_plain(value: object) -> bool:
    """Return whether a value is a dense tensor on the CPU that is not quantised."""
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and not value.is_quantized
        and value.device.type == "cpu"
    )


def _published(origin: str, state: dict[str, Tensor], tasks: Sequence[Task]) -> Weights:
    count = label_count(state)
    for task in tasks:
        for labels in LABELS:
            if len(labels) == count and set(labels) == set(task.labels):
                ordered = reorder(state, labels, task.labels)
                return Weights(origin, convert(ordered, task.name), {task.name: task.labels})
    return Weights(origin, convert(state), {})


def initialise(
    origin: str | Path, model: MultimodalModel, tasks: Sequence[Task], modalities: str | None = None
) -> str:
    """Initialise the encoders of a model, and its heads if the labels are the same.

    Parameters
    ----------
    origin, tasks
        Parameters of `read_weights`.
    model : MultimodalModel
        The model.
    modalities : str, optional
        Only these modalities, letters of t, a, v (default: all of the model's).

    Returns
    -------
    str
        A message that says what was initialised.

    Raises
    ------
    MienError
        The weights cannot be read or do not fit; the model is then unchanged.
    """
    weights = read_weights(origin, tasks)
    names = weights.fitting(model, tasks, modalities)
    model.load_state_dict({name: weights.tensors[name] for name in names}, strict=False)
    chosen = {name.split(".")[1] for name in names if name.startswith("encoders.")}
    parts = ", ".join(modality for modality in Modality if modality in chosen)
    heads = {name.split(".")[1] for name in names if name.startswith(("heads.", "fusion."))}
    added = f"and the heads of {' and '.join(sorted(heads))}" if heads else "with new heads"
    return f"initialised the encoders of {parts} from {origin}, {added}"
