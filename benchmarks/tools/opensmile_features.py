"""Write the features of opensmile for prepared data, as tables that `mien baseline` reads.

opensmile is no dependency of mien, since its licence is for research only. Install it beside mien:

    pip install opensmile
    python benchmarks/tools/opensmile_features.py data/ravdess features
    mien baseline data/ravdess --features features/ComParE_2016.parquet --classifier svm
"""

import sys
from pathlib import Path

import numpy as np
import opensmile
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from mien.dataset.store import Store
from mien.utterance import SAMPLE_RATE

SETS = ("eGeMAPSv02", "ComParE_2016")
"""Eyben et al. 2016 (88 functionals) and Schuller et al. 2016 (6,373 functionals)."""


def main(data: Path, out: Path) -> None:
    """Extract the functionals of each set for all utterances with audio."""
    store = Store(data)
    out.mkdir(parents=True, exist_ok=True)
    for name in SETS:
        smile = opensmile.Smile(
            getattr(opensmile.FeatureSet, name), opensmile.FeatureLevel.Functionals
        )
        ids, rows = [], []
        for row in tqdm(range(len(store)), name, disable=None):
            if (waveform := store.waveform(row)) is not None:
                signal = waveform.astype(np.float32) / 32768
                ids.append(store.utterances[row].id)
                rows.append(smile.process_signal(signal, SAMPLE_RATE).to_numpy()[0])
        named = zip(smile.feature_names, np.array(rows).T, strict=True)
        columns = {f: pa.array(v) for f, v in named}
        pq.write_table(pa.table({"id": ids, **columns}), out / f"{name}.parquet")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
