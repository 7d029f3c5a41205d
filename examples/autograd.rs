//! Automatic differentiation on the GPU: y = relu(conv(x)), loss = mean((y - target)^2), and d loss / d x, checked against
//! finite differences. In PyTorch: `F.mse_loss(F.relu(F.conv2d(x, weight, bias, padding=1)), target).backward()`.
//!
//! Run it with `cargo run --release --example autograd`.
#![allow(clippy::print_stdout)]

use std::sync::Arc;

use impasto::gpu::{Gpu, GpuOptions, Precision, Shape, Use};
use impasto::graph::{Activations, Differentiate, Graph, Request};
use impasto::ops::case::{numbers, to_f32}; // reproducible numbers in [-1, 1), as the tests use them
use impasto::ops::variants::TunedOp;
use impasto::ops::{Conv, Mse, PackedWeights, Relu};

/// Prints both gradients of some elements. Panics if they differ.
pub fn main() -> impasto::Result<()> {
    let gpu = Gpu::open(&GpuOptions::default())?;
    let random = |seed, count| to_f32(&numbers(seed, count));

    // 1. The graph: leaves, and operations applied to them. Nothing is computed yet.
    // Channels, height, width; blocked: four channels of a position lie together, as the convolution reads them.
    let (inputs, outputs) = (Shape::blocked(4, 6, 5), Shape::blocked(8, 6, 5));
    let (weight, bias) = (random(1, 8 * 4 * 3 * 3), random(2, 8));
    // Which of the kernels for a 3 x 3 convolution: the plainest. Each packs the weights in its own way.
    let naive = TunedOp::Conv3x3.naive();
    let weights = PackedWeights::new(&gpu, naive, Precision::F32, &weight, &bias, [8, 4])?;
    let mut graph = Graph::new();
    let x = graph.leaf("x", inputs);
    let target = graph.leaf("target", outputs);
    // False: no ReLU inside the convolution, since it is a node of its own here.
    let conv = graph.apply("conv", Box::new(Conv::new(Arc::new(weights), false)), &[x]);
    let y = graph.apply("relu", Box::new(Relu), &[conv]);
    let loss = graph.apply("loss", Box::new(Mse), &[y, target]);

    // 2. The plan: which steps compute the loss and d loss / d x, and which buffer holds each result.
    let differentiate = Some(Differentiate { outputs: vec![loss], input: x });
    let plan = graph.plan(Request { keep: vec![loss], differentiate, activations: Activations::Kept });

    // 3. The program: buffers allocated, a forward and a backward pass recorded.
    let x_data = random(3, inputs.len());
    // `Use` is the category in reports of memory.
    let x_tensor = gpu.upload(inputs, &x_data, Use::Activations, "x")?;
    let target_tensor = gpu.upload(outputs, &random(4, outputs.len()), Use::Targets, "target")?;
    let program = graph.compile(&gpu, &plan, &[(x, x_tensor.clone()), (target, target_tensor)])?;
    gpu.submit(&[&program.forward, &program.backward])?;
    let gradient = gpu.read(program.gradient().expect("the request asks for one"))?;

    // 4. The check: (loss(x + h) - loss(x - h)) / 2h for some elements of x.
    let loss_with = |i: usize, shift: f32| -> impasto::Result<f32> {
        let mut shifted = x_data.clone();
        shifted[i] += shift;
        gpu.write(&x_tensor, &shifted);
        gpu.submit(&[&program.forward])?;
        Ok(gpu.read(program.value(loss))?[0])
    };
    for i in (0..inputs.len()).step_by(17) {
        let h = 1.0 / 256.0;
        let difference = (loss_with(i, h)? - loss_with(i, -h)?) / (2.0 * h);
        println!("d loss / d x[{i:3}]: {:9.6} by autograd, {difference:9.6} by differences", gradient[i]);
        assert!((gradient[i] - difference).abs() < 2e-4, "the gradient of x[{i}] is wrong");
    }
    Ok(())
}
