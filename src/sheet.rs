//! Contact sheets: labelled images in a grid under a title. Heat maps of numbers.

use crate::error::Result;
use crate::font;
use crate::image_io::Image;

/// Pixels around the sheet, and between cells.
const MARGIN: u32 = 16;
const GAP: u32 = 14;
/// Grey levels of the paper, of titles and labels, and of notes.
const PAPER: f32 = 255.0;
const INK: f32 = 30.0;
const GREY: f32 = 105.0;
/// Sizes of labels in pixels an em: a share of a column's width, within limits.
const LABEL_SIZES: [f64; 2] = [13.0, 26.0];
const LABEL_SHARE: f64 = 0.035;
/// A title over a label.
const TITLE: f64 = 1.5;
/// Distance between lines of text over their size.
const LEADING: f64 = 1.35;
/// Lines that a label takes at most.
const LABEL_LINES: usize = 3;
/// A column of narrow images is widened for its labels up to this many label sizes.
const LABEL_COLUMN: f64 = 10.0;
/// A sheet with a heading is at least this many pixels wide.
const LEAST_WIDTH: u32 = 480;
/// Size of the colour bar in pixels.
const BAR: [u32; 2] = [160, 14];

/// An image of a sheet and the text below it.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Wrapped to the width of the column, and cut after three lines.
    pub label: String,
    /// The image, drawn at its own size.
    pub image: Image,
}

/// Images in a grid with text.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// Heading of the sheet; none if empty.
    pub title: String,
    /// Smaller text below the title, such as how to read the sheet; none if empty.
    pub note: String,
    /// Adds the colours of heat maps below the note, as a bar between the smallest and the largest number.
    pub bar: Option<[String; 2]>,
    /// Cells in a row; at least 1 is taken.
    pub columns: usize,
    /// The images, row by row.
    pub cells: Vec<Cell>,
}

impl Sheet {
    /// Draws the sheet. All columns are as wide as the widest cell, and each row is as high as its highest.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) if the sheet has too many pixels.
    pub fn draw(&self) -> Result<Image> {
        let layout = Layout::of(self);
        let mut canvas = Canvas::new(layout.width, layout.height);
        layout.draw_heading(&mut canvas);
        for (i, cell) in self.cells.iter().enumerate() {
            let x = MARGIN + (i % layout.columns) as u32 * (layout.cell_width + GAP);
            let y = layout.rows[i / layout.columns];
            canvas.draw(&cell.image, x, y);
            let top = y + cell.image.height() + GAP / 3;
            canvas.write_lines(&layout.labels[i], x, top, layout.label_size, INK);
        }
        Image::from_rgb(canvas.width, canvas.height, canvas.rgb)
    }
}

/// Sizes and lines of text of a sheet. Lengths are in pixels.
struct Layout<'a> {
    sheet: &'a Sheet,
    columns: usize,
    label_size: f64,
    /// Lines of each cell's label.
    labels: Vec<Vec<String>>,
    title: Vec<String>,
    note: Vec<String>,
    cell_width: u32,
    /// Top of each row.
    rows: Vec<u32>,
    width: u32,
    height: u32,
}

impl<'a> Layout<'a> {
    fn of(sheet: &'a Sheet) -> Self {
        let cells = &sheet.cells;
        let columns = sheet.columns.clamp(1, cells.len().max(1));
        let widest_image = cells.iter().map(|cell| cell.image.width()).max().unwrap_or(1);
        let label_size =
            (LABEL_SHARE * f64::from(widest_image)).clamp(LABEL_SIZES[0], LABEL_SIZES[1]).round();
        let widest = cells.iter().map(|cell| font::width(&cell.label, label_size)).fold(0.0, f64::max);
        let cell_width = widest_image.max(widest.min(LABEL_COLUMN * label_size).ceil() as u32);
        let wrap = |text: &str, size: f64, space: u32, most: usize| {
            font::wrapped(text, size, f64::from(space), most)
        };
        let labels: Vec<_> =
            cells.iter().map(|cell| wrap(&cell.label, label_size, cell_width, LABEL_LINES)).collect();
        let grid = columns as u32 * (cell_width + GAP) - GAP;
        let has_heading = !sheet.title.is_empty() || !sheet.note.is_empty();
        let width = (grid + 2 * MARGIN).max(if has_heading { LEAST_WIDTH } else { 0 });
        let space = width - 2 * MARGIN;
        let title = wrap(&sheet.title, TITLE * label_size, space, 2);
        let note = wrap(&sheet.note, label_size, space, 6);
        let mut layout = Self {
            sheet,
            columns,
            label_size,
            labels,
            title,
            note,
            cell_width,
            rows: vec![],
            width,
            height: 0,
        };
        layout.stack_rows();
        layout
    }

