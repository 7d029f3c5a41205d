"""Shared by the styles: colours, noise, blur, and canvases finer than the image."""
import numpy as np
from PIL import Image


def palette(values, stops):
    """Piecewise-linear colours: `values` in [0,1] -> RGB 0..255, shape (..., 3)."""
    stops = np.array(stops, float)
    x = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(values, x, stops[:, c]) for c in range(3)], -1)


def noise(rng, shape, cell, octaves=1):
    """Smooth noise in about [-1, 1] with features of `cell` pixels; each octave halves the size and the weight."""
    total = np.zeros(shape)
    for octave in range(octaves):
        size = max(1, cell >> octave)
        grid = rng.uniform(-1, 1, (shape[0] // size + 3, shape[1] // size + 3)).astype(np.float32)
        fine = Image.fromarray(grid).resize((grid.shape[1] * size, grid.shape[0] * size), Image.Resampling.BICUBIC)
        total += np.asarray(fine)[size:size + shape[0], size:size + shape[1]] * 0.5**octave
    return total


def blur(field, sigma):
    """Gaussian blur of a 2-D field, mirrored at its borders."""
    pad = int(3 * sigma) + 1
    wide = np.pad(field, pad, mode="reflect")
    fy, fx = np.fft.fftfreq(wide.shape[0])[:, None], np.fft.rfftfreq(wide.shape[1])[None]
    kernel = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    return np.fft.irfft2(np.fft.rfft2(wide) * kernel, wide.shape)[pad:-pad, pad:-pad]


def grid(width, height, scale):
    """Pixel coordinates x and y of a canvas sampled `scale` times finer than the image."""
    y, x = np.mgrid[0:height * scale, 0:width * scale]
    return x / scale, y / scale


def picture(rgb, scale):
    """The finished image of a canvas with colours in 0..255, reduced by `scale`."""
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).reduce(scale)
