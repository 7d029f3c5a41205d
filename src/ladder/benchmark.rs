//! An operation that can be benchmarked, with its shapes at a layer and the rungs of its ladder.

use super::BENCHMARKS;
use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::{Gpu, Precision, Shader, Shape, Use, mebibytes};
use crate::graph::{Differentiate, Graph, NodeId, Op, Program, Request};
use crate::ops::case::{Case, TestValues};
use crate::ops::variants::{Pass, TunedOp, Variant};
use crate::ops::{Lesson, OPERATIONS};
use crate::vgg19::{Kernels, LayerId, activation_shape};

/// A layer and an image size, which give every operation its shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemSize {
    /// The layer.
    pub layer: LayerId,
    /// Width and height of the image in pixels.
    pub side: u32,
    /// Precision in which activations and weights are stored.
    pub precision: Precision,
}

impl ProblemSize {
    /// Input of the layer's convolution.
    pub fn before(&self) -> Shape {
        Shape { channels: self.layer.spec().inputs as u32, ..self.after() }
    }

    /// Activations of the layer.
    pub fn after(&self) -> Shape {
        activation_shape(self.layer, self.side, self.side).stored_in(self.precision)
    }

    /// Activations of the layer, pooled.
    pub(super) fn pooled(&self) -> Shape {
        let whole = self.after();
        Shape { height: whole.height / 2, width: whole.width / 2, ..whole }
    }

    /// The variable of the image.
    pub fn image(&self) -> Shape {
        Shape::planar(3, self.side, self.side)
    }
}

/// An operation as users name it.
#[derive(Debug)]
pub struct Benchmark {
    /// The name that `impasto kernels` takes.
    pub name: &'static str,
    /// Its name in [`OPERATIONS`].
    pub(super) operation: &'static str,
    /// The plain kernels of the forward and of the backward pass, for which a user's own can stand in; `None` where a pass
    /// only copies. One may serve both passes.
    pub(super) kernels: [Option<&'static str>; 2],
    /// Shapes of its inputs.
    pub(super) inputs: fn(&ProblemSize) -> Vec<Shape>,
    /// Shape of its output.
    pub(super) output: fn(&ProblemSize) -> Shape,
    pub(super) implementations: Implementations,
}

/// The ways to compute an operation.
#[derive(Debug)]
pub(super) enum Implementations {
    /// The variants of the registry.
    Variants(TunedOp),
    /// One, which every device runs.
    One(fn(&ProblemSize) -> Box<dyn Op>),
    /// The rungs of a ladder that teaches.
    Lessons {
        ladder: &'static [Lesson],
        build: fn(&'static Lesson) -> Box<dyn Op>,
        /// See [`Benchmark::sides`].
        sides: [u32; 2],
    },
}

/// One way to compute an operation: a rung of its ladder.
#[derive(Debug, Clone, Copy)]
pub enum Implementation {
    /// A variant of the registry.
    Variant(&'static Variant),
    /// The only one, under the benchmark's name.
    Only {
        /// The benchmark's name.
        name: &'static str,
        /// Makes the operation.
        build: fn(&ProblemSize) -> Box<dyn Op>,
    },
    /// A rung that teaches.
    Lesson {
        /// The rung.
        lesson: &'static Lesson,
        /// Makes the operation.
        build: fn(&'static Lesson) -> Box<dyn Op>,
    },
}

impl Implementation {
    /// The variant's name, or the benchmark's where there is only one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Variant(variant) => variant.name,
            Self::Only { name, .. } => name,
            Self::Lesson { lesson, .. } => lesson.name,
        }
    }

    /// What the device is missing, in words to follow "needs".
    pub fn missing(self, gpu: &Gpu) -> Option<String> {
        match self {
            Self::Variant(variant) => variant.missing(gpu),
            Self::Only { .. } => None,
            Self::Lesson { lesson, .. } => lesson.missing(gpu),
        }
    }

    /// Whether a painting with these kernels runs it in this pass of this layer.
    pub fn is_used(self, kernels: &Kernels, layer: LayerId, pass: Pass) -> bool {
        match self {
            Self::Variant(variant) => kernels.of(variant.op(), layer).of(pass) == variant,
            Self::Only { .. } => true,
            Self::Lesson { .. } => false,
        }
    }

    fn is_for_cpu_drivers(self) -> bool {
        matches!(self, Self::Variant(variant) if variant.is_for_cpu_drivers())
    }

