//! Requests over HTTP, as somebody who is signed in.

use std::hash::{BuildHasher as _, RandomState};
use std::iter::successors;
use std::time::Duration;

use cynic::http::{CynicReqwestError, ReqwestExt as _};
use cynic::serde::{Deserialize, Serialize, de::DeserializeOwned};
use cynic::{MutationBuilder as _, Operation};
use reqwest::Url;
use tokio::sync::Mutex;

use crate::api::{AuthPayload, AuthTokens, LoginInput, RefreshTokensInput, Renew, RenewVariables, SignIn, SignInVariables};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{address} is no address of a shop, such as https://shop.example: {why}")]
    Address { address: String, why: String },
    #[error("{0} is not on this machine: set EMAIL and PASSWORD, whose account to use there")]
    NoAccount(String),
    #[error("the server is not to be reached: {0}")]
    Unreachable(String),
    #[error("the server answers what this program does not understand: {0}")]
    Answer(String),
    #[error("the access token is not valid any more")]
    InvalidToken,
    #[error("the account is not let in: {0}")]
    SignIn(String),
    #[error("{code}: {message}")]
    Refused { code: String, message: String, is_retryable: bool },
}

impl Error {
    /// Whether the same may work later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Refused { is_retryable: true, .. })
    }
}

/// What the server says of an error besides its message.
#[derive(Debug, Deserialize)]
#[serde(crate = "cynic::serde", rename_all = "camelCase")]
pub(crate) struct Extensions {
    code: String,
    #[serde(default)]
    retryable: bool,
}

/// The first of the errors of an answer.
pub(crate) fn refusal(errors: Option<Vec<cynic::GraphQlError<Extensions>>>) -> Error {
    let Some(error) = errors.into_iter().flatten().next() else {
        return Error::Unreachable("an answer with nothing in it".to_owned());
    };
    let (code, is_retryable) = error.extensions.map_or_else(Default::default, |known| (known.code, known.retryable));
    if code == "INVALID_TOKEN" { Error::InvalidToken } else { Error::Refused { code, message: error.message, is_retryable } }
}

/// A shop, and who signs in there. An access token lives for minutes; when it is refused there will be another.
pub struct Shop {
    http: reqwest::Client,
    url: String,
    login: LoginInput,
    tokens: Mutex<Option<AuthTokens>>,
}

impl Shop {
    /// The shop at `url`, such as `https://shop.example`.
    ///
    /// # Errors
    /// It is not of `http:` or `https:`, and will not be later either.
    pub fn new(url: &str, login: LoginInput) -> Result<Self, Error> {
        let refused = |why: String| Error::Address { address: url.to_owned(), why };
        let mut endpoint = Url::parse(url).map_err(|error| refused(error.to_string()))?;
        if !matches!(endpoint.scheme(), "http" | "https") {
            return Err(refused("it begins with neither http: nor https:".to_owned()));
        }
        endpoint.set_path(&format!("{}/graphql", endpoint.path().trim_end_matches('/')));
        Ok(Self { http: reqwest::Client::new(), url: endpoint.into(), login, tokens: Mutex::default() })
    }

