//! An order.

use domain::claims::ClaimStatus;
use domain::money::Currency;
use domain::order::{OrderStatus, PaymentMethod, PaymentStatus};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Text;
use crate::json::DeliveryAddress;

/// An order.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    /// Public as `ord_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Short and human; unique.
    pub number: String,
    /// One more with every change.
    pub version: i32,
    /// Where it is.
    pub status: Text<OrderStatus>,
    /// Who ordered.
    pub customer_id: Uuid,
    /// From whom.
    pub seller_id: Uuid,
    /// The live claim.
    pub claim_id: Option<Uuid>,
    /// Its state, kept here so that one row decides.
    pub claim_status: Option<Text<ClaimStatus>>,
    /// When the live claim ends by itself, until the goods are picked up.
    pub claim_expires_at: Option<DateTimeUtc>,
    /// Who holds, or delivered, it.
    pub partner_id: Option<Uuid>,
    /// Of every amount.
    pub currency: Text<Currency>,
    /// The lines.
    pub subtotal_minor: i64,
    /// Taken off.
    pub discount_minor: i64,
    /// For the delivery.
    pub delivery_fee_minor: i64,
    /// On the goods.
    pub tax_minor: i64,
    /// To pay.
    pub total_minor: i64,
    /// What of it went back to the customer; what was paid beyond it, as twice, went back first. Not in events from before this was
    /// counted.
    #[serde(default)]
    pub refunded_minor: i64,
    /// What the partner earns.
    pub payout_minor: i64,
    /// Pieces.
    pub item_count: i32,
    /// How it is paid.
    pub payment_method: Text<PaymentMethod>,
    /// Whether it is.
    pub payment_status: Text<PaymentStatus>,
    /// Until when it must be paid; `None` once it is, or when it is paid at the door.
    pub payment_due_at: Option<DateTimeUtc>,
    /// Its time to be paid is up, and until then it waits for what the payment's provider says.
    pub payment_asked_until: Option<DateTimeUtc>,
    /// The promo code that `discount_minor` comes from.
    pub promo_id: Option<Uuid>,
    /// As the customer gave it, in capitals.
    pub promo_code: Option<String>,
    /// Where to, as it was when placed.
    #[sea_orm(column_type = "JsonBinary")]
    pub delivery_address: DeliveryAddress,
    /// The store, as it was when placed.
    pub store_name: String,
    /// Where the goods are, degrees.
    pub pickup_latitude: f64,
    /// Where the goods are, degrees.
    pub pickup_longitude: f64,
    /// The fine cell (`domain::area`) that the pickup lies in; 0 of orders placed before there were cells.
    #[serde(default)]
    pub pickup_cell: i64,
    /// The wide cell; 0 likewise.
    #[serde(default)]
    pub pickup_region: i64,
    /// Where they go, degrees.
    pub dropoff_latitude: f64,
    /// Where they go, degrees.
    pub dropoff_longitude: f64,
    /// Between the two, metres.
    pub distance_m: i64,
    /// What the customer shows at the door.
    pub delivery_code: String,
    /// Wrong codes that were given at the door.
    pub proof_failures: i32,
    /// In the customer's words.
    pub note: Option<String>,
    /// When it was placed.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
    /// When it could first be picked up.
    pub ready_at: Option<DateTimeUtc>,
    /// When it was handed over.
    pub delivered_at: Option<DateTimeUtc>,
    /// When the customer rated it: only once.
    pub rated_at: Option<DateTimeUtc>,
    /// When it ended, if a partner carried it then.
    pub carried_until: Option<DateTimeUtc>,
}

/// None: related rows are loaded in batches by id, by the slice that owns them.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
