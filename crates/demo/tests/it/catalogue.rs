//! What the server offers: tools, prompts, resources, completion.

use serde_json::{Value, json};

use crate::harness::{Demo, ERAS, Who};

/// Every tool, grouped by the scope that the rules of the demo gateway give it.
const TOOLS: [(&str, &[&str]); 4] = [
    (
        "mcp:read",
        &[
            "get_my_profile",
            "get_process",
            "get_request",
            "list_actions",
            "list_comments",
            "list_delegations",
            "list_favourites",
            "list_participants",
            "list_processes",
            "list_requests",
            "search_requests",
        ],
    ),
    (
        "mcp:write",
        &[
            "add_comment",
            "add_favourite",
            "create_delegation",
            "create_request",
            "export_report",
            "remove_favourite",
            "submit_action",
            "update_request",
        ],
    ),
    (
        "mcp:process_admin",
        &[
            "participant_add",
            "participant_remove",
            "process_pause",
            "process_resume",
            "process_start",
        ],
    ),
    (
        "mcp:admin",
        &["admin_get_settings", "admin_list_users", "admin_set_user_type", "admin_update_settings"],
    ),
];

#[tokio::test]
async fn every_era_lists_the_same_tools() {
    let demo = Demo::start().await;
    let mut expected: Vec<&str> =
        TOOLS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    expected.sort_unstable();
    assert!(expected.len() >= 24);
    for era in ERAS {
        let client = demo.client(era, Who::basic()).await;
        let answer = client.ask("tools/list", json!({})).await;
        let names: Vec<&str> = tools(&answer).map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{era:?}");
    }
}

/// The rules for names and schemas that every known client accepts (CL-22).
#[tokio::test]
async fn tools_are_agreeable_to_strict_clients() {
    let demo = Demo::start().await;
    let answer = demo.stateless(Who::basic()).await.ask("tools/list", json!({})).await;
    for tool in tools(&answer) {
        let name = tool["name"].as_str().unwrap();
        assert!(name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        assert!(!name.contains("__"), "{name}");
        assert!(tool["title"].as_str().is_some_and(|title| !title.is_empty()), "{name}");
        assert!(tool["description"].as_str().is_some_and(|d| d.ends_with('.')), "{name}");
        for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
            assert_eq!(schema["type"], "object", "{name}: {schema}");
            check_schema(name, schema);
        }
    }
}

