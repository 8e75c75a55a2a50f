"""Sentences of the synthetic persons: typical of an emotion, about topics typical of none."""

import numpy as np

_OPENERS = ("Look,", "Well,", "Listen,", "You know,", "Okay,", "I mean,", "So,", "Anyway,")

_FILLERS = {
    "person": (
        "my brother", "your sister", "the landlord", "my boss", "our neighbour", "the doctor",
        "your mother", "my uncle", "the teacher", "her cousin", "the driver", "his friend",
    ),
    "thing": (
        "the report", "the blue car", "that letter", "the old house", "the piano", "my phone",
        "the wedding", "that ticket", "the garden", "the kitchen", "this job", "the trip",
        "our concert", "the contract",
    ),
    "when": (
        "last night", "this morning", "on Friday", "last week", "at lunch", "after work",
        "on Sunday", "before dinner", "last summer", "on Tuesday", "after school", "today",
    ),
    "where": (
        "at the airport", "in the office", "at the station", "in the street", "at the bank",
        "by the river", "in the hospital", "at the party", "in the shop", "on the train",
    ),
}  # fmt: skip

_TEMPLATES = {
    "ang": (
        "how dare you touch {thing} {when}!",
        "I am furious with {person} about {thing}!",
        "get {thing} out of my sight, and {person} too!",
        "I hate what {person} did to {thing}!",
        "don't you ever lie to me about {thing} {where}!",
        "shut up about {thing}, I despise {person}!",
        "{person} betrayed me {where}, that disgusting liar!",
        "you ruined {thing} {when}, you idiot!",
        "I swear I will make {person} pay for {thing}!",
        "who gave {person} the right to steal {thing}?",
        "leave me alone, damn you and damn {thing} {where}!",
        "you attacked {person} {where}, you monster!",
    ),
    "exc": (
        "oh my god, {person} just won {thing}!",
        "I can't wait, we are getting {thing} {when}!",
        "guess what, I am going to meet {person} {where}!",
        "this is amazing, {person} said yes {where}!",
        "we did it, we really did it, {thing} is ours {when}!",
        "wow, {thing} was the most thrilling surprise {when}!",
        "I got in, I got in, tell {person} {where}!",
        "yes, incredible, we are flying to see {thing} with {person}!",
        "I am so thrilled about {thing} I could scream {where}!",
        "hurray, {person} is finally coming for {thing}!",
        "unbelievable, I won the big prize {where} {when}!",
        "I am jumping up and down about {thing} {when}!",
    ),
    "fru": (
        "I already told {person} three times about {thing}.",
        "why does {thing} never work {where}?",
        "I keep trying, but {thing} is broken again {when}.",
        "nobody {where} can give me an answer about {thing}.",
        "I have been waiting {where} for hours because of {person}.",
        "it is pointless, {person} just doesn't listen {where}.",
        "how many more forms for {thing} does {person} need?",
        "I am stuck with {thing} and no one helps {where}.",
        "every single time {person} messes up {thing}.",
        "this makes no sense, {person} cancelled {thing} again.",
        "I can't get {thing} fixed, whatever I try {when}.",
        "they sent me back and forth {where} over {thing}.",
    ),
    "hap": (
        "it was lovely to see {person} smile {where}.",
        "I am so glad that {person} liked {thing}.",
        "we had a wonderful time {where} {when}.",
        "{thing} makes me happy, and {person} feels the same.",
        "what a beautiful day we had {where} with {person}.",
        "I enjoyed {thing} so much {when}.",
        "{person} gave me a sweet hug {where}.",
        "life is good since {thing} and {person}.",
        "thank you, {thing} was a delightful gift {when}.",
        "we laughed and sang {where} with {person}.",
        "I am pleased and proud of {person} {where}.",
        "{person} and I are happily in love since {thing}.",
    ),
    "neu": (
        "{person} left {thing} {where}.",
        "I think {thing} starts at nine {where}.",
        "{person} usually waits {where} {when}.",
        "could you pass the note on {thing} to {person}?",
        "we talked with {person} about {thing} {when}.",
        "there is a form for {thing} {where}.",
        "{person} asked which day {thing} begins.",
        "the number of {thing} is on the list {where}.",
        "I saw {person} {where} {when}.",
        "{thing} is on the second floor, {person} said.",
        "you can ask {person} for the address {where}.",
        "the meeting about {thing} was moved {when}.",
    ),
    "sad": (
        "I miss {person} so much since {thing}.",
        "{person} died {where}, and I never said goodbye.",
        "I cried about {thing} all alone {when}.",
        "nothing matters any more since {person} lost {thing}.",
        "I feel so lonely {where} without {person}.",
        "it breaks my heart that {person} is gone {when}.",
        "we buried {person}, and I think of {thing}.",
        "I lost {thing}, and I lost all hope {when}.",
        "I am sorry, I just weep when I see {thing} {where}.",
        "{person} left me {where}, and I am empty.",
        "it hurts so much to remember {thing} and {person}.",
        "the funeral {where} {when} was unbearable.",
    ),
}

EMOTIONS = tuple(_TEMPLATES)
"""IEMOCAP's codes of the six emotions that are used."""


def draw_sentence(emotion: str, rng: np.random.Generator) -> str:
    """Draw a sentence typical of an emotion (a code from `EMOTIONS`)."""
    fillers = {slot: str(rng.choice(words)) for slot, words in _FILLERS.items()}
    text = str(rng.choice(_TEMPLATES[emotion])).format(**fillers)
    if rng.random() < 0.25:
        text = f"{rng.choice(_OPENERS)} {text}"
    return text[0].upper() + text[1:]
