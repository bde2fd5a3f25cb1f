//! Use-cases of dispatch. Each is done once for each idempotency key.

use chrono::{DateTime, Utc};
use domain::access::Actor;
use domain::claims::ClaimStatus;
use domain::id::{Kind, encode};
use domain::input;
use domain::order::OrderEventType;
use entity::order;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::orders::error::OrderError;
use crate::orders::service::claims::{self, Claimed};
use crate::orders::service::{Cause, find_claim, find_order};
use crate::platform::Result;
use crate::platform::audit::{self, NewEntry};
use crate::platform::db::{Tx, retry};
use crate::platform::idempotency::{self, Begun, Request};

/// What somebody asks to be done about a claim.
#[derive(Debug, Clone, Serialize)]
pub enum Ask {
    /// A partner wants an order, at once or to look at it first.
    Claim {
        /// Which order.
        order: Uuid,
        /// Whether it is accepted at once.
        accept: bool,
    },
    /// A partner takes the order they hold.
    Accept {
        /// Which claim.
        claim: Uuid,
    },
    /// A partner gives the order back.
    Release {
        /// Which claim.
        claim: Uuid,
        /// In their words.
        reason: Option<String>,
    },
    /// An admin gives an order to a partner.
    Assign {
        /// Which order.
        order: Uuid,
        /// To whom.
        partner: Uuid,
    },
}

impl Ask {
    const fn operation(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "claimOrder",
            Self::Accept { .. } => "acceptClaim",
            Self::Release { .. } => "releaseClaim",
            Self::Assign { .. } => "assignOrder",
        }
    }
}

/// Does what is asked, once for each key.
///
/// # Errors
/// What [`crate::orders::error::OrderError`] and the partner's slots say; nothing changed then.
pub async fn ask(app: &App, actor: Actor, key: &str, ask: Ask) -> Result<Claimed> {
    let ask = match ask {
        Ask::Release { claim, reason: Some(reason) } => {
            Ask::Release { claim, reason: Some(input::paragraph("reason", &reason, 0, 500)?) }
        }
        other => other,
    };
    let request = Request::new(actor.principal(), ask.operation(), key, &ask)?;
    retry(|| ask_once(app, actor, &request, &ask)).await
}

async fn ask_once(app: &App, actor: Actor, request: &Request, ask: &Ask) -> Result<Claimed> {
    let tx = app.db.begin().await?;
    let at = app.clock.db_now(&*tx).await?;
    if let Begun::Done(claim) = idempotency::begin::<Uuid>(&tx, request, at).await? {
        return find_claimed(&tx, claim).await;
    }
    let (claimed, before) = carry_out(app, &tx, actor, ask, at).await?;
    if let Some(before) = before {
        let (id, at, target) = (app.ids.uuid(), claimed.claim.held_at, Some((Kind::Order, before.id)));
        let (before, after) = (Some(described(&before)), Some(described(&claimed.order)));
        audit::append(&tx, NewEntry { id, by: actor.into(), action: "order.assign", target, before, after, at }).await?;
    }
    idempotency::finish(&tx, request, &claimed.claim.id).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// What the record says of an order that an admin gives to a partner.
fn described(order: &order::Model) -> Value {
    let partner = order.partner_id.map(|partner| encode(Kind::User, partner));
    let claim = order.claim_id.map(|claim| encode(Kind::Claim, claim));
    json!({ "status": order.status, "partnerId": partner, "claimId": claim })
}

/// What came of it, and, for the record, what the order was before an admin gave it to somebody.
async fn carry_out(
    app: &App,
    tx: &Tx,
    actor: Actor,
    ask: &Ask,
    at: DateTime<Utc>,
) -> Result<(Claimed, Option<order::Model>)> {
    let cause = |r#type, note| Cause { r#type, actor: Some(actor), note, at };
    let claimed = match ask {
        Ask::Claim { order, accept: true } => {
            claims::claim(app, tx, *order, actor.user, ClaimStatus::Accepted, cause(OrderEventType::Assigned, None)).await
        }
        Ask::Claim { order, accept: false } => {
            claims::claim(app, tx, *order, actor.user, ClaimStatus::Held, cause(OrderEventType::ClaimHeld, None)).await
        }
        Ask::Accept { claim } => claims::accept(app, tx, *claim, actor.user, cause(OrderEventType::Assigned, None)).await,
        Ask::Release { claim, reason } => {
            claims::release(app, tx, *claim, actor.user, cause(OrderEventType::ClaimReleased, reason.clone())).await
        }
        Ask::Assign { order, partner } => {
            let given = claims::assign(app, tx, *order, *partner, cause(OrderEventType::Assigned, None)).await;
            return given.map(|(claimed, before)| (claimed, Some(before)));
        }
    };
    Ok((claimed?, None))
}

/// What was done before under the same key, as it is now.
async fn find_claimed(tx: &Tx, id: Uuid) -> Result<Claimed> {
    let claim = find_claim(&**tx, id).await?.ok_or(OrderError::NoSuchClaim)?;
    let order = find_order(&**tx, claim.order_id).await?.ok_or(OrderError::NotFound)?;
    Ok(Claimed { order, claim })
}
