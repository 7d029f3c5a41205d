//! Separable resampling of interleaved RGB in `f32`.
use std::f64::consts::PI;

/// The lobes of the Lanczos kernel on each side of its centre.
const LOBES: f64 = 3.0;

/// How an output pixel weighs the input pixels around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A windowed sinc of three lobes: sharp, with weights below zero.
    Lanczos,
    /// A triangle: soft, and no weight is below zero.
    Linear,
}

impl Filter {
    /// How far it reaches on each side, in pixels of the coarser image.
    fn radius(self) -> f64 {
        match self {
            Self::Lanczos => LOBES,
            Self::Linear => 1.0,
        }
    }

    /// Its value at a distance.
    fn at(self, x: f64) -> f64 {
        let sinc = |x: f64| if x.abs() < 1e-8 { 1.0 } else { (PI * x).sin() / (PI * x) };
        match self {
            Self::Lanczos if x.abs() < LOBES => sinc(x) * sinc(x / LOBES),
            Self::Linear => (1.0 - x.abs()).max(0.0),
            Self::Lanczos => 0.0,
        }
    }
}

/// The input pixels that make one output pixel along one axis.
struct Tap {
    /// The first input pixel.
    first: usize,
    /// The weights of it and its successors; they add up to 1.
    weights: Vec<f32>,
}

/// Scales `rgb`, rows of `from.0` pixels, `from.1` of them, to `to.0` x `to.1` pixels, clamped to
/// 0..=255. No size may be 0.
pub(super) fn lanczos3(rgb: &[f32], from: (usize, usize), to: (usize, usize)) -> Vec<f32> {
    let mut out = resample(rgb, from, to, Filter::Lanczos);
    out.iter_mut().for_each(|v| *v = v.clamp(0.0, 255.0));
    out
}

/// Scales three planes of `from.0` x `from.1` numbers of any range, one behind the other, to
/// `to.0` x `to.1`. No size may be 0.
pub fn resample_planes(planes: &[f32], from: (usize, usize), to: (usize, usize), filter: Filter) -> Vec<f32> {
    let (n, m) = (from.0 * from.1, to.0 * to.1);
    let interleaved: Vec<f32> = (0..3 * n).map(|i| planes[i % 3 * n + i / 3]).collect();
    let scaled = resample(&interleaved, from, to, filter);
    (0..3 * m).map(|i| scaled[i % m * 3 + i / m]).collect()
}

/// Columns first, then rows.
fn resample(rgb: &[f32], from: (usize, usize), to: (usize, usize), filter: Filter) -> Vec<f32> {
    let narrowed = horizontally(rgb, from.0, &taps(from.0, to.0, filter));
    vertically(&narrowed, to.0, &taps(from.1, to.1, filter))
}

/// For each of `to` output pixels along an axis of `from` input pixels, what it is made of.
fn taps(from: usize, to: usize, filter: Filter) -> Vec<Tap> {
    let ratio = from as f64 / to as f64;
    // When shrinking, the kernel covers as many more input pixels as there are to each output one.
    let stretch = ratio.max(1.0);
    let reach = filter.radius() * stretch;
    (0..to)
        .map(|i| {
            // Pixel i covers i..i+1, so its centre lies at i + 0.5.
            let centre = (i as f64 + 0.5) * ratio;
            let first = ((centre - reach).floor().max(0.0) as usize).min(from - 1);
            let end = ((centre + reach).ceil() as usize).clamp(first + 1, from);
            let raw: Vec<f64> =
                (first..end).map(|j| filter.at((j as f64 + 0.5 - centre) / stretch)).collect();
            // At the borders part of the kernel has no input: the rest is scaled up to make 1.
            let sum: f64 = raw.iter().sum();
            Tap { first, weights: raw.iter().map(|w| (w / sum) as f32).collect() }
        })
        .collect()
}

