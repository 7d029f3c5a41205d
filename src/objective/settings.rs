//! Settings of the objective: layers and weights.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::{GradientNormalization, Scaling};
use crate::error::{Error, Remedy, Result, Setting};
use crate::vgg19::LayerId;

/// Layers, each with the weight of its term. Written `conv1_1,conv2_1=0.5`, or `conv1_1..conv2_2` for those
/// two and all between.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights(BTreeMap<LayerId, f32>);

impl LayerWeights {
    /// No layers: a term that is always 0.
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// One layer with weight 1.
    pub fn one(layer: LayerId) -> Self {
        Self(BTreeMap::from([(layer, 1.0)]))
    }

    /// Those up to and including `last`.
    pub fn up_to(&self, last: LayerId) -> Self {
        Self(self.iter().filter(|(layer, _)| *layer <= last).collect())
    }

    /// Those of the first blocks of the network, up to and including `block`.
    pub fn up_to_block(&self, block: usize) -> Self {
        let inside = self.iter().filter(|(layer, _)| layer.spec().block <= block);
        Self(inside.collect())
    }

    /// The layers with their weights, shallowest first.
    pub fn iter(&self) -> impl Iterator<Item = (LayerId, f32)> {
        self.0.iter().map(|(layer, weight)| (*layer, *weight))
    }

    /// Whether a layer is among them, with any weight.
    pub fn contains(&self, layer: LayerId) -> bool {
        self.0.contains_key(&layer)
    }

    /// The weight of a layer; 0 if it is not among them.
    pub fn weight(&self, layer: LayerId) -> f32 {
        self.0.get(&layer).copied().unwrap_or(0.0)
    }

    /// The layers, shallowest first.
    pub fn layers(&self) -> impl Iterator<Item = LayerId> {
        self.0.keys().copied()
    }
}

impl FromStr for LayerWeights {
    type Err = Error;

    /// Accepts names of layers or `lower..higher`, separated by commas, each with `=weight` or not (then 1).
    ///
    /// # Errors
    /// [`Error::Usage`] naming an unknown layer, a layer given twice, or a bad weight.
    fn from_str(text: &str) -> Result<Self> {
        let mut layers = BTreeMap::new();
        for part in text.split(',').map(str::trim) {
            let (names, weight) = part.split_once('=').unwrap_or((part, "1"));
            let names = names.trim();
            let weight = parse_weight(weight.trim())
                .map_err(|e| Error::Usage(format!("weight of layer {names}: {e}")))?;
            let (first, last) = names.split_once("..").unwrap_or((names, names));
            let (first, last): (LayerId, LayerId) = (first.parse()?, last.parse()?);
            if first > last {
                return Err(Error::Usage(format!("{names} holds no layer: give the lower one first")));
            }
            for layer in LayerId::all().filter(|layer| (first..=last).contains(layer)) {
                if layers.insert(layer, weight).is_some() {
                    return Err(Error::Usage(format!("layer {layer} is there twice: name it once")));
                }
            }
        }
        Ok(Self(layers))
    }
}

impl fmt::Display for LayerWeights {
    /// Writes what `from_str` reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (layer, weight)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match weight {
                1.0 => write!(f, "{comma}{layer}")?,
                _ => write!(f, "{comma}{layer}={weight}")?,
            }
        }
        Ok(())
    }
}

/// Parses a weight.
///
/// # Errors
/// [`Error::Usage`] unless it is a number from 0 up.
pub fn parse_weight(text: &str) -> Result<f32> {
    match text.parse::<f32>() {
        Ok(weight) if weight >= 0.0 && weight.is_finite() => Ok(weight),
        _ => Err(Error::Usage(format!("'{text}' is no weight: give a number from 0 up"))),
    }
}

/// The objective of Gatys, Ecker & Bethge (2016):
/// `content_weight * content + style_weight * style + tv_weight * tv`, where
///
/// - content is the sum over layers of `weight * mean((F - F_content)^2)`, and `tone_weight` times the mean squared error of
///   the [tones](crate::ops::Tone) of windows, in levels of 255: those of the content image, with the mean brightness of the
///   style images and no more than their contrast;
/// - style is the sum over layers of `weight * 1000 / N^2 * mean((G - G_style)^2)`, with
///   `G = F F' / M` the Gram matrix of N feature maps at M positions
///   (both with other factors if [`scaling`](Self::scaling) says so);
/// - tv is the sum of squared differences between neighbouring pixels over the number of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Layers whose activations are compared with those of the content image.
    pub content_layers: LayerWeights,
    /// Layers whose Gram matrices are compared with those of the style image.
    pub style_layers: LayerWeights,
    /// alpha: weight of the content term.
    pub content_weight: f32,
    /// beta: weight of the style term.
    pub style_weight: f32,
    /// Weight of tone beside the content layers, times the content weight: 0 leaves it out.
    pub tone_weight: f32,
    /// Weight of total variation: smoothness.
    pub tv_weight: f32,
    /// Normalisation of the terms of layers.
    pub scaling: Scaling,
    /// What becomes of the gradients of layers.
    pub normalization: GradientNormalization,
}

