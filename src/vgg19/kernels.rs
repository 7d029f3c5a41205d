//! Which variant each layer runs.

use std::fmt;
use std::str::FromStr;

use super::LayerId;
use crate::error::{Error, Result};
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

    /// The wishes that lead to this choice, as [`KernelOverride`] reads them.
    pub fn kernel_overrides(&self) -> Vec<String> {
        let convs = LayerId::all().map(|layer| format!("{layer}={}", self.conv(layer)));
        convs.chain(LayerId::all().map(|layer| format!("gram@{layer}={}", self.gram(layer)))).collect()
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

/// A wish of the user: `conv3x3=naive`, `conv3_2=winograd_f4`, `gram=tiled` or `gram@conv3_1=tiled`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelOverride {
    /// A variant for the convolutions of these layers.
    Conv(Vec<LayerId>, ConvVariant),
    /// A variant for the Gram matrices of these layers' features.
    Gram(Vec<LayerId>, GramVariant),
}

impl FromStr for KernelOverride {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (op, name) = text
            .split_once('=')
            .ok_or_else(|| Error::Usage(format!("'{text}': write OP=VARIANT, for example conv3x3=naive")))?;
        let of_gram = match op.strip_prefix("gram@") {
            Some(layer) => Some(vec![layer.parse()?]),
            None => (op == "gram").then(|| LayerId::all().collect()),
        };
        if let Some(layers) = of_gram {
            let variant = GramVariant::of_name(name);
            let names = GramVariant::ALL.map(GramVariant::name);
            return variant
                .map(|variant| Self::Gram(layers, variant))
                .ok_or_else(|| unknown(op, name, &names));
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

impl KernelOverride {
    /// True if both are for one variant of one operation, whatever the layers.
    pub fn is_for_the_variant_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Conv(_, a), Self::Conv(_, b)) => a == b,
            (Self::Gram(_, a), Self::Gram(_, b)) => a == b,
            _ => false,
        }
    }

    /// Fulfils it.
    pub fn apply(&self, kernels: &mut Kernels) {
        match self {
            Self::Conv(layers, variant) => layers.iter().for_each(|layer| kernels.set_conv(*layer, *variant)),
            Self::Gram(layers, variant) => layers.iter().for_each(|layer| kernels.set_gram(*layer, *variant)),
        }
    }
}

/// The variant of most layers, then the exceptions; first of convolutions, then of Gram matrices.
impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let convs = self.convs.iter().map(|variant| variant.name()).collect();
        let grams = self.grams.iter().map(|variant| variant.name()).collect();
        write!(f, "conv3x3 {}; gram {}", in_groups(convs), in_groups(grams))
    }
}

fn in_groups(names: Vec<&str>) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = vec![];
    for (name, layer) in names.into_iter().zip(LayerId::all()) {
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, layers)) => layers.push(layer.name()),
            None => groups.push((name, vec![layer.name()])),
        }
    }
    groups.sort_by_key(|(_, layers)| std::cmp::Reverse(layers.len()));
    let exceptions = groups[1..].iter().map(|(name, layers)| format!(", {name} for {}", layers.join(" ")));
    std::iter::once(groups[0].0.to_string()).chain(exceptions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_and_fulfilled() {
        let mut kernels = Kernels::uniform(ConvVariant::Tiled, GramVariant::Tiled);
        for kernel_override in ["conv3x3=winograd_f2", "conv1_1=naive", "gram=naive"] {
            kernel_override.parse::<KernelOverride>().unwrap().apply(&mut kernels);
        }
        assert_eq!(kernels.to_string(), "conv3x3 winograd_f2, naive for conv1_1; gram naive");
        let mut again = Kernels::uniform(ConvVariant::Tiled, GramVariant::Tiled);
        kernels
            .kernel_overrides()
            .iter()
            .for_each(|kernel_override| kernel_override.parse::<KernelOverride>().unwrap().apply(&mut again));
        assert_eq!(again, kernels);
    }

    #[test]
    fn what_does_not_exist_is_told_with_what_does() {
        let error = |text: &str| text.parse::<KernelOverride>().unwrap_err().to_string();
        assert!(error("conv3x3=fast").contains("naive, tiled"), "{}", error("conv3x3=fast"));
        assert!(error("pool=naive").contains("'pool' has no variants"));
        assert!(error("naive").contains("conv3x3=naive"));
    }
}
