//! A `/sys` that shows this network, with everything that was mounted under the old one.

use core::ffi::CStr;

use crate::failure::Failure;
use crate::sys::{self, Fd};

const SYSFS_MAGIC: u64 = 0x6265_6572;
const ST_RDONLY: u64 = 1;
const MOUNT_ATTR_RDONLY: usize = 1;
const MOUNT_ATTR_NOSUID: usize = 2;
const MOUNT_ATTR_NODEV: usize = 4;
const MOUNT_ATTR_NOEXEC: usize = 8;

/// Mounts a sysfs of this thread's network over `/sys`, then carries over each mount below the old one: cgroups,
/// `debugfs`, `bpffs`. The old one stays underneath, where nothing finds it. A `/sys` that is no sysfs is left alone.
///
/// # Errors
/// `EPERM` if this process's user namespace does not own the network; as the calls of the new mount interface.
pub(crate) fn mount() -> Result<(), Failure> {
    let sys = c"/sys";
    let failed = |step| move |errno| Failure::new(step, errno).at(c"/sys");
    let (kind, flags) = sys::file_system(sys).map_err(failed("statfs"))?;
    if kind != SYSFS_MAGIC {
        return Ok(());
    }
    let read_only = if flags & ST_RDONLY == 0 { 0 } else { MOUNT_ATTR_RDONLY };
    let old = sys::open(None, sys, sys::O_DIRECTORY | sys::O_PATH).map_err(failed("openat"))?;
    let mut top = 0;
    each_mount(|mount| {
        if mount.point == b"/sys" {
            top = mount.id;
        }
        Ok(())
    })?;
    let new = sys::new_mount(c"sysfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | read_only)
        .map_err(failed("fsmount"))?;
    sys::attach(&new, None, sys).map_err(failed("move_mount"))?;
    each_mount(|mount| if mount.parent == top { carry_over(&old, mount.point) } else { Ok(()) })
}

fn carry_over(old: &Fd, point: &[u8]) -> Result<(), Failure> {
    let mut buffer = [0_u8; 512];
    let path = unescape(point, &mut buffer);
    // `/sys/` is five bytes; what follows is the same path within the old mount.
    let Some(inside) = path.to_bytes_with_nul().get(5..).and_then(|rest| CStr::from_bytes_with_nul(rest).ok()) else {
        return Ok(());
    };
    let tree = sys::copy_tree(old, inside).map_err(|errno| Failure::new("open_tree", errno).at(path))?;
    sys::attach(&tree, None, path).map_err(|errno| Failure::new("move_mount", errno).at(path))
}

/// The part of a line of mountinfo that matters here.
struct Mount<'a> {
    id: u32,
    parent: u32,
    point: &'a [u8],
}

/// Calls `f` with each mount of this process's namespace, in the order of `proc_pid_mountinfo(5)`.
fn each_mount(mut f: impl FnMut(&Mount<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    let path = c"/proc/self/mountinfo";
    let failed = |step| move |errno| Failure::new(step, errno).at(c"/proc/self/mountinfo");
    let file = sys::open(None, path, 0).map_err(failed("openat"))?;
    let mut buffer = [0_u8; 8192];
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let more = sys::read(&file, room).map_err(failed("read"))?;
        if more == 0 {
            return Ok(());
        }
        filled += more;
        let mut start = 0;
        while let Some(rest) = buffer.get(start..filled)
            && let Some(length) = rest.iter().position(|byte| *byte == b'\n')
        {
            if let Some(mount) = rest.get(..length).and_then(parse) {
                f(&mount)?;
            }
            start += length + 1;
        }
        // A line longer than the buffer is none of /sys: it is dropped in pieces that do not parse.
        if start == 0 && filled == buffer.len() {
            start = filled;
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
    }
}

/// `36 35 98:0 /root /point options…`
fn parse(line: &[u8]) -> Option<Mount<'_>> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    Some(Mount { id, parent, point: fields.nth(2)? })
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

/// Turns `\040` back into the byte it stands for.
fn unescape<'a>(escaped: &[u8], buffer: &'a mut [u8; 512]) -> &'a CStr {
    let mut length = 0;
    let mut rest = escaped;
    while let [byte, tail @ ..] = rest
        && length + 1 < buffer.len()
    {
        let (byte, tail) = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                ((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), tail)
            }
            _ => (*byte, tail),
        };
        buffer[length] = byte;
        length += 1;
        rest = tail;
    }
    buffer[length] = 0;
    CStr::from_bytes_until_nul(buffer).unwrap_or_default()
}
