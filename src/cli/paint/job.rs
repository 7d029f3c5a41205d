//! A painting that can begin: its pictures read, scaled and, like its options, found fit.

use std::path::{Path, PathBuf};

use impasto::image_io::{Image, check_output, check_output_fits};
use impasto::objective::{Region, Settings as Objective, Style, check_pooling};
use impasto::painter::{InitialImage, PaintingInputs, Schedule, fingerprint};
use impasto::{Error, Result};

use super::resume::Record;
use super::{Files, Paint};
use crate::cli::settings::{Note, Settings};

/// What is to be painted, before a device is opened.
pub struct Job {
    pub objective: Objective,
    pub inputs: PaintingInputs,
    pub schedule: Schedule,
    /// The variable of the first scale.
    pub start: Vec<f32>,
    /// What the picture is to remember.
    pub note: String,
    /// The command line's settings.
    pub settings: Settings,
    /// Where the picture goes.
    pub output: PathBuf,
}

/// What a painting takes from files besides its content, as the files have it. A batch reads it once.
pub struct Sources {
    styles: Vec<Image>,
    /// Where each style applies.
    regions: Vec<Option<Region>>,
    content_region: Option<Region>,
    initial_image: InitialImage,
}

impl Sources {
    /// Reads the files that the options name.
    pub fn load(paint: &Paint) -> Result<Self> {
        let options = &paint.painting;
        Ok(Self {
            styles: paint.style.iter().map(|path| paint.common.load(path)).collect::<Result<_>>()?,
            regions: options.styles.regions(paint.style.len(), &paint.common)?,
            content_region: options.styles.content_region(&paint.common)?,
            initial_image: options.start.initial_image()?.loaded(|path| paint.common.load(path))?,
        })
    }
}

impl Job {
    /// Reads the content, scales and checks every picture, and checks every option and output.
    pub fn prepare(paint: &Paint, files: Files, sources: &Sources, settings: &Settings) -> Result<Self> {
        let options = &paint.painting;
        options.check(&paint.style)?;
        check_output(files.output)?;
        let objective = options.objective.settings()?;
        let deepest = objective.deepest();
        let content = paint.common.load(files.content)?.resized(options.sizes.size)?;
        let (width, height) = (content.width(), content.height());
        check_output_fits(files.output, width, height)?;
        check_pooling(files.content, width, height, deepest)?;
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
        let weights = options.styles.weights(&paint.style)?;
        let styles = sources.styles.iter().zip(weights).zip(&sources.regions);
        let styles = styles.map(style).collect::<Result<Vec<_>>>()?;
        let content_region = sources.content_region.clone();
        let inputs = PaintingInputs { content, styles, content_region };
        let first = inputs.at(schedule.first())?;
        for (path, style) in paint.style.iter().zip(&first.styles) {
            check_pooling(path, style.image.width(), style.image.height(), deepest)?;
        }
        let start = sources.initial_image.variable(&first.content, &first.styles[0].image)?;
        let named: Vec<&Path> =
            [files.content].into_iter().chain(paint.style.iter().map(AsRef::as_ref)).collect();
        let note = serde_json::to_string(&Note::new(&named, settings))
            .map_err(|e| Error::Usage(format!("the settings cannot be written as JSON: {e}")))?;
        Ok(Self {
            objective,
            inputs,
            schedule,
            start,
            note,
            settings: settings.clone(),
            output: files.output.into(),
        })
    }

    /// Width and height of the picture.
    pub fn size(&self) -> (u32, u32) {
        (self.inputs.content.width(), self.inputs.content.height())
    }

    /// Makes sure that a checkpoint was made from the pictures that the files now hold.
    pub fn check_images(&self, checkpoint: &Path, record: &Record) -> Result<()> {
        if record.images == self.fingerprint() {
            return Ok(());
        }
        Err(Error::Checkpoint {
            path: checkpoint.into(),
            reason: "was made from other pictures than the files now hold: bring those back, or start anew"
                .into(),
        })
    }

    /// Tells these pictures from others.
    pub fn fingerprint(&self) -> u64 {
        let PaintingInputs { content, styles, content_region } = &self.inputs;
        let regions = styles.iter().filter_map(|style| style.region.as_ref()).chain(content_region);
        let styles = styles.iter().map(|style| &style.image);
        let pictures = [content].into_iter().chain(styles).chain(regions.map(Region::mask));
        let pictures = pictures.flat_map(Image::pixels);
        fingerprint(pictures.chain(&self.start).flat_map(|value| value.to_le_bytes()))
    }
}
