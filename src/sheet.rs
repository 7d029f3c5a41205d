//! Contact sheets: pictures in a grid, each with a line of text under it.

use font8x8::UnicodeFonts;

use crate::error::Result;
use crate::image_io::Image;

/// Pixels between cells and around the sheet.
const GAP: u32 = 8;
/// Height of a line of text with its margins; a letter is 8 x 8.
const LINE: u32 = 14;
/// Colour of the paper.
const PAPER: f32 = 255.0;

/// A picture of a sheet and what is written under it.
#[derive(Debug, Clone)]
pub struct Cell {
    /// One line; what is wider than the picture is cut off.
    pub label: String,
    /// The picture.
    pub image: Image,
}

/// Lays cells out in rows of `columns`, each column as wide and each row as high as its largest picture
/// demands. There must be at least one cell.
///
/// # Errors
/// [`Error::Image`](crate::Error::Image) if the sheet has too many pixels.
pub fn sheet(cells: &[Cell], columns: usize) -> Result<Image> {
    let columns = columns.clamp(1, cells.len().max(1));
    let largest = |side: fn(&Image) -> u32| cells.iter().map(|cell| side(&cell.image)).max().unwrap_or(1);
    let (cell_width, cell_height) = (largest(Image::width) + GAP, largest(Image::height) + LINE + GAP);
    let rows = cells.len().div_ceil(columns) as u32;
    let mut canvas = Canvas::new(GAP + columns as u32 * cell_width, GAP + rows * cell_height);
    for (i, cell) in cells.iter().enumerate() {
        let x = GAP + (i % columns) as u32 * cell_width;
        let y = GAP + (i / columns) as u32 * cell_height;
        canvas.draw(&cell.image, x, y);
        canvas.write(&cell.label, x, y + cell.image.height() + 3, cell_width);
    }
    Image::from_rgb(canvas.width, canvas.height, canvas.rgb)
}

/// White paper to draw on.
struct Canvas {
    width: u32,
    height: u32,
    rgb: Vec<f32>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        Self { width, height, rgb: vec![PAPER; width as usize * height as usize * 3] }
    }

    fn at(&self, x: u32, y: u32) -> usize {
        (y as usize * self.width as usize + x as usize) * 3
    }

    fn draw(&mut self, image: &Image, x: u32, y: u32) {
        let row = image.width() as usize * 3;
        for (line, pixels) in image.pixels().chunks_exact(row).enumerate() {
            let at = self.at(x, y + line as u32);
            self.rgb[at..at + row].copy_from_slice(pixels);
        }
    }

    /// Black letters from the left; at most `room` pixels wide.
    fn write(&mut self, text: &str, x: u32, y: u32, room: u32) {
        for (i, letter) in text.chars().take(room as usize / 8).enumerate() {
            let glyph = font8x8::BASIC_FONTS.get(letter).unwrap_or([0; 8]);
            for (line, bits) in glyph.into_iter().enumerate() {
                for column in (0..8).filter(|column| bits >> column & 1 == 1) {
                    let at = self.at(x + 8 * i as u32 + column, y + line as u32);
                    if let Some(pixel) = self.rgb.get_mut(at..at + 3) {
                        pixel.fill(0.0);
                    }
                }
            }
        }
    }
}

/// Numbers as a picture: 0 black, the largest white, through violet and orange between; what is below 0
/// counts as 0. Each number is a square of `zoom` x `zoom` pixels.
///
/// # Errors
/// [`Error::Image`](crate::Error::Image) if it has no pixels, or too many.
pub fn heat_map(values: &[f32], width: u32, zoom: u32) -> Result<Image> {
    let most = values.iter().copied().fold(0.0, f32::max).max(f32::MIN_POSITIVE);
    let height = values.len() as u32 / width.max(1);
    let pixel = |i: u32| {
        let (x, y) = (i % (width * zoom) / zoom, i / (width * zoom) / zoom);
        heat(values[(y * width + x) as usize].max(0.0) / most)
    };
    let rgb = (0..width * zoom * height * zoom).flat_map(pixel).collect();
    Image::from_rgb(width * zoom, height * zoom, rgb)
}

/// A colour for 0..=1 that grows steadily brighter.
fn heat(part: f32) -> [f32; 3] {
    const STOPS: [[f32; 3]; 4] =
        [[0.0, 0.0, 0.0], [90.0, 20.0, 120.0], [235.0, 105.0, 40.0], [255.0, 255.0, 230.0]];
    let place = part.clamp(0.0, 1.0) * (STOPS.len() - 1) as f32;
    let k = (place as usize).min(STOPS.len() - 2);
    let between = place - k as f32;
    [0, 1, 2].map(|c| STOPS[k][c] + between * (STOPS[k + 1][c] - STOPS[k][c]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: u32, height: u32, value: f32) -> Image {
        Image::from_rgb(width, height, vec![value; (width * height * 3) as usize]).unwrap()
    }

    #[test]
    fn cells_lie_in_rows_with_their_labels_below() {
        let cell = |value: f32, label: &str| Cell { label: label.into(), image: flat(40, 20, value) };
        let made = sheet(&[cell(10.0, "a"), cell(20.0, "b"), cell(30.0, "")], 2).unwrap();
        assert_eq!((made.width(), made.height()), (8 + 2 * 48, 8 + 2 * 42));
        let at = |x: u32, y: u32| made.pixels()[((y * made.width() + x) * 3) as usize];
        assert_eq!([at(8, 8), at(56, 8), at(8, 50), at(56, 50), at(0, 0)], [10.0, 20.0, 30.0, PAPER, PAPER]);
        let ink = |x: u32, y: u32| {
            (0..8).flat_map(|i| (0..8).map(move |j| (i, j))).filter(|(i, j)| at(x + i, y + j) == 0.0).count()
        };
        assert!(ink(8, 31) > 5 && ink(56, 31) > 5 && ink(8, 73) == 0);
    }

    #[test]
    fn heat_grows_with_the_number() {
        let map = heat_map(&[0.0, 1.0, 2.0, 4.0, -3.0, 3.0], 3, 2).unwrap();
        assert_eq!((map.width(), map.height()), (6, 4));
        let light = |x: u32, y: u32| map.pixels()[((y * 6 + x) * 3) as usize..][..3].iter().sum::<f32>();
        assert!(light(0, 0) < light(2, 0) && light(2, 0) < light(4, 0) && light(4, 0) < light(4, 2));
        assert!(light(4, 2) < light(0, 2), "4 is the largest");
        assert_eq!(light(2, 2), 0.0, "below 0 is 0");
    }
}
