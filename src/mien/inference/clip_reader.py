"""Decodes clips, and cuts them into segments as a model takes them as input."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from mien.dataset.sample import from_clip, from_media
from mien.dataset.turn_media import DecodeOptions
from mien.errors import MienError
from mien.features.extractor import Extractor
from mien.inference.clips import NAMES, Request, clip_of, limited, media_of
from mien.inference.reason import Reason, distinct
from mien.inference.screening import Screening, silence_of
from mien.inference.segments import (
    Recording,
    Refused,
    face_counts,
    seconds_of,
    segments_of,
    without,
)
from mien.media.faces import FaceCropper
from mien.media.transcript import Cue, Transcript, cut_to_length, read_transcript
from mien.modality import Modality
from mien.silence import is_audible
from mien.utterance import (
    Clip,
    Sample,
    Skipped,
    Utterance,
)


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

    def read(self, request: Request, screening: Screening | None = None) -> Recording:
        """Decode a clip and cut it into segments.

        Parameters
        ----------
        request : Request
            The clip.
        screening : Screening, optional
            Leaves out what does not meet its rules (default: all is used that there is).

        Raises
        ------
        MienError
            It can't be read, or has none of the modalities that the model uses.
        """
        transcript = _transcript(request)
        text = " ".join(cue.text for cue in transcript.cues if cue.text)
        sample, skipped = self._sample(request, text)
        sample = replace(sample, reference=request.reference)
        transcript = cut_to_length(transcript, seconds_of(sample))
        language = transcript.language
        warnings = [item.reason for item in skipped]
        warnings = [*transcript.notes, *warnings, *self._not_extracted(sample)]
        recording = Recording(request.source, sample, [], warnings)
        empty = []
        for start, end, cut in segments_of(sample, transcript.cues):
            kept, reasons = self.screened(cut, sample.text, skipped, screening, language)
            if self.used([kept]):
                recording.segments.append((start, end, kept))
                recording.warnings.extend(_left_out(cut, reasons, (start, end), sample))
            elif reasons:
                recording.refused.append(Refused(start, end, cut, reasons))
            else:
                empty.append((start, end))
        if not recording.segments and not recording.refused:
            raise self._nothing(recording)
        recording.warnings.extend(
            f"no prediction from {start:.1f} to {end:.1f} s: this segment has nothing that the"
            " model uses"
            for start, end in empty
        )
        return recording

    def screened(
        self,
        cut: Sample,
        whole_text: str | None,
        skipped: Sequence[Skipped],
        screening: Screening | None,
        language: str | None = None,
    ) -> tuple[Sample, list[Reason]]:
        """Leave out of a segment what can't be used; second, why, for what the model uses.

        Parameters
        ----------
        cut : Sample
            The segment.
        whole_text : str or None
            The text of all segments.
        skipped : sequence of Skipped
            What was left out as the clip was decoded.
        screening : Screening or None
            The rules; None: all is used that there is, but for silence.
        language : str, optional
            Code of the language that is heard, where that was told.
        """
        reasons: list[Reason] = []
        if screening is not None:
            used = self.only_used(cut)
            found = [*silence_of(skipped), *screening(used, whole_text, language)]
            reasons = distinct(reason for reason in found if reason.modality in self.modalities)
        kept = without(cut, {reason.modality for reason in reasons})
        return self._with_features(_without_silence(kept)), reasons

    def _nothing(self, recording: Recording) -> MienError:
        """Say that a clip has nothing that the model uses, and what it has."""
        needs = " or ".join(NAMES[m] for m in Modality if m in self.of_model)
        reasons = f" ({'; '.join(recording.warnings)})" if recording.warnings else ""
        has = _content(recording.sample, self.of_model)
        unused = f"; it has {has}, which this model does not use: choose one that does"
        return MienError(
            f"{recording.source}: the model uses {needs}, and there is none{reasons}"
            f"{unused if has else ''}"
        )

    def used(self, samples: Sequence[Sample]) -> list[Modality]:
        """List the modalities that the samples have and the model takes as input."""
        present = [s.modalities if self.extractor is None else s.features for s in samples]
        letters = {letter for of_one in present for letter in of_one}
        return [m for m in Modality if m.letter in letters and m in self.modalities]

    def only_used(self, sample: Sample) -> Sample:
        """Leave the modalities that are not used out of a sample."""
        return without(sample, {m for m in Modality if m not in self.modalities})

    def _sample(self, request: Request, text: str) -> tuple[Sample, list[Skipped]]:
        """Decode a clip into a sample; second, what of it could not be used."""
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
            shortened, notes = limited(clip, self.options.max_seconds)
            # without frames no detector is needed, whose import takes a second
            cropper: Any = None if clip.frames is None else self.cropper
            sample, more = from_clip(shortened, cropper, self.options, name)
            return sample, [*notes, *more]
        media = media_of(clip, name)
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
        raise MienError("give either the text or a transcript, not both")
    if isinstance(request.transcript, Transcript):
        return request.transcript
    if request.transcript:
        return read_transcript(request.transcript)
    return Transcript([Cue(request.text)] if request.text else [], [])


def _content(sample: Sample, used: Collection[Modality]) -> str:
    """Name what a clip has of the modalities that are not used, whether or not it shows a face."""
    names = [NAMES[m] for m in (Modality.TEXT, Modality.AUDIO) if m.letter in sample.modalities]
    searched, _ = face_counts(sample)
    if searched and Modality.VIDEO not in used:
        names.append("an image" if searched == 1 and not names else "video")
    return " and ".join(names)


def _left_out(
    cut: Sample, reasons: Iterable[Reason], span: tuple[float, float], whole: Sample
) -> list[str]:
    """Warn of what a segment has that is not used."""
    where = "" if span == (0, seconds_of(whole)) else f" from {span[0]:.1f} to {span[1]:.1f} s"
    return [
        f"{NAMES[reason.modality]} left out{where}: {reason}"
        for reason in reasons
        if reason.modality is not None and reason.modality.letter in cut.modalities
    ]


def _without_silence(sample: Sample) -> Sample:
    """Leave out the audio of a segment that is silent throughout."""
    if sample.waveform is None or is_audible(sample.waveform):
        return sample
    return replace(sample, waveform=None)
