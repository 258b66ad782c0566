use http::header::RETRY_AFTER;
use upstream::http::SendError;

use super::*;

/// D-55: whatever the way, one failure is one answer.
#[test]
fn each_failure_has_one_row() {
    use ConnectionError as E;
    let rows = [
        (E::Away, 503, -31503),
        (E::Full, 503, -31503),
        (E::Broken, 502, -31502),
        (E::Garbled, 502, -31502),
        (E::Unclaimed, 502, -31502),
        (E::Elsewhere, 502, -31502),
        (E::Refused(StatusCode::NOT_FOUND), 502, -31502),
        (E::Refused(StatusCode::FORBIDDEN), 502, -31502),
        (E::Refused(StatusCode::METHOD_NOT_ALLOWED), 405, -31502),
        (E::Refused(StatusCode::INTERNAL_SERVER_ERROR), 500, -31502),
        (E::Timeout, 504, -31504),
        (E::SessionGone, 404, SESSION_UNKNOWN),
    ];
    for (error, status, code) in rows {
        let failure = Failure::from(error);
        let row = failure.row();
        assert_eq!((row.status.as_u16(), row.code), (status, code), "{error}");
        let answer = failure.refused(Some("1")).into_response();
        assert_eq!(answer.status().as_u16(), status, "{error}");
        assert_eq!(answer.headers().contains_key(RETRY_AFTER), status == 503, "{error}");
    }
    for (sent, error) in [
        (SendError::Away, E::Away),
        (SendError::Broken, E::Broken),
        (SendError::Timeout, E::Timeout),
    ] {
        assert_eq!(E::from(sent), error);
    }
}
