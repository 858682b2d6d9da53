//! Parts that the forms of users, shared mailboxes and groups have in common.

use serde_json::{Value, json};

use super::Page;
use crate::api::List as Part;
use crate::api::v1::accounts::Usage;
use crate::api::v1::domain_list::{DomainQuery, ListedDomain};
use crate::api::v1::domains::Domain;
use crate::console::Console;
use crate::input::Fields;
use crate::problem::Problem;
use crate::request::{Kind, List, Request};
use crate::text::Language;

/// Rows without an address, for who has no script.
const SPARE: usize = 3;
/// Rows of one form.
const ROWS_MAX: usize = 500;
/// Names that a form offers.
const OFFERED: usize = 500;

/// One row of the table of addresses.
#[derive(Debug, Clone)]
pub(crate) struct AddressRow {
    pub(crate) local: String,
    /// One name of the domain, or `*` for all.
    pub(crate) at: String,
    pub(crate) is_default: bool,
    pub(crate) is_relayed: bool,
}

/// The table of addresses.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) rows: Vec<AddressRow>,
    /// The names that an address can have.
    pub(crate) names: Vec<String>,
}

impl Addresses {
    /// Those that an object has.
    pub(crate) fn of(addresses: &[String], relayed: Option<&[String]>, domain: &Domain) -> Self {
        let rows = addresses.iter().enumerate().map(|(place, address)| {
            let (local, at) = address.rsplit_once('@').unwrap_or((address, "*"));
            AddressRow {
                local: local.to_owned(),
                at: at.to_owned(),
                is_default: place == 0,
                is_relayed: relayed.is_none_or(|relayed| relayed.contains(address)),
            }
        });
        Self::with_spare(rows.collect(), domain)
    }

    /// Those that a form says.
    pub(crate) fn said(fields: &Fields, domain: &Domain) -> Self {
        let default = fields.text("default");
        let rows = (0..ROWS_MAX)
            .filter(|place| !fields.text(&format!("local-{place}")).is_empty())
            .map(|place| AddressRow {
                local: fields.text(&format!("local-{place}")).to_owned(),
                at: fields.text(&format!("at-{place}")).to_owned(),
                is_default: default == place.to_string(),
                is_relayed: fields.has(&format!("relayed-{place}")),
            });
        Self::with_spare(rows.collect(), domain)
    }

    fn with_spare(mut rows: Vec<AddressRow>, domain: &Domain) -> Self {
        if !rows.iter().any(|row| row.is_default) {
            rows.iter_mut()
                .take(1)
                .for_each(|row| row.is_default = true);
        }
        let spare = AddressRow {
            local: String::new(),
            at: domain.name.clone(),
            is_default: false,
            is_relayed: true,
        };
        rows.extend(std::iter::repeat_n(spare, SPARE));
        let names = std::iter::once(&domain.name).chain(&domain.aliases);
        Self {
            rows,
            names: names.cloned().collect(),
        }
    }

    fn full(&self) -> impl Iterator<Item = &AddressRow> {
        let full = self.rows.iter().filter(|row| !row.local.is_empty());
        let (first, others): (Vec<_>, Vec<_>) = full.partition(|row| row.is_default);
        first.into_iter().chain(others)
    }

    /// All of them, the default one first.
    pub(crate) fn all(&self) -> Vec<String> {
        self.full()
            .map(|row| format!("{}@{}", row.local, row.at))
            .collect()
    }

    /// Those with a tick; none: all have one.
    pub(crate) fn relayed(&self) -> Option<Vec<String>> {
        if self.full().all(|row| row.is_relayed) {
            return None;
        }
        let ticked = self.full().filter(|row| row.is_relayed);
        let ticked = ticked.map(|row| format!("{}@{}", row.local, row.at));
        Some(ticked.collect())
    }
}

/// A quota: the domain's, none, or a size.
#[derive(Debug, Clone)]
pub(crate) struct QuotaForm {
    /// `default`, `none` or `size`.
    pub(crate) choice: String,
    pub(crate) number: String,
    pub(crate) unit: String,
    /// What the domain says, as a size; `0`: none.
    pub(crate) default: String,
}

impl QuotaForm {
    /// The units that a form offers.
    pub(crate) const UNITS: [&'static str; 3] = ["MiB", "GiB", "TiB"];

    pub(crate) fn of(quota: Option<&str>, default: &str) -> Self {
        let (choice, number, unit) = match quota {
            None => ("default", "", "GiB"),
            Some("0") => ("none", "", "GiB"),
            Some(size) => {
                let (number, unit) = size.split_once(' ').unwrap_or((size, "B"));
                ("size", number, unit)
            }
        };
        Self {
            choice: choice.to_owned(),
            number: number.to_owned(),
            unit: unit.to_owned(),
            default: default.to_owned(),
        }
    }

    pub(crate) fn said(fields: &Fields, default: &str) -> Self {
        Self {
            choice: fields.text("quota").to_owned(),
            number: fields.text("quota-number").to_owned(),
            unit: fields.text("quota-unit").to_owned(),
            default: default.to_owned(),
        }
    }

    /// The units, with the one that is set.
    pub(crate) fn units(&self) -> Vec<String> {
        let mut units = Self::UNITS.map(str::to_owned).to_vec();
        if !self.unit.is_empty() && !units.contains(&self.unit) {
            units.push(self.unit.clone());
        }
        units
    }

    /// As the site file writes it.
    pub(crate) fn value(&self) -> Value {
        match self.choice.as_str() {
            "none" => json!("0"),
            "size" => json!(format!("{} {}", self.number, self.unit)),
            _ => json!(""),
        }
    }
}

impl Usage {
    /// What is used, and of how much.
    pub(crate) fn words(&self, language: Language) -> String {
        let used = language.size(self.used_bytes.unwrap_or_default());
        format!("{used} / {}", language.size(self.quota_bytes))
    }

    /// Hundredths of the quota that are used.
    pub(crate) fn percent(&self) -> Option<u64> {
        let used = self.used_bytes?;
        let percent = u128::from(used) * 100 / u128::from(self.quota_bytes.max(1));
        (self.quota_bytes > 0).then(|| u64::try_from(percent).unwrap_or(u64::MAX))
    }
}

/// The names of the targets and peers that users can live on.
pub(crate) async fn targets(console: &Console, page: &Page) -> Result<Vec<String>, Problem> {
    let mut names = Vec::new();
    for kind in [Kind::Target, Kind::Peer] {
        let request = Request::List(List {
            kind,
            domain: None,
            after: 0,
            limit: OFFERED,
        });
        let value = console.ask(&page.actor, request).await?;
        let items = value.get("items").and_then(Value::as_array);
        let found = items.into_iter().flatten();
        let found = found.filter_map(|item| item.get("name").and_then(Value::as_str));
        names.extend(found.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// His domains, as far as a form offers them.
pub(crate) async fn offered(console: &Console, page: &Page) -> Result<Part<ListedDomain>, Problem> {
    let wanted = DomainQuery {
        limit: Some(OFFERED),
        ..Default::default()
    };
    console.domains(&page.actor, &wanted).await
}

/// Their names.
pub(crate) async fn domains(console: &Console, page: &Page) -> Result<Vec<String>, Problem> {
    let domains = offered(console, page).await?;
    Ok(domains
        .items
        .into_iter()
        .map(|listed| listed.domain.name)
        .collect())
}

/// Lines of a text field, without those that are empty.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let lines = text.split(['\n', ',', ';']).map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
