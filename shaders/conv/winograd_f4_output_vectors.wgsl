// Winograd's F(4x4, 3x3), output transform for drivers that run on the CPU, without workgroup memory: see
// shared/winograd_output, shared/winograd_f4 and shared/winograd_direct.

#import shared/grid
#import shared/fetch_buffer
#import shared/winograd_f4
#import shared/winograd_output
#import shared/winograd_direct
