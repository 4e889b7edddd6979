//! Listings, which must be right however the names changed since the last one.

use std::fs::{File, create_dir_all, remove_file, rename};
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::common::{create, directory, id, name};
use crate::names::{assert_right, bind, is_alone, listed, opened, put, registry, unmount};

#[test]
fn a_second_listing_is_as_the_first() {
    if !is_alone("listing::a_second_listing_is_as_the_first") {
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
    if !is_alone("listing::a_name_that_was_given_to_another_namespace_is_that_one") {
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
    if !is_alone("listing::a_name_whose_namespace_was_unmounted_is_stale_and_one_that_was_stale_may_be_a_namespace") {
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
    if !is_alone("listing::a_mount_that_is_moved_goes_with_its_new_name") {
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
fn a_directory_that_is_covered_by_another_has_the_names_of_that() {
    if !is_alone("listing::a_directory_that_is_covered_by_another_has_the_names_of_that") {
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
fn listings_within_a_visit_and_of_several_threads_are_right() {
    if !is_alone("listing::listings_within_a_visit_and_of_several_threads_are_right") {
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
    if !is_alone("listing::whatever_happens_between_two_listings_they_are_right") {
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
