//! What must hold of files that administrators write; apart from the others, since it needs the
//! whole program, which takes long to build with sanitizers.

/// A site file: it is read, or refused with the lines that are wrong.
pub(crate) fn site_file(octets: &[u8]) {
    if let Ok(text) = std::str::from_utf8(octets) {
        let _ = waypost::is_site_file(text);
    }
}
