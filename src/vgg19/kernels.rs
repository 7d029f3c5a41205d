//! Which variant each layer runs.

use std::str::FromStr;

use super::LayerId;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::ops::{ConvVariant, GramVariant};

/// A variant for the convolution of each layer, and for the Gram matrix of its features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernels {
    convs: Vec<ConvVariant>,
    grams: Vec<GramVariant>,
}

impl Kernels {
    /// The same for all layers.
    pub fn uniform(conv: ConvVariant, gram: GramVariant) -> Self {
        let layers = LayerId::all().count();
        Self { convs: vec![conv; layers], grams: vec![gram; layers] }
    }

    /// What the convolution of `layer` runs.
    pub fn conv(&self, layer: LayerId) -> ConvVariant {
        self.convs[layer.index()]
    }

    /// What the Gram matrix of `layer`'s features runs.
    pub fn gram(&self, layer: LayerId) -> GramVariant {
        self.grams[layer.index()]
    }

    /// Replaces the variant of one convolution.
    pub fn set_conv(&mut self, layer: LayerId, variant: ConvVariant) {
        self.convs[layer.index()] = variant;
    }

    /// Replaces the variant of one Gram matrix.
    pub fn set_gram(&mut self, layer: LayerId, variant: GramVariant) {
        self.grams[layer.index()] = variant;
    }
}

/// A wish of the user: `conv3x3=naive`, `conv3_2=winograd_f4` or `gram=tiled`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelWish {
    /// A variant for the convolutions of these layers.
    Conv(Vec<LayerId>, ConvVariant),
    /// A variant for all Gram matrices.
    Gram(GramVariant),
}

impl FromStr for KernelWish {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (op, name) = text
            .split_once('=')
            .ok_or_else(|| Error::Usage(format!("'{text}': write OP=VARIANT, for example conv3x3=naive")))?;
        if op == "gram" {
            let variant = GramVariant::of_name(name);
            let names = GramVariant::ALL.map(GramVariant::name);
            return variant.map(Self::Gram).ok_or_else(|| unknown(op, name, &names));
        }
        let layers = match op {
            "conv3x3" => LayerId::all().collect(),
            layer => vec![layer.parse().map_err(|_| {
                Error::Usage(format!(
                    "'{op}' has no variants: choose conv3x3, a layer such as conv3_2, or gram"
                ))
            })?],
        };
        let variant = ConvVariant::of_name(name);
        let names = ConvVariant::ALL.map(ConvVariant::name);
        variant.map(|variant| Self::Conv(layers, variant)).ok_or_else(|| unknown(op, name, &names))
    }
}

fn unknown(op: &str, name: &str, names: &[&str]) -> Error {
    Error::Usage(format!("{op} has no variant '{name}': choose from {}", names.join(", ")))
}

impl KernelWish {
    /// Fulfils it.
    ///
    /// # Errors
    /// [`Error::Usage`] if the device lacks what the variant needs.
    pub fn apply(&self, gpu: &Gpu, kernels: &mut Kernels) -> Result<()> {
        let (runs, name) = match self {
            Self::Conv(_, variant) => (variant.runs_on(gpu), variant.name()),
            Self::Gram(variant) => (variant.runs_on(gpu), variant.name()),
        };
        if !runs {
            let device = &gpu.adapter().name;
            return Err(Error::Usage(format!("{device} cannot run the {name} kernels: choose others")));
        }
        match self {
            Self::Conv(layers, variant) => layers.iter().for_each(|layer| kernels.set_conv(*layer, *variant)),
            Self::Gram(variant) => LayerId::all().for_each(|layer| kernels.set_gram(layer, *variant)),
        }
        Ok(())
    }
}

/// Each layer's variants, those of the same kind told once: "texture (conv1_1, conv5_1), ...".
impl std::fmt::Display for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut groups: Vec<(&str, Vec<&str>)> = vec![];
        for layer in LayerId::all() {
            let name = self.conv(layer).name();
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, layers)) => layers.push(layer.name()),
                None => groups.push((name, vec![layer.name()])),
            }
        }
        groups.sort_by_key(|(_, layers)| std::cmp::Reverse(layers.len()));
        write!(f, "{}", groups[0].0)?;
        for (name, layers) in &groups[1..] {
            write!(f, ", {name} for {}", layers.join(" "))?;
        }
        write!(f, "; Gram matrix {}", self.grams[0])
    }
}
