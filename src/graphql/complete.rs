//! Answers in the shape that the specification gives them (GraphQL October 2021, sections 6.3.2 and 6.4.4).
//!
//! The library answers the fields of an object in the order in which they happened to be ready, and leaves out a field that
//! failed. Here they come in the order of the document; a nullable field that failed is null, and one that must not be null
//! makes its parent null, up to the next that may be. Typed clients rely on both.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{Name, PathSegment, Response, Value};

/// Puts `response` in shape: it answers the operation `name` of `document`, or its only one.
pub(super) fn complete(response: &mut Response, document: &ExecutableDocument, name: Option<&str>, registry: &Registry) {
    let mut operations = document.operations.iter();
    let operation = match name {
        Some(name) => operations.find(|(found, _)| found.is_some_and(|found| found == name)),
        None => operations.next(),
    };
    let Some((_, operation)) = operation else { return };
    let root = match operation.node.ty {
        OperationType::Query => Some(&registry.query_type),
        OperationType::Mutation => registry.mutation_type.as_ref(),
        OperationType::Subscription => registry.subscription_type.as_ref(),
    };
    let Some(root) = root else { return };
    let failed = response.errors.iter().map(|error| error.path.as_slice()).filter(|path| !path.is_empty()).collect();
    let shape = Shape { document, registry, failed };
    if response.data == Value::Null && shape.failed.is_empty() {
        // it broke as a whole, and has no shape, or every field is left out
        if response.errors.is_empty() {
            response.data = Value::Object(IndexMap::new());
        }
        return;
    }
    let data = std::mem::take(&mut response.data);
    let mut path = Vec::new();
    response.data = shape.object(data, root, &operation.node.selection_set.node, &mut path).unwrap_or_default();
}

/// What is known while an answer is put in shape.
struct Shape<'a> {
    document: &'a ExecutableDocument,
    registry: &'a Registry,
    /// Where fields failed.
    failed: Vec<&'a [PathSegment]>,
}

impl<'a> Shape<'a> {
    /// `None`: null, and the field may not be.
    fn value(&self, value: Value, of: &str, field: &'a Field, path: &mut Vec<PathSegment>) -> Option<Value> {
        if let Some(of) = of.strip_suffix('!') {
            let value = if self.is_bare(&value, field, path) { Value::Object(IndexMap::new()) } else { value };
            return self.value(value, of, field, path).filter(|value| *value != Value::Null);
        }
        let item = of.strip_prefix('[').and_then(|of| of.strip_suffix(']'));
        match (value, item) {
            (Value::List(values), Some(of)) => {
                let mut items = Vec::with_capacity(values.len());
                for (index, value) in values.into_iter().enumerate() {
                    path.push(PathSegment::Index(index));
                    let item = self.value(value, of, field, path);
                    path.pop();
                    match item {
                        Some(item) => items.push(item),
                        // an item that must not be null makes the list null
                        None => return Some(Value::Null),
                    }
                }
                Some(Value::List(items))
            }
            // only what has selected fields is an object of the schema: another is a scalar's value
            (value, None) if self.is_object(&value, field, path) => {
                Some(self.object(value, of, &field.selection_set.node, path).unwrap_or_default())
            }
            (value, _) => Some(value),
        }
    }

    /// Whether `value`, which must not be null, stands for an object of which nothing is asked: no fragment is for its type, or
    /// every field is left out by a directive. The library answers null then, too.
    fn is_bare(&self, value: &Value, field: &Field, path: &[PathSegment]) -> bool {
        *value == Value::Null
            && !field.selection_set.node.items.is_empty()
            && !self.failed.iter().any(|failed| failed.starts_with(path))
    }

    /// Whether `value` answers the fields that `field` selects. The library answers null when all of them failed.
    fn is_object(&self, value: &Value, field: &Field, path: &[PathSegment]) -> bool {
        let has_failed = || self.failed.iter().any(|failed| failed.len() > path.len() && failed.starts_with(path));
        match value {
            Value::Object(_) => !field.selection_set.node.items.is_empty(),
            Value::Null => has_failed(),
            _ => false,
        }
    }

    /// `None`: a field that must not be null is.
    fn object(&self, value: Value, of: &str, set: &'a SelectionSet, path: &mut Vec<PathSegment>) -> Option<Value> {
        let mut given = match value {
            Value::Object(given) => given,
            // every field failed
            Value::Null => IndexMap::new(),
            other => return Some(other),
        };
        let mut ordered = IndexMap::with_capacity(given.len());
        let is_whole = self.fields(set, of, &mut given, &mut ordered, path);
        // nothing is lost that the document does not explain
        ordered.extend(given);
        is_whole.then_some(Value::Object(ordered))
    }

