"""One training step of dense MME2E at the published sizes: mien's, and the published way.

The two ways take turns, each in a process of its own, so that neither finds memory that the other
has prepared. Each begins from the same weights; before any timing, their first steps are compared.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm
from transformers import AlbertConfig

from mien.batch import Batch, Ragged
from mien.dataset.batch_sampler import SHUFFLE_WINDOW, BucketSampler
from mien.errors import MienError
from mien.files import write_text
from mien.media.decode import read_frames
from mien.media.faces import PUBLISHED_FACE_SIZE, FaceCropper
from mien.modality import Modality
from mien.models import MultimodalModel, preset
from mien.models.encoders.cnn import CNNEncoder
from mien.models.encoders.media_settings import CNNSettings
from mien.models.encoders.text import TextEncoder
from mien.models.encoders.vgg import VGG, VGGBlock
from mien.training.memory import keep_freed_memory

WAYS = ("ours", "published")
TEXT, AUDIO, VIDEO = Modality
UTTERANCES, EACH, LABELS = 8, 8, 6  # a batch; faces and chunks of an utterance; emotions
WARM_UP, PAIRS = 2, 7
TOLERANCE = 1e-4
PADDED, SIDE = 100, 224  # tokens of a text and pixels of a frame, the published way
LR, TEXT_LR = 5e-5, 5e-6
GRID = Path(__file__).resolve().parents[2] / "shared/data/grid"

PARTS = {
    "detector": "face detector",
    "text": "text, forward and backward",
    "faces": "CNN of faces, forward and backward",
    "chunks": "CNN of audio, forward and backward",
    "rest": "rest: temporal encoders, heads, loss, Adam",
}

# base v2; layers, embedding, vocabulary, activation and dropout are the class's defaults
ALBERT = AlbertConfig(hidden_size=768, num_attention_heads=12, intermediate_size=3072)


class PublishedVGG(VGG):
    """The same CNN in the published order, ReLU before pooling, each channel on its own."""

    def forward(self, x: Tensor) -> Tensor:
        """Turn images (N, C, H, W) into vectors (N, dim)."""
        x = F.max_pool2d(F.relu(self.stem.norm(self.stem.conv(x))), 2)
        for block in self.blocks:
            assert isinstance(block, VGGBlock)
            x = F.relu(block.norm1(block.conv1(x)), inplace=True)
            x = F.relu(block.norm2(block.conv2(x)), inplace=True)
            x = F.max_pool2d(x, 2) if block.pool else x
        return self.project(x.flatten(1))


class Clock:
    """Seconds spent in each part of a step."""

    def start(self) -> None:
        """Begin a step, in its rest."""
        self.spent = dict.fromkeys(PARTS, 0.0)
        self.part, self.since = "rest", time.perf_counter()

    def switch(self, part: str) -> None:
        """Charge the time since the last switch to the part that ends, and begin another."""
        now = time.perf_counter()
        self.spent[self.part] += now - self.since
        self.part, self.since = part, now

    def watch(self, model: MultimodalModel) -> None:
        """Switch as the model enters and leaves its parts, forward and backward."""
        video, audio = media(model)
        parts = {"text": model.encoders["text"], "faces": video.cnn, "chunks": audio.cnn}
        for part, module in parts.items():
            module.register_forward_pre_hook(lambda *_, part=part: self.switch(part))
            module.register_forward_hook(lambda *_: self.switch("rest"))
            module.register_full_backward_pre_hook(lambda *_, part=part: self.switch(part))
        # gradients flow through audio, then faces, then text: these two end the CNNs' shares
        for module in (video.temporal, audio.temporal):
            module.register_full_backward_pre_hook(lambda *_: self.switch("rest"))


class Trainer:
    """A model, its batch and its optimiser; `way` is one of WAYS."""

    def __init__(self, way: str) -> None:
        torch.manual_seed(0)
        self.frames, self.cropper = frames()[0], FaceCropper()
        self.batch = batch(crops(self.frames, self.cropper))
        config = preset(audio_spectrogram="published", dropout=0)
        self.model = MultimodalModel(config, {"emotion": LABELS}, ALBERT).train()
        self.published = way == "published"
        if self.published:
            publish(self.model)
        else:
            keep_freed_memory()
        weight = torch.linspace(2, 20, LABELS)  # negatives / positives, rare labels
        self.criterion = torch.nn.BCEWithLogitsLoss(pos_weight=weight)
        self.optimizer = torch.optim.Adam(groups(self.model))
        self.clock = Clock()
        self.clock.watch(self.model)

    def step(self) -> dict[str, Any]:
        """Train on the batch once; give the seconds of each part, and the numbers computed."""
        self.clock.start()
        batch = self.batch
        if self.published:
            self.clock.switch("detector")
            faces = replace(batch.inputs[VIDEO], values=crops(self.frames, self.cropper))
            batch = replace(batch, inputs={**batch.inputs, VIDEO: faces})
            self.clock.switch("rest")
        self.optimizer.zero_grad()
        logits = self.model(batch).logits["emotion"]
        loss = self.criterion(logits, batch.targets["emotion"])
        loss.backward()
        self.clock.switch("rest")
        self.optimizer.step()
        self.clock.switch("rest")
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        numbers = {"logits": logits, "loss": loss, "norm of the gradient": norm}
        return {
            "spent": self.clock.spent,
            "numbers": {kind: number.flatten().tolist() for kind, number in numbers.items()},
        }


def media(model: MultimodalModel) -> tuple[CNNEncoder, CNNEncoder]:
    """Give the encoders of video and of audio."""
    video, audio = model.encoders["video"], model.encoders["audio"]
    assert isinstance(video, CNNEncoder)
    assert isinstance(audio, CNNEncoder)
    return video, audio


class PublishedText(TextEncoder):
    """Pads each text to the same length."""

    def forward(self, ragged: Ragged, guide: Tensor | None = None) -> tuple[Tensor, None]:
        """Encode token ids."""
        tokens = pad_sequence(list(ragged.split()), batch_first=True)
        tokens = F.pad(tokens, (0, PADDED - tokens.shape[1]))
        mask = (torch.arange(PADDED) < ragged.counts[:, None]).long()
        states = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        return states[:, 0], None


def publish(model: MultimodalModel) -> None:
    """Put the published order of work in place of the model's encoders, with the same weights."""
    text = PublishedText(ALBERT)
    text.load_state_dict(model.encoders["text"].state_dict())
    model.encoders["text"] = text
    for encoder, channels, positions in zip(media(model), (3, 1), (3 * 3, 8 * 2), strict=True):
        settings = model.config.encoders[VIDEO]  # of both
        assert isinstance(settings, CNNSettings)
        cnn = PublishedVGG(settings, channels, positions)
        cnn.load_state_dict(encoder.cnn.state_dict())
        convert_conv2d_weight_memory_format(cnn, torch.contiguous_format)
        encoder.cnn = cnn


