//! The objective of a picture larger than the device's memory, by exact tiles.
//!
//! Style is a property of the whole picture: the gradient at a pixel depends on Gram matrices that every other
//! pixel has a part in. So an evaluation goes over the tiles twice.
//!
//! 1. Each tile's Gram matrices of its core are added up. What comes out are those of the whole picture, and with
//!    them the style term and its derivative by each Gram matrix.
//! 2. Each tile computes its features once more, pushes these derivatives and those of its content term back to
//!    the pixels of its window, and adds what arrives there to the gradient of the picture.
//!
//! As the cores share out every layer, nothing is counted twice or left out: losses and gradient are those of
//! the whole picture up to rounding. On the device lies no more than one tile. The picture and its gradient
//! are in the host's memory, as are the content's features where there is room for them.

mod content;
mod geometry;
mod layout;
mod variation;

pub use geometry::{Area, Tile, halo, tiles};
pub use layout::{TileLayout, Tiling};

use std::collections::BTreeMap;

use super::loss_graph::Constant;
use super::style_cache::Grams;
use super::{Losses, Parts, Settings, Style, StyleCache, variable_shape};
use crate::error::Result;
use crate::gpu::{Gpu, Shape, Tensor};
use crate::graph::{NotFinite, Program};
use crate::image_io::Image;
use crate::vgg19::{LayerId, Network, activation_shape};
use content::{Content, window_of};
use layout::{Kind, Pass, Term, Workspace};
use variation::total_variation;

/// The objective in tiles, for pictures of one size.
pub struct TiledObjective {
    gpu: Gpu,
    settings: Settings,
    parts: Parts,
    shape: Shape,
    layout: TileLayout,
    workspace: Workspace,
    /// Both passes, of each kind of tile.
    programs: Vec<[Program; 2]>,
    /// What each part of the style term asks for.
    goals: Vec<Grams>,
    content: Content,
    masks: Masks,
}

