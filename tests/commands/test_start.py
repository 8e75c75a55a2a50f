"""Before a command works: terminals and arguments of any encoding, and Ctrl-C at any import."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from media_files import murmur

from mien.dataset.store import Store
from mien.inference.prediction import Prediction

PROGRAM = [sys.executable, "-m", "mien"]
MAIN = Path(__file__).resolve().parents[2] / "main.py"


def started(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    path = os.pathsep.join(filter(None, sys.path))
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": path}
    command = [*PROGRAM, *(a if isinstance(a, bytes) else str(a) for a in arguments)]
    return subprocess.run(command, capture_output=True, env=os.environ | quiet | environment)


def test_a_terminal_that_shows_ascii_alone_gets_the_answer(
    run_folder: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "Zoë.wav"
    soundfile.write(clip, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    result = started("predict", run_folder, clip, PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    shown = result.stdout.decode("ascii")
    assert "Zo\\xeb.wav" in shown
    assert any(emotion in shown for emotion in ("happy", "sad"))
    missing = started("predict", run_folder, "Zoé.wav", PYTHONIOENCODING="ascii")
    assert missing.returncode == 1
    assert missing.stderr == b"mien: Zo\\xe9.wav does not exist\n"


NOT_UTF_8 = b"caf\xe9.wav"


def test_a_clip_whose_name_is_no_utf_8(run_folder: Path, tmp_path: Path) -> None:
    clip = os.fsencode(tmp_path) + b"/" + NOT_UTF_8
    with open(clip, "wb") as file:
        noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
        soundfile.write(file, noise, 16_000, format="WAV", subtype="PCM_16")
    out, shown = tmp_path / "out.json", f"{tmp_path}/caf\\xe9.wav"
    result = started("predict", run_folder, clip, "--json", "-")
    assert result.returncode == 0, result.stderr
    content = result.stdout.decode()
    assert json.loads(content)[0]["source"] == shown
    assert Prediction.model_validate(json.loads(content)[0]).source == shown
    result = started("predict", run_folder, clip, "--json", out, PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert result.stdout.decode("ascii").splitlines()[0] == shown
    assert json.loads(out.read_bytes()) == json.loads(content)
    result = started("predict", run_folder, b"gone-" + NOT_UTF_8, PYTHONIOENCODING="ascii")
    assert result.returncode == 1
    assert result.stderr == b"mien: gone-caf\\xe9.wav does not exist\n"


def test_a_corpus_whose_names_are_no_utf_8_is_prepared(tmp_path: Path) -> None:
    folder, out = os.fsencode(tmp_path) + b"/ravdess-\xe9", tmp_path / "out"
    os.mkdir(folder)
    sound = murmur(16_000)
    for name in (b"03-01-05-01-02-01-12.wav", NOT_UTF_8, b"03-01-05-01-02-01-11.wav"):
        with open(folder + b"/" + name, "wb") as file:
            soundfile.write(file, sound, 16_000, format="WAV", subtype="PCM_16")
    with open(folder + b"/03-01-05-01-02-01-11.wav", "wb") as file:
        file.write(b"RIFF damaged")
    for _ in range(2):
        how = ("--workers", "1")
        result = started("prepare", "ravdess", folder, out, *how, PYTHONIOENCODING="ascii")
        assert result.returncode == 0, result.stderr
        assert b"2 utterances" in result.stdout
        lines = (out / "skipped.jsonl").read_bytes().decode("utf-8", "strict").splitlines()
        items = {item["id"]: item for item in map(json.loads, lines)}
        assert items.keys() == {"caf\\xe9", "03-01-05-01-02-01-11"}
        assert items["caf\\xe9"]["source"] == f"{tmp_path}/ravdess-\\xe9/caf\\xe9.wav"
    assert b"nothing to do" in result.stderr
    assert len(Store(out)) == 2
    result = started("inspect", out, PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr


def test_words_in_a_locale_without_them_are_read_as_utf_8(run_folder: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    said = "quelle gaieté".encode()
    result = started("predict", run_folder, "--text", said, "--json", "-", **plain)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)[0]["segments"][0]["text"] == "quelle gaieté"


def test_words_that_are_no_text_are_refused(run_folder: Path) -> None:
    result = started("predict", run_folder, "--text", b"caf\xe9", "--json", "-")
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"mien: --text: 'caf\\udce9' is not valid UTF-8")
    assert result.stderr.count(b"\n") == 1


INTERRUPT = """
import os, runpy, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)
module, sys.argv = sys.argv[1], sys.argv[2:]
met = []

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == module and not met:
            met.append(name)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC())
try:
    if sys.argv[0].endswith("main.py"):
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        runpy.run_module("mien", run_name="__main__", alter_sys=True)
finally:
    print("met" if met else "never imported", flush=True)
"""


@pytest.mark.parametrize(
    "module",
    [
        *("mien.cli", "argparse", "pydantic", "mien.cli.gallery"),
        *("mien.inference.recognizer", "torch", "torch.nn.functional", "av"),
        *("mien.runs.run", "numpy._core._multiarray_umath", "soxr"),
    ],
)
def test_ctrl_c_at_an_import_is_one_line(module: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()  # or nothing would be imported for it
    result = interrupted(module, "mien", "predict", "--model", tmp_path, "--text", "words")
    assert result.stdout == "met\n"
    assert result.stderr == "mien: interrupted\n"
    assert result.returncode == 1


@pytest.mark.parametrize(
    "module", ["mien.cli", "mien.published.options", "mien.published.reproduce"]
)
def test_ctrl_c_at_an_import_of_a_published_command_is_one_line(module: str) -> None:
    flags = ("-bs=2", "-lr=1e-4", "-ep=1", "--dataset=iemocap", "--num-emotions=6")
    result = interrupted(module, MAIN, *flags)
    assert result.stdout == "met\n"
    assert result.stderr == "main.py: interrupted\n"
    assert result.returncode == 1


def interrupted(module: str, *command: object) -> subprocess.CompletedProcess[str]:
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-c", INTERRUPT, module, *map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, env=os.environ | path)


def test_an_error_of_the_system_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "clips.csv").write_text("id,text\na,hello\n")
    (tmp_path / "out" / "prepare.json").mkdir()
    result = started("prepare", "manifest", tmp_path / "clips.csv", tmp_path / "out")
    assert result.returncode == 1
    assert result.stderr.count(b"\n") == 1
    assert str(tmp_path / "out").encode() in result.stderr
    assert b"unexpected" not in result.stderr


def test_ctrl_c_while_worker_processes_start_is_one_line(tmp_path: Path) -> None:
    rows = "".join(f"{i},words\n" for i in range(20_000))  # of text alone, 1,024 in a shard
    (tmp_path / "clips.csv").write_text("id,text\n" + rows)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*PROGRAM, "prepare", "manifest", tmp_path / "clips.csv", out, "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
        # a shell that starts the tests in the background has their children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        commands = [Path(f"/proc/{pid}/cmdline") for pid in children.read_text().split()]
        if any(b"spawn_main" in command.read_bytes() for command in commands):
            break
    time.sleep(0.5)  # into their imports
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said = process.communicate(timeout=60)[1]
    assert "Traceback" not in said
    assert said.endswith("mien: interrupted\n")
    assert not (out / "dataset.json").exists()
