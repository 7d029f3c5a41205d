//! The commands that the README and the book show, run at small sizes, page by page.
//!
//! A page's blocks marked `sh` are run in order in one folder. Blocks marked `sh,ignore` are not for this test.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use impasto::image_io::Image;

use super::common::root;
use super::common::test_folder::{TestFolder, impasto};

/// Options of a small painting. Shallow layers, since each command packs the weights of all layers that it uses.
const PAINTING: &[(&str, &str)] = &[
    ("--size", "48"),
    ("--scales", "1"),
    ("--iterations", "2"),
    ("--content-layers", "conv2_1"),
    ("--style-layers", "conv1_1"),
    ("--no-tune", ""),
];

/// Options that a command gets here, by the beginning of its line. The first match holds.
const SMALL: &[(&str, &[(&str, &str)])] = &[
    ("paint", PAINTING),
    ("batch", PAINTING),
    ("sweep", PAINTING),
    ("score", &[("--content-layers", "conv2_1"), ("--style-layers", "conv1_1"), ("--no-tune", "")]),
    ("reconstruct", &[("--size", "48"), ("--iterations", "2"), ("--no-tune", "")]),
    ("features", &[("--size", "48"), ("--no-tune", "")]),
    ("tune", &[("--size", "16")]),
    ("profile --compare", &[]),
    (
        "profile --only",
        &[("--size", "48"), ("--repeat", "2"), ("--style-layers", "conv1_1"), ("--no-tune", "")],
    ),
    (
        "profile",
        &[("--size", "48"), ("--evaluations", "1"), ("--style-layers", "conv1_1"), ("--no-tune", "")],
    ),
    ("kernels --template", &[]),
    ("kernels --layer conv3_2 --size 64 --only", &[("--size", "16"), ("--seconds", "0"), ("--no-tune", "")]),
    ("kernels", &[("--size", "16"), ("--op", "relu")]),
    ("devices --size", &[("--size", "256")]),
];

/// Options that are changed only where a page shows them.
const REPLACED: &[(&str, &str)] = &[("--save-every", "1"), ("--style-layers-upto", "1,2")];

/// Options whose value is a file that the command writes.
const WRITTEN: [&str; 10] = [
    "-o",
    "--log",
    "--animate",
    "--checkpoint",
    "--gradient",
    "--json",
    "--csv",
    "--trace",
    "--plot",
    "--report",
];

/// The commands of a page, each on one line and without its comment.
fn commands(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut found = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (marker, lines) = block.split_once('\n').unwrap();
        if marker != "sh" {
            assert!(!marker.starts_with("sh") || marker == "sh,ignore", "{}: ```{marker}", path.display());
            continue;
        }
        for line in lines.replace("\\\n", " ").lines() {
            let line = line.split(" #").next().unwrap().trim();
            let command = line.strip_prefix("impasto ");
            let command = command.unwrap_or_else(|| panic!("{}: mark as sh,ignore: {line}", path.display()));
            found.push(command.to_string());
        }
    }
    found
}

/// The arguments of a command at a small size.
fn small(command: &str) -> Vec<String> {
    let mut arguments: Vec<String> = command.split_whitespace().map(String::from).collect();
    let options = SMALL.iter().find(|(beginning, _)| command.starts_with(beginning));
    for (option, value) in options.map_or(&[][..], |(_, options)| options) {
        match arguments.iter().position(|argument| argument == option) {
            Some(at) if !value.is_empty() => arguments[at + 1] = value.to_string(),
            Some(_) => {}
            None if value.is_empty() => arguments.push(option.to_string()),
            None => arguments.extend([option.to_string(), value.to_string()]),
        }
    }
    for (option, value) in REPLACED {
        if let Some(at) = arguments.iter().position(|argument| argument == option) {
            arguments[at + 1] = value.to_string();
        }
    }
    arguments
}

