//! What people and other programs read of a profile or a ladder: tables, CSV, a trace, a chart. Everything
//! here makes text or bytes; whoever calls prints or writes them.

mod chart;
mod comparison;
mod csv;
mod font;
mod ladder;
mod table;
mod text;
mod trace;

pub use chart::{Chart, ChartFormat};
pub use comparison::comparison;
pub use csv::csv;
pub use ladder::ladders;
pub use table::{kernel_table, roofs_line, table};
pub use text::number;
pub use trace::trace;
