//! Refusals of accounts.

use domain::error::{ErrorCode, Rejection};

use crate::platform::Error;

/// Why a use-case of accounts was refused. The text is what the client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// The address belongs to an account already.
    #[error("An account with this e-mail address exists.")]
    EmailTaken,
    /// Unknown address, inactive account or wrong password: nobody learns which.
    #[error("E-mail address or password is wrong.")]
    InvalidCredentials,
    /// The refresh token is unknown, used, expired, or its session has ended.
    #[error("This refresh token is not valid any more: sign in again.")]
    InvalidRefreshToken,
    /// The password breaks a rule.
    #[error(transparent)]
    WeakPassword(#[from] Weakness),
    /// Both `partner` and `seller` were given.
    #[error("An account is a partner's or a seller's, not both.")]
    TwoRoles,
    /// No active account has the address that an operator named.
    #[error("There is no active account with this e-mail address.")]
    NoSuchAccount,
    /// An admin would lock themselves out.
    #[error("Nobody deactivates their own account: let another admin do so.")]
    OwnAccount,
    /// An admin would take their own rights.
    #[error("Nobody changes their own role: let another admin do so.")]
    OwnRole,
    /// The account has no vehicle.
    #[error("This account did not sign up as a partner's, so it cannot become one.")]
    NoPartner,
    /// The account has no store.
    #[error("This account did not sign up as a seller's, so it cannot become one.")]
    NoSeller,
    /// A capacity was given to somebody who carries nothing.
    #[error("Only partners have a capacity.")]
    NoCapacity,
    /// No store has the name, id or address that an operator gave.
    #[error("There is no such store: give its name, its id (sel_…) or the e-mail address of its seller.")]
    NoSuchStore,
    /// Several stores may be meant by what an operator gave.
    #[error("Several stores may be meant by this: give the id (sel_…) or the e-mail address of the seller.")]
    ManyStores,
    /// No such saved address, or none of theirs.
    #[error("There is no such address.")]
    NoSuchAddress,
    /// They have as many as anybody may.
    #[error("You have 50 addresses already: change or remove one.")]
    TooManyAddresses,
    /// A mailed token is unknown, used, expired, or its account is not active.
    #[error("This link is not valid any more: ask for a new one.")]
    InvalidMailedToken,
    /// Not the password of whoever is signed in.
    #[error("This is not your password.")]
    WrongPassword,
    /// The password that is to take another's place breaks a rule.
    #[error("{0}")]
    WeakNewPassword(Weakness),
    /// A seller without a store.
    #[error("A seller needs a store: give its name and where it is.")]
    NoStore,
    /// A key that is good for nothing.
    #[error("A key needs at least one scope.")]
    NoScopes,
    /// A key with a scope twice.
    #[error("Name each scope once.")]
    RepeatedScope,
    /// A key that has expired when it is made, or never will as far as anybody can tell.
    #[error("A key expires in the future, within ten years; leave this out for one that does not expire.")]
    BadExpiry,
    /// No store has the id that a key is to be restricted to.
    #[error("There is no such store.")]
    NoStoreOfKey,
    /// No such API key.
    #[error("There is no such API key.")]
    NoKey,
    /// This field says something about another role.
    #[error("An account of this role has no such field.")]
    NotOfRole(&'static str),
}

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer than 8 characters.
    #[error("A password needs at least 8 characters.")]
    TooShort,
    /// More than 128 characters.
    #[error("A password may have at most 128 characters.")]
    TooLong,
    /// It is the account's e-mail address.
    #[error("A password must not be the e-mail address.")]
    IsEmail,
    /// It is on the list that guessers begin with.
    #[error("This is one of the most common passwords: choose another.")]
    Common,
}

impl From<AccountsError> for Rejection {
    fn from(error: AccountsError) -> Self {
        let (code, field) = match error {
            AccountsError::EmailTaken => (ErrorCode::EmailTaken, Some("email")),
            AccountsError::InvalidCredentials => (ErrorCode::InvalidCredentials, None),
            AccountsError::InvalidRefreshToken => (ErrorCode::InvalidToken, Some("refreshToken")),
            AccountsError::WeakPassword(_) => (ErrorCode::WeakPassword, Some("password")),
            AccountsError::TwoRoles | AccountsError::ManyStores | AccountsError::NoStore => {
                (ErrorCode::InvalidInput, Some("seller"))
            }
            AccountsError::NoSuchAccount => (ErrorCode::NotFound, Some("email")),
            AccountsError::OwnAccount => (ErrorCode::InvalidInput, Some("active")),
            AccountsError::OwnRole | AccountsError::NoPartner | AccountsError::NoSeller => {
                (ErrorCode::InvalidInput, Some("role"))
            }
            AccountsError::NoCapacity => (ErrorCode::InvalidInput, Some("capacity")),
            AccountsError::NoSuchStore => (ErrorCode::NotFound, Some("seller")),
            AccountsError::NoSuchAddress => (ErrorCode::NotFound, Some("addressId")),
            AccountsError::InvalidMailedToken => (ErrorCode::InvalidToken, Some("token")),
            AccountsError::WrongPassword => (ErrorCode::InvalidCredentials, Some("currentPassword")),
            AccountsError::WeakNewPassword(_) => (ErrorCode::WeakPassword, Some("newPassword")),
            AccountsError::TooManyAddresses => (ErrorCode::InvalidInput, Some("address")),
            AccountsError::NoScopes | AccountsError::RepeatedScope => (ErrorCode::InvalidInput, Some("scopes")),
            AccountsError::BadExpiry => (ErrorCode::InvalidInput, Some("expiresAt")),
            AccountsError::NoStoreOfKey => (ErrorCode::NotFound, Some("sellerId")),
            AccountsError::NoKey => (ErrorCode::NotFound, Some("apiKeyId")),
            AccountsError::NotOfRole(field) => (ErrorCode::InvalidInput, Some(field)),
        };
        let rejection = Self::new(code, error.to_string());
        match field {
            Some(field) => rejection.at(field),
            None => rejection,
        }
    }
}

impl From<AccountsError> for Error {
    fn from(error: AccountsError) -> Self {
        Rejection::from(error).into()
    }
}
