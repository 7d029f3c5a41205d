"""Stained glass in warm tones."""
import numpy as np
from PIL import Image

from canvas import palette


def paint(width=768, height=608, seed=3):
    """Stained glass: a jittered Voronoi mosaic with dark leading and brushed light in each pane."""
    rng = np.random.default_rng(seed)
    step = 46
    ys, xs = np.mgrid[0:height:step, 0:width:step]
    sites = np.stack([xs.ravel(), ys.ravel()], -1) + rng.uniform(0, step, (xs.size, 2))
    yy, xx = np.mgrid[0:height, 0:width]
    best = np.full((height, width), np.inf)
    second = best.copy()
    owner = np.zeros((height, width), int)
    for i, (sx, sy) in enumerate(sites):
        d = np.hypot(xx - sx, yy - sy)
        closer = d < best
        second = np.where(closer, best, np.minimum(second, d))
        owner = np.where(closer, i, owner)
        best = np.where(closer, d, best)
    warm = [(120, 20, 28), (200, 52, 32), (236, 140, 40), (250, 212, 90), (60, 130, 130), (24, 60, 110)]
    tone = np.clip(0.5 + 0.35 * np.sin(sites[:, 0] / 120) + 0.25 * rng.standard_normal(len(sites)), 0, 1)
    base = palette(tone, warm)[owner]
    grain = np.sin(xx * np.cos(owner) / 3.0 + yy * np.sin(owner) / 3.0)[..., None] * 12
    edge = np.clip((second - best) / 7.0, 0, 1)[..., None]
    light = (1.12 - 0.5 * (best / step))[..., None]
    out = (base * light + grain) * edge + np.array([18, 14, 16]) * (1 - edge)
    return Image.fromarray(np.clip(out, 0, 255).astype(np.uint8))
