//! The parts of the style term: which styles apply in which region, and with which share.

use std::sync::Arc;

use super::style_cache::Grams;
use super::{Region, Style};
use crate::error::{Error, Result};
use crate::gpu::Shape;

/// A region of the image, or the whole image, with the styles that apply there.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Share in the style term; the shares of all parts sum to 1.
    pub share: f32,
    /// Where it applies; `None` is everywhere.
    pub region: Option<Region>,
    /// Indices of the styles that are blended here, and the share of each in the blend.
    pub styles: Vec<(usize, f32)>,
}

/// The regions that the terms of an objective apply to.
#[derive(Debug, Clone)]
pub struct Parts {
    pub(super) styles: Vec<Part>,
    pub(super) content_region: Option<Region>,
    /// True if the Gram matrices of a style are those of a part of its image.
    image_regions: bool,
}

impl Parts {
    /// Styles without a region are one part, the first, and so are those of each region.
    ///
    /// # Errors
    /// [`Error::Usage`] without a style of a weight above 0.
    pub fn of(styles: &[Style], content_region: Option<&Region>) -> Result<Self> {
        let whole: f32 = styles.iter().map(|style| style.weight).sum();
        if whole <= 0.0 {
            return Err(Error::Usage("a style image of a weight above 0 is needed".into()));
        }
        // Styles without a region come first.
        let mut groups: Vec<Vec<usize>> = vec![vec![]];
        for i in (0..styles.len()).filter(|i| styles[*i].weight > 0.0) {
            let same = |group: &&mut Vec<usize>| {
                group.first().is_some_and(|first| styles[*first].region == styles[i].region)
            };
            match (&styles[i].region, groups[1..].iter_mut().find(same)) {
                (None, _) => groups[0].push(i),
                (Some(_), Some(group)) => group.push(i),
                (Some(_), None) => groups.push(vec![i]),
            }
        }
        let part = |group: Vec<usize>| {
            let weight: f32 = group.iter().map(|i| styles[*i].weight).sum();
            Part {
                share: weight / whole,
                region: styles[group[0]].region.clone(),
                styles: group.into_iter().map(|i| (i, styles[i].weight / weight)).collect(),
            }
        };
        let parts = groups.into_iter().filter(|group| !group.is_empty()).map(part).collect();
        let image_regions = styles.iter().any(|style| style.image_region.is_some());
        Ok(Self { styles: parts, content_region: content_region.cloned(), image_regions })
    }

    /// One style that applies everywhere.
    pub fn everywhere() -> Self {
        Self::within(None)
    }

    /// One style that applies to a region: also to compute the Gram matrices of a part of a style image.
    pub(super) fn within(region: Option<Region>) -> Self {
        let part = Part { share: 1.0, region, styles: vec![(0, 1.0)] };
        Self { styles: vec![part], content_region: None, image_regions: false }
    }

    /// The part of a style image whose Gram matrices are computed, for its memory alone: a region of any form, if a
    /// style has one.
    pub(super) fn of_one_style(&self) -> Self {
        Self::within(if self.image_regions { Some(Region::everywhere()) } else { None })
    }

    /// Index of the part of the styles without a region, if there are any.
    pub(super) fn without_region(&self) -> Option<usize> {
        self.styles.iter().position(|part| part.region.is_none())
    }

    /// The number of parts with a region, which is the number of masks of a style layer.
    pub(super) fn masked(&self) -> usize {
        self.styles.iter().filter(|part| part.region.is_some()).count()
    }

    /// For each part the weighted mean of its styles' Gram matrices, which `grams` computes for a style image.
    pub(super) fn blends(
        &self,
        styles: &[Style],
        grams: impl Fn(&Style) -> Result<Arc<Grams>>,
    ) -> Result<Vec<Grams>> {
        let blend = |part: &Part| {
            let mut sums = Grams::new();
            for (style, share) in &part.styles {
                for (layer, gram) in &*grams(&styles[*style])? {
                    let sum = sums.entry(*layer).or_insert_with(|| vec![0.0; gram.len()]);
                    sum.iter_mut().zip(gram).for_each(|(sum, value)| *sum += value * share);
                }
            }
            Ok(sums)
        };
        self.styles.iter().map(blend).collect()
    }

    /// The mask of a part's region for features of this shape, if the part has a region.
    pub(super) fn style_mask(&self, part: usize, features: Shape) -> Result<Option<Vec<f32>>> {
        self.styles[part].region.as_ref().map(|region| region.guidance(features)).transpose()
    }

    /// The mask of the content's region for features of this shape, if it has a region.
    pub(super) fn content_mask(&self, features: Shape) -> Result<Option<Vec<f32>>> {
        self.content_region.as_ref().map(|region| region.weights(features)).transpose()
    }
}

/// Shape of a mask for features: one value for each position.
pub(super) fn mask_shape(features: Shape) -> Shape {
    Shape::planar(1, features.height, features.width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_io::Image;

    #[test]
    fn styles_of_one_region_are_blended() {
        let region = |value| Some(Region::new(Image::from_rgb(1, 1, vec![value; 3]).unwrap()).unwrap());
        let style =
            |weight, region| Style { weight, region, ..Image::from_rgb(1, 1, vec![0.0; 3]).unwrap().into() };
        let styles = [
            style(1.0, region(9.0)),
            style(2.0, None),
            style(0.0, None),
            style(3.0, region(9.0)),
            style(2.0, region(8.0)),
        ];
        let parts = Parts::of(&styles, None).unwrap();
        let of_part = |part: &Part| (part.share, part.styles.clone());
        let expected = [(0.25, vec![(1, 1.0)]), (0.5, vec![(0, 0.25), (3, 0.75)]), (0.25, vec![(4, 1.0)])];
        assert_eq!(parts.styles.iter().map(of_part).collect::<Vec<_>>(), expected);
        assert_eq!((parts.without_region(), parts.masked()), (Some(0), 2));
    }
}
