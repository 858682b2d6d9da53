//! From what is asked of the queue to a request of the API.

use serde_json::{Map, Value, json};
use waypost_admin::request::{
    QueueFilter, QueueList, QueueOrder, QueueRequest, QueueStanding, Selection,
};

use super::route::{Call, ON_THE_SERVER, moment, query, segment};
use super::shape::Shape;

/// The most that the API shows at once.
const PAGE: usize = 500;

/// The request of the API that asks the same; else why there is none.
pub(super) fn of(request: &QueueRequest) -> Result<Call, &'static str> {
    Ok(match request {
        QueueRequest::Flush { id: Some(id), .. } => Call::post(at(id, "/retry"), None),
        QueueRequest::Flush { id: None, target } => {
            let body = json!({ "target": target });
            Call::post("/queue/retry".to_owned(), Some(&body))
        }
        QueueRequest::Hold {
            what,
            reason,
            until,
        } => hold(what, reason, *until),
        QueueRequest::Holds => Call::get("/holds".to_owned()).said_as(Shape::Holds),
        QueueRequest::List(list) => page(list),
        QueueRequest::Release { what } => match held(what) {
            Held::Message(id) => Call::post(at(id, "/release"), None),
            Held::Other(path) => Call::new("DELETE", path),
        },
        QueueRequest::Remove {
            id,
            recipients,
            reason,
        } => {
            let mut given = vec![("reason", Some(reason.clone()))];
            given.extend(recipients.iter().map(|to| ("recipient", Some(to.clone()))));
            Call::new("DELETE", query(&at(id, ""), &given))
        }
        QueueRequest::Show { content: true, .. } => {
            return Err("the content of mail is shown on the server itself alone");
        }
        QueueRequest::Show { id, .. } => Call::get(at(id, "")).said_as(Shape::Message),
        QueueRequest::Summary { .. } => Call::get("/queue/summary".to_owned()),
        QueueRequest::Many(_) => return Err(ON_THE_SERVER),
    })
}

/// What is held.
enum Held<'a> {
    Message(&'a str),
    /// Where its hold is.
    Other(String),
}

fn held(what: &Selection) -> Held<'_> {
    let (kind, name) = match what {
        Selection::Message(id) => return Held::Message(id),
        Selection::Domain(name) => ("domain", name),
        Selection::Target(name) => ("target", name),
        Selection::User(name) => ("user", name),
    };
    Held::Other(format!("/holds/{kind}/{}", segment(name)))
}

fn hold(what: &Selection, reason: &str, until: Option<u64>) -> Call {
    let mut because = Map::from_iter([("reason".to_owned(), Value::from(reason))]);
    because.extend(until.map(|until| ("until".to_owned(), moment(until).into())));
    let because = Value::Object(because);
    match held(what) {
        Held::Message(id) => Call::post(at(id, "/hold"), Some(&because)),
        Held::Other(path) => Call::new("PUT", path).with(&because),
    }
}

fn page(list: &QueueList) -> Call {
    let QueueFilter {
        sender,
        recipient,
        id,
        domain,
        next_hop,
        age_min,
        age_max,
        standing,
        // What who asks may see follows from his token.
        scope: _,
    } = list.filter.clone();
    let standing = standing.map(|standing| match standing {
        QueueStanding::Active => "active",
        QueueStanding::Deferred => "deferred",
        QueueStanding::Held => "held",
    });
    let order = match list.order {
        QueueOrder::Newest => "newest",
        QueueOrder::Oldest => "oldest",
    };
    let given = [
        ("sender", sender),
        ("recipient", recipient),
        ("id", id),
        ("domain", domain),
        ("next_hop", next_hop),
        ("age_min", age_min.map(|age| age.to_string())),
        ("age_max", age_max.map(|age| age.to_string())),
        ("standing", standing.map(str::to_owned)),
        ("order", Some(order.to_owned())),
        ("after", list.after.clone()),
        ("limit", Some(list.limit.clamp(1, PAGE).to_string())),
    ];
    Call::get(query("/queue", &given))
}

fn at(id: &str, verb: &str) -> String {
    format!("/queue/{}{verb}", segment(id))
}
