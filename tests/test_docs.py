"""The pages say what is so: links lead somewhere, commands parse, recipes and examples hold.

Run as a program it writes what follows from the code anew: the tables of flags in docs/train.md and
docs/published-code.md, the fields of a prediction in docs/predict.md, the JSON Schemas of a
prediction and of a timeline, and the weights in docs/models.md.
"""

import doctest
import importlib
import json
import re
import shlex
from argparse import _SubParsersAction
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mien.cli import build_parser
from mien.cli.model_flags import model_flags, model_settings
from mien.cli.recipe import read_recipe
from mien.cli.settings import choices, flag_of
from mien.dataset.protocols import PROTOCOLS
from mien.inference.abstention import Abstention
from mien.inference.prediction import Failure, Prediction, Segment
from mien.inference.reason import Reason
from mien.inference.timeline import Timeline
from mien.modality import Modality
from mien.models import ModelConfig
from mien.models.encoders.base import ENCODERS
from mien.models.presets import PRESETS
from mien.models.pretrained.catalogue import WEIGHTS
from mien.published.option import MODELS
from mien.published.options import OPTIONS
from mien.task_prediction import TaskPrediction
from mien.training import TrainConfig

ROOT = Path(__file__).resolve().parents[1]
AUDIO = ENCODERS[Modality.AUDIO]
OF_PRETRAINED = AUDIO["pretrained"].model_fields.keys() - AUDIO["vgg"].model_fields.keys()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
RECIPES = sorted(ROOT.glob("recipes/*.yaml"))
TRAIN = ROOT / "docs" / "train.md"
ENCODERS_PAGE = ROOT / "docs" / "encoders.md"
STUDIES = ROOT / "docs" / "studies.md"
EVALUATE = ROOT / "docs" / "evaluate.md"
PUBLISHED = ROOT / "docs" / "published-code.md"
PREDICT = ROOT / "docs" / "predict.md"
MODELS_PAGE = ROOT / "docs" / "models.md"
SCHEMAS: dict[Path, type[BaseModel]] = {
    ROOT / "docs" / "prediction.schema.json": Prediction,
    ROOT / "docs" / "timeline.schema.json": Timeline,
}
RESULTS: tuple[type[BaseModel], ...] = (
    *(Prediction, Segment, TaskPrediction, Failure),
    *(Reason, Abstention),
)
SOURCES = [path for path in sorted((ROOT / "src").rglob("*.py")) if ">>> " in path.read_text()]
MODULES = [".".join(p.relative_to(ROOT / "src").with_suffix("").parts) for p in SOURCES]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Give the contents of a page's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Give the names under which a page's headings can be linked to."""
    headings = re.findall(
        r"^#+ (.*)", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[list[str]]:
    """Give the words of each `mien` command in a page's shell blocks."""
    text = "\n".join(blocks(page, "(?:bash|sh|console)")).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [words[1:] for words in lines if words and Path(words[0]).name == "mien"]


def row(name: str, info: FieldInfo) -> str:
    """Write a setting as a row of a table of flags."""
    values, default = ", ".join(choices(info)), info.default
    if isinstance(default, bool):
        values, default = "switch", "on" if default else "off"
    cells = f"`{flag_of(name)}`", values, default, info.description
    return "| " + " | ".join("–" if c is None else str(c) for c in cells) + " |"


def flag_tables() -> dict[str, list[str]]:
    """Write the flags of each group as the rows of a table."""
    kinds = [
        f"| `--{modality}-encoder` | {', '.join(known)} | that of `--model` | another kind of"
        f" encoder for {modality} |"
        for modality, known in ENCODERS.items()
    ]
    return {
        "TrainConfig": [row(name, info) for name, info in TrainConfig.model_fields.items()],
        "ModelConfig": [
            f"| `--model` | {', '.join(PRESETS)} | mme2e | encoders and fusion of a published model"
            ": mme2e (dense); mme2e-sparse, which computes only where an attention selects; or a"
            " baseline on the features of mien features |",
            "| `--modalities` |  | tav | modalities used, letters out of t, a, v |",
            *kinds,
            *(row(flag.name, flag.field) for flag in model_flags() if not flag.hidden),
        ],
        "PretrainedSettings": [
            row(flag.name, flag.field)
            for flag in model_flags()
            if not flag.hidden and flag.name.removeprefix("audio_") in OF_PRETRAINED
        ],
    }


