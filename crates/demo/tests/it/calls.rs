//! Calling tools: results, errors, and state that everybody shares.

use serde_json::{Value, json};

use crate::harness::{Demo, ERAS, Era, Who};

#[tokio::test]
async fn a_call_answers_with_structure_and_with_text() {
    let demo = Demo::start().await;
    for era in ERAS {
        let client = demo.client(era, Who::basic()).await;
        let result = client.call("get_request", json!({ "request_id": "REQ-1001" })).await;
        let structured = &result["structuredContent"];
        assert_eq!(structured["request"]["owner"]["name"], "Nadia Farouk", "{era:?}");
        assert_eq!(structured["request"]["approver"]["name"], "Tomás Herrera", "{era:?}");
        let text: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(&text, structured, "{era:?}");
    }
}

#[tokio::test]
async fn every_tool_answers_as_its_output_schema_says() {
    let demo = Demo::start().await;
    let client = demo.stateless(Who::admin()).await;
    let listed = client.ask("tools/list", json!({})).await;
    for tool in listed["result"]["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let content = client.succeed(name, arguments_for(name)).await;
        assert!(!content.to_string().contains("null"), "{name}: what is missing is left out");
        let content = content.as_object().expect("an object");
        let properties = tool["outputSchema"]["properties"].as_object().unwrap();
        for key in content.keys() {
            assert!(properties.contains_key(key), "{name}: {key} is not in the schema");
        }
        for required in tool["outputSchema"]["required"].as_array().unwrap() {
            assert!(content.contains_key(required.as_str().unwrap()), "{name}: {required}");
        }
    }
}

#[tokio::test]
async fn what_one_session_writes_every_other_one_reads() {
    let demo = Demo::start().await;
    let writer = demo.client(Era::Sessions("2025-06-18"), Who::basic()).await;
    let arguments = json!({
        "process_id": "PRC-2",
        "title": "Soldering station",
        "description": "The old one no longer holds its temperature.",
        "amount_eur": 340,
    });
    let created = writer.succeed("create_request", arguments).await;
    assert_eq!(created["request"]["id"], "REQ-1011");
    assert_eq!(created["request"]["approver"]["name"], "Tomás Herrera");

    let reader = demo.stateless(Who::manager()).await;
    let found = reader.succeed("search_requests", json!({ "query": "soldering NADIA" })).await;
    assert_eq!(found["total"], 1);
    let waiting = reader.succeed("list_requests", json!({ "filter": "waiting_for_me" })).await;
    assert_eq!(waiting["requests"][0]["id"], "REQ-1011", "newest first");
}

#[tokio::test]
async fn bad_arguments_are_tool_errors_that_say_what_is_expected() {
    let demo = Demo::start().await;
    let client = demo.stateless(Who::basic()).await;
    let cases = [
        ("get_request", json!({}), "request_id"),
        ("get_request", json!({ "request_id": "1001" }), "such as REQ-1001"),
        ("get_request", json!({ "request_id": "PRC-1" }), "such as REQ-1001"),
        ("get_request", json!({ "request_id": "REQ-4000" }), "there is no request REQ-4000"),
        ("get_request", json!({ "request_id": "REQ-1001", "x": 1 }), "unknown field"),
        ("list_requests", json!({ "limit": 0 }), "limit must be 1 to 100"),
        ("add_comment", json!({ "request_id": "REQ-1001", "text": "  " }), "1 to 4000 characters"),
        ("export_report", json!({ "steps": 11 }), "steps must be 1 to 10"),
    ];
    for (tool, arguments, expected) in cases {
        let reason = client.refused(tool, arguments).await;
        assert!(reason.contains(expected), "{tool}: {reason}");
    }
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error() {
    let demo = Demo::start().await;
    for era in ERAS {
        let client = demo.client(era, Who::admin()).await;
        let answer = client.ask("tools/call", json!({ "name": "drop_everything" })).await;
        assert_eq!(answer["error"]["code"], -32602, "{era:?}: {answer}");
    }
}

#[tokio::test]
async fn favourites_are_ones_own() {
    let demo = Demo::start().await;
    let basic = demo.stateless(Who::basic()).await;
    let manager = demo.stateless(Who::manager()).await;
    let request = json!({ "request_id": "REQ-1008" });
    basic.succeed("add_favourite", request.clone()).await;
    let twice = basic.succeed("add_favourite", request.clone()).await;
    assert_eq!(ids(&twice["favourites"]), ["REQ-1001", "REQ-1008"]);
    let others = manager.succeed("list_favourites", json!({})).await;
    assert_eq!(ids(&others["favourites"]), ["REQ-1002", "REQ-1005"]);
    let left = basic.succeed("remove_favourite", request).await;
    assert_eq!(ids(&left["favourites"]), ["REQ-1001"]);
}

fn ids(requests: &Value) -> Vec<&str> {
    requests.as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect()
}

/// Arguments with which the administrator succeeds, in the alphabetical order of the list.
fn arguments_for(tool: &str) -> Value {
    match tool {
        "add_comment" => json!({ "request_id": "REQ-1001", "text": "Seen." }),
        "add_favourite" | "get_request" | "list_actions" | "list_comments" | "remove_favourite" => {
            json!({ "request_id": "REQ-1001" })
        }
        "admin_set_user_type" => json!({ "person_id": "USR-1", "user_type": "basic" }),
        "admin_update_settings" => json!({ "max_open_requests": 50 }),
        "create_delegation" => json!({ "to_person_id": "USR-2", "process_id": "PRC-1" }),
        "create_request" => {
            json!({ "process_id": "PRC-1", "title": "Ferry", "description": "To the audit." })
        }
        "export_report" => json!({ "steps": 1, "delay_ms": 1 }),
        "get_process" | "list_participants" | "process_pause" | "process_resume" => {
            json!({ "process_id": "PRC-1" })
        }
        "participant_add" => {
            json!({ "process_id": "PRC-1", "person_id": "USR-1", "part": "approver" })
        }
        "participant_remove" => json!({ "process_id": "PRC-1", "person_id": "USR-1" }),
        "process_start" => json!({ "process_id": "PRC-3" }),
        "search_requests" => json!({ "query": "audit" }),
        "submit_action" => json!({ "request_id": "REQ-1004", "decision": "approve" }),
        "update_request" => json!({ "request_id": "REQ-1001", "priority": "high" }),
        _ => json!({}),
    }
}
