//! What a painting kept of its photograph, took from its style, and shows as faults, in numbers.
//!
//! No layer here is a style layer of the defaults, so a low loss alone does not give a good score. `conv2_2` is their content
//! layer: pulled towards the photograph, it flatters neither style nor patches.

use impasto::features::LayerFeatures;
use impasto::gpu::Gpu;
use impasto::image_io::Image;
use impasto::vgg19::{Network, layer};
use impasto::{Error, Result};

use super::faults::Faults;
use super::plane::{Plane, correlation, quantile};

/// The scores of one painting.
#[derive(Debug, Clone, Copy)]
pub struct Scores {
    /// Agreement of structure with the photograph: 1 is the photograph itself, 0 no relation.
    pub content: f64,
    /// Distance of Gram matrices from the style's, relative to the size of those: 0 is the style itself.
    pub style: f64,
    /// The median distance of a local patch from the most similar patch of the style, over the same among the
    /// style's own patches: 1 is the style itself.
    pub patches: f64,
    /// Share of the patches that are unlike any patch of the style: bare parts of the canvas.
    pub bare: f64,
    pub faults: Faults,
}

impl Scores {
    /// Scores `painting` against the photograph and the style, both scaled as they were for the painting.
    pub fn of(gpu: &Gpu, network: &Network, photo: &Image, style: &Image, painting: &Image) -> Result<Self> {
        let (patches, bare) = patches(gpu, network, style, painting)?;
        Ok(Self {
            content: content(gpu, network, photo, painting)?,
            style: gram_distance(gpu, network, style, painting)?,
            patches,
            bare,
            faults: Faults::of(photo, style, painting),
        })
    }
}

/// Mean of two agreements, each at full and at half size: of the self-similarity of deep features, as in STROTSS
/// (Kolkin, Salavon & Shakhnarovich, 2019), and of edges.
fn content(gpu: &Gpu, network: &Network, photo: &Image, painting: &Image) -> Result<f64> {
    let mut sum = 0.0;
    for (scale, name) in [(1, "conv4_3"), (1, "conv3_3"), (2, "conv3_3")] {
        let similarity = |image: &Image| self_similarity(gpu, network, name, &reduced(image, scale)?);
        sum += correlation(&similarity(photo)?, &similarity(painting)?) / 3.0;
    }
    let mut edges = 0.0;
    for scale in [2, 4] {
        let strength = |image: &Image| Ok::<_, Error>(Plane::luma(&reduced(image, scale)?).edges());
        edges += correlation(&strength(photo)?, &strength(painting)?) / 2.0;
    }
    Ok((sum + edges) / 2.0)
}

/// The cosine between the feature vectors of each pair of positions, on a grid of at most some 400 positions.
fn self_similarity(gpu: &Gpu, network: &Network, name: &str, image: &Image) -> Result<Vec<f32>> {
    let features = LayerFeatures::new(gpu, network, layer(name)?, image)?;
    let (width, height) = (features.shape.width as usize, features.shape.height as usize);
    let step = ((width * height) as f64 / 400.0).sqrt().ceil() as usize;
    let at = |y: usize, x: usize| {
        let vector: Vec<f32> =
            features.maps.chunks_exact(width * height).map(|map| map[y * width + x]).collect();
        let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
        vector.into_iter().map(|v| v / length).collect::<Vec<_>>()
    };
    let rows = (0..height).step_by(step);
    let grid: Vec<_> = rows.flat_map(|y| (0..width).step_by(step).map(move |x| (y, x))).collect();
    let vectors: Vec<_> = grid.into_iter().map(|(y, x)| at(y, x)).collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum();
    let pairs = vectors.iter().enumerate().flat_map(|(i, a)| vectors[..i].iter().map(move |b| dot(a, b)));
    Ok(pairs.collect())
}

/// Mean over layers and sizes of `|G - A| / |A|` in the Frobenius norm.
fn gram_distance(gpu: &Gpu, network: &Network, style: &Image, painting: &Image) -> Result<f64> {
    let layers =
        [(1, "conv1_2"), (1, "conv2_2"), (1, "conv3_2"), (1, "conv4_3"), (2, "conv2_2"), (2, "conv3_2")];
    let mut sum = 0.0;
    for (scale, name) in layers {
        let gram = |image: &Image| {
            Ok::<_, Error>(LayerFeatures::new(gpu, network, layer(name)?, &reduced(image, scale)?)?.gram)
        };
        let (gram, target) = (gram(painting)?, gram(style)?);
        let norm =
            |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v * v)).sum::<f64>().sqrt();
        let difference = norm(&mut gram.iter().zip(&target).map(|(g, a)| g - a));
        sum += difference / norm(&mut target.iter().copied());
    }
    Ok(sum / layers.len() as f64)
}