/// Each row of `width` pixels replaced by one of `taps.len()` pixels.
fn horizontally(rgb: &[f32], width: usize, taps: &[Tap]) -> Vec<f32> {
    let mut out = Vec::with_capacity(rgb.len() / width * taps.len());
    for row in rgb.chunks_exact(3 * width) {
        for tap in taps {
            let (mut r, mut g, mut b) = (0.0, 0.0, 0.0);
            for (pixel, w) in row[3 * tap.first..].chunks_exact(3).zip(&tap.weights) {
                r += w * pixel[0];
                g += w * pixel[1];
                b += w * pixel[2];
            }
            out.extend([r, g, b]);
        }
    }
    out
}

/// The rows of `width` pixels replaced by `taps.len()` rows.
fn vertically(rgb: &[f32], width: usize, taps: &[Tap]) -> Vec<f32> {
    let row = 3 * width;
    let mut out = vec![0.0; row * taps.len()];
    for (line, tap) in out.chunks_exact_mut(row).zip(taps) {
        for (source, w) in rgb[row * tap.first..].chunks_exact(row).zip(&tap.weights) {
            line.iter_mut().zip(source).for_each(|(sum, v)| *sum += w * v);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_stays_flat() {
        let flat = [200.0f32, 17.5, 3.0].repeat(7 * 5);
        for to in [(1, 1), (3, 2), (14, 11), (700, 1), (1, 300)] {
            let out = lanczos3(&flat, (7, 5), to);
            assert_eq!(out.len(), to.0 * to.1 * 3);
            for pixel in out.chunks_exact(3) {
                for (found, wanted) in pixel.iter().zip([200.0, 17.5, 3.0]) {
                    assert!((found - wanted).abs() < 1e-3, "{to:?}: {found} for {wanted}");
                }
            }
        }
    }

    #[test]
    fn planes_are_scaled_one_by_one_and_by_their_filter() {
        let planes: Vec<f32> = [-7.0, 300.0, 0.25].iter().flat_map(|v| [*v; 6]).collect();
        for filter in [Filter::Lanczos, Filter::Linear] {
            let out = resample_planes(&planes, (3, 2), (5, 4), filter);
            for (k, wanted) in [-7.0, 300.0, 0.25].into_iter().enumerate() {
                assert!(out[k * 20..][..20].iter().all(|v| (v - wanted).abs() < 1e-3), "{filter:?} {out:?}");
            }
        }
        // One bright pixel: only the triangle leaves no trough around it.
        let mut spike = vec![0.0; 27];
        spike[4] = 1.0;
        let least = |filter| resample_planes(&spike, (3, 3), (9, 9), filter).into_iter().fold(0.0, f32::min);
        assert!(least(Filter::Lanczos) < -0.01 && least(Filter::Linear) == 0.0);
    }

    #[test]
    fn a_ramp_keeps_its_slope_and_its_place() {
        let ramp: Vec<f32> = (0..64).flat_map(|x| [x as f32 * 4.0; 3]).collect();
        let half = lanczos3(&ramp, (64, 1), (32, 1));
        let double = lanczos3(&ramp, (64, 1), (128, 1));
        for i in 8..24 {
            // The centre of pixel i of the half is at 2i + 0.5 of the original.
            assert!((half[3 * i] - (2.0 * i as f32 + 0.5) * 4.0).abs() < 0.1, "{}", half[3 * i]);
        }
        for i in 16..112 {
            let wanted = ((i as f32 + 0.5) / 2.0 - 0.5) * 4.0;
            assert!((double[3 * i] - wanted).abs() < 0.1, "{} for {wanted}", double[3 * i]);
        }
    }

    #[test]
    fn axes_and_channels_are_not_mixed_up_and_ringing_is_clamped() {
        // Left half red, right half blue, in 8 columns and 3 rows.
        let row = [[255.0, 0.0, 0.0f32]; 4].into_iter().chain([[0.0, 0.0, 255.0]; 4]);
        let rgb: Vec<f32> = row.flatten().collect::<Vec<_>>().repeat(3);
        let out = lanczos3(&rgb, (8, 3), (32, 9));
        assert!(out.iter().all(|v| (0.0..=255.0).contains(v)));
        for line in out.chunks_exact(32 * 3) {
            assert!(line[0] > 254.0 && line[2] < 1.0, "{:?}", &line[..3]);
            assert!(line[93] < 1.0 && line[95] > 254.0, "{:?}", &line[93..]);
        }
    }
}
