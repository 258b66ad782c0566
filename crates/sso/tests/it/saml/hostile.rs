//! Every row of hostile answers, each refused, and for the reason that it was made for.

use std::time::Duration;

use kernel::encoding::base64;

use super::corpus::corpus;
use super::lab::{config, judge, pending, provider};

/// Judges all cases of one row and says how many there were.
async fn all_of(row: &str) -> usize {
    let provider = provider(config());
    let mut count = 0;
    for case in corpus().into_iter().filter(|case| case.row == row) {
        let answer = base64(case.xml.as_bytes());
        let error = provider.finish(&pending(), &answer).await.map_err(|error| error.to_string());
        let error = error.expect_err(case.name);
        assert!(error.contains(case.because), "{}: {error}", case.name);
        count += 1;
    }
    count
}

#[tokio::test]
async fn t_saml_00_nothing_unsigned_or_changed() {
    assert_eq!(all_of("T-SAML-00").await, 6);
}

#[tokio::test]
async fn t_saml_01_no_wrapped_response() {
    assert_eq!(all_of("T-SAML-01").await, 3);
}

#[tokio::test]
async fn t_saml_02_no_forged_assertion_before_or_around() {
    assert_eq!(all_of("T-SAML-02").await, 3);
}

#[tokio::test]
async fn t_saml_03_no_moved_signature() {
    assert_eq!(all_of("T-SAML-03").await, 6);
}

#[tokio::test]
async fn t_saml_05_no_second_assertion() {
    assert_eq!(all_of("T-SAML-05").await, 3);
}

#[tokio::test]
async fn t_saml_06_no_identifier_twice() {
    assert_eq!(all_of("T-SAML-06").await, 4);
}

#[tokio::test]
async fn t_saml_07_no_odd_reference() {
    assert_eq!(all_of("T-SAML-07").await, 7);
}

/// Line breaks in base64 are no variant: signing libraries make them, ours among them.
#[tokio::test]
async fn t_saml_08_no_odd_signed_info() {
    assert_eq!(all_of("T-SAML-08").await, 9);
}

#[tokio::test]
async fn t_saml_09_no_odd_transform() {
    assert_eq!(all_of("T-SAML-09").await, 7);
}

#[tokio::test]
async fn t_saml_11_no_attribute_twice() {
    assert_eq!(all_of("T-SAML-11").await, 2);
}

#[tokio::test]
async fn t_saml_12_no_confusion_of_namespaces() {
    assert_eq!(all_of("T-SAML-12").await, 7);
}

#[tokio::test]
async fn t_saml_13_no_void_canonicalization() {
    assert_eq!(all_of("T-SAML-13").await, 3);
}

#[tokio::test]
async fn t_saml_14_nothing_that_two_parsers_read_differently() {
    assert_eq!(all_of("T-SAML-14").await, 21);
}

/// None is expanded, none is fetched: the first character of a document type ends it.
#[tokio::test]
async fn t_saml_15_no_entities() {
    let all = tokio::time::timeout(Duration::from_secs(20), all_of("T-SAML-15")).await;
    assert_eq!(all.unwrap(), 7);
}

#[tokio::test]
async fn t_saml_17_no_other_key_and_no_weak_algorithm() {
    assert_eq!(all_of("T-SAML-17").await, 8);
}

#[tokio::test]
async fn t_saml_18_every_field_fits() {
    assert_eq!(all_of("T-SAML-18").await, 50);
}

#[tokio::test]
async fn t_saml_19_every_time_fits() {
    assert_eq!(all_of("T-SAML-19").await, 44);
}

#[tokio::test]
async fn t_saml_20_only_the_answer_to_this_request() {
    assert_eq!(all_of("T-SAML-20").await, 12);
}

#[tokio::test]
async fn t_saml_21_nothing_unsolicited() {
    assert_eq!(all_of("T-SAML-21").await, 3);
}

#[tokio::test]
async fn t_saml_23_no_unsafe_encryption() {
    assert_eq!(all_of("T-SAML-23").await, 12);
}

#[tokio::test]
async fn t_saml_25_no_failure_that_brings_an_assertion() {
    assert_eq!(all_of("T-SAML-25").await, 9);
}

#[tokio::test]
async fn what_is_no_answer_at_all_is_refused() {
    let provider = provider(config());
    for nonsense in ["", "x", "%%%", "AAAA", "PHg+", "////", &"A".repeat(500_000)] {
        assert!(provider.finish(&pending(), nonsense).await.is_err());
    }
    assert!(judge("").await.is_err());
}

/// No byte can be changed, and no cut made, so that somebody else comes in. Panics in libraries
/// would show here as well.
#[tokio::test]
async fn no_changed_byte_makes_another_person() {
    let good = super::lab::good(super::idp::Sign::Both);
    let provider = provider(config());
    let expected = judge(&good).await.unwrap().signed_in.identity;
    for position in (0..good.len()).step_by(53) {
        for change in [b'<', b'a', b'"', b'&', b' '] {
            let mut bytes = good.clone().into_bytes();
            bytes[position] = change;
            if let Ok(accepted) = provider.finish(&pending(), &base64(&bytes)).await {
                assert_eq!(accepted.signed_in.identity, expected, "at {position}");
            }
        }
        let cut = base64(&good.as_bytes()[..position]);
        assert!(provider.finish(&pending(), &cut).await.is_err());
    }
}
