//! Where handles come from: paths, processes, threads.

use std::fs::{File, create_dir};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id as own_pid};
use std::sync::mpsc;
use std::time::Duration;

use netns_core::NetNs;
use nix::sys::stat::Mode;
use nix::unistd::{gettid, mkfifo};

use crate::common::{code, create, directory, drop_capabilities, eventually, here, id, isolated};

#[test]
fn from_path_follows_links() {
    let link = directory().join("link");
    symlink("/proc/self/ns/net", &link).expect("a link");
    assert_eq!(id(&NetNs::from_path(&link).expect("home")), id(&NetNs::home().expect("home")));
}

#[test]
fn i6_everything_else_is_refused_at_once_by_its_kind() {
    let scratch = directory();
    let at = |name: &str| scratch.join(name);
    File::create(at("plain")).expect("a file");
    create_dir(at("directory")).expect("a directory");
    mkfifo(&at("fifo"), Mode::S_IRWXU).expect("a FIFO");
    let _listening = UnixListener::bind(at("socket")).expect("a socket");
    let cases: [(PathBuf, &str); 11] = [
        (at("plain"), "a plain file"),
        (at("directory"), "a directory"),
        (at("fifo"), "a FIFO"),
        (at("socket"), "a socket"),
        ("/dev/null".into(), "a device"),
        ("/proc/cpuinfo".into(), "a plain file"),
        ("/proc/self/ns/mnt".into(), "a mount namespace"),
        ("/proc/self/ns/user".into(), "a user namespace"),
        ("/proc/self/ns/uts".into(), "a UTS namespace"),
        ("/proc/self/ns/ipc".into(), "an IPC namespace"),
        ("/proc/self/ns/pid".into(), "a PID namespace"),
    ];
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        for (path, kind) in cases {
            let error = NetNs::from_path(&path).expect_err("no network namespace");
            assert_eq!(error.code(), "ERR_NETNS_NOT_NAMESPACE", "{error}");
            assert_eq!(error.path(), Some(path.as_path()));
            assert!(error.to_string().contains(&format!("is {kind}, not a network namespace")), "{error}");
        }
        done.send(()).expect("the test waits");
    });
    wait.recv_timeout(Duration::from_secs(20)).expect("nothing blocks, and every case is told by its kind");
}

#[test]
fn from_path_tells_what_is_missing() {
    let missing = directory().join("missing");
    let error = NetNs::from_path(&missing).expect_err("nothing there");
    assert_eq!((error.code().as_str(), error.syscall(), error.path()), ("ENOENT", Some("stat"), Some(&*missing)));
    assert_eq!(code(NetNs::from_path("")), "ENOENT");
    assert_eq!(code(NetNs::from_path(Path::new("/proc/cpuinfo/x"))), "ENOTDIR");
    assert_eq!(code(NetNs::from_path("x".repeat(5000))), "ENAMETOOLONG");
}

#[test]
fn from_pid_is_the_main_threads_namespace() {
    let other = create();
    let mut child =
        other.run(|| Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().expect("a child")).expect("inside");
    let found = NetNs::from_pid(child.id());
    child.kill().expect("our child");
    // Not reaped yet: a zombie has no namespaces.
    while !std::fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("a zombie").contains(") Z ") {
        std::thread::yield_now();
    }
    assert_eq!(code(NetNs::from_pid(child.id())), "ESRCH");
    child.wait().expect("its end");
    assert_eq!(id(&found.expect("its namespace")), id(&other));
    assert_eq!(code(NetNs::from_pid(child.id())), "ESRCH");
}

#[test]
fn from_thread_tells_threads_of_one_process_apart() {
    let other = create();
    let (send_tid, tid) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let thread = other
        .spawn(move || {
            send_tid.send(gettid().as_raw().cast_unsigned()).expect("the test waits");
            let _dropped = ended.recv();
        })
        .expect("a thread inside");
    let tid = tid.recv().expect("a thread id");
    assert_eq!(id(&NetNs::from_thread(own_pid(), tid).expect("the thread's")), id(&other));
    assert_eq!(id(&NetNs::from_pid(own_pid()).expect("the process's")).to_string(), here());
    let error = NetNs::from_pid(tid).expect_err("a thread is no process");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("fromThread")), "{error}");
    drop(end);
    thread.join().expect("no panic");
    assert!(eventually(|| code(NetNs::from_thread(own_pid(), tid)) == "ESRCH"));
    assert_eq!(code(NetNs::from_thread(own_pid(), 1)), "ESRCH");
}

#[test]
fn impossible_pids_are_typed_errors() {
    isolated();
    for pid in [0, u32::MAX, i32::MAX.cast_unsigned()] {
        let error = NetNs::from_pid(pid).expect_err("no such process");
        assert!(["EINVAL", "ESRCH"].contains(&error.code().as_str()), "{error}");
        assert_eq!(error.syscall(), Some("pidfd_open"));
    }
}

#[test]
fn processes_of_others_are_told_with_the_missing_capability() {
    isolated();
    let refused = std::thread::spawn(|| {
        drop_capabilities();
        NetNs::from_pid(1)
    });
    let error = refused.join().expect("no panic").expect_err("init is not ours to look into");
    assert_eq!(error.code(), "EACCES");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("CAP_SYS_PTRACE")), "{error}");
}
