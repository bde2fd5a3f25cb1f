//! Somebody who does at random what people do with stock.

use std::time::Duration;

use domain::access::Actor as Principal;
use domain::error::{ErrorCode, Rejection};
use domain::order::{OrderEventType, OrderStatus, PaymentMethod, PaymentStatus};
use domain::stock::StockMovementReason;
use entity::{category, order, order_event, payment, product, promo_redemption, refund, stock_movement};
use quick_commerce::app::App;
use quick_commerce::catalog::import::NewRow;
use quick_commerce::inventory::import::{Import, ImportRow, import_batch};
use quick_commerce::inventory::service::{Adjustment, adjust};
use quick_commerce::orders::service::paying::{RefundPayment, StartPayment, expiry, refund_payment, start_payment};
use quick_commerce::orders::service::{self as orders, Place, Step, step};
use quick_commerce::payments::sandbox::{self, Choice};
use quick_commerce::platform::ids::Ids;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use crate::support::crowd::{refused, wish};
use crate::support::story::key;
use crate::support::wait::until;

/// How long an order waits for its payment.
pub(super) const WINDOW: Duration = Duration::from_mins(2);

/// A customer and the store's seller, the same at each run as far as their order is.
pub(super) struct Wanderer {
    pub(super) app: App,
    pub(super) dice: Ids,
    pub(super) customer: Principal,
    pub(super) seller: Principal,
    pub(super) products: Vec<Uuid>,
    /// The products as an import has them.
    pub(super) sheet: Vec<NewRow>,
    pub(super) orders: Vec<order::Model>,
}

impl Wanderer {
    pub(super) async fn wander(mut self, steps: usize) {
        for _ in 0..steps {
            match self.dice.below(16) {
                0..=2 => self.buy(PaymentMethod::CashOnDelivery).await,
                3..=6 => self.buy(PaymentMethod::Card).await,
                7..=9 => Box::pin(self.pay()).await,
                10..=11 => Box::pin(self.cancel()).await,
                12 => self.adjust().await,
                13 => self.import().await,
                14 => self.refund().await,
                _ => self.wait().await,
            }
        }
    }

    /// Some of everything, for nobody knows what comes up at random.
    pub(super) async fn do_all_once(self) {
        let (declined, paid, unwanted) = (self.ordered(true).await, self.ordered(true).await, self.ordered(true).await);
        // one is never paid, and one stays
        self.ordered(true).await;
        self.ordered(false).await;
        self.play(declined, Choice::Decline).await;
        self.play(paid, Choice::Succeed).await;
        self.call_off(unwanted, self.customer).await.unwrap();
        let row = ImportRow { product: self.sheet[3].clone(), stock: 61 };
        let import = Import { rows: vec![row], is_all_or_nothing: true };
        assert!(refused(import_batch(&self.app, &self.seller, &import, false).await).unwrap().errors.is_empty());
        let (product, delta, reason) = (self.products[0], 5, StockMovementReason::Received);
        let adjustment = Adjustment { product, delta, reason, note: None, expected_on_hand: None };
        refused(adjust(&self.app, &self.seller, &key(), adjustment).await).unwrap();
        until(|| async {
            let events = order_event::Entity::find().all(self.app.db.reader()).await.unwrap();
            let happened = |r#type| events.iter().any(|event| *event.r#type == r#type);
            happened(OrderEventType::PaymentFailed) && happened(OrderEventType::PaymentSucceeded)
        })
        .await;
        let payments = payment::Entity::find().all(self.app.db.reader()).await.unwrap();
        let payment = payments.iter().find(|payment| payment.order_id == paid).unwrap().id;
        let ask = RefundPayment { payment, amount: Some(1.into()), reason: None };
        refused(refund_payment(&self.app, self.seller, &key(), ask).await).unwrap();
    }

    async fn ordered(&self, is_prepaid: bool) -> Uuid {
        let payment_method = if is_prepaid { PaymentMethod::Card } else { PaymentMethod::CashOnDelivery };
        let place = Place { payment_method, promo_code: Some("TEN".to_owned()), ..wish(&[(self.products[0], 1)]) };
        refused(orders::place(&self.app, self.customer, &key(), place).await).unwrap().id
    }

