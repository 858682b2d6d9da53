//! Addresses of pages: whatever is in them is encoded (RFC 3986 §2.1).

/// A part of a path, or of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~@".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}

/// A path with a query of what is not empty.
pub(crate) fn address(path: &str, query: &[(&str, &str)]) -> String {
    let said = query.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = said
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if pairs.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_an_address_cannot_leave_its_place() {
        let made = address("/queue", &[("sender", "a&b=\"<\r\n"), ("recipient", "")]);
        assert_eq!(made, "/queue?sender=a%26b%3D%22%3C%0D%0A");
        assert_eq!(address("/queue", &[]), "/queue");
        assert_eq!(encoded("a/../b?c"), "a%2F..%2Fb%3Fc");
    }
}
