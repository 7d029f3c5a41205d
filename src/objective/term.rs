//! The terms of the loss and their weights.

use super::{GradientNormalization, Parts, Settings};
use crate::gpu::Shape;
use crate::vgg19::{LayerId, activation_shape};

/// A term of the loss, in the order in which the terms are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// The weighted sum of all others, which is minimised.
    Total,
    /// Mean squared error of the features at a content layer.
    Content(LayerId),
    /// Mean squared error of the tones, a part of the content term.
    Tone,
    /// Mean squared error of the Gram matrix at a style layer.
    Style {
        /// The layer.
        layer: LayerId,
        /// Index of the region with its styles, among those of [`Parts`].
        part: usize,
    },
    /// Total variation of the image.
    TotalVariation,
}

/// The factors on a term. Their product is its weight in the total.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factors {
    /// Weight of the content terms, of the style terms, or of total variation.
    pub kind: f32,
    /// Weight of the layer.
    pub layer: f32,
    /// Factor of the [`Scaling`](super::Scaling).
    pub scaling: f32,
    /// Share of the part in the style term.
    pub share: f32,
    /// A second factor of the term's strength under [`GradientNormalization::SquaredStrength`], else 1.
    pub strength: f32,
}

impl Factors {
    const ONES: Self = Self { kind: 1.0, layer: 1.0, scaling: 1.0, share: 1.0, strength: 1.0 };

    pub fn product(self) -> f32 {
        self.kind * self.layer * self.scaling * self.share * self.strength
    }
}

/// The weights of all terms for images of one size.
#[derive(Debug, Clone)]
pub(super) struct TermWeights {
    settings: Settings,
    /// Share of each part in the style term.
    shares: Vec<f32>,
    /// Shape of the variable.
    image: Shape,
}

impl TermWeights {
    pub fn new(settings: &Settings, parts: &Parts, image: Shape) -> Self {
        let shares = parts.styles.iter().map(|part| part.share).collect();
        Self { settings: settings.clone(), shares, image }
    }

    pub fn factors(&self, term: Term) -> Factors {
        let Self { settings, shares, image } = self;
        let features = |layer| activation_shape(layer, image.width, image.height);
        let strength = match settings.normalization {
            GradientNormalization::SquaredStrength => strength(settings, term),
            GradientNormalization::None | GradientNormalization::L1 => 1.0,
        };
        match term {
            Term::Total => Factors::ONES,
            Term::Content(layer) => Factors {
                kind: settings.content_weight,
                layer: settings.content_layers.weight(layer),
                scaling: settings.scaling.content(features(layer)),
                strength,
                ..Factors::ONES
            },
            Term::Style { layer, part } => Factors {
                kind: settings.style_weight,
                layer: settings.style_layers.weight(layer),
                scaling: settings.scaling.style(features(layer)),
                share: shares[part],
                strength,
            },
            Term::Tone => {
                Factors { kind: settings.content_weight, layer: settings.tone_weight, ..Factors::ONES }
            }
            Term::TotalVariation => Factors { kind: settings.tv_weight, ..Factors::ONES },
        }
    }

    /// The weight of a term in the total.
    pub fn weight(&self, term: Term) -> f32 {
        self.factors(term).product()
    }
}

/// The strength of a term as neural-style counts it: see [`GradientNormalization`].
pub(super) fn strength(settings: &Settings, term: Term) -> f32 {
    match term {
        Term::Content(layer) => settings.content_weight * settings.content_layers.weight(layer),
        Term::Style { layer, .. } => 1000.0 * settings.style_weight * settings.style_layers.weight(layer),
        Term::Total | Term::Tone | Term::TotalVariation => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LayerWeights, Style, variable_shape};
    use super::*;
    use crate::image_io::Image;

    #[test]
    fn a_weight_is_the_product_of_its_factors() {
        let layer: LayerId = "conv2_1".parse().unwrap();
        let layers: LayerWeights = "conv2_1=0.5".parse().unwrap();
        let settings = Settings {
            content_layers: layers.clone(),
            style_layers: layers,
            content_weight: 3.0,
            style_weight: 8.0,
            tone_weight: 0.5,
            tv_weight: 0.25,
            ..Settings::default()
        };
        let style = |weight| Style { weight, ..Image::from_rgb(1, 1, vec![0.0; 3]).unwrap().into() };
        let one = Parts::of(&[style(3.0), style(1.0)], None).unwrap();
        let weights = TermWeights::new(&settings, &one, variable_shape(32, 16));
        assert_eq!(weights.weight(Term::Content(layer)), 3.0 * 0.5);
        // 1000 over the square of the layer's 128 maps.
        let of_layer = 8.0 * 0.5 * 1000.0 / (128.0 * 128.0);
        assert_eq!(weights.weight(Term::Style { layer, part: 0 }), of_layer);
        assert_eq!(weights.weight(Term::Tone), 3.0 * 0.5);
        assert_eq!(weights.weight(Term::TotalVariation), 0.25);
        assert_eq!(weights.weight(Term::Content(LayerId::FIRST)), 0.0, "not among the layers");
        let squared = Settings { normalization: GradientNormalization::SquaredStrength, ..settings };
        let weights = TermWeights::new(&squared, &one, variable_shape(32, 16));
        assert_eq!(weights.weight(Term::Content(layer)), 1.5 * 1.5);
        assert_eq!(weights.weight(Term::Style { layer, part: 0 }), 4000.0 * 4000.0 / (128.0 * 128.0));
        assert_eq!(weights.weight(Term::TotalVariation), 0.25);
    }
}