#[tokio::test]
async fn annotations_say_what_a_tool_does() {
    let demo = Demo::start().await;
    let answer = demo.stateless(Who::basic()).await.ask("tools/list", json!({})).await;
    for tool in tools(&answer) {
        let name = tool["name"].as_str().unwrap();
        let hints = &tool["annotations"];
        let reads = ["list_", "get_", "search_", "admin_list_", "admin_get_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        assert_eq!(hints["readOnlyHint"], reads, "{name}");
        assert_eq!(hints["openWorldHint"], false, "{name}");
        assert!(hints["destructiveHint"].is_boolean(), "{name}");
        assert!(hints["idempotentHint"].is_boolean(), "{name}");
    }
}

#[tokio::test]
async fn discovery_and_initialize_say_who_this_is() {
    let demo = Demo::start().await;
    let discovered = demo.stateless(Who::basic()).await.ask("server/discover", json!({})).await;
    let result = &discovered["result"];
    assert!(result["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
    for capability in ["tools", "prompts", "resources", "completions"] {
        assert!(result["capabilities"][capability].is_object(), "{capability}: {result}");
    }
}

#[tokio::test]
async fn prompts_speak_of_what_is_there() {
    let demo = Demo::start().await;
    for era in ERAS {
        let client = demo.client(era, Who::manager()).await;
        let answer = client.ask("prompts/list", json!({})).await;
        let names: Vec<&str> =
            items(&answer, "prompts").map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["draft_request", "review_request", "summarise_my_day"], "{era:?}");

        let day = client.ask("prompts/get", json!({ "name": "summarise_my_day" })).await;
        assert!(prompt_text(&day).contains("Tomás Herrera"), "{day}");

        let arguments = json!({ "request_id": "REQ-1004" });
        let review = client
            .ask("prompts/get", json!({ "name": "review_request", "arguments": arguments }))
            .await;
        assert!(prompt_text(&review).contains("Customer visit in Valencia"), "{review}");

        let arguments = json!({ "request_id": "REQ-9999" });
        let missing = client
            .ask("prompts/get", json!({ "name": "review_request", "arguments": arguments }))
            .await;
        assert_eq!(missing["error"]["code"], -32602, "{missing}");
    }
}

#[tokio::test]
async fn resources_are_help_pages_and_requests() {
    let demo = Demo::start().await;
    for era in ERAS {
        let client = demo.client(era, Who::basic()).await;
        let listed = client.ask("resources/list", json!({})).await;
        for page in items(&listed, "resources") {
            let read = client.ask("resources/read", json!({ "uri": page["uri"] })).await;
            let text = read["result"]["contents"][0]["text"].as_str().unwrap();
            assert!(text.starts_with("# "), "{read}");
            assert_eq!(page["size"], text.len(), "{page}");
        }
        let templates = client.ask("resources/templates/list", json!({})).await;
        let template = items(&templates, "resourceTemplates").next().unwrap();
        assert_eq!(template["uriTemplate"], "workflow://requests/{id}");

        let uri = json!({ "uri": "workflow://requests/REQ-1001" });
        let read = client.ask("resources/read", uri).await;
        let contents = &read["result"]["contents"][0];
        assert_eq!(contents["mimeType"], "application/json");
        let request: Value = serde_json::from_str(contents["text"].as_str().unwrap()).unwrap();
        assert_eq!(request["request"]["id"], "REQ-1001");
        assert_eq!(request["comments"].as_array().unwrap().len(), 2);

        for unknown in
            ["workflow://requests/REQ-9999", "workflow://requests/../help", "file:///etc/passwd"]
        {
            let read = client.ask("resources/read", json!({ "uri": unknown })).await;
            assert!(read["error"]["code"].is_i64(), "{unknown}: {read}");
        }
    }
}

#[tokio::test]
async fn completion_knows_the_ids() {
    let demo = Demo::start().await;
    let client = demo.stateless(Who::basic()).await;
    let params = json!({
        "ref": { "type": "ref/resource", "uri": "workflow://requests/{id}" },
        "argument": { "name": "id", "value": "req-101" },
    });
    let answer = client.ask("completion/complete", params).await;
    assert_eq!(answer["result"]["completion"]["values"], json!(["REQ-1010"]));
}

fn tools(answer: &Value) -> impl Iterator<Item = &Value> {
    items(answer, "tools")
}

fn items<'a>(answer: &'a Value, what: &str) -> impl Iterator<Item = &'a Value> {
    answer["result"][what].as_array().expect("a list").iter()
}

fn prompt_text(answer: &Value) -> &str {
    answer["result"]["messages"][0]["content"]["text"].as_str().expect("a text")
}

fn check_schema(tool: &str, schema: &Value) {
    match schema {
        Value::Object(object) => {
            for key in ["anyOf", "oneOf", "allOf"] {
                assert!(!object.contains_key(key), "{tool}: {schema}");
            }
            assert!(!object.contains_key("format"), "{tool}: {schema}");
            assert!(!object.get("type").is_some_and(Value::is_array), "{tool}: {schema}");
            let properties = object.get("properties").and_then(Value::as_object);
            for name in properties.into_iter().flatten().map(|(name, _)| name) {
                assert!(
                    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
                    "{tool}: {name}"
                );
            }
            object.values().for_each(|value| check_schema(tool, value));
        }
        Value::Array(values) => values.iter().for_each(|value| check_schema(tool, value)),
        _ => {}
    }
}