def groups(model: MultimodalModel) -> list[dict[str, Any]]:
    """Give the parameter groups: text encoder and text head learn at a tenth of the rate."""
    text = [p for name, p in model.named_parameters() if ".text." in name]
    rest = [p for name, p in model.named_parameters() if ".text." not in name]
    return [{"params": rest, "lr": LR}, {"params": text, "lr": TEXT_LR}]


def frames() -> tuple[list[np.ndarray], str]:
    """Read 64 frames of real recordings, 224 x 224, and say what they are; or make noise."""
    images: list[np.ndarray] = []
    for clip in sorted(GRID.glob("*.mpg")):
        for _, _, frame in read_frames(clip, [(0, None)]):
            height, width = frame.shape[:2]
            left = (width - height) // 2
            square = frame[:, left : left + height]
            images.append(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    wanted = UTTERANCES * EACH
    if len(images) >= wanted:
        return images[:wanted], "of the GRID corpus, a face in each"
    noise = np.random.default_rng(0).integers(0, 256, (wanted, SIDE, SIDE, 3), dtype=np.uint8)
    return list(noise), "of noise, in which the detector has less to do"


def crops(images: Sequence[np.ndarray], cropper: FaceCropper) -> Tensor:
    """Detect and cut out the faces: (N, 3, 48, 48) uint8."""
    faces = np.stack([cropper.crop(image, PUBLISHED_FACE_SIZE).pixels for image in images])
    return torch.from_numpy(faces).permute(0, 3, 1, 2)


def text_lengths() -> list[int]:
    """Tokens of each text of a typical batch, as the loader forms them from texts like IEMOCAP's.

    Of the batches of one shuffling window the one whose padded size is nearest to their mean.
    """
    drawn = np.random.default_rng(0).gamma(2, 6, UTTERANCES * SHUFFLE_WINDOW) + 3
    lengths = np.clip(drawn.round().astype(int), 3, 40)
    batches = [
        lengths[rows] for rows in BucketSampler(lengths.tolist(), UTTERANCES, seed=0).batches()
    ]
    longest = [max(b) for b in batches]
    return batches[int(np.abs(np.array(longest) - np.mean(longest)).argmin())].tolist()


def batch(faces: Tensor) -> Batch:
    """Lay out the batch: given faces, random tokens, audio and labels."""
    lengths = torch.tensor(text_lengths())
    counts = torch.full((UTTERANCES,), EACH)
    return Batch(
        inputs={
            TEXT: Ragged(torch.randint(5, ALBERT.vocab_size, (int(lengths.sum()),)), lengths),
            VIDEO: Ragged(faces, counts),
            AUDIO: Ragged(torch.rand(UTTERANCES * EACH, 1, 128, 32), counts),
        },
        targets={"emotion": torch.randint(0, 2, (UTTERANCES, LABELS)).float()},
    )


class Worker:
    """The process of one way."""

    def __init__(self, way: str, stack: ExitStack) -> None:
        command = [sys.executable, str(Path(__file__).resolve()), way]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.way, self.process = way, stack.enter_context(process)

    def step(self) -> dict[str, Any]:
        """Have one step done and give what `Trainer.step` returns."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print("step", file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise MienError(f"the process of the {self.way} step ended; see its message above")
        return json.loads(line)


def compare(ours: dict[str, list[float]], published: dict[str, list[float]]) -> dict[str, float]:
    """Give the largest difference of each kind of number, relative to the largest number."""
    apart = {}
    for kind, theirs in published.items():
        a, b = np.array(ours[kind]), np.array(theirs)
        apart[kind] = float(np.abs(a - b).max() / np.abs(b).max())
        if not apart[kind] < TOLERANCE:
            raise MienError(f"the two steps do not agree: {kind} {apart[kind]:.1e} apart")
    return apart


def measure() -> dict[str, Any]:
    """Compare the two ways' first steps, then time them in turns."""
    load = os.getloadavg()[0]
    spent: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        workers = {way: Worker(way, stack) for way in WAYS}
        numbers = {way: worker.step()["numbers"] for way, worker in workers.items()}
        apart = compare(**numbers)
        bar = tqdm(range(WARM_UP + PAIRS), desc="pairs of steps", unit="pair")
        for pair in bar:
            steps = {way: worker.step()["spent"] for way, worker in workers.items()}
            if pair >= WARM_UP:
                for way in WAYS:
                    spent[way].append(steps[way])
                bar.set_postfix_str(f"published / ours {ratios(spent)[-1]:.2f}")
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load": round(load, 1),
        "frames": frames()[1],
        "tokens": text_lengths(),
        "apart": apart,
        "seconds": spent,
        "ratios": ratios(spent),
    }


