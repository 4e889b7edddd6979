//! Who a thread is and what it may do: of this thread only, which the C library's calls are not.

use super::arch::{numbers, syscall};
use super::{Result, check, plain};

/// prctl(2) with numbers.
///
/// # Errors
/// As its manual page.
pub fn process_control(option: usize, values: [usize; 2]) -> Result<usize> {
    plain(numbers::PRCTL, [option, values[0], values[1], 0, 0])
}

/// The effective user: geteuid(2).
#[must_use]
pub fn user() -> u32 {
    plain(numbers::GETEUID, [0; 5]).map_or(u32::MAX, |id| u32::try_from(id).unwrap_or(u32::MAX))
}

/// The effective group: getegid(2).
#[must_use]
pub fn group() -> u32 {
    plain(numbers::GETEGID, [0; 5]).map_or(u32::MAX, |id| u32::try_from(id).unwrap_or(u32::MAX))
}

/// setgroups(2), of this thread only, which the C library's is not.
///
/// # Errors
/// `EPERM`.
pub fn set_groups(groups: &[u32]) -> Result<()> {
    // SAFETY: the kernel reads as many group ids as the slice has.
    check(unsafe { syscall(numbers::SETGROUPS, [groups.len(), groups.as_ptr() as usize, 0, 0, 0]) }).map(drop)
}

/// setgid(2), of this thread only.
///
/// # Errors
/// `EPERM`.
pub fn set_group(id: u32) -> Result<()> {
    plain(numbers::SETGID, [id as usize, 0, 0, 0, 0]).map(drop)
}

/// setuid(2), of this thread only.
///
/// # Errors
/// `EPERM`, `EAGAIN`.
pub fn set_user(id: u32) -> Result<()> {
    plain(numbers::SETUID, [id as usize, 0, 0, 0, 0]).map(drop)
}

/// capset(2): the same effective, permitted and inheritable sets.
///
/// # Errors
/// `EPERM`.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of the set")]
pub fn set_capabilities(set: u64) -> Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let (low, high) = (set as u32, (set >> 32) as u32);
    let data = [low, low, low, high, high, high];
    // SAFETY: version 3 reads a header of two words and two records of three words.
    let result = unsafe { syscall(numbers::CAPSET, [header.as_ptr() as usize, data.as_ptr() as usize, 0, 0, 0]) };
    check(result).map(drop)
}
