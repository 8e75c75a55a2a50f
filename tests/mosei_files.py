"""A synthetic corpus in CMU-MOSEI's layout: beeps whose pitch tells the ratings, on grey video."""

import csv
from pathlib import Path

import numpy as np
import soundfile
from media_files import write_video

VIDEOS = ("-hSynthetic", "--synth_2", "_synth-3", *(f"synthetic_{i}" for i in range(4, 13)))
"""Names as YouTube gives them; the first looks like a flag that asks for help."""

CLIPS = 4

KINDS = (
    ({"happiness": 2, "surprise": 1}, 2.0, 1600, "what a lovely surprise"),
    ({"happiness": 1}, 1.0, 1200, "that was lovely"),
    ({}, 0.0, 800, "it was on a table"),
    ({"sadness": 3}, -2.0, 400, "how very sad"),
)
"""What was felt, the mean sentiment, the pitch in Hz and the words of each kind of clip."""

PARTS = {"train": VIDEOS[:8], "valid": VIDEOS[8:10], "test": VIDEOS[10:]}


def kind(video: int, clip: int) -> int:
    return (video + clip) % len(KINDS)


def write_mosei(root: Path) -> Path:
    """Write 12 videos of 4 clips of half a second, each rated by two annotators, and the lists."""
    random = np.random.default_rng(0)
    columns = ["Input.VIDEO_ID", "Input.CLIP", "Answer.sentiment"]
    felt_names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
    columns += [f"Answer.{name}" for name in felt_names]
    for folder in ("Audio/Full/WAV_16000", "Videos/Full/Combined", "Labels", "splits"):
        (root / folder).mkdir(parents=True)
    transcripts = root / "Transcript/Segmented/Combined"
    transcripts.mkdir(parents=True)
    with (root / "Labels" / "-batch_results.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, columns, restval=0)
        table.writeheader()
        for number, video in enumerate(VIDEOS):
            sound, lines = [], []
            for clip in range(CLIPS):
                felt, sentiment, pitch, words = KINDS[kind(number, clip)]
                time = np.arange(8000) / 16_000
                sound.append(0.3 * np.sin(2 * np.pi * pitch * time) + random.normal(0, 0.01, 8000))
                lines.append(f"{video}___{clip}___{clip / 2 - 0.01}___{clip / 2 + 0.5}___{words}")
                for shift in (-1, 1):
                    row = {"Input.VIDEO_ID": video, "Input.CLIP": clip}
                    answers = {f"Answer.{name}": strength for name, strength in felt.items()}
                    rated = {"Answer.sentiment": sentiment + shift}
                    table.writerow(row | rated | (answers if shift > 0 else {}))
            wav = root / f"Audio/Full/WAV_16000/{video}.wav"
            soundfile.write(wav, np.concatenate(sound), 16_000)
            write_video(root / f"Videos/Full/Combined/{video}.mp4", 8, fps=4)
            (transcripts / f"{video}.txt").write_text("\r\n".join(lines) + "\r\n")
    for part, videos in PARTS.items():
        names = [f"{video}_{clip}" for video in videos for clip in range(CLIPS)]
        (root / f"splits/{part}_split.txt").write_text("\n".join(names) + "\n")
    return root
