//! Puts images on one sheet, three in a row, each with the name of its file below it:
//! `cargo run --release --example contact_sheet -- SHEET.jpg IMAGE...`

use std::path::PathBuf;

use impasto::image_io::Image;
use impasto::sheet::{Cell, Sheet};
use impasto::{Error, Result};

fn main() -> Result<()> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let output = paths.next().ok_or_else(|| Error::Usage("name the sheet, then its images".into()))?;
    let cell = |path: PathBuf| {
        let label = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Cell { label, image: Image::load(path)? })
    };
    let cells = paths.map(cell).collect::<Result<Vec<_>>>()?;
    if cells.is_empty() {
        return Err(Error::Usage("a sheet needs at least one image: name some after it".into()));
    }
    Sheet { columns: 3, cells, ..Sheet::default() }.draw()?.save(output)
}
