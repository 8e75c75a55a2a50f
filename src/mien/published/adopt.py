"""Make a run of weights that were trained elsewhere, to evaluate and use them."""

from pathlib import Path

from mien.features.store import open_store
from mien.inference.dataset import predict
from mien.inference.evaluate import choose_thresholds
from mien.models import ModelConfig
from mien.runs.data import split_store, usable
from mien.runs.run import Run
from mien.training.config import TrainConfig
from mien.training.initial import begin_with
from mien.training.setup import create


def adopt(
    weights: str | Path,
    data: str | Path,
    out: str | Path,
    model: ModelConfig,
    config: TrainConfig | None = None,
    *,
    progress: bool = True,
) -> Run:
    """Make a run folder of weights as they are; its thresholds are chosen on the validation split.

    Parameters
    ----------
    weights : path
        A checkpoint that the published code wrote, or a run folder.
    data : path
        Prepared data with the labels that the weights predict.
    out : path
        The run folder, new or empty.
    model : ModelConfig
        The encoders and their sizes, as they were trained.
    config : TrainConfig, optional
        Task, loss and protocol.
    progress : bool
        Report progress (`mien.progress`).

    Raises
    ------
    MienError
        The weights can't be read, don't fit the model, or predict other labels.

    Examples
    --------
    >>> from mien.models import preset
    >>> from mien.published.adopt import adopt
    >>> model = preset(text_model="albert-base-v2", audio_spectrogram="published")
    >>> run = adopt("mme2e_tav.pt", "data/iemocap", "runs/published", model)  # doctest: +SKIP
    """
    store, config = open_store(Path(data), model), config or TrainConfig()
    config = config.model_copy(update={"init": str(weights), "init_modalities": None})
    run = create(store, Path(data), Path(out), model, config, trained=True)
    network, tasks = run.build(), run.config.tasks
    print(begin_with(weights, network, tasks))
    run.write_model(network)
    rows = usable(store, split_store(run, store).valid, tasks, model.letters)
    choose_thresholds(run, predict(run, run.model(), store, rows, progress=progress))
    return run
