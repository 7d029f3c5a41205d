//! The weights of the network: the built-in ones and those of files.
use std::fs;
use std::path::Path;

use super::{LAYERS, LayerId};
use crate::error::{Error, Remedy, Result, Setting};

mod built_in;
mod file;
#[cfg(test)]
mod tests;

pub use built_in::built_in_file;
#[cfg(not(feature = "embedded-weights"))]
pub use built_in::provide_built_in;

/// Name of the built-in weights in errors.
const EMBEDDED_NAME: &str = "built-in weights";

/// The mean of the training images in blue, green, red on the 0..255 scale, which
/// [`Pixels::BgrMean`] subtracts. From the Oxford VGG release.
pub const BGR_MEAN: [f32; 3] = [103.939, 116.779, 123.68];

/// The mean of ImageNet in red, green, blue on the 0..1 scale. From torchvision's model documentation.
pub const RGB_MEAN: [f32; 3] = [0.485, 0.456, 0.406];

/// The standard deviation of ImageNet in red, green, blue on the 0..1 scale. From torchvision's
/// model documentation.
pub const RGB_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// The three input channels of `conv1_1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// Blue, green, red, each 0..255 minus [`BGR_MEAN`]: Oxford's, Caffe's and Keras's VGG.
    BgrMean,
    /// Red, green, blue, each (0..1 minus [`RGB_MEAN`]) / [`RGB_STD`]: torchvision's VGG.
    RgbMeanStd,
}

/// One channel of the network's input from a pixel: `rgb[source] * scale + offset` with
/// `rgb` on the 0..255 scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// Red (0), green (1) or blue (2).
    pub source: usize,
    /// Factor per level of 255.
    pub scale: f32,
    /// Added after scaling.
    pub offset: f32,
}

impl Pixels {
    /// The three channels of the network's input, in its order.
    pub fn channels(self) -> [Channel; 3] {
        [0, 1, 2].map(|c| match self {
            Self::BgrMean => Channel { source: 2 - c, scale: 1.0, offset: -BGR_MEAN[c] },
            Self::RgbMeanStd => {
                Channel { source: c, scale: 1.0 / (255.0 * RGB_STD[c]), offset: -RGB_MEAN[c] / RGB_STD[c] }
            }
        })
    }
}

/// The parameters of one convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvWeights {
    /// `[outputs, inputs, 3, 3]`, row-major, rows of the kernel before its columns. A correlation,
    /// as in all frameworks: the kernel is not flipped.
    pub weight: Vec<f32>,
    /// `[outputs]`, added before the ReLU.
    pub bias: Vec<f32>,
    /// `[outputs]`: the mean of each channel after the ReLU over natural images, which
    /// [`Weights::normalised`] needs. Files may lack it.
    pub mean_activation: Option<Vec<f32>>,
}

/// The parameters of the network up to some layer.
#[derive(Clone, Debug)]
pub struct Weights {
    /// In the order of [`LAYERS`], from the first to the deepest that was loaded.
    pub convs: Vec<ConvWeights>,
    /// The input that the first layer expects.
    pub pixels: Pixels,
    /// Where they come from: the path of the file, or `built-in weights`.
    pub source: String,
}

impl Weights {
    /// The built-in weights of all layers, with mean activations; [`Pixels::BgrMean`].
    ///
    /// # Errors
    /// [`Error::Weights`] if the program was built with a damaged file, or without the feature `embedded-weights`.
    pub fn embedded() -> Result<Self> {
        Self::embedded_up_to(LayerId::LAST)
    }

    /// The built-in weights of the layers up to and including `deepest`.
    ///
    /// # Errors
    /// As for [`Weights::embedded`].
    pub fn embedded_up_to(deepest: LayerId) -> Result<Self> {
        let name = Path::new(EMBEDDED_NAME);
        let file = built_in_file().ok_or_else(|| {
            Error::weights(name, "this program was compiled without them: give it a file of VGG19's weights")
        })?;
        file::parse(name, file, deepest)
    }

