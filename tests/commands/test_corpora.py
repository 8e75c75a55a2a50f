"""The releases of corpora, as a user prepares them: tiny synthetic media in their layouts."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import soundfile
from media_files import write_video

TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)


def skips(out: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (out / "skipped.jsonl").read_text().splitlines():
        item = json.loads(line)
        if item["kind"].startswith("note: "):
            continue  # the tones that stand for voices never change
        found.setdefault(item["id"], []).append(item["reason"])
    return found


def write_processed(root: Path) -> Path:
    """Both of the authors' corpora, IEMOCAP with its split."""
    meta = {}
    lists: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for number, (dialogue, label) in enumerate(
        [("Ses01F_impro01", "ang"), ("Ses01F_script01_1", "sad"), ("Ses02M_impro01", "neu")] * 2
    ):
        name = f"{dialogue}_{'FM'[number % 2]}{number:03d}"
        lists[("train", "valid", "test")[number % 3]].append(name)
        meta[name] = {"start_time": 0.0, "end_time": 1.0, "label": label, "sr": 16_000}
        meta[name] |= {"fps": 29.97, "text": "Synthetic."}
        place = root / "IEMOCAP_RAW_PROCESSED" / "_".join(dialogue.split("_")[:2]) / name
        place.mkdir(parents=True)
        for side in "LR":
            soundfile.write(place / f"audio_{side}.wav", TONE, 16_000)
            for picture in range(20):
                pixels = np.full((224, 224, 3), 90, np.uint8)
                cv2.imwrite(str(place / f"image_{side}_{picture}.jpg"), pixels)
    meta["Ses01F_impro01_F009"] = meta[name] | {"label": "xxx"}
    meta["Ses01F_impro01_F010"] = dict(meta[name])  # listed, without a folder
    lists["test"].append("Ses01F_impro01_F010")
    (root / "IEMOCAP_RAW_PROCESSED" / "meta.pkl").write_bytes(pickle.dumps(meta))
    (root / "IEMOCAP_SPLIT").mkdir()
    for part, names in lists.items():
        (root / "IEMOCAP_SPLIT" / f"{part}_split.txt").write_text("\n".join(names) + "\n")
    place = root / "MOSEI_RAW_PROCESSED" / "-a_b_0"
    place.mkdir(parents=True)
    soundfile.write(place / "audio.wav", TONE, 16_000)
    for picture in range(12):
        cv2.imwrite(str(place / f"image_{picture}.jpg"), np.full((90, 120, 3), 90, np.uint8))
    content = {"-a_b_0": {"text": "Synthetic.", "label": [0, 0, 0, 1, 0, 0]}}
    (place.parent / "meta.pkl").write_bytes(pickle.dumps(content))
    return root


