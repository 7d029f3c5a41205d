//! The example of automatic differentiation, run as a test.

#[path = "../../examples/autograd.rs"]
mod example;

/// The example asserts that the gradient agrees with finite differences.
#[test]
fn the_example_agrees_with_finite_differences() {
    example::main().unwrap();
}
