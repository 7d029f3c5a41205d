//! The losses of one evaluation, as they are reported.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Settings;
use crate::gpu::Shape;
use crate::vgg19::{LayerId, activation_shape};

/// Every term of the objective at one picture. Serialises to the keys that logs and `score` print.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Losses {
    /// The weighted sum that is minimised.
    pub total: f64,
    /// The content term: the sum of the layers' by their weights.
    pub content: f64,
    /// The style term: the sum of the layers' by their weights.
    pub style: f64,
    /// The total variation.
    pub tv: f64,
    /// Each content layer's own, its weight not counted.
    pub content_layers: BTreeMap<LayerId, f64>,
    /// Each style layer's own, its weight not counted.
    pub style_layers: BTreeMap<LayerId, f64>,
}

impl Losses {
    /// From the numbers that the device computes: the total, the mean squared error of each content
    /// layer and of each style layer, and the total variation. `image` is the variable's shape,
    /// `shares` are the parts of a layer's style terms.
    pub(super) fn from_device(settings: &Settings, shares: &[f32], image: Shape, numbers: &[f32]) -> Self {
        let terms: Vec<f64> = numbers.iter().skip(1).map(|value| f64::from(*value)).collect();
        let total = numbers.first().map_or(f64::NAN, |total| f64::from(*total));
        Self { total, ..Self::of_terms(settings, shares, image, &terms) }
    }

    /// From the terms alone: the total is computed here.
    pub(super) fn of_terms(settings: &Settings, shares: &[f32], image: Shape, terms: &[f64]) -> Self {
        let (scaling, features) =
            (settings.scaling, |layer| activation_shape(layer, image.width, image.height));
        let mut terms = terms.iter().copied();
        let mut next = || terms.next().unwrap_or(f64::NAN);
        let content_layers: BTreeMap<_, _> = settings
            .content_layers
            .layers()
            .map(|layer| (layer, f64::from(scaling.content(features(layer))) * next()))
            .collect();
        let style_layers: BTreeMap<_, _> = settings
            .style_layers
            .layers()
            .map(|layer| {
                (
                    layer,
                    f64::from(scaling.style(features(layer)))
                        * shares.iter().map(|share| f64::from(*share) * next()).sum::<f64>(),
                )
            })
            .collect();
        let weighted = |terms: &BTreeMap<LayerId, f64>, weights: &super::LayerWeights| {
            weights.iter().map(|(layer, weight)| f64::from(weight) * terms[&layer]).sum()
        };
        let content = weighted(&content_layers, &settings.content_layers);
        let style = weighted(&style_layers, &settings.style_layers);
        let tv = next();
        let weigh = |weight: f32, term: f64| f64::from(weight) * term;
        let total = weigh(settings.content_weight, content)
            + weigh(settings.style_weight, style)
            + weigh(settings.tv_weight, tv);
        Self { total, content, style, tv, content_layers, style_layers }
    }
}
