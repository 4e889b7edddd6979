//! What this machine can do.

use netns_core::probe;

use crate::common::{
    drop_capabilities, eventually, here, hide_owners_of_sockets, in_child, is_child, open_descriptors, registry, strays,
};

#[test]
fn everything_works_where_the_tests_run_and_nothing_is_left() {
    if is_child() {
        let (home, before) = (here(), open_descriptors());
        let found = probe(&registry());
        assert!(found.open.is_ok(), "{found:?}");
        assert!(found.create.is_ok(), "{found:?}");
        assert!(found.create_named.is_ok(), "{found:?}");
        assert!(found.enter.is_ok(), "{found:?}");
        assert!(found.configure.is_ok(), "{found:?}");
        assert!(strays(&home).is_empty());
        // Home, the helper and what waits for children stay open from their first use on.
        assert!(eventually(|| open_descriptors() <= before + 3));
        return;
    }
    let output = in_child("probe::everything_works_where_the_tests_run_and_nothing_is_left", &[]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_is_missing_is_told_with_its_remedy() {
    let registry = registry();
    let found = std::thread::spawn(move || {
        drop_capabilities();
        probe(&registry)
    });
    let found = found.join().expect("no panic");
    assert!(found.open.is_ok());
    assert!(found.create.is_ok(), "{found:?}");
    assert!(found.configure.is_ok(), "{found:?}");
    assert!(found.reach.is_ok(), "{found:?}");
    for ability in [found.create_named, found.enter] {
        let error = ability.expect_err("no capability");
        assert_eq!(error.code(), "EPERM");
        assert!(error.remedy().is_some_and(|remedy| remedy.contains("CAP_SYS_ADMIN")), "{error}");
    }
}

#[test]
fn a_mount_namespace_of_others_stops_only_names() {
    if is_child() {
        let found = probe(&registry());
        assert!(found.create.is_ok(), "{found:?}");
        assert!(found.enter.is_ok(), "{found:?}");
        let error = found.create_named.expect_err("mounts are not ours");
        assert!(error.to_string().contains("CAP_SYS_ADMIN over the mount namespace"), "{error}");
        return;
    }
    let output = in_child("probe::a_mount_namespace_of_others_stops_only_names", &["unshare", "-Urn"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn nothing_is_reached_where_the_kernel_does_not_tell_whose_a_socket_is() {
    let registry = registry();
    let found = std::thread::spawn(move || {
        hide_owners_of_sockets();
        probe(&registry)
    });
    let found = found.join().expect("no panic");
    assert!(found.create.is_ok() && found.enter.is_ok(), "{found:?}");
    let error = found.reach.expect_err("a socket could be anybody's");
    assert_eq!(error.code(), "ENOSYS");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("whose a socket is")), "{error}");
}
