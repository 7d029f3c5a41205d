//! The tiled objective: its set-up and its evaluation.

use std::collections::BTreeMap;

use super::content::Content;
use super::gram_sums::{GramGradients, GramSums, gram_matrices};
use super::layout::{TileLayout, Tiling, Workspace};
use super::masks::Masks;
use super::tile_graph::Pass;
use super::variation::total_variation;
use crate::error::{Error, Result, Setting};
use crate::gpu::{Gpu, Shape};
use crate::graph::{NotFinite, Program};
use crate::objective::loss_terms::Constant;
use crate::objective::style_cache::Grams;
use crate::objective::term::TermWeights;
use crate::objective::tone::ToneTarget;
use crate::objective::{
    GradientNormalization, Losses, Parts, Scene, Settings, StyleCache, Term, variable_shape,
};
use crate::vgg19::{LayerId, Network};

/// The objective in tiles, for images of one size.
pub struct TiledObjective {
    pub(super) gpu: Gpu,
    weights: TermWeights,
    /// Shape of the variable.
    shape: Shape,
    pub(super) layout: TileLayout,
    pub(super) workspace: Workspace,
    /// The Gram pass and the gradient pass of each graph of the layout.
    gram_programs: Vec<Program>,
    gradient_programs: Vec<Program>,
    /// Target Gram matrices of each part of the style term.
    targets: Vec<Grams>,
    content: Content,
    tone: Option<ToneTarget>,
    pub(super) masks: Masks,
}

