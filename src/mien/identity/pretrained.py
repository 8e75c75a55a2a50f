"""The pretrained encoders by name."""

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import torch

    from mien.identity.both import VoiceAndFace
    from mien.identity.face import Faceprint
    from mien.identity.resemblyzer import Voiceprint

    PretrainedEncoder = Voiceprint | Faceprint | VoiceAndFace

EncoderName = Literal["voice", "face", "both"]

ENCODERS: tuple[EncoderName, ...] = get_args(EncoderName)


def open_encoder(
    name: EncoderName, device: "str | torch.device | None" = None
) -> "PretrainedEncoder":
    """Load a pretrained encoder.

    Parameters
    ----------
    name : {"voice", "face", "both"}
        What it takes of a clip.
    device : str or torch.device, optional
        Where the voice is computed (default: a GPU if there is one); faces are on the CPU.

    Raises
    ------
    MienError
        The encoder is not installed, or its weights are damaged.
    """
    if name == "voice":
        from mien.identity.resemblyzer import Voiceprint

        return Voiceprint(device)
    if name == "face":
        from mien.identity.face import Faceprint

        return Faceprint()
    from mien.identity.both import VoiceAndFace

    return VoiceAndFace(device)
