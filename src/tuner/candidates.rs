//! What may be chosen on a device, and what is chosen where nothing has been timed.

use crate::gpu::{Gpu, Precision};
use crate::ops::{ConvVariant, GramVariant};
use crate::vgg19::{Kernels, LayerId, activation_shape};

/// Variants worth timing, the built-in choice first. On a CPU driver the list is short, since each
/// kernel takes a second to compile there. Empty where only the naive kernel runs.
pub fn conv_candidates(gpu: &Gpu, precision: Precision) -> Vec<ConvVariant> {
    use ConvVariant::{Cooperative, Registers, Texture, TextureWinogradF4, Vectors, WinogradF2, WinogradF4};
    let all: &[ConvVariant] = match gpu.adapter().is_software() && Texture.runs_on(gpu) {
        true => &[TextureWinogradF4, Texture],
        false => &[WinogradF4, WinogradF2, Registers, Vectors],
    };
    // What rounds to f16 by itself is only for those who want f16.
    let precise = all.iter().copied();
    let rough = [Cooperative].into_iter().filter(|_| precision == Precision::F16);
    rough.chain(precise).filter(|variant| variant.runs_on(gpu)).collect()
}

/// As [`conv_candidates`], for the Gram matrix.
pub fn gram_candidates(gpu: &Gpu) -> Vec<GramVariant> {
    let all: &[GramVariant] = match gpu.adapter().is_software() && GramVariant::Texture.runs_on(gpu) {
        true => &[GramVariant::Texture],
        false => &[GramVariant::Vectors, GramVariant::Registers],
    };
    all.iter().copied().filter(|variant| variant.runs_on(gpu)).collect()
}

/// The choice by the class of the device alone, for a picture of this size, among these candidates:
/// the best for most layers first, the plainest last.
pub(super) fn builtin(convs: &[ConvVariant], grams: &[GramVariant], width: u32, height: u32) -> Kernels {
    let best = convs.first().copied().unwrap_or(ConvVariant::Naive);
    let plain = convs.last().copied().unwrap_or(ConvVariant::Naive);
    let gram = grams.first().copied().unwrap_or(GramVariant::Naive);
    let mut kernels = Kernels::uniform(best, gram);
    for layer in LayerId::all() {
        let shape = activation_shape(layer, width, height);
        let tiles = shape.width.div_ceil(4) * shape.height.div_ceil(4);
        // With few channels the transforms outweigh the product, and with few tiles its lanes idle.
        if layer.spec().inputs < 32 || tiles < 32 {
            kernels.set_conv(layer, plain);
        }
    }
    kernels
}
