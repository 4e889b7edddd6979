//! A name that iproute2 would take too.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

use crate::error::{Error, Kind, Result};

/// `NAME_MAX` of `linux/limits.h`, in bytes.
const LONGEST: usize = 255;

/// The name of a network namespace: a file name of at most 255 bytes that is neither `.` nor `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(OsString);

impl Name {
    /// Checks a name by iproute2's rules.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE`, saying which rule it breaks.
    pub fn new(name: impl Into<OsString>) -> Result<Self> {
        let name = name.into();
        check(&name)?;
        Ok(Self(name))
    }
}

/// Checks a name by iproute2's rules.
pub(super) fn check(name: &OsStr) -> Result<()> {
    let bytes = name.as_bytes();
    let rule = match bytes {
        b"" => "a name cannot be empty",
        b"." | b".." => "a name cannot be . or ..",
        _ if bytes.contains(&b'/') => "a name cannot contain a slash",
        _ if bytes.contains(&0) => "a name cannot contain a NUL",
        _ if bytes.len() > LONGEST => "a name cannot be longer than 255 bytes",
        _ => return Ok(()),
    };
    let attempt = format!("use '{}' as the name of a network namespace", name.display());
    Err(Error::new(Kind::InvalidName { rule }, attempt))
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl Deref for Name {
    type Target = OsStr;

    fn deref(&self) -> &OsStr {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_iproute2_takes() {
        for name in ["red", "a b", "...", "-", "é", &"x".repeat(255)] {
            assert_eq!(name.parse::<Name>().expect(name).to_string(), name);
        }
    }

    #[test]
    fn refuses_what_iproute2_refuses() {
        for name in ["", ".", "..", "a/b", "/", "a\0b", &"x".repeat(256), &"é".repeat(128)] {
            let error = name.parse::<Name>().expect_err(name);
            assert_eq!(error.code(), "ERR_INVALID_ARG_VALUE");
        }
    }
}
