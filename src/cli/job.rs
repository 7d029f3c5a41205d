//! A painting that is ready to start: images scaled and checked.

use std::path::{Path, PathBuf};

use impasto::image_io::{Alpha, Decoded, Image};
use impasto::objective::{Region, Settings as Objective, Style, check_pooling};
use impasto::painter::{InitialImage, PaintingInputs, Schedule, content_region, fingerprint};
use impasto::{Error, Result};

use crate::cli::masks::intersection;
use crate::cli::options::{AlphaOption, PaintingOptions};

/// The content image of a painting.
pub struct Content<'a> {
    /// For messages.
    pub path: &'a Path,
    pub decoded: Decoded,
}

/// A painting that is ready to start, before a device is opened.
pub struct Job {
    pub objective: Objective,
    pub inputs: PaintingInputs,
    pub schedule: Schedule,
    /// The initial image of the first scale, in the variable's layout.
    pub start: Vec<f32>,
    /// The opacity of the picture, if it is not opaque.
    pub alpha: Option<Alpha>,
}

/// The images of a painting besides its content, at the size of their files. A batch reads them once.
pub struct Sources {
    styles: Vec<Image>,
    /// The region of each style.
    regions: Vec<Option<Region>>,
    /// The part of each style image that is used.
    image_regions: Vec<Option<Region>>,
    content_mask: Option<Region>,
    initial_image: InitialImage,
}

impl Sources {
    /// These style images, and what is in the other files that the options name.
    ///
    /// # Errors
    /// [`Error::Usage`] for options that can never work, [`Error::Image`] for a file that cannot be used.
    pub fn new(options: &PaintingOptions, styles: Vec<Image>) -> Result<Self> {
        Ok(Self {
            regions: options.styles.regions(styles.len())?,
            image_regions: options.styles.image_regions(styles.len())?,
            styles,
            content_mask: options.styles.content_mask_region()?,
            initial_image: options.start.loaded()?,
        })
    }
}

impl Job {
    /// Scales and checks every image.
    ///
    /// # Errors
    /// [`Error::Usage`] and [`Error::Setting`] for options that cannot work, [`Error::Image`] for an image that is too small
    /// for the layers, or in which nothing is left to paint.
    pub fn new(
        options: &PaintingOptions,
        content: Content,
        styles: &[PathBuf],
        sources: &Sources,
    ) -> Result<Self> {
        let objective = options.objective.settings()?;
        let deepest = objective.deepest();
        let Content { path, decoded: Decoded { image, alpha, .. } } = content;
        let file_size = (image.width(), image.height());
        let (width, height) = options.sizes.painted_size(file_size);
        check_pooling(path, width, height, deepest)?;
        let schedule = options.sizes.schedule(file_size, deepest)?;
        let content = image.resized_to(width, height)?;
        let style = |(k, weight): (usize, f32)| {
            let scaled = options.sizes.scaled_style(&sources.styles[k], &schedule)?;
            let image = options.styles.keep_colors.prepare(&scaled, &content)?;
            let (region, image_region) = (sources.regions[k].clone(), sources.image_regions[k].clone());
            Ok(Style { image, weight, region, image_region })
        };
        let weights = options.styles.weights(styles)?;
        let style_images = weights.into_iter().enumerate().map(style).collect::<Result<Vec<_>>>()?;
        let content_region =
            content_region(&content, options.styles.content_weights(), sources.content_mask.clone())?;
        let tone_region = sources.content_mask.clone();
        let alpha = alpha.filter(|_| options.output.alpha == AlphaOption::Keep);
        let (width, height) = schedule.picture_size();
        let alpha = alpha.map(|alpha| alpha.resized_to(width, height)).transpose()?;
        let margin = options.sizes.margin;
        let mut inputs =
            PaintingInputs { content, styles: style_images, content_region, tone_region, margin };
        if let Some(alpha) = alpha.as_ref().filter(|alpha| alpha.hides_pixels()) {
            leave_out(alpha, &mut inputs, path)?;
        }
        let first = inputs.at(schedule.first())?;
        for (path, style) in styles.iter().zip(&first.styles) {
            check_pooling(path, style.image.width(), style.image.height(), deepest)?;
        }
        let start = sources.initial_image.variable(&first.content, &first.styles[0].image)?;
        Ok(Self { objective, inputs, schedule, start, alpha })
    }

    /// A checksum of every image of the painting.
    pub fn fingerprint(&self) -> u64 {
        let PaintingInputs { content, styles, content_region, tone_region, margin: _ } = &self.inputs;
        let regions = styles.iter().flat_map(|style| [&style.region, &style.image_region]).flatten();
        let regions = regions
            .chain(content_region)
            .chain(tone_region.iter().filter(|_| self.objective.tone_weight > 0.0));
        let styles = styles.iter().map(|style| &style.image);
        let images = [content].into_iter().chain(styles).chain(regions.map(Region::mask));
        let pixels = images.flat_map(Image::pixels);
        let opacities = self.alpha.iter().flat_map(Alpha::values);
        fingerprint(pixels.chain(&self.start).chain(opacities).flat_map(|value| value.to_le_bytes()))
    }
}

/// Takes what cannot be seen out of every region.
///
/// # Errors
/// [`Error::Image`] naming the content if nothing is left of a region.
fn leave_out(alpha: &Alpha, inputs: &mut PaintingInputs, content: &Path) -> Result<()> {
    let nothing_left = |what: &str| Error::Image {
        path: content.into(),
        reason: format!("is transparent wherever {what} applies: use --alpha white to paint all of it"),
    };
    let visible = Region::new(alpha.visible()?).map_err(|_| nothing_left("the painting"))?;
    let within = |region: &Option<Region>, what: &str| match region {
        Some(region) => intersection(region, &visible)?.map(Some).ok_or_else(|| nothing_left(what)),
        None => Ok(Some(visible.clone())),
    };
    for region in [&mut inputs.content_region, &mut inputs.tone_region] {
        *region = within(region, "the content mask")?;
    }
    for style in &mut inputs.styles {
        style.region = within(&style.region, "a style mask")?;
    }
    Ok(())
}
