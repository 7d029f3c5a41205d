//! Loss curves as SVG, to be looked at in a browser.

use std::fmt::Write;

/// Losses over evaluations.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What the legend calls it.
    pub name: String,
    /// `(evaluation, loss)`, in the order of evaluations. Losses that are not above 0 are left out: the
    /// scale is logarithmic.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 500.0;
/// Left, right, top and bottom.
const MARGIN: [f64; 4] = [70.0, 20.0, 20.0, 50.0];
/// Colours that people with most kinds of colour vision tell apart (Okabe & Ito 2008).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666"];

/// Draws curves over one logarithmic axis of losses.
pub fn svg(curves: &[Curve]) -> String {
    let frame = Frame::around(curves);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    frame.draw_axes(&mut svg);
    for (i, curve) in curves.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points: Vec<String> =
            drawable(curve).map(|(x, y)| format!("{:.1},{:.1}", frame.x(x), frame.y(y))).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            points.join(" ")
        );
        let (x, y) = (WIDTH - MARGIN[1] - 8.0, MARGIN[2] + 16.0 * (i as f64 + 1.0));
        let name = escaped(&curve.name);
        let _ =
            writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\" fill=\"{colour}\">{name}</text>");
    }
    svg + "</svg>\n"
}

fn drawable(curve: &Curve) -> impl Iterator<Item = (f64, f64)> {
    curve.points.iter().copied().filter(|(_, loss)| *loss > 0.0 && loss.is_finite())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The range of the axes.
struct Frame {
    last: f64,
    /// Powers of ten below and above all losses.
    low: i32,
    high: i32,
}

impl Frame {
    fn around(curves: &[Curve]) -> Self {
        let points = || curves.iter().flat_map(drawable);
        let last = points().map(|(x, _)| x).fold(1.0, f64::max);
        let least = points().map(|(_, y)| y).fold(f64::INFINITY, f64::min);
        let most = points().map(|(_, y)| y).fold(0.0, f64::max);
        if most == 0.0 {
            return Self { last, low: 0, high: 1 };
        }
        let low = least.log10().floor() as i32;
        Self { last, low, high: (most.log10().ceil() as i32).max(low + 1) }
    }

    fn x(&self, evaluation: f64) -> f64 {
        MARGIN[0] + evaluation / self.last * (WIDTH - MARGIN[0] - MARGIN[1])
    }

    fn y(&self, loss: f64) -> f64 {
        let part = (loss.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        HEIGHT - MARGIN[3] - part * (HEIGHT - MARGIN[2] - MARGIN[3])
    }

    fn draw_axes(&self, svg: &mut String) {
        let (left, right) = (self.x(0.0), self.x(self.last));
        for power in self.low..=self.high {
            let y = self.y(10f64.powi(power));
            let _ = writeln!(
                svg,
                "<line x1=\"{left}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">1e{power}</text>",
                left - 8.0,
                y + 4.0
            );
        }
        let bottom = HEIGHT - MARGIN[3];
        for k in 0..=4 {
            let evaluation = self.last * f64::from(k) / 4.0;
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{evaluation:.0}</text>",
                self.x(evaluation),
                bottom + 18.0
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">evaluations</text>",
            (left + right) / 2.0,
            bottom + 38.0
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, losses: &[f64]) -> Curve {
        let points = losses.iter().enumerate().map(|(k, loss)| (k as f64, *loss)).collect();
        Curve { name: name.into(), points }
    }

    #[test]
    fn curves_go_down_as_losses_do_and_names_are_escaped() {
        let drawn = svg(&[curve("a<b", &[100.0, 10.0, 1.0]), curve("two", &[50.0, f64::NAN, 0.0, 5.0])]);
        assert!(drawn.contains("a&lt;b") && !drawn.contains("a<b"));
        // 100 is at the top of the frame, 1 at its bottom, 10 just between.
        assert!(drawn.contains("points=\"70.0,20.0 306.7,235.0 543.3,450.0\""), "{drawn}");
        // What no logarithm can show is left out.
        assert_eq!(drawn.lines().filter(|line| line.starts_with("<polyline")).count(), 2);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }

    #[test]
    fn nothing_to_draw_is_an_empty_frame() {
        assert!(svg(&[curve("none", &[])]).ends_with("</svg>\n"));
        assert!(!svg(&[curve("flat", &[10.0, 10.0])]).contains("NaN"));
    }
}
