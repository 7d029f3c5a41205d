//! A painting that is ready to start: images read, scaled and checked.

use std::path::Path;

use impasto::image_io::Image;
use impasto::objective::{Region, Settings as Objective, Style, check_pooling};
use impasto::painter::{InitialImage, PaintingInputs, Schedule, fingerprint};
use impasto::{Error, Result};

use super::{Record, Request};
use crate::cli::note::Note;
use crate::cli::paths::{check_image_fits, check_image_output, load_image};

/// A painting that is ready to start, before a device is opened.
pub struct Job {
    pub objective: Objective,
    pub inputs: PaintingInputs,
    pub schedule: Schedule,
    /// The initial image of the first scale, in the variable's layout.
    pub start: Vec<f32>,
    /// The note of the picture, as JSON.
    pub note: String,
}

/// The images of a painting besides its content, at the size of their files. A batch reads them once.
pub struct Sources {
    styles: Vec<Image>,
    /// The region of each style.
    regions: Vec<Option<Region>>,
    content_region: Option<Region>,
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
            content_region: options.styles.content_region()?,
            initial_image: options.start.loaded()?,
        })
    }
}

impl Job {
    /// Reads the content, scales and checks every image, and checks the output.
    pub fn prepare(request: &Request, sources: &Sources) -> Result<Self> {
        let options = &request.painting;
        check_image_output(&request.output)?;
        let objective = options.objective.settings()?;
        let deepest = objective.deepest();
        let content = load_image(&request.content)?.resized(options.sizes.size)?;
        let (width, height) = (content.width(), content.height());
        check_image_fits(&request.output, width, height)?;
        check_pooling(&request.content, width, height, deepest)?;
        let schedule = Schedule::new(
            (width, height),
            options.sizes.scales,
            &options.sizes.iterations,
            deepest.downscale() as u32,
        )?;
        let style = |((image, weight), region): ((&Image, f32), &Option<Region>)| {
            let scaled = options.sizes.scaled_style(image, &content)?;
            let image = options.styles.keep_colors.prepare(&scaled, &content)?;
            Ok(Style { image, weight, region: region.clone() })
        };
        let weights = options.styles.weights(&request.styles)?;
        let styles = sources.styles.iter().zip(weights).zip(&sources.regions);
        let styles = styles.map(style).collect::<Result<Vec<_>>>()?;
        let content_region = sources.content_region.clone();
        let inputs = PaintingInputs { content, styles, content_region };
        let first = inputs.at(schedule.first())?;
        for (path, style) in request.styles.iter().zip(&first.styles) {
            check_pooling(path, style.image.width(), style.image.height(), deepest)?;
        }
        let start = sources.initial_image.variable(&first.content, &first.styles[0].image)?;
        let note = match &request.note {
            Some(note) => note.clone(),
            None => Note::json(request.images(), options)?,
        };
        Ok(Self { objective, inputs, schedule, start, note })
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
        let PaintingInputs { content, styles, content_region } = &self.inputs;
        let regions = styles.iter().filter_map(|style| style.region.as_ref()).chain(content_region);
        let styles = styles.iter().map(|style| &style.image);
        let images = [content].into_iter().chain(styles).chain(regions.map(Region::mask));
        let pixels = images.flat_map(Image::pixels);
        fingerprint(pixels.chain(&self.start).flat_map(|value| value.to_le_bytes()))
    }
}
