//! Chats as clients see them.

mod loaders;
mod message;
mod mutation;
mod subscription;

pub use loaders::{MessageLoader, MessagesLoader};
pub use message::{Message, MessageConnection, is_open, page_of};
pub use mutation::ChatMutation;
pub use subscription::ChatSubscription;
