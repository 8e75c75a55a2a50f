"""Sparse MME2E against the fastest dense one: time and multiply-adds by threshold.

Each model takes turns with the dense one in one process, so that whatever else the machine does
meets both alike, and each time is divided by that of the same round. Where there is a GPU, it is
measured there, and written to sparse_cuda.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format
from tqdm import tqdm
from transformers import AlbertConfig

from mien.batch import Batch, Ragged
from mien.dataset.collate import collate
from mien.dataset.sample import to_sample
from mien.errors import MienError
from mien.files import atomic_write, write_text
from mien.media.faces import FaceCropper
from mien.modality import Modality
from mien.models import MultimodalModel, preset
from mien.models.encoders.cnn import CNNEncoder
from mien.models.encoders.sparse_vgg import SparseBlock, SparseVGG
from mien.models.layers.submanifold import TAPS, Sites, gathering_pays
from mien.training.memory import keep_freed_memory
from mien.utterance import Utterance

GRID = Path(__file__).resolve().parents[2] / "shared/data/grid"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
UTTERANCES, TOKENS, LABELS = 11, 15, 6
ROUNDS, WARM_UP = 7, 2
DENSE = ("dense", "dense, channels apart")
MEASURES = {
    "cnn_infer": "CNN, inference",
    "cnn_train": "CNN, training",
    "step_infer": "model, inference",
    "step_train": "model, training step",
}
# base v2; layers, embedding, vocabulary, activation and dropout are the class's defaults
ALBERT = AlbertConfig(hidden_size=768, num_attention_heads=12, intermediate_size=3072)


@dataclass(frozen=True)
class Variant:
    """A row of the table; `share`: keep this share of each map, whatever its attention's mass."""

    name: str
    settings: dict[str, Any]
    share: float | None = None


def sparse(**settings: Any) -> dict[str, Any]:
    """Give the settings of a sparse model."""
    return {"name": "mme2e-sparse"} | settings


VARIANTS = (
    *(Variant(name, {}) for name in DENSE),
    *(Variant(f"p = .{i}", sparse(sparse_threshold=i / 10)) for i in range(1, 10)),
    Variant("30 % of sites", sparse(), 0.3),
    Variant("50 % of sites", sparse(), 0.5),
    Variant("published, p = .5", sparse(sparse_threshold=0.5, attention="published")),
    Variant("published, p = .8", sparse(sparse_threshold=0.8, attention="published")),
    Variant("published, 30 % of sites", sparse(attention="published"), 0.3),
    Variant("published, 50 % of sites", sparse(attention="published"), 0.5),
    Variant("frames, p = .5", sparse(sparsity="frames")),
    Variant("both, p = .5", sparse(sparsity="both")),
)


def largest(share: float) -> Callable[[Tensor, float, Tensor], Tensor]:
    """Choose a share of all sites of a map, the largest of those that are active."""

    def choose(shares: Tensor, _: float, among: Tensor) -> Tensor:
        count = round(share * shares.shape[1])
        order = shares.masked_fill(~among, -1).argsort(dim=1, descending=True)[:, :count]
        return torch.zeros_like(among).scatter(1, order, True) & among

    return choose


def recordings() -> Batch:
    """Read eleven utterances of the GRID corpus: about as much as eight of IEMOCAP."""
    cropper, samples = FaceCropper(), []
    for clip in sorted(GRID.glob("*.mpg"))[:UTTERANCES]:
        sample, _ = to_sample(
            Utterance(id=clip.stem, corpus="grid", video=clip, audio=clip), cropper
        )
        assert sample is not None
        samples.append(sample)
    if len(samples) < UTTERANCES:
        raise MienError(f"this benchmark needs the recordings in {GRID}")
    return collate(samples, preset(modalities="va").readers())


def batch() -> Batch:
    """Add random tokens and labels to the recordings."""
    media = recordings()
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(5, ALBERT.vocab_size, (UTTERANCES * TOKENS,), generator=generator)
    text = Ragged(tokens, torch.full((UTTERANCES,), TOKENS))
    return Batch(
        inputs={Modality.TEXT: text, **media.inputs},
        targets={"emotion": torch.randint(0, 2, (UTTERANCES, LABELS), generator=generator).float()},
    ).to(DEVICE)


