//! The refusals that every operation may answer with, for the description.

use std::collections::BTreeMap;

use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema as _};

use crate::problem::Problem;

/// Each status and when it comes.
const STATUSES: [(&str, &str); 12] = [
    ("400", "The request cannot be read."),
    ("401", "Nobody is logged in, or the token is no good."),
    (
        "403",
        "He may not do this, or the anti-forgery token is missing.",
    ),
    ("404", "There is no such thing."),
    ("409", "It is there already, or another server has it."),
    ("412", "Somebody else has changed it since."),
    ("413", "The body is too large."),
    ("415", "The body is of another type."),
    ("422", "Fields are wrong; each is named."),
    ("429", "Too often, or too much at once."),
    ("500", "A mistake of the server."),
    ("503", "It cannot be done now; try again later."),
];

/// All of them, as `application/problem+json`.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let schema = Ref::from_schema_name(Problem::name());
        let response = |when: &str| {
            let content = Content::new(Some(RefOr::Ref(schema.clone())));
            ResponseBuilder::new()
                .description(when)
                .content("application/problem+json", content)
                .build()
        };
        let all = STATUSES.iter();
        all.map(|(status, when)| ((*status).to_owned(), RefOr::T(response(when))))
            .collect()
    }
}
