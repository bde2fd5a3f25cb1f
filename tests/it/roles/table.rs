//! Who may use which root field: one row for each, and a test that says when one is missing.

use serde_json::{Value, json};

use super::Outcome::{self, Allowed, Forbidden, Hidden, Unauthenticated};
use super::World;
use crate::support::story::{UPDATE_USER, address, key};

/// One root field, and what comes of it for each viewer: anonymous, customer, partner, seller, admin.
pub(super) struct Row {
    pub(super) field: &'static str,
    /// Asks for the field; its variables are `variables`.
    pub(super) document: &'static str,
    pub(super) variables: fn(&World) -> Value,
    pub(super) outcomes: [Outcome; 5],
}

const EVERYBODY: [Outcome; 5] = [Allowed; 5];
const SIGNED_IN: [Outcome; 5] = [Unauthenticated, Allowed, Allowed, Allowed, Allowed];
const CUSTOMERS: [Outcome; 5] = [Unauthenticated, Allowed, Forbidden, Forbidden, Forbidden];
const PARTNERS: [Outcome; 5] = [Unauthenticated, Forbidden, Allowed, Forbidden, Forbidden];
const SELLERS: [Outcome; 5] = [Unauthenticated, Forbidden, Forbidden, Allowed, Forbidden];
const ADMINS: [Outcome; 5] = [Unauthenticated, Forbidden, Forbidden, Forbidden, Allowed];
const SELLERS_AND_ADMINS: [Outcome; 5] = [Unauthenticated, Forbidden, Forbidden, Allowed, Allowed];
/// The partner has nothing to do with the order: another has it.
const ITS_PARTIES: [Outcome; 5] = [Unauthenticated, Allowed, Hidden, Allowed, Allowed];
const ITS_PARTIES_OR_NULL: [Outcome; 5] = [Hidden, Allowed, Hidden, Allowed, Allowed];
/// There is nothing of this id.
const ADMINS_OF_NOTHING: [Outcome; 5] = [Unauthenticated, Forbidden, Forbidden, Forbidden, Hidden];
/// There is no such address.
const CUSTOMERS_OF_NOTHING: [Outcome; 5] = [Unauthenticated, Hidden, Forbidden, Forbidden, Forbidden];
/// The claim is another partner's.
const ITS_PARTNER: [Outcome; 5] = [Unauthenticated, Forbidden, Hidden, Forbidden, Forbidden];

const fn row(field: &'static str, outcomes: [Outcome; 5], document: &'static str, variables: fn(&World) -> Value) -> Row {
    Row { field, document, variables, outcomes }
}

fn nothing(_: &World) -> Value {
    json!({})
}

fn order_id(world: &World) -> Value {
    json!({ "id": world.order_id })
}

pub(super) const QUERIES: &[Row] = &[
    row("version", EVERYBODY, "{ version }", nothing),
    row("viewer", [Hidden, Allowed, Allowed, Allowed, Allowed], "{ viewer { user { id } } }", nothing),
    row("products", EVERYBODY, "{ products { nodes { id } } }", nothing),
    row("product", EVERYBODY, "query($id: ID) { product(id: $id) { id } }", |world| json!({ "id": world.shop.product_id })),
    row("categories", EVERYBODY, "{ categories { id } }", nothing),
    row("order", ITS_PARTIES_OR_NULL, "query($id: ID!) { order(id: $id) { id } }", order_id),
    row("paymentMethods", EVERYBODY, "{ paymentMethods }", nothing),
    row("partner", PARTNERS, "{ partner { claims { nodes { id } } } }", nothing),
    row("seller", SELLERS, "{ seller { seller { id } } }", nothing),
    row("admin", ADMINS, "{ admin { liveStats { at } } }", nothing),
    row("node", ITS_PARTIES_OR_NULL, "query($id: ID!) { node(id: $id) { id } }", order_id),
    row("nodes", ITS_PARTIES_OR_NULL, "query($id: ID!) { nodes(ids: [$id]) { id } }", order_id),
];

/// Before the mutations: the order is still under way.
pub(super) const SUBSCRIPTIONS: &[Row] = &[
    row("orderUpdates", ITS_PARTIES, "subscription($id: ID!) { orderUpdates(orderId: $id) { __typename } }", order_id),
    row(
        "deliveryTracking",
        // of partners the one who carries it knows where they are
        [Unauthenticated, Allowed, Forbidden, Allowed, Allowed],
        "subscription($id: ID!) { deliveryTracking(orderId: $id) { distanceRemainingKm } }",
        order_id,
    ),
    row("chatMessages", ITS_PARTIES, "subscription($id: ID!) { chatMessages(orderId: $id) { __typename } }", order_id),
    row("notifications", SIGNED_IN, "subscription { notifications { __typename } }", nothing),
    row("cartUpdates", CUSTOMERS, "subscription { cartUpdates { id } }", nothing),
    row("myOrderUpdates", CUSTOMERS, "subscription { myOrderUpdates { __typename } }", nothing),
    row("sellerOrderUpdates", SELLERS, "subscription { sellerOrderUpdates { __typename } }", nothing),
    row("availableOrders", PARTNERS, "subscription { availableOrders { __typename } }", nothing),
    row("adminUpdates", ADMINS, "subscription { adminUpdates { __typename } }", nothing),
    row(
        "productUpdates",
        EVERYBODY,
        "subscription($id: ID!) { productUpdates(productIds: [$id]) { id } }",
        |world| json!({ "id": world.shop.product_id }),
    ),
    row("lowStockAlerts", SELLERS, "subscription { lowStockAlerts { id } }", nothing),
    row("liveStats", ADMINS, "subscription { liveStats { at } }", nothing),
];

