//! The tone term: how light each part of the image is, compared with the content image.

use super::{Scene, Settings, Style, to_variable, variable_shape};
use crate::error::Result;
use crate::gpu::Shape;
use crate::ops::Tone;
use crate::ops::tone::{LUMA_BGR, shares};

/// About this many windows lie along the longer side.
const WINDOWS: f32 = 24.0;

/// The operation for an image of this shape.
pub(super) fn operation(image: Shape) -> Tone {
    let side = image.width.max(image.height) as f32;
    Tone { cell: ((side / WINDOWS).round() as u32).max(1) }
}

/// What the tones of the optimised image are compared with.
#[derive(Debug)]
pub(super) struct ToneTarget {
    operation: Tone,
    image: Shape,
    /// The tone of each window, times its weight.
    pub tones: Vec<f32>,
    /// The factor on each window's tone and target, so that its error counts by the square: 1, or less under a mask.
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
        let mask = match scene.tone_region {
            Some(region) => region.weights(image)?,
            None => vec![1.0; image.positions() as usize],
        };
        let luma = target_luma(scene, &mask)?;
        let operation = operation(image);
        let windows = operation.windows(image).len();
        let mut target = Self { operation, image, tones: vec![], weights: vec![1.0; windows] };
        if scene.tone_region.is_some() {
            // The part of each window that is not masked.
            let (masked, all) = (target.tones_of(|pixel| f64::from(mask[pixel])), target.tones_of(|_| 1.0));
            target.weights = masked.iter().zip(all).map(|(masked, all)| masked / all).collect();
        }
        target.tones = target.tones_of(|pixel| f64::from(luma[pixel]));
        Ok(Some(target))
    }

    /// The tones of an image of this luma at each pixel, times the windows' weights.
    fn tones_of(&self, luma: impl Fn(usize) -> f64) -> Vec<f32> {
        let mut tones = vec![0.0; self.weights.len()];
        self.shares(|pixel, window, share| tones[window] += share * luma(pixel));
        tones.iter().zip(&self.weights).map(|(tone, weight)| *tone as f32 * weight).collect()
    }

    fn shares(&self, f: impl FnMut(usize, usize, f64)) {
        shares([self.image.height as usize, self.image.width as usize], self.operation.cell as usize, f);
    }

    /// The mean squared error of the tones of `x`, the variable, in plain loops. Adds `weight` times its gradient to
    /// `gradient`.
    pub fn error(&self, x: &[f32], weight: f32, gradient: &mut [f32]) -> f64 {
        let tones = self.tones_of(|pixel| luma(x, pixel));
        let errors: Vec<f64> =
            tones.iter().zip(&self.tones).map(|(tone, target)| f64::from(tone - target)).collect();
        let (pixels, windows) = (x.len() / 3, errors.len() as f64);
        let factor = 2.0 * f64::from(weight) / windows;
        self.shares(|pixel, window, share| {
            let d = factor * share * f64::from(self.weights[window]) * errors[window];
            for (c, part) in LUMA_BGR.iter().enumerate() {
                gradient[c * pixels + pixel] += (part * d) as f32;
            }
        });
        errors.iter().map(|error| error * error).sum::<f64>() / windows
    }
}

/// Luma of a pixel of a variable, minus that of the mean colour.
fn luma(x: &[f32], pixel: usize) -> f64 {
    LUMA_BGR.iter().enumerate().map(|(c, part)| part * f64::from(x[c * x.len() / 3 + pixel])).sum()
}

fn luma_of(x: &[f32]) -> Vec<f32> {
    (0..x.len() / 3).map(|pixel| luma(x, pixel) as f32).collect()
}

