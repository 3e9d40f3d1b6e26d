//! What the system is told about our memory: that what was freed may go back, since reading a large configuration leaves
//! far more behind than it keeps; and that what is large and looked at here and there wants large pages.

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

/// An empty vector with room for `len`, its memory on large pages where it is large and the system gives them. With a
/// million objects hardly any lookup of an address is near the processor, and each that is not is waited for.
pub fn vec_on_large_pages<T>(len: usize) -> Vec<T> {
    let vec: Vec<T> = Vec::with_capacity(len);
    #[cfg(target_os = "linux")]
    want_large_pages(vec.as_ptr().addr(), len * size_of::<T>());
    vec
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "advice on memory is given by address")]
fn want_large_pages(begin: usize, bytes: usize) {
    const LARGE: usize = 2 << 20;
    let first = begin.next_multiple_of(LARGE);
    let last = (begin + bytes) / LARGE * LARGE;
    if last <= first {
        return;
    }
    // SAFETY: the whole pages between `first` and `last` lie within an allocation of the caller's. The advice changes no
    // content and no right; where it cannot be followed the call fails and nothing is different.
    unsafe {
        libc::madvise(
            std::ptr::without_provenance_mut(first),
            last - first,
            libc::MADV_HUGEPAGE,
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_vectors_are_vectors() {
        let mut large = vec_on_large_pages::<u64>(1 << 20);
        assert!(large.is_empty() && 1 << 20 <= large.capacity());
        large.extend(0..1 << 20);
        assert_eq!(large.iter().sum::<u64>(), (1 << 20) * ((1 << 20) - 1) / 2);
        assert!(vec_on_large_pages::<u64>(0).is_empty());
    }
}
