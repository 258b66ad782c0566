//! What the sidecar lets in of people whose provider was disabled or removed (A5).

use std::time::Duration;

use serde_json::json;
use testkit::{Era, McpCaller, Tokens};

use crate::providers::Company;
use crate::revoke::is_refused_soon;
use crate::world::Plan;

const LOCAL: &str = "[[sign_in.provider]]\nid = \"here\"\nkind = \"local\"\n";

/// A5: access tokens that still run are refused by the sidecar within five seconds, in the same
/// process and apart, whether the provider was switched off or removed; and work again once it is
/// back.
#[tokio::test]
async fn a5_running_access_tokens_end_with_the_provider() {
    for plan in [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
    {
        let mut company = Company::start(plan, "", LOCAL).await;
        let client = company.world.client().await;
        let claims = json!({ "sub": "tom", "name": "Tom" });
        let tokens = company.connect(&company.world.person(), &client, claims).await;
        let provider = company.idp.configuration("");
        let world = &mut company.world;
        let caller = McpCaller::new(world, &tokens.access, Era::Stateless);
        assert!(!caller.tools().await.is_empty());

        let off = provider.replace("id = \"corp\"", "id = \"corp\"\nenabled = false");
        for without in ["", off.as_str()] {
            world.reconfigure(|text| text.replace(&provider, without)).await;
            is_refused_soon(&caller).await;
            client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
            let back = |text: &str| match without {
                "" => format!("{text}\n{provider}"),
                off => text.replace(off, &provider),
            };
            world.reconfigure(back).await;
            is_let_in_soon(&caller).await;
        }
        assert_eq!(Tokens::of(&client.refresh(&tokens.refresh).await).scope, tokens.scope);
    }
}

/// Asks until the answer is 200, for five seconds at most.
pub(crate) async fn is_let_in_soon(caller: &McpCaller) {
    let let_in = async {
        while caller.ask("tools/list", json!({})).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), let_in).await.expect("let in within five seconds");
}