    /// Moves what `set` asks for from `given` to `ordered`; whether the object may stand.
    fn fields(
        &self,
        set: &'a SelectionSet,
        of: &str,
        given: &mut IndexMap<Name, Value>,
        ordered: &mut IndexMap<Name, Value>,
        path: &mut Vec<PathSegment>,
    ) -> bool {
        for selection in &set.items {
            let is_whole = match &selection.node {
                Selection::Field(field) => self.field(&field.node, of, given, ordered, path),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of = condition.map_or(of, |condition| condition.node.on.node.as_str());
                    self.fields(&fragment.node.selection_set.node, of, given, ordered, path)
                }
                Selection::FragmentSpread(spread) => match self.document.fragments.get(&spread.node.fragment_name.node) {
                    Some(fragment) => {
                        let of = fragment.node.type_condition.node.on.node.as_str();
                        self.fields(&fragment.node.selection_set.node, of, given, ordered, path)
                    }
                    None => true,
                },
            };
            if !is_whole {
                return false;
            }
        }
        true
    }

    fn field(
        &self,
        field: &'a Field,
        of: &str,
        given: &mut IndexMap<Name, Value>,
        ordered: &mut IndexMap<Name, Value>,
        path: &mut Vec<PathSegment>,
    ) -> bool {
        let key = &field.response_key().node;
        let of =
            self.registry.types.get(of).and_then(|of| of.field_by_name(&field.name.node)).map(|found| found.ty.as_str());
        path.push(PathSegment::Field(key.to_string()));
        // a field that is asked for twice is one answer, merged by the library; it is looked at again for its other selection
        let value = given.shift_remove(key).or_else(|| ordered.get(key).cloned());
        let shaped = match (value, of) {
            (Some(value), Some(of)) => Some(self.value(value, of, field, path)),
            (Some(value), None) => Some(Some(value)),
            (None, Some(of)) if self.failed.iter().any(|failed| failed.starts_with(path)) => {
                Some((!of.ends_with('!')).then_some(Value::Null))
            }
            // left out by a directive, or of another type than this object's
            (None, _) => None,
        };
        path.pop();
        match shaped {
            Some(Some(value)) => {
                match (ordered.get_mut(key), value) {
                    // what the first selection asked for stays first
                    (Some(Value::Object(first)), Value::Object(value)) => first.extend(value),
                    (_, value) => drop(ordered.insert(key.clone(), value)),
                }
                true
            }
            Some(None) => false,
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema, SimpleObject, Union};
    use serde_json::{Value as Json, json};
    use tokio::task::yield_now;

    use crate::graphql::finish::Finish;

    struct Query;

    #[derive(SimpleObject)]
    #[graphql(complex)]
    struct Thing {
        name: &'static str,
    }

    #[derive(SimpleObject)]
    struct Other {
        size: i32,
    }

    #[derive(Union)]
    enum Either {
        Thing(Thing),
        Other(Other),
    }

    #[async_graphql::ComplexObject]
    impl Thing {
        async fn must_fail(&self) -> Result<i32, &'static str> {
            Err("no")
        }

        async fn may_fail(&self) -> Result<Option<i32>, &'static str> {
            Err("no")
        }
    }

    #[Object]
    impl Query {
        async fn slow(&self) -> i32 {
            for _ in 0..5 {
                yield_now().await;
            }
            1
        }

        async fn quick(&self) -> i32 {
            2
        }

        async fn thing(&self) -> Option<Thing> {
            Some(Thing { name: "a" })
        }

        async fn sure_thing(&self) -> Thing {
            Thing { name: "b" }
        }

        async fn either(&self) -> Either {
            Either::Thing(Thing { name: "d" })
        }

        async fn eithers(&self) -> Vec<Either> {
            vec![Either::Other(Other { size: 1 }), Either::Thing(Thing { name: "e" })]
        }

        async fn things(&self) -> Vec<Option<Thing>> {
            vec![Some(Thing { name: "c" })]
        }
    }

    async fn answer(document: &str) -> (String, usize) {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).extension(Finish).finish();
        let response = schema.execute(document).await;
        (serde_json::to_string(&response.data).unwrap(), response.errors.len())
    }

    #[tokio::test]
    async fn fields_come_in_the_order_of_the_document() {
        let (data, _) =
            answer("{ slow ...F thing { ... on Thing { name } } quick } fragment F on Query { other: slow quick }").await;
        assert_eq!(data, r#"{"slow":1,"other":1,"quick":2,"thing":{"name":"a"}}"#);
        let (data, _) = answer("{ thing { __typename } quick thing { name } }").await;
        assert_eq!(data, r#"{"thing":{"__typename":"Thing","name":"a"},"quick":2}"#);
    }

    #[tokio::test]
    async fn what_failed_is_null_as_far_up_as_it_must_be() {
        for (document, expected) in [
            ("{ quick thing { name mayFail } }", json!({ "quick": 2, "thing": { "name": "a", "mayFail": null } })),
            ("{ quick thing { name mustFail } }", json!({ "quick": 2, "thing": null })),
            ("{ quick sureThing { mustFail } }", Json::Null),
            ("{ quick sureThing { mayFail } }", json!({ "quick": 2, "sureThing": { "mayFail": null } })),
            ("{ things { name mustFail } }", json!({ "things": [null] })),
            ("{ thing { mustFail @skip(if: true) name } }", json!({ "thing": { "name": "a" } })),
        ] {
            let (data, _) = answer(document).await;
            assert_eq!(serde_json::from_str::<Json>(&data).unwrap(), expected, "{document}");
        }
    }
    #[tokio::test]
    async fn an_object_of_which_nothing_is_asked_is_there() {
        for (document, expected) in [
            ("{ quick either { ... on Other { size } } }", json!({ "quick": 2, "either": {} })),
            ("{ eithers { ... on Other { size } } }", json!({ "eithers": [{ "size": 1 }, {}] })),
            ("{ sureThing { name @skip(if: true) } }", json!({ "sureThing": {} })),
            ("{ quick @skip(if: true) }", json!({})),
            // what cannot be made is not there
            ("{ either { ... on Thing { mustFail } } }", Json::Null),
        ] {
            let (data, _) = answer(document).await;
            assert_eq!(serde_json::from_str::<Json>(&data).unwrap(), expected, "{document}");
        }
    }
}
