//! The state of a run as a checkpoint stores it: arrays with names.

/// Names of the arrays. They belong to the format of checkpoints: a file with other names cannot be resumed.
pub(super) mod names {
    pub const X: &str = "x";
    pub const BEST: &str = "best picture";
    pub const GUARD: &str = "state of the guard";
    /// Two numbers: the lowest loss, and the number of restarts.
    pub const HOST_GUARD: &str = "guard in the host's memory";
    pub const ADAM_POWERS: &str = "powers of beta";
    pub const ADAM_MEAN: &str = "mean of the gradient";
    pub const ADAM_SQUARE: &str = "mean square of the gradient";
    pub const ADAM_AVERAGE: &str = "average picture";
    /// Eight words on the device; on the host, five numbers.
    pub const LBFGS: &str = "state of L-BFGS";
    pub const LBFGS_STEP: &str = "L-BFGS step";
    pub const LBFGS_GRADIENT: &str = "gradient before";
    pub const LBFGS_PRODUCTS: &str = "L-BFGS products";
    /// Once for each chunk of the history on the device, once for each pair on the host.
    pub const LBFGS_STEPS: &str = "L-BFGS history of steps";
    pub const LBFGS_CHANGES: &str = "L-BFGS history of gradients";
}

/// Arrays with their names, in order. A name can occur more than once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State(pub Vec<(String, Vec<f32>)>);

impl State {
    pub(super) fn push(&mut self, name: &str, values: Vec<f32>) {
        self.0.push((name.into(), values));
    }

    /// The arrays of this name.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &[f32]> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, values)| &values[..])
    }

    /// The first array of this name, if it has `len` numbers.
    pub(super) fn get(&self, name: &'static str, len: usize) -> Option<&[f32]> {
        self.all(name).next().filter(|values| values.len() == len)
    }
}
