//! Imports between the modules of `src` go one way: what they name, against the table of ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common;

/// A row of the table: a module, and the modules it may import. `None` for the last one, which may import all above it.
struct Row {
    module: String,
    imports: Option<BTreeSet<String>>,
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(String::from)
}

/// The rows of the document's first table whose last column is what a module imports.
fn rows(document: &str) -> Vec<Row> {
    let header = |line: &&str| line.starts_with('|') && line.trim_end().ends_with("imports |");
    let table = document.lines().skip_while(|line| !header(line)).skip(2);
    let row = |line: &str| {
        let mut cells = line.split('|').skip(1);
        let (module, imports) = (quoted(cells.next()?).next()?, cells.nth(1)?);
        let imports = (imports.trim() != "the library").then(|| quoted(imports).collect());
        Some(Row { module, imports })
    };
    table.map_while(row).collect()
}

/// A source file: its path below `src`, and its text without comments.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        Self { path: path.into(), code: code.collect::<Vec<_>>().join("\n") }
    }

    /// The module of the crate that the file belongs to; `main.rs` is the command line's.
    fn module(&self) -> &str {
        match self.path.split(['/', '.']).next().unwrap() {
            "main" => "cli",
            module => module,
        }
    }

    /// How many `super::` lead from the file itself to the root of the crate.
    fn depth(&self) -> usize {
        self.path.trim_end_matches("/mod.rs").split('/').count()
    }

    /// The first names of all paths that begin at the crate's root, in whatever way they are written.
    fn named(&self) -> BTreeSet<String> {
        let mut names = after(&self.code, "crate::");
        // Within an inline module a path to the root takes one `super::` more.
        let outer = self.code.split("\nmod tests {").next().unwrap();
        names.extend(after(outer, &"super::".repeat(self.depth())));
        // To the binary the library is another crate.
        if self.module() == "cli" {
            names.extend(after(&self.code, "impasto::"));
        }
        names.into_iter().collect()
    }
}

/// The names that follow a root such as `crate::` in a text, those of a group in braces among them.
fn after(text: &str, root: &str) -> Vec<String> {
    let word =
        |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let whole = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let places = text.match_indices(root).filter(|(at, _)| whole(*at));
    places
        .flat_map(|(at, _)| {
            let rest = &text[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => parts(group).into_iter().map(word).collect(),
                None => vec![word(rest)],
            }
        })
        .filter(|name| !name.is_empty() && name != "super")
        .collect()
}

