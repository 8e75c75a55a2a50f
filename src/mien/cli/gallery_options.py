"""The options of commands that use a gallery: its folder, and what embeds clips."""

import argparse
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from mien.identity.pretrained import ENCODERS, open_encoder

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.identity.embedder import SampleEncoder


def add_gallery(parser: ArgumentParser) -> None:
    """Add the gallery, and --log."""
    parser.add_argument(
        "gallery", help="folder of the gallery, or a URL such as s3://bucket/gallery"
    )
    parser.add_argument(
        "--log", type=Path, help="folder of the audit log (default: that of the gallery)"
    )


def add_encoder(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add --run and --encoder."""
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--run", type=Path, help="run folder of the model")
    add_pretrained(which)


def add_pretrained(
    parser: argparse._ActionsContainer,
    about: str = "use a pretrained encoder in place of a run: of the voice, the face, or both",
) -> None:
    """Add --encoder."""
    parser.add_argument("--encoder", choices=ENCODERS, help=about)


def encoder_of(args: Namespace) -> "SampleEncoder":
    """Load the pretrained encoder, or that of a run, that was asked for."""
    if args.encoder is not None:
        return open_encoder(args.encoder, args.device)
    from mien.identity.embedder import RunEncoder

    return RunEncoder(args.run, args.device, batch_size=args.batch_size)


def open_gallery(args: Namespace) -> "Gallery":
    """Open the gallery, which may not exist yet."""
    from mien.gallery import Gallery

    return Gallery(args.gallery, log=args.log)
