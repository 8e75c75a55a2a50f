import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import soundfile
from media_files import murmur, write_video

from mien.dataset.prepare import MIN_JOB_TEXTS, MIN_JOB_UTTERANCES, _grouped, prepare
from mien.dataset.sample_rows import SCHEMA, SCHEMA_VERSION
from mien.dataset.shard import Shard, shard_writer
from mien.dataset.shard_jobs import time_limit
from mien.dataset.store import Store
from mien.errors import MienError
from mien.media.decode import read_frames
from mien.media.faces import FaceCropper
from mien.utterance import Skipped, Utterance

SCRIPT = """
import multiprocessing, os, signal, sys, time
from pathlib import Path
from mien.dataset import shard_jobs
from mien.dataset.prepare import prepare
from mien.utterance import Utterance

# A shell that starts the tests in the background has its children ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Deadly(type(Path())):
    '''A path that kills the worker process that opens it, as a bad file may kill a decoder.'''
    def __str__(self):
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().__str__()

class Odd(type(Path())):
    '''A path that fails in the worker in a way that nobody expects.'''
    def __str__(self):
        if multiprocessing.parent_process() is not None:
            raise RuntimeError("who could have known")
        return super().__str__()

class Endless(type(Path())):
    '''A path that keeps the worker for ever, as a bad file may keep a decoder.'''
    def __format__(self, spec):
        while multiprocessing.parent_process() is not None:
            time.sleep(600)
        return super().__format__(spec)

KINDS = {"deadly": Deadly, "odd": Odd, "endless": Endless}
shard_jobs.BASE_TIME_LIMIT = 3.0
shard_jobs._PER_TURN = shard_jobs._PER_SECOND = 0.0

def items(folder, hold):
    for number, path in enumerate(sorted(folder.glob("*.wav"))):
        if number == hold:
            time.sleep(600)  # until somebody stops it
        kind = KINDS.get(path.stem.split("_")[0], Path)
        yield Utterance(id=path.stem, corpus="synthetic", audio=kind(path), synthetic=True)

if __name__ == "__main__":
    folder, out, workers, hold = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])
    corpus = items(folder, hold)
    print(prepare(corpus, out, corpus="synthetic", workers=workers, progress=False))
"""


def utterance(id: str, **fields) -> Utterance:
    return Utterance(id=id, corpus="synthetic", synthetic=True, **fields)


def texts(number: int) -> list[Utterance]:
    return [utterance(f"synthetic_{i}", text="words") for i in range(number)]


def run(items, out: Path, **options):
    return prepare(items, out, corpus="synthetic", workers=1, progress=False, **options)


def notes(out: Path) -> list[Skipped]:
    lines = (out / "skipped.jsonl").read_text("utf-8").splitlines()
    return [Skipped(**json.loads(line)) for line in lines]


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def write_sounds(folder: Path, number: int, seconds: float = 0.5) -> None:
    folder.mkdir()
    for i in range(number):
        sound = murmur(round(48_000 * seconds), channels=2, rate=48_000)
        soundfile.write(folder / f"{i:04d}.wav", sound, 48_000)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, shared_data) -> Path:
    """Real and made clips, good and bad, prepared once for several tests."""
    folder = tmp_path_factory.mktemp("prepared")
    grid, ravdess = shared_data / "grid", sorted((shared_data / "ravdess").glob("*.flac"))
    (folder / "bad.mp4").write_bytes(b"no video" * 100)
    soundfile.write(folder / "one.wav", np.zeros(1), 16_000)
    film = write_video(folder / "film.mkv", 60, codec="ffv1")
    clip = grid / "swiz3n.mpg"
    items = [
        utterance("clip", person="A", video=clip, audio=clip, text="set white", emotions=()),
        Skipped("unlabelled", "no label", "labels.csv:3"),
        *(
            utterance(path.stem, person="B", audio=path, emotions=("happy", "excited"))
            for path in ravdess[:3]
        ),
        utterance("bad", video=folder / "bad.mp4", audio=ravdess[0], emotions=("happy",)),
        utterance("one", audio=folder / "one.wav"),
        *(utterance(f"turn{i}", video=film, start=i / 4, end=i / 4 + 0.5) for i in range(5)),
        utterance("clip", text="a second one of that name"),
    ]
    run(items, folder / "out", no_face="centre", options={"source": folder, "rule": "speaker"})
    return folder / "out"


