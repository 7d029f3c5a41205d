//! Every file of `shaders/`: known to the program, and fit for all three shading languages.

use std::collections::BTreeSet;

use crate::common;
use impasto::gpu::{Gpu, Precision, STORAGE_BUFFERS, Shader, expand_imports};
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::listing::{Listing, shaders};
use impasto::objective::{Objective, Region, Scene, Settings, Style, TargetOptions, Targets};
use impasto::ops::Pooling;
use impasto::ops::variants::TunedOp;
use impasto::vgg19::{KernelOverride, Kernels, Network, Weights};
use naga::back::{hlsl, msl, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// Names of the files under `shaders/`, those to import left out.
fn files() -> BTreeSet<String> {
    let root = common::root().join("shaders");
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
    let known: BTreeSet<String> = shaders().map(|shader| shader.name.to_string()).collect();
    assert_eq!(files(), known);
}

/// Kernels with cooperative matrices. naga has these for Vulkan and Metal, not for HLSL; and what it
/// writes for Metal is text without a meaning there, since Metal's matrices are 8 x 8.
/// `Needs::missing` keeps the kernels from adapters that do not list their shape.
fn is_for_matrix_units(shader: &Shader) -> bool {
    shader.source.contains("enable wgpu_cooperative_matrix;")
}

/// Translates a kernel to SPIR-V (Vulkan), MSL (Metal) and, unless it is exempt, HLSL (DX12).
fn translate(shader: &Shader) -> Result<(), String> {
    let for_matrix_units = is_for_matrix_units(shader);
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
    for shader in shaders() {
        translate(shader).unwrap_or_else(|e| panic!("{}: {e}", shader.name));
    }
}

#[test]
fn the_translation_fails_on_a_broken_kernel() {
    let source = "@compute @workgroup_size(64) fn main() { let x: u32 = 1.5; }";
    assert!(translate(&Shader { name: "broken", source, unchecked: false }).is_err());
}

#[test]
fn no_kernel_binds_more_buffers_than_an_adapter_must_offer() {
    let bound = |shader: &Shader| {
        let module = naga::front::wgsl::parse_str(&expand_imports(shader.source).unwrap()).unwrap();
        let variables = module.global_variables.iter().map(|(_, variable)| variable.space);
        variables.filter(|space| matches!(space, naga::AddressSpace::Storage { .. })).count() as u32
    };
    assert_eq!(shaders().map(bound).max(), Some(STORAGE_BUFFERS));
}

/// What `impasto kernels --emit-wgsl` prints is a whole program, in every form in which a kernel is launched.
#[test]
fn every_kernel_is_listed_as_wgsl_that_compiles_by_itself() {
    for precision in [Precision::F32, Precision::F16] {
        let listing = Listing::record(precision).unwrap();
        for form in shaders().flat_map(|shader| listing.forms(shader.name).unwrap()) {
            let what = format!("{} with {:?}", form.kernel, form.storage);
            let module = naga::front::wgsl::parse_str(&form.wgsl);
            let module = module.unwrap_or_else(|e| panic!("{what}: {}", e.emit_to_string(&form.wgsl)));
            let mut validator = Validator::new(ValidationFlags::all(), Capabilities::all());
            validator
                .validate(&module)
                .unwrap_or_else(|e| panic!("{what}: {}", e.emit_to_string(&form.wgsl)));
            let has_halves = form.storage.iter().any(|(_, stored)| *stored != Precision::F32);
            assert_eq!(form.wgsl.contains("fn pack_"), has_halves, "{what}");
        }
    }
}

#[test]
fn the_listing_has_the_forms_of_both_passes() {
    let forms = Listing::record(Precision::F16).unwrap().forms("conv/6_taps_inner").unwrap();
    let of =
        |form: usize, name: &str| forms[form].storage.iter().find(|(binding, _)| binding == name).unwrap().1;
    assert_eq!(
        (of(0, "src"), of(0, "weights"), of(0, "dst")),
        (Precision::F16, Precision::F16, Precision::F16)
    );
    assert!(forms[0].wgsl.contains("pack_f16(sum)"), "{}", forms[0].wgsl);
    let is_backward = |form: usize| of(form, "src") == Precision::Bf16 && of(form, "dst") == Precision::Bf16;
    assert!((1..forms.len()).any(is_backward), "{forms:?}");
}

/// The passes of an objective with regions and all of its terms, in f16.
fn objective(gpu: &Gpu, kernels: &Kernels, pooling: Pooling) -> Objective {
    let settings = Settings {
        content_layers: "conv2_1".parse().unwrap(),
        style_layers: "conv1_1,conv2_1".parse().unwrap(),
        tone_weight: 1.0,
        tv_weight: 1.0,
        ..Settings::default()
    };
    let weights = Weights::embedded_up_to(settings.deepest()).unwrap();
    let network = Network::new(gpu, &weights, pooling, kernels, Precision::F16).unwrap();
    let image = || Image::from_rgb(16, 12, vec![200.0; 16 * 12 * 3]).unwrap();
    let style = Style { region: Some(Region::new(image()).unwrap()), ..image().into() };
    let (content, styles) = (image(), [style, image().into()]);
    let region = Region::new(image()).unwrap();
    let scene = Scene { content_region: Some(&region), ..Scene::new(&content, &styles) };
    let targets = Targets::new(gpu, &network, &settings, &scene, &TargetOptions::default()).unwrap();
    Objective::new(gpu, &network, &settings, &targets, Activations::Kept).unwrap()
}

/// The listing records test cases; the network must not launch anything else. Gram matrices are in f32 in any case.
#[test]
fn every_form_that_a_painting_launches_is_listed() {
    let (gpu, listing) = (Gpu::noop().unwrap(), Listing::record(Precision::F16).unwrap());
    let variants = TunedOp::ALL.into_iter().flat_map(|op| op.variants().map(move |variant| (op, variant)));
    for (op, variant) in variants {
        let kernel: KernelOverride = format!("{}={}", op.name(), variant.name).parse().unwrap();
        for pooling in [Pooling::Max, Pooling::Avg] {
            let objective = objective(&gpu, &Kernels::default().with([&kernel]), pooling);
            let program = objective.program();
            for shader in shaders() {
                let launched =
                    [&program.forward, &program.backward].map(|pass| pass.forms_of(shader.name).unwrap());
                let listed = listing.forms(shader.name).unwrap();
                for form in launched.iter().flatten() {
                    let is_f32 = form.storage.iter().all(|(_, stored)| *stored == Precision::F32);
                    let what = (form.kernel, variant.name, &form.storage);
                    assert!(is_f32 || listed.contains(form), "{what:?}");
                }
            }
        }
    }
}
