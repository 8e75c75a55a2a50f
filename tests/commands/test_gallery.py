"""The commands that enrol, identify and forget persons."""

import json
from pathlib import Path

import pytest

CONSENT = ["--consent", "agreed on the phone, 3 May", "--expires", "2999-12-31"]


@pytest.fixture
def enrolled(mien, run_folder: Path, clips: Path, tmp_path: Path) -> Path:
    """A gallery with two of the three synthetic persons, two clips each."""
    folder = tmp_path / "gallery"
    for person in (0, 1):
        files = [clips / f"synthetic{number}.wav" for number in (2 * person, 2 * person + 6)]
        result = mien("enrol", folder, f"P{person}", *files, "--run", run_folder, *CONSENT)
        assert result.returncode == 0, result.stderr
        assert f"P{person}: 2 templates" in result.stdout
    return folder


def test_the_nearest_persons_are_shown_and_one_bad_clip_stops_nothing(
    mien, run_folder: Path, clips: Path, enrolled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "answers.json"
    same, gone = clips / "synthetic2.wav", clips / "gone.wav"
    result = mien("identify", enrolled, same, gone, "--run", run_folder, "--json", out)
    assert result.returncode == 1
    assert "gone.wav does not exist" in result.stderr
    assert "P1  cosine " in result.stdout
    assert "not calibrated: no verdict" in result.stdout
    assert "calibrate (mien gallery GALLERY threshold)" in result.stdout
    (answer,) = json.loads(out.read_text())
    assert answer["clip"] == str(same)
    scores = {c["person"]: c["score"] for c in answer["candidates"]}
    assert set(scores) == {"P0", "P1"}
    assert scores["P1"] > 0.9, "it is one of their two templates"
    assert answer["person"] is None
    assert answer["threshold"] is None


def test_nobody_passes_a_threshold_of_1(
    mien, run_folder: Path, clips: Path, enrolled: Path
) -> None:
    assert "by hand" in mien("gallery", enrolled, "threshold", "--set", "1").stdout
    result = mien("identify", enrolled, clips / "synthetic9.wav", "--run", run_folder)
    assert "  unknown (threshold 1.000)" in result.stdout


def test_a_threshold_is_measured_on_a_list_of_trials(
    mien, run_folder: Path, clips: Path, enrolled: Path
) -> None:
    rows = [(f"synthetic{n}.wav", "") for n in range(36) if n // 2 % 3 == 2]
    rows += [(f"synthetic{n}.wav", f"P{n // 2 % 3}") for n in range(12, 36) if n // 2 % 3 < 2]
    trials = clips / "trials.csv"
    trials.write_text("clip,person\n" + "".join(f"{clip},{person}\n" for clip, person in rows))
    threshold = ["gallery", enrolled, "threshold"]
    flags = ["--trials", trials, "--run", run_folder]
    result = mien(*threshold, "--fpir", "0.1", *flags)
    assert result.returncode == 0, result.stderr
    assert (
        "at most 10.00% of people who are not enrolled are named, by 12 non-mated trials"
        in result.stdout
    )
    assert mien(*threshold).stdout == result.stdout
    identified = mien("identify", enrolled, clips / "synthetic9.wav", "--run", run_folder)
    assert "probability" in identified.stdout
    few = mien(*threshold, "--fpir", "0.01", *flags)
    assert "too few" in few.stderr
    assert mien(*threshold, "--trials", trials).returncode == 2
    trials.write_text("file\na.wav\n")
    assert "columns clip and person" in mien(*threshold, "--fpir", "0.1", *flags).stderr


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("synthetic4.wav,\nsynthetic0.wav,\n", "synthetic0.wav is enrolled in the gallery"),
        ("synthetic4.wav,\nsynthetic4.wav,P0\n", "synthetic4.wav is the same as"),
        ("synthetic4.wav,\ngone.wav,\n", "odd.csv, row 2: there is no"),
        (",P0\n", "odd.csv, row 1: no clip is named"),
    ],
)
def test_trials_that_would_mislead_are_refused(
    mien, run_folder: Path, clips: Path, enrolled: Path, rows: str, told: str
) -> None:
    trials = clips / "odd.csv"
    trials.write_text("clip,person\n" + rows)
    flags = ["--fpir", "0.5", "--trials", trials, "--run", run_folder]
    result = mien("gallery", enrolled, "threshold", *flags)
    assert result.returncode == 1
    assert told in result.stderr
    assert "no threshold: " in mien("gallery", enrolled, "threshold").stdout


def test_verify_gives_no_verdict_by_a_model_that_was_not_measured(
    mien, run_folder: Path, clips: Path, tmp_path: Path
) -> None:
    one, other, out = clips / "synthetic3.wav", clips / "synthetic5.wav", tmp_path / "answer.json"
    result = mien("verify", run_folder, one, other, "--json", out)
    assert result.returncode == 0
    assert result.stdout.startswith("not calibrated: no verdict (cosine ")
    assert "give a threshold" in result.stdout
    assert "same person" not in result.stdout
    answer = json.loads(out.read_text())
    assert (answer["same_person"], answer["threshold"]) == (None, None)
    assert answer["clips"] == [str(one), str(other)]
    assert f"cosine {answer['cosine']:.3f})" in result.stdout
    assert json.loads(mien("verify", run_folder, one, other, "--json", "-").stdout) == answer


def test_verify_compares_with_the_threshold_that_is_given(
    mien, run_folder: Path, clips: Path
) -> None:
    one, other = clips / "synthetic3.wav", clips / "synthetic4.wav"
    score = json.loads(mien("verify", run_folder, one, other, "--json", "-").stdout)["cosine"]
    equal = mien("verify", run_folder, one, other, "--threshold", repr(score)).stdout
    assert equal.startswith("the same person (cosine "), "a score equal to it is accepted"
    assert score < 1
    above = mien("verify", run_folder, one, other, "--threshold", repr((score + 1) / 2))
    assert above.stdout.startswith("not the same person (cosine "), above.stderr
    assert "note: the threshold" not in above.stdout
    same = mien("verify", run_folder, one, one, "--threshold", "1").stdout
    assert "note: both clips are the same file" in same


@pytest.mark.usefixtures("voice_weights")
def test_a_ready_made_encoder_serves_in_place_of_a_run(mien, clips: Path, tmp_path: Path) -> None:
    folder, clip, voice = tmp_path / "voices", clips / "synthetic0.wav", ["--encoder", "voice"]
    result = mien("enrol", folder, "P0", clip, *voice, *CONSENT)
    assert result.returncode == 0, result.stderr
    identified = mien("identify", folder, clip, *voice).stdout
    assert "  P0 (threshold 0.740)\n    P0  cosine 1.000" in identified
    assert "note: the level never changes, as in noise or a hum" in identified
    assert "0.5 s of speech are few" in identified
    verified = mien("verify", clip, clip, *voice).stdout
    assert verified.startswith("the same person (cosine 1.000, threshold 0.740)\n")
    assert "24 RAVDESS actors" in verified
    shown = mien("gallery", folder, "threshold").stdout
    assert shown == "threshold 0.740: the encoder's; nobody has calibrated\n"
    trials = clips / "others.csv"
    trials.write_text("clip,person\n" + "".join(f"synthetic{n}.wav,\n" for n in range(1, 5)))
    threshold = ["gallery", folder, "threshold", "--fpir", "0.2", "--trials", trials]
    assert "by 4 non-mated trials" in mien(*threshold, *voice).stdout
    assert "--run or --encoder" in mien(*threshold).stderr


@pytest.mark.usefixtures("voice_weights", "face_weights")
@pytest.mark.parametrize(("encoder", "threshold"), [("face", "0.916"), ("both", "0.891")])
def test_people_are_enrolled_and_found_by_their_faces(
    mien, shared_data: Path, tmp_path: Path, encoder: str, threshold: str
) -> None:
    grid, folder, by = shared_data / "grid", tmp_path / "people", ["--encoder", encoder]
    one, again, other = (grid / f"{n}.mpg" for n in ("pwij3p", "id2_vcd_swwp2s", "sbia1a"))
    result = mien("enrol", folder, "Ada", one, *by, *CONSENT)
    assert result.returncode == 0, result.stderr
    found = mien("identify", folder, again, other, *by).stdout
    assert f"{again}\n  Ada (threshold {threshold})\n" in found
    assert f"{other}\n  unknown (threshold {threshold})\n" in found
    same = mien("verify", one, again, *by)
    assert same.stdout.startswith("the same person (cosine 0.9"), same.stderr
    assert mien("verify", one, other, *by).stdout.startswith("not the same person (cosine ")
    wrong = mien("identify", folder, again, "--encoder", "voice")
    assert wrong.returncode == 1
    assert "use the run or encoder that the gallery was made with" in wrong.stderr


def test_verify_takes_a_run_or_an_encoder(mien, run_folder: Path, clips: Path) -> None:
    clip = clips / "synthetic0.wav"
    assert mien("verify", clip, clip).returncode == 2
    assert "7 is no cosine" in mien("verify", run_folder, clip, clip, "--threshold", "7").stderr
    assert mien("verify", run_folder, clip, clip, "--encoder", "voice").returncode == 2


def test_list_export_audit_forget(mien, enrolled: Path, tmp_path: Path) -> None:
    listed = mien("gallery", enrolled, "list").stdout
    assert "P0: 2 templates until 2999-12-31\n    agreed on the phone, 3 May\n" in listed
    out = tmp_path / "p0.json"
    assert "2 templates" in mien("gallery", enrolled, "export", out, "--person", "P0").stdout
    assert len(json.loads(out.read_text())["templates"]) == 2
    assert mien("forget", enrolled, "P0").stdout == "P0 is forgotten\n"
    assert "P0" not in mien("gallery", enrolled, "list").stdout
    assert "0 persons" in mien("gallery", enrolled, "purge").stdout
    audit = mien("gallery", enrolled, "audit").stdout
    acts = [row.split()[3] for row in audit.splitlines()[:-1]]
    assert acts == ["enrol", "enrol", "export", "forget"]
    assert audit.splitlines()[-1].startswith("whole; the last line's hash is ")
    assert len(mien("gallery", enrolled, "audit", "--person", "P1").stdout.splitlines()) == 2
    again = mien("forget", enrolled, "P0")
    assert again.returncode == 1
    assert "P0 is not enrolled" in again.stderr


def test_a_tampered_log_is_an_error(mien, enrolled: Path) -> None:
    log = enrolled / "audit.jsonl"
    log.write_text(log.read_text().replace('"templates": 2', '"templates": 1', 1))
    result = mien("gallery", enrolled, "audit")
    assert result.returncode == 1
    assert "audit.jsonl, line 1: does not fit" in result.stderr


def test_an_emptied_log_is_an_error(mien, enrolled: Path) -> None:
    (enrolled / "audit.jsonl").write_text("")
    result = mien("gallery", enrolled, "audit")
    assert result.returncode == 1
    assert "audit.jsonl: not whole: " in result.stderr
    assert "it does not know 2 of the 2 persons enrolled" in result.stderr
    assert "whole; the last line" not in result.stdout


def test_a_list_enrols_many_persons_at_once(
    mien, run_folder: Path, clips: Path, tmp_path: Path
) -> None:
    folder, listed = tmp_path / "g", clips / "people.csv"
    rows = [(f"synthetic{n}.wav", f"P{n // 2 % 3}") for n in (0, 6, 2, 8, 4)]
    terms = "agreed on the phone, 3 May", "2999-12-31"
    listed.write_text(
        "clip,person,consent,expires\n"
        + "".join(f'{clip},{who},"{terms[0]}",{terms[1]}\n' for clip, who in rows)
    )
    result = mien("gallery", folder, "enroll", listed, "--run", run_folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"3 persons: 5 templates stored in {folder}\n")
    listing = mien("gallery", folder, "list").stdout
    assert "P0: 2 templates until 2999-12-31\n    agreed on the phone, 3 May\n" in listing
    assert "P2: 1 templates until 2999-12-31" in listing
    assert "whole;" in mien("gallery", folder, "audit").stdout
    again = mien("gallery", folder, "enrol", listed, "--run", run_folder)
    assert again.returncode == 1
    assert "is enrolled already, as P0" in again.stderr


def test_a_list_may_leave_the_terms_to_the_command(
    mien, run_folder: Path, clips: Path, tmp_path: Path
) -> None:
    folder, listed = tmp_path / "g", clips / "short.csv"
    listed.write_text("person,clip\nP0,synthetic0.wav\nP1,synthetic2.wav\n")
    enroll = ["gallery", folder, "enroll", listed, "--run", run_folder]
    refused = mien(*enroll)
    assert refused.returncode == 1
    assert "row 1: no consent" in refused.stderr
    assert "row 2: no consent" in refused.stderr
    assert not folder.exists()
    assert mien(*enroll, *CONSENT).returncode == 0
    assert mien("gallery", folder, "list").stdout.count("2999-12-31") == 2


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("synthetic0.wav,\n", "odd.csv, row 1: no person is named"),
        ("synthetic0.wav,nan\n", "odd.csv, row 1: no person is named"),
        ("synthetic0.wav,A\u200bda\n", "row 1: 'A\\u200bda' can't be the name"),
        ("synthetic0.wav,A\ngone.wav,B\n,C\n", "odd.csv, row 2: there is no"),
        ("synthetic0.wav,A\ngone.wav,B\n,C\n", "odd.csv, row 3: no clip is named"),
        ("synthetic0.wav,A\nsynthetic0.wav,B\n", "synthetic0.wav is the same as"),
        ("bad.wav,A\nsynthetic0.wav,B\n", "odd.csv, row 1: "),
        ("", "columns clip and person, and rows"),
    ],
)
def test_a_list_with_an_odd_row_enrols_nobody(
    mien, run_folder: Path, clips: Path, tmp_path: Path, rows: str, told: str
) -> None:
    (clips / "bad.wav").write_bytes(b"RIFF")
    listed = clips / "odd.csv"
    listed.write_text("clip,person\n" + rows, encoding="utf-8")
    result = mien("gallery", tmp_path / "g", "enroll", listed, "--run", run_folder, *CONSENT)
    assert result.returncode == 1
    assert told in result.stderr
    assert not (tmp_path / "g").exists()