def test_everything_is_there_in_order(prepared):
    store = Store(prepared)
    ids = [u.id for u in store.utterances]
    assert (ids[0], ids[4:]) == ("clip", ["bad", *(f"turn{i}" for i in range(5))])
    assert store.modalities == ["tav", "a", "a", "a", "a", *"vvvvv"]
    assert store[0].face_found.all()
    assert store[6].face_times.tolist() == [0.25]
    truth, _ = soundfile.read(store.utterances[1].audio, dtype="int16")
    np.testing.assert_array_equal(store[1].waveform, truth)


def test_faces_have_the_size_that_is_asked_for(tmp_path, shared_data):
    clip = shared_data / "grid" / "swiz3n.mpg"
    items = [utterance("clip", video=clip, end=1.0)]
    run(items, tmp_path / "small", face_size=48)
    run(items, tmp_path / "large", face_size=64)
    small, large = (Store(tmp_path / name) for name in ("small", "large"))
    assert (small[0].faces.shape, large[0].faces.shape) == ((2, 48, 48, 3), (2, 64, 64, 3))
    cropper = FaceCropper()
    for sample, size in ((small[0], 48), (large[0], 64)):
        frames = read_frames(clip, [(0, 1.0)])
        crops = [cropper.crop(picture, size).pixels for *_, picture in frames]
        np.testing.assert_array_equal(sample.faces, crops)
    for size in (47, 513):
        with pytest.raises(MienError, match="the face size must be 48 to 512"):
            run(items, tmp_path / "none", face_size=size)


def test_what_was_skipped_is_recorded_once(prepared):
    assert [(n.id, n.reason.split(":")[0]) for n in notes(prepared)] == [
        ("unlabelled", "no label"),
        ("clip", "an earlier utterance has the same id"),
        ("bad", "video"),
        ("one", "audio"),
        ("one", "no text, audio or video"),
    ]


def test_the_counts(prepared):
    info = Store(prepared).info
    sound = sum(Store(prepared).index["num_samples"].to_pylist()) / 16_000 / 3600
    assert {name: info[name] for name in ("utterances", "skipped", "losses", "modalities")} == {
        "utterances": 10,
        "skipped": 3,
        "losses": {"video: unreadable": 1, "audio: too short": 1},
        "modalities": {"t": 1, "a": 5, "v": 6},
    }
    assert info["emotions"] == {"happy": 4, "excited": 3}
    assert info["unlabelled"] == 5
    assert info["persons"] == {"A": 1, "B": 3}
    assert info["hours"] == pytest.approx(sound, abs=1e-4)
    assert (info["faces"], info["frames"]) == (11, 11)
    assert info["face_found"] == pytest.approx(6 / 11, abs=1e-4)
    assert info["notes"] == {}
    assert (info["no_face"], info["max_seconds"]) == ("centre", 600.0)
    assert (info["corpus"], info["synthetic"]) == ("synthetic", True)
    assert info["frame_interval"] == 0.5
    assert info["face_size"] == Store(prepared).face_size == 112
    assert Store(prepared)[0].faces.shape == (6, 112, 112, 3)
    assert info["options"]["rule"] == "speaker"


def test_nothing_else_is_left_lying_about(prepared):
    assert {path.suffix for path in prepared.iterdir()} == {".json", ".jsonl", ".parquet"}


