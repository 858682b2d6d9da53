//! `waypost explain`

use std::net::IpAddr;

use clap::Args;
use serde_json::Value;
use waypost_admin::request::{Explain as ExplainRequest, Request};

use super::object::cell;
use super::{Common, Failure, client};

/// Show where mail to an address goes, and every step that led there.
///
/// Sends nothing and caches nothing.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The recipient.
    address: String,
    /// As if this user had logged in and sent it.
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// As if it came from this address; without it and without sender, from this site itself.
    #[arg(long, value_name = "IP")]
    client: Option<IpAddr>,
}

impl Explain {
    pub(super) fn run(self, common: &Common) -> Result<(), Failure> {
        let request = Request::Explain(ExplainRequest {
            address: self.address,
            sender: self.sender,
            client: self.client.map(|address| address.to_string()),
        });
        let mut result = client::call(common, &request)?;
        let text = result.get_mut("text").map(Value::take);
        if let Value::Object(fields) = &mut result {
            fields.remove("text");
        }
        Ok(common.output().result(&result, |_| cell(text.as_ref()))?)
    }
}
