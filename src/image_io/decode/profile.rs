//! From the colours that a file describes to sRGB, by the crate `moxcms`.

use std::sync::Arc;

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout,
    MatrixCoefficients, RenderingIntent, ToneReprCurve, TransferCharacteristics, TransformF32Executor,
    TransformOptions,
};

use super::Model;

/// What a file says of its colours.
pub(super) enum Colours {
    /// sRGB, or nothing.
    Srgb,
    /// An ICC profile.
    Icc(Vec<u8>),
    /// Adobe RGB (1998), as the EXIF of cameras names it.
    AdobeRgb,
    /// PNG's gAMA and cHRM: the exponent that makes samples linear, and the chromaticities.
    Measured { exponent: Option<f32>, chromaticities: Option<Chromaticities> },
    /// PNG's cICP: code points of ITU-T H.273.
    CodePoints { primaries: u8, transfer: u8, full_range: bool },
}

/// CIE x and y of the white point, red, green and blue.
pub(super) type Chromaticities = [(f32, f32); 4];

/// sRGB's own.
const SRGB: Chromaticities = [(0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)];

/// sRGB's transfer is close to this exponent, and files that name it mean sRGB.
const SRGB_EXPONENT: f32 = 2.2;

/// The share that an exponent may be off to be taken for [`SRGB_EXPONENT`], and a chromaticity for sRGB's.
const SAME: f32 = 0.01;

/// Pixels are left alone if the transform to sRGB moves no colour by a level.
const LEVEL: f32 = 1.0 / 255.0;

/// A transform to sRGB.
pub(super) struct ToSrgb {
    transform: Arc<TransformF32Executor>,
    /// Channels of a source pixel: 1, 3 or 4.
    channels: usize,
    /// What the darkest colour is in linear light, and becomes black.
    black: f32,
    /// Whether samples lie in 16..=235 of 255.
    narrow: bool,
}

impl ToSrgb {
    /// The transform for pixels of `model`; none where they are in sRGB already.
    ///
    /// # Errors
    /// Why the colours have to be taken as sRGB.
    pub(super) fn new(colours: &Colours, model: Model) -> Result<Option<Self>, String> {
        let narrow = matches!(colours, Colours::CodePoints { full_range: false, .. });
        let Some(profile) = profile(colours)? else { return Ok(None) };
        let channels = channels(&profile, model)?;
        let layout = match channels {
            1 => Layout::Gray,
            3 => Layout::Rgb,
            _ => Layout::Rgba,
        };
        let srgb = ColorProfile::new_srgb();
        let make = |rendering_intent| {
            let options = TransformOptions { rendering_intent, ..Default::default() };
            profile.create_transform_f32(layout, &srgb, Layout::Rgb, options)
        };
        // A profile need not have tables for the intent that it names.
        let intents =
            [own_intent(&profile), RenderingIntent::Perceptual, RenderingIntent::RelativeColorimetric];
        let Some(transform) = intents.into_iter().find_map(|intent| make(intent).ok()) else {
            return Err(match make(intents[0]) {
                Err(error) => broken(error),
                Ok(_) => broken("it makes no transform"),
            });
        };
        let mut to_srgb = Self { transform, channels, black: 0.0, narrow };
        to_srgb.black = to_srgb.black_point(intents[0]);
        Ok((narrow || !to_srgb.is_identity()).then_some(to_srgb))
    }

    /// Channels of a source pixel: 1, 3 or 4. Grey images may have profiles of RGB.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// RGB on the 0..255 scale from source pixels on that scale, to as many pixels.
    pub(super) fn convert(&self, pixels: &mut [f32], rgb: &mut [f32]) {
        let (low, span) = if self.narrow { (16.0, 219.0) } else { (0.0, 255.0) };
        pixels.iter_mut().for_each(|v| *v = ((*v - low) / span).clamp(0.0, 1.0));
        // It only fails for slices of lengths that do not fit each other.
        if self.transform.transform(pixels, rgb).is_err() {
            rgb.fill(0.0);
        }
        for value in rgb {
            *value = value.clamp(0.0, 1.0);
            if self.black > 0.0 {
                *value = encode((decode(*value) - self.black) / (1.0 - self.black));
            }
            *value *= 255.0;
        }
    }

    /// The luminance of the darkest colour where it is to become black. littleCMS does so for the perceptual and
    /// the saturation intent.
    fn black_point(&self, intent: RenderingIntent) -> f32 {
        /// Of a colour that is half as light as white: what is darker than that at its darkest is not stretched.
        const MOST: f32 = 0.184;
        if intent == RenderingIntent::RelativeColorimetric {
            return 0.0;
        }
        let mut darkest = vec![if self.channels == 4 { 255.0 } else { 0.0 }; self.channels];
        let mut rgb = [0.0; 3];
        self.convert(&mut darkest, &mut rgb);
        let [red, green, blue] = rgb.map(|v| decode(v / 255.0));
        let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        if luminance > 1e-4 { luminance.min(MOST) } else { 0.0 }
    }

