"""A sun over hills and furrows, printed in black on warm paper: the width of every carved line follows the tone."""
import numpy as np

from canvas import blur, grid, noise, picture, ridge


def jitter(number):
    """A pseudo-random value in [-0.5, 0.5) of each whole number."""
    return np.sin(number * 12.9898) * 43758.5453 % 1 - 0.5


class Block:
    """A block of wood: `ink` is true where it prints. Coordinates waver, as a gouge does."""

    def __init__(self, width, height, scale, rng):
        self.width, self.height, self.scale, self.rng = width, height, scale, rng
        x, y = grid(width, height, scale)
        self.x = x + 0.9 * noise(rng, x.shape, 14 * scale, 2)
        self.y = y + 0.9 * noise(rng, x.shape, 14 * scale, 2)
        self.waver = noise(rng, x.shape, 16 * scale, 2)
        self.ink = np.zeros(x.shape, bool)

    def lines(self, phase, tone):
        """Ink of lines one unit of `phase` apart that cover the part `tone` of the surface."""
        line = np.floor(phase)
        cover = tone + 0.16 * jitter(line) + 0.20 * self.waver * np.sin(line * 2.4)
        return np.abs(phase - line - 0.5) * 2 < np.where(tone > 0.97, 2, np.clip(cover, 0.06, 0.93))

    def carve(self, depth, phase, tone):
        """Carves a region over the rest; `depth` is the distance into it: a white cut, a black outline, its lines."""
        inside = self.lines(phase, tone)
        self.ink = np.where(depth > 2.6, inside, np.where(depth > 0, True, np.where(depth > -2.4, False, self.ink)))

    def printed(self):
        """The print: ink misses specks, ridges left by the gouge print in the white, and both have a grain."""
        rng, scale, shape = self.rng, self.scale, self.ink.shape
        speckle = noise(rng, shape, 3 * scale, 2) + 0.5 * noise(rng, shape, 60 * scale)
        chatter = noise(rng, (shape[0], shape[1] // 8 + 1), 2 * scale).repeat(8, 1)[:, :shape[1]]
        ink = (self.ink & (speckle <= 1.18)) | (chatter > 0.93)
        black = (blur(ink.astype(float), 0.5 * scale) * (0.90 + 0.07 * noise(rng, shape, 5 * scale, 3)))[..., None]
        fibre = 5 * noise(rng, shape, 2 * scale) + 7 * noise(rng, shape, 90 * scale, 2)
        paper = np.array([236, 219, 184.0]) + fibre[..., None]
        return picture(paper * (1 - black) + np.array([22, 18, 18]) * black, scale)


def sun(block):
    """The sun, with rays that fork as they part, each at its own distance."""
    dx, dy = block.x - 0.36 * block.width, block.y - 0.30 * block.height
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    ray = 22 * (angle / np.pi + 1)
    fork = np.floor(np.log2(np.maximum(radius * (1 + 0.4 * jitter(np.floor(ray))), 44) / 44))
    block.ink = block.lines(ray * 2.0**fork, 0.20 + 0.0013 * radius + 0.16 * np.sin(angle * 9) ** 2)
    block.carve(49 - radius, radius / 7.5, 0.16 + 0.004 * np.maximum(0, dx))


def cloud(block, puffs, floor):
    """A cloud of round puffs (x, y, radius), flat below."""
    puffs = [r - np.hypot(block.x - cx * block.width, block.y - cy * block.height) for cx, cy, r in puffs]
    inside = np.max(puffs, 0)
    depth = np.minimum(inside, floor * block.height - block.y)
    block.carve(depth, inside / 5.6, 0.16 + 0.6 * np.exp(-depth / 14))


def hill(block, level, waves, lean, period):
    """A hill below a ridge: its lines bend down the slope, dark where it turns from the light."""
    depth = block.y - ridge(block.x, level * block.height, waves)
    slope = ridge(block.x + 1, 0, waves) - ridge(block.x - 1, 0, waves)
    tone = np.clip(0.40 + 0.55 * slope + 0.003 * depth + 0.10 * block.waver, 0.12, 0.9)
    block.carve(depth, (depth * 0.8 + lean * block.x + 9 * np.sin(depth / 26)) / period, tone)


def furrows(block):
    """A ploughed field whose furrows meet at the horizon."""
    depth = block.y - ridge(block.x, 0.79 * block.height, [(9, 700, 2.0)])
    phase = (block.x - 0.58 * block.width) / np.maximum(block.y - 0.66 * block.height, 1) * 10.5
    block.carve(depth, phase + 0.25 * block.waver, 0.48 + 0.22 * np.sin(block.x / 70 + 1) - 0.001 * depth)


def cypress(block, cx, foot, tall):
    """A cypress `tall` pixels high, in shadow on its right."""
    up = np.clip((foot * block.height - block.y) / tall, 0, 1)
    aside = np.abs(block.x - cx * block.width)
    crown = np.clip((up - 0.06) / 0.94, 0, 1)
    half = tall * 0.19 * crown**0.4 * (1 - crown) ** 0.75 * (1 + 0.13 * np.sin(block.y / 4.5 + cx * 40))
    half = np.maximum(half, np.where(up < 0.12, 4.5, 0))
    depth = np.where((up > 0) & (up < 1), half - aside, -9)
    tone = np.clip(0.66 + 0.34 * (block.x - cx * block.width) / (tall * 0.12), 0.4, 0.98)
    block.carve(depth, (block.y * 0.9 - aside * 1.3) / 7, tone)


def paint(width=640, height=512, seed=5, scale=3):
    block = Block(width, height, scale, np.random.default_rng(seed))
    sun(block)
    cloud(block, [(0.64, 0.20, 26), (0.70, 0.16, 36), (0.78, 0.12, 46), (0.87, 0.17, 38), (0.95, 0.20, 28)], 0.22)
    cloud(block, [(0.03, 0.40, 24), (0.09, 0.36, 32), (0.16, 0.40, 22)], 0.42)
    hill(block, 0.47, [(40, 430, 1.2), (10, 120, 0.2)], 0.9, 6.2)
    hill(block, 0.58, [(32, 520, 3.6), (7, 140, 1.0)], -1.1, 7.4)
    hill(block, 0.69, [(22, 600, 0.6), (5, 210, 0.5)], 0.7, 8.4)
    furrows(block)
    for tree in [(0.10, 0.87, 190), (0.17, 0.91, 130), (0.80, 0.85, 165), (0.88, 0.92, 220), (0.95, 0.88, 150)]:
        cypress(block, *tree)
    return block.printed()
