// What the convolutions on matrix units share: the halo that a workgroup reads, scales, and the epilogue.
//
// A workgroup computes a tile of 16 x 8 positions by 64 output channels. All nine taps of a 3x3 filter read the same 18 x 10
// positions, the tile and a border of one around it: its halo. 16 channels of it, the k of one matrix, are loaded once
// and serve the nine taps, where implicit GEMM (7_cooperative) loads each tap's inputs anew. A row of 16 positions at any
// offset in the halo is a matrix A as it lies in workgroup memory.
//
// Inputs are scaled to fit f16: see shared/scale. Weights were scaled likewise when they were packed; they end with the
// exponent of the power of two that undoes it.
//
// The kernel that imports this imports shared/scale, declares `results`, and enables f16 and cooperative matrices.

// The ReLU that follows, and sums of gradients: as in shared/store.
override RELU: bool = false;
override ACCUMULATE: bool = false;

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f16>>;  // [PARTS][9][in / 16][out to 64][16 k], exponent
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [out / 4][height][width]
@group(0) @binding(5) var<uniform> params: Params;

alias Inputs = coop_mat16x16<f16, A>;
alias Weights = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;

const TILE = vec2(16u, 8u);   // positions of a workgroup's tile
const TILE_CHANNELS = 64u;    // output channels of a workgroup's tile
const HALO_WIDTH = 18u;
const HALO = 180u;            // positions of the halo, 18 x 10
const K_BLOCKS = 4u;          // blocks of four input channels in the 16 k of a matrix
const ROW = 6u;               // vec4 a position of the halo: 16 channels and padding, so that rows start in other banks
const COLUMN = 4u;            // vec4 an output channel of the weights: 16 k
const RESULT_ROW = 9u;        // vec4 a position of the results: 32 channels and padding

// What one invocation loads of a halo: every 128th of its 4 x 180 vec4, block after block.
struct Share { s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>, s3: vec4<f32>, s4: vec4<f32>, s5: vec4<f32> }

// Where these are: in src for the first K-tile, and in the halo.
struct Place { src: u32, halo: u32 }
struct Places { p0: Place, p1: Place, p2: Place, p3: Place, p4: Place, p5: Place }

const OUTSIDE = 0x80000000u;  // beyond any vec4 of src

fn place(group: vec3<u32>, i: u32) -> Place {
    let position = i % HALO;
    // Below zero wraps around to a large number, so one comparison finds both edges.
    let at = group.xy * TILE + vec2(position % HALO_WIDTH, position / HALO_WIDTH) - 1u;
    let inside = i < K_BLOCKS * HALO && at.x < params.width && at.y < params.height;
    let from_src = (i / HALO * params.height + at.y) * params.width + at.x;
    return Place(select(OUTSIDE, from_src, inside), position * ROW + i / HALO);
}

fn find_places(group: vec3<u32>, index: u32) -> Places {
    return Places(
        place(group, index),
        place(group, index + 128u),
        place(group, index + 256u),
        place(group, index + 384u),
        place(group, index + 512u),
        place(group, index + 640u),
    );
}

// Where a place lies in src in K-tile `step`. Beyond its end outside the feature map, and beyond its last block.
fn index_of(at: Place, step: u32) -> u32 {
    return at.src + step * K_BLOCKS * params.width * params.height;
}

fn vectors_of_src() -> u32 {
    return (params.in_channels + 3u) / 4u * params.width * params.height;
}

// The vec4 at a place in K-tile `step`; some other where src has none, which `keep` takes away later. A load goes on
// beside the products until its value is used, and a test for zero right here would use it, or branch around it: six times a
// K-tile. On an NVIDIA H200 that is thought to have been half of the time of 8_halo; as it is now it was not measured yet.
fn fetch(at: Place, step: u32) -> vec4<f32> {
    return src[min(index_of(at, step), vectors_of_src() - 1u)];
}

// What was fetched, or zero where src has nothing. For when it is put into the halo.
fn keep(at: Place, step: u32, fetched: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), fetched, index_of(at, step) < vectors_of_src());
}

fn fetch_share(at: Places, step: u32) -> Share {
    return Share(
        fetch(at.p0, step),
        fetch(at.p1, step),
        fetch(at.p2, step),
        fetch(at.p3, step),
        fetch(at.p4, step),
        fetch(at.p5, step),
    );
}

// Whether the last vec4 of an invocation's share is one of the halo's.
fn has_sixth(index: u32) -> bool {
    return index + 640u < K_BLOCKS * HALO;
}

// What the epilogue multiplies sums by: the inverse of both scales. `end` is where the weights end.
fn unscale(bits: u32, end: u32) -> f32 {
    let of_weights = bitcast<f32>(u32(127.0 + f32(weights[end].x)) << 23u);
    return unscale_of(bits) * of_weights;
}

// The epilogue of two C, 16 positions from `corner` by 32 channels from block `block`, which lie in `results` from `first`:
// each lane takes one position, and every other block of channels.
fn finish(corner: vec2<u32>, block: u32, first: u32, lane: u32, scale: f32) {
    let at = corner + vec2(lane % 16u, 0u);
    for (var b = lane / 16u; b < 8u; b += 2u) {
        if at.x >= params.width || at.y >= params.height || block + b >= (params.out_channels + 3u) / 4u {
            continue;
        }
        var sum = results[first + lane % 16u * RESULT_ROW + b] * scale + bias[block + b];
        if RELU {
            // Not max(sum, 0), which may take NaN to 0: the scale makes all results NaN where an input is.
            sum = select(sum, vec4(0.0), sum < vec4(0.0));
        }
        let i = ((block + b) * params.height + at.y) * params.width + at.x;
        if ACCUMULATE {
            sum += dst[i];
        }
        dst[i] = sum;
    }
}
