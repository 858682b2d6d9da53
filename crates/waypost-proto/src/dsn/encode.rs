//! How text of any kind is said in 7 bits, in lines that are short enough.

/// RFC 2045 §6.7: no encoded line is longer.
const MAX_QUOTED_LINE: usize = 76;
/// RFC 5322 §2.1.1: lines should not be longer.
const MAX_FIELD_LINE: usize = 78;
/// As much of one field's value as is written: with its name it stays below 998 octets even where
/// nothing in it can be folded (RFC 5322 §2.1.1).
const MAX_FIELD_VALUE: usize = 900;

/// Appends bytes as quoted-printable (RFC 2045 §6.7); CRLF stays a line end.
pub(super) fn quoted_printable(bytes: &[u8], out: &mut Vec<u8>) {
    let mut column = 0;
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        if rest.starts_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
            rest = rest.get(2..).unwrap_or_default();
            column = 0;
            continue;
        }
        let at_line_end = tail.is_empty() || tail.starts_with(b"\r\n");
        let plain = match byte {
            b'=' => false,
            b' ' | b'\t' => !at_line_end,
            other => other.is_ascii_graphic(),
        };
        let width = if plain { 1 } else { 3 };
        if column + width >= MAX_QUOTED_LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("={byte:02X}").as_bytes());
        }
        column += width;
        rest = tail;
    }
}

/// Appends `name: value` and CRLF, folded at spaces (RFC 5322 §2.2.3).
///
/// Whatever is not printable ASCII becomes `?`, so that no value can begin a field of its own.
pub(super) fn field(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut column = name.len() + 1;
    let end = value.floor_char_boundary(MAX_FIELD_VALUE);
    let value = value.get(..end).unwrap_or_default();
    for word in value.split(' ').filter(|word| !word.is_empty()) {
        if column > name.len() + 1 && column + 1 + word.len() > MAX_FIELD_LINE {
            out.extend_from_slice(b"\r\n");
            column = 0;
        }
        out.push(b' ');
        let printable = |c: char| if c.is_ascii_graphic() { c as u8 } else { b'?' };
        out.extend(word.chars().map(printable));
        column += 1 + word.len();
    }
    out.extend_from_slice(b"\r\n");
}

/// An address as an `Original-Recipient` or `Final-Recipient` field says it in 7 bits.
///
/// Beyond ASCII the type is `utf-8` and every such character `\x{HEX}` (RFC 6533 §3,
/// utf-8-addr-xtext).
pub(super) fn typed_address(kind: &str, address: &str) -> String {
    if address.is_ascii() {
        return format!("{kind};{address}");
    }
    let mut text = String::from("utf-8;");
    for c in address.chars() {
        if c.is_ascii() && c != '\\' {
            text.push(c);
        } else {
            text.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        quoted_printable(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quotes_what_is_not_printable_ascii() {
        assert_eq!(quoted("Jürgen = x \r\nb\t"), "J=C3=BCrgen =3D x=20\r\nb=09");
    }

    #[test]
    fn breaks_long_lines() {
        for line in quoted(&"ü".repeat(200)).split("\r\n") {
            assert!(line.len() <= MAX_QUOTED_LINE, "{line}");
        }
    }

    #[test]
    fn folds_fields_and_never_begins_another() {
        let mut out = Vec::new();
        field(
            "Diagnostic-Code",
            &format!("smtp; a\r\nX: y {}", "word ".repeat(30)),
            &mut out,
        );
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("Diagnostic-Code: smtp; a??X: y word"));
        for line in text.trim_end().split("\r\n").skip(1) {
            assert!(
                line.starts_with(" word") && line.len() <= MAX_FIELD_LINE,
                "{line}"
            );
        }
    }

    #[test]
    fn says_addresses_beyond_ascii_in_seven_bits() {
        assert_eq!(typed_address("rfc822", "a@b.example"), "rfc822;a@b.example");
        assert_eq!(
            typed_address("rfc822", "jü@b.example"),
            "utf-8;j\\x{FC}@b.example"
        );
    }
}
