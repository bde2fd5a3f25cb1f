//! Mails to people: to a mail server by SMTP or, where none is configured, to a folder.
//!
//! Mails are sent by jobs, so at least once: the same mail has the same [`id`](Mail::id) each time, which is its `Message-ID`
//! and the name of its file. Neither addresses nor contents are ever logged.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use uuid::Uuid;

use super::clock::Clock;
use super::jobs::Failure;
use crate::config::MailSettings;

/// How long the mail server may take for one mail; shorter than a job may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many mails a folder keeps, the newest: it is for looking at them, and nobody empties it.
const MOST: usize = 1_000;

/// Answers by which a mail server refuses us, not the mail (RFC 4954, section 6): an operator may mend that.
const NOT_LET_IN: [u16; 4] = [530, 534, 535, 538];

/// A mail to one person.
#[derive(Clone)]
pub struct Mail {
    /// Stable, so that a mail that is sent twice is known as one.
    pub id: Uuid,
    /// The address of the receiver, as `user@example.org`.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML, for readers that prefer it.
    pub html: Option<String>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // what is in it is for the receiver alone
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Sends mails. A clone is another handle to the same connections.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    clock: Clock,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailer")
    }
}

impl Mailer {
    /// A mailer as configured. It does not connect yet.
    ///
    /// # Errors
    /// A line for the operator, when the mail server's address makes no sense.
    pub fn new(settings: &MailSettings, clock: Clock) -> Result<Self, String> {
        let way = match &settings.smtp_url {
            Some(url) => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
                    .map_err(|error| format!("SMTP_URL: {}", url.hide_in(&error.to_string())))?;
                Way::Smtp(builder.timeout(Some(PATIENCE)).build())
            }
            None => Way::Folder(settings.folder.clone()),
        };
        Ok(Self { from: settings.from.clone(), clock, way })
    }

    /// Whether mails leave this machine.
    #[must_use]
    pub const fn is_by_smtp(&self) -> bool {
        matches!(self.way, Way::Smtp(_))
    }

    /// Sends `mail`: once this is done, the mail server has taken it over, or the file is there.
    ///
    /// # Errors
    /// [`Failure::Final`] when it cannot ever be delivered: the address is none, or the mail server says so (5xx).
    /// [`Failure::Again`] for all that may pass. Neither text has an address in it.
    pub async fn send(&self, mail: &Mail) -> Result<(), Failure> {
        let message = self.message(mail)?;
        match &self.way {
            Way::Smtp(transport) => {
                let sent = tokio::time::timeout(PATIENCE, transport.send(message)).await;
                let sent = sent.map_err(|_| Failure::Again("the mail server did not answer in time".to_owned()))?;
                sent.map_err(|error| failure(&error))?;
                tracing::info!(mail = %mail.id, "a mail was sent");
            }
            Way::Folder(folder) => {
                let (folder, name) = (folder.clone(), mail.id.to_string());
                let written = tokio::task::spawn_blocking(move || write(&folder, &name, &message.formatted())).await;
                let file = written
                    .map_err(|error| Failure::Again(format!("writing a mail: {error}")))?
                    .map_err(|error| Failure::Again(format!("writing a mail to MAIL_FOLDER: {error}")))?;
                tracing::info!(mail = %mail.id, file = %file.display(), "a mail was written; SMTP_URL is not set");
            }
        }
        Ok(())
    }

    fn message(&self, mail: &Mail) -> Result<Message, Failure> {
        let unfit = |what: &str| Failure::Final(format!("the mail {} cannot be written: {what}", mail.id));
        let to: Address = mail.to.parse().map_err(|_| unfit("its receiver has no address of mail"))?;
        // said of every mail that no person wrote, so that no holiday notice answers it (RFC 3834, section 5)
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(self.clock.now().into())
            .subject(&mail.subject)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .raw_header(automatic);
        let built = match &mail.html {
            Some(html) => message.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone())),
            None => message.header(ContentType::TEXT_PLAIN).body(mail.text.clone()),
        };
        built.map_err(|_| unfit("it is not a whole mail"))
    }
}

/// What is to be done about an error of SMTP. Of an answer only its code is told: servers like to repeat the address.
fn failure(error: &smtp::Error) -> Failure {
    match error.status() {
        Some(code) if error.is_permanent() && !NOT_LET_IN.contains(&code.into()) => {
            Failure::Final(format!("the mail server refused the mail: {code}"))
        }
        Some(code) => Failure::Again(format!("the mail server did not take the mail: {code}")),
        None => Failure::Again(format!("the mail server could not be asked: {error}")),
    }
}

/// Writes `bytes` as `name.eml` into `folder`, for the eyes of the server's user only. A reader never finds half a file.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let (file, part) = (folder.join(format!("{name}.eml")), folder.join(format!("{name}.part")));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&part)?.write_all(bytes)?;
    std::fs::rename(&part, &file)?;
    if let Err(error) = prune(folder, MOST) {
        tracing::warn!(%error, "old mails could not be removed from MAIL_FOLDER");
    }
    Ok(file)
}

/// Removes the oldest mails of `folder`, so that at the most so many are left. What has another name than [`write`] gives is not ours.
fn prune(folder: &Path, most: usize) -> io::Result<()> {
    let mut mails = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_suffix(".eml"));
        if name.is_some_and(|name| Uuid::try_parse(name).is_ok()) {
            mails.push(path);
        }
    }
    if mails.len() <= most {
        return Ok(());
    }
    // what another has removed meanwhile is the oldest
    mails.sort_by_cached_key(|path| path.metadata().and_then(|data| data.modified()).ok());
    for path in &mails[..mails.len() - most] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_the_newest_mails() {
        let name = |number: u64| Uuid::from_u128(number.into()).to_string();
        let folder = std::env::temp_dir().join(format!("quick-commerce-mails-{}", std::process::id()));
        for number in 0..5 {
            let file = write(&folder, &name(number), b"a mail").unwrap();
            let written = std::time::UNIX_EPOCH + Duration::from_secs(number);
            std::fs::File::options().append(true).open(file).unwrap().set_modified(written).unwrap();
        }
        std::fs::write(folder.join("somebody's.eml"), "not ours").unwrap();
        prune(&folder, 5).unwrap();
        prune(&folder, 2).unwrap();
        let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut left: Vec<String> = names.collect();
        left.sort();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(left, [format!("{}.eml", name(3)), format!("{}.eml", name(4)), "somebody's.eml".to_owned()]);
    }
}
