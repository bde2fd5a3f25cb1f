use chrono::{DateTime, Utc};
use domain::money::Currency;
use domain::order::PaymentStatus;
use entity::{Text, payment, refund};
use uuid::Uuid;

use super::provider::{Intent, WebhookError};
use super::service::{refunded_of, summary};
use super::signature::{sign, verify};

const SECRET: &[u8] = b"whsec_test_secret";
const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;

/// Computed by `printf '1700000000.{"id":"evt_1","object":"event"}' | openssl dgst -sha256 -hmac whsec_test_secret`.
const CODE: &str = "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

#[test]
fn a_signature_is_what_openssl_makes_of_it() {
    assert_eq!(sign(SECRET, BODY, at(0)), format!("t=1700000000,v1={CODE}"));
}

#[test]
fn a_signature_is_good_for_five_minutes_either_way() {
    let header = format!("t=1700000000,v1={CODE}");
    for seconds in [0, 1, 300, -300] {
        assert_eq!(verify(SECRET, Some(&header), BODY, at(seconds)), Ok(()), "{seconds}");
    }
    for seconds in [301, -301, 86_400, i64::from(i32::MAX)] {
        assert_eq!(verify(SECRET, Some(&header), BODY, at(seconds)), Err(WebhookError::Stale), "{seconds}");
    }
}

#[test]
fn one_of_several_signatures_is_enough_and_other_schemes_are_not_looked_at() {
    let other = "f".repeat(64);
    for header in [
        format!("t=1700000000,v1={other},v1={CODE}"),
        format!("t=1700000000,v1={CODE},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"),
        format!("v1={CODE},t=1700000000"),
        format!("t=1700000000, v1={CODE}, scheme=new, odd"),
        format!("t=1700000000,v1=nohex,v1={CODE}"),
    ] {
        assert_eq!(verify(SECRET, Some(&header), BODY, at(0)), Ok(()), "{header}");
    }
}

#[test]
fn anything_else_is_no_signature() {
    use WebhookError::{Forged, NoSignature};
    let cases = [
        (String::new(), NoSignature),
        (CODE.to_owned(), NoSignature),
        (format!("v1={CODE}"), NoSignature),
        ("t=1700000000".to_owned(), NoSignature),
        (format!("t=,v1={CODE}"), NoSignature),
        (format!("t=soon,v1={CODE}"), NoSignature),
        (format!("t=99999999999999999999,v1={CODE}"), NoSignature),
        (format!("t=1700000000,t=1700000000,v1={CODE}"), NoSignature),
        (format!("t=1700000000,v0={CODE}"), NoSignature),
        ("t=1700000000,v1=".to_owned(), Forged),
        (format!("t=1700000000,v1={}", &CODE[..62]), Forged),
        (format!("t=1700000000,v1={CODE}00"), Forged),
        (format!("t=1700000001,v1={CODE}"), Forged),
        // the same number, written otherwise: the text was signed
        (format!("t=01700000000,v1={CODE}"), Forged),
        (format!("t=+1700000000,v1={CODE}"), Forged),
    ];
    for (header, error) in cases {
        assert_eq!(verify(SECRET, Some(&header), BODY, at(0)), Err(error), "{header}");
    }
    assert_eq!(verify(SECRET, None, BODY, at(0)), Err(NoSignature));
    let header = format!("t=1700000000,v1={CODE}");
    assert_eq!(verify(b"whsec_other", Some(&header), BODY, at(0)), Err(Forged));
    assert_eq!(verify(SECRET, Some(&header), b"{}", at(0)), Err(Forged));
}

fn payment(id: u128, status: PaymentStatus) -> payment::Model {
    payment::Model {
        id: Uuid::from_u128(id),
        order_id: Uuid::nil(),
        provider: "sandbox".to_owned(),
        status: Text(status),
        currency: Text(Currency::Inr),
        amount_minor: 100,
        refunded_minor: 0,
        provider_ref: None,
        client_secret: Some("the secret of a tiger".to_owned()),
        failure_reason: None,
        broken: 0,
        called_off_at: None,
        created_at: at(0),
        updated_at: at(0),
        paid_at: None,
    }
}

fn refund(payment: u128, amount_minor: i64, status: PaymentStatus) -> refund::Model {
    refund::Model {
        id: Uuid::nil(),
        payment_id: Uuid::from_u128(payment),
        amount_minor,
        currency: Text(Currency::Inr),
        reason: None,
        status: Text(status),
        actor_id: None,
        provider_ref: None,
        failure_reason: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn the_money_of_an_order_is_what_was_kept_of_what_was_paid() {
    use PaymentStatus::{Failed, Paid, PartiallyRefunded, Pending, Refunded};
    let cases: [(&[payment::Model], &[refund::Model], PaymentStatus); 7] = [
        (&[], &[], Pending),
        (&[payment(1, Failed), payment(2, Pending)], &[], Pending),
        (&[payment(1, Failed), payment(2, Paid)], &[], Paid),
        (&[payment(1, Paid)], &[refund(1, 100, Pending), refund(1, 40, Failed)], Paid),
        (&[payment(1, PartiallyRefunded)], &[refund(1, 40, Refunded), refund(1, 60, Pending)], PartiallyRefunded),
        (&[payment(1, Refunded)], &[refund(1, 40, Refunded), refund(1, 60, Refunded)], Refunded),
        // paid twice, and one of them given back
        (&[payment(1, Refunded), payment(2, Paid)], &[refund(1, 100, Refunded)], Paid),
    ];
    for (payments, refunds, expected) in cases {
        assert_eq!(summary(payments, refunds), expected, "{payments:?} {refunds:?}");
    }
}

#[test]
fn what_went_back_of_an_order_is_not_what_was_paid_twice() {
    use PaymentStatus::{Failed, Paid, PartiallyRefunded, Pending, Refunded};
    let cases: [(&[payment::Model], &[refund::Model], i64); 8] = [
        (&[], &[], 0),
        (&[payment(1, Paid)], &[refund(1, 40, Pending), refund(1, 60, Failed)], 0),
        (&[payment(1, PartiallyRefunded)], &[refund(1, 40, Refunded), refund(1, 60, Pending)], 40),
        (&[payment(1, Refunded)], &[refund(1, 40, Refunded), refund(1, 60, Refunded)], 100),
        (&[payment(1, Failed), payment(2, PartiallyRefunded)], &[refund(2, 30, Refunded)], 30),
        (&[payment(1, Refunded), payment(2, Paid)], &[refund(1, 100, Refunded)], 0),
        (&[payment(1, Refunded), payment(2, PartiallyRefunded)], &[refund(1, 100, Refunded), refund(2, 7, Refunded)], 7),
        (&[payment(1, PartiallyRefunded), payment(2, Paid)], &[refund(1, 30, Refunded)], 0),
    ];
    for (payments, refunds, expected) in cases {
        assert_eq!(refunded_of(100, payments, refunds), expected, "{payments:?} {refunds:?}");
    }
}

#[test]
fn what_is_logged_of_a_payment_is_without_its_secret() {
    let intent = Intent { reference: "pi_1".to_owned(), client_secret: "the secret of a tiger".to_owned() };
    let text = format!("{:?} {intent:?}", payment(1, PaymentStatus::Paid));
    assert!(!text.contains("tiger"), "{text}");
}