    fn build(self, gpu: &Gpu, size: &ProblemSize) -> Result<Box<dyn Op>> {
        match self {
            Self::Variant(variant) => {
                let features = match variant.op() {
                    TunedOp::Conv3x3 => size.before(),
                    TunedOp::Gram => size.after(),
                };
                variant.test_op(gpu, features, size.after().channels, TestValues::Repeated)
            }
            Self::Only { build, .. } => Ok(build(size)),
            Self::Lesson { lesson, build } => Ok(build(lesson)),
        }
    }
}

impl Benchmark {
    /// The benchmark of this name.
    ///
    /// # Errors
    /// [`Error::Usage`] with the most similar name, if any is similar.
    pub fn of_name(name: &str) -> Result<&'static Self> {
        let likeness = |benchmark: &&Benchmark| strsim::jaro_winkler(&name.to_lowercase(), benchmark.name);
        let nearest = BENCHMARKS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        match nearest {
            Some(benchmark) if benchmark.name == name => Ok(benchmark),
            _ => {
                let near = nearest.filter(|benchmark| likeness(benchmark) > 0.75);
                let hint =
                    near.map_or_else(String::new, |benchmark| format!("did you mean {}? ", benchmark.name));
                let names = BENCHMARKS.each_ref().map(|benchmark| benchmark.name).join(", ");
                Err(Error::Usage(format!("unknown operation '{name}': {hint}choose from {names} or all")))
            }
        }
    }

    /// The ways to compute it, plainest first.
    pub fn implementations(&self) -> Vec<Implementation> {
        match self.implementations {
            Implementations::Variants(op) => op.variants().map(Implementation::Variant).collect(),
            Implementations::One(build) => vec![Implementation::Only { name: self.name, build }],
            Implementations::Lessons { ladder, build, .. } => {
                ladder.iter().map(|lesson| Implementation::Lesson { lesson, build }).collect()
            }
        }
    }

    /// True for a ladder that teaches: no painting runs it, and its shapes follow from the size alone.
    pub fn teaches(&self) -> bool {
        matches!(self.implementations, Implementations::Lessons { .. })
    }

    /// Width and height to run it at if none are given, on a GPU and on a driver on the CPU, where plain ways take seconds.
    pub fn sides(&self) -> [u32; 2] {
        match self.implementations {
            Implementations::Lessons { sides, .. } => sides,
            _ => [256, 128],
        }
    }

    /// The ways worth trying on a device, plainest first: on a GPU without those for drivers on the CPU, unless all are
    /// wanted.
    pub fn rungs(&self, gpu: &Gpu, all: bool) -> Vec<Implementation> {
        let mut rungs = self.implementations();
        rungs.retain(|rung| all || gpu.adapter().is_software() || !rung.is_for_cpu_drivers());
        rungs
    }

    /// Checks that it can be run at a size, before anything is allocated.
    ///
    /// # Errors
    /// [`Error::Usage`] for an image too small, [`Error::TooLarge`] for one too large for the device.
    pub fn check(&self, gpu: &Gpu, size: &ProblemSize) -> Result<()> {
        let size = self.size(size);
        let shapes = |side: u32| {
            let size = ProblemSize { side, ..size };
            (self.inputs)(&size).into_iter().chain([(self.output)(&size)])
        };
        let is_empty = |side: &u32| shapes(*side).any(|shape| shape.is_empty());
        let fits = |side: &u32| shapes(*side).all(|shape| shape.bytes() <= gpu.max_tensor_bytes());
        let ProblemSize { layer, side, .. } = size;
        if is_empty(&side) {
            let least = (side..).find(|side| !is_empty(side)).unwrap_or(side);
            let problem = format!(
                "{side} leaves no pixel of the image for {} at {layer}: use at least {least}",
                self.name
            );
            return Err(Error::setting(Setting::Size, problem));
        }
        if !fits(&side) {
            let largest = (1..side).rev().find(fits).unwrap_or(0);
            return Err(Error::too_large(format!(
                "{} is too large for {}, which takes at most {} in one tensor",
                self.at(&size),
                gpu.adapter().name,
                mebibytes(gpu.max_tensor_bytes())
            ))
            .with_remedies([Remedy::AtMost(Setting::Size, largest)]));
        }
        Ok(())
    }

    /// A shape in words: a matrix has rows and columns, and no channels.
    pub(super) fn describe(&self, shape: &Shape) -> String {
        match self.teaches() {
            true => format!("{}x{}", shape.height, shape.width),
            false => shape.to_string(),
        }
    }

    /// Its name and size, for messages.
    fn at(&self, size: &ProblemSize) -> String {
        let ProblemSize { layer, side, .. } = size;
        match self.teaches() {
            true => format!("{} of size {side}", self.name),
            false => format!("{} at {layer} for an image of {side} x {side}", self.name),
        }
    }

