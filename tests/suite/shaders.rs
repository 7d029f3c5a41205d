//! Every file of `shaders/`: known to the program, and fit for all three shading languages.

use std::collections::BTreeSet;
use std::path::Path;

use impasto::gpu::{Shader, expand_imports};
use impasto::ops::OPERATIONS;
use impasto::{optim, profiler};
use naga::back::{hlsl, msl, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ValidationFlags, Validator};

fn all_shaders() -> Vec<Shader> {
    let of_operations = OPERATIONS.iter().flat_map(|operation| (operation.shaders)());
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

/// Kernels with cooperative matrices. naga has these for Vulkan and Metal, not for HLSL; and what it
/// writes for Metal is text without a meaning there, since Metal's matrices are 8 x 8.
/// `Needs::missing` keeps the kernels from adapters that do not list their shape.
const FOR_MATRIX_UNITS: [&str; 1] = ["conv/5_cooperative"];

/// Translates a kernel to SPIR-V (Vulkan), MSL (Metal) and, unless it is exempt, HLSL (DX12).
fn translate(shader: &Shader) -> Result<(), String> {
    let for_matrix_units = FOR_MATRIX_UNITS.contains(&shader.name);
    let source = expand_imports(shader.source)?;
    let module = naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string(&source))?;
    let capabilities = match for_matrix_units {
        true => Capabilities::SUBGROUP | Capabilities::SHADER_FLOAT16 | Capabilities::COOPERATIVE_MATRIX,
        false => Capabilities::SUBGROUP,
    };
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string(&source))?;
    let (module, info) =
        process_overrides(&module, &info, None, &Default::default()).map_err(|e| e.to_string())?;
    spv::write_vec(&module, &info, &spv::Options { lang_version: (1, 3), ..Default::default() }, None)
        .map_err(|e| format!("SPIR-V: {e}"))?;
    let options = msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    msl::write_string(&module, &info, &options, &Default::default()).map_err(|e| format!("MSL: {e}"))?;
    if for_matrix_units {
        return Ok(());
    }
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
        translate(&shader).unwrap_or_else(|e| panic!("{}: {e}", shader.name));
    }
}

#[test]
fn the_translation_fails_on_a_broken_kernel() {
    let source = "@compute @workgroup_size(64) fn main() { let x: u32 = 1.5; }";
    assert!(translate(&Shader { name: "broken", source, unchecked: false }).is_err());
}

/// A kernel that teaches begins by saying what it is.
#[test]
fn every_kernel_begins_with_its_idea() {
    for shader in all_shaders() {
        let header = shader.source.lines().take_while(|line| line.starts_with("//")).count();
        assert!(header >= 1, "{} has no header", shader.name);
    }
}
