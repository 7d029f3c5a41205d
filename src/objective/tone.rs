//! The tone term: how light each part of the image is, compared with the content image.

use super::{Scene, Settings, Style, to_variable, variable_shape};
use crate::error::Result;
use crate::gpu::Shape;
use crate::ops::Tone;
use crate::ops::tone::{LUMA_BGR, shares};

/// Windows along the longer side.
const WINDOWS: f32 = 24.0;

/// The operation for an image of this shape.
pub(super) fn operation(image: Shape) -> Tone {
    let side = image.width.max(image.height) as f32;
    Tone { cell: ((side / WINDOWS).round() as u32).max(1) }
}

/// What the tones of the optimised image are compared with: those of the content image, brought to the mean of the styles'
/// pixels and to no more than their contrast, so that the styles' colours can show them.
#[derive(Debug)]
pub(super) struct ToneTarget {
    operation: Tone,
    image: Shape,
    /// The tone of each window, times its weight.
    pub tones: Vec<f32>,
    /// How much each window counts: 1, or less under a mask.
    pub weights: Vec<f32>,
}

impl ToneTarget {
    /// `None` if the term has no weight.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for a mask that cannot be scaled.
    pub fn new(settings: &Settings, scene: &Scene) -> Result<Option<Self>> {
        if !settings.has_tone() {
            return Ok(None);
        }
        let image = variable_shape(scene.content.width(), scene.content.height());
        let operation = operation(image);
        let windows = operation.windows(image);
        let weights = match scene.tone_region {
            Some(region) => region.weights(windows)?,
            None => vec![1.0; windows.len()],
        };
        let mut luma = luma(&to_variable(scene.content));
        let counted = scene.tone_region.map(|region| region.weights(image)).transpose()?;
        let content = Moments::of(&luma, counted.as_deref());
        let styles = Moments::of_styles(scene.styles)?;
        let contrast = if content.variance > styles.variance {
            (styles.variance / content.variance).sqrt()
        } else {
            1.0
        };
        luma.iter_mut().for_each(|value| *value = styles.mean + contrast * (*value - content.mean));
        let mut target = Self { operation, image, tones: vec![], weights };
        target.tones = target.tones_of(&luma);
        Ok(Some(target))
    }

    /// The tones of an image of which the luma is given, times the windows' weights.
    fn tones_of(&self, luma: &[f64]) -> Vec<f32> {
        let mut tones = vec![0.0; self.weights.len()];
        self.shares(|pixel, window, share| tones[window] += share * luma[pixel]);
        tones.iter().zip(&self.weights).map(|(tone, weight)| *tone as f32 * weight).collect()
    }

    fn shares(&self, f: impl FnMut(usize, usize, f64)) {
        shares([self.image.height as usize, self.image.width as usize], self.operation.cell as usize, f);
    }

    /// The mean squared error of the tones of `x`, the variable, in plain loops. Adds `weight` times its gradient to
    /// `gradient`.
    pub fn error(&self, x: &[f32], weight: f32, gradient: &mut [f32]) -> f64 {
        let tones = self.tones_of(&luma(x));
        let errors: Vec<f64> =
            tones.iter().zip(&self.tones).map(|(tone, target)| f64::from(tone - target)).collect();
        let windows = errors.len() as f64;
        let factor = 2.0 * f64::from(weight) / windows;
        let mut d_luma = vec![0.0; x.len() / 3];
        self.shares(|pixel, window, share| {
            d_luma[pixel] += factor * share * f64::from(self.weights[window]) * errors[window];
        });
        for (plane, part) in gradient.chunks_exact_mut(d_luma.len()).zip(LUMA_BGR) {
            plane.iter_mut().zip(&d_luma).for_each(|(gradient, d)| *gradient += (part * d) as f32);
        }
        errors.iter().map(|error| error * error).sum::<f64>() / windows
    }
}

/// Luma of each pixel of a variable, minus that of the mean colour.
fn luma(x: &[f32]) -> Vec<f64> {
    let pixels = x.len() / 3;
    let of =
        |i: usize| LUMA_BGR.iter().enumerate().map(|(c, part)| part * f64::from(x[c * pixels + i])).sum();
    (0..pixels).map(of).collect()
}

/// Mean and variance of luma.
struct Moments {
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of pixels that count by `weights`, or all alike.
    fn of(luma: &[f64], weights: Option<&[f32]>) -> Self {
        let weight = |i: usize| weights.map_or(1.0, |weights| f64::from(weights[i]));
        let total: f64 = (0..luma.len()).map(weight).sum();
        let mean_of = |f: &dyn Fn(f64) -> f64| {
            luma.iter().enumerate().map(|(i, luma)| weight(i) * f(*luma)).sum::<f64>()
                / total.max(f64::MIN_POSITIVE)
        };
        let mean = mean_of(&|luma| luma);
        Self { mean, variance: mean_of(&|luma| (luma - mean).powi(2)) }
    }

