//! Listings, which must be right however the names changed since the last one.

use std::fs::{File, create_dir_all, read_dir, remove_file, rename};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use netns_core::{Anchor, Identity, NetNs, Registry};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

use crate::common::{create, directory, id, in_child, is_child, isolated, name};

/// Whether this is the test in a process and with mounts of its own, where it runs again: as any change of mounts has all
/// names checked anew, tests that run beside it would hide what it is about.
fn is_alone(test: &str) -> bool {
    if !is_child() {
        let output = in_child(&format!("listing::{test}"), &["unshare", "--mount"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    is_child()
}

/// A registry in a directory that is no mount of its own, as the tests change its mounts in one way or another.
fn registry() -> Registry {
    Registry::new(directory())
}

fn bind(from: impl AsRef<Path>, to: &Path) {
    mount(Some(from.as_ref()), to, Some("none"), MsFlags::MS_BIND, None::<&str>).expect("a mount");
}

fn unmount(path: &Path) {
    umount2(path, MntFlags::MNT_DETACH).expect("a mount");
}

/// A file of that name with the namespace mounted over it, by other means than the library's.
fn put(path: &Path, namespace: &NetNs) {
    File::create(path).expect("a file");
    namespace.run(|| bind("/proc/thread-self/ns/net", path)).expect("inside");
}

/// What the library lists: names with their namespaces, and stale ones.
fn listed(registry: &Registry) -> Vec<(String, Option<Identity>)> {
    let listing = registry.list().expect("a listing");
    let namespaces = listing.namespaces.iter().map(|named| (named.name.to_string(), Some(named.identity)));
    let mut all: Vec<_> = namespaces.chain(listing.stale.iter().map(|name| (name.to_string(), None))).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// What there is, by opening each name.
fn opened(directory: &Path) -> Vec<(String, Option<Identity>)> {
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

fn assert_right(registry: &Registry) {
    assert_eq!(listed(registry), opened(registry.directory()));
}

/// A thread with mounts of its own, which do not propagate, and what it is told to do there.
struct Elsewhere {
    orders: Sender<Box<dyn FnOnce() + Send>>,
    thread: JoinHandle<()>,
    /// Its `/` as others see it.
    root: PathBuf,
}

impl Elsewhere {
    fn new() -> Self {
        Self::receiving(MsFlags::MS_PRIVATE)
    }

    /// Whose mounts follow ours (`MS_SLAVE`) or do not.
    fn receiving(propagation: MsFlags) -> Self {
        isolated();
        let (orders, work) = channel::<Box<dyn FnOnce() + Send>>();
        let (tell, told) = channel();
        let thread = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNS).expect("root");
            let recursive = propagation | MsFlags::MS_REC;
            mount(None::<&str>, "/", None::<&str>, recursive, None::<&str>).expect("mounts of its own");
            tell.send(gettid()).expect("the test waits");
            for order in work {
                order();
            }
        });
        let root = format!("/proc/self/task/{}/root", told.recv().expect("a thread")).into();
        Self { orders, thread, root }
    }

    fn does<T: Send + 'static>(&self, order: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        let order = Box::new(move || tell.send(order()).expect("the test waits"));
        self.orders.send(order).expect("it listens");
        told.recv().expect("no panic")
    }

    fn ends(self) {
        drop(self.orders);
        self.thread.join().expect("no panic");
    }
}

#[test]
fn a_second_listing_is_as_the_first() {
    if !is_alone("a_second_listing_is_as_the_first") {
        return;
    }
    let registry = registry();
    for each in ["a", "b", "c"] {
        registry.create(&name(each), true).expect(each);
    }
    File::create(registry.directory().join("plain")).expect("a file");
    let first = listed(&registry);
    assert_eq!(first, opened(registry.directory()));
    assert_eq!(listed(&registry), first);
    assert_eq!(first.iter().filter(|(_, identity)| identity.is_some()).count(), 3);
}

#[test]
fn a_name_that_was_given_to_another_namespace_is_that_one() {
    if !is_alone("a_name_that_was_given_to_another_namespace_is_that_one") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let path = registry.directory().join("red");
    put(&path, &one);
    assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
    // The file stays the same one.
    unmount(&path);
    other.run(|| bind("/proc/thread-self/ns/net", &path)).expect("inside");
    assert_eq!(listed(&registry), [("red".into(), Some(id(&other)))]);
    // One mount more, over the one that is known.
    one.run(|| bind("/proc/thread-self/ns/net", &path)).expect("inside");
    assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
    unmount(&path);
    assert_eq!(listed(&registry), [("red".into(), Some(id(&other)))]);
}

#[test]
fn a_name_whose_namespace_was_unmounted_is_stale_and_one_that_was_stale_may_be_a_namespace() {
    if !is_alone("a_name_whose_namespace_was_unmounted_is_stale_and_one_that_was_stale_may_be_a_namespace") {
        return;
    }
    let (registry, namespace) = (registry(), create());
    let path = registry.directory().join("red");
    put(&path, &namespace);
    assert_eq!(listed(&registry), [("red".into(), Some(id(&namespace)))]);
    unmount(&path);
    assert_eq!(listed(&registry), [("red".into(), None)]);
    bind("/proc/thread-self/ns/uts", &path);
    assert_eq!(listed(&registry), [("red".into(), None)]);
    unmount(&path);
    remove_file(&path).expect("no mount");
    put(&path, &namespace);
    assert_eq!(listed(&registry), [("red".into(), Some(id(&namespace)))]);
}

#[test]
fn a_mount_that_is_moved_goes_with_its_new_name() {
    if !is_alone("a_mount_that_is_moved_goes_with_its_new_name") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let [a, b, spare] = ["a", "b", "spare"].map(|each| registry.directory().join(each));
    put(&a, &one);
    put(&b, &other);
    File::create(&spare).expect("a file");
    assert_right(&registry);
    for (from, to) in [(&a, &spare), (&b, &a), (&spare, &b)] {
        mount(Some(from), to, Some("none"), MsFlags::MS_MOVE, None::<&str>).expect("a private mount");
        assert_right(&registry);
    }
    assert_eq!(listed(&registry)[..2], [("a".into(), Some(id(&other))), ("b".into(), Some(id(&one)))]);
}

#[test]
fn a_file_that_is_renamed_where_it_is_no_mount_takes_its_mount_along() {
    if !is_alone("a_file_that_is_renamed_where_it_is_no_mount_takes_its_mount_along") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let [a, b, c] = ["a", "b", "c"].map(|each| registry.directory().join(each));
    put(&a, &one);
    put(&b, &other);
    assert_right(&registry);
    let elsewhere = Elsewhere::new();
    let paths = (a.clone(), b.clone(), c);
    elsewhere.does(move || {
        let (a, b, c) = paths;
        unmount(&a);
        unmount(&b);
        rename(&a, &c).expect("no mount here");
        rename(&b, &a).expect("no mount here");
        rename(&c, &b).expect("no mount here");
    });
    assert_eq!(listed(&registry), [("a".into(), Some(id(&other))), ("b".into(), Some(id(&one)))]);
    elsewhere.ends();
}

#[test]
fn each_mount_namespace_has_names_of_its_own() {
    if !is_alone("each_mount_namespace_has_names_of_its_own") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let path = registry.directory().join("red");
    put(&path, &one);
    let elsewhere = Elsewhere::new();
    let there = Registry::new(elsewhere.root.join(registry.directory().strip_prefix("/").expect("absolute")));
    let (at, theirs) = (path.clone(), registry.clone());
    let listed_there = move || listed(&theirs);
    assert_eq!(listed(&registry), listed(&there));
    assert_eq!(elsewhere.does(listed_there.clone()), listed(&there));
    elsewhere.does(move || unmount(&at));
    for _ in 0..2 {
        assert_eq!(listed(&there), [("red".into(), None)]);
        assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
        assert_eq!(elsewhere.does(listed_there.clone()), [("red".into(), None)]);
    }
    let (at, inside) = (path.clone(), other.clone());
    elsewhere.does(move || inside.run(|| bind("/proc/thread-self/ns/net", &at)).expect("inside"));
    for _ in 0..2 {
        assert_eq!(listed(&there), [("red".into(), Some(id(&other)))]);
        assert_eq!(elsewhere.does(listed_there.clone()), [("red".into(), Some(id(&other)))]);
        assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
    }
    elsewhere.ends();
}

#[test]
fn what_is_mounted_elsewhere_and_arrives_here_is_noticed() {
    if !is_alone("what_is_mounted_elsewhere_and_arrives_here_is_noticed") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let path = registry.directory().join("red");
    // As iproute2 does, so that names reach containers.
    registry.create(&name("first"), true).expect("a shared directory");
    put(&path, &one);
    let elsewhere = Elsewhere::receiving(MsFlags::MS_SLAVE);
    let expect = |identity| {
        for _ in 0..2 {
            let theirs = registry.clone();
            assert_eq!(elsewhere.does(move || listed(&theirs))[1], ("red".into(), identity));
        }
    };
    expect(Some(id(&one)));
    unmount(&path);
    expect(None);
    other.run(|| bind("/proc/thread-self/ns/net", &path)).expect("inside");
    expect(Some(id(&other)));
    elsewhere.ends();
}

#[test]
fn a_directory_that_is_covered_by_another_has_the_names_of_that() {
    if !is_alone("a_directory_that_is_covered_by_another_has_the_names_of_that") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let covering = directory();
    put(&registry.directory().join("red"), &one);
    put(&covering.join("red"), &other);
    assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
    mount(Some(&covering), registry.directory(), Some("none"), MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .expect("a mount");
    assert_eq!(listed(&registry), [("red".into(), Some(id(&other)))]);
    unmount(registry.directory());
    assert_eq!(listed(&registry), [("red".into(), Some(id(&one)))]);
}

#[test]
fn a_link_is_followed_each_time() {
    if !is_alone("a_link_is_followed_each_time") {
        return;
    }
    let (registry, one, other) = (registry(), create(), create());
    let elsewhere = Elsewhere::new();
    symlink(elsewhere.root.with_file_name("ns/net"), registry.directory().join("link")).expect("a link");
    for namespace in [one, other] {
        let identity = id(&namespace);
        elsewhere.does(move || Anchor::here().and_then(|anchor| anchor.move_to(&namespace)).expect("root"));
        assert_eq!(listed(&registry), [("link".into(), Some(identity))]);
        assert_eq!(listed(&registry), [("link".into(), Some(identity))]);
    }
    elsewhere.ends();
}

#[test]
fn listings_within_a_visit_and_of_several_threads_are_right() {
    if !is_alone("listings_within_a_visit_and_of_several_threads_are_right") {
        return;
    }
    let registries = [registry(), registry()];
    for registry in &registries {
        for number in 0..20 {
            registry.create(&name(&format!("name-{number}")), true).expect("a name");
        }
    }
    registries[0].visit(|_, _| assert_right(&registries[0])).expect("a listing");
    let right = registries.each_ref().map(|registry| opened(registry.directory()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for turn in 0..100 {
                    assert_eq!(listed(&registries[turn % 2]), right[turn % 2]);
                }
            });
        }
    });
}

