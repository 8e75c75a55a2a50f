"""The folder of a study: what may be added to it, what is refused, and who may work in it."""

import shutil
from pathlib import Path

import pytest
from study_data import altered

from mien.cli import main
from mien.errors import MienError
from mien.files import only_one
from mien.studies.study import Job, Study, StudyConfig

JOBS = [f"fold-{fold}-seed-{seed}" for fold in (1, 2) for seed in (0, 1)]


def opened(folder: Path, config: StudyConfig) -> Study:
    with Study.open(folder, config, "a test") as study:
        return study


def test_folds_and_seeds_are_added_and_never_removed(
    study: Path, cv: list[str], tmp_path: Path
) -> None:
    """What was trained stays, so that nothing is trained again."""
    out = tmp_path / "study"
    assert main([*cv, "--out", str(out), "--seeds", "0", "--folds", "1"]) == 0
    assert Study(out).jobs() == [Job(1, 0)]
    trained = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    assert main([*cv, "--out", str(out), "--seeds", "1", "--folds", "2"]) == 0
    assert [*map(str, Study(out).jobs())] == JOBS
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    for name in ("study.yaml", "predictions.parquet", "metrics.json"):
        assert (out / name).read_bytes() == (study / name).read_bytes()
    assert main([*cv, "--out", str(out), "--seeds", "0", "--folds", "1"]) == 0
    for name in ("study.yaml", "predictions.parquet", "metrics.json"):
        assert (out / name).read_bytes() == (study / name).read_bytes()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--lr", "1e-3"], "training.lr 0.005 (here 0.001)"),
        (["--num-folds", "3"], "num_folds 2 (here 3)"),
        (["--text-max-len", "50"], "model.encoders.text.max_len 100 (here 50)"),
        (["--clip", "1"], "training.clip unset (here 1.0)"),
    ],
)
def test_a_study_of_another_setting_is_refused(
    study: Path, cv: list[str], capsys: pytest.CaptureFixture[str], flags: list[str], told: str
) -> None:
    assert main([*cv, "--out", str(study), *flags]) == 1
    assert f"mien: {study} holds a study with {told}: choose" in capsys.readouterr().err


def test_a_study_of_other_data_is_refused(
    study: Path, cv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Study(study).config
    other = altered(Path(config.data), tmp_path / "other", lambda u: {"text": f"{u.text}!"})
    assert main(["cv", str(other), *cv[2:], "--out", str(study)]) == 1
    told = f"{study} holds a study of other data ({config.data}): choose another folder"
    assert told in capsys.readouterr().err
    assert Study(study).config == config
    copy = Path(shutil.copytree(study, tmp_path / "study"))
    moved = config.model_copy(update={"data": "elsewhere"})
    with Study.open(copy, moved, "a test") as opened:
        assert opened.config == moved, "the same data may have moved"


def test_a_folder_with_something_else_is_refused_and_a_begun_one_is_not(
    study: Path, tmp_path: Path
) -> None:
    config = Study(study).config
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(MienError, match="is not empty and no study: choose another folder"):
        opened(tmp_path / "full", config)
    with pytest.raises(MienError, match="can't be written"):
        opened(tmp_path / "full" / "notes.txt", config)
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "study.yaml.999999999.part").write_text("kind: netw")
    assert opened(tmp_path / "begun", config).config == config
    (tmp_path / "begun" / "study.yaml").write_text("kind: network\n")
    with pytest.raises(MienError, match=r"study.yaml is damaged: data: Field required"):
        Study(tmp_path / "begun")


def test_only_one_works_on_a_study(
    study: Path, cv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with only_one(study, "a test"):
        assert main([*cv, "--out", str(study)]) == 1
    assert f"{study}: another 'mien cv' is at work in it; wait for it" in capsys.readouterr().err


def test_a_second_command_changes_nothing_of_the_study_that_a_first_one_runs(
    study: Path, tmp_path: Path
) -> None:
    config = Study(study).config
    more = config.model_copy(update={"seeds": (7,)})
    with Study.open(tmp_path / "new", config, "mien cv"):
        with pytest.raises(MienError, match="another 'a test' is at work in it; wait for it"):
            opened(tmp_path / "new", more)
        assert Study(tmp_path / "new").config == config
    assert opened(tmp_path / "new", more).config.seeds == (0, 1, 7)
