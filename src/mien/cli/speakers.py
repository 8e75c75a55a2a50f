"""The speakers of the clips of mien predict: identified in a gallery, or shown by other clips."""

from argparse import ArgumentParser, Namespace, _ArgumentGroup
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mien.cli.gallery_options import add_pretrained, encoder_of, open_gallery
from mien.errors import MienError
from mien.files import fingerprint

if TYPE_CHECKING:
    from mien.inference.listed_prediction import PredictEach
    from mien.inference.prediction import Failure, Prediction
    from mien.inference.recognizer import Recognizer
    from mien.utterance import SpeakerReference


def add_speakers(parser: ArgumentParser) -> None:
    """Add the options for a model that predicts relative to other clips of the speaker."""
    group = parser.add_argument_group(
        "speaker", "for a model that predicts relative to other clips of the same speaker"
    )
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--references", nargs="+", metavar="CLIP", help="other clips of the same speaker"
    )
    which.add_argument(
        "--gallery",
        help="identify the person in each clip in this gallery, and take the clips that they were"
        " enrolled by with --references",
    )
    add_gallery_encoder(group)


def add_gallery_encoder(group: _ArgumentGroup) -> None:
    """Add what a gallery was made with, and the folder of its log."""
    encoder = group.add_mutually_exclusive_group()
    add_pretrained(encoder, "pretrained encoder that the gallery was made with (default: voice)")
    encoder.add_argument(
        "--identify-run",
        dest="run",
        type=Path,
        metavar="RUN",
        help="run folder of the model that the gallery was made with",
    )
    group.add_argument(
        "--log", type=Path, help="folder of the gallery's audit log (default: that of the gallery)"
    )


def check_gallery(args: Namespace) -> None:
    """End a command with options of a gallery and without one; choose the encoder of the voice."""
    if args.gallery is None and (args.encoder or args.run or args.log):
        args.parser.error("--encoder, --identify-run and --log need --gallery")
    if args.encoder is None and args.run is None:
        args.encoder = "voice"


def check_speakers(args: Namespace, clips: Sequence[str | None]) -> None:
    """End a wrong command."""
    check_gallery(args)
    any_clip = any(clip is not None for clip in clips)
    if args.gallery is not None and not any_clip:
        args.parser.error("--gallery identifies persons in clips, and there are none")
    if args.references and not any_clip:
        args.parser.error("--references are of the speaker of a clip, and there is none")


def relative_to_speakers(args: Namespace, recognizer: "Recognizer") -> "PredictEach":
    """Return what predicts for clips, relative to other clips of their speaker if possible."""
    if args.gallery is not None:
        return _Speakers(args, recognizer).predict_each
    if args.references:
        from mien.inference.references import speaker_reference

        reference = speaker_reference(recognizer, args.references)
        return partial(recognizer.predict_each, reference=reference)
    return recognizer.predict_each


class _Speaker(NamedTuple):
    """Who was identified in a clip, relative to which clips of theirs to predict, and why not."""

    person: str | None
    reference: "SpeakerReference | None"
    notes: list[str]


class _Speakers:
    """Identifies the speakers of clips, and finds their references."""

    def __init__(self, args: Namespace, recognizer: "Recognizer") -> None:
        from mien.inference.references import ReferenceEncoder

        self.name, self.recognizer = args.gallery, recognizer
        try:
            self.references = ReferenceEncoder(recognizer)
        except MienError as error:
            why = f"{error.message}; mien identify names the person in a clip without any"
            raise MienError(why, parameter="gallery") from error
        self.gallery, self.encoder = open_gallery(args), encoder_of(args)

    def predict_each(
        self, clips: Iterable[str | None], **options: Any
    ) -> "Iterator[Prediction | Failure]":
        """Predict for clips, each relative to the clips of the person in it."""
        from mien.inference.prediction import Prediction

        found: deque[_Speaker] = deque()

        def each() -> Iterator[str | None]:
            for clip in clips:
                found.append(self._identify(clip))
                yield clip

        def references() -> "Iterator[SpeakerReference | None]":
            while True:
                yield found[-1].reference  # of the clip that was taken last

        for result in self.recognizer.predict_each(each(), reference=references(), **options):
            speaker = found.popleft()
            if isinstance(result, Prediction):
                notes = dict.fromkeys([*result.warnings, *speaker.notes])  # often the same
                change = {"person": speaker.person, "warnings": list(notes)}
                result = result.model_copy(update=change)
            yield result

    def _identify(self, clip: str | None) -> _Speaker:
        from mien.gallery import UNKNOWN

        notes: list[str] = []
        if clip is None:
            return _Speaker(None, None, ["nobody was identified: there is text alone"])
        try:
            embedding = self.encoder.embed(clip, notes.append)
        except MienError as error:
            return _Speaker(None, None, [f"nobody was identified: {error}"])
        found = self.gallery.identify(embedding, encoder=self.encoder.fingerprint)
        notes += found.notes
        if found.person is None or found.person == UNKNOWN:
            why = "is not calibrated" if found.person is None else "knows nobody like them"
            nobody = f"relative to nobody: the gallery {self.name} {why}"
            return _Speaker(None, None, [nobody, *notes])
        model, own = self.references.fingerprint, fingerprint(Path(clip))
        states = self.gallery.states(found.person, model=model, without=own)
        if not len(states):
            none = (
                f"relative to nobody: {found.person} was identified, and no other clip of theirs is"
                f" enrolled with references for this model ({model[:16]}): enrol some with"
                f" --references {self.recognizer.run.folder}"
            )
            return _Speaker(found.person, None, [none, *notes])
        return _Speaker(found.person, self.references.reference(states), notes)
