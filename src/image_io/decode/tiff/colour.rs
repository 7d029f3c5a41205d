//! From the samples of a TIFF image to grey, RGB or CMYK on the 0..255 scale.

use super::layout::{Alpha, Format, Layout, Luma, Photometric};
use super::{Colours, Outcome, Raster, Samples};

/// Samples that are black on their own scale were meant for one of these.
const NARROW_RANGES: [f32; 2] = [255.0, 65_535.0];

/// The image from the samples that [`Layout::kept`] names.
pub(super) fn raster(layout: &Layout, mut samples: Vec<f32>) -> Outcome<Raster> {
    let model = layout.photometric.model();
    let stored = layout.kept().len();
    let mut warnings = vec![];
    match &layout.photometric {
        // Indices, signed numbers and code values have scales of their own.
        Photometric::Palette(colours) => samples = look_up(layout, &samples, colours),
        Photometric::Lab { offset } => {
            let bits = layout.bits;
            for pixel in samples.chunks_exact_mut(stored) {
                let rgb = lab_to_rgb(lab([pixel[0], pixel[1], pixel[2]], bits, *offset));
                pixel[..3].copy_from_slice(&rgb);
                pixel[3..].iter_mut().for_each(|alpha| *alpha *= 255.0 / top(layout));
            }
        }
        Photometric::YCbCr(luma) => {
            for pixel in samples.chunks_exact_mut(stored) {
                let rgb = luma.rgb([pixel[0], pixel[1], pixel[2]]);
                pixel[..3].copy_from_slice(&rgb);
            }
        }
        Photometric::Grey { .. } | Photometric::Rgb | Photometric::Cmyk => {
            scale(layout, &mut samples, &mut warnings)?;
        }
    }
    let alpha = layout.alpha.is_some();
    let channels = model.channels() + usize::from(alpha);
    if layout.photometric == (Photometric::Grey { inverted: true }) {
        samples.chunks_exact_mut(channels).for_each(|pixel| pixel[0] = 255.0 - pixel[0]);
    }
    if let Some(Alpha { premultiplied: true, .. }) = layout.alpha {
        samples.chunks_exact_mut(channels).for_each(divide_by_alpha);
    }
    let (width, height, orientation) = (layout.width, layout.height, layout.orientation);
    let samples = Samples::Floats(samples);
    Ok(Raster { width, height, model, alpha, samples, colours: Colours::Srgb, orientation, warnings })
}

/// The number that stands for full intensity.
fn top(layout: &Layout) -> f32 {
    match layout.format {
        Format::Unsigned => ((1u64 << layout.bits) - 1) as f32,
        Format::Signed => ((1u64 << (layout.bits - 1)) - 1) as f32,
        Format::Float => 1.0,
    }
}

/// Brings samples to the 0..255 scale, and says where that needed a guess.
fn scale(layout: &Layout, samples: &mut [f32], warnings: &mut Vec<String>) -> Outcome<()> {
    let full = top(layout);
    let mut range = full;
    let most = samples.iter().copied().fold(0.0, f32::max);
    if layout.format == Format::Float {
        if most > 1.0 {
            warnings.push(format!("its float samples go up to {most}: what is above 1 is shown as white"));
        }
    } else if most > 0.0 && most <= full / 255.0 {
        // Less than one level: no one would have saved that.
        let narrow = NARROW_RANGES.into_iter().find(|narrow| most <= *narrow && *narrow < full);
        range = narrow.ok_or_else(|| {
            let bits = layout.bits;
            format!(
                "its samples of {bits} bits end at {most}, which is black: save it as an 8-bit or 16-bit TIFF"
            )
        })?;
        let bits = layout.bits;
        warnings
            .push(format!("its samples have {bits} bits, but none is above {most}: taken as 0 to {range}"));
    }
    if layout.format != Format::Unsigned && samples.iter().any(|v| *v < 0.0) {
        warnings.push("some of its samples are below 0: they are shown as black".into());
    }
    let factor = 255.0 / f64::from(range);
    samples.iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as f32);
    Ok(())
}

/// The colours of palette indices; opacity is kept.
fn look_up(layout: &Layout, samples: &[f32], colours: &[f32]) -> Vec<f32> {
    let count = colours.len() / 3;
    let alpha_scale = 255.0 / top(layout);
    let colour = |pixel: &[f32]| {
        let index = pixel[0] as usize;
        let rgb = [0, 1, 2].map(|channel| colours[channel * count + index]);
        let alpha = pixel.get(1).map(|alpha| alpha * alpha_scale);
        rgb.into_iter().chain(alpha).collect::<Vec<f32>>()
    };
    samples.chunks_exact(layout.kept().len()).flat_map(colour).collect()
}

/// The colour that was multiplied by the alpha behind it.
fn divide_by_alpha(pixel: &mut [f32]) {
    if let [colours @ .., alpha] = pixel {
        let factor = if *alpha > 0.0 { 255.0 / *alpha } else { 1.0 };
        colours.iter_mut().for_each(|colour| *colour *= factor);
    }
}

impl Luma {
    /// RGB on the 0..255 scale from codes for Y, Cb and Cr (TIFF 6.0, section 21).
    fn rgb(&self, codes: [f32; 3]) -> [f32; 3] {
        let span = |channel: usize, full: f32| {
            let [low, high] = [self.range[2 * channel], self.range[2 * channel + 1]];
            (codes[channel] - low) * full / (high - low)
        };
        let (y, cb, cr) = (span(0, 255.0), span(1, 127.0), span(2, 127.0));
        let [red, green, blue] = self.coefficients;
        let r = y + cr * (2.0 - 2.0 * red);
        let b = y + cb * (2.0 - 2.0 * blue);
        [r, (y - red * r - blue * b) / green, b].map(|v| v.clamp(0.0, 255.0))
    }
}

/// L* in 0..100, a* and b* from codes of 8 or 16 bits.
fn lab(codes: [f32; 3], bits: u32, offset: bool) -> [f32; 3] {
    let full = ((1u32 << bits) - 1) as f32;
    let unit = (1 << (bits - 8)) as f32;
    let signed = |code: f32| match offset {
        true => code / unit - 128.0,
        false if code > full / 2.0 => (code - full - 1.0) / unit,
        false => code / unit,
    };
    [codes[0] / full * 100.0, signed(codes[1]), signed(codes[2])]
}

/// sRGB on the 0..255 scale from CIE 1976 L*a*b* relative to D50.
fn lab_to_rgb([l, a, b]: [f32; 3]) -> [f32; 3] {
    /// D50, and the inverse of sRGB's primaries adapted to it by Bradford's method (ICC.1, annex E).
    const D50: [f32; 3] = [0.9642, 1.0, 0.8249];
    const FROM_D50: [[f32; 3]; 3] = [
        [3.134_136, -1.617_386, -0.490_662],
        [-0.978_795, 1.916_254, 0.033_443],
        [0.071_955, -0.228_977, 1.405_386],
    ];
    let fy = (l + 16.0) / 116.0;
    let inverse = |f: f32| if f > 6.0 / 29.0 { f.powi(3) } else { (f - 4.0 / 29.0) * 108.0 / 841.0 };
    let factors = [fy + a / 500.0, fy, fy - b / 200.0].map(inverse);
    let encode = |v: f32| match v {
        v if v <= 0.003_130_8 => 12.92 * v.max(0.0),
        v => 1.055 * v.min(1.0).powf(1.0 / 2.4) - 0.055,
    };
    FROM_D50.map(|row| 255.0 * encode((0..3).map(|i| row[i] * D50[i] * factors[i]).sum()))
}
