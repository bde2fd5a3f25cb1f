/* eslint-disable */
import * as types from './graphql.js';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "mutation Register($input: RegisterInput!) {\n  register(input: $input) {\n    tokens {\n      accessToken\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nquery Categories {\n  categories {\n    id\n  }\n}\n\nmutation CreateProduct($input: CreateProductInput!) {\n  createProduct(input: $input) {\n    product {\n      id\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nmutation PlaceOrder($input: PlaceOrderInput!) {\n  placeOrder(input: $input) {\n    order {\n      id\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nquery DeliveryCode($orderId: ID!) {\n  order(id: $orderId) {\n    deliveryCode\n  }\n}\n\nsubscription Tracking($orderId: ID!) {\n  deliveryTracking(orderId: $orderId) {\n    order {\n      status\n    }\n    location {\n      point {\n        latitude\n        longitude\n      }\n      isStale\n    }\n  }\n}\n\nquery Hindsight($orderId: ID!) {\n  order(id: $orderId) {\n    status\n    timeline(first: 100) {\n      nodes {\n        type\n        orderVersion\n      }\n    }\n  }\n}\n\nmutation SettleOrder($input: UpdateOrderStatusInput!) {\n  updateOrderStatus(input: $input) {\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nmutation CancelOrder($input: CancelOrderInput!) {\n  cancelOrder(input: $input) {\n    order {\n      status\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}": typeof types.RegisterDocument,
};
const documents: Documents = {
    "mutation Register($input: RegisterInput!) {\n  register(input: $input) {\n    tokens {\n      accessToken\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nquery Categories {\n  categories {\n    id\n  }\n}\n\nmutation CreateProduct($input: CreateProductInput!) {\n  createProduct(input: $input) {\n    product {\n      id\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nmutation PlaceOrder($input: PlaceOrderInput!) {\n  placeOrder(input: $input) {\n    order {\n      id\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nquery DeliveryCode($orderId: ID!) {\n  order(id: $orderId) {\n    deliveryCode\n  }\n}\n\nsubscription Tracking($orderId: ID!) {\n  deliveryTracking(orderId: $orderId) {\n    order {\n      status\n    }\n    location {\n      point {\n        latitude\n        longitude\n      }\n      isStale\n    }\n  }\n}\n\nquery Hindsight($orderId: ID!) {\n  order(id: $orderId) {\n    status\n    timeline(first: 100) {\n      nodes {\n        type\n        orderVersion\n      }\n    }\n  }\n}\n\nmutation SettleOrder($input: UpdateOrderStatusInput!) {\n  updateOrderStatus(input: $input) {\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nmutation CancelOrder($input: CancelOrderInput!) {\n  cancelOrder(input: $input) {\n    order {\n      status\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}": types.RegisterDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation Register($input: RegisterInput!) {\n  register(input: $input) {\n    tokens {\n      accessToken\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nquery Categories {\n  categories {\n    id\n  }\n}\n\nmutation CreateProduct($input: CreateProductInput!) {\n  createProduct(input: $input) {\n    product {\n      id\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nmutation PlaceOrder($input: PlaceOrderInput!) {\n  placeOrder(input: $input) {\n    order {\n      id\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nquery DeliveryCode($orderId: ID!) {\n  order(id: $orderId) {\n    deliveryCode\n  }\n}\n\nsubscription Tracking($orderId: ID!) {\n  deliveryTracking(orderId: $orderId) {\n    order {\n      status\n    }\n    location {\n      point {\n        latitude\n        longitude\n      }\n      isStale\n    }\n  }\n}\n\nquery Hindsight($orderId: ID!) {\n  order(id: $orderId) {\n    status\n    timeline(first: 100) {\n      nodes {\n        type\n        orderVersion\n      }\n    }\n  }\n}\n\nmutation SettleOrder($input: UpdateOrderStatusInput!) {\n  updateOrderStatus(input: $input) {\n    userErrors {\n      code\n      message\n    }\n  }\n}\n\nmutation CancelOrder($input: CancelOrderInput!) {\n  cancelOrder(input: $input) {\n    order {\n      status\n    }\n    userErrors {\n      code\n      message\n    }\n  }\n}"): typeof import('./graphql.js').RegisterDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
