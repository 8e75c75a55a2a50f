"""What stands for an encoder that is not loaded, since its modality is not shown to the model."""

from torch import nn


class Absent(nn.Module):
    """The place of an encoder in a model that is built without it: no weights, and no answer.

    Parameters
    ----------
    dim : int
        Numbers of a state that the encoder would give.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