def ratios(spent: dict[str, list[dict[str, float]]]) -> list[float]:
    """Divide the published way's seconds by ours, pair by pair."""
    ours, published = ([sum(step.values()) for step in spent[way]] for way in WAYS)
    return [b / a for a, b in zip(ours, published, strict=True)]


HEADING = f"""# One training step

Dense MME2E at the published sizes in float32: {UTTERANCES} utterances, each of {EACH} faces and
{EACH} spectrogram chunks, ALBERT base v2, {LABELS} labels, Adam with the text at a tenth of the
rate.

The published way finds the faces inside the step, pads text to {PADDED} tokens, keeps the CNNs'
channels apart, and pools after ReLU. mien finds the faces once, when it prepares the data, pads
text to the longest of the batch, lays channels side by side, pools before ReLU, and keeps the
memory that a step frees for the next one. All else is the same.

| part | published way, s | mien, s | ratio |
|---|---:|---:|---:|
"""


def table(result: dict[str, Any]) -> str:
    """Write the result as a page."""
    steps = [result["seconds"][way] for way in WAYS]
    lines = []
    for part, name in PARTS.items():
        ours, published = (statistics.median(s[part] for s in way) for way in steps)
        ratio = f"{published / ours:.2f}" if ours else "–"
        lines.append(f"| {name} | {published:.2f} | {ours:.2f} | {ratio} |")
    ours, published = (statistics.median(sum(s.values()) for s in way) for way in steps)
    pairs = result["ratios"]
    whole = f"**{statistics.median(pairs):.2f}** ({min(pairs):.2f} to {max(pairs):.2f})"
    lines.append(f"| **whole step** | **{published:.2f}** | **{ours:.2f}** | {whole} |")
    return HEADING + "\n".join(lines) + "\n\n" + notes(result) + "\n"


def notes(result: dict[str, Any]) -> str:
    """Say under which conditions, and how far the numbers of the two ways are apart."""
    apart = ", ".join(f"{kind} {error:.0e}" for kind, error in result["apart"].items())
    lines = (
        f"Medians of {len(result['ratios'])} steps each, in turns; the ratio of the whole step is"
        " taken pair by pair: median, least and greatest.",
        f"Same numbers: in the first step, from the same weights, the two differ by: {apart}"
        " (relative).",
        "Machine: {cores} cores ({architecture}), {threads} threads, torch {torch}; load before"
        " the run {load}.".format_map(result),
        f"Tokens of the texts: {', '.join(map(str, result['tokens']))}. It is a typical batch of"
        " mien's loader, which puts texts of like length together, out of lengths like IEMOCAP's:"
        " 15 on average, 40 at most.",
        f"Frames: {UTTERANCES * EACH} {result['frames']}, {SIDE} × {SIDE}. The detector is the one"
        " that mien prepares data with (MTCNN run by OpenCV).",
    )
    return "\n".join(f"* {line}" for line in lines)


def main() -> None:
    """Measure, print the table and write it beside this file."""
    result = measure()
    page = table(result)
    print(page)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), page)


def serve(way: str) -> None:
    """Do one step for each line of standard input."""
    # the CNNs' inputs are data, so only the beginning of their backward is marked: as meant
    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    trainer = Trainer(way)
    for _ in sys.stdin:
        print(json.dumps(trainer.step()), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] in [[way] for way in WAYS]:
        serve(sys.argv[1])
    else:
        main()
