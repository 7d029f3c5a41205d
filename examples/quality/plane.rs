//! One channel of an image, and statistics.

use impasto::colour::luma;
use impasto::image_io::Image;

/// One value a pixel, in levels of 255.
#[derive(Debug, Clone)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    /// The luma of an image.
    pub fn luma(image: &Image) -> Self {
        let values = image.pixels().chunks_exact(3).map(luma).collect();
        Self { width: image.width() as usize, height: image.height() as usize, values }
    }

    /// The value at a position, that of the nearest edge outside.
    pub fn at(&self, y: isize, x: isize) -> f32 {
        let clamp = |v: isize, length: usize| v.clamp(0, length as isize - 1) as usize;
        self.values[clamp(y, self.height) * self.width + clamp(x, self.width)]
    }

    /// Magnitude of the Sobel gradient at each position.
    pub fn edges(&self) -> Vec<f32> {
        let position = |i: usize| ((i / self.width) as isize, (i % self.width) as isize);
        let magnitude = |(y, x): (isize, isize)| {
            let across = |dy: isize| self.at(y + dy, x + 1) - self.at(y + dy, x - 1);
            let down = |dx: isize| self.at(y + 1, x + dx) - self.at(y - 1, x + dx);
            let horizontal = across(-1) + 2.0 * across(0) + across(1);
            let vertical = down(-1) + 2.0 * down(0) + down(1);
            horizontal.hypot(vertical)
        };
        (0..self.values.len()).map(position).map(magnitude).collect()
    }
}

/// Pearson's correlation.
pub fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |values: &[f32]| values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a) - mean_a, f64::from(*b) - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    ab / (aa * bb).sqrt().max(1e-12)
}

/// The value below which a share of the values lies.
pub fn quantile(values: &[f32], share: f64) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
