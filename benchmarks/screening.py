"""The rules by which abstention refuses audio and text: what they find, and what they refuse."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

from mien.audio_effects import from_int16
from mien.dataset.effect import apply, parse_effect
from mien.errors import MienError
from mien.files import write_text
from mien.inference.abstention import Abstention
from mien.inference.language import MIN_WORDS, other_language, words_of
from mien.media.decode import read_audio
from mien.media.signal_to_noise import FRAME_LENGTH, HOP_LENGTH, signal_to_noise
from mien.models.pretrained.voice_activity import FRAME_SAMPLES, SPEECH, VoiceActivity
from mien.utterance import SAMPLE_RATE

DATA = Path(__file__).resolve().parents[2] / "shared/data"
LEVELS = (20, 15, 10, 5, 0)
NOISES = ("white", "pink", "babble")
CLIPS, LONGEST = 150, 15 * SAMPLE_RATE
RULES = Abstention()

FOREIGN = {
    "German": (
        *("Ich bin heute so glücklich", "Das macht mich wirklich wütend"),
        *("Lass mich bitte in Ruhe", "Warum hast du mir nichts gesagt?"),
        *("Ich habe große Angst vor morgen", "Wir freuen uns auf deinen Besuch"),
        *("Das ist doch ekelhaft", "Ich vermisse meine Schwester sehr"),
        *("Es ist mir völlig egal", "Kinder spielen vor der Tür"),
    ),
    "French": (
        *("Je suis tellement heureux aujourd'hui", "Cela me rend vraiment furieux"),
        *("Laisse-moi tranquille s'il te plaît", "Pourquoi tu ne m'as rien dit ?"),
        *("J'ai très peur de demain", "Nous attendons ta visite avec joie"),
        *("C'est vraiment dégoûtant", "Ma sœur me manque beaucoup"),
        *("Cela m'est complètement égal", "Les enfants jouent devant la porte"),
    ),
    "Spanish": (
        *("Hoy estoy muy feliz", "Esto me pone furioso de verdad"),
        *("Déjame en paz por favor", "¿Por qué no me dijiste nada?"),
        *("Tengo mucho miedo de mañana", "Esperamos tu visita con alegría"),
        *("Eso es realmente asqueroso", "Echo mucho de menos a mi hermana"),
        *("Me da completamente igual", "Los niños juegan delante de la puerta"),
    ),
    "Italian": (
        *("Oggi sono davvero felice", "Questo mi fa proprio arrabbiare"),
        *("Lasciami in pace per favore", "Perché non mi hai detto niente?"),
        *("Ho molta paura di domani", "Aspettiamo con gioia la tua visita"),
        *("È veramente disgustoso", "Mi manca tanto mia sorella"),
        *("Non me ne importa niente", "I bambini giocano davanti alla porta"),
    ),
    "Dutch": (
        *("Ik ben vandaag zo gelukkig", "Dit maakt me echt boos"),
        *("Laat me alsjeblieft met rust", "Waarom heb je niets gezegd?"),
        *("Ik ben erg bang voor morgen", "Wij kijken uit naar je bezoek"),
        *("Dat is echt walgelijk", "Ik mis mijn zus heel erg"),
        *("Het kan me niets schelen", "De kinderen spelen voor de deur"),
    ),
    "Polish": (
        *("Jestem dzisiaj bardzo szczęśliwy", "To mnie naprawdę złości"),
        *("Zostaw mnie proszę w spokoju", "Dlaczego nic mi nie powiedziałeś?"),
        *("Bardzo boję się jutra", "Cieszymy się na twoją wizytę"),
        *("To jest naprawdę obrzydliwe", "Bardzo tęsknię za siostrą"),
        *("Jest mi wszystko jedno", "Dzieci bawią się przed drzwiami"),
    ),
    "Turkish": (
        *("Bugün çok mutluyum gerçekten", "Bu beni gerçekten kızdırıyor"),
        *("Lütfen beni rahat bırak", "Neden bana hiçbir şey söylemedin?"),
        *("Yarından çok korkuyorum ben", "Ziyaretini sabırsızlıkla bekliyoruz biz"),
        *("Bu gerçekten iğrenç bir şey", "Kız kardeşimi çok özlüyorum"),
        *("Hiç umurumda değil artık", "Çocuklar kapının önünde oynuyor"),
    ),
    "Russian": (
        *("Я сегодня так счастлив", "Это меня очень злит"),
        *("Оставь меня в покое", "Почему ты мне ничего не сказал?"),
        *("Я очень боюсь завтрашнего дня", "Мы ждём тебя с радостью"),
        *("Это действительно отвратительно", "Я очень скучаю по сестре"),
        *("Мне совершенно всё равно", "Дети играют у двери"),
    ),
    "Chinese": (
        *("我今天非常高兴", "这真的让我很生气", "请让我一个人静一静", "你为什么什么都没告诉我?"),
        *("我很害怕明天", "我们很高兴你来看我们", "这实在是太恶心了", "我很想念我的妹妹"),
        *("我一点也不在乎", "孩子们在门口玩耍"),
    ),
}
"""Short sentences, all with three words or more."""

Estimate = Callable[[np.ndarray], float]


def wada(waveform: np.ndarray) -> float:
    """Estimate the ratio by the shape of the amplitudes (WADA-SNR, Kim and Stern 2008)."""
    amplitudes = np.abs(waveform[waveform != 0].astype(float))
    shape = np.log(amplitudes.mean()) - np.log(amplitudes).mean()
    return float(np.interp(shape, WADA_SHAPES, np.arange(-20.0, 61.0)))


def wada_shapes() -> np.ndarray:
    """Tabulate the shape that speech, gamma distributed (0.4), has in Gaussian noise, by dB."""
    random, count = np.random.default_rng(0), 500_000
    speech = random.gamma(0.4, 1.0, count) * random.choice([-1, 1], count)
    speech /= np.sqrt(np.mean(speech**2))
    noise, shapes = random.standard_normal(count), []
    for level in np.arange(-20.0, 61.0):
        amplitudes = np.abs(speech * 10 ** (level / 20) + noise)
        shapes.append(np.log(amplitudes.mean()) - np.log(amplitudes).mean())
    return np.array(shapes)


WADA_SHAPES = wada_shapes()


def quantile(share: float) -> Estimate:
    """Estimate the ratio as mien does, with another share of quiet frames."""
    noise = np.random.default_rng(0).normal(0, 3000, 60 * SAMPLE_RATE)
    bias = np.quantile(powers(noise), share) / powers(noise).mean()

    def estimate(waveform: np.ndarray) -> float:
        power = powers(waveform)
        floor = np.quantile(power[power > 0], share) / bias
        return float(10 * np.log10(max(power.mean() - floor, 1e-6 * floor) / floor))

    return estimate


def powers(waveform: np.ndarray) -> np.ndarray:
    """Compute the power of each frame."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform.astype(float), FRAME_LENGTH)
    return frames[::HOP_LENGTH].var(axis=1)


