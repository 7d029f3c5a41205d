//! Gram matrices of a whole image, summed over its tiles.

use std::collections::BTreeMap;

use super::Tile;
use super::content::window_of;
use super::layout::TileLayout;
use super::masks::Masks;
use super::tile_graph::{Pass, TileGraph};
use crate::error::Result;
use crate::gpu::{Gpu, Shape};
use crate::graph::Program;
use crate::objective::style_cache::Grams;
use crate::objective::term::TermWeights;
use crate::objective::{Parts, Settings, Style, Term, variable_shape};
use crate::vgg19::{LayerId, Network};

/// The Gram matrix of each style term, by layer and part, summed in double precision.
#[derive(Default)]
pub(super) struct GramSums(BTreeMap<(LayerId, usize), Vec<f64>>);

/// The derivative of the total with respect to the Gram matrix of each style term.
pub(super) type GramGradients = BTreeMap<Term, Vec<f32>>;

impl GramSums {
    /// Adds the matrices of a tile, after its forward pass. Each is a mean over the positions of the core, so it is
    /// weighted by the core's share of the image. `image` is the shape of the variable.
    pub fn add(
        &mut self,
        gpu: &Gpu,
        graph: &TileGraph,
        program: &Program,
        tile: &Tile,
        image: Shape,
    ) -> Result<()> {
        let (keys, tensors): (Vec<_>, Vec<_>) =
            graph.grams().map(|(layer, part, node)| ((layer, part), program.value(node))).unzip();
        for ((layer, part), gram) in keys.into_iter().zip(gpu.read_all(&tensors)?) {
            let share = tile.share_of(layer, image);
            let sum = self.0.entry((layer, part)).or_insert_with(|| vec![0.0; gram.len()]);
            sum.iter_mut().zip(gram).for_each(|(sum, value)| *sum += share * f64::from(value));
        }
        Ok(())
    }

    /// The mean squared error of each matrix against its target. `targets` has an entry for each part of the style
    /// term.
    pub fn errors<'a>(&'a self, targets: &'a [Grams]) -> impl Iterator<Item = (Term, f64)> + 'a {
        self.with_targets(targets).map(|(term, gram, target)| {
            let squares = gram.iter().zip(target).map(|(g, a)| (g - f64::from(*a)).powi(2));
            (term, squares.sum::<f64>() / gram.len() as f64)
        })
    }

    /// The derivative of the total with respect to each matrix.
    pub fn gradients(&self, targets: &[Grams], weights: &TermWeights) -> GramGradients {
        let gradients = self.with_targets(targets).map(|(term, gram, target)| {
            let factor = 2.0 * f64::from(weights.weight(term)) / gram.len() as f64;
            let gradient = gram.iter().zip(target).map(|(g, a)| (factor * (g - f64::from(*a))) as f32);
            (term, gradient.collect())
        });
        gradients.collect()
    }

    fn with_targets<'a>(
        &'a self,
        targets: &'a [Grams],
    ) -> impl Iterator<Item = (Term, &'a [f64], &'a [f32])> {
        self.0.iter().map(|((layer, part), gram)| {
            let term = Term::Style { layer: *layer, part: *part };
            (term, &gram[..], &targets[*part][layer][..])
        })
    }
}

/// The Gram matrices of a style image or of its part, computed in tiles with cores of at most `core` pixels on a side.
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu), [`Error::TooLarge`](crate::Error::TooLarge) or
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if a tensor cannot be allocated or a kernel cannot be compiled.
pub(in crate::objective) fn gram_matrices(
    gpu: &Gpu,
    network: &Network,
    settings: &Settings,
    Style { image, image_region, .. }: &Style,
    core: u32,
) -> Result<Grams> {
    let (settings, parts) = (settings.style_alone(), Parts::within(image_region.clone()));
    let size = [image.width(), image.height()];
    let shape = variable_shape(size[0], size[1]);
    let layout = TileLayout::new(gpu, network, &settings, &parts, size, core.into())?;
    let workspace = layout.workspace(gpu)?;
    let programs = layout.compile(gpu, Pass::Grams, &workspace)?;
    let masks = Masks::new(&settings, &parts, shape)?;
    let mut sums = GramSums::default();
    for (tile, graph) in &layout.tiles {
        let (graph, program) = (&layout.graphs[*graph], &programs[*graph]);
        gpu.write(&graph.x(&workspace), &window_of(image, &tile.window)?);
        masks.write(gpu, tile, &graph.constants(&workspace));
        gpu.submit(&[&program.forward])?;
        sums.add(gpu, graph, program, tile, shape)?;
    }
    let single = |gram: Vec<f64>| gram.into_iter().map(|value| value as f32).collect();
    Ok(sums.0.into_iter().map(|((layer, _), gram)| (layer, single(gram))).collect())
}