/// A folder with the images that the pages name.
fn folder() -> TestFolder {
    let folder = TestFolder::new();
    let asset = |name: &str, width, height| {
        let path = root().join("assets").join(name);
        Image::load(path).unwrap().resized_to(width, height).unwrap()
    };
    fs::create_dir(folder.path("photos")).unwrap();
    for name in ["photo.jpg", "photo.png", "photos/first.jpg", "photos/second.jpg"] {
        asset("content-cat.jpg", 48, 32).save(folder.path(name)).unwrap();
    }
    for name in ["painting.jpg", "painting.png", "one.jpg"] {
        asset("style-swirl.jpg", 48, 38).save(folder.path(name)).unwrap();
    }
    fs::create_dir(folder.path("styles")).unwrap();
    for name in ["two.jpg", "styles/facets.jpg"] {
        asset("style-facets.jpg", 48, 38).save(folder.path(name)).unwrap();
    }
    for (name, top, bottom) in [("sky.png", 255.0, 0.0), ("ground.png", 0.0, 255.0)] {
        let rgb = [[top; 48 * 16 * 3], [bottom; 48 * 16 * 3]].concat();
        Image::from_rgb(48, 32, rgb).unwrap().save(folder.path(name)).unwrap();
    }
    folder
}

/// Runs the commands of a page.
fn run(page: &Path) {
    let commands = commands(page);
    if commands.is_empty() {
        return;
    }
    let folder = folder();
    for command in &commands {
        let arguments = small(command);
        let mut process: Command = impasto();
        let output = process.current_dir(folder.root()).args(&arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: impasto {command}: {stderr}", page.display());
        for pair in arguments.windows(2) {
            let expected = WRITTEN.contains(&pair[0].as_str()) && !command.contains("--dry-run");
            assert!(!expected || folder.path(&pair[1]).exists(), "impasto {command} left no {}", pair[1]);
        }
    }
}

/// The Markdown files below a folder of the repository.
fn pages(folder: &str) -> Vec<PathBuf> {
    let folder = root().join(folder);
    let mut pages: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    assert!(!pages.is_empty(), "no page in {}", folder.display());
    pages.sort();
    pages
}

#[test]
fn commands_of_the_guide_run() {
    pages("docs/src/guide").iter().for_each(|page| run(page));
}

#[test]
fn commands_of_the_readme_and_the_other_parts_run() {
    run(&root().join("README.md"));
    let parts = ["", "profiling", "learn", "internals", "measurements"];
    parts.iter().flat_map(|part| pages(&format!("docs/src/{part}"))).for_each(|page| run(&page));
}

/// The default of an option of `paint`, from its help.
fn default_in(help: &str, option: &str) -> String {
    let at = help.find(&format!("--{option} <")).unwrap();
    let (_, default) = help[at..].split_once("[default: ").unwrap();
    default.split_once(']').unwrap().0.into()
}

#[test]
fn the_guide_tells_the_defaults_of_weights() {
    let help = impasto().args(["paint", "--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let guide = fs::read_to_string(root().join("docs/src/guide/weights-and-layers.md")).unwrap();
    let words: Vec<&str> = guide.split_whitespace().collect();
    // What is said of an option: a sentence or two after it is named first.
    let tells = |option: &str, default: &str| {
        let at = words.iter().position(|word| word.contains(&format!("`--{option}`"))).unwrap();
        words[at..].iter().take(25).any(|word| word.trim_end_matches([',', ';', ':', '.', ')']) == default)
    };
    for option in
        ["content-weight", "style-weight", "tv-weight", "tone-weight", "flat-content", "detail-content"]
    {
        let default = default_in(&help, option);
        assert!(tells(option, &default), "{option} is {default}, and the guide has another default");
    }
    let [alpha, beta] = ["content-weight", "style-weight"].map(|option| default_in(&help, option));
    let ratio = alpha.parse::<f64>().unwrap() / beta.parse::<f64>().unwrap();
    assert!(tells("ratio", &format!("{ratio:e}")), "the ratio is {ratio:e}");
    assert!(!tells("style-weight", "77"));
}

#[test]
fn sizes_are_reduced_and_commands_found() {
    let found = small("paint photo.jpg painting.jpg -o a.png --size 4096 --save-every 10");
    let expected = "paint photo.jpg painting.jpg -o a.png --size 48 --save-every 1 --scales 1 --iterations 2 \
                    --content-layers conv2_1 --style-layers conv1_1 --no-tune";
    assert_eq!(found.join(" "), expected);
    let folder = TestFolder::new();
    let page = "text\n```sh\nimpasto a \\\n  b    # comment\nimpasto c\n```\n\n```sh,ignore\nnot run\n```\n";
    fs::write(folder.path("page.md"), page).unwrap();
    assert_eq!(commands(&folder.path("page.md")), ["a    b", "c"]);
}
