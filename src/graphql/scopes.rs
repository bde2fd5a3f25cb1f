//! What API keys may ask, by their scopes: the one place that says so.
//!
//! A document is looked at as a whole, before anything of it is executed: each field of the roots, the desks and the viewer has
//! to stand in a table here, and so has each type that is selected from, however it is reached. So nothing leads from what a
//! key may see to what it may not, and what nobody thought of is refused. What a key may ask is then answered as it is for the
//! user in whose name it acts.

use std::collections::HashSet;

use async_graphql::extensions::ExtensionContext;
use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::registry::{MetaType, MetaTypeName, Registry};
use async_graphql::{Name, ServerResult};
use domain::id::Kind;
use domain::keys::ApiScope::{
    AnalyticsRead, ClaimsRead, ClaimsWrite, OrdersRead, OrdersWrite, ProductsRead, ProductsWrite, WebhooksManage,
};
use domain::keys::Scopes;

use super::context::{Shared, Viewer};
use super::error::GraphError;
use super::limits::select;

const ANY: Scopes = Scopes::ALL;
const NO_KEY: Scopes = Scopes::NONE;
const PRODUCTS: Scopes = Scopes::of(&[ProductsRead, ProductsWrite]);
const ORDERS: Scopes = Scopes::of(&[OrdersRead, OrdersWrite]);
const CLAIMS: Scopes = Scopes::of(&[ClaimsRead, ClaimsWrite]);
const WEBHOOKS: Scopes = Scopes::of(&[WebhooksManage]);
const ANALYTICS: Scopes = Scopes::of(&[AnalyticsRead]);
/// What is ordered, and what is sold, are products.
const GOODS: Scopes = Scopes::of(&[ProductsRead, ProductsWrite, OrdersRead, OrdersWrite, AnalyticsRead]);
/// Who orders, who carries, and how partners do; how to reach them is told by fields of their own.
const PEOPLE: Scopes = Scopes::of(&[OrdersRead, OrdersWrite, ClaimsRead, ClaimsWrite, AnalyticsRead]);

/// Types whose every field has a row in [`FIELDS`].
const GUARDED: &[&str] = &["Query", "Mutation", "Subscription", "Viewer", "AdminDesk", "SellerDesk", "PartnerDesk"];

/// Which scopes open a field: one of them does. What is not here no key may use.
const FIELDS: &[(&str, &str, Scopes)] = &[
    ("Query", "version", ANY),
    ("Query", "viewer", ANY),
    ("Query", "paymentMethods", ANY),
    ("Query", "node", ANY),
    ("Query", "nodes", ANY),
    ("Query", "admin", ANY),
    ("Query", "seller", ANY),
    ("Query", "products", Scopes::of(&[ProductsRead])),
    ("Query", "product", Scopes::of(&[ProductsRead])),
    ("Query", "categories", Scopes::of(&[ProductsRead])),
    ("Query", "order", Scopes::of(&[OrdersRead])),
    ("Viewer", "rateLimit", ANY),
    ("AdminDesk", "orders", Scopes::of(&[OrdersRead])),
    ("AdminDesk", "partners", Scopes::of(&[ClaimsRead])),
    ("AdminDesk", "sales", ANALYTICS),
    ("AdminDesk", "partnerPerformance", ANALYTICS),
    ("AdminDesk", "liveStats", ANALYTICS),
    ("AdminDesk", "webhookEndpoints", WEBHOOKS),
    ("SellerDesk", "seller", ANY),
    ("SellerDesk", "products", Scopes::of(&[ProductsRead])),
    ("SellerDesk", "lowStock", Scopes::of(&[ProductsRead])),
    ("SellerDesk", "orders", Scopes::of(&[OrdersRead])),
    ("SellerDesk", "sales", ANALYTICS),
    ("Mutation", "saveCategory", Scopes::of(&[ProductsWrite])),
    ("Mutation", "createProduct", Scopes::of(&[ProductsWrite])),
    ("Mutation", "updateProduct", Scopes::of(&[ProductsWrite])),
    ("Mutation", "adjustStock", Scopes::of(&[ProductsWrite])),
    ("Mutation", "importProducts", Scopes::of(&[ProductsWrite])),
    ("Mutation", "cancelOrder", Scopes::of(&[OrdersWrite])),
    ("Mutation", "updateOrderStatus", Scopes::of(&[OrdersWrite])),
    ("Mutation", "refundPayment", Scopes::of(&[OrdersWrite])),
    ("Mutation", "assignOrder", Scopes::of(&[ClaimsWrite])),
    ("Mutation", "createWebhookEndpoint", WEBHOOKS),
    ("Mutation", "updateWebhookEndpoint", WEBHOOKS),
    ("Mutation", "redeliverWebhook", WEBHOOKS),
    ("Subscription", "productUpdates", Scopes::of(&[ProductsRead])),
    ("Subscription", "lowStockAlerts", Scopes::of(&[ProductsRead])),
    ("Subscription", "orderUpdates", Scopes::of(&[OrdersRead])),
    ("Subscription", "sellerOrderUpdates", Scopes::of(&[OrdersRead])),
    ("Subscription", "adminUpdates", Scopes::of(&[OrdersRead])),
    ("Subscription", "deliveryTracking", Scopes::of(&[OrdersRead])),
    ("Subscription", "liveStats", ANALYTICS),
    // where somebody lives is told with an order that goes there, and not else
    ("User", "addresses", NO_KEY),
    // who sums up or gives out orders need not reach anybody
    ("User", "email", ORDERS),
    ("User", "phone", ORDERS),
];

