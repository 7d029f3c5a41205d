//! An operation as users name it.

use super::{Site, TASKS, Way};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Precision, Shape, Use, mebibytes};
use crate::graph::{Graph, NodeId, Program};
use crate::ops::OPERATIONS;
use crate::ops::case::{Case, numbers, to_f32};

/// An operation as users name it.
#[derive(Debug)]
pub struct Task {
    /// What `--op` takes.
    pub name: &'static str,
    /// Its name in [`OPERATIONS`].
    pub(super) operation: &'static str,
    /// Shapes of its inputs at a site.
    pub(super) inputs: fn(&Site) -> Vec<Shape>,
    /// Shape of its output.
    pub(super) output: fn(&Site) -> Shape,
    /// Its rungs, plainest first.
    pub(super) ways: fn() -> Vec<Way>,
}

impl Task {
    /// The task of this name.
    ///
    /// # Errors
    /// [`Error::Usage`] with the name that is most alike, if any is.
    pub fn of_name(name: &str) -> Result<&'static Self> {
        let likeness = |task: &&Task| strsim::jaro_winkler(&name.to_lowercase(), task.name);
        let nearest = TASKS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        match nearest {
            Some(task) if task.name == name => Ok(task),
            _ => {
                let near = nearest.filter(|task| likeness(task) > 0.75);
                let hint = near.map_or_else(String::new, |task| format!("did you mean {}? ", task.name));
                let names = TASKS.each_ref().map(|task| task.name).join(", ");
                Err(Error::Usage(format!("unknown operation '{name}': {hint}choose from {names} or all")))
            }
        }
    }

    /// Its rungs, plainest first.
    pub fn ways(&self) -> Vec<Way> {
        (self.ways)()
    }

    /// Finds out whether it can be done at a site, before anything is.
    ///
    /// # Errors
    /// [`Error::Usage`] for a picture too small, [`Error::TooLarge`] for one too large for the device.
    pub fn check(&self, gpu: &Gpu, site: &Site) -> Result<()> {
        let site = self.site(site);
        let shapes = |side: u32| {
            let site = Site { side, ..site };
            (self.inputs)(&site).into_iter().chain([(self.output)(&site)])
        };
        let is_empty = |side: &u32| shapes(*side).any(|shape| shape.is_empty());
        let fits = |side: &u32| shapes(*side).all(|shape| shape.bytes() <= gpu.max_tensor_bytes());
        let Site { layer, side, .. } = site;
        if is_empty(&side) {
            let least = (side..).find(|side| !is_empty(side)).unwrap_or(side);
            return Err(Error::Usage(format!(
                "--size {side} leaves nothing of the picture for {} at {layer}: it takes at least {least}",
                self.name
            )));
        }
        if !fits(&side) {
            let largest = (1..side).rev().find(fits).unwrap_or(0);
            return Err(Error::TooLarge(format!(
                "{} at {layer} with --size {side} is too large for {}, which takes at most {} in one tensor: \
                 the largest --size that fits is {largest}",
                self.name,
                gpu.adapter().name,
                mebibytes(gpu.max_tensor_bytes())
            )));
        }
        Ok(())
    }

    /// One way to do it as a program of its own, differentiated by the first input, with numbers by chance
    /// to work on.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Gpu`] if memory or a kernel cannot be had.
    pub fn program(&self, gpu: &Gpu, way: &Way, site: &Site) -> Result<Program> {
        let site = self.site(site);
        let (mut graph, mut leaves) = (Graph::new(), vec![]);
        for (seed, shape) in (3..).zip((self.inputs)(&site)) {
            let x = gpu.upload(shape, &to_f32(&numbers(seed, shape.len())), Use::Activations, "x")?;
            leaves.push((graph.leaf("x", shape), x));
        }
        let nodes: Vec<NodeId> = leaves.iter().map(|(node, _)| *node).collect();
        let node = graph.apply(site.layer.name(), way.build(gpu, &site)?, &nodes);
        let outputs = [node];
        let plan = graph.plan(&outputs, nodes.first().map(|first| (&outputs[..], *first)));
        let program = graph.compile(gpu, &plan, &leaves)?;
        if let Some(seed) = program.seeds().first() {
            gpu.write(seed, &to_f32(&numbers(2, seed.shape().len())));
        }
        Ok(program)
    }

    /// The site as this task has it: what never stores f16 stays in f32.
    pub(super) fn site(&self, site: &Site) -> Site {
        let halves = self.cases().any(|case| case.precision() == Precision::F16);
        Site { precision: if halves { site.precision } else { Precision::F32 }, ..*site }
    }

    /// What a way is checked with.
    pub fn cases_of(&self, way: &Way, precision: Precision) -> Vec<Case> {
        self.cases().filter(|case| way.has_case(&case.label) && case.precision() == precision).collect()
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
            let tasks = || TASKS.iter().filter(|task| task.operation == operation.name);
            for case in (operation.cases)() {
                let rungs = tasks().flat_map(Task::ways).filter(|way| way.has_case(&case.label));
                assert_eq!(rungs.count(), 1, "{}", case.label);
            }
            for task in tasks() {
                for way in task.ways() {
                    assert!(!task.cases_of(&way, Precision::F32).is_empty(), "{} {}", task.name, way.name());
                }
            }
        }
    }

    #[test]
    fn unknown_tasks_get_a_suggestion() {
        let error = |name: &str| Task::of_name(name).map(|task| task.name).unwrap_err().to_string();
        assert!(error("conv").contains("did you mean conv3x3?"), "{}", error("conv"));
        assert!(error("pool").contains("did you mean pool_"), "{}", error("pool"));
        assert!(error("Gram").contains("did you mean gram?"), "{}", error("Gram"));
        assert!(error("banana").contains("'banana': choose from conv3x3, gram,"), "{}", error("banana"));
        assert_eq!(Task::of_name("tv").unwrap().name, "tv");
    }
}
