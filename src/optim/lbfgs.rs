//! L-BFGS (Liu & Nocedal 1989), without a line search, as Gatys' own code and PyTorch run it.

use super::state::names;
use super::step_rules::{
    CUT_AFTER_DIVERGENCE, GROWTH_AFTER_IMPROVEMENT, GROWTH_WITHOUT_PAIRS, LEAST_CURVATURE, LONGEST_STEP,
    first_step,
};
use super::{Guard, Problem};
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Shape, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 9] =
    [SMOOTH, PAIR, ACCEPT, PUSH, DOTS, DIRECTION, COMBINE, LENGTH, ADVANCE];
const SMOOTH: Shader = shader!("lbfgs/smooth");
const PAIR: Shader = shader!("lbfgs/pair");
const ACCEPT: Shader = shader!("lbfgs/accept");
const PUSH: Shader = shader!("lbfgs/push");
const DOTS: Shader = shader!("lbfgs/dots");
const DIRECTION: Shader = shader!("lbfgs/direction");
const COMBINE: Shader = shader!("lbfgs/combine");
const LENGTH: Shader = shader!("lbfgs/length");
const ADVANCE: Shader = shader!("lbfgs/advance");

/// Maximum number of workgroups that compute a dot product together. Each writes five partial sums a slot, which one
/// workgroup adds.
const MOST_GROUPS: u64 = 64;

/// The longest history: the recursion's coefficients stay in workgroup memory.
pub const MOST_PAIRS: u32 = 256;

/// Records one update, the two-loop recursion included; returns the state, history included, with its names.
///
/// The recursion runs on scalars: each step computes the dot products of the newest pair and the
/// gradient with the whole history in one pass, then the coefficients of the step, then the step in
/// one more pass. The history is read twice a step; a recursion on vectors reads it four times,
/// in twice as many dependent passes as there are pairs.
pub(super) fn record(
    update: &mut Recording,
    problem: &Problem,
    guard: &Guard,
    lr: f32,
    history: u32,
    smoothing: f32,
) -> Result<Vec<(&'static str, Tensor)>> {
    let lbfgs = Lbfgs::allocate(update.gpu(), problem.x.shape(), history)?;
    let smooth = Smooth { guard, smoothing };
    smooth.record(update, &problem.gradient, &lbfgs.gradient, false)?;
    lbfgs.record_pair(update, guard)?;
    lbfgs.record_direction(update, guard, lr)?;
    lbfgs.record_step(update, guard)?;
    smooth.record(update, &lbfgs.s, &problem.x, true)?;
    let Lbfgs { state, s, gradient_before, products, ring, .. } = lbfgs;
    let ring =
        ring.into_iter().flat_map(|chunk| [(names::LBFGS_STEPS, chunk.s), (names::LBFGS_CHANGES, chunk.y)]);
    let tensors = [
        (names::LBFGS, state),
        (names::LBFGS_STEP, s),
        (names::LBFGS_GRADIENT, gradient_before),
        (names::LBFGS_PRODUCTS, products),
    ];
    Ok(tensors.into_iter().chain(ring).collect())
}

#[derive(Debug)]
struct Lbfgs {
    /// Eight words: `struct LbfgsState` in the shaders.
    state: Tensor,
    /// The last step.
    s: Tensor,
    /// The smoothed gradient.
    gradient: Tensor,
    /// Change of the smoothed gradient.
    y: Tensor,
    gradient_before: Tensor,
    ring: Vec<Chunk>,
    /// `s_i.y_j` and `y_i.y_j`.
    products: Tensor,
    coefficients: Tensor,
    /// `s.y`, `y.y` and the 1-norm of the gradient; later `s.s` of the new step.
    pair_partials: Tensor,
    dot_partials: Tensor,
    /// Number of workgroups that a vector is divided among.
    groups: u32,
    history: u32,
}

/// Slots `[first, first + slots)` of the history. One buffer may be no larger than the device's
/// binding limit, so a long history of a large image takes several.
#[derive(Debug)]
struct Chunk {
    first: u32,
    slots: u32,
    s: Tensor,
    y: Tensor,
}