def with_tables(text: str) -> str:
    for group, rows in flag_tables().items():
        begin, end = f"<!-- flags: {group} -->\n", "\n<!-- end -->"
        if begin not in text:
            continue
        table = "\n".join(["| flag | values | default | meaning |", "|---|---|---|---|", *rows])
        before, _, rest = text.partition(begin)
        text = before + begin + table + end + rest.partition("<!-- end -->")[2]
    return text


def field_table(result: type[BaseModel]) -> str:
    """Write the fields of a result as a table."""
    rows = ["| field | what it holds |", "|---|---|"]
    rows += [f"| `{name}` | {info.description} |" for name, info in result.model_fields.items()]
    return "\n".join(rows)


def with_fields(text: str) -> str:
    for result in RESULTS:
        begin, end = f"<!-- fields: {result.__name__} -->\n", "\n<!-- end -->"
        before, _, rest = text.partition(begin)
        text = before + begin + field_table(result) + end + rest.partition("<!-- end -->")[2]
    return text


def weight_table() -> str:
    """Write the pretrained weights as a table."""
    rows = [
        "| name | what it is | licence | commercial | trained on | from |",
        "|---|---|---|---|---|---|",
    ]
    for one in WEIGHTS:
        data = f"{one.training_data}. {one.restriction}".rstrip(". ")
        where = one.package.requirement if one.package else "the hub"
        cells = f"`{one.name}`", one.purpose, one.licence, one.commercial, data, where
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def with_weights(text: str) -> str:
    before, begin, rest = text.partition("<!-- weights -->\n")
    return before + begin + weight_table() + "\n<!-- end -->" + rest.partition("<!-- end -->")[2]


def schema(result: type[BaseModel]) -> str:
    """Write the JSON Schema of a result."""
    return json.dumps(result.model_json_schema(), indent=2) + "\n"


def option_table() -> str:
    """Write the published options as a table."""
    rows = ["| option | default | sets | what it means | models |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        flags = ", ".join(f"`{flag}`" for flag in option.flags)
        default = "must be given" if option.default is ... else f"`{option.default}`"
        if option.kind is bool or option.default in (None, ""):
            default = "off" if option.kind is bool else "–"
        setting = option.setting.partition(".")[2].replace("_", "-")
        means = (
            option.means if not option.choices else f"{option.means} ({', '.join(option.choices)})"
        )
        models = "all" if option.models == MODELS else ", ".join(option.models) or "none"
        sets = f"`--{setting}`" if setting else "–"
        rows.append("| " + " | ".join([flags, default, sets, means, models]) + " |")
    return "\n".join(rows)


def with_options(text: str) -> str:
    before, begin, rest = text.partition("<!-- options -->\n")
    return before + begin + option_table() + "\n<!-- end -->" + rest.partition("<!-- end -->")[2]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert linked.is_relative_to(ROOT), f"{target} leaves the project"
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=name)
def test_commands_parse(page: Path) -> None:
    for words in commands(page):
        try:
            args = build_parser().parse_args(words)
        except SystemExit as end:
            if end.code:  # --version and --help end with 0
                pytest.fail(f"no command of mien: {shlex.join(words)}")
            continue
        if getattr(args, "config", None):
            args.config = ROOT / args.config
            assert args.config.is_file(), args.config
        if args.command == "train":
            model_settings(args)
            given = {k: v for k, v in vars(args).items() if k in TrainConfig.model_fields}
            TrainConfig.model_validate(given)


