// Scalars of L-BFGS. The history is a ring of slots, each with a pair (s, y): a step and the change of the gradient.
struct LbfgsState {
    pairs: u32,           // pairs in the history
    next_slot: u32,       // slot of the next pair
    newest_slot: u32,     // slot of the newest pair
    accepted: u32,        // 1 if the last pair was added to the history, else 0
    steps: u32,           // steps since the start or the last restart
    gamma: f32,           // scale of the initial inverse Hessian: s.y / y.y of the newest pair
    gradient_scale: f32,  // factor on the gradient in steps without a history
    step_limit: f32,      // bound on the root mean square of a step, in levels of 0 to 255
}
