//! The system call instruction and the numbers, by architecture.

#[cfg(target_arch = "x86_64")]
pub mod numbers {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const FSTAT: usize = 5;
    pub const BRK: usize = 12;
    pub const RT_SIGACTION: usize = 13;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const IOCTL: usize = 16;
    pub const GETPID: usize = 39;
    pub const SOCKET: usize = 41;
    pub const SENDMSG: usize = 46;
    pub const RECVMSG: usize = 47;
    pub const CLONE: usize = 56;
    pub const EXECVE: usize = 59;
    pub const KILL: usize = 62;
    pub const FCNTL: usize = 72;
    pub const CHDIR: usize = 80;
    pub const SETUID: usize = 105;
    pub const SETGID: usize = 106;
    pub const GETEUID: usize = 107;
    pub const GETEGID: usize = 108;
    pub const GETPPID: usize = 110;
    pub const SETSID: usize = 112;
    pub const SETGROUPS: usize = 116;
    pub const CAPSET: usize = 126;
    pub const STATFS: usize = 137;
    pub const PRCTL: usize = 157;
    pub const MOUNT: usize = 165;
    pub const GETDENTS64: usize = 217;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
    pub const UNSHARE: usize = 272;
    pub const DUP3: usize = 292;
    pub const SETNS: usize = 308;
}

#[cfg(target_arch = "aarch64")]
pub mod numbers {
    pub const DUP3: usize = 24;
    pub const FCNTL: usize = 25;
    pub const IOCTL: usize = 29;
    pub const MOUNT: usize = 40;
    pub const STATFS: usize = 43;
    pub const CHDIR: usize = 49;
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const GETDENTS64: usize = 61;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const FSTAT: usize = 80;
    pub const CAPSET: usize = 91;
    pub const EXIT_GROUP: usize = 94;
    pub const UNSHARE: usize = 97;
    pub const KILL: usize = 129;
    pub const RT_SIGACTION: usize = 134;
    pub const RT_SIGPROCMASK: usize = 135;
    pub const SETGID: usize = 144;
    pub const SETUID: usize = 146;
    pub const SETSID: usize = 157;
    pub const SETGROUPS: usize = 159;
    pub const PRCTL: usize = 167;
    pub const GETPID: usize = 172;
    pub const GETPPID: usize = 173;
    pub const GETEUID: usize = 175;
    pub const GETEGID: usize = 177;
    pub const SOCKET: usize = 198;
    pub const SENDMSG: usize = 211;
    pub const RECVMSG: usize = 212;
    pub const BRK: usize = 214;
    pub const CLONE: usize = 220;
    pub const EXECVE: usize = 221;
    pub const SETNS: usize = 268;
}

/// The calls since 5.2 have one number everywhere.
pub mod unified {
    pub const OPEN_TREE: usize = 428;
    pub const MOVE_MOUNT: usize = 429;
    pub const FSOPEN: usize = 430;
    pub const FSCONFIG: usize = 431;
    pub const FSMOUNT: usize = 432;
    pub const CLOSE_RANGE: usize = 436;
}

/// open(2).
#[cfg(target_arch = "x86_64")]
pub const O_DIRECTORY: usize = 0o200_000;
/// open(2).
#[cfg(target_arch = "aarch64")]
pub const O_DIRECTORY: usize = 0o40_000;

/// One system call, without the C library: nothing is touched but what the call itself touches, not even `errno`, which
/// a child that still shares its parent's memory would share too.
///
/// # Safety
/// As the call's manual page: pointers must be valid for what it reads and writes.
#[inline]
pub unsafe fn syscall(number: usize, args: [usize; 5]) -> isize {
    let result: isize;
    // SAFETY: the instruction takes its arguments and gives its result in these registers and clobbers rcx and r11; the
    // caller vouches for the call itself.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    // SAFETY: as above, but that nothing else is clobbered.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") args[0] => result,
            in("x1") args[1],
            in("x2") args[2],
            in("x3") args[3],
            in("x4") args[4],
            options(nostack),
        );
    }
    result
}

/// `clone(2)` of a child with a stack of its own, on which it calls `entry` with `argument`. The C library's refuses some
/// flags (musl).
///
/// # Safety
/// As the manual page; `entry` never returns, and all it touches is there until it has executed or exited.
pub unsafe fn clone(
    flags: usize,
    stack: *mut u8,
    parent_word: *mut i32,
    child_word: *mut u32,
    entry: extern "C" fn(*mut core::ffi::c_void) -> !,
    argument: *mut core::ffi::c_void,
) -> isize {
    let result: isize;
    // SAFETY: as for `syscall` in the parent; the child is at once on its own stack, and never comes back.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") numbers::CLONE => result,
            in("rdi") flags,
            in("rsi") stack,
            in("rdx") parent_word,
            in("r10") child_word,
            in("r8") 0_usize,
            in("r12") entry,
            in("r13") argument,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    // SAFETY: as above; here the word for thread-local storage comes before the child's.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x21",
            "blr x20",
            "brk 1",
            "2:",
            in("x8") numbers::CLONE,
            inlateout("x0") flags => result,
            in("x1") stack,
            in("x2") parent_word,
            in("x3") 0_usize,
            in("x4") child_word,
            in("x20") entry,
            in("x21") argument,
            lateout("x30") _,
            options(nostack),
        );
    }
    result
}
