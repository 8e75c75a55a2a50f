"""Which of two faces speaks, on GRID: motion of the mouth, its agreement with the voice, both."""

import json
import os
import platform
import runpy
import statistics
import textwrap
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from mien.errors import MienError
from mien.files import write_text
from mien.inference.active_speaker import BAND_WEIGHTS, EVIDENCE, USUAL_DELAY
from mien.media.decode import read_frames

HERE = Path(__file__).resolve()
RULE = runpy.run_path(str(HERE.parent / "tools" / "speaker_rules.py"))
VIEWS, KINDS, LENGTHS, PAIRS = (RULE[n] for n in ("VIEWS", "KINDS", "LENGTHS", "PAIRS"))
RULES = ("motion", "agreement", "both")
DIFFERENCE = 0.02
SHIFTS = (-0.2, -0.12, -0.04, 0.0, 0.04, 0.12, 0.2)


def milliseconds() -> dict[str, float]:
    """Time the landmarks of a face: alone, and with those of the frame before."""
    cropper, landmarks = RULE["tools"]()
    frames = [
        image for _, _, image in read_frames(RULE["GRID"] / f"{PAIRS[0][0]}.mpg", [(0.0, 1.0)])
    ]
    box = cropper.crop(frames[0]).box
    assert box is not None
    before = landmarks(frames[0], box)
    times: dict[str, list[float]] = {"alone": [], "followed": []}
    for _ in range(100):
        for name, previous in (("alone", None), ("followed", before)):
            begin = time.process_time()
            landmarks(frames[0], box, previous)
            times[name].append(1000 * (time.process_time() - begin))
    return {name: statistics.median(values) for name, values in times.items()}


def measure() -> dict[str, Any]:
    """Fit the rules, check that they are those of mien, and test them."""
    if not PAIRS:
        raise MienError(f"this benchmark needs the recordings in {RULE['GRID']}")
    cv2.setNumThreads(1)
    load = os.getloadavg()[0]
    experiment = RULE["Experiment"]()
    weights = experiment.weights(frozenset())
    evidence = {rule: experiment.evidence(frozenset(), rule) for rule in RULES}
    found, known = (*weights, *evidence["both"]), (*BAND_WEIGHTS, *EVIDENCE)
    if not np.allclose(found, known, rtol=0, atol=DIFFERENCE):
        raise MienError(f"found {found}, not the weights of mien, {known}")
    ways = [(VIEWS[0], length, rule, None) for length in LENGTHS for rule in RULES]
    ways += [(view, None, "both", None) for view in VIEWS[1:]]
    ways += [(VIEWS[0], None, "both", noise) for noise in RULE["NOISES"]]
    machine = runpy.run_path(str(HERE.with_name("cold_start.py")))["processor"]()
    return {
        "machine": f"{machine}, Python {platform.python_version()}",
        "load": load,
        "milliseconds": milliseconds(),
        "weights": BAND_WEIGHTS,
        "evidence": evidence | {"both": EVIDENCE},
        "speech": [float(f(b - a for a, b in experiment.turns.values())) for f in (min, max)],
        "trials": [
            {"size": view[0], "rate": view[1], "length": length, "rule": rule, "noise": noise}
            | {kind: experiment.trials(view, kind, length, rule, noise) for kind in KINDS}
            for view, length, rule, noise in tqdm(ways, desc="testing", disable=None)
        ],
        "late": [
            {"shift": shift, "turns": turns} | experiment.late(shift, turns)
            for shift in SHIFTS
            for turns in (1, 5)
        ],
    }