def test_the_summary_reads_well(tmp_path):
    summary = run(texts(3), tmp_path / "out")
    assert str(summary).splitlines() == [
        "synthetic: 3 utterances of 0 known persons (synthetic)",
        "  modalities  3 with text, 0 with audio, 0 with faces",
        "  audio       0.00 hours",
        "  faces       0",
        "  emotions    none; 3 unlabelled",
        "  skipped     0 utterances (reasons in skipped.jsonl)",
    ]


def test_the_summary_counts_what_is_incomplete_apart_from_what_is_noted(tmp_path):
    film = write_video(tmp_path / "film.mkv", 60, codec="ffv1", sound=murmur(32_000)[:, 0])
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
    items = [
        utterance("faceless", video=film, audio=film),
        utterance("silent", audio=tmp_path / "silent.wav", text="words"),
        utterance("beyond", audio=film, start=1, end=9),
        utterance("mute", video=tmp_path / "silent.wav", text="words"),
    ]
    summary = run(items, tmp_path / "out")
    assert str(summary).splitlines()[-3:] == [
        "  skipped     0 utterances (reasons in skipped.jsonl)",
        "  incomplete  video: no face found 1; audio: silent 1; video: no such track 1",
        "  notes       ends after its recording 1",
    ]
    assert (summary.faces, summary.frames, summary.face_found) == (0, 4, 0.0)
    assert Store(tmp_path / "out").modalities == ["a", "t", "a", "t"]


def test_sentiment_is_counted_where_there_is_any(tmp_path):
    rated = [utterance("rated", text="words", sentiment=0.0), *texts(2)]
    summary = run(rated, tmp_path / "out")
    assert "  sentiment   of 1 utterances" in str(summary).splitlines()
    assert run(rated, tmp_path / "out") == summary


def test_further_labels_are_counted(tmp_path):
    rated = [utterance(f"{i}", text="words", labels={"valence": float(i)}) for i in range(2)]
    summary = run(
        [*rated, utterance("c", text="words", labels={"stance": "for"})], tmp_path / "out"
    )
    assert "  labels      stance 1, valence 2" in str(summary).splitlines()
    assert Store(tmp_path / "out").utterances[1].labels == {"valence": 1.0}


def test_a_folder_finished_before_sentiment_was_counted_still_is(tmp_path):
    out = tmp_path / "out"
    summary = run(texts(3), out)
    info = json.loads((out / "dataset.json").read_text())
    del info["sentiment"]
    (out / "dataset.json").write_text(json.dumps(info))
    assert run(texts(3), out) == summary


def test_a_finished_folder_is_left_alone(tmp_path, caplog):
    caplog.set_level("INFO", "mien")
    first = run(texts(3), tmp_path / "out")
    before = contents(tmp_path / "out")
    again = prepare(iter([]), tmp_path / "out", corpus="synthetic", workers=1)
    assert again == first
    assert "prepared before, nothing to do" in caplog.text
    assert contents(tmp_path / "out") == before


def gone(shard: Path) -> None:
    shard.unlink()


def cut(shard: Path) -> None:
    shard.write_bytes(shard.read_bytes()[:-1])


