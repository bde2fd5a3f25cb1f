//! Settings of mails.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use super::payments::http_url;
use super::{Reader, Secret};

/// How mails leave the server.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The mail server, with the password for it; none: mails are written to the folder.
    pub smtp_url: Option<Secret>,
    /// Where mails are written while there is no mail server.
    pub folder: PathBuf,
    /// The sender of every mail.
    pub from: Mailbox,
    /// How long a mailed link works that lets somebody choose another password.
    pub password_reset: Duration,
    /// How long one works that proves an e-mail address.
    pub email_verification: Duration,
}

impl Reader {
    /// The settings of mails, and the address that their links begin with.
    pub(super) fn mail(&mut self) -> (MailSettings, String) {
        let smtp_url = self.optional("SMTP_URL");
        if let Some(url) = &smtp_url {
            let is_smtp = url.starts_with("smtp://") || url.starts_with("smtps://");
            if !is_smtp || AsyncSmtpTransport::<Tokio1Executor>::from_url(url).is_err() {
                // the value may hold a password
                self.mistakes.push("SMTP_URL: must be an address such as smtps://USER:PASSWORD@mail.example".to_owned());
            }
            for name in ["MAIL_FROM", "PUBLIC_URL"] {
                if self.values.get(name).is_none_or(|value| value.trim().is_empty()) {
                    self.mistakes.push(format!("{name}: is required with SMTP_URL"));
                }
            }
        }
        let nobody = Mailbox::new(None, lettre::Address::new_dangerous("nobody", "localhost"));
        let from =
            self.parse("MAIL_FROM", nobody, "a sender such as Shop <no-reply@shop.example>", |text| text.parse().ok());
        let public_url = self.parse("PUBLIC_URL", String::new(), "an address such as https://shop.example", http_url);
        let settings = MailSettings {
            smtp_url: smtp_url.map(Secret),
            folder: self.text("MAIL_FOLDER").into(),
            from,
            password_reset: Duration::from_secs(self.number("PASSWORD_RESET_MINUTES", 1, 1_440) * 60),
            email_verification: self.hours("EMAIL_VERIFICATION_HOURS", 1),
        };
        (settings, public_url)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::tests::load;

    #[test]
    fn a_mail_server_needs_a_sender_and_a_place_for_links_and_its_password_is_never_repeated() {
        let url = ("SMTP_URL", "smtps://shop:tiger@mail.example");
        let error = load(&[url]).unwrap_err();
        assert_eq!(error.0, ["MAIL_FROM: is required with SMTP_URL", "PUBLIC_URL: is required with SMTP_URL"]);
        let whole = [url, ("MAIL_FROM", "Shop <shop@shop.example>"), ("PUBLIC_URL", "https://shop.example/")];
        let config = load(&whole).unwrap();
        assert_eq!(config.public_url, "https://shop.example");
        assert_eq!(config.mail.from.to_string(), "Shop <shop@shop.example>");
        assert!(!format!("{config:?}").contains("tiger"));
        let error = load(&[("SMTP_URL", "https://shop:tiger@mail.example"), whole[1], whole[2]]).unwrap_err();
        assert!(error.0.len() == 1 && error.0[0].starts_with("SMTP_URL") && !error.0[0].contains("tiger"), "{error}");
        assert!(load(&[("MAIL_FROM", "nobody")]).is_err() && load(&[("PUBLIC_URL", "shop.example")]).is_err());
    }

    #[test]
    fn without_a_mail_server_mails_are_files() {
        let mail = Config::defaults().unwrap().mail;
        assert!(mail.smtp_url.is_none());
        assert_eq!(mail.folder.to_str(), Some("data/mail"));
    }
}
