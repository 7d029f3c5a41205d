//! The page about the JSON files lists the fields that the program writes, and no others.

use std::collections::BTreeSet;
use std::fs;

use super::common::root;
use super::common::test_folder::impasto_in;
use serde_json::Value;

/// The fields of a value, as the page writes them; of a list those of its first element.
fn fields(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            let key = if name == "memory.by_use" { "USE" } else { key };
            let full = if name.is_empty() { key.to_string() } else { format!("{name}.{key}") };
            fields(value, &full, found);
        }),
        Value::Array(list) => fields(list.first().unwrap_or(&Value::Null), &format!("{name}[]"), found),
        _ => {
            found.insert(name.to_string());
        }
    }
}

/// The first column of the table under a heading, and the format that the heading names.
fn documented(page: &str, heading: &str) -> (BTreeSet<String>, u64) {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let format = section.lines().next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    (rows.map(|(field, _)| field.to_string()).collect(), format)
}

#[test]
fn the_page_lists_what_is_written() {
    let page = fs::read_to_string(root().join("docs/src/profiling/json.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ladder = "kernels --op conv3x3 --only naive --size 16 --seconds 0 --no-tune -q --json file.json";
    let profile = "profile --size 32 --evaluations 1 --style-layers conv1_1 --content-layers conv1_1 --no-tune -q --json file.json";
    for (heading, line) in [("A ladder", ladder), ("A profile", profile)] {
        let output = impasto_in(folder.path(), line).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = fs::read_to_string(folder.path().join("file.json")).unwrap();
        let written: Value = serde_json::from_str(&text).unwrap();
        let mut found = BTreeSet::new();
        fields(&written, "", &mut found);
        let (listed, format) = documented(&page, heading);
        assert_eq!(listed, found, "{heading}");
        assert_eq!(written["format"], format, "{heading}");
    }
}

#[test]
fn fields_have_the_names_of_the_page() {
    let value = serde_json::json!({"a": {"b": 1}, "c": [{"d": null}, {"e": 2}], "memory": {"by_use": {"x": 1, "y": 2}}});
    let mut found = BTreeSet::new();
    fields(&value, "", &mut found);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a.b", "c[].d", "memory.by_use.USE"]);
    let page = "# x\n\n## A file, format 7\n\n| field |\n| --- |\n| `a.b` | text |\n\n## Other\n\n| `z` |\n";
    let (listed, format) = documented(page, "A file");
    assert_eq!((listed.len(), listed.contains("a.b"), format), (1, true, 7));
}