impl TiledObjective {
    /// Looks at the content and the styles, in tiles as well, and records the passes.
    ///
    /// # Errors
    /// As [`Settings::check`]; [`Error::Usage`](crate::Error::Usage) without a style of a weight above 0; [`Error::Gpu`](crate::Error::Gpu) or
    /// [`Error::TooLarge`](crate::Error::TooLarge) when memory or a kernel cannot be had.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        scene: &Scene,
        tiling: Tiling,
        memory: &StyleCache,
    ) -> Result<Self> {
        settings.check()?;
        let parts = Parts::of(scene.styles, scene.content_region)?;
        let goals = parts.blends(scene.styles, |image| {
            let layers = settings.style_layers.layers().collect();
            let core = tiling.core;
            memory.grams(layers, Some(core), image, || gram_matrices(gpu, network, settings, image, core))
        })?;
        let size = [scene.content.width(), scene.content.height()];
        let shape = variable_shape(size[0], size[1]);
        let layout = TileLayout::new(gpu, network, settings, &parts, size, tiling)?;
        let workspace = layout.workspace(gpu)?;
        let masks = Masks::new(settings, &parts, size)?;
        let passes = |kind: &Kind| {
            let compile = |pass| kind.compile(gpu, pass, &workspace);
            Ok([compile(Pass::Grams)?, compile(Pass::Gradient)?])
        };
        let programs = layout.kinds.iter().map(passes).collect::<Result<_>>()?;
        let mut objective = Self {
            gpu: gpu.clone(),
            settings: settings.clone(),
            parts,
            shape,
            layout,
            workspace,
            programs,
            goals,
            content: Content::Kept(vec![]),
            masks,
        };
        objective.content = objective.look_at_content(scene.content, tiling.content)?;
        Ok(objective)
    }

    /// Shape of the variable.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many tiles the picture is cut into.
    pub fn tiles(&self) -> usize {
        self.layout.count()
    }

    /// The losses at `x`, and their gradient, both in `[3][height][width]` order. Waits for the device.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn evaluate(&self, x: &[f32]) -> Result<(Losses, Vec<f32>)> {
        let grams = self.grams(x)?;
        let (mut gradient, content) = self.gradient(x, &grams)?;
        let weight = self.settings.tv_weight;
        let tv = total_variation(x, self.size(), weight, &mut gradient);
        let style = |layer: LayerId| {
            let of_part = |part: usize| mean_square(&grams[&(layer, part)], &self.goals[part][&layer]);
            (0..self.parts.styles.len()).map(of_part).collect::<Vec<_>>()
        };
        let (settings, shares) = (&self.settings, self.parts.shares());
        let contents = settings.content_layers.layers().map(|layer| content[&layer]);
        let styles = settings.style_layers.layers().flat_map(style);
        let numbers: Vec<f64> = contents.chain(styles).chain([tv]).collect();
        Ok((Losses::of_terms(settings, &shares, self.shape, &numbers), gradient))
    }

    fn size(&self) -> [u32; 2] {
        [self.shape.width, self.shape.height]
    }

    fn features(&self, layer: LayerId) -> Shape {
        activation_shape(layer, self.shape.width, self.shape.height)
    }

    /// The Gram matrices of the whole picture.
    fn grams(&self, x: &[f32]) -> Result<Sums> {
        let mut sums = Sums::new();
        for (tile, kind) in &self.layout.tiles {
            let (kind, program) = (&self.layout.kinds[*kind], &self.programs[*kind][0]);
            self.gpu.write(&kind.x(&self.workspace), &tile.window.cut(x, self.size()));
            self.give_masks(kind, tile);
            self.gpu.submit(&[&program.forward])?;
            add_grams(&self.gpu, kind, tile, program, self.shape, &mut sums)?;
        }
        Ok(sums)
    }

    /// The gradient of all terms but the total variation, and the content terms, once the Gram matrices of the
    /// whole picture are known.
    fn gradient(&self, x: &[f32], grams: &Sums) -> Result<(Vec<f32>, BTreeMap<LayerId, f64>)> {
        let (mut gradient, mut content) = (vec![0.0; x.len()], BTreeMap::new());
        let gram_gradients = self.gram_gradients(grams);
        for (i, (tile, kind)) in self.layout.tiles.iter().enumerate() {
            let (kind, program) = (&self.layout.kinds[*kind], &self.programs[*kind][1]);
            self.prepare(i, x, &gram_gradients)?;
            self.gpu.submit(&[&program.forward, &program.backward])?;
            let errors = kind.terms.iter().filter_map(|(node, term)| match *term {
                Term::Content(layer) => Some((layer, program.value(*node))),
                Term::Gram(..) => None,
            });
            let (layers, mut tensors): (Vec<_>, Vec<_>) = errors.unzip();
            tensors.extend(program.gradient());
            let mut numbers = self.gpu.read_all(&tensors)?.into_iter();
            for (layer, error) in layers.into_iter().zip(&mut numbers) {
                *content.entry(layer).or_insert(0.0) += f64::from(error[0]) * self.part_of(tile, layer);
            }
            numbers.for_each(|part| tile.window.add(&part, &mut gradient, self.size()));
        }
        Ok((gradient, content))
    }

    /// Writes all that the second pass over a tile reads.
    fn prepare(&self, i: usize, x: &[f32], gram_gradients: &GramGradients) -> Result<()> {
        let recomputed;
        let content = match &self.content {
            Content::Kept(tiles) => tiles.get(i),
            // First, since it works in the same memory.
            Content::Recomputed { image, programs } => {
                recomputed = self.features_of(i, image, programs)?;
                Some(&recomputed)
            }
        };
        let (tile, kind) = &self.layout.tiles[i];
        let (kind, program) = (&self.layout.kinds[*kind], &self.programs[*kind][1]);
        self.gpu.write(&kind.x(&self.workspace), &tile.window.cut(x, self.size()));
        self.give_masks(kind, tile);
        for (constant, tensor) in kind.constants(&self.workspace) {
            if let Constant::Content(layer) = constant {
                content.iter().for_each(|features| self.gpu.write(&tensor, &features[&layer]));
            }
        }
        for ((_, term), seed) in kind.counted.iter().zip(program.seeds()) {
            self.gpu.write(seed, &self.seed(*term, tile, gram_gradients));
        }
        Ok(())
    }

    /// Where the numbers first stop being finite at `x`: see [`Program::first_not_finite`].
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn first_not_finite(&self, x: &[f32]) -> Result<Option<NotFinite>> {
        let gram_gradients = self.gram_gradients(&self.grams(x)?);
        for (i, (_, kind)) in self.layout.tiles.iter().enumerate() {
            self.prepare(i, x, &gram_gradients)?;
            if let Some(found) = self.programs[*kind][1].first_not_finite(&self.gpu)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The derivative of the total by each Gram matrix of the whole picture.
    fn gram_gradients(&self, grams: &Sums) -> GramGradients {
        let settings = &self.settings;
        let mut gram_gradients = BTreeMap::new();
        for (layer, weight) in settings.style_layers.iter() {
            let scale = settings.style_weight * weight * settings.scaling.style(self.features(layer));
            for (i, part) in self.parts.styles.iter().enumerate() {
                let (gram, goal) = (&grams[&(layer, i)], &self.goals[i][&layer]);
                let factor = 2.0 * f64::from(scale * part.share) / gram.len() as f64;
                let pull = gram.iter().zip(goal).map(|(g, a)| (factor * (g - f64::from(*a))) as f32);
                gram_gradients.insert((layer, i), pull.collect());
            }
        }
        gram_gradients
    }

    /// The derivative of the total by a term of one tile: the term of the whole is the mean of the tiles', by
    /// their numbers of positions.
    fn seed(&self, term: Term, tile: &Tile, gram_gradients: &GramGradients) -> Vec<f32> {
        let settings = &self.settings;
        match term {
            Term::Content(layer) => {
                let weight =
                    settings.content_layers.weight(layer) * settings.scaling.content(self.features(layer));
                vec![settings.content_weight * weight * self.part_of(tile, layer) as f32]
            }
            Term::Gram(layer, part) => {
                let share = self.part_of(tile, layer) as f32;
                gram_gradients[&(layer, part)].iter().map(|pull| share * pull).collect()
            }
        }
    }

    /// The core's part of all positions of a layer.
    fn part_of(&self, tile: &Tile, layer: LayerId) -> f64 {
        tile.core.at(layer).positions() as f64 / f64::from(self.features(layer).positions())
    }

    fn give_masks(&self, kind: &Kind, tile: &Tile) {
        for (constant, tensor) in kind.constants(&self.workspace) {
            self.masks.give(&self.gpu, constant, tile, self.shape, &tensor);
        }
    }
}

impl std::fmt::Debug for TiledObjective {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TiledObjective").field("shape", &self.shape).field("tiles", &self.tiles()).finish()
    }
}

