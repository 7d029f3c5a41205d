"""Shared by the styles: colours from a palette."""
import numpy as np


def palette(values, stops):
    """Piecewise-linear colours: `values` in [0,1] -> RGB 0..255, shape (..., 3)."""
    stops = np.array(stops, float)
    x = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(values, x, stops[:, c]) for c in range(3)], -1)
