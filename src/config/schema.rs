//! The JSON Schema of the configuration, for editors.

use serde_json::{Map, Value, json};

use super::keys::{Kind, ROOT, Spec};

/// JSON Schema, draft 2020-12, of one file; made from the keys that the walker knows.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let mut root = table(&ROOT, &mut definitions);
    let fields = root.as_object_mut().expect("table() makes an object");
    fields.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    fields.insert("title".to_owned(), json!("deploywatch.toml"));
    fields.insert("$defs".to_owned(), Value::Object(definitions));
    root
}

fn table(spec: &'static Spec, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in spec.keys().filter(|key| !matches!(key.kind, Kind::Inline)) {
        let mut value = kind(&key.kind, definitions);
        if let Some(fields) = value.as_object_mut() {
            let default = key
                .written_default()
                .map_or_else(String::new, |text| format!(" Default: {text}."));
            fields.insert(
                "description".to_owned(),
                json!(format!("{}{default}", key.doc)),
            );
        }
        properties.insert(key.name.to_owned(), value);
        if key.required {
            required.push(key.name);
        }
    }
    let other = spec
        .open
        .map_or(json!(false), |open| kind(open, definitions));
    let mut schema = json!({
        "type": "object",
        "description": spec.doc,
        "properties": properties,
        "additionalProperties": other,
    });
    if let (Some(fields), false) = (schema.as_object_mut(), required.is_empty()) {
        fields.insert("required".to_owned(), json!(required));
    }
    schema
}

/// A reference to the table's definition, which is made when first met. `family` keeps a contact's `command` apart
/// from `[[command]]`.
fn reference(family: &str, spec: &'static Spec, definitions: &mut Map<String, Value>) -> Value {
    let title = spec.title.chars();
    let plain: String = title
        .filter(|c| c.is_ascii_alphanumeric() || "._".contains(*c))
        .collect();
    let name = format!("{family}{plain}");
    if !definitions.contains_key(&name) {
        definitions.insert(name.clone(), Value::Null);
        let made = table(spec, definitions);
        definitions.insert(name.clone(), made);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn kind(kind: &Kind, definitions: &mut Map<String, Value>) -> Value {
    let one_or_many = |item: Value| json!({ "anyOf": [item, { "type": "array", "items": item }] });
    match kind {
        Kind::Text | Kind::Label => json!({ "type": "string", "minLength": 1 }),
        Kind::AnyText | Kind::Zone | Kind::Name(_) | Kind::Listen => json!({ "type": "string" }),
        Kind::Texts | Kind::Names(_) | Kind::Selected(_) | Kind::Listens => {
            one_or_many(json!({ "type": "string" }))
        }
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Whole(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Percent => json!({ "type": "number", "minimum": 0, "maximum": 100 }),
        Kind::Span(zero) => {
            let part = "[0-9]+(ms|s|m|h|d|w)";
            // Some part is not zero.
            let some = "[0-9]*[1-9][0-9]*(ms|s|m|h|d|w)";
            let pattern = match zero {
                true => format!("^\\s*({part})+\\s*$"),
                false => format!("^\\s*({part})*{some}({part})*\\s*$"),
            };
            json!({ "type": "string", "pattern": pattern })
        }
        Kind::SpanOr(words) => {
            json!({ "anyOf": [{ "enum": words }, self::kind(&Kind::Span(false), definitions)] })
        }
        Kind::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^\\s*[0-9]+\\s*([KMGT](i?B)?|B)?\\s*$" },
        ] }),
        Kind::Umask => json!({ "type": "string", "pattern": "^[0-7]{1,4}$" }),
        Kind::Url => json!({ "type": "string", "pattern": "^https?://" }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
        Kind::SomeOf(words) => one_or_many(json!({ "type": "string", "enum": words })),
        Kind::Map(inner) => {
            json!({ "type": "object", "additionalProperties": self::kind(inner, definitions) })
        }
        Kind::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Table(spec) => reference("", spec, definitions),
        Kind::Tables(spec) => json!({ "type": "array", "items": reference("", spec, definitions) }),
        Kind::Channels(spec, short) => {
            let table = reference("channel.", spec, definitions);
            let item = if short.is_some() {
                json!({ "anyOf": [table, { "type": "string" }] })
            } else {
                table
            };
            one_or_many(item)
        }
        Kind::Inline => json!(false),
    }
}
