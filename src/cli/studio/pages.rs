//! The files of the page, which are inside the program.

/// Name, content type and content.
type File = (&'static str, &'static str, &'static [u8]);

macro_rules! files {
    ($folder:literal as $prefix:literal: $($name:literal $kind:expr),* $(,)?) => {
        [$((
            concat!($prefix, $name),
            $kind,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), $folder, $name)) as &[u8],
        )),*]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JPEG: &str = "image/jpeg";

/// The page as it is everywhere, without what paints in a browser.
static PAGE: &[File] = &files!("/web/page/" as "":
    "index.html" HTML, "style.css" CSS, "icon.svg" SVG, "manifest.webmanifest" "application/manifest+json",
    "page.js" SCRIPT, "jobs.js" SCRIPT, "refusal.js" SCRIPT, "samples.js" SCRIPT, "settings.js" SCRIPT,
    "slot.js" SCRIPT, "stage.js" SCRIPT, "engine-http.js" SCRIPT);

static SAMPLES: &[File] = &files!("/assets/" as "samples/":
    "content-astronaut.jpg" JPEG, "content-cat.jpg" JPEG, "content-rocket.jpg" JPEG, "content-raccoon.jpg" JPEG,
    "content-coffee.jpg" JPEG, "style-swirl.jpg" JPEG, "style-facets.jpg" JPEG, "style-mosaic.jpg" JPEG,
    "style-watercolour.jpg" JPEG, "style-woodcut.jpg" JPEG);

/// What paints: this program.
static ENGINE: File = ("engine.js", SCRIPT, b"export { open } from \"./engine-http.js\";\n");

/// The content type and the content of a file, by its name in an address.
pub fn find(name: &str) -> Option<(&'static str, &'static [u8])> {
    let name = if name.is_empty() { "index.html" } else { name };
    let mut files = PAGE.iter().chain(SAMPLES).chain([&ENGINE]);
    files.find(|(known, ..)| *known == name).map(|(_, kind, content)| (*kind, *content))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every module that a script imports, and every sample that the page lists, can be had.
    #[test]
    fn the_page_lacks_no_file() {
        let scripts = PAGE.iter().chain([&ENGINE]).filter(|(_, kind, _)| *kind == SCRIPT);
        let mut imports = 0;
        for (name, _, content) in scripts {
            let text = std::str::from_utf8(content).unwrap();
            for import in text.lines().filter_map(|line| line.split_once(" from \"./")) {
                let file = import.1.trim_end_matches("\";");
                assert!(find(file).is_some(), "{name} imports {file}");
                imports += 1;
            }
        }
        assert!(imports > 5, "{imports}");
        let samples = std::str::from_utf8(find("samples.js").unwrap().1).unwrap();
        for line in samples.lines().filter_map(|line| line.trim().strip_prefix("sample(\"")) {
            let file = line.split('"').next().unwrap();
            assert!(find(&format!("samples/{file}")).is_some(), "no sample {file}");
        }
        assert!(find("../Cargo.toml").is_none() && find("").is_some());
    }
}
