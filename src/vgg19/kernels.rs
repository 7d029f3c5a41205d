//! The variants that each layer runs.

use std::fmt;
use std::str::FromStr;

use super::LayerId;
use crate::error::{Error, Result};
use crate::ops::variants::{Pass, PassVariants, TunedOp, Variant};

/// The variants of both passes of each layer's convolution, and of the Gram matrix of its features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernels {
    convs: Vec<PassVariants>,
    grams: Vec<PassVariants>,
}

impl Default for Kernels {
    /// The definitions, which run on every device.
    fn default() -> Self {
        let all = |op: TunedOp| vec![op.naive().into(); LayerId::all().count()];
        Self { convs: all(TunedOp::Conv3x3), grams: all(TunedOp::Gram) }
    }
}

impl Kernels {
    /// The variants of an operation at `layer`.
    pub fn of(&self, op: TunedOp, layer: LayerId) -> PassVariants {
        match op {
            TunedOp::Conv3x3 => self.convs[layer.index()],
            TunedOp::Gram => self.grams[layer.index()],
        }
    }

    /// Whether any of them rounds its inputs to f16.
    pub fn round(&self) -> bool {
        let mut all = TunedOp::ALL.into_iter().flat_map(|op| LayerId::all().map(move |layer| (op, layer)));
        all.any(|(op, layer)| Pass::ALL.iter().any(|pass| self.of(op, layer).of(*pass).rounds_to_f16()))
    }

    /// Replaces the variant of one pass of an operation at `layer`.
    pub fn set(&mut self, layer: LayerId, pass: Pass, variant: &'static Variant) {
        let variants = match variant.op() {
            TunedOp::Conv3x3 => &mut self.convs[layer.index()],
            TunedOp::Gram => &mut self.grams[layer.index()],
        };
        *variants = variants.with(pass, variant);
    }

    /// The same with some variants replaced.
    pub fn with<'a>(mut self, overrides: impl IntoIterator<Item = &'a KernelOverride>) -> Self {
        overrides.into_iter().for_each(|kernel_override| kernel_override.apply(&mut self));
        self
    }

    /// The overrides that lead to this choice from any other: for each operation and pass the variant of most layers,
    /// then the exceptions.
    pub fn overrides(&self) -> Vec<KernelOverride> {
        TunedOp::ALL.into_iter().flat_map(|op| self.overrides_of(op)).collect()
    }

    fn overrides_of(&self, op: TunedOp) -> Vec<KernelOverride> {
        let all: Vec<LayerId> = LayerId::all().collect();
        let variant = |layer: LayerId, pass| self.of(op, layer).of(pass);
        let usual = |pass| {
            let count = |of: LayerId| all.iter().filter(|l| variant(**l, pass) == variant(of, pass)).count();
            // Of equally frequent ones that of the first layer.
            variant(all.iter().rev().copied().max_by_key(|l| count(*l)).unwrap_or(LayerId::FIRST), pass)
        };
        let make = |layers: &[LayerId], [forward, backward]: [Option<&'static Variant>; 2]| {
            let one = |passes: &[Pass], variant| KernelOverride {
                layers: layers.into(),
                passes: passes.into(),
                variant,
            };
            match (forward, backward) {
                (Some(a), Some(b)) if a == b => vec![one(&Pass::ALL, a)],
                _ => {
                    let passes = [(Pass::Forward, forward), (Pass::Backward, backward)].into_iter();
                    passes.filter_map(|(pass, variant)| Some(one(&[pass], variant?))).collect()
                }
            }
        };
        let most = Pass::ALL.map(usual);
        let exception = |layer: &LayerId| {
            let differs = |k: usize| Some(variant(*layer, Pass::ALL[k])).filter(|v| *v != most[k]);
            make(&[*layer], [differs(0), differs(1)])
        };
        make(&all, most.map(Some)).into_iter().chain(all.iter().flat_map(exception)).collect()
    }
}

/// A variant that the user chose for some layers: `conv3x3=naive`, `conv3_2=winograd_f4`, `gram=tiled`,
/// `gram@conv3_1=tiled`; with `:forward` or `:backward` before the `=` for one pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelOverride {
    /// Layers that run it.
    pub layers: Vec<LayerId>,
    /// Passes that run it.
    pub passes: Vec<Pass>,
    /// The variant.
    pub variant: &'static Variant,
}

impl KernelOverride {
    /// Replaces the variants of its layers and passes.
    pub fn apply(&self, kernels: &mut Kernels) {
        for (layer, pass) in
            self.layers.iter().flat_map(|layer| self.passes.iter().map(move |p| (*layer, *p)))
        {
            kernels.set(layer, pass, self.variant);
        }
    }
}