ESTIMATES: dict[str, Estimate] = {
    "quietest 5 % of the frames (mien's)": signal_to_noise,
    "quietest 10 %": quantile(0.1),
    "quietest 20 %": quantile(0.2),
    "WADA-SNR": wada,
}


def recordings() -> dict[str, list[np.ndarray]]:
    """Read clips of actors and of readers, the first 15 s of each."""
    acted = sorted((DATA / "ravdess").glob("03-01-*.flac"))
    read = sorted((DATA / "librispeech").glob("*/*.flac"))
    if not acted or not read:
        raise MienError(f"this benchmark needs the recordings in {DATA}")
    chosen = [acted[row] for row in np.random.default_rng(0).permutation(len(acted))[:CLIPS]]
    return {
        name: [read_audio(path)[:LONGEST] for path in paths]
        for name, paths in (("RAVDESS", chosen), ("LibriSpeech", read))
    }


def degraded(waves: Sequence[np.ndarray], effect: str) -> list[np.ndarray]:
    """Add noise to clips; babble is made of five of the next ones."""
    return [
        apply(
            parse_effect(effect),
            wave,
            np.random.default_rng(number),
            [waves[(number + other) % len(waves)] for other in range(1, 6)],
        )
        for number, wave in enumerate(waves)
    ]


def trimmed(activity: VoiceActivity, wave: np.ndarray) -> np.ndarray:
    """Cut a clip to its speech, as the cue of a transcript would."""
    import torch

    spoken = np.flatnonzero(activity(torch.from_numpy(from_int16(wave))).numpy() >= SPEECH)
    if not len(spoken):
        return wave
    return wave[spoken[0] * FRAME_SAMPLES : (spoken[-1] + 1) * FRAME_SAMPLES]


