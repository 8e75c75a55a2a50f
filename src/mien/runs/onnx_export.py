"""A run as an ONNX file, which ONNX Runtime computes without mien and PyTorch."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mien import __version__
from mien.errors import MienError, brief
from mien.files import atomic_write
from mien.models.export.steps import Steps, steps_of
from mien.models.export.tensor_model import TensorModel
from mien.models.export.whisper import SPECTROGRAM
from mien.runs.run import Run
from mien.tasks import Task

METADATA = "mien"
"""Key of the file's metadata under which its description stands, as JSON."""

EMBEDDING = "clip_embedding"
"""Name of the output with the embeddings."""

TOLERANCE = 1e-4
"""Largest difference of a score between the file and the run."""

_EXAMPLES = ((2, 7), (1, 30), (3, 2))
"""Numbers of utterances and of steps of what is compared."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    path : Path
        The file.
    tokenizer : Path or None
        The tokenizer beside it, for a model with text.
    difference : float
        Largest difference of a score from those of the run, on random inputs.
    """

    path: Path
    tokenizer: Path | None
    difference: float


class ScoringModel(nn.Module):
    """A model that returns the scores of its tasks, and the embedding, for padded tensors.

    Parameters
    ----------
    tensors : TensorModel
        The model.
    tasks : tuple of Task
        Its tasks.
    """

    def __init__(self, tensors: TensorModel, tasks: tuple[Task, ...]) -> None:
        super().__init__()
        self.tensors, self.tasks = tensors, tasks

    @property
    def outputs(self) -> list[str]:
        """Names of what `forward` returns."""
        return [*(f"{task.name}_scores" for task in self.tasks), EMBEDDING]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Score utterances, given the steps of each modality and then the numbers of steps."""
        half = len(inputs) // 2
        named = self.tensors.named(list(inputs[:half]), list(inputs[half:]))
        return (*(task.scores(named[task.name]) for task in self.tasks), named["embedding"])


def export_onnx(run: Run, path: Path, *, int8: bool = False) -> Exported:
    """Export a run, and compare what the file computes with what the run computes.

    Parameters
    ----------
    run : Run
        The run.
    path : Path
        The file; it must end in .onnx. A model with text has its tokenizer beside it.
    int8 : bool
        Store matrices as 8-bit integers, except those of a spectrogram (benchmarks/onnx_runtime.md
        has the loss of accuracy). The scores then differ by more than `TOLERANCE`.

    Raises
    ------
    MienError
        A part of the model can't be exported, the packages for it are not installed, or the file
        gives other scores than the run.
    """
    if path.suffix != ".onnx":
        raise MienError(f"{path}: the name of the file must end in .onnx", parameter="file")
    model = run.model()
    steps = steps_of(model)
    scoring = ScoringModel(TensorModel(model), run.config.tasks).eval()
    inputs = [*(m.value for m in steps), *(f"{m}_steps" for m in steps)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as part:
        _write(scoring, list(steps.values()), inputs, part, _description(run, steps, inputs))
        difference = _difference(scoring, list(steps.values()), inputs, part)
        if not difference <= TOLERANCE:
            raise MienError(f"the exported file differs from the run by {difference:.1e}")
        if int8:
            _quantise(part)
            difference = _difference(scoring, list(steps.values()), inputs, part)
        tokenizer = _write_tokenizer(run, path)
    return Exported(path, tokenizer, difference)


def _write(
    scoring: ScoringModel, steps: list[Steps], inputs: list[str], path: Path, about: str
) -> None:
    batch = torch.export.Dim("batch", min=1, max=1024)
    dims = [torch.export.Dim(f"{n}_length", min=1, max=s.longest) for n, s in _named(steps, inputs)]
    shapes = (*({0: batch, 1: dim} for dim in dims), *({0: batch} for _ in steps))
    with _quietly():
        try:
            program = torch.onnx.export(
                scoring,
                _example(steps, 2, 12),
                dynamo=True,
                verbose=False,
                input_names=inputs,
                output_names=scoring.outputs,
                dynamic_shapes=(shapes,),
            )
        except ImportError as error:
            raise MienError(
                f'exporting needs onnxscript ({brief(error)}): pip install "mien[onnx]"'
            ) from error
    assert program is not None
    program.model.metadata_props[METADATA] = about
    program.save(path)


def _quantise(path: Path) -> None:
    """Replace the matrices of a file by 8-bit integers."""
    import onnx
    from onnxruntime.quantization import quantize_dynamic

    graph = onnx.load(path).graph
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    # rounded, the quiet bands of a spectrogram would vanish beside the loud ones
    exact = [n.name for n in graph.node if any(shapes.get(i) in SPECTROGRAM for i in n.input)]
    with _quietly(), atomic_write(path.with_suffix(".int8")) as part:
        quantize_dynamic(
            path,
            part,
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_exclude=exact,
            per_channel=True,
        )
    path.with_suffix(".int8").replace(path)


def _named(steps: list[Steps], inputs: list[str]) -> Iterator[tuple[str, Steps]]:
    return zip(inputs, steps, strict=False)


def _example(steps: list[Steps], count: int, length: int) -> tuple[Tensor, ...]:
    """Draw inputs; numbers of steps differ, and a waveform has a thousand times as many."""
    values = [s.example(count, length * (1000 if s.longest > 100_000 else 1)) for s in steps]
    counts = [torch.tensor([max(v.shape[1] - 2 * i, 1) for i in range(count)]) for v in values]
    return (*values, *counts)


def _difference(scoring: ScoringModel, steps: list[Steps], inputs: list[str], path: Path) -> float:
    """Return the largest difference between a file and the model on random inputs."""
    try:
        import onnxruntime
    except (ImportError, RuntimeError, OSError) as error:
        raise MienError(
            f'exporting needs onnxruntime ({brief(error)}): pip install "mien[onnx]"'
        ) from error
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for size in _EXAMPLES:
        given = _example(steps, *size)
        feed = {name: one.numpy() for name, one in zip(inputs, given, strict=True)}
        with torch.inference_mode():
            expected = scoring(*given)
        for one, other in zip(session.run(None, feed), expected, strict=True):
            largest = max(largest, float(np.abs(one - other.numpy()).max()))
    return largest


def _description(run: Run, steps: Any, inputs: list[str]) -> str:
    tasks = [
        {
            "name": task.name,
            "labels": list(task.labels),
            "single_label": getattr(task, "single_label", False),
            "thresholds": run.thresholds(task),
        }
        for task in run.config.tasks
    ]
    return json.dumps(
        {
            "mien": __version__,
            "tasks": tasks,
            "modalities": {m.value: one.document() for m, one in steps.items()},
            "inputs": inputs,
            "max_seconds": run.config.data.max_seconds,
            "synthetic_training": run.config.data.synthetic,
        }
    )


def _write_tokenizer(run: Run, path: Path) -> Path | None:
    """Write the tokenizer beside the file, in the format of the package tokenizers."""
    text, tokenizer = run.config.model.text, run.tokenizer()
    if text is None or tokenizer is None:
        return None
    target = path.with_suffix(".tokenizer.json")
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.enable_truncation(text.max_len)
    with atomic_write(target) as part:
        backend.save(str(part))
    return target


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep out what the exporter says about itself, and kernels that it can't export."""
    loggers = [logging.getLogger("torch.onnx"), logging.getLogger()]
    levels, fast = [one.level for one in loggers], torch.backends.mha.get_fastpath_enabled()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        torch.backends.mha.set_fastpath_enabled(fast)
