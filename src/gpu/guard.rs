//! Guards: memory of known contents behind every tensor, to find kernels that read or write beyond the end of one.
//!
//! Bounds checks keep such a kernel within its bindings, so that what it does wrong changes nothing, or changes the last
//! element. On a device with guards a binding is longer than its tensor by [`GUARD`] vectors. What is read there is NaN,
//! and what is written there stays. `arrayLength` of the kernels' text is corrected, so that to them the binding has the
//! length of the tensor.

use std::sync::atomic::{AtomicU8, Ordering};

use naga::TypeInner;

use super::readback;
use super::source::describe;
use super::{Gpu, Tensor};
use crate::error::Result;

/// Vectors of four numbers in a guard: more than a row of feature maps, so that an index that is off by one row is found.
pub(super) const GUARD: u64 = 1024;

/// What fresh memory holds: one byte, over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poison {
    /// In tensors that nothing has been written to.
    pub contents: u8,
    /// In the guards behind them.
    pub guards: u8,
}

impl Poison {
    /// NaN, in every storage precision.
    pub const NAN: u8 = 0xff;
    /// A finite number that no computation gives: see [`Precision::repeated`](super::Precision::repeated).
    pub const MARK: u8 = 0x7b;
    /// NaN everywhere.
    pub const ALL_NAN: Self = Self { contents: Self::NAN, guards: Self::NAN };
}

/// The poison of an open device, which can be exchanged.
#[derive(Debug)]
pub(super) struct PoisonCell {
    contents: AtomicU8,
    guards: AtomicU8,
}

impl PoisonCell {
    pub(super) fn new(poison: Poison) -> Self {
        Self { contents: AtomicU8::new(poison.contents), guards: AtomicU8::new(poison.guards) }
    }

    pub(super) fn get(&self) -> Poison {
        let [contents, guards] = [&self.contents, &self.guards].map(|byte| byte.load(Ordering::Relaxed));
        Poison { contents, guards }
    }

    pub(super) fn set(&self, poison: Poison) {
        self.contents.store(poison.contents, Ordering::Relaxed);
        self.guards.store(poison.guards, Ordering::Relaxed);
    }
}

impl Gpu {
    /// The first vector behind the end of a tensor that was written to, counted from the end; `None` if none was. Meant
    /// for a tensor whose guard is as it was allocated under the present [`Poison`]. Waits for the device.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn written_behind(&self, tensor: &Tensor) -> Result<Option<u64>> {
        let size = tensor.shape.precision.vector_bytes();
        let bytes = readback::read_bytes(self, tensor, tensor.shape.bytes(), tensor.guard * size)?;
        let expected = self.poison().guards;
        Ok(bytes.iter().position(|byte| *byte != expected).map(|at| at as u64 / size))
    }
}

/// The text with each `arrayLength(&x)` reduced by the length of the guard, in elements of `x`. Lines stay where they are.
///
/// # Errors
/// A call whose binding cannot be told.
pub(super) fn hide_guards(text: &str) -> Result<String, String> {
    let calls = calls_of_array_length(text);
    if calls.is_empty() {
        return Ok(text.into());
    }
    let module = naga::front::wgsl::parse_str(text).map_err(|error| describe(text, &error))?;
    let stride = |name: &str| {
        let named = |variable: &&naga::GlobalVariable| variable.name.as_deref() == Some(name);
        let variable = module.global_variables.iter().map(|(_, variable)| variable).find(named)?;
        match module.types[variable.ty].inner {
            TypeInner::Array { stride, .. } => Some(u64::from(stride)),
            _ => None,
        }
    };
    let (mut edited, mut copied) = (String::with_capacity(text.len() + 256), 0);
    for (range, name) in calls {
        let line = text[..range.start].lines().count();
        let stride = stride(&name).ok_or_else(|| {
            format!("line {line}: write arrayLength(&name) with the name of a binding that is an array")
        })?;
        edited += &text[copied..range.start];
        edited += &format!("({} - {}u)", &text[range.clone()], GUARD * 16 / stride);
        copied = range.end;
    }
    Ok(edited + &text[copied..])
}

/// The calls `arrayLength(&name)` outside comments: their bytes, and the name.
fn calls_of_array_length(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    const NAME: &str = "arrayLength";
    let code = blank_comments(text);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let call = |(start, _): (usize, &str)| {
        let rest = &code[start + NAME.len()..];
        let opens = !code[..start].ends_with(is_word) && rest.trim_start().starts_with('(');
        let close = rest.find(')').filter(|_| opens)?;
        let name = rest[..close].trim_start().trim_start_matches('(').trim().trim_start_matches('&').trim();
        Some((start..start + NAME.len() + close + 1, name.to_string()))
    };
    code.match_indices(NAME).filter_map(call).collect()
}

/// The text with a space for each byte of a comment.
fn blank_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("//").into_iter().chain(rest.find("/*")).min() {
        let comment = &rest[start..];
        let length = match comment.starts_with("//") {
            true => comment.find('\n').unwrap_or(comment.len()),
            false => comment.find("*/").map_or(comment.len(), |end| end + 2),
        };
        code += &rest[..start];
        code.extend(comment[..length].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = &comment[length..];
    }
    code + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDINGS: &str = "
        @group(0) @binding(0) var<storage, read_write> dst: array<vec4<f32>>;
        @group(0) @binding(1) var<storage, read> src: array<f32>;
        // arrayLength(&dst) in a comment, /* and in é another: */
        fn my_arrayLength(x: u32) -> u32 { return x; }
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x < arrayLength(&dst) { dst[id.x] = vec4(src[min(id.x, arrayLength( & src ) - 1u)]); }
        }";

    #[test]
    fn lengths_are_those_of_the_tensors() {
        let text = hide_guards(BINDINGS).unwrap();
        assert!(text.contains("id.x < (arrayLength(&dst) - 1024u) {"), "{text}");
        assert!(text.contains("(arrayLength( & src ) - 4096u) - 1u"), "{text}");
        assert!(text.contains("// arrayLength(&dst) in") && text.contains("fn my_arrayLength(x"), "{text}");
        naga::front::wgsl::parse_str(&text).unwrap();
        assert_eq!(hide_guards("fn f() {}").unwrap(), "fn f() {}");
    }

    #[test]
    fn comments_become_spaces_of_the_same_length() {
        let text = "a // b\nc /* d\ne */ f // é";
        let code = blank_comments(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.split_whitespace().collect::<String>(), "acf");
        assert_eq!(code.lines().count(), 3);
    }
}
