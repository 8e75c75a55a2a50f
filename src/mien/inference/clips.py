"""The input of a recognizer: a clip in one of many forms, and what is said in it."""

from collections.abc import Collection, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from mien.dataset.sample import from_clip, from_media
from mien.dataset.turn_media import DecodeOptions
from mien.errors import MienError
from mien.features.extractor import Extractor
from mien.files import check_file
from mien.inference.segments import Recording, seconds_of, segments_of
from mien.media.faces import FaceCropper
from mien.media.transcript import Cue, Transcript, cut_to_length, read_transcript
from mien.modality import Modality
from mien.silence import is_audible
from mien.utterance import Clip, Media, MediaBytes, Sample, SpeakerReference, Utterance

ClipLike = str | Path | bytes | MediaBytes | tuple[Any, int] | Clip | Sample
"""A path; bytes of a media file; a waveform with its sample rate; or what is decoded already."""

SpeakerReferences = SpeakerReference | Iterable[SpeakerReference | None] | None
"""One reference for several clips, or one for each."""

NAMES = {Modality.TEXT: "text", Modality.VIDEO: "faces", Modality.AUDIO: "audio"}


def is_one(clip: object) -> bool:
    """Tell whether an iterable is one clip; an array counts as one, to be refused as such."""
    return isinstance(clip, str | bytes | bytearray | tuple) or hasattr(clip, "__array__")


@dataclass(frozen=True)
class Request:
    """A clip, what is said in it (as text or as a file), and its name in messages."""

    clip: ClipLike | None = None
    text: str | None = None
    transcript: str | Path | None = None
    name: str | None = None
    reference: SpeakerReference | None = None

    @property
    def source(self) -> str:
        """Name of the clip."""
        if self.name is not None:
            return self.name
        if isinstance(self.clip, Sample):
            return self.clip.utterance.id
        if isinstance(self.clip, str | Path | MediaBytes):
            return str(self.clip)
        return "text alone" if self.clip is None else "clip"


def requests(
    clips: Iterable[ClipLike | None],
    text: Sequence[str | None] | None = None,
    transcript: Sequence[str | Path | None] | None = None,
    name: Sequence[str | None] | None = None,
    reference: SpeakerReferences = None,
) -> Iterator[Request]:
    """Pair several clips with their texts, transcripts, names and references.

    Raises
    ------
    MienError
        There are not as many of these as clips.
    """
    given = {"text": text, "transcript": transcript, "name": name}
    for what, values in given.items():
        if values is None:
            continue
        if isinstance(values, str | Path) or (
            isinstance(clips, Sized) and len(values) != len(clips)
        ):
            raise MienError(
                f"{what}: give a list with one entry for each clip, None for a clip without"
            )
    many: list[Iterable[Any]] = [repeat(None) if v is None else v for v in given.values()]
    if reference is None or isinstance(reference, SpeakerReference):
        reference = repeat(reference)
    columns = [iter(values) for values in (*many, reference)]
    for number, clip in enumerate(clips):
        try:
            row: list[Any] = [next(column) for column in columns]
        except StopIteration:
            raise MienError(
                f"there are more clips than texts, transcripts, names or references: {number}"
            ) from None
        yield Request(clip, *row)


class ClipReader:
    """Decodes clips, and cuts them into segments as a model takes them as input.

    Parameters
    ----------
    modalities : iterable of Modality
        The modalities of the model.
    options : DecodeOptions
        How often a frame is taken, and how much of a clip is used.
    extractor : Extractor or None
        Extracts hand-crafted features, for a model that uses these.
    allowed : collection of Modality
        Use only these of the model's modalities.
    """

    def __init__(
        self,
        modalities: Iterable[Modality],
        options: DecodeOptions,
        extractor: Extractor | None,
        allowed: Collection[Modality] = tuple(Modality),
    ) -> None:
        self.of_model = tuple(modalities)
        self.modalities = tuple(m for m in self.of_model if m in allowed)
        self.options, self.extractor = options, extractor
        self._cropper: FaceCropper | None = None
        self._making = Lock()

    @property
    def cropper(self) -> FaceCropper:
        """The face detector, loaded when the first frame comes."""
        with self._making:
            self._cropper = self._cropper or FaceCropper()
        return self._cropper

    def read(self, request: Request) -> Recording:
        """Decode a clip and cut it into segments.

        Raises
        ------
        MienError
            It can't be read, or has none of the modalities that the model uses.
        """
        transcript = _transcript(request)
        sample, warnings = self._sample(request, " ".join(cue.text for cue in transcript.cues))
        sample = replace(sample, reference=request.reference)
        cues, unused = cut_to_length(transcript, seconds_of(sample))
        cuts = [
            (start, end, self._with_features(_without_silence(cut)))
            for start, end, cut in segments_of(sample, cues)
        ]
        segments = [segment for segment in cuts if self.used([segment[2]])]
        warnings = [*unused, *warnings, *self._not_extracted(sample)]
        warnings += [
            f"no prediction from {start:.1f} to {end:.1f} s: this segment has nothing that the"
            " model uses"
            for start, end, cut in cuts
            if segments and not self.used([cut])
        ]
        if not segments:
            needs = " or ".join(NAMES[m] for m in Modality if m in self.of_model)
            reasons = f" ({'; '.join(warnings)})" if warnings else ""
            raise MienError(f"{request.source}: the model uses {needs}, and there is none{reasons}")
        return Recording(request.source, sample, segments, warnings)

    def used(self, samples: Sequence[Sample]) -> list[Modality]:
        """List the modalities that the samples have and the model takes as input."""
        present = [s.modalities if self.extractor is None else s.features for s in samples]
        letters = {letter for of_one in present for letter in of_one}
        return [m for m in Modality if m.letter in letters and m in self.modalities]

    def only_used(self, sample: Sample) -> Sample:
        """Leave the modalities that are not used out of a sample."""
        unused = [m for m in Modality if m not in self.modalities]
        if Modality.TEXT in unused and sample.text is not None:
            sample = replace(sample, utterance=replace(sample.utterance, text=None))
        if Modality.AUDIO in unused and sample.waveform is not None:
            sample = replace(sample, waveform=None)
        if Modality.VIDEO in unused and sample.faces is not None:
            sample = replace(sample, faces=None, face_times=None, face_found=None)
        kept = {m: f for m, f in sample.features.items() if Modality.of(m) not in unused}
        return sample if len(kept) == len(sample.features) else replace(sample, features=kept)

    def _sample(self, request: Request, text: str) -> tuple[Sample, list[str]]:
        """Decode a clip into a sample, with warnings about what could not be used."""
        clip, name = request.clip, request.source
        if isinstance(clip, Sample):
            return clip, []
        if clip is None:
            return Sample(utterance=Utterance(id="text", corpus="clip", text=text)), []
        if isinstance(clip, tuple) or hasattr(clip, "__array__"):
            clip = clip_of(clip, name)
        if isinstance(clip, Clip):
            if text:
                clip = replace(clip, text=text)
            shortened, notes = _limited(clip, self.options.max_seconds)
            # without frames no detector is needed, whose import takes a second
            cropper: Any = None if clip.frames is None else self.cropper
            sample, more = from_clip(shortened, cropper, self.options, name)
            return sample, [*notes, *more]
        media = _media(clip, name)
        return from_media(media, lambda: self.cropper, self.options, media.name, text)

    def _with_features(self, sample: Sample) -> Sample:
        """Add the features that the model uses, unless the sample has its own."""
        if self.extractor is None or sample.features:
            return sample
        return replace(sample, features=self.extractor(sample))

    def _not_extracted(self, sample: Sample) -> list[str]:
        """Warn of modalities whose features came from files, so that none can be extracted."""
        if self.extractor is None or sample.features:
            return []
        lost = [m for m in self.modalities if m.letter in sample.modalities]
        return [
            f"{NAMES[m]} left out: training read the features from files"
            f" ({self.extractor.sources[m.letter]}), and mien can't extract these from a clip"
            for m in lost
            if m.letter not in self.extractor.modalities
        ]


