//! Test cases of the convolution.

use super::{Conv, PackedWeights};
use crate::gpu::{Precision, Shape};
use crate::ops::case::{AWKWARD, Array, Case, F16_TOLERANCE, numbers, to_f32};
use crate::ops::variants::{self, TunedOp, Variant};

/// The definition in f64; `x` is `[in, h, w]`, `weight` is `[out, in, k, k]` with k = 1 or 3.
fn reference(x: &[f64], weight: &[f64], bias: &[f64], [ins, h, w]: [usize; 3], relu: bool) -> Array {
    let taps = weight.len() / (bias.len() * ins);
    let mut out = vec![0.0; bias.len() * h * w];
    visit(taps, [ins, h, w], bias.len(), |o, i, tap, to, from| {
        out[o * h * w + to] += weight[(o * ins + i) * taps + tap] * x[i * h * w + from];
    });
    for (i, value) in out.iter_mut().enumerate() {
        *value += bias[i / (h * w)];
        *value = if relu { value.max(0.0) } else { *value };
    }
    out
}

/// Calls `f(out channel, in channel, tap, output position, input position)` for every multiplication.
fn visit(
    taps: usize,
    [ins, h, w]: [usize; 3],
    outs: usize,
    mut f: impl FnMut(usize, usize, usize, usize, usize),
) {
    let radius = usize::from(taps == 9);
    for (o, i, tap) in (0..outs).flat_map(|o| (0..ins).flat_map(move |i| (0..taps).map(move |t| (o, i, t)))) {
        for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            let (sy, sx) = (y + tap / 3, x + if taps == 9 { tap % 3 } else { 0 });
            if sy >= radius && sx >= radius && sy - radius < h && sx - radius < w {
                f(o, i, tap, y * w + x, (sy - radius) * w + sx - radius);
            }
        }
    }
}

/// Channels, then sizes; ReLU fused in every other case; 1x1 in every third.
pub(in crate::ops) fn cases() -> Vec<Case> {
    let channels = [(1, 1), (3, 5), (4, 4), (5, 37), (16, 32), (13, 65)];
    let sizes = AWKWARD.into_iter().chain([(33, 19)]);
    let mut cases = vec![];
    for variant in TunedOp::Conv3x3.variants() {
        for (n, (h, w)) in sizes.clone().enumerate() {
            for k in [0, 3] {
                let (ins, outs) = channels[(n + k) % channels.len()];
                cases.push(case(
                    variant,
                    Precision::F32,
                    [ins, outs],
                    [h, w],
                    if (n + k) % 3 == 2 { 1 } else { 9 },
                    // A sum that f16 takes across zero would let through what the reference stops.
                    n % 2 == 0 && !variant.rounds_to_f16(),
                ));
            }
        }
        let f16 = [([5, 37], [7, 13], 9, false), ([13, 65], [5, 3], 1, false), ([1, 1], [1, 1], 9, true)];
        cases.extend(
            f16.map(|(channels, size, taps, relu)| case(variant, Precision::F16, channels, size, taps, relu)),
        );
    }
    cases
}

pub(in crate::ops) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let variant = variants::random(TunedOp::Conv3x3, draw);
    let channels = [draw(1, 40), draw(1, 70)];
    let size = [draw(1, 24), draw(1, 24)];
    // Without the ReLU: one of many random sums may be so close to 0 that f32 and f64 differ in its sign.
    let precision = [Precision::F32, Precision::F16][draw(0, 1) as usize];
    case(variant, precision, channels, size, [1, 9][draw(0, 1) as usize], false)
}

fn case(
    variant: &'static Variant,
    precision: Precision,
    channels: [u32; 2],
    size: [u32; 2],
    taps: usize,
    relu: bool,
) -> Case {
    let ([ins, outs], [h, w]) = (channels, size);
    let weight = numbers(11, (ins * outs) as usize * taps);
    let bias = numbers(12, outs as usize);
    let (weight_b, bias_b) = (weight.clone(), bias.clone());
    let (weight_f, bias_f) = (weight.clone(), bias.clone());
    let dims = [ins as usize, h as usize, w as usize];
    let case = Case {
        label: format!("conv/{variant} {taps} taps, {ins}x{h}x{w} to {outs}, relu {relu}"),
        rung: variant.name,
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![Shape::blocked(ins, h, w)],
        build: Box::new(move |gpu| {
            if !variant.runs_on(gpu) {
                return Ok(None);
            }
            let weights =
                PackedWeights::new(gpu, variant, precision, &to_f32(&weight), &to_f32(&bias), [outs, ins])?;
            Ok(Some(Box::new(Conv::new(weights.into(), relu))))
        }),
        reference: Box::new(move |x| reference(&x[0], &weight_f, &bias_f, dims, relu)),
        reference_backward: Box::new(move |x, d_out| {
            let out = reference(&x[0], &weight_b, &bias_b, dims, relu);
            let mut d_x = vec![0.0; x[0].len()];
            visit(taps, dims, outs as usize, |o, i, tap, to, from| {
                let to = o * dims[1] * dims[2] + to;
                if !relu || out[to] > 0.0 {
                    let weight = weight_b[(o * dims[0] + i) * taps + tap];
                    d_x[i * dims[1] * dims[2] + from] += weight * d_out[to];
                }
            });
            vec![d_x]
        }),
        tolerance: if variant.rounds_to_f16() { F16_TOLERANCE } else { 1e-5 },
    };
    if precision == Precision::F16 { case.in_f16() } else { case }
}
