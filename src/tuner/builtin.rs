//! The choice where nothing was timed.

use crate::gpu::Shape;
use crate::ops::variants::{Pass, TunedOp, Variant};

/// The last of the candidates that round, where there are any: on matrix units; else the last of the candidates, which
/// stand plainest first. Where channels or tiles are few, transforms outweigh the GEMM and matrix units idle: there it is
/// the last candidate without either. The definition if there is no candidate.
pub(super) fn builtin(
    op: TunedOp,
    pass: Pass,
    candidates: &[&'static Variant],
    features: Shape,
) -> &'static Variant {
    let tiles = features.width.div_ceil(4) * features.height.div_ceil(4);
    let is_small = |variant: &Variant| features.channels < 32 || tiles < variant.fewest_tiles(pass);
    let wants_many = |variant: &Variant| variant.has_transform(pass) || variant.uses_matrix_units();
    // A variant may compute a pass just as a plainer one does, and stands in its place then.
    let is_new = |at: usize| !candidates[..at].iter().any(|plainer| plainer.shares(pass, candidates[at]));
    let distinct = || (0..candidates.len()).rev().filter(|at| is_new(*at)).map(|at| candidates[at]);
    let suited =
        || distinct().filter(|variant| op == TunedOp::Gram || !is_small(variant) || !wants_many(variant));
    let rounding = suited().find(|variant| variant.rounds_to_f16());
    rounding.or_else(|| suited().next()).or_else(|| distinct().next()).unwrap_or(op.naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(pass: Pass, names: &[&str], channels: u32, side: u32) -> &'static str {
        let op = TunedOp::Conv3x3;
        let candidates: Vec<_> = names.iter().map(|name| op.variant(name).unwrap()).collect();
        builtin(op, pass, &candidates, Shape::blocked(channels, side, side)).name
    }

    #[test]
    fn small_layers_do_without_transforms() {
        let gpu = ["registers", "taps_inner", "halo_x3", "winograd_f2", "winograd_f4"];
        assert_eq!(choice(Pass::Forward, &gpu, 64, 128), "winograd_f4");
        assert_eq!(choice(Pass::Forward, &gpu, 3, 128), "taps_inner");
        assert_eq!(choice(Pass::Backward, &gpu, 512, 16), "taps_inner");
        // Its products have tiles of 16 positions, too.
        let cpu = ["texture", "texture_winograd_f4"];
        assert_eq!(choice(Pass::Forward, &cpu, 64, 64), "texture_winograd_f4");
        assert_eq!(choice(Pass::Backward, &cpu, 512, 16), "texture_winograd_f4");
        assert_eq!(choice(Pass::Backward, &cpu, 512, 12), "texture");
        assert_eq!(choice(Pass::Forward, &["winograd_f2"], 3, 8), "winograd_f2", "there is no other");
        assert_eq!(choice(Pass::Forward, &[], 64, 128), "naive");
    }

    /// The backward pass of `cooperative` is that of `taps_inner`, which Winograd's method beats.
    #[test]
    fn passes_are_chosen_apart() {
        let half = ["registers", "taps_inner", "winograd_f2", "winograd_f4", "cooperative"];
        assert_eq!(choice(Pass::Forward, &half, 64, 128), "cooperative");
        assert_eq!(choice(Pass::Backward, &half, 64, 128), "winograd_f4");
        assert_eq!(choice(Pass::Forward, &half, 3, 128), "taps_inner");
        // Wherever it stands in the list.
        assert_eq!(
            choice(Pass::Forward, &["taps_inner", "cooperative", "winograd_f4"], 64, 128),
            "cooperative"
        );
    }
}
