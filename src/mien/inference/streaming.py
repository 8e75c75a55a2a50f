"""Predictions for a live stream: audio, frames and text come in, an update comes out now and then.

An update is about the last few seconds, the window, which moves on by a fixed step, the hop. Where
computing takes longer than the hop, windows are skipped rather than queued, so that an update is
never about what was said long ago.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from mien.dataset.sample import make_sample
from mien.dataset.turn_media import TurnAudio, select_faces
from mien.errors import MienError
from mien.inference.abstention import Abstention, answer
from mien.inference.clips import NAMES, clip_of
from mien.inference.reason import Reason
from mien.inference.recent_audio import RecentAudio
from mien.inference.recent_faces import RecentFaces
from mien.inference.screening import LEAST_VOICE, Screening
from mien.inference.segments import MAX_SEGMENT_SECONDS, face_counts
from mien.inference.stream_update import Chunk, Update, check, in_parts
from mien.media.decode import FRAME_INTERVAL
from mien.modality import Modality
from mien.task_prediction import TaskPrediction
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE, Sample, Utterance

if TYPE_CHECKING:
    from mien.inference.recognizer import Recognizer

STALL = 1.0
"""Seconds by which audio may come later than frames; what is missing longer counts as silence."""

LEAST_HOP = 0.1
"""Seconds from one window to the next at least."""

MAX_TEXTS = 1_000
"""Texts that are kept of one window."""

SPEECH_ALONE = Abstention(min_speech=LEAST_VOICE, min_snr=-60)
"""What audio must have where a run has no rules of its own: somebody speaks."""


class Stream:
    """Predicts for a live stream, of which it keeps only the last seconds.

    One thread at a time may push. Times are in seconds from the beginning of the stream.

    Parameters
    ----------
    recognizer : Recognizer
        The model. Where its run has no rules of abstention, audio in which nobody speaks is left
        out all the same.
    window : float
        Seconds that an update is about, at most 15. The first ones are about less.
    hop : float
        Seconds from one update to the next, 0.1 or more and at most the window.

    Raises
    ------
    MienError
        The window or the hop is out of range.

    Examples
    --------
    >>> stream = Recognizer.from_pretrained("mien-base").stream()  # doctest: +SKIP
    >>> for block in soundfile.blocks("talk.wav", 4_800):          # doctest: +SKIP
    ...     update = stream.push(audio=block, rate=48_000)
    ...     if update is not None and update.speech:
    ...         print(update.end, update.answers["emotion"])
    """

    def __init__(self, recognizer: "Recognizer", *, window: float = 3.0, hop: float = 0.5) -> None:
        if not LEAST_HOP <= hop <= window <= MAX_SEGMENT_SECONDS:
            raise MienError(
                f"a stream has a hop of {LEAST_HOP:g} s or more and a window from the hop to"
                f" {MAX_SEGMENT_SECONDS:g} s, not {hop:g} and {window:g}",
                parameter="window",
            )
        self.recognizer = recognizer
        self._reader = recognizer.reader
        self._screening = recognizer.screening or Screening(SPEECH_ALONE)
        self._window, self._hop = (round(seconds * SAMPLE_RATE) for seconds in (window, hop))
        self._kept = window + hop + STALL
        self._audio: RecentAudio | None = None
        interval = max(FRAME_INTERVAL, self._reader.options.frame_interval)
        self._faces = RecentFaces(self._kept, interval)
        self._texts: deque[tuple[float, str]] = deque(maxlen=MAX_TEXTS)
        self._now = 0  # samples at 16 kHz since the beginning, whether or not there is audio
        self._end = 0  # of the window before
        self._free = 0.0  # seconds of the stream at which all that was begun is computed
        self._skipped = self._late = 0

    def push(
        self,
        *,
        audio: np.ndarray | None = None,
        rate: int | None = None,
        frame: np.ndarray | None = None,
        text: str | None = None,
        time: float | None = None,
    ) -> Update | None:
        """Take in what is new; its parameters are those of `Chunk`.

        Returns
        -------
        Update or None
            The update of the newest window that is complete, if there is a new one and the one
            before was computed in time.

        Raises
        ------
        MienError
            The audio, the frame or the time is none; the stream can go on without it.
        """
        return self._take(Chunk(audio=audio, rate=rate, frame=frame, text=text, time=time))

    def updates(self, chunks: Iterable[Chunk]) -> Iterator[Update]:
        """Take in one chunk after the other, and yield the updates; the last one is of the end.

        Long audio is taken in parts, so that no window is left out.

        Raises
        ------
        MienError
            As `push` does.
        """
        for chunk in chunks:
            for part in in_parts(chunk, self._hop / SAMPLE_RATE / 2):
                if update := self._take(part):
                    yield update
        if update := self.finish():
            yield update

    def finish(self) -> Update | None:
        """Give the update of the end of the stream, if anything came after the last one."""
        if self._audio is not None:
            self._audio.flush()
            self._now = max(self._now, self._audio.position)
        return self._update(self._now) if self._now > self._end else None

    def _take(self, chunk: Chunk) -> Update | None:
        check(chunk)
        if chunk.audio is not None:
            self._add_audio(chunk)
        time = self._now / SAMPLE_RATE if chunk.time is None else chunk.time
        if chunk.frame is not None:
            self._add_frame(chunk.frame, time)
        if chunk.text:
            self._texts.append((time, chunk.text))
        self._advance(time)
        windows = self._now // self._hop - self._end // self._hop
        if windows < 1:
            return None
        self._end = self._now // self._hop * self._hop
        late = self._is_behind()
        self._skipped += windows - (not late)
        return None if late else self._update(self._end)

    def _add_audio(self, chunk: Chunk) -> None:
        clip = clip_of((chunk.audio, chunk.rate), "audio of a stream")
        assert clip.waveform is not None
        assert clip.rate is not None
        if self._audio is None:
            self._audio = RecentAudio(self._kept)
            self._audio.silence(self._now / SAMPLE_RATE)
        self._audio.add(clip.waveform, clip.rate, chunk.time)
        self._now = max(self._now, self._audio.position)

    def _add_frame(self, frame: np.ndarray, time: float) -> None:
        if Modality.VIDEO not in self._reader.modalities:
            return
        if time < (self._now - self._window) / SAMPLE_RATE:
            self._late += 1
        elif self._faces.is_due(time) and not self._is_behind():
            began = perf_counter()
            size = self._reader.options.face_size
            self._faces.add(frame, time, lambda image: self._reader.cropper.crop(image, size))
            self._spend(began)

    def _advance(self, time: float) -> None:
        """Advance to the time of a frame or a text; audio may come a little later."""
        if self._audio is None:
            self._now = max(self._now, math.floor(time * SAMPLE_RATE))
        else:
            self._audio.silence(time - STALL)
            self._now = max(self._now, self._audio.position)

    def _is_behind(self) -> bool:
        """Tell whether more than a hop of computing still waits."""
        return self._free - self._now / SAMPLE_RATE > self._hop / SAMPLE_RATE

    def _spend(self, began: float) -> float:
        """Count what was computed since `began` as time in which the stream went on."""
        seconds = perf_counter() - began
        self._free = max(self._free, self._now / SAMPLE_RATE) + seconds
        return seconds

    def _update(self, last: int) -> Update:
        """Predict for the window that ends at a sample."""
        began = perf_counter()
        start, end = max(last - self._window, 0) / SAMPLE_RATE, last / SAMPLE_RATE
        sample = self._sample(start, end)
        kept, reasons = self._reader.screened(sample, sample.text, [], self._screening)
        answers, abstained = self._answers(kept, reasons)
        searched, found = face_counts(sample)
        update = Update(
            time=self._now / SAMPLE_RATE,
            start=start,
            end=end,
            speech=self._speech(sample, reasons),
            modalities=self._reader.used([kept]),
            text=kept.text,
            faces=searched,
            faces_found=found,
            answers=answers,
            abstained=abstained,
            latency=self._spend(began),
            skipped=self._skipped,
            late_frames=self._late,
            synthetic_training=self.recognizer.run.config.data.synthetic,
            warnings=[f"{NAMES[r.modality]} left out: {r}" for r in reasons if r.modality],
        )
        self._end, self._skipped, self._late = last, 0, 0
        return update

    def _sample(self, start: float, end: float) -> Sample:
        """Make a sample of what came between two times."""
        audio = TurnAudio(seconds=end - start)
        if self._audio is not None:
            span = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
            waveform = self._audio.between(*span)
            audio.waveform = waveform if len(waveform) >= MIN_SAMPLES else None
        video = select_faces(self._faces.between(start, end), self._reader.options, [])
        video.end = end - start
        said = " ".join(text for time, text in self._texts if start <= time < end)
        return make_sample(Utterance(id="stream", corpus="stream", text=said or None), video, audio)

    def _speech(self, sample: Sample, reasons: Sequence[Reason]) -> bool | None:
        """Tell whether somebody speaks; None where no audio is used."""
        if sample.waveform is None or Modality.AUDIO not in self._reader.modalities:
            return None
        return not any(reason.kind in ("nothing to hear", "no speech") for reason in reasons)

    def _answers(
        self, kept: Sample, reasons: list[Reason]
    ) -> tuple[dict[str, TaskPrediction], list[Reason] | None]:
        """Answer each task, and say why one or all are not."""
        recognizer = self.recognizer
        reply = partial(answer, recognizer.tasks, recognizer.decide, recognizer.abstention)
        if not self._reader.used([kept]):
            return reply(None)[0], reasons
        [output] = recognizer.outputs([kept])
        if not output.finite:
            raise recognizer.not_finite()
        answers, unsure = reply(output.scores)
        return answers, unsure or None
