//! Faults that the eye finds in a painting: frames, ripples, dots.

use std::f32::consts::TAU;

use impasto::image_io::Image;

use super::plane::Plane;

/// Each is 0 for a painting without the fault.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// How much the outermost three pixels differ in luma from those some ten pixels further in, beyond what they do
    /// in the photograph, in levels of 255; the largest of the four edges.
    pub frame: f64,
    /// Energy of fine waves along the rows and columns over that of waves as fine in other directions, relative to
    /// the style: the logarithm to base 2 of the ratio of ratios, at least 0. Pooling on a grid makes such waves.
    pub ripples: f64,
    /// Pixels in a thousand whose colour stands far out of their neighbours', beyond those of the style.
    pub dots: f64,
}

impl Faults {
    pub fn of(photo: &Image, style: &Image, painting: &Image) -> Self {
        let [photo_plane, style_plane, plane] = [photo, style, painting].map(Plane::luma);
        let frame = edge_steps(&plane).into_iter().zip(edge_steps(&photo_plane)).map(|(a, b)| (a - b).abs());
        let ripples = (axis_ratio(&plane) / axis_ratio(&style_plane)).log2();
        Self {
            frame: frame.fold(0.0, f64::max),
            ripples: ripples.max(0.0),
            dots: (dots(painting) - dots(style)).max(0.0),
        }
    }
}

/// Mean luma of the outermost three pixels less that of pixels 8 to 13, at the top, bottom, left and right.
fn edge_steps(plane: &Plane) -> [f64; 4] {
    let (width, height) = (plane.width as isize, plane.height as isize);
    let mean = |ys: std::ops::Range<isize>, xs: std::ops::Range<isize>| {
        let count = (ys.len() * xs.len()) as f64;
        ys.flat_map(|y| xs.clone().map(move |x| f64::from(plane.at(y, x)))).sum::<f64>() / count
    };
    let (outer, inner) = (0..3, 8..13);
    let flip = |range: &std::ops::Range<isize>, length: isize| length - range.end..length - range.start;
    [
        mean(outer.clone(), 0..width) - mean(inner.clone(), 0..width),
        mean(flip(&outer, height), 0..width) - mean(flip(&inner, height), 0..width),
        mean(0..height, outer.clone()) - mean(0..height, inner.clone()),
        mean(0..height, flip(&outer, width)) - mean(0..height, flip(&inner, width)),
    ]
}

/// Side of the tiles whose spectra are averaged (Welch, 1967).
const TILE: usize = 64;

/// Mean power of waves of 2 to 8 pixels within 5 degrees of an axis, over that of waves as long in other directions.
fn axis_ratio(plane: &Plane) -> f64 {
    let (mut axis, mut other) = ((0.0, 0.0), (0.0, 0.0));
    let power = mean_power(plane);
    for v in 0..TILE {
        for u in 0..TILE {
            let signed = |k: usize| if k > TILE / 2 { k as f64 - TILE as f64 } else { k as f64 };
            let (fy, fx) = (signed(v).abs(), signed(u).abs());
            let radius = fy.hypot(fx);
            if !(TILE as f64 / 8.0..=TILE as f64 / 2.0).contains(&radius) {
                continue;
            }
            let near = fy.min(fx) / fy.max(fx) < 5f64.to_radians().tan();
            let sum = if near { &mut axis } else { &mut other };
            *sum = (sum.0 + power[v * TILE + u], sum.1 + 1.0);
        }
    }
    (axis.0 / axis.1) / (other.0 / other.1).max(1e-12)
}

/// The power spectrum of tiles that overlap by half, under a Hann window, each frequency weighted by its square so
/// that a natural image is about even.
fn mean_power(plane: &Plane) -> Vec<f64> {
    let mut power = vec![0.0; TILE * TILE];
    let starts = |length: usize| (0..=length.saturating_sub(TILE)).step_by(TILE / 2);
    let hann = |i: usize| 0.5 - 0.5 * (TAU * (i as f32 + 0.5) / TILE as f32).cos();
    for top in starts(plane.height) {
        for left in starts(plane.width) {
            let at = |y: usize, x: usize| plane.at((top + y) as isize, (left + x) as isize);
            let mean = (0..TILE * TILE).map(|i| at(i / TILE, i % TILE)).sum::<f32>() / (TILE * TILE) as f32;
            let window = |i: usize| (at(i / TILE, i % TILE) - mean) * hann(i / TILE) * hann(i % TILE);
            let tile: Vec<[f32; 2]> = (0..TILE * TILE).map(|i| [window(i), 0.0]).collect();
            let spectrum = columns_transformed(&columns_transformed(&tile));
            power.iter_mut().zip(spectrum).for_each(|(sum, [re, im])| *sum += f64::from(re * re + im * im));
        }
    }
    let signed = |k: usize| if k > TILE / 2 { k as f64 - TILE as f64 } else { k as f64 };
    let weighted = |(i, power): (usize, f64)| power * (signed(i / TILE).powi(2) + signed(i % TILE).powi(2));
    power.into_iter().enumerate().map(weighted).collect()
}

/// The discrete Fourier transform of each column, transposed. Twice gives that of the whole tile.
fn columns_transformed(tile: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let turns: Vec<[f32; 2]> =
        (0..TILE).map(|k| TAU * k as f32 / TILE as f32).map(|a| [a.cos(), -a.sin()]).collect();
    let entry = |i: usize| {
        let (x, v) = (i / TILE, i % TILE);
        (0..TILE).fold([0.0, 0.0], |[re, im], y| {
            let ([a, b], [c, s]) = (tile[y * TILE + x], turns[v * y % TILE]);
            [re + a * c - b * s, im + a * s + b * c]
        })
    };
    (0..TILE * TILE).map(entry).collect()
}

/// Pixels in a thousand that differ from the mean of the eight around them by more than 60 levels in chroma.
fn dots(image: &Image) -> f64 {
    let chroma = |a: usize, b: usize| {
        let values = image.pixels().chunks_exact(3).map(|rgb| rgb[a] - rgb[b]).collect();
        Plane { width: image.width() as usize, height: image.height() as usize, values }
    };
    let planes = [chroma(0, 1), chroma(2, 1)];
    let stands_out = |i: &usize| {
        let (y, x) = ((i / planes[0].width) as isize, (i % planes[0].width) as isize);
        planes.iter().any(|plane| {
            let around: f32 = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| plane.at(y + dy, x + dx))).sum();
            (plane.at(y, x) - (around - plane.at(y, x)) / 8.0).abs() > 60.0
        })
    };
    let count = planes[0].values.len();
    1000.0 * (0..count).filter(stands_out).count() as f64 / count as f64
}
