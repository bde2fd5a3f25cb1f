interface Edge {
  node: { id: string; createdAt: string };
}

/**
 * A list, newest first, with `edge` in its place when it belongs there and without it when it does not. The list itself when
 * nothing changes, and when it `hasMore` and the place is behind all that is there: that is on a page yet to be loaded.
 */
export function withEdge<Item extends Edge>(
  edges: readonly Item[],
  edge: Item,
  { belongs, hasMore }: { belongs: boolean; hasMore: boolean },
): readonly Item[] {
  const isThere = edges.some(({ node }) => node.id === edge.node.id);
  if (isThere === belongs) return edges;
  if (!belongs) return edges.filter(({ node }) => node.id !== edge.node.id);
  const at = edges.findIndex(({ node }) => node.createdAt < edge.node.createdAt);
  if (at !== -1) return edges.toSpliced(at, 0, edge);
  return hasMore ? edges : [...edges, edge];
}
