"""Weights to begin with: those of a run, or of a checkpoint that the published code wrote."""

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
    """Weights from elsewhere, under mien's names.

    Parameters
    ----------
    origin : str
        The folder or file, for messages.
    tensors : mapping of str to Tensor
        By the names of `MultimodalModel.state_dict`.
    labels : mapping of str to tuple of str
        The labels of each task that they answer.
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
        """Name the tensors that a model takes over.

        The encoders of the modalities, and for each task with the same labels their heads. The
        fusion is taken where all modalities of the model are.

        Raises
        ------
        MienError
            A modality is not the model's, or its encoder is missing here or of other sizes. Where
            the model is to be `complete`, the same of its heads and its fusion.
        """
        all_own = model.config.modalities
        begun = parse_modalities(modalities) if modalities else all_own
        if extra := set(begun) - set(all_own):
            raise MienError(
                f"the model has the modalities {letters(all_own)!r}: it can't begin with"
                f" {letters(extra)!r} of {self.origin}"
            )
        own = model.state_dict()
        taken: list[str] = []
        for modality in begun:
            names = [name for name in own if name.startswith(f"encoders.{modality}.")]
            self._check(modality, {name: own[name] for name in names})
            taken += [name for name in names if name in self.tensors]
        for task in tasks:
            if self.labels.get(task.name) == task.labels:
                taken += self._answers(model, task, begun)
        if complete:
            self._check_answers(own, taken, letters(all_own))
        return taken

    def _check_answers(self, own: Mapping[str, Tensor], taken: Sequence[str], known: str) -> None:
        """Refuse to answer by weights that nobody has trained."""
        parts = ("heads.", "fusion.") if len(known) > 1 else ("heads.",)
        if random := sorted({n for n in own if n.startswith(parts)} - set(taken)):
            raise MienError(
                f"{self.origin} has no {random[0]} that fits the model's modalities {known!r}:"
                " give those that it was trained with"
            )

    def _check(self, modality: Modality, own: Mapping[str, Tensor]) -> None:
        """Refuse to begin with an encoder that is missing or of other sizes."""
        for name, tensor in own.items():
            if name.endswith("num_batches_tracked"):  # of no use where the momentum is fixed
                continue
            if name not in self.tensors:
                why = f"has no {name}"
            elif self.tensors[name].shape != tensor.shape:
                sizes = (tuple(t.shape) for t in (self.tensors[name], tensor))
                why = "has {} of size {}, the model of {}".format(name, *sizes)
            else:
                continue
            raise MienError(
                f"{self.origin} does not fit the model's {modality}: it {why}; give the"
                " architecture, the sizes and the text encoder that it was trained with, or name"
                " other modalities to begin with"
            )

    def _answers(self, model: MultimodalModel, task: Task, begun: Sequence[Modality]) -> list[str]:
        """Name a task's heads, and its fusion where the model begins with all modalities."""
        own, whole = model.state_dict(), set(begun) == set(model.config.modalities)
        parts = [f"heads.{task.name}.{modality}." for modality in begun]
        parts += [f"fusion.{task.name}."] if whole else []
        if task.name == model.speaker_task:  # and the embedding
            parts += [f"persons.project.{modality}." for modality in begun]
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
        What the model is to answer. A published checkpoint does not say what it answers: its heads
        are taken for the task with one of the published sets of labels, `published.LABELS`.

    Raises
    ------
    MienError
        There is nothing of the kind, or the file holds more than tensors.
    """
    path = Path(origin)
    if path.is_dir():
        run = Run(path)
        return Weights(str(origin), run.weights(), {t.name: t.labels for t in run.config.tasks})
    if not path.is_file():
        raise MienError(f"{origin}: no such run folder and no such checkpoint")
    return _published(str(origin), _load(path), tasks)


def _load(path: Path) -> dict[str, Tensor]:
    """Read a state dict as torch saves it; nothing but tensors is unpickled."""
    try:
        with path.open("rb") as file:
            if not saved_by_torch(file.read(16)):
                raise MienError("it was not written by torch.save")
        content = load_saved(path)
        if not isinstance(content, dict) or not content:
            raise MienError("it holds something else than a state dict")
        if not all(_is_plain(value) for value in content.values()):
            raise MienError("its state dict holds more than plain tensors")
        if wrong := [name for name, value in content.items() if not value.isfinite().all()]:
            raise MienError(f"its {wrong[0]} holds numbers that are not finite")
    except (MienError, OSError) as error:
        why = str(error).partition(":")[0]
        raise MienError(
            f"{path} is no checkpoint of tensors only ({why}): give a run folder, or a state dict"
            " that the published code wrote, savings/models/….pt; what it wrote into savings/stats"
            " holds no weights"
        ) from error
    return content


def _is_plain(value: object) -> bool:
    """Tell tensors of numbers side by side from sparse, quantised and empty ones, and the rest."""
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


def begin_with(
    origin: str | Path, model: MultimodalModel, tasks: Sequence[Task], modalities: str | None = None
) -> str:
    """Fill a model's encoders, and its heads where the labels are the same, with weights.

    Parameters
    ----------
    origin, tasks
        As `read_weights` takes them.
    model : MultimodalModel
        The model to fill.
    modalities : str, optional
        Only these, letters out of t, a, v (default: all of the model's).

    Returns
    -------
    str
        What was taken, for the user.

    Raises
    ------
    MienError
        The weights can't be read or don't fit; the model is then as it was.
    """
    weights = read_weights(origin, tasks)
    names = weights.fitting(model, tasks, modalities)
    model.load_state_dict({name: weights.tensors[name] for name in names}, strict=False)
    begun = {name.split(".")[1] for name in names if name.startswith("encoders.")}
    parts = ", ".join(modality for modality in Modality if modality in begun)
    heads = {name.split(".")[1] for name in names if name.startswith(("heads.", "fusion."))}
    answers = f"and its answers to {' and '.join(sorted(heads))}" if heads else "with new heads"
    return f"begins with {parts} of {origin}, {answers}"
