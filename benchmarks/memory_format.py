"""What channels that lie side by side in memory cost the CNN's gradients, and what they bring.

On a CPU: the norms of the gradients of the sound CNN's weights in float32 against float64, with
batch norm in training mode, and the time of a training step and of an answer. The two layouts
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

PIECES, ROUNDS = 12, 7
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def gradients(cnn: VGG, pieces: Tensor, weight: Tensor) -> dict[str, Tensor]:
    """Give the gradients of a weighted sum of the vectors of some pieces."""
    cnn.zero_grad()
    (forward(cnn, pieces) * weight).sum().backward()
    return {name: p.grad.double() for name, p in cnn.named_parameters() if p.grad is not None}


def forward(cnn: VGG, pieces: Tensor) -> Tensor:
    """Compute as the CNN does, in the layout of the pieces and of its weights."""
    return cnn.project(cnn.blocks(cnn.stem(pieces)).flatten(1))


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
    pieces = (torch.randn(PIECES, 1, 128, 32, generator=generator) * 4).exp()
    weight = torch.randn(PIECES, 64, generator=generator)
    exact = gradients(made(torch.contiguous_format, torch.float64), pieces.double(), weight)
    floor = 1e-5 * max(gradient.norm() for gradient in exact.values())
    cnns, inputs = {}, {}
    for name, layout in LAYOUTS.items():
        cnns[name] = made(layout, torch.float32)
        inputs[name] = pieces.contiguous(memory_format=layout)
        found = gradients(cnns[name], inputs[name], weight)
        errors = [
            abs(float(found[n].norm() / g.norm()) - 1) for n, g in exact.items() if g.norm() > floor
        ]
        lines.append(f"* {name}: largest error of a gradient's norm {max(errors):.1e}")
    ratios: dict[str, list[float]] = {"training step": [], "answer": []}
    for turn in range(ROUNDS + 1):
        step, answer = [], []
        for name, cnn in cnns.items():
            step.append(seconds(partial(gradients, cnn.train(), inputs[name], weight)))
            with torch.no_grad():
                answer.append(seconds(partial(forward, cnn.eval(), inputs[name])))
        if turn:  # the first warms up
            ratios["training step"].append(step[0] / step[1])
            ratios["answer"].append(answer[0] / answer[1])
    for what, each in ratios.items():
        lines.append(f"* {what}: channels last is {median(each):.2f} times as fast")
    lines += ["", f"{PIECES} pieces of sound, {ROUNDS} rounds, {torch.get_num_threads()} threads."]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
