//! The activations and the Gram matrix of one layer for an image, to be shown.

use crate::error::Result;
use crate::gpu::{Gpu, Shape, Use};
use crate::graph::{ArenaSize, Graph, MemoryPlan, NodeId, Request};
use crate::image_io::Image;
use crate::objective::{LayerWeights, Settings, to_variable, variable_shape};
use crate::ops::Gram;
use crate::ops::variants::TunedOp;
use crate::vgg19::{LayerId, Network};

/// The features of a layer for one image.
#[derive(Debug, Clone)]
pub struct LayerFeatures {
    /// Feature maps, rows and columns.
    pub shape: Shape,
    /// The activations after the ReLU, `[maps][rows][columns]`.
    pub maps: Vec<f32>,
    /// The Gram matrix, `[maps][maps]`.
    pub gram: Vec<f32>,
}

impl LayerFeatures {
    /// Whether each tensor of [`LayerFeatures::new`] is within the limits of the device, for an image of this width and
    /// height.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if a kernel cannot be compiled.
    pub fn fits(gpu: &Gpu, network: &Network, layer: LayerId, size: [u32; 2]) -> Result<bool> {
        let plan = LayerGraph::new(gpu, network, layer, size)?.plan();
        Ok(ArenaSize::of([&plan]).fits(gpu))
    }

    /// Settings whose only layer is this one: the part of the network that is needed.
    pub fn settings(layer: LayerId) -> Settings {
        let one = LayerWeights::one(layer);
        Settings { content_layers: one.clone(), style_layers: one, ..Settings::default() }
    }

    /// Runs the network on an image up to `layer`.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu), [`Error::TooLarge`](crate::Error::TooLarge) or
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if a tensor cannot be allocated or a kernel cannot be compiled.
    pub fn new(gpu: &Gpu, network: &Network, layer: LayerId, image: &Image) -> Result<Self> {
        let size = [image.width(), image.height()];
        let layer_graph = LayerGraph::new(gpu, network, layer, size)?;
        let LayerGraph { graph, x, maps, gram } = &layer_graph;
        let input = gpu.upload(graph.shape(*x), &to_variable(image), Use::Activations, "image")?;
        let program = graph.compile(gpu, &layer_graph.plan(), &[(*x, input)])?;
        gpu.submit(&[&program.forward])?;
        let read = |node: NodeId| gpu.read(program.value(node));
        Ok(Self { shape: graph.shape(*maps), maps: read(*maps)?, gram: read(*gram)? })
    }
}

/// The network up to a layer, and the layer's Gram matrix.
struct LayerGraph {
    graph: Graph,
    /// The image.
    x: NodeId,
    maps: NodeId,
    gram: NodeId,
}

impl LayerGraph {
    fn new(gpu: &Gpu, network: &Network, layer: LayerId, [width, height]: [u32; 2]) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.leaf("x", variable_shape(width, height));
        let maps = network.features(&mut graph, x, &[layer].into())[&layer];
        let gram = Gram::new(gpu, network.kernels().of(TunedOp::Gram, layer), layer.channels() as u32)?;
        let gram = graph.apply("gram", Box::new(gram), &[maps]);
        Ok(Self { graph, x, maps, gram })
    }

    fn plan(&self) -> MemoryPlan {
        self.graph.plan(Request { keep: vec![self.maps, self.gram], ..Request::default() })
    }
}