#[test]
fn whatever_happens_between_two_listings_they_are_right() {
    if !is_alone("whatever_happens_between_two_listings_they_are_right") {
        return;
    }
    let (registry, namespaces) = (registry(), [create(), create(), create()]);
    let path = |number: u32| registry.directory().join(format!("name-{}", number % 8));
    create_dir_all(registry.directory()).expect("a directory");
    let mut random = 0x2545_f491_u32;
    let mut next = move || {
        // Marsaglia's xorshift: the same steps each time.
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random
    };
    for _ in 0..600 {
        let (at, other, namespace) = (path(next()), path(next()), &namespaces[next() as usize % 3]);
        // Most can fail, as what they are about may not be there.
        let _maybe = match next() % 7 {
            0 | 1 => File::create_new(&at).map(drop).is_ok(),
            2 | 3 if at.exists() => {
                namespace.run(|| bind("/proc/thread-self/ns/net", &at)).expect("inside");
                true
            }
            4 => umount2(&at, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).is_ok(),
            5 => remove_file(&at).is_ok(),
            6 => rename(&at, &other).is_ok(),
            _ => other.exists() && mount(Some(&at), &other, Some("none"), MsFlags::MS_MOVE, None::<&str>).is_ok(),
        };
        assert_right(&registry);
    }
}
