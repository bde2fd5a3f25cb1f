//! The root of a subscription (GraphQL specification, sections 5.2.4 and 6.2.3): one field, wherever it is written.
//!
//! The library follows the fields that stand directly in the operation and passes over those in fragments without a word;
//! and it follows as many as there are. Here fragments at the root are replaced by what they hold, before the document is
//! validated, and more than one field is refused.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError, ServerResult};

use super::error::GraphError;
use super::limits::select;

/// Writes the root field of the operation that is `wanted` directly into it, if it is a subscription, and looks at those of
/// the others. `root` is the type that they are fields of.
///
/// # Errors
/// When a subscription of `document` has not exactly one root field, or the operation is not there. What is invalid otherwise
/// is left for the validation to refuse.
pub(super) fn flatten(document: &mut ExecutableDocument, root: &str, wanted: Option<&str>) -> ServerResult<()> {
    let selected = select(document, wanted)?;
    let mut flat = None;
    for (_, operation) in document.operations.iter() {
        if operation.node.ty != OperationType::Subscription {
            continue;
        }
        let mut way = Way::new(document, root);
        way.gather(&operation.node.selection_set.node).map_err(|wrong| wrong.at(operation))?;
        // only what will be executed is written anew: a document may have hundreds of operations
        if std::ptr::eq(operation, selected) {
            flat = way.field();
        }
    }
    let Some((field, spliced)) = flat else { return Ok(()) };
    if let Some(operation) = selected_mut(document, wanted) {
        operation.selection_set.node.items = vec![field];
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

/// What [`select`] selects, to be changed.
fn selected_mut<'doc>(
    document: &'doc mut ExecutableDocument,
    wanted: Option<&str>,
) -> Option<&'doc mut OperationDefinition> {
    let operation = match (&mut document.operations, wanted) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(wanted)) => operations.get_mut(wanted),
        (DocumentOperations::Multiple(operations), None) => operations.values_mut().next(),
    };
    operation.map(|operation| &mut operation.node)
}

/// What a root must not have.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Introspection,
    Several,
}

impl Wrong {
    fn at(self, operation: &Positioned<OperationDefinition>) -> ServerError {
        let message = match self {
            Self::Introspection => "A subscription has one root field, and none of the schema's own.",
            Self::Several => "A subscription has one root field: start one for each.",
        };
        let mut error: ServerError = GraphError::new("VALIDATION_FAILED", message).into_server_error();
        error.locations.push(operation.pos);
        error
    }
}

/// Through the fragments at a root, each of them once.
struct Way<'a> {
    document: &'a ExecutableDocument,
    root: &'a str,
    /// Directives of the fragments around.
    around: Vec<&'a Directive>,
    /// The fragments that were gone through, with what was around their fields.
    spliced: HashMap<&'a Name, Vec<&'a Directive>>,
    /// Where the field is written, and what is around it there.
    found: Vec<&'a Positioned<Field>>,
    around_found: Vec<&'a Directive>,
    /// Something cannot stand here, which the validation says better.
    is_odd: bool,
}

impl<'a> Way<'a> {
    fn new(document: &'a ExecutableDocument, root: &'a str) -> Self {
        Self {
            document,
            root,
            around: Vec::new(),
            spliced: HashMap::new(),
            found: Vec::new(),
            around_found: Vec::new(),
            is_odd: false,
        }
    }

    /// Looks for the field in `set`, up to the first that is another one. The document's nesting must be bounded.
    fn gather(&mut self, set: &'a SelectionSet) -> Result<(), Wrong> {
        for selection in &set.items {
            let (directives, set) = match &selection.node {
                Selection::Field(field) => {
                    self.find(field)?;
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref().map(|on| &on.node.on.node);
                    if condition.is_some_and(|on| on != self.root) {
                        self.is_odd = true;
                        continue;
                    }
                    (&inline.node.directives, &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.fragment(name) else {
                        self.is_odd = true;
                        continue;
                    };
                    let around: Vec<_> = self.around.iter().copied().chain(nodes(&spread.node.directives)).collect();
                    match self.spliced.get(name) {
                        Some(before) if are_same(before, &around) => continue,
                        // the same field under another condition
                        Some(_) => return Err(Wrong::Several),
                        None => self.spliced.insert(name, around),
                    };
                    (&spread.node.directives, &fragment.selection_set.node)
                }
            };
            let depth = self.around.len();
            self.around.extend(nodes(directives));
            self.gather(set)?;
            self.around.truncate(depth);
        }
        Ok(())
    }

    fn find(&mut self, field: &'a Positioned<Field>) -> Result<(), Wrong> {
        if field.node.name.node.starts_with("__") {
            return Err(Wrong::Introspection);
        }
        match self.found.first() {
            None => self.around_found.clone_from(&self.around),
            Some(first) => {
                let directives = |around: &[&'a Directive], field: &'a Field| -> Vec<&'a Directive> {
                    around.iter().copied().chain(nodes(&field.directives)).collect()
                };
                let before = directives(&self.around_found, &first.node);
                if !is_same(&first.node, &field.node) || !are_same(&before, &directives(&self.around, &field.node)) {
                    return Err(Wrong::Several);
                }
            }
        }
        self.found.push(field);
        Ok(())
    }

    /// The fragment `name`, if it is one of the root's type.
    fn fragment(&self, name: &Name) -> Option<&'a FragmentDefinition> {
        let fragment = &self.document.fragments.get(name)?.node;
        (fragment.type_condition.node.on.node == self.root).then_some(fragment)
    }

