//! Kernels of the user's own: the file, the process that runs it, and the one that waits for it.

mod child;
mod file;
mod painted;
mod supervisor;

pub use child::{Message, run_here};
pub use file::{OP_LINE, OwnKernel, OwnKernelOptions, TemplateOp, first_pass};
pub use painted::checked_stand_in;
pub use supervisor::{End, Running, kill, supervise};
