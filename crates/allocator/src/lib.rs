//! The system's allocator behind calls that the optimiser does not look through.
//!
//! In wasm the default allocator is Rust code like any other, and link-time optimisation over the whole
//! program inlines its release of memory into functions that took it. LLVM knows of such memory how
//! large it is and that nothing else points into it, and the allocator's note of the size lies just
//! before it: outside, by those rules, so that reading it may give anything. The engine then ended with
//! `psize >= size + min_overhead` while it scaled its first picture, in some builds and not in others.
//! Calls that are never inlined keep both sides apart. `docs/decisions/0022-opaque-allocator.md` has
//! what was found.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator; a program takes it with `#[global_allocator]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opaque;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Opaque {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller guarantees what `System` asks for, which is the same.
        unsafe { System.alloc(layout) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the memory came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline(never)]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; the memory came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Opaque = Opaque;

    #[test]
    fn memory_grows_shrinks_and_keeps_what_is_in_it() {
        let mut values = vec![0_u32; 3];
        assert_eq!(values, [0; 3]);
        values.extend(1..1000);
        values.truncate(5);
        values.shrink_to_fit();
        assert_eq!(values, [0, 0, 0, 1, 2]);
    }
}