    /// Whether it may be a demo, whose accounts have a password that everybody knows.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        Url::parse(&self.url).is_ok_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
    }

    pub(crate) fn socket_url(&self) -> String {
        self.url.replacen("http", "ws", 1)
    }

    /// Sends until there is an answer, which is right for what may be sent twice: queries, and mutations with an idempotency key.
    ///
    /// # Errors
    /// What trying again does not mend.
    pub async fn send<Q, V>(&self, operation: Operation<Q, V>) -> Result<Q, Error>
    where
        Q: DeserializeOwned + 'static,
        V: Serialize,
    {
        for tries in 0.. {
            match self.try_send(&operation).await {
                Err(error) if error.is_retryable() => pause(tries, &error).await,
                done => return done,
            }
        }
        unreachable!("there is no last attempt")
    }

    async fn try_send<Q, V>(&self, operation: &Operation<Q, V>) -> Result<Q, Error>
    where
        Q: DeserializeOwned + 'static,
        V: Serialize,
    {
        let token = self.access_token().await?;
        match self.post(operation, Some(&token)).await {
            Err(Error::InvalidToken) => {
                let token = self.renewed(&token).await?;
                self.post(operation, Some(&token)).await
            }
            done => done,
        }
    }

    async fn post<Q, V>(&self, operation: &Operation<Q, V>, token: Option<&str>) -> Result<Q, Error>
    where
        Q: DeserializeOwned + 'static,
        V: Serialize,
    {
        let mut request = self.http.post(&self.url).timeout(PATIENCE);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer =
            request.run_graphql(operation).retain_extensions::<Extensions>().await.map_err(|error| match error {
                CynicReqwestError::ReqwestError(error) if is_other(&error) => Error::Answer(with_causes(&error)),
                CynicReqwestError::ReqwestError(error) => Error::Unreachable(with_causes(&error)),
                CynicReqwestError::ErrorResponse(status, _) => {
                    Error::Unreachable(format!("HTTP {status} without an answer"))
                }
            })?;
        match answer.data {
            Some(data) if answer.errors.as_ref().is_none_or(Vec::is_empty) => Ok(data),
            _ => Err(refusal(answer.errors)),
        }
    }

    /// The token to try.
    pub(crate) async fn access_token(&self) -> Result<String, Error> {
        let mut tokens = self.tokens.lock().await;
        if let Some(tokens) = &*tokens {
            return Ok(tokens.access_token.clone());
        }
        Ok(tokens.insert(self.sign_in().await?).access_token.clone())
    }

    /// A token other than `refused`. Several who ask at once get the same, since a refresh token works once.
    pub(crate) async fn renewed(&self, refused: &str) -> Result<String, Error> {
        let mut tokens = self.tokens.lock().await;
        let refresh_token = match &*tokens {
            Some(tokens) if tokens.access_token != refused => return Ok(tokens.access_token.clone()),
            Some(tokens) => tokens.refresh_token.clone(),
            None => return Err(Error::InvalidToken),
        };
        let operation = Renew::build(RenewVariables { input: RefreshTokensInput { refresh_token } });
        let renewed = match self.post(&operation, None).await?.refresh_tokens.tokens {
            Some(renewed) => renewed,
            // used up, by an answer that was lost for example: the password is left
            None => self.sign_in().await?,
        };
        Ok(tokens.insert(renewed).access_token.clone())
    }

    async fn sign_in(&self) -> Result<AuthTokens, Error> {
        let operation = SignIn::build(SignInVariables { input: self.login.clone() });
        let AuthPayload { tokens, user_errors } = self.post(&operation, None).await?.login;
        tokens.ok_or_else(|| Error::SignIn(user_errors.into_iter().map(|error| error.message).collect()))
    }
}

/// Whether the answer was whole, but is not what was asked for. Half of one, or a proxy's page, may be followed by a better one.
fn is_other(error: &reqwest::Error) -> bool {
    use std::error::Error as _;
    error.source().and_then(|cause| cause.downcast_ref::<serde_json::Error>()).is_some_and(serde_json::Error::is_data)
}

/// What an error says, and what it says was the reason.
fn with_causes(error: &dyn std::error::Error) -> String {
    successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Says why, and waits: twice as long each time, and by chance up to half of it less, so that many who were cut off together
/// come back one by one.
pub(crate) async fn pause(tries: u32, why: &Error) {
    eprintln!("trying again: {why}");
    let longest = LONGEST_PAUSE.min(Duration::from_millis(250) * 2_u32.pow(tries.min(7)));
    let part = RandomState::new().hash_one(tries) % 512;
    tokio::time::sleep(longest / 2 + longest * u32::try_from(part).unwrap_or_default() / 1024).await;
}
