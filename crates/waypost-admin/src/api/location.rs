//! Where what was made, or what has begun, is: the `Location` of an answer (RFC 9110 §10.2.2).

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::address::encoded;

/// The answer to what made an object.
pub(crate) type Created<T> = (StatusCode, [(HeaderName, String); 1], Json<T>);

/// The answer to what began a job.
pub(crate) type Accepted = (StatusCode, [(HeaderName, String); 1], Json<Begun>);

/// Work that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Begun {
    /// The job's number.
    pub(crate) job: u64,
}

/// Says where an object that was made is.
pub(crate) fn created<T>(kind: &str, name: &str, made: T) -> Created<T> {
    let location = format!("/api/v1/{kind}/{}", encoded(name));
    let headers = [(header::LOCATION, location)];
    (StatusCode::CREATED, headers, Json(made))
}

/// Says where a job that has begun can be watched.
pub(crate) fn accepted(job: u64) -> Accepted {
    let location = format!("/api/v1/jobs/{job}");
    let headers = [(header::LOCATION, location)];
    (StatusCode::ACCEPTED, headers, Json(Begun { job }))
}
