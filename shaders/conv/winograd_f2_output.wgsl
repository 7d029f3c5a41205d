// Winograd's F(2x2, 3x3), output transform: see shared/winograd_output and shared/winograd_f2.

#import shared/grid
#import shared/fetch_buffer
#import shared/winograd_f2
#import shared/winograd_output
#import shared/winograd_staged
