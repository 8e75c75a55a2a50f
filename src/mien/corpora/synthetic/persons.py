"""The ten persons of the synthetic corpus: a woman and a man in each of five sessions."""

from dataclasses import dataclass

from mien.corpora.synthetic.bust import Looks
from mien.corpora.synthetic.speech import Voice


@dataclass(frozen=True)
class Person:
    """A face and a voice that belong together."""

    looks: Looks
    voice: Voice


# Twins, so that a face alone can not name everybody. Their sessions share the wall.
_SISTERS = Looks(
    skin=(232, 190, 165), hair=(92, 56, 34), iris=(88, 120, 92), clothes=(120, 44, 60),
    wall=(150, 158, 170), style="long", width=0.95, nose=0.9, lips=1.15, brows=0.8,
    jaw=0.8,
)  # fmt: skip
_BROTHERS = Looks(
    skin=(214, 170, 140), hair=(44, 34, 30), iris=(84, 60, 42), clothes=(48, 58, 84),
    wall=(150, 158, 170), style="short", width=1.04, nose=1.1, brows=1.35, jaw=1.3,
)  # fmt: skip

PERSONS = {
    "Ses01F": Person(
        _SISTERS,
        Voice("f2", pitch=46, speed=200),
    ),
    "Ses01M": Person(
        _BROTHERS,
        Voice("m1", pitch=46, speed=195),
    ),
    "Ses02F": Person(
        Looks(
            skin=(150, 104, 76), hair=(26, 20, 20), iris=(58, 38, 28), clothes=(196, 160, 70),
            wall=(170, 160, 140), style="bun", width=0.98, spacing=1.06, nose=1.15, lips=1.35,
            brows=0.9, jaw=0.9,
        ),
        Voice("f3", pitch=38, speed=210, tract=0.94),
    ),
    "Ses02M": Person(
        Looks(
            skin=(236, 196, 174), hair=(188, 150, 92), iris=(92, 124, 150), clothes=(92, 110, 82),
            wall=(170, 160, 140), style="short", width=0.97, spacing=0.95, nose=0.95, jaw=1.15,
            glasses=True,
        ),
        Voice("m3", pitch=58, speed=215, tract=1.05),
    ),
    "Ses03F": Person(
        Looks(
            skin=(238, 204, 182), hair=(206, 170, 104), iris=(100, 134, 160),
            clothes=(70, 96, 130), wall=(140, 150, 140), style="bob", spacing=1.03, nose=0.9,
            brows=0.75, jaw=0.85,
        ),
        Voice("f5", pitch=54, speed=205, tract=1.05),
    ),
    "Ses03M": Person(
        Looks(
            skin=(128, 86, 62), hair=(24, 20, 20), iris=(48, 32, 24), clothes=(200, 196, 188),
            wall=(140, 150, 140), style="cropped", width=1.03, spacing=1.05, nose=1.25, lips=1.25,
            brows=1.2, jaw=1.3,
        ),
        Voice("m7", pitch=36, speed=185, tract=0.93),
    ),
    "Ses04F": Person(
        Looks(
            skin=(222, 180, 146), hair=(30, 24, 26), iris=(52, 36, 28), clothes=(60, 120, 116),
            wall=(150, 158, 170), style="bob", width=1.06, spacing=1.05, nose=0.95, lips=1.1,
            brows=0.9, glasses=True,
        ),
        Voice("steph", pitch=44, speed=215),
    ),
    "Ses04M": Person(
        _BROTHERS,
        Voice("m2", pitch=42, speed=205, tract=0.98),
    ),
    "Ses05F": Person(
        _SISTERS,
        Voice("f4", pitch=56, speed=195, tract=1.02),
    ),
    "Ses05M": Person(
        Looks(
            skin=(224, 182, 160), hair=(150, 146, 142), iris=(96, 112, 128), clothes=(54, 54, 60),
            wall=(150, 158, 170), style="bald", width=1.06, spacing=0.97, nose=1.2, lips=0.85,
            brows=1.1, jaw=1.25, beard=0.35,
        ),
        Voice("m4", pitch=50, speed=175, tract=1.0),
    ),
}  # fmt: skip
"""By IEMOCAP's names: session and F or M."""
