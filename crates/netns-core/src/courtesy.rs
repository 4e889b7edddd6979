//! How the scheduler treats the crew's threads: as work that nobody has to make way for.

use std::cell::Cell;
use std::sync::OnceLock;

use nix::libc::{self, c_int};

thread_local! {
    static COURTEOUS: Cell<bool> = const { Cell::new(false) };
}

/// Has the calling thread, whenever it is woken, wait for whoever runs on its processor (`SCHED_BATCH`), now and for
/// the threads that it starts. Otherwise it takes the processor from the event loop that hands it a job, for as long as the
/// kernel works on that, as most kernels are not interrupted: the scheduler often leaves another one idle meanwhile.
///
/// Its share of the processor is what it was. A process that was given another policy keeps that.
pub(crate) fn give_way() {
    // Found out by the first member: those that it starts have its policy already.
    static USUAL: OnceLock<bool> = OnceLock::new();
    if *USUAL.get_or_init(is_usual) {
        COURTEOUS.set(set(libc::SCHED_BATCH));
    }
}

fn is_usual() -> bool {
    // SAFETY: it asks for a number, of the calling thread.
    unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) == libc::c_long::from(libc::SCHED_OTHER) }
}

/// Calls `f` without that, for what it starts: a program is not for us to slow down.
pub(crate) fn as_usual<R>(f: impl FnOnce() -> R) -> R {
    if !COURTEOUS.get() {
        return f();
    }
    let changed = set(libc::SCHED_OTHER);
    let result = f();
    if changed {
        set(libc::SCHED_BATCH);
    }
    result
}

/// Not by the C library, as musl's refuses. Whether it took: where that is forbidden nothing but the courtesy is lost.
fn set(policy: c_int) -> bool {
    let priority: c_int = 0;
    // SAFETY: the kernel reads one `struct sched_param`, which is a number.
    unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) == 0 }
}
