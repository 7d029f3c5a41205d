"""Whirls of short, thick strokes in blues, with ribbons of gold that follow the flow."""
import numpy as np
from PIL import Image, ImageDraw

from canvas import noise, palette

STROKES = 8000
FINER = 3  # the canvas is this many times finer than the image, so that edges are smooth
BLUE = [(12, 20, 58), (24, 52, 110), (46, 96, 160), (110, 160, 196), (206, 216, 190)]
GOLD = [(150, 96, 30), (206, 146, 34), (240, 190, 60), (250, 226, 130)]


def paint(width=768, height=608, seed=7):
    """Strokes along the contours of smooth heights on a slope; each contour has a tone, parts of the lighter are gold."""
    rng = np.random.default_rng(seed)
    heights = noise(rng, (height, width), 190, 2) + 0.0042 * np.arange(height)[:, None]
    dy, dx = np.gradient(heights)
    steepness = np.hypot(dx, dy) + 1e-9
    flow = np.stack([-dy / steepness, dx / steepness], -1)
    gilded = np.clip(0.5 + 2 * noise(rng, (height, width), 120), 0, 1)
    gilded *= steepness > 0.004  # not the middles of whirls, which would be stars

    def at(field, p):
        return field[int(np.clip(p[1], 0, height - 1)), int(np.clip(p[0], 0, width - 1))]

    image = Image.new("RGB", (width * FINER, height * FINER), (14, 22, 52))
    draw = ImageDraw.Draw(image)
    for step in range(STROKES):
        p = rng.uniform((-20, -20), (width + 20, height + 20))
        contour = 0.5 + 0.5 * np.sin(13 * at(heights, p))
        gold = 0.9 * np.clip(2 * (contour - 0.4), 0, 1) * at(gilded, p)
        tone = np.clip(0.05 + 0.25 * contour + 0.75 * rng.beta(2, 3), 0, 1)
        colour = palette(rng.uniform(), GOLD) if rng.uniform() < gold else palette(tone, BLUE)
        thickness = 16 - 9 * step / STROKES + rng.uniform(0, 3)
        path, q = [tuple(p)], p.copy()
        for _ in range(int(rng.integers(5, 11))):
            q = q + 6.0 * at(flow, q)
            path.append(tuple(q))
        for offset in (-0.28, 0.0, 0.3):
            shade = np.clip(colour * (1 + offset * rng.uniform(0.2, 0.7)), 0, 255).astype(int)
            line = [(x * FINER, (y + offset * thickness) * FINER) for x, y in path]
            draw.line(line, tuple(shade), round(FINER * thickness / 2), joint="curve")
    return image.resize((width, height), Image.Resampling.LANCZOS)
