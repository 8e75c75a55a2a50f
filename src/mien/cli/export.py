"""mien export: a run as a file for ONNX Runtime."""

import argparse
from pathlib import Path


def export(parser: argparse.ArgumentParser) -> None:
    """Make `mien export` of a parser."""
    parser.add_argument(
        "model", help="a run folder, or the name of a model of `mien models` or of a run on the hub"
    )
    parser.add_argument("file", type=Path, help="the file to write, such as model.onnx")
    parser.add_argument(
        "--int8",
        action="store_true",
        help="store matrices as 8-bit integers: a smaller and faster file, whose scores differ",
    )
    parser.set_defaults(handler=_export)


def _export(args: argparse.Namespace) -> None:
    from mien.runs.hub import open_run
    from mien.runs.onnx_export import export_onnx

    exported = export_onnx(open_run(args.model), args.file, int8=args.int8)
    size = exported.path.stat().st_size / 1e6
    print(f"{exported.path}: {size:.0f} MB")
    if exported.tokenizer is not None:
        print(f"{exported.tokenizer}: the tokenizer")
    print(f"largest difference from the model on random inputs: {exported.difference:.1e}")
