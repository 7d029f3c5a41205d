// Winograd's F(4x4, 3x3), input transform for drivers that run on the CPU, an invocation a vec4: see shared/winograd_input,
// shared/winograd_f4 and shared/fetch_buffer.

#import shared/grid
#import shared/fetch_buffer
#import shared/winograd_f4
#import shared/winograd_input
