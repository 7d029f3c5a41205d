"""Patches of coloured pencil that meet softly: each is hatched in one direction, its colours some degrees apart."""
import numpy as np
from PIL import Image, ImageDraw

from canvas import blur, noise, picture

BLUE, NAVY, RED, ORANGE, YELLOW = (44, 104, 190), (36, 44, 110), (206, 58, 60), (240, 132, 44), (250, 208, 60)
LEAF, MOSS, PLUM, AQUA = (96, 160, 60), (30, 96, 72), (124, 62, 134), (40, 160, 170)


class Sheet:
    """Rough paper; strokes add up in `absorbed`, the optical density of each channel."""

    def __init__(self, width, height, scale, rng):
        self.width, self.height, self.scale, self.rng = width, height, scale, rng
        self.tooth = noise(rng, (height * scale, width * scale), 2 * scale + 2, 2)
        self.absorbed = np.zeros((height * scale, width * scale, 3))

    def hatch(self, tone, angle, colour, spacing=6.0, length=74):
        """Parallel strokes about `spacing` pixels apart, pressed as hard as `tone` tells (0 to 1, a value a pixel)."""
        layer = Image.new("L", (self.width * self.scale, self.height * self.scale), 0)
        draw = ImageDraw.Draw(layer)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        centre = np.array([self.width, self.height]) / 2
        reach = int(np.hypot(*centre)) + 20
        for row in np.arange(-reach, reach, spacing):
            at = -reach + self.rng.uniform(0, length)
            while at < reach:
                reached = length * self.rng.uniform(0.6, 1.4)
                t = np.linspace(0, 1, 9)
                tilt, bow = self.rng.normal(0, 0.035) * reached, self.rng.normal(0, 1.4)
                drift = row + self.rng.normal(0, 1.0) + tilt * (t - 0.5) + bow * (t - t * t) * 4
                self.stroke(draw, tone, centre + (at + reached * t)[:, None] * along + drift[:, None] * across)
                at += reached * self.rng.uniform(0.75, 0.98)
        mark = blur(np.asarray(layer, float) / 255, 0.35 * self.scale)
        grip = np.clip(0.7 + 0.6 * (mark - 0.35) - 0.55 * self.tooth, 0, 1)
        self.absorbed += 0.95 * (mark * grip)[..., None] * -np.log(np.array(colour) / 255.0)

    def stroke(self, draw, tone, points):
        """One stroke through nine points, lighter at its ends, and only where there is tone."""
        press = self.rng.uniform(0.65, 1.0)
        for p, q, taper in zip(points, points[1:], np.sin(np.pi * np.linspace(0.18, 0.94, 8))):
            i, j = ((p + q) / 2).astype(int)[::-1]
            if 0 <= i < self.height and 0 <= j < self.width and tone[i, j] > 0.04:
                value = min(1.0, tone[i, j] * press * (0.45 + 0.55 * taper))
                draw.line([tuple(p * self.scale), tuple(q * self.scale)], int(255 * value), 5 + round(5.6 * value))

    def finished(self):
        paper = np.array([248, 243, 230.0]) + 4 * self.tooth[..., None]
        return picture(paper * np.exp(-self.absorbed), self.scale)


def within(region, tone):
    return np.where(region, np.clip(tone, 0, 1), 0)


def patch(sheet, region, light, colours, turn):
    """A patch in a first colour, a second in its half shadow, a third and navy across them in its shadow."""
    sheet.hatch(within(region, 0.35 + 0.6 * light), turn, colours[0])
    sheet.hatch(within(region, 0.95 - 0.6 * light), turn - 0.2, colours[1])
    sheet.hatch(within(region, 0.85 - 1.1 * light), turn + 0.15, colours[2])
    sheet.hatch(within(region, 0.7 - 1.5 * light), turn + 0.3, NAVY)


# The three colours of each patch, and the direction of its strokes.
PATCHES = [((BLUE, AQUA, NAVY), 0.65), ((AQUA, LEAF, BLUE), 0.8), ((ORANGE, RED, PLUM), 0.5), ((YELLOW, ORANGE, RED), 0.7),
           ((LEAF, YELLOW, MOSS), 0.9), ((PLUM, BLUE, RED), 0.55)]


def paint(width=640, height=512, seed=17, scale=3):
    rng = np.random.default_rng(seed)
    sheet = Sheet(width, height, scale, rng)
    shape = (height, width)
    light = np.clip(0.5 + 0.7 * noise(rng, shape, 100, 2), 0, 1)
    ragged = [noise(rng, shape, 150, 5) for _ in PATCHES]
    which = np.argmax(ragged, axis=0)
    for k, (colours, turn) in enumerate(PATCHES):
        patch(sheet, which == k, light, colours, turn)
    return sheet.finished()
