//! `impasto sweep`: the trade-off between content and style on one sheet.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use impasto::image_io::Encoding;
use impasto::objective::{Settings, Style, check_pooling};
use impasto::painter::{PaintingInputs, Plan, Schedule};
use impasto::sheet::Sheet;
use impasto::{Error, Result};

use super::context::Context;
use super::file_roles::FileRoles;
use super::options::{AlphaOption, CommonOptions, DepthOption, OutputOptions, PaintingOptions, STYLE_WEIGHT};
use super::paths::{check_image_output, load_image, path, save_image};
use super::series::{Item, file_name, paint_all};

/// Arguments of `impasto sweep`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    mut_arg("ratio", |arg| arg.value_name("A,A").help("Ratios alpha/beta, one a column").default_value(RATIOS)),
    mut_arg("style_weight", |arg| arg.hide(true)), // the ratios decide it
    mut_arg("alpha", |arg| arg.hide(true)),
    mut_arg("depth", |arg| arg.hide(true)),
    after_help = "\
Examples:
  impasto sweep photo.jpg painting.jpg -o sheet.png
  impasto sweep photo.jpg painting.jpg -o sheet.png --ratio 1e-2,1e-3,1e-4 --style-layers-upto 1..5 --size 256

A column for each ratio alpha/beta, a row for each block of the network up to which style layers count, as in
figure 3 of the paper."
)]
pub struct Sweep {
    /// The content image: what the images show
    #[arg(value_parser = path())]
    content: PathBuf,
    /// The style image: how they are painted
    #[arg(value_parser = path())]
    style: PathBuf,

    /// The sheet to write
    #[arg(short, long, value_name = "FILE", value_parser = path())]
    output: PathBuf,

    /// Blocks of the network, one a row, as in 1..5 or 1,3,5: style layers of later blocks are left out
    /// [default: one row of all layers]
    #[arg(long, value_name = "BLOCKS")]
    style_layers_upto: Option<Blocks>,

    #[command(flatten)]
    painting: PaintingOptions,
    #[command(flatten)]
    common: CommonOptions,
}

/// Ratios of a sweep that names none.
const RATIOS: &str = "1e-1,1e-2,1e-3,1e-4";

/// Blocks of the network. Written `1,3,5`, or `1..5` for those two and all between.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blocks(Vec<usize>);

impl FromStr for Blocks {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let range = |part: &str| {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (1 <= first && first <= last && last <= 5).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        let ranges = ranges.ok_or("give blocks from 1 to 5, the lower one first: 1..5, or 1,3,5")?;
        Ok(Self(ranges.into_iter().flatten().collect()))
    }
}

impl Sweep {
    fn check_files(&self) -> Result<()> {
        let inputs = FileRoles::default()
            .reads("the content image", [&self.content])
            .reads("the style image", [&self.style]);
        let files = self.painting.files().into_iter();
        let inputs = files.fold(inputs, |inputs, (role, path)| inputs.reads(role, [path]));
        inputs.writes("--output", [&self.output]).check()
    }

