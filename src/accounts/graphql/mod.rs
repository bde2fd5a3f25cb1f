//! Accounts as clients see them.

mod address;
mod addresses;
mod administration;
mod audit;
mod auth;
mod keys;
mod loaders;
mod profile;
mod recovery;
mod user;
mod viewer;

pub use address::{Address, AddressInput};
pub use addresses::{AddressPayload, AddressesMutation, EmptyPayload, RemoveAddressInput, SaveAddressInput};
pub use administration::{CreateUserInput, UpdateUserInput, UserPayload, UsersMutation};
pub use audit::{AuditEntry, AuditEntryConnection, AuditEntryLoader, audit_page};
pub use auth::{
    AccountsMutation, AuthPayload, AuthTokens, LoginInput, LogoutInput, LogoutPayload, PartnerSignupInput,
    RefreshTokensInput, RegisterInput, SellerSignupInput,
};
pub use keys::{
    ApiKey, ApiKeyConnection, ApiKeysMutation, CreateApiKeyInput, RevokeApiKeyInput, api_key_page, find_api_key,
    may_manage_keys,
};
pub use loaders::{AddressesLoader, ApiKeyLoader, PartnerLoader, SellerLoader, UserLoader};
pub use profile::{ProfileMutation, UpdateProfileInput};
pub use recovery::{ChangePasswordInput, RecoveryMutation, RequestPasswordResetInput, ResetPasswordInput, VerifyEmailInput};
pub use user::{PartnerProfile, Seller, User, UserConnection, user_page};
pub use viewer::{AccountsQuery, Viewer, ViewerAccount};
