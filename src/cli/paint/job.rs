//! A painting that is ready to start: images read, scaled and checked.

use std::path::Path;

use impasto::image_io::{Alpha, Decoded, Image, holds_transparency};
use impasto::objective::{Region, Settings as Objective, Style, check_pooling};
use impasto::painter::{InitialImage, PaintingInputs, Schedule, content_region, fingerprint};
use impasto::{Error, Result};

use super::{Record, Request};
use crate::cli::masks::intersection;
use crate::cli::options::AlphaOption;
use crate::cli::paths::{
    check_image_depth, check_image_fits, check_image_output, is_standard, load_image, read_image,
};

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
    /// Reads the files that the options name.
    ///
    /// # Errors
    /// [`Error::Usage`] for options that can never work, [`Error::Image`] for a file that cannot be used.
    pub fn load(request: &Request) -> Result<Self> {
        let options = &request.painting;
        options.check(&request.styles)?;
        Ok(Self {
            styles: request.styles.iter().map(|path| load_image(path)).collect::<Result<_>>()?,
            regions: options.styles.regions(request.styles.len())?,
            image_regions: options.styles.image_regions(request.styles.len())?,
            content_mask: options.styles.content_mask_region()?,
            initial_image: options.start.loaded()?,
        })
    }
}

impl Job {
    /// Reads the content, scales and checks every image, and checks the output.
    pub fn prepare(request: &Request, sources: &Sources) -> Result<Self> {
        let options = &request.painting;
        check_image_output(&request.output)?;
        check_image_depth(&request.output, options.output.depth.into())?;
        let objective = options.objective.settings()?;
        let deepest = objective.deepest();
        let Decoded { image, alpha, .. } = read_image(&request.content)?;
        let content = image.resized(options.sizes.size)?;
        let (width, height) = (content.width(), content.height());
        check_image_fits(&request.output, width, height)?;
        check_pooling(&request.content, width, height, deepest)?;
        let schedule = Schedule::new(
            (width, height),
            options.sizes.scales,
            &options.sizes.iterations,
            deepest.downscale() as u32,
        )?;
        let style = |(k, weight): (usize, f32)| {
            let scaled = options.sizes.scaled_style(&sources.styles[k], &content)?;
            let image = options.styles.keep_colors.prepare(&scaled, &content)?;
            let (region, image_region) = (sources.regions[k].clone(), sources.image_regions[k].clone());
            Ok(Style { image, weight, region, image_region })
        };
        let weights = options.styles.weights(&request.styles)?;
        let styles = weights.into_iter().enumerate().map(style).collect::<Result<Vec<_>>>()?;
        let content_region =
            content_region(&content, options.styles.flat_content, sources.content_mask.clone())?;
        let alpha = kept(alpha, request).map(|alpha| alpha.resized_to(width, height)).transpose()?;
        let margin = options.sizes.margin;
        let mut inputs = PaintingInputs { content, styles, content_region, margin };
        if let Some(alpha) = alpha.as_ref().filter(|alpha| alpha.hides_pixels()) {
            leave_out(alpha, &mut inputs, &request.content)?;
        }
        let first = inputs.at(schedule.first())?;
        for (path, style) in request.styles.iter().zip(&first.styles) {
            check_pooling(path, style.image.width(), style.image.height(), deepest)?;
        }
        let start = sources.initial_image.variable(&first.content, &first.styles[0].image)?;
        Ok(Self { objective, inputs, schedule, start, alpha })
    }

    /// Width and height of the picture.
    pub fn size(&self) -> (u32, u32) {
        (self.inputs.content.width(), self.inputs.content.height())
    }

    /// Refuses a checkpoint that was made from other images than the files now hold.
    pub fn check_images(&self, checkpoint: &Path, record: &Record) -> Result<()> {
        if record.images == self.fingerprint() {
            return Ok(());
        }
        Err(Error::Checkpoint {
            path: checkpoint.into(),
            reason: "was made from other images than the files now hold: bring those back, or start anew"
                .into(),
        })
    }

    /// A checksum of every image of the painting.
    pub fn fingerprint(&self) -> u64 {
        let PaintingInputs { content, styles, content_region, margin: _ } = &self.inputs;
        let regions = styles.iter().flat_map(|style| [&style.region, &style.image_region]).flatten();
        let regions = regions.chain(content_region);
        let styles = styles.iter().map(|style| &style.image);
        let images = [content].into_iter().chain(styles).chain(regions.map(Region::mask));
        let pixels = images.flat_map(Image::pixels);
        let opacities = self.alpha.iter().flat_map(Alpha::values);
        fingerprint(pixels.chain(&self.start).chain(opacities).flat_map(|value| value.to_le_bytes()))
    }
}

/// The content's opacity, if the picture is to have it. Says so if its format cannot.
fn kept(alpha: Option<Alpha>, request: &Request) -> Option<Alpha> {
    let alpha = alpha.filter(|_| request.painting.output.alpha == AlphaOption::Keep)?;
    if is_standard(&request.output) || holds_transparency(&request.output) {
        return Some(alpha);
    }
    request.common.say(format_args!(
        "{} is painted on white: the format of {} holds no transparency, .png, .webp and .tif do",
        request.content.display(),
        request.output.display()
    ));
    None
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
    inputs.content_region = within(&inputs.content_region, "the content mask")?;
    for style in &mut inputs.styles {
        style.region = within(&style.region, "a style mask")?;
    }
    Ok(())
}
