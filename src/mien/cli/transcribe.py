"""The flags of automatic transcription."""

import argparse
from argparse import Namespace, _MutuallyExclusiveGroup
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.inference.transcription import Transcriber

PACKAGED = "whisper-tiny.en"
"""The weights of --transcribe without a name."""


def add_transcribe(words: _MutuallyExclusiveGroup, group: argparse._ActionsContainer) -> None:
    """Add --transcribe, which excludes other ways to give words, and --language."""
    words.add_argument(
        "--transcribe",
        nargs="?",
        const=PACKAGED,
        metavar="WEIGHTS",
        help=f"write down what is said: by {PACKAGED}, for English, or by WEIGHTS: a folder, or a"
        " repository on the hub such as Systran/faster-whisper-small",
    )
    group.add_argument(
        "--language", metavar="CODE", help="language that is spoken, such as de (default: detected)"
    )


def check_transcribe(args: Namespace) -> None:
    """End a wrong command."""
    if args.language is not None and args.transcribe is None:
        args.parser.error("--language is that of --transcribe")


def transcriber_of(args: Namespace) -> "Transcriber | None":
    """Load what transcribes, if that is asked for."""
    if args.transcribe is None:
        return None
    from mien.inference.transcription import Transcriber

    return Transcriber(args.transcribe, language=args.language, device=args.device)
