//! Names by other means than the library's, and what both say of them.

use std::fs::{File, read_dir};
use std::path::Path;

use netns_core::{Identity, NetNs, Registry};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::common::{directory, id, in_child, is_child};

/// Whether this is the test in a process and with mounts of its own, where it runs again: as any change of mounts has all
/// names checked anew, tests that run beside it would hide what it is about.
pub fn is_alone(test: &str) -> bool {
    if !is_child() {
        let output = in_child(test, &["unshare", "--mount"]);
        let said = String::from_utf8_lossy(&output.stdout);
        // A name that no test has would be a success, too.
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    is_child()
}

/// A registry in a directory that is no mount of its own, as the tests change its mounts in one way or another.
pub fn registry() -> Registry {
    Registry::new(directory())
}

pub fn bind(from: impl AsRef<Path>, to: &Path) {
    mount(Some(from.as_ref()), to, Some("none"), MsFlags::MS_BIND, None::<&str>).expect("a mount");
}

pub fn unmount(path: &Path) {
    umount2(path, MntFlags::MNT_DETACH).expect("a mount");
}

/// A file of that name with the namespace mounted over it, by other means than the library's.
pub fn put(path: &Path, namespace: &NetNs) {
    File::create(path).expect("a file");
    namespace.run(|| bind("/proc/thread-self/ns/net", path)).expect("inside");
}

/// What the library lists: names with their namespaces, and stale ones.
pub fn listed(registry: &Registry) -> Vec<(String, Option<Identity>)> {
    let listing = registry.list().expect("a listing");
    let namespaces = listing.namespaces.iter().map(|named| (named.name.to_string(), Some(named.identity)));
    let mut all: Vec<_> = namespaces.chain(listing.stale.iter().map(|name| (name.to_string(), None))).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// What there is, by opening each name.
pub fn opened(directory: &Path) -> Vec<(String, Option<Identity>)> {
    let mut all: Vec<_> = read_dir(directory)
        .expect("a directory")
        .flatten()
        .map(|entry| {
            let identity = NetNs::from_path(entry.path()).ok().map(|namespace| id(&namespace));
            (entry.file_name().display().to_string(), identity)
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

pub fn assert_right(registry: &Registry) {
    assert_eq!(listed(registry), opened(registry.directory()));
}
