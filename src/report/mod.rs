//! Profiles and ladders as text: tables, comparisons, CSV, a trace. Nothing here prints or writes files.

mod advice;
mod comparison;
mod csv;
#[cfg(test)]
pub(crate) mod fixture;
mod grid;
mod ladder;
mod table;
mod text;
mod trace;
mod trial;

pub use advice::advice;
pub use comparison::comparison;
pub use csv::csv;
pub use grid::layer_grid;
pub(crate) use ladder::heading;
pub use ladder::ladders;
pub use table::{kernel_table, roofs_line, table};
pub use text::number;
pub(crate) use text::{milliseconds, percent};
pub use trace::trace;
pub use trial::{trial_details, trial_summary};
