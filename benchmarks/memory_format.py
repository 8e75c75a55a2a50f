"""Channels last against contiguous: precision of the CNN's gradients, and speed.

On a CPU: the norms of the gradients of the audio CNN's weights in float32 against float64, with
batch norm in training mode, and the time of a training step and of inference. The two layouts
take turns, so that the ratio holds on a machine that does other work, too.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from mien.models.encoders.media_settings import AudioCNNConfig
from mien.models.encoders.vgg import VGG

CHUNKS, ROUNDS = 12, 7
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def gradients(cnn: VGG, chunks: Tensor, weight: Tensor) -> dict[str, Tensor]:
    """Give the gradients of a weighted sum of the vectors of some spectrogram chunks."""
    cnn.zero_grad()
    (forward(cnn, chunks) * weight).sum().backward()
    return {name: p.grad.double() for name, p in cnn.named_parameters() if p.grad is not None}


def forward(cnn: VGG, chunks: Tensor) -> Tensor:
    """Compute as the CNN does, in the layout of the chunks and of its weights."""
    return cnn.project(cnn.blocks(cnn.stem(chunks)).flatten(1))


def made(layout: torch.memory_format, dtype: torch.dtype) -> VGG:
    """Make the same CNN of the published size each time."""
    torch.manual_seed(0)
    return VGG(AudioCNNConfig(), 1, 16).to(memory_format=layout).to(dtype)


def seconds(work: Callable[[], object]) -> float:
    """Measure how long some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Print errors and ratios, and write them beside this file."""
    lines = ["# Channels side by side in memory, on a CPU", ""]
    generator = torch.Generator().manual_seed(1)
    # power spectrograms span many magnitudes
    chunks = (torch.randn(CHUNKS, 1, 128, 32, generator=generator) * 4).exp()
    weight = torch.randn(CHUNKS, 64, generator=generator)
    exact = gradients(made(torch.contiguous_format, torch.float64), chunks.double(), weight)
    floor = 1e-5 * max(gradient.norm() for gradient in exact.values())
    cnns, inputs = {}, {}
    for name, layout in LAYOUTS.items():
        cnns[name] = made(layout, torch.float32)
        inputs[name] = chunks.contiguous(memory_format=layout)
        found = gradients(cnns[name], inputs[name], weight)
        errors = [
            abs(float(found[n].norm() / g.norm()) - 1) for n, g in exact.items() if g.norm() > floor
        ]
        lines.append(f"* {name}: largest error of a gradient's norm {max(errors):.1e}")
    ratios: dict[str, list[float]] = {"training step": [], "inference": []}
    for turn in range(ROUNDS + 1):
        step, infer = [], []
        for name, cnn in cnns.items():
            step.append(seconds(partial(gradients, cnn.train(), inputs[name], weight)))
            with torch.no_grad():
                infer.append(seconds(partial(forward, cnn.eval(), inputs[name])))
        if turn:  # the first warms up
            ratios["training step"].append(step[0] / step[1])
            ratios["inference"].append(infer[0] / infer[1])
    for what, each in ratios.items():
        lines.append(f"* {what}: channels last is {median(each):.2f} times as fast")
    threads = torch.get_num_threads()
    lines += ["", f"{CHUNKS} spectrogram chunks, {ROUNDS} rounds, {threads} threads."]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
