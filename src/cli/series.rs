//! Several paintings for one contact sheet.

use impasto::Result;
use impasto::objective::StyleCache;
use impasto::painter::{Origin, Painter, PainterOptions, PaintingInputs, Plan};
use impasto::sheet::Cell;

use super::context::Context;
use super::options::CommonOptions;

/// One picture of a sheet.
pub struct Item {
    /// What stands under it.
    pub label: String,
    pub inputs: PaintingInputs,
    pub plan: Plan,
    /// The variable that it starts from.
    pub start: Vec<f32>,
}

/// Paints one picture after the other and tells which.
pub fn paint_all(context: &Context, items: Vec<Item>, common: &CommonOptions) -> Result<Vec<Cell>> {
    let count = items.len();
    // Every picture asks for the same styles.
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