def test_a_list_with_an_odd_day_is_an_error(mien, run_folder: Path, clips: Path, tmp_path) -> None:
    listed = clips / "days.csv"
    listed.write_text("clip,person,expires\nsynthetic0.wav,A,3 May\n")
    result = mien("gallery", tmp_path / "g", "enroll", listed, "--run", run_folder, *CONSENT)
    assert "row 1: '3 May' is no day such as 2027-12-31" in result.stderr


def test_a_gallery_of_another_run_is_refused(
    mien, run_folder: Path, clips: Path, enrolled: Path, tmp_path: Path
) -> None:
    from shutil import copytree

    from safetensors.torch import load_file, save_file

    other = copytree(run_folder, tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    first = next(name for name, value in weights.items() if value.is_floating_point())
    weights[first] = weights[first] + 1
    save_file(weights, other / "model.safetensors")
    result = mien("identify", enrolled, clips / "synthetic2.wav", "--run", other)
    assert result.returncode == 1
    assert "use the run or encoder that the gallery was made with" in result.stderr


@pytest.mark.parametrize(
    "flags", [["--expires", "2999-12-31"], CONSENT[:2], [*CONSENT[:2], "--expires", "soon"]]
)
def test_consent_and_a_day_are_asked_for(
    mien, run_folder: Path, clips: Path, tmp_path: Path, flags: list[str]
) -> None:
    clip = clips / "synthetic2.wav"
    result = mien("enrol", tmp_path / "g", "P1", clip, "--run", run_folder, *flags)
    assert result.returncode == 2
    assert not (tmp_path / "g").exists()


def test_nothing_is_enrolled_where_one_clip_can_not_be_read(
    mien, run_folder: Path, clips: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    files = [clips / "synthetic2.wav", bad]
    result = mien("enrol", tmp_path / "g", "P1", *files, "--run", run_folder, *CONSENT)
    assert result.returncode == 1
    assert "bad.wav" in result.stderr
    assert not (tmp_path / "g").exists()


def test_without_the_extra_it_is_named(mien, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    import sys

    for module in [m for m in sys.modules if m.startswith("mien.gallery")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = mien("gallery", tmp_path, "list")
    assert result.returncode == 1
    assert "pip install 'mien[gallery]'" in result.stderr
