//! The root of a subscription (GraphQL specification, sections 5.2.4 and 6.2.3): one field, wherever it is written.
//!
//! The library follows the fields that stand directly in the operation and passes over those in fragments without a word;
//! and it follows as many as there are. Here fragments at the root are replaced by what they hold, before the document is
//! validated, and more than one field is refused.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, FragmentDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError, ServerResult};

use super::error::GraphError;

/// Fragments within each other at the root. The limits bound the whole document; this only ends what spreads itself.
const MAX_DEPTH: usize = 64;

/// Writes the root fields of every subscription of `document` directly into its operation. `root` is the type that they are
/// fields of.
///
/// # Errors
/// When a subscription has not exactly one root field. What is invalid otherwise is left for the validation to refuse.
pub(super) fn flatten(document: &mut ExecutableDocument, root: &str) -> ServerResult<()> {
    let mut spliced = HashSet::new();
    let mut flat = Vec::new();
    for (name, operation) in document.operations.iter() {
        if operation.node.ty != OperationType::Subscription {
            continue;
        }
        let mut fields = Vec::new();
        let mut way = Way { document, root, spliced: &mut spliced };
        way.gather(&operation.node.selection_set.node, &[], 0, &mut fields);
        let fields = merge(fields);
        check(&fields, operation)?;
        flat.push((name.cloned(), fields));
    }
    if flat.is_empty() {
        return Ok(());
    }
    for (name, operation) in operations(document) {
        if let Some((_, fields)) = flat.iter_mut().find(|(flat, _)| *flat == name) {
            operation.node.selection_set.node.items = std::mem::take(fields);
        }
    }
    // a fragment whose only place was the root is not there any more, and would be refused as unused
    let mut used = HashSet::new();
    for (_, operation) in document.operations.iter() {
        spreads(&operation.node.selection_set.node, &mut used);
    }
    for (_, fragment) in document.fragments.iter().filter(|(name, _)| !spliced.contains(*name)) {
        spreads(&fragment.node.selection_set.node, &mut used);
    }
    let mut next: Vec<Name> = used.iter().cloned().collect();
    while let Some(name) = next.pop() {
        let Some(fragment) = document.fragments.get(&name) else { continue };
        let mut inner = HashSet::new();
        spreads(&fragment.node.selection_set.node, &mut inner);
        next.extend(inner.into_iter().filter(|name| used.insert(name.clone())));
    }
    document.fragments.retain(|name, _| used.contains(name) || !spliced.contains(name));
    Ok(())
}

/// Every operation of `document`, to be changed.
fn operations(
    document: &mut ExecutableDocument,
) -> Vec<(Option<Name>, &mut Positioned<async_graphql::parser::types::OperationDefinition>)> {
    use async_graphql::parser::types::DocumentOperations::{Multiple, Single};
    match &mut document.operations {
        Single(operation) => vec![(None, operation)],
        Multiple(operations) => operations.iter_mut().map(|(name, operation)| (Some(name.clone()), operation)).collect(),
    }
}

/// Through the fragments at a root.
struct Way<'a, 's> {
    document: &'a ExecutableDocument,
    root: &'a str,
    /// Those whose fields now stand in an operation.
    spliced: &'s mut HashSet<Name>,
}

impl<'a> Way<'a, '_> {
    /// The fields of `set`, with the directives of the fragments around them.
    fn gather(
        &mut self,
        set: &'a SelectionSet,
        around: &[Positioned<Directive>],
        depth: usize,
        fields: &mut Vec<Positioned<Selection>>,
    ) {
        for selection in &set.items {
            let inner = match &selection.node {
                Selection::Field(field) => {
                    let mut field = field.clone();
                    field.node.directives.splice(0..0, around.iter().cloned());
                    fields.push(Positioned::new(Selection::Field(field), selection.pos));
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref().map(|on| &on.node.on.node);
                    condition
                        .is_none_or(|on| on == self.root)
                        .then_some((&inline.node.directives, &inline.node.selection_set))
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    self.fragment(name).map(|fragment| {
                        self.spliced.insert(name.clone());
                        (&spread.node.directives, &fragment.selection_set)
                    })
                }
            };
            match inner {
                Some((directives, set)) if depth < MAX_DEPTH => {
                    let around: Vec<_> = around.iter().chain(directives).cloned().collect();
                    self.gather(&set.node, &around, depth + 1, fields);
                }
                // it cannot stand here, which the validation says better
                _ => fields.push(selection.clone()),
            }
        }
    }

    /// The fragment `name`, if it is one of the root's type.
    fn fragment(&self, name: &Name) -> Option<&'a FragmentDefinition> {
        let fragment = &self.document.fragments.get(name)?.node;
        (fragment.type_condition.node.on.node == self.root).then_some(fragment)
    }
}

/// One selection for each field: what is asked for twice is one field that has what both select.
fn merge(selections: Vec<Positioned<Selection>>) -> Vec<Positioned<Selection>> {
    let mut merged: Vec<Positioned<Selection>> = Vec::with_capacity(selections.len());
    for selection in selections {
        let same = merged.iter_mut().find_map(|earlier| match (&mut earlier.node, &selection.node) {
            (Selection::Field(earlier), Selection::Field(field)) if is_same(&earlier.node, &field.node) => Some(earlier),
            _ => None,
        });
        match (same, selection.node) {
            (Some(earlier), Selection::Field(field)) => {
                earlier.node.selection_set.node.items.extend(field.node.selection_set.node.items);
            }
            (_, node) => merged.push(Positioned::new(node, selection.pos)),
        }
    }
    merged
}