/// The local patches of an image: mean and deviation of each map of `conv2_2` in windows of 16 x 16 positions.
struct Patches(Vec<Vec<f32>>);

impl Patches {
    const WINDOW: usize = 16;

    fn of(gpu: &Gpu, network: &Network, image: &Image, step: usize) -> Result<Self> {
        let features = LayerFeatures::new(gpu, network, layer("conv2_2")?, image)?;
        let (width, height) = (features.shape.width as usize, features.shape.height as usize);
        let statistics = |y: usize, x: usize| {
            let of_map = |map: &[f32]| {
                let rows = (y..(y + Self::WINDOW).min(height)).map(|row| row * width);
                let values = rows.flat_map(|row| &map[row + x..row + (x + Self::WINDOW).min(width)]);
                let (mut count, mut sum, mut square) = (0.0, 0.0, 0.0);
                for value in values {
                    (count, sum, square) = (count + 1.0, sum + value, square + value * value);
                }
                let mean: f32 = sum / count;
                [mean, (square / count - mean * mean).max(0.0).sqrt()]
            };
            features.maps.chunks_exact(width * height).flat_map(of_map).collect()
        };
        let starts = |length: usize| (0..=length.saturating_sub(Self::WINDOW)).step_by(step);
        Ok(Self(
            starts(height)
                .flat_map(|y| starts(width).map(move |x| (y, x)))
                .map(|(y, x)| statistics(y, x))
                .collect(),
        ))
    }

    /// The distance of each patch from the most similar one of `others`; with `same` these are the same patches, and
    /// none is compared with itself.
    fn nearest(&self, others: &Self, scale: &[f32], same: bool) -> Vec<f32> {
        let distance = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).zip(scale).map(|((a, b), s)| ((a - b) * s).powi(2)).sum::<f32>()
                / scale.len() as f32
        };
        let nearest = |(i, a): (usize, &Vec<f32>)| {
            let others = others.0.iter().enumerate().filter(|(j, _)| !same || *j != i);
            others.map(|(_, b)| distance(a, b)).fold(f32::MAX, f32::min).sqrt()
        };
        self.0.iter().enumerate().map(nearest).collect()
    }

    /// One over the deviation of each statistic.
    fn scale(&self) -> Vec<f32> {
        let (count, length) = (self.0.len() as f32, self.0[0].len());
        let of = |i: usize| {
            let mean = self.0.iter().map(|patch| patch[i]).sum::<f32>() / count;
            let variance = self.0.iter().map(|patch| (patch[i] - mean).powi(2)).sum::<f32>() / count;
            1.0 / (variance.sqrt() + 0.1 * mean.abs() + 1e-6)
        };
        (0..length).map(of).collect()
    }
}

/// See [`Scores::patches`] and [`Scores::bare`].
fn patches(gpu: &Gpu, network: &Network, style: &Image, painting: &Image) -> Result<(f64, f64)> {
    // Patches of the style do not overlap, so that their distances from each other are honest.
    let apart = Patches::of(gpu, network, style, Patches::WINDOW)?;
    let dense = Patches::of(gpu, network, style, Patches::WINDOW / 4)?;
    let of_painting = Patches::of(gpu, network, painting, Patches::WINDOW / 2)?;
    let scale = dense.scale();
    let own = apart.nearest(&apart, &scale, true);
    let distances = of_painting.nearest(&dense, &scale, false);
    let limit = 1.5 * quantile(&own, 0.95);
    let bare = distances.iter().filter(|distance| **distance > limit).count();
    let ratio = quantile(&distances, 0.5) / quantile(&own, 0.5);
    Ok((f64::from(ratio), bare as f64 / distances.len() as f64))
}

/// The image with its sides divided by `scale`.
fn reduced(image: &Image, scale: u32) -> Result<Image> {
    match scale {
        1 => Ok(image.clone()),
        _ => image.resized_to((image.width() / scale).max(1), (image.height() / scale).max(1)),
    }
}
