// State of the divergence guard. guard/judge writes it before each update.
struct DivergenceGuard {
    lowest_loss: f32,  // of all evaluations so far
    improved: f32,     // 1 if the last loss is the lowest, else 0
    diverged: f32,     // 1 if the last loss has diverged, else 0
    restarts: f32,     // number of losses that diverged
}
