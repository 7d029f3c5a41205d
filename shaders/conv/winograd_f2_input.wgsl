// Winograd's F(2x2, 3x3), input transform: see shared/winograd_input and shared/winograd_f2.

#import shared/grid
#import shared/fetch_numbers
#import shared/winograd_f2
#import shared/winograd_input
