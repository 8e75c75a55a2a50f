"""Score one utterance with a model that `mien export` wrote, by ONNX Runtime and NumPy alone."""

import argparse
import json
import wave

import numpy as np
import onnxruntime

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model", help="the file that mien export wrote")
parser.add_argument("--audio", help="a WAV file: mono, 16 kHz, 16 bits")
parser.add_argument("--text", help="what is said; needs the package tokenizers")
args = parser.parse_args()

session = onnxruntime.InferenceSession(args.model)
about = json.loads(session.get_modelmeta().custom_metadata_map["mien"])
feed = {}
for name, steps in about["modalities"].items():
    values = np.zeros((0, *steps["shape"]), steps["dtype"])
    if name == "audio" and args.audio:
        with wave.open(args.audio) as file:
            values = np.frombuffer(file.readframes(-1), np.int16).astype(np.float32) / 32768
    if name == "text" and args.text:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(args.model.replace(".onnx", ".tokenizer.json"))
        values = np.array(tokenizer.encode(args.text).ids)
    feed[f"{name}_steps"] = np.array([len(values)])
    feed[name] = values[None] if len(values) else np.zeros((1, 1, *steps["shape"]), steps["dtype"])

scores = session.run([f"{task['name']}_scores" for task in about["tasks"]], feed)
for task, (row,) in zip(about["tasks"], scores, strict=True):
    print(task["name"], dict(zip(task["labels"], row.round(4).tolist(), strict=True)))