/// A refusal for another reason than who asks counts as allowed. In the order in which they are tried.
pub(super) const MUTATIONS: &[Row] = &[
    row(
        "register",
        EVERYBODY,
        "mutation($input: RegisterInput!) { register(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "email": "new@test.example", "password": "short", "name": "New" } }),
    ),
    row(
        "login",
        EVERYBODY,
        "mutation($input: LoginInput!) { login(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "email": "nobody@test.example", "password": "whatever it is" } }),
    ),
    row(
        "refreshTokens",
        EVERYBODY,
        "mutation($input: RefreshTokensInput!) { refreshTokens(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "refreshToken": "of nobody" } }),
    ),
    row(
        "changePassword",
        SIGNED_IN,
        "mutation($input: ChangePasswordInput!) { changePassword(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "currentPassword": "not theirs", "newPassword": "another horse, another battery" } }),
    ),
    row(
        "requestPasswordReset",
        EVERYBODY,
        "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "email": "nobody@test.example" } }),
    ),
    row(
        "resetPassword",
        EVERYBODY,
        "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "token": "of nobody", "newPassword": "another horse, another battery" } }),
    ),
    row("requestEmailVerification", SIGNED_IN, "mutation { requestEmailVerification { userErrors { code } } }", nothing),
    row(
        "verifyEmail",
        EVERYBODY,
        "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "token": "of nobody" } }),
    ),
    row(
        "saveCategory",
        ADMINS,
        "mutation($input: SaveCategoryInput!) { saveCategory(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "slug": "fruit", "name": "Fruit" } }),
    ),
    row(
        "createProduct",
        SELLERS,
        "mutation($input: CreateProductInput!) { createProduct(input: $input) { userErrors { code } } }",
        |world| {
            json!({ "input": {
                "idempotencyKey": key(), "sku": key(), "name": "Tea", "description": "", "price": "10",
                "categoryId": world.shop.category_id, "initialStock": 1,
            } })
        },
    ),
    row(
        "updateProduct",
        SELLERS_AND_ADMINS,
        "mutation($input: UpdateProductInput!) { updateProduct(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "productId": world.shop.product_id } }),
    ),
    row(
        "adjustStock",
        SELLERS_AND_ADMINS,
        "mutation($input: AdjustStockInput!) { adjustStock(input: $input) { userErrors { code } } }",
        |world| {
            json!({ "input": {
                "idempotencyKey": key(), "productId": world.shop.product_id, "delta": 1, "reason": "RECEIVED",
            } })
        },
    ),
    row(
        "setCartLine",
        CUSTOMERS,
        "mutation($input: SetCartLineInput!) { setCartLine(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "productId": world.shop.product_id, "quantity": 1 } }),
    ),
    row("clearCart", CUSTOMERS, "mutation { clearCart { userErrors { code } } }", nothing),
    row(
        "applyPromoCode",
        CUSTOMERS,
        "mutation($input: ApplyPromoCodeInput!) { applyPromoCode(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "code": null } }),
    ),
    row(
        "createPromo",
        ADMINS,
        "mutation($input: CreatePromoInput!) { createPromo(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "code": key(), "percentOff": 10 } }),
    ),
    row(
        "importProducts",
        SELLERS,
        "mutation($input: ImportProductsInput!) { importProducts(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "idempotencyKey": key(), "rows": [] } }),
    ),
    row(
        "saveAddress",
        CUSTOMERS,
        "mutation($input: SaveAddressInput!) { saveAddress(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "address": address() } }),
    ),
    row(
        "removeAddress",
        CUSTOMERS_OF_NOTHING,
        "mutation($input: RemoveAddressInput!) { removeAddress(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "addressId": "adr_00000000000000000000000000" } }),
    ),
    row(
        "updateProfile",
        SIGNED_IN,
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "name": "Another Name" } }),
    ),
    row(
        "placeOrder",
        CUSTOMERS,
        "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { userErrors { code } } }",
        |world| {
            json!({ "input": {
                "idempotencyKey": key(), "items": [{ "productId": world.shop.product_id, "quantity": 1 }],
                "address": address(), "paymentMethod": "CASH_ON_DELIVERY",
            } })
        },
    ),
    row(
        "sendMessage",
        ITS_PARTIES,
        "mutation($input: SendMessageInput!) { sendMessage(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "orderId": world.order_id, "body": "Hello." } }),
    ),
    row(
        "markMessagesRead",
        ITS_PARTIES,
        "mutation($input: MarkMessagesReadInput!) { markMessagesRead(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "orderId": world.order_id, "upTo": world.message_id } }),
    ),
    row(
        "markNotificationsRead",
        SIGNED_IN,
        "mutation($input: MarkNotificationsReadInput!) { markNotificationsRead(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "all": true } }),
    ),
    row(
        "cancelOrder",
        ITS_PARTIES,
        "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { userErrors { code } } }",
        // a partner has the order: only the admin, who is the last, can still call it off
        |world| json!({ "input": { "idempotencyKey": key(), "orderId": world.order_id } }),
    ),
    row(
        "updateOrderStatus",
        ITS_PARTIES,
        "mutation($input: UpdateOrderStatusInput!) { updateOrderStatus(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "orderId": world.order_id, "status": "PENDING" } }),
    ),
    row(
        "claimOrder",
        PARTNERS,
        "mutation($input: ClaimOrderInput!) { claimOrder(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "orderId": world.order_id } }),
    ),
    row(
        "acceptClaim",
        ITS_PARTNER,
        "mutation($input: AcceptClaimInput!) { acceptClaim(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "claimId": world.claim_id } }),
    ),
    row(
        "releaseClaim",
        ITS_PARTNER,
        "mutation($input: ReleaseClaimInput!) { releaseClaim(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "claimId": world.claim_id } }),
    ),
    row(
        "assignOrder",
        ADMINS,
        "mutation($input: AssignOrderInput!) { assignOrder(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "orderId": world.order_id, "partnerId": world.partner.user_id } }),
    ),
    row(
        "rateOrder",
        CUSTOMERS,
        "mutation($input: RateOrderInput!) { rateOrder(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "orderId": world.order_id, "score": 5 } }),
    ),
    row(
        "startPayment",
        CUSTOMERS,
        "mutation($input: StartPaymentInput!) { startPayment(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "orderId": world.order_id } }),
    ),
    row(
        "refundPayment",
        SELLERS_AND_ADMINS,
        "mutation($input: RefundPaymentInput!) { refundPayment(input: $input) { userErrors { code } } }",
        |world| json!({ "input": { "idempotencyKey": key(), "paymentId": world.payment_id, "amount": "1" } }),
    ),
    row(
        "setAvailability",
        PARTNERS,
        "mutation($input: SetAvailabilityInput!) { setAvailability(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "available": true } }),
    ),
    row(
        "reportLocation",
        PARTNERS,
        "mutation($input: ReportLocationInput!) { reportLocation(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "point": { "latitude": 12.97, "longitude": 77.6 } } }),
    ),
    row(
        "createUser",
        ADMINS,
        "mutation($input: CreateUserInput!) { createUser(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "email": "new@test.example", "password": "short", "name": "New", "role": "CUSTOMER" } }),
    ),
    row("updateUser", ADMINS, UPDATE_USER, |world| json!({ "input": { "userId": world.carrier.user_id, "capacity": 3 } })),
    row(
        "createApiKey",
        ADMINS,
        "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "name": "A program", "scopes": ["ORDERS_READ"] } }),
    ),
    row(
        "revokeApiKey",
        ADMINS_OF_NOTHING,
        "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "apiKeyId": "key_00000000000000000000000000" } }),
    ),
    row(
        "createWebhookEndpoint",
        ADMINS,
        "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "url": "https://hooks.example", "topics": ["ORDER_CREATED"] } }),
    ),
    row(
        "updateWebhookEndpoint",
        ADMINS_OF_NOTHING,
        "mutation($input: UpdateWebhookEndpointInput!) { updateWebhookEndpoint(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "endpointId": "whk_00000000000000000000000000", "active": false } }),
    ),
    row(
        "redeliverWebhook",
        ADMINS_OF_NOTHING,
        "mutation($input: RedeliverWebhookInput!) { redeliverWebhook(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "deliveryId": "whd_00000000000000000000000000" } }),
    ),
    row(
        "retryJobs",
        ADMINS,
        "mutation($input: RetryJobsInput!) { retryJobs(input: $input) { userErrors { code } } }",
        |_| json!({ "input": {} }),
    ),
    row(
        "discardJobs",
        ADMINS,
        "mutation($input: DiscardJobsInput!) { discardJobs(input: $input) { userErrors { code } } }",
        |_| json!({ "input": { "kind": "notifications.email" } }),
    ),
    // the last: whoever may use it is signed out
    row("logout", SIGNED_IN, "mutation { logout { sessionsEnded } }", nothing),
];
