//! A drawing as a list of lines, discs and text, and how it becomes SVG or PNG.

use std::io::{self, Write};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::font;

/// Width of a chart in units; an SVG has one pixel for each, a PNG two.
pub const WIDTH: u32 = 1280;
/// Height of a chart in units.
pub const HEIGHT: u32 = 800;
/// Pixels a unit of a PNG.
const PNG_SCALE: u32 = 2;
/// A PNG's lines and discs are drawn this much larger and then averaged, which makes edges smooth.
const OVERSAMPLING: u32 = 2;
/// The drawing library rounds coordinates and widths to whole numbers: an SVG has this many for a unit.
const SVG_SCALE: u32 = 8;
/// Fonts of an SVG, by preference: the bundled one, one as wide, and the viewer's own.
const FAMILIES: &str = "DejaVu Sans, Verdana, sans-serif";
/// The drawing library's size of a font over its em.
const EM: f64 = 1.24;

/// Red, green, blue.
pub type Colour = (u8, u8, u8);
/// Axes, titles and numbers.
pub const INK: Colour = (40, 40, 40);
/// Notes and ticks.
pub const GREY: Colour = (110, 110, 110);
/// The grid.
pub const FAINT: Colour = (228, 228, 228);
/// What shares a colour because the others are used up.
pub const OTHER: Colour = (150, 150, 150);
/// Colours that people with most kinds of colour vision tell apart (after Okabe & Ito 2008).
pub const COLOURS: [Colour; 7] = [
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (140, 109, 49),
];

/// Sizes of text in units an em.
pub const TITLE: f64 = 18.0;
pub const HEADING: f64 = 12.5;
pub const BODY: f64 = 11.0;

/// A rectangle: left, top, right, bottom.
pub type Rectangle = [f64; 4];

/// Where a text is aligned to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Its left end.
    Left,
    /// Its middle.
    Middle,
    /// Its right end.
    Right,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Solid,
    Dashed,
}

/// A thing to draw. Coordinates are in units, to the right and down.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Line { points: Vec<(f64, f64)>, colour: Colour, width: f64, stroke: Stroke },
    Disc { centre: (f64, f64), radius: f64, colour: Colour, filled: bool },
    Text { at: (f64, f64), text: String, size: f64, colour: Colour, side: Side },
}

/// Things to draw, later ones over earlier ones.
#[derive(Debug, Default)]
pub struct Scene {
    pub items: Vec<Item>,
}

impl Scene {
    pub fn line(&mut self, points: &[(f64, f64)], colour: Colour, width: f64) {
        self.stroke(points, colour, width, Stroke::Solid);
    }

    pub fn stroke(&mut self, points: &[(f64, f64)], colour: Colour, width: f64, stroke: Stroke) {
        self.items.push(Item::Line { points: points.to_vec(), colour, width, stroke });
    }

    pub fn disc(&mut self, centre: (f64, f64), radius: f64, colour: Colour, filled: bool) {
        self.items.push(Item::Disc { centre, radius, colour, filled });
    }

    /// A line of text, centred on `at` from top to bottom. `size` is in units an em.
    pub fn text(&mut self, at: (f64, f64), text: &str, size: f64, colour: Colour, side: Side) {
        self.items.push(Item::Text { at, text: text.into(), size, colour, side });
    }

    /// The scene as the text of an SVG file.
    ///
    /// # Errors
    /// Those of the drawing library.
    pub fn svg(&self) -> io::Result<String> {
        let mut text = String::new();
        let size = (WIDTH * SVG_SCALE, HEIGHT * SVG_SCALE);
        let backend = SVGBackend::with_string(&mut text, size);
        self.draw(&backend.into_drawing_area(), f64::from(SVG_SCALE), draw_text)?;
        let drawn = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
        Ok(text.replacen(&drawn, &format!("width=\"{WIDTH}\" height=\"{HEIGHT}\""), 1))
    }

