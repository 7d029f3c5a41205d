//! The roofline chart: every kernel by what it does a byte and a second, under the device's roofs.

mod layout;
mod scene;
mod tags;

use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::profiler::Profile;
use scene::Scene;

/// What a chart is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartFormat {
    /// Lines and letters, sharp at any size.
    Svg,
    /// Pixels, twice as many each way as an SVG's units.
    Png,
}

impl ChartFormat {
    /// What the extension of a path says.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the path, for any other extension.
    pub fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            _ => Err(Error::Usage(format!(
                "{}: a chart is written as .svg or .png: name it so",
                path.display()
            ))),
        }
    }
}

/// A chart of a profile.
#[derive(Debug)]
pub struct Chart {
    scene: Scene,
}

impl Chart {
    /// The chart of every kernel of a profile.
    pub fn of(profile: &Profile) -> Self {
        Self { scene: layout::scene(profile) }
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
    use crate::report::table::tests::profile;

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
        let chart = Chart::of(&profile());
        let (mut svg, mut png) = (vec![], vec![]);
        chart.write(ChartFormat::Svg, &mut svg).unwrap();
        chart.write(ChartFormat::Png, &mut png).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("conv1_1 backward") && svg.contains("100 GFLOP/s") && svg.contains("10.0 GB/s"));
        assert_eq!(
            svg.matches("<circle").count(),
            3 + 2 + 3,
            "three kernels, two colours, three in the list"
        );
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (2 * scene::WIDTH, 2 * scene::HEIGHT));
        let colours: std::collections::HashSet<_> = image.pixels().collect();
        assert!(colours.len() > 50, "smooth letters and lines have many shades");
    }
}
