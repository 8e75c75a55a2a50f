"""Runs from and to the hub: only a run's own files, no secrets, one quiet attempt."""

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hub_server import SHA, Hub, files_of, hub_on_this_machine, use_hub
from made_up_predictions import MIXED, RATINGS, predictions
from samples import tiny_run

from mien import MienError, Recognizer
from mien.inference.evaluate import metrics_of
from mien.modality import Modality
from mien.runs.frozen import FrozenWeights
from mien.runs.hub import LARGEST_FILES, fetch, open_run, push, save
from mien.runs.run import Run
from mien.tasks import TASKS, Task, TaskMetrics
from mien.tasks.display import Charts, Table

NAME = "synthetic/model"
TOKEN = "hf_synthetic_secret"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Run:
    run = tiny_run(tmp_path_factory.mktemp("hub") / "run", tiny_text)
    run.write("thresholds.json", {"emotion": {"happy": 0.25, "sad": 0.5, "angry": 0.5}})
    return run


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty hub on this machine, with an empty cache."""
    with hub_on_this_machine() as (hub, endpoint):
        use_hub(endpoint, tmp_path / "cache", monkeypatch)
        yield hub


def test_what_is_saved_gives_the_same_answers_and_names_no_folder_of_this_machine(
    run: Run, tmp_path: Path
) -> None:
    (run.folder / "log").mkdir(exist_ok=True)
    (run.folder / "log" / "metrics.csv").write_text("epoch\n")
    out = Recognizer(run, "cpu").save_pretrained(tmp_path / "copy")
    names = set(files_of(out))
    assert {"config.yaml", "model.safetensors", "thresholds.json", "README.md"} <= names
    assert any(name.startswith("tokenizer/") for name in names)
    assert not any(name.startswith("log") for name in names)
    assert Path(run.config.model.text.model).is_absolute()
    for name in ("config.yaml", "README.md"):
        assert str(Path(run.config.model.text.model).parent) not in (out / name).read_text()
    text = "I am here"
    one, copy = (Recognizer.from_pretrained(f, device="cpu")(text=text) for f in (run.folder, out))
    assert copy.answers == one.answers
    assert copy.answers["emotion"].above_threshold == one.answers["emotion"].above_threshold
    with pytest.raises(MienError, match="exists and is not empty"):
        save(run, out)


def test_frozen_weights_that_everybody_has_stay_named(run: Run, tmp_path: Path) -> None:
    begun = Run(shutil.copytree(run.folder, tmp_path / "run"))
    begun.record_frozen({Modality.TEXT: FrozenWeights(name="minilm", sha256="0" * 64)})
    copy = Run(save(begun, tmp_path / "copy"))
    assert copy.config.frozen == begun.config.frozen
    weights = [(r.folder / "model.safetensors").read_bytes() for r in (begun, copy)]
    assert weights[0] == weights[1]


def test_a_run_comes_from_the_hub_and_works_without_it_afterwards(
    run: Run, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos[NAME] = files_of(run.folder)
    fetched = Recognizer.from_pretrained(NAME, device="cpu")
    assert fetched(text="I am").answers == Recognizer(run, "cpu")(text="I am").answers
    hub.status = 503
    assert open_run(NAME).config == run.config
    asked = len(hub.asked)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert open_run(NAME).config == run.config
    assert len(hub.asked) == asked, "offline nothing is asked"


def test_a_revision_is_asked_for(run: Run, hub: Hub) -> None:
    hub.repos[NAME] = files_of(run.folder)
    open_run(NAME, revision="v1")
    assert ("GET", f"/api/models/{NAME}/revision/v1") in hub.asked
    with pytest.raises(MienError, match="is not a name on the hub"):
        open_run(run.folder, revision="v1")


def test_only_a_run_s_own_files_are_fetched(run: Run, hub: Hub) -> None:
    strange = {
        "pytorch_model.bin": b"\x80\x04pickle",
        "model.pkl": b"\x80\x04",
        "tokenizer/evil.py": b"raise SystemExit",
        "modeling.py": b"raise SystemExit",
        "tokenizer/deep/tokenizer.json": b"{}",
        "state/last.safetensors": b"",
        "config.yaml.exe": b"",
    }
    hub.repos[NAME] = files_of(run.folder) | strange
    folder = fetch(NAME)
    assert set(files_of(folder)) == set(files_of(run.folder)) - {"log/metrics.csv"}
    assert not any(path.endswith(tuple(strange)) for _, path in hub.asked)


def test_a_file_that_is_too_large_is_not_fetched(run: Run, hub: Hub) -> None:
    hub.repos[NAME] = files_of(run.folder)
    hub.sizes["thresholds.json"] = LARGEST_FILES["thresholds.json"] + 1
    with pytest.raises(MienError, match=r"thresholds.json has 1,048,577 bytes.* at most 1,048,576"):
        fetch(NAME)
    assert not any("/resolve/" in path for _, path in hub.asked)
    hub.repos[NAME] |= {f"tokenizer/{number}.json": b"{}" for number in range(100)}
    hub.sizes.clear()
    with pytest.raises(MienError, match="files of a run, which is too many"):
        fetch(NAME)


def test_a_repository_without_a_run_is_told(hub: Hub) -> None:
    hub.repos[NAME] = {"config.json": b"{}", "model.safetensors": b""}
    with pytest.raises(MienError, match=r"is not a run of mien: it has no config\.yaml"):
        open_run(NAME)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "log in with `hf auth login`"),
        (403, "log in with `hf auth login`"),
        (429, "status 429"),
        (500, "cannot be reached, and it was not fetched before"),
    ],
)
def test_a_hub_that_refuses_is_told_once_and_quietly(
    hub: Hub, status: int, told: str, capfd, caplog: pytest.LogCaptureFixture
) -> None:
    hub.status = status
    with caplog.at_level(logging.DEBUG), pytest.raises(MienError) as error:
        open_run(NAME)
    assert told in str(error.value)
    assert str(error.value).startswith(f"{NAME} is not a folder and could not be fetched")
    assert len(hub.asked) == 1
    assert capfd.readouterr() == ("", "")


def test_a_name_that_is_nowhere_is_told(hub: Hub) -> None:
    with pytest.raises(MienError, match="no such repository, or you have no access to it"):
        Recognizer.from_pretrained("synthetic/missing")


def test_without_a_network_it_is_told_at_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MienError, match="cannot be reached, and it was not fetched before"):
        open_run(NAME)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MienError, match=r"\(HF_HUB_OFFLINE is set\)$"):
        open_run(NAME)
    with pytest.raises(MienError, match="is not a run folder"):
        open_run("./synthetic/model")


def test_links_out_of_a_run_folder_are_refused_but_in_the_hub_s_cache(
    run: Run, hub: Hub, tmp_path: Path
) -> None:
    hub.repos[NAME] = files_of(run.folder)
    folder = fetch(NAME)
    assert (folder / "config.yaml").is_symlink()
    with pytest.raises(MienError, match="link out of the run folder"):
        Run(folder)
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (folder / "thresholds.json").unlink()
    (folder / "thresholds.json").symlink_to(outside)
    with pytest.raises(MienError, match="link out of the run folder"):
        open_run(NAME).read("thresholds.json")


def test_a_push_uploads_what_can_be_fetched_again(
    run: Run, hub: Hub, capfd, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        address = push(run, NAME, token=TOKEN)
    assert address.endswith(f"/{NAME}/commit/{SHA}")
    assert hub.tokens == {f"Bearer {TOKEN}"}
    assert hub.private[NAME], "what names persons is private unless it is said otherwise"
    assert {"config.yaml", "model.safetensors", "README.md"} <= set(hub.repos[NAME])
    again = Recognizer.from_pretrained(NAME, device="cpu")
    assert again(text="I am").answers == Recognizer(run, "cpu")(text="I am").answers
    said = "".join([*capfd.readouterr(), caplog.text])
    assert TOKEN not in said


def test_a_token_is_in_no_message(run: Run, hub: Hub, capfd, caplog) -> None:
    hub.status = 403
    with caplog.at_level(logging.DEBUG), pytest.raises(MienError) as error:
        Recognizer(run, "cpu").push_to_hub(NAME, token=TOKEN)
    assert str(error.value).startswith(f"{NAME} could not be uploaded: access denied")
    whole = error.getrepr(style="long", showlocals=False)
    assert TOKEN not in "".join([str(whole), *capfd.readouterr(), caplog.text])


def stored_metrics(run: Run, *tasks: Task) -> dict[str, Any]:
    """Store the metrics of made-up predictions in a run; return what is stored."""
    run.write("metrics.json", metrics_of(predictions(*tasks)).model_dump(mode="json"))
    return run.read("metrics.json")


def test_the_card_tells_tasks_data_metrics_with_intervals_and_licence(
    run: Run, tmp_path: Path
) -> None:
    metrics = stored_metrics(run, MIXED)
    block = metrics["tasks"]["emotion"]
    block["singlelabel"] |= {"ua": 0.625, "macro_f1": 0.5}
    block["intervals"]["ua"] |= {"low": 0.4, "high": 0.8}
    block["intervals"] |= {"macro_f1": None, "average_f1": None}
    run.write("metrics.json", metrics | {"synthetic": True})
    card = (save(run, tmp_path / "copy") / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front == {"library_name": "mien", "tags": ["mien", "emotion", "person", "synthetic"]}
    assert "**emotion**: 3 labels: happy, sad, angry" in card
    assert "**The data are synthetic**" in card
    assert "On the test split (synthetic data), protocol `kfold-speakers`:" in card
    row = "| emotion | average recall (UA) | 0.625 | 0.400 to 0.800, by person | 11 |"
    assert row in card
    assert "The intervals cover these 3 speakers only: others may do better or worse." in card
    assert "| emotion | average F1 (macro) | 0.500 | – | 11 |" in card
    licence = card.partition("## Licence")[2].partition("##")[0]
    assert licence.strip().startswith("Not stated")
    (run.folder / "metrics.json").unlink()
    assert (
        "None: the run has not been evaluated"
        in (save(run, tmp_path / "other") / "README.md").read_text()
    )


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("minilm", "`minilm`: Apache-2.0, trained on 1.17 billion pairs of sentences: "),
        ("nobody/words", "`nobody/words`: not known"),
        ("/elsewhere/words", "`words`: not known"),
    ],
)
def test_the_card_tells_the_licences_of_pretrained_weights(
    run: Run, tmp_path: Path, model: str, told: str
) -> None:
    begun = Run(shutil.copytree(run.folder, tmp_path / "run"))
    path = begun.folder / "config.yaml"
    path.write_text(path.read_text().replace(str(begun.config.model.text.model), model))
    card = (save(Run(begun.folder), tmp_path / "copy") / "README.md").read_text()
    licence = card.partition("## Licence")[2].partition("##")[0]
    assert f"It began with these pretrained weights:\n\n* {told}" in licence
    assert ("Commercial use: MS MARCO" in licence) == (model == "minilm")
    assert "/elsewhere" not in card


class StanceMetrics(TaskMetrics):
    """The metrics of a task of a plugin, which has no intervals."""

    def tables(self) -> list[Table]:
        raise NotImplementedError

    def charts(self) -> Charts:
        raise NotImplementedError


def test_the_card_of_a_task_without_an_interval_of_its_average(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Run(shutil.copytree(run.folder, tmp_path / "run"))
    metrics = stored_metrics(begun, RATINGS)
    affect = metrics["tasks"]["affect"]
    affect["average"] = {"ccc": 0.4375, "pearson": None, "mae": 0.5}
    monkeypatch.setitem(TASKS, "stance", SimpleNamespace(metrics_type=StanceMetrics))
    stance = {"n": 30, "labels": ["for", "against"]}
    begun.write("metrics.json", metrics | {"tasks": {"affect": affect, "stance": stance}})
    card = (save(begun, tmp_path / "copy") / "README.md").read_text()
    rows = [line for line in card.splitlines() if line.startswith(("| affect", "| stance"))]
    assert rows == [
        f"| affect | average concordance (CCC) | 0.438 | – | {affect['n']} |",
        f"| affect | mean absolute error | 0.500 | – | {affect['n']} |",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"protocol":', '"rule":'),
        ('"tasks":', '"blocks":'),
        ('"synthetic":', '"made":'),
        ('"intervals":', '"bounds":'),
        ('"ua":', '"uar":'),
        ('"covers":', '"cover":'),
    ],
)
def test_metrics_of_another_version_are_refused_before_anything_is_written(
    run: Run, tmp_path: Path, old: str, new: str
) -> None:
    begun = Run(shutil.copytree(run.folder, tmp_path / "run"))
    stored_metrics(begun, MIXED)
    path = begun.folder / "metrics.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(MienError) as raised:
        save(begun, tmp_path / "copy")
    message = str(raised.value)
    assert message.startswith(f"{path} is damaged or of another version of mien (")
    assert message.endswith(f"): `mien evaluate {begun.folder}` renews it")
    assert not (tmp_path / "copy").exists()
