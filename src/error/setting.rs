//! The settings that errors name, and what to do about them, as data: the command line writes its own option
//! for each.

use std::fmt;

/// A setting of the library that an error is about or that a remedy changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Size of the image.
    Size,
    /// Number of scales from coarse to fine.
    Scales,
    /// Evaluations at each scale.
    Iterations,
    /// Memory that a run may use.
    Memory,
    /// The adapter.
    Device,
    /// Variant of an operation's kernels.
    Kernel,
    /// Precision of the network's computation.
    Precision,
    /// How the network's activations are normalised.
    Network,
    /// Step length of the optimiser.
    Lr,
    /// Pairs in the L-BFGS history.
    History,
    /// Smoothing of the L-BFGS steps.
    Smoothing,
    /// Share of noise in the initial image.
    InitNoise,
    /// Weight of the content term where the content image is flat.
    FlatContent,
    /// Weight of the content term where the content image has most contrast.
    DetailContent,
    /// Share of the painting in the finished image.
    Strength,
    /// Weight of the content term.
    ContentWeight,
    /// Weight of the style term.
    StyleWeight,
    /// Weight of the tone term beside the layers of the content term.
    ToneWeight,
    /// Weight of the total variation term.
    TvWeight,
    /// Normalisation of the gradients of layers.
    NormalizeGradients,
}

impl Setting {
    /// Every setting that an error may name.
    pub const ALL: [Self; 20] = [
        Self::Size,
        Self::Scales,
        Self::Iterations,
        Self::Memory,
        Self::Device,
        Self::Kernel,
        Self::Precision,
        Self::Network,
        Self::Lr,
        Self::History,
        Self::Smoothing,
        Self::InitNoise,
        Self::FlatContent,
        Self::DetailContent,
        Self::Strength,
        Self::ContentWeight,
        Self::StyleWeight,
        Self::ToneWeight,
        Self::TvWeight,
        Self::NormalizeGradients,
    ];

    /// Its name in lower case, words joined by hyphens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Scales => "scales",
            Self::Iterations => "iterations",
            Self::Memory => "memory",
            Self::Device => "device",
            Self::Kernel => "kernel",
            Self::Precision => "precision",
            Self::Network => "network",
            Self::Lr => "lr",
            Self::History => "history",
            Self::Smoothing => "smoothing",
            Self::InitNoise => "init-noise",
            Self::FlatContent => "flat-content",
            Self::DetailContent => "detail-content",
            Self::Strength => "strength",
            Self::ContentWeight => "content-weight",
            Self::StyleWeight => "style-weight",
            Self::ToneWeight => "tone-weight",
            Self::TvWeight => "tv-weight",
            Self::NormalizeGradients => "normalize-gradients",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A change of a setting that may make it work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// A smaller value.
    Lower(Setting),
    /// A larger value.
    Raise(Setting),
    /// No more than this value, the largest that works.
    AtMost(Setting, u32),
    /// A different value.
    Change(Setting),
    /// This value.
    Set(Setting, String),
}

impl Remedy {
    /// What to use, with each setting written as `spell` does.
    pub fn words(&self, spell: &dyn Fn(Setting) -> String) -> String {
        match self {
            Self::Lower(setting) => format!("a smaller {}", spell(*setting)),
            Self::Raise(setting) => format!("a larger {}", spell(*setting)),
            Self::AtMost(setting, most) => format!("{} {most} or less", spell(*setting)),
            Self::Change(setting) => format!("another {}", spell(*setting)),
            Self::Set(setting, value) => format!("{} {value}", spell(*setting)),
        }
    }
}

/// The text to append to a message: "; use ..., or ...", or nothing.
pub(super) fn advice(remedies: &[Remedy], spell: &dyn Fn(Setting) -> String) -> String {
    match remedies {
        [] => String::new(),
        [first, others @ ..] => {
            let others = others.iter().map(|other| format!(", or {}", other.words(spell)));
            format!("; use {}{}", first.words(spell), others.collect::<String>())
        }
    }
}
