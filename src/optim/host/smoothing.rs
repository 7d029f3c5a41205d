//! The smoothing of gradients and steps in the host's memory: `shaders/lbfgs/smooth.wgsl` explains it.

use rayon::prelude::*;

use crate::gpu::Shape;

/// Weights along rows and columns.
const BINOMIAL: [f32; 5] = [0.0625, 0.25, 0.375, 0.25, 0.0625];

/// The smoothing `S v = (1 - smoothing) v + smoothing B v` of images of one shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Smoothing {
    height: usize,
    width: usize,
    smoothing: f32,
}

impl Smoothing {
    pub fn new(shape: Shape, smoothing: f32) -> Self {
        Self { height: shape.height as usize, width: shape.width as usize, smoothing }
    }

    /// The smoothed values.
    pub fn of(&self, values: Vec<f32>) -> Vec<f32> {
        if self.smoothing == 0.0 {
            return values;
        }
        let mut smoothed = vec![0.0; values.len()];
        self.add(&values, &mut smoothed);
        smoothed
    }

    /// Adds the smoothed values to `sums`.
    pub fn add(&self, values: &[f32], sums: &mut [f32]) {
        sums.par_chunks_mut(self.width).enumerate().for_each(|(row, sums)| {
            let here = &values[row * self.width..][..self.width];
            if self.smoothing == 0.0 {
                return sums.iter_mut().zip(here).for_each(|(sum, value)| *sum += value);
            }
            let blurred_down = self.blurred_down(values, row);
            for (x, (sum, value)) in sums.iter_mut().zip(here).enumerate() {
                let taps = BINOMIAL.iter().enumerate();
                let blurred: f32 =
                    taps.map(|(i, weight)| weight * blurred_down[mirrored(x + i, self.width)]).sum();
                *sum += value + self.smoothing * (blurred - value);
            }
        });
    }

    /// Row `row`, counted through all planes, of the values blurred along columns.
    fn blurred_down(&self, values: &[f32], row: usize) -> Vec<f32> {
        let (plane, y) = (row / self.height, row % self.height);
        let mut blurred = vec![0.0; self.width];
        for (i, weight) in BINOMIAL.iter().enumerate() {
            let from = plane * self.height + mirrored(y + i, self.height);
            let values = &values[from * self.width..][..self.width];
            blurred.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        }
        blurred
    }
}

/// Position `i - 2` of a row or column of `n` that is mirrored at its ends, edge included.
fn mirrored(i: usize, n: usize) -> usize {
    let k = if i < 2 { 1 - i } else { i - 2 } % (2 * n);
    k.min(2 * n - 1 - k)
}
