//! The form of a kernel that works on narrow numbers: the same WGSL, some of its bindings stored as f16 or
//! bf16.
//!
//! A kernel is written once, for `array<vec4<f32>>` and `texture_storage_2d<rgba32float, read>`. Where a launch
//! binds tensors of another [`Precision`], those bindings become `array<vec2<u32>>` or
//! `texture_storage_2d<rgba16uint, read>`, every read of one is widened to f32 and every write narrowed. Arithmetic
//! stays in f32. What that takes is part of WGSL itself, so it runs on every adapter, those without arithmetic in f16
//! included.

use std::collections::BTreeMap;

use super::Precision;

/// What is appended. f16 ends at 65504; what is larger becomes that and not infinity. bf16 is the upper
/// half of f32, rounded to nearest.
const HELPERS: &str = "
fn widen_f16(v: vec2<u32>) -> vec4<f32> {
    return vec4(unpack2x16float(v.x), unpack2x16float(v.y));
}

fn narrow_f16(v: vec4<f32>) -> vec2<u32> {
    let c = clamp(v, vec4(-65504.0), vec4(65504.0));
    return vec2(pack2x16float(c.xy), pack2x16float(c.zw));
}

fn widen_texel_f16(v: vec4<u32>) -> vec4<f32> {
    return widen_f16(v.xz | (v.yw << vec2(16u)));
}

fn widen_bf16(v: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4(v.x << 16u, v.x & 0xffff0000u, v.y << 16u, v.y & 0xffff0000u));
}

fn narrow_bf16(v: vec4<f32>) -> vec2<u32> {
    let bits = bitcast<vec4<u32>>(v) + vec4(0x8000u);
    return (bits.xz >> vec2(16u)) | (bits.yw & vec2(0xffff0000u));
}

fn widen_texel_bf16(v: vec4<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(v << vec4(16u));
}
";

/// Rewrites WGSL so that these bindings hold narrow numbers.
///
/// # Errors
/// What cannot be rewritten, by its binding. A form that is missed here is none that goes wrong in
/// silence: the types no longer fit, and the WGSL does not compile.
pub(super) fn narrow(source: &str, bindings: &BTreeMap<&str, Precision>) -> Result<String, String> {
    let mut narrowed = String::with_capacity(source.len() + HELPERS.len());
    for line in source.lines() {
        let (code, comment) = line.split_at(line.find("//").unwrap_or(line.len()));
        let declares = |name: &&str| {
            code.contains(&format!("> {name}: array<vec4<f32>>"))
                || code.contains(&format!("var {name}: texture_storage_2d<rgba32float, read>"))
        };
        if code.contains("@binding") && bindings.keys().any(declares) {
            narrowed +=
                &code.replace("array<vec4<f32>>", "array<vec2<u32>>").replace("rgba32float", "rgba16uint");
        } else {
            narrowed += &accesses(code, bindings)?;
        }
        narrowed += comment;
        narrowed.push('\n');
    }
    narrowed += HELPERS;
    Ok(narrowed)
}

/// Rewrites the reads and writes in a line. None of them spans lines.
fn accesses(code: &str, bindings: &BTreeMap<&str, Precision>) -> Result<String, String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rewritten = String::new();
    let mut rest = code;
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |length| start + length);
        let (before, word) = (&rest[..start], &rest[start..end]);
        rewritten += before;
        rest = &rest[end..];
        let (text, after) = match (word, bindings.get(word)) {
            ("textureLoad", _) => fetch(rest, bindings)?,
            (_, Some(precision)) if rest.starts_with('[') => element(word, *precision, rest, bindings)?,
            _ => (word.into(), rest),
        };
        rewritten += &text;
        rest = after;
    }
    Ok(rewritten + rest)
}