/// Which scopes open a type, wherever it is selected from: one of them does. What is not here no key may use.
const TYPES: &[(Scopes, &[&str])] = &[
    (
        ANY,
        &[
            "Query",
            "Mutation",
            "Subscription",
            "Viewer",
            "AdminDesk",
            "SellerDesk",
            "Node",
            "Seller",
            "RateLimit",
            "Money",
            "GeoPoint",
            "PageInfo",
            "Count",
            "StreamReset",
            "StreamPosition",
            "UserError",
            "GenericError",
            "InsufficientStock",
            "IllegalTransition",
            "ClaimLost",
        ],
    ),
    (GOODS, &["Product", "Category"]),
    (
        PRODUCTS,
        &[
            "ProductConnection",
            "ProductEdge",
            "ProductPayload",
            "ProductStock",
            "StockMovement",
            "StockMovementConnection",
            "StockMovementEdge",
            "CategoryPayload",
            "ImportProductsPayload",
            "ImportRowError",
        ],
    ),
    (
        ORDERS,
        &[
            "Order",
            "OrderConnection",
            "OrderEdge",
            "OrderItem",
            "OrderEvent",
            "OrderEventConnection",
            "OrderEventEdge",
            "OrderPayload",
            "OrderSnapshot",
            "OrderChanged",
            "OrderUpdatesItem",
            "Address",
            "Payment",
            "PaymentPayload",
            "Refund",
            "Rating",
            "DeliveryTracking",
            "PartnerLocation",
            "AdminUpdatesItem",
            "AdminSnapshot",
            "PartnerChanged",
        ],
    ),
    (CLAIMS, &["Claim", "ClaimPayload", "UserConnection", "UserEdge"]),
    (PEOPLE, &["User", "PartnerProfile"]),
    (
        WEBHOOKS,
        &[
            "WebhookEndpoint",
            "WebhookEndpointConnection",
            "WebhookEndpointEdge",
            "WebhookEndpointPayload",
            "CreateWebhookEndpointPayload",
            "WebhookDelivery",
            "WebhookDeliveryConnection",
            "WebhookDeliveryEdge",
            "WebhookDeliveryPayload",
        ],
    ),
    (
        ANALYTICS,
        &[
            "SalesReport",
            "SalesBucket",
            "ProductSales",
            "CategorySales",
            "LiveStats",
            "StatusCount",
            "PartnerPerformance",
            "PartnerPerformanceConnection",
            "PartnerPerformanceEdge",
        ],
    ),
];

/// Whether a key with `scopes` may find what has an id of `kind` by that.
pub(super) fn may_find(scopes: Scopes, kind: Kind) -> bool {
    let opens = match kind {
        Kind::Seller => ANY,
        Kind::Product | Kind::Category | Kind::StockMovement => Scopes::of(&[ProductsRead]),
        Kind::Order | Kind::OrderItem | Kind::Event | Kind::Payment | Kind::Refund => Scopes::of(&[OrdersRead]),
        Kind::Claim => Scopes::of(&[ClaimsRead]),
        Kind::WebhookEndpoint | Kind::WebhookDelivery => WEBHOOKS,
        _ => NO_KEY,
    };
    scopes.meets(opens)
}

