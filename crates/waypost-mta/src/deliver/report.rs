//! A report of ours that a host cannot take as it is.

use std::io;

use waypost_proto::dsn::{HEADERS_MAX, OPENING_MAX, headers_only};
use waypost_proto::mail::ReversePath;
use waypost_proto::route::Side;
use waypost_proto::smtp::extension::Extensions;
use waypost_proto::smtp::params::Body;
use waypost_spool::Content;

use super::Job;
use crate::blocking;

/// A report with the header section of the message where there was all of it, when the host could
/// not take the other: a report must never fail for what it returns (RFC 3461 §6.2).
///
/// None when the host can take it, or when the message is no report that can be shortened.
///
/// # Errors
///
/// When the content cannot be read.
pub(super) async fn shortened(job: &Job, offered: &Extensions) -> io::Result<Option<Content>> {
    let envelope = &job.message.envelope;
    let size = job.content.len() + job.front.len() as u64;
    let is_ours = envelope.side == Side::Here && envelope.reverse_path == ReversePath::Null;
    if !is_ours || is_taken(envelope.params.body, size, offered) {
        return Ok(None);
    }
    let token = job.message.id.to_string();
    let content = job.content.clone();
    let reading = blocking::spawn_blocking(move || {
        let most = (OPENING_MAX + HEADERS_MAX) as u64;
        let mut front = vec![0; usize::try_from(content.len().min(most)).unwrap_or_default()];
        let count = content.read_at(0, &mut front)?;
        front.truncate(count);
        Ok(headers_only(&front, &token).map(|short| Content::Memory(short.into())))
    });
    reading.await.map_err(io::Error::other)?
}

fn is_taken(body: Body, size: u64, offered: &Extensions) -> bool {
    let fits = offered.size.is_none_or(|max| max == 0 || size <= max);
    fits && (offered.eight_bit_mime || body != Body::EightBitMime)
}
