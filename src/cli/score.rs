//! `impasto score`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::gpu::{Shape, mebibytes};
use impasto::image_io::Image;
use impasto::objective::{
    Losses, Objective, Parts, Scene, Settings, Style, TargetOptions, Targets, TiledObjective, check_pooling,
    to_variable, variable_shape,
};
use impasto::output::OutputFile;
use impasto::planner::{Budget, Planner, Sizes, Strategy};
use impasto::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};

use super::context::{Context, say_choices};
use super::file_roles::FileRoles;
use super::options::{CommonOptions, ObjectiveOptions};
use super::paths::{load_image, path};
use super::terminal::print;

/// Arguments of `impasto score`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto score photo.png painting.png image.png
  impasto score photo.png painting.png image.png --gradient gradient.safetensors

Nothing is scaled: CONTENT and IMAGE must have one size.")]
pub struct Score {
    /// The content image
    #[arg(value_parser = path())]
    content: PathBuf,
    /// The style image
    #[arg(value_parser = path())]
    style: PathBuf,
    /// The image to score, of the content's size
    #[arg(value_parser = path())]
    image: PathBuf,

    /// Also write d total / d x, f32 [3, height, width] in B, G, R, as the tensor 'gradient'
    #[arg(long, value_name = "FILE.safetensors", value_parser = path())]
    gradient: Option<PathBuf>,

    #[command(flatten)]
    objective: ObjectiveOptions,
    #[command(flatten)]
    common: CommonOptions,
}

impl Score {
    pub fn run(&self) -> Result<ExitCode> {
        let settings = self.objective.settings()?;
        self.check_files()?;
        let gradient_file = self.gradient.as_deref().map(OutputFile::of).transpose()?;
        gradient_file.as_ref().map_or(Ok(()), OutputFile::check_writable)?;
        let [content, style, image] = self.load()?;
        let deepest = settings.deepest();
        let sized = [(&self.content, &content), (&self.style, &style), (&self.image, &image)];
        for (path, image) in sized {
            check_pooling(path, image.width(), image.height(), deepest)?;
        }
        let size = (content.width(), content.height());
        let context = Context::open(&self.objective.network, &settings, size, &self.common)?;
        let (losses, gradient) = self.evaluate(&context, &settings, &content, style, &image)?;
        if let Some(file) = gradient_file {
            write_gradient(&file, variable_shape(size.0, size.1), &gradient)?;
        }
        let json = serde_json::to_string(&losses)
            .map_err(|e| Error::Usage(format!("the losses cannot be written as JSON: {e}")))?;
        print(&format!("{json}\n"))?;
        Ok(ExitCode::SUCCESS)
    }

    fn check_files(&self) -> Result<()> {
        FileRoles::default()
            .reads("the content image", [&self.content])
            .reads("the style image", [&self.style])
            .reads("the image to score", [&self.image])
            .reads("the weights", &self.objective.network.weights)
            .writes("--gradient", &self.gradient)
            .check()
    }

    /// Losses and gradient at `image`, in one piece or in tiles.
    fn evaluate(
        &self,
        context: &Context,
        settings: &Settings,
        content: &Image,
        style: Image,
        image: &Image,
    ) -> Result<(Losses, Vec<f32>)> {
        let Context { gpu, network, styles: cache, .. } = context;
        let styles = [Style::from(style)];
        let scene = Scene::new(content, &styles);
        let budget = Budget::of(gpu, self.common.memory);
        let planner = Planner { gpu, network, settings, method: None, budget };
        let choice = planner.choose(&Parts::of(&styles, None)?, &Sizes::of(content, &styles))?;
        say_choices(std::slice::from_ref(&choice), &self.common);
        let evaluated = match choice.strategy {
            Strategy::Whole { activations, style_core } => {
                let options = TargetOptions { style_core, style_cache: cache.clone() };
                let targets = Targets::new(gpu, network, settings, &scene, &options)?;
                let objective = Objective::new(gpu, network, settings, &targets, activations)?;
                gpu.write(objective.x(), &to_variable(image));
                (objective.evaluate(gpu)?, gpu.read(objective.gradient())?)
            }
            Strategy::Tiled { tiling, .. } => {
                let objective = TiledObjective::new(gpu, network, settings, &scene, tiling, cache)?;
                objective.evaluate(&to_variable(image))?
            }
        };
        self.common.detail(format_args!("memory at most: {}", mebibytes(gpu.peak_memory())));
        Ok(evaluated)
    }

    fn load(&self) -> Result<[Image; 3]> {
        let images = [load_image(&self.content)?, load_image(&self.style)?, load_image(&self.image)?];
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
