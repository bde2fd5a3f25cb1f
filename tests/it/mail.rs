//! Mails: to a mail server, and to a folder without one.

use std::time::Duration;

use domain::input;
use quick_commerce::config::{MailSettings, Secret};
use quick_commerce::platform::clock::Clock;
use quick_commerce::platform::jobs::Failure;
use quick_commerce::platform::mailer::{Mail, Mailer};
use uuid::Uuid;

use crate::support::mail::letters_in;
use crate::support::processes::Folder;
use crate::support::smtp::{Mood, SmtpServer};

fn settings(url: Option<String>, folder: &Folder) -> MailSettings {
    MailSettings {
        smtp_url: url.map(Secret::new),
        folder: folder.path().join("mail"),
        from: "Shop <no-reply@shop.example>".parse().unwrap(),
        password_reset: Duration::from_mins(30),
        email_verification: Duration::from_hours(48),
    }
}

fn mail(to: &str) -> Mail {
    Mail {
        id: Uuid::from_u128(7),
        to: to.to_owned(),
        subject: "Your order is on its way".to_owned(),
        text: "It will be with you in 10 minutes.\n.\nThe line above has one dot, and this one a ₹ sign.".to_owned(),
        html: Some("<p>It will be with you in <b>10</b> minutes.</p>".to_owned()),
    }
}

/// An account whose address no mail can be sent to could never be proven, nor its password be had back.
#[tokio::test]
async fn whatever_is_taken_for_an_address_can_be_written_to() {
    let folder = Folder::new("mail");
    let mailer = Mailer::new(&settings(None, &folder), Clock::system()).unwrap();
    let odd = (0..0x180).filter_map(char::from_u32).chain(['\u{200b}', '例', '🍕']);
    let locals = odd.flat_map(|c| [format!("a{c}b"), format!("{c}b"), format!("a{c}"), format!("a{c}{c}b")]);
    let hosts =
        ["b.c", "a-b.c", "xn--e1afmkfd.example", "1.example", "bücher.example", "-b.c", "b-.c", "b_c.d", "[1.2.3.4]"];
    let addresses = locals.map(|local| format!("{local}@b.c")).chain(hosts.map(|host| format!("a@{host}")));
    let taken: Vec<String> = addresses.filter_map(|address| input::email("email", &address).ok()).collect();
    assert!(taken.len() > 300, "{taken:?}");
    for address in taken {
        mailer.send(&mail(&address)).await.unwrap_or_else(|why| panic!("{address}: {why:?}"));
    }
}

#[tokio::test]
async fn a_mail_server_receives_a_mail_as_it_was_written() {
    let (server, folder) = (SmtpServer::start().await, Folder::new("mail"));
    let mailer = Mailer::new(&settings(Some(server.url()), &folder), Clock::system()).unwrap();
    mailer.send(&mail("asha@example.org")).await.unwrap();
    let letter = server.letter_to("asha@example.org").await;
    assert_eq!(letter.subject, "Your order is on its way");
    assert_eq!(letter.id, format!("<{}@shop.example>", Uuid::from_u128(7)));
    assert!(letter.head.contains("From: Shop <no-reply@shop.example>"), "{}", letter.head);
    assert!(letter.head.contains("Auto-Submitted: auto-generated"), "{}", letter.head);
    assert!(letter.text.contains("one dot, and this one a ₹ sign."), "{}", letter.text);
    assert!(letter.text.contains("<b>10</b>"), "{}", letter.text);
    // again, after a failure that was none: the receiver's server knows the two for one
    mailer.send(&mail("asha@example.org")).await.unwrap();
    assert_eq!(server.letters()[1].id, letter.id);
    assert!(letters_in(&folder.path().join("mail")).is_empty());
}

#[tokio::test]
async fn a_mail_that_is_refused_for_ever_is_given_up_and_any_other_tried_again() {
    let (server, folder) = (SmtpServer::start().await, Folder::new("mail"));
    let mailer = Mailer::new(&settings(Some(server.url()), &folder), Clock::system()).unwrap();
    for (code, is_final) in [(550, true), (552, true), (450, false), (421, false), (535, false)] {
        server.set(Mood::Refuses(code));
        let failure = mailer.send(&mail("asha@example.org")).await.unwrap_err();
        let (Failure::Final(text) | Failure::Again(text)) = &failure else { panic!("{failure:?}") };
        assert_eq!(matches!(failure, Failure::Final(_)), is_final, "{code}: {failure:?}");
        assert!(!text.contains("asha") && text.contains(&code.to_string()), "{text}");
    }
    let failure = mailer.send(&mail("nobody at all")).await.unwrap_err();
    assert!(matches!(&failure, Failure::Final(text) if !text.contains("nobody at all")), "{failure:?}");
    server.set(Mood::Open);
    mailer.send(&mail("asha@example.org")).await.unwrap();
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_asked_again_later() {
    let folder = Folder::new("mail");
    let url = SmtpServer::start().await.url();
    let mailer = Mailer::new(&settings(Some(url), &folder), Clock::system()).unwrap();
    let failure = mailer.send(&mail("asha@example.org")).await.unwrap_err();
    assert!(matches!(failure, Failure::Again(_)), "{failure:?}");
}

#[tokio::test]
async fn without_a_mail_server_each_mail_is_one_file_however_often_it_is_sent() {
    let folder = Folder::new("mail");
    let mailer = Mailer::new(&settings(None, &folder), Clock::system()).unwrap();
    for _ in 0..2 {
        mailer.send(&mail("asha@example.org")).await.unwrap();
    }
    let letters = letters_in(&folder.path().join("mail"));
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].to.as_str(), letters[0].subject.as_str()), ("asha@example.org", "Your order is on its way"));
}
