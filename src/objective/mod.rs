//! The objective: which pictures are wanted, as one number and its gradient.

mod layer_features;
mod limits;
mod loss_graph;
mod losses;
mod memory_estimate;
mod parts;
mod region;
mod scaling;
mod settings;
mod style_cache;
mod targets;
mod tiled;

pub use layer_features::LayerFeatures;
pub use limits::{check_fits, check_pooling};
pub use losses::Losses;
pub use memory_estimate::MemoryEstimate;
pub use parts::Parts;
pub use region::Region;
pub use scaling::Scaling;
pub use settings::{LayerWeights, Settings, parse_weight};
pub use style_cache::StyleCache;
pub use targets::{Style, Targets};
pub use tiled::{Area, Scene, Tile, TileLayout, TiledObjective, Tiling, halo, tiles};

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Shape, Tensor, Use};
use crate::graph::{Activations, NodeId, Program};
use crate::image_io::Image;
use crate::vgg19::Network;
use crate::vgg19::weights::BGR_MEAN;
use loss_graph::LossGraph;

/// The objective on a device, for pictures of one size: submit `program.forward`, then
/// `program.backward`, to have the losses and the gradient at `x`.
#[derive(Debug)]
pub struct Objective {
    settings: Settings,
    x: Tensor,
    program: Program,
    /// The total, the content terms, the style terms, the total variation.
    terms: Vec<NodeId>,
    gradient: Tensor,
    /// Part of each style term of a layer.
    shares: Vec<f32>,
}

impl Objective {
    /// What the graph calls the picture.
    pub const VARIABLE: &str = "x";

    /// Builds the graph, plans its memory and records both passes. `x` starts as zeros: grey.
    ///
    /// # Errors
    /// As [`Settings::check`]; [`Error::Gpu`] or [`Error::TooLarge`] when memory or a kernel cannot
    /// be had.
    pub fn new(gpu: &Gpu, network: &Network, settings: &Settings, targets: &Targets) -> Result<Self> {
        Self::with(gpu, network, settings, targets, Activations::Kept)
    }

    /// The same with a choice of what becomes of activations until the backward pass.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        targets: &Targets,
        activations: Activations,
    ) -> Result<Self> {
        settings.check()?;
        let (shape, parts) = (targets.shape(), targets.parts());
        let x = gpu.upload(shape, &vec![0.0; shape.len()], Use::Optimizer, "x")?;
        let losses = LossGraph::new(gpu, network, settings, parts, shape)?;
        let mut leaves = vec![(losses.x, x.clone())];
        for (node, constant) in &losses.constants {
            leaves.push((*node, targets.constant(gpu, *constant)?));
        }
        let program = losses.graph.compile(gpu, &losses.plan(activations), &leaves)?;
        let gradient = program
            .gradient()
            .cloned()
            .ok_or_else(|| Error::gpu("the objective", "the graph has no gradient"))?;
        let (settings, terms, shares) = (settings.clone(), losses.terms, parts.shares());
        Ok(Self { settings, x, program, terms, gradient, shares })
    }

    /// The picture at which to evaluate: planar `[3, h, w]`, B, G, R in 0..255 minus the mean.
    pub fn x(&self) -> &Tensor {
        &self.x
    }

    /// The recorded passes.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// d total / d x, of the shape of `x`, after a backward pass.
    pub fn gradient(&self) -> &Tensor {
        &self.gradient
    }

    /// The total loss, after a forward pass.
    pub fn total(&self) -> &Tensor {
        self.program.value(self.terms[0])
    }

    /// The tensors, one number each, that [`losses`](Self::losses) takes.
    pub fn terms(&self) -> Vec<&Tensor> {
        self.terms.iter().map(|term| self.program.value(*term)).collect()
    }

    /// The losses from the first number of each of [`terms`](Self::terms).
    pub fn losses(&self, numbers: &[f32]) -> Losses {
        Losses::from_device(&self.settings, &self.shares, self.x.shape(), numbers)
    }

    /// Evaluates the loss and its gradient once, waiting for both; the gradient is in
    /// [`gradient`](Self::gradient).
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn evaluate(&self, gpu: &Gpu) -> Result<Losses> {
        gpu.submit(&[&self.program.forward, &self.program.backward])?;
        let numbers =
            self.terms().into_iter().map(|term| Ok(gpu.read(term)?[0])).collect::<Result<Vec<_>>>()?;
        Ok(self.losses(&numbers))
    }
}

/// Shape of the variable for a picture of this size.
pub fn variable_shape(width: u32, height: u32) -> Shape {
    Shape::planar(3, height, width)
}

/// A picture as the variable: planar B, G, R in 0..255 minus the mean.
pub fn to_variable(image: &Image) -> Vec<f32> {
    let plane = |c: usize| image.pixels().chunks_exact(3).map(move |rgb| rgb[2 - c] - BGR_MEAN[c]);
    (0..3).flat_map(plane).collect()
}

/// Brings a variable, `[3][height][width]` as [`to_variable`] has it, into the range of what a picture can show:
/// 0 to 255 before the mean colour is taken off.
pub fn clamp_to_displayable(x: &mut [f32]) {
    for (plane, mean) in x.chunks_exact_mut(x.len().max(3) / 3).zip(BGR_MEAN) {
        plane.iter_mut().for_each(|value| *value = value.clamp(-mean, 255.0 - mean));
    }
}

/// The variable as a picture, values clamped to 0..=255.
///
/// # Errors
/// [`Error::Image`] if a value is NaN or infinite.
pub fn to_image(x: &[f32], width: u32, height: u32) -> Result<Image> {
    let n = width as usize * height as usize;
    let rgb = (0..n).flat_map(|p| [2, 1, 0].map(|c| x[c * n + p] + BGR_MEAN[c])).collect();
    Image::from_rgb(width, height, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_survive_the_way_to_the_variable_and_back() {
        let rgb: Vec<f32> = (0..18).map(|v| v as f32 * 10.0).collect();
        let image = Image::from_rgb(3, 2, rgb.clone()).unwrap();
        let x = to_variable(&image);
        // The first plane is blue.
        assert_eq!(x[0], 20.0 - BGR_MEAN[0]);
        let back = to_image(&x, 3, 2).unwrap();
        for (got, want) in back.pixels().iter().zip(rgb) {
            assert!((got - want).abs() < 1e-4);
        }
    }
}
