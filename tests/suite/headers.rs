//! The comments at the head of the shaders: a reader finds the same parts in each, in the same order.

use std::path::{Path, PathBuf};

use super::common::root;
use impasto::gpu::expand_imports;
use impasto::listing::shaders;

/// The parts that follow the idea, in this order.
const PARTS: [&str; 5] = ["Launch", "Reads", "Costs", "Tried", "Next"];

/// The head of a file: the comment before its first other line.
#[derive(Debug)]
struct Header {
    /// Up to the first empty line.
    idea: String,
    /// Names and texts.
    parts: Vec<(&'static str, String)>,
}

impl Header {
    fn of(text: &str) -> Self {
        let lines = text.lines().map_while(|line| line.strip_prefix("//")).map(str::trim);
        let mut header = Self { idea: String::new(), parts: vec![] };
        let mut in_idea = true;
        for line in lines {
            let part =
                PARTS.into_iter().find_map(|name| Some((name, line.strip_prefix(name)?.strip_prefix(':')?)));
            in_idea &= !line.is_empty() && part.is_none();
            match (part, header.parts.last_mut()) {
                (Some((name, text)), _) => header.parts.push((name, text.trim().to_string())),
                (None, Some((_, text))) => *text += line,
                (None, None) if in_idea => header.idea += line,
                (None, None) => {}
            }
        }
        header
    }

    fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|(known, text)| *known == name && text.len() > 5)
    }

    /// What is missing or out of place, of these parts.
    fn fault(&self, wanted: &[&str]) -> Option<String> {
        if self.idea.len() < 20 || !self.idea.ends_with(['.', ':', ',']) {
            return Some("the first lines are no sentence with the idea".into());
        }
        if let Some(part) = wanted.iter().find(|part| !self.has(part)) {
            return Some(format!("'{part}:' is missing"));
        }
        let places = self.parts.iter().map(|(name, _)| PARTS.iter().position(|part| part == name));
        (!places.is_sorted()).then(|| format!("the parts are not in the order {}", PARTS.join(", ")))
    }
}

/// The number of a numbered file, which is a rung of a ladder: it counts what it costs, and leads to the next one.
fn rung_number(name: &str) -> Option<u32> {
    name.split_once('/')?.1.split_once('_')?.0.parse().ok()
}

fn is_rung(name: &str) -> bool {
    rung_number(name).is_some()
}

/// The last rung of a ladder has none after it to lead to.
fn is_last_rung(name: &str) -> bool {
    let folder = |name: &str| name.split('/').next().unwrap_or_default().to_string();
    let others = shaders().map(|shader| shader.name).filter(|other| folder(other) == folder(name));
    rung_number(name).is_some_and(|number| others.filter_map(rung_number).all(|other| other <= number))
}

/// What is wrong with the header of a kernel, if anything. A kernel that consists of imports may leave parts to one of them.
fn fault(name: &str, source: &'static str) -> Option<String> {
    let mut header = Header::of(source);
    let imports = source.lines().filter_map(|line| line.strip_prefix("#import "));
    for import in imports.filter(|_| !source.contains("fn main(")) {
        let text = expand_imports(Box::leak(format!("#import {import}\n").into_boxed_str())).unwrap();
        let imported = Header::of(text.split_once('\n').unwrap().1);
        let missing = |(part, _): &(&'static str, String)| !header.has(part);
        let missing: Vec<_> = imported.parts.into_iter().filter(missing).collect();
        header.parts.extend(missing);
    }
    match (is_rung(name), is_last_rung(name)) {
        (true, false) => header.fault(&["Launch", "Reads", "Costs", "Next"]),
        (true, true) => header.fault(&["Launch", "Reads", "Costs"]),
        (false, _) => header.fault(&["Launch", "Reads"]),
    }
}

#[test]
fn every_kernel_says_what_it_does_how_it_is_launched_and_what_it_reads() {
    let faults: Vec<String> = shaders()
        .filter_map(|shader| {
            Some(format!("shaders/{}.wgsl: {}", shader.name, fault(shader.name, shader.source)?))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(shaders().filter(|shader| is_rung(shader.name)).count() > 20);
}

/// Files that others import have an idea, and no launch of their own.
#[test]
fn every_imported_file_begins_with_its_idea() {
    let files: Vec<PathBuf> =
        std::fs::read_dir(root().join("shaders/shared")).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() > 20);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(Header::of(&text).fault(&[]), None, "{}", Path::new(&file).display());
    }
}

#[test]
fn a_header_that_lacks_a_part_is_found() {
    let source = shaders().find(|shader| shader.name == "matmul/3_tiled").unwrap().source;
    assert_eq!(fault("matmul/3_tiled", source), None);
    for part in ["Launch", "Reads", "Costs", "Next"] {
        let without = source.replace(&format!("// {part}: "), "// ");
        assert_eq!(fault("matmul/3_tiled", leak(without)), Some(format!("'{part}:' is missing")));
        let empty =
            source.lines().map(|line| if line.contains(part) { format!("// {part}:") } else { line.into() });
        let empty: Vec<String> = empty.filter(|line| !line.starts_with("//      ")).collect();
        assert_eq!(fault("matmul/3_tiled", leak(empty.join("\n"))), Some(format!("'{part}:' is missing")));
    }
    let swapped = source
        .replace("// Launch:", "// Later:")
        .replace("// Next:", "// Launch:")
        .replace("// Later:", "// Next:");
    assert!(fault("matmul/3_tiled", leak(swapped)).unwrap().contains("not in the order"));
    let headless = source.split_once("\n\n").unwrap().1;
    assert!(fault("matmul/3_tiled", leak(headless.to_string())).unwrap().contains("no sentence"));
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