impl FromStr for KernelOverride {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (target, name) = text
            .split_once('=')
            .ok_or_else(|| Error::Usage(format!("'{text}': write OP=VARIANT, for example conv3x3=naive")))?;
        let (target, passes) = match target.split_once(':') {
            None => (target, Pass::ALL.to_vec()),
            Some((target, pass)) => {
                let passes: Vec<Pass> = Pass::ALL.into_iter().filter(|known| known.name() == pass).collect();
                if passes.is_empty() {
                    return Err(Error::Usage(format!(
                        "'{text}': there is no pass '{pass}': write forward or backward"
                    )));
                }
                (target, passes)
            }
        };
        let (op, layers) = match target {
            "conv3x3" => (TunedOp::Conv3x3, LayerId::all().collect()),
            "gram" => (TunedOp::Gram, LayerId::all().collect()),
            other => match other.strip_prefix("gram@") {
                Some(layer) => (TunedOp::Gram, vec![layer.parse()?]),
                None => (TunedOp::Conv3x3, vec![other.parse().map_err(|_| without_variants(other))?]),
            },
        };
        Ok(Self { layers, passes, variant: op.variant(name)? })
    }
}

fn without_variants(target: &str) -> Error {
    Error::Usage(format!("'{target}' has no variants: choose conv3x3, a layer such as conv3_2, or gram"))
}

/// As [`FromStr`] reads it.
impl fmt::Display for KernelOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = self.variant.op();
        match (&self.layers[..], op) {
            ([layer], TunedOp::Conv3x3) => write!(f, "{layer}")?,
            ([layer], TunedOp::Gram) => write!(f, "gram@{layer}")?,
            _ => write!(f, "{op}")?,
        }
        if let [pass] = self.passes[..] {
            write!(f, ":{pass}")?;
        }
        write!(f, "={}", self.variant)
    }
}

/// For each operation the variant of most layers, then the exceptions; passes apart where they differ.
impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_op = |op: TunedOp| {
            let names =
                |pass| LayerId::all().map(|layer| self.of(op, layer).of(pass).name).collect::<Vec<_>>();
            let [forward, backward] = Pass::ALL.map(names);
            match forward == backward {
                true => format!("{op} {}", in_groups(forward)),
                false => {
                    format!("{op} forward {}; {op} backward {}", in_groups(forward), in_groups(backward))
                }
            }
        };
        f.write_str(&TunedOp::ALL.map(of_op).join("; "))
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

    fn kernels(overrides: &[&str]) -> Kernels {
        let overrides: Vec<KernelOverride> = overrides.iter().map(|text| text.parse().unwrap()).collect();
        Kernels::default().with(&overrides)
    }

    #[test]
    fn overrides_are_read_applied_and_written() {
        let one = kernels(&["conv3x3=winograd_f2", "conv1_1=naive", "gram=naive"]);
        assert_eq!(one.to_string(), "conv3x3 winograd_f2, naive for conv1_1; gram naive");
        let apart = kernels(&["conv3x3=tiled", "conv2_1:forward=cooperative", "gram@conv1_1:backward=turns"]);
        assert_eq!(
            apart.to_string(),
            "conv3x3 forward tiled, cooperative for conv2_1; conv3x3 backward tiled; \
             gram forward naive; gram backward naive, turns for conv1_1"
        );
        for kernels in [one, apart] {
            let written: Vec<String> = kernels.overrides().iter().map(ToString::to_string).collect();
            let read: Vec<KernelOverride> = written.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(Kernels::default().with(&read), kernels, "{written:?}");
        }
    }

    #[test]
    fn the_usual_variant_is_written_once() {
        let written = |overrides: &[&str]| -> Vec<String> {
            kernels(overrides).overrides().iter().map(ToString::to_string).collect()
        };
        assert_eq!(written(&[]), ["conv3x3=naive", "gram=naive"]);
        let apart = ["conv3x3=tiled", "conv2_1:forward=cooperative", "gram@conv1_1:backward=turns"];
        let expected =
            ["conv3x3=tiled", "conv2_1:forward=cooperative", "gram=naive", "gram@conv1_1:backward=turns"];
        assert_eq!(written(&apart), expected);
        let passes = ["conv3x3:backward=tiled", "conv5_4=registers"];
        let expected = ["conv3x3:forward=naive", "conv3x3:backward=tiled", "conv5_4=registers", "gram=naive"];
        assert_eq!(written(&passes), expected);
    }

    #[test]
    fn what_does_not_exist_is_refused_with_what_does() {
        let error = |text: &str| text.parse::<KernelOverride>().unwrap_err().to_string();
        assert!(error("conv3x3=fast").contains("naive, tiled"), "{}", error("conv3x3=fast"));
        assert!(error("gram=winograd_f4").contains("gram has no variant 'winograd_f4'"));
        assert!(error("pool=naive").contains("'pool' has no variants"));
        assert!(error("conv3x3:sideways=naive").contains("forward or backward"));
        assert!(error("naive").contains("conv3x3=naive"));
    }
}