    /// The field, with all that is selected of it, and the fragments that it was taken from.
    fn field(self) -> Option<(Positioned<Selection>, HashSet<Name>)> {
        let (first, others) = self.found.split_first().filter(|_| !self.is_odd)?;
        let mut field = (*first).clone();
        let around = self.around_found.into_iter().cloned().map(|directive| Positioned::new(directive, first.pos));
        field.node.directives.splice(0..0, around);
        let more = others.iter().flat_map(|other| other.node.selection_set.node.items.iter().cloned());
        field.node.selection_set.node.items.extend(more);
        let selection = Positioned::new(Selection::Field(field), first.pos);
        Some((selection, self.spliced.into_keys().cloned().collect()))
    }
}

fn nodes(directives: &[Positioned<Directive>]) -> impl Iterator<Item = &Directive> {
    directives.iter().map(|directive| &directive.node)
}

/// Whether the two are one field of the answer, under the same directives.
fn is_same(one: &Field, other: &Field) -> bool {
    one.response_key().node == other.response_key().node
        && one.name.node == other.name.node
        && one.arguments == other.arguments
}

fn are_same(some: &[&Directive], others: &[&Directive]) -> bool {
    let is_same = |(one, other): (&&Directive, &&Directive)| {
        std::ptr::eq(*one, *other) || (one.name == other.name && one.arguments == other.arguments)
    };
    some.len() == others.len() && some.iter().zip(others).all(is_same)
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
    use async_graphql::parser::parse_query;
    use async_graphql::{EmptyMutation, Object, Schema, Subscription};
    use futures_util::{Stream, StreamExt as _, stream};
    use serde_json::{Value, json};

    use super::*;
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
        let twice = "subscription($yes: Boolean!) { ...T @include(if: $yes) ...T @include(if: $yes) ticks @include(if: $yes) { twice } } fragment T on Subscription { ticks { number } }";
        assert_eq!(outcome(twice, json!({ "yes": true })).await, [json!({ "ticks": { "number": 1, "twice": 2 } })]);
    }

    #[test]
    fn what_is_not_executed_is_not_copied_and_nothing_is_copied_twice() {
        let mut query = "subscription A { ...F0 } subscription B { ...F0 } query C { number }".to_owned();
        for n in 0..12 {
            query.extend([format!(" fragment F{n} on Subscription {{ ...F{next} ...F{next} }}", next = n + 1)]);
        }
        query += " fragment F12 on Subscription { ticks(from: 1) { number } ticks(from: 1) { twice } }";
        let parsed = parse_query(query).unwrap();
        let selections = |document: &ExecutableDocument, name: &str| {
            let DocumentOperations::Multiple(operations) = &document.operations else { panic!() };
            operations[name].node.selection_set.node.items.clone()
        };
        let (mut a, mut c) = (parsed.clone(), parsed.clone());
        flatten(&mut a, "Subscription", Some("A")).unwrap();
        let [Positioned { node: Selection::Field(ticks), .. }] = &*selections(&a, "A") else { panic!() };
        assert_eq!(ticks.node.selection_set.node.items.len(), 2, "what 4,096 ways lead to is there once");
        assert_eq!(format!("{:?}", selections(&a, "B")), format!("{:?}", selections(&parsed, "B")));
        assert_eq!(a.fragments.len(), parsed.fragments.len(), "they are still used");
        flatten(&mut c, "Subscription", Some("C")).unwrap();
        assert_eq!(format!("{c:?}"), format!("{parsed:?}"));
    }

    #[test]
    fn every_subscription_of_a_document_has_one_root_field() {
        let query =
            "query A { number } subscription B { ticks { number } ...T } fragment T on Subscription { a: ticks { number } }";
        let mut document = parse_query(query).unwrap();
        assert!(flatten(&mut document, "Subscription", Some("A")).is_err());
    }

    #[tokio::test]
    async fn a_subscription_has_one_root_field() {
        for document in [
            "subscription { ticks { number } more: ticks { number } }",
            "subscription { ticks { number } ...T } fragment T on Subscription { more: ticks { number } }",
            "subscription { ticks @include(if: true) { number } ticks { number } }",
            "subscription { ...T ...T @include(if: true) } fragment T on Subscription { ticks { number } }",
            "subscription { ...T } fragment T on Subscription { ticks { number } ...Missing }",
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
