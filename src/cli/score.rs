//! `impasto score`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use impasto::gpu::{Gpu, Shape};
use impasto::image_io::Image;
use impasto::objective::{Objective, Targets, check_fits, check_pooling, to_variable};
use impasto::output::OutputFile;
use impasto::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};

use super::common::{Studio, print};
use super::options::{CommonOptions, ObjectiveOptions};

/// Arguments of `impasto score`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto score photo.png painting.png picture.png
  impasto score photo.png painting.png picture.png --gradient gradient.safetensors

Nothing is scaled: CONTENT and IMAGE must have one size.")]
pub struct Score {
    /// The content image
    content: PathBuf,
    /// The style image
    style: PathBuf,
    /// The picture to score
    image: PathBuf,

    /// Also write d total / d x, f32 [3, height, width] in B, G, R, as the tensor 'gradient'
    #[arg(long, value_name = "FILE.safetensors")]
    gradient: Option<PathBuf>,

    #[command(flatten)]
    objective: ObjectiveOptions,
    #[command(flatten)]
    common: CommonOptions,
}

impl Score {
    pub fn run(&self) -> Result<ExitCode> {
        let settings = self.objective.settings()?;
        let gradient_file = self.gradient.as_deref().map(OutputFile::of).transpose()?;
        gradient_file.as_ref().map_or(Ok(()), OutputFile::check_writable)?;
        let [content, style, image] = self.load()?;
        let deepest = settings.deepest();
        let sized = [(&self.content, &content), (&self.style, &style), (&self.image, &image)];
        for (path, image) in sized {
            check_pooling(path, image.width(), image.height(), deepest)?;
        }
        let check = |gpu: &Gpu| {
            let mut sized = sized.iter();
            sized.try_for_each(|(path, image)| {
                check_fits(gpu, path, "size", image.width(), image.height(), deepest)
            })
        };
        let size = (content.width(), content.height());
        let Studio { gpu, network, .. } =
            Studio::open(&self.objective.network, &settings, size, &self.common, check)?;
        let targets = Targets::new(&gpu, &network, &settings, &content, &[style.into()])?;
        let objective = Objective::new(&gpu, &network, &settings, &targets)?;
        gpu.write(objective.x(), &to_variable(&image));
        self.common.detail(format_args!("memory: {}", gpu.memory()));
        let losses = objective.evaluate(&gpu)?;
        if let Some(file) = gradient_file {
            write_gradient(&file, objective.gradient().shape(), &gpu.read(objective.gradient())?)?;
        }
        let json = serde_json::to_string(&losses)
            .map_err(|e| Error::Usage(format!("the losses cannot be written as JSON: {e}")))?;
        print(&format!("{json}\n"))?;
        Ok(ExitCode::SUCCESS)
    }

    fn load(&self) -> Result<[Image; 3]> {
        let load = |path: &Path| Image::load(path);
        let images = [load(&self.content)?, load(&self.style)?, load(&self.image)?];
        let [(w, h), _, found] = [0, 1, 2].map(|i| (images[i].width(), images[i].height()));
        if found != (w, h) {
            return Err(Error::Image {
                path: self.image.clone(),
                reason: format!(
                    "is {} x {} pixels, but {} is {w} x {h}: score takes an image of the content's size",
                    found.0,
                    found.1,
                    self.content.display()
                ),
            });
        }
        Ok(images)
    }
}

fn write_gradient(file: &OutputFile, shape: Shape, gradient: &[f32]) -> Result<()> {
    let dimensions = [shape.channels, shape.height, shape.width].map(|side| side as usize);
    file.replace(|writer| {
        let bytes: Vec<u8> = gradient.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, dimensions.to_vec(), &bytes).map_err(std::io::Error::other)?;
        let file = safetensors::serialize([("gradient", view)], None).map_err(std::io::Error::other)?;
        writer.write_all(&file)
    })
}