/// The parts of a group `a, b::{c, d}}..` up to its closing brace.
fn parts(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, vec![]);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                parts.push(group[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    parts
}

/// Every way in which sources and table differ, as a line each. `lib.rs` is what declares the modules and re-exports
/// from them.
fn faults(document: &str, sources: &[Source]) -> Vec<String> {
    let rows = rows(document);
    let mut faults = vec![];
    let known: BTreeSet<&str> = rows.iter().map(|row| &*row.module).collect();
    let found: BTreeSet<&str> =
        sources.iter().map(Source::module).filter(|module| *module != "lib").collect();
    faults.extend(
        known
            .symmetric_difference(&found)
            .map(|module| format!("{module}: in the table or in src, not in both")),
    );
    let mut above = BTreeSet::new();
    for row in &rows {
        let listed = row.imports.clone().unwrap_or_else(|| above.clone());
        faults.extend(
            listed
                .difference(&above)
                .map(|name| format!("{}: its row lists {name}, which is not above it", row.module)),
        );
        above.insert(row.module.clone());
        let mut unused = row.imports.clone().unwrap_or_default();
        for source in sources.iter().filter(|source| source.module() == row.module) {
            for name in source.named() {
                // `Error` and `Result` lie at the root, re-exported.
                let name = if matches!(&*name, "Error" | "Result") { "error".into() } else { name };
                unused.remove(&name);
                if name != row.module && !listed.contains(&name) {
                    faults.push(format!(
                        "src/{} imports {name}, which the row of {} does not list",
                        source.path, row.module
                    ));
                }
            }
        }
        faults.extend(
            unused
                .iter()
                .map(|name| format!("{}: its row lists {name}, which it does not import", row.module)),
        );
    }
    let wgpu = |source: &&Source| source.module() != "gpu" && source.code.contains("wgpu");
    faults.extend(sources.iter().filter(wgpu).map(|source| format!("src/{} names wgpu", source.path)));
    faults
}

/// All files below a folder.
fn read(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name: Vec<_> =
                path.strip_prefix(root).unwrap().iter().map(|part| part.to_string_lossy()).collect();
            sources.push(Source::new(&name.join("/"), &fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn modules_import_what_the_table_lists() {
    let root = &common::root();
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (src, mut sources) = (root.join("src"), vec![]);
    read(&src, &src, &mut sources);
    let modules = rows(&document).len();
    assert!(modules > 15 && sources.len() > 100, "{modules} modules in the table, {} files", sources.len());
    let faults = faults(&document, &sources);
    assert!(faults.is_empty(), "ARCHITECTURE.md and src disagree:\n{}", faults.join("\n"));
}

const TABLE: &str = "# Made up

| module | what it does | it imports |
| --- | --- | --- |
| `error` | errors | nothing |
| `gpu` | devices | `error` |
| `graph` | graphs | `error`, `gpu` |
| `cli` | the command line | the library |

| `other` | another table | `graph` |
";

/// The faults of a small tree with one more file in it.
fn faults_with(path: &str, text: &str) -> Vec<String> {
    let mut sources: Vec<Source> = [
        ("lib.rs", "pub mod error;\npub use error::{Error, Result};"),
        ("main.rs", "mod cli;"),
        ("error.rs", "//! Of wgpu, see crate::gpu."),
        ("gpu/mod.rs", "use crate::Result;\nuse wgpu::Device;"),
        (
            "graph/mod.rs",
            "use crate::Error;\nuse crate::gpu::{Gpu, Shape};\nmod tests {\n    use super::*;\n}",
        ),
        ("cli/mod.rs", "use impasto::{Error, graph::Graph};\nuse crate::cli::paint;"),
    ]
    .map(|(path, text)| Source::new(path, text))
    .into();
    sources.push(Source::new(path, text));
    faults(TABLE, &sources)
}

/// Whatever way it is written, an arrow in the wrong direction is seen.
#[test]
fn a_wrong_arrow_is_seen() {
    assert_eq!(
        faults_with("graph/plan.rs", "use super::Graph;\nfn f() -> crate::gpu::Shape {}"),
        Vec::<String>::new()
    );
    for (path, text) in [
        ("gpu/device.rs", "use crate::graph::Op;"),
        ("gpu/device.rs", "use crate::{error::Error, graph::{Op, Plan}};"),
        ("gpu/device.rs", "use crate::{\n    error::{Error, Result},\n    graph,\n};"),
        ("gpu/device.rs", "pub(crate) use crate::graph::Op;"),
        ("gpu/device.rs", "fn op() -> Box<dyn crate::graph::Op> {}"),
        ("gpu/device.rs", "use super::super::graph::Op;"),
        ("gpu/device/open.rs", "use super::super::super::{graph, Error};"),
        ("gpu/device.rs", "mod tests {\n    use crate::graph::Op;\n}"),
    ] {
        let want = format!("src/{path} imports graph, which the row of gpu does not list");
        assert_eq!(faults_with(path, text), [want], "{text}");
    }
    assert_eq!(faults_with("graph/op.rs", "use wgpu::Buffer;"), ["src/graph/op.rs names wgpu"]);
    let want = "src/graph/op.rs imports cli, which the row of graph does not list";
    assert_eq!(faults_with("graph/op.rs", "use crate::cli::run;"), [want]);
}

#[test]
fn a_wrong_table_is_seen() {
    assert_eq!(faults_with("optim.rs", ""), ["optim: in the table or in src, not in both"]);
    let document = TABLE.replace("| `error` |\n", "| `error`, `graph` |\n");
    let sources = [Source::new("gpu/mod.rs", "use crate::Error;"), Source::new("error.rs", "")];
    let faults = faults(&document, &sources);
    for fault in [
        "graph: in the table or in src, not in both",
        "gpu: its row lists graph, which is not above it",
        "gpu: its row lists graph, which it does not import",
    ] {
        assert!(faults.iter().any(|found| found == fault), "{fault}: not in {faults:?}");
    }
}