    /// One implementation as a program of its own with reproducible values, differentiated by the first input if it has a
    /// backward pass.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::OutOfMemory`] or [`Error::Gpu`] if a tensor cannot be allocated or a kernel cannot be
    /// compiled.
    pub fn program(&self, gpu: &Gpu, implementation: Implementation, size: &ProblemSize) -> Result<Program> {
        let size = self.size(size);
        let (mut graph, mut leaves) = (Graph::new(), vec![]);
        for (seed, shape) in (3..).zip((self.inputs)(&size)) {
            let x = TestValues::Repeated.features(seed, shape.len());
            let x = gpu.upload(shape, &x, Use::Activations, "x")?;
            leaves.push((graph.leaf("x", shape), x));
        }
        let nodes: Vec<NodeId> = leaves.iter().map(|(node, _)| *node).collect();
        let op = implementation.build(gpu, &size)?;
        let is_differentiable = op.differentiable(0);
        let node = graph.apply(size.layer.name(), op, &nodes);
        let input = nodes.first().filter(|_| is_differentiable);
        let differentiate = input.map(|input| Differentiate { outputs: vec![node], input: *input });
        let plan = graph.plan(Request { keep: vec![node], differentiate, ..Request::default() });
        let program = graph.compile(gpu, &plan, &leaves)?;
        if let Some(seed) = program.seeds().first() {
            gpu.write(seed, &TestValues::Repeated.features(2, seed.shape().len()));
        }
        Ok(program)
    }

    /// The size as this benchmark runs it: operations that never store f16 stay in f32.
    pub(super) fn size(&self, size: &ProblemSize) -> ProblemSize {
        let stores_f16 = self.cases().any(|case| case.precision == Precision::F16);
        ProblemSize { precision: if stores_f16 { size.precision } else { Precision::F32 }, ..*size }
    }

    /// The plain kernel of a pass, for which a user's own can stand in.
    ///
    /// # Errors
    /// [`Error::Usage`] if the pass has none.
    pub fn kernel(&self, pass: Pass) -> Result<&'static Shader> {
        let [forward, backward] = self.kernels;
        let name = if pass == Pass::Forward { forward } else { backward };
        let shaders = OPERATIONS.iter().flat_map(|op| (op.shaders)());
        let shader = shaders.into_iter().find(|shader| Some(shader.name) == name);
        shader
            .ok_or_else(|| Error::Usage(format!("the {pass} pass of {} has no kernel of its own", self.name)))
    }

    /// The passes that launch a kernel.
    pub fn passes_of(&self, shader: &Shader) -> Vec<Pass> {
        let passes = Pass::ALL.into_iter().zip(self.kernels);
        passes.filter(|(_, kernel)| *kernel == Some(shader.name)).map(|(pass, _)| pass).collect()
    }

    /// The implementation that launches these kernels: the plainest.
    pub fn plain(&self) -> Implementation {
        self.implementations()[0]
    }

    /// The cases that check an implementation.
    pub fn cases_of(&self, implementation: Implementation, precision: Precision) -> Vec<Case> {
        let cases = self.cases().filter(|case| case.rung == implementation.name());
        cases.filter(|case| case.precision == precision).collect()
    }

    fn cases(&self) -> impl Iterator<Item = Case> {
        OPERATIONS.iter().filter(|op| op.name == self.operation).flat_map(|op| (op.cases)())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_every_operation_belongs_to_one_rung() {
        for operation in &OPERATIONS {
            let benchmarks = || BENCHMARKS.iter().filter(|benchmark| benchmark.operation == operation.name);
            for case in (operation.cases)() {
                let rungs = benchmarks().flat_map(Benchmark::implementations);
                assert_eq!(rungs.filter(|rung| rung.name() == case.rung).count(), 1, "{}", case.label);
            }
            for benchmark in benchmarks() {
                for rung in benchmark.implementations() {
                    let cases = benchmark.cases_of(rung, Precision::F32);
                    assert!(!cases.is_empty(), "{} {}", benchmark.name, rung.name());
                }
            }
        }
    }

    #[test]
    fn plain_kernels_exist() {
        for benchmark in &BENCHMARKS {
            let kernels = Pass::ALL.into_iter().filter_map(|pass| benchmark.kernel(pass).ok());
            let named = benchmark.kernels.iter().flatten().count();
            assert!(named > 0 && kernels.clone().count() == named, "{}", benchmark.name);
            assert!(
                kernels.clone().all(|kernel| !benchmark.passes_of(kernel).is_empty()),
                "{}",
                benchmark.name
            );
        }
        let error = Benchmark::of_name("l1_gradient").unwrap().kernel(Pass::Forward).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("l1_gradient"), "{error}");
    }

    #[test]
    fn unknown_operations_get_a_suggestion() {
        let error =
            |name: &str| Benchmark::of_name(name).map(|benchmark| benchmark.name).unwrap_err().to_string();
        assert!(error("conv").contains("did you mean conv3x3?"), "{}", error("conv"));
        assert!(error("pool").contains("did you mean pool_"), "{}", error("pool"));
        assert!(error("Gram").contains("did you mean gram?"), "{}", error("Gram"));
        assert!(error("banana").contains("'banana': choose from conv3x3, gram,"), "{}", error("banana"));
        assert_eq!(Benchmark::of_name("tv").unwrap().name, "tv");
    }
}
