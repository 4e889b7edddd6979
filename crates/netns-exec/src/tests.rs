//! The numbers that are written out here are those of the C library's headers.

use crate::sys;

#[test]
fn constants_are_those_of_the_headers() {
    assert_eq!(sys::O_DIRECTORY, usize::try_from(libc::O_DIRECTORY).unwrap_or_default());
    assert_eq!(sys::O_PATH, usize::try_from(libc::O_PATH).unwrap_or_default());
    assert_eq!(sys::O_CLOEXEC, usize::try_from(libc::O_CLOEXEC).unwrap_or_default());
    assert_eq!(sys::errno::ESTALE, libc::ESTALE);
    assert_eq!(sys::errno::ETIMEDOUT, libc::ETIMEDOUT);
    assert_eq!(sys::errno::ENAMETOOLONG, libc::ENAMETOOLONG);
    assert_eq!(sys::errno::ENOSYS, libc::ENOSYS);
}

#[test]
fn system_call_numbers_are_those_of_the_headers() {
    for (ours, theirs) in sys::headers::numbers() {
        assert_eq!(i64::try_from(ours).unwrap_or_default(), theirs);
    }
}