def second(wave: np.ndarray) -> np.ndarray:
    """Cut the second in the middle."""
    middle = len(wave) // 2
    return wave[max(0, middle - SAMPLE_RATE // 2) : middle + SAMPLE_RATE // 2]


def noise_of(waves: list[np.ndarray], activity: VoiceActivity) -> dict[str, Any]:
    """Measure each estimate on clips of one corpus."""
    found: dict[str, Any] = {name: {} for name in ESTIMATES}
    tight = [trimmed(activity, wave) for wave in waves]
    clean = {"clean": waves, "trimmed": tight, "second": [second(wave) for wave in tight]}
    for name, estimate in ESTIMATES.items():
        for kind, clips in clean.items():
            values = np.array([estimate(clip) for clip in clips])
            found[name][kind] = float((values < RULES.min_snr).mean())
    true = np.repeat(LEVELS, len(waves))
    for noise in tqdm(NOISES, desc="noise", disable=None):
        mixed = [clip for level in LEVELS for clip in degraded(waves, f"{noise}:{level}")]
        for name, estimate in ESTIMATES.items():
            values = np.array([estimate(clip) for clip in mixed])
            found[name][noise] = {
                "rank": float(spearmanr(true, values).statistic),
                "error": float(np.abs(values - true).mean()),
                "means": [float(part.mean()) for part in np.split(values, len(LEVELS))],
            }
    return found


def speech_of(waves: list[np.ndarray], activity: VoiceActivity) -> dict[str, list[float]]:
    """Measure the speech found in clips, clean and in noise: mean, and share refused."""
    found = {}
    for name in ("clean", "white:10", "white:5", "white:0"):
        clips = waves if name == "clean" else degraded(waves, name)
        seconds = np.array([activity.seconds(clip) for clip in clips])
        found[name] = [float(seconds.mean()), float((seconds < RULES.min_speech).mean())]
    return found


def costs(activity: VoiceActivity, wave: np.ndarray) -> dict[str, float]:
    """Time each measure, in milliseconds of a CPU for a second of audio."""
    found = {}
    for name, estimate in {**ESTIMATES, "voice activity": activity.seconds}.items():
        start = time.process_time()
        for _ in range(10):
            estimate(wave)
        spent = time.process_time() - start
        found[name] = 1000 * spent / 10 / (len(wave) / SAMPLE_RATE)
    return found


def language() -> dict[str, Any]:
    """Count the English texts that are refused, and the others that are found."""
    refused = {}
    for split in ("dev", "test"):
        lines = (DATA / "goemotions" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
        texts = [line.split("\t")[0] for line in lines]
        long = [text for text in texts if words_of(text) >= MIN_WORDS]
        wrong = [text for text in long if other_language(text, ("en",))]
        refused[f"GoEmotions, {split}"] = {"texts": len(long), "refused": wrong}
    sentences = ["Kids are talking by the door", "Dogs are sitting by the door"]
    wrong = [text for text in sentences if other_language(text, ("en",))]
    refused["RAVDESS"] = {"texts": 2, "refused": wrong}
    found = {
        name: sum(other_language(text, ("en",)) is not None for text in texts)
        for name, texts in FOREIGN.items()
    }
    return {"refused": refused, "found": found, "of each": 10}


def measure() -> dict[str, Any]:
    """Measure all rules."""
    activity, clips = VoiceActivity(), recordings()
    return {
        "clips": {name: len(waves) for name, waves in clips.items()},
        "noise": {name: noise_of(waves, activity) for name, waves in clips.items()},
        "speech": {name: speech_of(waves, activity) for name, waves in clips.items()},
        "milliseconds": costs(activity, max(clips["LibriSpeech"], key=len)),
        "language": language(),
    }


def page(found: dict[str, Any]) -> str:
    """Write the result as a page."""
    ranks, refusals = [], []
    for corpus, by_name in found["noise"].items():
        for name, one in by_name.items():
            cells = [f"{one[n]['rank']:.2f}, {one[n]['error']:.1f}" for n in NOISES]
            ranks.append(f"| {corpus} | {name} | {' | '.join(cells)} |")
            shares = [f"{one[kind]:.1%}" for kind in ("clean", "trimmed", "second")]
            refusals.append(f"| {corpus} | {name} | {' | '.join(shares)} |")
    speech = [
        f"| {corpus} | {name} | {mean:.2f} | {share:.1%} |"
        for corpus, by_name in found["speech"].items()
        for name, (mean, share) in by_name.items()
    ]
    texts = [
        f"| {name} | {one['texts']:,} | {len(one['refused'])} |"
        for name, one in found["language"]["refused"].items()
    ]
    others = ", ".join(f"{name} {count}" for name, count in found["language"]["found"].items())
    cost = "\n".join(f"| {name} | {ms:.2f} |" for name, ms in found["milliseconds"].items())
    counts = " and ".join(f"{count} of {name}" for name, count in found["clips"].items())
    newline = "\n"
    return f"""# The rules of abstention

Measured on clips: {counts}; the first 15 s of each.

## Noise

Estimates beside the true signal-to-noise ratio, with noise added at {LEVELS[0]} to {LEVELS[-1]} dB:
rank correlation, and mean absolute error in dB.

| clips | estimate | white | pink | babble |
|---|---|---:|---:|---:|
{newline.join(ranks)}

Clean clips that would be refused as noisy, below {RULES.min_snr:g} dB: as they are, trimmed to
their speech, and one second of that.

| clips | estimate | whole | trimmed | one second |
|---|---|---:|---:|---:|
{newline.join(refusals)}

## Speech

Seconds in which the voice activity detector hears speech, and clips with less than
{RULES.min_speech:g} s of it.

| clips | audio | seconds | refused |
|---|---|---:|---:|
{newline.join(speech)}

| measure | CPU ms for a second of audio |
|---|---:|
{cost}

## Language

English texts of {MIN_WORDS} words or more that are taken for another language.

| texts | number | refused |
|---|---:|---:|
{newline.join(texts)}

Of ten short sentences in each other language, found: {others}.
"""


def main() -> None:
    """Measure, print the page and write it beside this file."""
    found = measure()
    text = page(found)
    print(text)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write_text(here.with_suffix(".md"), text)


if __name__ == "__main__":
    main()
