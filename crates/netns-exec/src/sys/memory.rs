//! Memory for a program without an allocator, for as long as it runs.

use core::mem::size_of;
use core::slice::from_raw_parts_mut;

use super::arch::numbers;
use super::errno::ENOMEM;
use super::{Result, plain};

/// Bytes of nought.
///
/// # Errors
/// `ENOMEM`.
pub fn bytes(count: usize) -> Result<&'static mut [u8]> {
    let first = grow(count)?;
    // SAFETY: the kernel gave that many bytes of nought, which nobody else knows of.
    Ok(unsafe { from_raw_parts_mut(first.cast::<u8>(), count) })
}

/// Null pointers.
///
/// # Errors
/// `ENOMEM`.
pub fn pointers(count: usize) -> Result<&'static mut [*const u8]> {
    let first = grow(count * size_of::<usize>())?;
    // SAFETY: the kernel gave that many words of nought, aligned, which nobody else knows of.
    Ok(unsafe { from_raw_parts_mut(first.cast::<*const u8>(), count) })
}

/// brk(2), which tells where the end is, whether or not it moved.
fn grow(size: usize) -> Result<*mut usize> {
    let first = plain(numbers::BRK, [0; 5])?.next_multiple_of(size_of::<usize>());
    let end = first + size;
    if plain(numbers::BRK, [end, 0, 0, 0, 0])? < end {
        return Err(ENOMEM);
    }
    Ok(core::ptr::with_exposed_provenance_mut(first))
}
