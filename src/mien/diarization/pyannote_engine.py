"""pyannote.audio as the engine of diarization, where its package and its weights are at hand."""

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.diarization.result import Diarization
from mien.diarization.windows import Encoder, cut_cells, embed_windows, speech_regions, unit
from mien.errors import MienError, brief
from mien.hub import fetch_files, fetched_before, hub_errors, list_repository
from mien.turn import SHORT, Mark, Turn
from mien.utterance import SAMPLE_RATE

FILES = ("config.yaml", "*/pytorch_model.bin", "*/*.npz", "*/*.safetensors")
"""What a pipeline is made of: a file that names its parts, and their weights in folders."""

WINDOWS = 200
"""Windows of a voice that are embedded, at most."""

Span = tuple[float, float, str]


class PyannoteDiarizer:
    """Finds who speaks when with a pipeline of pyannote.audio 4.

    It is as `mien.diarization.diarizer.Diarizer`, but speech and overlapped speech are found by the
    pipeline; what lies outside the given turns is left out. The embeddings are by mien's encoder,
    so that they can be compared with voiceprints. The whole waveform is held in memory as float32.

    The package brings torchaudio and torchcodec, and is not among mien's dependencies. This class
    was written by the source of pyannote.audio 4.0.7 and tested with a stand-in for the package
    alone: neither the package nor any of its pipelines was run with it.

    pyannote.audio loads weights by pickle, which can run code: name only what you trust. Its
    reports of use to its makers are turned off.

    Parameters
    ----------
    source : path or str
        A folder with the ``config.yaml`` of a pipeline, or a repository on the Hugging Face Hub,
        such as ``pyannote/speaker-diarization-community-1``, whose owner must grant access. Its
        parts must be in the same place, as those of this one are.
    speakers : int, optional
        How many persons speak (default: it is estimated).
    max_speakers : int
        The most that are estimated.
    encoder : callable, optional
        As for `mien.diarization.diarizer.Diarizer`.

    Raises
    ------
    MienError
        The package is not installed, or the pipeline is not there or can't be loaded.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        speakers: int | None = None,
        max_speakers: int = 10,
        encoder: Encoder | None = None,
    ) -> None:
        os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
        try:
            from pyannote.audio import Pipeline
        except (ImportError, RuntimeError, OSError) as error:
            raise MienError(
                f"pyannote.audio cannot be used ({brief(error)}): install it with `pip install"
                " pyannote.audio`, or take mien's own diarization"
            ) from error
        folder = _folder(source)
        try:
            self.pipeline: Any = Pipeline.from_pretrained(folder)
        except Exception as error:  # its classes and those of the checkpoint raise anything
            raise MienError(
                f"{source} cannot be loaded as a pipeline of pyannote.audio: {brief(error)}"
            ) from error
        if encoder is None:
            from mien.diarization.packaged_encoder import PackagedEncoder

            encoder = PackagedEncoder()
        self.encoder = encoder
        self.number = (
            {"max_speakers": max_speakers} if speakers is None else {"num_speakers": speakers}
        )

    def __call__(self, waveform: np.ndarray, turns: Sequence[Turn]) -> Diarization:
        """Find the speakers as `mien.diarization.result.DiarizationEngine` says."""
        regions = speech_regions(turns, len(waveform))
        if not len(regions):
            return Diarization([], {})
        sound = torch.from_numpy(waveform.astype(np.float32) / np.float32(32768))[None]
        output = self.pipeline({"waveform": sound, "sample_rate": SAMPLE_RATE}, **self.number)
        # older pipelines give the annotation itself
        annotation = getattr(output, "speaker_diarization", output)
        spans = [
            (float(span.start), float(span.end), str(label))
            for span, _, label in annotation.itertracks(yield_label=True)
        ]
        found = _turns(_cropped(spans, regions / SAMPLE_RATE))
        names = dict.fromkeys(str(turn.speaker) for turn in found)
        voices = {name: self._voice(waveform, found, name) for name in names}
        return Diarization(found, {n: voice for n, voice in voices.items() if voice is not None})

    def _voice(self, waveform: np.ndarray, turns: Sequence[Turn], name: str) -> np.ndarray | None:
        """Embed the voice of a speaker, where they speak alone if there is enough of it."""
        own = [turn for turn in turns if turn.speaker == name]
        for some in ([turn for turn in own if turn.mark is None], own):
            windows = cut_cells(speech_regions(some, len(waveform))).windows
            if len(windows):
                even = np.linspace(0, len(windows) - 1, min(WINDOWS, len(windows))).astype(int)
                vectors = embed_windows(self.encoder, waveform, windows[even])
                return np.asarray(unit(vectors.mean(axis=0)))
        return None


def _folder(source: str | Path) -> Path:
    """Find the folder of a pipeline, here or on the hub."""
    folder = Path(source)
    if folder.is_dir():
        if not (folder / "config.yaml").is_file():
            raise MienError(f"{folder} has no config.yaml: it is no pipeline of pyannote.audio")
        return folder
    name, _, revision = str(source).partition("@")
    with hub_errors(f"the pipeline {source} is no folder, and could not be fetched"):
        listed = list_repository(name, revision or None)
        if listed is None:
            return fetched_before(name, revision or None, FILES)
        files = [
            file.rfilename
            for file in listed.siblings
            if any(Path(file.rfilename).match(pattern) for pattern in FILES)
        ]
        return fetch_files(name, revision or None, listed, files)


def _cropped(spans: Sequence[Span], regions: np.ndarray) -> list[Span]:
    """Leave out what lies outside stretches (R, 2) in seconds that do not meet."""
    return sorted(
        (max(start, a), min(end, b), label)
        for start, end, label in spans
        for a, b in regions.tolist()
        if max(start, a) < min(end, b)
    )


def _turns(spans: Sequence[Span]) -> list[Turn]:
    """Cut spans where another one begins or ends, so that those of two at once are alike."""
    names: dict[str, str] = {}
    turns = []
    for a, b in pairwise(sorted({edge for start, end, _ in spans for edge in (start, end)})):
        active = sorted({label for start, end, label in spans if start <= a and b <= end})
        mark: Mark | None = "short" if b - a < SHORT else None
        for label in active:
            name = names.setdefault(label, f"Speaker {len(names) + 1}")
            turns.append(Turn(a, b, name, mark="overlap" if len(active) > 1 else mark))
    return turns
