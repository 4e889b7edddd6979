//! `netns-exec`: runs a program in a network namespace, for callers that start programs themselves.
//!
//! ```text
//! netns-exec [option…] -- file [argument…]
//!   -n PATH      join the network namespace at PATH
//!   -i DEV:INO   … if it is the one of that device and inode
//!   -d FD        join the network namespace of an open descriptor
//!   -l           bring lo up
//!   -e DIR       cover /etc by the entries of DIR, in a mount namespace of its own
//!   -s           a /sys of this network, in a mount namespace of its own
//!   -C DIR       the working directory
//!   -g ID,ID     supplementary groups
//!   -G ID        group
//!   -u ID        user
//!   -c HEX       the capabilities that are left; 0 leaves none and sets no_new_privs
//!   -b           die with the parent
//!   -r FD        tell failures there, as `step errno path`, and not on standard error
//!   -x FD        close that when the program runs, as the descriptor of -d is
//!   -0 NAME      the program's zeroth argument, which is the file otherwise
//! netns-exec -f FILE [argument…]
//!                the words of FILE in place of these two, which come behind its first line, each ended by a NUL: for
//!                files whose first line is `#!/path/to/netns-exec -f`
//! netns-exec -B  serve requests on descriptor 0: see `broker`
//! ```
//! Where the caller may not enter a network, it goes by way of the user namespace that owns it.
//! It exits with 127 if the program was not found, with 126 if anything else failed, after telling what.
#![no_std]
#![no_main]
#![allow(dead_code, reason = "the library's other user needs the rest")]
#![allow(clippy::result_large_err, reason = "as for the library")]

mod broker;
mod credentials;
mod etc;
mod failure;
mod line;
mod program;
mod script;
mod setup;
mod start;
mod sys;
mod sysfs;

use core::ffi::CStr;

use credentials::{Credentials, Groups};
use failure::Failure;
use line::Line;
use setup::{Join, Setup};
use sys::errno::{EINVAL, ENOENT};

/// Everything after the program's own name: what to do, and where in the arguments the file is.
struct Request<'a> {
    setup: Setup<'a>,
    report: Option<i32>,
    zeroth: Option<&'static CStr>,
    file: usize,
}

fn main(arguments: &mut [*const u8], environment: *const *const u8) -> usize {
    if text(arguments, 1) == c"-B" {
        return broker::serve();
    }
    if text(arguments, 1) != c"-f" {
        return run(arguments, environment);
    }
    match script::expand(arguments, text(arguments, 2)) {
        Ok(arguments) => run(arguments, environment),
        Err(failure) => tell(None, &failure),
    }
}

fn run(arguments: &mut [*const u8], environment: *const *const u8) -> usize {
    let mut groups = [0_u32; 64];
    let request = match read(arguments, &mut groups) {
        Ok(request) => request,
        Err(failure) => return tell(None, &failure),
    };
    let report = request.report;
    if let Some(number) = report {
        // That it closes tells the parent that the program runs.
        close_on_exec(number);
    }
    if let Err(failure) = request.setup.apply() {
        return tell(report, &failure);
    }
    let first = request.file;
    let file = text(arguments, first);
    let path = variable(environment, b"PATH=").unwrap_or(program::DEFAULT_PATH);
    if let (Some(zeroth), Some(slot)) = (request.zeroth, arguments.get_mut(first)) {
        *slot = zeroth.as_ptr().cast();
    }
    // The slot before the file held the `--` and is free now.
    let slots = arguments.get_mut(first - 1..).unwrap_or_default();
    // SAFETY: both arrays are those the kernel gave this process.
    let failure = unsafe { program::run(file, path, slots, environment) };
    tell(report, &failure)
}

