//! How the picture is improved.

use clap::{Args, ValueEnum};
use impasto::Result;
use impasto::optim::Method;

/// The optimiser.
#[derive(Debug, Args)]
#[command(next_help_heading = "Optimiser")]
pub struct MethodOptions {
    /// How the picture is improved
    #[arg(long, value_enum, default_value_t = OptimizerOption::Lbfgs)]
    pub optimizer: OptimizerOption,

    /// Step length [default: 1 for lbfgs, 2 for adam]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub lr: Option<f32>,

    /// Pairs that L-BFGS remembers
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub history: u32,
}

/// L-BFGS or Adam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OptimizerOption {
    /// Quasi-Newton steps: the best picture for a number of evaluations
    Lbfgs,
    /// Steps of one length: less memory, and steadier
    Adam,
}

impl MethodOptions {
    /// The optimiser as the library wants it.
    ///
    /// # Errors
    /// [`Error::Usage`](impasto::Error::Usage) for settings that cannot work.
    pub fn method(&self) -> Result<Method> {
        let method = match self.optimizer {
            OptimizerOption::Adam => Method::Adam { lr: self.lr.unwrap_or(Method::ADAM_LR) },
            OptimizerOption::Lbfgs => {
                Method::Lbfgs { lr: self.lr.unwrap_or(Method::LBFGS_LR), history: self.history }
            }
        };
        method.check()?;
        Ok(method)
    }
}
