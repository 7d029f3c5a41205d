//! Settings in files of earlier versions: what has become an option since, and defaults that have changed.

use serde_json::{Map, Value};

/// The settings of a file, by the names of options, with what an earlier version painted by made explicit: a file of one has
/// no supersampling, or one that was chosen by itself (`auto`). Two things are chosen as this version does: numbers of
/// evaluations that were `auto`, and the size of a style for a picture below 384 pixels.
pub fn completed(mut settings: Map<String, Value>) -> Map<String, Value> {
    let automatic = settings.get("supersampling").is_some_and(|value| value == "auto");
    if settings.contains_key("supersampling") && !automatic {
        return settings;
    }
    let number = |value: &Value| value.as_str()?.parse::<f64>().ok();
    let factor = match settings.get("size").and_then(number) {
        Some(size) if automatic => (320.0 / size).clamp(1.0, 1.25),
        _ => 1.0,
    };
    // The style weight grew with the factor.
    for (name, power) in [("style-weight", 1.5), ("ratio", -1.5)] {
        if let Some(weight) = settings.get(name).and_then(number) {
            settings.insert(name.into(), (weight * factor.powf(power)).to_string().into());
        }
    }
    settings.insert("supersampling".into(), factor.to_string().into());

    let with_margin = settings.contains_key("margin");
    let is_auto = |name: &str| settings.get(name).is_none_or(|value| value == "auto");
    let from_content = settings.get("init").is_none_or(|start| start == "content");
    let mut chosen = vec![];
    if is_auto("scales") {
        chosen.push(("scales", Value::from(if with_margin { "181px" } else { "128px" })));
    }
    if is_auto("init-noise") && from_content {
        chosen.push(("init-noise", if with_margin { "0.2..0.9" } else { "0.8" }.into()));
    }
    if let (false, None, Some(size)) = (with_margin, settings.get("style-size"), settings.get("size")) {
        chosen.extend((size != "full").then(|| ("style-size", size.clone())));
    }
    settings.extend(chosen.into_iter().map(|(name, value)| (name.into(), value)));
    let flat_content = if with_margin { "0.1" } else { "1" };
    let missing = [
        ("margin", "0"),
        ("flat-content", flat_content),
        ("detail-content", "1"),
        ("smoothing", "0"),
        ("tone-weight", "0"),
    ];
    for (name, value) in missing {
        settings.entry(name).or_insert_with(|| value.into());
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed_json(json: &str) -> Map<String, Value> {
        completed(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn what_an_earlier_version_painted_by_is_explicit() {
        let first = completed_json(r#"{"size":"256","scales":"auto","style-weight":"500"}"#);
        let then = completed_json(
            r#"{"size":"256","scales":"auto","margin":"8","style-weight":"200","supersampling":"auto"}"#,
        );
        for (name, of_first, of_then) in [
            ("margin", "0", "8"),
            ("flat-content", "1", "0.1"),
            ("scales", "128px", "181px"),
            ("init-noise", "0.8", "0.2..0.9"),
            ("supersampling", "1", "1.25"),
            ("smoothing", "0", "0"),
        ] {
            assert_eq!((&first[name], &then[name]), (&of_first.into(), &of_then.into()), "{name}");
        }
        assert_eq!((&first["style-weight"], &first["style-size"]), (&"500".into(), &"256".into()));
        let weight: f64 = then["style-weight"].as_str().unwrap().parse().unwrap();
        assert!((weight / 279.5 - 1.0).abs() < 1e-3, "{weight}");
        let ratio = completed_json(r#"{"size":"256","ratio":"1e-3","margin":"8","supersampling":"auto"}"#);
        let ratio: f64 = ratio["ratio"].as_str().unwrap().parse().unwrap();
        assert!((ratio * 1397.5 - 1.0).abs() < 1e-3, "{ratio}");
    }

    #[test]
    fn what_a_file_says_stays() {
        let given = r#"{"scales":"2","iterations":"9","init":"noise","init-noise":"auto","margin":"4"}"#;
        let settings = completed_json(given);
        for (name, value) in [("scales", "2"), ("iterations", "9"), ("init-noise", "auto"), ("margin", "4")] {
            assert_eq!(settings[name], value, "{name}");
        }
        let now = r#"{"size":"256","scales":"auto","supersampling":"1"}"#;
        assert_eq!(completed_json(now), serde_json::from_str(now).unwrap());
    }
}
