//! One line per kernel, from the timings of several evaluations.

use serde::{Deserialize, Serialize};

use super::{OfRoof, Roofs, Spread};
use crate::gpu::{PassKind, Timing};

/// A kernel of an evaluation: all of its launches for one layer in one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KernelLine {
    /// The pass of the evaluation.
    pub pass: PassKind,
    /// The layer or step.
    pub layer: String,
    /// The shader's path under `shaders/`, such as `conv/2_tiled`; copies are `copy/buffer` and `copy/texture`.
    pub kernel: String,
    /// Number of launches per evaluation.
    pub launches: usize,
    /// Workgroups of all launches; 0 for copies.
    pub workgroups: u64,
    /// Whether its operations are done by the matrix units, whose roof then holds.
    pub on_matrix_units: bool,
    /// Floating-point operations of all launches.
    pub flops: f64,
    /// Floating-point operations that the definition of the operation takes for the same result.
    pub direct_flops: f64,
    /// Least number of bytes that are read and written.
    pub bytes: f64,
    /// Seconds per evaluation.
    pub seconds: Spread,
    /// The median as a fraction of the sum of all lines' medians.
    pub share: f64,
}

impl KernelLine {
    /// 10^9 floating-point operations per second.
    pub fn gflops(&self) -> f64 {
        self.rate(self.flops)
    }

    /// 10^9 operations per second, counting those of the definition. An algorithm with fewer operations raises it.
    pub fn direct_gflops(&self) -> f64 {
        self.rate(self.direct_flops)
    }

    /// 10^9 bytes per second.
    pub fn gbytes(&self) -> f64 {
        self.rate(self.bytes)
    }

    /// How close it is to the roof that limits it; `None` for work without operations and bytes, or without time.
    pub fn of_roof(&self, roofs: &Roofs) -> Option<OfRoof> {
        roofs.part([self], self.seconds.median)
    }

    /// The folder of the shader, which is the operation: `conv` of `conv/2_tiled`.
    pub fn operation(&self) -> &str {
        self.kernel.split('/').next().unwrap_or(&self.kernel)
    }

    fn rate(&self, amount: f64) -> f64 {
        if self.seconds.median > 0.0 { amount / self.seconds.median * 1e-9 } else { 0.0 }
    }

    fn is_of(&self, timing: &Timing) -> bool {
        self.kernel == timing.kernel && self.layer == timing.label && self.pass == timing.pass
    }
}

/// The lines of several evaluations of the same recordings, in the order in which the kernels first ran.
pub fn lines(evaluations: &[Vec<Timing>]) -> Vec<KernelLine> {
    let mut lines: Vec<KernelLine> = vec![];
    let mut seconds: Vec<Vec<f64>> = vec![];
    for (k, evaluation) in evaluations.iter().enumerate() {
        for timing in evaluation {
            let place = lines.iter().position(|line| line.is_of(timing)).unwrap_or_else(|| {
                lines.push(empty_line(timing));
                seconds.push(vec![0.0; evaluations.len()]);
                lines.len() - 1
            });
            seconds[place][k] += timing.seconds;
            // Launches and work are the same in every evaluation.
            if k == 0 {
                let line = &mut lines[place];
                line.launches += 1;
                line.workgroups += timing.groups.iter().map(|side| u64::from(*side)).product::<u64>();
                line.flops += timing.work.flops;
                line.direct_flops += timing.work.direct_flops;
                line.bytes += timing.work.bytes;
            }
        }
    }
    for (line, seconds) in lines.iter_mut().zip(&seconds) {
        line.seconds = Spread::of(seconds);
    }
    let all: f64 = lines.iter().map(|line| line.seconds.median).sum();
    lines.iter_mut().for_each(|line| line.share = if all > 0.0 { line.seconds.median / all } else { 0.0 });
    lines
}

fn empty_line(timing: &Timing) -> KernelLine {
    KernelLine {
        pass: timing.pass,
        layer: timing.label.clone(),
        kernel: timing.kernel.into(),
        launches: 0,
        workgroups: 0,
        on_matrix_units: timing.on_matrix_units,
        flops: 0.0,
        direct_flops: 0.0,
        bytes: 0.0,
        seconds: Spread::default(),
        share: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Work;

    fn timing(pass: PassKind, label: &str, kernel: &'static str, seconds: f64) -> Timing {
        let work = Work { flops: 2e9, direct_flops: 4e9, bytes: 1e9 };
        Timing {
            pass,
            label: label.into(),
            kernel,
            groups: [2, 3, 1],
            on_matrix_units: false,
            work,
            start: 0.0,
            seconds,
        }
    }

    #[test]
    fn launches_of_one_kernel_add_up_and_evaluations_spread() {
        let evaluation = |scale: f64| {
            vec![
                timing(PassKind::Forward, "conv1_1", "conv/2_tiled", 2.0 * scale),
                timing(PassKind::Forward, "total", "weighted_sum/forward", 0.5 * scale),
                timing(PassKind::Forward, "total", "weighted_sum/forward", 0.5 * scale),
                timing(PassKind::Backward, "conv1_1", "conv/2_tiled", 1.0 * scale),
            ]
        };
        let lines = lines(&[evaluation(1.0), evaluation(2.0), evaluation(3.0)]);
        assert_eq!(lines.len(), 3);
        assert_eq!((lines[1].launches, lines[1].workgroups), (2, 12));
        assert_eq!(lines[0].seconds.median, 4.0);
        assert_eq!(lines[1].seconds.median, 2.0);
        assert_eq!(lines[2].pass, PassKind::Backward);
        assert_eq!(lines.iter().map(|line| line.share).sum::<f64>(), 1.0);
        assert_eq!((lines[0].gflops(), lines[0].direct_gflops(), lines[0].gbytes()), (0.5, 1.0, 0.25));
        assert_eq!(lines[0].operation(), "conv");
        // Both launches' work in the time of both.
        assert_eq!(lines[1].gflops(), 2.0);
    }
}
