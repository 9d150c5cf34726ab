//! Whether a file is a picture of a page, as far as its frame tells.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: usize,
}

impl std::fmt::Display for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} × {} pixels, {} bytes",
            self.width, self.height, self.bytes
        )
    }
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The last chunk: no content, its name and its checksum.
const END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";
pub(crate) const SIDE_MIN: u32 = 200;
const SIDE_MAX: u32 = 20_000;
/// Deflate makes one flat colour about a thousand times smaller; a page with words stays far
/// below this.
const SHRINKS_MAX: u64 = 500;

/// Why the bytes are no picture of a page, as a phrase.
pub(crate) fn read(bytes: &[u8]) -> Result<Picture, String> {
    let rest = bytes.strip_prefix(SIGNATURE).ok_or("no PNG")?;
    let header = rest
        .strip_prefix(b"\0\0\0\rIHDR")
        .and_then(|rest| rest.get(..13));
    let header = header.ok_or("a PNG without a header")?;
    if !bytes.ends_with(END) {
        return Err("a PNG that breaks off".to_owned());
    }
    let (width, height) = (number(&header[0..4]), number(&header[4..8]));
    let picture = Picture {
        width,
        height,
        bytes: bytes.len(),
    };
    let plausible = SIDE_MIN..=SIDE_MAX;
    if !plausible.contains(&width) || !plausible.contains(&height) {
        return Err(format!("not the size of a page: {picture}"));
    }
    let raw_bytes = u64::from(width) * u64::from(height) * channels(header[9]);
    if raw_bytes > SHRINKS_MAX * u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err(format!("an empty page: {picture}"));
    }
    Ok(picture)
}

/// Whether the file has been written to its end.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE) && bytes.ends_with(END)
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// Bytes for each pixel, by the colour type of the header.
fn channels(colour_type: u8) -> u64 {
    match colour_type {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, content: usize) -> Vec<u8> {
        let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
        let header = [8, 6, 0, 0, 0, 0, 0, 0, 0];
        let content = vec![7; content];
        [
            SIGNATURE,
            b"\0\0\0\rIHDR",
            &width,
            &height,
            &header,
            &content,
            END,
        ]
        .concat()
    }

    #[test]
    fn a_picture_of_a_page() {
        let bytes = png(1280, 1800, 100_000);
        let size = bytes.len();
        assert_eq!(
            read(&bytes),
            Ok(Picture {
                width: 1280,
                height: 1800,
                bytes: size
            })
        );
        assert!(is_whole(&bytes));
    }

    #[test]
    fn everything_else() {
        let whole = png(1280, 1800, 100_000);
        for (bytes, says) in [
            (b"GIF89a".to_vec(), "no PNG"),
            (SIGNATURE.to_vec(), "without a header"),
            (whole[..whole.len() - 1].to_vec(), "breaks off"),
            (png(1, 1, 10), "not the size"),
            (png(1280, 90_000, 10), "not the size"),
            (png(1280, 1800, 9_000), "an empty page"),
        ] {
            assert!(read(&bytes).unwrap_err().contains(says), "{says}");
        }
    }
}