    /// Puts the rows below the heading and each other.
    fn stack_rows(&mut self) {
        let mut top = self.bar_top() + self.sheet.bar.as_ref().map_or(0, |_| BAR[1] + GAP);
        let label = |lines: &Vec<String>| GAP / 3 + lines_height(lines.len(), self.label_size);
        let heights: Vec<u32> = self
            .sheet
            .cells
            .iter()
            .zip(&self.labels)
            .map(|(cell, lines)| cell.image.height() + label(lines))
            .collect();
        for row in heights.chunks(self.columns) {
            self.rows.push(top);
            top += row.iter().max().unwrap_or(&0) + GAP;
        }
        self.height = if self.rows.is_empty() { top } else { top - GAP } + MARGIN;
    }

    fn note_top(&self) -> u32 {
        let title = lines_height(self.title.len(), TITLE * self.label_size);
        MARGIN + title + if title > 0 { GAP / 3 } else { 0 }
    }

    /// Bottom of the title and the note with the space below them.
    fn bar_top(&self) -> u32 {
        let bottom = self.note_top() + lines_height(self.note.len(), self.label_size);
        if bottom > MARGIN { bottom + GAP / 2 } else { bottom }
    }

    fn draw_heading(&self, canvas: &mut Canvas) {
        canvas.write_lines(&self.title, MARGIN, MARGIN, TITLE * self.label_size, INK);
        canvas.write_lines(&self.note, MARGIN, self.note_top(), self.label_size, GREY);
        if let Some(ends) = &self.sheet.bar {
            canvas.draw_bar(MARGIN, self.bar_top(), self.label_size, ends);
        }
    }
}

fn lines_height(lines: usize, size: f64) -> u32 {
    (lines as f64 * LEADING * size).ceil() as u32
}