    /// Writes the scene as a PNG file of `PNG_SCALE` pixels a unit.
    ///
    /// # Errors
    /// Those of `writer` and of the drawing library.
    pub fn png(&self, writer: &mut impl Write) -> io::Result<()> {
        let (width, height) = (WIDTH * PNG_SCALE, HEIGHT * PNG_SCALE);
        let large = (width * OVERSAMPLING, height * OVERSAMPLING);
        let mut pixels = vec![0; (large.0 * large.1 * 3) as usize];
        let backend = BitMapBackend::with_buffer(&mut pixels, large);
        let scale = f64::from(PNG_SCALE * OVERSAMPLING);
        self.draw(&backend.into_drawing_area(), scale, |_, _, _| Ok(()))?;
        let mut pixels = averaged(&pixels, width as usize);
        for item in &self.items {
            write_text(&mut pixels, width as usize, item);
        }
        let encoder = PngEncoder::new(writer);
        encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).map_err(io::Error::other)
    }

    fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        scale: f64,
        text: impl Fn(&DrawingArea<B, Shift>, &Item, f64) -> Drawn<B>,
    ) -> io::Result<()> {
        let run = || {
            area.fill(&WHITE)?;
            for item in &self.items {
                draw_shape(area, item, scale)?;
                text(area, item, scale)?;
            }
            area.present()
        };
        run().map_err(|e: DrawingAreaErrorKind<B::ErrorType>| io::Error::other(e.to_string()))
    }
}

type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn scaled((x, y): (f64, f64), scale: f64) -> (i32, i32) {
    ((x * scale).round() as i32, (y * scale).round() as i32)
}

fn rgb((r, g, b): Colour) -> RGBColor {
    RGBColor(r, g, b)
}

fn draw_shape<B: DrawingBackend>(area: &DrawingArea<B, Shift>, item: &Item, scale: f64) -> Drawn<B> {
    let whole = |length: f64| (length * scale).round() as u32;
    match item {
        Item::Line { points, colour, width, stroke } => {
            let points: Vec<_> = points.iter().map(|point| scaled(*point, scale)).collect();
            let style = rgb(*colour).stroke_width(whole(*width));
            match stroke {
                Stroke::Solid => area.draw(&PathElement::new(points, style)),
                Stroke::Dashed => area.draw(&DashedPathElement::new(points, whole(5.0), whole(4.0), style)),
            }
        }
        Item::Disc { centre, radius, colour, filled } => {
            let style = match filled {
                true => rgb(*colour).mix(0.6).filled(),
                false => rgb(*colour).stroke_width(whole(1.5)),
            };
            area.draw(&Circle::new(scaled(*centre, scale), whole(*radius), style))
        }
        Item::Text { .. } => Ok(()),
    }
}

/// Text of an SVG; the viewer sets it.
fn draw_text<B: DrawingBackend>(area: &DrawingArea<B, Shift>, item: &Item, scale: f64) -> Drawn<B> {
    let Item::Text { at, text, size, colour, side } = item else { return Ok(()) };
    let across = match side {
        Side::Left => HPos::Left,
        Side::Middle => HPos::Center,
        Side::Right => HPos::Right,
    };
    let font = (FAMILIES, size * scale * EM).into_font().color(&rgb(*colour));
    let style = font.pos(Pos::new(across, VPos::Center));
    area.draw(&Text::new(text.clone(), scaled(*at, scale), style))
}

/// Means of squares of pixels: the image at `width`, from one that is `OVERSAMPLING` times as large.
fn averaged(large: &[u8], width: usize) -> Vec<u8> {
    const N: usize = OVERSAMPLING as usize;
    let row = width * N * 3;
    let mean = |rows: &[u8], at: usize, channel: usize| {
        let pixels = (0..N * N).map(|k| u32::from(rows[k / N * row + (at * N + k % N) * 3 + channel]));
        (pixels.sum::<u32>() / (N * N) as u32) as u8
    };
    let rows = large.chunks_exact(row * N);
    rows.flat_map(|rows| (0..width * 3).map(move |k| mean(rows, k / 3, k % 3))).collect()
}

/// Text of a PNG: `pixels` are rows of `width` pixels.
fn write_text(pixels: &mut [u8], width: usize, item: &Item) {
    let Item::Text { at, text, size, colour, side } = item else { return };
    let scale = f64::from(PNG_SCALE);
    let size = size * scale;
    let before = match side {
        Side::Left => 0.0,
        Side::Middle => font::width(text, size) / 2.0,
        Side::Right => font::width(text, size),
    };
    let start = (at.0 * scale - before, at.1 * scale + font::X_HEIGHT / 2.0 * size);
    let ink = [colour.0, colour.1, colour.2];
    font::draw(text, start, size, |x, y, part| {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        let at = (y * width + x) * 3;
        let Some(pixel) = pixels.get_mut(at..at + 3).filter(|_| x < width) else { return };
        for (level, ink) in pixel.iter_mut().zip(ink) {
            *level = (f32::from(*level) + part * (f32::from(ink) - f32::from(*level))).round() as u8;
        }
    });
}
