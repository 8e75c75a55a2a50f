"""Write the video and the audio of a conversation to one file, a stretch at a time."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import cv2
import numpy as np

from mien.corpora.synthetic.conversation import Performance
from mien.corpora.synthetic.release import MARK
from mien.corpora.synthetic.split_screen import SplitScreen
from mien.utterance import SAMPLE_RATE

_NOISE = 3e-4  # of the room, full scale 1
_BIT_RATE = 64_000


class InterviewFile:
    """The media file of an interview: H.264 and AAC in MP4; use it in a `with` statement.

    Parameters
    ----------
    path : Path
        The file.
    screen : SplitScreen
        Draws the frames.
    seed : int
        Of the noise of the room.
    """

    def __init__(self, path: Path, screen: SplitScreen, seed: int) -> None:
        self._screen, self._rng = screen, np.random.default_rng(seed)
        self._container: Any = av.open(path, "w")
        self._container.metadata["title"] = MARK
        self._video = self._container.add_stream("libx264", rate=screen.fps)
        self._video.width, self._video.height = screen.size
        self._video.pix_fmt = "yuv420p"
        self._video.options = {"preset": "veryfast", "crf": "23"}
        self._video.codec_context.thread_count = 1  # the frames must not depend on the machine
        self._audio = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        self._audio.bit_rate = _BIT_RATE
        self._frames = self._samples = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *raised: object) -> None:
        if kind is None:
            self._container.mux(self._video.encode())
            self._container.mux(self._audio.encode())
        self._container.close()

    def write(self, end: float, spoken: Performance | None) -> None:
        """Write the stretch from the end of the one before to a time (s).

        Parameters
        ----------
        end : float
            Seconds from the beginning.
        spoken : Performance or None
            The turn that lies within it.
        """
        last = round(end * SAMPLE_RATE)
        audio = self._rng.normal(0, _NOISE, last - self._samples)
        if spoken is not None:
            first = round(spoken.turn.start * SAMPLE_RATE) - self._samples
            audio[first : first + len(spoken.waveform)] += spoken.waveform
        self._write_audio(np.rint(np.clip(audio, -1, 1) * 32767).astype(np.int16))
        final = math.ceil(end * self._screen.fps)
        for frame in self._screen.frames(self._frames, final, spoken):
            planes = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), np.uint8)
            image = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            self._container.mux(self._video.encode(image))
        self._frames = final

    def _write_audio(self, samples: np.ndarray) -> None:
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = self._samples
        self._container.mux(self._audio.encode(frame))
        self._samples += len(samples)
