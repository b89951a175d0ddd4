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
