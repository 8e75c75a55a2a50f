"""Names of encoders: of a kind, or of a pretrained model that stands for its kind."""

from collections.abc import Mapping
from typing import Any

from mien.errors import MienError, did_you_mean
from mien.modality import Modality
from mien.models.encoders.base import ENCODERS, EncoderConfig, refused
from mien.models.pretrained.catalogue import hub_names, packaged_names

TEXT, AUDIO, VIDEO = Modality

PRETRAINED = {TEXT: "transformer", AUDIO: "pretrained", VIDEO: "pretrained"}
"""The kind of encoder that has a pretrained model, which can stand for it by name."""

PACKAGED = {modality: packaged_names(modality) for modality in Modality}
"""Names of the pretrained models in Python packages."""

SHORT = {(AUDIO, "whisper"): "whisper-tiny.en"}
"""Short names of pretrained models."""


def with_kind(modality: Modality, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an encoder with a registered kind.

    In place of a kind a pretrained model may be named: packaged, by its name on the hub, by a
    folder, or several joined by "+". Without a kind it is the default of the modality.

    Raises
    ------
    PydanticCustomError
        The name is neither a kind nor a pretrained model.

    Examples
    --------
    >>> with_kind(Modality.AUDIO, {"kind": "microsoft/wavlm-large", "layers": 12})
    {'kind': 'pretrained', 'layers': 12, 'model': 'microsoft/wavlm-large'}
    """
    kinds = ENCODERS[modality]
    kind = str(settings.get("kind", next(iter(kinds))))
    try:
        kinds[kind]  # looks for plugins, too
    except MienError:
        model = "+".join(_model(modality, part) for part in kind.split("+"))
        return {**settings, "kind": PRETRAINED[modality], "model": model}
    return {**settings, "kind": kind}


def _model(modality: Modality, name: str) -> str:
    """Return the full name of a pretrained model, if it is one."""
    if "/" in name or name in PACKAGED[modality]:
        return name
    if (modality, name) in SHORT:
        return SHORT[modality, name]
    if name in ENCODERS[modality]:
        raise refused(f"only pretrained models can be joined by +, and {name} is none")
    packaged = "".join(f"{one}, " for one in PACKAGED[modality])
    raise refused(
        f"no {modality} encoder {name!r}{_meant(modality, name)}; choose from"
        f" {', '.join(ENCODERS[modality])}, or a pretrained model: {packaged}a name on the hub or a"
        " folder, with a slash (./FOLDER)"
    )


def _meant(modality: Modality, name: str) -> str:
    """Suggest the nearest name, as the end of a message; or nothing."""
    short = [one for m, one in SHORT if m is modality]
    near = did_you_mean(name, [*ENCODERS[modality], *PACKAGED[modality], *short])
    hub = [
        model for model in hub_names(modality) if len(name) > 3 and name in model.rpartition("/")[2]
    ]
    return near or "".join(f" (did you mean {model}?)" for model in hub[:1])


def kind_of(modality: Modality, settings: Mapping[str, Any]) -> type[EncoderConfig]:
    """Return the class of an encoder's settings by their `kind`; see `with_kind`.

    Raises
    ------
    PydanticCustomError
        The kind is unknown.
    """
    return ENCODERS[modality][with_kind(modality, settings)["kind"]]