/// The luma of the content image, brought at each pixel to the mean of the styles that apply there and to no more than their
/// contrast, so that their colours can show it. What is masked, or has no style, is as light as the rest on average.
fn target_luma(scene: &Scene, mask: &[f32]) -> Result<Vec<f32>> {
    let content = luma_of(&to_variable(scene.content));
    let image = variable_shape(scene.content.width(), scene.content.height());
    let (mut sums, mut weights) = (vec![0.0; content.len()], vec![0.0; content.len()]);
    for style in scene.styles.iter().filter(|style| style.weight > 0.0) {
        let mut here = match &style.region {
            Some(region) => region.weights(image)?,
            None => vec![1.0; content.len()],
        };
        here.iter_mut().zip(mask).for_each(|(weight, mask)| *weight *= mask);
        let (from, to) = (Moments::of(&content, Some(&here)), Moments::of_style(style)?);
        let contrast = if from.variance > to.variance { (to.variance / from.variance).sqrt() } else { 1.0 };
        for (i, here) in here.into_iter().enumerate() {
            let weight = style.weight * here;
            sums[i] += weight * (to.mean + contrast * (f64::from(content[i]) - from.mean)) as f32;
            weights[i] += weight;
        }
    }
    let total = |values: &[f32]| values.iter().copied().map(f64::from).sum::<f64>();
    let mean = (total(&sums) / total(&weights).max(f64::MIN_POSITIVE)) as f32;
    let target = |((sum, weight), mask): ((f32, f32), &f32)| {
        if weight > 0.0 { mask * sum / weight + (1.0 - mask) * mean } else { mean }
    };
    Ok(sums.into_iter().zip(weights).zip(mask).map(target).collect())
}

/// Mean and variance of luma.
struct Moments {
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of pixels that count by `weights`, or all alike.
    fn of(luma: &[f32], weights: Option<&[f32]>) -> Self {
        let weight = |i: usize| weights.map_or(1.0, |weights| f64::from(weights[i]));
        let total: f64 = (0..luma.len()).map(weight).sum();
        let mean_of = |f: &dyn Fn(f64) -> f64| {
            let sum: f64 = luma.iter().enumerate().map(|(i, luma)| weight(i) * f(f64::from(*luma))).sum();
            sum / total.max(f64::MIN_POSITIVE)
        };
        let mean = mean_of(&|luma| luma);
        Self { mean, variance: mean_of(&|luma| (luma - mean).powi(2)) }
    }

