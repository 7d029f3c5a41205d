//! The files of a painting: read, and checked against what is to be written.

use std::path::Path;

use impasto::image_io::{Alpha, Decoded, holds_transparency, scaled_dimensions};
use impasto::{Error, Result};

use super::{Record, Request};
use crate::cli::job::{Content, Job, Sources};
use crate::cli::options::AlphaOption;
use crate::cli::paths::{
    check_image_depth, check_image_fits, check_image_output, is_standard, load_image, read_image,
};

impl Sources {
    /// Reads the files that the options name.
    ///
    /// # Errors
    /// [`Error::Usage`] for options that can never work, [`Error::Image`] for a file that cannot be used.
    pub fn load(request: &Request) -> Result<Self> {
        request.painting.check(&request.styles)?;
        let styles = request.styles.iter().map(|path| load_image(path)).collect::<Result<_>>()?;
        Self::new(&request.painting, styles)
    }
}

impl Job {
    /// Reads the content, scales and checks every image, and checks the output.
    pub fn prepare(request: &Request, sources: &Sources) -> Result<Self> {
        let options = &request.painting;
        check_image_output(&request.output)?;
        check_image_depth(&request.output, options.output.depth.into())?;
        let decoded = read_image(&request.content)?;
        let image = &decoded.image;
        let (width, height) = scaled_dimensions(image.width(), image.height(), options.sizes.size);
        check_image_fits(&request.output, width, height)?;
        let decoded = Decoded { alpha: kept(decoded.alpha, request), ..decoded };
        Self::new(options, Content { path: &request.content, decoded }, &request.styles, sources)
    }

    /// Refuses a checkpoint that was made from other images than the files now hold.
    pub fn check_images(&self, checkpoint: &Path, record: &Record) -> Result<()> {
        if record.images == self.fingerprint() {
            return Ok(());
        }
        Err(Error::Checkpoint {
            path: checkpoint.into(),
            reason: "was made from other images than the files now hold: bring those back, or start anew"
                .into(),
        })
    }
}

/// The content's opacity, if the picture is to have it. Says so if its format cannot.
fn kept(alpha: Option<Alpha>, request: &Request) -> Option<Alpha> {
    let alpha = alpha.filter(|_| request.painting.output.alpha == AlphaOption::Keep)?;
    if is_standard(&request.output) || holds_transparency(&request.output) {
        return Some(alpha);
    }
    request.common.say(format_args!(
        "{} is painted on white: the format of {} holds no transparency, .png, .webp and .tif do",
        request.content.display(),
        request.output.display()
    ));
    None
}
