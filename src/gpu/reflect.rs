//! Reflection of a WGSL module: bindings, parameters, workgroup size.

use naga::{AddressSpace, Expression, ScalarKind, TypeInner};

use super::source::describe;

/// One `@group(0) @binding(n)` storage buffer or texture of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) slot: u32,
    pub(super) is_texture: bool,
    /// Whether the kernel writes to it.
    pub(super) is_written: bool,
}

/// One member of the module's `var<uniform>` struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) offset: usize,
    pub(super) kind: ScalarKind,
}

/// The interface of a compute module with the single entry point `main`.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub(super) bindings: Vec<Binding>,
    /// Binding number, members and size in bytes of the uniform struct, if there is one.
    pub(super) parameters: Option<(u32, Vec<Parameter>, usize)>,
    pub(super) workgroup_size: [u32; 3],
    /// Bytes of workgroup memory.
    pub(super) workgroup_bytes: u32,
    /// Whether it multiplies cooperative matrices.
    pub(super) multiplies_matrices: bool,
}

impl Interface {
    /// Parses WGSL whose imports are resolved. The error names the line.
    pub(super) fn of(text: &str) -> Result<Self, String> {
        let module = naga::front::wgsl::parse_str(text).map_err(|error| describe(text, &error))?;
        let entry = module
            .entry_points
            .iter()
            .find(|entry| entry.name == "main" && entry.stage == naga::ShaderStage::Compute)
            .ok_or("no compute entry point 'main'")?;
        let workgroup_size = entry.workgroup_size;
        let mut interface = Self {
            bindings: vec![],
            parameters: None,
            workgroup_size,
            workgroup_bytes: 0,
            multiplies_matrices: multiplies_matrices(&module),
        };
        for (_, global) in module.global_variables.iter() {
            if global.space == AddressSpace::WorkGroup {
                interface.workgroup_bytes += module.types[global.ty].inner.size(module.to_ctx());
            }
            let (Some(binding), Some(name)) = (&global.binding, &global.name) else { continue };
            match global.space {
                AddressSpace::Storage { .. } | AddressSpace::Handle => interface.bindings.push(Binding {
                    name: name.clone(),
                    slot: binding.binding,
                    is_texture: global.space == AddressSpace::Handle,
                    is_written: is_written(&module, global),
                }),
                AddressSpace::Uniform => {
                    let (members, size) = members(&module, global.ty)?;
                    interface.parameters = Some((binding.binding, members, size));
                }
                _ => return Err(format!("'{name}' is neither storage, texture nor uniform")),
            }
        }
        Ok(interface)
    }
}

fn is_written(module: &naga::Module, global: &naga::GlobalVariable) -> bool {
    let access = match (global.space, &module.types[global.ty].inner) {
        (AddressSpace::Storage { access }, _) => access,
        (_, TypeInner::Image { class: naga::ImageClass::Storage { access, .. }, .. }) => *access,
        _ => return false,
    };
    access.contains(naga::StorageAccess::STORE)
}

fn multiplies_matrices(module: &naga::Module) -> bool {
    let functions = module.functions.iter().map(|(_, function)| function);
    let mut all = functions.chain(module.entry_points.iter().map(|entry| &entry.function));
    let is_product =
        |expression: &Expression| matches!(expression, Expression::CooperativeMultiplyAdd { .. });
    all.any(|function| function.expressions.iter().any(|(_, expression)| is_product(expression)))
}

/// Scalars of the uniform struct with their byte offsets, and the struct's size.
fn members(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Result<(Vec<Parameter>, usize), String> {
    let TypeInner::Struct { members, span } = &module.types[ty].inner else {
        return Err("the uniform is not a struct".into());
    };
    let parameters = members.iter().map(|member| match (&module.types[member.ty].inner, &member.name) {
        (TypeInner::Scalar(scalar), Some(name))
            if scalar.width == 4 && matches!(scalar.kind, ScalarKind::Uint | ScalarKind::Float) =>
        {
            Ok(Parameter { name: name.clone(), offset: member.offset as usize, kind: scalar.kind })
        }
        _ => Err("uniform members must be u32 or f32".to_string()),
    });
    Ok((parameters.collect::<Result<_, _>>()?, (*span as usize).next_multiple_of(16)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
        struct Params { width: u32, scale: f32 }
        @group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
        @group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;
        @group(0) @binding(2) var<uniform> params: Params;
        @compute @workgroup_size(8, 4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            dst[id.x] = src[id.y * params.width] * params.scale;
        }";

    #[test]
    fn reads_bindings_parameters_and_size() {
        let interface = Interface::of(SOURCE).unwrap();
        assert_eq!(interface.workgroup_size, [8, 4, 1]);
        assert_eq!(interface.bindings.len(), 2);
        assert_eq!((interface.bindings[1].name.as_str(), interface.bindings[1].slot), ("dst", 1));
        assert!(interface.bindings[1].is_written && !interface.bindings[0].is_written);
        let (slot, members, size) = interface.parameters.unwrap();
        assert_eq!((slot, members[1].offset, size), (2, 4, 16));
        assert_eq!(members[1].kind, ScalarKind::Float);
    }

    /// By what a module does: words in comments do not count.
    #[test]
    fn products_of_matrices_are_found() {
        let of = |name: &str| {
            let path = format!("{}/shaders/{name}.wgsl", std::env::var("CARGO_MANIFEST_DIR").unwrap());
            let text = std::fs::read_to_string(path).unwrap();
            Interface::of(&super::super::expand_imports(text.leak()).unwrap()).unwrap().multiplies_matrices
        };
        assert!(of("conv/7_cooperative") && of("roofline/matrix"));
        assert!(!of("conv/6_taps_inner") && !of("roofline/fma"));
        let comment = format!("// coopMultiplyAdd\n{SOURCE}");
        assert!(!Interface::of(&comment).unwrap().multiplies_matrices);
    }

    #[test]
    fn errors_point_at_the_source() {
        let error = Interface::of("@compute @workgroup_size(1) fn main() { let x = nothing; }").unwrap_err();
        assert!(error.starts_with("line 1, column") && error.contains("nothing"), "{error}");
    }
}
