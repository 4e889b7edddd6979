//! `NetNs` itself: identity, equality, cookie, owner, descriptors.

use std::fs::File;
use std::os::fd::AsFd;

use netns_core::NetNs;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::common::{code, create, directory, drop_capabilities, here, id, isolated};

#[test]
fn current_is_the_threads_own_and_home_the_processs() {
    let (home, other) = (NetNs::home().expect("home"), create());
    assert_eq!(id(&NetNs::current().expect("current")), id(&home));
    let (current, seen_home) =
        other.run(|| (id(&NetNs::current().expect("current")), id(&NetNs::home().expect("home")))).expect("inside");
    assert_eq!(current, id(&other));
    assert_eq!(seen_home, id(&home));
}

#[test]
fn identity_is_what_the_kernel_writes() {
    isolated();
    let current = NetNs::current().expect("current");
    assert_eq!(id(&current).to_string(), here());
}

#[test]
fn same_is_about_the_namespace_not_the_descriptor() {
    let (a, b) = (create(), create());
    let again = NetNs::from_fd(&a).expect("a second handle");
    assert!(a.is_same(&again).expect("identities"));
    assert!(a.is_same(&a.clone()).expect("identities"));
    assert!(!a.is_same(&b).expect("identities"));
}

#[test]
fn i6_a_handle_pins_its_namespace() {
    let pinned = create();
    let (before, cookie) = (id(&pinned), pinned.cookie().expect("a cookie"));
    for _ in 0..20 {
        assert_ne!(id(&create()), before, "a pinned inode was given out again");
    }
    assert_eq!(pinned.run(here).expect("inside"), before.to_string());
    assert_eq!(NetNs::from_fd(&pinned).expect("a handle").cookie().expect("a cookie"), cookie);
}

#[test]
fn cookies_differ_and_need_no_privilege_at_home() {
    let (a, b) = (create(), create());
    let known = a.cookie().expect("a cookie").expect("Linux 5.14");
    assert_ne!(Some(known), b.cookie().expect("a cookie"));
    assert_eq!(NetNs::from_fd(&a).expect("a handle").cookie().expect("a cookie"), Some(known));
    let without = std::thread::spawn(move || {
        drop_capabilities();
        let other = NetNs::from_fd(&a).expect("a handle");
        (NetNs::current().expect("current").cookie(), other.cookie())
    });
    let (own, other) = without.join().expect("no panic");
    assert!(own.expect("its own cookie").is_some());
    assert_eq!(code(other), "EPERM");
}

#[test]
fn owner_is_the_user_namespace_that_made_it() {
    let link = std::fs::read_link("/proc/self/ns/user").expect("a /proc");
    let owner = create().owner().expect("an owner");
    assert_eq!(owner.user_namespace, link.display().to_string());
}

#[test]
fn i7_descriptors_are_close_on_exec() {
    let namespace = create();
    let duplicate = namespace.try_clone_fd().expect("a duplicate");
    for fd in [namespace.as_fd(), duplicate.as_fd()] {
        let flags = fcntl(fd, FcntlArg::F_GETFD).expect("flags");
        assert!(FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC));
    }
}

#[test]
fn from_fd_takes_only_network_namespaces() {
    let plain = File::create(directory().join("plain")).expect("a file");
    let error = NetNs::from_fd(&plain).expect_err("no namespace");
    assert_eq!(error.code(), "ERR_NETNS_NOT_NAMESPACE");
    assert!(error.to_string().contains("a plain file, not a network namespace"), "{error}");
    let user = File::open("/proc/self/ns/user").expect("a user namespace");
    assert!(NetNs::from_fd(&user).expect_err("another kind").to_string().contains("a user namespace"));
}
