//! The way in: bytes of one file to a [`Tutorial`].

use crate::Tutorial;
use crate::page::Page;
use crate::steps;

/// The largest tutorial that [`parse`] reads.
pub const TEXT_BYTES_MAX: usize = 100 * 1024;

/// Why a file could not be read as a tutorial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is larger than the limit.
    #[error("`{file}` has {bytes} bytes, {limit} are allowed")]
    TooLarge {
        /// The file's name.
        file: String,
        /// Its size.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// The file is not UTF-8.
    #[error("`{file}` is not UTF-8: line {line}, byte {offset} of the file is 0x{byte:02x}")]
    NotUtf8 {
        /// The file's name.
        file: String,
        /// The line of the first wrong byte, from 1.
        line: u32,
        /// Its offset from the start of the file, from 0.
        offset: usize,
        /// The byte itself.
        byte: u8,
    },
    /// The file is UTF-16 by its byte order mark.
    #[error("`{file}` is UTF-16 (its first bytes are a UTF-16 byte order mark), not UTF-8")]
    Utf16 {
        /// The file's name.
        file: String,
    },
}

impl ReadError {
    /// What to do about it, for a line of its own.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "split the page, or raise the limit for tutorials",
            Self::NotUtf8 { .. } => "save the file as UTF-8, for example: iconv -f LATIN1 -t UTF-8",
            Self::Utf16 { .. } => "save the file as UTF-8, for example: iconv -f UTF-16 -t UTF-8",
        }
    }
}

/// Reads a tutorial of at most [`TEXT_BYTES_MAX`] bytes.
///
/// `file` is the name that reports use; nothing is opened.
///
/// ```
/// let page = "# Hello\n\nRun it:\n\n```console\n$ echo hello\nhello\n```\n";
/// let tutorial = smile_tutorial::parse("hello.md", page.as_bytes())?;
/// assert_eq!(tutorial.steps[0].lines, smile_tutorial::Lines::one(6));
/// # Ok::<(), smile_tutorial::ReadError>(())
/// ```
pub fn parse(file: &str, bytes: &[u8]) -> Result<Tutorial, ReadError> {
    parse_with_limit(file, bytes, TEXT_BYTES_MAX)
}

/// Reads a tutorial of at most `limit` bytes.
pub fn parse_with_limit(file: &str, bytes: &[u8], limit: usize) -> Result<Tutorial, ReadError> {
    let text = decode(file, bytes, limit)?;
    Ok(steps::tutorial(file, text, &Page::read(text)))
}

/// The text without a byte order mark.
fn decode<'a>(file: &str, bytes: &'a [u8], limit: usize) -> Result<&'a str, ReadError> {
    if bytes.len() > limit {
        return Err(ReadError::TooLarge { file: file.to_owned(), bytes: bytes.len(), limit });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ReadError::Utf16 { file: file.to_owned() });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let before = bytes.iter().take(offset).filter(|byte| **byte == b'\n').count();
        ReadError::NotUtf8 {
            file: file.to_owned(),
            line: u32::try_from(before + 1).unwrap_or(u32::MAX),
            offset,
            byte: bytes.get(offset).copied().unwrap_or_default(),
        }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place_and_the_way_out() {
        let error = parse("a.md", b"one\ntwo \xff\n").unwrap_err();
        let expected =
            ReadError::NotUtf8 { file: "a.md".to_owned(), line: 2, offset: 8, byte: 0xff };
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), "`a.md` is not UTF-8: line 2, byte 8 of the file is 0xff");
        assert!(error.hint().contains("iconv"));
        let error = parse_with_limit("a.md", b"12345", 4).unwrap_err();
        assert_eq!(error, ReadError::TooLarge { file: "a.md".to_owned(), bytes: 5, limit: 4 });
        let error = parse("a.md", &[0xff, 0xfe, b'a', 0]).unwrap_err();
        assert_eq!(error, ReadError::Utf16 { file: "a.md".to_owned() });
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        let tutorial = parse("a.md", "\u{feff}# Title\n".as_bytes()).unwrap();
        assert_eq!(tutorial.text, "# Title\n");
        assert_eq!(tutorial.title.as_deref(), Some("Title"));
    }
}
