//! An operation as users name it.

use super::{BENCHMARKS, ProblemSize, Variant};
use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::{Gpu, Precision, Shape, Use, mebibytes};
use crate::graph::{Graph, NodeId, Program};
use crate::ops::OPERATIONS;
use crate::ops::case::{Case, numbers, to_f32};

/// An operation as users name it.
#[derive(Debug)]
pub struct Benchmark {
    /// What `--op` takes.
    pub name: &'static str,
    /// Its name in [`OPERATIONS`].
    pub(super) operation: &'static str,
    /// Shapes of its inputs at a site.
    pub(super) inputs: fn(&ProblemSize) -> Vec<Shape>,
    /// Shape of its output.
    pub(super) output: fn(&ProblemSize) -> Shape,
    /// Its rungs, plainest first.
    pub(super) variants: fn() -> Vec<Variant>,
}

impl Benchmark {
    /// The task of this name.
    ///
    /// # Errors
    /// [`Error::Usage`] with the name that is most alike, if any is.
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

    /// Its rungs, plainest first.
    pub fn variants(&self) -> Vec<Variant> {
        (self.variants)()
    }

    /// Finds out whether it can be done at a site, before anything is.
    ///
    /// # Errors
    /// [`Error::Usage`] for a picture too small, [`Error::TooLarge`] for one too large for the device.
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
            return Err(Error::setting(
                Setting::Size,
                format!(
                    "{side} leaves no pixel of the image for {} at {layer}: use at least {least}",
                    self.name
                ),
            ));
        }
        if !fits(&side) {
            let largest = (1..side).rev().find(fits).unwrap_or(0);
            return Err(Error::too_large(format!(
                "{} at {layer} for an image of {side} x {side} is too large for {}, which takes at most {} in one \
                 tensor",
                self.name,
                gpu.adapter().name,
                mebibytes(gpu.max_tensor_bytes())
            ))
            .with_remedies([Remedy::AtMost(Setting::Size, largest)]));
        }
        Ok(())
    }

    /// One way to do it as a program of its own, differentiated by the first input, with numbers by chance
    /// to work on.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Gpu`] if memory or a kernel cannot be had.
    pub fn program(&self, gpu: &Gpu, variant: &Variant, size: &ProblemSize) -> Result<Program> {
        let size = self.size(size);
        let (mut graph, mut leaves) = (Graph::new(), vec![]);
        for (seed, shape) in (3..).zip((self.inputs)(&size)) {
            let x = gpu.upload(shape, &to_f32(&numbers(seed, shape.len())), Use::Activations, "x")?;
            leaves.push((graph.leaf("x", shape), x));
        }
        let nodes: Vec<NodeId> = leaves.iter().map(|(node, _)| *node).collect();
        let node = graph.apply(size.layer.name(), variant.build(gpu, &size)?, &nodes);
        let outputs = [node];
        let plan = graph.plan(&outputs, nodes.first().map(|first| (&outputs[..], *first)));
        let program = graph.compile(gpu, &plan, &leaves)?;
        if let Some(seed) = program.seeds().first() {
            gpu.write(seed, &to_f32(&numbers(2, seed.shape().len())));
        }
        Ok(program)
    }

    /// The site as this task has it: what never stores f16 stays in f32.
    pub(super) fn size(&self, size: &ProblemSize) -> ProblemSize {
        let halves = self.cases().any(|case| case.precision() == Precision::F16);
        ProblemSize { precision: if halves { size.precision } else { Precision::F32 }, ..*size }
    }

    /// What a way is checked with.
    pub fn cases_of(&self, variant: &Variant, precision: Precision) -> Vec<Case> {
        self.cases().filter(|case| variant.has_case(&case.label) && case.precision() == precision).collect()
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
                let rungs = benchmarks()
                    .flat_map(Benchmark::variants)
                    .filter(|variant| variant.has_case(&case.label));
                assert_eq!(rungs.count(), 1, "{}", case.label);
            }
            for benchmark in benchmarks() {
                for variant in benchmark.variants() {
                    assert!(
                        !benchmark.cases_of(&variant, Precision::F32).is_empty(),
                        "{} {}",
                        benchmark.name,
                        variant.name()
                    );
                }
            }
        }
    }

    #[test]
    fn unknown_tasks_get_a_suggestion() {
        let error =
            |name: &str| Benchmark::of_name(name).map(|benchmark| benchmark.name).unwrap_err().to_string();
        assert!(error("conv").contains("did you mean conv3x3?"), "{}", error("conv"));
        assert!(error("pool").contains("did you mean pool_"), "{}", error("pool"));
        assert!(error("Gram").contains("did you mean gram?"), "{}", error("Gram"));
        assert!(error("banana").contains("'banana': choose from conv3x3, gram,"), "{}", error("banana"));
        assert_eq!(Benchmark::of_name("tv").unwrap().name, "tv");
    }
}