    async fn play(&self, order: Uuid, choice: Choice) {
        let ask = StartPayment { order, provider: None };
        let started = refused(start_payment(&self.app, self.customer, &key(), ask).await).unwrap().payment;
        let played = sandbox::choose(&self.app, &started.client_secret.unwrap(), choice).await;
        assert_eq!(refused(played).unwrap(), Some(true));
    }

    fn roll(&self, bound: usize) -> usize {
        usize::try_from(self.dice.below(bound as u64)).unwrap()
    }

    fn any_order(&self) -> Option<Uuid> {
        (!self.orders.is_empty()).then(|| self.orders[self.roll(self.orders.len())].id)
    }

    async fn buy(&mut self, payment_method: PaymentMethod) {
        let first = self.roll(self.products.len());
        let count = 1 + self.roll(self.products.len());
        let lines: Vec<(Uuid, i32)> = (first..first + count)
            .map(|index| (self.products[index % self.products.len()], 1 + i32::try_from(self.roll(3)).unwrap()))
            .collect();
        let promo_code = (self.dice.below(2) == 0).then(|| "TEN".to_owned());
        let place = Place { payment_method, promo_code, ..wish(&lines) };
        match refused(orders::place(&self.app, self.customer, &key(), place).await) {
            Ok(order) => self.orders.push(order),
            Err(no) => assert!(matches!(no.code, ErrorCode::InsufficientStock | ErrorCode::PromoInvalid), "{no:?}"),
        }
    }

    /// Pays one of the latest orders, or tries to, at the sandbox.
    async fn pay(&mut self) {
        let Some(order) = self.orders.iter().rev().nth(self.roll(3)).map(|order| order.id) else { return };
        let ask = StartPayment { order, provider: None };
        let started = match refused(start_payment(&self.app, self.customer, &key(), ask).await) {
            Ok(started) => started.payment,
            // paid, paid in cash, cancelled, or too late, even while the sandbox was asked
            Err(no) => {
                let is_known = matches!(no.code, ErrorCode::PaymentNotAllowed | ErrorCode::PaymentDeclined);
                return assert!(is_known, "{no:?}");
            }
        };
        let Some(secret) = started.client_secret else { return };
        let choice = match self.dice.below(8) {
            0..=3 => Choice::Succeed,
            4..=5 => Choice::Decline,
            6 => Choice::Late,
            _ => Choice::Never,
        };
        sandbox::choose(&self.app, &secret, choice).await.unwrap_or_else(|_| panic!("the sandbox works"));
    }

    /// Customer and seller at once, and sometimes an order that is cancelled already.
    async fn cancel(&mut self) {
        let Some(order) = self.any_order() else { return };
        let (first, second) = tokio::join!(self.call_off(order, self.customer), self.call_off(order, self.seller));
        for refusal in [first, second].into_iter().filter_map(Result::err) {
            assert_eq!(refusal.code, ErrorCode::IllegalTransition, "{refusal:?}");
        }
    }

    async fn call_off(&self, order: Uuid, by: Principal) -> Result<order::Model, Rejection> {
        let to = OrderStatus::Cancelled;
        let call_off = Step { order, to, note: None, expected_version: None, delivery_code: None, input: Some("status") };
        refused(step(&self.app, by, "cancelOrder", &key(), call_off).await)
    }

    async fn adjust(&self) {
        let (delta, reason) = match self.dice.below(3) {
            0 => (5, StockMovementReason::Received),
            1 => (-3, StockMovementReason::Damaged),
            _ => (-1, StockMovementReason::Adjusted),
        };
        let product = self.products[self.roll(self.products.len())];
        let adjustment = Adjustment { product, delta, reason, note: None, expected_on_hand: None };
        if let Err(refusal) = refused(adjust(&self.app, &self.seller, &key(), adjustment).await) {
            assert_eq!(refusal.code, ErrorCode::InsufficientStock, "{refusal:?}");
        }
    }