impl TiledObjective {
    /// Computes the targets of content and styles, in tiles as well, and records the passes.
    ///
    /// # Errors
    /// As [`Settings::check`]; [`Error::Setting`](crate::Error::Setting) for gradients brought to an L1 norm;
    /// [`Error::Usage`](crate::Error::Usage) without a style of a weight above 0;
    /// [`Error::Gpu`](crate::Error::Gpu), [`Error::TooLarge`](crate::Error::TooLarge) or
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if a tensor cannot be allocated or a kernel cannot be compiled.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        scene: &Scene,
        tiling: Tiling,
        cache: &StyleCache,
    ) -> Result<Self> {
        settings.check()?;
        if settings.normalization == GradientNormalization::L1 {
            let problem = "the norm of a gradient is known only for a whole image, not in tiles";
            return Err(Error::setting(Setting::NormalizeGradients, problem));
        }
        let parts = Parts::of(scene.styles, scene.content_region)?;
        let targets = parts.blends(scene.styles, |style| {
            let layers = settings.style_layers.layers().collect();
            let core = tiling.core;
            cache.grams(layers, Some(core), style, || gram_matrices(gpu, network, settings, style, core))
        })?;
        let size = [scene.content.width(), scene.content.height()];
        let shape = variable_shape(size[0], size[1]);
        let layout = TileLayout::new(gpu, network, settings, &parts, size, tiling)?;
        let workspace = layout.workspace(gpu)?;
        let mut objective = Self {
            gpu: gpu.clone(),
            weights: TermWeights::new(settings, &parts, shape),
            shape,
            gram_programs: layout.compile(gpu, Pass::Grams, &workspace)?,
            gradient_programs: layout.compile(gpu, Pass::Gradient, &workspace)?,
            layout,
            workspace,
            targets,
            content: Content::Kept(vec![]),
            tone: ToneTarget::new(settings, scene)?,
            masks: Masks::new(settings, &parts, shape)?,
        };
        objective.content = objective.content_features(scene.content, tiling.content)?;
        Ok(objective)
    }

    /// Shape of the variable.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many tiles the image is cut into.
    pub fn tiles(&self) -> usize {
        self.layout.count()
    }

    /// The losses at `x`, and their gradient, both in `[3][height][width]` order. Waits for the device.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn evaluate(&self, x: &[f32]) -> Result<(Losses, Vec<f32>)> {
        let grams = self.grams(x)?;
        let gram_gradients = grams.gradients(&self.targets, &self.weights);
        let (mut gradient, mut terms) = self.gradient(x, &gram_gradients)?;
        terms.extend(grams.errors(&self.targets));
        let tv_weight = self.weights.weight(Term::TotalVariation);
        terms.insert(Term::TotalVariation, total_variation(x, self.size(), tv_weight, &mut gradient));
        if let Some(tone) = &self.tone {
            terms.insert(Term::Tone, tone.error(x, self.weights.weight(Term::Tone), &mut gradient));
        }
        Ok((Losses::new(&self.weights, &terms), gradient))
    }

    fn size(&self) -> [u32; 2] {
        [self.shape.width, self.shape.height]
    }

    /// The first pass: the Gram matrices of the whole image.
    fn grams(&self, x: &[f32]) -> Result<GramSums> {
        let mut sums = GramSums::default();
        for (tile, index) in &self.layout.tiles {
            let (graph, program) = (&self.layout.graphs[*index], &self.gram_programs[*index]);
            self.gpu.write(&graph.x(&self.workspace), &tile.window.cut(x, self.size()));
            self.masks.write(&self.gpu, tile, &graph.constants(&self.workspace));
            self.gpu.submit(&[&program.forward])?;
            sums.add(&self.gpu, graph, program, tile, self.shape)?;
        }
        Ok(sums)
    }

    /// The second pass: the gradient of all terms but tone and total variation, and the content terms.
    fn gradient(&self, x: &[f32], gram_gradients: &GramGradients) -> Result<(Vec<f32>, BTreeMap<Term, f64>)> {
        let (mut gradient, mut terms) = (vec![0.0; x.len()], BTreeMap::new());
        for (i, (tile, index)) in self.layout.tiles.iter().enumerate() {
            let (graph, program) = (&self.layout.graphs[*index], &self.gradient_programs[*index]);
            self.prepare_gradient(i, x, gram_gradients)?;
            self.gpu.submit(&[&program.forward, &program.backward])?;
            let (layers, mut tensors): (Vec<_>, Vec<_>) =
                graph.content_errors().map(|(layer, node)| (layer, program.value(node))).unzip();
            tensors.extend(program.gradient());
            let mut results = self.gpu.read_all(&tensors)?.into_iter();
            for (layer, error) in layers.into_iter().zip(&mut results) {
                let error = f64::from(error[0]) * tile.share_of(layer, self.shape);
                *terms.entry(Term::Content(layer)).or_insert(0.0) += error;
            }
            results.for_each(|window| tile.window.add(&window, &mut gradient, self.size()));
        }
        Ok((gradient, terms))
    }

    /// Writes everything that the second pass over a tile reads.
    fn prepare_gradient(&self, i: usize, x: &[f32], gram_gradients: &GramGradients) -> Result<()> {
        // First, because it may compute the features in the memory that the rest is written to.
        let features = self.content.of_tile(self, i)?;
        let (tile, index) = &self.layout.tiles[i];
        let (graph, program) = (&self.layout.graphs[*index], &self.gradient_programs[*index]);
        let constants = graph.constants(&self.workspace);
        self.gpu.write(&graph.x(&self.workspace), &tile.window.cut(x, self.size()));
        self.masks.write(&self.gpu, tile, &constants);
        for (constant, tensor) in &constants {
            if let Constant::Content(layer) = constant {
                self.gpu.write(tensor, &features[layer]);
            }
        }
        for (term, seed) in graph.differentiated.iter().zip(program.seeds()) {
            let share = |layer: LayerId| tile.share_of(layer, self.shape) as f32;
            match *term {
                // The error of the whole image is the mean of the tiles' errors, weighted by their shares.
                Term::Content(layer) => self.gpu.write(seed, &[self.weights.weight(*term) * share(layer)]),
                Term::Style { layer, .. } => {
                    let gradient = gram_gradients[term].iter().map(|gradient| share(layer) * gradient);
                    self.gpu.write(seed, &gradient.collect::<Vec<_>>());
                }
                Term::Total | Term::Tone | Term::TotalVariation => {}
            }
        }
        Ok(())
    }

    /// The first operation whose result at `x` is not finite: see [`Program::first_not_finite`].
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn first_not_finite(&self, x: &[f32]) -> Result<Option<NotFinite>> {
        let gram_gradients = self.grams(x)?.gradients(&self.targets, &self.weights);
        for (i, (_, graph)) in self.layout.tiles.iter().enumerate() {
            self.prepare_gradient(i, x, &gram_gradients)?;
            if let Some(found) = self.gradient_programs[*graph].first_not_finite(&self.gpu)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl std::fmt::Debug for TiledObjective {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TiledObjective").field("shape", &self.shape).field("tiles", &self.tiles()).finish()
    }
}
