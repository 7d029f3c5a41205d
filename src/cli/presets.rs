//! Presets: settings of published programs by name, and `impasto presets`, which lists them.
//!
//! A preset is a list of options as a user would write them, so each can be seen and overridden.

use std::process::ExitCode;

use clap::Args;
use impasto::Result;

use super::settings::Settings;
use super::terminal::print;

/// The settings of a published program or paper.
#[derive(Debug)]
pub struct Preset {
    /// The value of `--preset`.
    pub name: &'static str,
    /// The paper or program.
    pub source: &'static str,
    /// The loss as published, with F and P features of the optimised image and the content, G and A Gram
    /// matrices `F F' / M` of the optimised image and the style, N maps and M positions.
    pub formula: &'static str,
    /// Differences that the options cannot remove.
    pub differs: &'static str,
    /// Options by name and value.
    pub options: &'static [(&'static str, &'static str)],
}

const GATYS_LAYERS: &str = "conv1_1,conv2_1,conv3_1,conv4_1,conv5_1";

/// Every preset.
pub const PRESETS: [Preset; 5] = [
    Preset {
        name: "paper",
        source: "Gatys, Ecker & Bethge, Image Style Transfer Using Convolutional Neural Networks, CVPR 2016",
        formula: "1/2 sum (F-P)^2 + 1000 sum_l 1/5 * 1/(4 N^2) sum (G-A)^2",
        differs: "alpha/beta is 1e-3, one end of the range that the paper gives; it does not say how many evaluations",
        options: &[
            ("scaling", "paper"),
            ("content-layers", "conv4_2"),
            ("style-layers", "conv1_1=0.2,conv2_1=0.2,conv3_1=0.2,conv4_1=0.2,conv5_1=0.2"),
            ("content-weight", "1"),
            ("style-weight", "1000"),
            ("flat-content", "1"),
            ("detail-content", "1"),
            ("supersampling", "1"),
            ("margin", "0"),
            ("smoothing", "0"),
            ("tone-weight", "0"),
            ("tv-weight", "0"),
            ("pool", "avg"),
            ("network", "normalised"),
            ("init", "noise"),
            ("optimizer", "lbfgs"),
            ("history", "100"),
            ("size", "512"),
            ("scales", "1"),
            ("iterations", "300"),
        ],
    },
    Preset {
        name: "gatys",
        source: "the authors' PyTorch notebook, github.com/leongatys/PytorchNeuralStyleTransfer",
        formula: "1/(N M) sum (F-P)^2 + sum_l 10^3/N^4 sum (G-A)^2",
        differs: "its two sizes are 512 and 800; these are 566 and 800",
        options: &[
            ("scaling", "mean"),
            ("content-layers", "conv4_2"),
            ("style-layers", GATYS_LAYERS),
            ("content-weight", "1"),
            ("style-weight", "1"),
            ("flat-content", "1"),
            ("detail-content", "1"),
            ("supersampling", "1"),
            ("margin", "0"),
            ("smoothing", "0"),
            ("tone-weight", "0"),
            ("tv-weight", "0"),
            ("pool", "max"),
            ("network", "raw"),
            ("init", "content"),
            ("init-noise", "0"),
            ("optimizer", "lbfgs"),
            ("history", "100"),
            ("size", "800"),
            ("scales", "2"),
            ("iterations", "500,200"),
        ],
    },
    Preset {
        name: "neural-style",
        source: "Johnson, neural-style, github.com/jcjohnson/neural-style",
        formula: "5/(N M) sum (F-P)^2 + sum_l 10^2/N^4 sum (G-A)^2 + 10^-3 * 1/2 sum of squared differences",
        differs: "its total variation is a sum, this one a mean: the weight is right for 512 x 384; its noise is fainter; \
                  its -normalize_gradients is --normalize-gradients neural-style",
        options: &[
            ("scaling", "mean"),
            ("content-layers", "conv4_2"),
            ("style-layers", GATYS_LAYERS),
            ("content-weight", "5"),
            ("style-weight", "0.1"),
            ("flat-content", "1"),
            ("detail-content", "1"),
            ("supersampling", "1"),
            ("margin", "0"),
            ("smoothing", "0"),
            ("tone-weight", "0"),
            ("tv-weight", "295"),
            ("pool", "max"),
            ("network", "raw"),
            ("init", "noise"),
            ("optimizer", "lbfgs"),
            ("history", "100"),
            ("size", "512"),
            ("scales", "1"),
            ("iterations", "1000"),
        ],
    },
    Preset {
        name: "tutorial",
        source: "Jacq, Neural Transfer Using PyTorch, pytorch.org/tutorials",
        formula: "1/(N M) sum (F-P)^2 + sum_l 10^6/N^4 sum (G-A)^2",
        differs: "features after the ReLU, not before; the normalised network stands in for torchvision's, whose \
                  features are about as large (give both with --weights FILE --network raw)",
        options: &[
            ("scaling", "mean"),
            ("content-layers", "conv2_2"),
            ("style-layers", "conv1_1,conv1_2,conv2_1,conv2_2,conv3_1"),
            ("content-weight", "1"),
            ("style-weight", "1000"),
            ("flat-content", "1"),
            ("detail-content", "1"),
            ("supersampling", "1"),
            ("margin", "0"),
            ("smoothing", "0"),
            ("tone-weight", "0"),
            ("tv-weight", "0"),
            ("pool", "max"),
            ("network", "normalised"),
            ("init", "content"),
            ("init-noise", "0"),
            ("optimizer", "lbfgs"),
            ("history", "100"),
            ("size", "512"),
            ("scales", "1"),
            ("iterations", "300"),
        ],
    },
    Preset {
        name: "udacity",
        source: "Udacity, Style Transfer notebook, github.com/udacity/deep-learning-v2-pytorch",
        formula: "1/(N M) sum (F-P)^2 + 10^6 sum_l w M/N^3 sum (G-A)^2, w = 1, 0.8, 0.5, 0.3, 0.1",
        differs: "the network as in 'tutorial'; a step of 0.003 of normalised colours is one of 0.17 grey levels",
        options: &[
            ("scaling", "area"),
            ("content-layers", "conv4_2"),
            ("style-layers", "conv1_1=1,conv2_1=0.8,conv3_1=0.5,conv4_1=0.3,conv5_1=0.1"),
            ("content-weight", "1"),
            ("style-weight", "1e6"),
            ("flat-content", "1"),
            ("detail-content", "1"),
            ("supersampling", "1"),
            ("margin", "0"),
            ("smoothing", "0"),
            ("tone-weight", "0"),
            ("tv-weight", "0"),
            ("pool", "max"),
            ("network", "normalised"),
            ("init", "content"),
            ("init-noise", "0"),
            ("optimizer", "adam"),
            ("lr", "0.17"),
            ("size", "400"),
            ("scales", "1"),
            ("iterations", "2000"),
        ],
    },
];

/// The settings of a preset; none for a name that there is not.
pub fn settings(name: &str) -> Settings {
    let options = PRESETS.iter().filter(|preset| preset.name == name).flat_map(|preset| preset.options);
    options.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// The names of all presets.
pub fn names() -> [&'static str; PRESETS.len()] {
    PRESETS.each_ref().map(|preset| preset.name)
}

/// Arguments of `impasto presets`.
#[derive(Debug, Args)]
pub struct Presets {}

impl Presets {
    pub fn run(&self) -> Result<ExitCode> {
        let mut text = String::new();
        for preset in &PRESETS {
            let options: Vec<_> =
                preset.options.iter().map(|(name, value)| format!("--{name} {value}")).collect();
            text += &format!(
                "{}\n  source   {}\n  loss     {}\n  differs  {}\n  options  {}\n\n",
                preset.name,
                preset.source,
                preset.formula,
                preset.differs,
                options.join(" ")
            );
        }
        text += "Use one with 'impasto paint ... --preset NAME'. Options beside it override it.\n";
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
