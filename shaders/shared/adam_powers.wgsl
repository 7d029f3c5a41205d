// Powers of Adam's decay factors after t updates. adam/schedule writes them.
struct AdamPowers {
    beta1: f32,    // beta1^t, of the mean of the gradient
    beta2: f32,    // beta2^t, of the mean of its square
    average: f32,  // d^t, of the average of the images
}