fn read<'a>(arguments: &[*const u8], groups: &'a mut [u32; 64]) -> Result<Request<'a>, Failure> {
    let invalid = |option: &CStr| Failure::new("arguments", EINVAL).at(option);
    let mut request = Request {
        setup: Setup {
            join: Join::Stay,
            loopback: false,
            etc: None,
            sysfs: false,
            directory: None,
            credentials: Credentials::default(),
            parent: None,
        },
        report: None,
        zeroth: None,
        file: 0,
    };
    let mut identity = None;
    let mut count = None;
    let mut at = 1;
    loop {
        let option = text(arguments, at);
        let value = text(arguments, at + 1);
        let decimal = || number(value.to_bytes(), 10).ok_or(invalid(option));
        let setup = &mut request.setup;
        let mut takes = 2;
        match option.to_bytes() {
            b"-n" => setup.join = Join::Path { path: value, identity: None },
            b"-i" => identity = Some(pair(value).ok_or(invalid(option))?),
            b"-d" => {
                let number = decimal()?.cast_signed();
                close_on_exec(number);
                setup.join = Join::Descriptor(number);
            }
            b"-e" => setup.etc = Some(value),
            b"-C" => setup.directory = Some(value),
            b"-g" => count = Some(list(value, groups).ok_or(invalid(option))?),
            b"-G" => setup.credentials.gid = Some(decimal()?),
            b"-u" => setup.credentials.uid = Some(decimal()?),
            b"-c" => setup.credentials.capabilities = Some(wide(value.to_bytes(), 16).ok_or(invalid(option))?),
            b"-x" => close_on_exec(decimal()?.cast_signed()),
            b"-0" => request.zeroth = Some(value),
            b"-r" => request.report = Some(decimal()?.cast_signed()),
            flag => {
                takes = 1;
                match flag {
                    b"-l" => setup.loopback = true,
                    b"-s" => setup.sysfs = true,
                    b"-b" => setup.parent = Some(sys::parent()),
                    b"--" if !value.is_empty() => break,
                    _ => return Err(invalid(option)),
                }
            }
        }
        at += takes;
    }
    request.file = at + 1;
    if let Join::Path { path, .. } = request.setup.join {
        request.setup.join = Join::Path { path, identity };
    }
    let credentials = &mut request.setup.credentials;
    credentials.groups = match count {
        Some(count) => Groups::Set(groups.get(..count).unwrap_or_default()),
        None if credentials.uid.is_some() || credentials.gid.is_some() => Groups::Drop,
        None => Groups::Keep,
    };
    Ok(request)
}

/// It must not reach the program.
fn close_on_exec(number: i32) {
    const F_SETFD: usize = 2;
    let _not_open = sys::control(number, F_SETFD, 1);
}

fn text(arguments: &[*const u8], at: usize) -> &'static CStr {
    match arguments.get(at) {
        // SAFETY: the kernel's arguments end in a NUL and stay where they are while the process lives.
        Some(pointer) if !pointer.is_null() => unsafe { CStr::from_ptr(pointer.cast()) },
        _ => c"",
    }
}

fn variable(environment: *const *const u8, name: &[u8]) -> Option<&'static [u8]> {
    let mut at = environment;
    loop {
        // SAFETY: the null pointer that ends the array has not been passed.
        let pointer = unsafe { *at };
        if pointer.is_null() {
            return None;
        }
        // SAFETY: as in `text`.
        let found = unsafe { CStr::from_ptr(pointer.cast()) }.to_bytes();
        if let Some(value) = found.strip_prefix(name) {
            return Some(value);
        }
        // SAFETY: as this was not the null pointer, there is a next one.
        at = unsafe { at.add(1) };
    }
}

fn wide(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(u64::from(radix))?.checked_add(u64::from(char::from(*digit).to_digit(radix)?))
    })
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    wide(digits, radix).and_then(|value| u32::try_from(value).ok())
}

fn pair(value: &CStr) -> Option<(u64, u64)> {
    let bytes = value.to_bytes();
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    Some((wide(bytes.get(..colon)?, 10)?, wide(bytes.get(colon + 1..)?, 10)?))
}

fn list(value: &CStr, groups: &mut [u32; 64]) -> Option<usize> {
    let mut count = 0;
    for part in value.to_bytes().split(|byte| *byte == b',').filter(|part| !part.is_empty()) {
        *groups.get_mut(count)? = number(part, 10)?;
        count += 1;
    }
    Some(count)
}

/// Tells a failure where it is wanted.
fn tell(report: Option<i32>, failure: &Failure) -> usize {
    let mut line = Line::default();
    if report.is_none() {
        line.push(b"netns-exec: ");
    }
    line.push(failure.step.as_bytes());
    line.push(b" ");
    line.push_number(failure.errno.unsigned_abs());
    line.push(b" ");
    line.push(failure.path());
    line.push(b"\n");
    let _nobody_listens = sys::write(report.unwrap_or(2), line.bytes());
    if failure.step == "execve" && failure.errno == ENOENT { 127 } else { 126 }
}