    /// Of a style image, or of its part that is used.
    fn of_style(style: &Style) -> Result<Self> {
        let Style { image, image_region, .. } = style;
        let shape = variable_shape(image.width(), image.height());
        let part = image_region.as_ref().map(|region| region.weights(shape)).transpose()?;
        Ok(Self::of(&luma_of(&to_variable(image)), part.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Region;
    use super::*;
    use crate::image_io::Image;

    /// An image of a left and a right half in grey.
    fn halves([width, height]: [u32; 2], left: f32, right: f32) -> Image {
        let grey = |i: u32| [if i % width < width / 2 { left } else { right }; 3];
        Image::from_rgb(width, height, (0..width * height).flat_map(grey).collect()).unwrap()
    }

    const SIZE: [u32; 2] = [48, 24];

    fn target(content: &Image, styles: &[Style], region: Option<&Region>) -> ToneTarget {
        let settings = Settings { tone_weight: 1.0, ..Settings::default() };
        let scene = Scene { tone_region: region, ..Scene::new(content, styles) };
        ToneTarget::new(&settings, &scene).unwrap().unwrap()
    }

    /// Tones of a window in the left and one in the right half, as levels.
    fn levels(content: &Image, styles: &[Style]) -> [f64; 2] {
        let target = target(content, styles, None);
        let black = luma(&to_variable(&halves(SIZE, 0.0, 0.0)), 0);
        // Windows of 2 pixels, 24 a row.
        [24 + 4, 24 + 20].map(|window| f64::from(target.tones[window]) - black)
    }

    fn close(got: [f64; 2], want: [f64; 2]) {
        assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 0.1), "{got:?} {want:?}");
    }

    #[test]
    fn the_tones_are_the_contents_within_the_styles_range() {
        let content = halves(SIZE, 40.0, 200.0);
        let style = |left, right| Style::from(halves(SIZE, left, right));
        close(levels(&content, &[style(110.0, 190.0)]), [110.0, 190.0]);
        close(levels(&content, &[style(0.0, 255.0)]), [47.5, 207.5]);
        close(levels(&content, &[style(90.0, 90.0)]), [90.0, 90.0]);
        // Three quarters of one style and a quarter of another; the third has no weight.
        let weighted = |weight, style| Style { weight, ..style };
        let styles = [
            weighted(3.0, style(90.0, 90.0)),
            weighted(1.0, style(110.0, 190.0)),
            weighted(0.0, style(0.0, 0.0)),
        ];
        close(levels(&content, &styles), [95.0, 115.0]);
        // Of a style its part, which is flat.
        let left = Region::new(halves(SIZE, 255.0, 0.0)).unwrap();
        let part = Style { image_region: Some(left), ..style(70.0, 250.0) };
        assert!((levels(&content, &[part])[0] - 70.0).abs() < 3.0);
        let without = Settings { content_weight: 0.0, tone_weight: 1.0, ..Settings::default() };
        let styles = [content.clone().into()];
        assert!(ToneTarget::new(&without, &Scene::new(&content, &styles)).unwrap().is_none());
    }

    #[test]
    fn each_region_has_the_brightness_of_its_style() {
        let content = halves(SIZE, 40.0, 200.0);
        let style = |grey, [left, right]: [f32; 2]| {
            let region = Some(Region::new(halves(SIZE, left, right)).unwrap());
            Style { region, ..halves(SIZE, grey, grey).into() }
        };
        let (left, right) = (style(180.0, [255.0, 0.0]), style(60.0, [0.0, 255.0]));
        close(levels(&content, &[left.clone(), right]), [180.0, 60.0]);
        // One on the left, and one everywhere, whose mean the left half is darker than by 80.
        close(levels(&content, &[left, halves(SIZE, 20.0, 180.0).into()]), [100.0, 180.0]);
    }

    #[test]
    fn windows_under_a_mask_count_by_what_is_left_of_them() {
        // Cells of 21 pixels, which leave a part of one at each end.
        let size = [512, 341];
        let region = Region::new(halves(size, 255.0, 0.0)).unwrap();
        let content = halves(size, 90.0, 90.0);
        let masked = target(&content, &[content.clone().into()], Some(&region));
        let columns = size[0].div_ceil(21) as usize;
        for row in masked.weights.chunks_exact(columns) {
            assert!(row[..11].iter().all(|weight| (weight - 1.0).abs() < 1e-3), "{row:?}");
            assert!((row[11] - 1.0).abs() < 0.05 && row[12] > 0.1 && row[12] < 0.6, "{row:?}");
            assert!(row[14..].iter().all(|weight| weight.abs() < 1e-3), "{row:?}");
        }
        for size in [[1, 1], [11, 300]] {
            let content = halves(size, 90.0, 90.0);
            let whole = target(&content, &[content.clone().into()], None);
            assert!(whole.tones.iter().all(|tone| tone.is_finite()));
        }
    }

    #[test]
    fn the_error_is_zero_at_the_target_and_its_gradient_is_its_derivative() {
        let content = halves(SIZE, 60.0, 180.0);
        let left = Region::new(halves(SIZE, 255.0, 0.0)).unwrap();
        let styles = [halves(SIZE, 60.0, 180.0).into()];
        let x = to_variable(&content);
        assert!(target(&content, &styles, None).error(&x, 1.0, &mut vec![0.0; x.len()]) < 1e-6);
        let target = target(&content, &styles, Some(&left));
        let error = |x: &[f32]| target.error(x, 1.0, &mut vec![0.0; x.len()]);
        // Nothing to the right of the mask changes the error.
        let mut other: Vec<f32> =
            x.iter().enumerate().map(|(i, v)| v + if i % 48 > 34 { 90.0 } else { 0.0 }).collect();
        assert!((error(&other) - error(&x)).abs() < 1e-6);
        other.iter_mut().enumerate().for_each(|(i, value)| *value += (i * 7 % 23) as f32);
        let mut gradient = vec![1.0; x.len()];
        target.error(&other, 3.0, &mut gradient);
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