class Racer:
    """A model that takes its turns."""

    def __init__(self, variant: Variant, batch: Batch) -> None:
        torch.manual_seed(0)
        self.variant, self.batch = variant, batch
        model = MultimodalModel(preset(**variant.settings), {"emotion": LABELS}, ALBERT)
        self.model = model.to(DEVICE)
        if variant.name == DENSE[1]:
            convert_conv2d_weight_memory_format(self.model, torch.contiguous_format)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0)
        self.text = torch.randn(UTTERANCES, ALBERT.hidden_size, device=DEVICE)
        self.images = {
            m: (self.model.encoders[m].images(given.values).detach(), given.counts)
            for m, given in batch.inputs.items()
            if m is not Modality.TEXT
        }

    @contextmanager
    def choosing(self) -> Iterator[None]:
        """Let the attention keep what this variant says."""
        if self.variant.share is None:
            yield
        else:
            with mock.patch("mien.models.encoders.sparse_vgg.nucleus", largest(self.variant.share)):
                yield

    def cnn(self, modality: Modality) -> Tensor:
        """Run the CNN of faces or of audio."""
        encoder, (images, counts) = self.model.encoders[modality], self.images[modality]
        assert isinstance(encoder, CNNEncoder)
        if isinstance(encoder.cnn, SparseVGG):
            return encoder.cnn(images, counts, self.text)[0]
        if self.variant.name == DENSE[1]:
            return encoder.cnn.project(encoder.cnn.blocks(encoder.cnn.stem(images)).flatten(1))
        return encoder.cnn(images)

    def cnn_infer(self) -> None:
        """Run both CNNs."""
        with torch.inference_mode():
            [self.cnn(modality) for modality in self.images]

    def cnn_train(self) -> None:
        """Run both CNNs forward and backward."""
        for modality in self.images:
            self.cnn(modality).sum().backward()

    def step_infer(self) -> None:
        """Run inference on the batch."""
        with torch.inference_mode():
            self.model(self.batch)

    def step_train(self) -> None:
        """Take a training step; the rate is 0, so that the weights stay fresh."""
        logits = self.model(self.batch).logits["emotion"]
        torch.nn.functional.binary_cross_entropy_with_logits(
            logits, self.batch.targets["emotion"]
        ).backward()
        self.optimizer.step()

    def clock(self, measure: str) -> float:
        """Give the seconds of one turn."""
        self.model.train(measure.endswith("train"))
        self.optimizer.zero_grad()
        with self.choosing():
            wait()
            since = time.perf_counter()
            getattr(self, measure)()
            wait()
            return time.perf_counter() - since


def wait() -> None:
    """Let a GPU end what it was asked to do."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def counted(racer: Racer) -> dict[str, Any]:
    """Count sites kept and multiply-adds, those a sparse convolution needs, in both CNNs.

    Only convolutions count: the two linear layers behind them are the same in all models.
    """
    kept, ways, total, dense = {}, {}, 0, 0
    for modality, (images, _) in racer.images.items():
        stem, rest = dense_products(images)
        dense += stem + rest
        seen, letter = stages(racer, modality), modality.letter
        total += stem + (sum(products(*pair) for pair in seen) if seen else rest)
        kept[letter] = [len(s) / (len(images) * s.mask[0].numel()) for _, s in seen]
        ways[letter] = [way for pair in seen for way in chosen(*pair)]
    return {"multiply_adds": total / dense, "kept": kept, "gathered": ways}


def stages(racer: Racer, modality: Modality) -> list[tuple[SparseBlock, Sites]]:
    """Give the sparse blocks of a CNN, and the sites that each is given."""
    encoder, seen = racer.model.encoders[modality], []
    assert isinstance(encoder, CNNEncoder)
    if not isinstance(encoder.cnn, SparseVGG):
        return []
    hooks = [
        block.register_forward_pre_hook(lambda block, args: seen.append((block, args[1])))
        for block in encoder.cnn.stages
    ]
    with torch.inference_mode(), racer.choosing():
        racer.model.eval()
        racer.cnn(modality)
    for hook in hooks:
        hook.remove()
    return seen


def dense_products(images: Tensor) -> tuple[int, int]:
    """Multiply-adds of the stem and two blocks, which are never sparse, and of the dense rest."""
    sites = len(images) * images[0, 0].numel()
    stem = sites * 25 * images.shape[1] * 64 + sites // 4 * TAPS * 64 * 64 * 4
    return stem, sites // 4 * TAPS * (64 * 128 + 128 * 128) * 3


def products(block: SparseBlock, sites: Sites) -> int:
    """Multiply-adds of a sparse block."""
    weights = (block.conv1.weight, block.conv2.weight)
    return sum(sites.products * weight[0].numel() for weight in weights)


def chosen(block: SparseBlock, sites: Sites) -> list[bool]:
    """Tell which convolutions of a block gather."""
    shapes = (block.conv1.weight.shape[:0:-1], block.conv2.weight.shape[:0:-1])
    return [gathering_pays(sites, *shape) for shape in shapes]


def measure() -> dict[str, Any]:
    """Time all variants in turns."""
    keep_freed_memory()
    load, data = os.getloadavg()[0], batch()
    dense = Racer(VARIANTS[0], data)
    count, seconds = {}, {}
    for variant in tqdm(VARIANTS, desc="models", unit="model"):
        racer = Racer(variant, data)
        seconds[variant.name] = {what: race(racer, dense, what) for what in measures(variant)}
        count[variant.name] = counted(racer)
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if DEVICE.type == "cuda" else None,
        "torch": torch.__version__,
        "load": round(load, 1),
        "faces": len(data.inputs[Modality.VIDEO].values),
        "chunks": len(data.inputs[Modality.AUDIO].values),
        "counted": count,
        "seconds": seconds,
        "ratios": ratios(seconds),
    }


def measures(variant: Variant) -> list[str]:
    """Name what is timed: as a whole, a model puts channels side by side by itself."""
    return [what for what in MEASURES if variant.name != DENSE[1] or what.startswith("cnn")]


def race(racer: Racer, dense: Racer, what: str) -> list[tuple[float, float]]:
    """Give the seconds of a model and of the dense one, turn by turn."""
    turns = [(racer.clock(what), dense.clock(what)) for _ in range(WARM_UP + ROUNDS)]
    return turns[WARM_UP:]


def ratios(
    seconds: dict[str, dict[str, list[tuple[float, float]]]],
) -> dict[str, dict[str, float]]:
    """Divide by the faster of the dense models; medians over the rounds.

    The first row, the dense model timed against itself, shows what is noise.
    """
    medians = {
        name: {what: statistics.median(a / b for a, b in turns) for what, turns in own.items()}
        for name, own in seconds.items()
    }
    best = {what: min(1.0, medians[DENSE[1]].get(what, 1.0)) for what in MEASURES}
    return {
        name: {what: ratio / best[what] for what, ratio in own.items()}
        for name, own in medians.items()
    }


HEADING = """# Sparse against dense