PAGE = """# Which face speaks

    mien bench active_speaker

{machine}, one thread.
Load before the run: {load:.1f}.

GRID: 11 clips of 3 s, 10 persons, 360 × 288 at 25 frames a second, frontal faces about 110 pixels
wide, one sentence of {low:.1f} to {high:.1f} s of speech each. Two faces are shown, and the voice
of one is heard: {pairs} ordered pairs of clips of different persons. Each half was compressed by
itself as MPEG-4 (400 kbit/s) and searched for its face five times a second.

## The rule

The log odds that a face speaks rather than not are

    {both[0]} + {both[1]} · ln(v + 0.01) + T · ({both[2]} + {both[3]} · z)

* v: the root mean square of the speed at which the mouth opens and closes, in distances between the
  eyes a second
* T: for how many seconds of the turn the face is seen
* z: the Fisher-transformed correlation of this speed with that which the voice foretells: of the
  sum of the levels of the bands 100–500–1200–3000–8000 Hz, weighted by {weights}

The face with the highest odds is the answer; nobody, where they are below even. "Motion" has the
first two terms alone, "agreement" all but the second.

**All weights are fitted without the two persons of a pair**, on turns of all lengths, at 25 and
12.5 frames a second. Those above are fitted on all persons and used by mien; this benchmark fails
where it finds weights that differ from them by more than {difference}, as another processor's may
by 0.01. The form of the rule (bands, smoothing, speed in place of opening) was chosen on the same
11 clips. So this shows how the rule does with unseen persons who sit in one studio, facing the
camera in even light, and no more than that.

## Two faces

"Faces" is how often the speaker's face has the higher odds of the two; chance is 50 %. "Answer" is
how often it is the answer, which may be nobody, too. "Off screen" is how often the answer is nobody
where the other face alone is shown. A turn of "all" seconds is all of the speech. "Noise" is the
signal-to-noise ratio of white noise that was added to the voice.

{trials}

## Audio that is late

Both faces talk. The delay is looked for between −0.2 and 0.2 s: where the turns of a recording
together have most evidence, a delay near 0 being likelier beforehand (standard deviation
{usual} s). One turn does not tell a long delay; five do.

| audio late by (s) | turns | median error of the delay (s) | answers right |
|---:|---:|---:|---:|
{late}

## Time

The 468 points of a face take {alone:.1f} ms of CPU where nothing is known of the frame before, and
{followed:.1f} ms where the face is followed.
"""

OTHERS = {
    "rest": "The other mouth rests: the last 10 frames of the clip, after the sentence (of `swiz3n`"
    " the first 6), forth and back, with a drifting camera and noise.",
    "breath": "The other person is about to speak: the first 10 frames likewise. Some breathe in,"
    " so that their mouths open and close 2.5 times a second.",
    "talk": "Both mouths speak, in the same seconds, and one is not heard. Off screen, this is a"
    " dubbed film.",
}


def trial_table(kind: str, trials: list[dict[str, Any]]) -> str:
    """Write the table of one kind of other face."""
    lines = [
        *textwrap.wrap(OTHERS[kind], 100),
        "",
        "| size | frames/s | noise (dB) | turn (s) | rule | turns | faces | answer | off screen |",
        "|---:|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    for one in trials:
        found = one[kind]
        shares = " | ".join(f"{found[key]:.1%}" for key in ("picked", "right", "unseen"))
        noise = "–" if one["noise"] is None else f"{one['noise']:g}"
        where = f"{one['size']:.0%} | {one['rate']:.3g} | {noise} | {one['length'] or 'all'}"
        lines.append(f"| {where} | {one['rule']} | {found['trials']} | {shares} |")
    return "\n".join(lines)


def page(found: dict[str, Any]) -> str:
    """Lay the figures out."""
    return PAGE.format(
        machine=found["machine"],
        load=found["load"],
        pairs=len(PAIRS),
        low=found["speech"][0],
        high=found["speech"][1],
        both=found["evidence"]["both"],
        weights=", ".join(map(str, found["weights"])),
        trials="\n\n".join(trial_table(kind, found["trials"]) for kind in KINDS),
        usual=USUAL_DELAY,
        difference=DIFFERENCE,
        late="\n".join(
            f"| {one['shift']:+.2f} | {one['turns']} | {one['error']:.2f} | {one['right']:.1%} |"
            for one in found["late"]
        ),
        **found["milliseconds"],
    )


def main() -> None:
    """Measure, print the page and write it beside this file."""
    found = measure()
    text = page(found)
    print(text)
    write_text(HERE.with_suffix(".json"), json.dumps(found, indent=1) + "\n")
    write_text(HERE.with_suffix(".md"), text)


if __name__ == "__main__":
    main()
