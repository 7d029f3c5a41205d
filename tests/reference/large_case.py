"""The golden case that is too large for 128 MiB bindings: pictures by formula, a sample of the gradient.

    python large_case.py OUT_FOLDER

The formula is that of `picture` in tests/suite/tiled.rs. Writes score.json, and gradient.npy with every 479th number of
d total / d x, float32, in the order [3, H, W], B, G, R.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from nst_reference import HERE, Objective, plain, to_network

WIDTH, HEIGHT, STRIDE = 1024, 640, 479


def wave(v, period):
    phase = v % period
    return np.minimum(phase, period - phase) * 510 // period


def picture(width, height, seed):
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    planes = []
    for c in range(3):
        slope = wave(x * (2 + c) + 3 * y + 70 * seed, 200 + 40 * seed)
        bend = wave(x * y // (60 + 9 * seed) + 90 * c, 150)
        block = (x // 23 + y // 17 + seed) % 2 * 255
        planes.append((2 * slope + bend + block) // 4)
    return to_network(torch.from_numpy(np.stack(planes, 2)).to(torch.float64))


def main():
    options = argparse.Namespace(
        weights=HERE.parent.parent / "weights", network="normalised", pool="max",
        content_layers=["conv4_2"], style_layers=[f"conv{b}_1" for b in range(1, 6)],
        content_weight=1.0, style_weight=1000.0, tv_weight=0.01)
    objective = Objective(picture(WIDTH, HEIGHT, 1), picture(WIDTH - 41, HEIGHT + 7, 2), options)
    x = picture(WIDTH, HEIGHT, 3).requires_grad_()
    total, terms = objective(x)
    total.backward()
    folder = Path(sys.argv[1])
    (folder / "score.json").write_text(json.dumps(plain(terms)) + "\n")
    np.save(folder / "gradient.npy", x.grad.flatten()[::STRIDE].numpy().astype(np.float32))


if __name__ == "__main__":
    main()
