"""Carved lines in black on warm paper. They bend, run another way in each field, and are wide where it is dark."""
import numpy as np

from canvas import blur, grid, noise, picture


def jitter(number):
    """A pseudo-random value in [-0.5, 0.5) that belongs to `number`."""
    return np.sin(number * 12.9898) * 43758.5453 % 1 - 0.5


class Block:
    """A block of wood: `ink` is true where it prints, `tone` is how dark it is. Coordinates waver, as a gouge does."""

    def __init__(self, width, height, scale, rng):
        self.scale, self.rng = scale, rng
        x, y = grid(width, height, scale)
        self.x = x + 0.9 * noise(rng, x.shape, 14 * scale, 2)
        self.y = y + 0.9 * noise(rng, x.shape, 14 * scale, 2)
        self.waver = noise(rng, x.shape, 16 * scale, 2)
        self.tone = np.clip(0.5 + 0.7 * noise(rng, x.shape, 70 * scale, 2), 0, 1)
        self.ink = np.zeros(x.shape, bool)

    def lines(self, phase, tone):
        """Ink of lines one unit of `phase` apart that cover the part `tone` of the surface; above 0.9 it is solid."""
        line = np.floor(phase)
        cover = tone + 0.16 * jitter(line) + 0.20 * self.waver * np.sin(line * 2.4)
        return np.abs(phase - line - 0.5) * 2 < np.where(tone > 0.9, 2, np.clip(cover, 0.0, 0.93))

    def field(self, depth, angle, period):
        """Lines `period` pixels apart at `angle` where `depth`, roughly in pixels, is positive; a white cut around them."""
        u = self.x * np.cos(angle) + self.y * np.sin(angle)
        v = self.y * np.cos(angle) - self.x * np.sin(angle)
        bend = 14 * np.sin(u / 70 + 5 * angle) + 5 * noise(self.rng, u.shape, 60 * self.scale)
        lines = self.lines((v + bend) / period, self.tone + 0.1 * jitter(angle * 100))
        self.ink = np.where(depth > 0, lines, np.where(depth > -2.4, False, self.ink))

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


def paint(width=640, height=512, seed=5, scale=3):
    """One field of lines all over, and fifteen more of them in patches over each other."""
    rng = np.random.default_rng(seed)
    block = Block(width, height, scale, rng)
    for k in range(16):
        patches = 90 * (noise(rng, block.x.shape, 110 * scale) - 0.25)
        block.field(patches if k else np.ones_like(patches), np.pi * 0.38 * k, rng.uniform(6.2, 8.4))
    return block.printed()
