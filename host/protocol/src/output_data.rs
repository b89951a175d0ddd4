//! Bytes that a process printed, and the form in which the client wants them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::json;

/// The form of output on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutputEncoding {
    /// Padded standard base64, in the member `chunk`. Exact.
    #[default]
    Base64,
    /// Text, in the member `text`. Bytes that are no UTF-8 become U+FFFD and are counted in `invalidBytes`.
    Utf8,
}

/// Output on its way to the client. Holds the bytes themselves; they are encoded straight into the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputData {
    bytes: Bytes,
    encoding: OutputEncoding,
}

impl OutputData {
    /// Bytes to be sent in a form.
    pub fn new(bytes: impl Into<Bytes>, encoding: OutputEncoding) -> Self {
        Self { bytes: bytes.into(), encoding }
    }

    /// The bytes as they were printed.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The form in which they go out.
    pub fn encoding(&self) -> OutputEncoding {
        self.encoding
    }

    /// Appends `"chunk":"..."` or `"text":"..."`, and `invalidBytes` where there are any.
    pub(crate) fn write_member(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.encoding {
            OutputEncoding::Base64 => b"\"chunk\":",
            OutputEncoding::Utf8 => b"\"text\":",
        });
        let invalid = self.write_string(out);
        write_invalid_bytes(out, invalid);
    }

    /// Appends the encoded string. Returns how many bytes had to be replaced.
    pub(crate) fn write_string(&self, out: &mut Vec<u8>) -> u64 {
        match self.encoding {
            OutputEncoding::Base64 => {
                json::write_base64_string(out, &self.bytes);
                0
            }
            OutputEncoding::Utf8 => json::write_lossy_string(out, &self.bytes),
        }
    }
}

/// Appends `,"invalidBytes":n` unless there are none.
pub(crate) fn write_invalid_bytes(out: &mut Vec<u8>, invalid: u64) {
    if invalid > 0 {
        out.extend_from_slice(b",\"invalidBytes\":");
        json::write_number(out, invalid);
    }
}

/// How many bytes at the end of `bytes` begin a UTF-8 character that is not complete yet: 0 to 3. Text output
/// holds them back for the next chunk, which may complete the character.
pub fn incomplete_utf8_tail(bytes: &[u8]) -> usize {
    // A character has at most four bytes, so the first byte of an incomplete one is among the last three.
    for length in 1..=bytes.len().min(3) {
        let tail = &bytes[bytes.len() - length..];
        if tail[0] & 0xC0 == 0x80 {
            continue;
        }
        let incomplete = std::str::from_utf8(tail).is_err_and(|error| error.error_len().is_none());
        return if incomplete { length } else { 0 };
    }
    0
}