impl Lbfgs {
    fn allocate(gpu: &Gpu, shape: Shape, history: u32) -> Result<Self> {
        let groups = shape.vectors().div_ceil(64 * 4).clamp(1, MOST_GROUPS) as u32;
        let numbers = |count: u32, label: &str| {
            gpu.upload(Shape::planar(1, 1, count), &vec![0.0; count as usize], Use::Optimizer, label)
        };
        let vector = |label: &str| gpu.upload(shape, &vec![0.0; shape.len()], Use::Optimizer, label);
        // Zeros but for the last word, the bound on the length of a step.
        let start = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, LONGEST_STEP];
        Ok(Self {
            state: gpu.upload(Shape::planar(1, 1, 8), &start, Use::Optimizer, names::LBFGS)?,
            s: vector(names::LBFGS_STEP)?,
            gradient: vector("L-BFGS smoothed gradient")?,
            y: vector("L-BFGS change of the gradient")?,
            gradient_before: vector(names::LBFGS_GRADIENT)?,
            ring: Chunk::cut(gpu, shape, history)?,
            products: numbers(2 * history * history, names::LBFGS_PRODUCTS)?,
            coefficients: numbers(1 + 2 * history, "L-BFGS coefficients")?,
            pair_partials: numbers(3 * groups, "L-BFGS partial sums")?,
            dot_partials: numbers(5 * groups * history, "L-BFGS partial dot products")?,
            groups,
            history,
        })
    }

    /// The newest pair, and whether it is added to the history.
    fn record_pair(&self, update: &mut Recording, guard: &Guard) -> Result<()> {
        let gpu = update.gpu().clone();
        let pair = gpu.kernel(&PAIR, &[])?;
        update
            .launch(&pair, "lbfgs")
            .bind("gradient", &self.gradient)
            .bind("gradient_before", &self.gradient_before)
            .bind("s", &self.s)
            .bind("y", &self.y)
            .bind("partials", &self.pair_partials)
            .flops_each(7, self.s.shape().len())
            .groups([self.groups, 1, 1])?;
        let accept = gpu.kernel(&ACCEPT, &[])?;
        update
            .launch(&accept, "lbfgs")
            .bind("guard", guard.state())
            .bind("partials", &self.pair_partials)
            .bind("state", &self.state)
            .set("groups", self.groups)
            .set("capacity", self.history)
            .set("elements", self.s.shape().len() as f32)
            .set("first_step", first_step(self.s.shape().len()))
            .set("longest_step", LONGEST_STEP)
            .set("least_curvature", LEAST_CURVATURE)
            .set("cut_after_divergence", CUT_AFTER_DIVERGENCE)
            .set("growth_after_improvement", GROWTH_AFTER_IMPROVEMENT)
            .set("growth_without_pairs", GROWTH_WITHOUT_PAIRS)
            .groups([1, 1, 1])?;
        let push = gpu.kernel(&PUSH, &[])?;
        for chunk in &self.ring {
            update
                .launch(&push, "lbfgs")
                .bind("state", &self.state)
                .bind("s", &self.s)
                .bind("y", &self.y)
                .bind("ring_s", &chunk.s)
                .bind("ring_y", &chunk.y)
                .set("first", chunk.first)
                .set("slots", chunk.slots)
                // One slot of the ring is written, not all of it.
                .bytes(4.0 * self.s.shape().bytes() as f64)
                .elements(self.s.shape().vectors())?;
        }
        Ok(())
    }

    /// The dot products and from them the coefficients of the step.
    fn record_direction(&self, update: &mut Recording, guard: &Guard, lr: f32) -> Result<()> {
        let gpu = update.gpu().clone();
        let dots = gpu.kernel(&DOTS, &[])?;
        for chunk in &self.ring {
            update
                .launch(&dots, "lbfgs")
                .bind("state", &self.state)
                .bind("gradient", &self.gradient)
                .bind("s", &self.s)
                .bind("y", &self.y)
                .bind("ring_s", &chunk.s)
                .bind("ring_y", &chunk.y)
                .bind("partials", &self.dot_partials)
                .set("first", chunk.first)
                .flops_each(10, chunk.slots as usize * self.s.shape().len())
                .groups([self.groups, chunk.slots, 1])?;
        }
        let sizes = [("CAPACITY", self.history), ("GROUPS", self.groups)];
        let direction = gpu.kernel(&DIRECTION, &sizes.map(|(name, size)| (name, f64::from(size))))?;
        update
            .launch(&direction, "lbfgs")
            .bind("guard", guard.state())
            .bind("state", &self.state)
            .bind("partials", &self.dot_partials)
            .bind("products", &self.products)
            .bind("coefficients", &self.coefficients)
            .set("lr", lr)
            .groups([1, 1, 1])
    }

    /// The step from its coefficients, of a bounded length.
    fn record_step(&self, update: &mut Recording, guard: &Guard) -> Result<()> {
        let gpu = update.gpu().clone();
        let vectors = self.s.shape().vectors();
        for (i, chunk) in self.ring.iter().enumerate() {
            let combine = gpu.kernel(&COMBINE, &[("ACCUMULATE", f64::from(u8::from(i > 0)))])?;
            update
                .launch(&combine, "lbfgs")
                .bind("state", &self.state)
                .bind("coefficients", &self.coefficients)
                .bind("gradient", &self.gradient)
                .bind("ring_s", &chunk.s)
                .bind("ring_y", &chunk.y)
                .bind("s", &self.s)
                .set("first", chunk.first)
                .set("slots", chunk.slots)
                .set("capacity", self.history)
                .flops_each(4, chunk.slots as usize * self.s.shape().len())
                .elements(vectors)?;
        }
        let length = gpu.kernel(&LENGTH, &[])?;
        update
            .launch(&length, "lbfgs")
            .bind("s", &self.s)
            .bind("partials", &self.pair_partials)
            .flops_each(2, self.s.shape().len())
            .groups([self.groups, 1, 1])?;
        let advance = gpu.kernel(&ADVANCE, &[])?;
        update
            .launch(&advance, "lbfgs")
            .bind("guard", guard.state())
            .bind("state", &self.state)
            .bind("partials", &self.pair_partials)
            .bind("gradient", &self.gradient)
            .bind("s", &self.s)
            .bind("gradient_before", &self.gradient_before)
            .set("groups", self.groups)
            .set("elements", self.s.shape().len() as u32)
            .flops_each(1, self.s.shape().len())
            .elements(vectors)
    }
}

