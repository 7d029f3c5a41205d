//! `impasto sweep`: the trade-off between content and style on one sheet.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::{ArgMatches, Args};
use impasto::image_io::{Encoding, Image};
use impasto::objective::{Region, Settings as ReferenceSettings, Style, check_pooling};
use impasto::painter::{InitialImage, PaintingInputs, Start, content_region};
use impasto::sheet::Sheet;
use impasto::{Error, Result};

use super::balance::Balance;
use super::context::Context;
use super::file_roles::FileRoles;
use super::options::{
    AlphaOption, CommonOptions, DepthOption, OutputOptions, PAINTING_PRECISION, PaintingOptions,
    STYLE_LAYERS, STYLE_WEIGHT,
};
use super::paths::{check_image_output, load_image, path, save_image};
use super::series::{Item, file_name, paint_all};
use super::settings;

/// Arguments of `impasto sweep`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    mut_arg("ratio", |arg| arg.value_name("A,A").help("Ratios alpha/beta, one a column").default_value(RATIOS)),
    mut_arg("style_weight", |arg| arg.hide(true)), // the ratios decide it
    mut_arg("alpha", |arg| arg.hide(true)),
    mut_arg("depth", |arg| arg.hide(true)),
    mut_arg("precision", |arg| arg.default_value(PAINTING_PRECISION)),
    after_help = "\
Examples:
  impasto sweep photo.jpg painting.jpg -o sheet.png
  impasto sweep photo.jpg painting.jpg -o sheet.png --ratio 1e-2,1e-3,1e-4 --style-layers-upto 1..5 --size 256
  impasto sweep photo.jpg painting.jpg -o sheet.png --balance 0,2.5,5,7.5,10

A column for each ratio alpha/beta or balance, a row for each block of the network up to which style layers count, as in
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

    /// Balances from photograph (0) to painting (10), one a column, in place of ratios
    #[arg(long, value_name = "B,B", value_delimiter = ',', conflicts_with_all = ["ratio", "style_weight"],
        allow_hyphen_values = true)]
    balance: Vec<Balance>,

    /// Blocks of the network, one a row, as in 1..5 or 1,3,5: style layers, by default the paper's, of later blocks are left
    /// out [default: one row of all layers]
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

/// The files of a sweep, read once for all cells.
struct Images {
    /// Width and height of the content image's file.
    file_size: (u32, u32),
    /// The content image as large as it is painted.
    content: Image,
    style: Style,
    content_mask: Option<Region>,
    start: Start,
}

