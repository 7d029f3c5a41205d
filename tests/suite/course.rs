//! The course in the book: a starting file of an exercise fails its check, the answer passes it, and the code that chapters show is
//! that of `shaders/`.

use std::fs;
use std::path::PathBuf;

use super::common::root;
use super::try_kernel::attempt;
use impasto::gpu::expand_imports;
use impasto::listing::shaders;
use impasto::ops::variants::Pass;
use impasto::report::trial_summary;

/// The folders of the exercises.
fn exercises() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("examples/exercises")).unwrap();
    let mut folders: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// What is wrong with a file, if anything. Its line `// op: relu, backward` says what it computes.
fn fault(file: &PathBuf) -> Option<String> {
    let text = fs::read_to_string(file).unwrap();
    let stated = text.lines().next().unwrap().strip_prefix("// op: ").unwrap();
    let (op, pass) = match stated.split_once(", ") {
        Some((op, "backward")) => (op, Pass::Backward),
        _ => (stated, Pass::Forward),
    };
    match attempt(op, pass, &text) {
        Err(message) => Some(message),
        Ok(verdict) => trial_summary(&verdict),
    }
}

#[test]
fn starting_files_fail_and_answers_pass() {
    assert!(exercises().len() >= 7);
    for folder in exercises() {
        let name = folder.display();
        let start = fault(&folder.join("start.wgsl"));
        assert!(start.is_some(), "{name}: nothing is left to do");
        // It compiles: what is left to do is a matter of the kernel, not of its syntax.
        let message = start.unwrap();
        assert!(message.contains("wrong in "), "{name}: {message}");
        assert_eq!(fault(&folder.join("answer.wgsl")), None, "{name}");
    }
}

/// A reader finds each exercise from a chapter, and each file that a chapter names exists.
#[test]
fn every_exercise_belongs_to_a_chapter() {
    let pages = fs::read_dir(root().join("docs/src/learn")).unwrap().map(|page| page.unwrap().path());
    let text: String = pages.map(|page| fs::read_to_string(page).unwrap()).collect();
    for folder in exercises() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(text.contains(&format!("examples/exercises/{name}/start.wgsl")), "no chapter has {name}");
    }
    for rest in text.split("examples/exercises/").skip(1) {
        let file: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-/.".contains(*c)).collect();
        let file = file.trim_end_matches('.');
        assert!(root().join("examples/exercises").join(file).exists(), "there is no {file}");
    }
}

/// Lines of code without their indentation, which chapters reduce.
fn bare(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

/// Whether some kernel has these lines, one after the other.
fn is_in_a_kernel(block: &str) -> bool {
    let block = bare(block);
    let mut texts = shaders().map(|shader| expand_imports(shader.source).unwrap());
    texts.any(|text| bare(&text).windows(block.len()).any(|lines| lines == block))
}

#[test]
fn chapters_show_the_code_of_the_kernels() {
    let mut shown = 0;
    for page in fs::read_dir(root().join("docs/src/learn")).unwrap().map(|page| page.unwrap().path()) {
        let text = fs::read_to_string(&page).unwrap();
        for block in text.split("```wgsl\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()) {
            assert!(
                block.starts_with("{{#include ") || is_in_a_kernel(block),
                "{}: no kernel has\n{block}",
                page.display()
            );
            shown += 1;
        }
    }
    assert!(shown > 8, "{shown}");
    assert!(is_in_a_kernel("var sum = 0.0;\n  for (var i = 0u; i < params.k; i++) {"));
    assert!(!is_in_a_kernel("var sum = 0.0;\nfor (var i = 1u; i < params.k; i++) {"));
}