def bit(shard: Path) -> None:
    data = bytearray(shard.read_bytes())
    data[len(data) // 4] ^= 8  # of a row; without a list the footer behind them is believed
    shard.write_bytes(data)


def lost_list(shard: Path) -> None:
    bit(shard)
    (shard.parent / "dataset.json").write_text("{")


@pytest.mark.parametrize("harm", [gone, cut, bit, lost_list])
def test_what_is_damaged_is_made_again_by_the_same_command(tmp_path, harm, caplog, monkeypatch):
    monkeypatch.setattr("mien.dataset.prepare.MIN_JOB_TEXTS", 16)
    caplog.set_level("INFO", "mien")
    out = tmp_path / "out"
    first = run(texts(40), out)
    before = contents(out)
    shards = sorted(out.glob("*.parquet"))
    assert len(shards) == 3
    kept = {path: path.stat().st_mtime_ns for path in shards[::2]}
    harm(shards[1])
    with pytest.raises(MienError, match="run the same 'mien prepare' command again"):
        list(Store(out))
    assert run(texts(40), out) == first
    assert "nothing to do" not in caplog.text
    assert contents(out) == before
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_shard_of_another_writer_is_named_and_made_again_once_it_is_deleted(tmp_path):
    out = tmp_path / "out"
    first, before = run(texts(3), out), contents(out)
    (shard,) = out.glob("*.parquet")
    rows = Shard(shard, SCHEMA, remedy="").read()
    with shard_writer(shard, SCHEMA) as writer:
        writer.write_table(rows)
    (out / "dataset.json").unlink()
    with pytest.raises(MienError, match="lacks the list of skipped utterances; delete this file"):
        run(texts(3), out)
    shard.unlink()
    assert run(texts(3), out) == first
    assert contents(out) == before


def test_one_folder_is_prepared_by_one_process_and_a_killed_one_leaves_no_lock(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    holder = (
        "import sys, time; from pathlib import Path; from mien.files import only_one\n"
        "with only_one(Path(sys.argv[1]), 'mien prepare'):\n"
        "    print('held', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", holder, str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(MienError, match="another 'mien prepare' is at work in it") as error:
            run(texts(3), out)
        assert str(out) in str(error.value)
        assert list(out.iterdir()) == []
        process.kill()
    assert run(texts(3), out).utterances == 3
    assert run(texts(3), out).utterances == 3, "the lock is let go at the end"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corpus": "ravdess"}, "corpus 'synthetic', not 'ravdess'"),
        ({"no_face": "centre"}, "no_face 'leave-out', not 'centre'"),
        ({"max_seconds": 60.0}, "max_seconds 600.0, not 60.0"),
        ({"frame_interval": 0.25}, "frame_interval 0.5, not 0.25"),
        ({"face_size": 48}, "face_size 112, not 48"),
        ({"limit": 2}, "limit None, not 2"),
        ({"options": {"rule": "published"}}, "rule"),
    ],
)
def test_other_settings_need_another_folder(tmp_path, change, message):
    (tmp_path / "out").mkdir()
    settings = {"schema": SCHEMA_VERSION, "corpus": "synthetic", "frame_interval": 0.5}
    settings |= {"no_face": "leave-out", "max_seconds": 600.0, "limit": None, "options": {}}
    settings["face_size"] = 112
    (tmp_path / "out" / "prepare.json").write_text(json.dumps(settings))
    with pytest.raises(MienError, match=message):
        prepare(texts(1), tmp_path / "out", **{"corpus": "synthetic", "workers": 1, **change})


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "film.part").write_text("mine")
    with pytest.raises(MienError, match="holds something else"):
        run(texts(1), tmp_path)
    assert (tmp_path / "film.part").read_text() == "mine"
    with pytest.raises(MienError, match="is a file"):
        run(texts(1), tmp_path / "film.part")


def test_nothing_left_is_an_error_and_no_dataset(tmp_path):
    for name, items in {"empty": [], "bad": [utterance("a", text=" ")]}.items():
        out = tmp_path / name
        with pytest.raises(MienError, match="no utterance of the corpus can be used"):
            run(items, out)
        assert len(notes(out)) == len(items)
        with pytest.raises(MienError, match="not finished"):
            Store(out)


def test_the_limit_holds_for_an_endless_corpus(tmp_path):
    endless = (utterance(f"synthetic_{i}", text="words") for i in count())
    assert run(endless, tmp_path / "out", limit=20).utterances == 20
    with pytest.raises(MienError, match="limit"):
        run(texts(1), tmp_path / "out", limit=0)


