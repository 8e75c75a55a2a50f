"""Presets of the model configuration, and flat names of its settings for flags and for Python."""

from collections.abc import Iterable, Mapping
from typing import Any

from mien.errors import MienError, did_you_mean
from mien.modality import Modality, parse_modalities
from mien.models.config import ModelConfig
from mien.models.encoders.base import ENCODERS, EncoderConfig
from mien.models.encoders.naming import kind_of

TEXT, AUDIO, VIDEO = Modality

PRESETS: dict[str, dict[Modality, str]] = {
    "mme2e": {TEXT: "transformer", AUDIO: "vgg", VIDEO: "vgg"},
    "mme2e-sparse": {TEXT: "transformer", AUDIO: "sparse-vgg", VIDEO: "sparse-vgg"},
    "lf-rnn": dict.fromkeys(Modality, "rnn"),
    "lf-transformer": dict.fromkeys(Modality, "feature-transformer"),
}
"""Kinds of encoders of the published models (Dai et al. 2021): dense, sparse, and two baselines of
hand-crafted features."""

OWN = tuple(name for name in ModelConfig.model_fields if name != "encoders")
"""Settings of a model other than its encoders."""

Places = list[tuple[str, ...]]


def preset(
    name: str = "mme2e", *, modalities: str | Iterable[Modality] = "tav", **settings: Any
) -> ModelConfig:
    """Build the configuration of a model from a preset.

    Parameters
    ----------
    name : str
        One of `PRESETS`.
    modalities : str or iterable of Modality
        The modalities of the model.
    **settings
        A name such as ``width`` sets every encoder that has this setting, and the model itself if
        it has it; a name such as ``audio_width`` or ``text_model`` sets one encoder.

    Raises
    ------
    MienError
        The preset is unknown, or no encoder has one of the settings.
    pydantic.ValidationError
        The value of a setting is not valid.

    Examples
    --------
    >>> config = preset("mme2e-sparse", modalities="ta", width=0.5, text_max_len=50)
    >>> config.encoders["audio"].width, config.encoders["text"].max_len
    (0.5, 50)
    """
    content = plain(name, modalities)
    return ModelConfig.model_validate(with_settings(content, settings))


def plain(name: str, modalities: str | Iterable[Modality] = "tav") -> dict[str, Any]:
    """Return a preset as nested plain values that state only the kinds of its encoders."""
    if name not in PRESETS:
        raise MienError(
            f"there is no model {name!r}{did_you_mean(name, PRESETS)}; known: {', '.join(PRESETS)}"
        )
    wanted = parse_modalities(modalities) if isinstance(modalities, str) else tuple(modalities)
    return {"encoders": {m: {"kind": kind} for m, kind in PRESETS[name].items() if m in wanted}}


def name_of(config: ModelConfig) -> str:
    """Return the name of the preset with the same kinds of encoders, or else a list of the kinds.

    Examples
    --------
    >>> name_of(preset("lf-rnn", modalities="tv"))
    'lf-rnn'
    >>> name_of(ModelConfig(encoders={"audio": {"kind": "vgg"}, "video": {"kind": "sparse-vgg"}}))
    'audio vgg, video sparse-vgg'
    """
    kinds = {m: encoder.kind for m, encoder in config.encoders.items()}
    return preset_of(kinds) or ", ".join(f"{m} {kinds[m]}" for m in Modality if m in kinds)


def preset_of(kinds: Mapping[Modality, str]) -> str | None:
    """Return the name of the preset that has these kinds of encoders, None if there is none."""
    return next((n for n, known in PRESETS.items() if kinds.items() <= known.items()), None)


def with_settings(content: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Set settings by their flat names in nested ones; those of one encoder override shared ones.

    Raises
    ------
    MienError
        The model does not have one of them.
    """
    found = {name: value for name, value in content.items() if name != "encoders"}
    encoders = {m: dict(values) for m, values in content["encoders"].items()}
    for name in sorted(settings, key=_of_one):
        places = places_of({"encoders": encoders}, name)
        if not places:
            raise MienError(_no_effect(name), parameter=name)
        for *where, setting in places:
            (encoders[Modality(where[0])] if where else found)[setting] = settings[name]
    return {"encoders": encoders, **found}


def places_of(content: Mapping[str, Any], name: str) -> Places:
    """Return the paths of the nested settings that a flat name sets.

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


def _no_effect(name: str) -> str:
    """Explain why a setting has no effect: other kinds of encoders have it, or it is misspelt."""
    having: dict[str, list[str]] = {}
    for modality, kinds in ENCODERS.items():
        for kind in kinds:
            if places_of({"encoders": {modality: {"kind": kind}}}, name):
                having.setdefault(kind, []).append(modality)
    if having:
        readers = ", ".join(f"{kind} of {' or '.join(of)}" for kind, of in having.items())
        return f"has no effect here: only an encoder {readers} uses it; leave it out"
    return f"is not a setting{did_you_mean(name, setting_names())}"


def setting_names() -> list[str]:
    """Return all flat names: of the model, of several encoders, and of each encoder."""
    names = dict.fromkeys(OWN)
    for modality, kinds in ENCODERS.items():
        for config in kinds.values():
            for field in _fields(config):
                names |= dict.fromkeys((field, f"{modality}_{field}"))
    return list(names)
