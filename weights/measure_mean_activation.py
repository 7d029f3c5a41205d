"""Measures what `vgg19.safetensors` stores as `convB_I.mean_activation`.

That is the mean of each channel after its ReLU, over images and positions, for the network with max
pooling; `mean_activation.json` holds the result over 140 photographs and paintings scaled to 256 pixels
on the longer side. Gatys et al. divide every unit by it (and multiply it back into the next layer), so
that all layers' losses share one scale without changing the function the network computes.
Needs torch, safetensors, pillow and numpy.
Usage: python measure_mean_activation.py vgg19.safetensors mean_activation.json IMAGE...
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/reference"))
import nst_reference as reference

weights_path, out, *images = sys.argv[1:]
weights = reference.load_weights(weights_path, torch.float32, "raw")
sums = {name: 0 for name in reference.LAYERS}
with torch.no_grad():
    for path in images:
        image = Image.open(path).convert("RGB")
        scale = 256 / max(image.size)
        image = image.resize([max(32, int(side * scale)) for side in image.size], Image.LANCZOS)
        x = reference.to_network(torch.from_numpy(np.array(image)).float())
        for name, f in reference.features(x, weights, reference.LAYERS, "max").items():
            sums[name] = sums[name] + f.double().mean((1, 2)) / len(images)
json.dump({name: [float(f"{v:.6g}") for v in sums[name]] for name in reference.LAYERS}, open(out, "w"))