def test_the_authors_processed_data(program, tmp_path: Path) -> None:
    root, out = write_processed(tmp_path / "data"), tmp_path / "out"
    both = program("prepare", "processed", root, out, "--no-face", "centre", "--workers", 1)
    assert both.returncode == 1
    assert "two corpora" in both.stderr
    assert "MOSEI_RAW_PROCESSED" in both.stderr
    source = root / "IEMOCAP_RAW_PROCESSED"
    result = program("prepare", "processed", source, out, "--no-face", "centre", "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "splits: train 2, valid 2, test 2; 0 in no split" in result.stdout
    assert "1 (Ses01F_impro01_F010) listed but skipped" in result.stdout
    assert "6 with text, 6 with audio, 6 with faces" in result.stdout
    assert set(skips(out)) == {"Ses01F_impro01_F009", "Ses01F_impro01_F010"}
    shown = program("inspect", out).stdout
    given = next(line for line in shown.split("\n") if line.startswith("  given"))
    assert given.split()[1:4] == ["2", "2", "2"]
    lists = root / "IEMOCAP_SPLIT" / "test_split.txt"
    lists.write_text(lists.read_text() + "Ses05F_impro01_F000\n")
    again = ["prepare", "processed", source, tmp_path / "again", "--workers", 1]
    refused = program(*again)
    assert refused.returncode == 1
    assert "1 (Ses05F_impro01_F000) of the 8 listed ids are not in the corpus" in refused.stderr
    assert program(*again, "--partial", "--limit", 2).returncode == 0


def test_mosei_of_the_authors(mien, tmp_path: Path) -> None:
    root, out = write_processed(tmp_path / "data"), tmp_path / "out"
    command = [
        "prepare",
        "processed",
        root / "MOSEI_RAW_PROCESSED",
        out,
        "--no-face",
        "centre",
        "--workers",
        1,
    ]
    result = mien(*command)
    assert result.returncode == 0, result.stderr
    assert "faces       12," in result.stdout
    assert "happy 1" in result.stdout
    refused = mien(*command, "--emotions", "all")
    assert (refused.returncode, "is for IEMOCAP" in refused.stderr) == (1, True)


def test_a_meta_file_that_would_run_something(program, tmp_path: Path) -> None:
    root = tmp_path / "MOSEI_RAW_PROCESSED"
    root.mkdir()
    (root / "meta.pkl").write_bytes(b"cos\nsystem\n(S'touch harm'\ntR.")
    result = program("prepare", "processed", root, tmp_path / "out")
    assert result.returncode == 1
    assert f"{root / 'meta.pkl'}: refused, since it names os.system" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
    assert not Path("harm").exists()


def test_meld(program, tmp_path: Path) -> None:
    root, out = tmp_path / "MELD.Raw", tmp_path / "out"
    header = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode"
    for name, folder in (
        ("train", "train/train_splits"),
        ("dev", "dev/dev_splits_complete"),
        ("test", "test/output_repeated_splits_test"),
    ):
        (root / folder).mkdir(parents=True)
        write_video(root / folder / "dia0_utt0.mp4", 40, sound=np.float32(TONE))
        rows = f'{header},StartTime,EndTime\n1,It\x92s synthetic.,Ross,joy,positive,0,0,1,1,"",""\n'
        (root / f"{name}_sent_emo.csv").write_bytes(rows.encode("latin1"))
    with (root / "train_sent_emo.csv").open("a") as table:
        table.write('2,Broken.,Joey,anger,negative,0,1,1,1,"",""\n')
        table.write('3,Missing.,All,fear,negative,0,2,1,1,"",""\n')
    (root / "train" / "train_splits" / "dia0_utt1.mp4").write_bytes(b"corrupt" * 100)
    result = program("prepare", "meld", root, out, "--no-face", "centre", "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "meld: 5 utterances of 2 known persons" in result.stdout
    assert "5 with text, 3 with audio, 3 with faces" in result.stdout
    losses = json.loads((out / "dataset.json").read_text())["losses"]
    assert sum(count for kind, count in losses.items() if kind.startswith("video: ")) == 2
    assert sum(count for kind, count in losses.items() if kind.startswith("audio: ")) == 2
    reasons = skips(out)
    assert set(reasons) == {"train_dia0_utt1", "train_dia0_utt2"}
    assert any("cannot be read" in reason for reason in reasons["train_dia0_utt1"])
    assert any("file missing" in reason for reason in reasons["train_dia0_utt2"])
    given = next(line for line in program("inspect", out).stdout.split("\n") if "  given" in line)
    assert given.split()[1:4] == ["3", "1", "1"]


def test_cremad(program, tmp_path: Path) -> None:
    root, out = tmp_path / "CREMA-D", tmp_path / "out"
    for folder in ("AudioWAV", "VideoFlash"):
        (root / folder).mkdir(parents=True)
    for name in ("1001_DFA_ANG_XX", "1002_IEO_HAP_HI", "1003_WSI_NEU_XX"):
        soundfile.write(root / "AudioWAV" / f"{name}.wav", TONE, 16_000)
        write_video(root / "VideoFlash" / f"{name}.flv", 40, codec="flv")
    (root / "VideoFlash" / "1003_WSI_NEU_XX.flv").write_bytes(b"")
    result = program("prepare", "cremad", root, out, "--no-face", "centre", "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "cremad: 3 utterances of 3 known persons" in result.stdout
    assert "3 with text, 3 with audio, 2 with faces" in result.stdout
    assert set(skips(out)) == {"1003_WSI_NEU_XX"}


def test_goemotions(program, tmp_path: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    root.mkdir()
    (root / "labels.txt").write_text("anger\njoy\nneutral")
    rows = "".join(f"Synthetic {i}.\t{i % 3}\ttrain{i}\n" for i in range(2100))
    (root / "train.tsv").write_text(f"{rows}Both.\t0,1\tlast\nOdd.\t3\todd\n")
    (root / "dev.tsv").write_text("Synthetic.\t2\tdev\n")
    (root / "test.tsv").write_text("Synthetic 0.\t1\ttest\n")
    result = program("prepare", "goemotions", root, out, "--workers", 1)
    assert result.returncode == 0, result.stderr
    assert "goemotions: 2103 utterances of 0 known persons" in result.stdout
    assert "emotions    happy 702, angry 701, neutral 701; 0 unlabelled" in result.stdout
    assert skips(out) == {"train line 2102": ["label is '3', not a whole number from 0 to 2"]}
    assert len(list(out.glob("*.parquet"))) == 3
    shown = program("inspect", out).stdout
    given = next(line for line in shown.split("\n") if line.startswith("  given"))
    assert given.split()[1:7] == ["2101", "1", "1", "-", "-", "100%"]


def test_an_interview_is_generated_with_its_truth(mien, tmp_path: Path) -> None:
    seeds = {"one": ["demo", "interview"], "two": ["demo", "--seed", 2, "interview"]}
    for name, command in seeds.items():
        result = mien(*command, tmp_path / name, "--seconds", 10)
        assert result.returncode == 0, result.stderr
        assert result.stdout == f"{tmp_path / name}\n"
        truth = json.loads((tmp_path / name / "interview.json").read_text())
        assert (truth["synthetic"], truth["seconds"]) == (True, 10)
        assert truth["seed"] == (0 if name == "one" else 2)
    again = mien("demo", "interview", tmp_path / "one")
    assert again.returncode == 1
    assert "exists and is not an empty folder" in again.stderr
    short = mien("demo", "interview", tmp_path / "three", "--seconds", 5)
    assert "mien: --seconds: an interview takes 10 seconds or more, not 5" in short.stderr
    elsewhere = mien("demo", "--out", tmp_path / "x", "interview", tmp_path / "four")
    assert elsewhere.returncode == 2
    assert "takes no --out, --device or --threads" in elsewhere.stderr
