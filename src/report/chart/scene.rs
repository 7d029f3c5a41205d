//! A drawing as a list of lines, discs and letters, and its two ways into a file.

use std::io::{self, Write};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::font;

/// Width of the chart in units; an SVG has one pixel for each, a PNG two.
pub const WIDTH: u32 = 1280;
/// Height of the chart in units.
pub const HEIGHT: u32 = 800;
const PNG_SCALE: u32 = 2;

/// Red, green, blue.
pub type Colour = (u8, u8, u8);
pub const INK: Colour = (40, 40, 40);
pub const GREY: Colour = (120, 120, 120);
pub const FAINT: Colour = (228, 228, 228);

/// Where letters stand from their point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Begin there.
    Left,
    /// Are centred on it.
    Middle,
    /// End there.
    Right,
}

/// A thing to draw. Coordinates go right and down.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Line { points: Vec<(f64, f64)>, colour: Colour, width: f64 },
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
        self.items.push(Item::Line { points: points.to_vec(), colour, width });
    }

    pub fn disc(&mut self, centre: (f64, f64), radius: f64, colour: Colour, filled: bool) {
        self.items.push(Item::Disc { centre, radius, colour, filled });
    }

    /// Letters whose middle line is at `at`.
    pub fn text(&mut self, at: (f64, f64), text: &str, size: f64, colour: Colour, side: Side) {
        self.items.push(Item::Text { at, text: text.into(), size, colour, side });
    }

    pub fn svg(&self) -> io::Result<String> {
        let mut text = String::new();
        let backend = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT));
        self.draw(&backend.into_drawing_area(), 1.0).map_err(io::Error::other)?;
        Ok(text)
    }

    pub fn png(&self, writer: &mut impl Write) -> io::Result<()> {
        let (width, height) = (WIDTH * PNG_SCALE, HEIGHT * PNG_SCALE);
        let mut pixels = vec![0; (width * height * 3) as usize];
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        self.draw(&backend.into_drawing_area(), f64::from(PNG_SCALE)).map_err(io::Error::other)?;
        let encoder = PngEncoder::new(writer);
        encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).map_err(io::Error::other)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, scale: f64) -> Result<(), String> {
        if !font::register() {
            return Err("the font of charts cannot be read".into());
        }
        let run = || {
            area.fill(&WHITE)?;
            self.items.iter().try_for_each(|item| draw_item(area, item, scale))?;
            area.present()
        };
        run().map_err(|e| e.to_string())
    }
}

type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn draw_item<B: DrawingBackend>(area: &DrawingArea<B, Shift>, item: &Item, scale: f64) -> Drawn<B> {
    let place = |(x, y): (f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    let rgb = |(r, g, b): Colour| RGBColor(r, g, b);
    match item {
        Item::Line { points, colour, width } => {
            let points: Vec<_> = points.iter().map(|point| place(*point)).collect();
            area.draw(&PathElement::new(points, rgb(*colour).stroke_width((width * scale) as u32)))
        }
        Item::Disc { centre, radius, colour, filled } => {
            let radius = (radius * scale).round() as i32;
            let style = match filled {
                true => rgb(*colour).mix(0.6).filled(),
                false => rgb(*colour).stroke_width((1.5 * scale) as u32),
            };
            area.draw(&Circle::new(place(*centre), radius, style))
        }
        Item::Text { at, text, size, colour, side } => {
            let across = match side {
                Side::Left => HPos::Left,
                Side::Middle => HPos::Center,
                Side::Right => HPos::Right,
            };
            let font = (font::FAMILY, size * scale).into_font().color(&rgb(*colour));
            let style = font.pos(Pos::new(across, VPos::Center));
            area.draw(&Text::new(text.clone(), place(*at), style))
        }
    }
}
