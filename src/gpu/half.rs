//! The half-precision form of a kernel: the same WGSL with some of its bindings stored as f16.
//!
//! A kernel is written once, for `array<vec4<f32>>`. Where a launch binds tensors of [`Precision::F16`],
//! those bindings become `array<vec2<u32>>`, every read of one is widened to f32 and every write narrowed.
//! Arithmetic stays in f32. `pack2x16float` and `unpack2x16float` are part of WGSL itself, so this runs on
//! every adapter, those without arithmetic in f16 included.
//!
//! [`Precision::F16`]: super::Precision::F16

use std::collections::BTreeSet;

/// What is appended. f16 ends at 65504; what is larger becomes that and not infinity.
const HELPERS: &str = "
fn widen_f16(v: vec2<u32>) -> vec4<f32> {
    return vec4(unpack2x16float(v.x), unpack2x16float(v.y));
}

fn narrow_f16(v: vec4<f32>) -> vec2<u32> {
    let c = clamp(v, vec4(-65504.0), vec4(65504.0));
    return vec2(pack2x16float(c.xy), pack2x16float(c.zw));
}
";

/// Rewrites WGSL so that these storage bindings of `array<vec4<f32>>` hold f16.
///
/// # Errors
/// What cannot be rewritten, by its binding. A form that is missed here is none that goes wrong in
/// silence: the types no longer fit, and the WGSL does not compile.
pub(super) fn halve(source: &str, bindings: &BTreeSet<&str>) -> Result<String, String> {
    let mut halved = String::with_capacity(source.len() + HELPERS.len());
    for line in source.lines() {
        let (code, comment) = line.split_at(line.find("//").unwrap_or(line.len()));
        let declared = bindings.iter().find(|name| {
            code.contains("var<storage") && code.contains(&format!("> {name}: array<vec4<f32>>"))
        });
        match declared {
            Some(_) => halved += &code.replace("array<vec4<f32>>", "array<vec2<u32>>"),
            None => halved += &accesses(code, bindings)?,
        }
        halved += comment;
        halved.push('\n');
    }
    halved += HELPERS;
    Ok(halved)
}

/// Rewrites the reads and writes in a line. Statements that write do not span lines.
fn accesses(code: &str, bindings: &BTreeSet<&str>) -> Result<String, String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rewritten = String::new();
    let mut rest = code;
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |length| start + length);
        let (before, word) = (&rest[..start], &rest[start..end]);
        rewritten += before;
        rest = &rest[end..];
        if !bindings.contains(word) || !rest.starts_with('[') {
            rewritten += word;
            continue;
        }
        let close = closing(rest).ok_or_else(|| format!("the index of '{word}' does not end on its line"))?;
        let element = format!("{word}[{}]", accesses(&rest[1..close], bindings)?);
        rest = &rest[close + 1..];
        let follows = rest.trim_start();
        let write = ["= ", "+= "].into_iter().find(|operator| follows.starts_with(operator));
        let Some(operator) = write else {
            rewritten += &format!("widen_f16({element})");
            continue;
        };
        let end = follows.find(';').ok_or_else(|| format!("a write to '{word}' does not end on its line"))?;
        let value = accesses(follows[operator.len()..end].trim(), bindings)?;
        let sum = if operator == "+= " { format!("widen_f16({element}) + ") } else { String::new() };
        rewritten += &format!("{element} = narrow_f16({sum}{value})");
        rest = &follows[end..];
    }
    Ok(rewritten + rest)
}

/// Where the bracket closes that the text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, c)| {
        depth += match c {
            '[' => 1,
            ']' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(code: &str) -> String {
        accesses(code, &BTreeSet::from(["src", "dst"])).unwrap()
    }

    #[test]
    fn reads_are_widened_and_writes_narrowed() {
        assert_eq!(one("let s = src[i + at[p]].x;"), "let s = widen_f16(src[i + at[p]]).x;");
        assert_eq!(
            one("dst[i] = max(src[i], dst[0]);"),
            "dst[i] = narrow_f16(max(widen_f16(src[i]), widen_f16(dst[0])));"
        );
        assert_eq!(one("dst[i] += sum;"), "dst[i] = narrow_f16(widen_f16(dst[i]) + sum);");
        assert_eq!(one("if src[i].x == 0.0 {"), "if widen_f16(src[i]).x == 0.0 {");
    }

    #[test]
    fn everything_else_stays() {
        for code in ["d_src[i] = slab_src[index];", "let n = arrayLength(&src);", "other = src_of(1u);"] {
            assert_eq!(one(code), code);
        }
        let source = "@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>; // src[i]\n";
        let halved = halve(source, &BTreeSet::from(["src"])).unwrap();
        assert!(
            halved.starts_with("@group(0) @binding(0) var<storage, read> src: array<vec2<u32>>; // src[i]\n")
        );
    }

    #[test]
    fn what_spans_lines_is_refused() {
        assert!(accesses("dst[i] = a +", &BTreeSet::from(["dst"])).is_err());
        assert!(accesses("src[a +", &BTreeSet::from(["src"])).is_err());
    }
}
