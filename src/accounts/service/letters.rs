//! What is written to people about their accounts. Without their names: whoever signs up with another's address chooses what
//! stands there.

use uuid::Uuid;

use crate::app::App;
use crate::config::Secret;
use crate::platform::mailer::Mail;

/// What differs between one letter with a link and another.
struct Letter<'a> {
    subject: &'a str,
    before: &'a str,
    /// The page that the link opens, after `PUBLIC_URL`.
    page: &'a str,
    button: &'a str,
    after: &'a str,
}

/// Lets the reader choose another password.
pub(super) fn password_reset(app: &App, id: Uuid, to: String, token: &Secret) -> Mail {
    let minutes = app.config.mail.password_reset.as_secs() / 60;
    let letter = Letter {
        subject: "Choose a new password",
        before: "Somebody, you we hope, asked for a new password for your account.",
        page: "reset-password",
        button: "Choose a new password",
        after: &format!(
            "The link works once, for {minutes} minutes. If it was not you, do nothing: your password stays as it is."
        ),
    };
    letter.write(app, id, to, token)
}

/// Has the reader prove that the address is theirs.
pub(super) fn email_verification(app: &App, id: Uuid, to: String, token: &Secret) -> Mail {
    let hours = app.config.mail.email_verification.as_secs() / 3_600;
    let letter = Letter {
        subject: "Confirm your e-mail address",
        before: "An account was made with this e-mail address. Please confirm that it is yours.",
        page: "verify-email",
        button: "Confirm the address",
        after: &format!("The link works once, for {hours} hours. If you made no account, do nothing."),
    };
    letter.write(app, id, to, token)
}

impl Letter<'_> {
    fn write(&self, app: &App, id: Uuid, to: String, token: &Secret) -> Mail {
        let Self { subject, before, page, button, after } = self;
        // behind the #, which browsers send to nobody: no log of a web server and no Referer has the token
        let link = format!("{}/{page}#token={}", app.config.public_url, token.expose());
        let text = format!("{before}\n\n{button}:\n{link}\n\n{after}\n");
        let html = format!("<p>{before}</p>\n<p><a href=\"{link}\">{button}</a></p>\n<p>{after}</p>\n");
        Mail { id, to, subject: (*subject).to_owned(), text, html: Some(html) }
    }
}
