//! Makes generated schemas agreeable to strict and to simple clients.

use std::sync::Arc;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// Says the same in fewer words of JSON Schema, for every tool.
///
/// - No `format` for integers: names such as `uint32` are not in the standard, and validators in
///   clients complain about them or refuse the schema.
/// - No `null`: what is optional is left out, in arguments as in results, and unions with `null`
///   are beyond some clients. (An argument that is `null` all the same counts as left out.)
pub(crate) fn tidy<S>(mut router: ToolRouter<S>) -> ToolRouter<S> {
    for route in router.map.values_mut() {
        let tool = &mut route.attr;
        tidy_object(Arc::make_mut(&mut tool.input_schema));
        if let Some(output) = &mut tool.output_schema {
            tidy_object(Arc::make_mut(output));
        }
    }
    router
}

fn tidy_value(value: &mut Value) {
    match value {
        Value::Object(object) => tidy_object(object),
        Value::Array(items) => items.iter_mut().for_each(tidy_value),
        _ => {}
    }
}

fn tidy_object(schema: &mut JsonObject) {
    if schema.get("format").is_some_and(Value::is_string) {
        schema.remove("format");
    }
    drop_null_type(schema);
    drop_null_alternative(schema);
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    schema.values_mut().for_each(tidy_value);
}

/// `["string", "null"]` becomes `"string"`.
fn drop_null_type(schema: &mut JsonObject) {
    let Some(Value::Array(types)) = schema.get_mut("type") else {
        return;
    };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        let only = only.clone();
        schema.insert("type".to_owned(), only);
    }
}

/// `anyOf` of something and `null` becomes that something.
fn drop_null_alternative(schema: &mut JsonObject) {
    let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") else {
        return;
    };
    alternatives.retain(|alternative| *alternative != json!({ "type": "null" }));
    if let [Value::Object(only)] = alternatives.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        schema.extend(only);
    }
}
