//! What handlers take out of requests; whatever is wrong with it becomes a [`Problem`].

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use serde::de::DeserializeOwned;

use crate::console::Console;
use crate::problem::Problem;
use crate::request::words;

/// The query of the address.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Console> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Problem> {
        let address = without_done(&parts.uri);
        let query = Query::<T>::try_from_uri(address.as_ref().unwrap_or(&parts.uri));
        let query = query.map_err(|error| bad(&error.body_text()))?;
        Ok(Self(query.0))
    }
}

/// The address of a page without what the page before says was done: the layout shows that, and it
/// is no parameter of the handler.
fn without_done(address: &Uri) -> Option<Uri> {
    let query = address
        .query()
        .filter(|_| !address.path().starts_with("/api/"))?;
    let pairs = query.split('&').filter(|pair| !pair.starts_with("done="));
    let rest = pairs.collect::<Vec<_>>().join("&");
    format!("/?{rest}").parse().ok()
}

/// A part of the path.
pub(crate) struct Name(pub(crate) String);

impl FromRequestParts<Console> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Console) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let path = path.map_err(|error| bad(&error.body_text()))?;
        Ok(Self(path.0))
    }
}

/// Two parts of the path.
pub(crate) struct Names(pub(crate) String, pub(crate) String);

impl FromRequestParts<Console> for Names {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Console) -> Result<Self, Problem> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        let path = path.map_err(|error| bad(&error.body_text()))?;
        Ok(Self(path.0.0, path.0.1))
    }
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Console> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Console) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send a body of type application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Problem::new(error.status(), error.body_text()))?;
        // What axum says names the field.
        let value = axum::Json::<T>::from_bytes(&bytes);
        value
            .map(|value| Self(value.0))
            .map_err(|error| bad(&error.body_text()))
    }
}

/// A form that a browser sends.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Console> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Console) -> Result<Self, Problem> {
        let form = axum::extract::Form::<T>::from_request(request, state).await;
        form.map(|form| Self(form.0))
            .map_err(|error| bad(&error.body_text()))
    }
}

/// A form whose fields may come several times, such as ticks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// The first value of a field; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let mut fields = self.0.iter();
        let found = fields.find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The same, none when it is empty.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        let text = self.text(name);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let fields = self.0.iter().filter(|(key, _)| key == name);
        fields.map(|(_, value)| value.clone()).collect()
    }

    /// Whether a tick is set.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

impl FromRequest<Console> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Console) -> Result<Self, Problem> {
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, state).await?;
        Ok(Self(fields))
    }
}

/// The revision that `If-Match` names; none: whatever it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfMatch(pub(crate) Option<u64>);

impl FromRequestParts<Console> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default();
        if text == "*" {
            return Ok(Self(None));
        }
        let number = text.trim_matches('"').parse();
        // A tag that is none of ours matches nothing.
        Ok(Self(Some(number.unwrap_or(0))))
    }
}

/// A body of comma-separated values.
pub(crate) struct Csv(pub(crate) String);

impl FromRequest<Console> for Csv {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Console) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("text/csv") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send a body of type text/csv",
            ));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Problem::new(error.status(), error.body_text()))?;
        let text = String::from_utf8(bytes.into());
        text.map(Self)
            .map_err(|_| bad("the file is not UTF-8; save it as \"CSV UTF-8\""))
    }
}

/// A request that cannot be read; the field at fault is named where there is one.
fn bad(detail: &str) -> Problem {
    let words = words::UNREADABLE.having("said", detail);
    let problem = Problem::of(StatusCode::BAD_REQUEST, words);
    let Some((field, message, mend)) = fault(detail) else {
        return problem;
    };
    // Programs send such requests, no page does: English only.
    let key = Problem::key(&field, message, mend);
    Problem {
        problems: key.problems,
        ..problem
    }
}

/// Field, message and mend in what the reader of queries, forms and bodies says.
fn fault(detail: &str) -> Option<(String, String, &'static str)> {
    let said = READERS.iter().find_map(|start| detail.strip_prefix(start));
    let said = said?.trim();
    for (start, mend) in [
        (
            "unknown field `",
            "leave it out; /api/openapi.json says what there is",
        ),
        ("missing field `", "write it"),
        ("duplicate field `", "write it once"),
    ] {
        if let Some((_, rest)) = said.split_once(start) {
            let (field, _) = rest.split_once('`')?;
            return Some((field.to_owned(), said.to_owned(), mend));
        }
    }
    let (field, message) = said.split_once(": ")?;
    let is_path = |c: char| c.is_ascii_alphanumeric() || "_.-[]".contains(c);
    let is_field = !field.is_empty() && field.chars().all(is_path);
    let mend = "write it as /api/openapi.json says";
    is_field.then(|| (field.to_owned(), message.to_owned(), mend))
}

/// How the readers begin what they say.
const READERS: [&str; 4] = [
    "Failed to deserialize query string:",
    "Failed to deserialize form body:",
    "Failed to deserialize form:",
    "Failed to deserialize the JSON body into the target type:",
];

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        #[expect(dead_code, reason = "only read")]
        age_min: u64,
    }

    fn of_query(query: &str) -> String {
        let address = format!("/?{query}").parse().unwrap();
        let query = Query::<Wanted>::try_from_uri(&address);
        let problem = bad(&query.unwrap_err().body_text());
        assert_eq!(problem.status, 400);
        problem.problems[0].field.clone()
    }

    fn of_body(body: &str) -> Option<String> {
        let read = axum::Json::<Wanted>::from_bytes(body.as_bytes());
        let problem = bad(&read.unwrap_err().body_text());
        problem.problems.first().map(|one| one.field.clone())
    }

    #[test]
    fn what_cannot_be_read_names_its_field() {
        assert_eq!(of_query("age_min=abc"), "age_min");
        assert_eq!(of_query("age_min=1&foo=1"), "foo");
        assert_eq!(of_query(""), "age_min");
        assert_eq!(of_body("{\"age_min\":\"x\"}").unwrap(), "age_min");
        assert_eq!(of_body("{\"bar\":1}").unwrap(), "bar");
        assert_eq!(of_body("{").as_deref(), None);
    }
}
