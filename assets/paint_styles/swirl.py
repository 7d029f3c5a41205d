"""A night sky of vortices in blues and golds: short strokes along a flow field."""
import numpy as np
from PIL import Image, ImageDraw

from canvas import palette

STROKES = 7000
FINER = 3  # the canvas is this many times finer than the image, so that edges are smooth


def paint(width=768, height=608, seed=7):
    """Vortices in a blue field with golden cores, drawn as curved strokes."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform((0.05, 0.05), (0.95, 0.75), (11, 2)) * (width, height)
    radii = rng.uniform(35, 120, 11)
    spins = rng.choice([-1.0, 1.0], 11)

    def flow(p):
        v = np.array([1.0, 0.25 * np.sin(p[0] / 90.0 + p[1] / 60.0)])
        glow = 0.0
        for c, r, s in zip(centres, radii, spins):
            d = p - c
            near = np.exp(-(d @ d) / (2 * r * r))
            v += 6.0 * near * s * np.array([-d[1], d[0]]) / (np.hypot(*d) + 1e-6)
            glow = max(glow, np.exp(-(d @ d) / (2 * (0.42 * r) ** 2)))
        return v / (np.hypot(*v) + 1e-9), glow

    image = Image.new("RGB", (width * FINER, height * FINER), (14, 22, 52))
    draw = ImageDraw.Draw(image)
    night = [(12, 20, 58), (24, 52, 110), (46, 96, 160), (110, 160, 196), (206, 216, 190)]
    gold = [(190, 120, 30), (236, 180, 40), (250, 222, 110), (255, 244, 190)]
    for step in range(STROKES):
        progress = step / STROKES
        p = rng.uniform((0, 0), (width, height))
        _, glow = flow(p)
        tone = np.clip(0.16 + 0.62 * rng.beta(2, 3) + 0.12 * np.sin(p[1] / 47.0), 0, 1)
        colour = palette(tone, night) * (1 - glow) + palette(rng.uniform(), gold) * glow
        if p[1] > height * (0.86 + 0.05 * np.sin(p[0] / 70.0)):
            colour = palette(rng.uniform(), [(8, 16, 20), (20, 46, 40), (52, 84, 60), (96, 110, 60)])
        thickness = 16 - 9 * progress + rng.uniform(0, 3)
        path, q = [tuple(p)], p.copy()
        for _ in range(int(rng.integers(5, 11))):
            v, _ = flow(q)
            q = q + 6.5 * v
            path.append(tuple(q))
        for offset in (-0.28, 0.0, 0.3):
            shade = np.clip(colour * (1 + offset * rng.uniform(0.2, 0.7)), 0, 255).astype(int)
            shift = offset * thickness
            line = [(x * FINER, (y + shift) * FINER) for x, y in path]
            draw.line(line, tuple(shade), round(FINER * thickness / 2), joint="curve")
    return image.resize((width, height), Image.Resampling.LANCZOS)
