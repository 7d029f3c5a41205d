//! Decoding safetensors files in the forms that [`Weights::load`](super::Weights::load) lists.
use std::path::Path;

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use super::{ConvWeights, Pixels, Weights};
use crate::error::{Error, Result};
use crate::vgg19::{LAYER_COUNT, Layer, LayerId};

/// Files above this are refused unread; the whole of VGG19 with its classifier takes 0.6 GiB.
pub(super) const MAX_BYTES: u64 = 4 << 30;

/// Index of each convolution in torchvision's `vgg19().features`, which includes ReLUs and poolings.
const TORCHVISION: [usize; LAYER_COUNT] = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34];

/// Names and encoding of a file's tensors.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// `conv1_1.weight.codes` and `conv1_1.weight.codebook`.
    Codebook,
    /// `conv1_1.weight`.
    Plain,
    /// `features.0.weight`.
    Torchvision,
}

/// The weights in `bytes` of the layers up to `deepest`. `path` is for messages.
pub(super) fn parse(path: &Path, bytes: &[u8], deepest: LayerId) -> Result<Weights> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| not_safetensors(path, bytes, &e))?;
    let file = File { path, form: form(path, &tensors)?, tensors };
    let layers: Vec<LayerId> = LayerId::all().take_while(|l| *l <= deepest).collect();
    let file = &file;
    // In parallel: most of the time goes into page faults of the 80 MB of results.
    let convs = layers.into_par_iter().map(|layer| file.conv(layer)).collect::<Result<Vec<ConvWeights>>>()?;
    let pixels = if file.form == Form::Torchvision { Pixels::RgbMeanStd } else { Pixels::BgrMean };
    Ok(Weights { convs, pixels, source: path.display().to_string() })
}

/// The error for bytes that are not a complete safetensors file.
fn not_safetensors(path: &Path, bytes: &[u8], error: &SafeTensorError) -> Error {
    let reason = if bytes.is_empty() {
        "the file is empty: download it again".into()
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
        "this is a PyTorch checkpoint: convert it to safetensors (safetensors.torch.save_file)".into()
    } else if bytes.starts_with(b"\x89HDF") {
        "this is an HDF5 (Keras) file: convert it to safetensors".into()
    } else {
        format!("truncated, or not a safetensors file ({error}): download it again")
    };
    Error::weights(path, reason)
}

/// The form of a file, from its tensor names. Refuses files of other networks.
fn form(path: &Path, tensors: &SafeTensors) -> Result<Form> {
    let names = tensors.names();
    let has = |name: &str| names.contains(&name);
    let refuse = |what: &str| {
        let reason = format!("{what}: give the weights of VGG19 without batch normalisation");
        Err(Error::weights(path, reason))
    };
    let normalised = |n: &&str| n.ends_with(".running_mean") || n.ends_with(".running_var");
    if names.iter().any(normalised) {
        return refuse("these are the weights of a network with batch normalisation");
    }
    if LayerId::all().any(|l| has(&format!("{l}.weight.codes")) || has(&format!("{l}.weight"))) {
        if has_any(&names, "conv4_1.") && !has_any(&names, "conv3_4.") {
            return refuse("there is a conv4_1 but no conv3_4, so these are the weights of VGG16 or smaller");
        }
        let coded = LayerId::all().any(|l| has(&format!("{l}.weight.codes")));
        return Ok(if coded { Form::Codebook } else { Form::Plain });
    }
    let numbers: Vec<usize> = names.iter().filter_map(|n| feature_number(n)).collect();
    if numbers.is_empty() {
        let mut seen: Vec<&str> = names.into_iter().filter(|n| n.len() < 80).collect();
        seen.sort_unstable();
        let seen = if seen.is_empty() { "no tensors".into() } else { seen[..seen.len().min(3)].join(", ") };
        return refuse(&format!(
            "not VGG19: no tensor is called like conv1_1.weight or features.0.weight (found {seen})"
        ));
    }
    if let Some(foreign) = numbers.iter().filter(|n| !TORCHVISION.contains(n)).min() {
        // VGG16 has its convolutions at 0 2 5 7 10 12 14 17 19 21 24 26 28.
        let smaller =
            if numbers.contains(&17) && numbers.contains(&24) { "VGG16" } else { "another network" };
        return refuse(&format!(
            "there is a features.{foreign}.weight, so these are the weights of {smaller}"
        ));
    }
    Ok(Form::Torchvision)
}

