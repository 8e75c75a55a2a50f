"""Healthy texts, synthetic all of them, in the formats that mien reads."""

import json

SRT = """\
1
00:00:00,000 --> 00:00:01,500
<i>Synthetic</i> words, x < 5 & y > 3.

2
00:00:01,500 --> 00:00:03,000
- Well, 42 of them.
- Really?

3
00:01:03,000 --> 00:01:04,250
{\\an8}The last.
"""

VTT = """\
WEBVTT

NOTE synthetic

first
00:00.000 --> 00:01.500 align:start position:0%
<v Ada>Synthetic <00:00:00.700><c>words</c> &amp; more.

01:01:01.500 --> 01:01:03.000
Second.
"""

MANIFEST = """\
id,media,text,person,session,start,end,emotion,sentiment,split,audio_channel,video_side,take,valence,label:stance
a,a.wav,"Synthetic, words",Ada,S1,0,1.5,happy;surprised,1.5,train,0,,1,3.5,for
b,b.mp4,,Bob,S1,1.5,3,sad,-2,test,,left,2,,2
,,Nothing but words.,Ada,S2,,,;,,valid,,,,1,
"""

ROWS = (
    {"id": "a", "audio": "a.wav", "text": "Synthetic", "start": 0.5, "end": 2, "emotions": ["sad"]},
    {"id": "b", "video": "b.mp4", "sentiment": -1.5, "split": "test", "audio_channel": 1},
    {"text": "words alone", "person": "Zoë", "take": 3, "emotions": []},
)

JSONL = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)

_MELD_HEAD = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"

MELD = (
    _MELD_HEAD
    + "StartTime,EndTime\n"
    + """\
1,"Synthetic: fine.",Rachel,joy,positive,2,0,8,21,"00:16:16,059","00:16:21,731"
2,"He said ""no"".",The Interviewer,neutral,neutral,2,2,8,21,"0:16:21,940","0:16:23,442"
3,Two at once!,All,surprise,positive,10,0,3,6,"0:05:52,435","0:05:53,897"
"""
)

MOSEI = """\
Input.VIDEO_ID,Input.CLIP,Answer.sentiment,Answer.anger,Answer.happiness,Answer.sadness
-synth_1,0,2.0,0,2,0
-synth_1,0,1.0,0,1,0
-synth_1,1,-2.0,1.5,0,3
synth2,3,0,0,0,0
"""

SEGMENTS = """\
-synth_1___0___-0.25___4.5___Well ___ yes.
-synth_1___1___4.5___6.25___No.
synth2___3___0___1e1___Perhaps.
"""

ACTORS = """\
ActorID,Age,Sex,Race,Ethnicity
1001,51,Male,Caucasian,Not Hispanic
1002,21,Female,African American,Not Hispanic
"""

TURNS = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Anger;\t(synthetic; a comment, with commas)
A-E3:\tval 3; act 2; dom  2;\t()

[9.1000 - 12.0000]\tSes01F_impro01_M001\tfru\t[0.5000, 5.5000, -1.0000]
C-E2:\tFrustration; Anger;\t()
"""

SPOKEN = """\
Ses01F_impro01_F000 [006.2901-008.2357]: Wait: this; is synthetic -- really... [LAUGHTER]
Ses01F_impro01_M001 [009.1000-012.0000]: Yes.
M: Yeah.
"""

RECIPE = """\
about: Synthetic.
model:
  encoders:
    text: {kind: transformer, max_len: 50}
    audio:
      kind: sparse-vgg
      width: 0.125
      temporal_dim: 16
  fusion: concat
training:
  task: emotion
  loss: ce
  lr: 2.0e-3
  batch_size: 8
  epochs: 2
"""
