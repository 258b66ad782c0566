//! What must be true of the tables at every moment, whatever happened before.

use super::Database;

/// Each is a question whose answer must be 0.
const NEVER: [(&str, &str); 11] = [
    (
        "a grant has two live leaves",
        "SELECT COUNT(*) FROM (SELECT grant_id FROM OAUTH_REFRESH_TOKEN t WHERE NOT EXISTS \
         (SELECT 1 FROM OAUTH_REFRESH_TOKEN n WHERE n.parent_hash = t.token_hash) \
         GROUP BY grant_id HAVING COUNT(*) > 1) x",
    ),
    (
        "a code was redeemed and its grant is missing",
        "SELECT COUNT(*) FROM OAUTH_CODE c WHERE redeemed_as IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM OAUTH_GRANT g WHERE g.grant_id = c.redeemed_as)",
    ),
    (
        "a grant came of no code",
        "SELECT COUNT(*) FROM OAUTH_GRANT g WHERE NOT EXISTS \
         (SELECT 1 FROM OAUTH_CODE c WHERE c.redeemed_as = g.grant_id)",
    ),
    (
        "a token descends from none of its grant",
        "SELECT COUNT(*) FROM OAUTH_REFRESH_TOKEN n WHERE parent_hash IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM OAUTH_REFRESH_TOKEN t WHERE t.token_hash = n.parent_hash \
         AND t.grant_id = n.grant_id)",
    ),
    (
        "a token would go before its parent",
        "SELECT COUNT(*) FROM OAUTH_REFRESH_TOKEN n JOIN OAUTH_REFRESH_TOKEN t \
         ON t.token_hash = n.parent_hash WHERE n.kept_until < t.kept_until",
    ),
    (
        "two keys sign",
        "SELECT COUNT(*) FROM (SELECT state FROM OAUTH_SIGNING_KEY WHERE state = 'active' \
         GROUP BY state HAVING COUNT(*) > 1) x",
    ),
    (
        "status indices were wasted or shared",
        "SELECT (SELECT value FROM OAUTH_SEQUENCE WHERE name = 'next_status_index') \
         - (SELECT COUNT(*) FROM OAUTH_GRANT)",
    ),
    (
        "revocations went unnoticed",
        "SELECT (SELECT value FROM OAUTH_SEQUENCE WHERE name = 'revocations') \
         - (SELECT COUNT(*) FROM OAUTH_GRANT WHERE revoked_at IS NOT NULL) \
         - (SELECT COUNT(*) FROM OAUTH_REVOKED_TOKEN)",
    ),
    (
        "revocations and their audit events differ",
        "SELECT (SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'grant.revoked') \
         - (SELECT COUNT(*) FROM OAUTH_GRANT WHERE revoked_at IS NOT NULL)",
    ),
    (
        "rotations and their audit events differ",
        "SELECT (SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'refresh.rotated') \
         - (SELECT COUNT(*) FROM OAUTH_REFRESH_TOKEN WHERE parent_hash IS NOT NULL)",
    ),
    (
        "an approval and its code differ",
        "SELECT (SELECT COUNT(*) FROM OAUTH_TXN WHERE stage = 'approved') \
         - (SELECT COUNT(*) FROM OAUTH_CODE)",
    ),
];

/// Asserts every invariant. Only for stories in which nothing was swept away yet.
pub(crate) async fn check_invariants(database: &Database) {
    for (wrong, question) in NEVER {
        assert_eq!(database.number(question).await, 0, "{wrong}");
    }
}