/// What an objective is made from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the picture is to show.
    pub content: &'a Image,
    /// How it is to be painted.
    pub styles: &'a [Style],
    /// Where the content counts; `None` is everywhere.
    pub content_region: Option<&'a super::Region>,
}

/// Gram matrices by layer and part of the style term, added up in double precision.
type Sums = BTreeMap<(LayerId, usize), Vec<f64>>;

/// The derivative of the total by each of them.
type GramGradients = BTreeMap<(LayerId, usize), Vec<f32>>;

/// Adds a tile's part of the Gram matrices: each is a mean over positions, of the core's alone.
fn add_grams(
    gpu: &Gpu,
    kind: &Kind,
    tile: &Tile,
    program: &Program,
    image: Shape,
    sums: &mut Sums,
) -> Result<()> {
    let grams = kind.terms.iter().filter_map(|(node, term)| match *term {
        Term::Gram(layer, part) => Some((layer, part, program.value(*node))),
        Term::Content(_) => None,
    });
    let (keys, tensors): (Vec<_>, Vec<_>) = grams.map(|(layer, part, gram)| ((layer, part), gram)).unzip();
    for ((layer, part), gram) in keys.into_iter().zip(gpu.read_all(&tensors)?) {
        let all = activation_shape(layer, image.width, image.height).positions();
        let share = tile.core.at(layer).positions() as f64 / f64::from(all);
        let sum = sums.entry((layer, part)).or_insert_with(|| vec![0.0; gram.len()]);
        sum.iter_mut().zip(gram).for_each(|(sum, value)| *sum += share * f64::from(value));
    }
    Ok(())
}

/// The Gram matrices of a style image, tile by tile.
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when memory or a kernel cannot be had.
pub(super) fn gram_matrices(
    gpu: &Gpu,
    network: &Network,
    settings: &Settings,
    image: &Image,
    core: u32,
) -> Result<Grams> {
    let (settings, parts) = (settings.style_alone(), Parts::everywhere());
    let size = [image.width(), image.height()];
    let shape = variable_shape(size[0], size[1]);
    let layout = TileLayout::new(gpu, network, &settings, &parts, size, core.into())?;
    let workspace = layout.workspace(gpu)?;
    let compile = |kind: &Kind| kind.compile(gpu, Pass::Grams, &workspace);
    let programs = layout.kinds.iter().map(compile).collect::<Result<Vec<_>>>()?;
    let mut sums = Sums::new();
    for (tile, kind) in &layout.tiles {
        let (kind, program) = (&layout.kinds[*kind], &programs[*kind]);
        gpu.write(&kind.x(&workspace), &window_of(image, &tile.window)?);
        gpu.submit(&[&program.forward])?;
        add_grams(gpu, kind, tile, program, shape, &mut sums)?;
    }
    let single = |gram: Vec<f64>| gram.into_iter().map(|value| value as f32).collect();
    Ok(sums.into_iter().map(|((layer, _), gram)| (layer, single(gram))).collect())
}

fn mean_square(gram: &[f64], goal: &[f32]) -> f64 {
    gram.iter().zip(goal).map(|(g, a)| (g - f64::from(*a)).powi(2)).sum::<f64>() / gram.len() as f64
}

/// The masks of regions for whole layers.
struct Masks(Vec<(Constant, LayerId, Vec<f32>)>);

impl Masks {
    fn new(settings: &Settings, parts: &Parts, size: [u32; 2]) -> Result<Self> {
        let features = |layer| activation_shape(layer, size[0], size[1]);
        let mut masks = vec![];
        for layer in settings.content_layers.layers() {
            let mask = parts.content_mask(features(layer))?;
            masks.extend(mask.map(|mask| (Constant::ContentMask(layer), layer, mask)));
        }
        for layer in settings.style_layers.layers() {
            for part in 0..parts.styles.len() {
                let mask = parts.style_mask(part, features(layer))?;
                masks.extend(mask.map(|mask| (Constant::StyleMask(layer, part), layer, mask)));
            }
        }
        Ok(Self(masks))
    }

    /// Writes the core's part of a mask to the tensor that stands for it.
    fn give(&self, gpu: &Gpu, constant: Constant, tile: &Tile, image: Shape, tensor: &Tensor) {
        let Some((_, layer, mask)) = self.0.iter().find(|(of, ..)| *of == constant) else { return };
        let all = activation_shape(*layer, image.width, image.height);
        gpu.write(tensor, &tile.core.at(*layer).cut(mask, [all.width, all.height]));
    }
}
