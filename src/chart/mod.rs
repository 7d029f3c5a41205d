//! Charts as SVG and PNG: the roofline of a profile, the rungs of ladders, the losses of runs.

mod ladder;
mod losses;
mod roofline;
mod scene;
mod tags;
mod ticks;

use std::io::{self, Write};
use std::path::Path;

pub use losses::{Losses, Run, Term};

use crate::error::{Error, Result};
use crate::ladder::Record;
use crate::profiler::Profile;
use scene::Scene;

/// The file format of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartFormat {
    /// Vector graphics of 1280 x 800 units, sharp at any size.
    Svg,
    /// 2560 x 1600 pixels.
    Png,
}

impl ChartFormat {
    /// The format that the extension of a path stands for.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the path, for any other extension.
    pub fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            _ => Err(Error::Usage(format!(
                "{}: charts are written as SVG or PNG: end the name in .svg or .png",
                path.display()
            ))),
        }
    }
}

/// A chart that can be written.
#[derive(Debug)]
pub struct Chart {
    scene: Scene,
}

impl Chart {
    /// The roofline chart of every kernel of a profile.
    pub fn roofline(profile: &Profile) -> Self {
        Self { scene: roofline::scene(profile) }
    }

    /// The bars of every rung of a record, under the device's roofs.
    pub fn ladders(record: &Record) -> Self {
        Self { scene: ladder::scene(record) }
    }

    /// The losses of runs over their evaluations: all terms, or `only` one of them.
    pub fn losses(runs: &[Run], only: Option<Term>) -> Self {
        Self { scene: losses::scene(runs, only) }
    }

    /// Writes the chart.
    ///
    /// # Errors
    /// Those of `writer`, and any of the drawing library.
    pub fn write(&self, format: ChartFormat, writer: &mut impl Write) -> io::Result<()> {
        match format {
            ChartFormat::Svg => writer.write_all(self.scene.svg()?.as_bytes()),
            ChartFormat::Png => self.scene.png(writer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::profile;

    #[test]
    fn formats_go_by_the_extension() {
        assert_eq!(ChartFormat::of(Path::new("a/r.SVG")).unwrap(), ChartFormat::Svg);
        assert_eq!(ChartFormat::of(Path::new("r.png")).unwrap(), ChartFormat::Png);
        for path in ["r.pdf", "r", ".svg"] {
            let error = ChartFormat::of(Path::new(path)).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(path), "{error}");
        }
    }

    #[test]
    fn both_formats_can_be_read_again() {
        let chart = Chart::roofline(&profile());
        let (mut svg, mut png) = (vec![], vec![]);
        chart.write(ChartFormat::Svg, &mut svg).unwrap();
        chart.write(ChartFormat::Png, &mut png).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.starts_with("<svg width=\"1280\" height=\"800\"") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("conv1_1 backward") && svg.contains("100 GFLOP/s") && svg.contains("10.0 GB/s"));
        let (kernels, colours, listed) = (3, 2, 3);
        assert_eq!(svg.matches("<circle").count(), kernels + colours + listed);
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (2 * scene::WIDTH, 2 * scene::HEIGHT));
        let colours: std::collections::HashSet<_> = image.pixels().collect();
        assert!(colours.len() > 50, "smooth letters and lines have many shades");
    }
}