def _transcript(request: Request) -> Transcript:
    if request.text is not None and request.transcript is not None:
        raise MienError("give either the text or a transcript file, not both")
    if request.transcript:
        return read_transcript(request.transcript)
    return Transcript([Cue(request.text)] if request.text else [], [])


def _media(clip: Any, name: str) -> Media:
    """Return the media file of a path or of bytes. Raises `MienError` if there is none."""
    if isinstance(clip, bytes | bytearray | memoryview):
        return MediaBytes(bytes(clip), name)
    if isinstance(clip, MediaBytes):
        return clip
    if not isinstance(clip, str | Path):
        raise MienError(
            f"{name}: a {type(clip).__name__} is no clip: give a path, the bytes of a file,"
            " (waveform, sample rate) or a Clip"
        )
    path = Path(clip)
    check_file(path)
    return path


def clip_of(pair: Any, name: str = "clip") -> Clip:
    """Make a clip of a waveform and its sample rate.

    Parameters
    ----------
    pair : (array (S,) or (S, C), int)
        Audio as floating point in [-1, 1] or signed integers of any width, and its sample rate in
        Hz. The channels are averaged.
    name : str
        Name of the clip in messages.

    Raises
    ------
    MienError
        It is no such pair, or has numbers that are not finite.

    Examples
    --------
    >>> clip_of((np.full((16_000, 2), 16_384, np.int16), 16_000)).waveform[:2]
    array([0.5, 0.5], dtype=float32)
    """
    if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[1], int | np.integer):
        raise MienError(f"{name}: audio in memory is a pair (waveform, sample rate)")
    wave, rate = np.asarray(pair[0]), int(pair[1])
    if wave.ndim not in (1, 2) or wave.dtype.kind not in "fi" or rate < 1:
        raise MienError(
            f"{name}: a waveform has the shape (samples,) or (samples, channels), of floating point"
            f" or signed integers, and a sample rate above 0; not {wave.shape} of {wave.dtype} at"
            f" {rate} Hz"
        )
    scale = 1.0 if wave.dtype.kind == "f" else 2.0 ** (8 * wave.dtype.itemsize - 1)
    wave = wave.astype(np.float32) / np.float32(scale)
    if not np.isfinite(wave).all():
        raise MienError(f"{name}: the waveform has numbers that are not finite")
    return Clip(waveform=wave.mean(axis=1) if wave.ndim == 2 else wave, rate=rate)


def _limited(clip: Clip, seconds: float) -> tuple[Clip, list[str]]:
    """Cut a clip to its first seconds, with a warning if it is longer."""
    wave, rate, times, frames = clip.waveform, clip.rate or 0, clip.times, clip.frames
    long = wave is not None and len(wave) > seconds * rate > 0
    late = None if times is None else times - times[:1] >= seconds
    if not long and (late is None or not late.any()):
        return clip, []
    if wave is not None and long:
        wave = wave[: round(seconds * rate)]
    if late is not None and frames is not None and times is not None:
        frames, times = frames[~late], times[~late]
    note = f"longer than {seconds:g} s: only its beginning is used"
    return replace(clip, waveform=wave, frames=frames, times=times), [note]


def _without_silence(sample: Sample) -> Sample:
    """Leave out the audio of a segment that is silent throughout."""
    if sample.waveform is None or is_audible(sample.waveform):
        return sample
    return replace(sample, waveform=None)
