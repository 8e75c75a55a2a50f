"""How long an update of a live stream takes, and how late it comes.

The streams are recordings in ../shared/data, one after the other, pushed in chunks of 0.1 s: actors (RAVDESS) and
readers (LibriSpeech) for `mien-base`; persons with their faces (GRID) for a model that also takes video. There is no
ready-made model of faces, so that one is small and untrained: its time counts, its answers don't.
"""

import json
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import torch

from mien.devices import choose_device
from mien.files import write_text
from mien.inference.recognizer import Recognizer
from mien.inference.stream_update import Chunk, Update
from mien.media.decode import read_audio, read_frames

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