    /// True if no colour of a grid is moved by a level.
    fn is_identity(&self) -> bool {
        const STEPS: usize = 9;
        let step = |i: usize| (i % STEPS) as f32 / (STEPS - 1) as f32;
        let grid: Vec<f32> = match self.channels {
            1 => (0..=255).map(|v| v as f32 / 255.0).collect(),
            3 => {
                (0..STEPS.pow(3)).flat_map(|i| [step(i), step(i / STEPS), step(i / STEPS / STEPS)]).collect()
            }
            _ => return false,
        };
        let mut rgb = vec![0.0; grid.len() / self.channels * 3];
        let wanted = |i: usize| if self.channels == 1 { grid[i / 3] } else { grid[i] };
        let moved = |(i, v): (usize, &f32)| (v - wanted(i)).abs() >= LEVEL;
        self.transform.transform(&grid, &mut rgb).is_ok() && !rgb.iter().enumerate().any(moved)
    }
}

/// sRGB's transfer: linear light from a sample in 0..=1.
fn decode(v: f32) -> f32 {
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// A sample in 0..=1 from linear light.
fn encode(v: f32) -> f32 {
    if v <= 0.003_130_8 { 12.92 * v.max(0.0) } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

fn broken(why: impl std::fmt::Display) -> String {
    format!("its colour profile is broken ({why}): its colours are taken as sRGB")
}

/// The profile of the colours; none for sRGB.
fn profile(colours: &Colours) -> Result<Option<ColorProfile>, String> {
    match colours {
        Colours::Srgb => Ok(None),
        Colours::Icc(bytes) => ColorProfile::new_from_slice(bytes).map(Some).map_err(broken),
        Colours::AdobeRgb => Ok(Some(ColorProfile::new_adobe_rgb())),
        Colours::Measured { exponent, chromaticities } => measured(*exponent, *chromaticities),
        Colours::CodePoints { primaries, transfer, .. } => code_points(*primaries, *transfer).map(Some),
    }
}

/// The channels that the profile takes from pixels of `model`.
fn channels(profile: &ColorProfile, model: Model) -> Result<usize, String> {
    let space = profile.color_space;
    match (space, model) {
        (DataColorSpace::Gray, Model::Grey) => Ok(1),
        (DataColorSpace::Rgb, Model::Grey | Model::Rgb) => Ok(3),
        (DataColorSpace::Cmyk, Model::Cmyk) => Ok(4),
        _ => Err(format!(
            "its colour profile is for {space:?}, but its pixels are {model:?}: its colours are taken as sRGB"
        )),
    }
}

/// The intent that the profile names. Absolute colorimetry would keep the tint of its paper.
fn own_intent(profile: &ColorProfile) -> RenderingIntent {
    match profile.rendering_intent {
        RenderingIntent::AbsoluteColorimetric => RenderingIntent::RelativeColorimetric,
        other => other,
    }
}

/// A profile from what PNG's gAMA and cHRM say.
fn measured(
    exponent: Option<f32>,
    chromaticities: Option<Chromaticities>,
) -> Result<Option<ColorProfile>, String> {
    let near = |a: f32, b: f32| (a - b).abs() < SAME;
    let exponent = exponent.filter(|e| !near(e / SRGB_EXPONENT, 1.0));
    let same = |c: &Chromaticities| c.iter().zip(SRGB).all(|(a, b)| near(a.0, b.0) && near(a.1, b.1));
    let chromaticities = chromaticities.filter(|c| !same(c));
    if exponent.is_none() && chromaticities.is_none() {
        return Ok(None);
    }
    let mut profile = ColorProfile::new_srgb();
    if let Some(exponent) = exponent {
        set_transfer(&mut profile, ToneReprCurve::Parametric(vec![exponent]));
    }
    if let Some(chromaticities) = chromaticities {
        let [white, red, green, blue] = chromaticities.map(|(x, y)| Chromaticity::new(x, y));
        if chromaticities.iter().any(|(x, y)| !(0.0..=1.0).contains(x) || !(1e-3..=1.0).contains(y)) {
            return Err(broken("the chromaticities are of no colour"));
        }
        profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
    }
    profile.cicp = None;
    let colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
    match colorants.iter().all(|c| c.x.is_finite() && c.y.is_finite() && c.z.is_finite()) {
        true => Ok(Some(profile)),
        false => Err(broken("the chromaticities span no colours")),
    }
}

fn set_transfer(profile: &mut ColorProfile, curve: ToneReprCurve) {
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
}

/// A profile from the code points of ITU-T H.273.
fn code_points(primaries: u8, transfer: u8) -> Result<ColorProfile, String> {
    const HDR: [u8; 2] = [16, 18];
    if HDR.contains(&transfer) {
        return Err("its pixels are HDR: taken as sRGB they look flat, so save it without HDR".into());
    }
    let unknown = || format!("its cICP chunk names unknown colours ({primaries}, {transfer}): taken as sRGB");
    let color_primaries = CicpColorPrimaries::try_from(primaries).map_err(|_| unknown())?;
    let transfer_characteristics = TransferCharacteristics::try_from(transfer).map_err(|_| unknown())?;
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries,
        transfer_characteristics,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    if profile.red_trc.is_none() { Err(unknown()) } else { Ok(profile) }
}
