//! The capabilities of the calling thread ([capget(2)](https://man7.org/linux/man-pages/man2/capget.2.html)).

use nix::libc;

const VERSION_3: u32 = 0x2008_0522;
const SYS_ADMIN: u32 = 21;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn has(capability: u32) -> bool {
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut data = [Data::default(); 2];
    // SAFETY: version 3 reads one header and writes two data records, and both pointers are valid for that.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
    result == 0 && data[0].effective & (1 << capability) != 0
}

/// Whether the thread may enter and make namespaces, as far as its own user namespace goes.
pub(crate) fn has_sys_admin() -> bool {
    has(SYS_ADMIN)
}
