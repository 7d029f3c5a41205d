//! The images that a painting is made from.

use super::Scale;
use crate::error::Result;
use crate::image_io::Image;
use crate::objective::{Region, Scene, Style};
use crate::planner::{Sizes, image_bytes};

/// The content and the styles of a painting, at the sizes of its last scale.
#[derive(Debug, Clone)]
pub struct PaintingInputs {
    /// The content image.
    pub content: Image,
    /// The style images, with their weights and regions.
    pub styles: Vec<Style>,
    /// Where the content term applies; `None` is everywhere.
    pub content_region: Option<Region>,
    /// Where the tone term applies; `None` is everywhere.
    pub tone_region: Option<Region>,
    /// Pixels that are painted beyond each edge at every scale and cut off: the network pads its layers with zeros, and
    /// what is painted next to an edge suffers from it.
    pub margin: u32,
}

impl PaintingInputs {
    /// The inputs at a scale: the content resized to it, the styles by its fraction. The margin is a part of the
    /// content and of the regions then.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for a size that no image can have.
    pub fn at(&self, scale: &Scale) -> Result<Self> {
        let region = |region: &Option<Region>| match region {
            Some(region) if self.margin > 0 => region.at(scale.width, scale.height, self.margin).map(Some),
            region => Ok(region.clone()),
        };
        let smaller = |style: &Style| {
            let [width, height] = style_size(style, scale);
            let image = style.image.resized_to(width, height)?;
            Ok(Style { image, region: region(&style.region)?, ..style.clone() })
        };
        Ok(Self {
            content: self.content.resized_to(scale.width, scale.height)?.with_margin(self.margin)?,
            styles: self.styles.iter().map(smaller).collect::<Result<_>>()?,
            content_region: region(&self.content_region)?,
            tone_region: region(&self.tone_region)?,
            margin: 0,
        })
    }

    /// The inputs as those of an objective.
    pub fn scene(&self) -> Scene<'_> {
        let Self { content, styles, content_region, tone_region, margin: _ } = self;
        let (content_region, tone_region) = (content_region.as_ref(), tone_region.as_ref());
        Scene { content, styles, content_region, tone_region }
    }

    /// Width and height of the variable at a scale: with the margin.
    pub(super) fn painted_size(&self, scale: &Scale) -> [u32; 2] {
        [scale.width, scale.height].map(|side| side + 2 * self.margin)
    }

    /// Sizes of the inputs at a scale, and the memory that images take while the optimiser runs.
    pub(super) fn sizes_at(&self, scale: &Scale) -> Sizes {
        let image = self.painted_size(scale);
        let styles: Vec<_> = self.styles.iter().map(|style| style_size(style, scale)).collect();
        let whole = self.styles.iter().map(|style| [style.image.width(), style.image.height()]);
        let whole = whole.chain([[self.content.width(), self.content.height()]]);
        // At the last scale only the content is still held.
        let last = scale.fraction >= 1.0;
        let held = whole.filter(|_| !last).chain([image]).map(image_bytes).sum();
        Sizes { image, styles, held }
    }
}

/// Width and height of a style at a scale.
fn style_size(style: &Style, scale: &Scale) -> [u32; 2] {
    [style.image.width(), style.image.height()]
        .map(|side| ((f64::from(side) * scale.fraction).round() as u32).max(1))
}
