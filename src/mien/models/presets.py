"""Models by name, and settings by one flat name each, for flags and for Python."""

from collections.abc import Iterable, Mapping
from typing import Any

from mien.errors import MienError, did_you_mean
from mien.modality import Modality, parse_modalities
from mien.models.config import ModelConfig
from mien.models.encoders.base import ENCODERS, EncoderConfig, kind_of

TEXT, AUDIO, VIDEO = Modality

PRESETS: dict[str, dict[Modality, str]] = {
    "mme2e": {TEXT: "transformer", AUDIO: "cnn", VIDEO: "cnn"},
    "mme2e-sparse": {TEXT: "transformer", AUDIO: "sparse-cnn", VIDEO: "sparse-cnn"},
    "lf-rnn": dict.fromkeys(Modality, "rnn"),
    "lf-transformer": dict.fromkeys(Modality, "feature-transformer"),
}
"""The published models (Dai et al. 2021) by the kinds of their encoders: dense and sparse, and two
baselines on hand-crafted features."""

OWN = tuple(name for name in ModelConfig.model_fields if name != "encoders")
"""Settings of a model beside its encoders."""

Places = list[tuple[str, ...]]


class UnreadSettingError(MienError):
    """A setting that the model does not have.

    Parameters
    ----------
    parameter : str
        Its name.
    why : str
        The rest of the message.
    """

    def __init__(self, parameter: str, why: str) -> None:
        super().__init__(f"{parameter} {why}")
        self.parameter, self.why = parameter, why


def preset(
    name: str = "mme2e", *, modalities: str | Iterable[Modality] = "tav", **settings: Any
) -> ModelConfig:
    """Make a model's settings from a preset.

    Parameters
    ----------
    name : str
        One of `PRESETS`.
    modalities : str or iterable of Modality
        Those that it is to have.
    **settings
        A name such as ``width`` sets every encoder that has it, and the model itself where that
        has it; one such as ``audio_width`` or ``text_model`` sets one encoder.

    Raises
    ------
    MienError
        There is no such preset, or a setting that none of the encoders has.
    pydantic.ValidationError
        A setting can't have such a value.

    Examples
    --------
    >>> config = preset("mme2e-sparse", modalities="ta", width=0.5, text_max_len=50)
    >>> config.encoders["audio"].width, config.encoders["text"].max_len
    (0.5, 50)
    """
    content = plain(name, modalities)
    return ModelConfig.model_validate(with_settings(content, settings))


def plain(name: str, modalities: str | Iterable[Modality] = "tav") -> dict[str, Any]:
    """Give a preset as nested plain values, the kinds of its encoders alone."""
    if name not in PRESETS:
        raise MienError(
            f"there is no model {name!r}{did_you_mean(name, PRESETS)}; known: {', '.join(PRESETS)}"
        )
    wanted = parse_modalities(modalities) if isinstance(modalities, str) else tuple(modalities)
    return {"encoders": {m: {"kind": kind} for m, kind in PRESETS[name].items() if m in wanted}}


def name_of(config: ModelConfig) -> str:
    """Name the preset whose kinds of encoders a model has, or else these kinds.

    Examples
    --------
    >>> name_of(preset("lf-rnn", modalities="tv"))
    'lf-rnn'
    >>> name_of(ModelConfig(encoders={"audio": {"kind": "cnn"}, "video": {"kind": "sparse-cnn"}}))
    'audio cnn, video sparse-cnn'
    """
    kinds = {m: encoder.kind for m, encoder in config.encoders.items()}
    return preset_of(kinds) or ", ".join(f"{m} {kinds[m]}" for m in Modality if m in kinds)


def preset_of(kinds: Mapping[Modality, str]) -> str | None:
    """Name the preset to which kinds of encoders belong; None where there is none."""
    return next((n for n, known in PRESETS.items() if kinds.items() <= known.items()), None)


def with_settings(content: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Put settings by flat names where they go in nested ones; one encoder's go before shared ones.

    Raises
    ------
    UnreadSettingError
        The model has no place for one of them.
    """
    found = {name: value for name, value in content.items() if name != "encoders"}
    encoders = {m: dict(values) for m, values in content["encoders"].items()}
    for name in sorted(settings, key=_of_one):
        places = places_of({"encoders": encoders}, name)
        if not places:
            raise UnreadSettingError(name, _nobody(name))
        for *where, setting in places:
            (encoders[Modality(where[0])] if where else found)[setting] = settings[name]
    return {"encoders": encoders, **found}


def places_of(content: Mapping[str, Any], name: str) -> Places:
    """Say which settings of nested ones a flat name sets.

    Examples
    --------
    >>> places_of(plain("mme2e"), "width")
    [('audio', 'width'), ('video', 'width')]
    """
    places: Places = [(name,)] if name in OWN else []
    for modality, values in content["encoders"].items():
        fields = _fields(kind_of(Modality(modality), values))
        places += [(str(modality), own) for own in _own_names(modality, name) if own in fields]
    return places


def _own_names(modality: str, name: str) -> list[str]:
    prefix = f"{modality}_"
    return [name, *([name.removeprefix(prefix)] if name.startswith(prefix) else [])]


def _of_one(name: str) -> bool:
    return name.startswith(tuple(f"{m}_" for m in Modality))


def _fields(config: type[EncoderConfig]) -> list[str]:
    return [name for name in config.model_fields if name != "kind"]


def _nobody(name: str) -> str:
    """Say why a setting has no place: other kinds of encoders have it, or it is misspelt."""
    having: dict[str, list[str]] = {}
    for modality, kinds in ENCODERS.items():
        for kind in kinds:
            if places_of({"encoders": {modality: {"kind": kind}}}, name):
                having.setdefault(kind, []).append(modality)
    if having:
        readers = ", ".join(f"{kind} of {' or '.join(of)}" for kind, of in having.items())
        return f"changes nothing here: only an encoder {readers} reads it; leave it out"
    return f"is no setting{did_you_mean(name, setting_names())}"


def setting_names() -> list[str]:
    """List all flat names: of the model, shared ones, and of each encoder."""
    names = dict.fromkeys(OWN)
    for modality, kinds in ENCODERS.items():
        for config in kinds.values():
            for field in _fields(config):
                names |= dict.fromkeys((field, f"{modality}_{field}"))
    return list(names)
