//! The optimisation loop of a scale: targets, objective and optimiser as planned, in smaller pieces if memory runs out.

use super::{OptimizationLoop, Painter, PaintingInputs, Plan, TiledLoop, WholeImageLoop};
use crate::error::{Error, Result};
use crate::graph::Activations;
use crate::objective::{Objective, TargetOptions, Targets, TiledObjective};
use crate::optim::Method;
use crate::planner::{Budget, Strategy};

impl Painter {
    /// The loop of the present scale, from the variable `start`. Where the device has less memory than planned, in
    /// smaller pieces.
    pub(super) fn next_loop(&mut self, start: &[f32]) -> Result<Box<dyn OptimizationLoop>> {
        let optimization = loop {
            match self.try_next_loop(start) {
                Err(Error::OutOfMemory { what }) => self.step_down(&what)?,
                Err(error) => return Err(error),
                Ok(optimization) => break optimization,
            }
        };
        if self.scale + 1 == self.plan.schedule.scales().len() {
            // The targets of the last scale are made: the style images are not needed any more.
            self.inputs.styles.clear();
        }
        Ok(optimization)
    }

    /// Plans the present scale and those that follow for less memory than before, where `what` had none left.
    fn step_down(&mut self, what: &str) -> Result<()> {
        let refused = Error::OutOfMemory { what: what.into() };
        // All that was allocated is free again before the next attempt.
        self.gpu.wait()?;
        let before = self.choices[self.scale].device.total();
        let less = Budget::of(&self.gpu, self.plan.memory).less_than(&self.choices[self.scale]);
        let smaller = Plan { memory: Some(less), ..self.plan.clone() };
        let choices = smaller.choices(&self.gpu, &self.network, &self.inputs).map_err(|_| refused.clone())?;
        if choices[self.scale].device.total() >= before {
            return Err(refused);
        }
        let choice = &choices[self.scale];
        self.notes
            .push(format!("{what}: the device is out of memory; continuing in smaller pieces, {choice}"));
        (self.plan, self.choices) = (smaller, choices);
        Ok(())
    }

    fn try_next_loop(&self, start: &[f32]) -> Result<Box<dyn OptimizationLoop>> {
        let scale = &self.plan.schedule.scales()[self.scale];
        let (inputs, method) = (self.inputs.at(scale)?, self.plan.method_at(scale));
        let mut optimization: Box<dyn OptimizationLoop> = match self.choices[self.scale].strategy {
            Strategy::Whole { activations, style_core } => {
                let objective = self.objective(&inputs, activations, style_core)?;
                Box::new(WholeImageLoop::new(&self.gpu, objective, method, start)?)
            }
            Strategy::Tiled { tiling, pairs, history } => {
                let scene = inputs.scene();
                let (gpu, network, settings) = (&self.gpu, &self.network, &self.plan.settings);
                let objective =
                    TiledObjective::new(gpu, network, settings, &scene, tiling, &self.style_cache)?;
                drop(inputs);
                let method: Method = history.map_or(method, |history| method.with_history(history));
                Box::new(TiledLoop::new(objective, method, start, pairs)?)
            }
        };
        self.time_every.iter().for_each(|n| optimization.time_every(*n));
        if self.keep_diverged {
            optimization.keep_diverged()?;
        }
        Ok(optimization)
    }

    fn objective(
        &self,
        inputs: &PaintingInputs,
        activations: Activations,
        style_core: Option<u32>,
    ) -> Result<Objective> {
        let (gpu, network, settings) = (&self.gpu, &self.network, &self.plan.settings);
        let options = TargetOptions { style_core, style_cache: self.style_cache.clone() };
        let targets = Targets::new(gpu, network, settings, &inputs.scene(), &options)?;
        Objective::new(gpu, network, settings, &targets, activations)
    }
}
