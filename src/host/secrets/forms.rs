//! The forms in which programs show a value: as it is, and as other formats write it.
//!
//! Blanks are left out of every form, because the masker reads over them: a value that somebody
//! wrapped, indented or dumped in groups is the same form.

use std::collections::BTreeSet;

/// Forms of fewer bytes would hide ordinary text.
pub(super) const SHORTEST: usize = 6;

/// Every form of a value that is worth looking for: of all of it, and of each line alone.
pub(super) fn of(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut units: Vec<&[u8]> = vec![value];
    let lines = value.split(|byte| *byte == b'\n');
    units.extend(lines.map(<[u8]>::trim_ascii));
    let forms = units.into_iter().filter(|unit| weight(unit) >= SHORTEST);
    let forms = forms.flat_map(of_unit).map(|form| without_blanks(&form));
    forms.filter(|form| form.len() >= SHORTEST).collect()
}

/// Bytes that count: those that are no blanks.
pub(super) fn weight(value: &[u8]) -> usize {
    value.iter().filter(|byte| !is_blank(**byte)).count()
}

pub(super) fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn without_blanks(form: &[u8]) -> Vec<u8> {
    let kept = form.iter().copied().filter(|byte| !is_blank(*byte));
    kept.collect()
}

fn of_unit(unit: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![unit.to_vec(), hex(unit, HEX_LOWER), hex(unit, HEX_UPPER)];
    forms.extend(json(unit));
    forms.extend(quoted(unit));
    forms.extend(percent(unit));
    forms.extend(base64(unit));
    forms
}

const HEX_LOWER: &[u8; 16] = b"0123456789abcdef";
const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let mut form = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        push_hex(&mut form, *byte, digits);
    }
    form
}

fn push_hex(form: &mut Vec<u8>, byte: u8, digits: &[u8; 16]) {
    form.push(digits[usize::from(byte >> 4)]);
    form.push(digits[usize::from(byte & 15)]);
}

/// Strings of JSON: as short as can be, with everything beyond ASCII escaped (either case), and
/// with escaped slashes.
fn json(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Vec::new();
    };
    let plain = serde_json::to_string(text).unwrap_or_default();
    let plain = plain.trim_start_matches('"');
    let plain = plain.strip_suffix('"').unwrap_or(plain);
    let escaped = |digits: &[u8; 16]| {
        let mut form = Vec::new();
        for c in plain.chars() {
            if c.is_ascii() {
                form.push(c as u8);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                form.extend_from_slice(b"\\u");
                let [high, low] = unit.to_be_bytes();
                push_hex(&mut form, high, digits);
                push_hex(&mut form, low, digits);
            }
        }
        form
    };
    vec![
        plain.as_bytes().to_vec(),
        plain.replace('/', "\\/").into_bytes(),
        escaped(HEX_LOWER),
        escaped(HEX_UPPER),
    ]
}

/// Words of a shell: in single quotes, in double quotes, and with a backslash before what is
/// special. The quotes around them are no part of the value.
fn quoted(bytes: &[u8]) -> Vec<Vec<u8>> {
    let each = |form: &dyn Fn(u8, &mut Vec<u8>)| {
        let mut out = Vec::new();
        bytes.iter().for_each(|byte| form(*byte, &mut out));
        out
    };
    let single = |byte: u8, out: &mut Vec<u8>| match byte {
        b'\'' => out.extend_from_slice(b"'\\''"),
        _ => out.push(byte),
    };
    let single_of_python = |byte: u8, out: &mut Vec<u8>| match byte {
        b'\'' => out.extend_from_slice(b"'\"'\"'"),
        _ => out.push(byte),
    };
    let double = |byte: u8, out: &mut Vec<u8>| {
        if matches!(byte, b'"' | b'\\' | b'$' | b'`') {
            out.push(b'\\');
        }
        out.push(byte);
    };
    let slashed = |byte: u8, out: &mut Vec<u8>| {
        if byte.is_ascii_graphic()
            && !(byte.is_ascii_alphanumeric() || b"_-./:=+@%,^".contains(&byte))
        {
            out.push(b'\\');
        }
        out.push(byte);
    };
    vec![
        each(&single),
        each(&single_of_python),
        each(&double),
        each(&slashed),
    ]
}

/// What percent-encoders leave as it is beside letters and digits: RFC 3986, Python, PHP, Java,
/// JavaScript's component and whole, Go's path.
const UNRESERVED: [&[u8]; 7] = [
    b"-_.~",
    b"-_.~/",
    b"-_.",
    b"-_.*",
    b"-_.~!*'()",
    b"-_.~!*'();/?:@&=+$,#",
    b"-_.~$&+:=@",
];

/// Percent-encoded, also with a plus for a space.
fn percent(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    let ways = UNRESERVED
        .iter()
        .flat_map(|kept| [(kept, false), (kept, true)]);
    for (kept, plus) in ways {
        for digits in [HEX_UPPER, HEX_LOWER] {
            let mut out = Vec::new();
            for byte in bytes {
                match byte {
                    b' ' if plus => out.push(b'+'),
                    _ if byte.is_ascii_alphanumeric() || kept.contains(byte) => out.push(*byte),
                    _ => {
                        out.push(b'%');
                        push_hex(&mut out, *byte, digits);
                    }
                }
            }
            forms.push(out);
        }
    }
    forms
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The digits that the value alone decides, with nothing, one or two bytes before it in its group
/// of three; whatever stands around it.
fn base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for digits in [BASE64, BASE64_URL] {
        for before in 0..3 {
            let from = (before * 8_usize).div_ceil(6);
            let to = (before + bytes.len()) * 8 / 6;
            let bit = |at: usize| {
                let at = at - before * 8;
                (bytes[at / 8] >> (7 - at % 8)) & 1
            };
            let digit = |at: usize| {
                let bits = (at * 6)..(at * 6 + 6);
                digits[usize::from(bits.fold(0, |sum, at| sum << 1 | bit(at)))]
            };
            forms.push((from..to).map(digit).collect());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(forms: &BTreeSet<Vec<u8>>, form: &str) -> bool {
        forms.contains(form.as_bytes())
    }

    #[test]
    fn each_format_is_there() {
        let forms = of("p'a\"ss/w\u{f6}rd$".as_bytes());
        for form in [
            "p'a\"ss/w\u{f6}rd$",
            "p'a\\\"ss/w\u{f6}rd$",
            "p'a\\\"ss\\/w\u{f6}rd$",
            "p'a\\\"ss/w\\u00f6rd$",
            "p'a\\\"ss/w\\u00F6rd$",
            "p'\\''a\"ss/w\u{f6}rd$",
            "p\\'a\\\"ss/w\u{f6}rd\\$",
            "p%27a%22ss%2Fw%C3%B6rd%24",
            "p%27a%22ss%2fw%c3%b6rd%24",
            "7027612273732f77c3b6726424",
            "7027612273732F77C3B6726424",
        ] {
            assert!(has(&forms, form), "{form}");
        }
    }

    #[test]
    fn base64_is_found_at_each_place() {
        let forms = of(b"hunter22");
        // of "hunter22", "xhunter22" and "xyhunter22", without what the neighbours decide
        for form in ["aHVudGVyMj", "h1bnRlcjIy", "odW50ZXIyM"] {
            assert!(has(&forms, form), "{form}");
        }
    }

    #[test]
    fn lines_count_by_themselves_and_short_ones_do_not() {
        let forms = of(b"first line\nab\r\nlast-line");
        assert!(has(&forms, "firstline") && has(&forms, "last-line"));
        assert!(has(&forms, "firstlineablast-line") && !has(&forms, "ab"));
    }
}
