//! Arguments from a file that names this program as its interpreter: nothing else is started on the way.

use core::ffi::CStr;

use crate::failure::Failure;
use crate::sys;
use crate::sys::errno::EINVAL;

/// The arguments, with the words of the file in place of `-f FILE`: they come behind its first line, each ended by a NUL.
/// `arguments` are this program's name, the two that are replaced, what else was given, and a null pointer.
///
/// # Errors
/// `EINVAL` for a file without words; as open(2), read(2), brk(2).
pub fn expand(arguments: &[*const u8], file: &CStr) -> Result<&'static mut [*const u8], Failure> {
    let failed = |step| move |errno| Failure::new(step, errno).at(file);
    let script = sys::open(None, file, 0).map_err(failed("open"))?;
    let text = sys::bytes(sys::size(&script).map_err(failed("fstat"))?).map_err(failed("brk"))?;
    let mut length = 0;
    while let Some(rest) = text.get_mut(length..) {
        match sys::read(&script, rest).map_err(failed("read"))? {
            0 => break,
            more => length += more,
        }
    }
    let words = text.iter().position(|byte| *byte == b'\n').and_then(|end| text.get(end + 1..length));
    let words = words.filter(|words| words.ends_with(b"\0")).ok_or(failed("arguments")(EINVAL))?;
    let [name, _option, _file, others @ ..] = arguments else { return Err(failed("arguments")(EINVAL)) };
    let words = words.split_inclusive(|byte| *byte == 0).map(<[u8]>::as_ptr);
    let all = core::iter::once(*name).chain(words).chain(others.iter().copied());
    let slots = sys::pointers(all.clone().count()).map_err(failed("brk"))?;
    for (slot, argument) in slots.iter_mut().zip(all) {
        *slot = argument;
    }
    Ok(slots)
}
