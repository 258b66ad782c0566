//! The application's own last word: calls that a gateway would let through and that are refused.

use demo::header;
use serde_json::json;

use crate::harness::{Demo, ERAS, Who};

#[tokio::test]
async fn nobody_decides_their_own_request() {
    let demo = Demo::start().await;
    for era in ERAS {
        let owner = demo.client(era, Who::basic()).await;
        let arguments = json!({ "request_id": "REQ-1001", "decision": "approve" });
        let reason = owner.refused("submit_action", arguments).await;
        assert!(reason.contains("nobody decides their own request"), "{era:?}: {reason}");
        assert!(reason.contains("waits for Tomás Herrera"), "{era:?}: {reason}");
    }
}

#[tokio::test]
async fn only_the_assigned_approver_decides() {
    let demo = Demo::start().await;
    let arguments =
        json!({ "request_id": "REQ-1001", "decision": "approve", "note": "Good trip." });

    // An administrator administers; that makes nobody the approver.
    let admin = demo.stateless(Who::admin()).await;
    let reason = admin.refused("submit_action", arguments.clone()).await;
    assert!(reason.contains("has not delegated it to you"), "{reason}");

    let manager = demo.stateless(Who::manager()).await;
    let decided = manager.succeed("submit_action", arguments.clone()).await;
    assert_eq!(decided["request"]["state"], "approved");
    let reason = manager.refused("submit_action", arguments).await;
    assert!(reason.contains("has been approved already"), "{reason}");
}

#[tokio::test]
async fn a_delegate_decides_for_the_approver_within_the_delegated_process() {
    let demo = Demo::start().await;
    let manager = demo.stateless(Who::manager()).await;
    let admin = demo.stateless(Who::admin()).await;
    let approve = |id: &str| json!({ "request_id": id, "decision": "approve" });

    let travel_only = json!({ "to_person_id": "USR-3", "process_id": "PRC-1" });
    manager.succeed("create_delegation", travel_only).await;
    admin.refused("submit_action", approve("REQ-1002")).await;
    admin.succeed("submit_action", approve("REQ-1001")).await;

    let actions = admin.succeed("list_actions", json!({ "request_id": "REQ-1001" })).await;
    assert_eq!(actions["actions"][1]["on_behalf_of"]["name"], "Tomás Herrera");

    // The seeded delegation lets the manager decide equipment for the administrator, but not the
    // manager's own request.
    manager.refused("submit_action", approve("REQ-1005")).await;
}

#[tokio::test]
async fn a_rejection_needs_a_reason_until_an_administrator_says_otherwise() {
    let demo = Demo::start().await;
    let manager = demo.stateless(Who::manager()).await;
    let reject = json!({ "request_id": "REQ-1002", "decision": "reject" });
    let reason = manager.refused("submit_action", reject.clone()).await;
    assert!(reason.contains("say why in the note"), "{reason}");

    let admin = demo.stateless(Who::admin()).await;
    admin.succeed("admin_update_settings", json!({ "rejection_needs_note": false })).await;
    manager.succeed("submit_action", reject).await;
}

#[tokio::test]
async fn only_the_owner_or_an_administrator_changes_a_request() {
    let demo = Demo::start().await;
    let arguments = json!({ "request_id": "REQ-1004", "title": "Customer visit in Sagunto" });
    let basic = demo.stateless(Who::basic()).await;
    let reason = basic.refused("update_request", arguments.clone()).await;
    assert!(reason.contains("only Tomás Herrera, who owns REQ-1004"), "{reason}");
    for who in [Who::manager(), Who::admin()] {
        let client = demo.stateless(who).await;
        let updated = client.succeed("update_request", arguments.clone()).await;
        assert_eq!(updated["request"]["title"], "Customer visit in Sagunto");
        assert_eq!(updated["request"]["amount_eur"], 1150, "what is left out stays");
    }
}

#[tokio::test]
async fn a_limit_set_by_an_administrator_beats_the_sign_in() {
    let demo = Demo::start().await;
    let admin = demo.stateless(Who::admin()).await;
    let manager = demo.stateless(Who::manager()).await;
    manager.succeed("process_pause", json!({ "process_id": "PRC-1" })).await;
    let limit = |user_type: &str| json!({ "person_id": "USR-2", "user_type": user_type });
    admin.succeed("admin_set_user_type", limit("basic")).await;
    let reason = manager.refused("process_resume", json!({ "process_id": "PRC-1" })).await;
    assert!(reason.contains("you are a basic user here"), "{reason}");

    // And it only takes away: the manager is no administrator for it.
    admin.succeed("admin_set_user_type", limit("administrator")).await;
    manager.refused("admin_list_users", json!({})).await;
    manager.succeed("process_resume", json!({ "process_id": "PRC-1" })).await;
}

/// T-ADM-06: the last administrator cannot lock everybody out.
#[tokio::test]
async fn nobody_changes_their_own_user_type() {
    let demo = Demo::start().await;
    let admin = demo.stateless(Who::admin()).await;
    let arguments = json!({ "person_id": "USR-3", "user_type": "basic" });
    let reason = admin.refused("admin_set_user_type", arguments).await;
    assert!(reason.contains("nobody changes their own user type"), "{reason}");
}

#[tokio::test]
async fn administration_is_refused_to_everybody_else() {
    let demo = Demo::start().await;
    for who in [Who::anonymous(), Who::basic(), Who::manager()] {
        let client = demo.stateless(who).await;
        for tool in ["admin_list_users", "admin_get_settings"] {
            let reason = client.refused(tool, json!({})).await;
            assert!(reason.contains("this takes an administrator"), "{reason}");
        }
        client.refused("admin_update_settings", json!({ "accepting_requests": false })).await;
    }
}

#[tokio::test]
async fn a_workload_is_what_its_scopes_say() {
    let demo = Demo::start().await;
    let workload = |scopes| {
        Who(vec![
            (header::SUBJECT, "w-1"),
            (header::USER_TYPE, "workload"),
            (header::SCOPES, scopes),
        ])
    };
    let reader = demo.stateless(workload("mcp:read mcp:write")).await;
    reader.refused("process_pause", json!({ "process_id": "PRC-1" })).await;
    let runner = demo.stateless(workload("mcp:read mcp:process_admin")).await;
    runner.succeed("process_pause", json!({ "process_id": "PRC-1" })).await;
    runner.refused("admin_get_settings", json!({})).await;
    let administrator = demo.stateless(workload("mcp:admin")).await;
    administrator.succeed("admin_get_settings", json!({})).await;
}

#[tokio::test]
async fn a_paused_process_takes_no_requests_and_keeps_an_approver() {
    let demo = Demo::start().await;
    let manager = demo.stateless(Who::manager()).await;
    manager.succeed("process_pause", json!({ "process_id": "PRC-2" })).await;
    let draft = json!({ "process_id": "PRC-2", "title": "Drill", "description": "For the rig." });
    let reason = manager.refused("create_request", draft).await;
    assert!(reason.contains("Equipment takes no requests, because it is paused"), "{reason}");

    let member = |person: &str| json!({ "process_id": "PRC-2", "person_id": person });
    manager.succeed("participant_remove", member("USR-2")).await;
    let reason = manager.refused("participant_remove", member("USR-3")).await;
    assert!(reason.contains("would have no approver left"), "{reason}");
}
