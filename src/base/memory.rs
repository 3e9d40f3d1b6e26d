//! Memory that was freed, back to the system. Reading a large configuration leaves far more behind than it keeps.

/// Gives back what is free between what is in use; glibc would keep it for the life of the process.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "nix has no malloc_trim")]
pub fn give_back() {
    // SAFETY: takes a plain number, locks each arena itself, and only touches pages that no allocation uses.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators do so by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
