"""What a user types about pretrained weights, and to hand a run on."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from hub_server import SHA, Hub, files_of, hub_on_this_machine, use_hub
from media_files import murmur
from pretrained_models import write_network
from samples import tiny_run

from mien.models.pretrained.catalogue import CATALOGUE, WEIGHTS
from mien.runs.run import Run

NAME, RUN = "synthetic/waves", "synthetic/model"
NOWHERE = "http://127.0.0.1:9"

CHUNK = 10 * 2**20
"""Bytes that the hub's library writes at once."""

Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Run:
    return tiny_run(tmp_path_factory.mktemp("handed") / "run", tiny_text)


@pytest.fixture
def hub(tmp_path: Path, run: Run) -> Iterator[Hub]:
    """A hub on this machine, with an encoder and a run."""
    with hub_on_this_machine() as (hub, endpoint):
        hub.endpoint = endpoint
        strange = {"pytorch_model.bin": b"\x80\x04pickle", "run.py": b"raise SystemExit"}
        strange |= {"model.fp16.safetensors": b"", "onnx/config.json": b"{}"}
        hub.repos[NAME] = files_of(write_network(tmp_path / "network", "hubert")) | strange
        hub.repos[RUN] = files_of(run.folder)
        yield hub


def typed(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a command in a process of its own, which is not told to stay offline."""
    clean = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "MIEN_OFFLINE")}
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, "-m", "mien", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        env=clean | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path} | environment,
    )


@pytest.fixture
def away(hub: Hub, tmp_path: Path) -> Typed:
    """Type a command in a process of its own, with the hub and a cache on this machine."""
    where = {"HF_ENDPOINT": hub.endpoint, "MIEN_CACHE": str(tmp_path / "cache")}
    return lambda *words, **more: typed(*words, **where | more)


@pytest.fixture
def at(hub: Hub, tmp_path: Path, mien: Typed, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Type a command in this process, which spares seconds of imports each."""
    use_hub(hub.endpoint, tmp_path / "not used", monkeypatch)
    where = {"MIEN_CACHE": str(tmp_path / "cache"), "MIEN_OFFLINE": ""}

    def run(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as own:
            for name, value in (where | more).items():
                own.setenv(name, value)
            return mien(*words)

    return run


def test_the_list_fits_a_narrow_terminal_and_shows_every_entry(mien) -> None:
    shown = mien("models")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for weights in WEIGHTS:
        (row,) = [line.split() for line in lines if line.split()[:1] == [weights.name]]
        assert row[1:3] == [weights.licence, weights.commercial]
        assert row[3] in ("yes", "no")
    text = " ".join(shown.stdout.split())
    assert "17.1 MB, SHA-256 39373b86598f, in the package resemblyzer==0.1.4" in text
    assert "trained on LibriSpeech, VoxCeleb 1 and 2" in text
    assert (
        "commercial use: VoxCeleb, a part of the training data, is published for research" in text
    )


def test_a_wide_terminal_is_used(mien, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    widest = max(map(len, mien("models").stdout.splitlines()))
    assert 100 < widest <= 120


def test_the_list_as_json(mien, tmp_path: Path) -> None:
    listed = json.loads(mien("models", "--json").stdout)
    assert [entry["name"] for entry in listed] == [weights.name for weights in WEIGHTS]
    voice = next(entry for entry in listed if entry["name"] == "voice")
    assert voice | {"installed": None} == {
        "name": "voice",
        "purpose": "speaker encoder",
        "modality": "audio",
        "licence": "Apache-2.0",
        "commercial": "ask",
        "restriction": "VoxCeleb, a part of the training data, is published for research",
        "training_data": "LibriSpeech, VoxCeleb 1 and 2",
        "parameters_million": None,
        "size": 17_090_379,
        "sha256": CATALOGUE["voice"].sha256,
        "files": [vars(CATALOGUE["voice"].files[0])],
        "source": "package",
        "package": "resemblyzer==0.1.4",
        "install": "pip install --no-deps resemblyzer==0.1.4",
        "installed": None,
    }
    assert mien("models", "--json", tmp_path / "list.json").stdout == ""
    assert json.loads((tmp_path / "list.json").read_text()) == listed


def test_what_is_in_a_package_is_found_and_checked(mien) -> None:
    folder = mien("models", "path", "minilm").stdout.strip()
    assert (Path(folder) / "model.safetensors").is_file()
    assert mien("models", "fetch", "minilm").stdout.strip() == folder


def test_a_package_that_is_not_installed_says_what_to_type(
    mien, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    for action in ("fetch", "path"):
        result = mien("models", action, "voice")
        assert result.returncode == 1
        assert result.stderr == (
            "mien: the speaker encoder 'voice' is in the package resemblyzer, which is not"
            " installed: pip install --no-deps resemblyzer==0.1.4\n"
        )
    listed = json.loads(mien("models", "--json").stdout)
    assert {entry["name"]: entry["installed"] for entry in listed}["voice"] is False


@pytest.mark.parametrize("name", ["minilmm", "no/such/name", "../up", "wave s"])
def test_a_name_that_cannot_be_is_told(mien, name: str) -> None:
    result = mien("models", "path", name)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"mien: NAME: no weights {name!r}")
    assert result.stderr.count("\n") == 1
    assert ("did you mean minilm?" in result.stderr) == (name == "minilmm")


def test_a_model_is_fetched_found_and_used_offline(hub: Hub, away: Typed, tmp_path: Path) -> None:
    missing = away("models", "path", NAME)
    assert missing.returncode == 1
    assert f"{tmp_path / 'cache'}: `mien models fetch {NAME}`" in missing.stderr
    assert hub.asked == []
    fetched = away("models", "fetch", NAME)
    assert fetched.returncode == 0, fetched.stderr
    folder = Path(fetched.stdout.strip())
    assert folder.is_relative_to(tmp_path / "cache")
    names = {"config.json", "preprocessor_config.json", "model.safetensors"}
    assert set(files_of(folder)) == names
    size = sum(len(hub.repos[NAME][name]) for name in names)
    assert fetched.stderr.splitlines() == [
        f"fetching {NAME} from the hub: 3 files, {size / 1e6:.1f} MB",
        f"{NAME} is not in the list of `mien models`; its model card states the licence: cc-by-4.0",
    ]
    hub.asked.clear()
    for more in ({"MIEN_OFFLINE": "1"}, {"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": NOWHERE}):
        again = away("models", "fetch", NAME, **more)
        assert (again.stdout, again.stderr) == (fetched.stdout, ""), more
    assert away("models", "path", NAME).stdout == fetched.stdout
    assert hub.asked == []


def test_a_revision_is_fetched_and_found(hub: Hub, at: Typed) -> None:
    fetched = at("models", "fetch", f"{NAME}@v2")
    assert fetched.returncode == 0, fetched.stderr
    assert ("GET", f"/api/models/{NAME}/revision/v2") in hub.asked
    assert at("models", "path", f"{NAME}@v2").stdout == fetched.stdout
    assert at("models", "path", NAME).returncode == 1, "the main branch was not asked for"


def test_a_run_is_fetched_and_predicts_offline(
    hub: Hub, at: Typed, away: Typed, run: Run, tmp_path: Path
) -> None:
    fetched = at("models", "fetch", RUN)
    assert fetched.returncode == 0, fetched.stderr
    assert "config.yaml" in files_of(Path(fetched.stdout.strip()))
    soundfile.write(tmp_path / "a.wav", murmur(16_000), 16_000)
    hub.asked.clear()
    words = ("predict", tmp_path / "a.wav", "--text", "I am", "--json", "-")
    offline = away(*words, "--model", RUN, "--offline")
    assert offline.returncode == 0, offline.stderr
    assert hub.asked == []
    (one,), (copy,) = (
        json.loads(result.stdout) for result in (at(*words, "--model", run.folder), offline)
    )
    assert copy["answers"] == one["answers"]


def test_offline_a_model_that_is_not_here_names_the_switch(
    hub: Hub, away: Typed, data: Path
) -> None:
    words = ("train", data, "--out", data.parent / "none", "--modalities", "a")
    words = (*words, "--audio-encoder", NAME)
    for more, switch in (((), "HF_HUB_OFFLINE"), (("--offline",), "MIEN_OFFLINE")):
        result = away(*words, *more, **({} if more else {"HF_HUB_OFFLINE": "1"}))
        assert result.returncode == 1
        assert f"and it was not fetched before ({switch} is set); on a machine" in result.stderr
        assert f"`mien models fetch {NAME}` with MIEN_CACHE=DIR" in result.stderr
        assert result.stderr.count("\n") == 1
    assert hub.asked == []


def test_a_damaged_download_is_deleted(hub: Hub, at: Typed, tmp_path: Path) -> None:
    hub.digests["model.safetensors"] = hashlib.sha256(b"other").hexdigest()
    result = at("models", "fetch", NAME)
    assert result.returncode == 1
    assert "model.safetensors was damaged on its way" in result.stderr
    hub.digests.clear()
    assert at("models", "path", NAME).returncode == 1
    again = at("models", "fetch", NAME)
    assert again.returncode == 0, again.stderr
    content = hub.repos[NAME]["model.safetensors"]
    assert (Path(again.stdout.strip()) / "model.safetensors").read_bytes() == content


def test_a_download_that_breaks_off_goes_on(hub: Hub, at: Typed) -> None:
    hub.repos[NAME]["model.safetensors"] = os.urandom(24 * CHUNK // 10)
    hub.breaks = {"model.safetensors": 15 * CHUNK // 10}
    fetched = at("models", "fetch", NAME)
    assert fetched.returncode == 0, fetched.stderr
    content = hub.repos[NAME]["model.safetensors"]
    assert (Path(fetched.stdout.strip()) / "model.safetensors").read_bytes() == content
    assert hub.ranges == [f"bytes={CHUNK}-"], "what has arrived is not asked for again"


def test_pickled_weights_are_refused_before_anything_is_fetched(hub: Hub, at: Typed) -> None:
    del hub.repos[NAME]["model.safetensors"]
    del hub.repos[NAME]["model.fp16.safetensors"]
    result = at("models", "fetch", NAME)
    assert result.returncode == 1
    assert f"{NAME} has no model.safetensors" in result.stderr
    assert not any("/resolve/" in path for _, path in hub.asked)


def test_a_catalogued_model_whose_file_changed_is_refused(hub: Hub, at: Typed) -> None:
    name = "sentence-transformers/all-MiniLM-L6-v2"
    hub.repos[name] = hub.repos[NAME]
    result = at("models", "fetch", name)
    assert result.returncode == 1
    assert "is not the file that mien knows (it has" in result.stderr
    assert f"name the revision that you want, {name}@REVISION" in result.stderr


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "log in with `hf auth login`"), (429, "status 429"), (503, "cannot be reached")],
)
def test_a_hub_that_refuses_is_told_in_one_line(
    hub: Hub, at: Typed, status: int, told: str
) -> None:
    hub.status = status
    result = at("models", "fetch", NAME)
    assert result.returncode == 1
    assert result.stderr.startswith(f"mien: {NAME} could not be fetched: ")
    assert result.stderr.count("\n") == 1
    assert told in result.stderr


def test_a_name_that_is_nowhere_is_told(at: Typed) -> None:
    result = at("models", "fetch", "synthetic/none")
    assert result.stderr == (
        "mien: synthetic/none could not be fetched: the hub has no such repository, or you have no"
        " access to it\n"
    )


def test_a_run_is_written_to_a_folder_instead_of_uploaded(
    hub: Hub, at: Typed, run: Run, tmp_path: Path
) -> None:
    result = at("publish", run.folder, "--folder", tmp_path / "draft")
    assert (result.returncode, result.stdout) == (0, f"{tmp_path / 'draft'}\n"), result.stderr
    assert "## Licence" in (tmp_path / "draft" / "README.md").read_text()
    assert hub.asked == []


def test_a_run_is_published_private_unless_it_is_said_otherwise(
    hub: Hub, at: Typed, run: Run
) -> None:
    for name, flags in (("synthetic/one", ()), ("synthetic/two", ("--public",))):
        result = at("publish", run.folder, name, *flags, HF_TOKEN="hf_synthetic")
        assert result.returncode == 0, result.stderr
        assert result.stdout.strip() == f"{hub.endpoint}/{name}/commit/{SHA}"
        assert {"config.yaml", "model.safetensors", "README.md"} <= set(hub.repos[name])
    assert (bool(hub.private["synthetic/one"]), bool(hub.private["synthetic/two"])) == (True, False)


def test_publishing_needs_one_place_and_a_hub(hub: Hub, at: Typed, run: Run) -> None:
    for words in ((), ("synthetic/one", "--folder", "draft")):
        result = at("publish", run.folder, *words)
        assert result.returncode == 2
        assert "give either NAME or --folder" in result.stderr
    result = at("publish", run.folder, "synthetic/one", MIEN_OFFLINE="1")
    assert result.stderr == "mien: synthetic/one could not be uploaded: MIEN_OFFLINE is set\n"
    assert hub.asked == []