impl Images {
    /// `painting` are the options of any cell: the cells differ in none that is about files and sizes.
    fn load(sweep: &Sweep, painting: &PaintingOptions) -> Result<Self> {
        let PaintingOptions { sizes, styles, start, .. } = painting;
        let content = load_image(&sweep.content)?;
        let file_size = (content.width(), content.height());
        let schedule = sizes.schedule(file_size, painting.objective.settings()?.deepest())?;
        let (width, height) = schedule.painted_size();
        let content = content.resized_to(width, height)?;
        let style = sizes.scaled_style(&load_image(&sweep.style)?, &schedule)?;
        let style = styles.keep_colors.prepare(&style, &content)?;
        let [region] = styles.regions(1)?.try_into().unwrap_or([None]);
        let [image_region] = styles.image_regions(1)?.try_into().unwrap_or([None]);
        Ok(Self {
            file_size,
            content,
            style: Style { region, image_region, ..style.into() },
            content_mask: styles.content_mask_region()?,
            start: start.loaded()?.start,
        })
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

    /// Paints every cell. `matches` tells which options were typed.
    pub fn run(mut self, matches: &ArgMatches) -> Result<ExitCode> {
        let columns = self.columns(matches)?;
        let variations = self.variations(&columns);
        variations.iter().try_for_each(|(_, painting)| painting.check(std::slice::from_ref(&self.style)))?;
        self.check_files()?;
        check_image_output(&self.output)?;
        let (_, whole) = variations.last().ok_or_else(|| Error::Usage("a sweep needs a column".into()))?;
        let settings = whole.objective.settings()?;
        let images = Images::load(&self, whole)?;
        let cell =
            |(label, painting): &(String, PaintingOptions)| self.item(label.clone(), painting, &images);
        let items = variations.iter().map(cell).collect::<Result<Vec<_>>>()?;
        let schedule = whole.sizes.schedule(images.file_size, settings.deepest())?;
        let size = schedule.painted_size();
        let context = Context::open(&whole.objective.network, &settings, size, &self.common)?;
        let cells = paint_all(&context, items, &self.common)?;
        let [content, style] = [&self.content, &self.style].map(|path| file_name(path));
        let sheet = Sheet {
            title: format!("{content} in the style of {style}"),
            note: self.note(),
            columns: columns.len(),
            cells,
            ..Sheet::default()
        };
        save_image(&sheet.draw()?, &self.output, &Encoding::default())?;
        Ok(ExitCode::SUCCESS)
    }

    fn note(&self) -> String {
        let columns = match self.balance.is_empty() {
            true => "α/β is the content weight over the style weight.",
            false => "A balance of 0 is the photograph, one of 10 the painting.",
        };
        let rows = match self.style_layers_upto.is_some() {
            true => " Lower rows add the style layers of deeper blocks.",
            false => "",
        };
        format!("{columns}{rows}")
    }

    /// A cell of the sheet, ready to paint.
    fn item(&self, label: String, painting: &PaintingOptions, images: &Images) -> Result<Item> {
        let Images { file_size, content, style, content_mask, start } = images;
        let settings = painting.objective.settings()?;
        let (deepest, sizes) = (settings.deepest(), &painting.sizes);
        let schedule = sizes.schedule(*file_size, deepest)?;
        let content_region =
            content_region(content, painting.styles.content_weights(), content_mask.clone())?;
        let (content, styles) = (content.clone(), vec![style.clone()]);
        let inputs = PaintingInputs {
            content,
            styles,
            content_region,
            tone_region: content_mask.clone(),
            margin: sizes.margin,
        };
        let first = inputs.at(schedule.first())?;
        for (path, image) in [(&self.content, &first.content), (&self.style, &first.styles[0].image)] {
            check_pooling(path, image.width(), image.height(), deepest)?;
        }
        let initial_image = InitialImage { start: start.clone(), ..painting.start.initial_image()? };
        let start = initial_image.variable(&first.content, &first.styles[0].image)?;
        let plan = painting.plan(schedule, vec![], self.common.memory)?;
        Ok(Item { label, inputs, plan, start })
    }

    /// The options of each column, with labels. The options that are left hold for every image.
    fn columns(&mut self, matches: &ArgMatches) -> Result<Vec<(String, PaintingOptions)>> {
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
        let style_layers = &mut self.painting.objective.style_layers;
        if self.style_layers_upto.is_some() && style_layers.to_string() == STYLE_LAYERS {
            // The layers of a painting end in the third block.
            *style_layers = ReferenceSettings::default().style_layers;
        }
        let ratios = std::mem::take(&mut self.painting.objective.ratio);
        if ratios.contains(&0.0) {
            return Err(Error::Usage("--ratio must be above 0: it divides".into()));
        }
        if !self.balance.is_empty() {
            let column = |balance: &Balance| {
                let mut painting = settings::balanced(&self.painting, *balance, matches)?;
                painting.objective.style_layers = self.painting.objective.style_layers.clone();
                Ok((format!("balance {balance}"), painting))
            };
            return self.balance.iter().map(column).collect();
        }
        let column = |ratio: f32| {
            let mut painting = self.painting.clone();
            painting.objective.ratio = vec![ratio];
            (format!("α/β {ratio:e}"), painting)
        };
        Ok(ratios.into_iter().map(column).collect())
    }

    /// The options of each image, row by row, with labels.
    fn variations(&self, columns: &[(String, PaintingOptions)]) -> Vec<(String, PaintingOptions)> {
        let Some(Blocks(blocks)) = &self.style_layers_upto else { return columns.to_vec() };
        let cell = |block: usize, (label, painting): &(String, PaintingOptions)| {
            let mut painting = painting.clone();
            let layers = &mut painting.objective.style_layers;
            *layers = layers.up_to_block(block);
            (format!("{label}, style up to block {block}"), painting)
        };
        blocks.iter().flat_map(|block| columns.iter().map(|column| cell(*block, column))).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn rows_differ_in_their_style_layers() {
        let paper = ["conv1_1,conv2_1,conv3_1", "conv1_1,conv2_1,conv3_1,conv4_1"];
        for (typed, expected) in
            [("", paper), ("--balance 3,5", paper), ("--style-layers conv4_2", ["", "conv4_2"])]
        {
            let line = format!("c s -o sheet.png --style-layers-upto 3,4 {typed}");
            let command = Sweep::augment_args(clap::Command::new("").no_binary_name(true));
            let matches = command.try_get_matches_from(line.split_whitespace()).unwrap();
            let mut sweep = Sweep::from_arg_matches(&matches).unwrap();
            let columns = sweep.columns(&matches).unwrap();
            let rows = sweep.variations(&columns[..1]);
            let layers: Vec<_> =
                rows.iter().map(|(_, painting)| painting.objective.style_layers.to_string()).collect();
            assert_eq!(layers, expected, "{typed}");
        }
    }

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