/// True if a name begins with `prefix`.
fn has_any(names: &[&str], prefix: &str) -> bool {
    names.iter().any(|n| n.starts_with(prefix))
}

/// The N of `features.N.weight`.
fn feature_number(name: &str) -> Option<usize> {
    name.strip_prefix("features.")?.strip_suffix(".weight")?.parse().ok()
}

/// An open file of known form.
struct File<'a> {
    path: &'a Path,
    form: Form,
    tensors: SafeTensors<'a>,
}

impl File<'_> {
    /// The parameters of one layer.
    fn conv(&self, layer: LayerId) -> Result<ConvWeights> {
        let &Layer { inputs, outputs, .. } = layer.spec();
        let shape = [outputs, inputs, 3, 3];
        let name = match self.form {
            Form::Torchvision => format!("features.{}", TORCHVISION[layer.index()]),
            Form::Codebook | Form::Plain => layer.name().into(),
        };
        let weight = match self.form {
            Form::Codebook => self.looked_up(&name, &shape)?,
            Form::Plain | Form::Torchvision => self.floats(&format!("{name}.weight"), &shape)?,
        };
        let bias = self.floats(&format!("{name}.bias"), &[outputs])?;
        let mean_name = format!("{name}.mean_activation");
        let mean_activation = match self.tensors.tensor(&mean_name) {
            Ok(_) => Some(self.floats(&mean_name, &[outputs])?),
            Err(_) => None,
        };
        Ok(ConvWeights { weight, bias, mean_activation })
    }

    /// A weight stored as a code into a codebook.
    fn looked_up(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let codes_name = format!("{name}.weight.codes");
        let codes = self.tensor(&codes_name, shape)?;
        if codes.dtype() != Dtype::U8 {
            return Err(self.wrong_type(&codes_name, "U8", codes.dtype()));
        }
        let codebook = self.floats(&format!("{name}.weight.codebook"), &[256])?;
        let codebook = codebook.as_array::<256>().copied().unwrap_or([0.0; 256]);
        Ok(codes.data().iter().map(|&code| codebook[usize::from(code)]).collect())
    }

    /// A tensor of finite numbers.
    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let tensor = self.tensor(name, shape)?;
        let data = tensor.data();
        let values: Vec<f32> = match tensor.dtype() {
            // Not a cast: neither the file nor the machine promises alignment.
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
            Dtype::F16 => data.as_chunks::<2>().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
            Dtype::BF16 => data.as_chunks::<2>().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
            other => return Err(self.wrong_type(name, "F32, F16 or BF16", other)),
        };
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(values),
            Some(at) => {
                Err(self.error(name, format!("value {at} is {}: all must be finite numbers", values[at])))
            }
        }
    }

    /// A tensor of this shape.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<TensorView<'_>> {
        let Ok(found) = self.tensors.tensor(name) else {
            let reason = format!("it is missing (expected shape {shape:?}): is this all of VGG19?");
            return Err(self.error(name, reason));
        };
        if found.shape() != shape {
            let reason = format!("expected shape {shape:?}, found {:?}: this is not VGG19", found.shape());
            return Err(self.error(name, reason));
        }
        Ok(found)
    }

    /// The error for a tensor of another type.
    fn wrong_type(&self, name: &str, expected: &str, found: Dtype) -> Error {
        self.error(name, format!("expected type {expected}, found {found:?}: convert it"))
    }

    /// An error in the tensor `name`.
    fn error(&self, name: &str, reason: String) -> Error {
        Error::weights(self.path, format!("tensor '{name}': {reason}"))
    }
}
