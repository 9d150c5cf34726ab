//! File names and the protocol's addresses for them.

use gen_lsp_types::Uri;
use std::path::Path;

/// The name under which a document is known here: the path of a `file:` address, else the
/// address as it stands.
pub(super) fn name_of(uri: &Uri) -> String {
    let Some(path) = uri.0.strip_prefix("file://") else {
        return uri.0.clone();
    };
    // an authority is allowed and means this machine
    let path = path.strip_prefix("localhost").unwrap_or(path);
    decoded(path)
}

/// The address of a name.
pub(super) fn uri_of(name: &str) -> Uri {
    if !Path::new(name).is_absolute() {
        return Uri(name.to_string());
    }
    let mut uri = String::from("file://");
    for byte in name.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(byte as char),
            b if b.is_ascii_alphanumeric() => uri.push(b as char),
            b => uri.push_str(&format!("%{b:02X}")),
        }
    }
    Uri(uri)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let code = (byte == b'%').then(|| rest.as_slice_hex()).flatten();
        match code {
            Some(code) => {
                bytes.push(code);
                rest.nth(1);
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

trait Hex {
    /// The byte that the next two characters write.
    fn as_slice_hex(&self) -> Option<u8>;
}

impl Hex for std::str::Bytes<'_> {
    fn as_slice_hex(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let high = char::from(ahead.next()?).to_digit(16)?;
        let low = char::from(ahead.next()?).to_digit(16)?;
        u8::try_from(high * 16 + low).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_belong_together() {
        for name in ["/a/b c.coord", "/ä/😀.coord", "/100%.coord", "untitled:1"] {
            assert_eq!(name_of(&uri_of(name)), name);
        }
        let known = [
            ("file:///a%20b", "/a b"),
            ("file://localhost/x", "/x"),
            ("file:///a%2", "/a%2"),
        ];
        for (uri, name) in known {
            assert_eq!(name_of(&Uri(uri.into())), name);
        }
    }
}
