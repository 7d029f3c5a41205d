//! `impasto sweep`: the trade-off between content and style on one sheet.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::image_io::{Image, check_output};
use impasto::objective::{Settings, Style, check_pooling, parse_weight};
use impasto::painter::{Plan, Schedule, Subject};
use impasto::sheet::sheet;
use impasto::{Error, Result};

use super::common::Studio;
use super::options::{CommonOptions, PaintingOptions};
use super::series::{Item, paint_all};

/// Arguments of `impasto sweep`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  impasto sweep photo.jpg painting.jpg -o sheet.png
  impasto sweep photo.jpg painting.jpg -o sheet.png --ratios 1e-2,1e-3,1e-4 --style-layers-upto 1,3,5 --size 256

A column for each ratio alpha/beta, a row for each block of the network up to which style layers count, as in
figure 3 of the paper."
)]
pub struct Sweep {
    /// The image to keep
    content: PathBuf,
    /// The image to imitate
    style: PathBuf,

    /// Where the sheet goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Ratios alpha/beta, one a column
    #[arg(long, value_name = "A,A", value_delimiter = ',', default_value = "1e-1,1e-2,1e-3,1e-4",
        value_parser = parse_weight)]
    ratios: Vec<f32>,

    /// Blocks of the network, 1 to 5, one a row: style layers of later blocks are left out [default: all layers]
    #[arg(long, value_name = "B,B", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=5))]
    style_layers_upto: Vec<u8>,

    #[command(flatten)]
    painting: PaintingOptions,
    #[command(flatten)]
    common: CommonOptions,
}

impl Sweep {
    pub fn run(&self) -> Result<ExitCode> {
        self.painting.check(std::slice::from_ref(&self.style))?;
        check_output(&self.output)?;
        let settings = self.painting.objective.settings()?;
        let variations = self.variations(&settings)?;
        let (deepest, sizes) = (settings.deepest(), &self.painting.sizes);
        let content = Image::load(&self.content)?.resized(sizes.size)?;
        let style = sizes.scaled_style(&Image::load(&self.style)?, &content)?;
        let style = self.painting.styles.keep_colors.prepare(&style, &content)?;
        let size = (content.width(), content.height());
        let schedule = Schedule::new(size, sizes.scales, &sizes.iterations, deepest.downscale() as u32)?;
        let content_region = self.painting.styles.content_region()?;
        let [region] = self.painting.styles.regions(1)?.try_into().unwrap_or([None]);
        let styles = vec![Style { region, ..style.into() }];
        let subject = Subject { content, styles, content_region };
        let first = subject.at(schedule.first())?;
        let named = [(&self.content, &first.content), (&self.style, &first.styles[0].image)];
        for (path, image) in named {
            check_pooling(path, image.width(), image.height(), deepest)?;
        }
        let start = self.painting.start.beginning()?.variable(&first.content, &first.styles[0].image)?;
        let studio = Studio::open(&self.painting.objective.network, &settings, size, &self.common)?;
        let item = |(label, settings)| {
            let plan =
                Plan { settings, ..self.painting.plan(schedule.clone(), vec![], self.common.memory())? };
            Ok(Item { label, subject: subject.clone(), plan, start: start.clone() })
        };
        let items = variations.into_iter().map(item).collect::<Result<Vec<_>>>()?;
        let cells = paint_all(&studio, items, &self.common)?;
        sheet(&cells, self.ratios.len())?.save(&self.output)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The settings of each picture, row by row, with labels.
    fn variations(&self, base: &Settings) -> Result<Vec<(String, Settings)>> {
        let objective = &self.painting.objective;
        if objective.ratio.is_some() || objective.style_weight.is_some() {
            return Err(Error::Usage(
                "--ratios decides the style weight: leave out --ratio and --style-weight".into(),
            ));
        }
        if !self.painting.styles.style_weights.is_empty() {
            return Err(Error::Usage("--style-weights is for several styles, and a sweep has one".into()));
        }
        if self.ratios.contains(&0.0) {
            return Err(Error::Usage("--ratios must be above 0: they divide".into()));
        }
        let rows: Vec<Option<u8>> = match self.style_layers_upto.as_slice() {
            [] => vec![None],
            blocks => blocks.iter().copied().map(Some).collect(),
        };
        let mut variations = vec![];
        for row in rows {
            let (layers, name) = match row {
                None => (base.style_layers.clone(), String::new()),
                Some(block) => (base.style_layers.up_to_block(block.into()), format!("conv1..{block}, ")),
            };
            for ratio in &self.ratios {
                let style_weight = base.content_weight / ratio;
                let settings = Settings { style_layers: layers.clone(), style_weight, ..base.clone() };
                settings.check()?;
                variations.push((format!("{name}a/b {ratio:e}"), settings));
            }
        }
        Ok(variations)
    }
}