/// Launches of the smoothing of gradients and steps.
struct Smooth<'a> {
    guard: &'a Guard,
    smoothing: f32,
}

impl Smooth<'_> {
    /// Writes the smoothed `src` to `dst`, or adds it.
    fn record(&self, update: &mut Recording, src: &Tensor, dst: &Tensor, add: bool) -> Result<()> {
        let shape = src.shape();
        let kernel = update.gpu().clone().kernel(&SMOOTH, &[("ADD", f64::from(u8::from(add)))])?;
        update
            .launch(&kernel, "lbfgs")
            .bind("guard", self.guard.state())
            .bind("src", src)
            .bind("dst", dst)
            .set("channels", shape.channels)
            .set("height", shape.height)
            .set("width", shape.width)
            .set("smoothing", self.smoothing)
            .flops_each(60, shape.len())
            .elements(shape.len() as u64)
    }
}

impl Chunk {
    /// As few equal chunks as the device's limit on one buffer allows.
    fn cut(gpu: &Gpu, shape: Shape, history: u32) -> Result<Vec<Self>> {
        let slots = (gpu.max_tensor_bytes() / shape.bytes()).clamp(1, u64::from(history)) as u32;
        (0..history)
            .step_by(slots as usize)
            .map(|first| {
                let slots = slots.min(history - first);
                let ring = Shape::planar(slots, 1, shape.vectors() as u32 * 4);
                let s = gpu.tensor(ring, Use::Optimizer, names::LBFGS_STEPS)?;
                let y = gpu.tensor(ring, Use::Optimizer, names::LBFGS_CHANGES)?;
                Ok(Self { first, slots, s, y })
            })
            .collect()
    }
}
