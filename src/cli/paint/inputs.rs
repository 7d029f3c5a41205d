//! The pictures of a painting: read, scaled, and found fit to work with.

use std::path::{Path, PathBuf};

use impasto::Result;
use impasto::gpu::Gpu;
use impasto::image_io::{Image, check_output_fits};
use impasto::objective::{Settings, Style, check_fits, check_pooling};
use impasto::painter::{Schedule, Subject};

use crate::cli::options::PaintingOptions;

/// Which files a painting is made from.
#[derive(Debug, Clone)]
pub struct Sources {
    pub content: PathBuf,
    pub styles: Vec<PathBuf>,
}

/// A painting that can begin.
pub struct Inputs {
    pub subject: Subject,
    pub schedule: Schedule,
    /// The variable of the first scale.
    pub start: Vec<f32>,
}

impl Inputs {
    /// Reads, scales and checks every picture, for a result that goes to `output`.
    pub fn load(
        sources: &Sources,
        options: &PaintingOptions,
        settings: &Settings,
        output: &Path,
    ) -> Result<Self> {
        let (sizes, deepest) = (&options.sizes, settings.deepest());
        let content = Image::load(&sources.content)?.resized(sizes.size)?;
        let (width, height) = (content.width(), content.height());
        check_output_fits(output, width, height)?;
        check_pooling(&sources.content, width, height, deepest)?;
        let least = deepest.downscale() as u32;
        let schedule = Schedule::new((width, height), sizes.scales, &sizes.iterations, least)?;
        let weights = options.styles.weights(&sources.styles)?;
        let style = |(path, weight): (&PathBuf, f32)| {
            let scaled = sizes.scaled_style(&Image::load(path)?, &content)?;
            let image = options.styles.keep_colors.prepare(&scaled, &content)?;
            Ok(Style { image, weight })
        };
        let styles = sources.styles.iter().zip(weights).map(style).collect::<Result<Vec<_>>>()?;
        let subject = Subject { content, styles };
        let first = subject.at(schedule.first())?;
        for (path, style) in sources.styles.iter().zip(&first.styles) {
            check_pooling(path, style.image.width(), style.image.height(), deepest)?;
        }
        let start = options.start.beginning()?.variable(&first.content, &first.styles[0].image)?;
        Ok(Self { subject, schedule, start })
    }

    /// Makes sure that the device can hold them.
    pub fn check_limits(&self, gpu: &Gpu, sources: &Sources, settings: &Settings) -> Result<()> {
        let deepest = settings.deepest();
        let Subject { content, styles } = &self.subject;
        check_fits(gpu, &sources.content, "--size", content.width(), content.height(), deepest)?;
        for (path, style) in sources.styles.iter().zip(styles) {
            check_fits(gpu, path, "--style-size", style.image.width(), style.image.height(), deepest)?;
        }
        Ok(())
    }
}