    /// Reads all layers from a safetensors file. Its tensor names tell which of three forms it has;
    /// shapes are in the order of PyTorch and other tensors are ignored.
    ///
    /// - `conv1_1.weight` `[out, in, 3, 3]`, `conv1_1.bias` `[out]` and optionally
    ///   `conv1_1.mean_activation` `[out]`, and so on up to `conv5_4`; [`Pixels::BgrMean`].
    /// - The same with `conv1_1.weight.codes` (U8, `[out, in, 3, 3]`) into
    ///   `conv1_1.weight.codebook` `[256]` for the weight: the form of the built-in weights.
    /// - torchvision's `features.0.weight` and `features.0.bias` up to `features.34` of the VGG19
    ///   without batch normalisation; [`Pixels::RgbMeanStd`] and no mean activations.
    ///
    /// Values are F32, F16 or BF16.
    ///
    /// # Errors
    /// [`Error::Weights`] naming the file, the tensor, and what was expected and found: unreadable,
    /// truncated or foreign files, another VGG than 19, missing tensors, other shapes or types, and
    /// values that are not finite.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_up_to(path, LayerId::LAST)
    }

    /// [`Weights::load`] for the layers up to and including `deepest`; those above may be missing.
    ///
    /// # Errors
    /// As for [`Weights::load`].
    pub fn load_up_to(path: impl AsRef<Path>, deepest: LayerId) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |e: std::io::Error| {
            Error::weights(path, format!("cannot read: {} (is the path right?)", e.kind()))
        };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Error::weights(path, "is not a file: give the path of a .safetensors file"));
        }
        if metadata.len() > file::MAX_BYTES {
            let gib = file::MAX_BYTES >> 30;
            return Err(Error::weights(path, format!("is larger than {gib} GiB: this is not VGG19")));
        }
        Self::parse(path, &fs::read(path).map_err(unreadable)?, deepest)
    }

    /// Decodes the bytes of a file as [`load_up_to`](Self::load_up_to) does. `path` is for messages.
    ///
    /// # Errors
    /// As for [`Weights::load`].
    pub fn parse(path: &Path, bytes: &[u8], deepest: LayerId) -> Result<Self> {
        file::parse(path, bytes, deepest)
    }

    /// The deepest layer that was loaded.
    pub fn deepest(&self) -> LayerId {
        LayerId::all().take(self.convs.len()).next_back().unwrap_or(LayerId::FIRST)
    }

    /// The same network with each channel's mean activation made 1, as Gatys, Ecker & Bethge (2016)
    /// do: `weight * before[in] / mean[out]` and `bias / mean[out]`, where `mean` is the layer's
    /// mean activation and `before` that of the layer below (1 for the image).
    ///
    /// The ReLU lets positive factors through and so does either pooling, so each activation is
    /// that of the raw network divided by its mean. Calling it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Weights`] naming the tensor if a mean activation is missing or not above 0.
    pub fn normalised(self) -> Result<Self> {
        self.divided(0.0)
    }

    /// The normalised network, but no mean counts as less than a tenth of its layer's median.
    ///
    /// Channel 291 of `conv4_2` is almost always zero: its mean is 1/230 of the median. Normalised, its activations on an
    /// enlarged painting reach 2300 times their mean, and dominate a content term of squares: see
    /// `docs/src/guide/defaults.md`.
    ///
    /// # Errors
    /// As [`normalised`](Self::normalised).
    pub fn balanced(self) -> Result<Self> {
        self.divided(0.1)
    }

    /// Divides by mean activations; none counts as less than `floor` times its layer's median.
    fn divided(mut self, floor: f32) -> Result<Self> {
        let mut before = vec![1.0; LAYERS[0].inputs];
        for (conv, layer) in self.convs.iter_mut().zip(LayerId::all()) {
            let name = format!("{layer}.mean_activation");
            let mean = conv.mean_activation.take().ok_or_else(|| {
                in_memory(&self.source, format!("tensor '{name}' is missing: {NORMALISED_NEEDS_IT}"))
                    .with_remedies(raw_instead())
            })?;
            if mean.len() != layer.channels() {
                let (expected, found) = (layer.channels(), mean.len());
                let reason = format!("tensor '{name}': expected {expected} values, found {found}");
                return Err(in_memory(&self.source, reason));
            }
            if let Some(at) = mean.iter().position(|m| !(*m > 0.0 && m.is_normal())) {
                let reason = format!("tensor '{name}': value {at} is {}, not above 0", mean[at]);
                return Err(in_memory(&self.source, format!("{reason}: {NORMALISED_NEEDS_IT}"))
                    .with_remedies(raw_instead()));
            }
            let least = floor * median(&mean);
            let mean: Vec<f32> = mean.into_iter().map(|mean| mean.max(least)).collect();
            divide(conv, &before, &mean);
            conv.mean_activation = Some(vec![1.0; mean.len()]);
            before = mean;
        }
        Ok(self)
    }
}

/// The number in the middle; the upper one of two.
fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted[sorted.len() / 2]
}

const NORMALISED_NEEDS_IT: &str = "the normalised network needs it";

/// The remedy for weights without usable mean activations: the raw network works without them.
fn raw_instead() -> [Remedy; 1] {
    [Remedy::Set(Setting::Network, "raw".into())]
}

/// An error in weights that are in memory already.
fn in_memory(source: &str, reason: String) -> Error {
    Error::weights(Path::new(source), reason)
}

/// Multiplies each kernel by `before[in] / mean[out]` and divides each bias by `mean[out]`.
fn divide(conv: &mut ConvWeights, before: &[f32], mean: &[f32]) {
    let kernels = conv.weight.chunks_exact_mut(9 * before.len());
    for ((kernels, bias), mean) in kernels.zip(&mut conv.bias).zip(mean) {
        // In f64, so that each result is rounded once.
        let mean = f64::from(*mean);
        for (kernel, before) in kernels.chunks_exact_mut(9).zip(before) {
            let factor = f64::from(*before) / mean;
            kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
        }
        *bias = (f64::from(*bias) / mean) as f32;
    }
}
