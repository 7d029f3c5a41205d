//! A small painting whose losses and gradient were computed by PyTorch in float64.
//!
//! The files are those of `tests/golden/gatys-96x64`, whose README describes how they were made.

use std::path::Path;

use serde_json::Value;

use super::Measure;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Precision};
use crate::graph::Activations;
use crate::image_io::Image;
use crate::objective::{Losses, Objective, Scene, Settings, TargetOptions, Targets, to_variable};
use crate::ops::Pooling;
use crate::vgg19::{Kernels, Network, Weights};

macro_rules! golden {
    ($file:literal) => {
        include_bytes!(concat!("../../tests/golden/gatys-96x64/", $file))
    };
}

const CONTENT: &[u8] = golden!("content.png");
const STYLE: &[u8] = golden!("style.png");
const IMAGE: &[u8] = golden!("image.png");
const SCORE: &[u8] = golden!("score.json");
const GRADIENT: &[u8] = golden!("gradient.npy");

/// Bound on the relative error of a loss; differences below [`FLOOR`] of the total do not count.
const LOSS: f64 = 2e-4;
const FLOOR: f64 = 1e-6;
/// Bounds on the relative error of the gradient's length, and on 1 minus the cosine of its angle.
const LENGTH: f64 = 1e-3;
const COSINE: f64 = 1e-4;

/// The objective of the golden painting on a device.
pub(super) struct Golden {
    network: Network,
    settings: Settings,
    targets: Targets,
}

impl Golden {
    /// Width and height in pixels.
    pub(super) const SIZE: [u32; 2] = [96, 64];

    /// Puts the network and the targets on the device.
    pub(super) fn load(gpu: &Gpu, kernels: &Kernels) -> Result<Self> {
        let settings = Settings::default();
        let weights = Weights::embedded_up_to(settings.deepest())?.normalised()?;
        let network = Network::new(gpu, &weights, Pooling::Max, kernels, Precision::F32)?;
        let style = image("style.png", STYLE)?;
        let content = image("content.png", CONTENT)?;
        let (styles, options) = ([style.into()], TargetOptions::default());
        let targets = Targets::new(gpu, &network, &settings, &Scene::new(&content, &styles), &options)?;
        Ok(Self { network, settings, targets })
    }

    /// The objective, with memory of its own.
    pub(super) fn objective(&self, gpu: &Gpu) -> Result<Objective> {
        Objective::new(gpu, &self.network, &self.settings, &self.targets, Activations::Kept)
    }

    /// The variable that runs start from.
    pub(super) fn start(&self) -> Result<Vec<f32>> {
        Ok(to_variable(&image("content.png", CONTENT)?))
    }

    /// Compares losses and gradient at the golden image.
    pub(super) fn check(&self, gpu: &Gpu) -> Result<Vec<Measure>> {
        let objective = self.objective(gpu)?;
        gpu.write(objective.x(), &to_variable(&image("image.png", IMAGE)?));
        let losses = objective.evaluate(gpu)?;
        let mut measures = vec![Measure::new("the losses", losses_off(&losses)?, LOSS)];
        measures.extend(gradient_off(&gpu.read(objective.gradient())?));
        Ok(measures)
    }
}

/// An embedded image.
fn image(name: &str, bytes: &[u8]) -> Result<Image> {
    Image::parse(Path::new(name), bytes).map(|decoded| decoded.image)
}

/// The largest relative error of a loss.
fn losses_off(losses: &Losses) -> Result<f64> {
    let damaged = |e: serde_json::Error| Error::gpu("the golden losses", e.to_string());
    let want: Value = serde_json::from_slice(SCORE).map_err(damaged)?;
    let got = serde_json::to_value(losses).map_err(damaged)?;
    let floor = FLOOR * want["total"].as_f64().unwrap_or(f64::NAN);
    let off = |got: &Value, want: &Value| match (got.as_f64(), want.as_f64()) {
        (Some(got), Some(want)) if (got - want).abs() <= floor => 0.0,
        (Some(got), Some(want)) => (got - want).abs() / want.abs(),
        // A loss that is missing, or NaN, which JSON does not have.
        _ => f64::INFINITY,
    };
    let mut worst = 0.0_f64;
    for (name, want) in want.as_object().into_iter().flatten() {
        match want.as_object() {
            Some(layers) => {
                layers.iter().for_each(|(layer, want)| worst = worst.max(off(&got[name][layer], want)));
            }
            None => worst = worst.max(off(&got[name], want)),
        }
    }
    Ok(worst)
}

/// Errors of the direction and length of the gradient.
fn gradient_off(got: &[f32]) -> [Measure; 2] {
    // The array of an .npy file: a header whose length is at byte 8, then the numbers.
    let header = 10 + usize::from(u16::from_le_bytes([GRADIENT[8], GRADIENT[9]]));
    let number = |b: &[u8; 4]| f64::from(f32::from_le_bytes(*b));
    let want: Vec<f64> = GRADIENT[header..].as_chunks::<4>().0.iter().map(number).collect();
    let got: Vec<f64> = got.iter().map(|value| f64::from(*value)).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let [got_length, want_length] = [&got, &want].map(|v| dot(v, v).sqrt());
    let cosine =
        if got.len() == want.len() { dot(&got, &want) / (got_length * want_length) } else { f64::NAN };
    [
        Measure::new("the direction of the gradient", 1.0 - cosine, COSINE),
        Measure::new("the length of the gradient", (got_length / want_length - 1.0).abs(), LENGTH),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vgg19::LayerId;

    fn reference() -> Losses {
        let value: Value = serde_json::from_slice(SCORE).unwrap();
        let layers = |name: &str| {
            let layers = value[name].as_object().unwrap().iter();
            layers.map(|(name, loss)| (name.parse::<LayerId>().unwrap(), loss.as_f64().unwrap())).collect()
        };
        let number = |name: &str| value[name].as_f64().unwrap();
        Losses {
            total: number("total"),
            content: number("content"),
            style: number("style"),
            tv: number("tv"),
            content_layers: layers("content_layers"),
            style_layers: layers("style_layers"),
        }
    }

    #[test]
    fn wrong_losses_are_seen() {
        let right = reference();
        assert_eq!(losses_off(&right).unwrap(), 0.0);
        let mut wrong = right.clone();
        wrong.style_layers.values_mut().for_each(|loss| *loss *= 1.01);
        assert!((losses_off(&wrong).unwrap() - 0.01).abs() < 1e-6);
        let nothing = Losses { total: f64::NAN, ..right };
        assert_eq!(losses_off(&nothing).unwrap(), f64::INFINITY);
    }

    #[test]
    fn wrong_gradients_are_seen() {
        let bytes = GRADIENT[GRADIENT.len() - 4 * 96 * 64 * 3..].as_chunks::<4>().0;
        let right: Vec<f32> = bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert!(gradient_off(&right).iter().all(Measure::is_right));
        let longer: Vec<f32> = right.iter().map(|value| value * 1.01).collect();
        assert_eq!(gradient_off(&longer).map(|measure| measure.is_right()), [true, false]);
        let mut turned = right.clone();
        turned.reverse();
        assert_eq!(gradient_off(&turned).map(|measure| measure.is_right()), [false, true]);
        assert!(gradient_off(&right[1..]).iter().any(|measure| !measure.is_right()));
        let nothing = vec![f32::NAN; right.len()];
        assert!(gradient_off(&nothing).iter().all(|measure| !measure.is_right()));
    }
}
