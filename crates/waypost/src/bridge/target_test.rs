//! `waypost target test`
use serde_json::Value;
use waypost_admin::request::Refused;

use super::Asked;

impl Asked {
    pub(super) async fn target_test(&self, _: &str, _: Option<&str>) -> Result<Value, Refused> {
        Err(Refused::new(""))
    }
}
