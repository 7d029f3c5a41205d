//! What is used where nothing has been timed: by the class of the device.

use crate::gpu::Gpu;
use crate::ops::{ConvVariant, GramVariant};
use crate::vgg19::{Kernels, LayerId, activation_shape};

/// The variants that suit devices like this one, for a picture of this size.
pub(super) fn builtin(gpu: &Gpu, width: u32, height: u32) -> Kernels {
    let on_cpu = gpu.adapter().is_software() && ConvVariant::Texture.runs_on(gpu);
    let (plain, winograd, gram) = match on_cpu {
        true => (ConvVariant::Texture, ConvVariant::TextureWinogradF4, GramVariant::Texture),
        false => (ConvVariant::Vectors, ConvVariant::WinogradF4, GramVariant::Vectors),
    };
    if !winograd.runs_on(gpu) {
        return Kernels::uniform(ConvVariant::Naive, GramVariant::Naive);
    }
    let mut kernels = Kernels::uniform(winograd, gram);
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
