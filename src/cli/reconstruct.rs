//! `impasto reconstruct`: an image from the activations or Gram matrices of layers.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::image_io::{Encoding, Image, Size};
use impasto::objective::{LayerWeights, Settings, check_pooling};
use impasto::painter::{PaintingInputs, Plan, Schedule, Start};
use impasto::sheet::{Cell, Sheet};

use super::context::Context;
use super::file_roles::FileRoles;
use super::options::{CommonOptions, MethodOptions, NetworkOptions, at_least_one};
use super::paths::{check_image_fits, check_image_output, load_image, path, save_image};
use super::series::{Item, file_name, paint_all};

/// Arguments of `impasto reconstruct`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  impasto reconstruct photo.jpg --content conv4_2 -o image.png
  impasto reconstruct painting.jpg --style conv1_1..conv3_1 -o texture.png
  impasto reconstruct photo.jpg --content conv1_2,conv2_2,conv3_2,conv4_2,conv5_2 --sheet -o sheet.png
  impasto reconstruct painting.jpg --style conv1_1,conv2_1,conv3_1,conv4_1,conv5_1 --sheet -o sheet.png

From noise, an image is sought that the layers cannot tell from the image. Deep content layers keep what is
there and lose how it looks; the Gram matrices of style layers keep how it looks and lose where it is. With
--sheet each content layer stands alone, and style layers are added one by one, as in figure 1 of the paper."
)]
pub struct Reconstruct {
    /// The image to reconstruct
    #[arg(value_parser = path())]
    image: PathBuf,

    /// Reconstruct from the activations of these layers
    #[arg(long, value_name = "LAYERS", required_unless_present = "style", conflicts_with = "style")]
    content: Option<LayerWeights>,

    /// Reconstruct from the Gram matrices of these layers
    #[arg(long, value_name = "LAYERS")]
    style: Option<LayerWeights>,

    /// Make a sheet with an image for each layer
    #[arg(long)]
    sheet: bool,

    /// Where the image or the sheet goes
    #[arg(short, long, value_name = "FILE", value_parser = path())]
    output: PathBuf,

    /// Longer side of the image in pixels, or 'full'
    #[arg(long, value_name = "N|full", default_value = "256")]
    size: Size,

    /// Evaluations for each image
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = at_least_one)]
    iterations: usize,

    /// Seed of the noise to start from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    method: MethodOptions,
    #[command(flatten)]
    network: NetworkOptions,
    #[command(flatten)]
    common: CommonOptions,
}

/// Of the only term. L-BFGS drops pairs whose curvature is below 1e-10, and with a weight of 1 the
/// gradient of a mean over many positions is so small that all of them are.
const WEIGHT: f32 = 1e5;

impl Reconstruct {
    pub fn run(&self) -> Result<ExitCode> {
        let method = self.method.method()?;
        FileRoles::default()
            .reads("the image", [&self.image])
            .reads("the weights", &self.network.weights)
            .writes("--output", [&self.output])
            .check()?;
        check_image_output(&self.output)?;
        let parts = self.parts()?;
        // Of several, the one that needs all of the network that any needs.
        let Some((_, whole)) = parts.iter().max_by_key(|(_, settings)| settings.deepest()) else {
            return Ok(ExitCode::SUCCESS);
        };
        let image = load_image(&self.image)?.resized(self.size)?;
        let (width, height, deepest) = (image.width(), image.height(), whole.deepest());
        check_image_fits(&self.output, width, height)?;
        check_pooling(&self.image, width, height, deepest)?;
        let context = Context::open(&self.network, whole, (width, height), &self.common)?;
        let start = Start::Noise.variable(&image, &image, self.seed)?;
        let inputs = PaintingInputs {
            content: image.clone(),
            styles: vec![image.into()],
            content_region: None,
            tone_region: None,
            margin: 0,
        };
        let schedule = Schedule::plain(width, height, self.iterations);
        let item = |(label, settings)| {
            let plan = Plan {
                settings,
                method,
                tolerance: self.method.until.map(f64::from),
                memory: self.common.memory,
                ..Plan::new(schedule.clone())
            };
            Item { label, inputs: inputs.clone(), plan, start: start.clone() }
        };
        let mut cells = paint_all(&context, parts.into_iter().map(item).collect(), &self.common)?;
        let image = if self.sheet { self.draw_sheet(cells)? } else { cells.swap_remove(0).image };
        save_image(&image, &self.output, &Encoding::default())?;
        Ok(ExitCode::SUCCESS)
    }

    fn draw_sheet(&self, cells: Vec<Cell>) -> Result<Image> {
        let image = file_name(&self.image);
        let (title, note) = match self.content {
            Some(_) => (
                format!("{image} reconstructed from the activations of one layer"),
                "Deeper layers keep what is in the image and lose how it looks.",
            ),
            None => (
                format!("{image} reconstructed from the Gram matrices of layers"),
                "More layers keep larger structures of the style, but not their places in the image.",
            ),
        };
        let note = format!(
            "Each image starts from noise and is optimised for {} evaluations. {note}",
            self.iterations
        );
        Sheet { title, note, columns: 3, cells, ..Sheet::default() }.draw()
    }

    /// What to reconstruct from: all layers at once, or an image per layer; with labels.
    fn parts(&self) -> Result<Vec<(String, Settings)>> {
        let base = Settings { content_weight: WEIGHT, style_weight: WEIGHT, ..Default::default() };
        let content = |layers: LayerWeights| Settings {
            content_layers: layers,
            style_layers: LayerWeights::none(),
            ..base.clone()
        };
        let style = |layers: LayerWeights| Settings {
            style_layers: layers,
            content_layers: LayerWeights::none(),
            ..base.clone()
        };
        let parts: Vec<(String, Settings)> = match (&self.content, &self.style) {
            (Some(layers), _) if self.sheet => {
                layers.layers().map(|layer| (layer.to_string(), content(LayerWeights::one(layer)))).collect()
            }
            (_, Some(layers)) if self.sheet => {
                layers.layers().map(|layer| (format!("up to {layer}"), style(layers.up_to(layer)))).collect()
            }
            (Some(layers), _) => vec![(layers.to_string(), content(layers.clone()))],
            (None, layers) => layers.iter().map(|l| (l.to_string(), style((*l).clone()))).collect(),
        };
        parts.iter().try_for_each(|(_, settings)| settings.check())?;
        Ok(parts)
    }
}