/// `[index]` and, if it is written to, the value, of one of the bindings; and what comes after.
fn element<'a>(
    name: &str,
    precision: Precision,
    code: &'a str,
    bindings: &BTreeMap<&str, Precision>,
) -> Result<(String, &'a str), String> {
    let kind = suffix(precision);
    let close = closing(code).ok_or_else(|| format!("the index of '{name}' does not end on its line"))?;
    let element = format!("{name}[{}]", accesses(&code[1..close], bindings)?);
    let after = &code[close + 1..];
    let follows = after.trim_start();
    let Some(operator) = ["= ", "+= "].into_iter().find(|operator| follows.starts_with(operator)) else {
        return Ok((format!("widen_{kind}({element})"), after));
    };
    let end = follows.find(';').ok_or_else(|| format!("a write to '{name}' does not end on its line"))?;
    let value = accesses(follows[operator.len()..end].trim(), bindings)?;
    let sum = if operator == "+= " { format!("widen_{kind}({element}) + ") } else { String::new() };
    Ok((format!("{element} = narrow_{kind}({sum}{value})"), &follows[end..]))
}

/// The arguments of a `textureLoad`; and what comes after.
fn fetch<'a>(code: &'a str, bindings: &BTreeMap<&str, Precision>) -> Result<(String, &'a str), String> {
    let close = closing(code).ok_or("a textureLoad does not end on its line")?;
    let load = format!("textureLoad({})", accesses(&code[1..close], bindings)?);
    let name = code[1..close].split(',').next().unwrap_or_default().trim();
    let widened = bindings.get(name).map(|precision| format!("widen_texel_{}({load})", suffix(*precision)));
    Ok((widened.unwrap_or(load), &code[close + 1..]))
}

fn suffix(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::F16 => "f16",
        Precision::Bf16 => "bf16",
    }
}

/// Where the bracket closes that the text begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, c)| {
        depth += match c {
            '[' | '(' => 1,
            ']' | ')' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings() -> BTreeMap<&'static str, Precision> {
        BTreeMap::from([("src", Precision::F16), ("dst", Precision::Bf16)])
    }

    fn one(code: &str) -> String {
        accesses(code, &bindings()).unwrap()
    }

    #[test]
    fn reads_are_widened_and_writes_narrowed() {
        assert_eq!(one("let s = src[i + at[p]].x;"), "let s = widen_f16(src[i + at[p]]).x;");
        assert_eq!(
            one("dst[i] = max(src[i], dst[0]);"),
            "dst[i] = narrow_bf16(max(widen_f16(src[i]), widen_bf16(dst[0])));"
        );
        assert_eq!(one("dst[i] += sum;"), "dst[i] = narrow_bf16(widen_bf16(dst[i]) + sum);");
        assert_eq!(one("if src[i].x == 0.0 {"), "if widen_f16(src[i]).x == 0.0 {");
        let texel = "let s = textureLoad(src, texel(i)) * 2.0;";
        assert_eq!(one(texel), "let s = widen_texel_f16(textureLoad(src, texel(i))) * 2.0;");
    }

    #[test]
    fn everything_else_stays() {
        let others =
            ["d_src[i] = slab_src[index];", "let n = arrayLength(&src);", "textureLoad(other, src_of(1u))"];
        for code in others {
            assert_eq!(one(code), code);
        }
        let declared = |code: &str| narrow(code, &bindings()).unwrap().lines().next().unwrap().to_string();
        assert_eq!(
            declared("@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>; // src[i]"),
            "@group(0) @binding(0) var<storage, read> src: array<vec2<u32>>; // src[i]"
        );
        assert_eq!(
            declared("@binding(0) var dst: texture_storage_2d<rgba32float, read>;"),
            "@binding(0) var dst: texture_storage_2d<rgba16uint, read>;"
        );
    }

    #[test]
    fn what_spans_lines_is_refused() {
        for code in ["dst[i] = a +", "src[a +", "textureLoad(src,"] {
            assert!(accesses(code, &bindings()).is_err(), "{code}");
        }
    }
}
