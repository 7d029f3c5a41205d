//! Several images for one sheet.

use std::path::Path;

use impasto::Result;
use impasto::objective::StyleCache;
use impasto::painter::{Origin, Painter, PainterOptions, PaintingInputs, Plan};
use impasto::sheet::Cell;

use super::context::Context;
use super::options::CommonOptions;

/// The name of a file without its folder, for titles.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// One image of a sheet.
pub struct Item {
    /// The text below it.
    pub label: String,
    pub inputs: PaintingInputs,
    pub plan: Plan,
    /// The variable that optimisation starts from.
    pub start: Vec<f32>,
}

/// Paints the images one after the other and prints the label of each.
pub fn paint_all(context: &Context, items: Vec<Item>, common: &CommonOptions) -> Result<Vec<Cell>> {
    let count = items.len();
    // All images have the same styles.
    let (mut cells, styles) = (vec![], StyleCache::lasting());
    for (i, item) in items.into_iter().enumerate() {
        common.say(format_args!("{} of {count}: {}", i + 1, item.label));
        let Context { gpu, network, .. } = context;
        let (origin, style_cache) = (Origin::Variable(&item.start), styles.clone());
        let options = PainterOptions { origin, style_cache, ..Default::default() };
        let mut painter = Painter::new(gpu, network, item.inputs, item.plan, options)?;
        while painter.advance()?.is_some() {}
        cells.push(Cell { label: item.label, image: painter.image()? });
    }
    Ok(cells)
}
