//! Having a user namespace without privileges, and why there may be none.

use std::fs::read_to_string;

/// What to do where a user namespace, or a network in it, was refused.
pub(crate) fn advice() -> &'static str {
    let is = |file: &str, value: &str| read_to_string(file).is_ok_and(|found| found.trim() == value);
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts user namespaces here: allow this program by a profile with `userns,`, or set the sysctl \
         kernel.apparmor_restrict_unprivileged_userns to 0."
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "User namespaces are off for ordinary users: set the sysctl kernel.unprivileged_userns_clone to 1."
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "User namespaces are off: set the sysctl user.max_user_namespaces above 0."
    } else if under_seccomp() {
        SECCOMP
    } else {
        "User namespaces are refused here: run as root, or on a kernel with CONFIG_USER_NS."
    }
}

pub(crate) const SECCOMP: &str = "A seccomp filter stands in the way, as in most containers: give the container CAP_SYS_ADMIN and \
                       CAP_NET_ADMIN, as by --cap-add, or a profile that allows unshare and setns.";

/// Whether a filter looks at this process's system calls.
pub(crate) fn under_seccomp() -> bool {
    read_to_string("/proc/thread-self/status").is_ok_and(|status| {
        status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2"))
    })
}