    /// Sets what is in the store of some products, which may be less than what is promised.
    async fn import(&self) {
        let first = self.roll(self.sheet.len());
        let rows = (first..first + 2).map(|index| ImportRow {
            product: self.sheet[index % self.sheet.len()].clone(),
            stock: i32::try_from(self.roll(40)).unwrap(),
        });
        let import = Import { rows: rows.collect(), is_all_or_nothing: self.dice.below(2) == 0 };
        let imported = refused(import_batch(&self.app, &self.seller, &import, false).await).unwrap();
        assert!(imported.errors.iter().all(|error| error.field == ["stock"]), "more is promised: {imported:?}");
    }

    /// Gives some or all of what was paid for an order back, if there is anything.
    async fn refund(&self) {
        let Some(order) = self.any_order() else { return };
        let payments = payment::Entity::find().all(self.app.db.reader()).await.unwrap();
        let Some(of) = payments.into_iter().rfind(|payment| payment.order_id == order) else { return };
        let amount = (self.dice.below(3) > 0).then(|| (1 + self.roll(30)).into());
        let ask = RefundPayment { payment: of.id, amount, reason: None };
        if let Err(no) = refused(refund_payment(&self.app, self.seller, &key(), ask).await) {
            assert!(matches!(no.code, ErrorCode::PaymentNotAllowed | ErrorCode::RefundTooLarge), "{no:?}");
        }
    }

    /// Time goes by, up to the end of what somebody had to pay.
    async fn wait(&self) {
        self.app.clock.advance(WINDOW / 4);
        expiry::sweep(&self.app).await.unwrap();
    }
}

/// `products` as an import has them.
pub(super) async fn sheet(app: &App, products: &[Uuid]) -> Vec<NewRow> {
    let db = app.db.reader();
    let mut sheet = Vec::new();
    for id in products {
        let product = product::Entity::find_by_id(*id).one(db).await.unwrap().unwrap();
        let category = category::Entity::find_by_id(product.category_id).one(db).await.unwrap().unwrap();
        sheet.push(NewRow {
            sku: product.sku,
            name: product.name,
            description: product.description,
            category_slug: category.slug,
            price: rust_decimal::Decimal::new(product.price_minor, 2),
            tags: None,
            images: None,
        });
    }
    sheet
}

/// Fails unless there is something of everything: else it would say nothing that the books agree.
pub(super) async fn all_of_it_happened(app: &App) {
    let db = app.db.reader();
    let events = order_event::Entity::find().all(db).await.unwrap();
    let seen = |r#type: OrderEventType| events.iter().filter(|event| *event.r#type == r#type).count();
    let expired = events.iter().filter(|event| event.note.as_deref() == Some("It was not paid in time.")).count();
    let unpaid = events.iter().filter(|event| {
        *event.r#type == OrderEventType::Cancelled
            && event.actor_id.is_some()
            && event.from_status.is_some_and(|from| *from == OrderStatus::Pending)
    });
    let refunds = refund::Entity::find().all(db).await.unwrap();
    let movements = stock_movement::Entity::find().all(db).await.unwrap();
    let moved = |reason| movements.iter().filter(|movement| *movement.reason == reason).count();
    let redemptions = promo_redemption::Entity::find().all(db).await.unwrap();
    let counts = [
        ("paid", seen(OrderEventType::PaymentSucceeded)),
        ("declined", seen(OrderEventType::PaymentFailed)),
        ("refunded", seen(OrderEventType::Refunded)),
        ("asked to be refunded", refunds.iter().filter(|refund| refund.actor_id.is_some()).count()),
        ("never paid", expired),
        ("cancelled before it was paid", unpaid.count()),
        ("sold", moved(StockMovementReason::Sold)),
        ("received", moved(StockMovementReason::Received)),
        ("imported", moved(StockMovementReason::Imported)),
        ("promo given back", redemptions.iter().filter(|row| row.given_back_at.is_some()).count()),
        ("promo used", redemptions.iter().filter(|row| row.given_back_at.is_none()).count()),
    ];
    assert!(counts.iter().all(|(_, count)| *count > 0), "{counts:?}");
    assert!(refunds.iter().all(|refund| *refund.status == PaymentStatus::Refunded), "{refunds:?}");
}
