//! Convolution and Gram matrix at the shapes of VGG19's layers, forward and backward, every variant that the
//! device can run: `cargo bench --bench layers -- conv3_2`. `IMPASTO_BENCH_SIZE` sets the picture's side (128).

use std::time::Instant;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use impasto::Result;
use impasto::gpu::{Gpu, Precision, Recording};
use impasto::ladder::{Benchmark, ProblemSize};

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

/// Every rung of a benchmark at these layers.
fn ladders(criterion: &mut Criterion, benchmark: &str, layers: [&str; 5]) -> Result<()> {
    let (gpu, benchmark) = (Gpu::open(&Default::default())?, Benchmark::of_name(benchmark)?);
    let mut group = criterion.benchmark_group(benchmark.name);
    group.sample_size(10);
    for layer in layers {
        let size = ProblemSize { layer: layer.parse()?, side: side(), precision: Precision::F32 };
        let rungs = benchmark.implementations().into_iter().filter(|rung| rung.missing(&gpu).is_none());
        for rung in rungs {
            let program = benchmark.program(&gpu, rung, &size)?;
            // What the definition needs, the same for all.
            let timings = gpu.timed(&[&program.forward])?;
            let flops: f64 = timings.iter().map(|timing| timing.work.direct_flops).sum();
            group.throughput(Throughput::Elements(flops as u64));
            time(&mut group, &format!("{layer}/{}/forward", rung.name()), &gpu, &program.forward);
            time(&mut group, &format!("{layer}/{}/backward", rung.name()), &gpu, &program.backward);
        }
    }
    Ok(())
}

fn convolutions(criterion: &mut Criterion) {
    let layers = ["conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_1"];
    ladders(criterion, "conv3x3", layers).expect("a device that works");
}

fn gram_matrices(criterion: &mut Criterion) {
    let layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];
    ladders(criterion, "gram", layers).expect("a device that works");
}

criterion_group!(benches, convolutions, gram_matrices);
criterion_main!(benches);
