//! The losses of one evaluation, as they are reported.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Term;
use super::term::{Factors, TermWeights};
use crate::vgg19::LayerId;

/// Every term of the loss of one image. Serialises to the keys that logs and `score` print.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Losses {
    /// The weighted sum that is minimised.
    pub total: f64,
    /// The content term: the sum over its layers, weighted, and tone.
    pub content: f64,
    /// The style term: the sum over its layers, weighted.
    pub style: f64,
    /// The total variation.
    pub tv: f64,
    /// The term of each content layer before the layer's weight.
    pub content_layers: BTreeMap<LayerId, f64>,
    /// The term of each style layer before the layer's weight.
    pub style_layers: BTreeMap<LayerId, f64>,
}

impl Losses {
    /// From the value of each term before its weight. Without a [`Term::Total`] the total is computed from the others.
    pub(super) fn new(weights: &TermWeights, values: &BTreeMap<Term, f64>) -> Self {
        let mut losses = Self::default();
        let mut total = 0.0;
        for (term, value) in values {
            let Factors { kind, layer: layer_weight, scaling, share, strength } = weights.factors(*term);
            let value = f64::from(scaling) * f64::from(share) * value;
            let weighted = f64::from(layer_weight) * f64::from(strength) * value;
            match *term {
                Term::Total => continue,
                Term::Content(layer) => {
                    losses.content_layers.insert(layer, value);
                    losses.content += weighted;
                }
                Term::Style { layer, .. } => {
                    *losses.style_layers.entry(layer).or_insert(0.0) += value;
                    losses.style += weighted;
                }
                Term::Tone => losses.content += weighted,
                Term::TotalVariation => losses.tv = weighted,
            }
            total += f64::from(kind) * weighted;
        }
        losses.total = values.get(&Term::Total).copied().unwrap_or(total);
        losses
    }
}