def test_the_limit_takes_a_spread_of_a_list_the_same_each_time(tmp_path):
    """Ten persons of 24 utterances, six emotions in turn: the first 20 are of one person."""
    emotions = ("neutral", "happy", "sad", "angry", "fearful", "disgusted")
    corpus = [
        utterance(
            f"synthetic_{i:03}", text="words", person=f"P{i // 24}", emotions=(emotions[i % 6],)
        )
        for i in range(240)
    ]
    summary = run([*corpus, Skipped("synthetic_x", "no label")], tmp_path / "out", limit=20)
    assert (summary.utterances, summary.skipped) == (20, 1)
    assert summary.persons == {f"P{i}": 2 for i in range(10)}
    assert len(summary.emotions) == 6
    ids = [u.id for u in Store(tmp_path / "out").utterances]
    assert ids == sorted(ids)
    run(corpus, tmp_path / "again", limit=20)
    assert [u.id for u in Store(tmp_path / "again").utterances] == ids
    everything = run(corpus[:12], tmp_path / "all", limit=12)
    assert everything.utterances == 12


def test_a_long_corpus_is_read_as_it_is_worked_off(tmp_path):
    out = tmp_path / "out"

    def watched():
        for i, item in enumerate(texts(12 * MIN_JOB_UTTERANCES)):
            finished = len(list(out.glob("*.parquet")))
            assert i <= (finished + 3) * MIN_JOB_UTTERANCES
            yield replace(item, audio=tmp_path / f"missing{i}.wav")

    assert run(watched(), out).utterances == 12 * MIN_JOB_UTTERANCES


def test_a_shard_that_cannot_be_written_ends_it(tmp_path):
    out = tmp_path / "out"

    def sabotage():
        shutil.rmtree(out)
        yield from texts(MIN_JOB_UTTERANCES)

    with pytest.raises(MienError, match=r"parquet: can't be written"):
        run(sabotage(), out)


def test_units_are_cut_between_recordings():
    a, b = Path("a.avi"), Path("b.avi")
    clips = [utterance(str(i), audio=Path(f"{i}.wav")) for i in range(MIN_JOB_UTTERANCES + 3)]
    turns = [
        utterance(f"t{i}", video=a, audio=Path("a.wav")) for i in range(3 * MIN_JOB_UTTERANCES)
    ]
    later = [utterance("u", video=b)]
    alone = texts(MIN_JOB_TEXTS + 5)
    units = list(_grouped([*clips, *turns, *later, *alone]))
    assert [len(unit) for unit in units] == [
        MIN_JOB_UTTERANCES,
        3 + 3 * MIN_JOB_UTTERANCES,
        MIN_JOB_TEXTS,
        6,
    ]
    assert [u for unit in units for u in unit] == [*clips, *turns, *later, *alone]


def test_a_changed_corpus_is_not_taken_from_old_shards(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match="stop"):
        run(broken_importer(texts(MIN_JOB_TEXTS + 1)), out)
    assert len(list(out.glob("*.parquet"))) == 1
    changed = [utterance(u.id, text="other words") for u in texts(MIN_JOB_TEXTS + 1)]
    run(changed, out)
    assert {u.text for u in Store(out).utterances} == {"other words"}
    assert len(list(out.glob("*.parquet"))) == 2


def broken_importer(items):
    yield from items
    raise RuntimeError("stop")