/// White paper to draw on: `[height][width][3]` levels in 0..=255.
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

    /// Lines of text below `top`, from the left edge `x`.
    fn write_lines(&mut self, lines: &[String], x: u32, top: u32, size: f64, ink: f32) {
        for (k, line) in lines.iter().enumerate() {
            // The baseline leaves the font's ascent above it.
            let baseline = f64::from(top) + (k as f64 * LEADING + 1.0) * size;
            self.write(line, (f64::from(x), baseline), size, ink);
        }
    }

    fn write(&mut self, text: &str, start: (f64, f64), size: f64, ink: f32) {
        font::draw(text, start, size, |x, y, part| {
            if !(0..self.width as i32).contains(&x) || !(0..self.height as i32).contains(&y) {
                return;
            }
            let at = self.at(x as u32, y as u32);
            self.rgb[at..at + 3].iter_mut().for_each(|level| *level += part * (ink - *level));
        });
    }

    /// The colours of heat maps between two numbers.
    fn draw_bar(&mut self, x: u32, y: u32, size: f64, [smallest, largest]: &[String; 2]) {
        let [width, height] = BAR;
        let before = (font::width(smallest, size) + size / 2.0).ceil() as u32;
        let baseline = f64::from(y) + f64::from(height) / 2.0 + font::X_HEIGHT / 1.5 * size;
        self.write(smallest, (f64::from(x), baseline), size, GREY);
        for column in 0..width {
            let colour = heat(column as f32 / (width - 1) as f32);
            for row in 0..height {
                let at = self.at(x + before + column, y + row);
                self.rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
        self.write(largest, (f64::from(x + before + width) + size / 2.0, baseline), size, GREY);
    }
}

/// Draws numbers as an image: 0 and below are black, the largest is white, with violet and orange between. Each
/// number becomes a square of `zoom` x `zoom` pixels. `values` are `[height][width]`.
///
/// # Errors
/// [`Error::Image`](crate::Error::Image) if the image has no pixels, or too many.
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

    fn cell(value: f32, label: &str) -> Cell {
        Cell { label: label.into(), image: flat(40, 20, value) }
    }

    /// Levels of the first channel in a rectangle.
    fn part(image: &Image, x: u32, y: u32, width: u32, height: u32) -> Vec<f32> {
        let rows = (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y)));
        rows.map(|(x, y)| image.pixels()[((y * image.width() + x) * 3) as usize]).collect()
    }

    #[test]
    fn cells_lie_in_rows_with_their_labels_below() {
        let cells = vec![cell(10.0, "a"), cell(20.0, "b"), cell(30.0, "")];
        let made = Sheet { columns: 2, cells, ..Sheet::default() }.draw().unwrap();
        let label = 4 + 18;
        assert_eq!(
            (made.width(), made.height()),
            (2 * 16 + 2 * 40 + 14, 2 * 16 + (20 + label) + 14 + (20 + 4))
        );
        let corners = [(16, 16), (70, 16), (16, 16 + 20 + label + 14), (70, 16 + 20 + label + 14), (0, 0)];
        let levels = corners.map(|(x, y)| part(&made, x, y, 1, 1)[0]);
        assert_eq!(levels, [10.0, 20.0, 30.0, PAPER, PAPER]);
        let below = |x: u32, y: u32| part(&made, x, y, 40, label);
        let darkest = |levels: Vec<f32>| levels.into_iter().fold(PAPER, f32::min);
        assert!(darkest(below(16, 36)) < 100.0 && darkest(below(70, 36)) < 100.0);
        // Edges of letters are smooth: neither ink nor paper.
        assert!(below(16, 36).iter().any(|level| (INK + 20.0..PAPER - 20.0).contains(level)));
    }

    #[test]
    fn long_and_foreign_labels_stay_in_their_columns() {
        let label = "schöne Grüße 日本語 and a name without an end_that_nobody_reads_anyway.png ".repeat(3);
        let cells = vec![cell(10.0, &label), cell(20.0, "b")];
        let made = Sheet { columns: 2, cells, ..Sheet::default() }.draw().unwrap();
        // The column is as wide as ten letters are high; three lines of text are below the image.
        let column = 10 * 13;
        assert_eq!(made.width(), 2 * 16 + 2 * column + 14);
        assert_eq!(made.height(), 2 * 16 + 20 + 4 + (3.0 * 1.35f64 * 13.0).ceil() as u32);
        let gap = part(&made, 16 + column + 1, 16, 12, made.height() - 32);
        assert!(gap.iter().all(|level| *level == PAPER), "letters reach into the gap");
    }

    #[test]
    fn a_heading_stands_above_the_cells() {
        let plain = Sheet { columns: 1, cells: vec![cell(10.0, "a")], ..Sheet::default() };
        let titled = Sheet { title: "Title".into(), note: "word ".repeat(100), ..plain.clone() };
        let barred = Sheet { bar: Some(["0".into(), "3.5".into()]), ..titled.clone() };
        let [plain, titled, barred] = [plain, titled, barred].map(|sheet| sheet.draw().unwrap());
        assert!(plain.height() < titled.height() && titled.height() + 10 < barred.height());
        assert_eq!(titled.width(), LEAST_WIDTH);
        let top = titled.height() - plain.height();
        assert_eq!(part(&titled, 16, 16 + top, 1, 1), [10.0]);
        assert!(part(&titled, 16, 16, 200, 20).iter().any(|level| *level < 60.0));
        let empty = Sheet::default().draw().unwrap();
        assert!(empty.pixels().iter().all(|level| *level == PAPER));
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
