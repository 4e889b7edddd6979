//! Each number as the C library's headers have it.

use super::arch::{numbers as n, unified as u};

/// Each number with the C library's, for the test that compares them.
pub(crate) fn numbers() -> [(usize, libc::c_long); 39] {
    [
        (n::READ, libc::SYS_read),
        (n::WRITE, libc::SYS_write),
        (n::CLOSE, libc::SYS_close),
        (n::FSTAT, libc::SYS_fstat),
        (n::BRK, libc::SYS_brk),
        (n::RT_SIGACTION, libc::SYS_rt_sigaction),
        (n::RT_SIGPROCMASK, libc::SYS_rt_sigprocmask),
        (n::IOCTL, libc::SYS_ioctl),
        (n::GETPID, libc::SYS_getpid),
        (n::SOCKET, libc::SYS_socket),
        (n::SENDMSG, libc::SYS_sendmsg),
        (n::RECVMSG, libc::SYS_recvmsg),
        (n::GETEUID, libc::SYS_geteuid),
        (n::GETEGID, libc::SYS_getegid),
        (n::SETSID, libc::SYS_setsid),
        (n::EXECVE, libc::SYS_execve),
        (n::KILL, libc::SYS_kill),
        (n::FCNTL, libc::SYS_fcntl),
        (n::CHDIR, libc::SYS_chdir),
        (n::SETUID, libc::SYS_setuid),
        (n::SETGID, libc::SYS_setgid),
        (n::GETPPID, libc::SYS_getppid),
        (n::SETGROUPS, libc::SYS_setgroups),
        (n::CAPSET, libc::SYS_capset),
        (n::STATFS, libc::SYS_statfs),
        (n::PRCTL, libc::SYS_prctl),
        (n::MOUNT, libc::SYS_mount),
        (n::GETDENTS64, libc::SYS_getdents64),
        (n::EXIT_GROUP, libc::SYS_exit_group),
        (n::OPENAT, libc::SYS_openat),
        (n::UNSHARE, libc::SYS_unshare),
        (n::DUP3, libc::SYS_dup3),
        (n::SETNS, libc::SYS_setns),
        (u::OPEN_TREE, libc::SYS_open_tree),
        (u::MOVE_MOUNT, libc::SYS_move_mount),
        (u::FSOPEN, libc::SYS_fsopen),
        (u::FSCONFIG, libc::SYS_fsconfig),
        (u::FSMOUNT, libc::SYS_fsmount),
        (u::CLOSE_RANGE, libc::SYS_close_range),
    ]
}