# Processes that die


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sounds") / "wav"
    write_sounds(folder, 8 * MIN_JOB_UTTERANCES)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(sounds, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted") / "out"
    items = (utterance(path.stem, audio=path) for path in sorted(sounds.glob("*.wav")))
    run(items, out)
    return out


def start(
    tmp_path: Path, folder: Path, out: Path, workers: int = 2, hold: int = -1
) -> subprocess.Popen:
    """Prepare in processes of its own; with `hold` the corpus yields so many utterances only."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), str(out), str(workers), str(hold)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_shards(out: Path, number: int) -> set[Path]:
    deadline = time.monotonic() + 120
    while len(shards := set(out.glob("*.parquet"))) < number:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return shards


@pytest.mark.slow
def test_killed_and_run_again_gives_the_same(tmp_path, sounds, uninterrupted):
    out = tmp_path / "out"
    process = start(
        tmp_path, sounds, out, hold=6 * MIN_JOB_UTTERANCES
    )  # however busy the machine, not done
    wait_for_shards(out, 2)
    process.kill()
    process.wait()
    wait_until_gone(process.pid)
    assert not (out / "dataset.json").exists()
    with pytest.raises(MienError, match="not finished"):
        Store(out)
    finished = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    (out / "00099-half.parquet.123.part").write_bytes(b"half")
    again, errors = start(tmp_path, sounds, out).communicate(timeout=120)
    assert f"{8 * MIN_JOB_UTTERANCES} utterances" in again, errors
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert 2 <= len(finished) < 8
    assert contents(out) == contents(uninterrupted)


def wait_until_gone(session: int) -> None:
    """Wait until no process of the session is left: workers must not outlive their parent."""
    deadline = time.monotonic() + 60
    while True:
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return
        if time.monotonic() > deadline:
            os.killpg(session, signal.SIGKILL)
            pytest.fail("worker processes outlived the one that started them")
        time.sleep(0.05)


@pytest.mark.slow
def test_ctrl_c_stops_at_once_and_cleanly(tmp_path, sounds, uninterrupted):
    out = tmp_path / "out"
    # one worker, which is past its start when there is a shard: a start is not silent when stopped
    process = start(tmp_path, sounds, out, workers=1, hold=6 * MIN_JOB_UTTERANCES)
    wait_for_shards(out, 1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "Process Spawn" not in errors
    assert not (out / "dataset.json").exists()
    wait_until_gone(process.pid)
    start(tmp_path, sounds, out).communicate(timeout=120)
    assert contents(out) == contents(uninterrupted)


@pytest.mark.slow
def test_a_file_that_kills_its_process_costs_only_itself(tmp_path):
    folder, out = tmp_path / "wav", tmp_path / "out"
    write_sounds(folder, MIN_JOB_UTTERANCES + 4)
    (folder / "0003.wav").rename(folder / "deadly_3.wav")
    (folder / "0018.wav").rename(folder / "odd_18.wav")
    printed, errors = start(tmp_path, folder, out).communicate(timeout=120)
    assert f"{MIN_JOB_UTTERANCES + 2} utterances" in printed, errors
    assert {(n.id, n.reason) for n in notes(out)} == {
        ("deadly_3", "the process that decoded it died"),
        ("odd_18", "RuntimeError: who could have known"),
    }
    assert {n.source for n in notes(out)} == {
        str(folder / "deadly_3.wav"),
        str(folder / "odd_18.wav"),
    }
    assert len(Store(out)) == MIN_JOB_UTTERANCES + 2


@pytest.mark.slow
def test_a_file_that_takes_for_ever_costs_only_itself(tmp_path):
    folder, out = tmp_path / "wav", tmp_path / "out"
    write_sounds(folder, 6)
    (folder / "0003.wav").rename(folder / "endless_3.wav")
    printed, errors = start(tmp_path, folder, out).communicate(timeout=120)
    assert "5 utterances" in printed, errors
    (note,) = notes(out)
    assert (note.id, note.kind) == ("endless_3", "decoder too slow")
    assert note.reason == "decoding it takes longer than 4 s"
    assert len(Store(out)) == 5


def test_the_time_limit_grows_with_what_there_is_to_decode(tmp_path):
    path = tmp_path / "a.mkv"
    path.write_bytes(bytes(1_000_000))
    turns = [utterance(str(i), video=path, start=i, end=i + 1.0) for i in range(20)]
    assert time_limit([utterance("a", text="words")]) == 130
    assert time_limit(turns[:1]) == pytest.approx(130 + 2 + 10)
    assert time_limit(turns) == pytest.approx(120 + 200 + 2 * 20 + 10)
    assert time_limit([utterance("a", video=path)]) == pytest.approx(130 + 2 * 500 + 10)
    pictures = utterance("a", video=tmp_path / "%d.png", video_rate=25.0)
    assert time_limit([pictures]) == pytest.approx(130 + 2 * 600)
    assert time_limit([utterance("a", video=path, end=1e300)]) == pytest.approx(130 + 1000 + 10)
