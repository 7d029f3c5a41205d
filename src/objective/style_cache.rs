//! A cache of style images' Gram matrices, for several paintings in the same style.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::Style;
use crate::error::Result;
use crate::image_io::Image;
use crate::vgg19::LayerId;

/// The Gram matrix of each style layer, row by row.
pub(super) type Grams = BTreeMap<LayerId, Vec<f32>>;

/// Gram matrices of style images at the style layers, by pixels, part of the image, layers and tiles. Clones share them.
///
/// A cache is for one network: another one, even with other kernels only, needs a cache of its own.
#[derive(Debug, Clone, Default)]
pub struct StyleCache(Option<Arc<Mutex<VecDeque<Entry>>>>);

#[derive(Debug)]
struct Entry {
    layers: Vec<LayerId>,
    /// Size of the tiles, if there were any: sums in another order differ in their last digits.
    core: Option<u32>,
    /// Hash of the image and its part.
    style: u64,
    grams: Arc<Grams>,
}

impl StyleCache {
    /// Enough for two styles at sixteen scales. A new entry replaces the oldest: styles in the colours of a content image
    /// are used only once.
    const ENTRIES: usize = 32;

    /// A cache that stores nothing. A single painting needs each style once at each size.
    pub fn none() -> Self {
        Self(None)
    }

    /// An empty cache, for several paintings.
    pub fn lasting() -> Self {
        Self(Some(Arc::default()))
    }

    /// The Gram matrices of `style` at `layers`, with tiles of `core` pixels or in one piece: from the cache, or computed
    /// and stored.
    pub(super) fn grams(
        &self,
        layers: Vec<LayerId>,
        core: Option<u32>,
        style: &Style,
        compute: impl FnOnce() -> Result<Grams>,
    ) -> Result<Arc<Grams>> {
        let Some(entries) = &self.0 else { return compute().map(Arc::new) };
        let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
        let style = fingerprint(style);
        let same = |entry: &&Entry| (entry.style, entry.core, &entry.layers) == (style, core, &layers);
        if let Some(known) = entries.iter().find(same) {
            return Ok(known.grams.clone());
        }
        let grams = Arc::new(compute()?);
        entries.truncate(Self::ENTRIES - 1);
        entries.push_front(Entry { layers, core, style, grams: grams.clone() });
        Ok(grams)
    }
}

/// A hash of a style image's size, pixels and part.
fn fingerprint(style: &Style) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut add = |image: &Image| {
        (image.width(), image.height()).hash(&mut hasher);
        image.pixels().iter().for_each(|value| value.to_bits().hash(&mut hasher));
    };
    add(&style.image);
    style.image_region.iter().for_each(|region| add(region.mask()));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::Region;
    use super::*;

    #[test]
    fn only_what_is_new_is_computed() {
        let (cache, computed) = (StyleCache::lasting(), Cell::new(0));
        let image = |width, value| Image::from_rgb(width, 6 / width, vec![value; 18]).unwrap();
        let grams_of = |style: &Style, layers: &[LayerId]| {
            let compute = || {
                computed.set(computed.get() + 1);
                Ok(Grams::from([(LayerId::FIRST, vec![computed.get() as f32])]))
            };
            cache.clone().grams(layers.to_vec(), None, style, compute).unwrap()[&LayerId::FIRST][0]
        };
        let grams = |image: &Image, layers: &[LayerId]| grams_of(&image.clone().into(), layers);
        let first = [LayerId::FIRST];
        assert_eq!(grams(&image(2, 1.0), &first), 1.0);
        assert_eq!(grams(&image(2, 2.0), &first), 2.0, "other pixels");
        assert_eq!(grams(&image(3, 1.0), &first), 3.0, "another shape");
        assert_eq!(grams(&image(2, 1.0), &[LayerId::LAST]), 4.0, "other layers");
        assert_eq!(grams(&image(2, 1.0), &first), 1.0, "in the cache");
        let region = Some(Region::new(image(2, 255.0)).unwrap());
        let part = Style { image_region: region, ..image(2, 1.0).into() };
        assert_eq!([grams_of(&part, &first), grams_of(&part, &first)], [5.0, 5.0], "a part of it");
        for k in 0..StyleCache::ENTRIES {
            grams(&image(2, 10.0 + k as f32), &first);
        }
        assert_eq!(grams(&image(2, 1.0), &first), 6.0 + StyleCache::ENTRIES as f32, "replaced");
    }

    #[test]
    fn none_keeps_nothing() {
        let (cache, computed) = (StyleCache::none(), Cell::new(0));
        let style: Style = Image::from_rgb(1, 1, vec![0.0; 3]).unwrap().into();
        for _ in 0..2 {
            let compute = || {
                computed.set(computed.get() + 1);
                Ok(Grams::new())
            };
            cache.grams(vec![], None, &style, compute).unwrap();
        }
        assert_eq!(computed.get(), 2);
    }

    #[test]
    fn a_failure_is_not_stored() {
        let cache = StyleCache::lasting();
        let style: Style = Image::from_rgb(1, 1, vec![0.0; 3]).unwrap().into();
        let fail = || Err(crate::Error::gpu("a test", "failed"));
        assert!(cache.grams(vec![], None, &style, fail).is_err());
        assert!(cache.grams(vec![], None, &style, || Ok(Grams::new())).is_ok());
    }
}