    pub fn run(mut self) -> Result<ExitCode> {
        // The remaining options hold for every image.
        let ratios = std::mem::take(&mut self.painting.objective.ratio);
        self.painting.check(std::slice::from_ref(&self.style))?;
        self.check_files()?;
        check_image_output(&self.output)?;
        let settings = self.painting.objective.settings()?;
        let variations = self.variations(&settings, &ratios)?;
        let (deepest, sizes) = (settings.deepest(), &self.painting.sizes);
        let content = load_image(&self.content)?.resized(sizes.size)?;
        let style = sizes.scaled_style(&load_image(&self.style)?, &content)?;
        let style = self.painting.styles.keep_colors.prepare(&style, &content)?;
        let size = (content.width(), content.height());
        let schedule = Schedule::new(size, sizes.scales, &sizes.iterations, deepest.downscale() as u32)?;
        let content_region = self.painting.styles.content_region()?;
        let [region] = self.painting.styles.regions(1)?.try_into().unwrap_or([None]);
        let [image_region] = self.painting.styles.image_regions(1)?.try_into().unwrap_or([None]);
        let styles = vec![Style { region, image_region, ..style.into() }];
        let inputs = PaintingInputs { content, styles, content_region };
        let first = inputs.at(schedule.first())?;
        let named = [(&self.content, &first.content), (&self.style, &first.styles[0].image)];
        for (path, image) in named {
            check_pooling(path, image.width(), image.height(), deepest)?;
        }
        let start = self.painting.start.loaded()?.variable(&first.content, &first.styles[0].image)?;
        let context = Context::open(&self.painting.objective.network, &settings, size, &self.common)?;
        let item = |(label, settings)| {
            let plan = Plan { settings, ..self.painting.plan(schedule.clone(), vec![], self.common.memory)? };
            Ok(Item { label, inputs: inputs.clone(), plan, start: start.clone() })
        };
        let items = variations.into_iter().map(item).collect::<Result<Vec<_>>>()?;
        let cells = paint_all(&context, items, &self.common)?;
        let [content, style] = [&self.content, &self.style].map(|path| file_name(path));
        let rows = if self.style_layers_upto.is_some() {
            " Lower rows add the style layers of deeper blocks."
        } else {
            ""
        };
        let sheet = Sheet {
            title: format!("{content} in the style of {style}"),
            note: format!("α/β is the content weight over the style weight.{rows}"),
            columns: ratios.len(),
            cells,
            ..Sheet::default()
        };
        save_image(&sheet.draw()?, &self.output, &Encoding::default())?;
        Ok(ExitCode::SUCCESS)
    }

    /// The settings of each image, row by row, with labels.
    fn variations(&self, base: &Settings, ratios: &[f32]) -> Result<Vec<(String, Settings)>> {
        if self.painting.objective.style_weight.to_string() != STYLE_WEIGHT {
            return Err(Error::Usage("--ratio decides the style weight: leave out --style-weight".into()));
        }
        let OutputOptions { alpha, depth } = self.painting.output;
        if (alpha, depth) != (AlphaOption::Keep, DepthOption::Eight) {
            let reason = "--alpha and --depth are for pictures: a sheet is white behind them, in 8 bits";
            return Err(Error::Usage(reason.into()));
        }
        if !self.painting.styles.style_weights.is_empty() {
            return Err(Error::Usage("--style-weights is for several styles, and a sweep has one".into()));
        }
        if ratios.contains(&0.0) {
            return Err(Error::Usage("--ratio must be above 0: it divides".into()));
        }
        let rows = match &self.style_layers_upto {
            None => vec![(String::new(), base.style_layers.clone())],
            Some(Blocks(blocks)) => {
                let row = |block: &usize| {
                    (format!(", style up to block {block}"), base.style_layers.up_to_block(*block))
                };
                blocks.iter().map(row).collect()
            }
        };
        let mut variations = vec![];
        for (name, style_layers) in rows {
            for ratio in ratios {
                let style_weight = base.content_weight / ratio;
                let style_layers = style_layers.clone();
                let settings = Settings { style_layers, style_weight, ..base.clone() };
                settings.check()?;
                variations.push((format!("α/β {ratio:e}{name}"), settings));
            }
        }
        Ok(variations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_lists_and_ranges() {
        let blocks = |text: &str| text.parse::<Blocks>().map(|blocks| blocks.0);
        assert_eq!(blocks("1..5"), Ok(vec![1, 2, 3, 4, 5]));
        assert_eq!(blocks("1, 3..4"), Ok(vec![1, 3, 4]));
        for text in ["", "0", "6", "3..1", "1..6", "1,", "1...3", "-1", "a"] {
            assert!(blocks(text).unwrap_err().contains("from 1 to 5"), "{text}");
        }
    }
}
