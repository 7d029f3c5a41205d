//! Paints one image in the style of another: `cargo run --release --example paint -- CONTENT STYLE PICTURE.png`

use std::sync::Arc;

use impasto::gpu::{Gpu, GpuOptions};
use impasto::image_io::{Image, Size};
use impasto::ops::Pooling;
use impasto::ops::variants::ComputePrecision;
use impasto::painter::{Painter, PainterOptions, PaintingInputs, Plan, Schedule};
use impasto::tuner::{Mode, Tuner, default_folder};
use impasto::vgg19::{Network, Weights};
use impasto::{Error, Result};

#[allow(clippy::print_stderr)]
fn main() -> Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [content, style, picture] = &files[..] else {
        return Err(Error::Usage("give a content image, a style image and the picture to write".into()));
    };
    let content = Image::load(content)?.resized(Size::Longer(128))?;
    let style = Image::load(style)?.resized(Size::Longer(192))?;
    let (width, height) = (content.width(), content.height());

    // What is optimised, at which sizes and by which method: here 40 evaluations at one size.
    let plan = Plan::new(Schedule::plain(width, height, 40));

    // The device, the fastest kernels on it, and the network up to the deepest layer that the objective names.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let weights = Weights::embedded_up_to(plan.settings.deepest())?.balanced()?;
    let tuner =
        Tuner { mode: Mode::Cached, folder: default_folder(), precision: ComputePrecision::F32.into() };
    let choice = tuner.choose(&gpu, [width, height], weights.deepest(), &mut |_, _, _| ())?;
    let network =
        Arc::new(Network::new(&gpu, &weights, Pooling::Max, &choice.kernels, choice.precision.storage())?);

    // It begins with the content image.
    let inputs = PaintingInputs {
        content,
        styles: vec![style.into()],
        content_region: None,
        tone_region: None,
        margin: 0,
    };
    let mut painter = Painter::new(&gpu, &network, inputs, plan, PainterOptions::default())?;
    while let Some(evaluation) = painter.advance()? {
        eprintln!("{}: loss {:.3e}", evaluation.iteration + 1, evaluation.losses.total);
    }
    painter.image()?.save(picture)
}
