"""Hills and waves under a sun in coloured pencil: each region is hatched in one direction, its colours some degrees apart."""
import numpy as np
from PIL import Image, ImageDraw

from canvas import blur, grid, noise, picture, ridge

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


def sky(sheet, region, x, y, slow):
    dx, dy = x - 0.34 * sheet.width, y - 0.27 * sheet.height
    sun = np.hypot(dx, dy)
    disc, air, glow, shadow = region & (sun < 52), region & (sun >= 52), np.exp(-sun / 120), (dx + dy) / 90
    sheet.hatch(within(air, 0.95 - 0.9 * glow + 0.25 * slow), 0.65, BLUE)
    sheet.hatch(within(air, 0.55 - 1.3 * glow + 0.5 * slow), 0.5, AQUA)
    sheet.hatch(within(air, 1.1 * glow + 0.12), 0.75, ORANGE)
    sheet.hatch(within(air, 1.5 * glow), 0.55, YELLOW)
    sheet.hatch(within(air, 0.75 - 0.0035 * y - glow + 0.6 * slow), 0.85, NAVY)
    sheet.hatch(within(disc, 0.9), 0.5, YELLOW, spacing=4.0)
    sheet.hatch(within(disc, 0.2 + shadow), 0.3, ORANGE, spacing=4.2)
    sheet.hatch(within(disc, shadow), 0.75, RED, spacing=4.8)


def hill(sheet, region, depth, x, slow, colours, turn):
    """A hill in a first colour, a second in its half shadow, a third and navy across them in its shadow."""
    light = 0.5 + 0.4 * np.sin(x / 58 + turn * 3) + 0.3 * slow
    sheet.hatch(within(region, 0.85), turn, colours[0])
    sheet.hatch(within(region, 0.45 + 0.5 * (1 - light)), turn - 0.25, colours[1])
    sheet.hatch(within(region, 1.05 - light - 0.004 * depth), turn + 0.2, colours[2])
    sheet.hatch(within(region, 0.75 - 1.1 * light), turn + 0.4, NAVY)


def sea(sheet, region, depth, x):
    crest = 0.5 + 0.5 * np.sin(depth / 5.0 + 2 * np.sin(x / 44))
    sheet.hatch(within(region, 0.75), 0.04, AQUA)
    sheet.hatch(within(region, 0.15 + 0.85 * crest), 0.16, BLUE)
    sheet.hatch(within(region, 0.9 * crest - 0.1), -0.1, NAVY)
    sheet.hatch(within(region, 0.8 * np.exp(-((x - 0.34 * sheet.width) / 60) ** 2) * (1 - crest)), 0.0, ORANGE)


def paint(width=640, height=512, seed=17, scale=3):
    rng = np.random.default_rng(seed)
    sheet = Sheet(width, height, scale, rng)
    x, y = grid(width, height, 1)
    slow = noise(rng, x.shape, 90, 2)
    near, water, green, far = [y - ridge(x, level * height, waves) for level, waves in [
        (0.84, [(10, 170, 0.6), (5, 90, 2.0)]), (0.70, [(10, 260, 0.6)]),
        (0.575, [(26, 470, 4.0), (6, 130, 1.0)]), (0.46, [(36, 380, 1.4), (9, 120, 0.0)])]]
    before_far = np.maximum(np.maximum(near, water), green)
    sky(sheet, np.maximum(before_far, far) <= 0, x, y, slow)
    hill(sheet, (far > 0) & (before_far <= 0), far, x, slow, (PLUM, BLUE, RED), 0.9)
    hill(sheet, (green > 0) & (np.maximum(near, water) <= 0), green, x, slow, (LEAF, YELLOW, MOSS), -0.8)
    hill(sheet, near > 0, near, x, slow, (ORANGE, RED, PLUM), 0.35)
    sea(sheet, (water > 0) & (near <= 0), water, x)
    for depth in (near, water, green, far):
        sheet.hatch(0.9 * np.exp(-((depth - 1.5) / 2.2) ** 2), 0.15, NAVY, spacing=2.4, length=19)
    return sheet.finished()
