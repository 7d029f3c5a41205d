//! `impasto features`: what a layer sees.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::image_io::{Image, Size, check_output};
use impasto::objective::{LayerFeatures, check_fits, check_pooling};
use impasto::sheet::{Cell, heat_map, sheet};
use impasto::vgg19::LayerId;

use super::context::Context;
use super::options::{CommonOptions, NetworkOptions};

/// Arguments of `impasto features`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto features photo.jpg --layer conv3_1 -o maps.png
  impasto features photo.jpg --layer conv3_1 -o maps.png --gram gram.png --maps 256

Each map is as bright as its own largest number, which stands beside its index. In the Gram matrix row i,
column j is how strongly maps i and j answer together.")]
pub struct Features {
    /// The image to look at
    image: PathBuf,

    /// The layer whose feature maps are shown
    #[arg(long, value_name = "LAYER")]
    layer: LayerId,

    /// Where the sheet of feature maps goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Also draw the Gram matrix as a heat map
    #[arg(long, value_name = "FILE")]
    gram: Option<PathBuf>,

    /// How many maps to show: those with the largest numbers
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

/// A map or matrix is drawn at least this large.
const LEAST_SIDE: u32 = 96;

impl Features {
    pub fn run(&self) -> Result<ExitCode> {
        [Some(&self.output), self.gram.as_ref()].into_iter().flatten().try_for_each(check_output)?;
        let image = Image::load(&self.image)?.resized(self.size)?;
        let (width, height) = (image.width(), image.height());
        check_pooling(&self.image, width, height, self.layer)?;
        let settings = LayerFeatures::settings(self.layer);
        let Context { gpu, network, .. } =
            Context::open(&self.network, &settings, (width, height), &self.common)?;
        check_fits(&gpu, &self.image, [width, height], self.layer, |size| {
            LayerFeatures::fits(&gpu, &network, self.layer, size)
        })?;
        let layer_features = LayerFeatures::at(&gpu, &network, self.layer, &image)?;
        self.draw_maps(&layer_features)?.save(&self.output)?;
        if let Some(path) = &self.gram {
            let zoom = LEAST_SIDE.div_ceil(layer_features.shape.channels);
            heat_map(&layer_features.gram, layer_features.shape.channels, zoom)?.save(path)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The strongest maps in a grid that is about as wide as high, in the order of the network.
    fn draw_maps(&self, layer_features: &LayerFeatures) -> Result<Image> {
        let positions = layer_features.shape.positions() as usize;
        let peak = |map: &[f32]| map.iter().copied().fold(0.0, f32::max);
        let mut maps: Vec<(usize, &[f32])> =
            layer_features.maps.chunks_exact(positions).enumerate().collect();
        maps.sort_by(|(_, a), (_, b)| peak(b).total_cmp(&peak(a)));
        maps.truncate(self.maps.max(1));
        maps.sort_by_key(|(index, _)| *index);
        let zoom = LEAST_SIDE.div_ceil(layer_features.shape.width.max(layer_features.shape.height));
        let cell = |(index, map): (usize, &[f32])| {
            let image = heat_map(map, layer_features.shape.width, zoom)?;
            Ok(Cell { label: format!("{index}: {:.3}", peak(map)), image })
        };
        let cells = maps.into_iter().map(cell).collect::<Result<Vec<_>>>()?;
        sheet(&cells, (cells.len() as f64).sqrt().ceil() as usize)
    }
}
