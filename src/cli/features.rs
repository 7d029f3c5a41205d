//! `impasto features`: the feature maps and the Gram matrix of a layer.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::features::LayerFeatures;
use impasto::image_io::{Encoding, Image, Size};
use impasto::objective::{check_fits, check_pooling};
use impasto::report::number;
use impasto::sheet::{Cell, Sheet, heat_map};
use impasto::vgg19::LayerId;

use super::context::Context;
use super::file_roles::FileRoles;
use super::options::{CommonOptions, NetworkOptions};
use super::paths::{check_image_output, load_image, path, save_image};
use super::series::file_name;

/// Arguments of `impasto features`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto features photo.jpg --layer conv3_1 -o maps.png
  impasto features photo.jpg --layer conv3_1 -o maps.png --gram gram.png --maps 256

Each feature map is scaled to its own maximum, which is written below it. Row i, column j of the Gram matrix is how
strongly maps i and j are active at the same positions.")]
pub struct Features {
    /// The image that the network sees
    #[arg(value_parser = path())]
    image: PathBuf,

    /// The layer whose feature maps are drawn
    #[arg(long, value_name = "LAYER")]
    layer: LayerId,

    /// Where the sheet of feature maps goes
    #[arg(short, long, value_name = "FILE", value_parser = path())]
    output: PathBuf,

    /// Also draw the Gram matrix as a heat map
    #[arg(long, value_name = "FILE", value_parser = path())]
    gram: Option<PathBuf>,

    /// How many maps to show: those with the largest activations
    #[arg(long, value_name = "N", default_value_t = 64)]
    maps: usize,

    /// Longer side of the image in pixels, or 'full'
    #[arg(long, value_name = "N|full", default_value = "256")]
    size: Size,

    #[command(flatten)]
    network: NetworkOptions,
    #[command(flatten)]
    common: CommonOptions,
}

/// Least side of a feature map and of a Gram matrix on a sheet, in pixels.
const LEAST_MAP: u32 = 96;
const LEAST_GRAM: u32 = 448;
/// Powers of ten between the darkest and the brightest element of a Gram matrix.
const GRAM_DECADES: f32 = 4.0;

impl Features {
    pub fn run(&self) -> Result<ExitCode> {
        self.check_files()?;
        [Some(&self.output), self.gram.as_ref()]
            .into_iter()
            .flatten()
            .try_for_each(|path| check_image_output(path))?;
        let image = load_image(&self.image)?.resized(self.size)?;
        let (width, height) = (image.width(), image.height());
        check_pooling(&self.image, width, height, self.layer)?;
        let settings = LayerFeatures::settings(self.layer);
        let Context { gpu, network, .. } =
            Context::open(&self.network, &settings, (width, height), &self.common)?;
        check_fits(&gpu, &self.image, [width, height], self.layer, |size| {
            LayerFeatures::fits(&gpu, &network, self.layer, size)
        })?;
        let features = LayerFeatures::new(&gpu, &network, self.layer, &image)?;
        save_image(&self.draw_maps(&features)?, &self.output, &Encoding::default())?;
        if let Some(path) = &self.gram {
            save_image(&self.draw_gram(&features)?, path, &Encoding::default())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn check_files(&self) -> Result<()> {
        FileRoles::default()
            .reads("the image", [&self.image])
            .reads("the weights", &self.network.weights)
            .writes("--output", [&self.output])
            .writes("--gram", &self.gram)
            .check()
    }

    /// The strongest maps in a grid that is about as wide as high, in the order of the network.
    fn draw_maps(&self, features: &LayerFeatures) -> Result<Image> {
        let positions = features.shape.positions() as usize;
        let mut maps: Vec<(usize, &[f32])> = features.maps.chunks_exact(positions).enumerate().collect();
        maps.sort_by(|(_, a), (_, b)| largest(b).total_cmp(&largest(a)));
        maps.truncate(self.maps.max(1));
        maps.sort_by_key(|(index, _)| *index);
        let zoom = LEAST_MAP.div_ceil(features.shape.width.max(features.shape.height));
        let cell = |(index, map): (usize, &[f32])| {
            let image = heat_map(map, features.shape.width, zoom)?;
            Ok(Cell { label: format!("map {index}, max {}", number(largest(map).into())), image })
        };
        let cells = maps.into_iter().map(cell).collect::<Result<Vec<_>>>()?;
        let count = features.shape.channels as usize;
        let shown = match cells.len() {
            some if some < count => {
                format!("The {some} of {count} feature maps with the largest activations")
            }
            _ => format!("All {count} feature maps"),
        };
        let sheet = Sheet {
            title: format!("Feature maps of {} for {}", self.layer, file_name(&self.image)),
            note: format!("{shown}, each scaled to its own maximum."),
            bar: Some(["0".into(), "maximum".into()]),
            columns: (cells.len() as f64).sqrt().ceil() as usize,
            cells,
        };
        sheet.draw()
    }

    fn draw_gram(&self, features: &LayerFeatures) -> Result<Image> {
        let count = features.shape.channels;
        let most = largest(&features.gram);
        // A few elements are much larger than the others: only logarithms show all of them.
        let visible = |element: &f32| 1.0 + (element / most).log10() / GRAM_DECADES;
        let parts: Vec<f32> = features.gram.iter().map(visible).collect();
        let image = heat_map(&parts, count, LEAST_GRAM.div_ceil(count))?;
        let label = format!("feature maps 0 to {}, left to right and top to bottom", count - 1);
        let sheet = Sheet {
            title: format!("Gram matrix of {} for {}", self.layer, file_name(&self.image)),
            note: "How strongly two feature maps are active at the same positions, in logarithmic colours."
                .into(),
            bar: Some([f64::from(most / 10f32.powf(GRAM_DECADES)), most.into()].map(number)),
            columns: 1,
            cells: vec![Cell { label, image }],
        };
        sheet.draw()
    }
}

fn largest(numbers: &[f32]) -> f32 {
    numbers.iter().copied().fold(0.0, f32::max)
}