impl Settings {
    /// The layers of the paper for content.
    pub const CONTENT_LAYERS: &str = "conv4_2";
    /// The layers of the paper for style.
    pub const STYLE_LAYERS: &str = "conv1_1,conv2_1,conv3_1,conv4_1,conv5_1";
    /// alpha of the authors' code.
    pub const CONTENT_WEIGHT: f32 = 1.0;
    /// beta of the authors' code, the 1000 of each layer apart.
    pub const STYLE_WEIGHT: f32 = 1000.0;

    /// Every content and style layer.
    pub fn layers(&self) -> BTreeSet<LayerId> {
        self.content_layers.layers().chain(self.style_layers.layers()).collect()
    }

    /// These settings without content layers: what a style image is compared at.
    pub(super) fn style_alone(&self) -> Self {
        Self { content_layers: LayerWeights::none(), tone_weight: 0.0, ..self.clone() }
    }

    /// The deepest content or style layer.
    pub fn deepest(&self) -> LayerId {
        self.layers().last().copied().unwrap_or(LayerId::FIRST)
    }

    /// True if tone is a part of the loss.
    pub(super) fn has_tone(&self) -> bool {
        self.content_weight > 0.0 && self.tone_weight > 0.0
    }

    /// Refuses weights that leave nothing to minimise.
    ///
    /// # Errors
    /// [`Error::Setting`] for a weight that is negative or not finite, and when all terms have weight 0.
    pub fn check(&self) -> Result<()> {
        let weights = [
            (Setting::ContentWeight, self.content_weight),
            (Setting::StyleWeight, self.style_weight),
            (Setting::ToneWeight, self.tone_weight),
            (Setting::TvWeight, self.tv_weight),
        ];
        if let Some((setting, weight)) = weights.into_iter().find(|(_, w)| !(*w >= 0.0 && w.is_finite())) {
            return Err(Error::setting(setting, format!("is {weight}: give a number from 0 up")));
        }
        let some = |layers: &LayerWeights| layers.iter().any(|(_, weight)| weight > 0.0);
        let content = self.has_tone() || self.content_weight > 0.0 && some(&self.content_layers);
        let style = self.style_weight > 0.0 && some(&self.style_layers);
        if !content && !style && self.tv_weight == 0.0 {
            let problem = "is 0, and so are all other weights: there is nothing to minimise";
            let terms = [Setting::ContentWeight, Setting::StyleWeight, Setting::TvWeight];
            let remedies = terms.map(Remedy::Raise);
            return Err(Error::setting(Setting::ContentWeight, problem).with_remedies(remedies));
        }
        Ok(())
    }
}

impl Default for Settings {
    /// The paper's layers and the authors' weights.
    fn default() -> Self {
        let layers = |text: &str| text.parse().unwrap_or(LayerWeights(BTreeMap::new()));
        Self {
            content_layers: layers(Self::CONTENT_LAYERS),
            style_layers: layers(Self::STYLE_LAYERS),
            content_weight: Self::CONTENT_WEIGHT,
            style_weight: Self::STYLE_WEIGHT,
            tone_weight: 0.0,
            tv_weight: 0.0,
            scaling: Scaling::Mean,
            normalization: GradientNormalization::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_parse_with_and_without_weights() {
        let layers: LayerWeights = "conv2_1=0.5, conv1_1".parse().unwrap();
        assert_eq!(layers.to_string(), "conv1_1,conv2_1=0.5");
        let range: LayerWeights = "conv1_2..conv2_2=3,conv4_1".parse().unwrap();
        assert_eq!(range.to_string(), "conv1_2=3,conv2_1=3,conv2_2=3,conv4_1");
        assert_eq!(range.up_to_block(1).to_string(), "conv1_2=3");
        for (text, word) in [
            ("conv2_1..conv1_1", "lower one first"),
            ("conv1_1..conv2_1,conv1_2", "conv1_2 is there twice"),
            ("conv9_9", "unknown layer 'conv9_9'"),
            ("conv1_1=-1", "'-1' is no weight"),
            ("conv1_1=NaN", "weight of layer conv1_1"),
            ("conv1_1=inf", "'inf' is no weight"),
            ("conv1_1,conv1_1=2", "twice"),
            ("", "unknown layer ''"),
        ] {
            let error = text.parse::<LayerWeights>().unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn settings_that_ask_for_nothing_are_refused() {
        let ok = Settings::default();
        assert!(ok.check().is_ok());
        assert_eq!(ok.deepest().name(), "conv5_1");
        let nothing = Settings { content_weight: 0.0, style_weight: 0.0, ..ok.clone() };
        assert!(nothing.check().unwrap_err().to_string().contains("so are all other weights"));
        assert!(Settings { tv_weight: 1.0, ..nothing }.check().is_ok());
        let silent =
            Settings { style_layers: "conv1_1=0".parse().unwrap(), content_weight: 0.0, ..ok.clone() };
        assert!(silent.check().is_err());
        assert!(Settings { tv_weight: f32::NAN, ..ok }.check().is_err());
    }
}
