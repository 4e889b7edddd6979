//! What the tests share.

use std::env;
use std::fs::{create_dir_all, read_dir, read_link};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use netns_core::{Error, Identity, Name, NetNs, Registry};
use nix::errno::Errno;
use nix::libc;

const CHILD: &str = "NETNS_TEST_CHILD";

/// Fails on a machine that is not ours to soil.
pub fn isolated() {
    assert!(
        env::var_os("NETNS_ISOLATED").is_some(),
        "these tests run in namespaces of their own: start them with `npm test`"
    );
}

/// An empty directory of this test's own, on the private `/run`.
pub fn directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    isolated();
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(format!("/run/netns-core-{}-{unique}", std::process::id()));
    create_dir_all(&path).expect("a private /run is writable");
    path
}

/// A registry whose directory does not exist yet.
pub fn registry() -> Registry {
    Registry::new(directory().join("names"))
}

pub fn name(text: &str) -> Name {
    text.parse().expect("a good name")
}

pub fn create() -> NetNs {
    isolated();
    NetNs::create(true).expect("a new namespace")
}

pub fn id(namespace: &NetNs) -> Identity {
    namespace.identity().expect("an identity")
}

/// Where the calling thread is, by the kernel's own word.
pub fn here() -> String {
    read_link("/proc/thread-self/ns/net").expect("a /proc").display().to_string()
}

/// Where the threads of this process are that are not at `home`.
pub fn strays(home: &str) -> Vec<String> {
    read_dir("/proc/self/task")
        .expect("a /proc")
        .flatten()
        .filter_map(|task| read_link(task.path().join("ns/net")).ok())
        .map(|link| link.display().to_string())
        .filter(|link| link != home)
        .collect()
}

/// Waits for what the kernel does in its own time: a joined thread is seen in `/proc` for a moment longer.
pub fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        if Instant::now() > until {
            return false;
        }
        sleep(Duration::from_millis(1));
    }
    true
}

pub fn open_descriptors() -> usize {
    read_dir("/proc/self/fd").expect("a /proc").count()
}

pub fn code<T>(result: Result<T, Error>) -> String {
    result.err().map_or_else(|| "no error".into(), |error| error.code())
}

/// True in a process that [`in_child`] started for this test.
pub fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs one test of this binary again, alone, in a process of its own started by `wrapper`.
pub fn in_child(test: &str, wrapper: &[&str]) -> Output {
    command(test, wrapper).output().expect("this binary starts")
}

/// As [`in_child`], to be started by the caller.
pub fn command(test: &str, wrapper: &[&str]) -> Command {
    isolated();
    let program = env::current_exe().expect("a path of this binary");
    let mut words = wrapper.iter().map(Into::into).chain([program.into_os_string()]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    command
}

/// Gives up every capability of the calling thread, and of no other.
pub fn drop_capabilities() {
    let header = [0x2008_0522_u32, 0];
    let nothing = [0_u32; 6];
    // SAFETY: version 3 reads a header of two words and two data records of three words, and both live long enough.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), nothing.as_ptr()) };
    Errno::result(result).expect("capabilities can always be given up");
}

/// Takes the kernel's two answers to whose a socket is from this thread, as emulators of Linux do not have them.
pub fn hide_owners_of_sockets() {
    const SO_NETNS_COOKIE: u32 = 71;
    const SIOCGSKNS: u32 = 0x894c;
    /// Where `struct seccomp_data` has the second and the third argument, its lower half first.
    const ARGUMENTS: [u32; 2] = [24, 32];
    let step = |code: u32, if_true, if_false, k| libc::sock_filter {
        code: u16::try_from(code).expect("codes are short"),
        jt: if_true,
        jf: if_false,
        k,
    };
    let load = |offset| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let is = |value, if_true, if_false| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, if_true, if_false, value);
    let is_call = |number, if_true, if_false| is(u32::try_from(number).expect("it is small"), if_true, if_false);
    let answer = |value| step(libc::BPF_RET | libc::BPF_K, 0, 0, value);
    let mut steps = [
        load(0),
        is_call(libc::SYS_ioctl, 0, 2),
        load(ARGUMENTS[0]),
        is(SIOCGSKNS, 3, 4),
        is_call(libc::SYS_getsockopt, 0, 3),
        load(ARGUMENTS[1]),
        is(SO_NETNS_COOKIE, 0, 1),
        answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let len = u16::try_from(steps.len()).expect("they are few");
    let filter = libc::sock_fprog { len, filter: steps.as_mut_ptr() };
    // SAFETY: the filter and its steps live until the kernel has copied them, and its length is theirs.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) };
    Errno::result(result).expect("a thread with capabilities may have filters");
}
