//! The size of a device's memory, where its API reports it.

/// Bytes of the device's largest dedicated heap; `None` where the API does not report it. wgpu has no call for it, so Vulkan
/// is queried directly.
#[cfg(any(windows, target_os = "linux", target_os = "android"))]
pub(super) fn device_memory(adapter: &wgpu::Adapter) -> Option<u64> {
    /// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`.
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the adapter outlives the guard, and reading properties changes nothing.
    let heaps = unsafe {
        let vulkan = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
        let instance = vulkan.shared_instance().raw_instance();
        instance.get_physical_device_memory_properties(vulkan.raw_physical_device())
    };
    let own = heaps.memory_heaps.iter().take(heaps.memory_heap_count as usize);
    own.filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0).map(|heap| heap.size).max()
}

/// As above, on systems without Vulkan.
#[cfg(not(any(windows, target_os = "linux", target_os = "android")))]
pub(super) fn device_memory(_adapter: &wgpu::Adapter) -> Option<u64> {
    None
}
