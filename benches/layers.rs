//! Convolution and Gram matrix at the shapes of VGG19's layers, forward and backward, every variant that the
//! device can run: `cargo bench --bench layers -- conv3_2`. `IMPASTO_BENCH_SIZE` sets the picture's side (128).

use std::time::Instant;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use impasto::Result;
use impasto::gpu::{Gpu, Precision, Recording, Use};
use impasto::graph::{Graph, Op};
use impasto::ops::case::{numbers, to_f32};
use impasto::ops::{Conv, ConvVariant, Gram, GramVariant, PackedWeights};
use impasto::vgg19::{LayerId, activation_shape};

fn side() -> u32 {
    std::env::var("IMPASTO_BENCH_SIZE").ok().and_then(|side| side.parse().ok()).unwrap_or(128)
}

/// Times a recording by the wall clock, the device idle before and after.
fn time(group: &mut BenchmarkGroup<WallTime>, name: &str, gpu: &Gpu, recording: &Recording) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|repetitions| {
            let start = Instant::now();
            for _ in 0..repetitions {
                gpu.submit(&[recording]).expect("the device failed");
            }
            gpu.wait().expect("the device failed");
            start.elapsed()
        });
    });
}

/// Both passes of one operation on random features of a layer with `channels` maps.
fn both_passes(
    group: &mut BenchmarkGroup<WallTime>,
    gpu: &Gpu,
    op: Box<dyn Op>,
    layer: LayerId,
    channels: usize,
    variant: &str,
) -> Result<()> {
    let mut shape = activation_shape(layer, side(), side());
    shape.channels = channels as u32;
    let x = gpu.upload(shape, &to_f32(&numbers(1, shape.len())), Use::Activations, "x")?;
    let mut graph = Graph::new();
    let leaf = graph.leaf("x", shape);
    let node = graph.apply(layer.name(), op, &[leaf]);
    let program = graph.compile(gpu, &graph.plan(&[node], Some((node, leaf))), &[(leaf, x)])?;
    gpu.submit(&[&program.forward])?;
    time(group, &format!("{layer}/{variant}/forward"), gpu, &program.forward);
    time(group, &format!("{layer}/{variant}/backward"), gpu, &program.backward);
    Ok(())
}

fn convolutions(criterion: &mut Criterion) {
    let gpu = Gpu::open(&Default::default()).expect("no adapter");
    let mut group = criterion.benchmark_group("conv");
    group.sample_size(10);
    for layer in ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_1"] {
        let layer: LayerId = layer.parse().expect("a layer");
        let (ins, outs) = (layer.spec().inputs, layer.spec().outputs);
        let shape = activation_shape(layer, side(), side());
        group.throughput(Throughput::Elements(18 * (ins * outs) as u64 * u64::from(shape.positions())));
        for variant in ConvVariant::ALL.into_iter().filter(|variant| variant.runs_on(&gpu)) {
            let weight = to_f32(&numbers(2, ins * outs * 9));
            let channels = [outs as u32, ins as u32];
            let weights =
                PackedWeights::new(&gpu, variant, Precision::F32, &weight, &vec![0.1; outs], channels);
            let conv = Conv::new(weights.expect("out of memory").into(), true);
            both_passes(&mut group, &gpu, Box::new(conv), layer, ins, variant.name())
                .expect("the device failed");
        }
    }
}

fn gram_matrices(criterion: &mut Criterion) {
    let gpu = Gpu::open(&Default::default()).expect("no adapter");
    let mut group = criterion.benchmark_group("gram");
    group.sample_size(10);
    for layer in ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"] {
        let layer: LayerId = layer.parse().expect("a layer");
        let n = layer.channels();
        let positions = u64::from(activation_shape(layer, side(), side()).positions());
        group.throughput(Throughput::Elements(2 * (n * n) as u64 * positions));
        for variant in GramVariant::ALL.into_iter().filter(|variant| variant.runs_on(&gpu)) {
            let gram = Gram::new(&gpu, variant, n as u32).expect("out of memory");
            both_passes(&mut group, &gpu, Box::new(gram), layer, n, variant.name())
                .expect("the device failed");
        }
    }
}

criterion_group!(benches, convolutions, gram_matrices);
criterion_main!(benches);
