//! Every field of every mutation's input, and what it takes. A test says when one is missing.

use serde_json::{Value, json};

use super::World;
use super::values::Takes::{
    self, Amount, Change, Choice, Code, Compared, Credential, Degrees, Form, FormOrNothing, Id, Line, Lines, Measure,
    Number, OldPrice, Paragraph, Password, Percent, Price, Sum, Time, Total,
};
use crate::support::actors::{Actor, PASSWORD, email};
use crate::support::story::{address, key};

/// A field by its path in `input`, and what it takes.
pub(super) type Field = (&'static str, Takes);

const KEY: Field = ("idempotencyKey", Line(1, 255));
const MOST: i64 = 10_000_000;

/// The mutations with the fields of their inputs.
pub(super) const MUTATIONS: &[(&str, &[Field])] = &[
    (
        "register",
        &[
            ("email", Form),
            ("password", Password),
            ("name", Line(1, 120)),
            ("phone", FormOrNothing),
            ("partner.vehicle", Choice),
            ("partner.vehicleNumber", Line(0, 20)),
            ("partner.licenseNumber", Line(0, 40)),
            ("seller.storeName", Line(1, 120)),
            ("seller.location.latitude", Degrees(90.0)),
            ("seller.location.longitude", Degrees(180.0)),
        ],
    ),
    ("login", &[("email", Credential), ("password", Credential)]),
    ("refreshTokens", &[("refreshToken", Form)]),
    ("changePassword", &[("currentPassword", Credential), ("newPassword", Password)]),
    ("requestPasswordReset", &[("email", Form)]),
    ("resetPassword", &[("token", Form), ("newPassword", Password)]),
    ("verifyEmail", &[("token", Form)]),
    (
        "createUser",
        &[
            ("email", Form),
            ("password", Password),
            ("name", Line(1, 120)),
            ("role", Choice),
            ("phone", FormOrNothing),
            ("partner.vehicle", Choice),
            ("partner.vehicleNumber", Line(0, 20)),
            ("partner.licenseNumber", Line(0, 40)),
            ("seller.storeName", Line(1, 120)),
            ("seller.location.latitude", Degrees(90.0)),
            ("seller.location.longitude", Degrees(180.0)),
        ],
    ),
    ("logout", &[("everywhere", Choice)]),
    ("saveCategory", &[("slug", Form), ("name", Line(1, 100))]),
    (
        "createProduct",
        &[
            KEY,
            ("sku", Line(1, 64)),
            ("name", Line(1, 200)),
            ("description", Lines(5_000)),
            ("categoryId", Id("cat")),
            ("price", Price),
            ("compareAtPrice", OldPrice),
            ("images.0", Form),
            ("tags.0", Line(1, 40)),
            ("initialStock", Number(0, MOST)),
            ("lowStockThreshold", Number(0, MOST)),
        ],
    ),
    (
        "updateProduct",
        &[
            ("productId", Id("prd")),
            ("name", Line(1, 200)),
            ("description", Lines(5_000)),
            ("categoryId", Id("cat")),
            ("price", Price),
            ("compareAtPrice", OldPrice),
            ("images.0", Form),
            ("tags.0", Line(1, 40)),
            ("active", Choice),
            ("lowStockThreshold", Number(0, MOST)),
        ],
    ),
    (
        "adjustStock",
        &[
            KEY,
            ("productId", Id("prd")),
            ("delta", Change(-MOST, MOST)),
            ("reason", Choice),
            ("note", Lines(500)),
            ("expectedOnHand", Compared),
        ],
    ),
    ("setCartLine", &[("productId", Id("prd")), ("quantity", Number(0, 1_000))]),
    ("applyPromoCode", &[("code", Form)]),
    (
        "importProducts",
        &[
            KEY,
            ("rows.0.sku", Line(1, 64)),
            ("rows.0.name", Line(1, 200)),
            ("rows.0.description", Lines(5_000)),
            ("rows.0.categorySlug", Form),
            ("rows.0.price", Price),
            ("rows.0.stock", Number(0, MOST)),
            ("rows.0.tags.0", Line(1, 40)),
            ("rows.0.images.0", Form),
            ("allOrNothing", Choice),
        ],
    ),
    (
        "updateProfile",
        &[
            ("name", Line(1, 120)),
            ("phone", FormOrNothing),
            ("vehicle", Choice),
            ("vehicleNumber", Line(0, 20)),
            ("storeName", Line(1, 120)),
            ("preparation", Choice),
            ("location.latitude", Degrees(90.0)),
            ("location.longitude", Degrees(180.0)),
        ],
    ),
    (
        "saveAddress",
        &[
            ("addressId", Id("adr")),
            ("address.label", Line(1, 60)),
            ("address.line1", Line(1, 200)),
            ("address.line2", Line(0, 200)),
            ("address.city", Line(1, 100)),
            ("address.region", Line(0, 100)),
            ("address.postalCode", Line(1, 20)),
            ("address.country", Form),
            ("address.location.latitude", Degrees(90.0)),
            ("address.location.longitude", Degrees(180.0)),
            ("address.instructions", Lines(500)),
            ("address.isDefault", Choice),
        ],
    ),
    ("removeAddress", &[("addressId", Id("adr"))]),
    (
        "placeOrder",
        &[
            KEY,
            ("items.0.productId", Id("prd")),
            ("items.0.quantity", Number(1, 1_000)),
            ("addressId", Id("adr")),
            ("address.label", Line(1, 60)),
            ("address.line1", Line(1, 200)),
            ("address.line2", Line(0, 200)),
            ("address.city", Line(1, 100)),
            ("address.region", Line(0, 100)),
            ("address.postalCode", Line(1, 20)),
            ("address.country", Form),
            ("address.location.latitude", Degrees(90.0)),
            ("address.location.longitude", Degrees(180.0)),
            ("address.instructions", Lines(500)),
            ("address.isDefault", Choice),
            ("paymentMethod", Choice),
            ("promoCode", Form),
            ("note", Lines(500)),
            ("expectedTotal", Total),
        ],
    ),
    // after the orders, which would use the codes
    (
        "createPromo",
        &[
            ("code", Code),
            ("percentOff", Percent),
            ("amountOff", Price),
            ("minimumSubtotal", Amount),
            ("startsAt", Time),
            ("endsAt", Time),
            ("maxUses", Number(1, 1_000_000_000)),
            ("maxUsesPerCustomer", Number(1, 1_000_000_000)),
        ],
    ),
    ("sendMessage", &[KEY, ("orderId", Id("ord")), ("body", Paragraph(2_000))]),
    ("markMessagesRead", &[("orderId", Id("ord")), ("upTo", Id("msg"))]),
    ("markNotificationsRead", &[("ids.0", Id("ntf")), ("all", Choice)]),
    // before the order is called off
    ("assignOrder", &[KEY, ("orderId", Id("ord")), ("partnerId", Id("usr"))]),
    ("cancelOrder", &[KEY, ("orderId", Id("ord")), ("reason", Lines(500))]),
    (
        "updateOrderStatus",
        &[
            KEY,
            ("orderId", Id("ord")),
            ("status", Choice),
            ("note", Lines(500)),
            ("expectedVersion", Compared),
            ("deliveryCode", Line(0, 16)),
        ],
    ),
    ("claimOrder", &[KEY, ("orderId", Id("ord")), ("accept", Choice)]),
    ("acceptClaim", &[KEY, ("claimId", Id("clm"))]),
    ("releaseClaim", &[KEY, ("claimId", Id("clm")), ("reason", Lines(500))]),
    ("rateOrder", &[("orderId", Id("ord")), ("score", Number(1, 5)), ("comment", Lines(1_000))]),
    ("startPayment", &[KEY, ("orderId", Id("ord")), ("provider", Form)]),
    ("refundPayment", &[KEY, ("paymentId", Id("pay")), ("amount", Sum), ("reason", Lines(500))]),
    ("setAvailability", &[("available", Choice)]),
    (
        "reportLocation",
        &[
            ("point.latitude", Degrees(90.0)),
            ("point.longitude", Degrees(180.0)),
            ("heading", Measure(360.0)),
            ("speedKmh", Measure(300.0)),
            ("accuracyM", Measure(10_000.0)),
            ("recordedAt", Time),
        ],
    ),
    ("createWebhookEndpoint", &[("url", Form), ("topics.0", Choice)]),
    (
        "updateWebhookEndpoint",
        &[("endpointId", Id("whk")), ("url", Form), ("topics.0", Choice), ("active", Choice), ("rotateSecret", Choice)],
    ),
    ("createApiKey", &[("name", Line(1, 80)), ("scopes.0", Choice), ("sellerId", Id("sel")), ("expiresAt", Time)]),
    ("revokeApiKey", &[("apiKeyId", Id("key"))]),
    ("redeliverWebhook", &[("deliveryId", Id("whd"))]),
    ("retryJobs", &[("kind", Line(1, 80)), ("id", Id("job"))]),
    ("discardJobs", &[("kind", Form), ("id", Id("job"))]),
    ("updateUser", &[("userId", Id("usr")), ("role", Choice), ("active", Choice), ("capacity", Number(1, 100))]),
];

/// Where a refusal of the field at `path` is said to be: a position is refused as a whole, and a login without a reason.
pub(super) fn named(mutation: &str, path: &str) -> Value {
    if mutation == "login" {
        return Value::Null;
    }
    let path = path.strip_suffix(".latitude").or_else(|| path.strip_suffix(".longitude")).unwrap_or(path);
    path.split('.').collect()
}

/// An input of `mutation` that is right, apart from the field at `path`, which is to be set.
pub(super) fn input(world: &World, mutation: &str, path: &str) -> Value {
    let (product, order, claim) = (&world.shop.product_id, &world.order_id, &world.claim_id);
    match mutation {
        "register" => {
            let mut input = json!({ "email": email("new"), "password": PASSWORD, "name": "New" });
            let more = match path.split_once('.') {
                Some(("partner", _)) => ("partner", json!({ "vehicle": "VAN" })),
                Some(_) => ("seller", json!({ "storeName": "Store", "location": { "latitude": 1, "longitude": 1 } })),
                None => ("phone", Value::Null),
            };
            input[more.0] = more.1;
            input
        }
        "login" => json!({ "email": world.customer.email, "password": "not the password" }),
        "changePassword" => json!({ "currentPassword": PASSWORD, "newPassword": "another horse, another battery" }),
        "requestPasswordReset" => json!({ "email": world.customer.email }),
        "resetPassword" => json!({ "token": "of nobody", "newPassword": "another horse, another battery" }),
        "verifyEmail" => json!({ "token": "of nobody" }),
        "createUser" => {
            let mut input = json!({ "email": email("new"), "password": PASSWORD, "name": "New", "role": "CUSTOMER" });
            let (role, field, more) = match path.split_once('.') {
                Some(("partner", _)) => ("PARTNER", "partner", json!({ "vehicle": "VAN" })),
                Some(_) => {
                    ("SELLER", "seller", json!({ "storeName": "Store", "location": { "latitude": 1, "longitude": 1 } }))
                }
                None => ("CUSTOMER", "phone", Value::Null),
            };
            input["role"] = json!(role);
            input[field] = more;
            input
        }
        "updateProfile" if path.starts_with("location") => json!({ "location": { "latitude": 1, "longitude": 1 } }),
        "reportLocation" => json!({ "point": { "latitude": 1, "longitude": 1 } }),
        "refreshTokens" | "logout" | "setAvailability" | "applyPromoCode" | "updateProfile" | "markNotificationsRead" => {
            json!({})
        }
        "saveCategory" => json!({ "slug": "a-category", "name": "A category" }),
        "createProduct" => json!({
            "idempotencyKey": key(), "sku": key(), "name": "A product", "description": "", "price": "20",
            "categoryId": world.shop.category_id, "initialStock": 1,
        }),
        "updateProduct" if path == "compareAtPrice" => json!({ "productId": product, "price": "20" }),
        "updateProduct" if path == "price" => json!({ "productId": product, "compareAtPrice": null }),
        "updateProduct" => json!({ "productId": product }),
        "importProducts" => json!({
            "idempotencyKey": key(), "allOrNothing": true, "rows": [import_row()],
        }),
        "adjustStock" => json!({ "idempotencyKey": key(), "productId": product, "delta": 1, "reason": "ADJUSTED" }),
        "setCartLine" => json!({ "productId": product, "quantity": 1 }),
        "createPromo" if path.ends_with("Off") => json!({ "code": key() }),
        "createPromo" => json!({ "code": key(), "percentOff": "10" }),
        "placeOrder" => {
            let address = if path == "addressId" { Value::Null } else { address() };
            let items = json!([{ "productId": product, "quantity": 1 }]);
            json!({
                "idempotencyKey": key(), "items": items, "address": address, "paymentMethod": "CASH_ON_DELIVERY",
            })
        }
        "saveAddress" => json!({ "address": address() }),
        "removeAddress" => json!({ "addressId": "adr_00000000000000000000000000" }),
        "rateOrder" => json!({ "orderId": order, "score": 5 }),
        "refundPayment" => json!({ "idempotencyKey": key(), "paymentId": world.payment_id, "amount": "1" }),
        "sendMessage" => json!({ "idempotencyKey": key(), "orderId": order, "body": "Hello." }),
        "markMessagesRead" => json!({ "orderId": order, "upTo": world.message_id }),
        "cancelOrder" | "claimOrder" | "startPayment" => json!({ "idempotencyKey": key(), "orderId": order }),
        "updateOrderStatus" => json!({ "idempotencyKey": key(), "orderId": order, "status": "PICKED_UP" }),
        "acceptClaim" | "releaseClaim" => json!({ "idempotencyKey": key(), "claimId": claim }),
        "assignOrder" => json!({ "idempotencyKey": key(), "orderId": order, "partnerId": world.partner.user_id }),
        "createApiKey" => json!({ "name": "A program", "scopes": ["ORDERS_READ"] }),
        "revokeApiKey" => json!({ "apiKeyId": "key_00000000000000000000000000" }),
        "createWebhookEndpoint" => json!({ "url": "https://hooks.example", "topics": ["ORDER_CREATED"] }),
        "updateWebhookEndpoint" => json!({ "endpointId": "whk_00000000000000000000000000" }),
        "retryJobs" => json!({}),
        "discardJobs" => json!({ "kind": "notifications.email" }),
        "redeliverWebhook" => json!({ "deliveryId": "whd_00000000000000000000000000" }),
        "updateUser" => json!({ "userId": world.partner.user_id }),
        other => panic!("say what an input of {other} looks like"),
    }
}

/// A row of an import that is right.
pub(super) fn import_row() -> Value {
    json!({
        "sku": key(), "name": "A product", "description": "", "categorySlug": "a-category", "price": "20", "stock": 1,
    })
}

/// Somebody who may use `mutation`, with the field at `path` in its input.
pub(super) fn actor<'a>(world: &'a World, mutation: &str, path: &str) -> &'a Actor {
    match mutation {
        // each role has its own fields
        "updateProfile" if path.starts_with("vehicle") => &world.partner,
        "register" | "login" | "refreshTokens" | "requestPasswordReset" | "resetPassword" | "verifyEmail" => &world.nobody,
        "createProduct" | "updateProduct" | "adjustStock" | "importProducts" | "updateProfile" => &world.shop.seller,
        "setCartLine" | "applyPromoCode" | "startPayment" | "placeOrder" | "cancelOrder" | "logout" | "saveAddress"
        | "removeAddress" | "rateOrder" | "changePassword" => &world.customer,
        "claimOrder" | "acceptClaim" | "releaseClaim" | "setAvailability" | "reportLocation" => &world.partner,
        _ => &world.admin,
    }
}