/// Whether the two are one field of the answer. Those that only seem so are left for the validation to refuse.
fn is_same(one: &Field, other: &Field) -> bool {
    let text = |field: &Field| {
        let arguments = field.arguments.iter().map(|(name, value)| format!("{name}:{}", value.node));
        let directives = field.directives.iter().map(|directive| format!("{:?}", directive.node));
        arguments.chain(directives).collect::<Vec<_>>()
    };
    one.response_key().node == other.response_key().node && one.name.node == other.name.node && text(one) == text(other)
}

fn check<T>(fields: &[Positioned<Selection>], operation: &Positioned<T>) -> ServerResult<()> {
    let names: HashSet<&str> = fields
        .iter()
        .filter_map(|field| match &field.node {
            Selection::Field(field) => Some(field.node.response_key().node.as_str()),
            _ => None,
        })
        .collect();
    let introspects = fields.iter().any(|field| match &field.node {
        Selection::Field(field) => field.node.name.node.starts_with("__"),
        _ => false,
    });
    let message = match () {
        () if introspects => "A subscription has one root field, and none of the schema's own.",
        () if names.len() > 1 => "A subscription has one root field: start one for each.",
        () => return Ok(()),
    };
    let mut error: ServerError = GraphError::new("VALIDATION_FAILED", message).into_server_error();
    error.locations.push(operation.pos);
    Err(error)
}

/// The names of the fragments that are spread within `set`.
fn spreads(set: &SelectionSet, names: &mut HashSet<Name>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => spreads(&field.node.selection_set.node, names),
            Selection::InlineFragment(inline) => spreads(&inline.node.selection_set.node, names),
            Selection::FragmentSpread(spread) => {
                names.insert(spread.node.fragment_name.node.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, Object, Schema, Subscription};
    use futures_util::{Stream, StreamExt as _, stream};
    use serde_json::{Value, json};

    use crate::config::Config;
    use crate::graphql::limits::limited;

    struct Query;

    #[Object]
    impl Query {
        async fn number(&self) -> i32 {
            1
        }
    }

    struct Tick(i32);

    #[Object]
    impl Tick {
        async fn number(&self) -> i32 {
            self.0
        }

        async fn twice(&self) -> i32 {
            2 * self.0
        }
    }

    struct Root;

    #[Subscription(name = "Subscription")]
    impl Root {
        async fn ticks(&self, from: Option<i32>) -> impl Stream<Item = Tick> {
            stream::iter([Tick(from.unwrap_or(1))])
        }
    }

    /// What comes of `document`: its data, or the message of its error.
    async fn outcome(document: &str, variables: Value) -> Vec<Value> {
        let limits = Config::load(None, |_| None).unwrap().limits;
        let schema = limited(Schema::build(Query, EmptyMutation, Root), limits).finish();
        let request = async_graphql::Request::new(document).variables(async_graphql::Variables::from_json(variables));
        let answers = schema.execute_stream(request).map(|answer| match answer.errors.first() {
            Some(error) => json!(error.message),
            None => answer.data.into_json().unwrap(),
        });
        answers.collect().await
    }

    #[tokio::test]
    async fn the_root_field_may_stand_in_fragments() {
        let expected = json!({ "ticks": { "number": 1 } });
        for document in [
            "subscription { ticks { number } }",
            "subscription { ... { ticks { number } } }",
            "subscription { ... on Subscription { ticks { number } } }",
            "subscription { ...T } fragment T on Subscription { ticks { number } }",
            "subscription { ...T } fragment T on Subscription { ...U } fragment U on Subscription { ticks { ...N } } fragment N on Tick { number }",
            "subscription { ...T } fragment T on Subscription { ... @include(if: true) { ticks { number } } }",
            "subscription { ...T ...T } fragment T on Subscription { ticks { number } }",
        ] {
            assert_eq!(outcome(document, json!({})).await, std::slice::from_ref(&expected), "{document}");
        }
        let merged =
            "subscription { ticks(from: 3) { number } ...T } fragment T on Subscription { ticks(from: 3) { twice } }";
        assert_eq!(outcome(merged, json!({})).await, [json!({ "ticks": { "number": 3, "twice": 6 } })]);
        let skipped = "subscription($no: Boolean!) { ...T @skip(if: $no) } fragment T on Subscription { ticks { number } }";
        assert_eq!(outcome(skipped, json!({ "no": false })).await, [expected]);
        assert!(outcome(skipped, json!({ "no": true })).await.is_empty());
    }

    #[tokio::test]
    async fn a_subscription_has_one_root_field() {
        for document in [
            "subscription { ticks { number } more: ticks { number } }",
            "subscription { ticks { number } ...T } fragment T on Subscription { more: ticks { number } }",
            "subscription { __typename }",
            "subscription { ticks { number } __typename }",
            "subscription { ticks { number } ticks(from: 2) { number } }",
            "subscription { ... on Query { number } }",
            "subscription { ...T } fragment T on Query { number }",
            "subscription { ...T } fragment T on Subscription { ...T }",
            "subscription { ...T }",
            "subscription { ticks { number } } fragment T on Subscription { ticks { number } }",
        ] {
            let refused = outcome(document, json!({})).await;
            assert!(matches!(refused.as_slice(), [Value::String(_)]), "{document}: {refused:?}");
        }
    }
}
