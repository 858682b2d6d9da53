//! What the address of the queue's page says: which messages, in which order, from where on.

use crate::address::address;
use crate::api::v1::message::Standing;
use crate::api::v1::queue::{Filter, Order, Paging};
use crate::input::Fields;
use crate::problem::Problem;
use crate::request::words;

/// Messages of a page.
const LIMIT: usize = 50;
/// Ages to choose from, in seconds.
const AGES: [&str; 6] = ["", "300", "3600", "14400", "86400", "259200"];

/// The fields as they are in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) sender: String,
    pub(super) recipient: String,
    pub(super) id: String,
    pub(super) next_hop: String,
    pub(super) standing: String,
    pub(super) age_min: String,
    pub(super) age_max: String,
    pub(super) order: String,
    pub(super) after: String,
}

impl Query {
    pub(super) fn read(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            sender: text("sender"),
            recipient: text("recipient"),
            id: text("id"),
            next_hop: text("next_hop"),
            standing: text("standing"),
            age_min: text("age_min"),
            age_max: text("age_max"),
            order: text("order"),
            after: text("after"),
        }
    }

    pub(super) fn filter(&self) -> Result<Filter, Problem> {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let number = |name: &str, text: &String| {
            let number = some(text).map(|text| text.parse::<u64>()).transpose();
            number.map_err(|_| Problem::field(name, words::NUMBER_BAD))
        };
        Ok(Filter {
            sender: some(&self.sender),
            recipient: some(&self.recipient),
            id: some(&self.id).map(|id| id.to_ascii_uppercase()),
            domain: None,
            next_hop: some(&self.next_hop),
            age_min: number("age_min", &self.age_min)?,
            age_max: number("age_max", &self.age_max)?,
            standing: Standing::parse(&self.standing),
        })
    }

    pub(super) fn paging(&self) -> Paging {
        Paging {
            order: match self.order.as_str() {
                "oldest" => Order::Oldest,
                _ => Order::Newest,
            },
            after: (!self.after.is_empty()).then(|| self.after.clone()),
            limit: LIMIT,
        }
    }

    /// What it says, without the place in the list.
    pub(super) fn pairs(&self) -> [(&'static str, &str); 7] {
        [
            ("sender", &self.sender),
            ("recipient", &self.recipient),
            ("id", &self.id),
            ("next_hop", &self.next_hop),
            ("standing", &self.standing),
            ("age_min", &self.age_min),
            ("age_max", &self.age_max),
        ]
    }

    /// Whether it leaves something out.
    pub(super) fn is_filter(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    /// The address of its first page.
    pub(super) fn address(&self) -> String {
        address(
            "/queue",
            &[&self.pairs()[..], &[("order", &self.order)]].concat(),
        )
    }

    /// The address of the page behind this message.
    pub(super) fn behind(&self, after: &str) -> String {
        let place = [("order", self.order.as_str()), ("after", after)];
        address("/queue", &[&self.pairs()[..], &place].concat())
    }

    /// The address of the same in the other order.
    pub(super) fn turned(&self) -> String {
        let other = if self.is_oldest() { "" } else { "oldest" };
        address("/queue", &[&self.pairs()[..], &[("order", other)]].concat())
    }

    pub(super) fn is_oldest(&self) -> bool {
        self.order == "oldest"
    }

    /// What messages do, to choose from, and whether it is chosen.
    pub(super) fn standings(&self) -> [(&'static str, bool); 4] {
        let words = ["any", "active", "deferred", "held"];
        words.map(|word| {
            let chosen = self.standing == word || (word == "any" && self.standing.is_empty());
            (word, chosen)
        })
    }

    /// Least ages to choose from; the one that is asked for is among them.
    pub(super) fn ages(&self) -> Vec<(String, bool)> {
        let mut ages: Vec<String> = AGES.map(str::to_owned).to_vec();
        if !ages.contains(&self.age_min) {
            ages.push(self.age_min.clone());
        }
        let ages = ages.into_iter();
        ages.map(|age| (age.clone(), age == self.age_min)).collect()
    }

    /// The next hops to choose from; the one that is asked for is among them.
    pub(super) fn hops<'a>(&'a self, known: &'a [super::Line]) -> Vec<(&'a str, bool)> {
        let known = known.iter().map(|line| line.next_hop.as_str());
        let mut hops: Vec<&str> = known.collect();
        if !self.next_hop.is_empty() && !hops.contains(&self.next_hop.as_str()) {
            hops.push(&self.next_hop);
        }
        let hops = hops.into_iter();
        hops.map(|hop| (hop, hop == self.next_hop)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_the_page_shows() {
        let query = Query {
            sender: "a&b@example.com".to_owned(),
            order: "oldest".to_owned(),
            ..Query::default()
        };
        assert_eq!(
            query.address(),
            "/queue?sender=a%26b@example.com&order=oldest"
        );
        assert_eq!(
            query.behind("1A"),
            "/queue?sender=a%26b@example.com&order=oldest&after=1A"
        );
        assert_eq!(query.turned(), "/queue?sender=a%26b@example.com");
        let wrong = Query {
            age_min: "soon".to_owned(),
            ..Query::default()
        };
        assert!(wrong.filter().is_err());
    }
}
