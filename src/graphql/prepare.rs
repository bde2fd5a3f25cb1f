//! What the specification asks for between a document's text and its execution, where the library does otherwise.

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextPrepareRequest, NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, ServerError, ServerResult, ValidationResult, Variables, async_trait};

use super::limits::select;
use super::{scopes, subscription_root, typename, variables};

/// Prepares each request. To stand outside of the limits: it follows the whole document, which they bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prepare;

/// What is wrong with a request's variables; in its data. It is told after what is wrong with its document.
#[derive(Debug)]
struct BadVariables(ServerError);

/// Which operation of its document a request is for; in its data.
#[derive(Debug)]
struct Wanted(Option<String>);

impl ExtensionFactory for Prepare {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_trait::async_trait]
impl Extension for Prepare {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = next.run(ctx, request).await?;
        let mut given = std::mem::take(&mut request.variables);
        let wanted = request.operation_name.clone();
        let operation = select(request.parsed_query()?, wanted.as_deref())?;
        let coerced = variables::coerce(&ctx.schema_env.registry, &operation.node, &mut given);
        request.variables = given;
        if let Err(error) = coerced {
            request.data.insert(BadVariables(error));
        }
        request.data.insert(Wanted(wanted));
        Ok(request)
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let mut document = next.run(ctx, query, variables).await?;
        let wanted = ctx.data_opt::<Wanted>().and_then(|wanted| wanted.0.as_deref());
        if let Some(root) = &ctx.schema_env.registry.subscription_type {
            subscription_root::flatten(&mut document, root, wanted)?;
        }
        scopes::check(ctx, &document, wanted)?;
        typename::wrap(&mut document)?;
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        match ctx.data_opt::<BadVariables>() {
            Some(BadVariables(error)) => Err(vec![error.clone()]),
            None => Ok(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_graphql::{
        EmptySubscription, Enum, InputObject, MergedObject, Object, Response, Schema, Value as GraphValue, Variables, value,
    };
    use serde_json::{Value, json};

    use crate::config::Config;
    use crate::graphql::context::Begun;
    use crate::graphql::limits::limited;

    #[derive(Default)]
    struct Things;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
    enum Colour {
        Red,
    }

    #[derive(InputObject)]
    struct Thing {
        name: String,
        colour: Option<Colour>,
        #[graphql(default = 1)]
        count: i32,
        parts: Option<Vec<Thing>>,
    }

    #[Object]
    impl Things {
        async fn number(&self, of: Option<i32>) -> i32 {
            of.unwrap_or(1)
        }

        async fn thing(&self, thing: Thing) -> String {
            let parts = thing.parts.into_iter().flatten().map(|part| part.name).collect::<String>();
            format!("{} {:?} {} {parts}", thing.name, thing.colour, thing.count)
        }

        async fn all(&self, things: Vec<Option<Thing>>) -> usize {
            things.len()
        }

        async fn things(&self, names: Vec<String>) -> usize {
            names.len()
        }
    }

    #[derive(MergedObject, Default)]
    struct Query(Things);

    static CHANGES: AtomicUsize = AtomicUsize::new(0);

    struct Mutation;

    #[Object]
    impl Mutation {
        async fn change(&self, of: Option<i32>) -> usize {
            of.map_or(0, |_| 1) + CHANGES.fetch_add(1, Ordering::Relaxed)
        }
    }

    /// The answer, and whether the execution began.
    async fn answer(document: &str, name: Option<&str>, variables: Value) -> (Response, bool) {
        let limits = Config::load(None, |_| None).unwrap().limits;
        let schema = limited(Schema::build(Query::default(), Mutation, EmptySubscription), limits).finish();
        let begun = Begun::default();
        let mut request =
            async_graphql::Request::new(document).variables(Variables::from_json(variables)).data(begun.clone());
        request.operation_name = name.map(str::to_owned);
        (schema.execute(request).await, begun.get())
    }

    async fn data(document: &str, variables: Value) -> GraphValue {
        let (response, _) = answer(document, None, variables).await;
        assert!(response.is_ok(), "{document}: {:?}", response.errors);
        response.data
    }

    /// The code and the text of the only error of a request that was not executed.
    async fn refusal(document: &str, variables: Value) -> (String, String) {
        let (response, has_begun) = answer(document, None, variables).await;
        assert!(!has_begun, "{document} was executed");
        let [error] = response.errors.as_slice() else { panic!("{document}: {:?}", response.errors) };
        assert!(error.path.is_empty() && !error.locations.is_empty(), "{error:?}");
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code")).unwrap();
        let GraphValue::String(code) = code else { panic!("{code:?}") };
        (code.clone(), error.message.clone())
    }

    const THING: &str = "query($thing: Thing!) { thing(thing: $thing) }";

    #[tokio::test]
    async fn a_variable_that_is_missing_or_of_another_type_is_an_error_of_the_request() {
        for (document, variables, expected) in [
            ("query($n: Int!) { number(of: $n) }", json!({}), "Variable \"$n\" of type \"Int!\" is required."),
            ("query($n: Int!) { a: number number(of: $n) @skip(if: true) }", json!({}), "is required."),
            ("query($b: Boolean!) { number @skip(if: $b) }", json!({}), "Variable \"$b\" of type \"Boolean!\" is required."),
            ("query($b: Boolean!) { number @skip(if: $b) }", json!({ "b": "x" }), ""),
            ("query($n: [String!]!) { things(names: $n) }", json!({ "n": ["a", null] }), ""),
            (THING, json!({ "thing": "x" }), "Variable \"$thing\" is not of type \"Thing!\"."),
            (THING, json!({ "thing": { "colour": "RED" } }), ""),
        ] {
            let (code, message) = refusal(document, variables).await;
            // the library's own check, of what it does see, comes first
            assert!(["BAD_ARGUMENT", "VALIDATION_FAILED"].contains(&code.as_str()), "{document}: {code}");
            assert!(message.contains(expected), "{document}: {message}");
        }
    }

    #[tokio::test]
    async fn nothing_is_changed_by_a_request_whose_variables_are_wrong() {
        let document = "mutation($n: Int!, $t: Thing) { change b: change(of: $n) }";
        let before = CHANGES.load(Ordering::Relaxed);
        refusal("mutation($n: Int!) { change b: change(of: $n) }", json!({})).await;
        assert_eq!(CHANGES.load(Ordering::Relaxed), before);
        // what is wrong with the document is told before that
        let (code, message) = refusal(document, json!({})).await;
        assert_eq!((code.as_str(), message.as_str()), ("VALIDATION_FAILED", "Variable \"$t\" is not used"));
    }

    #[tokio::test]
    async fn the_place_in_a_variable_is_named() {
        // the library looks at no argument of which one variable is absent
        let document = "query($a: Thing!, $b: Thing) { all(things: [$a, $b]) }";
        for (thing, expected) in [
            (
                json!({ "name": "a", "parts": [{ "name": "b" }, { "name": 1 }] }),
                "$a.parts[1].name\" is not of type \"String!\"",
            ),
            (json!({ "name": "a", "parts": [{ "name": "b", "colour": "GREEN" }] }), "$a.parts[0].colour\" is not of"),
            (json!({ "name": "a", "colour": 1 }), "$a.colour\" is not of type \"Colour\""),
            (json!({ "name": "a", "parts": { "name": null } }), "$a.parts.name\" is not of type \"String!\""),
            (json!({ "name": "a", "parts": 1 }), "$a.parts\" is not of type \"Thing!\""),
            (json!({ "name": "a", "size": 1 }), "$a\" has no field \"size\""),
            (json!({ "name": "a", "parts": [{}] }), "$a.parts[0].name\" is required"),
        ] {
            let (code, message) = refusal(document, json!({ "a": thing })).await;
            assert_eq!(code, "BAD_ARGUMENT");
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(data(document, json!({ "a": { "name": "a" }, "b": { "name": "b" } })).await, value!({ "all": 2 }));
    }

    #[tokio::test]
    async fn right_variables_pass_and_absent_ones_have_their_defaults() {
        let thing = json!({ "thing": { "name": "a", "colour": "RED", "parts": { "name": "b", "parts": [] } } });
        assert_eq!(data(THING, thing).await, value!({ "thing": "a Some(Red) 1 b" }));
        assert_eq!(data("query($n: [String!]!) { things(names: $n) }", json!({ "n": "a" })).await, value!({ "things": 1 }));
        assert_eq!(data("query($n: Int) { number(of: $n) }", json!({ "n": null })).await, value!({ "number": 1 }));
        assert_eq!(data("query($n: Int) { number(of: $n) }", json!({ "other": 5 })).await, value!({ "number": 1 }));
        assert_eq!(data("query($n: Int! = 7) { number(of: $n) }", json!({})).await, value!({ "number": 7 }));
        for (document, expected) in [
            ("query($b: Boolean! = true) { number a: number @skip(if: $b) }", value!({ "number": 1 })),
            ("query($b: Boolean = true) { number a: number @include(if: $b) }", value!({ "number": 1, "a": 1 })),
            ("query($b: Boolean = true) { number ... @include(if: $b) { a: number } }", value!({ "number": 1, "a": 1 })),
        ] {
            assert_eq!(data(document, json!({})).await, expected, "{document}");
            let other = data(document, json!({ "b": false })).await;
            assert_ne!(other, expected, "{document}");
        }
        // those of the operation that is meant, and of no other
        let document = "query A { number } query B($n: Int!) { number(of: $n) }";
        let (response, _) = answer(document, Some("A"), json!({ "n": "x" })).await;
        assert!(response.is_ok(), "{:?}", response.errors);
        let (response, has_begun) = answer(document, Some("B"), json!({})).await;
        assert!(response.is_err() && !has_begun);
    }

    #[tokio::test]
    async fn directives_of_typename_are_like_those_of_other_fields() {
        let variable = "query($b: Boolean!) { __typename @include(if: $b) number }";
        assert_eq!(data(variable, json!({ "b": true })).await, value!({ "__typename": "Query", "number": 1 }));
        assert_eq!(data(variable, json!({ "b": false })).await, value!({ "number": 1 }));
        let nested = "query($b: Boolean!) { ...F } fragment F on Query { number ... { kind: __typename @skip(if: $b) } }";
        assert_eq!(data(nested, json!({ "b": false })).await, value!({ "number": 1, "kind": "Query" }));
        assert_eq!(data(nested, json!({ "b": true })).await, value!({ "number": 1 }));
        let order = "{ a: number kind: __typename @include(if: true) b: number __typename }";
        let expected = r#"{"a":1,"kind":"Query","b":1,"__typename":"Query"}"#;
        assert_eq!(serde_json::to_string(&data(order, json!({})).await).unwrap(), expected);
        for document in [
            "{ __typename @include(if: $b) }",
            "{ __typename @include }",
            "{ __typename @nothing }",
            "{ __typename(of: 1) }",
            "{ __typename { number } }",
            "query($b: Boolean!) { __typename }",
        ] {
            let (code, _) = refusal(document, json!({ "b": true })).await;
            assert_eq!(code, "VALIDATION_FAILED", "{document}");
        }
    }
}
