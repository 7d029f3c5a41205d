// Winograd's F(2x2, 3x3), input transform of a backward pass through a ReLU: see shared/winograd_input,
// shared/winograd_f2 and shared/fetch_masked.

#import shared/grid
#import shared/fetch_masked
#import shared/winograd_f2
#import shared/winograd_input
