//! Names, under iproute2's protocol.

use std::fs::{File, OpenOptions, create_dir, create_dir_all, metadata, read, read_to_string, write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use netns_core::{Kind, NetNs, Registry};
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};

use crate::common::{code, create, directory, drop_capabilities, here, id, name, registry};

fn mounts_at(path: &Path) -> Vec<String> {
    let table = read_to_string("/proc/thread-self/mountinfo").expect("a /proc");
    let wanted = path.display().to_string();
    table.lines().filter(|line| line.split(' ').nth(4) == Some(&wanted)).map(str::to_owned).collect()
}

fn bind(from: &str, to: &Path) {
    mount(Some(from), to, Some("none"), MsFlags::MS_BIND, None::<&str>).expect("a mount");
}

/// A file as a crash between two steps of `create` leaves it.
fn leftover(path: &Path, mode: u32) {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path).expect("a file");
}

fn age(path: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    let file = File::open(path).expect("a file");
    file.set_times(std::fs::FileTimes::new().set_modified(then)).expect("its own file");
}

#[test]
fn i5_the_directory_becomes_a_shared_mount_once() {
    let registry = registry();
    for each in ["a", "b", "c"] {
        registry.create(&name(each), true).expect(each);
    }
    let mounts = mounts_at(registry.directory());
    assert_eq!(mounts.len(), 1, "{mounts:?}");
    assert!(mounts[0].contains(" shared:"), "{mounts:?}");
    let mode = metadata(registry.directory()).expect("a directory").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn create_names_it_and_moves_nobody() {
    let (home, registry) = (here(), registry());
    let created = registry.create(&name("red"), true).expect("a name");
    assert_eq!(here(), home);
    assert_eq!(id(&registry.open(&name("red")).expect("the name")), id(&created));
    assert_eq!(id(&NetNs::from_path(registry.directory().join("red")).expect("the path")), id(&created));
    assert_eq!(code(registry.create(&name("red"), true)), "EEXIST");
}

#[test]
fn names_are_opened_in_directories_of_every_length() {
    let namespace = create();
    let longest = "x".repeat(255);
    // The path of the longest name ends on either side of where paths are put together otherwise.
    for length in [1, 2, 100, 255] {
        let registry = Registry::new(directory().join("y".repeat(length)));
        create_dir_all(registry.directory()).expect("a directory");
        for each in ["a", &longest] {
            registry.attach(&name(each), &namespace).expect(each);
            assert_eq!(id(&registry.open(&name(each)).expect(each)), id(&namespace));
            let missing = registry.open(&name(&each.replacen('x', "w", 1).replace('a', "b"))).expect_err("no name");
            assert_eq!(missing.code(), "ENOENT");
            assert_eq!(missing.path().and_then(Path::parent), Some(registry.directory()));
        }
    }
    assert_eq!(code(Registry::new("/run/\0").open(&name("red"))), "EINVAL");
}

#[test]
fn i6_a_name_outlives_its_handle_and_a_handle_its_name() {
    let registry = registry();
    let before = id(&registry.create(&name("red"), true).expect("a name"));
    let handle = registry.open(&name("red")).expect("the name");
    assert_eq!(id(&handle), before);
    registry.delete(&name("red"), false).expect("deleted");
    assert_eq!(code(registry.open(&name("red"))), "ENOENT");
    assert_eq!(handle.run(here).expect("inside"), before.to_string());
}

#[test]
fn attach_gives_further_names() {
    let (registry, namespace) = (registry(), create());
    for each in ["one", "two"] {
        registry.attach(&name(each), &namespace).expect(each);
    }
    let mut names = registry.names_of(&namespace).expect("names");
    names.sort();
    assert_eq!(names, [name("one"), name("two")]);
    assert_eq!(registry.names_of(&create()).expect("names"), []);
}

#[test]
fn delete_tells_what_is_missing() {
    let registry = registry();
    let error = registry.delete(&name("red"), false).expect_err("no directory yet");
    assert_eq!(error.code(), "ENOENT");
    assert_eq!(error.path(), Some(registry.directory().join("red").as_path()));
}

#[test]
fn i6_home_is_deleted_only_by_force() {
    let (registry, home) = (registry(), NetNs::home().expect("home"));
    registry.attach(&name("home"), &home).expect("a name");
    let error = registry.delete(&name("home"), false).expect_err("it is home");
    assert_eq!(error.kind(), &Kind::Home);
    symlink("home", registry.directory().join("link")).expect("a link");
    let error = registry.delete(&name("link"), false).expect_err("it leads home");
    assert_eq!(error.kind(), &Kind::Home);
    registry.open(&name("link")).expect("both are still there");
    registry.delete(&name("home"), true).expect("forced");
}

#[test]
fn i4_leftovers_of_ours_are_adopted_at_once_and_of_others_when_old() {
    let registry = registry();
    registry.create(&name("first"), true).expect("the directory");
    let at = |file: &str| registry.directory().join(file);
    leftover(&at("ours"), 0o400);
    registry.create(&name("ours"), true).expect("adopted");
    // Another program may be about to mount here: iproute2's files have no permissions at all.
    leftover(&at("theirs"), 0o000);
    assert_eq!(code(registry.create(&name("theirs"), true)), "EEXIST");
    leftover(&at("old"), 0o600);
    age(&at("old"), 60);
    registry.create(&name("old"), true).expect("adopted");
    for each in ["ours", "old"] {
        registry.open(&name(each)).expect(each);
    }
}

#[test]
fn i4_leftovers_are_listed_apart_and_deleted() {
    let registry = registry();
    registry.create(&name("good"), true).expect("a name");
    leftover(&registry.directory().join("stale"), 0o000);
    let listing = registry.list().expect("a listing");
    assert_eq!(listing.namespaces.iter().map(|named| &named.name).collect::<Vec<_>>(), [&name("good")]);
    assert_eq!(listing.stale, [name("stale")]);
    let error = registry.open(&name("stale")).expect_err("no namespace");
    assert_eq!(error.code(), "ERR_NETNS_NOT_NAMESPACE");
    registry.delete(&name("stale"), false).expect("deleted");
    assert_eq!(registry.list().expect("a listing").stale, []);
}

#[test]
fn i4_without_privileges_a_failed_attach_leaves_nothing() {
    let registry = registry();
    registry.create(&name("first"), true).expect("the directory");
    let namespace = create();
    let (directory, other) = (registry.clone(), namespace.clone());
    let refused = std::thread::spawn(move || {
        drop_capabilities();
        let refused = directory.attach(&name("red"), &other);
        (refused, directory.delete(&name("first"), false))
    });
    let (attached, deleted) = refused.join().expect("no panic");
    assert_eq!(code(attached), "EPERM");
    let deleted = deleted.expect_err("a mount of others");
    assert_eq!((deleted.code().as_str(), deleted.syscall()), ("EPERM", Some("umount2")));
    assert!(!registry.directory().join("red").exists());
    registry.open(&name("first")).expect("it is still there");
}

#[test]
fn delete_unstacks_several_mounts() {
    let registry = registry();
    registry.create(&name("red"), true).expect("a name");
    let path = registry.directory().join("red");
    for _ in 0..3 {
        bind("/proc/self/ns/net", &path);
    }
    assert_eq!(mounts_at(&path).len(), 4);
    registry.delete(&name("red"), true).expect("deleted");
    assert_eq!(mounts_at(&path).len(), 0);
    assert!(!path.exists());
}

#[test]
fn of_a_symbolic_link_only_the_link_goes() {
    let registry = registry();
    let target = directory().join("precious");
    let namespace = create();
    File::create(&target).expect("a file");
    registry.create(&name("first"), true).expect("the directory");
    registry.attach(&name("target"), &namespace).expect("a name");
    for (link, to) in [("file", target.as_path()), ("name", Path::new("target")), ("nowhere", Path::new("/nowhere"))] {
        symlink(to, registry.directory().join(link)).expect("a link");
    }
    assert_eq!(id(&registry.open(&name("name")).expect("through the link")), id(&namespace));
    let listing = registry.list().expect("a listing");
    assert!(listing.namespaces.iter().any(|named| named.name == name("name") && named.identity == id(&namespace)));
    for link in ["file", "name", "nowhere"] {
        registry.delete(&name(link), false).expect(link);
    }
    assert!(target.exists());
    assert_eq!(id(&registry.open(&name("target")).expect("still there")), id(&namespace));
}

#[test]
fn what_is_neither_namespace_nor_leftover_is_not_touched() {
    let registry = registry();
    create_dir_all(registry.directory()).expect("a directory");
    write(registry.directory().join("data"), "precious").expect("a file");
    create_dir(registry.directory().join("folder")).expect("a directory");
    for (each, kind) in [("data", "a plain file"), ("folder", "a directory")] {
        let error = registry.delete(&name(each), true).expect_err(each);
        assert_eq!(error.code(), "ERR_NETNS_NOT_NAMESPACE");
        assert!(error.to_string().contains(kind), "{error}");
        assert_eq!(code(registry.create(&name(each), true)), "EEXIST");
    }
    assert_eq!(read(registry.directory().join("data")).expect("the file"), b"precious");
}

#[test]
fn other_kinds_of_namespaces_are_not_listed() {
    let registry = registry();
    registry.create(&name("good"), true).expect("a name");
    let path = registry.directory().join("uts");
    leftover(&path, 0o400);
    bind("/proc/self/ns/uts", &path);
    assert_eq!(registry.list().expect("a listing").stale, [name("uts")]);
    assert_eq!(code(registry.open(&name("uts"))), "ERR_NETNS_NOT_NAMESPACE");
    assert_eq!(code(registry.create(&name("uts"), true)), "EEXIST");
    assert_eq!(mounts_at(&path).len(), 1);
}

#[test]
fn i5_the_lock_of_others_is_waited_for() {
    let registry = registry();
    registry.create(&name("first"), true).expect("the directory");
    let directory: OwnedFd = File::open(registry.directory()).expect("a directory").into();
    let lock = Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, errno)| errno).expect("the lock");
    let (done, wait) = mpsc::channel();
    let waiting = registry.clone();
    std::thread::spawn(move || done.send(waiting.create(&name("second"), true)).expect("the test waits"));
    assert!(wait.recv_timeout(Duration::from_millis(100)).is_err(), "it did not wait for the lock");
    assert_eq!(registry.list().expect("a listing").namespaces.len(), 1);
    drop(lock);
    wait.recv_timeout(Duration::from_secs(20)).expect("released").expect("created");
}

#[test]
fn the_listing_of_no_directory_is_empty_and_of_a_file_an_error() {
    assert_eq!(registry().list().expect("a listing").namespaces, []);
    let file = directory().join("file");
    File::create(&file).expect("a file");
    assert_eq!(code(Registry::new(&file).list()), "ENOTDIR");
    assert_eq!(code(Registry::new(&file).create(&name("red"), true)), "EEXIST");
    assert_eq!(code(Registry::new("/proc/nowhere").create(&name("red"), true)), "ENOENT");
}
