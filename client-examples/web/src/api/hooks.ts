// What components use of the line to the server.
export { sentence, type Trouble } from './refusal';
export { ApiContext, useApi, useConnection, useReturn } from './useApi';
export { useAsk } from './useAsk';
export { type Feed, useFeed } from './useFeed';
export { shownOf, useLoad } from './useLoad';
