//! Scores paintings in numbers that go with the eye:
//! `cargo run --release --example quality -- PHOTO STYLE PAINTING [PHOTO STYLE PAINTING]...`
//!
//! `docs/src/guide/defaults.md` says what the numbers mean and how they chose the defaults.

mod faults;
mod metrics;
mod plane;

use std::path::Path;

use impasto::gpu::{Gpu, GpuOptions, Precision};
use impasto::image_io::{Image, Size};
use impasto::ops::Pooling;
use impasto::ops::variants::ComputePrecision;
use impasto::painter::style_side;
use impasto::tuner::{Mode, Tuner};
use impasto::vgg19::{Network, Weights};
use impasto::{Error, Result};

use metrics::Scores;

#[allow(clippy::print_stdout)]
fn main() -> Result<()> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() || !paths.len().is_multiple_of(3) {
        return Err(Error::Usage(
            "give a photograph, a style and a painting, or several such triples".into(),
        ));
    }
    let gpu = Gpu::open(&GpuOptions::default())?;
    let weights = Weights::embedded()?.balanced()?;
    let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: ComputePrecision::F32.into() };
    let kernels = tuner.choose(&gpu, [256, 256], weights.deepest(), &mut |_, _, _| {})?.kernels;
    let network = Network::new(&gpu, &weights, Pooling::Max, &kernels, Precision::F32)?;
    println!("{:40} content  style patches   bare  frame ripples   dots", "painting");
    for triple in paths.chunks_exact(3) {
        let painting = Image::load(&triple[2])?;
        let photo = Image::load(&triple[0])?.resized_to(painting.width(), painting.height())?;
        // As large as the program takes it by default.
        let longer = painting.width().max(painting.height());
        let style = Image::load(&triple[1])?;
        let style = style.resized(Size::Longer(style_side(&style, longer)?))?;
        let Scores { content, style, patches, bare, faults } =
            Scores::of(&gpu, &network, &photo, &style, &painting)?;
        let name = Path::new(&triple[2]).file_stem().unwrap_or_default().to_string_lossy();
        println!(
            "{name:40} {content:7.3} {style:6.3} {patches:7.2} {bare:6.3} {:6.1} {:7.2} {:6.2}",
            faults.frame, faults.ripples, faults.dots
        );
    }
    Ok(())
}
