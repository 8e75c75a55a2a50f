"""The ten persons of the synthetic corpus: a woman and a man in each of five sessions."""

from dataclasses import dataclass

from mien.corpora.synthetic.face import Looks
from mien.corpora.synthetic.speech import Voice


@dataclass(frozen=True)
class Person:
    """A face and a voice that belong together."""

    looks: Looks
    voice: Voice
