//! What went wrong, as the API and the pages say it (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_directory::{Unavailable, Words};

use crate::request::{Cause, Fault, Refused, Saying, words};

/// The media type of a problem.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub(crate) status: u16,
    /// The status in words.
    pub(crate) title: String,
    /// What is wrong, in one sentence in English.
    pub(crate) detail: String,
    /// The same in any language.
    #[serde(flatten)]
    pub(crate) said: Box<Saying>,
    /// Everything that is wrong, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<Fault>,
    /// Seconds to wait before the same may work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_s: Option<u64>,
    /// What the running server said; none: it was not asked.
    #[serde(skip)]
    pub(crate) cause: Option<Cause>,
}

impl Problem {
    /// What is wrong, in any language.
    pub(crate) fn of(status: StatusCode, words: impl Into<Words>) -> Self {
        let words = words.into();
        Self {
            said: Box::new(Saying::from(&words)),
            ..Self::new(status, words.message())
        }
    }

    /// What is wrong with a request that no page makes, in English only.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            detail: detail.into(),
            said: Box::default(),
            problems: Vec::new(),
            retry_after_s: None,
            cause: None,
        }
    }

    /// One field that is wrong.
    pub(crate) fn field(field: &str, words: impl Into<Words>) -> Self {
        let words = words.into();
        Self {
            problems: vec![Fault::new("", field, words.clone())],
            ..Self::of(StatusCode::UNPROCESSABLE_ENTITY, words)
        }
    }

    /// One field of a body that no page sends, in English only.
    pub(crate) fn key(field: &str, message: impl Into<String>, mend: &str) -> Self {
        let message = message.into();
        Self {
            problems: vec![Fault {
                object: String::new(),
                line: None,
                field: field.to_owned(),
                message: message.clone(),
                mend: mend.to_owned(),
                said: Box::default(),
            }],
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
        }
    }

    pub(crate) fn forbidden() -> Self {
        Self::of(StatusCode::FORBIDDEN, words::FORBIDDEN)
    }

    /// One field that he may not set.
    pub(crate) fn forbidden_field(field: &str) -> Self {
        let mut problem = Self::field(field, words::FIELD_CLOSED);
        problem.status = StatusCode::FORBIDDEN.as_u16();
        problem.title = "Forbidden".to_owned();
        problem
    }

    pub(crate) fn unauthorized() -> Self {
        Self::of(StatusCode::UNAUTHORIZED, words::SIGNED_OUT)
    }

    pub(crate) fn internal() -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, words::WITHIN_SERVER)
    }

    pub(crate) fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whether it is what peers said, or did not say, about new addresses: it can be forced.
    pub(crate) fn is_objection(&self) -> bool {
        matches!(self.cause, Some(Cause::Conflict | Cause::Later)) && !self.problems.is_empty()
    }

    /// What is wrong with one field.
    pub(crate) fn of_field<'a>(&'a self, field: &str) -> Option<&'a Fault> {
        self.problems.iter().find(|problem| problem.field == field)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused.cause {
            Cause::Asked => StatusCode::UNPROCESSABLE_ENTITY,
            Cause::Cancelled | Cause::Conflict | Cause::Exists => StatusCode::CONFLICT,
            Cause::Later => StatusCode::SERVICE_UNAVAILABLE,
            Cause::Missing => StatusCode::NOT_FOUND,
            Cause::Stale => StatusCode::PRECONDITION_FAILED,
        };
        Self {
            cause: Some(refused.cause),
            said: refused.said,
            problems: refused.problems,
            ..Self::new(status, refused.message)
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        tracing::error!("the console cannot read the directory: {error}");
        Self::of(StatusCode::SERVICE_UNAVAILABLE, words::DIRECTORY_AWAY)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, wait) = (self.code(), self.retry_after_s);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}