/// Which scopes open the field `field` of `of`, so far as the field decides that.
#[must_use]
pub fn opening_field(of: &str, field: &str) -> Scopes {
    let row = FIELDS.iter().find(|(known, name, _)| *known == of && *name == field);
    row.map_or_else(|| if GUARDED.contains(&of) { NO_KEY } else { ANY }, |(.., scopes)| *scopes)
}

/// Which scopes open the type `name`.
#[must_use]
pub fn opening_type(name: &str) -> Scopes {
    TYPES.iter().find(|(_, names)| names.contains(&name)).map_or(NO_KEY, |(scopes, _)| *scopes)
}

/// Refuses a document whose operation asks for something that the scopes of its reader's key do not allow. The document's
/// nesting must be bounded; what is invalid in it is left for the validation to refuse.
///
/// # Errors
/// `FORBIDDEN`.
pub(super) fn check(ctx: &ExtensionContext<'_>, document: &ExecutableDocument, wanted: Option<&str>) -> ServerResult<()> {
    let scopes = match ctx.data_opt::<Shared>() {
        Some(shared) => shared.0.scopes,
        None => ctx.data_opt::<Viewer>().and_then(|viewer| viewer.0).and_then(|actor| actor.key).map(|key| key.scopes),
    };
    match scopes {
        Some(scopes) => check_for(ctx, document, wanted, scopes),
        // whoever is not known yet is looked at once they are
        None => Ok(()),
    }
}

/// The same for a key of these `scopes`.
///
/// # Errors
/// `FORBIDDEN`.
pub(super) fn check_for(
    ctx: &ExtensionContext<'_>,
    document: &ExecutableDocument,
    wanted: Option<&str>,
    scopes: Scopes,
) -> ServerResult<()> {
    let registry = &ctx.schema_env.registry;
    let operation = &select(document, wanted)?.node;
    let root = match operation.ty {
        OperationType::Query => Some(&registry.query_type),
        OperationType::Mutation => registry.mutation_type.as_ref(),
        OperationType::Subscription => registry.subscription_type.as_ref(),
    };
    let mut walk = Walk { registry, document, scopes, seen: HashSet::new() };
    match root.and_then(|root| registry.types.get(root)) {
        Some(root) => walk.through(root, &operation.selection_set.node),
        None => Ok(()),
    }
}

/// Through all that an operation selects, each fragment once.
struct Walk<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    scopes: Scopes,
    seen: HashSet<&'a Name>,
}

impl<'a> Walk<'a> {
    fn through(&mut self, of: &'a MetaType, set: &'a SelectionSet) -> ServerResult<()> {
        let name = of.name();
        // of the schema anybody may ask
        if name.starts_with("__") {
            return Ok(());
        }
        if !self.scopes.meets(opening_type(name)) {
            return Err(refusal(name));
        }
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let asked = field.node.name.node.as_str();
                    if asked.starts_with("__") {
                        continue;
                    }
                    if !self.scopes.meets(opening_field(name, asked)) {
                        return Err(refusal(&format!("{name}.{asked}")));
                    }
                    let to = of.field_by_name(asked).map(|known| MetaTypeName::concrete_typename(&known.ty));
                    let to = to.and_then(|to| self.registry.types.get(to)).filter(|to| to.is_composite());
                    if let Some(to) = to {
                        self.through(to, &field.node.selection_set.node)?;
                    }
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    if let Some(of) = on.map_or(Some(of), |on| self.registry.types.get(on)) {
                        self.through(of, &inline.node.selection_set.node)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name).map(|fragment| &fragment.node) else { continue };
                    // what is in it is of its own type, wherever it is spread
                    if self.seen.insert(name)
                        && let Some(of) = self.registry.types.get(fragment.type_condition.node.on.node.as_str())
                    {
                        self.through(of, &fragment.selection_set.node)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn refusal(what: &str) -> async_graphql::ServerError {
    GraphError::new("FORBIDDEN", format!("The scopes of this API key do not allow {what}.")).into_server_error()
}
