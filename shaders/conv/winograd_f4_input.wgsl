// Winograd's F(4x4, 3x3), input transform: see shared/winograd_input and shared/winograd_f4.

#import shared/grid
#import shared/fetch_numbers
#import shared/winograd_f4
#import shared/winograd_input