MME2E at the published sizes in float32, fresh weights, a batch of {utterances} utterances of the
GRID corpus: {faces} faces and {chunks} spectrogram chunks, ALBERT base v2. Times as shares of the
fastest dense model's (channels side by side or apart); each model takes turns with the dense one,
and the medians of {rounds} rounds are shown. The first row is the dense model against itself: what
it differs from 1 by is noise. Training is forward and backward, the choice of sites included; the
step also has text, transformers and Adam. Multiply-adds are those that the convolutions of active
sites need, the dense stem included. Sites kept are shares of the whole maps of the three stages.
*Published* is the published attention: it begins at random, so the sites that
it keeps lie more apart, and what it keeps is not weighted.

| | sites kept, faces | sites kept, audio | multiply-adds | {measures} |
|---|---|---|---:|{bars}
"""


def table(result: dict[str, Any]) -> str:
    """Write the result as a page."""
    lines = []
    for name, count in result["counted"].items():
        kept = [" ".join(f"{k:.2f}" for k in count["kept"].get(m, [])) for m in "va"]
        own = result["ratios"][name]
        times = " | ".join(f"{own[what]:.2f}" if what in own else "" for what in MEASURES)
        lines.append(f"| {name} | {kept[0]} | {kept[1]} | {count['multiply_adds']:.2f} | {times} |")
    heading = HEADING.format(
        utterances=UTTERANCES,
        rounds=ROUNDS,
        measures=" | ".join(MEASURES.values()),
        bars="---:|" * len(MEASURES),
        **result,
    )
    machine = (
        "{cores} cores ({architecture}), {threads} threads, torch {torch}; load before the run"
        " {load}."
    ).format_map(result)
    if result["gpu"]:
        machine = f"{result['gpu']}, {machine}"
    rows = "\n".join(lines)
    return f"{heading}{rows}\n\n* Machine: {machine}\n\n![time and multiply-adds]({stem()}.png)\n"


def stem() -> str:
    """Name the files of this device."""
    return Path(__file__).stem + ("_cuda" if DEVICE.type == "cuda" else "")


def plot(result: dict[str, Any], out: Path) -> None:
    """Draw time and multiply-adds over the threshold."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    names = [v.name for v in VARIANTS if v.name.startswith("p = ")]
    mass = [float(name[4:]) for name in names]
    for what, label in MEASURES.items():
        values = [result["ratios"][name][what] for name in names]
        axes.plot(mass, values, marker="o", label=label)
    counts = [result["counted"][name]["multiply_adds"] for name in names]
    axes.plot(mass, counts, "k--", label="multiply-adds of the CNN")
    axes.axhline(1, color="0.6", linewidth=1)
    axes.annotate("fastest dense model", (0.1, 1.01), color="0.4")
    axes.set(xlabel="threshold p", ylabel="share of dense", ylim=(0, None))
    axes.legend(loc="lower right")
    with atomic_write(out) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def main() -> None:
    """Measure, print the table and write it beside this file."""
    result, here = measure(), Path(__file__).resolve().with_name(stem())
    page = table(result)
    print(page)
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), page)
    plot(result, here.with_suffix(".png"))


if __name__ == "__main__":
    main()