def test_every_page_is_in_the_table_of_pages() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    for page in ROOT.glob("docs/*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def test_every_flag_of_training_is_explained() -> None:
    (commands,) = (a for a in build_parser()._actions if isinstance(a, _SubParsersAction))
    text = TRAIN.read_text()
    hidden = {flag_of(flag.name) for flag in model_flags() if flag.hidden}
    assert "`--video-width`" in text, "the form of flags that are in no table"
    for action in commands.choices["train"]._actions:
        for flag in action.option_strings:
            known = flag in ("--help", *hidden) or not flag.startswith("--")
            if not known and not flag.startswith("--no-"):
                assert f"| `{flag}` |" in text, flag


@pytest.mark.parametrize("command", ["cv", "baseline", "compare", "errors"])
def test_every_flag_of_studies_is_explained(command: str) -> None:
    (commands,) = (a for a in build_parser()._actions if isinstance(a, _SubParsersAction))
    table = STUDIES.read_text().partition(f"| option of `mien {command}` |")[2].partition("\n\n")[0]
    training = {f for a in commands.choices["train"]._actions for f in a.option_strings}
    for action in commands.choices[command]._actions:
        for flag in set(action.option_strings) - training:
            assert not flag.startswith("--") or f"`{flag}`" in table, flag
    assert table


def test_every_protocol_is_explained() -> None:
    folds = STUDIES.read_text().partition("| `--protocol` |")[2].partition("\n\n")[0]
    others = EVALUATE.read_text().partition("| `--protocol` |")[2].partition("\n\n")[0]
    for name, protocol in PROTOCOLS.items():
        assert f"`{name}`" in others, name
        assert not protocol.folds or f"| `{name}`" in folds, name


@pytest.mark.parametrize("page", [TRAIN, ENCODERS_PAGE], ids=name)
def test_the_tables_of_flags_are_those_of_the_program(page: Path) -> None:
    text = page.read_text()
    assert "<!-- flags: " in text
    assert text == with_tables(text), "run python tests/test_docs.py"


def test_the_table_of_published_options_is_that_of_the_program() -> None:
    text = PUBLISHED.read_text()
    assert text == with_options(text), "run python tests/test_docs.py"


def test_the_table_of_weights_is_the_catalogue() -> None:
    text = MODELS_PAGE.read_text()
    assert text == with_weights(text), "run python tests/test_docs.py"


def test_every_flag_of_publish_is_explained() -> None:
    (commands,) = (a for a in build_parser()._actions if isinstance(a, _SubParsersAction))
    table = MODELS_PAGE.read_text().partition("| option of `mien publish` |")[2]
    own = {"--folder", "--public", "--revision"}
    flags = {flag for a in commands.choices["publish"]._actions for flag in a.option_strings}
    assert flags - {"-h", "--help", "-v", "--verbose", "-q", "--quiet", "--debug"} == own
    assert all(f"| `{flag}` |" in table for flag in own)


def test_the_fields_of_a_prediction_are_those_of_the_program() -> None:
    text = PREDICT.read_text()
    assert text == with_fields(text), "run python tests/test_docs.py"
    for path, result in SCHEMAS.items():
        assert path.read_text() == schema(result), "run python tests/test_docs.py"


@pytest.mark.parametrize("recipe", RECIPES, ids=name)
def test_recipes_are_valid(recipe: Path) -> None:
    assert isinstance(yaml.safe_load(recipe.read_text())["about"], str)
    content = read_recipe(recipe)
    assert isinstance(content.pop("about"), str)
    model, training = content.pop("model"), content.pop("training")
    assert not content
    config = ModelConfig.model_validate(model)
    assert config.model_fields_set == set(model)
    for modality, encoder in config.encoders.items():
        assert encoder.model_fields_set == set(model["encoders"][modality])
    assert TrainConfig.model_validate(training).model_fields_set == set(training)


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_run(module: str) -> None:
    module = module.removesuffix(".__init__")
    assert not doctest.testmod(importlib.import_module(module)).failed


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name)
def test_examples_in_pages_run(page: Path) -> None:
    for number, block in enumerate(blocks(page, "python")):
        if ">>> " not in block:
            compile(block, name(page), "exec")
            continue
        test = doctest.DocTestParser().get_doctest(block, {}, f"{name(page)}:{number}", None, None)
        assert not doctest.DocTestRunner().run(test).failed


if __name__ == "__main__":
    for page in (TRAIN, ENCODERS_PAGE):
        page.write_text(with_tables(page.read_text()))
    PUBLISHED.write_text(with_options(PUBLISHED.read_text()))
    MODELS_PAGE.write_text(with_weights(MODELS_PAGE.read_text()))
    PREDICT.write_text(with_fields(PREDICT.read_text()))
    for path, result in SCHEMAS.items():
        path.write_text(schema(result))
