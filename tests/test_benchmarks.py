"""The benchmarks call mien as it is: their flags are those of the program."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from mien.cli import build_parser
from mien.cli.runs import training_settings

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_the_cold_start_trains_by_flags_that_there_are() -> None:
    spec = spec_from_file_location("cold_start", BENCHMARKS / "cold_start.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    args = build_parser().parse_args(["train", "data", "--out", "run", *benchmark.SMALL])
    model, config = training_settings(args)
    assert (config.task, config.epochs) == ("emotion+person", 1)
    assert model.text is not None
    assert model.text.freeze
    assert model.letters == "ta"
