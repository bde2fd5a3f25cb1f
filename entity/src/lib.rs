//! One sea-orm entity for each table.
//!
//! Rows as they are stored, with `domain`'s enums for what has a fixed set of names. Each table is named by the repository
//! of one slice only. Entities have no relations: joins across slices would let one slice read another's tables unseen.

pub mod json;
mod message_body;
mod password_hash;
mod text;

pub mod address;
pub mod api_key;
pub mod audit_entry;
pub mod cart;
pub mod cart_line;
pub mod category;
pub mod claim;
pub mod consumer;
pub mod event;
pub mod event_topic;
pub mod idempotency_key;
pub mod job;
pub mod mailed_token;
pub mod message;
pub mod notification;
pub mod order;
pub mod order_count;
pub mod order_event;
pub mod order_item;
pub mod partner;
pub mod partner_location;
pub mod payment;
pub mod payment_event;
pub mod product;
pub mod product_tag;
pub mod promo;
pub mod promo_customer;
pub mod promo_redemption;
pub mod rating;
pub mod refresh_token;
pub mod refund;
pub mod relay;
pub mod sales_hour;
pub mod sales_hour_product;
pub mod sales_order;
pub mod sandbox_intent;
pub mod sandbox_refund;
pub mod seller;
pub mod session;
pub mod skipped_event;
pub mod stock;
pub mod stock_movement;
pub mod user;
pub mod webhook_delivery;
pub mod webhook_endpoint;

pub use message_body::MessageBody;
pub use password_hash::PasswordHash;
pub use text::Text;
