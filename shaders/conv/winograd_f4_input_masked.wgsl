// Winograd's F(4x4, 3x3), input transform of a backward pass through a ReLU: see shared/winograd_input,
// shared/winograd_f4 and shared/fetch_masked.

#import shared/grid
#import shared/fetch_masked
#import shared/winograd_f4
#import shared/winograd_input