    /// Means of the moments of styles, or of their parts that are used, by their weights.
    fn of_styles(styles: &[Style]) -> Result<Self> {
        let (mut all, mut total) = (Self { mean: 0.0, variance: 0.0 }, 0.0);
        for Style { image, weight, image_region, .. } in styles.iter().filter(|style| style.weight > 0.0) {
            let shape = variable_shape(image.width(), image.height());
            let region = image_region.as_ref().map(|region| region.weights(shape)).transpose()?;
            let moments = Self::of(&luma(&to_variable(image)), region.as_deref());
            let weight = f64::from(*weight);
            total += weight;
            all.mean += weight * moments.mean;
            all.variance += weight * moments.variance;
        }
        Ok(Self { mean: all.mean / total, variance: all.variance / total })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Region;
    use super::*;
    use crate::image_io::Image;

    /// An image of a left and a right half in grey.
    fn halves(left: f32, right: f32) -> Image {
        let rgb = (0..48 * 24).flat_map(|i| [if i % 48 < 24 { left } else { right }; 3]).collect();
        Image::from_rgb(48, 24, rgb).unwrap()
    }

    fn target(content: &Image, style: Image, region: Option<&Region>) -> ToneTarget {
        let settings = Settings { tone_weight: 1.0, ..Settings::default() };
        let styles = [style.into()];
        let scene = Scene { tone_region: region, ..Scene::new(content, &styles) };
        ToneTarget::new(&settings, &scene).unwrap().unwrap()
    }

    #[test]
    fn the_tones_are_the_contents_within_the_styles_range() {
        // Windows of 2 pixels, 24 a row. The style has half the contrast, and a mean of 150.
        let content = halves(40.0, 200.0);
        let tones = |image: &Image, style: Image| {
            let target = target(image, style, None);
            // Added to the mean colour's luma, whatever that is: the difference to a grey image's tones.
            let grey = luma(&to_variable(&halves(0.0, 0.0)))[0];
            [target.tones[24 + 4], target.tones[24 + 20]].map(|tone| f64::from(tone) - grey)
        };
        for (style, expected) in [
            (halves(110.0, 190.0), [110.0, 190.0]),
            (halves(0.0, 255.0), [47.5, 207.5]),
            (halves(90.0, 90.0), [90.0, 90.0]),
        ] {
            for (got, want) in tones(&content, style).into_iter().zip(expected) {
                assert!((got - want).abs() < 0.1, "{got} {want}");
            }
        }
        let without = Settings { content_weight: 0.0, tone_weight: 1.0, ..Settings::default() };
        let styles = [content.clone().into()];
        assert!(ToneTarget::new(&without, &Scene::new(&content, &styles)).unwrap().is_none());
    }

    #[test]
    fn the_error_is_zero_at_the_target_and_its_gradient_is_its_derivative() {
        let content = halves(60.0, 180.0);
        let left = Region::new(halves(255.0, 0.0)).unwrap();
        let style = || halves(60.0, 180.0);
        let x = to_variable(&content);
        assert!(target(&content, style(), None).error(&x, 1.0, &mut vec![0.0; x.len()]) < 1e-6);
        let target = target(&content, style(), Some(&left));
        // Nothing to the right of the mask changes the error.
        let mut other: Vec<f32> =
            x.iter().enumerate().map(|(i, v)| v + if i % 48 > 34 { 90.0 } else { 0.0 }).collect();
        assert!(target.error(&other, 1.0, &mut vec![0.0; x.len()]) < 1e-6);
        other.iter_mut().enumerate().for_each(|(i, value)| *value += (i * 7 % 23) as f32);
        let mut gradient = vec![1.0; x.len()];
        target.error(&other, 3.0, &mut gradient);
        let error = |x: &[f32]| target.error(x, 1.0, &mut vec![0.0; x.len()]);
        for i in [48 * 10 + 5, 48 * 24 + 48 * 3 + 17, 2 * 48 * 24 + 100] {
            let shifted = |by: f32| {
                let mut x = other.clone();
                x[i] += by;
                error(&x)
            };
            let derivative = 3.0 * (shifted(8.0) - shifted(-8.0)) / 16.0;
            let got = f64::from(gradient[i] - 1.0);
            assert!((got - derivative).abs() < 0.01 * derivative.abs() + 1e-5, "{got} {derivative}");
        }
    }
}
