//! The images that an objective is made from.

use super::Region;
use crate::image_io::Image;

/// A content image and style images.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The content image. The optimised image has its size.
    pub content: &'a Image,
    /// The style images; at least one has a weight above 0.
    pub styles: &'a [Style],
    /// Where the content term applies; `None` is everywhere.
    pub content_region: Option<&'a Region>,
    /// Where the tone term applies; `None` is everywhere.
    pub tone_region: Option<&'a Region>,
}

impl<'a> Scene<'a> {
    /// A content image that applies everywhere, and style images.
    pub fn new(content: &'a Image, styles: &'a [Style]) -> Self {
        Self { content, styles, content_region: None, tone_region: None }
    }
}

/// A style image and its weight.
#[derive(Debug, Clone)]
pub struct Style {
    /// The image, at the size at which its Gram matrices are computed.
    pub image: Image,
    /// Its share of the style term is this over the sum of all styles' weights.
    pub weight: f32,
    /// Where in the optimised image it applies; `None` is everywhere.
    pub region: Option<Region>,
    /// The part of the style image whose Gram matrices are meant; `None` is all of it.
    pub image_region: Option<Region>,
}

impl From<Image> for Style {
    /// A style of weight 1 that applies everywhere.
    fn from(image: Image) -> Self {
        Self { image, weight: 1.0, region: None, image_region: None }
    }
}
