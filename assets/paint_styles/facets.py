"""Stained glass in warm tones: small panes beside large ones, in dark leads."""
import numpy as np
from PIL import Image

from canvas import noise, palette

GLASS = [(120, 20, 28), (200, 52, 32), (236, 140, 40), (250, 212, 90), (60, 130, 130), (24, 60, 110)]
TRIES = 12000


def middles(rng, breadth):
    """Points at random, as far apart as panes are broad: at least `breadth`, in pixels, at each point."""
    height, width = breadth.shape
    points = np.empty((0, 2))
    for point in rng.uniform((-20, -20), (width + 20, height + 20), (TRIES, 2)):
        column, row = np.clip(point.astype(int), 0, (width - 1, height - 1))
        if not (np.hypot(*(points - point).T) < breadth[row, column]).any():
            points = np.append(points, [point], 0)
    return points


def paint(width=768, height=608, seed=3):
    """A Voronoi diagram: panes with brushed light, leads that are wider between larger panes."""
    rng = np.random.default_rng(seed)
    breadth = np.clip(27 + 12 * noise(rng, (height, width), 80, 2), 16, 42)
    points = middles(rng, breadth)
    y, x = np.mgrid[0:height, 0:width]
    nearest = np.full((height, width), np.inf)
    second = nearest.copy()
    pane = np.zeros((height, width), int)
    for i, (cx, cy) in enumerate(points):
        distance = np.hypot(x - cx, y - cy)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        pane = np.where(closer, i, pane)
        nearest = np.where(closer, distance, nearest)
    tone = np.clip(0.5 + 0.35 * np.sin(points[:, 0] / 120) + 0.25 * rng.standard_normal(len(points)), 0, 1)
    brushed = 12 * np.sin((x * np.cos(pane) + y * np.sin(pane)) / 2.6)
    light = 1.12 - 0.5 * nearest / (1.3 * breadth)
    glass = palette(tone, GLASS)[pane] * light[..., None] + brushed[..., None]
    clear = np.clip((second - nearest) / (1.4 + 0.12 * breadth), 0, 1)[..., None]
    out = glass * clear + np.array([18, 14, 16]) * (1 - clear)
    return Image.fromarray(np.clip(out, 0, 255).astype(np.uint8))
