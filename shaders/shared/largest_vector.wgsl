// The largest magnitude, as bits, of four vec4: vec4 i and those 256, 512 and 768 behind it, as far as they exist.
fn largest_of_four(i: u32) -> u32 {
    let most = max(max(magnitude(i), magnitude(i + 256u)), max(magnitude(i + 512u), magnitude(i + 768u)));
    return max(max(most.x, most.y), max(most.z, most.w));
}

fn magnitude(i: u32) -> vec4<u32> {
    if i < (params.count + 3u) / 4u {
        return bitcast<vec4<u32>>(abs(src[i]));
    }
    return vec4(0u);
}
