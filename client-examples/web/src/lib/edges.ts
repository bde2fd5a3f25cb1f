interface Edge {
  node: { id: string; createdAt: string };
}

/**
 * A list, newest first, with `edge` in its place when it belongs there and without it when it does not. The list itself when
 * nothing changes.
 */
export function withEdge<Item extends Edge>(
  edges: readonly Item[],
  edge: Item,
  belongs: boolean,
): readonly Item[] {
  const isThere = edges.some(({ node }) => node.id === edge.node.id);
  if (isThere === belongs) return edges;
  if (!belongs) return edges.filter(({ node }) => node.id !== edge.node.id);
  const at = edges.findIndex(({ node }) => node.createdAt < edge.node.createdAt);
  return at === -1 ? [...edges, edge] : edges.toSpliced(at, 0, edge);
}
