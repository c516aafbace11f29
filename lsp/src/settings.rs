//! What the user chose, as the client says it.

use meshc::ide::Settings;
use serde_json::Value;

/// The settings in `{ "yaml": … }` or `{ "meshc": { "yaml": … } }`; what is not there has its default.
pub(crate) fn settings(value: &Value) -> Settings {
    let own = value.get("meshc").unwrap_or(value);
    let default = Settings::default();
    Settings {
        yaml: own.get("yaml").and_then(Value::as_bool).unwrap_or(default.yaml),
    }
}
