//! Settings in files of earlier versions: what has become an option since, and defaults that have changed.

use serde_json::{Map, Value};

/// The settings of a file, by the names of options, with what an earlier version painted by made explicit. Only the rule by
/// which it chose the size of a style for a picture below 384 pixels is not kept: give `--style-size`.
pub fn completed(mut settings: Map<String, Value>) -> Map<String, Value> {
    // Supersampling became an option, and for some days chose its factor by itself.
    let automatic = settings.get("supersampling").is_some_and(|value| value == "auto");
    if settings.contains_key("supersampling") && !automatic {
        return settings;
    }
    let number = |name: &str| settings.get(name).and_then(|value| value.as_str()?.parse::<f64>().ok());
    let factor = match number("size") {
        Some(size) if automatic => (320.0 / size).clamp(1.0, 1.25),
        _ => 1.0,
    };
    let style_weight = number("style-weight").map(|weight| weight * factor.powf(1.5));
    settings.insert("supersampling".into(), factor.to_string().into());
    settings.extend(style_weight.map(|weight| ("style-weight".into(), weight.to_string().into())));

    let with_margin = settings.contains_key("margin");
    let [first, later] = [80.0, 36.0].map(|count: f64| (count * factor.powf(-1.29)).round());
    let choices = [
        ("iterations", format!("{first},{later}")),
        ("scales", if with_margin { "181px" } else { "128px" }.into()),
        ("init-noise", if with_margin { "0.2..0.9" } else { "0.8" }.into()),
    ];
    let from_content = settings.get("init").is_none_or(|start| start == "content");
    for (name, choice) in choices {
        let chosen = settings.get(name).is_none_or(|value| value == "auto");
        if chosen && (name != "init-noise" || from_content) {
            settings.insert(name.into(), choice.into());
        }
    }
    let missing = [
        ("margin", "0"),
        ("flat-content", if with_margin { "0.1" } else { "1" }),
        ("detail-content", "1"),
        ("smoothing", "0"),
        ("tone-weight", "0"),
        ("style-weight", "250"),
        ("content-layers", "conv4_2"),
        ("style-layers", "conv1_1,conv2_1,conv3_1,conv4_1,conv5_1"),
    ];
    for (name, value) in missing {
        let stands = name == "style-weight" && settings.contains_key("ratio");
        if !stands {
            settings.entry(name).or_insert_with(|| value.into());
        }
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
        let first = completed_json(r#"{"size":"256","scales":"auto"}"#);
        let then = completed_json(
            r#"{"size":"256","scales":"auto","margin":"8","iterations":"auto","style-weight":"200","supersampling":"auto"}"#,
        );
        for (name, of_first, of_then) in [
            ("margin", "0", "8"),
            ("flat-content", "1", "0.1"),
            ("scales", "128px", "181px"),
            ("init-noise", "0.8", "0.2..0.9"),
            ("iterations", "80,36", "60,27"),
            ("supersampling", "1", "1.25"),
            ("smoothing", "0", "0"),
            ("content-layers", "conv4_2", "conv4_2"),
        ] {
            assert_eq!((&first[name], &then[name]), (&of_first.into(), &of_then.into()), "{name}");
        }
        assert_eq!(first["style-weight"], "250");
        let weight: f64 = then["style-weight"].as_str().unwrap().parse().unwrap();
        assert!((weight / 279.5 - 1.0).abs() < 1e-3, "{weight}");
    }

    #[test]
    fn what_a_file_says_stays() {
        let given = r#"{"scales":"2","iterations":"9","ratio":"1e-3","init":"noise","init-noise":"auto","margin":"4"}"#;
        let settings = completed_json(given);
        let expected = [("scales", "2"), ("iterations", "9"), ("init-noise", "auto"), ("margin", "4")];
        for (name, value) in expected {
            assert_eq!(settings[name], value, "{name}");
        }
        assert!(!settings.contains_key("style-weight"));
        let now = r#"{"size":"256","scales":"auto","supersampling":"1"}"#;
        assert_eq!(completed_json(now), serde_json::from_str(now).unwrap());
    }
}
