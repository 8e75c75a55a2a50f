"""Train on an idle and on a busy machine, with threads that wait for each other in several ways.

Called as `busy.py --work SECONDS` it is the process that trains, on noise, and prints its steps a
second.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from mien.files import write_text
from mien.threads import SPIN_COUNT, USER_VARIABLES

SECONDS = 20.0
OTHERS = 2

WAYS: dict[str, dict[str, str]] = {
    "nothing set": {},
    f"GOMP_SPINCOUNT={SPIN_COUNT} (mien's)": {"GOMP_SPINCOUNT": SPIN_COUNT},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}

HEADING = f"""# Threads that wait, on an idle and a busy machine

Training steps a second of a model of the demo's size (audio and faces, batches of 16 utterances of
noise) by how OpenMP's threads wait for each other; for the second column {OTHERS} other processes
count in an endless loop.

"""


def work(seconds: float) -> float:
    """Train for some seconds, and give the steps a second."""
    import torch

    from mien.demo import MODEL
    from mien.models import MultimodalModel, preset

    torch.manual_seed(0)
    own = {name: value for name, value in MODEL.items() if name != "text_freeze"}
    config = preset(modalities="av", **own)
    model = MultimodalModel(config, {"emotion": 6})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    batch = _batch(config)
    steps, began = 0, 0.0
    while not began or time.monotonic() - began < seconds:
        optimizer.zero_grad()
        output = model(batch)
        output.logits["emotion"].logsumexp(1).sum().backward()
        optimizer.step()
        if began:
            steps += 1
        else:  # the first step sets up
            began = time.monotonic()
    return steps / (time.monotonic() - began)


def _batch(config):  # type: ignore[no-untyped-def]
    import numpy as np

    from mien.dataset.collate import collate
    from mien.utterance import SAMPLE_RATE, Sample, Utterance

    random = np.random.default_rng(0)
    samples = [
        Sample(
            utterance=Utterance(id=str(number), corpus="synthetic", synthetic=True),
            faces=random.integers(0, 256, (6, 48, 48, 3), dtype=np.uint8),
            face_times=np.arange(6, dtype=np.float32) / 2,
            face_found=np.ones(6, bool),
            waveform=random.normal(0, 3000, 3 * SAMPLE_RATE).astype(np.int16),
        )
        for number in range(16)
    ]
    return collate(samples, config.readers())


def measure(chosen: dict[str, str], others: int) -> float:
    """Give the steps a second of a process that trains beside others that only count."""
    environment = {name: value for name, value in os.environ.items() if name not in USER_VARIABLES}
    environment.pop("OMP_NUM_THREADS", None)
    spin = [sys.executable, "-c", "while True: pass"]
    beside = [subprocess.Popen(spin) for _ in range(others)]
    try:
        own = [sys.executable, str(Path(__file__).resolve()), "--work", str(SECONDS)]
        printed = subprocess.run(
            own, env=environment | chosen, check=True, capture_output=True, text=True
        )
        return float(printed.stdout)
    finally:
        for process in beside:
            process.kill()
            process.wait()


def main() -> None:
    """Measure, print the table and write it beside this file."""
    load = os.getloadavg()[0]
    rows = {way: [measure(env, others) for others in (0, OTHERS)] for way, env in WAYS.items()}
    lines = [f"| threads | idle | beside {OTHERS} others |", "|---|---:|---:|"]
    lines += [f"| {way} | {idle:.2f} | {busy:.2f} |" for way, (idle, busy) in rows.items()]
    cores = f"{os.cpu_count()} cores; load before the run {load:.2f}."
    text = f"{HEADING}" + "\n".join(lines) + f"\n\n{cores}\n"
    print(text)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps({"load": load, "rows": rows}, indent=1) + "\n")
    write_text(here.with_suffix(".md"), text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        print(work(float(sys.argv[2])))
    else:
        main()
