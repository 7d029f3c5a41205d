//! Every file of `shaders/`: known to the program, and fit for all three shading languages.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use impasto::gpu::{Shader, expand_imports};
use impasto::ops::OPERATIONS;
use impasto::{optim, profiler};
use naga::back::{hlsl, msl, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ValidationFlags, Validator};

fn all_shaders() -> Vec<Shader> {
    let of_operations = OPERATIONS.iter().flat_map(|operation| operation.shaders);
    let of_optimisers = optim::SHADERS.into_iter().flatten();
    of_operations.chain(of_optimisers).chain(&profiler::SHADERS).copied().collect()
}

/// Names of the files under `shaders/`, those to import left out.
fn files() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let folders = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.is_dir() && !path.ends_with("shared"));
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files
        .map(|entry| {
            let path = entry.unwrap().path().with_extension("");
            let parts: Vec<_> =
                path.strip_prefix(&root).unwrap().iter().map(|p| p.to_string_lossy()).collect();
            parts.join("/")
        })
        .collect()
}

#[test]
fn every_file_is_a_kernel_of_the_program() {
    let known: BTreeSet<String> = all_shaders().iter().map(|shader| shader.name.to_string()).collect();
    assert_eq!(files(), known);
}

/// Translates a kernel to SPIR-V (Vulkan), MSL (Metal) and HLSL (DX12).
fn translate(source: &'static str) -> Result<(), String> {
    let source = expand_imports(source)?;
    let module = naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string(&source))?;
    let capabilities = Capabilities::SUBGROUP;
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string(&source))?;
    let (module, info) =
        process_overrides(&module, &info, None, &Default::default()).map_err(|e| e.to_string())?;
    spv::write_vec(&module, &info, &spv::Options { lang_version: (1, 3), ..Default::default() }, None)
        .map_err(|e| format!("SPIR-V: {e}"))?;
    let options = msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    msl::write_string(&module, &info, &options, &Default::default()).map_err(|e| format!("MSL: {e}"))?;
    let options = hlsl::Options {
        shader_model: hlsl::ShaderModel::V6_0,
        fake_missing_bindings: true,
        ..Default::default()
    };
    let mut text = String::new();
    hlsl::Writer::new(&mut text, &options, &Default::default())
        .write(&module, &info, None)
        .map_err(|e| format!("HLSL: {e}"))?;
    Ok(())
}

#[test]
fn every_kernel_translates_to_spirv_msl_and_hlsl() {
    for shader in all_shaders() {
        translate(shader.source).unwrap_or_else(|e| panic!("{}: {e}", shader.name));
    }
}

#[test]
fn the_translation_fails_on_a_broken_kernel() {
    let broken = "@compute @workgroup_size(64) fn main() { let x: u32 = 1.5; }";
    assert!(translate(broken).is_err());
}

/// A kernel that teaches begins by saying what it is.
#[test]
fn every_kernel_begins_with_its_idea() {
    for shader in all_shaders() {
        let header = shader.source.lines().take_while(|line| line.starts_with("//")).count();
        assert!(header >= 1, "{} has no header", shader.name);
    }
}
