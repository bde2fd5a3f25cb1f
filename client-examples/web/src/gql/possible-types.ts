
      export type PossibleTypesResultData = {
  "possibleTypes": {
    "AdminUpdatesItem": [
      "AdminSnapshot",
      "OrderChanged",
      "PartnerChanged",
      "StreamReset"
    ],
    "AvailableOrdersItem": [
      "AvailableOrdersSnapshot",
      "OrderAvailable",
      "OrderUnavailable",
      "StreamReset"
    ],
    "ChatItem": [
      "ChatSnapshot",
      "MessageSent",
      "MessagesRead",
      "StreamReset"
    ],
    "Node": [
      "Address",
      "ApiKey",
      "AuditEntry",
      "Cart",
      "CartLine",
      "Category",
      "Claim",
      "Message",
      "Notification",
      "Order",
      "OrderEvent",
      "OrderItem",
      "Payment",
      "Product",
      "Refund",
      "Seller",
      "StockMovement",
      "User",
      "WebhookDelivery",
      "WebhookEndpoint"
    ],
    "NotificationItem": [
      "NotificationSent",
      "NotificationSnapshot",
      "NotificationsRead",
      "StreamReset"
    ],
    "OrderUpdatesItem": [
      "OrderChanged",
      "OrderSnapshot",
      "StreamPosition",
      "StreamReset"
    ],
    "UserError": [
      "ClaimLost",
      "GenericError",
      "IllegalTransition",
      "InsufficientStock"
    ]
  }
};
      const result: PossibleTypesResultData = {
  "possibleTypes": {
    "AdminUpdatesItem": [
      "AdminSnapshot",
      "OrderChanged",
      "PartnerChanged",
      "StreamReset"
    ],
    "AvailableOrdersItem": [
      "AvailableOrdersSnapshot",
      "OrderAvailable",
      "OrderUnavailable",
      "StreamReset"
    ],
    "ChatItem": [
      "ChatSnapshot",
      "MessageSent",
      "MessagesRead",
      "StreamReset"
    ],
    "Node": [
      "Address",
      "ApiKey",
      "AuditEntry",
      "Cart",
      "CartLine",
      "Category",
      "Claim",
      "Message",
      "Notification",
      "Order",
      "OrderEvent",
      "OrderItem",
      "Payment",
      "Product",
      "Refund",
      "Seller",
      "StockMovement",
      "User",
      "WebhookDelivery",
      "WebhookEndpoint"
    ],
    "NotificationItem": [
      "NotificationSent",
      "NotificationSnapshot",
      "NotificationsRead",
      "StreamReset"
    ],
    "OrderUpdatesItem": [
      "OrderChanged",
      "OrderSnapshot",
      "StreamPosition",
      "StreamReset"
    ],
    "UserError": [
      "ClaimLost",
      "GenericError",
      "IllegalTransition",
      "InsufficientStock"
    ]
  }
};
      export default result;
    