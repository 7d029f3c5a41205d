//! What people and other programs read of a profile or a ladder: tables, CSV, a trace, a chart. Everything
//! here makes text or bytes; whoever calls prints or writes them.

mod comparison;
mod csv;
#[cfg(test)]
pub(crate) mod fixture;
mod ladder;
mod table;
mod text;
mod trace;

pub use comparison::comparison;
pub use csv::csv;
pub use ladder::ladders;
pub use table::{kernel_table, roofs_line, table};
pub use text::number;
pub(crate) use text::{milliseconds, percent};
pub use trace::trace;
