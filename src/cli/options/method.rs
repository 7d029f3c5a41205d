//! How the picture is improved.

use clap::{Args, ValueEnum};
use impasto::objective::parse_weight;
use impasto::optim::Method;
use impasto::{Error, Result};

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

    /// Take a running average of Adam's pictures for the result: smoother
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false,
        default_missing_value = "true", value_name = "true|false")]
    pub average: bool,

    /// Go to the next scale, or end, when the loss falls by less than this part in 20 evaluations
    #[arg(long, value_name = "X", value_parser = parse_weight, allow_hyphen_values = true)]
    pub until: Option<f32>,
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
        if self.average && self.optimizer != OptimizerOption::Adam {
            return Err(Error::Usage("--average needs --optimizer adam: only Adam keeps an average".into()));
        }
        let method = match self.optimizer {
            OptimizerOption::Adam => {
                Method::Adam { lr: self.lr.unwrap_or(Method::ADAM_LR), average: self.average }
            }
            OptimizerOption::Lbfgs => {
                Method::Lbfgs { lr: self.lr.unwrap_or(Method::LBFGS_LR), history: self.history }
            }
        };
        method.check()?;
        Ok(method)
    }
}
