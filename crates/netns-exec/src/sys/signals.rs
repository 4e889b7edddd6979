//! Signals, those of the C library's own included.

use super::arch::{numbers, syscall};

/// Every signal as at a process's start, none blocked: `rt_sigaction(2)`, `rt_sigprocmask(2)`.
pub fn reset_signals() {
    // A kernel's sigaction with SIG_DFL is all zeros on every architecture, and four words at most.
    let default = [0_usize; 4];
    for signal in 1..=64_usize {
        // SAFETY: the kernel reads one sigaction and writes none; it refuses SIGKILL and SIGSTOP.
        let _refused =
            unsafe { syscall(numbers::RT_SIGACTION, [signal, default.as_ptr() as usize, 0, size_of::<u64>(), 0]) };
    }
    let _old = block_signals(0);
}

/// Sets which signals wait, all 64 of them, with no exception for those the C library keeps for itself; gives what was.
#[must_use]
pub fn block_signals(set: u64) -> u64 {
    const SIG_SETMASK: usize = 2;
    let mut old = 0_u64;
    let args = [SIG_SETMASK, &raw const set as usize, &raw mut old as usize, size_of::<u64>(), 0];
    // SAFETY: the kernel reads one set of 64 signals and writes another.
    let _never_fails = unsafe { syscall(numbers::RT_SIGPROCMASK, args) };
    old
}
